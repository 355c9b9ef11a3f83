"""Queues: their policy, and how full they are."""

from datetime import datetime
from typing import Final

from msgspec import UNSET, UnsetType

from taskflow_hub.domain.audit import Action, By, changed
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.model import Queue, QueueUse
from taskflow_hub.store.audit import of_purge
from taskflow_hub.store.documents import decoder, to_json
from taskflow_hub.store.limit_uses import given_number
from taskflow_hub.store.sqlite.audit import record
from taskflow_hub.store.sqlite.ends import finish
from taskflow_hub.store.sqlite.limit_admin import set_hub_limit
from taskflow_hub.store.sqlite.part import Part
from taskflow_hub.store.sqlite.statements import Statement, statement
from taskflow_hub.store.sqlite.transaction import Snapshot, Transaction, from_us, to_us
from taskflow_hub.store.standing import queue_key
from taskflow_hub.store.values import Depth, Rate

QUEUES: Final = statement("queues")
QUEUE_USES: Final = statement("queue_uses")
QUEUE: Final = statement("queue")
PAUSE: Final = statement("pause")
RESUME: Final = statement("resume")
UPDATE_QUEUE: Final = statement("update_queue")
PURGE: Final = statement("purge")
CANCEL_UNSTARTED: Final = statement("cancel_unstarted")
DEPTHS: Final = statement("depths")
RATES: Final = statement("rates")

_Row = tuple[str, int, int | None, int | None, float | None]


class Queues(Part):
    async def queues(self) -> list[Queue]:
        return await self._readers.read(_queues)

    async def pause(self, queue: str, *, by: By | None = None) -> Queue:
        return await self._writer.write(_change, Action.QUEUE_PAUSE, by, PAUSE, queue)

    async def resume(self, queue: str, *, by: By | None = None) -> Queue:
        return await self._writer.write(_change, Action.QUEUE_RESUME, by, RESUME, queue)

    async def queue_uses(self) -> list[QueueUse]:
        return await self._readers.read(_queue_uses)

    async def update_queue(
        self,
        queue: str,
        *,
        max_size: int | UnsetType | None = UNSET,
        running: int | UnsetType | None = UNSET,
        per_second: float | UnsetType | None = UNSET,
        by: By | None = None,
    ) -> Queue:
        return await self._writer.write(
            _update, queue, by, max_size=max_size, running=running, per_second=per_second
        )

    async def purge(
        self, account: str, queue: str, limit: int, *, waiting: int = 0, by: By | None = None
    ) -> tuple[str, ...]:
        return await self._writer.write(_purge, account, queue, limit, waiting, by)

    async def depths(self, account: str | None) -> list[Depth]:
        return await self._readers.read_long(_depths, account)

    async def rates(self, account: str | None, since: datetime) -> list[Rate]:
        return await self._readers.read_long(_rates, account, since)


def _queue(row: _Row) -> Queue:
    name, paused, max_size, running, per_second = row
    return Queue(name=name, paused=bool(paused), max_size=max_size, running=running, per_second=per_second)


def _queues(snapshot: Snapshot) -> list[Queue]:
    return [_queue(row) for row in snapshot.document(list[_Row], QUEUES)]


def _queue_uses(snapshot: Snapshot) -> list[QueueUse]:
    return snapshot.document(list[QueueUse], QUEUE_USES)


def _update(
    tx: Transaction,
    queue: str,
    by: By | None,
    *,
    max_size: int | UnsetType | None,
    running: int | UnsetType | None,
    per_second: float | UnsetType | None,
) -> Queue:
    before = _policy(tx, queue)
    set_hub_limit(tx, queue_key(queue), running=running, per_second=per_second)
    tx.run(UPDATE_QUEUE, queue, *given_number(max_size))
    return _told(tx, Action.QUEUE_UPDATE, by, before)


def _change(tx: Transaction, action: Action, by: By | None, sql: Statement, name: str) -> Queue:
    before = _policy(tx, name)
    tx.run(sql, name)
    return _told(tx, action, by, before)


def _told(tx: Transaction, action: Action, by: By | None, before: Queue) -> Queue:
    """The queue as it is now; the audit is told of the difference."""
    after = _policy(tx, before.name)
    if (act := changed(action, before.name, before, after)) is not None:
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
