"""A hub that moves here: its whole data is written, read back and compared, in one transaction (store/transfer.py)."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import asyncpg

from taskflow_hub.domain.errors import Conflict, StoreUnavailable, TaskflowError
from taskflow_hub.store.cursor import earliest_finish
from taskflow_hub.store.postgres import schema
from taskflow_hub.store.postgres.door import refusal
from taskflow_hub.store.postgres.faults import Fault, fault_of
from taskflow_hub.store.postgres.partitions import DAILY, day_sql
from taskflow_hub.store.postgres.url import Target, parse_url
from taskflow_hub.store.transfer import TABLES, Copied, Digest, Kind, Row, Source, Step, Table, Watch

CHUNK: Final = 2_000  # rows that are written, or read back, at a time;
CHUNK_CHARACTERS: Final = 8_000_000  # fewer where they are long
LOCK_WAIT_S: Final = 10
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_DAY: Final = timedelta(days=1)


def receive(url: str, source: Source, watch: Watch) -> list[Copied]:
    """Make the tables if they are not there, and fill them; all or nothing.

    Raises Conflict when the database holds anything already, or when what was read back is not what was written;
    Misconfigured, SchemaMismatch, StoreUnavailable.
    """
    return asyncio.run(_receive(parse_url(url), source, watch))


async def _receive(target: Target, source: Source, watch: Watch) -> list[Copied]:
    await schema.bring_up(target)
    connection = await schema.connect(target)
    try:
        async with connection.transaction(isolation="read_committed"):
            await _shut(connection, target)
            await _fill(connection, source, watch)
            copied = await _compare(connection, source, watch)
        await connection.execute("ANALYZE " + ", ".join(table.name for table in TABLES))
        return copied
    except TaskflowError:
        raise
    except asyncpg.OutOfMemoryError as error:
        raise StoreUnavailable(
            f"database {target.shown}: {str(error).splitlines()[0]}; each day of history takes locks while it is copied: "
            "raise max_locks_per_transaction on the server, or let the old hub prune first (retention.*)"
        ) from error
    except Exception as error:
        if fault_of(error) is Fault.OURS:
            raise
        raise await refusal(error, target) from error
    finally:
        await schema.leave(connection)


async def _shut(connection: asyncpg.Connection, target: Target) -> None:
    """Nobody else writes until we are done, and nobody has yet."""
    names = [table.name for table in TABLES]
    await connection.execute(f"SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '{LOCK_WAIT_S}s'")
    try:
        await connection.execute(f"LOCK TABLE {', '.join(names)} IN SHARE ROW EXCLUSIVE MODE")
    except asyncpg.LockNotAvailableError:
        raise Conflict(f"Database {target.shown} is in use: stop every hub on it first.") from None
    held = [
        name
        for name in names
        if await connection.fetchval(f"SELECT EXISTS (SELECT FROM {name})")  # noqa: S608 (names of ours, here and below)
    ]
    if held:
        raise Conflict(
            f"Database {target.shown} is not empty: there is something in {', '.join(held)}. "
            "A hub can only move into a database that no hub has used yet; nothing was changed."
        )


async def _fill(connection: asyncpg.Connection, source: Source, watch: Watch) -> None:
    now: datetime = await connection.fetchval("SELECT now()")
    counts = source.counts()
    days: set[str] = set()
    for table in TABLES:
        done = 0
        for chunk in _chunks(_rows(table, source, now)):
            for making in _partitions(table, chunk) - days:
                await connection.execute(making)
                days.add(making)
            await connection.copy_records_to_table(table.name, records=chunk, columns=_written(table))
            done += len(chunk)
            watch(Step("copy", table.name, done, counts[table.name]))
    leases = await connection.fetchval("SELECT coalesce(max(lease_no), 0) FROM tasks")
    for name, last in (("task_seq", source.last_seq()), ("task_lease_no", leases)):
        await connection.execute(f"SELECT setval('{name}', {max(last, 1)}, {str(last > 0).lower()})")


async def _compare(connection: asyncpg.Connection, source: Source, watch: Watch) -> list[Copied]:
    """Both sides are read once more, each by its own way."""
    counts = source.counts()
    copied = []
    for table in TABLES:
        there, here = Digest(), Digest()
        for row in source.rows(table):
            there.add(row)
        async for row in _read(connection, table):
            here.add(row)
            if here.rows % CHUNK == 0:
                watch(Step("compare", table.name, here.rows, counts[table.name]))
        if not (here.rows == there.rows == counts[table.name] and here.text == there.text):
            raise Conflict(
                f"{table.name}: {counts[table.name]} rows were to be copied, {here.rows} came, and "
                f"{'some are not the same' if here.rows == there.rows else 'some are missing'}. Nothing was changed."
            )
        watch(Step("compare", table.name, here.rows, counts[table.name]))
        copied.append(Copied(table.name, here.rows, here.text))
    return copied


async def _read(connection: asyncpg.Connection, table: Table) -> AsyncIterator[Row]:
    columns = ", ".join(f'"{column}"' for column in table.columns)
    special = [(index, _READ[kind]) for index, kind in enumerate(table.columns.values()) if kind in _READ]
    everything = f"SELECT {columns} FROM {table.name}"  # noqa: S608
    at_a_time = CHUNK // 20 if "payload" in table.columns else CHUNK
    async for record in connection.cursor(everything, prefetch=at_a_time):
        row = list(record)
        for index, reader in special:
            if row[index] is not None:
                row[index] = reader(row[index])
        yield row


# --- what is written ---------------------------------------------------------------------------------------------------

# Columns that only we have.
_OWN: Final = {
    "tasks": "lease_no",
    "log_lines": "kept_at",
    "calls": "called_at",
    "rollups": "shard",
    "failures": "shard",
}
# Tables that have a partition for each day, and what says which.
_DAILY_BY: Final = {"finished_tasks": "finished_at", "attempts": "ended_at", "log_lines": "kept_at"}


def _written(table: Table) -> list[str]:
    return [*table.columns, _OWN[table.name]] if table.name in _OWN else list(table.columns)


def _rows(table: Table, source: Source, now: datetime) -> Iterator[Row]:
    place = {column: index for index, column in enumerate(table.columns)}
    times = [index for index, kind in enumerate(table.columns.values()) if kind is Kind.TIME]
    lease_no = 0
    for row in source.rows(table):
        for index in times:
            if row[index] is not None:
                row[index] = _EPOCH + timedelta(microseconds=row[index])
        match table.name:
            case "tasks":
                running = row[place["status"]] == "running"
                lease_no += running
                row.append(lease_no if running else None)
            case "log_lines":
                row.append(_kept_at(row[place["at"]], row[place["task_id"]], now))
            case "calls":
                row.append(now)
            case "rollups" | "failures":
                row.append(0)
        yield row


def _chunks(rows: Iterator[Row]) -> Iterator[list[Row]]:
    chunk: list[Row] = []
    characters = 0
    for row in rows:
        chunk.append(row)
        characters += sum(len(value) for value in row if isinstance(value, str))
        if len(chunk) == CHUNK or characters >= CHUNK_CHARACTERS:
            yield chunk
            chunk, characters = [], 0
    if chunk:
        yield chunk


def _kept_at(at: datetime, task_id: str, now: datetime) -> datetime:
    """Its own time, unless that is off by more than a day (log.sql). When it came is not known, but it was after its task."""
    return min(max(at, earliest_finish([task_id])), now + _DAY)


def _partitions(table: Table, rows: Sequence[Row]) -> set[str]:
    """What makes the days that these rows need, all of each day: a redrive writes an attempt on the day its task finished."""
    if table.name not in _DAILY_BY:
        return set()
    at = _written(table).index(_DAILY_BY[table.name])
    days = {row[at].astimezone(UTC).date() for row in rows}
    return {day_sql(parent, day) for day in days for parent in DAILY}


_READ: Final[dict[Kind, Callable[[Any], Any]]] = {
    Kind.ID: str,
    Kind.TIME: lambda at: (at - _EPOCH) // _MICROSECOND,
}
