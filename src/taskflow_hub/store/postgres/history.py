"""Days of history whose retention is over.

A day of finished tasks is first taken out of its table, and from then on its tasks are gone; then what belongs to them
elsewhere (tags, calls, steps, results outside the store) is removed in steps; then it is dropped. So the one lock that concerns
everybody is held for a moment, and is not waited for: docs/adr/0033.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

import asyncpg
from msgspec import Struct

from taskflow_hub.domain.lifecycle import FINAL, State
from taskflow_hub.store.cursor import earliest_finish
from taskflow_hub.store.postgres.part import DELETE_BESIDE
from taskflow_hub.store.postgres.partitions import FAILED, FINISHED, Day, days_there
from taskflow_hub.store.postgres.statements import statement
from taskflow_hub.store.postgres.transaction import Snapshot, Transaction
from taskflow_hub.store.values import News

NOW: Final = statement("only/now")
DAYS_TRY_LOCK: Final = statement("only/days_try_lock")
DAY_IN_USE: Final = statement("only/day_in_use")
IN_THE_WAY: Final = statement("only/in_the_way")
LEAVE: Final = statement("only/leave")
LEAVING: Final = statement("only/leaving")
LEAVING_ON: Final = statement("only/leaving_on")
LEFT: Final = statement("only/left")
FORGET_FAILURES: Final = statement("only/forget_failures")
DELETE_ATTEMPTS: Final = statement("delete_attempts")
DELETE_LOGS: Final = statement("delete_logs")

LOCK_TIMEOUT_MS: Final = 50  # two locks are taken, so others wait for at most twice as long
STEP: Final = 5_000  # tasks cleared by one transaction
A_DAY: Final = timedelta(days=1)


class Busy(Exception):
    """Somebody uses this part of the history. Another time will do."""


class Cleared(Struct, frozen=True):
    """How many tasks were gone through, and which of them have a result outside the store."""

    tasks: int
    with_result_ref: tuple[str, ...]


# --- what is over ----------------------------------------------------------------------------------------------------


def keeps_all(retention_s: Mapping[State, float]) -> bool:
    """Is there an outcome that is kept for ever? Then the days of attempts and logs never go whole."""
    return not retention_s.keys() >= FINAL


async def days_over(snapshot: Snapshot, retention_s: Mapping[State, float]) -> list[Day]:
    """The days that are over, oldest first; of attempts and logs last: as long as a task is there, its attempts are."""
    kept_s = {f"finished_{state}": seconds for state, seconds in retention_s.items()}
    if not keeps_all(retention_s):
        kept_s["attempts"] = kept_s["log_lines"] = max(retention_s.values())
    there = await days_there(snapshot, kept_s)
    now: datetime = await snapshot.value(NOW, snapshot.now)
    over = [day for day in there if (now - day.end).total_seconds() >= kept_s[day.parent]]
    return sorted(over, key=lambda day: (day.parent not in FINISHED, day.day, day.parent))


# --- taking away -----------------------------------------------------------------------------------------------------


async def take_away(tx: Transaction, day: Day) -> None:
    """From here on its rows are gone; but a day with tasks of workflows that have not ended stays as it is. Raises Busy."""
    if not await tx.value(DAYS_TRY_LOCK):
        raise Busy
    if day not in await days_there(tx, [day.parent]):
        return  # another process has done it
    if day.parent in FINISHED and await _in_use(tx, day):
        return
    if await tx.value(IN_THE_WAY, [day.parent, day.name]):
        raise Busy
    if day.parent in FINISHED:
        await _at_once(tx, f"ALTER TABLE {day.parent} DETACH PARTITION {day.name}")
        if await _in_use(tx, day):
            raise Busy  # a workflow was redriven just before nobody could get at this day any more
        await tx.run(LEAVE, day.name)
        if day.parent == FAILED:
            await tx.run(FORGET_FAILURES, day.end - A_DAY, day.end)
    else:
        await _at_once(tx, f"DROP TABLE {day.name}")
    tx.note(News.TASKS)


async def _in_use(tx: Transaction, day: Day) -> bool:
    found: bool = await tx.value(DAY_IN_USE.replace("/* day */", day.name))
    return found


async def clear(tx: Transaction, *, thoroughly: bool) -> Cleared | None:
    """One step with a day that was taken away; None: there is none. `thoroughly`: its tasks' attempts and logs go, too.

    Raises Busy.
    """
    found = await tx.row(LEAVING)
    if found is None:
        return None
    name = found["name"]
    several = f"FROM {name} AS task WHERE task.id > $1::uuid"
    rows = await tx.fetch(
        f"SELECT task.id::text AS id {several} ORDER BY task.id LIMIT {STEP}", found["cleared_to"]
    )
    ids = [row["id"] for row in rows]
    outside: list[asyncpg.Record] = []
    if ids:
        with_ref = (
            f"SELECT task.id::text AS id {several} AND task.id <= $2::uuid AND task.result_ref IS NOT NULL"
        )
        outside = await tx.fetch(with_ref, found["cleared_to"], ids[-1])
        for sql in DELETE_BESIDE:
            await tx.run(sql, ids)
        if thoroughly:
            since = earliest_finish(ids)
            await tx.run(DELETE_ATTEMPTS, ids, since)
            await tx.run(DELETE_LOGS, ids, since - A_DAY)
    if len(ids) < STEP:
        await _at_once(tx, f"DROP TABLE {name}")
        await tx.run(LEFT, name)
    else:
        await tx.run(LEAVING_ON, name, ids[-1])
    return Cleared(len(ids), tuple(row["id"] for row in outside))


async def _at_once(tx: Transaction, change: str) -> None:
    """Change a table if nobody has to be waited for, or only a moment."""
    try:
        await tx.connection.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_MS}ms'; {change}")
    except asyncpg.LockNotAvailableError as error:
        raise Busy from error
