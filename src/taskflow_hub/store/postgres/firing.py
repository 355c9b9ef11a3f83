"""How schedules fire: what is decided in store/firing.py, asked and written here.

Locks: the schedules' rows first, then what a submit locks (submit.py). Who fires passes over rows that others have, so nobody
waits for a schedule with a lock in hand.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime
from operator import itemgetter
from typing import Final, TypeVar

import asyncpg

from taskflow_hub.domain.audit import Action, By
from taskflow_hub.domain.errors import Invalid, TaskflowError
from taskflow_hub.domain.model import Task
from taskflow_hub.domain.schedule import FireRecord, Schedule
from taskflow_hub.domain.workflow_view import Workflow
from taskflow_hub.store.base_schedules import Backfilled, Fired, Make, Place, Starts, Upcoming, Work
from taskflow_hub.store.beginning import submitted
from taskflow_hub.store.cursor import earliest_finish
from taskflow_hub.store.firing import (
    A_MOMENT,
    Backfill,
    Begun,
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
from taskflow_hub.store.postgres.advance import Answering
from taskflow_hub.store.postgres.audit import record
from taskflow_hub.store.postgres.faults import UNSTORABLE
from taskflow_hub.store.postgres.readers import Readers
from taskflow_hub.store.postgres.statements import statement
from taskflow_hub.store.postgres.submit import submit_here
from taskflow_hub.store.postgres.transaction import Snapshot, Transaction, columns
from taskflow_hub.store.postgres.workflow_reads import read_workflow
from taskflow_hub.store.postgres.writer import Writer
from taskflow_hub.store.refusals import key_busy
from taskflow_hub.store.schedule_rows import (
    Kept,
    no_schedule,
    of_schedule,
    of_trigger,
    record_of,
    schedule_of,
)
from taskflow_hub.store.values import News, NewTask, NewWorkflow, Submit, Submitted

NEXT: Final = statement("schedules_next")
DUE: Final = statement("schedules_due")
READY: Final = statement("schedules_ready")
BUSY: Final = statement("schedules_busy")
MOVED: Final = statement("schedules_moved")
LOCK: Final = statement("only/schedule_lock")
KEEP: Final = statement("keep_fires")
SETTLE: Final = statement("settle_fires")
BETWEEN: Final = statement("fires_between")
DELETE: Final = statement("delete_fires")
OPEN: Final = statement("fires_open")
STARTS: Final = statement("starts")
SETTLE_STARTS: Final = statement("settle_starts")

T = TypeVar("T")
_NO_ID: Final = "00000000-0000-0000-0000-000000000000"
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)


def as_it_is(at: datetime) -> datetime:
    return at


# --- by the clock -------------------------------------------------------------------------------------------------------


async def upcoming(snapshot: Snapshot, passed_over: Collection[str]) -> Upcoming:
    row = await snapshot.row(NEXT, snapshot.now, list(passed_over))
    assert row is not None
    return Upcoming(row["in_s"], row["waiting"], row["ready"])


async def fire_due(tx: Transaction, make: Make, limit: int, passed_over: Collection[str]) -> Fired:
    hindered: dict[str, Exception] = {}
    while True:
        said = await _round(tx, make, limit, [*passed_over, *hindered])
        if not said.hindered:
            break
        hindered |= said.hindered  # only the moment is bad: what they make is left to a later call
        await tx.start_over()
    if said.moved:
        tx.note(News.OTHER)
    said.left.update(hindered)
    return said.answer()


async def _round(tx: Transaction, make: Make, limit: int, passed_over: Sequence[str]) -> Round:
    ready = await tx.fetch(READY, tx.now, limit, passed_over)
    due = await tx.fetch(DUE, tx.now, limit, passed_over)
    schedules: dict[str, Schedule] = {}
    now = _LONG_AGO
    for *row, now in [*ready, *due]:  # noqa: B007 (the same in each row)
        schedules[row[0]] = schedule_of(row, as_it_is)
    if not schedules:
        said = Round((), now, (), make)
        said.settle([])
        return said
    asking = [schedule.id for schedule in schedules.values() if asks_for_runs(schedule)]
    busy = {row["id"] for row in await tx.fetch(BUSY, asking)} if asking else set()
    said = await _aside(schedules.values(), lambda: Round(schedules.values(), now, busy, make))
    said.settle(await _start(tx, said.works(await keep(tx, said.rows, now))))
    if said.moved and not said.hindered:
        await settle(tx, said.unsettled, now)
        await tx.run(MOVED, *columns(said.moved))
    return said


async def _aside(schedules: Iterable[Schedule], work: Callable[[], T]) -> T:
    """Large workflows take long enough to make that others would notice: a millisecond for ten nodes."""
    if any(schedule.type is None for schedule in schedules):
        return await asyncio.to_thread(work)
    return work()


async def _start(tx: Transaction, works: Sequence[Work]) -> Outcomes:
    """Each by itself: what is refused is refused alone."""
    tasks = [Submit((work,)) for work in works if isinstance(work, NewTask)]
    outcomes = iter(await submit_here(tx, tasks) if tasks else ())
    return [next(outcomes) if isinstance(work, NewTask) else await _begin(tx, work) for work in works]


async def _begin(tx: Transaction, new: NewWorkflow) -> Begun | TaskflowError:
    """Nothing of it is there unless it has begun. Unavailable: somebody else has a limit in hand that it states."""
    await tx.connection.execute("SAVEPOINT beginning")
    try:
        outcome = begun(await Answering(tx).all_of(submitted(PLANS, new, None)))
    except (*UNSTORABLE, asyncpg.LockNotAvailableError) as error:
        await tx.connection.execute("ROLLBACK TO beginning; RELEASE beginning")
        busy = isinstance(error, asyncpg.LockNotAvailableError)
        return key_busy() if busy else Invalid(f"It cannot be stored: {error}")
    await tx.connection.execute("RELEASE beginning")
    return outcome


async def keep(tx: Transaction, rows: Sequence[Kept], now: datetime) -> set[Key]:
    """Insert records; those that were not there."""
    if not rows:
        return set()
    return {(row["schedule_id"], row["planned_at"]) for row in await tx.fetch(KEEP, now, *columns(rows))}


async def settle(tx: Transaction, rows: Sequence[Kept], now: datetime) -> None:
    if rows:
        await tx.run(SETTLE, now, *columns(rows))


# --- by hand ------------------------------------------------------------------------------------------------------------


async def known(tx: Transaction, account: str | None, schedule_id: str) -> tuple[Schedule, datetime]:
    """The schedule, locked until the commit, and the time. Raises NotFound."""
    found = await tx.row(LOCK, tx.now, schedule_id, account)
    if found is None:
        raise no_schedule(schedule_id)
    *row, now = found
    return schedule_of(row, as_it_is), now


async def trigger(
    tx: Transaction, account: str | None, schedule_id: str, make: Make, by: By | None
) -> Task | Workflow:
    schedule, now = await known(tx, account, schedule_id)
    taken = {one.planned_at for one in await _between(tx, schedule_id, now, now + A_MOMENT)}
    work, row = await _aside([schedule], lambda: triggered(schedule, now, taken, make))
    (outcome,) = await _start(tx, [work])
    if isinstance(outcome, TaskflowError):
        raise outcome
    await keep(tx, [row], now)
    await tx.run(MOVED, *columns([(schedule.id, schedule.next_at, schedule.waiting_at, row[1])]))
    await record(tx, by, [of_trigger(schedule, work)])
    tx.note(News.OTHER)
    if isinstance(outcome, Submitted):
        return outcome.tasks[0]
    workflow = await read_workflow(tx, None, outcome.id)
    assert workflow is not None, "it was made in this transaction"
    return workflow


async def backfill(
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
    schedule, now = await known(tx, account, schedule_id)
    ticks = past_ticks(schedule, first, end, now, most)
    said = Backfill(schedule, ticks, await _between(tx, schedule_id, first, end), make)
    if not dry_run:
        said.settle(await _start(tx, await _aside([schedule], said.works)))
        await tx.run(DELETE, schedule_id, said.removed())
        await keep(tx, said.rows(), now)
        await record(tx, by, [of_schedule(Action.SCHEDULE_BACKFILL, schedule, **said.told(first, end))])
        tx.note(News.OTHER)
    return said.answer(dry_run=dry_run)


async def _between(tx: Transaction, schedule_id: str, first: datetime, end: datetime) -> list[FireRecord]:
    return [record_of(tuple(row), as_it_is) for row in await tx.fetch(BETWEEN, schedule_id, first, end)]


# --- when they started --------------------------------------------------------------------------------------------------

_Open = tuple[str, datetime, str | None, bool, datetime | None]


async def learn_starts(readers: Readers, writer: Writer, after: Place | None, limit: int) -> Starts:
    looked, ended = await readers.read(_open, after, limit)
    known = settled_starts(looked, ended)
    started = await writer.write(_settle_starts, known) if known else []
    last = looked[-1] if len(looked) == limit else None
    return Starts(tuple(started), len(looked), None if last is None else Place(last[0], last[1]))


async def _open(
    snapshot: Snapshot, after: Place | None, limit: int
) -> tuple[list[_Open], dict[str, datetime | None]]:
    place = (_NO_ID, _LONG_AGO) if after is None else (after.schedule_id, after.planned_at)
    looked: list[_Open] = [tuple(row) for row in await snapshot.fetch(OPEN, *place, limit)]
    gone = [task_id for _, _, task_id, live, _ in looked if task_id is not None and not live]
    ended = await snapshot.fetch(STARTS, gone, earliest_finish(gone)) if gone else []
    return looked, {row["id"]: row["started_at"] for row in ended}


async def _settle_starts(
    tx: Transaction, known: Sequence[tuple[str, datetime, datetime | None]]
) -> list[tuple[datetime, datetime]]:
    rows = await tx.fetch(SETTLE_STARTS, *columns(known))
    found = [(row["planned_at"], row["started_at"]) for row in rows if row["started_at"] is not None]
    return sorted(found, key=itemgetter(0))
