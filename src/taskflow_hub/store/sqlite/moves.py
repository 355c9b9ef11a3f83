"""The moves out of `running`. Each names (task id, attempt); what does not own its task changes nothing.

A move first sorts its items in Python, from what misfits.sql and owned.sql answer, and then applies exactly those that fit:
nothing comes between, for the transaction holds the only write lock.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol, TypeVar

from msgspec import Struct

from taskflow_hub.domain import moves
from taskflow_hub.domain.messages import Progressed
from taskflow_hub.domain.model import AttemptOutcome, Progress, Reason, TaskError
from taskflow_hub.domain.moves import Verdict
from taskflow_hub.store.sqlite.part import finish
from taskflow_hub.store.sqlite.rows import json_text
from taskflow_hub.store.sqlite.statements import statement
from taskflow_hub.store.sqlite.transaction import SECOND, Transaction, to_json, to_us

MISFITS: Final = statement("misfits")
OWNED: Final = statement("owned")
ATTEMPT: Final = statement("attempt")
SUCCEED: Final = statement("succeed")
RETRY: Final = statement("retry")
SNOOZE: Final = statement("snooze")
FAIL: Final = statement("fail")
RELEASE: Final = statement("release")
LOSE: Final = statement("lose")
ABORT: Final = statement("abort")
PROGRESS: Final = statement("progress")

APPLIED, ABORTED, DUPLICATE, STALE = Verdict.APPLIED, Verdict.ABORTED, Verdict.DUPLICATE, Verdict.STALE

# What `ended_by` says: the kind of report that ended an attempt. A retry and a fail come from the same kind of report.
KIND_OF: Final = {
    AttemptOutcome.FAILED: "failed",
    AttemptOutcome.TIMEOUT: "failed",
}
LONGEST_S: Final = 1e9


class _Fenced(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def attempt(self) -> int: ...


Item = TypeVar("Item", bound=_Fenced)


class _Sorted(Struct):
    """The verdicts so far: APPLIED where an item fits, and those items by their place."""

    verdicts: list[Verdict]
    fit: list[int]


def succeed(tx: Transaction, items: Sequence[moves.Succeed]) -> list[Verdict]:
    found = _sort(tx, items, lambda _: "succeeded")
    rows = [
        (
            item.id,
            _us(item.ran_s),
            None if item.result is None else json_text(item.result, "/result"),
            None if item.result_ref is None else to_json(item.result_ref),
        )
        for item in _pick(items, found.fit)
    ]
    if rows:
        tx.run_items(SUCCEED, rows, tx.now)
        finish(tx)
    return found.verdicts


def fail(tx: Transaction, items: Sequence[moves.Fail]) -> list[Verdict]:
    found = _sort(tx, items, lambda item: _kind(item.outcome))
    _spare_the_returned(tx, items, found)
    rows = [
        (
            item.id,
            _us(item.ran_s),
            item.reason,
            to_json(item.error),
            item.outcome,
            _kind(item.outcome),
            item.crashed,
        )
        for item in _pick(items, found.fit)
    ]
    if rows:
        tx.run_items(FAIL, rows, tx.now)
        finish(tx)
    return found.verdicts


def retry(tx: Transaction, items: Sequence[moves.Retry]) -> list[Verdict]:
    found = _sort(tx, items, lambda item: _kind(item.outcome))
    stay = _yield_to_cancel(tx, items, found, lambda item: (_us(item.ran_s), item.error, _kind(item.outcome)))
    if stay:
        ended = [(i.id, _us(i.ran_s), i.outcome, _kind(i.outcome), to_json(i.error), False) for i in stay]
        tx.run_items(ATTEMPT, ended, tx.now)
        tx.run_items(RETRY, [(i.id, tx.now + round(i.delay_s * SECOND), to_json(i.error)) for i in stay])
    return found.verdicts


def snooze(tx: Transaction, items: Sequence[moves.Snooze]) -> list[Verdict]:
    found = _sort(tx, items, lambda _: "snoozed")
    stay = _yield_to_cancel(tx, items, found, lambda item: (_us(item.ran_s), None, "snoozed"))
    if stay:
        tx.run_items(ATTEMPT, [(i.id, _us(i.ran_s), "snoozed", "snoozed", None, False) for i in stay], tx.now)
        tx.run_items(SNOOZE, [(item.id, _wakes_at(tx, item)) for item in stay])
    return found.verdicts


def release(tx: Transaction, items: Sequence[moves.Release]) -> list[Verdict]:
    found = _sort(tx, items, lambda _: "released")
    stay = _yield_to_cancel(tx, items, found, lambda item: (_us(item.ran_s), None, "released"))
    if stay:
        tx.run_items(
            ATTEMPT, [(i.id, _us(i.ran_s), "released", "released", None, False) for i in stay], tx.now
        )
        tx.run_items(RELEASE, [(item.id,) for item in stay])
    return found.verdicts


def lose(tx: Transaction, items: Sequence[moves.Lose]) -> list[Verdict]:
    found = _sort(tx, items, lambda item: _kind(item.outcome), owner=lambda item: item.worker)
    stay = _yield_to_cancel(tx, items, found, lambda item: (None, item.error, _kind(item.outcome)))
    if stay:
        ended = [(i.id, None, i.outcome, _kind(i.outcome), _error(i.error), i.crashed) for i in stay]
        tx.run_items(ATTEMPT, ended, tx.now)
        lost = [(i.id, i.crashed, i.outcome is AttemptOutcome.UNDELIVERED, _error(i.error)) for i in stay]
        tx.run_items(LOSE, lost)
    return found.verdicts


def abort(tx: Transaction, items: Sequence[moves.Abort]) -> list[Verdict]:
    found = _sort(tx, items, lambda _: "aborted")
    _yield_to_cancel(tx, items, found, lambda item: (_us(item.ran_s), None, "aborted"))
    # What was not asked to end stays: a worker may not cancel a task by itself. What was has simply done as asked.
    found.verdicts = [{APPLIED: STALE, ABORTED: APPLIED}.get(verdict, verdict) for verdict in found.verdicts]
    return found.verdicts


def progress(tx: Transaction, items: Sequence[Progressed]) -> list[Verdict]:
    verdicts = [APPLIED] * len(items)
    for place, _ in _misfits(tx, items):
        verdicts[place] = STALE
    last = {item.id: item for item, verdict in zip(items, verdicts, strict=True) if verdict is APPLIED}
    rows = [
        (i.id, to_json(Progress(fraction=i.fraction, message=i.message, at=tx.at))) for i in last.values()
    ]
    tx.run_items(PROGRESS, rows)
    return verdicts


# --- sorting ---------------------------------------------------------------------------------------------------------


def _sort(
    tx: Transaction,
    items: Sequence[Item],
    kind: Callable[[Item], str],
    owner: Callable[[Item], str] | None = None,
) -> _Sorted:
    """Tell what fits from what came too late, and of that what is only told twice."""
    verdicts = [APPLIED] * len(items)
    for place, ended_by in _misfits(tx, items):
        verdicts[place] = DUPLICATE if ended_by == kind(items[place]) else STALE
    seen: set[str] = set()
    for place, item in enumerate(items):
        if verdicts[place] is APPLIED:
            if item.id in seen:
                verdicts[place] = DUPLICATE
            seen.add(item.id)
    if owner is not None:
        for place, worker, _, _ in _owned(
            tx, items, [p for p, verdict in enumerate(verdicts) if verdict is APPLIED]
        ):
            if worker != owner(items[place]):
                verdicts[place] = STALE
    return _Sorted(verdicts, [place for place, verdict in enumerate(verdicts) if verdict is APPLIED])


def _spare_the_returned(tx: Transaction, items: Sequence[moves.Fail], found: _Sorted) -> None:
    """Nothing is poisoned by a crash that was none: its worker came back after whoever says so had looked."""
    poisoned = [place for place in found.fit if items[place].reason is Reason.POISON]
    for place, _, _, returned in _owned(tx, items, poisoned):
        if returned:
            found.verdicts[place] = STALE
            found.fit.remove(place)


def _yield_to_cancel(
    tx: Transaction,
    items: Sequence[Item],
    found: _Sorted,
    end: Callable[[Item], tuple[int | None, TaskError | None, str]],
) -> list[Item]:
    """Abort those with a cancel request standing; the others are what the move itself is for."""
    asked = [place for place, _, asked, _ in _owned(tx, items, found.fit) if asked]
    if asked:
        rows = []
        for place in asked:
            ran_us, error, kind = end(items[place])
            rows.append((items[place].id, ran_us, _error(error), kind))
            found.verdicts[place] = ABORTED
        tx.run_items(ABORT, rows, tx.now)
        finish(tx)
    return [items[place] for place in found.fit if found.verdicts[place] is APPLIED]


def _misfits(tx: Transaction, items: Sequence[_Fenced]) -> list[tuple[int, str | None]]:
    rows = [(place, item.id, item.attempt) for place, item in enumerate(items)]
    return tx.collect(tuple[int, str | None], MISFITS, rows)


def _owned(
    tx: Transaction, items: Sequence[_Fenced], places: Sequence[int]
) -> list[tuple[int, str | None, int, int]]:
    if not places:
        return []
    return tx.collect(tuple[int, str | None, int, int], OWNED, [(place, items[place].id) for place in places])


def _pick(items: Sequence[Item], places: Sequence[int]) -> Sequence[Item]:
    return items if len(places) == len(items) else [items[place] for place in places]


# --- small things ----------------------------------------------------------------------------------------------------


def _kind(outcome: AttemptOutcome) -> str:
    return KIND_OF.get(outcome, outcome.value)


def _us(ran_s: float | None) -> int | None:
    """A worker's word, so not to be believed too far; the SQL keeps a start from being before its lease."""
    return None if ran_s is None else round(min(max(ran_s, 0.0), LONGEST_S) * SECOND)


def _error(error: TaskError | None) -> Any:
    return None if error is None else to_json(error)


def _wakes_at(tx: Transaction, item: moves.Snooze) -> int:
    if item.until is not None:
        return to_us(item.until)
    return tx.now + round((item.delay_s or 0.0) * SECOND)
