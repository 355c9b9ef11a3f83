"""Operations over many tasks: counted first, done in chunks that survive a restart, and abortable."""

from collections.abc import Callable
from typing import Protocol

import msgspec

from taskflow_hub.domain.audit import By
from taskflow_hub.domain.errors import NotFound
from taskflow_hub.engine.hints import Hints, Topic
from taskflow_hub.store.base import BulkStore, Reads
from taskflow_hub.store.values import Bulk, BulkAction, BulkStatus, TaskFilter


class _Store(BulkStore, Reads, Protocol): ...


class BulkOperations:
    def __init__(self, store: _Store, hints: Hints, new_id: Callable[[], str]) -> None:
        self._store, self._hints, self._new_id = store, hints, new_id

    async def count(self, account: str, where: TaskFilter) -> int:
        """How many tasks a filter matches now: the dry run."""
        return await self._store.count(account, where)

    async def begin(
        self, account: str, action: BulkAction, where: TaskFilter, *, by: By | None = None
    ) -> Bulk:
        """Start it; the bulk loop of any process carries it on. The audit is told of it, not of each task."""
        total = await self._store.count(account, where)
        bulk = await self._store.create_bulk(self._new_id(), account, action, where, total, by=by)
        self._hints.tell(Topic.BULK)
        return bulk

    async def get(self, account: str | None, bulk_id: str) -> Bulk:
        """Raises NotFound."""
        return _found(await self._store.bulk(account, bulk_id), bulk_id)

    async def abort(self, account: str | None, bulk_id: str, *, by: By | None = None) -> Bulk:
        """Stop after the chunk in flight, which is still counted; what is done stays done. A finished one is answered as it is.

        Raises NotFound.
        """
        bulk = await self.get(account, bulk_id)
        if bulk.status is not BulkStatus.RUNNING:
            return bulk
        return _found(await self._store.abort_bulk(account, bulk_id, by=by), bulk_id)


def _found(bulk: Bulk | None, bulk_id: str) -> Bulk:
    if bulk is None:
        raise NotFound(f"There is no bulk operation {bulk_id}.")
    # Each task is asked when its turn comes, and by then one more may match: another operation may have seen to that.
    return msgspec.structs.replace(bulk, total=max(bulk.total, bulk.done + bulk.skipped))
