# SPDX-License-Identifier: MIT
"""Single POSTs into MongoDB, beside a bare loop of mongo-c-driver on the same MongoDB."""
import json
import subprocess
from statistics import median

from bench.load import Meter, faults, own_seconds, surroundings, wrk
from bench.process import Failure
from bench.row import Row
from bench.scenarios import INSERTED, check_stored, rates, settled
from bench.services import services

CONNECTIONS = 256
THREADS = (1, 2)  # of the bare loop: the better number counts


def bulk(binary, uri, seconds, threads, programs):
    """One run of the bare loop; `programs` are those of ours that stand by, the MongoDB among them."""
    meter, own = Meter(programs), own_seconds()
    ended = subprocess.run([binary, uri, str(seconds), str(threads)], capture_output=True, text=True,
                           timeout=seconds + 60, check=False)
    if ended.returncode != 0:
        raise Failure(ended.stderr.strip() or f"bulk ended with {ended.returncode}")
    result = json.loads(ended.stdout)
    elapsed = result["duration_us"] / 1e6
    return {"requests": result["documents"], "per_second": result["documents"] / elapsed,
            "program_cpus": round((own_seconds() - own) / elapsed, 2),
            "cpu_us_per_request": result["cpu_us"] / max(1, result["documents"]), "during": meter.stop()}


def alternate(bench, uri, standing_by):
    """By turns, after a warm-up of each: {"server": results, "bulk, 1 thread": ..., ...}."""
    loops = {f"bare loop, threads: {threads}": threads for threads in THREADS}
    binary, results = bench.bulk_binary, {"server": [], **{who: [] for who in loops}}
    warm = wrk("post_single.lua", bench.server, "/metrics", CONNECTIONS, bench.warm_seconds, standing_by)
    for _ in range(bench.rounds):
        results["server"].append(wrk("post_single.lua", bench.server, "/metrics", CONNECTIONS, bench.seconds, standing_by))
        for who, threads in loops.items():
            results[who].append(bulk(binary, uri, bench.seconds, threads, [bench.server, *standing_by]))
    return warm, results


def single_posts(bench):
    """One row: the server beside the better of the bare loops."""
    with services(bench.folder) as found:
        uri = found.uris["MONGO_URI"]
        with bench.new_server(bench.folder / "mongodb", settings={"APP_ENV": "test", "MONGO_URI": uri}) as bench.server:
            bench.server.wait_listening().wait_ready()
            noise = [surroundings([bench.server, *found.processes])]
            before = bench.server.counter(INSERTED)
            try:
                warm, results = alternate(bench, uri, found.processes)
            finally:
                subprocess.run([bench.bulk_binary, uri, "drop"], timeout=60, check=False)
            row = row_of(found.name, results, noise)
            accepted = sum(result["requests"] for result in [warm, *results["server"]])
            check_stored(row, settled(bench.server, INSERTED) - before, accepted, CONNECTIONS * (bench.rounds + 1))
    bench.server = None
    return [row]


def row_of(name, results, noise):
    ours = rates(results["server"])
    best = max(median(rates(found)) for who, found in results.items() if who != "server")
    noise += [result["during"] for found in results.values() for result in found]
    return Row(f"durable single POST into MongoDB ({name}), {CONNECTIONS} connections", median(ours), "/s", 0.8, "ratio",
               floor=best, beside="the bare loop", spread=(min(ours), max(ours)), failures=faults(results["server"], "server"),
               noise=noise, detail=results)
