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


class Workload(ABC):
    name: ClassVar[str]  # as in a system.toml
    title: ClassVar[str]
    figures: ClassVar[
        tuple[Figure, ...]
    ]  # that are shown, the first of which is compared; a run may give more
    more_is_better: ClassVar[bool] = True

    @abstractmethod
    def run(self, trial: Trial) -> dict[str, float]:
        """Once, on servers that are empty but for what its set-up makes."""
