# SPDX-License-Identifier: MIT
"""The load runner, run once: what it counted, and what else the machine did meanwhile."""
import json
import subprocess
import time
from pathlib import Path

from bench.load import Meter
from bench.process import Failure

SCENARIOS = Path(__file__).resolve().parent.parent / "load" / "scenarios"
SPARE_S = 150  # for connecting, preparing and waiting for the last answers


def command(bench, scenario, servers, *options):
    return [str(word) for word in (bench.load_binary, "--json", "--quiet", *options, SCENARIOS / f"{scenario}.scenario",
                                   *(server.url() for server in servers))]


def result_of(ended, stdout, stderr):
    """The JSON that a run printed, whether or not requests failed."""
    if not stdout.strip():
        raise Failure(f"the load runner ended with {ended.returncode}: {stderr.strip()}")
    return json.loads(stdout)


def load(bench, scenario, servers, *options, seconds=None, standing_by=()):
    """One run against the servers, by default of bench.open_seconds behind bench.warm_seconds. `standing_by` are
    programs of ours that the servers need, or that stand by."""
    seconds = bench.open_seconds if seconds is None else seconds
    meter, began = Meter([*servers, *standing_by]), time.monotonic()
    cpu = sum(server.cpu_seconds() for server in servers)
    words = command(bench, scenario, servers, "--warm-up", bench.warm_seconds, "--duration", seconds, *options)
    ended = subprocess.run(words, capture_output=True, text=True, timeout=seconds + SPARE_S, check=False)
    elapsed = time.monotonic() - began
    result = result_of(ended, ended.stdout, ended.stderr)
    result["program_cpus"] = round((sum(server.cpu_seconds() for server in servers) - cpu) / elapsed, 2)
    result["program_mib"] = round(sum(server.resident_mib() for server in servers), 1)
    result["during"] = meter.stop()
    return result


def faults(results, who):
    """Why runs against `who` do not count; empty when they do."""
    wrong = sum(result["errors"] for result in results)
    lost = sum(result["connects_failed"] for result in results)
    found = [f"{who}: {wrong:,} requests went wrong ({', '.join(kinds(results))})"] if wrong else []
    found += [f"{who}: {lost:,} connects failed"] if lost else []
    return found if all(result["answered"] for result in results) else found + [f"{who}: a run without an answer"]


def kinds(results):
    """Which calls went wrong and how: `list timeout`, `list 503`."""
    found = set()
    for key, call in (pair for result in results for pair in result["calls"].items()):
        found |= {f"{key} {fault}" for fault in call["errors"] if fault != "status"}
        if "status" in call["errors"]:
            found |= {f"{key} {status}" for status in call["statuses"] if status >= "300"}
    return sorted(found)


def by_turns(run, programs, rounds):
    """Rounds of run(program, the others), each program in its turn: a list of results for each."""
    results = [[] for _ in programs]
    for _ in range(rounds):
        for program, found in zip(programs, results):
            found.append(run(program, [other for other in programs if other is not program]))
    return results
