"""An engine on the real store and broker; loops and workers are driven by hand, so a test decides what happens when.

Over Redis the engine is in the test's process, and the workers' end of the broker in another.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import Raw
from tests.support.grounds import Ends, Ground, open_ends
from tests.support.stores import open_store

from taskflow_hub.bootstrap import Broker
from taskflow_hub.domain.clock import new_id
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.messages import (
    Assignment,
    Control,
    Failed,
    Heartbeat,
    HeartbeatAnswer,
    Held,
    How,
    Inbound,
    Register,
    Registered,
    Released,
    Report,
    Snoozed,
    Succeeded,
)
from taskflow_hub.domain.model import DEFAULT_ACCOUNT, Task, TaskError, TaskType
from taskflow_hub.domain.submission import Submission
from taskflow_hub.engine.engine import Engine
from taskflow_hub.engine.loop import Loop
from taskflow_hub.engine.loops.bulk import BulkRunner
from taskflow_hub.engine.loops.collector import Collector
from taskflow_hub.engine.loops.dispatcher import Dispatcher
from taskflow_hub.engine.loops.promoter import Promoter
from taskflow_hub.engine.loops.pruner import Pruner
from taskflow_hub.engine.loops.reaper import Reaper
from taskflow_hub.engine.results import FolderResults
from taskflow_hub.engine.settings import EngineSettings, RetentionSettings
from taskflow_hub.store.base import Store
from taskflow_hub.testing.faults import Faults
from taskflow_hub.testing.store_contract.kit import ManualClock

L = TypeVar("L", bound=Loop)
LONG_S = 60.0  # longer than any of these tests may take
ERROR = TaskError("ValueError", "no such page", "Traceback …")


class HandWorker:
    """A worker whose every word is said by the test."""

    def __init__(self, broker: Broker) -> None:
        self.side, self.id, self.n = broker.worker_side(), new_id(), 0

    async def register(
        self,
        *types: str,
        slots: int = 10,
        window: int = 1,
        queues: Sequence[str] = (),
        previous: str | None = None,
        **fields: Any,
    ) -> "HandWorker":
        """`fields` are those of every type it declares."""
        await self.side.open(self.id)
        declared = tuple(TaskType(type=type, **fields) for type in types or ("work",))
        answer = await self.side.call(
            Register(
                worker=self.id,
                previous=previous,
                name="hand",
                host="here",
                pid=1,
                version="1",
                slots=slots,
                window=window,
                queues=tuple(queues),
                types=declared,
            )
        )
        assert answer == Registered()
        return self

    async def take(self) -> list[Assignment]:
        """Everything in the inbox that is an assignment."""
        return [message for message in await self.inbox() if isinstance(message, Assignment)]

    async def told(self) -> list[Control]:
        return [message for message in await self.inbox() if not isinstance(message, Assignment)]

    async def inbox(self) -> Sequence[Inbound]:
        return await self.side.take(1000, 0.0)

    async def beat(self, *held: tuple[Assignment, bool]) -> HeartbeatAnswer:
        """A heartbeat that lists assignments, with whether they have started."""
        listed = tuple(Held(one.id, one.attempt, started) for one, started in held)
        answer = await self.side.call(Heartbeat(worker=self.id, held=listed))
        assert isinstance(answer, HeartbeatAnswer)
        return answer

    async def report(self, *reports: Report) -> None:
        await self.side.report(reports)

    async def acknowledged(self, n: int) -> bool:
        """Whether it is told that its reports up to `n` are stored, and no more than these; a broker may take its time."""
        async with asyncio.timeout(LONG_S):
            await self.side.until_acknowledged(n)
        return self.side.acknowledged == n

    def about(self, assignment: Assignment) -> dict[str, Any]:
        """What every report says; the next number is used."""
        self.n += 1
        return {"worker": self.id, "n": self.n, "id": assignment.id, "attempt": assignment.attempt}

    def succeeded(self, assignment: Assignment, result: object = None, ran_s: float = 0.5) -> Succeeded:
        return Succeeded(**self.about(assignment), ran_s=ran_s, result=Raw(msgspec.json.encode(result)))

    def failed(self, assignment: Assignment, how: How = How.RAISED, after: float | None = None) -> Failed:
        return Failed(**self.about(assignment), ran_s=0.5, how=how, error=ERROR, after=after)

    def snoozed(self, assignment: Assignment, seconds: float) -> Snoozed:
        return Snoozed(**self.about(assignment), ran_s=0.5, seconds=seconds)

    def released(self, assignment: Assignment, ran_s: float | None = None) -> Released:
        return Released(**self.about(assignment), ran_s=ran_s)


class House:
    """The engine, and hands for its loops. `faults` lie over its store, `broken` over its broker."""

    def __init__(
        self, store: Store, ends: Ends, folder: Path, clock: ManualClock, retention: RetentionSettings
    ) -> None:
        self.real, self.clock = store, clock
        self.faults, self.broken = Faults(), Faults()
        self.side, self._workers = ends.server.engine_side(lambda: None), ends.workers
        self.monotonic_s, self.chance = 1000.0, 0.5
        self.dead: set[str] = set()  # workers whose death can be proved
        self.engine = Engine(
            self.faults.over(store),
            self.broken.over(self.side),
            settings=EngineSettings(),
            results=FolderResults(folder / "results"),
            retention=retention,
            version="test",
            formats={},
            provably_dead=lambda worker: worker.id in self.dead,
            clock=clock,
            monotonic=lambda: self.monotonic_s,
            chance=lambda: self.chance,
        )

    # --- loops by hand ---

    async def tick(self, kind: type[L]) -> float | None:
        (loop,) = (loop for loop in self.engine.loops if isinstance(loop, kind))
        return await loop.tick()

    async def dispatch(self) -> None:
        """Until there is nothing more to lease."""
        while await self.tick(Dispatcher) == 0.0:
            pass

    async def collect(self) -> None:
        await self.tick(Collector)

    async def promote(self) -> float | None:
        return await self.tick(Promoter)

    async def reap(self) -> None:
        await self.tick(Reaper)

    async def prune(self) -> None:
        await self.tick(Pruner)

    async def run_bulks(self) -> None:
        while await self.tick(BulkRunner) == 0.0:
            pass

    async def silence(self, seconds: float, *, reads: int = 3) -> None:
        """The reaper looks, then so often again while `seconds` of its own clock pass."""
        await self.reap()
        for _ in range(reads):
            self.monotonic_s += seconds / reads
            await self.reap()

    # --- tasks and workers ---

    async def worker(self, *types: str, **fields: Any) -> HandWorker:
        return await HandWorker(self._workers).register(*types, **fields)

    async def submit(self, type: str = "work", **fields: Any) -> Task:
        submitted = await self.engine.tasks.submit([Submission(type=type, **fields)])
        return submitted.tasks[0]

    async def submit_many(self, count: int, type: str = "work", **fields: Any) -> list[str]:
        wanted = [Submission(type=type, **fields) for _ in range(count)]
        submitted = await self.engine.tasks.submit(wanted, pointers=[f"/tasks/{n}" for n in range(count)])
        return [task.id for task in submitted.tasks]

    async def task(self, of: Task | Assignment | str) -> Task:
        task_id = of if isinstance(of, str) else of.id
        return await self.engine.queries.task(DEFAULT_ACCOUNT, task_id)

    async def status(self, of: Task | Assignment | str) -> State:
        return (await self.task(of)).status

    async def outcomes(self, of: Task | Assignment | str) -> list[str | None]:
        task_id = of if isinstance(of, str) else of.id
        return [one.outcome for one in await self.engine.queries.attempts(DEFAULT_ACCOUNT, task_id)]

    async def started(self, worker: HandWorker, **fields: Any) -> Assignment:
        """A new task that this worker runs, as its heartbeat has said."""
        task = await self.submit(**fields)
        await self.dispatch()
        (assignment,) = [one for one in await worker.take() if one.id == task.id]
        await worker.beat((assignment, True))
        return assignment

    async def cancel(self, of: Task | Assignment) -> None:
        await self.engine.tasks.cancel(DEFAULT_ACCOUNT, [of.id])

    def counted(self, metric: str, **labels: str) -> float:
        return self.engine.metrics.registry.get_sample_value(f"taskflow_{metric}", labels) or 0.0


@contextlib.asynccontextmanager
async def open_house(
    ground: Ground,
    folder: Path,
    *,
    clock: ManualClock | None = None,
    retention: RetentionSettings | None = None,
) -> AsyncIterator[House]:
    """Opened twice on the same ground and folder it is the same hub after a restart."""
    clock = clock or ManualClock()
    async with open_ends(ground.broker_url, ground.process, far="workers") as ends:
        store = await open_store(ground.database_url, clock)
        house = House(store, ends, folder, clock, retention or RetentionSettings())
        house.engine.hints.bind()
        await house.side.serve(house.engine.workers.answer)
        try:
            yield house
        finally:
            await house.engine.stop()
            await store.close()
