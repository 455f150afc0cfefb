"""rounds: a fault again and again under load, and what came of it.

FAULT_ROUNDS (default 2) times each fault. A test says how often it hit, and hitting never is a failure. Writes succeed
again within RECOVERY_S of the moment at which the service answers again.
"""
import os
import time
from collections import Counter

from load import Load

ROUNDS = int(os.environ.get("FAULT_ROUNDS", "2"))
RECOVERY_S = 5
BETWEEN = 200  # metrics that are acknowledged before a fault, and after it


class Tally:
    """Over the rounds of a test: how often the fault hit, and the sums of the answers."""

    def __init__(self, title):
        self.title, self.n_hits, self.answers, self.slowest_s = title, 0, Counter(), 0.0
        self.n_acknowledged = self.n_unknown = 0

    def add(self, load, recovery_s, hits):
        self.n_hits += hits > 0
        self.answers += load.answers
        self.n_acknowledged += len(load.acknowledged)
        self.n_unknown += len(load.unknown)
        self.slowest_s = max(self.slowest_s, recovery_s)
        print(f"{self.title}: {hits} hits; {load.reckon()}; again after {recovery_s:.2f} s")

    def close(self):
        print(f"{self.title}: hit in {self.n_hits} of {ROUNDS} rounds, {self.n_acknowledged} acknowledged, all found "
              f"once, {self.n_unknown} unknown, answers {dict(self.answers)}, again after {self.slowest_s:.2f} s at most")
        assert self.n_hits > 0, "the fault never happened under load"
        assert self.slowest_s < RECOVERY_S, "writes succeed again soon"


def run_rounds(title, server, fault, count_hits=Load.count_affected):
    """fault() comes back when the service answers again; count_hits(load, began, ended) says what it met."""
    tally = Tally(title)
    for round_ in range(ROUNDS):
        with Load(server, f"fault.round{round_}") as load:
            load.wait_for_more(BETWEEN)
            began = time.monotonic()
            fault()
            ended = time.monotonic()
            recovery_s = load.wait_for_success_after(ended)
            load.wait_for_more(BETWEEN)
        tally.add(load, recovery_s, count_hits(load, began, ended))
    tally.close()
    return tally
