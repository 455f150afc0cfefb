# SPDX-License-Identifier: MIT
"""From the empty store to 20 million metrics: batches all the way, and what reading and writing cost at its end."""
from statistics import median

from bench import runner, starts
from bench.figures import figures
from bench.load import faults, surroundings, wrk
from bench.row import Row
from bench.scenarios import INSERTED, check_stored, settled

BATCH, CONNECTIONS, MILLION = 1_000, 8, 1_000_000
BATCHES_PER_S, KEPT = 250_000, 0.7
ENDS = 10        # the start and the end are a tenth each
RANGE_RATE, RANGE_MS = 1_000, 5
GROWTH = 1.5
FILL_S_MAX = 600


def large(bench):
    store = bench.folder / "large"
    words = f"{bench.metrics // MILLION} million metrics"
    with bench.new_server(store) as server:
        server.wait_listening().wait_ready()
        rows = batches(bench, server)
        rows += ranges(bench, server, words)
        rows += growth(bench, server, words)
        code = server.stop()
        if code != 0:
            rows[0].failures.append(f"the server ended with {code} on SIGTERM")
    return rows + starts.large(bench, store, words)


# Filling ---------------------------------------------------------------------

def batches(bench, server):
    """All metrics in one closed loop of batches; how fast each million went in."""
    noise, before = [surroundings([server])], server.counter(INSERTED)
    files = bench.folder / "fill"
    result = runner.load(bench, "post_batch", [server], "--rate", 0, "--connections", CONNECTIONS, "--warm-up", 0,
                         "--requests", bench.metrics // BATCH, "--out", files, seconds=FILL_S_MAX)
    noise.append(result["during"])
    speeds = by_million(files.with_suffix(".intervals.tsv").read_text(encoding="ascii"))
    load = figures([result])
    load["per_second"] *= BATCH
    row = Row(f"NDJSON batches of {BATCH:,} x {CONNECTIONS} connections, SQLite, over {bench.metrics // MILLION} million metrics",
              load["per_second"], "/s", BATCHES_PER_S, "least", spread=(min(speeds), max(speeds)),
              failures=runner.faults([result], "server"), noise=noise, load=load,
              detail={"server": [result], "by_million": [round(speed) for speed in speeds]})
    check_stored(row, settled(server, INSERTED) - before, result["answered"] * BATCH, 0)
    n = max(1, len(speeds) // ENDS)
    first, last = mean_rate(speeds[:n]), mean_rate(speeds[-n:])
    return [row, Row(f"the same, the last {n} million", last, "/s", KEPT, "ratio", floor=first, beside=f"the first {n} million",
                     failures=row.failures, noise=noise)]


def by_million(table):
    """Metrics a second for each million that was answered, from the seconds of the run."""
    moments, at_s, stored = [0.0], 0.0, 0
    for line in table.splitlines()[1:]:
        second, answered = line.split("\t")[:2]
        before_s, before = at_s, stored
        at_s, stored = float(second), stored + int(answered) * BATCH
        while stored >= len(moments) * MILLION:
            share = (len(moments) * MILLION - before) / (stored - before)
            moments.append(before_s + share * (at_s - before_s))
    return [MILLION / (end - start) for start, end in zip(moments, moments[1:])]


def mean_rate(speeds):
    return len(speeds) / sum(1 / speed for speed in speeds)


# Reading ---------------------------------------------------------------------

def ranges(bench, server, words):
    """Name and range past the cache."""
    noise = [surroundings([server])]
    result = runner.load(bench, "get_uncached", [server], "--rate", RANGE_RATE, seconds=bench.load_seconds)
    noise.append(result["during"])
    call = result["calls"]["range"]
    failures = runner.faults([result], "server")
    if call["cached"]["hit"]:
        failures.append(f"{call['cached']['hit']:,} answers came from the cache")
    return [Row(f"GET list uncached, name and range, in {words}, {RANGE_RATE:,}/s, p99", result["latency_us"]["p99"] / 1000,
                "ms", RANGE_MS, "most", failures=failures, noise=noise, load=figures([result]), detail={"server": [result]})]


# Growth ----------------------------------------------------------------------

def growth(bench, large_server, words):
    """The same closed loop on a new store and on the large one, by turns."""
    with bench.new_server(bench.folder / "small") as small:
        small.wait_listening().wait_ready()
        servers = [large_server, small]
        noise = [surroundings(servers)]
        reads = runner.by_turns(lambda server, others: read(bench, server, others), servers, bench.rounds)
        posts = runner.by_turns(lambda server, others: post(bench, server, others), servers, bench.rounds)
        small.stop()
    return [growth_row(f"cost of a GET by name and range, uncached, in {words}", reads, noise,
                       runner.faults(reads[0] + reads[1], "server")),
            growth_row(f"cost of a single POST, in {words}", posts, noise, faults(posts[0] + posts[1], "server"))]


def read(bench, server, others):
    return runner.load(bench, "get_uncached", [server], "--rate", 0, "--connections", CONNECTIONS, seconds=bench.seconds,
                       standing_by=others)


def post(bench, server, others):
    return wrk("post_single.lua", server, "/metrics", 64, bench.seconds, others)


def growth_row(scenario, results, noise, failures):
    """The cost is the time for one at the highest rate."""
    costs = [[1e6 / result["per_second"] for result in runs] for runs in results]
    return Row(scenario, median(costs[0]), "µs", GROWTH, "times", floor=median(costs[1]), beside="in a new store",
               spread=(min(costs[0]), max(costs[0])), failures=failures, load=figures(results[0]),
               noise=noise + [result["during"] for runs in results for result in runs],
               detail={"large store": results[0], "new store": results[1]})
