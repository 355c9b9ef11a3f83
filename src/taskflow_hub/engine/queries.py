"""Read models for people, shared by HTTP, CLI and dashboard."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, Protocol

from msgspec import Struct
from msgspec.structs import replace

from taskflow_hub.domain.access import ANYBODY, Scope, Who
from taskflow_hub.domain.clock import Clock, made_at
from taskflow_hub.domain.errors import Gone, NotFound
from taskflow_hub.domain.explain import explain
from taskflow_hub.domain.holds import Serving
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.limits import AHEAD_COUNTED, COUNTED, RUNNING_SHOWN
from taskflow_hub.domain.model import Attempt, LogLine, Queue, QueueUse, Task, Worker
from taskflow_hub.domain.scaling import suggested_workers
from taskflow_hub.domain.why import Why
from taskflow_hub.engine.audit import Audit
from taskflow_hub.engine.depths import Depths
from taskflow_hub.engine.remembered import Remembered
from taskflow_hub.store.base import AccessStore, AuditStore, QueueStore, Reads, WorkerStore
from taskflow_hub.store.base_steps import StepStore
from taskflow_hub.store.base_workflows import WorkflowStore
from taskflow_hub.store.values import Count, Page, TaskFilter

FRESH_S: Final = 1.0  # how old the picture of queues and workers may be that `hold` is derived from
RATE_MINUTES: Final = 5
LOOKS: Final = 3  # at a task that changes while its explanation is put together


class _Store(Reads, StepStore, WorkerStore, QueueStore, AccessStore, AuditStore, WorkflowStore, Protocol): ...


class QueueView(Struct, frozen=True, kw_only=True):
    """A queue as an operator sees it."""

    name: str
    paused: bool
    max_size: int | None
    running: int | None
    per_second: float | None
    active: int | None  # tasks that run, of all accounts; None: `running` says nothing
    full: tuple[str, ...]  # which of `max_size` and `running` are reached
    depth: dict[str, int]  # unfinished tasks by status
    held: dict[str, int]  # queued tasks that may not be leased, by hold
    counted_at: datetime  # when `depth` and `held` were: of many tasks, not for every look
    oldest_age: float | None  # seconds since the oldest queued task was submitted
    rate: float  # tasks finished per second, over the last five minutes
    workers: tuple[str, ...]  # ids of those who serve it
    unserved_types: tuple[str, ...]  # types with queued tasks that nobody alive serves
    suggested_workers: (
        int  # of the size of those, so that each task that could run now has a slot (domain/scaling.py)
    )


class Queries:
    def __init__(
        self, store: _Store, clock: Clock, depths: Depths, retention_s: Mapping[State, float]
    ) -> None:
        self._store, self._clock, self._depths = store, clock, depths
        self._audit = Audit(store)
        self._shortest_s = min(retention_s.values(), default=None)
        self._serving: Remembered[Serving] = Remembered(self._read_serving, fresh_s=FRESH_S)

    async def task(self, account: str, task_id: str) -> Task:
        """Raises NotFound."""
        return await self.present(await self._task(account, task_id))

    async def outcome(self, account: str, task_id: str) -> Task:
        """The task whose result is asked for. Raises NotFound; Gone for an id older than the shortest retention.

        Nothing is kept of a task that was removed, but its id says when it was made (docs/adr/0004).
        """
        try:
            return await self.task(account, task_id)
        except NotFound:
            made = made_at(task_id)
            if (
                self._shortest_s is not None
                and made
                and self._clock() - made > timedelta(seconds=self._shortest_s)
            ):
                raise Gone(f"Task {task_id} is not kept any more.") from None
            raise

    async def owner(self, task_id: str) -> str | None:
        """The account of a task; None: there is no such task."""
        return (await self._store.owners([task_id])).get(task_id)

    async def tasks(self, account: str | None, where: TaskFilter, *, limit: int, cursor: str | None) -> Page:
        """Newest first; of all accounts, if None. Raises Invalid for a foreign cursor."""
        page = await self._store.search(account, where, limit=limit, cursor=cursor)
        return Page(tuple([await self.present(task) for task in page.items]), page.next_cursor)

    async def counts(self, account: str | None, where: TaskFilter) -> dict[State, Count]:
        """How many of each state; of all accounts, if None."""
        return await self._store.counts(account, where, at_most=COUNTED)

    async def present(self, task: Task) -> Task:
        """The task with the `hold` that people are shown (domain/holds.py)."""
        if task.status is not State.QUEUED:
            return task
        hold = (await self._serving.get()).hold(task.status, task.queue, task.type, task.hold)
        return task if hold == task.hold else replace(task, hold=hold)

    async def explain(self, account: str, task_id: str, *, who: Who = ANYBODY) -> Why:
        """Why a task is not running. Of others only those in the queues of `who` asks are named. Raises NotFound.

        Who serves it is looked at anew, and remembered: so the `hold` told here is the one that the task shows.
        """
        for look in range(1, LOOKS + 1):
            task = await self._task(account, task_id)
            if task.status is not State.QUEUED:
                scheduled = task.status is State.SCHEDULED
                sleeping = await self._store.sleeping(task_id) if scheduled else None
                workflow = None
                if task.status is State.BLOCKED and task.workflow_id is not None:
                    workflow = await self._store.workflow(account, task.workflow_id)
                return explain(
                    task, await self._serving.get(), sleeping=sleeping, workflow=workflow, now=self._clock()
                )
            ahead = await self._store.ahead(task_id, AHEAD_COUNTED + 1)
            limits = await self._store.limits_of(task_id, queues=who.queues, shown=RUNNING_SHOWN)
            self.forget()
            serving = await self._serving.get()
            paused = await self._audit.pause_of(who, task.queue) if task.queue in serving.paused else None
            # Unless the task changed, all of it belongs together.
            if look == LOOKS or await self._rev(task_id) == task.rev:
                return explain(task, serving, ahead=ahead, limits=limits, paused=paused, now=self._clock())
        raise AssertionError("unreachable")

    async def attempts(self, account: str, task_id: str) -> list[Attempt]:
        """Raises NotFound."""
        return _found(await self._store.attempts(account, task_id), task_id)

    async def logs(self, account: str, task_id: str, *, after: tuple[int, int], limit: int) -> list[LogLine]:
        """Raises NotFound."""
        return _found(await self._store.logs(account, task_id, after=after, limit=limit), task_id)

    async def workers(self) -> list[Worker]:
        return await self._store.workers()

    async def queue(self, who: Who, name: str) -> QueueView:
        """A queue nobody has used yet is shown as empty."""
        for view in await self.queues(who):
            if view.name == name:
                return view
        now = self._clock()
        return _View(Queue(name=name)).present(await self._serving.get(), {}, now, now)

    async def queues(self, who: Who) -> list[QueueView]:
        """How full they are of the asker's tasks; of all, for who may look into every account.

        A queue that is nothing but in use by others is not shown: its name is theirs.
        """
        queues, workers = await self._store.queues(), await self._store.workers()
        serving = Serving.of(queues, workers)
        known = [queue for queue in queues if Scope.ADMIN in who.scopes or queue.has_policy]
        views = {queue.name: _View(queue) for queue in known}
        counted = await self._depths.get(who.looks_into)
        for depth in counted.depths:
            view = views.setdefault(depth.queue, _View(Queue(name=depth.queue)))
            view.depth[depth.status] += depth.count
            if depth.status is State.QUEUED:
                view.oldest = min(filter(None, (view.oldest, depth.oldest)), default=None)
                if not serving.served(depth.queue, depth.type):
                    view.unserved.add(depth.type)
                if hold := serving.hold(depth.status, depth.queue, depth.type, depth.hold):
                    view.held[hold] += depth.count
        for use in await self._store.queue_uses():
            if use.name in views:
                views[use.name].use = use
        finished = await self._finished_by_queue(who.looks_into)
        for name in finished:  # a queue whose tasks all ran at once is no less in use
            views.setdefault(name, _View(Queue(name=name)))
        now = self._clock()
        return [
            view.present(serving, finished, counted.at, now)
            for name, view in sorted(views.items())
            if not who.queues or name in who.queues
        ]

    async def _finished_by_queue(self, account: str | None) -> Mapping[str, int]:
        since = self._clock() - timedelta(minutes=RATE_MINUTES)
        counts: dict[str, int] = defaultdict(int)
        for rate in await self._store.rates(account, since):
            counts[rate.queue] += rate.count
        return counts

    async def _task(self, account: str, task_id: str) -> Task:
        task = await self._store.task(account, task_id)
        if task is None:
            raise NotFound(f"There is no task {task_id}.")
        return task

    async def _rev(self, task_id: str) -> int | None:
        return (await self._store.revs([task_id])).get(task_id)

    async def _read_serving(self) -> Serving:
        return Serving.of(await self._store.queues(), await self._store.workers())

    def forget(self) -> None:
        """Look at queues and workers anew at the next use: something was paused, resumed, registered."""
        self._serving.forget()


class _View:
    def __init__(self, queue: Queue) -> None:
        self.queue = queue
        self.depth: dict[str, int] = dict.fromkeys(("scheduled", "blocked", "queued", "running"), 0)
        self.held: dict[str, int] = defaultdict(int)
        self.use = QueueUse(name=queue.name, waiting=None, active=None)
        self.unserved: set[str] = set()
        self.oldest: datetime | None = None

    def _full(self) -> tuple[str, ...]:
        queue, use = self.queue, self.use
        reached = {
            "max_size": (use.waiting, queue.max_size),
            "running": (use.active, queue.running),
        }
        return tuple(
            [
                name
                for name, (used, most) in reached.items()
                if used is not None and most is not None and used >= most
            ]
        )

    def present(
        self, serving: Serving, finished: Mapping[str, int], counted_at: datetime, now: datetime
    ) -> QueueView:
        name = self.queue.name
        workers = [worker for worker in serving.workers if not worker.queues or name in worker.queues]
        return QueueView(
            name=name,
            paused=self.queue.paused,
            max_size=self.queue.max_size,
            running=self.queue.running,
            per_second=self.queue.per_second,
            active=self.use.active,
            full=self._full(),
            depth=self.depth,
            held=dict(self.held),
            counted_at=counted_at,
            oldest_age=max((now - self.oldest).total_seconds(), 0.0) if self.oldest else None,
            rate=round(finished.get(name, 0) / (RATE_MINUTES * 60), 3),
            workers=tuple(worker.id for worker in workers),
            unserved_types=tuple(sorted(self.unserved)),
            suggested_workers=suggested_workers(
                self.depth[State.QUEUED],
                self.held,
                self.depth[State.RUNNING],
                [worker.slots for worker in workers],
            ),
        )


def _found(value: list[Attempt] | list[LogLine] | None, task_id: str) -> list:  # type: ignore[type-arg]
    if value is None:
        raise NotFound(f"There is no task {task_id}.")
    return value
