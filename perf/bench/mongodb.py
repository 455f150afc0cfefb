# SPDX-License-Identifier: MIT
"""Single POSTs into MongoDB, beside a bare loop of mongo-c-driver on the same MongoDB."""
import json
import subprocess
from statistics import median

from bench.figures import figures
from bench.load import Meter, faults, own_seconds, surroundings, wrk
from bench.process import Failure
from bench.row import Row
from bench.scenarios import INSERTED, check_stored, events_target, rates, settled
from bench.services import services

CONNECTIONS = 256
BAR = 0.9
THREADS = (1, 2)  # of the bare loop: the better number counts
BATCHES = (1_000, CONNECTIONS)  # documents in a call: as many as it likes, and as many as the connections have under way


def bulk(bench, uri, loop, programs):
    """One run of the bare loop, (threads, documents in a call); `programs` are those of ours that stand by."""
    meter, own = Meter(programs), own_seconds()
    ended = subprocess.run([str(word) for word in (bench.tool("bulk"), uri, bench.seconds, *loop)], capture_output=True,
                           text=True, timeout=bench.seconds + 60, check=False)
    if ended.returncode != 0:
        raise Failure(ended.stderr.strip() or f"bulk ended with {ended.returncode}")
    result = json.loads(ended.stdout)
    elapsed = result["duration_us"] / 1e6
    return {"requests": result["documents"], "per_second": result["documents"] / elapsed,
            "program_cpus": round((own_seconds() - own) / elapsed, 2),
            "cpu_us_per_request": result["cpu_us"] / max(1, result["documents"]), "during": meter.stop()}


def alternate(bench, uri, standing_by):
    """By turns, after a warm-up: (warm-up, the server's results, {(threads, documents): results})."""
    server, loops = [], {(threads, batch): [] for batch in BATCHES for threads in THREADS}
    warm = wrk("post_single.lua", bench.server, "/metrics", CONNECTIONS, bench.warm_seconds, standing_by)
    for _ in range(bench.rounds):
        server.append(wrk("post_single.lua", bench.server, "/metrics", CONNECTIONS, bench.seconds, standing_by))
        for loop, results in loops.items():
            results.append(bulk(bench, uri, loop, [bench.server, *standing_by]))
    return warm, server, loops


def single_posts(bench):
    """The server beside the better of the bare loops: one row that has a bar, and one that shows smaller calls."""
    with services(bench.folder) as found:
        uri = found.uris["MONGO_URI"]
        with bench.new_server(bench.folder / "mongodb", settings={"APP_ENV": "test", "MONGO_URI": uri}) as bench.server:
            bench.server.wait_listening().wait_ready()
            noise = [surroundings([bench.server, *found.processes])]
            before = bench.server.counter(INSERTED)
            try:
                warm, server, loops = alternate(bench, uri, found.processes)
            finally:
                if found.keeps_data:
                    subprocess.run([bench.tool("bulk"), uri, "drop"], timeout=600, check=False)
            noise += [result["during"] for results in (server, *loops.values()) for result in results]
            rows = [row_of(found.name, server, loops, batch) for batch in BATCHES]
            accepted = sum(result["requests"] for result in [warm, *server])
            check_stored(rows[0], settled(bench.server, INSERTED) - before, accepted, CONNECTIONS * (bench.rounds + 1))
    bench.server = None
    for row in rows:
        row.noise = noise
    rows[0].bar, rows[0].kind = BAR, "ratio"
    rows[0].detail["server"] = server
    return [*rows, events_target(rows[0], f"MongoDB ({found.name}) and Redis")]


def row_of(name, server, loops, batch):
    ours = rates(server)
    beside = {f"bare loop, {threads} threads, {batch:,} a call": loops[threads, batch] for threads in THREADS}
    return Row(f"durable single POST into MongoDB ({name}), {CONNECTIONS} connections; the loop {batch:,} a call", median(ours),
               "/s", None, "shown", floor=max(median(rates(results)) for results in beside.values()), beside="the bare loop",
               spread=(min(ours), max(ours)), failures=faults(server, "server"), load=figures(server), detail=beside)
