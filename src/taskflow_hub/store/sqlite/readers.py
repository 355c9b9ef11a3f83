"""A few threads with a read connection each, opened when first needed. A read sees the last commit whole."""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Concatenate, Final, ParamSpec, TypeVar

from taskflow_hub.store import refusals
from taskflow_hub.store.sqlite.connection import connect, explain
from taskflow_hub.store.sqlite.transaction import Snapshot
from taskflow_hub.store.sqlite.url import Location
from taskflow_hub.store.values import Access, OnTransaction, tell_nobody

P = ParamSpec("P")
T = TypeVar("T")

QUICK_THREADS: Final = 1
LONG_THREADS: Final = 2
BUSY_S: Final = 5.0  # a reader waits only while another process recovers the file after a crash


class Readers:
    def __init__(self, location: Location) -> None:
        self._location = location
        self.on_transaction: OnTransaction = tell_nobody
        self._quick = ThreadPoolExecutor(QUICK_THREADS, thread_name_prefix="taskflow-store-reader-quick")
        self._long = ThreadPoolExecutor(LONG_THREADS, thread_name_prefix="taskflow-store-reader")
        self._own = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._closed = False

    async def read(
        self, query: Callable[Concatenate[Snapshot, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a quick function on a read connection. One statement sees one moment; several may see several."""
        return await self._run(self._quick, lambda snapshot: query(snapshot, *args, **kwargs))

    async def read_long(
        self, query: Callable[Concatenate[Snapshot, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """The same for what may take long, lists and counts: on other threads, so that the engine need not wait behind it."""
        return await self._run(self._long, lambda snapshot: query(snapshot, *args, **kwargs))

    async def _run(self, threads: ThreadPoolExecutor, query: Callable[[Snapshot], T]) -> T:
        if self._closed:
            raise refusals.closed()
        return await asyncio.get_running_loop().run_in_executor(threads, lambda: self._answer(query))

    def _answer(self, query: Callable[[Snapshot], T]) -> T:
        began = time.monotonic()
        try:
            return query(self._snapshot())
        except sqlite3.Error as error:
            meaning = explain(error, self._location)
            if meaning is None:
                raise
            raise meaning from error
        finally:
            self.on_transaction(Access.READ, time.monotonic() - began)

    def _snapshot(self) -> Snapshot:
        snapshot: Snapshot | None = getattr(self._own, "snapshot", None)
        if snapshot is None:
            connection = connect(self._location, busy_s=BUSY_S)
            self._opened.append(connection)
            snapshot = self._own.snapshot = Snapshot(connection)
        return snapshot

    def stop(self) -> None:
        """Blocks until the reads in flight have ended; twice is harmless."""
        self._closed = True
        for threads in (self._quick, self._long):
            threads.shutdown(wait=True)
        while self._opened:
            self._opened.pop().close()
