"""What a run measures: figures that are gathered over rounds, because machines are shared and noisy; and studies."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from statistics import median
from typing import Protocol

from rich.table import Table

from bench.databases import Databases, Postgres


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
    """An everyday workload: the same on every database."""

    name: str

    def run(self, databases: Databases) -> dict[str, float]:
        """One round: the value of each of its figures."""
        ...


@dataclass
class Report:
    """What a study found."""

    tables: list[Table]
    aims: list[tuple[str, bool]]  # what was aimed at with what was seen, and whether that is reached
    values: dict[str, list[float]] = field(default_factory=dict)  # for --json
    plots: dict[Path, str] = field(default_factory=dict)  # by file name: SVG


class Survey(Protocol):
    """A question about any database that takes minutes, and a table of its own: it runs where it is named."""

    name: str

    def run(self, databases: Databases, rounds: int, *, full: bool) -> Report:
        """`full`: as large as the aim says."""
        ...


class Study(Protocol):
    """A question about PostgreSQL that takes a run of its own; it compares two ways within that run."""

    name: str

    def run(self, databases: Postgres, rounds: int, *, full: bool) -> Report:
        """`full`: as long and as large as the aim says; else it takes a minute or two."""
        ...


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of all do not exceed."""
    ordered = sorted(values)
    return ordered[max(ceil(len(ordered) * share) - 1, 0)]
