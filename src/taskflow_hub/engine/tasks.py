"""What people and programs do with tasks: validate, decide, one store call, tell who waits."""

import asyncio
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Final, Protocol

from taskflow_hub import tracing
from taskflow_hub.broker.base import EngineSide
from taskflow_hub.domain.audit import By
from taskflow_hub.domain.errors import FieldError, NotFound, TaskflowError
from taskflow_hub.domain.lifecycle import FINAL, State
from taskflow_hub.domain.messages import Stop, Why
from taskflow_hub.domain.model import DEFAULT_ACCOUNT, Task
from taskflow_hub.domain.submission import Submission
from taskflow_hub.engine.batching import Batcher
from taskflow_hub.engine.hints import Hints, Topic
from taskflow_hub.engine.idempotency import blinded
from taskflow_hub.engine.metrics import Metrics
from taskflow_hub.engine.payloads import beside
from taskflow_hub.engine.results import FolderResults
from taskflow_hub.engine.task_types import NOTHING_KNOWN, Known, TaskTypes
from taskflow_hub.secrets.keyring import NO_KEYS, Keyring
from taskflow_hub.store.base import Reads, TaskStore
from taskflow_hub.store.values import Call, Idempotency, NewTask, Submit, Submitted

POLL_S: Final = 1.0  # how late a waiter may be when no hint reaches it
MAX_GROUP: Final = 500  # tasks whose submits share one commit
PER_TASK: Final = 1024  # bytes of payload that are checked in the time which the rest of a task takes


class _Store(TaskStore, Reads, Protocol): ...


class Tasks:
    def __init__(
        self,
        store: _Store,
        broker: EngineSide,
        types: TaskTypes,
        results: FolderResults,
        hints: Hints,
        metrics: Metrics,
        keyring: Keyring = NO_KEYS,
    ) -> None:
        self._store, self._broker, self._types, self._results = store, broker, types, results
        self._keyring = keyring
        self._hints, self._metrics = hints, metrics
        self._submits: Batcher[Submit, Submitted | TaskflowError] = Batcher(
            store.submit, limit=MAX_GROUP, weigh=lambda submit: len(submit.tasks)
        )

    async def submit(
        self,
        wanted: Sequence[Submission],
        *,
        account: str = DEFAULT_ACCOUNT,
        user: str | None = None,
        idempotency: Idempotency | None = None,
        call: Call | None = None,
        traceparent: str | None = None,
        pointers: Sequence[str] = ("",),
        known: Known = NOTHING_KNOWN,
    ) -> Submitted:
        """Commit all of `wanted`, or none; many callers share one commit.

        `pointers` says where each stands in the request ("" for a body that is one submission); `known` what the caller knows
        of types by itself. `traceparent` is the caller's trace context; where traces are on, a span of its own is kept instead.
        Raises Invalid, IdempotencyMismatch, TaskGone, UniqueConflict, QuotaExceeded,
        QueueFull, NoSecretKeys, LeaseLost (`call` of a lost attempt).
        """
        tracer = tracing.tracer
        if tracer is None:
            given = (traceparent,) * len(wanted)
            return await self._submit(wanted, account, user, idempotency, call, given, pointers, known)
        with await beside(len(wanted) * PER_TASK, lambda: tracer.submitting(wanted, traceparent)) as spans:
            submitted = await self._submit(
                wanted, account, user, idempotency, call, spans.traceparents, pointers, known
            )
            spans.made(submitted.tasks)
        return submitted

    async def _submit(
        self,
        wanted: Sequence[Submission],
        account: str,
        user: str | None,
        idempotency: Idempotency | None,
        call: Call | None,
        traceparents: Sequence[str | None],
        pointers: Sequence[str],
        known: Known,
    ) -> Submitted:
        await self._types.refresh()
        parent = call.parent.id if call else None
        tasks = await beside(
            sum(len(one.payload) + PER_TASK for one in wanted),
            lambda: tuple(
                self._types.complete(
                    one,
                    account=account,
                    user=user,
                    traceparent=trace,
                    parent_id=parent,
                    at=at,
                    known=known,
                )
                for one, trace, at in zip(wanted, traceparents, pointers, strict=True)
            ),
        )
        if idempotency is not None and any(
            self._types.secret_of(type, known) for type in {one.type for one in wanted}
        ):
            idempotency = blinded(idempotency, self._keyring)
        outcome = await self._submits.add(Submit(tasks, idempotency, call))
        if isinstance(outcome, TaskflowError):
            outcome.errors = tuple(repointed(one, pointers) for one in outcome.errors)
            raise outcome
        if any(outcome.created):
            self._announce(tasks, outcome.replaced)
            self._metrics.submitted(outcome)
        return outcome

    async def has_secrets(self, type: str) -> bool:
        await self._types.refresh()
        return bool(self._types.secret_of(type, NOTHING_KNOWN))

    def _announce(self, tasks: Sequence[NewTask], replaced: Sequence[str]) -> None:
        if replaced:
            self._metrics.finished(State.CANCELLED, len(replaced))
            self._hints.changed(replaced)
        timed = any(task.run_at or task.delay_s or task.expires_at for task in tasks)
        self._hints.tell(Topic.TASKS, Topic.WORK, *((Topic.DUE,) if timed else ()))

    async def wait(self, account: str, task_id: str, wait_s: float) -> Task:
        """The task, once it is final or `wait_s` seconds have passed. Raises NotFound, also when it is pruned meanwhile."""
        deadline = time.monotonic() + wait_s
        with self._hints.watch(task_id) as changed:
            while True:
                changed.clear()
                task = await self._store.task(account, task_id)
                if task is None:
                    raise NotFound(f"There is no task {task_id}.")
                left_s = deadline - time.monotonic()
                if task.status in FINAL or left_s <= 0:
                    return task
                await _set_within(changed, min(left_s, POLL_S))

    async def cancel(self, account: str, ids: Sequence[str], *, by: By | None = None) -> list[Task | None]:
        """As the store's `cancel`; the workers of running ones are told at once."""
        tasks = await self._store.cancel(account, ids, by=by)
        self._hints.changed([task.id for task in tasks if task], Topic.WORK)
        for task in tasks:
            if task and task.status is State.RUNNING and task.worker:
                await self._broker.tell(task.worker, Stop(task.id, task.attempt, Why.CANCELLED))
        return tasks

    async def redrive(
        self, account: str, ids: Sequence[str], *, by: By | None = None
    ) -> list[Task | TaskflowError]:
        outcomes = await self._store.redrive(account, ids, by=by)
        redriven = [task.id for task in outcomes if isinstance(task, Task)]
        self._metrics.redriven.inc(len(redriven))
        self._hints.changed(redriven, Topic.WORK)
        return outcomes

    async def promote(self, account: str, task_id: str, *, by: By | None = None) -> Task:
        """Run a scheduled task now. Raises NotFound, NotAllowed."""
        return self._changed(await self._store.promote(account, task_id, by=by), Topic.WORK)

    async def update(
        self,
        account: str,
        task_id: str,
        *,
        priority: int | None = None,
        run_at: datetime | None = None,
        queue: str | None = None,
        by: By | None = None,
    ) -> Task:
        """Change an unstarted task; None leaves a field. Raises NotFound, NotAllowed."""
        changed = await self._store.update(
            account, task_id, priority=priority, run_at=run_at, queue=queue, by=by
        )
        return self._changed(changed, Topic.WORK, Topic.DUE)

    async def delete(
        self, account: str, ids: Sequence[str], *, by: By | None = None
    ) -> list[TaskflowError | None]:
        """As the store's `delete`; results that lie outside the store go too."""
        outcomes = await self._store.delete(account, ids, by=by)
        await self._results.remove(one for one, error in zip(ids, outcomes, strict=True) if error is None)
        self._hints.changed(ids)
        return outcomes

    def bind(self) -> None:
        """Gather submits on the running loop."""
        self._submits.bind()

    async def close(self) -> None:
        """Wait for submits that are under way."""
        await self._submits.close()

    def _changed(self, outcome: Task | TaskflowError, *topics: Topic) -> Task:
        if isinstance(outcome, TaskflowError):
            raise outcome
        self._hints.changed([outcome.id], *topics)
        return outcome


def repointed(error: FieldError, pointers: Sequence[str]) -> FieldError:
    """The store says which of the Submit's tasks it means ("/tasks/3/unique/key"); its caller has pointers of its own."""
    if not error.pointer.startswith("/tasks/"):
        return error
    _, _, index, *rest = error.pointer.split("/", 3)
    return FieldError("/".join((pointers[int(index)], *rest)), error.detail)


async def _set_within(event: asyncio.Event, wait_s: float) -> None:
    try:
        async with asyncio.timeout(wait_s):
            await event.wait()
    except TimeoutError:
        pass  # time to look again
