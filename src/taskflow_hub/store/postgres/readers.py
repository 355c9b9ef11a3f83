"""Reads on a connection of the pool. A statement sees one moment; several may see several."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Concatenate, Final, ParamSpec, TypeVar

from taskflow_hub.domain.clock import Clock
from taskflow_hub.store.postgres.link import Link, Patience
from taskflow_hub.store.postgres.transaction import Snapshot
from taskflow_hub.store.values import Access, OnTransaction, tell_nobody

PLAN: Final = "SET LOCAL plan_cache_mode = force_custom_plan"

P = ParamSpec("P")
T = TypeVar("T")


class Readers:
    """May be used on any event loop."""

    def __init__(self, link: Link, clock: Clock | None) -> None:
        self._link, self._clock = link, clock
        self.on_transaction: OnTransaction = tell_nobody
        # What may take long never takes all connections, or the engine would wait behind it.
        self._long = asyncio.Semaphore(max(1, link.target.pool_size // 3))

    async def read(
        self, query: Callable[Concatenate[Snapshot, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a quick function on a read connection; tried again when the connection breaks."""
        return await self._link.run(lambda: self._answer(lambda snapshot: query(snapshot, *args, **kwargs)))

    async def read_long(
        self, query: Callable[Concatenate[Snapshot, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """The same for lists and counts, which are planned for what they are given."""

        async def queued() -> T:
            async with self._long:
                return await self._answer(lambda snapshot: query(snapshot, *args, **kwargs), planned=True)

        return await self._link.run(queued)

    async def _answer(self, query: Callable[[Snapshot], Awaitable[T]], *, planned: bool = False) -> T:
        patience = Patience(self._link)
        while True:
            now = None if self._clock is None else self._clock()
            began = time.monotonic()
            try:
                async with self._link.connection() as connection:
                    if not self._link.bare and not planned:
                        return await query(Snapshot(connection, now))
                    async with connection.transaction(readonly=True):
                        if planned and not self._link.bare:  # behind a pooler no plan is kept
                            await connection.execute(PLAN)
                        return await query(Snapshot(connection, now))
            except Exception as error:
                failed = error
            finally:
                self.on_transaction(Access.READ, time.monotonic() - began)
            await patience.after(failed)
