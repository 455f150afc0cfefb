# SPDX-License-Identifier: MIT
"""Latencies at a given rate (open loop): beside the floor at the same rate, and of changes by id."""
from statistics import median

from bench import runner
from bench.figures import figures, latency_us, of_call
from bench.load import surroundings
from bench.row import Row
from bench.scenarios import CACHE_HITS, PAGE_METRICS

RATE = 10_000
POST_WITHIN_MS = {"p50": 0.6, "p99": 1.5, "p99.9": 6}
PAGE_WITHIN_MS = {"p99": 1.5}
CHANGES_RATE, CHANGE_MS = 5_000, 10


def beside_floor(bench, scenario, words, bars):
    """One row for each percentile: the medians over the rounds, server and floor by turns."""
    noise = [surroundings([bench.server, bench.floor])]

    def run(program, others):
        return runner.load(bench, scenario, [program], "--rate", RATE, standing_by=others)

    ours, floors = runner.by_turns(run, [bench.server, bench.floor], bench.open_rounds)
    noise += [result["during"] for result in ours + floors]
    failures = runner.faults(ours, "server") + runner.faults(floors, "floor")
    rows = [percentile_row(f"{words}, {RATE:,}/s, {percentile}", percentile, ours, floors) for percentile in bars]
    for row, bar in zip(rows, bars.values()):
        row.bar, row.failures, row.noise = bar, failures, noise
    rows[0].detail = {"server": ours, "floor": floors}
    return rows


def percentile_row(scenario, percentile, ours, floors):
    found, beside = ([latency_us(result, percentile) / 1000 for result in results] for results in (ours, floors))
    return Row(scenario, median(found), "ms", None, "within", floor=median(beside), spread=(min(found), max(found)),
               load=figures(ours))


def posts(bench):
    return beside_floor(bench, "post_single", "durable single POST, SQLite", POST_WITHIN_MS)


def pages(bench):
    before = bench.server.counter(CACHE_HITS)
    rows = beside_floor(bench, "list_page", f"cached GET of {PAGE_METRICS} metrics", PAGE_WITHIN_MS)
    answered = sum(result["answered"] for result in rows[0].detail["server"])
    hits = bench.server.counter(CACHE_HITS) - before
    if hits < 0.99 * answered:
        rows[0].failures.append(f"only {hits:,} of {answered:,} answers came from the cache")
    return rows


def changes(bench):
    """PUT and DELETE by id, with POSTs that make new ids."""
    noise = [surroundings([bench.server, bench.floor])]
    result = runner.load(bench, "put_delete", [bench.server], "--rate", CHANGES_RATE, seconds=bench.load_seconds,
                         standing_by=[bench.floor])
    noise.append(result["during"])
    rows = [Row(f"{words} by id, SQLite, {CHANGES_RATE:,}/s in all, p99", latency_us(result["calls"][key], "p99") / 1000, "ms",
                CHANGE_MS, "most", failures=runner.faults([result], "server"), noise=noise, load=of_call(result, key))
            for key, words in (("put", "PUT"), ("delete", "DELETE"))]
    rows[0].detail = {"server": [result]}
    return rows
