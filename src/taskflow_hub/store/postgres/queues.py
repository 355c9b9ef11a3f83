"""Queues: their policy, and how full they are."""

from datetime import datetime
from typing import Final

import asyncpg

from taskflow_hub.domain.audit import Action, By, changed
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.model import Queue
from taskflow_hub.store.audit import of_purge
from taskflow_hub.store.postgres.audit import record
from taskflow_hub.store.postgres.cancel import cancel_unstarted
from taskflow_hub.store.postgres.part import Part
from taskflow_hub.store.postgres.statements import statement
from taskflow_hub.store.postgres.transaction import Snapshot, Transaction
from taskflow_hub.store.values import Depth, News, Rate

QUEUES: Final = statement("queues")
QUEUE_LOCK: Final = statement("only/queue_lock")
PAUSE: Final = statement("pause")
RESUME: Final = statement("resume")
UPDATE_QUEUE: Final = statement("update_queue")
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


def _queue(row: asyncpg.Record) -> Queue:
    return Queue(name=row["name"], paused=row["paused"], max_size=row["max_size"])


async def _queues(snapshot: Snapshot) -> list[Queue]:
    return [_queue(row) for row in await snapshot.fetch(QUEUES)]


async def _change(
    tx: Transaction, action: Action, by: By | None, sql: str, name: str, *values: object
) -> Queue:
    tx.note(News.OTHER)
    before, after = await tx.row(QUEUE_LOCK, name), await tx.row(sql, name, *values)
    assert before is not None
    assert after is not None
    if (act := changed(action, name, _queue(before), _queue(after))) is not None:
        await record(tx, by, [act])
    return _queue(after)


async def _purge(
    tx: Transaction, account: str, queue: str, limit: int, waiting: int, by: By | None
) -> tuple[str, ...]:
    ids = [row["id"] for row in await tx.fetch(PURGE, queue, account, limit)]
    cancelled = sorted(await cancel_unstarted(tx, ids)) if ids else []
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
