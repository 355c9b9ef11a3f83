"""Something that is read anew for everybody who asks, unless that takes long."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final, Generic, TypeVar

from taskflow_hub.domain.clock import Monotonic

T = TypeVar("T")

SLOW_S: Final = 0.15
TIMES: Final = 9.0


class Sparing(Generic[T]):
    """What took SLOW_S or more to read is good for TIMES as long as that took, so that reading takes a tenth of the time at
    most. One caller reads at a time. On one event loop.
    """

    def __init__(self, read: Callable[[], Awaitable[T]], *, monotonic: Monotonic = time.monotonic) -> None:
        self._read, self._monotonic = read, monotonic
        self._known: tuple[float, T] | None = None  # and until when it is good
        self._turn = asyncio.Lock()

    async def get(self) -> T:
        """Raises what `read` raises."""
        async with self._turn:
            if self._known is not None and self._monotonic() < self._known[0]:
                return self._known[1]
            began = self._monotonic()
            value = await self._read()
            ended = self._monotonic()
            took_s = ended - began
            self._known = (ended + TIMES * took_s, value) if took_s >= SLOW_S else None
            return value
