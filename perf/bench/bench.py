# SPDX-License-Identifier: MIT
"""What all scenarios share: the binaries, how long each step takes, and how servers and floors are started."""
from dataclasses import dataclass
from pathlib import Path

from bench.process import Program

QUICK = {"rounds": 2, "seconds": 1, "warm_seconds": 1, "open_rounds": 1, "open_seconds": 2, "idle_seconds": 2, "starts": 3,
         "load_seconds": 2, "ask_seconds": 1, "mix_seconds": 6, "metrics": 2_000_000}
WHOLE = {"rounds": 5, "seconds": 4, "warm_seconds": 2, "open_rounds": 4, "open_seconds": 8, "idle_seconds": 10, "starts": 10,
         "load_seconds": 20, "ask_seconds": 2, "mix_seconds": 300, "metrics": 20_000_000}


@dataclass
class Bench:
    folder: Path          # for stores and logs, on a real disk
    build: Path
    rounds: int           # of each alternation of wrk
    seconds: int          # of one run of wrk
    warm_seconds: int
    open_rounds: int      # of each alternation of the load runner
    open_seconds: int     # of one run of it
    idle_seconds: int
    load_seconds: int     # of one run for a hit rate
    ask_seconds: int      # of one run of one question
    mix_seconds: int      # of the long mix
    starts: int
    metrics: int          # in the large store
    server: Program = None
    floor: Program = None

    @property
    def load_binary(self):
        return self.build / "perf" / "load" / "load"

    def tool(self, name):
        """Another program of perf/."""
        return self.build / "perf" / name

    def new_server(self, store, port=0, settings=None):
        """A server with default settings but for these; store is a folder that may hold one already."""
        store.mkdir(exist_ok=True)
        return Program([self.build / "telemetry-server"], store,
                       {"PORT": str(port), "DATA_DIR": str(store), **(settings or {})})

    def new_floor(self, get_bytes, port=0):
        return Program([self.tool("floor"), port, get_bytes], self.folder)
