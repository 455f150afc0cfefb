# SPDX-License-Identifier: MIT
"""One line of the table: a figure, the bar it is held to, and what speaks against it."""
from dataclasses import dataclass, field

from bench.load import is_noisy

BARS, TARGETS = "bars", "targets"  # sections of the report


@dataclass
class Row:
    scenario: str
    value: float          # of the server
    unit: str             # "/s", "ms", "MiB", "%"
    bar: float            # for `kind`
    kind: str             # "least", "most": of the value itself. Of what stands beside it: "ratio" at least and "times" at
                          # most that many times `floor`, "within": at most so much above it. "shown": there is no bar
    floor: float = None   # the same of what stands beside it
    beside: str = "floor" # what that is
    spread: tuple = ()    # lowest and highest of what value stands for
    failures: list = field(default_factory=list)
    noise: list = field(default_factory=list)  # records of load.Meter
    load: dict = field(default_factory=dict)   # of figures.py: the load under which it was measured
    detail: dict = field(default_factory=dict)
    section: str = BARS

    @property
    def ratio(self):
        return self.value / self.floor if self.floor else None

    @property
    def judged(self):
        if self.kind in ("ratio", "times"):
            return self.ratio
        return self.value - self.floor if self.kind == "within" else self.value

    @property
    def passed(self):
        if self.kind == "shown":
            return not self.failures
        good = self.judged >= self.bar if self.kind in ("ratio", "least") else self.judged <= self.bar
        return good and not self.failures

    @property
    def noisy(self):
        return any(is_noisy(record) for record in self.noise)

    @property
    def others_cpus(self):
        """The most that others took of the CPUs; None where nobody looked."""
        return max((record["others_cpus"] + record["steal_cpus"] for record in self.noise), default=None)

    @property
    def verdict(self):
        if self.failures:
            return "**failed**: " + ", ".join(self.failures)
        if self.kind == "shown":
            return ""
        percent = round(min(1, abs(self.judged / self.bar - 1)) * 100) if self.passed else self._percent_short()
        word = f"pass, {percent} % to spare" if self.passed else f"**short by {percent} %**"
        return word + (" (noisy)" if self.noisy else "")

    def _percent_short(self):
        return round(abs(self.judged / self.bar - 1) * 100)

    def as_json(self):
        return {"scenario": self.scenario, "section": self.section, "value": self.value, "unit": self.unit,
                "floor": self.floor, "beside": self.beside, "ratio": self.ratio, "bar": self.bar, "kind": self.kind,
                "passed": self.passed, "spread": self.spread, "failures": self.failures, "noisy": self.noisy,
                "load": self.load, "noise": self.noise, "detail": self.detail}
