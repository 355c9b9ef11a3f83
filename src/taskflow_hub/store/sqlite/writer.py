"""The one thread that writes: it commits whatever gathered while the last commit ran.

A verb is a short function of the transaction. Calls of the same verb that wait at the same time become one call with all
their items. The whole gathering is one transaction without savepoints; should anything in it raise, everything is rolled back
and done again one call at a time, so that only the one to blame is told.
"""

import asyncio
import logging
import math
import random
import sqlite3
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

from taskflow_hub.domain.clock import Clock
from taskflow_hub.domain.errors import StoreUnavailable
from taskflow_hub.store import refusals
from taskflow_hub.store.sqlite.connection import concerns_all, connect, explain, is_busy
from taskflow_hub.store.sqlite.transaction import Transaction
from taskflow_hub.store.sqlite.url import Location
from taskflow_hub.store.values import Access, OnFollowed, OnTransaction, tell_nobody

P = ParamSpec("P")
T = TypeVar("T")
Item = TypeVar("Item")
Outcome = TypeVar("Outcome")
Delivery = tuple["asyncio.Future[Any]", Any, BaseException | None]

GATHER_ITEMS: Final = (
    2_000  # beyond it no transaction gathers; only a single call may be larger, for it cannot be cut
)
CLOSING_S: Final = 2.0  # for so long in all a writer that was told to stop still waits for other processes
COMPANY_S: Final = 30.0  # for so long after the last foreign change other processes are believed to be there
POLL_S: Final = 0.02  # how often the writer looks for changes made by other processes, in company
POLL_ALONE_S: Final = 0.1  # and when it seems to be alone: 0.02 would cost an idle hub 0.4 % of a core
YIELD_S: Final = 0.001

log = logging.getLogger("taskflow.store")


class _Call:
    """One awaited call: a verb and what it was given. `items` None: it takes no part in a merge."""

    __slots__ = ("future", "items", "loop", "verb", "weight")

    def __init__(
        self, verb: Callable[..., Any], items: Sequence[Any] | None, weight: int | None = None
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Any] = self.loop.create_future()
        self.verb, self.items = verb, items
        if weight is None:
            weight = 1 if items is None else len(items)
        self.weight = weight  # how much work it is, in items


_Outcome = tuple[_Call, Any, BaseException | None]
_NUDGE: Final = object()  # wakes the thread, asks for nothing


class Writer:
    """Owns the write connection. `write` and `write_many` may be awaited on any event loop of the process."""

    def __init__(self, location: Location, clock: Clock) -> None:
        self._location, self._clock = location, clock
        self.on_transaction: OnTransaction = tell_nobody
        self.on_followed: OnFollowed = tell_nobody
        self._connection: sqlite3.Connection | None = None
        self._inbox: SimpleQueue[Any] = SimpleQueue()  # calls, nudges, and None for the end
        self._put_off: _Call | None = None  # taken from the inbox, but too heavy for the transaction at hand
        self._lock = threading.Lock()  # guards `_closed` against a call slipping in behind the end mark
        self._closed = False
        self._patience_ends = math.inf
        self._watchers: dict[asyncio.Event, asyncio.AbstractEventLoop] = {}
        self._version: int | None = None  # the `data_version` last seen
        self.foreign_changes = 0  # how often another process was seen to have written
        self.decisions = 0  # transactions that may have moved workflows, and are committed
        self._company_until = 0.0
        self._next_poll = 0.0
        self._thread = threading.Thread(target=self._work, name="taskflow-store-writer", daemon=True)

    def start(self) -> None:
        """Open the connection, in the caller's thread so that it hears of any trouble, and begin.

        Raises StoreUnavailable. The lock is taken and given back because merely to open the file one has to wait, too:
        while another process closes it as the last, or mends what a killed one left.
        """
        try:
            self._roll_back(self._begin())
        except sqlite3.Error as error:
            raise self._blame(error) from error
        self._thread.start()

    async def write(
        self, verb: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run one function in a transaction and wait for the commit."""
        found: T = await self._ask(_Call(lambda tx: verb(tx, *args, **kwargs), None))
        return found

    async def write_many(
        self,
        verb: Callable[[Transaction, Sequence[Item]], list[Outcome]],
        items: Sequence[Item],
        weight: int | None = None,
    ) -> list[Outcome]:
        """The same for a verb that takes items and has an outcome for each; may be merged with other calls of it.

        `weight`: how much work it is, if not one for each item.
        """
        return await self._ask(_Call(verb, items, weight)) if items else []

    async def _ask(self, call: _Call) -> Any:
        with self._lock:
            if self._closed:
                raise refusals.closed()
            self._inbox.put(call)
        return await call.future

    @property
    def closed(self) -> bool:
        return self._closed

    def stop(self) -> None:
        """Finish what was asked, then let go. Blocks; twice is harmless."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._patience_ends = time.monotonic() + CLOSING_S
                self._inbox.put(None)
                self._tell_watchers()
        if self._thread.is_alive():
            self._thread.join()

    # --- other processes ---------------------------------------------------------------------------------------------

    def watch(self, event: asyncio.Event) -> None:
        """Set `event` (which belongs to the running loop) when another process has changed something."""
        self._watchers[event] = asyncio.get_running_loop()
        self._inbox.put(_NUDGE)

    def unwatch(self, event: asyncio.Event) -> None:
        self._watchers.pop(event, None)

    def _tell_watchers(self) -> None:
        for event, loop in list(self._watchers.items()):
            _call_soon(loop, event.set)

    def _look_for_company(self, connection: sqlite3.Connection) -> None:
        """`data_version` does not move with this connection's own commits, and nobody else in this process writes."""
        known, self._version = self._version, connection.execute("PRAGMA data_version").fetchall()[0][0]
        if known not in {None, self._version}:
            self.foreign_changes += 1
            self._company_until = time.monotonic() + COMPANY_S
            self._tell_watchers()

    # --- the thread --------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        calls: list[_Call] = []
        ended = False
        while not ended:
            try:
                calls, ended = self._gather()
                if calls:
                    began = time.monotonic()
                    outcomes = self._commit(calls)
                    self.on_transaction(Access.WRITE, time.monotonic() - began)
                    self._settle(outcomes)
                    if self._in_company() and not ended:
                        time.sleep(YIELD_S)
                self._poll()
            except BaseException as error:  # with this thread gone, everyone would wait for ever
                self._survive(error, calls)
        self._close()

    def _survive(self, error: BaseException, calls: list[_Call]) -> None:
        """Something nobody foresaw: tell those who wait, begin anew with a fresh connection, and go on."""
        log.error("the writer of database %s failed", self._location.path, exc_info=error)
        self._close()
        what = f"database {self._location.path}: {type(error).__name__}: {error}"
        self._settle([(call, None, StoreUnavailable(what)) for call in calls])
        time.sleep(POLL_ALONE_S)

    def _gather(self) -> tuple[list[_Call], bool]:
        calls: list[_Call] = []
        weight = 0
        try:
            call, self._put_off = self._put_off, None
            if call is None:
                call = self._inbox.get(timeout=self._poll_s() if self._watchers else None)
            while call is not None:
                if call is not _NUDGE:
                    if calls and weight + call.weight > GATHER_ITEMS:
                        self._put_off = call
                        return calls, False
                    calls.append(call)
                    weight += call.weight
                call = self._inbox.get_nowait()
        except Empty:
            return calls, False
        return calls, True

    def _in_company(self) -> bool:
        return time.monotonic() < self._company_until

    def _poll_s(self) -> float:
        return POLL_S if self._in_company() else POLL_ALONE_S

    def _poll(self) -> None:
        if (now := time.monotonic()) < self._next_poll:
            return
        self._next_poll = now + self._poll_s() * 0.9
        try:
            self._look_for_company(self._open())
        except (sqlite3.Error, StoreUnavailable):
            self._close()  # whoever writes next is told

    def _commit(self, calls: list[_Call]) -> list[_Outcome]:
        """Everything in one transaction; if that fails, each call in a transaction of its own.

        Where it is the database that cannot, nothing is tried again: each try would wait as long as the first.
        """
        outcomes: list[_Outcome] = []
        rest, size = calls, len(calls)
        while rest:
            part = rest[:size]
            try:
                connection = self._begin()
            except Exception as error:
                return outcomes + self._refuse(rest, error)
            try:
                outcomes += self._transact(connection, part)
            except Exception as error:
                if concerns_all(error):
                    return outcomes + self._refuse(rest, error)
                if len(part) > 1:
                    size = 1
                    continue
                outcomes += self._refuse(part, error)
            rest = rest[len(part) :]
        return outcomes

    def _refuse(self, calls: list[_Call], error: Exception) -> list[_Outcome]:
        return [(call, None, self._blame(error)) for call in calls]

    def _transact(self, connection: sqlite3.Connection, calls: list[_Call]) -> list[_Outcome]:
        try:
            tx = Transaction(connection, self._clock())
            outcomes: list[_Outcome] = []
            for verb, group in _by_verb(calls):
                outcomes += [
                    (call, found, None) for call, found in zip(group, _run(tx, verb, group), strict=True)
                ]
            tx.commit()
        except BaseException:
            self._roll_back(connection)
            raise
        self.decisions += tx.decided
        if tx.followed:
            self.on_followed(tx.followed)
        return outcomes

    def _begin(self) -> sqlite3.Connection:
        """Take the file's write lock. Waiting for another process is ours: short, jittered, and bounded."""
        give_up = time.monotonic() + self._location.busy_timeout_s
        while True:
            try:
                connection = self._open()
                connection.execute("BEGIN IMMEDIATE")
                return connection
            except sqlite3.Error as error:
                if not is_busy(error):
                    self._close()
                    raise
                if time.monotonic() >= min(give_up, self._patience_ends):
                    raise
            self._company_until = time.monotonic() + COMPANY_S
            time.sleep(random.uniform(0.0003, 0.002))

    def _roll_back(self, connection: sqlite3.Connection) -> None:
        try:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        except sqlite3.Error:
            self._close()

    def _blame(self, error: Exception) -> Exception:
        if isinstance(error, sqlite3.Error):
            meaning = explain(error, self._location)
            if meaning is not None:
                meaning.__cause__ = error
                return meaning
        return error

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = connect(self._location, writer=True)
            self._version = None
        return self._connection

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.close()
            except sqlite3.Error as error:
                log.warning("closing database %s: %s", self._location.path, error)

    @staticmethod
    def _settle(outcomes: list[_Outcome]) -> None:
        """One call per event loop, however many waited."""
        by_loop: dict[asyncio.AbstractEventLoop, list[Delivery]] = defaultdict(list)
        for call, found, error in outcomes:
            by_loop[call.loop].append((call.future, found, error))
        for loop, deliveries in by_loop.items():
            _call_soon(loop, _deliver, deliveries)


def _by_verb(calls: list[_Call]) -> list[tuple[Callable[..., Any], list[_Call]]]:
    """Calls that wait at the same time have no order among them, so those of one verb may stand together."""
    groups: dict[Any, list[_Call]] = {}
    for call in calls:
        groups.setdefault(call if call.items is None else call.verb, []).append(call)
    return [(group[0].verb, group) for group in groups.values()]


def _run(tx: Transaction, verb: Callable[..., Any], calls: list[_Call]) -> list[Any]:
    if calls[0].items is None:
        return [verb(tx)]
    if len(calls) == 1:
        return [verb(tx, calls[0].items)]
    found = verb(tx, [item for call in calls for item in call.items or ()])
    parts, start = [], 0
    for call in calls:
        end = start + len(call.items or ())
        parts.append(found[start:end])
        start = end
    return parts


def _deliver(deliveries: list[Delivery]) -> None:
    for future, found, error in deliveries:
        if future.done():
            continue  # whoever waited was cancelled
        if error is None:
            future.set_result(found)
        else:
            future.set_exception(error)


def _call_soon(loop: asyncio.AbstractEventLoop, callback: Callable[..., object], *args: Any) -> None:
    try:
        loop.call_soon_threadsafe(callback, *args)
    except RuntimeError:
        log.debug("an event loop that waited for the store is closed")
