"""What the API knows of its own end, and of the answers that take long: event streams and waiting submits."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from starlette.types import Receive

from taskflow_hub.domain.errors import Unavailable


class Lifetime:
    """From `close` on the API refuses what is new, and every long answer ends early."""

    def __init__(self, *, max_long: int) -> None:
        self.closing = False
        self._max_long = max_long
        self._long: set[asyncio.Timeout] = set()

    def close(self) -> None:
        """Twice is harmless."""
        self.closing = True
        for scope in self._long:
            _end(scope)

    @property
    def has_room(self) -> bool:
        """May another long answer begin?"""
        return len(self._long) < self._max_long

    @contextlib.asynccontextmanager
    async def long(self, receive: Receive) -> AsyncIterator[None]:
        """A block that may take long. It is ended early, without an error, when the client goes or the API closes.

        Raises Unavailable when too many are under way.
        """
        if not self.has_room:
            raise Unavailable("Too many event streams and waiting requests are open.", retry_after_s=5)
        scope = asyncio.timeout(None)
        watcher = asyncio.create_task(_watch(receive, scope), name="Disconnect")
        try:
            async with scope:
                self._long.add(scope)
                if self.closing:
                    _end(scope)
                yield
        except TimeoutError:
            if not scope.expired():
                raise
        finally:
            self._long.discard(scope)
            watcher.cancel()
            await asyncio.wait({watcher})


def _end(scope: asyncio.Timeout) -> None:
    if not scope.expired():
        scope.reschedule(asyncio.get_running_loop().time())


async def _watch(receive: Receive, scope: asyncio.Timeout) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    _end(scope)
