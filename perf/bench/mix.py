# SPDX-License-Identifier: MIT
"""mix.scenario: five minutes of it, the hit rate of its lists, and beside it the targets of the task on both stores."""
import threading
import time

from bench import runner, starts
from bench.figures import figures, latency_us, of_call
from bench.load import surroundings
from bench.row import TARGETS, Row
from bench.services import is_slow, is_standin, services

RATE, TARGET_RATE = 10_000, 10_000
STANDIN_RATES = {True: 200, False: 2_000}  # by whether it is the slow one
STALE_MS = 1_000
CALL_MS, QUERY_MS = 10, 50
HITS_PERCENT, GROWN = 90, 1.1
SAMPLE_S = 1
MINUTE_S = 60
WORDS = {"post": "POST", "list": "GET list", "get": "GET by id", "put": "PUT", "delete": "DELETE", "query": "GET /query"}
# Of the calls of the mix, in ms: GET is the worse one of its two.
LATENCY_TARGETS = {"GET": (("list", "get"), 30, 50), "query": (("query",), 100, 200), "POST": (("post",), 25, 40),
                   "PUT": (("put",), 30, 50), "DELETE": (("delete",), 20, 40)}


class Memory:
    """Resident memory of a server, once a second, for as long as the context lasts."""

    def __init__(self, server):
        self.server = server
        self.mib = []
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join()

    def _run(self):
        began = time.monotonic()
        while not self.stopping.wait(max(0, began + len(self.mib) * SAMPLE_S - time.monotonic())):
            self.mib.append(self.server.resident_mib())


def serving(bench, folder, settings):
    return bench.new_server(bench.folder / folder, settings=settings)


def mix(bench):
    """The long run, in which answers may be STALE_MS old; then a shorter one by default settings."""
    with serving(bench, "mix", {"CACHE_STALE_MS": str(STALE_MS)}) as server:
        server.wait_listening().wait_ready()
        rows = long_run(bench, server)
    with serving(bench, "mix-strict", {}) as server:
        server.wait_listening().wait_ready()
        strict = run(bench, server, RATE, [], bench.load_seconds)
        rows.append(hits_row(strict, "none old", None))
        rows += targets(strict, "SQLite and memory", RATE)
        rows.append(highest_rate(bench, server, "SQLite and memory", []))
    return rows


def run(bench, server, rate, standing_by, seconds):
    """(result, noise)"""
    noise = [surroundings([server, *standing_by])]
    result = runner.load(bench, "mix", [server], "--rate", rate, seconds=seconds, standing_by=standing_by)
    return result, [*noise, result["during"]]


def long_run(bench, server):
    with Memory(server) as memory:
        told = run(bench, server, RATE, [], bench.mix_seconds)
    result, noise = told
    failures = runner.faults([result], "server")
    rows = [Row(f"mix, {RATE:,}/s over {bench.mix_seconds} s: {words}, p99", latency_us(result["calls"][key], "p99") / 1000,
                "ms", QUERY_MS if key == "query" else CALL_MS, "most", failures=failures, noise=noise,
                load=of_call(result, key)) for key, words in WORDS.items()]
    rows[0].detail = {"server": [result]}
    return [*rows, memory_row(memory.mib, failures, noise), hits_row(told, f"{STALE_MS:,} ms old allowed", HITS_PERCENT)]


def memory_row(mib, failures, noise):
    """Flat: what there is at the end, beside what there was after a minute, or after a fifth of a short run."""
    early = min(MINUTE_S, len(mib) // 5)
    return Row("mix: resident memory at its end", mib[-1], "MiB", GROWN, "times", floor=mib[early],
               beside=f"after {early * SAMPLE_S} s", failures=failures, noise=noise, detail={"mib": mib})


def share_of_hits(*calls):
    told = [call["cached"] for call in calls]
    total = sum(sum(cached.values()) for cached in told)
    return (1 - sum(cached["miss"] for cached in told) / max(1, total)) * 100


def hits_row(told, allowed, bar):
    """Of the lists, which are of 200 filters; those by id are mostly of metrics that nobody has asked for before."""
    result, noise = told
    lists, gets = result["calls"]["list"], result["calls"]["get"]
    return Row(f"mix: hit rate of lists, {allowed}", share_of_hits(lists), "%", bar, "shown" if bar is None else "least",
               failures=runner.faults([result], "server"), noise=noise, load=of_call(result, "list"),
               detail={"list": lists["cached"], "get": gets["cached"], "with_get_by_id_percent": share_of_hits(lists, gets)})


# Targets ---------------------------------------------------------------------

def targets(told, stores, rate):
    result, noise = told
    failures = runner.faults([result], "server")
    rows = []
    for words, (keys, *bars) in LATENCY_TARGETS.items():
        for percentile, bar in zip(("p95", "p99"), bars):
            worst = max(keys, key=lambda key, percentile=percentile: latency_us(result["calls"][key], percentile))
            rows.append(Row(f"{words} {percentile}, {stores}, mix at {rate:,}/s",
                            latency_us(result["calls"][worst], percentile) / 1000, "ms", bar, "most", failures=failures,
                            noise=noise, load=of_call(result, worst), section=TARGETS))
    rows[0].detail = {"server": [result]}
    return rows


def highest_rate(bench, server, stores, standing_by):
    """The mix as fast as 64 connections send it."""
    result, noise = run(bench, server, 0, standing_by, bench.load_seconds)
    return Row(f"requests a second, {stores}, mix in a closed loop", result["per_second"], "/s", TARGET_RATE, "least",
               failures=runner.faults([result], "server"), noise=noise, load=figures([result]), detail={"server": [result]},
               section=TARGETS)


def targets_of_services(bench):
    """The same beside MongoDB and Redis, at a rate that a stand-in can bear."""
    with services(bench.folder, with_redis=True) as found:
        stores = f"MongoDB ({found.name}) and Redis"
        rate = STANDIN_RATES[is_slow(found)] if is_standin(found) else RATE
        with serving(bench, "mix-services", {"APP_ENV": "test", **found.uris}) as server:
            server.wait_listening().wait_ready()
            rows = targets(run(bench, server, rate, found.processes, bench.load_seconds), stores, rate)
            rows.append(highest_rate(bench, server, stores, found.processes))
        return rows + starts.with_services(bench, found)
