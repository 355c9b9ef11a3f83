"""The days of history, made before they are needed: finished_tasks (by outcome), attempts and log_lines have a partition a day.

A day is made as a table and then attached. `CREATE TABLE … PARTITION OF` would lock the parent against everybody; attaching
disturbs nobody (docs/adr/0033).
"""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

import asyncpg
from msgspec import Struct

from taskflow_hub.store.postgres.statements import statement
from taskflow_hub.store.postgres.transaction import Snapshot, Transaction

NOW: Final = statement("only/now")
DAYS: Final = statement("only/days")
DAYS_LOCK: Final = statement("only/days_lock")

AHEAD_DAYS: Final = 3  # for so long nobody need be there to make more
FAILED: Final = "finished_failed"
FINISHED: Final = ("finished_success", FAILED, "finished_cancelled", "finished_skipped")
DAILY: Final = (*FINISHED, "attempts", "log_lines")

_NAME: Final = re.compile(r"([a-z_]+)_(\d{4})(\d\d)(\d\d)")


class Day(Struct, frozen=True):
    """One partition."""

    day: date
    parent: str

    @property
    def name(self) -> str:
        return f"{self.parent}_{self.day:%Y%m%d}"

    @property
    def end(self) -> datetime:
        return datetime.combine(self.day + timedelta(days=1), time(), UTC)

    @property
    def bounds(self) -> str:
        return f"FOR VALUES FROM ('{self.day:%Y-%m-%d} 00:00:00+00') TO ('{self.end:%Y-%m-%d} 00:00:00+00')"

    def making(self) -> str:
        return (
            f"CREATE TABLE {self.name} (LIKE {self.parent} INCLUDING DEFAULTS INCLUDING STORAGE);"
            f"ALTER TABLE {self.parent} ATTACH PARTITION {self.name} {self.bounds}"
        )


def day_of(name: str) -> Day | None:
    """None: not a name of ours."""
    found = _NAME.fullmatch(name)
    return None if found is None else Day(date(*map(int, found.groups()[1:])), found[1])


def days_around(now: datetime) -> Iterator[Day]:
    """From yesterday, which late reports and other clocks may still need, to a few days ahead."""
    today = now.astimezone(UTC).date()
    for n in range(-1, AHEAD_DAYS + 1):
        for parent in DAILY:
            yield Day(today + timedelta(days=n), parent)


def day_sql(parent: str, day: date) -> str:
    """Make one day's partition at once, for a database that nobody else uses yet. Twice is harmless."""
    made = Day(day, parent)
    return f"CREATE TABLE IF NOT EXISTS {made.name} PARTITION OF {parent} {made.bounds}"


async def days_there(snapshot: Snapshot, parents: Iterable[str] = DAILY) -> set[Day]:
    rows = await snapshot.fetch(DAYS, list(parents))
    return {day for row in rows if (day := day_of(row["name"])) is not None and day.parent == row["parent"]}


async def missing_days(snapshot: Snapshot) -> list[Day]:
    """Of those that should be there."""
    there = await days_there(snapshot)
    now = await snapshot.value(NOW, snapshot.now)
    return [day for day in days_around(now) if day not in there]


async def add_days(tx: Transaction) -> None:
    """Make those that are missing. Several processes may do so at once."""
    await tx.value(DAYS_LOCK)
    for day in await missing_days(tx):  # after the lock: another process may have been faster
        await tx.connection.execute(day.making())


async def make_days(connection: asyncpg.Connection, now: datetime | None) -> None:
    """Make the days around `now` (None: the database's clock), in a transaction if there is anything to do."""
    if await missing_days(Snapshot(connection, now)):
        async with connection.transaction():
            await add_days(Transaction(connection, now))
