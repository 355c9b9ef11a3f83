"""How verbs reach the database: each is a lane, and what gathers in a lane while its last transaction runs is the next one.

So every verb has at most one transaction under way in a process, however many call it, and verbs do not wait for each other.
A verb may run more than once before it succeeds (a deadlock, a lost connection): it must keep nothing but what it returns.
"""

import asyncio
import contextvars
import time
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Concatenate, Final, Generic, ParamSpec, TypeVar

import asyncpg

from taskflow_hub.domain.clock import Clock
from taskflow_hub.domain.errors import ShuttingDown
from taskflow_hub.store.postgres.faults import Fault, explain, fault_of
from taskflow_hub.store.postgres.link import Link, Patience, log
from taskflow_hub.store.postgres.transaction import Transaction
from taskflow_hub.store.values import Access, OnFollowed, OnTransaction, tell_nobody

P = ParamSpec("P")
T = TypeVar("T")
Item = TypeVar("Item")
Outcome = TypeVar("Outcome")

GATHER_ITEMS: Final = (
    2_000  # beyond it no transaction gathers; only a single call may be larger, for it cannot be cut
)


def always(_items: Sequence[Any]) -> bool:
    return True


def never(_items: Sequence[Any]) -> bool:
    return False


@dataclass(frozen=True, eq=False)
class Verb(Generic[Item, Outcome]):
    """What takes many items and has an outcome for each.

    `run` must do no harm when it runs again after a commit whose answer was lost. `single` is asked before each try: for
    these items it is one statement (and whatever it reads afterwards need not belong to the same moment), so it needs no
    BEGIN and COMMIT around it.
    """

    run: Callable[[Transaction, Sequence[Item]], Awaitable[list[Outcome]]]
    single: Callable[[Sequence[Item]], bool] = never


class _Call:
    """One awaited call of a verb."""

    __slots__ = ("future", "items", "loop", "weight")

    def __init__(self, items: Sequence[Any], weight: int) -> None:
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Any] = self.loop.create_future()
        self.items, self.weight = items, weight


class _Lane:
    def __init__(self) -> None:
        self.waiting: deque[_Call] = deque()
        self.busy = False


_Outcomes = list[tuple[_Call, Any, BaseException | None]]


class Writer:
    """May be used on any event loop.

    `on_commit` is told of every transaction after its commit, on the store's loop. `make_days` makes the partitions that
    are missing.
    """

    def __init__(
        self,
        link: Link,
        clock: Clock | None,
        *,
        on_commit: Callable[[Transaction], None],
        make_days: Callable[[datetime | None], Awaitable[None]],
    ) -> None:
        self._link, self._clock = link, clock
        self._on_commit, self._make_days = on_commit, make_days
        self.on_transaction: OnTransaction = tell_nobody
        self.on_followed: OnFollowed = tell_nobody
        self._lanes: dict[Verb[Any, Any], _Lane] = defaultdict(_Lane)
        self._tasks: set[asyncio.Task[None]] = set()
        self.decisions = 0  # transactions that may have moved workflows, and are committed

    async def write(
        self, verb: Callable[Concatenate[Transaction, P], Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run one function in a transaction of its own and wait for the commit.

        Tried again after a deadlock or a lost connection; but not when the connection broke during the commit, for nobody
        knows whether it happened: StoreUnavailable.
        """
        return await self._link.run(lambda: self._transact(lambda tx: verb(tx, *args, **kwargs)))

    async def write_many(
        self, verb: Verb[Item, Outcome], items: Sequence[Item], weight: int | None = None
    ) -> list[Outcome]:
        """The same for a verb that takes items; several calls of it may become one transaction.

        `weight`: how much work it is, if not one for each item.
        """
        if not items:
            return []
        if self._link.closed:
            raise ShuttingDown("the store is closed")
        call = _Call(items, len(items) if weight is None else weight)
        self._link.loop.call_soon_threadsafe(self._enqueue, verb, call)
        found: list[Outcome] = await call.future
        return found

    async def settle(self) -> None:
        """Wait until nothing is under way. On the store's loop."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    # --- lanes: on the store's loop ------------------------------------------------------------------------------------

    def _enqueue(self, verb: Verb[Any, Any], call: _Call) -> None:
        lane = self._lanes[verb]
        lane.waiting.append(call)
        if not lane.busy:
            lane.busy = True
            # It works for many callers, so it says nothing in the name of the first.
            task = self._link.loop.create_task(
                self._work(verb, lane), name="taskflow-store-lane", context=contextvars.Context()
            )
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _work(self, verb: Verb[Any, Any], lane: _Lane) -> None:
        try:
            while lane.waiting:
                calls = _gather(lane.waiting)
                try:
                    outcomes = await self._commit(verb, calls)
                except Exception as error:  # nobody foresaw it; those who wait must hear of it all the same
                    outcomes = [(call, None, error) for call in calls]
                _settle(outcomes)
        finally:
            lane.busy = False

    async def _commit(self, verb: Verb[Any, Any], calls: list[_Call]) -> _Outcomes:
        """Everything in one transaction; if that fails for what was asked, each call by itself, so that only one is blamed."""
        items = calls[0].items if len(calls) == 1 else [item for call in calls for item in call.items]
        try:
            found = await self._transact(
                lambda tx: verb.run(tx, items), repeatable=True, single=lambda: verb.single(items)
            )
        except Exception as error:
            if len(calls) == 1 or fault_of(error) is not Fault.OURS or isinstance(error, ShuttingDown):
                return [(call, None, error) for call in calls]
            return [outcome for call in calls for outcome in await self._commit(verb, [call])]
        outcomes: _Outcomes = []
        start = 0
        for call in calls:
            end = start + len(call.items)
            outcomes.append((call, found[start:end], None))
            start = end
        return outcomes

    # --- one transaction -----------------------------------------------------------------------------------------------

    async def _transact(
        self,
        work: Callable[[Transaction], Awaitable[T]],
        *,
        repeatable: bool = False,
        single: Callable[[], bool] = lambda: False,
    ) -> T:
        patience = Patience(self._link)
        made_days = False
        while True:
            now = None if self._clock is None else self._clock()
            committing, began = False, time.monotonic()
            try:
                async with self._link.connection() as connection:
                    tx = Transaction(connection, now, single=not self._link.bare and single())
                    if tx.single:
                        committing = True
                        found = await work(tx)
                    else:
                        await connection.execute(self._link.begin)
                        try:
                            found = await work(tx)
                        except BaseException:
                            await _roll_back(connection)
                            raise
                        committing = True
                        await tx.commit()
            except Exception as error:
                self.on_transaction(Access.WRITE, time.monotonic() - began)
                fault = fault_of(error)
                if fault is Fault.NO_PARTITION and not made_days:
                    made_days = True
                    await self._make_days(now)
                    continue
                if committing and not repeatable and fault is Fault.BROKEN:
                    raise explain(error, self._link.target.shown) from error
                log.debug("again", fault=fault.name, error=str(error))
                await patience.after(error)
                continue
            self.on_transaction(Access.WRITE, time.monotonic() - began)
            self.decisions += tx.decided
            if tx.followed:
                self.on_followed(tx.followed)
            self._on_commit(tx)
            return found


async def _roll_back(connection: asyncpg.Connection) -> None:
    try:
        if not connection.is_closed():
            await connection.execute("ROLLBACK")
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        connection.terminate()  # it is broken; what broke it is on its way to the caller


def _gather(waiting: deque[_Call]) -> list[_Call]:
    calls = [waiting.popleft()]
    weight = calls[0].weight
    while waiting and weight + waiting[0].weight <= GATHER_ITEMS:
        calls.append(waiting.popleft())
        weight += calls[-1].weight
    return calls


def _settle(outcomes: _Outcomes) -> None:
    """One call per event loop, however many waited."""
    by_loop: dict[asyncio.AbstractEventLoop, _Outcomes] = defaultdict(list)
    for outcome in outcomes:
        by_loop[outcome[0].loop].append(outcome)
    for loop, deliveries in by_loop.items():
        try:
            loop.call_soon_threadsafe(_deliver, deliveries)
        except RuntimeError:
            log.debug("an event loop that waited for the store is closed")


def _deliver(outcomes: _Outcomes) -> None:
    for call, found, error in outcomes:
        if call.future.done():
            continue  # whoever waited was cancelled
        if error is None:
            call.future.set_result(found)
        else:
            call.future.set_exception(error)
