"""What the parts of the suite share: a clock that is set by hand, and short ways to make things and bring them somewhere."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from msgspec import Raw

from taskflow_hub.domain import moves
from taskflow_hub.domain.clock import Clock, new_id
from taskflow_hub.domain.errors import TaskflowError
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.messages import Assignment, Held, Register
from taskflow_hub.domain.model import DEFAULT_ACCOUNT, AttemptOutcome, Reason, Task, TaskError, TaskType
from taskflow_hub.domain.moves import Verdict
from taskflow_hub.domain.retry import RetryPolicy
from taskflow_hub.store.base import Store
from taskflow_hub.store.values import NewTask, Submit, Submitted

OpenStore = Callable[[Clock], Awaitable[Store]]

# Today, for ids are made by the real clock, and a store may rely on the two being less than a day apart.
START = datetime.now(UTC).replace(hour=3, minute=4, second=5, microsecond=678_901)
OOPS = TaskError(type="ValueError", message="oops", traceback="Traceback …")
DAY_S = 86_400.0


class ManualClock:
    """A clock that moves only when told to."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Kit:
    """One store, its clock, and short ways to use both."""

    def __init__(self, store: Store, clock: ManualClock, open_store: OpenStore) -> None:
        self.store, self.clock, self._open_store = store, clock, open_store
        self._others: list[Store] = []

    async def another_store(self) -> Store:
        """The same database, opened once more, as by another process."""
        store = await self._open_store(self.clock)
        self._others.append(store)
        return store

    async def close(self) -> None:
        for store in [*self._others, self.store]:
            await store.close()

    # --- making --------------------------------------------------------------------------------------------------------

    async def submit(self, **fields: Any) -> Task:
        return (await self.submit_all([new_task(**fields)]))[0]

    async def submit_all(self, tasks: Sequence[NewTask]) -> tuple[Task, ...]:
        outcome = await self.submit_request(Submit(tuple(tasks)))
        assert isinstance(outcome, Submitted), f"the submit was refused: {outcome!r}"
        return outcome.tasks

    async def submit_request(self, request: Submit) -> Submitted | TaskflowError:
        (outcome,) = await self.store.submit([request])
        return outcome

    async def worker(
        self,
        *types: str | TaskType,
        slots: int = 100,
        window: int = 0,
        queues: tuple[str, ...] = (),
        previous: str | None = None,
        id: str | None = None,
    ) -> str:
        """Register a worker, of type "t" if none is named; its id."""
        worker = id or new_id()
        declared = [TaskType(type=type) if isinstance(type, str) else type for type in types or ("t",)]
        await self.store.register(
            Register(
                worker=worker,
                previous=previous,
                name="w",
                host="h",
                pid=1,
                version="1",
                slots=slots,
                window=window,
                queues=queues,
                types=tuple(declared),
            )
        )
        return worker

    async def lease(self, *workers: str, limit: int = 1_000) -> list[Assignment]:
        leased = await self.store.lease(workers or None, limit)
        return [lease.assignment for lease in leased.leases]

    async def leased_ids(self, *workers: str, limit: int = 1_000) -> list[str]:
        return [assignment.id for assignment in await self.lease(*workers, limit=limit)]

    async def lease_all(self) -> list[Assignment]:
        """As a dispatcher does: wave by wave, until there is no more."""
        found: list[Assignment] = []
        limit = 1_000
        while True:
            leased = await self.store.lease(None, limit)
            found += [lease.assignment for lease in leased.leases]
            if not leased.more and len(leased.leases) < limit:
                return found

    # --- bringing somewhere ----------------------------------------------------------------------------------------------

    async def run(self, **fields: Any) -> Assignment:
        """A task of type "t" whose first attempt is leased to a worker of its own."""
        type = fields.setdefault("type", f"run.{new_id()}")
        task = await self.submit(**fields)
        (assignment,) = await self.lease(await self.worker(type))
        assert assignment.id == task.id
        return assignment

    async def run_again(self, id: str) -> Assignment:
        """The next attempt of a task that is queued."""
        task = await self.get(id)
        (assignment,) = await self.lease(await self.worker(task.type, slots=1))
        assert assignment.id == id
        return assignment

    async def in_state(self, state: State, **fields: Any) -> tuple[str, int]:
        """A task in this state, reached the shortest way: (id, its attempt number)."""
        match state:
            case State.SCHEDULED:
                return (await self.submit(delay_s=100 * DAY_S, **fields)).id, 0
            case State.BLOCKED:
                return (await self.submit(blocked=True, **fields)).id, 0
            case State.QUEUED:
                return (await self.submit(**fields)).id, 0
            case State.SKIPPED:
                task = await self.submit(blocked=True, **fields)
                assert await self.store.skip([task.id]) == [True]
                return task.id, 0
            case _:
                pass
        running = await self.run(**fields)
        if state is State.SUCCESS:
            await self.succeed(running)
        elif state is State.FAILED:
            await self.fail(running)
        elif state is State.CANCELLED:
            await self.cancel(running.id, fields.get("account_id", DEFAULT_ACCOUNT))
            await self.store.abort([moves.Abort(id=running.id, attempt=running.attempt, ran_s=1.0)])
        return running.id, running.attempt

    async def succeed(self, attempt: Assignment, result: bytes = b"null", ran_s: float = 1.0) -> Verdict:
        item = moves.Succeed(id=attempt.id, attempt=attempt.attempt, ran_s=ran_s, result=Raw(result))
        return (await self.store.succeed([item]))[0]

    async def fail(self, attempt: Assignment, ran_s: float = 1.0) -> Verdict:
        item = moves.Fail(
            id=attempt.id, attempt=attempt.attempt, ran_s=ran_s, reason=Reason.HANDLER, error=OOPS
        )
        return (await self.store.fail([item]))[0]

    async def retry(self, attempt: Assignment, delay_s: float = 10.0) -> Verdict:
        item = moves.Retry(id=attempt.id, attempt=attempt.attempt, ran_s=1.0, delay_s=delay_s, error=OOPS)
        return (await self.store.retry([item]))[0]

    async def snooze(self, attempt: Assignment, delay_s: float = 10.0) -> Verdict:
        item = moves.Snooze(id=attempt.id, attempt=attempt.attempt, ran_s=1.0, delay_s=delay_s)
        return (await self.store.snooze([item]))[0]

    async def release(self, attempt: Assignment, ran_s: float | None = 1.0) -> Verdict:
        item = moves.Release(id=attempt.id, attempt=attempt.attempt, ran_s=ran_s)
        return (await self.store.release([item]))[0]

    async def lose(self, attempt: Assignment, worker: str | None = None, *, crashed: bool = True) -> Verdict:
        """As the reaper does for a worker that died; by default the one that owns it."""
        owner = worker or (await self.get(attempt.id)).worker or ""
        item = moves.Lose(
            id=attempt.id,
            attempt=attempt.attempt,
            worker=owner,
            outcome=AttemptOutcome.LOST,
            crashed=crashed,
        )
        return (await self.store.lose([item]))[0]

    async def abort(self, attempt: Assignment) -> Verdict:
        item = moves.Abort(id=attempt.id, attempt=attempt.attempt, ran_s=1.0)
        return (await self.store.abort([item]))[0]

    async def cancel(self, id: str, account: str = DEFAULT_ACCOUNT) -> Task:
        (task,) = await self.store.cancel(account, [id])
        assert task is not None, f"cancel does not know task {id}"
        return task

    async def redrive(self, id: str) -> Task:
        (task,) = await self.store.redrive(DEFAULT_ACCOUNT, [id])
        assert isinstance(task, Task), f"redrive was refused: {task!r}"
        return task

    # --- looking ---------------------------------------------------------------------------------------------------------

    async def get(self, id: str) -> Task:
        task = await self.store.task(DEFAULT_ACCOUNT, id)
        assert task is not None, f"there is no task {id}"
        return task

    async def status(self, id: str) -> State:
        return (await self.get(id)).status

    async def outcomes(self, id: str) -> list[tuple[int, AttemptOutcome | None]]:
        attempts = await self.store.attempts(DEFAULT_ACCOUNT, id)
        assert attempts is not None, f"there is no task {id}"
        return [(attempt.attempt, attempt.outcome) for attempt in attempts]

    async def everything(self, id: str) -> tuple[Any, ...]:
        """All that can be seen of a task, to tell whether anything changed."""
        task = await self.store.task(DEFAULT_ACCOUNT, id)
        return (
            None if task is None else comparable(task),
            await self.store.attempts(DEFAULT_ACCOUNT, id),
            await self.store.logs(DEFAULT_ACCOUNT, id, limit=1_000),
        )


def new_task(**fields: Any) -> NewTask:
    """A task of type "t", with whatever is given."""
    given = {
        "id": new_id(),
        "type": "t",
        "payload": Raw(b'{"n":1}'),
        "max_retries": 3,
        "retry": RetryPolicy(),
        "timeout": 60.0,
        **fields,
    }
    return NewTask(**given)


def comparable(task: Task) -> dict[str, Any]:
    """A task as plain values: two `Raw` with the same text are equal here."""
    fields = {name: getattr(task, name) for name in task.__struct_fields__}
    return {name: bytes(value) if isinstance(value, Raw) else value for name, value in fields.items()}


def hold(attempt: Assignment, *, started: bool = True) -> Held:
    return Held(attempt.id, attempt.attempt, started)


class ContractBase:
    """The fixtures of every part. `open_store` comes from the class that runs the suite."""

    @pytest.fixture
    def clock(self) -> ManualClock:
        return ManualClock()

    @pytest_asyncio.fixture
    async def kit(self, clock: ManualClock, open_store: OpenStore) -> AsyncIterator[Kit]:
        kit = Kit(await open_store(clock), clock, open_store)
        yield kit
        await kit.close()
