"""Cancelling: what has not started ends at once, what runs is asked."""

from collections.abc import Collection, Sequence
from typing import Final

from taskflow_hub.domain.audit import By
from taskflow_hub.domain.lifecycle import UNSTARTED, State
from taskflow_hub.domain.model import Task
from taskflow_hub.store.audit import of_cancel
from taskflow_hub.store.postgres.advance import Roots, advance, lock_roots
from taskflow_hub.store.postgres.audit import record
from taskflow_hub.store.postgres.faults import Collision
from taskflow_hub.store.postgres.part import read_tasks
from taskflow_hub.store.postgres.shard import shard
from taskflow_hub.store.postgres.statements import statement
from taskflow_hub.store.postgres.states import states
from taskflow_hub.store.postgres.transaction import Transaction
from taskflow_hub.store.values import News

CANCEL: Final = statement("only/cancel")
CANCEL_UNSTARTED: Final = statement("cancel_unstarted")


async def cancel(tx: Transaction, account: str, ids: Sequence[str], by: By | None) -> list[Task | None]:
    known = list(await states(tx, account, set(ids)))
    roots = await lock_roots(tx, known) if known else Roots([])
    cancelled = await tx.fetch(CANCEL, tx.now, shard(bool(roots)), known, roots.ids) if known else []
    if cancelled:
        tx.note(News.TASKS)
    ended = [row["id"] for row in cancelled if row["status"] != State.RUNNING]
    tx.followed.ended[State.CANCELLED, None] += len(ended)
    found = await read_tasks(tx, known)
    if any(_missed(task) for task in found.values()):
        raise Collision("a task was finished when we came, and somebody has redriven it since")
    await record(tx, by, (of_cancel(account, found[row["id"]], State(row["status"])) for row in cancelled))
    await advance(tx, roots, dict.fromkeys(ended, State.CANCELLED))
    return [found.get(id) for id in ids]


async def cancel_unstarted(tx: Transaction, ids: Collection[str], roots: Roots) -> list[str]:
    """For what is purged: the ids of those that were cancelled. What runs by now is left alone."""
    rows = await tx.fetch(CANCEL_UNSTARTED, tx.now, shard(bool(roots)), list(ids), roots.ids)
    cancelled = [row["id"] for row in rows]
    if cancelled:
        tx.note(News.TASKS)
    await advance(tx, roots, dict.fromkeys(cancelled, State.CANCELLED))
    return cancelled


def _missed(task: Task) -> bool:
    return task.status in UNSTARTED or (task.status is State.RUNNING and task.cancel_requested_at is None)
