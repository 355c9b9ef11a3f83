"""Databases as the first release left them, with data in every state: tests/integration/first_release/.

`python -m tests.support.first_release` made them, when schema 0001 was all there was. They are kept as they are: what later
versions migrate, and must still be able to read. For each store a script that makes the database, and what could be seen in it.
"""

import asyncio
import sqlite3
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

import asyncpg
import msgspec
from tests.support.every_state import Seen, everything, live_through_everything
from tests.support.postgres import FAST, postgres

from taskflow_hub.store.base import Store
from taskflow_hub.store.postgres import PostgresStore
from taskflow_hub.store.postgres import schema as postgres_schema
from taskflow_hub.store.postgres.partitions import DAILY
from taskflow_hub.store.sqlite import SqliteStore
from taskflow_hub.store.sqlite.connection import APPLICATION_ID
from taskflow_hub.store.transfer import TABLES
from taskflow_hub.testing.store_contract.kit import Kit, ManualClock

FOLDER: Final = Path(__file__).parents[1] / "integration" / "first_release"
VERSION: Final = "0001"


class Expected(msgspec.Struct):
    """What could be seen: of each task, [task, attempts, logs]; and what the test is told of them."""

    seen: Seen
    tasks: dict[str, tuple[dict[str, Any], list[dict[str, Any]], list[dict[str, Any]]]]


def expected(store: str) -> Expected:
    return msgspec.json.decode((FOLDER / f"{store}.json").read_bytes(), type=Expected)


def script(store: str) -> str:
    return (FOLDER / f"{store}.sql").read_text(encoding="utf-8")


def restore_sqlite(path: Path) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript(script("sqlite"))
    connection.close()


async def restore_postgres(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(script("postgres"))
    finally:
        await connection.close()


def plain(value: Any) -> Any:
    """As it is in the JSON file."""
    return msgspec.json.decode(msgspec.json.encode(value))


# --- making them -------------------------------------------------------------------------------------------------------


async def _live(store: Store, clock: ManualClock, name: str) -> None:
    async def only_one(_: object) -> Store:
        return store

    seen = await live_through_everything(Kit(store, clock, only_one))
    found = await everything(store, [*seen.ids.values(), *seen.line])
    text = msgspec.json.format(msgspec.json.encode({"seen": seen, "tasks": plain_tasks(found)}), indent=1)
    (FOLDER / f"{name}.json").write_bytes(text + b"\n")


def plain_tasks(found: dict[str, tuple[Any, ...]]) -> dict[str, Any]:
    """Payloads and results as text."""
    return {
        id: [
            {name: value.decode() if isinstance(value, bytes) else value for name, value in task.items()},
            attempts,
            logs,
        ]
        for id, (task, attempts, logs) in found.items()
    }


async def _make_sqlite() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path, clock = Path(folder) / "hub.db", ManualClock()
        store = await SqliteStore.open(f"sqlite:///{path}", clock=clock)
        await _live(store, clock, "sqlite")
        await store.close()
        connection = sqlite3.connect(path)
        lines = [f"PRAGMA application_id = {APPLICATION_ID};", *connection.iterdump()]
        connection.close()
    (FOLDER / "sqlite.sql").write_text("\n".join(lines) + "\n", encoding="utf-8")


async def _make_postgres(url: str) -> None:
    clock = ManualClock()
    store = await PostgresStore.open(url, clock=clock, survey_s=0.0)
    connection = await asyncpg.connect(url)
    try:
        await _add_old_days(connection)
        await _live(store, clock, "postgres")
        lines = [postgres_schema.upgrade_sql(None)]
        lines += [await _partition(connection, name) for name in await _days_with_rows(connection)]
        for table in TABLES:
            lines += [row["sql"] for row in await connection.fetch(_ROWS.format(table=table.name))]
        for name in ("task_seq", "task_lease_no"):
            last = await connection.fetchval(f"SELECT last_value FROM {name}")
            lines.append(f"SELECT setval('{name}', {last});")
    finally:
        await connection.close()
        await store.close()
    (FOLDER / "postgres.sql").write_text("\n".join(lines) + "\n", encoding="utf-8")


_ROWS: Final = (
    "SELECT format('INSERT INTO {table} SELECT * FROM json_populate_record(NULL::{table}, %L);', row_to_json({table})) AS sql "
    "FROM {table}"
)


async def _add_old_days(connection: asyncpg.Connection) -> None:
    """Forty days ago somebody was there to make that day."""
    from datetime import timedelta

    from taskflow_hub.store.postgres.partitions import day_sql
    from taskflow_hub.testing.store_contract.kit import START

    for parent in DAILY:
        await connection.execute(day_sql(parent, (START - timedelta(days=40)).date()))


async def _days_with_rows(connection: asyncpg.Connection) -> list[str]:
    rows = await connection.fetch(
        "SELECT inhrelid::regclass::text AS name FROM pg_inherits "
        "WHERE inhparent = ANY (SELECT to_regclass(name) FROM unnest($1::text[]) AS name) "
        "AND inhrelid IN (SELECT oid FROM pg_class WHERE relkind = 'r') ORDER BY 1",
        list(DAILY),
    )
    used = {name[-8:] for (name,) in rows if await connection.fetchval(f"SELECT EXISTS (SELECT FROM {name})")}
    return [name for (name,) in rows if name[-8:] in used]


async def _partition(connection: asyncpg.Connection, name: str) -> str:
    row = await connection.fetchrow(
        "SELECT inhparent::regclass::text AS parent, pg_get_expr(relpartbound, pg_class.oid) AS bound "
        "FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid WHERE inhrelid = to_regclass($1)",
        name,
    )
    assert row is not None
    return f"CREATE TABLE {name} PARTITION OF {row['parent']} {row['bound']};"


def main() -> None:
    if [postgres_schema.VERSIONS.current] != [VERSION]:
        sys.exit("The first release is history: its databases are kept, not made anew.")
    FOLDER.mkdir(exist_ok=True)
    asyncio.run(_make_sqlite())
    with postgres(16, **FAST) as server:
        asyncio.run(_make_postgres(server.url()))


if __name__ == "__main__":
    main()
