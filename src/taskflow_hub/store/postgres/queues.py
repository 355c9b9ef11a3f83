"""Queues: their policy, and how full they are."""

from datetime import datetime
from typing import Final

import asyncpg
from msgspec import UNSET, UnsetType

from taskflow_hub.domain.audit import Action, By, changed
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.model import Queue, QueueUse
from taskflow_hub.store.audit import of_purge
from taskflow_hub.store.limit_uses import given_number
from taskflow_hub.store.postgres.advance import lock_workflows
from taskflow_hub.store.postgres.audit import record
from taskflow_hub.store.postgres.cancel import cancel_unstarted
from taskflow_hub.store.postgres.limit_admin import patience, set_hub_limit
from taskflow_hub.store.postgres.part import Part
from taskflow_hub.store.postgres.statements import statement
from taskflow_hub.store.postgres.transaction import Snapshot, Transaction
from taskflow_hub.store.standing import queue_key
from taskflow_hub.store.values import Depth, News, Rate

QUEUES: Final = statement("queues")
QUEUE_USES: Final = statement("queue_uses")
QUEUE_LOCK: Final = statement("only/queue_lock")
QUEUE: Final = statement("queue")
PAUSE: Final = statement("pause")
RESUME: Final = statement("resume")
UPDATE_QUEUE: Final = statement("update_queue")
PURGE_ROOTS: Final = statement("only/purge_roots")
PURGE: Final = statement("purge")
DEPTHS: Final = statement("depths")
RATES: Final = statement("rates")


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


def _queue(row: asyncpg.Record) -> Queue:
    return Queue(
        name=row["name"],
        paused=row["paused"],
        max_size=row["max_size"],
        running=row["running"],
        per_second=row["per_second"],
    )


async def _queues(snapshot: Snapshot) -> list[Queue]:
    return [_queue(row) for row in await snapshot.fetch(QUEUES)]


async def _queue_uses(snapshot: Snapshot) -> list[QueueUse]:
    return [
        QueueUse(name=row["name"], waiting=row["waiting"], active=row["active"])
        for row in await snapshot.fetch(QUEUE_USES)
    ]


async def _update(
    tx: Transaction,
    queue: str,
    by: By | None,
    *,
    max_size: int | UnsetType | None,
    running: int | UnsetType | None,
    per_second: float | UnsetType | None,
) -> Queue:
    async with patience(tx):
        before = await _changed_from(tx, queue)
        await set_hub_limit(tx, queue_key(queue), running=running, per_second=per_second)
        row = await tx.row(UPDATE_QUEUE, queue, *given_number(max_size))
        return await _told(tx, Action.QUEUE_UPDATE, by, before, row)


async def _change(tx: Transaction, action: Action, by: By | None, sql: str, name: str) -> Queue:
    before = await _changed_from(tx, name)
    return await _told(tx, action, by, before, await tx.row(sql, name))


async def _changed_from(tx: Transaction, name: str) -> Queue:
    await tx.run(QUEUE_LOCK, name)
    row = await tx.row(QUEUE, name)
    assert row is not None
    return _queue(row)


async def _told(
    tx: Transaction, action: Action, by: By | None, before: Queue, row: asyncpg.Record | None
) -> Queue:
    """The queue as it is now; the audit is told of the difference."""
    assert row is not None
    after = _queue(row)
    tx.note(News.OTHER)
    if (act := changed(action, before.name, before, after)) is not None:
        await record(tx, by, [act])
    return after


async def _purge(
    tx: Transaction, account: str, queue: str, limit: int, waiting: int, by: By | None
) -> tuple[str, ...]:
    concerned = [row["workflow_id"] for row in await tx.fetch(PURGE_ROOTS, queue, account, limit)]
    roots = await lock_workflows(tx, concerned)
    ids = [row["id"] for row in await tx.fetch(PURGE, queue, account, limit, roots.ids)]
    cancelled = sorted(await cancel_unstarted(tx, ids, roots)) if ids else []
    if cancelled:
        await record(tx, by, [of_purge(account, queue, max(waiting, len(cancelled)))])
    return tuple(cancelled)


async def _depths(snapshot: Snapshot, account: str | None) -> list[Depth]:
    return [
        Depth(
            queue=row["queue"],
            type=row["type"],
            status=State(row["status"]),
            hold=row["hold"],
            count=row["count"],
            oldest=row["oldest"],
        )
        for row in await snapshot.fetch(DEPTHS, account)
    ]


async def _rates(snapshot: Snapshot, account: str | None, since: datetime) -> list[Rate]:
    return [
        Rate(
            minute=row["minute"],
            queue=row["queue"],
            type=row["type"],
            status=State(row["status"]),
            count=row["count"],
        )
        for row in await snapshot.fetch(RATES, account, since)
    ]
