"""What operators do with queues."""

from typing import Final, Protocol

from msgspec import UNSET, UnsetType

from taskflow_hub.broker.base import EngineSide
from taskflow_hub.domain.audit import By
from taskflow_hub.domain.lifecycle import UNSTARTED, State
from taskflow_hub.domain.messages import Recall
from taskflow_hub.domain.model import Queue
from taskflow_hub.engine.hints import Hints, Topic
from taskflow_hub.engine.metrics import Metrics
from taskflow_hub.store.base import QueueStore, WorkerStore

PURGE_CHUNK: Final = 1000


class _Store(QueueStore, WorkerStore, Protocol): ...


class Queues:
    def __init__(self, store: _Store, broker: EngineSide, hints: Hints, metrics: Metrics) -> None:
        self._store, self._broker, self._hints, self._metrics = store, broker, hints, metrics

    async def pause(self, name: str, *, by: By | None = None) -> Queue:
        """No new attempt starts from this queue; what its workers have not started is called back. Survives restarts."""
        queue = await self._store.pause(name, by=by)
        for worker in await self._store.workers():
            if not worker.queues or name in worker.queues:
                await self._broker.tell(worker.id, Recall(name))
        self._hints.tell(Topic.QUEUES, Topic.TASKS)
        return queue

    async def resume(self, name: str, *, by: By | None = None) -> Queue:
        queue = await self._store.resume(name, by=by)
        self._hints.tell(Topic.QUEUES, Topic.TASKS, Topic.WORK)
        return queue

    async def update(
        self,
        name: str,
        *,
        max_size: int | UnsetType | None = UNSET,
        running: int | UnsetType | None = UNSET,
        per_second: float | UnsetType | None = UNSET,
        by: By | None = None,
    ) -> Queue:
        """See the store. Raises Unavailable."""
        queue = await self._store.update_queue(
            name, max_size=max_size, running=running, per_second=per_second, by=by
        )
        self._hints.tell(Topic.QUEUES, Topic.TASKS, Topic.WORK)
        return queue

    async def purge(self, account: str, name: str, *, by: By | None = None) -> int:
        """Cancel as many tasks as wait in the queue now; in chunks, so that others get their turn. Returns how many.

        Oldest first, so that producers who go on are not chased for ever. The first chunk's entry in the audit is for all.
        """
        depths = await self._store.depths(account)
        left = sum(one.count for one in depths if one.queue == name and one.status in UNSTARTED)
        waiting, purged = left, 0
        while left > 0 and (
            ids := await self._store.purge(account, name, min(left, PURGE_CHUNK), waiting=waiting, by=by)
        ):
            purged, left, by = purged + len(ids), left - len(ids), None
            self._metrics.finished(State.CANCELLED, len(ids))
            self._hints.changed(ids, Topic.QUEUES, Topic.WORK)
        return purged
