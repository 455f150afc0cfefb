# SPDX-License-Identifier: MIT
"""The server beside the floor, both as fast as they can (wrk), and the server while nobody asks."""
import json
import time
from statistics import median

from bench.figures import figures
from bench.load import Meter, faults, surroundings, wrk
from bench.process import Failure
from bench.row import TARGETS, Row

INSERTED = 'telemetry_metrics_total{change="inserted"}'
CACHE_HITS = 'telemetry_cache_total{result="hit"}'
PAGE_METRICS = 100
PAGE_PATH = f"/metrics?name=page&limit={PAGE_METRICS}"
POST_BARS = {64: 0.45, 256: 0.55}  # by connections
EVENTS_A_MINUTE = 100_000


def alternate(bench, script, path, connections):
    """Rounds of server and floor by turns, after a warm-up of each: (server's results, floor's results, noise)."""
    noise = [surroundings([bench.server, bench.floor])]
    pair = ((bench.server, bench.floor), (bench.floor, bench.server))
    warm = [wrk(script, busy, path, connections, bench.warm_seconds, [idle]) for busy, idle in pair]
    results = ([], [])
    for _ in range(bench.rounds):
        for (busy, idle), list_of_it in zip(pair, results):
            list_of_it.append(wrk(script, busy, path, connections, bench.seconds, [idle]))
    noise += [result["during"] for result in results[0] + results[1]]
    return warm[0], results, noise


def rates(results):
    return [result["per_second"] for result in results]


def row_beside_floor(scenario, results, noise, bar):
    ours, floors = rates(results[0]), rates(results[1])
    return Row(scenario, median(ours), "/s", bar, "ratio", floor=median(floors), spread=(min(ours), max(ours)),
               failures=faults(results[0], "server") + faults(results[1], "floor"), noise=noise, load=figures(results[0]),
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
    rows = [single_posts_over(bench, connections, bar) for connections, bar in POST_BARS.items()]
    return [*rows, events_target(rows[0], "SQLite and memory")]


def single_posts_over(bench, connections, bar):
    before = bench.server.counter(INSERTED)
    warm, results, noise = alternate(bench, "post_single.lua", "/metrics", connections)
    row = row_beside_floor(f"durable single POST, SQLite, {connections} connections", results, noise, bar)
    accepted = sum(result["requests"] for result in [warm, *results[0]])
    check_stored(row, settled(bench.server, INSERTED) - before, accepted, connections * (bench.rounds + 1))
    return row


def events_target(row, stores):
    """What single POSTs come to in a minute."""
    return Row(f"events a minute, {stores}", row.value * 60, "", EVENTS_A_MINUTE, "least", failures=row.failures,
               noise=row.noise, load=row.load, section=TARGETS)


def cached_pages(bench):
    connections, before = 64, bench.server.counter(CACHE_HITS)
    warm, results, noise = alternate(bench, "get_page.lua", PAGE_PATH, connections)
    row = row_beside_floor(f"cached GET of {PAGE_METRICS} metrics, {connections} connections", results, noise, bar=0.7)
    n_requests = sum(result["requests"] for result in [warm, *results[0]])
    row.detail["cache_hits"] = bench.server.counter(CACHE_HITS) - before
    if row.detail["cache_hits"] < 0.99 * n_requests:
        row.failures.append(f"only {row.detail['cache_hits']:,} of {n_requests:,} answers came from the cache")
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
