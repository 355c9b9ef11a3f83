"""Redriving: a finished task comes back to the live ones and runs as if it were new.

The finished rows are locked first, so that of two redrives of one task the second finds it gone; then the unique keys, which
the tasks take again unless another holds them by now.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import asyncpg

from taskflow_hub.domain.audit import Action, By, of_task
from taskflow_hub.domain.errors import TaskflowError
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.model import Task
from taskflow_hub.store import refusals
from taskflow_hub.store.cursor import earliest_finish
from taskflow_hub.store.postgres.audit import record
from taskflow_hub.store.postgres.faults import Collision
from taskflow_hub.store.postgres.part import read_tasks
from taskflow_hub.store.postgres.shard import shard
from taskflow_hub.store.postgres.statements import statement
from taskflow_hub.store.postgres.states import in_workflows, states
from taskflow_hub.store.postgres.transaction import Transaction, columns

REDRIVE_LOOK: Final = statement("redrive_look")
REDRIVE: Final = statement("redrive")
UNIQUE_CLAIM: Final = statement("only/unique_claim")
UNIQUE_FIND: Final = statement("unique_find")
UNIQUE_KEEP: Final = statement("unique_keep")
FINISHED: Final = statement("only/finished")

LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)  # no window: the key is held while the task is unfinished

_Key = tuple[str, str]  # type, key; all of one account


async def redrive(
    tx: Transaction, account: str, ids: Sequence[str], by: By | None
) -> list[Task | TaskflowError]:
    if not ids:
        return []
    rows = await tx.fetch(REDRIVE_LOOK, list(set(ids)), account, earliest_finish(ids))
    finished = {row["id"]: row for row in rows}
    unfinished = await states(tx, account, [id for id in set(ids) if id not in finished])
    owned = await in_workflows(tx, ids)
    errors: dict[int, TaskflowError] = {}
    moving: dict[str, _Key | None] = {}
    for place, id in enumerate(ids):
        state = State(finished[id]["status"]) if id in finished else unfinished.get(id)
        refusal = refusals.of_redrive(id, State.QUEUED if id in moving else state, owned.get(id))
        if refusal is not None:
            errors[place] = refusal
        elif id not in finished:
            raise Collision("a task came back and ended again, just now")
        else:
            moving[id] = _key(finished[id])
    holders = await _take(tx, account, moving)
    for place, id in enumerate(ids):
        key = moving.get(id)
        if place not in errors and key is not None and holders[key] != id:
            errors[place] = refusals.key_held_meanwhile(key[1], holders[key], id)
            del moving[id]
    if moving:
        tx.note_ready(
            tuple(row)[:5]
            for row in await tx.fetch(
                REDRIVE, tx.now, list(moving), earliest_finish(moving), shard(long=True)
            )
        )
    found = await read_tasks(tx, moving)
    queued = {"status": State.QUEUED}
    await record(
        tx,
        by,
        (
            of_task(Action.TASK_REDRIVE, account, found[id], {"status": finished[id]["status"]}, queued)
            for id in moving
        ),
    )
    return [errors[place] if place in errors else found[id] for place, id in enumerate(ids)]


async def _take(tx: Transaction, account: str, moving: Mapping[str, _Key | None]) -> dict[_Key, str]:
    """Take the keys again, for the first that wants each. Who holds each of them then."""
    wanted: dict[_Key, str] = {}
    for id, key in moving.items():
        if key is not None:
            wanted.setdefault(key, id)
    if not wanted:
        return {}
    claims = [(account, type, key, id, LONG_AGO) for (type, key), id in sorted(wanted.items())]
    free = {(row["type"], row["key"]) for row in await tx.fetch(UNIQUE_CLAIM, *columns(claims))}
    there = [key for key in wanted if key not in free]
    if not there:
        return wanted
    held = await _held(tx, account, there)
    kept = [(type, key, wanted[type, key]) for type, key in there if (type, key) not in held]
    if kept:
        await tx.run(UNIQUE_KEEP, account, *columns(kept))
    return wanted | held


async def _held(tx: Transaction, account: str, keys: Sequence[_Key]) -> dict[_Key, str]:
    """Who still holds these keys, whose rows are locked: unfinished, or the window is open and the task is there."""
    rows = await tx.fetch(UNIQUE_FIND, tx.now, *columns([(account, *key) for key in keys]))
    held = {(row["type"], row["key"]): row["holder"] for row in rows if row["status"] is not None}
    windowed = {row["holder"]: (row["type"], row["key"]) for row in rows if _has_window(row)}
    if windowed:
        for row in await tx.fetch(FINISHED, list(windowed), earliest_finish(windowed)):
            held[windowed[row["id"]]] = row["id"]
    return held


def _key(row: asyncpg.Record) -> _Key | None:
    return None if row["unique_key"] is None else (row["type"], row["unique_key"])


def _has_window(row: asyncpg.Record) -> bool:
    return row["status"] is None and row["windowed"]
