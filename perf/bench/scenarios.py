# SPDX-License-Identifier: MIT
"""What is measured. Each function takes a Bench and returns the rows it filled."""
import json
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.load import Meter, faults, surroundings, wrk
from bench.process import Failure, Program, free_port
from bench.row import Row

INSERTED = 'telemetry_metrics_total{change="inserted"}'
CACHE_HITS = 'telemetry_cache_total{result="hit"}'
PAGE_METRICS, BATCH_METRICS = 100, 1000
PAGE_PATH = f"/metrics?name=page&limit={PAGE_METRICS}"


@dataclass
class Bench:
    folder: Path          # for stores and logs, on a real disk
    server_binary: Path
    floor_binary: Path
    bulk_binary: Path
    load_binary: Path
    prompt_binary: Path
    rounds: int           # of each alternation
    seconds: int          # of one run of wrk
    warm_seconds: int
    idle_seconds: int
    load_seconds: int     # of one run of the load runner
    ask_seconds: int      # of one run of one question
    starts: int
    server: Program = None
    floor: Program = None

    def new_server(self, store, port=0, settings=None):
        """A server with default settings but for these; store is a folder that may hold one already."""
        store.mkdir(exist_ok=True)
        return Program([self.server_binary], store, {"PORT": str(port), "DATA_DIR": str(store), **(settings or {})})

    def new_floor(self, get_bytes, port=0):
        return Program([self.floor_binary, port, get_bytes], self.folder)

    def alternate(self, script, path, connections):
        """Rounds of server and floor by turns, after a warm-up of each: (server's results, floor's results, noise)."""
        noise = [surroundings([self.server, self.floor])]
        pair = ((self.server, self.floor), (self.floor, self.server))
        warm = [wrk(script, busy, path, connections, self.warm_seconds, [idle]) for busy, idle in pair]
        results = ([], [])
        for _ in range(self.rounds):
            for (busy, idle), list_of_it in zip(pair, results):
                list_of_it.append(wrk(script, busy, path, connections, self.seconds, [idle]))
        noise += [result["during"] for result in results[0] + results[1]]
        return warm[0], results, noise


def rates(results):
    return [result["per_second"] for result in results]


def row_beside_floor(scenario, results, noise, bar):
    ours, floors = rates(results[0]), rates(results[1])
    return Row(scenario, median(ours), "/s", bar, "ratio", floor=median(floors), spread=(min(ours), max(ours)),
               failures=faults(results[0], "server") + faults(results[1], "floor"), noise=noise,
               detail={"server": results[0], "floor": results[1]})


def check_stored(row, stored, accepted, in_flight_max):
    """Every metric that was answered is stored; wrk leaves without reading the last answers, so there may be more."""
    row.detail |= {"metrics_accepted": accepted, "metrics_stored": stored}
    if not accepted <= stored <= accepted + in_flight_max:
        row.failures.append(f"{accepted:,} metrics accepted but {stored:,} stored")


def make_page(server):
    """Posts the metrics of the page, reads it until the cache has it, and gives its size in bytes."""
    now_ms = int(time.time() * 1000)
    lines = [json.dumps({"name": "page", "tags": ["host:web-01", "region:eu-west"], "value": i / 7,
                         "timestamp": now_ms + i}) for i in range(PAGE_METRICS)]
    status, _, body = server.request("POST", "/metrics", "\n".join(lines) + "\n", "application/x-ndjson")
    if status != 201:
        raise Failure(f"the metrics of the page were answered {status}: {body.decode(errors='replace')}")
    server.get(PAGE_PATH)
    status, headers, body = server.request("GET", PAGE_PATH)
    if status != 200 or len(json.loads(body)["metrics"]) != PAGE_METRICS:
        raise Failure(f"the page was answered {status} and does not hold {PAGE_METRICS} metrics")
    if "hit" not in headers.get("Cache-Status", ""):
        raise Failure(f"the page is not cached: Cache-Status is {headers.get('Cache-Status', 'absent')}")
    return len(body)


def single_posts(bench):
    connections, before = 64, bench.server.counter(INSERTED)
    warm, results, noise = bench.alternate("post_single.lua", "/metrics", connections)
    row = row_beside_floor(f"durable single POST, {connections} connections", results, noise, bar=0.3)
    accepted = sum(result["requests"] for result in [warm, *results[0]])
    check_stored(row, settled(bench.server, INSERTED) - before, accepted, connections * (bench.rounds + 1))
    return [row]


def cached_pages(bench):
    connections, before = 64, bench.server.counter(CACHE_HITS)
    warm, results, noise = bench.alternate("get_page.lua", PAGE_PATH, connections)
    row = row_beside_floor(f"cached GET of {PAGE_METRICS} metrics, {connections} connections", results, noise, bar=0.5)
    n_requests = sum(result["requests"] for result in [warm, *results[0]])
    row.detail["cache_hits"] = bench.server.counter(CACHE_HITS) - before
    if row.detail["cache_hits"] < 0.99 * n_requests:
        row.failures.append(f"only {row.detail['cache_hits']:,} of {n_requests:,} answers came from the cache")
    return [row]


def batches(bench):
    """Metrics a second, by what the server counted as stored between the start and the end of each run."""
    connections, results, found = 8, [], []
    noise = [surroundings([bench.server])]
    wrk("post_batch.lua", bench.server, "/metrics", connections, bench.warm_seconds)
    row = Row(f"NDJSON of {BATCH_METRICS:,} metrics, {connections} connections", 0, "/s", 150000, "least", noise=noise)
    for _ in range(bench.rounds):
        before = settled(bench.server, INSERTED)
        result = wrk("post_batch.lua", bench.server, "/metrics", connections, bench.seconds)
        check_stored(row, settled(bench.server, INSERTED) - before, result["requests"] * BATCH_METRICS,
                     connections * BATCH_METRICS)
        noise.append(result["during"])
        found.append(result["per_second"] * BATCH_METRICS)
        results.append(result | {"metrics_stored": row.detail["metrics_stored"]})
    row.value, row.spread = median(found), (min(found), max(found))
    row.failures += faults(results, "server")
    row.detail = {"server": results}
    return [row]


def settled(server, sample):
    """A counter once it has stopped rising: requests whose client left are still being stored."""
    value, last = server.counter(sample), -1
    while value != last:
        time.sleep(0.1)
        value, last = server.counter(sample), value
    return value


def idle(bench, when):
    """Memory, and CPU time while nobody asks."""
    time.sleep(min(3, bench.idle_seconds))
    others = [bench.floor] if bench.floor else []
    meter, cpu = Meter([bench.server, *others]), bench.server.cpu_seconds()
    time.sleep(bench.idle_seconds)
    percent = (bench.server.cpu_seconds() - cpu) / bench.idle_seconds * 100
    noise = [meter.stop()]
    beside = bench.floor.resident_mib() if bench.floor else None
    return [Row(f"resident memory, idle {when}", bench.server.resident_mib(), "MiB", 48, "most", floor=beside,
                noise=noise),
            Row(f"CPU of one core, idle {when}, {bench.idle_seconds} s", percent, "%", 0.1, "most", noise=noise)]


def start_times(make, n, path):
    """Milliseconds of n starts, each ended before the next."""
    found = []
    for number in range(n):
        port = free_port()
        with make(number, port) as program:
            found.append(program.wait_answer(port, path))
    return found


def starts(bench, store):
    """On empty stores and on the one that the load left behind; the worst of each counts."""
    noise = [surroundings([])]
    floors = start_times(lambda number, port: bench.new_floor(15000, port), bench.starts, "/")
    rows = []
    with tempfile.TemporaryDirectory(dir=bench.folder) as fresh:
        for words, place in (("empty store", lambda number: Path(fresh) / str(number)),
                             ("store of the load", lambda number: store)):
            found = start_times(lambda number, port, place=place: bench.new_server(place(number), port),
                                bench.starts, "/healthz")
            rows.append(Row(f"start to first answer, {words}, worst of {bench.starts}", max(found), "ms", 50, "most",
                            floor=max(floors), spread=(min(found), median(found)), noise=noise,
                            detail={"server_ms": found, "floor_ms": floors}))
    return rows
