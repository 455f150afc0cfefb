# SPDX-License-Identifier: MIT
"""What is told of a load: rate, latencies in ms, CPU and memory, as medians over its runs, whichever program made it."""
from statistics import median

PERCENTILES = ("p50", "p95", "p99", "p99.9")


def middle(runs, pick):
    """The median over the runs of what `pick` finds in each; None where it was not measured."""
    found = [value for value in map(pick, runs) if value is not None]
    return median(found) if found else None


def ms(microseconds):
    return None if microseconds is None else microseconds / 1000


def latency_us(run, key):
    """Of one run of wrk or of the load runner."""
    return run["latency_us"].get(key) if "latency_us" in run else run.get(f"{key}_us")


def figures(runs):
    """Of runs of load.wrk(), runner.load() or mongodb.bulk()."""
    longest = [latency_us(run, "max") for run in runs]
    return {"per_second": middle(runs, lambda run: run["per_second"]),
            **{key: ms(middle(runs, lambda run, key=key: latency_us(run, key))) for key in PERCENTILES},
            "max": ms(max(longest)) if None not in longest else None,
            "cpus": middle(runs, lambda run: run.get("program_cpus")),
            "mib": middle(runs, lambda run: run.get("program_mib"))}


def of_call(run, key):
    """The same of one call of a run of the load runner; CPU and memory are those of the whole."""
    call = run["calls"][key]
    return figures([{**call, "program_cpus": run["program_cpus"], "program_mib": run["program_mib"]}])
