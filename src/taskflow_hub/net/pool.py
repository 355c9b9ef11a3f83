"""The connections of one client in one event loop: how many there may be, and which are kept for the next request."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from taskflow_hub.net.connection import Connection
from taskflow_hub.net.dial import Dialler
from taskflow_hub.net.settings import NetSettings
from taskflow_hub.net.url import Target

OLDEST_S: Final = (
    60.0  # from the dialling: so long may a change of DNS go unnoticed where requests never pause
)


class _Lane:
    """What leads to one origin."""

    def __init__(self, wide: int) -> None:
        self.turns = asyncio.Semaphore(wide)
        self.users = 0  # who has a connection or waits for one
        self.kept: list[Connection] = []  # the latest used is last


class Pool:
    """Hands out connections, one request each. At no moment are more open than `max_connections`.

    A connection is kept only for its own origin (scheme, host and port), as long as it was dialled and checked by the same
    client: another allow-list or TLS context is another client.
    """

    def __init__(self, dialler: Dialler, settings: NetSettings) -> None:
        self._dialler, self._settings = dialler, settings
        self._loop = asyncio.get_running_loop()
        self._turns = asyncio.Semaphore(settings.max_connections)
        self._in_use = 0
        self._lanes: dict[tuple[str, str, int], _Lane] = {}
        self._kept: dict[Connection, tuple[Target, float]] = {}  # since when; the longest kept is first
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False  # what is in use then is closed after its request

    @asynccontextmanager
    async def connection(self, target: Target, *, fresh: bool) -> AsyncIterator[tuple[Connection, bool]]:
        """A connection, and whether it was used before; `fresh` asks for a new one.

        Waits while too many are in use. It is closed in the end, unless it may carry another request.
        """
        lane = self._lanes.get(target.origin)
        if lane is None:
            lane = self._lanes[target.origin] = _Lane(self._settings.max_connections_per_origin)
        lane.users += 1
        try:
            # Who waits for the common bound holds a turn of one origin only, so nobody waits in a circle.
            async with lane.turns, self._turns:
                self._in_use += 1
                try:
                    kept = None if fresh else self._take(lane)
                    async with self._lent(lane, target, kept or await self._dial(target)) as connection:
                        yield connection, kept is not None
                finally:
                    self._in_use -= 1
        finally:
            lane.users -= 1
            self._tidy(target, lane)

    def close(self) -> None:
        """Close what is kept, and keep nothing from now on."""
        self._closed = True
        for connection in tuple(self._kept):
            self._forget(connection)
            connection.abort()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # --- inside ---

    async def _dial(self, target: Target) -> Connection:
        if self._in_use + len(self._kept) > self._settings.max_connections:
            self._drop(next(iter(self._kept)))
        return await self._dialler.dial(target)

    @asynccontextmanager
    async def _lent(self, lane: _Lane, target: Target, connection: Connection) -> AsyncIterator[Connection]:
        try:
            yield connection
        except BaseException:
            connection.abort()
            raise
        young = self._loop.time() - connection.born < OLDEST_S
        if not self._closed and young and self._settings.keep_alive > 0 and connection.finish():
            self._keep(lane, target, connection)
        else:
            connection.abort()

    def _take(self, lane: _Lane) -> Connection | None:
        """The connection used last: it is the least likely to be closed by now."""
        while lane.kept:
            connection = lane.kept[-1]
            self._forget(connection)
            if connection.silent:
                return connection
            connection.abort()
        return None

    def _keep(self, lane: _Lane, target: Target, connection: Connection) -> None:
        lane.kept.append(connection)
        self._kept[connection] = target, self._loop.time()
        connection.on_end = self._drop
        if self._timer is None:
            self._timer = self._loop.call_later(self._settings.keep_alive, self._sweep)

    def _forget(self, connection: Connection) -> None:
        connection.on_end = None
        target, _ = self._kept.pop(connection)
        lane = self._lanes[target.origin]
        lane.kept.remove(connection)
        self._tidy(target, lane)

    def _drop(self, connection: Connection) -> None:
        self._forget(connection)
        connection.abort()

    def _tidy(self, target: Target, lane: _Lane) -> None:
        if not lane.users and not lane.kept:
            self._lanes.pop(target.origin, None)

    def _sweep(self) -> None:
        self._timer = None
        now = self._loop.time()
        for connection, (_, since) in tuple(self._kept.items()):
            left_s = since + self._settings.keep_alive - now
            if left_s > 0:
                self._timer = self._loop.call_later(left_s, self._sweep)
                return
            self._drop(connection)


async def closing_with_loop(pool: Pool, forget: Callable[[], object]) -> AsyncGenerator[None, None]:
    """Closes the pool when its event loop ends: `asyncio.run` lets every generator that was begun come to its end."""
    try:
        yield
    finally:
        forget()
        pool.close()
        await asyncio.sleep(0)  # the transports close in the loop's next turn
