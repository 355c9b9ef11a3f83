"""The moves out of `running`. Each names (task id, attempt); what does not own its task changes nothing.

Each is one statement for its batch, whatever becomes of an item: it locks the rows in the order of their ids, sorts them by
what it finds then, and says which items did not fit. Only for those is there a second question: too late, or told twice?

What would end a task of a workflow is passed over, and then done by itself in a transaction that holds the root's row
(ends.py): `whole` says that this is it.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final, TypeVar

import asyncpg

from taskflow_hub.domain import moves
from taskflow_hub.domain.messages import Progressed
from taskflow_hub.domain.moves import Verdict
from taskflow_hub.store.cursor import earliest_finish
from taskflow_hub.store.documents import json_text, to_json
from taskflow_hub.store.postgres.shard import shard
from taskflow_hub.store.postgres.statements import statement
from taskflow_hub.store.postgres.steps import lie_down
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
    signature_of,
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


async def succeed(tx: Transaction, items: Sequence[moves.Succeed], *, whole: bool) -> list[Verdict | None]:
    first = _first_of_each(items)
    rows = await tx.fetch(_SUCCEED, tx.now, shard(whole), *succeed_values(first), whole)
    return await _verdicts(tx, items, first, _at(first, rows))


def succeed_values(items: Sequence[moves.Succeed]) -> tuple[list[Any], ...]:
    """The columns that succeed.sql is given of each. Raises Invalid for a result that is no JSON."""
    results = [None if item.result is None else json_text(item.result, "/result") for item in items]
    refs = [None if item.result_ref is None else to_json(item.result_ref) for item in items]
    return *_fences(items), _ran(items), results, refs


async def fail(tx: Transaction, items: Sequence[moves.Fail], *, whole: bool) -> list[Verdict | None]:
    first = _first_of_each(items)
    rows = await tx.fetch(
        _FAIL,
        tx.now,
        shard(whole),
        *_fences(first),
        _ran(first),
        [item.reason for item in first],
        _errors(first),
        *_ends(first),
        [item.crashed for item in first],
        whole,
        [signature_of(item) for item in first],
    )
    return await _verdicts(tx, items, first, _at(first, rows))


async def retry(tx: Transaction, items: Sequence[moves.Retry], *, whole: bool) -> list[Verdict | None]:
    first = _first_of_each(items)
    rows = await tx.fetch(
        _RETRY,
        tx.now,
        shard(whole),
        *_fences(first),
        _ran(first),
        [item.delay_s for item in first],
        _errors(first),
        *_ends(first),
        whole,
    )
    if rows:
        tx.note(News.OTHER)  # they have a time now
    return await _verdicts(tx, items, first, *_misfits_and_aborted(first, rows))


async def snooze(tx: Transaction, items: Sequence[moves.Snooze], *, whole: bool) -> list[Verdict | None]:
    first = _first_of_each(items)
    going = await lie_down(tx, first)
    delays, ends = [item.delay_s for item in going], [item.until for item in going]
    rows = await tx.fetch(_SNOOZE, tx.now, shard(whole), *_fences(first), _ran(first), delays, ends, whole)
    if rows:
        tx.note(News.OTHER)
    return await _verdicts(tx, items, first, *_misfits_and_aborted(first, rows))


async def release(tx: Transaction, items: Sequence[moves.Release], *, whole: bool) -> list[Verdict | None]:
    first = _first_of_each(items)
    rows = await tx.fetch(_RELEASE, tx.now, shard(whole), *_fences(first), _ran(first), whole)
    return await _handed_back(tx, items, first, rows)


async def lose(tx: Transaction, items: Sequence[moves.Lose], *, whole: bool) -> list[Verdict | None]:
    first = _first_of_each(items)
    rows = await tx.fetch(
        _LOSE,
        tx.now,
        shard(whole),
        *_fences(first),
        [item.worker for item in first],
        [item.outcome for item in first],
        [item.crashed for item in first],
        _errors(first),
        whole,
    )
    return await _handed_back(tx, items, first, rows)


async def abort(tx: Transaction, items: Sequence[moves.Abort], *, whole: bool) -> list[Verdict | None]:
    first = _first_of_each(items)
    rows = await tx.fetch(_ABORT, tx.now, shard(whole), *_fences(first), _ran(first), whole)
    return await _verdicts(tx, items, first, _at(first, rows))


async def _progress(tx: Transaction, items: Sequence[Progressed]) -> list[Verdict]:
    last = last_words(items)
    said = [to_json({"n": item.n, "fraction": item.fraction, "message": item.message}) for item in last]
    numbers = [item.n for item in last]
    stale = {_fence(i) for i in _at(last, await tx.fetch(_PROGRESS, tx.now, *_fences(last), said, numbers))}
    if len(stale) < len(last):
        tx.note(News.TASKS)
    return [STALE if _fence(item) in stale else APPLIED for item in items]


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
) -> list[Verdict | None]:
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
) -> list[Verdict | None]:
    """None: passed over."""
    if len(misfits) < len(first):
        tx.note(News.TASKS)
    if first is items and not misfits and not aborted:
        return [APPLIED] * len(items)
    known, passed = await _ended_by(tx, misfits)
    batch = Sorted(
        items, [(place, known[_fence(item)]) for place, item in enumerate(items) if _fence(item) in known]
    )
    gone = {_fence(item) for item in aborted}
    batch.settle(ABORTED, [place for place in batch.places() if _fence(items[place]) in gone])
    return [
        None if _fence(item) in passed else verdict
        for item, verdict in zip(items, batch.verdicts, strict=True)
    ]


async def _ended_by(
    tx: Transaction, misfits: Sequence[MoveT]
) -> tuple[dict[_Fence, str | None], set[_Fence]]:
    """The kind of report that ended each; and those that own their task after all."""
    if not misfits:
        return {}, set()
    rows = await tx.fetch(_MISFITS, *_fences(misfits), earliest_finish(item.id for item in misfits))
    found = [(_fence(item), row["ended_by"], row["passed"]) for item, row in zip(misfits, rows, strict=True)]
    return (
        {fence: ended_by for fence, ended_by, _ in found},
        {fence for fence, _, passed in found if passed},
    )
