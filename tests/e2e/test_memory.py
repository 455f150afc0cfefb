"""The sum of ARCHITECTURE.md, Memory, with small settings, and a server that is driven to all of them at once."""
import threading
from collections import Counter
from pathlib import Path

import open_loop
import pytest
from slow_clients import raise_files_limit
from test_overload import SLOW_STORE, most_memory, slow_clients, told
from wire import ndjson, target

KIB, MIB = 1 << 10, 1 << 20
PAGE_ITEMS, TAG = 200, "t" * 100
SETTINGS = {"REDIS_URI": "", "JOBS": 64, "CONNECTIONS_MAX": 300, "BODY_BUDGET_BYTES": 4 * MIB, "BODY_MAX_BYTES": 128 * KIB,
            "SINGLE_MAX_BYTES": 64 * KIB, "BATCH_MAX_ITEMS": 1000, "CACHE_MAX_BYTES": 2 * MIB, "QUERY_WORKERS": 1,
            "AGGREGATE_MAX_BYTES": 2 * MIB,
            # Commits take long enough for writes to hold all jobs at once, however fast the machine is.
            "LD_PRELOAD": SLOW_STORE["LD_PRELOAD"], "SLOW_SYNC_US": 50000,
            "ASAN_OPTIONS": "verify_asan_link_order=0:quarantine_size_mb=0:thread_local_quarantine_size_kb=0"}
ROUNDS_MAX = 10  # of some seconds each
THREADS = 5  # loop, parser, cache, writer, reader
PAGE_BYTES = PAGE_ITEMS * 600  # a metric of these tests as slices, text and JSON
CATALOGUE_BYTES = 64 * KIB  # of so few names


def most_allowed(server):
    """Bytes. What the store and the catalogues may hold is cut to what this test has stored, a little of what they can."""
    inserted = server.counter("telemetry_metrics_total", change="inserted")
    pages = sum(file.stat().st_size for file in server.data_dir.iterdir())
    store = min(20 * MIB, pages) + min(27 * MIB, MIB + 29 * inserted) + 6 * MIB
    write = 3 * 56 * SETTINGS["BATCH_MAX_ITEMS"] + 56 * SETTINGS["BODY_MAX_BYTES"] // 128
    jobs = (SETTINGS["JOBS"] + 64) * 34 * KIB + SETTINGS["JOBS"] * max(write, 4 * PAGE_BYTES)
    queues = 8 * THREADS ** 2 * 256
    return (24 * MIB + jobs + queues + SETTINGS["BODY_BUDGET_BYTES"] + SETTINGS["CONNECTIONS_MAX"] * KIB
            + SETTINGS["CACHE_MAX_BYTES"] + SETTINGS["QUERY_WORKERS"] * SETTINGS["AGGREGATE_MAX_BYTES"]
            + 3 * CATALOGUE_BYTES + store)


def sanitizer_of(server):
    """"asan", "tsan" or None."""
    maps = Path(f"/proc/{server.process.pid}/maps").read_text()
    return next((kind for kind in ("asan", "tsan") if f"lib{kind}" in maps), None)


def drive(server, make, done):
    """A closed load of two crowds, for some seconds."""
    crowd = [threading.Thread(target=lambda: done.extend(open_loop.run(server, make, "closed", 40, 4))) for _ in range(2)]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join()


def drive_until(server, make, done, is_at_its_bound):
    for _ in range(ROUNDS_MAX):
        drive(server, make, done)
        if is_at_its_bound():
            return
    figures = server.request("GET", "/-/metrics").body.decode()
    raise AssertionError(f"the bound was never met; answers {Counter(one.status for one in done)}; {figures}")


def requests_of(server, name):
    """Two makers of requests: pages that are always new; and batches as large as they may be, such pages, cached pages
    and questions by turns."""
    batch = ndjson([{"name": f"{name}.{i % 50}", "tags": [TAG], "value": i} for i in range(1000)])
    with server.connect() as connection:
        write = connection.make("POST", "/metrics", batch[:128 * KIB].rsplit(b"\n", 1)[0], content_type="application/x-ndjson")

    def get(path, **parameters):
        return f"GET {target(path, **parameters)} HTTP/1.1\r\nHost: x\r\n\r\n".encode()

    def new_page(n):
        return get("/metrics", name=name, limit=PAGE_ITEMS, min=-n)

    def mixed(n):
        kinds = [write, new_page(n), get("/metrics", name=name, limit=PAGE_ITEMS),
                 get("/metrics/aggregate", op="p95,distinct", by="name", name=f"{name}*", min=-n)]
        return kinds[n % len(kinds)]

    return new_page, mixed


def test_memory_stays_within_the_sum(start, name):
    raise_files_limit()
    server = start(**SETTINGS)
    if sanitizer_of(server) == "tsan":
        pytest.skip("ThreadSanitizer keeps several times the memory beside it")
    server.store([{"name": name, "tags": [TAG], "value": i} for i in range(PAGE_ITEMS)])
    (new_page, mixed), done = requests_of(server, name), []
    with slow_clients(server, f"/metrics?name={name}&limit={PAGE_ITEMS}"):
        drive_until(server, mixed, done, lambda: server.counter("telemetry_refused_total", reason="no_job") > 0)
        drive_until(server, new_page, done, lambda: server.counter("telemetry_cache_evictions_total") > 100)
    assert {200, 201} <= {one.status for one in done}
    most, allowed = most_memory(server), most_allowed(server)
    told(memory_mib=most / MIB, allowed_mib=allowed / MIB, answers=len(done))
    assert most <= (2 * allowed if sanitizer_of(server) else allowed)
