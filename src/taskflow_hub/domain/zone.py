"""A clock on the wall: what it shows at a moment, and when it shows a time.

Laws set it forward (then some times of day never come) and back (then they come twice). All that is known here of a zone is
what it shows at a moment, so whatever a law has done, by half an hour or by a day, is found and not assumed.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

SECOND: Final = timedelta(seconds=1)
# No zone has ever changed its clock twice within it (the shortest time between two was 95 hours, in Freetown in 1939), nor by
# more than a third of it.
CALM: Final = timedelta(days=3)
MAX_NAME: Final = 64
# Files beside the zones that are none: what this machine is set to, or clocks that count leap seconds.
_NOT_EVERYWHERE: Final = frozenset({"localtime", "posixrules", "posix", "right", "Factory"})


class Zone:
    """Moments are aware and in UTC, what the clock shows is a naive datetime."""

    def __init__(self, info: tzinfo) -> None:
        self._info = info

    def shown(self, at: datetime) -> datetime:
        """What the clock shows."""
        return at.astimezone(self._info).replace(tzinfo=None)

    def local(self, at: datetime) -> datetime:
        """The same moment, with its offset."""
        return at.astimezone(self._info)

    def offset(self, at: datetime) -> timedelta:
        offset = at.astimezone(self._info).utcoffset()
        assert offset is not None
        return offset

    def first(self, shown: datetime) -> datetime:
        """When the clock first shows this; of a time that is left out, the first moment after the gap."""
        at = shown.replace(tzinfo=self._info).astimezone(UTC)
        if self.shown(at) == shown:
            return at
        # Read with the offset from before the gap, it lies behind it; with the one from after, before it (PEP 495).
        before = shown.replace(tzinfo=self._info, fold=1).astimezone(UTC)
        return self.change(before, at) or at

    def newest(self, at: datetime) -> datetime:
        """The latest time of day that the clock has shown for the first time by this moment: what it shows, but for the second
        time that an hour runs."""
        local = self.local(at)
        if not local.fold:
            return local.replace(tzinfo=None)
        first = self.first(local.replace(tzinfo=None, fold=0))
        back = self.change(first, at)
        return local.replace(tzinfo=None, fold=0) if back is None else self.shown(back - SECOND)

    def change(self, after: datetime, until: datetime) -> datetime | None:
        """The first whole second in (after, until] with another offset than `after`; at most CALM lies between."""
        was = self.offset(after)
        if self.offset(until) == was:
            return None
        low, high = 0, -((after - until) // SECOND)
        start = after.replace(microsecond=0)
        while high - low > 1:
            middle = (low + high) // 2
            if self.offset(start + middle * SECOND) == was:
                low = middle
            else:
                high = middle
        return start + high * SECOND

    def changes(self, after: datetime, until: datetime) -> Iterator[datetime]:
        """Every change of the clock in (after, until], in order."""
        while after < until:
            end = min(after + CALM, until)
            found = self.change(after, end)
            if found is not None:
                yield found
            after = found or end


@lru_cache(maxsize=1024)
def zone(name: str) -> Zone:
    """Raises ValueError, in words, for a name that no zone has."""
    if not name or len(name) > MAX_NAME:
        raise ValueError(f"must name a time zone such as Europe/Amsterdam, in 1 to {MAX_NAME} characters")
    if name.partition("/")[0] in _NOT_EVERYWHERE:
        raise ValueError(
            f"{name!r} is not the same on every machine, or counts leap seconds: use a name of the IANA database such as "
            "Europe/Amsterdam, or UTC"
        )
    try:
        return Zone(ZoneInfo(name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(
            f"{name!r} is no time zone: use a name of the IANA database such as Europe/Amsterdam, or UTC"
        ) from None
