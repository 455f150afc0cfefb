"""row: a fault, again and again, and what came of it: one line of RESULTS.md.

Each round says what it injected, how often that was felt, what was answered, and how what is stored compares with that. The
end of the test writes the row to the file that FAULT_ROWS names. A row that injected nothing, or lost or doubled
anything, fails.
"""
import json
import os
from collections import Counter
from dataclasses import asdict, dataclass, field

ROUNDS = int(os.environ.get("FAULT_ROUNDS", "2"))       # of each fault of a service
KILL_ROUNDS = int(os.environ.get("KILL_ROUNDS", "5"))   # of kill -9 of the server, on each store
IS_STRICT = os.environ.get("FAULT_STRICT") == "1"       # times as promised: by a release, on a machine without other work


def within(seconds, without_promise):
    """A limit of time, and what it is on a busy machine under sanitizers."""
    return seconds if IS_STRICT else without_promise


@dataclass
class Reckoning:
    """What is stored, held against what was answered, in metrics."""
    acknowledged: int = 0
    found: int = 0
    lost: int = 0
    doubled: int = 0
    unknown: int = 0

    def __add__(self, other):
        return Reckoning(*(one + more for one, more in zip(asdict(self).values(), asdict(other).values())))

    def __str__(self):
        return ", ".join(f"{count} {name}" for name, count in asdict(self).items())


@dataclass
class Row:
    fault: str
    wanted: int                # rounds
    rounds: int = 0
    injected: int = 0
    felt: int = 0              # requests, or what else met the fault
    answers: Counter = field(default_factory=Counter)
    reckoned: Reckoning = field(default_factory=Reckoning)
    recovery_s: float = None   # the slowest
    excuse: str = ""           # why the row does not count against the server
    test: str = ""             # whose row it is

    def add(self, injected, felt=0, answers=(), reckoned=None, recovery_s=None):
        """One round. felt: how many requests met the fault."""
        self.rounds += 1
        self.injected += injected
        self.felt += felt
        self.answers.update(answers)
        self.reckoned += reckoned or Reckoning()
        if recovery_s is not None:
            self.recovery_s = max(recovery_s, self.recovery_s or 0.0)
        again = "" if recovery_s is None else f"; again after {recovery_s:.2f} s"
        print(f"{self.fault}, round {self.rounds} of {self.wanted}: injected {injected}, felt by {felt}; "
              f"answers {by_class(answers)}; {reckoned or Reckoning()}{again}", flush=True)

    def excused(self, why):
        """The fault shows what another program does, and no round of it is counted."""
        self.excuse = why

    def check(self):
        assert self.excuse or self.rounds == self.wanted, f"{self.fault}: {self.rounds} of {self.wanted} rounds"
        assert self.injected > 0, f"{self.fault}: nothing was injected"
        assert self.excuse or (self.reckoned.lost, self.reckoned.doubled) == (0, 0), f"{self.fault}: {self.reckoned}"

    def close(self, failure):
        """Prints the row, and keeps it for the report. failure: why its test failed, or ""."""
        verdict = "not counted: " + self.excuse if self.excuse else "FAILED: " + failure if failure else "held"
        again = "" if self.recovery_s is None else f", again after {self.recovery_s:.2f} s at most"
        print(f"{self.fault}: {verdict}; {self.rounds} rounds, injected {self.injected}, felt by {self.felt}, "
              f"answers {by_class(self.answers)}, {self.reckoned}{again}", flush=True)
        file = os.environ.get("FAULT_ROWS")
        if file:
            with open(file, "a", encoding="utf-8") as out:
                out.write(json.dumps({**vars(self), "reckoned": vars(self.reckoned), "verdict": verdict}) + "\n")


def by_class(answers):
    return ", ".join(f"{kind}: {count}" for kind, count in sorted(Counter(answers).items())) or "none"
