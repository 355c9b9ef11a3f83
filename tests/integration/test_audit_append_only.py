"""What is in the audit stays there as it is: the database itself refuses whoever would change it."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing

import asyncpg
import pytest
from tests.support.stores import open_store

from taskflow_hub.domain.audit import AuditEntry, by_operator
from taskflow_hub.store.values import AuditFilter

STATEMENTS = (
    "UPDATE audit SET actor_name = 'nobody'",
    "UPDATE audit SET actor_name = actor_name WHERE entity_id = 'q'",
    "DELETE FROM audit",
    "DELETE FROM audit WHERE entity_id = 'q'",
)
OF_SQLITE = (
    "REPLACE INTO audit SELECT * FROM audit",
    "INSERT INTO audit SELECT * FROM audit WHERE true ON CONFLICT DO UPDATE SET actor_name = 'nobody'",
)
OF_POSTGRES = (
    "TRUNCATE audit",
    "INSERT INTO audit SELECT * FROM audit ON CONFLICT (id) DO UPDATE SET actor_name = 'nobody'",
    "MERGE INTO audit USING (SELECT 1) AS one ON true WHEN MATCHED THEN DELETE",
)
REFUSED = "the audit is append-only"


async def entries(url: str) -> tuple[AuditEntry, ...]:
    store = await open_store(url)
    try:
        return (await store.audit(AuditFilter(), limit=10)).items
    finally:
        await store.close()


async def _do_something(url: str) -> None:
    store = await open_store(url)
    await store.pause("q", by=by_operator("root"))
    await store.close()


def on_sqlite(url: str) -> Callable[[str], None]:
    def execute(sql: str) -> None:
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection, connection:
            connection.execute(sql)

    return execute


def on_postgres(url: str) -> Callable[[str], None]:
    async def execute(sql: str) -> None:
        connection = await asyncpg.connect(url)
        try:
            await connection.execute(sql)
        finally:
            await connection.close()

    return lambda sql: asyncio.run(execute(sql))


def test_nothing_is_changed_and_nothing_is_removed(database_url: str) -> None:
    asyncio.run(_do_something(database_url))
    before = asyncio.run(entries(database_url))
    assert [entry.actor_name for entry in before] == ["root"]
    is_file = database_url.startswith("sqlite")
    execute = (on_sqlite if is_file else on_postgres)(database_url)
    for sql in (*STATEMENTS, *(OF_SQLITE if is_file else OF_POSTGRES)):
        with pytest.raises((sqlite3.IntegrityError, asyncpg.RaiseError), match=REFUSED):
            execute(sql)
    assert asyncio.run(entries(database_url)) == before
