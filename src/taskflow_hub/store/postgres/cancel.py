"""Cancelling: what has not started ends at once, what runs is asked."""

from collections.abc import Collection, Sequence
from typing import Final

from taskflow_hub.domain.audit import By
from taskflow_hub.domain.lifecycle import UNSTARTED, State
from taskflow_hub.domain.model import Task
from taskflow_hub.store.audit import of_cancel
from taskflow_hub.store.postgres.audit import record
from taskflow_hub.store.postgres.faults import Collision
from taskflow_hub.store.postgres.part import read_tasks
from taskflow_hub.store.postgres.shard import SHARD
from taskflow_hub.store.postgres.statements import statement
from taskflow_hub.store.postgres.states import states
from taskflow_hub.store.postgres.transaction import Transaction
from taskflow_hub.store.values import News

CANCEL: Final = statement("only/cancel")
CANCEL_UNSTARTED: Final = statement("cancel_unstarted")


async def cancel(tx: Transaction, account: str, ids: Sequence[str], by: By | None) -> list[Task | None]:
    known = list(await states(tx, account, set(ids)))
    cancelled = await tx.fetch(CANCEL, tx.now, SHARD, known) if known else []
    if cancelled:
        tx.note(News.TASKS)
    found = await read_tasks(tx, known)
    if any(_missed(task) for task in found.values()):
        raise Collision("a task was finished when we came, and somebody has redriven it since")
    await record(tx, by, (of_cancel(account, found[row["id"]], State(row["status"])) for row in cancelled))
    return [found.get(id) for id in ids]


async def cancel_unstarted(tx: Transaction, ids: Collection[str]) -> list[str]:
    """For what makes way for another, or is purged: the ids of those that were cancelled. What runs by now is left alone."""
    cancelled = [row["id"] for row in await tx.fetch(CANCEL_UNSTARTED, tx.now, SHARD, list(ids))]
    if cancelled:
        tx.note(News.TASKS)
    return cancelled


def _missed(task: Task) -> bool:
    return task.status in UNSTARTED or (task.status is State.RUNNING and task.cancel_requested_at is None)
