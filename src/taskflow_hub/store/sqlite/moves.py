"""The moves out of `running`. Each names (task id, attempt); what does not own its task changes nothing.

A move first sorts its items in Python, from what misfits.sql and owned.sql answer, and then applies exactly those that fit:
nothing comes between, for the transaction holds the only write lock.
"""

from collections.abc import Sequence
from typing import Final

from taskflow_hub.domain import moves
from taskflow_hub.domain.messages import Progressed
from taskflow_hub.domain.model import AttemptOutcome, Reason
from taskflow_hub.domain.moves import Verdict
from taskflow_hub.store.documents import json_text, to_json
from taskflow_hub.store.sqlite.ends import finish
from taskflow_hub.store.sqlite.statements import statement
from taskflow_hub.store.sqlite.steps import lie_down
from taskflow_hub.store.sqlite.transaction import SECOND, Transaction, to_us
from taskflow_hub.store.verdicts import (
    ABORTED,
    STALE,
    Move,
    MoveT,
    Sorted,
    error_of,
    kind_of,
    of_abort,
    of_progress,
    outcome_of,
    ran_s,
    signature_of,
)

MISFITS: Final = statement("misfits")
OWNED: Final = statement("only/owned")
ATTEMPT: Final = statement("only/attempt")
SUCCEED: Final = statement("succeed")
RETRY: Final = statement("retry")
SNOOZE: Final = statement("snooze")
FAIL: Final = statement("fail")
RELEASE: Final = statement("release")
LOSE: Final = statement("lose")
ABORT: Final = statement("abort")
PROGRESS: Final = statement("progress")


def succeed(tx: Transaction, items: Sequence[moves.Succeed]) -> list[Verdict]:
    batch = _sort(tx, items)
    rows = [
        (
            item.id,
            _us(item),
            None if item.result is None else json_text(item.result, "/result"),
            None if item.result_ref is None else to_json(item.result_ref),
        )
        for item in batch.fit()
    ]
    if rows:
        tx.run_items(SUCCEED, rows, tx.now)
        finish(tx)
    return batch.verdicts


def fail(tx: Transaction, items: Sequence[moves.Fail]) -> list[Verdict]:
    batch = _sort(tx, items)
    _spare_the_returned(tx, batch)
    rows = [
        (
            item.id,
            _us(item),
            item.reason,
            to_json(item.error),
            item.outcome,
            kind_of(item),
            item.crashed,
            signature_of(item),
        )
        for item in batch.fit()
    ]
    if rows:
        tx.run_items(FAIL, rows, tx.now)
        finish(tx, failed=True)
    return batch.verdicts


def retry(tx: Transaction, items: Sequence[moves.Retry]) -> list[Verdict]:
    batch = _sort(tx, items)
    _yield_to_cancel(tx, batch)
    if stay := batch.fit():
        _end_attempts(tx, stay)
        tx.run_items(RETRY, [(i.id, tx.now + round(i.delay_s * SECOND), to_json(i.error)) for i in stay])
    return batch.verdicts


def snooze(tx: Transaction, items: Sequence[moves.Snooze]) -> list[Verdict]:
    batch = _sort(tx, items)
    _yield_to_cancel(tx, batch)
    if stay := batch.fit():
        _end_attempts(tx, stay)
        tx.run_items(SNOOZE, [(item.id, _wakes_at(tx, item)) for item in lie_down(tx, stay)])
    return batch.verdicts


def release(tx: Transaction, items: Sequence[moves.Release]) -> list[Verdict]:
    batch = _sort(tx, items)
    _yield_to_cancel(tx, batch)
    if stay := batch.fit():
        _end_attempts(tx, stay)
        tx.run_items(RELEASE, [(item.id,) for item in stay])
    return batch.verdicts


def lose(tx: Transaction, items: Sequence[moves.Lose]) -> list[Verdict]:
    batch = _sort(tx, items)
    owned = _owned(tx, items, batch.places())
    batch.settle(STALE, [place for place, worker, _, _ in owned if worker != items[place].worker])
    _yield_to_cancel(tx, batch)
    if stay := batch.fit():
        _end_attempts(tx, stay)
        lost = [(i.id, i.crashed, i.outcome is AttemptOutcome.UNDELIVERED, _error(i)) for i in stay]
        tx.run_items(LOSE, lost)
    return batch.verdicts


def abort(tx: Transaction, items: Sequence[moves.Abort]) -> list[Verdict]:
    batch = _sort(tx, items)
    _yield_to_cancel(tx, batch)
    return of_abort(batch.verdicts)


def progress(tx: Transaction, items: Sequence[Progressed]) -> list[Verdict]:
    verdicts, last = of_progress(items, [place for place, _ in _misfits(tx, items)])
    said = [{"n": i.n, "fraction": i.fraction, "message": i.message, "at": tx.at} for i in last]
    rows = [(item.id, to_json(document), item.n) for item, document in zip(last, said, strict=True)]
    tx.run_items(PROGRESS, rows)
    return verdicts


# --- sorting ---------------------------------------------------------------------------------------------------------


def _sort(tx: Transaction, items: Sequence[MoveT]) -> Sorted[MoveT]:
    return Sorted(items, _misfits(tx, items))


def _spare_the_returned(tx: Transaction, batch: Sorted[moves.Fail]) -> None:
    """Nothing is poisoned by a crash that was none: its worker came back after whoever says so had looked."""
    poisoned = [place for place in batch.places() if batch.items[place].reason is Reason.POISON]
    owned = _owned(tx, batch.items, poisoned)
    batch.settle(STALE, [place for place, _, _, returned in owned if returned])


def _yield_to_cancel(tx: Transaction, batch: Sorted[MoveT]) -> None:
    """Abort those with a cancel request standing; the others are what the move itself is for."""
    asked = [place for place, _, asked, _ in _owned(tx, batch.items, batch.places()) if asked]
    if asked:
        those = [batch.items[place] for place in asked]
        tx.run_items(ABORT, [(item.id, _us(item), _error(item), kind_of(item)) for item in those], tx.now)
        finish(tx)
        batch.settle(ABORTED, asked)


def _end_attempts(
    tx: Transaction, items: Sequence[moves.Retry | moves.Snooze | moves.Release | moves.Lose]
) -> None:
    """Write the rows of attempts that end without ending their task."""
    ended = [
        (
            item.id,
            _us(item),
            outcome_of(item),
            kind_of(item),
            _error(item),
            isinstance(item, moves.Lose) and item.crashed,
        )
        for item in items
    ]
    tx.run_items(ATTEMPT, ended, tx.now)


def _misfits(tx: Transaction, items: Sequence[Move | Progressed]) -> list[tuple[int, str | None]]:
    rows = [(place, item.id, item.attempt) for place, item in enumerate(items)]
    return tx.collect(tuple[int, str | None], MISFITS, rows)


def _owned(
    tx: Transaction, items: Sequence[Move], places: Sequence[int]
) -> list[tuple[int, str | None, int, int]]:
    if not places:
        return []
    return tx.collect(tuple[int, str | None, int, int], OWNED, [(place, items[place].id) for place in places])


# --- small things ----------------------------------------------------------------------------------------------------


def _us(move: Move) -> int | None:
    seconds = ran_s(move)
    return None if seconds is None else round(seconds * SECOND)


def _error(move: Move) -> str | None:
    error = error_of(move)
    return None if error is None else to_json(error)


def _wakes_at(tx: Transaction, item: moves.Snooze) -> int:
    if item.until is not None:
        return to_us(item.until)
    return tx.now + round((item.delay_s or 0.0) * SECOND)
