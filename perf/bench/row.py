# SPDX-License-Identifier: MIT
"""One line of the table: a figure, the bar it is held to, and what speaks against it."""
from dataclasses import dataclass, field

from bench.load import is_noisy


@dataclass
class Row:
    scenario: str
    value: float          # of the server
    unit: str             # "/s", "ms", "MiB", "%"
    bar: float            # for `kind`
    kind: str             # "ratio" to `floor`: at least; "least": value is at least; "most": at most
    floor: float = None   # the same of what stands beside it
    beside: str = "floor" # what that is
    spread: tuple = ()    # lowest and highest of what value stands for
    failures: list = field(default_factory=list)
    noise: list = field(default_factory=list)  # records of load.Meter
    detail: dict = field(default_factory=dict)

    @property
    def ratio(self):
        return self.value / self.floor if self.floor else None

    @property
    def judged(self):
        return self.ratio if self.kind == "ratio" else self.value

    @property
    def passed(self):
        good = self.judged <= self.bar if self.kind == "most" else self.judged >= self.bar
        return good and not self.failures

    @property
    def noisy(self):
        return any(is_noisy(record) for record in self.noise)

    @property
    def verdict(self):
        if self.failures:
            return "**failed**: " + ", ".join(self.failures)
        percent = round(abs(self.judged / self.bar - 1) * 100)
        word = f"pass, {percent} % to spare" if self.passed else f"**short by {percent} %**"
        return word + (" (noisy)" if self.noisy else "")

    def as_json(self):
        return {"scenario": self.scenario, "value": self.value, "unit": self.unit, "floor": self.floor,
                "beside": self.beside, "ratio": self.ratio, "bar": self.bar, "kind": self.kind, "passed": self.passed,
                "spread": self.spread, "failures": self.failures, "noisy": self.noisy, "noise": self.noise,
                "detail": self.detail}
