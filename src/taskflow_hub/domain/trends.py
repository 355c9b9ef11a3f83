"""A stretch of the past as a chart shows it: cut into steps of one length, the last of which is the present one."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final, TypeVar

from msgspec import Struct

T = TypeVar("T")

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Range(StrEnum):
    """How far back people look."""

    HOUR = "1h"
    DAY = "24h"
    WEEK = "7d"


_STEPS: Final[dict[Range, tuple[int, int]]] = {  # seconds of a step, and how many there are
    Range.HOUR: (60, 60),
    Range.DAY: (900, 96),
    Range.WEEK: (7200, 84),
}
STEPS_S: Final = tuple(step_s for step_s, _ in _STEPS.values())  # each a multiple of the one before


class Window(Struct, frozen=True):
    """`count` steps from `start` on. Steps begin where the store's do: at multiples of their length since 1970."""

    start: datetime
    step_s: int
    count: int

    @classmethod
    def of(cls, range_: Range, now: datetime) -> "Window":
        step_s, count = _STEPS[range_]
        return cls(step_of(now, step_s) - timedelta(seconds=step_s * (count - 1)), step_s, count)

    @property
    def end(self) -> datetime:
        """The end of the present step, so mostly a little ahead."""
        return self.start + timedelta(seconds=self.step_s * self.count)

    def steps(self) -> list[datetime]:
        return [self.start + timedelta(seconds=self.step_s * n) for n in range(self.count)]


def step_of(at: datetime, step_s: int) -> datetime:
    """The beginning of the step in which a moment lies."""
    return at - (at - _EPOCH) % timedelta(seconds=step_s)


def by_step(window: Window, found: Iterable[tuple[datetime, T]]) -> dict[datetime, list[T]]:
    """What was found, by step; there is a list for each step. What lies outside of the window is left out."""
    steps: dict[datetime, list[T]] = {at: [] for at in window.steps()}
    for at, value in found:
        if (step := step_of(at, window.step_s)) in steps:
            steps[step].append(value)
    return steps
