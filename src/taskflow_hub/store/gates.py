"""What limits let through in one lease.

    gate = Gate()
    for key in gate.unknown(task.limited_by for task in page): gate.learn(key, …)   # or gate.pass_over(key)
    … Round(…, gate=gate) gives the tasks of the page …
    gate.hold(task.limited_by)   # why one of them may not run
    gate.spent()                 # what is to be written

A rate is a bucket of tokens, one for each start. It holds one second's worth, and at least one; a key that was never used has
it full.
"""

import math
from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from taskflow_hub.domain.holds import limit_full, rate_spent

Key = tuple[str, str]  # account, key
LimitedBy = tuple[str, tuple[str, ...]]  # account, and the keys of a task's limits in their order

AGAIN_S: Final = 0.005  # a key that another process has in its hands is looked at again so soon
_NEARLY: Final = 1.0 - 1e-9  # of a token: it was divided and added up


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


class Gate:
    """Of one lease. Everything it is asked of must have been learned."""

    def __init__(self) -> None:
        self._left: dict[Key, _Left | None] = {}  # None: another process has it in its hands
        self._next_in_s = math.inf

    def unknown(self, tasks: Iterable[LimitedBy | None]) -> list[Key]:
        """Keys that are still to be learned, in the order in which they are locked."""
        keys = {(by[0], key) for by in tasks if by is not None for key in by[1]}
        return sorted(keys - self._left.keys())

    def learn(self, key: Key, numbers: Numbers | None) -> None:
        """None: there is no such limit any more, so it holds nothing back."""
        if numbers is None:
            self._left[key] = _Left(None, None, 0.0)
            return
        running = None if numbers.running is None else numbers.running - numbers.run
        self._left[key] = _Left(running, _tokens(numbers), numbers.per_second or 0.0)

    def pass_over(self, key: Key) -> None:
        """Another process has it in its hands."""
        self._left[key] = None

    def opens(self, by: LimitedBy) -> bool:
        """May one more task start that is limited so?"""
        return not any(left is None or _hold(key, left) for key, left in self._of(by))

    def hold(self, by: LimitedBy) -> str | None:
        """Why none may start; None: one may, or that is for another process to say."""
        for key, left in self._of(by):
            if left is not None and (found := _hold(key, left)) is not None:
                if not left.full and left.tokens is not None:
                    self._next_in_s = min(self._next_in_s, (1.0 - left.tokens) / left.per_second)
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

    def take(self, by: LimitedBy) -> None:
        """One starts."""
        for _, left in self._of(by):
            assert left is not None
            if left.running is not None:
                left.running -= 1
            if left.tokens is not None:
                left.tokens = max(0.0, left.tokens - 1.0)
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

    def _of(self, by: LimitedBy) -> list[tuple[Key, _Left | None]]:
        account, keys = by
        return [((account, key), self._left[account, key]) for key in keys]


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
