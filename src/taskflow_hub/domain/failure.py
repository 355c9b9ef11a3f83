"""Failures of one kind, as a person looks at them."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from msgspec import Struct, field

TREND: Final = 24  # counts in a trend
MESSAGE: Final = 500  # characters of a message in a list
HOUR: Final = timedelta(hours=1)
LONGEST: Final = timedelta(days=366)


class FailureOrder(StrEnum):
    """What comes first: what happened last, or most often."""

    LAST_SEEN = "last_seen"
    COUNT = "count"


class Failure(Struct, frozen=True, kw_only=True):
    """Tasks of one type that failed in the same way."""

    fingerprint: str
    type: str
    exception: str  # its class; where there is no error, the reason
    message: str  # of the last; its beginning
    where: str | None  # the innermost function of the user's code: `file.py in function`
    count: int  # tasks that failed since then and are still failed: neither run again nor removed
    first_seen: datetime
    last_seen: datetime
    last_task_id: str | None  # that is still failed
    trend: tuple[int, ...]  # how many failed in each step, whatever became of them


class Failures(Struct, frozen=True, kw_only=True):
    """A page of them. `step`: seconds that each count of a trend stands for, the first from `from` on."""

    items: tuple[Failure, ...]
    next_cursor: str | None
    begin: datetime = field(name="from")
    to: datetime
    step: int


class Span(Struct, frozen=True):
    """The time that is looked at: TREND steps of whole hours, the last of them the one that runs."""

    begin: datetime
    step: timedelta

    @property
    def end(self) -> datetime:
        return self.begin + TREND * self.step


def span_since(since: datetime, now: datetime) -> Span:
    """The shortest that begins at `since`, or less than an hour later."""
    end = now.replace(minute=0, second=0, microsecond=0) + HOUR
    ago = min(max(now - since, HOUR), LONGEST)
    step = max(1, -(-(ago - HOUR) // (TREND * HOUR))) * HOUR
    return Span(end - TREND * step, step)
