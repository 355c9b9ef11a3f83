"""Cron expressions: read by cronsim, placed on the clock of a zone by us.

Two kinds. One that names its hours means times of day: what the clock leaves out runs once, at the first moment after the gap,
and what it shows twice runs once, the first time. One whose hour is a star means a pace: it runs whenever the clock shows a
time that fits, so its pace in real time is kept. A star with a step (*/2) names the hours that it steps on.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Final

from cronsim import CronSim, CronSimError

from taskflow_hub.domain.zone import CALM, SECOND, zone

MAX_EXPRESSION: Final = 200
NICKNAMES: Final = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_FIELDS: Final = {  # as cronsim calls them
    "second": "0 to 59",
    "minute": "0 to 59",
    "hour": "0 to 23",
    "day-of-month": "1 to 31, L (the last day) or LW (the last from Monday to Friday)",
    "month": "1 to 12, or JAN to DEC",
    "day-of-week": "0 to 7 (0 and 7 are Sunday) or SUN to SAT; MON#2 is the second Monday, 5L the last Friday",
}
_DAY: Final = timedelta(days=1)
_NEVER: Final = "never comes: no date within 50 years fits its days and months"
_LONG_AGO: Final = datetime(2000, 1, 1)  # noqa: DTZ001 (a time of day)


class Cron:
    """An expression in a zone. Moments are aware and in UTC, and lie on whole seconds.

    Raises ValueError that says in words what is wrong with the expression or the name of the zone.
    """

    def __init__(self, expression: str, zone_name: str = "UTC") -> None:
        self.expression, self.zone = expression, zone(zone_name)
        self._read = _read(expression)
        self._keeps_pace = self._read.parts[2] in {"*", "*/1"}

    @property
    def words(self) -> str:
        """The expression in words."""
        return self._read.explain()

    def next_after(self, at: datetime) -> datetime | None:
        """The first moment after this one; None: none within 50 years."""
        try:
            return self._next_of_pace(at) if self._keeps_pace else self._next_of_day(at)
        except OverflowError:  # beyond the year 9999
            return None

    def count(self, after: datetime, until: datetime) -> int:
        """How many there are in (after, until]; cheap, however many."""
        if until <= after:
            return 0
        return self._count_of_pace(after, until) if self._keeps_pace else self._count_of_day(after, until)

    # --- a pace: within a time without a change of the clock, it is plain arithmetic

    def _next_of_pace(self, at: datetime) -> datetime | None:
        offset = self.zone.offset(at)
        shown = self.zone.shown(at)
        while True:
            fits = self._next_shown(shown)
            if fits is None:
                return None
            found = fits.replace(tzinfo=at.tzinfo) - offset
            end = min(at + CALM, found)
            change = self.zone.change(at, end)
            if change is None and found <= end:
                return found
            if change is not None:
                at, offset = change, self.zone.offset(change)
                shown = self.zone.shown(change) - SECOND
            else:
                # Nothing that fits is shown until a day before `found`, whatever the clock does on the way.
                at = max(end, found - CALM)
                offset, shown = self.zone.offset(at), self.zone.shown(at)

    def _count_of_pace(self, after: datetime, until: datetime) -> int:
        total, shown = 0, self.zone.shown(after)
        for change in self.zone.changes(after, until):
            total += self._count_shown(shown, self.zone.shown(change - SECOND))
            shown = self.zone.shown(change) - SECOND
        return total + self._count_shown(shown, self.zone.shown(until))

    # --- times of day: each is looked up on the clock; later ones are never found earlier

    def _next_of_day(self, at: datetime) -> datetime | None:
        shown = self.zone.newest(at)
        while (fits := self._next_shown(shown)) is not None:
            found = self.zone.first(fits)
            if found > at:
                return found
            shown = fits
        return None

    def _count_of_day(self, after: datetime, until: datetime) -> int:
        total = self._count_shown(self.zone.newest(after), self.zone.newest(until))
        for change in self.zone.changes(after, until):
            behind = self.zone.shown(change)
            gap = self._count_shown(self.zone.shown(change - SECOND), behind)
            total -= max(gap - 1, 0)  # all that is left out is one moment, and so is the first time behind it
        return total

    # --- on the wall

    def _next_shown(self, shown: datetime) -> datetime | None:
        """The next time that fits, on a clock that nobody sets."""
        walk = _copy(self._read)
        walk.dt = shown.replace(microsecond=0)
        return next(walk, None)

    def _count_shown(self, after: datetime, until: datetime) -> int:
        """How many fit in (after, until], on a clock that nobody sets."""
        if until <= after:
            return 0
        read = self._read
        a_day = len(read.hours) * len(read.minutes) * len(read.seconds)
        days = sum(map(self._fits, _days(after.date(), until.date())))
        return (
            days * a_day
            - (self._of_day(after) if self._fits(after.date()) else 0)
            - (a_day - self._of_day(until) if self._fits(until.date()) else 0)
        )

    def _fits(self, day: date) -> bool:
        return day.month in self._read.months and self._read.match_day(day)

    def _of_day(self, at: datetime) -> int:
        """How many times of day fit up to this one."""
        hours, minutes, seconds = self._read.hours, self._read.minutes, self._read.seconds
        found = sum(hour < at.hour for hour in hours) * len(minutes) * len(seconds)
        if at.hour in hours:
            found += sum(minute < at.minute for minute in minutes) * len(seconds)
            if at.minute in minutes:
                found += sum(second <= at.second for second in seconds)
        return found


@lru_cache(maxsize=1024)
def cron(expression: str, zone_name: str) -> Cron:
    """Read once. Raises as `Cron`."""
    return Cron(expression, zone_name)


def _days(first: date, last: date) -> Iterator[date]:
    while first <= last:
        yield first
        if first == date.max:
            return
        first += _DAY


@lru_cache(maxsize=1024)
def _read(expression: str) -> CronSim:
    if len(expression) > MAX_EXPRESSION:
        raise ValueError(f"has {len(expression)} characters; an expression has at most {MAX_EXPRESSION}")
    fields = expression.split()
    if fields[:1] == ["@every"]:
        raise ValueError("is a period: give that as `every`, such as 5m, and no `cron`")
    if len(fields) == 1 and expression.strip().startswith("@"):
        nickname = expression.strip().lower()
        if nickname not in NICKNAMES:
            raise ValueError(f"{expression.strip()!r} is none of {', '.join(NICKNAMES)}")
        fields = NICKNAMES[nickname].split()
    if len(fields) not in {5, 6}:
        raise ValueError(
            f"has {len(fields)} {'field' if len(fields) == 1 else 'fields'}; an expression has five "
            "(minute hour day-of-month month day-of-week), or six with the seconds first"
        )
    try:
        read = CronSim(" ".join(fields), _LONG_AGO)
    except CronSimError as error:
        raise ValueError(_explained(str(error).removeprefix("Bad "), fields)) from None
    if next(_copy(read), None) is None:
        raise ValueError(_NEVER)
    return read


def _copy(read: CronSim) -> CronSim:
    """It walks, and what was read shall stand. (copy.copy takes longer than the walk.)"""
    walk = object.__new__(CronSim)
    walk.__dict__.update(read.__dict__)
    return walk


def _explained(name: str, fields: list[str]) -> str:
    """What is wrong with the field that cronsim names."""
    place = list(_FIELDS).index(name) - (6 - len(fields))
    if name == "day-of-month" and _is_read([*fields[:-2], "*", fields[-1]]):
        return _NEVER  # the day is a day, but of no month that is named
    return (
        f"its field {name}, {fields[place]!r}, is not understood: {_FIELDS[name]}; also *, */5, 1-5 and 1,3"
    )


def _is_read(fields: list[str]) -> bool:
    try:
        CronSim(" ".join(fields), _LONG_AGO)
    except CronSimError:
        return False
    return True
