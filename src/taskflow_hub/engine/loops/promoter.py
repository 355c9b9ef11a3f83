"""Time moves tasks: scheduled → queued when due, unstarted → failed when expired; and ends workflows past their deadline."""

from typing import Final, Protocol

from taskflow_hub.broker.base import EngineSide
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.messages import Stop, Why
from taskflow_hub.domain.model import Reason
from taskflow_hub.engine.hints import Hints, Topic
from taskflow_hub.engine.loop import Loop
from taskflow_hub.engine.metrics import Metrics
from taskflow_hub.store.base import TaskStore
from taskflow_hub.store.base_workflows import WorkflowStore

LIMIT: Final = 1000
WORKFLOWS: Final = 20  # each may have thousands of tasks
POLL_S: Final = 1.0  # another process may have submitted something due sooner than we know


class _Store(TaskStore, WorkflowStore, Protocol): ...


class Promoter(Loop):
    def __init__(self, store: _Store, broker: EngineSide, hints: Hints, metrics: Metrics) -> None:
        super().__init__(interval_s=POLL_S)
        self._store, self._broker, self._hints, self._metrics = store, broker, hints, metrics
        hints.on(Topic.DUE, self.wake)

    async def tick(self) -> float | None:
        expired = await self._store.expire_due(LIMIT)  # first, so that nothing expired is queued
        promoted = await self._store.promote_due(LIMIT)
        ended = await self._store.expire_workflows(WORKFLOWS)
        if expired.ids:
            self._metrics.finished(State.FAILED, len(expired.ids))
            self._metrics.failed([Reason.EXPIRED] * len(expired.ids))
            self._hints.changed(expired.ids, Topic.WORK)
        if promoted.ids:
            self._hints.changed(promoted.ids, Topic.WORK)
        if ended.ids:
            self._hints.outside(Topic.TASKS, Topic.WORK, Topic.WORKFLOWS)
        for task_id, attempt, worker in ended.asked:
            await self._broker.tell(worker, Stop(task_id, attempt, Why.CANCELLED))
        nexts = [due.next_in_s for due in (expired, promoted, ended) if due.next_in_s is not None]
        return min([POLL_S, *nexts])
