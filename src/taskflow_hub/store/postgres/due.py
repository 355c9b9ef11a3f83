"""What time moves: scheduled → queued when due, unstarted → failed when expired. Any number of processes do so.

A reader is asked first: nearly always nothing is due, and then nothing need be written.
"""

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from taskflow_hub.domain.lifecycle import State
from taskflow_hub.store.postgres.advance import advance, lock_workflows
from taskflow_hub.store.postgres.readers import Readers
from taskflow_hub.store.postgres.shard import shard
from taskflow_hub.store.postgres.statements import statement
from taskflow_hub.store.postgres.transaction import Snapshot, Transaction
from taskflow_hub.store.postgres.writer import Writer
from taskflow_hub.store.values import Due, News
from taskflow_hub.store.verdicts import EXPIRED_SIGNATURE

NEXT_DUE: Final = statement("next_due")
PROMOTE_DUE: Final = statement("only/promote_due")
NEXT_EXPIRY: Final = statement("next_expiry")
EXPIRED_ROOTS: Final = statement("only/expired_roots")
EXPIRE: Final = statement("expire")

TEN_S: Final = 10.0
SLACK: Final = timedelta(seconds=2)  # who commits so late after his own time is still found at once
LOCKED_S: Final = 0.1  # something is due, but all of it is just being moved by others


class Front:
    """Where the scheduled tasks begin: what was due before is promoted.

    A hint in memory only. While a transaction is held open somewhere, vacuum cannot remove the index entries of what was
    promoted, and every look would walk over all of them. Who commits later than SLACK is found within TEN_S, for then a look
    goes back to the start.
    """

    def __init__(self) -> None:
        self._at: datetime | None = None
        self._good_until = 0.0

    def get(self) -> datetime | None:
        """None: the start."""
        if time.monotonic() >= self._good_until:
            self._at, self._good_until = None, time.monotonic() + TEN_S
        return self._at

    def reached(self, at: datetime) -> None:
        self._at = at - SLACK

    def forget(self) -> None:
        self._at = None


async def promote_due(readers: Readers, writer: Writer, front: Front, limit: int) -> Due:
    next_in_s = await readers.read(_next_due, front)
    if next_in_s is None or next_in_s > 0:
        return Due((), next_in_s)
    return await writer.write(_promote_due, front, limit)


async def expire_due(readers: Readers, writer: Writer, limit: int) -> Due:
    next_in_s = await readers.read(_next_expiry)
    if next_in_s is None or next_in_s > 0:
        return Due((), next_in_s)
    return await writer.write(_expire_due, limit)


async def _next_due(snapshot: Snapshot, front: Front) -> float | None:
    row = await snapshot.row(NEXT_DUE, snapshot.now, front.get())
    assert row is not None
    front.reached(row["front"])
    in_s: float | None = row["in_s"]
    return in_s


async def _promote_due(tx: Transaction, front: Front, limit: int) -> Due:
    rows = await tx.fetch(PROMOTE_DUE, tx.now, front.get(), limit)
    if rows:
        tx.note_ready(
            [(row["queue"], row["type"], row["priority"], row["account_id"], row["seq"]) for row in rows]
        )
    ids = [row["id"] for row in sorted(rows, key=lambda row: row["seq"])]
    return _due(ids, limit, await _next_due(tx, front))


async def _next_expiry(snapshot: Snapshot) -> float | None:
    in_s: float | None = await snapshot.value(NEXT_EXPIRY, snapshot.now)
    return in_s


async def _expire_due(tx: Transaction, limit: int) -> Due:
    concerned = [row["workflow_id"] for row in await tx.fetch(EXPIRED_ROOTS, tx.now, limit)]
    roots = await lock_workflows(tx, concerned)
    rows = await tx.fetch(EXPIRE, tx.now, shard(bool(roots)), limit, roots.ids, EXPIRED_SIGNATURE)
    ids = [row["id"] for row in rows]
    if ids:
        tx.note(News.TASKS)
    await advance(tx, roots, dict.fromkeys(ids, State.FAILED))
    return _due(ids, limit, await _next_expiry(tx))


def _due(ids: Sequence[str], limit: int, next_in_s: float | None) -> Due:
    if len(ids) >= limit:
        return Due(tuple(ids), 0.0)
    least = 0.0 if ids else LOCKED_S
    return Due(tuple(ids), None if next_in_s is None else max(least, next_in_s))
