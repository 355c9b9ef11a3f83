"""Reads anew, beside those who look, what takes long to read (sparing.py)."""

from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

from taskflow_hub.engine.loop import Loop

INTERVAL_S: Final = 60.0  # it is woken when there is something to do


class Renewals(Loop):
    def __init__(self) -> None:
        super().__init__(interval_s=INTERVAL_S)
        self._asked: deque[Callable[[], Awaitable[None]]] = deque()

    def soon(self, renew: Callable[[], Awaitable[None]]) -> None:
        """In the order of asking, one at a time. One that raises is not done again by itself; who looks next asks for it."""
        self._asked.append(renew)
        self.wake()

    async def tick(self) -> float | None:
        if self._asked:
            await self._asked.popleft()()
        return 0.0 if self._asked else None
