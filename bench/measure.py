"""Figures of one run, gathered over rounds: medians with their spread, because machines are shared and noisy."""

from dataclasses import dataclass, field
from statistics import median
from typing import Protocol


@dataclass
class Figure:
    """One number that a scenario reports every round."""

    name: str
    unit: str
    target: str = ""  # what we hold ourselves to, in words
    values: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        return median(self.values)


class Scenario(Protocol):
    name: str

    def run(self) -> dict[str, float]:
        """One round: the value of each of its figures."""
        ...


def percentile(values: list[float], share: float) -> float:
    """The smallest value that at least `share` of all do not exceed."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]
