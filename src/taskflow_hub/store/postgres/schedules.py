"""Schedules, as people see and change them. How they fire: firing.py."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

import asyncpg

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
from taskflow_hub.store.postgres import firing
from taskflow_hub.store.postgres.audit import record
from taskflow_hub.store.postgres.firing import as_it_is
from taskflow_hub.store.postgres.part import Part
from taskflow_hub.store.postgres.statements import statement
from taskflow_hub.store.postgres.transaction import Snapshot, Transaction
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
from taskflow_hub.store.values import News

NOW: Final = statement("only/now")
CREATE: Final = statement("create_schedule")
SCHEDULE: Final = statement("schedule")
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
        return await self._readers.read(_one, SCHEDULE, schedule_id, account)

    async def schedule_named(self, account: str, name: str) -> Schedule | None:
        return await self._readers.read(_one, NAMED, account, name)

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
        await self._writer.write(_delete, account, schedule_id, by)

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
        return await self._readers.read(firing.upcoming, passed_over)

    async def fire_due(self, make: Make, limit: int, passed_over: Collection[str] = ()) -> Fired:
        return await self._writer.write(firing.fire_due, make, limit, passed_over)

    async def learn_starts(self, after: Place | None, limit: int) -> Starts:
        return await firing.learn_starts(self._readers, self._writer, after, limit)


# --- read ---------------------------------------------------------------------------------------------------------------


async def _one(snapshot: Snapshot, sql: str, *values: Any) -> Schedule | None:
    found = await snapshot.row(sql, *values)
    return None if found is None else schedule_of(tuple(found), as_it_is)


async def _list(
    snapshot: Snapshot, account: str | None, where: ScheduleFilter, limit: int, cursor: str | None
) -> SchedulePage:
    before = None if cursor is None else read_cursor(cursor)
    found = await snapshot.fetch(SCHEDULES, account, before, where.name, where.type, where.paused, limit + 1)
    items = tuple([schedule_of(tuple(row), as_it_is) for row in found[:limit]])
    return SchedulePage(items, make_cursor(items[-1].id) if len(found) > limit else None)


async def _fires(
    snapshot: Snapshot, schedule_id: str, outcome: FireOutcome | None, limit: int, cursor: str | None
) -> FirePage:
    before = None if cursor is None else read_fire_cursor(cursor)
    sql = FIRES if outcome in {None, FireOutcome.FIRED} else FIRES_OTHER
    found = await snapshot.fetch(sql, schedule_id, before, outcome, limit + 1)
    items = tuple([record_of(tuple(row), as_it_is) for row in found[:limit]])
    return FirePage(items, fire_cursor(items[-1]) if len(found) > limit else None)


# --- written ------------------------------------------------------------------------------------------------------------


async def _insert(tx: Transaction, new: Schedule) -> bool:
    return await tx.run(CREATE, *all_of(new)) > 0


async def _apply(
    tx: Transaction, change: Change | None, old: Schedule, now: datetime, by: By | None
) -> Schedule:
    if change is None:
        return old
    tx.note(News.OTHER)
    try:
        await tx.run(UPDATE, *changed_of(change.schedule))
    except asyncpg.UniqueViolationError:
        raise name_taken(change.schedule.name) from None
    await firing.keep(tx, change.told, now)
    await firing.settle(tx, change.settled, now)
    await record(tx, by, change.acts)
    return change.schedule


async def _create(tx: Transaction, new: Schedule, by: By | None) -> Schedule:
    tx.note(News.OTHER)
    made = begun(new, await tx.value(NOW, tx.now))
    if not await _insert(tx, made):
        raise name_taken(new.name)
    await record(tx, by, [of_new_schedule(made)])
    return made


async def _update(tx: Transaction, account: str | None, wanted: Schedule, by: By | None) -> Schedule | None:
    old, now = await firing.known(tx, account, wanted.id)
    if old.rev != wanted.rev:
        return None
    return await _apply(tx, changed(old, wanted, now), old, now, by)


async def _pause(tx: Transaction, account: str | None, schedule_id: str, by: By | None) -> Schedule:
    old, now = await firing.known(tx, account, schedule_id)
    return await _apply(tx, paused(old, now), old, now, by)


async def _resume(tx: Transaction, account: str | None, schedule_id: str, by: By | None) -> Schedule:
    old, now = await firing.known(tx, account, schedule_id)
    return await _apply(tx, resumed(old, now), old, now, by)


async def _delete(tx: Transaction, account: str | None, schedule_id: str, by: By | None) -> None:
    old, _ = await firing.known(tx, account, schedule_id)
    tx.note(News.OTHER)
    await tx.run(DELETE, schedule_id)
    await record(tx, by, [of_schedule(Action.SCHEDULE_DELETE, old)])


async def _declare(
    tx: Transaction,
    account: str,
    types: Sequence[str],
    declared: Sequence[Schedule],
    application: str | None,
    served: Collection[str],
) -> Declared:
    names = [new.name for new in declared]
    there = [
        schedule_of(tuple(row), as_it_is)
        for row in await tx.fetch(DECLARED, account, list(types), application, names)
    ]
    now = await tx.value(NOW, tx.now)
    said = Declaring(there, types, declared, now, application=application, served=served)
    made = [new.name for new in said.made if await _insert(tx, new)]
    for change in said.changes:
        await _apply(tx, change, change.schedule, now, None)
    for old in said.removed:
        await tx.run(DELETE, old.id)
    if made or said.removed:
        tx.note(News.OTHER)
    return said.answer(made)
