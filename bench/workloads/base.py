"""What a workload is."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from bench.trial import Trial


@dataclass(frozen=True)
class Figure:
    """One number that a run gives."""

    key: str
    name: str
    unit: str
    digits: int = 0
    spread: bool = False  # shown with its least and its most; the first of a workload always is


class Workload(ABC):
    name: ClassVar[str]  # as in a system.toml
    title: ClassVar[str]
    figures: ClassVar[
        tuple[Figure, ...]
    ]  # that are shown, the first of which is compared; a run may give more
    more_is_better: ClassVar[bool] = True
    long: ClassVar[bool] = False  # takes minutes, so it runs only where somebody names it

    @property
    def code(self) -> str:
        """W1, W2 …: what its title begins with."""
        return self.title.partition(":")[0]

    @abstractmethod
    def run(self, trial: Trial) -> dict[str, float]:
        """Once, on servers that are empty but for what its set-up makes."""
