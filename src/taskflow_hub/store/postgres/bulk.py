"""Tracked operations over many tasks: only their bookkeeping; the engine does the work, chunk by chunk."""

from typing import Final

import asyncpg

from taskflow_hub.domain.audit import Action, By
from taskflow_hub.store.audit import of_bulk
from taskflow_hub.store.documents import decoder, to_json
from taskflow_hub.store.postgres.audit import record
from taskflow_hub.store.postgres.part import Part
from taskflow_hub.store.postgres.statements import statement
from taskflow_hub.store.postgres.transaction import Snapshot, Transaction
from taskflow_hub.store.values import Bulk, BulkAction, BulkStatus, News, TaskFilter

CREATE_BULK: Final = statement("create_bulk")
BULK: Final = statement("bulk")
RUNNING_BULKS: Final = statement("running_bulks")
ADVANCE_BULK: Final = statement("advance_bulk")
ABORT_BULK: Final = statement("abort_bulk")


class Bulks(Part):
    async def create_bulk(
        self,
        bulk_id: str,
        account: str,
        action: BulkAction,
        where: TaskFilter,
        total: int,
        *,
        by: By | None = None,
    ) -> Bulk:
        return await self._writer.write(_create, bulk_id, account, action, where, total, by)

    async def bulk(self, account: str | None, bulk_id: str) -> Bulk | None:
        return await self._readers.read(_bulk, account, bulk_id)

    async def running_bulks(self) -> list[Bulk]:
        return await self._readers.read(_running)

    async def advance_bulk(
        self, bulk_id: str, *, expected: str | None, cursor: str | None, done: int, skipped: int
    ) -> bool:
        return await self._writer.write(_advance, bulk_id, expected, cursor, done, skipped)

    async def abort_bulk(self, account: str | None, bulk_id: str, *, by: By | None = None) -> Bulk | None:
        return await self._writer.write(_abort, account, bulk_id, by)


def _bulk_of(row: asyncpg.Record) -> Bulk:
    return Bulk(
        id=row["id"],
        account_id=row["account_id"],
        action=BulkAction(row["action"]),
        where=decoder(TaskFilter).decode(row["filter"]),
        status=BulkStatus(row["status"]),
        total=row["total"],
        done=row["done"],
        skipped=row["skipped"],
        created_at=row["created_at"],
        finished_at=row["finished_at"],
        cursor=row["cursor"],
    )


async def _bulk(snapshot: Snapshot, account: str | None, bulk_id: str) -> Bulk | None:
    found = await snapshot.row(BULK, bulk_id, account)
    return None if found is None else _bulk_of(found)


async def _running(snapshot: Snapshot) -> list[Bulk]:
    return [_bulk_of(row) for row in await snapshot.fetch(RUNNING_BULKS)]


async def _create(
    tx: Transaction,
    bulk_id: str,
    account: str,
    action: BulkAction,
    where: TaskFilter,
    total: int,
    by: By | None,
) -> Bulk:
    tx.note(News.OTHER)
    new = await tx.run(CREATE_BULK, tx.now, bulk_id, account, action.value, to_json(where), total)
    bulk = await _bulk(tx, account, bulk_id)
    assert bulk is not None
    if new:
        await record(tx, by, [of_bulk(Action.BULK_BEGIN, bulk)])
    return bulk


async def _advance(
    tx: Transaction, bulk_id: str, expected: str | None, cursor: str | None, done: int, skipped: int
) -> bool:
    goes_on = await tx.value(ADVANCE_BULK, tx.now, bulk_id, expected, cursor, done, skipped)
    return goes_on is True  # None: another process was here


async def _abort(tx: Transaction, account: str | None, bulk_id: str, by: By | None) -> Bulk | None:
    tx.note(News.OTHER)
    aborted = await tx.run(ABORT_BULK, tx.now, bulk_id, account)
    bulk = await _bulk(tx, account, bulk_id)
    if aborted and bulk is not None:
        await record(tx, by, [of_bulk(Action.BULK_ABORT, bulk)])
    return bulk
