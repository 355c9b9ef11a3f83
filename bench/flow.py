"""Tasks that pass through a store: submitted, leased and succeeded, with what a hub does beside, but no handlers.

The verbs are called as the engine's loops call them, each from a loop of its own, and every call is timed.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Collection, Sequence
from contextlib import asynccontextmanager
from typing import Final, NamedTuple, TypeVar

from msgspec import Raw

from taskflow_hub.domain import moves
from taskflow_hub.domain.clock import new_id
from taskflow_hub.domain.messages import Held, Register
from taskflow_hub.domain.model import NULL, TaskType
from taskflow_hub.domain.retry import RetryPolicy
from taskflow_hub.store.postgres import PostgresStore
from taskflow_hub.store.sqlite import SqliteStore
from taskflow_hub.store.values import Lease, NewTask, Submit

T = TypeVar("T")

TICK_S: Final = 0.01  # how often a paced flow submits
BATCH: Final = 500
SLOTS: Final = 500
LIMIT: Final = 1_000  # as in the dispatcher
PAYLOAD: Final = Raw(b'{"text":"' + b"x" * 89 + b'"}')  # 100 bytes


def new_task() -> NewTask:
    return NewTask(
        id=new_id(),
        type="bench.noop",
        queue="default",
        payload=PAYLOAD,
        max_retries=3,
        retry=RetryPolicy(),
        timeout=3600.0,
    )


def new_worker(slots: int) -> Register:
    return Register(
        worker=new_id(),
        name="bench",
        host="bench",
        pid=1,
        version="0",
        slots=slots,
        window=1,
        types=(TaskType(type="bench.noop"),),
    )


def succeeded(leases: Sequence[Lease]) -> list[moves.Succeed]:
    return [
        moves.Succeed(id=lease.assignment.id, attempt=lease.assignment.attempt, ran_s=0.0, result=NULL)
        for lease in leases
    ]


class Call(NamedTuple):
    """One call of a verb: when it began on time.perf_counter, how long it took, and of how many tasks it was."""

    at: float
    took_s: float
    tasks: int


class Flow:
    """`calls` has what was timed, by verb. Made by `flowing`."""

    def __init__(self, store: PostgresStore | SqliteStore, rate: float | None) -> None:
        self._store, self._rate = store, rate
        self._worker = new_worker(SLOTS)
        self.calls: dict[str, list[Call]] = defaultdict(list)
        self._running: dict[str, int] = {}  # id → attempt
        self._ended: list[Lease] = []  # and not reported yet
        self._waiting = 0
        self._work, self._done, self._room = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._watched: set[str] = set()
        self._seen_all = asyncio.Event()
        self._stopping = False

    async def leased(self, ids: Collection[str]) -> float:
        """Wait until all of these, which others submit, have been leased; the moment, on time.perf_counter."""
        self._watched, self._seen_all = set(ids), asyncio.Event()
        await self._seen_all.wait()
        return self.calls["lease"][-1].at + self.calls["lease"][-1].took_s

    def wake(self) -> None:
        """There is work that others have submitted."""
        self._work.set()

    def per_s(self, since: float, until: float) -> float:
        """Tasks that ended, a second, in this time."""
        ended = sum(call.tasks for call in self.calls["succeed"] if since <= call.at + call.took_s < until)
        return ended / (until - since)

    # --- the loops -------------------------------------------------------------------------------------------------------

    async def submit(self) -> None:
        began, submitted = time.perf_counter(), 0
        while not self._stopping:
            if self._rate is None:
                while self._waiting >= 2 * BATCH and not self._stopping:
                    self._room.clear()
                    await self._room.wait()
                count = BATCH
            else:
                await asyncio.sleep(TICK_S)
                count = min(int((time.perf_counter() - began) * self._rate) - submitted, BATCH)
            if count > 0:
                await self._time(
                    "submit", count, self._store.submit([Submit((new_task(),)) for _ in range(count)])
                )
                submitted += count
                self._waiting += count
                self._work.set()

    async def lease(self) -> None:
        while not self._stopping:
            await self._work.wait()
            self._work.clear()
            began = time.perf_counter()
            leased = await self._store.lease([self._worker.worker], LIMIT)
            self.calls["lease"].append(Call(began, time.perf_counter() - began, len(leased.leases)))
            if leased.more or len(leased.leases) >= LIMIT:
                self._work.set()
            if leased.leases:
                self._take(leased.leases)

    def _take(self, leases: Sequence[Lease]) -> None:
        self._waiting -= len(leases)
        self._running.update((lease.assignment.id, lease.assignment.attempt) for lease in leases)
        self._ended += leases
        self._done.set()
        self._room.set()
        if self._watched:
            self._watched.difference_update(lease.assignment.id for lease in leases)
            if not self._watched:
                self._seen_all.set()

    async def succeed(self) -> None:
        while not self._stopping:
            await self._done.wait()
            self._done.clear()
            ended, self._ended = self._ended, []
            await self._time("succeed", len(ended), self._store.succeed(succeeded(ended)))
            for lease in ended:
                self._running.pop(lease.assignment.id)
            self._work.set()  # there is room again

    async def beat(self) -> None:
        while not self._stopping:
            held = [Held(id=id, attempt=attempt, started=True) for id, attempt in self._running.items()]
            await self._time("heartbeat", len(held), self._store.heartbeat(self._worker.worker, held))
            await asyncio.sleep(5.0)

    async def promote(self) -> None:
        while not self._stopping:
            await self._time("expire_due", 0, self._store.expire_due(LIMIT))
            await self._time("promote_due", 0, self._store.promote_due(LIMIT))
            await asyncio.sleep(1.0)

    async def reap(self) -> None:
        while not self._stopping:
            await self._time("workers", 0, self._store.workers())
            await self._time("orphans", 0, self._store.orphans(LIMIT))
            await asyncio.sleep(5.0)

    async def _time(self, verb: str, tasks: int, call: Awaitable[T]) -> T:
        began = time.perf_counter()
        found = await call
        self.calls[verb].append(Call(began, time.perf_counter() - began, tasks))
        return found

    async def begin(self) -> None:
        await self._store.register(self._worker)

    def stop(self) -> None:
        self._stopping = True
        for event in (self._work, self._done, self._room):
            event.set()


@asynccontextmanager
async def flowing(store: PostgresStore | SqliteStore, rate: float | None = None) -> AsyncIterator[Flow]:
    """Have tasks flow while the block runs: `rate` submitted a second, come what may; None: as many as come out."""
    flow = Flow(store, rate)
    await flow.begin()
    async with asyncio.TaskGroup() as loops:
        work = [flow.submit(), flow.lease(), flow.succeed(), flow.beat(), flow.promote(), flow.reap()]
        tasks = [loops.create_task(loop) for loop in work]
        try:
            yield flow
        finally:
            flow.stop()
            for task in tasks[3:]:  # they sleep
                task.cancel()
