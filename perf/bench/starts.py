# SPDX-License-Identifier: MIT
"""From exec to the first answer: on empty stores, on a large one left in peace, on one left by SIGKILL; and with MongoDB."""
import subprocess
import tempfile
from pathlib import Path
from statistics import median

from bench import runner
from bench.load import surroundings
from bench.process import Failure, free_port
from bench.row import TARGETS, Row

FLOOR_BYTES = 15000
START_MS, KILLED_MS = 50, 1000
TARGETS_MS = {"p95": 500, "p99": 800}
FIRST_READ = "/metrics?limit=1"
KILLED_STARTS = 3
KILL_AFTER = 300_000  # metrics since the start: runs of the tail are full, sorted and half merged
KILL_WAIT_S = 60


def times(make, n, path):
    """Milliseconds of n starts, each ended before the next."""
    found = []
    for number in range(n):
        port = free_port()
        with make(number, port) as program:
            found.append(program.wait_answer(port, path))
    return found


def row_of(words, found, bar, noise, floors=None):
    return Row(f"start to first answer, {words}, worst of {len(found)}", max(found), "ms", bar, "most",
               floor=max(floors) if floors else None, spread=(min(found), median(found)), noise=noise,
               detail={"server_ms": found, "floor_ms": floors})


def targets(found, stores, noise):
    """Of few starts the worst is each percentile."""
    return [Row(f"cold start {percentile}, {stores} (worst of {len(found)})", max(found), "ms", bar, "most", noise=noise,
                section=TARGETS) for percentile, bar in TARGETS_MS.items()]


def empty(bench):
    noise = [surroundings([])]
    floors = times(lambda number, port: bench.new_floor(FLOOR_BYTES, port), bench.starts, "/")
    with tempfile.TemporaryDirectory(dir=bench.folder) as fresh:
        found = times(lambda number, port: bench.new_server(Path(fresh) / str(number), port), bench.starts, "/healthz")
    return [row_of("empty store", found, START_MS, noise, floors), *targets(found, "SQLite and memory", noise)]


def with_services(bench, found_services):
    """MongoDB and Redis are there already; the first answer is that the store can be used."""
    settings = {"APP_ENV": "test", **found_services.uris}
    noise = [surroundings(found_services.processes)]
    found = times(lambda number, port: bench.new_server(bench.folder / "start-services", port, settings), bench.starts,
                  "/readyz")
    return targets(found, f"MongoDB ({found_services.name}) and Redis", noise)


# A large store ---------------------------------------------------------------

def large(bench, store, words):
    """The first answer is one that comes out of the store. `store` holds the metrics that `words` say."""
    noise = [surroundings([])]
    clean = times(lambda number, port: bench.new_server(store, port), bench.starts, FIRST_READ)
    killed = [after_kill(bench, store) for _ in range(KILLED_STARTS)]
    return [row_of(f"{words}, after a clean stop", clean, START_MS, noise),
            row_of(f"{words}, after SIGKILL under batches", killed, KILLED_MS, noise)]


def after_kill(bench, store):
    """Kills a server in the middle of batches and gives the milliseconds of the next start."""
    with bench.new_server(store) as victim:
        victim.wait_listening().wait_ready()
        words = runner.command(bench, "post_batch", [victim], "--rate", 0, "--drain", 0, "--timeout", 1)
        with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as sender:
            try:
                wait_stored(victim, KILL_AFTER)
                victim.process.kill()
                victim.process.wait()
            finally:
                sender.terminate()
    return times(lambda number, port: bench.new_server(store, port), 1, FIRST_READ)[0]


def wait_stored(server, metrics):
    """Until so many are stored since its start."""
    for _ in range(KILL_WAIT_S * 10):
        if server.counter('telemetry_metrics_total{change="inserted"}') >= metrics:
            return
        try:
            server.process.wait(0.1)
        except subprocess.TimeoutExpired:
            continue
        break
    raise Failure("the batches that were to be interrupted did not come")
