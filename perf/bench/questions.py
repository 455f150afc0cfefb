# SPDX-License-Identifier: MIT
"""Questions in words: reading them, answering them from 1,000,000 metrics, the writes beside them, and their memory."""
import json
import shutil
import subprocess
from contextlib import contextmanager
from statistics import median

from bench import runner
from bench.figures import figures
from bench.fill import fill, late_zone
from bench.load import Meter, faults, surroundings, wrk
from bench.process import Failure
from bench.row import Row
from bench.scenarios import INSERTED, check_stored, settled

WORDS = {"top": "top 5 of today", "p95": "p95 an hour over a week", "tags": "count by tag"}  # by call of the scenario
ANEW = ["--header", "Cache-Control: no-cache"]
ANEW_MS, CACHED_MS, PROMPT_US = 100, 2, 100  # bars of p99
ASKED_PER_S, KEPT = 2, 0.9
LIMIT_MIB, LIMIT_PASSED = 16, 1.1  # AGGREGATE_MAX_BYTES, and how much more malloc may make of it
TOO_LARGE = "/metrics/aggregate?op=p99,distinct,stddev&by=tag&interval=5m&from=now-30d"


def questions(bench):
    rows, store = prompts(bench), bench.folder / "questions"
    settings = {"DEFAULT_TZ": late_zone()}
    with serving(bench, store, settings) as server:
        fill(server)
        rows += latencies(bench, server, ANEW, ANEW_MS, "worked out anew")
        rows += latencies(bench, server, [], CACHED_MS, "cached")
    return rows + [memory(bench, store), writes_beside(bench, store, settings)]


@contextmanager
def serving(bench, store, settings):
    with bench.new_server(store, settings=settings) as server:
        server.wait_listening().wait_ready()
        yield server
        code = server.stop()
    if code != 0:
        raise Failure(f"the server ended with {code} on SIGTERM")


# Reading --------------------------------------------------------------------

def prompts(bench):
    """perf/prompt.c, one row for each of its lines."""
    noise = [surroundings([])]
    ended = subprocess.run([bench.tool("prompt")], capture_output=True, text=True, timeout=60, check=True)
    rows = []
    for told in map(json.loads, ended.stdout.splitlines()):
        row = Row(f"reading a prompt, {told['prompts']}, p99", told["wall_us"]["p99"], "µs", PROMPT_US, "most", noise=noise)
        row.detail["asked"] = {"n": told["reads"], "p50_us": told["wall_us"]["p50"], "p99_us": [told["wall_us"]["p99"]],
                               "max_us": told["wall_us"]["max"], "cpu_us": told["cpu_us"]["p50"],
                               "cpu_p99_us": told["cpu_us"]["p99"]}
        rows.append(row)
    return rows


# Answering ------------------------------------------------------------------

def ask(bench, server, seconds, options):
    """Starts the load runner against the server."""
    words = runner.command(bench, "questions", [server], "--duration", seconds, *options)
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def answered(asking):
    out, errors = asking.communicate(timeout=120)
    return runner.result_of(asking, out, errors)


def ask_alone(bench, server, key, options):
    """One question, again and again on one connection: (its part of the runner's result, errors, noise)."""
    others = [word for other in WORDS if other != key for word in ("--without", other)]
    meter, cpu = Meter([server]), server.cpu_seconds()
    result = answered(ask(bench, server, bench.ask_seconds, ["--rate", "0", "--connections", "1", *others, *options]))
    call = result["calls"][key]
    call["cpu_us"] = (server.cpu_seconds() - cpu) / max(1, call["latency_us"]["count"]) * 1e6
    return call, result["errors"], meter.stop()


def latencies(bench, server, options, bar_ms, how):
    """The median over the rounds of each round's p99; questions by turns."""
    found, noise = {key: [] for key in WORDS}, [surroundings([server])]
    n_errors = 0
    for _ in range(bench.rounds):
        for key, calls in found.items():
            call, errors, during = ask_alone(bench, server, key, options)
            calls.append(call)
            noise.append(during)
            n_errors += errors
    failures = [f"{n_errors:,} answers were wrong"] if n_errors else []
    return [latency_row(f"{WORDS[key]}, {how}, p99", calls, bar_ms, (noise, failures + misses(calls, bool(options))))
            for key, calls in found.items()]


def misses(calls, anew):
    """What speaks against it that the answers came from where they should."""
    kept = sum(call["cached"]["hit"] for call in calls)
    total = sum(sum(call["cached"].values()) for call in calls)
    if anew:
        return [f"{kept:,} answers came from the cache"] if kept else []
    return [] if kept >= 0.99 * total > 0 else [f"only {kept:,} of {total:,} answers came from the cache"]


def latency_row(scenario, calls, bar_ms, against):
    p99s = [call["latency_us"]["p99"] for call in calls]
    noise, failures = against
    row = Row(scenario, median(p99s) / 1000, "ms", bar_ms, "most", spread=(min(p99s) / 1000, max(p99s) / 1000),
              noise=noise, failures=failures, load=figures(calls))
    row.detail["asked"] = {"rounds": calls, "n": sum(call["latency_us"]["count"] for call in calls), "p99_us": p99s,
                           "p50_us": median(call["latency_us"]["p50"] for call in calls),
                           "max_us": max(call["latency_us"]["max"] for call in calls),
                           "cpu_us": median(call["cpu_us"] for call in calls)}
    return row


# Beside ---------------------------------------------------------------------

def write(bench, store, settings, asking):
    """Single POSTs into a copy of the store, alone or asked meanwhile: (wrk's result, the runner's, stored)."""
    copy = bench.folder / "questions-copy"
    shutil.copytree(store, copy)
    with serving(bench, copy, settings) as server:
        wrk("post_single.lua", server, "/metrics", 64, bench.warm_seconds)
        before = settled(server, INSERTED)
        asked = ask(bench, server, bench.seconds + 1, ["--rate", str(ASKED_PER_S), *ANEW]) if asking else None
        result = wrk("post_single.lua", server, "/metrics", 64, bench.seconds)
        answers = answered(asked) if asking else None
        stored = settled(server, INSERTED) - before
    shutil.rmtree(copy)
    return result, answers, stored


def writes_beside(bench, store, settings):
    """Each run begins with the same store, so that neither writes into a larger one, nor asks it."""
    noise, runs = [surroundings([])], {False: [], True: []}
    row = Row(f"single POST while {ASKED_PER_S} questions a second are worked out", 0, "/s", KEPT, "ratio",
              beside="alone", noise=noise)
    for _ in range(bench.rounds):
        for asking, results in runs.items():
            result, answers, stored = write(bench, store, settings, asking)
            check_stored(row, stored, result["requests"], 64)
            if asking and answers["errors"]:
                row.failures.append(f"{answers['errors']:,} answers were wrong")
            results.append(result | ({"answers": answers["calls"]} if asking else {}))
            noise.append(result["during"])
    with_them, alone = ([result["per_second"] for result in runs[asking]] for asking in (True, False))
    row.value, row.floor, row.spread = median(with_them), median(alone), (min(with_them), max(with_them))
    row.failures += faults(runs[True] + runs[False], "server")
    row.load = figures(runs[True])
    row.detail |= {"asked meanwhile": runs[True], "alone": runs[False]}
    return row


def memory(bench, store):
    """By how much the peak grows when a question wants more than it may have."""
    settings = {"QUERY_WORKERS": "1", "AGGREGATE_MAX_BYTES": f"{LIMIT_MIB}m", "CACHE_MAX_BYTES": "0"}
    with serving(bench, store, settings) as server:
        for _ in range(3):
            server.get("/metrics/aggregate?op=p95&by=name")
        before = server.peak_mib()
        statuses = [server.get(TOO_LARGE)[0] for _ in range(3)]
        grown = server.peak_mib() - before
    return Row(f"memory of a question that wants more than AGGREGATE_MAX_BYTES={LIMIT_MIB}m", grown, "MiB",
               LIMIT_MIB * LIMIT_PASSED, "most", failures=[] if set(statuses) == {400} else [f"answered {statuses}"])
