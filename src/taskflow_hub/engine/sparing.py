"""Something that is read anew for everybody who asks, unless that takes long: then it is read beside them."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from typing import Final, Generic, TypeAlias, TypeVar

from msgspec import Struct

from taskflow_hub.domain.clock import Monotonic

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")
Later: TypeAlias = Callable[[Callable[[], Awaitable[None]]], None]  # have this done soon, by somebody else

SLOW_S: Final = 0.15
TIMES: Final = 9.0
KEPT: Final = 1_000  # keys whose last answer is kept


class _Answer(Struct, Generic[T], frozen=True):
    value: T
    old_at: float
    gone_at: float


class _Entry(Generic[T]):
    def __init__(self) -> None:
        self.turn = asyncio.Lock()
        self.answer: _Answer[T] | None = None
        self.renewing = False


class Sparing(Generic[K, T]):
    """An answer that is `worth_keeping` and took SLOW_S or more to read is good for TIMES as long as that took, so that reading
    takes a tenth of the time at most. Whoever asks within as long again still gets it, and has it read anew by `later`: who
    looks all the time does not wait. One caller reads a key at a time. On one event loop.

    (HTTP's stale-while-revalidate, RFC 5861.)
    """

    def __init__(
        self,
        read: Callable[[K], Awaitable[T]],
        later: Later,
        *,
        worth_keeping: Callable[[T], bool] = lambda _: True,
        monotonic: Monotonic = time.monotonic,
    ) -> None:
        self._read, self._later, self._worth_keeping, self._monotonic = read, later, worth_keeping, monotonic
        self._entries: dict[K, _Entry[T]] = {}

    async def get(self, key: K) -> T:
        """Raises what `read` raises."""
        entry = self._entry(key)
        answer, now = entry.answer, self._monotonic()
        if answer is not None and now < answer.gone_at:
            if now >= answer.old_at and not entry.renewing:
                entry.renewing = True
                self._later(lambda: self._renew(key, entry))
            return answer.value
        async with entry.turn:
            if entry.answer is not None and self._monotonic() < entry.answer.old_at:
                return entry.answer.value  # somebody has read it meanwhile
            return await self._ask(key, entry)

    def _entry(self, key: K) -> _Entry[T]:
        if (entry := self._entries.get(key)) is None:
            if len(self._entries) >= KEPT:
                self._entries.clear()
            entry = self._entries[key] = _Entry()
        return entry

    async def _renew(self, key: K, entry: _Entry[T]) -> None:
        try:
            async with entry.turn:
                await self._ask(key, entry)
        finally:
            entry.renewing = False

    async def _ask(self, key: K, entry: _Entry[T]) -> T:
        began = self._monotonic()
        value = await self._read(key)
        ended = self._monotonic()
        good_s = TIMES * (ended - began)
        slow = ended - began >= SLOW_S and self._worth_keeping(value)
        entry.answer = _Answer(value, ended + good_s, ended + 2 * good_s) if slow else None
        return value
