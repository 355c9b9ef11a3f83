"""Tracked operations over many tasks: only their bookkeeping; the engine does the work, chunk by chunk."""

from typing import Final

from msgspec import Struct

from taskflow_hub.domain.audit import Action, By
from taskflow_hub.store.audit import of_bulk
from taskflow_hub.store.sqlite.audit import record
from taskflow_hub.store.sqlite.part import Part
from taskflow_hub.store.sqlite.statements import statement
from taskflow_hub.store.sqlite.transaction import Snapshot, Transaction, decoder, from_us, to_json
from taskflow_hub.store.values import Bulk, BulkAction, BulkStatus, TaskFilter

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


class BulkRow(Struct, array_like=True):
    """One row of bulk.sql."""

    id: str
    account_id: str
    action: BulkAction
    where: TaskFilter
    status: BulkStatus
    total: int
    done: int
    skipped: int
    created_at: int
    finished_at: int | None
    cursor: str | None

    def bulk(self) -> Bulk:
        return Bulk(
            id=self.id,
            account_id=self.account_id,
            action=self.action,
            where=self.where,
            status=self.status,
            total=self.total,
            done=self.done,
            skipped=self.skipped,
            created_at=from_us(self.created_at),
            finished_at=None if self.finished_at is None else from_us(self.finished_at),
            cursor=self.cursor,
        )


def _bulk(snapshot: Snapshot, account: str | None, bulk_id: str) -> Bulk | None:
    found = snapshot.value(BULK, bulk_id, account)
    if found is None:
        return None
    row: BulkRow = decoder(BulkRow).decode(found)
    return row.bulk()


def _running(snapshot: Snapshot) -> list[Bulk]:
    return [row.bulk() for row in snapshot.document(list[BulkRow], RUNNING_BULKS)]


def _create(
    tx: Transaction,
    bulk_id: str,
    account: str,
    action: BulkAction,
    where: TaskFilter,
    total: int,
    by: By | None,
) -> Bulk:
    new = tx.run(CREATE_BULK, bulk_id, account, action, to_json(where), total, tx.now)
    bulk = _bulk(tx, account, bulk_id)
    assert bulk is not None
    if new:
        record(tx, by, [of_bulk(Action.BULK_BEGIN, bulk)])
    return bulk


def _advance(
    tx: Transaction, bulk_id: str, expected: str | None, cursor: str | None, done: int, skipped: int
) -> bool:
    values = (expected, cursor, done, skipped, tx.now, bulk_id)
    goes_on = tx.connection.execute(ADVANCE_BULK.text, values).fetchall()  # no row: another process was here
    return goes_on == [(1,)]


def _abort(tx: Transaction, account: str | None, bulk_id: str, by: By | None) -> Bulk | None:
    aborted = tx.run(ABORT_BULK, tx.now, bulk_id, account)
    bulk = _bulk(tx, account, bulk_id)
    if aborted and bulk is not None:
        record(tx, by, [of_bulk(Action.BULK_ABORT, bulk)])
    return bulk
