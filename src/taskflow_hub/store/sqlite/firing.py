"""How schedules fire: what is decided in store/firing.py, asked and written here."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

from taskflow_hub.domain.audit import Action, By
from taskflow_hub.domain.errors import TaskflowError
from taskflow_hub.domain.model import Task
from taskflow_hub.domain.schedule import FireRecord, Schedule
from taskflow_hub.domain.workflow_view import Workflow
from taskflow_hub.store.base_schedules import Backfilled, Fired, Make, Place, Starts, Upcoming, Work
from taskflow_hub.store.beginning import submitted
from taskflow_hub.store.documents import decoder, to_json
from taskflow_hub.store.firing import (
    A_MOMENT,
    Backfill,
    Key,
    Outcomes,
    Round,
    asks_for_runs,
    begun,
    past_ticks,
    settled_starts,
    triggered,
)
from taskflow_hub.store.plans import PLANS
from taskflow_hub.store.schedule_rows import (
    Kept,
    no_schedule,
    of_schedule,
    of_trigger,
    record_of,
    schedule_of,
)
from taskflow_hub.store.sqlite.advance import Answering
from taskflow_hub.store.sqlite.audit import record
from taskflow_hub.store.sqlite.readers import Readers
from taskflow_hub.store.sqlite.statements import Statement, statement
from taskflow_hub.store.sqlite.submit import submit
from taskflow_hub.store.sqlite.transaction import SECOND, Snapshot, Transaction, from_us, to_us
from taskflow_hub.store.sqlite.workflow_reads import read_workflow
from taskflow_hub.store.sqlite.writer import Writer
from taskflow_hub.store.values import NewTask, Submit, Submitted

NEXT: Final = statement("schedules_next")
DUE: Final = statement("schedules_due")
READY: Final = statement("schedules_ready")
BUSY: Final = statement("schedules_busy")
MOVED: Final = statement("schedules_moved")
KEEP: Final = statement("keep_fires")
SETTLE: Final = statement("settle_fires")
BETWEEN: Final = statement("fires_between")
DELETE: Final = statement("delete_fires")
OPEN: Final = statement("fires_open")
STARTS: Final = statement("starts")
SETTLE_STARTS: Final = statement("settle_starts")
SCHEDULE: Final = statement("schedule")


# --- by the clock -------------------------------------------------------------------------------------------------------


def upcoming(snapshot: Snapshot, now: datetime, passed_over: Collection[str]) -> Upcoming:
    passed = to_json(list(passed_over))
    at, waiting, ready = snapshot.document(tuple[int | None, int, int], NEXT, passed)
    return Upcoming(None if at is None else (at - to_us(now)) / SECOND, bool(waiting), bool(ready))


def fire_due(tx: Transaction, make: Make, limit: int, passed_over: Collection[str]) -> Fired:
    passed = to_json(list(passed_over))
    ready, due = _schedules(tx, READY, passed, limit), _schedules(tx, DUE, tx.now, passed, limit)
    schedules = {schedule.id: schedule for schedule in [*ready, *due]}
    asking = [schedule.id for schedule in schedules.values() if asks_for_runs(schedule)]
    busy = tx.document(set[str], BUSY, to_json(asking)) if asking else set()
    said = Round(schedules.values(), tx.at, busy, make)
    said.settle(_start(tx, said.works(keep(tx, said.rows))))
    settle(tx, said.unsettled)
    tx.run_items(MOVED, [[_stored(value) for value in row] for row in said.moved])
    return said.answer()


def _schedules(tx: Transaction, sql: Statement, *values: Any) -> list[Schedule]:
    return [schedule_of(row, from_us) for row in tx.document(list[list[Any]], sql, *values)]


def _start(tx: Transaction, works: Sequence[Work]) -> Outcomes:
    """Each by itself: what is refused is refused alone."""
    tasks = [Submit((work,)) for work in works if isinstance(work, NewTask)]
    outcomes = iter(submit(tx, tasks) if tasks else ())
    return [
        next(outcomes)
        if isinstance(work, NewTask)
        else begun(Answering(tx).all_of(submitted(PLANS, work, None)))
        for work in works
    ]


def keep(tx: Transaction, rows: Sequence[Kept]) -> set[Key]:
    """Insert records; those that were not there."""
    if not rows:
        return set()
    values = (tx.now, to_json([[_stored(value) for value in row] for row in rows]))
    return {
        (schedule_id, from_us(at)) for schedule_id, at in tx.connection.execute(KEEP.text, values).fetchall()
    }


def settle(tx: Transaction, rows: Sequence[Kept]) -> None:
    tx.run_items(SETTLE, [[_stored(value) for value in row] for row in rows], tx.now)


def _stored(value: Any) -> Any:
    return to_us(value) if isinstance(value, datetime) else value


def known(tx: Transaction, account: str | None, schedule_id: str) -> Schedule:
    """Raises NotFound."""
    found = one(tx, schedule_id, account)
    if found is None:
        raise no_schedule(schedule_id)
    return found


def one(snapshot: Snapshot, schedule_id: str, account: str | None) -> Schedule | None:
    found = snapshot.value(SCHEDULE, schedule_id, account)
    return None if found is None else schedule_of(decoder(list[Any]).decode(found), from_us)


# --- by hand ------------------------------------------------------------------------------------------------------------


def trigger(
    tx: Transaction, account: str | None, schedule_id: str, make: Make, by: By | None
) -> Task | Workflow:
    schedule = known(tx, account, schedule_id)
    taken = {one.planned_at for one in _between(tx, schedule_id, tx.at, tx.at + A_MOMENT)}
    work, row = triggered(schedule, tx.at, taken, make)
    (outcome,) = _start(tx, [work])
    if isinstance(outcome, TaskflowError):
        raise outcome
    keep(tx, [row])
    tx.run_items(
        MOVED, [[_stored(value) for value in (schedule.id, schedule.next_at, schedule.waiting_at, row[1])]]
    )
    record(tx, by, [of_trigger(schedule, work)])
    if isinstance(outcome, Submitted):
        return outcome.tasks[0]
    workflow = read_workflow(tx, None, outcome.id)
    assert workflow is not None, "it was made in this transaction"
    return workflow


def backfill(
    tx: Transaction,
    account: str | None,
    schedule_id: str,
    first: datetime,
    end: datetime,
    make: Make,
    *,
    most: int,
    dry_run: bool,
    by: By | None,
) -> tuple[Backfilled, ...]:
    schedule = known(tx, account, schedule_id)
    ticks = past_ticks(schedule, first, end, tx.at, most)
    said = Backfill(schedule, ticks, _between(tx, schedule_id, first, end), make)
    if not dry_run:
        said.settle(_start(tx, said.works()))
        tx.run(DELETE, schedule_id, to_json([to_us(at) for at in said.removed()]))
        keep(tx, said.rows())
        record(tx, by, [of_schedule(Action.SCHEDULE_BACKFILL, schedule, **said.told(first, end))])
    return said.answer(dry_run=dry_run)


def _between(tx: Transaction, schedule_id: str, first: datetime, end: datetime) -> list[FireRecord]:
    found = tx.document(list[list[Any]], BETWEEN, schedule_id, to_us(first), to_us(end))
    return [record_of(row, from_us) for row in found]


# --- when they started --------------------------------------------------------------------------------------------------


async def learn_starts(readers: Readers, writer: Writer, after: Place | None, limit: int) -> Starts:
    looked, ended = await readers.read(_open, after, limit)
    known = settled_starts(looked, ended)
    started = await writer.write(_settle_starts, known) if known else []
    last = looked[-1] if len(looked) == limit else None
    return Starts(tuple(started), len(looked), None if last is None else Place(last[0], from_us(last[1])))


_Open = tuple[str, int, str | None, int, int | None]


def _open(snapshot: Snapshot, after: Place | None, limit: int) -> tuple[list[_Open], dict[str, int | None]]:
    place = ("", 0) if after is None else (after.schedule_id, to_us(after.planned_at))
    looked = snapshot.document(list[_Open], OPEN, *place, limit)
    gone = [task_id for _, _, task_id, live, _ in looked if task_id is not None and not live]
    ended = snapshot.document(list[tuple[str, int | None]], STARTS, to_json(gone)) if gone else []
    return looked, dict(ended)


def _settle_starts(
    tx: Transaction, known: Sequence[tuple[str, int, int | None]]
) -> list[tuple[datetime, datetime]]:
    rows = tx.connection.execute(SETTLE_STARTS.text, (to_json(known),)).fetchall()
    return [(from_us(planned), from_us(started)) for planned, started in rows if started is not None]
