"""Time moves tasks: scheduled → queued when due, unstarted → failed when expired."""

from typing import Final

from taskflow_hub.domain.lifecycle import State
from taskflow_hub.engine.hints import Hints, Topic
from taskflow_hub.engine.loop import Loop
from taskflow_hub.engine.metrics import Metrics
from taskflow_hub.store.base import TaskStore

LIMIT: Final = 1000
POLL_S: Final = 1.0  # another process may have submitted something due sooner than we know


class Promoter(Loop):
    def __init__(self, store: TaskStore, hints: Hints, metrics: Metrics) -> None:
        super().__init__(interval_s=POLL_S)
        self._store, self._hints, self._metrics = store, hints, metrics
        hints.on(Topic.DUE, self.wake)

    async def tick(self) -> float | None:
        expired = await self._store.expire_due(LIMIT)  # first, so that nothing expired is queued
        promoted = await self._store.promote_due(LIMIT)
        if expired.ids:
            self._metrics.finished(State.FAILED, len(expired.ids))
            self._hints.changed(expired.ids)
        if promoted.ids:
            self._hints.changed(promoted.ids, Topic.WORK)
        return min([POLL_S, *(due.next_in_s for due in (expired, promoted) if due.next_in_s is not None)])
