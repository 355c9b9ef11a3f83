"""Schedules, as people see and change them. How they fire: firing.py."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

from taskflow_hub.domain.audit import Action, By
from taskflow_hub.domain.model import Task
from taskflow_hub.domain.schedule import FireOutcome, Schedule
from taskflow_hub.domain.workflow_view import Workflow
from taskflow_hub.store.base_schedules import (
    Backfilled,
    Declared,
    Fired,
    FirePage,
    Make,
    Place,
    ScheduleFilter,
    SchedulePage,
    Starts,
    Upcoming,
)
from taskflow_hub.store.cursor import make_cursor, read_cursor
from taskflow_hub.store.documents import decoder, to_json
from taskflow_hub.store.schedule_changes import Change, Declaring, begun, changed, paused, resumed
from taskflow_hub.store.schedule_rows import (
    all_of,
    changed_of,
    fire_cursor,
    name_taken,
    of_new_schedule,
    of_schedule,
    read_fire_cursor,
    record_of,
    schedule_of,
)
from taskflow_hub.store.sqlite import firing
from taskflow_hub.store.sqlite.audit import record
from taskflow_hub.store.sqlite.part import Part
from taskflow_hub.store.sqlite.statements import Statement, statement
from taskflow_hub.store.sqlite.transaction import Snapshot, Transaction, from_us, to_us

CREATE: Final = statement("create_schedule")
NAMED: Final = statement("schedule_named")
SCHEDULES: Final = statement("schedules")
UPDATE: Final = statement("update_schedule")
DELETE: Final = statement("delete_schedule")
FIRES: Final = statement("fires")
FIRES_OTHER: Final = statement("fires_other")
DECLARED: Final = statement("declared_schedules")


class Schedules(Part):
    async def create_schedule(self, new: Schedule, *, by: By | None = None) -> Schedule:
        return await self._writer.write(_create, new, by)

    async def schedule(self, account: str | None, schedule_id: str) -> Schedule | None:
        return await self._readers.read(firing.one, schedule_id, account)

    async def schedule_named(self, account: str, name: str) -> Schedule | None:
        return await self._readers.read(_named, account, name)

    async def schedules(
        self, account: str | None, where: ScheduleFilter, *, limit: int, cursor: str | None = None
    ) -> SchedulePage:
        return await self._readers.read_long(_list, account, where, limit, cursor)

    async def update_schedule(
        self, account: str | None, changed: Schedule, *, by: By | None = None
    ) -> Schedule | None:
        return await self._writer.write(_update, account, changed, by)

    async def pause_schedule(
        self, account: str | None, schedule_id: str, *, by: By | None = None
    ) -> Schedule:
        return await self._writer.write(_pause, account, schedule_id, by)

    async def resume_schedule(
        self, account: str | None, schedule_id: str, *, by: By | None = None
    ) -> Schedule:
        return await self._writer.write(_resume, account, schedule_id, by)

    async def delete_schedule(self, account: str | None, schedule_id: str, *, by: By | None = None) -> None:
        return await self._writer.write(_delete, account, schedule_id, by)

    async def trigger_schedule(
        self, account: str | None, schedule_id: str, make: Make, *, by: By | None = None
    ) -> Task | Workflow:
        return await self._writer.write(firing.trigger, account, schedule_id, make, by)

    async def backfill_schedule(
        self,
        account: str | None,
        schedule_id: str,
        first: datetime,
        end: datetime,
        make: Make,
        *,
        most: int,
        dry_run: bool = False,
        by: By | None = None,
    ) -> tuple[Backfilled, ...]:
        return await self._writer.write(
            firing.backfill, account, schedule_id, first, end, make, most=most, dry_run=dry_run, by=by
        )

    async def fires(
        self, schedule_id: str, *, outcome: FireOutcome | None = None, limit: int, cursor: str | None = None
    ) -> FirePage:
        return await self._readers.read_long(_fires, schedule_id, outcome, limit, cursor)

    async def declare_schedules(
        self,
        account: str,
        types: Sequence[str],
        declared: Sequence[Schedule],
        *,
        application: str | None = None,
        served: Collection[str] = (),
    ) -> Declared:
        return await self._writer.write(_declare, account, types, declared, application, served)

    async def upcoming(self, passed_over: Collection[str] = ()) -> Upcoming:
        return await self._readers.read(firing.upcoming, self._clock(), passed_over)

    async def fire_due(self, make: Make, limit: int, passed_over: Collection[str] = ()) -> Fired:
        return await self._writer.write(firing.fire_due, make, limit, passed_over)

    async def learn_starts(self, after: Place | None, limit: int) -> Starts:
        return await firing.learn_starts(self._readers, self._writer, after, limit)


# --- read ---------------------------------------------------------------------------------------------------------------


def _rows(snapshot: Snapshot, sql: Statement, *values: Any) -> list[Schedule]:
    return [schedule_of(row, from_us) for row in snapshot.document(list[list[Any]], sql, *values)]


def _named(snapshot: Snapshot, account: str, name: str) -> Schedule | None:
    found = snapshot.value(NAMED, account, name)
    return None if found is None else schedule_of(decoder(list[Any]).decode(found), from_us)


def _list(
    snapshot: Snapshot, account: str | None, where: ScheduleFilter, limit: int, cursor: str | None
) -> SchedulePage:
    before = None if cursor is None else read_cursor(cursor)
    is_paused = None if where.paused is None else int(where.paused)
    found = _rows(snapshot, SCHEDULES, account, before, where.name, where.type, is_paused, limit + 1)
    items = tuple(found[:limit])
    return SchedulePage(items, make_cursor(items[-1].id) if len(found) > limit else None)


def _fires(
    snapshot: Snapshot, schedule_id: str, outcome: FireOutcome | None, limit: int, cursor: str | None
) -> FirePage:
    before = None if cursor is None else to_us(read_fire_cursor(cursor))
    sql = FIRES if outcome in {None, FireOutcome.FIRED} else FIRES_OTHER
    found = snapshot.document(list[list[Any]], sql, schedule_id, before, outcome, limit + 1)
    items = tuple([record_of(row, from_us) for row in found[:limit]])
    return FirePage(items, fire_cursor(items[-1]) if len(found) > limit else None)


# --- written ------------------------------------------------------------------------------------------------------------


def _stored(values: Sequence[Any]) -> list[Any]:
    return [to_us(value) if isinstance(value, datetime) else value for value in values]


def _insert(tx: Transaction, new: Schedule) -> bool:
    return tx.run(CREATE, *_stored(all_of(new))) > 0


def _apply(tx: Transaction, change: Change | None, old: Schedule, by: By | None) -> Schedule:
    if change is None:
        return old
    holder = _named(tx, old.account_id, change.schedule.name)
    if holder is not None and holder.id != old.id:
        raise name_taken(change.schedule.name)
    firing.keep(tx, change.told)
    firing.settle(tx, change.settled)
    tx.run(UPDATE, *_stored(changed_of(change.schedule)))
    record(tx, by, change.acts)
    return change.schedule


def _create(tx: Transaction, new: Schedule, by: By | None) -> Schedule:
    made = begun(new, tx.at)
    if not _insert(tx, made):
        raise name_taken(new.name)
    record(tx, by, [of_new_schedule(made)])
    return made


def _update(tx: Transaction, account: str | None, wanted: Schedule, by: By | None) -> Schedule | None:
    old = firing.known(tx, account, wanted.id)
    if old.rev != wanted.rev:
        return None
    return _apply(tx, changed(old, wanted, tx.at), old, by)


def _pause(tx: Transaction, account: str | None, schedule_id: str, by: By | None) -> Schedule:
    old = firing.known(tx, account, schedule_id)
    return _apply(tx, paused(old, tx.at), old, by)


def _resume(tx: Transaction, account: str | None, schedule_id: str, by: By | None) -> Schedule:
    old = firing.known(tx, account, schedule_id)
    return _apply(tx, resumed(old, tx.at), old, by)


def _delete(tx: Transaction, account: str | None, schedule_id: str, by: By | None) -> None:
    old = firing.known(tx, account, schedule_id)
    tx.run(DELETE, schedule_id)
    record(tx, by, [of_schedule(Action.SCHEDULE_DELETE, old)])


def _declare(
    tx: Transaction,
    account: str,
    types: Sequence[str],
    declared: Sequence[Schedule],
    application: str | None,
    served: Collection[str],
) -> Declared:
    names = [new.name for new in declared]
    there = _rows(tx, DECLARED, account, to_json(types), application, to_json(names))
    said = Declaring(there, types, declared, tx.at, application=application, served=served)
    made = [new.name for new in said.made if _insert(tx, new)]
    for change in said.changes:
        _apply(tx, change, change.schedule, None)
    for old in said.removed:
        tx.run(DELETE, old.id)
    return said.answer(made)
