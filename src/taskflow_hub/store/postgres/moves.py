"""The moves out of `running`. Each names (task id, attempt); what does not own its task changes nothing.

Each is one statement for its batch, whatever becomes of an item: it locks the rows in the order of their ids, sorts them by
what it finds then, and says which items did not fit. Only for those is there a second question: too late, or told twice?
"""

from collections.abc import Iterable, Sequence
from typing import Final, TypeVar

import asyncpg

from taskflow_hub.domain import moves
from taskflow_hub.domain.messages import Progressed
from taskflow_hub.domain.moves import Verdict
from taskflow_hub.store.cursor import earliest_finish
from taskflow_hub.store.documents import json_text, to_json
from taskflow_hub.store.postgres.shard import SHARD
from taskflow_hub.store.postgres.statements import statement
from taskflow_hub.store.postgres.transaction import Transaction
from taskflow_hub.store.postgres.writer import Verb, always
from taskflow_hub.store.values import News
from taskflow_hub.store.verdicts import (
    ABORTED,
    APPLIED,
    STALE,
    Move,
    MoveT,
    Sorted,
    error_of,
    kind_of,
    last_words,
    outcome_of,
    ran_s,
)

_SUCCEED: Final = statement("succeed")
_RETRY: Final = statement("retry")
_SNOOZE: Final = statement("snooze")
_FAIL: Final = statement("fail")
_RELEASE: Final = statement("release")
_LOSE: Final = statement("lose")
_ABORT: Final = statement("abort")
_MISFITS: Final = statement("misfits")
_PROGRESS: Final = statement("progress")

_Fence = tuple[str, int]
_Item = TypeVar("_Item", bound=Move | Progressed)


async def _succeed(tx: Transaction, items: Sequence[moves.Succeed]) -> list[Verdict]:
    first = _first_of_each(items)
    results = [None if item.result is None else json_text(item.result, "/result") for item in first]
    refs = [None if item.result_ref is None else to_json(item.result_ref) for item in first]
    rows = await tx.fetch(_SUCCEED, tx.now, SHARD, *_fences(first), _ran(first), results, refs)
    return await _verdicts(tx, items, first, _at(first, rows))


async def _fail(tx: Transaction, items: Sequence[moves.Fail]) -> list[Verdict]:
    first = _first_of_each(items)
    rows = await tx.fetch(
        _FAIL,
        tx.now,
        SHARD,
        *_fences(first),
        _ran(first),
        [item.reason for item in first],
        _errors(first),
        *_ends(first),
        [item.crashed for item in first],
    )
    return await _verdicts(tx, items, first, _at(first, rows))


async def _retry(tx: Transaction, items: Sequence[moves.Retry]) -> list[Verdict]:
    first = _first_of_each(items)
    rows = await tx.fetch(
        _RETRY,
        tx.now,
        SHARD,
        *_fences(first),
        _ran(first),
        [item.delay_s for item in first],
        _errors(first),
        *_ends(first),
    )
    if rows:
        tx.note(News.OTHER)  # they have a time now
    return await _verdicts(tx, items, first, *_misfits_and_aborted(first, rows))


async def _snooze(tx: Transaction, items: Sequence[moves.Snooze]) -> list[Verdict]:
    first = _first_of_each(items)
    delays, ends = [item.delay_s for item in first], [item.until for item in first]
    rows = await tx.fetch(_SNOOZE, tx.now, SHARD, *_fences(first), _ran(first), delays, ends)
    if rows:
        tx.note(News.OTHER)
    return await _verdicts(tx, items, first, *_misfits_and_aborted(first, rows))


async def _release(tx: Transaction, items: Sequence[moves.Release]) -> list[Verdict]:
    first = _first_of_each(items)
    rows = await tx.fetch(_RELEASE, tx.now, SHARD, *_fences(first), _ran(first))
    return await _handed_back(tx, items, first, rows)


async def _lose(tx: Transaction, items: Sequence[moves.Lose]) -> list[Verdict]:
    first = _first_of_each(items)
    rows = await tx.fetch(
        _LOSE,
        tx.now,
        SHARD,
        *_fences(first),
        [item.worker for item in first],
        [item.outcome for item in first],
        [item.crashed for item in first],
        _errors(first),
    )
    return await _handed_back(tx, items, first, rows)


async def _abort(tx: Transaction, items: Sequence[moves.Abort]) -> list[Verdict]:
    first = _first_of_each(items)
    rows = await tx.fetch(_ABORT, tx.now, SHARD, *_fences(first), _ran(first))
    return await _verdicts(tx, items, first, _at(first, rows))


async def _progress(tx: Transaction, items: Sequence[Progressed]) -> list[Verdict]:
    last = last_words(items)
    said = [to_json({"n": item.n, "fraction": item.fraction, "message": item.message}) for item in last]
    numbers = [item.n for item in last]
    stale = {_fence(i) for i in _at(last, await tx.fetch(_PROGRESS, tx.now, *_fences(last), said, numbers))}
    if len(stale) < len(last):
        tx.note(News.TASKS)
    return [STALE if _fence(item) in stale else APPLIED for item in items]


SUCCEED: Final = Verb(_succeed, single=always)
RETRY: Final = Verb(_retry, single=always)
SNOOZE: Final = Verb(_snooze, single=always)
FAIL: Final = Verb(_fail, single=always)
RELEASE: Final = Verb(_release, single=always)
LOSE: Final = Verb(_lose, single=always)
ABORT: Final = Verb(_abort, single=always)
PROGRESS: Final = Verb(_progress, single=always)


# --- what is sent ------------------------------------------------------------------------------------------------------


def _first_of_each(items: Sequence[MoveT]) -> Sequence[MoveT]:
    """Of several words on one attempt the first counts."""
    if len({item.id for item in items}) == len(items):
        return items
    first: dict[_Fence, MoveT] = {}
    for item in items:
        first.setdefault(_fence(item), item)
    return list(first.values())


def _fence(item: Move | Progressed) -> _Fence:
    return item.id, item.attempt


def _fences(items: Sequence[Move | Progressed]) -> tuple[list[str], list[int]]:
    return [item.id for item in items], [item.attempt for item in items]


def _ran(items: Sequence[Move]) -> list[float | None]:
    return [ran_s(item) for item in items]


def _ends(items: Sequence[Move]) -> tuple[list[str], list[str]]:
    return [outcome_of(item) for item in items], [kind_of(item) for item in items]


def _errors(items: Sequence[Move]) -> list[str | None]:
    return [None if (error := error_of(item)) is None else to_json(error) for item in items]


# --- what comes back ---------------------------------------------------------------------------------------------------


def _at(items: Sequence[_Item], rows: Iterable[asyncpg.Record]) -> list[_Item]:
    """Those whose places are named; places count from one."""
    return [items[row["n"] - 1] for row in rows]


def _misfits_and_aborted(
    items: Sequence[MoveT], rows: Sequence[asyncpg.Record]
) -> tuple[list[MoveT], list[MoveT]]:
    return (
        _at(items, [row for row in rows if not row["aborted"]]),
        _at(items, [row for row in rows if row["aborted"]]),
    )


async def _handed_back(
    tx: Transaction, items: Sequence[MoveT], first: Sequence[MoveT], rows: Sequence[asyncpg.Record]
) -> list[Verdict]:
    """`rows`: of those that fit."""
    tx.note_ready(
        [
            (row["queue"], row["type"], row["priority"], row["account_id"], row["seq"])
            for row in rows
            if not row["aborted"]
        ]
    )
    fit = {row["n"] for row in rows}
    misfits = [item for n, item in enumerate(first, 1) if n not in fit]
    return await _verdicts(tx, items, first, misfits, _at(first, [row for row in rows if row["aborted"]]))


async def _verdicts(
    tx: Transaction,
    items: Sequence[MoveT],
    first: Sequence[MoveT],
    misfits: Sequence[MoveT],
    aborted: Sequence[MoveT] = (),
) -> list[Verdict]:
    if len(misfits) < len(first):
        tx.note(News.TASKS)
    if first is items and not misfits and not aborted:
        return [APPLIED] * len(items)
    known = await _ended_by(tx, misfits)
    batch = Sorted(
        items, [(place, known[_fence(item)]) for place, item in enumerate(items) if _fence(item) in known]
    )
    gone = {_fence(item) for item in aborted}
    batch.settle(ABORTED, [place for place in batch.places() if _fence(items[place]) in gone])
    return batch.verdicts


async def _ended_by(tx: Transaction, misfits: Sequence[MoveT]) -> dict[_Fence, str | None]:
    if not misfits:
        return {}
    rows = await tx.fetch(_MISFITS, *_fences(misfits), earliest_finish(item.id for item in misfits))
    return {_fence(item): row["ended_by"] for item, row in zip(misfits, rows, strict=True)}
