"""Carries bulk operations on, chunk by chunk; where it was is in the store, so any process can continue after a crash."""

from typing import Final, Protocol

from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.model import Task
from taskflow_hub.engine.hints import Hints, Topic
from taskflow_hub.engine.loop import Loop
from taskflow_hub.engine.tasks import Tasks
from taskflow_hub.store.base import BulkStore, Reads
from taskflow_hub.store.values import Bulk, BulkAction, Entry

CHUNK: Final = 500
POLL_S: Final = 5.0


class _Store(BulkStore, Reads, Protocol): ...


class BulkRunner(Loop):
    """A chunk is done and then recorded. A crash in between does it again, which changes nothing but the count of skipped."""

    def __init__(self, store: _Store, tasks: Tasks, hints: Hints) -> None:
        super().__init__(interval_s=POLL_S)
        self._store, self._tasks, self._hints = store, tasks, hints
        hints.on(Topic.BULK, self.wake)

    async def tick(self) -> float | None:
        running = await self._store.running_bulks()
        for bulk in running:
            await self._advance(bulk)
        return 0.0 if running else None

    async def _advance(self, bulk: Bulk) -> None:
        page = await self._store.entries(bulk.account_id, bulk.where, limit=CHUNK, cursor=bulk.cursor)
        entries = [entry for entry in page.items if entry.created_at <= bulk.created_at]
        done = await self._do(bulk, entries) if entries else 0
        await self._store.advance_bulk(
            bulk.id, expected=bulk.cursor, cursor=page.next_cursor, done=done, skipped=len(entries) - done
        )

    async def _do(self, bulk: Bulk, entries: list[Entry]) -> int:
        """How many were changed."""
        ids = [entry.id for entry in entries]
        match bulk.action:
            case BulkAction.CANCEL:
                ids = [
                    entry.id
                    for entry in entries
                    if not (entry.status is State.CANCELLED or entry.cancel_requested)
                ]
                asked = await self._tasks.cancel(bulk.account_id, ids)
                return sum(task is not None and _cancelled(task) for task in asked)
            case BulkAction.REDRIVE:
                redriven = await self._tasks.redrive(bulk.account_id, ids)
                return sum(isinstance(outcome, Task) for outcome in redriven)
            case BulkAction.DELETE:
                return sum(outcome is None for outcome in await self._tasks.delete(bulk.account_id, ids))


def _cancelled(task: Task) -> bool:
    return task.status is State.CANCELLED or task.cancel_requested_at is not None
