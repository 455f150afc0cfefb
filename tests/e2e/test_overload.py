"""More than the server can do, and clients that are slow on purpose. Short and small here; a full run is

    OVERLOAD_S=30 SLOW_CLIENTS=500 OVERLOAD_STRICT=1 .venv/bin/pytest tests/e2e/test_overload.py -s

by a release (TELEMETRY_SERVER=build/telemetry-server), on a machine that has nothing else to do."""
import contextlib
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import open_loop
from open_loop import percentile
from server import BINARY, ROOT
from wire import eventually

SECONDS = float(os.environ.get("OVERLOAD_S", 3))
SLOW_CLIENTS = int(os.environ.get("SLOW_CLIENTS", 40))
STRICT = os.environ.get("OVERLOAD_STRICT") == "1"
MIB = 1 << 20
BURST_MS = 50

# A commit of one request takes as long as its sync: about 200 a second, on any disk.
SLOW_STORE = {"BATCH_MAX": 1, "SLOW_SYNC_US": 5000, "ASAN_OPTIONS": "verify_asan_link_order=0:quarantine_size_mb=8",
              "LD_PRELOAD": next((path for folder in (BINARY.parent, ROOT / "build-asan", ROOT / "build-clang")
                                  for path in [folder / "tests" / "libslow-sync.so"] if path.exists()), "")}


def told(**figures):
    print("  ".join(f"{name} {value:.1f}" if isinstance(value, float) else f"{name} {value}"
                    for name, value in figures.items()))


def most_memory(server):
    """The most bytes that were ever resident."""
    for line in Path(f"/proc/{server.process.pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmHWM")


def post(server, name):
    with server.connect() as connection:
        request = connection.make("POST", "/metrics", {"name": name, "value": 1})
    return lambda _: request


def milliseconds(done, *percents):
    return [1000 * percentile([one.seconds for one in done], percent) for percent in percents]


# A slow store --------------------------------------------------------------------------------------------------------


def capacity_of(server, make):
    """Writes a second, by so few clients that their queue is shorter than what is refused."""
    begun = time.monotonic()
    done = open_loop.run(server, make, "closed", 8, min(SECONDS, 3))
    assert all(one.status == 201 for one in done)
    return len(done) / (time.monotonic() - begun)


def test_three_times_what_the_store_can_do(start, name):
    """The store keeps its pace, what is taken is answered soon, what is refused at once, and reads go on."""
    server = start(**SLOW_STORE)
    make = post(server, name)
    server.request("GET", f"/metrics?name={name}.none")
    before = capacity_of(server, make)
    begun = time.monotonic()
    done = open_loop.run(server, make, "open", 3 * before, SECONDS + 1)
    seconds = time.monotonic() - begun
    capacity = min(before, capacity_of(server, make))
    taken = [one for one in done if one.status == 201]
    refused = [one for one in done if one.status == 503]
    steady = [one for one in taken if one.due > begun + 1]  # behind the interval that makes a queue an overload
    median, late = milliseconds(steady, 50, 99)
    refused_median, refused_late = milliseconds(refused, 50, 99)
    told(capacity=before, goodput=len(taken) / seconds, taken_p50_ms=median, taken_p99_ms=late, all_taken_p99_ms=
         milliseconds(taken, 99)[0], refused=len(refused), refused_p50_ms=refused_median, refused_p99_ms=refused_late,
         memory_mib=most_memory(server) / MIB)
    assert len(taken) + len(refused) == len(done)
    assert len(taken) / seconds >= 0.8 * capacity
    assert late <= 500
    assert refused_median <= 50 and (not STRICT or refused_late <= 50)
    assert server.counter("telemetry_refused_total", reason="delay") == len(refused)
    assert most_memory(server) <= 256 * MIB
    assert len(server.list_all(name=name)) >= len(taken), "what was answered is there"


def test_cached_answers_go_on_beside_a_store_with_too_much_to_do(start, name):
    server = start(**SLOW_STORE)
    make = post(server, name)
    path = f"/metrics?name={name}.other"
    assert server.request("GET", path).status == 200

    def mixed(n):
        return b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % path.encode() if n % 4 == 0 else make(n)

    done = open_loop.run(server, mixed, "open", 800, SECONDS)
    assert {one.status for one in done} == {200, 201, 503}
    assert sum(one.status == 200 for one in done) == len(range(0, len(done), 4)), "no read is refused"


# Slow clients --------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def slow_clients(server, path, *step):
    script = Path(__file__).parent / "slow_clients.py"
    count = str(SLOW_CLIENTS)
    crowd = subprocess.Popen([sys.executable, script, server.host, str(server.port), count, count, count, path, *step],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert crowd.stdout.readline() == b"there\n"
    yield
    crowd.stdin.close()
    crowd.wait(20)


def lists_served(server):
    """By the cache or, where that is a Redis which cannot keep up, without it."""
    return sum(server.counter("telemetry_cache_total", result=result)
               for result in ("hit", "collapsed", "miss", "error"))


def honest_p99(server, make):
    """Of 32 clients that call 10 times a second each."""
    done = open_loop.run(server, make, "open", 320, max(1, SECONDS / 3))
    assert {one.status for one in done} <= {200, 201}, {one.status for one in done}
    return milliseconds(done, 99)[0]


def test_slow_clients_cost_the_others_little(start, name):
    """By turns without and with heads and bodies that drip and readers that never read, each in its own time, and all in
    step: 1,500 sends at the same moment keep their sender, which may share the processors, busy for up to BURST_MS."""
    server = start(ASAN_OPTIONS="quarantine_size_mb=8")
    server.store([{"name": name, "tags": ["t" * 120], "value": i} for i in range(1000)])
    write, path = post(server, f"{name}.honest"), f"/metrics?name={name}&limit=1000"

    def make(n):
        return write(n) if n % 2 else b"GET /metrics?limit=5&name=%s HTTP/1.1\r\nHost: x\r\n\r\n" % name.encode()

    def beside(*step):
        before = lists_served(server)
        with slow_clients(server, path, *step):
            eventually(lambda: lists_served(server) >= before + SLOW_CLIENTS, 60)  # each of those that never read
            return honest_p99(server, make)

    rounds = [(honest_p99(server, make), beside(), beside("STEP")) for _ in range(3)]
    alone, own_time, in_step = map(statistics.median, zip(*rounds, strict=True))
    told(alone_p99_ms=alone, beside_p99_ms=own_time, in_step_p99_ms=in_step, memory_mib=most_memory(server) / MIB)
    bound, slack_ms = (alone, 0) if STRICT else (max(each[0] for each in rounds), 50)
    assert own_time <= 2 * bound + slack_ms
    assert in_step <= bound + BURST_MS + slack_ms
    assert most_memory(server) <= 256 * MIB
