"""What accounts that have quotas may still submit: counted in whole minutes and days of the clock (UTC), and by what waits.

Nothing but a submit is refused: what a redrive, a retry or a promote makes wait is counted, and may go beyond.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from msgspec import Struct

from taskflow_hub.domain.lifecycle import State
from taskflow_hub.store import refusals
from taskflow_hub.store.births import Birth
from taskflow_hub.store.values import Submit

MINUTE: Final = timedelta(minutes=1)
DAY: Final = timedelta(days=1)


class Counted(Struct, frozen=True):
    """An account's numbers (None: none), and how much it has submitted in the windows in which it last did."""

    account_id: str
    per_minute: int | None
    per_day: int | None
    queued: int | None
    minute: datetime | None = None
    in_minute: int = 0
    day: datetime | None = None
    in_day: int = 0

    @property
    def counts(self) -> bool:
        """Are its submits counted at all?"""
        return self.per_minute is not None or self.per_day is not None

    def at(self, now: datetime) -> tuple[int, int]:
        """How many it has submitted in this minute, and on this day."""
        return (
            self.in_minute if self.minute == minute_of(now) else 0,
            self.in_day if self.day == day_of(now) else 0,
        )


class _Taken(Struct, frozen=True):
    """By a batch so far."""

    submits: int = 0
    waiting: int = 0  # less those that made way


_NOTHING: Final = _Taken()


class Mark(NamedTuple):
    """What was taken and counted up to then."""

    taken: dict[str, _Taken]
    waiting: dict[str, int]


class Allowance:
    """Of one batch of submits. A Submit that is refused uses nothing: `mark` before, `undo` then."""

    def __init__(self, accounts: Iterable[Counted], now: datetime) -> None:
        """`accounts`: those of the batch that have a quota; `now`: a time at which nobody else may submit for them."""
        self._accounts = {one.account_id: one for one in accounts}
        self._now = now
        self._taken: dict[str, _Taken] = {}
        self._before: dict[str, _Taken] = {}  # when the Submit began that is being looked at
        self.waiting: dict[str, int] = {}  # by account, as the store has counted them: up to `queued` + 1

    def __bool__(self) -> bool:
        """Has any of them a quota?"""
        return bool(self._accounts)

    def uncounted(self, birth: Birth) -> int | None:
        """Must what waits of its account be counted (into `waiting`), before it is taken? Up to how many; None: no."""
        known = self._accounts.get(birth.new.account_id)
        if known is None or known.queued is None or known.account_id in self.waiting:
            return None
        return known.queued + 1

    def take(self, request: Submit, index: int, birth: Birth) -> None:
        """One task of a request. Raises QuotaExceeded, which names all that are left of it."""
        account = birth.new.account_id
        known = self._accounts.get(account)
        if known is None:
            return
        waits = birth.status is not State.BLOCKED
        taken, before = self._taken.get(account, _NOTHING), self._before.get(account, _NOTHING)
        taken = self._taken[account] = _Taken(taken.submits + 1, taken.waiting + waits)
        in_minute, in_day = known.at(self._now)
        if known.per_minute is not None and in_minute + taken.submits > known.per_minute:
            raise refusals.too_many_in_minute(
                account,
                known.per_minute,
                in_minute + before.submits,
                _rest(request, index, account),
                _left_s(minute_of(self._now) + MINUTE, self._now),
            )
        if known.per_day is not None and in_day + taken.submits > known.per_day:
            raise refusals.too_many_in_day(
                account,
                known.per_day,
                in_day + before.submits,
                _rest(request, index, account),
                _left_s(day_of(self._now) + DAY, self._now),
            )
        if waits and known.queued is not None and self.waiting[account] + taken.waiting > known.queued:
            raise refusals.too_many_queued(
                account,
                known.queued,
                self.waiting[account] + before.waiting,
                [place for place in _rest(request, index, account) if not request.tasks[place].blocked],
            )

    def leave(self, account: str) -> None:
        """A task that waited makes way for one of the batch. What has not been counted yet will be without it."""
        if account not in self.waiting:
            return
        taken = self._taken.get(account, _NOTHING)
        self._taken[account] = _Taken(taken.submits, taken.waiting - 1)

    def mark(self) -> Mark:
        self._before = self._taken.copy()
        return Mark(self._before, self.waiting.copy())

    def undo(self, mark: Mark) -> None:
        self._taken, self.waiting = mark.taken.copy(), mark.waiting.copy()

    def spent(self) -> list[tuple[str, datetime, int, datetime, int]]:
        """Account, minute, submitted in it, day, submitted on it: what is to be written, by account."""
        found = []
        for account, taken in sorted(self._taken.items()):
            known = self._accounts.get(account)
            if known is not None and known.counts and taken.submits:
                in_minute, in_day = known.at(self._now)
                found.append(
                    (
                        account,
                        minute_of(self._now),
                        in_minute + taken.submits,
                        day_of(self._now),
                        in_day + taken.submits,
                    )
                )
        return found


def minute_of(now: datetime) -> datetime:
    return now.astimezone(UTC).replace(second=0, microsecond=0)


def day_of(now: datetime) -> datetime:
    return minute_of(now).replace(hour=0, minute=0)


def _rest(request: Submit, index: int, account: str) -> list[int]:
    """The places of its tasks for an account, from one of them on."""
    rest = enumerate(request.tasks[index:], index)
    return [place for place, new in rest if new.account_id == account]


def _left_s(end: datetime, now: datetime) -> float:
    return (end - now).total_seconds()
