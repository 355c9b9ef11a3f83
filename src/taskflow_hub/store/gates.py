"""What limits let through in one lease.

    gate = Gate()
    for key in gate.unknown(task.limited_by for task in page): gate.learn(key, …)   # or gate.pass_over(key)
    … Round(…, gate=gate) gives the tasks of the page …
    gate.hold(task.limited_by)   # why one of them may not run
    gate.spent()                 # what is to be written

What a queue may run, and what an account may, is limited by keys of nobody's account. A task does not name them; it passes
them by where it stands:

    for key in gate.unknown_of(lines): gate.learn(key, …)
    gate.admits(queue, account)  # may one more of these start?

A rate is a bucket of tokens, one for each start. It holds one second's worth, and at least one; a key that was never used has
it full.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final, Protocol, TypeVar

from msgspec import Struct

from taskflow_hub.domain.holds import limit_full, rate_spent
from taskflow_hub.domain.submission import MIN_PER_SECOND
from taskflow_hub.store.standing import NOBODY, account_key, queue_key

Key = tuple[str, str]  # account, key
LimitedBy = tuple[str, tuple[str, ...]]  # account, and the keys of a task's limits in their order

AGAIN_S: Final = 0.005  # a key that another process has in its hands is looked at again so soon
_NEARLY: Final = 1.0 - 1e-9  # of a token: it was divided and added up
_LONGEST_S: Final = (
    1.0 / MIN_PER_SECOND
)  # an older version took smaller rates, of which no calendar has the next start


class Standing(Protocol):
    @property
    def queue(self) -> str: ...
    @property
    def account(self) -> str: ...


StandingT = TypeVar("StandingT", bound=Standing)


class Numbers(Struct, frozen=True):
    """One key as it is now. `tokens` were there `since_s` seconds ago; None: the bucket is full."""

    running: int | None  # how many may run
    per_second: float | None
    tokens: float | None
    since_s: float
    run: int  # how many do


class _Left(Struct):
    """What may still be taken of one key; None: any number."""

    running: int | None
    tokens: float | None
    per_second: float
    touched: bool = False

    @property
    def full(self) -> bool:
        return self.running is not None and self.running <= 0


_FREE: Final = _Left(None, None, 0.0)


class Gate:
    """Of one lease. Everything it is asked of must have been learned."""

    def __init__(self) -> None:
        self._left: dict[Key, _Left | None] = {}  # None: another process has it in its hands
        self._standing: dict[
            tuple[str, str], LimitedBy | None
        ] = {}  # by queue and account; None: no limit there
        self._limits_standing = False
        self._next_in_s = math.inf

    def unknown(self, tasks: Iterable[LimitedBy | None]) -> list[Key]:
        """Keys that are still to be learned, in the order in which they are locked."""
        keys = {(by[0], key) for by in tasks if by is not None for key in by[1]}
        return sorted(keys - self._left.keys())

    def learn(self, key: Key, numbers: Numbers | None) -> None:
        """None: there is no such limit any more, so it holds nothing back."""
        if numbers is None:
            self._left[key] = _FREE
            return
        self._learned(key)
        running = None if numbers.running is None else numbers.running - numbers.run
        self._left[key] = _Left(running, _tokens(numbers), numbers.per_second or 0.0)

    def pass_over(self, key: Key) -> None:
        """Another process has it in its hands."""
        self._learned(key)
        self._left[key] = None

    def passed(self, queue: str, account: str) -> list[Key]:
        """The keys that limit what starts there."""
        by = self._by_standing(queue, account)
        return [] if by is None else [(NOBODY, key) for key in by[1]]

    def unknown_of(self, stands: Iterable[tuple[str, str]]) -> list[Key]:
        """Keys that tasks pass by standing there, (queue, account), and that are still to be learned."""
        keys = {(NOBODY, key) for stand in stands for key in _keys(*stand)}
        return sorted(keys - self._left.keys())

    def admits(self, queue: str, account: str) -> bool:
        """May one more task of this account start in this queue, as far as they are limited? Unknown: they are not."""
        by = self._by_standing(queue, account)
        return by is None or self.opens(by)

    def room_in(self, queue: str, account: str, most: int) -> int:
        """How many may start there, at most `most`."""
        by = self._by_standing(queue, account)
        return most if by is None else self.room(by, most)

    def fitting(self, waiting: Sequence[StandingT]) -> Sequence[StandingT]:
        """Those of them, in this order, that may all start together as far as that depends on where they stand."""
        if not self._limits_standing:
            return waiting
        fit: list[StandingT] = []
        counts: Counter[Key] = Counter()
        for one in waiting:
            keys = self.passed(one.queue, one.account)
            if all(
                self.room((NOBODY, (key,)), counts[NOBODY, key] + 1) > counts[NOBODY, key] for _, key in keys
            ):
                counts.update(keys)
                fit.append(one)
        return fit

    def take_in(self, queue: str, account: str) -> None:
        """One starts there."""
        if (by := self._by_standing(queue, account)) is not None:
            self.take(by)

    def wait_for(self, queue: str, account: str) -> None:
        """Something waits there that was not admitted: `next_in_s` shall tell when to look again."""
        if (by := self._by_standing(queue, account)) is not None:
            self.hold(by)

    def opens(self, by: LimitedBy) -> bool:
        """May one more task start that is limited so?"""
        return not any(left is None or _hold(key, left) for key, left in self._of(by))

    def hold(self, by: LimitedBy) -> str | None:
        """Why none may start; None: one may, or that is for another process to say."""
        for key, left in self._of(by):
            if left is not None and (found := _hold(key, left)) is not None:
                if not left.full and left.tokens is not None:
                    wait_s = (1.0 - left.tokens) / left.per_second
                    self._next_in_s = min(self._next_in_s, wait_s, _LONGEST_S)
                return found
        return None

    def room(self, by: LimitedBy, most: int) -> int:
        """How many may start, at most `most`."""
        for _, left in self._of(by):
            if left is None:
                return 0
            if left.running is not None:
                most = min(most, left.running)
            if left.tokens is not None:
                most = min(most, int(left.tokens / _NEARLY))
        return max(0, most)

    def take(self, by: LimitedBy, count: int = 1) -> None:
        """So many start."""
        for _, left in self._of(by):
            assert left is not None
            if left.running is not None:
                left.running -= count
            if left.tokens is not None:
                left.tokens = max(0.0, left.tokens - count)
                left.touched = True

    def spent(self) -> list[tuple[str, str, float]]:
        """Account, key, and how many tokens are left now: of the keys something was taken of."""
        return [
            (*key, left.tokens)
            for key, left in self._left.items()
            if left is not None and left.touched and left.tokens is not None
        ]

    def next_in_s(self) -> float | None:
        """When to look again, for something may start then that was held back here. None: no need."""
        soonest = min(self._next_in_s, AGAIN_S) if None in self._left.values() else self._next_in_s
        return None if soonest == math.inf else soonest

    def _learned(self, key: Key) -> None:
        if key[0] == NOBODY:
            self._limits_standing = True
            self._standing.clear()

    def _by_standing(self, queue: str, account: str) -> LimitedBy | None:
        if not self._limits_standing:
            return None
        place = (queue, account)
        if place not in self._standing:
            keys = tuple(key for key in _keys(queue, account) if not self._is_free((NOBODY, key)))
            self._standing[place] = (NOBODY, keys) if keys else None
        return self._standing[place]

    def _is_free(self, key: Key) -> bool:
        left = self._left.get(key, _FREE)
        return left is not None and left.running is None and left.tokens is None

    def _of(self, by: LimitedBy) -> list[tuple[Key, _Left | None]]:
        account, keys = by
        return [((account, key), self._left[account, key]) for key in keys]


def _keys(queue: str, account: str) -> tuple[str, str]:
    return queue_key(queue), account_key(account)


def _hold(key: Key, left: _Left) -> str | None:
    if left.full:
        return limit_full(key[1])
    if left.tokens is not None and left.tokens < _NEARLY:
        return rate_spent(key[1])
    return None


def _tokens(numbers: Numbers) -> float | None:
    if numbers.per_second is None:
        return None
    most = max(1.0, numbers.per_second)
    if numbers.tokens is None:
        return most
    return min(most, numbers.tokens + max(0.0, numbers.since_s) * numbers.per_second)
