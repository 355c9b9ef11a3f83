"""When a schedule comes: its expression or its period, between its first moment and its end."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Final, Protocol

from msgspec import Struct

from taskflow_hub.domain.cron import cron
from taskflow_hub.domain.durations import seconds_of
from taskflow_hub.domain.errors import Unavailable
from taskflow_hub.domain.submission import LATEST

MICROSECOND: Final = timedelta(microseconds=1)
KEPT: Final = 1_000  # of a long gap so many ticks, the newest, have a record each
MIN_EVERY_S: Final = 1.0
MAX_EVERY_S: Final = 366 * 86_400.0
EVERY_IN_WORDS: Final = (
    f"must be {MIN_EVERY_S:g} second to 366 days: seconds, or a text such as 90s, 5m, 1h30m or 1d"
)


def period_s(every: float | str) -> float:
    """A period in seconds. Raises ValueError, in words."""
    try:
        seconds = seconds_of(every)
    except ValueError:
        raise ValueError(f"{str(every)[:40]!r} is not understood: it {EVERY_IN_WORDS}") from None
    if not MIN_EVERY_S <= seconds <= MAX_EVERY_S:
        raise ValueError(EVERY_IN_WORDS)
    return seconds


class Ticks(Protocol):
    def next_after(self, at: datetime) -> datetime | None:
        """The first moment after this one; None: there is none."""
        ...

    def count(self, after: datetime, until: datetime) -> int:
        """How many there are in (after, until]; cheap, however many."""
        ...


class Every:
    """A period of real time, counted from a moment in both directions."""

    def __init__(self, seconds: float, counted_from: datetime) -> None:
        self._period, self._from = timedelta(seconds=seconds), counted_from

    def next_after(self, at: datetime) -> datetime | None:
        return self._from + ((at - self._from) // self._period + 1) * self._period

    def count(self, after: datetime, until: datetime) -> int:
        return max((until - self._from) // self._period - (after - self._from) // self._period, 0)


class Due(Struct, frozen=True):
    """Ticks that have come: how many, the newest of them (KEPT and one more at most), oldest first; and which comes next."""

    total: int
    newest: tuple[datetime, ...]
    next_at: datetime | None


class Timing(Struct, frozen=True, kw_only=True, dict=True):
    """`cron` in a zone, or `every_s` seconds, counted from `starts_at`, else from `created_at`.

    There are ticks from `starts_at` on, and before `ends_at`. Those of a period begin after `created_at` in any case.
    """

    cron: str | None
    every_s: float | None
    tz: str
    created_at: datetime
    starts_at: datetime | None = None
    ends_at: datetime | None = None

    @cached_property
    def ticks(self) -> Ticks:
        """Without its beginning and its end. Raises Unavailable for an expression or zone that cannot be read here: it was
        checked when it was saved, but another version, or other zone data, may have done so."""
        if self.cron is not None:
            try:
                return cron(self.cron, self.tz)
            except ValueError as error:
                raise Unavailable(f"The times of the schedule cannot be read here: {error}.") from None
        assert self.every_s is not None
        return Every(self.every_s, self.starts_at or self.created_at.replace(microsecond=0))

    def next_after(self, at: datetime) -> datetime | None:
        """The first tick after a moment; None: there is none any more."""
        try:
            found = self.ticks.next_after(max(at, self._begins_after))
        except OverflowError:
            return None
        return found if found is not None and found < (self.ends_at or LATEST) else None

    def count(self, after: datetime, until: datetime) -> int:
        """How many there are in (after, until]."""
        after = max(after, self._begins_after)
        until = until if self.ends_at is None else min(until, self.ends_at - MICROSECOND)
        return self.ticks.count(after, until) if after < until else 0

    def within(self, after: datetime, until: datetime) -> Iterator[datetime]:
        """Those in (after, until], in order."""
        at = self.next_after(after)
        while at is not None and at <= until:
            yield at
            at = self.next_after(at)

    def due(self, first: datetime, now: datetime) -> Due:
        """From `first` to now. It was a tick when it was planned, and is one still, whatever the law of its zone is now."""
        found, at = [first], self.next_after(first)
        while at is not None and at <= now:
            found.append(at)
            if len(found) > KEPT + 1:
                newest = self.newest(first, now, KEPT + 1)
                return Due(1 + self.count(first, now), newest, self.next_after(now))
            at = self.next_after(at)
        return Due(len(found), tuple(found), at)

    def newest(self, after: datetime, until: datetime, most: int) -> tuple[datetime, ...]:
        """The last ones in (after, until], oldest first."""
        if self.count(after, until) > most:
            back = timedelta(seconds=most)
            while self.count(until - back, until) < most:
                back *= 2
            # Between `after` and `until - back` lies where `most` of them are left; to the second is near enough.
            after = max(after, until - back)
            step = back / 2
            while step > timedelta(seconds=1):
                if self.count(after + step, until) >= most:
                    after += step
                step /= 2
        return tuple(self.within(after, until))[-most:]

    @property
    def _begins_after(self) -> datetime:
        if self.starts_at is not None:
            return self.starts_at - MICROSECOND
        return self.created_at.replace(microsecond=0) if self.cron is None else _NEVER_BEFORE


_NEVER_BEFORE: Final = datetime(1, 1, 2, tzinfo=UTC)
