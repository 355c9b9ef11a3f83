"""The thread on which every connection of a store lives.

A thread of its own, because connections belong to one event loop, while a store is awaited from several, and because
heartbeats must go out while the loop of the handlers is busy. Connections are taken from the driver's pool.
"""

import asyncio
import random
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

import asyncpg
import structlog
from asyncpg.pool import PoolConnectionProxy

from taskflow_hub.domain.errors import ShuttingDown
from taskflow_hub.store.postgres.door import refusal
from taskflow_hub.store.postgres.faults import Fault, explain, fault_of
from taskflow_hub.store.postgres.url import Target

T = TypeVar("T")
_Lent = PoolConnectionProxy  # it has everything a connection has

KEPT: Final = 4  # connections that are made at the start and kept
# Tables through which tasks flow are empty in one minute and have a million rows in the next, and plans are kept: one that was
# made for a few rows goes through all of them, and through what has died there, again and again. Whatever is right with a
# million rows is right with few, too: by an index, one row after the other. So a plan may be kept from the first use, for
# making one for a single row takes longer than the row; lists and counts alone are planned for what they are given
# (readers.py).
# (Behind a pooler no plan is kept.)
PLANNER: Final = {
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "jit": "off",
    "plan_cache_mode": "force_generic_plan",
}
# A process that is stopped in the middle of a transaction (SIGSTOP, a frozen machine) keeps its locks, and others wait for
# them: the server ends such a transaction. Behind a pooler nothing can be set for a session, so each transaction says it.
STOPPED: Final = {"idle_in_transaction_session_timeout": "10s"}
BEGIN: Final = "BEGIN"
BEGIN_BARE: Final = "BEGIN; SET LOCAL idle_in_transaction_session_timeout = '10s'"
COMMAND_S: Final = 60.0  # a statement that takes longer is given up, and its connection with it
FIRST_PAUSE_S: Final = 0.05  # before a call tries again; grows to the last one
LAST_PAUSE_S: Final = 1.0

log = structlog.stdlib.get_logger("taskflow.store")


class Link:
    """`run` may be awaited on any event loop; what it is given runs on the store's own."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self._loop = _new_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="taskflow-store", daemon=True)
        self._pool: asyncpg.Pool | None = None
        self._idle: list[_Lent] = []  # taken from the pool and not given back, for it makes much of that
        self._wanted = 0  # how many wait for the pool, which none may be kept from then
        self._closed = False

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        return self._loop

    @property
    def closed(self) -> bool:
        return self._closed

    async def run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run it on the store's loop and wait. Cancelling the wait cancels the work."""
        if self._closed:
            raise ShuttingDown("the store is closed")
        if asyncio.get_running_loop() is self._loop:
            return await work()
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work(), self._loop))

    async def open(self) -> None:
        """Start the thread and connect. Raises Misconfigured for what no waiting will mend, StoreUnavailable."""
        self._thread.start()
        try:
            await self.run(self._connect)
        except BaseException as error:
            await self.close()
            if isinstance(error, Exception) and fault_of(error) is not Fault.OURS:
                raise await refusal(error, self.target) from error
            raise

    async def _connect(self) -> None:
        target = self.target
        self._pool = await asyncpg.create_pool(
            target.dsn,
            min_size=min(KEPT, target.pool_size),
            max_size=target.pool_size,
            max_inactive_connection_lifetime=0,  # those that were made are kept: a new one may not be had when it is needed
            statement_cache_size=target.statement_cache_size,
            command_timeout=COMMAND_S,
            timeout=target.connect_timeout_s,
            server_settings={"application_name": "taskflow-hub", **({} if self.bare else PLANNER | STOPPED)},
            reset=_leave_as_it_is,
        )

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[asyncpg.Connection]:
        """One connection, to be used on the store's loop. It is kept for the next, or goes away if it broke."""
        pool = self._pool
        if pool is None:
            raise ShuttingDown("the store is closed")
        connection = await self._take(pool)
        try:
            yield connection  # type: ignore[misc]
        except BaseException as error:
            if fault_of(error) in {Fault.BROKEN, Fault.HOPELESS}:
                connection.terminate()
            await pool.release(connection)  # which waits until a statement that was cancelled has ended
            raise
        if self._wanted or self._pool is None or connection.is_closed():
            await pool.release(connection)
        else:
            self._idle.append(connection)

    async def _take(self, pool: asyncpg.Pool) -> _Lent:
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
            await pool.release(connection)
        self._wanted += 1
        try:
            return await pool.acquire(timeout=self.target.patience_s + self.target.connect_timeout_s)
        finally:
            self._wanted -= 1

    @property
    def begin(self) -> str:
        """The statement that begins a transaction."""
        return BEGIN_BARE if self.bare else BEGIN

    @property
    def bare(self) -> bool:
        """Behind a pooler: every statement must be inside a transaction, or each of its two messages may go elsewhere."""
        return self.target.statement_cache_size == 0

    async def close(self) -> None:
        """Finish what is under way, briefly, and end the thread. Twice is harmless."""
        if self._closed:
            return
        self._closed = True
        if self._thread.is_alive():
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._close(), self._loop))
            self._loop.call_soon_threadsafe(self._loop.stop)
            await asyncio.get_running_loop().run_in_executor(None, self._thread.join)
        self._loop.close()

    async def _close(self) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            try:
                async with asyncio.timeout(2.0):
                    while self._idle:
                        await pool.release(self._idle.pop())
                    await pool.close()
            except (TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
                log.debug("closing the pool", error=str(error))
                pool.terminate()
        await self._loop.shutdown_default_executor()


class Patience:
    """How often and how long one call is tried again: `async for _ in Patience(link)`, and `give_up(error)` in each round."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._ends = link.loop.time() + link.target.patience_s
        self._pause_s = FIRST_PAUSE_S

    async def after(self, error: BaseException) -> None:
        """Wait before the next try; raises what the error means when there shall be none."""
        fault = fault_of(error)
        if fault is Fault.OURS:
            raise error
        if fault is Fault.HOPELESS or self._link.loop.time() >= self._ends or self._link.closed:
            raise explain(error, self._link.target.shown) from error
        await asyncio.sleep(
            self._pause_s * random.uniform(0.5, 1.0) * (0.1 if fault is Fault.COLLISION else 1.0)
        )
        self._pause_s = min(self._pause_s * 2, LAST_PAUSE_S)


async def _leave_as_it_is(_: Any) -> None:
    """Nothing here changes a session, so there is nothing to reset; the driver's way costs a round trip for each use."""


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:  # Windows
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


Work = Callable[[], Awaitable[Any]]
