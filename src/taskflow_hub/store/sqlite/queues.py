"""Queues: their policy, and how full they are."""

from datetime import datetime
from typing import Final

from taskflow_hub.domain.audit import Action, By, changed
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.model import Queue
from taskflow_hub.store.audit import of_purge
from taskflow_hub.store.documents import decoder, to_json
from taskflow_hub.store.sqlite.audit import record
from taskflow_hub.store.sqlite.part import Part, finish
from taskflow_hub.store.sqlite.statements import Statement, statement
from taskflow_hub.store.sqlite.transaction import Snapshot, Transaction, from_us, to_us
from taskflow_hub.store.values import Depth, Rate

QUEUES: Final = statement("queues")
QUEUE: Final = statement("only/queue")
PAUSE: Final = statement("pause")
RESUME: Final = statement("resume")
UPDATE_QUEUE: Final = statement("update_queue")
PURGE: Final = statement("purge")
CANCEL_UNSTARTED: Final = statement("cancel_unstarted")
DEPTHS: Final = statement("depths")
RATES: Final = statement("rates")

_Row = tuple[str, int, int | None]


class Queues(Part):
    async def queues(self) -> list[Queue]:
        return await self._readers.read(_queues)

    async def pause(self, queue: str, *, by: By | None = None) -> Queue:
        return await self._writer.write(_change, Action.QUEUE_PAUSE, by, PAUSE, queue)

    async def resume(self, queue: str, *, by: By | None = None) -> Queue:
        return await self._writer.write(_change, Action.QUEUE_RESUME, by, RESUME, queue)

    async def update_queue(self, queue: str, *, max_size: int | None, by: By | None = None) -> Queue:
        return await self._writer.write(_change, Action.QUEUE_UPDATE, by, UPDATE_QUEUE, queue, max_size)

    async def purge(
        self, account: str, queue: str, limit: int, *, waiting: int = 0, by: By | None = None
    ) -> tuple[str, ...]:
        return await self._writer.write(_purge, account, queue, limit, waiting, by)

    async def depths(self, account: str | None) -> list[Depth]:
        return await self._readers.read_long(_depths, account)

    async def rates(self, account: str | None, since: datetime) -> list[Rate]:
        return await self._readers.read_long(_rates, account, since)


def _queue(row: _Row) -> Queue:
    name, paused, max_size = row
    return Queue(name=name, paused=bool(paused), max_size=max_size)


def _queues(snapshot: Snapshot) -> list[Queue]:
    return [_queue(row) for row in snapshot.document(list[_Row], QUEUES)]


def _change(
    tx: Transaction, action: Action, by: By | None, sql: Statement, name: str, *values: object
) -> Queue:
    before = _policy(tx, name)
    tx.run(sql, name, *values)
    after = _policy(tx, name)
    if (act := changed(action, name, before, after)) is not None:
        record(tx, by, [act])
    return after


def _policy(snapshot: Snapshot, name: str) -> Queue:
    """A queue without a row has none."""
    found = snapshot.value(QUEUE, name)
    return Queue(name=name) if found is None else _queue(decoder(_Row).decode(found))


def _purge(
    tx: Transaction, account: str, queue: str, limit: int, waiting: int, by: By | None
) -> tuple[str, ...]:
    ids = tx.document(list[str], PURGE, queue, account, limit)
    if ids:
        tx.run(CANCEL_UNSTARTED, tx.now, to_json(ids))
        finish(tx)
        record(tx, by, [of_purge(account, queue, max(waiting, len(ids)))])
    return tuple(ids)


def _depths(snapshot: Snapshot, account: str | None) -> list[Depth]:
    rows = snapshot.document(list[tuple[str, str, State, str | None, int, int]], DEPTHS, account)
    return [
        Depth(queue=queue, type=type, status=status, hold=hold, count=count, oldest=from_us(oldest))
        for queue, type, status, hold, count, oldest in rows
    ]


def _rates(snapshot: Snapshot, account: str | None, since: datetime) -> list[Rate]:
    rows = snapshot.document(list[tuple[int, str, str, State, int]], RATES, *(account, to_us(since)) * 2)
    return [
        Rate(minute=from_us(minute), queue=queue, type=type, status=status, count=count)
        for minute, queue, type, status, count in rows
    ]
