"""Wakes those who wait, on whatever event loops they do."""

import asyncio
from collections.abc import Callable

Sleeper = tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]


class Bell:
    """Wakes all who wait for it, on whatever loops they do. Ringing is allowed from any thread."""

    def __init__(self) -> None:
        self._sleepers: list[Sleeper] = []

    async def wait(self, needless: Callable[[], object], wait_s: float | None = None) -> None:
        """Until it rings, at most `wait_s`; not at all where that is `needless`."""
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        sleeper = (loop, future)
        self._sleepers.append(sleeper)
        timer = None if wait_s is None else loop.call_later(wait_s, _settle, future)
        try:
            if not needless():  # asked only now, when a ring from another thread would see the sleeper
                await future
        finally:
            self._sleepers.remove(sleeper)
            if timer is not None:
                timer.cancel()

    def ring(self) -> None:
        if not self._sleepers:
            return
        here = asyncio._get_running_loop()  # None in a thread without a loop, where get_running_loop raises
        for loop, future in tuple(self._sleepers):
            if loop is here:
                _settle(future)
            else:
                loop.call_soon_threadsafe(_settle, future)


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
