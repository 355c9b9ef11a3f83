"""A hub that kills itself in the middle, where DIES says: `WHERE N`, the Nth time that it gets there.

untold      a success is committed, and nobody has been told: not this process's dispatcher, and no other process
succeeded   they have been told; the collector, whose report it was, has not heard of it
leasing     somebody is about to look at what waits
leased      a lease is committed, and not published
"""

import asyncio
import itertools
import os
import signal
from collections.abc import Awaitable, Callable
from typing import Any

from taskflow_hub import Hub
from taskflow_hub.store.postgres import PostgresStore
from taskflow_hub.store.postgres.transaction import Transaction
from taskflow_hub.store.sqlite import SqliteStore

hub = Hub()


@hub.task("dying.work")
async def work(seconds: float) -> None:
    await asyncio.sleep(seconds)


class Death:
    """Counts from the first success on: what is interesting comes after an end."""

    def __init__(self, turn: int) -> None:
        self._turns, self._turn = itertools.count(1), turn
        self._ending, self._ended = 0, False

    def watch(self, store: type) -> None:
        succeed: Callable[..., Awaitable[Any]] = store.succeed  # type: ignore[attr-defined]

        async def call(*args: Any) -> Any:
            self._ending += 1
            try:
                answer = await succeed(*args)
            finally:
                self._ending -= 1
            self._ended = True
            if where == "succeeded":
                self._reached()
            return answer

        store.succeed = call  # type: ignore[attr-defined]

    def at_leases(self, store: type) -> None:
        lease: Callable[..., Awaitable[Any]] = store.lease  # type: ignore[attr-defined]

        async def call(*args: Any) -> Any:
            if where == "leasing" and self._ended:
                self._reached()
            answer = await lease(*args)
            if where == "leased" and answer.leases and self._ended:
                self._reached()
            return answer

        store.lease = call  # type: ignore[attr-defined]

    def before_telling(self) -> None:
        """SQLite's store has nobody to tell."""
        committed = PostgresStore._committed

        def call(store: PostgresStore, tx: Transaction) -> None:
            if where == "untold" and self._ending:
                self._reached()
            committed(store, tx)

        PostgresStore._committed = call  # type: ignore[method-assign,assignment]

    def _reached(self) -> None:
        if next(self._turns) == self._turn:
            os.kill(os.getpid(), signal.SIGKILL)


if "DIES" in os.environ:
    where, said = os.environ["DIES"].split()
    death = Death(int(said))
    for each in (PostgresStore, SqliteStore):
        death.watch(each)
        death.at_leases(each)
    death.before_telling()
