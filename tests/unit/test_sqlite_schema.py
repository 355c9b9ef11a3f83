"""Whose file it is, which schema it has, and how it gets ours."""

import asyncio
import multiprocessing
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.next_version import NEXT, with_next_version

from taskflow_hub.domain.errors import Invalid, Misconfigured, SchemaMismatch, StoreUnavailable
from taskflow_hub.store.sqlite import SqliteStore, check, migrate, schema
from taskflow_hub.store.sqlite.schema import VERSIONS, upgrade_sql
from taskflow_hub.store.versions import SchemaState


@pytest.fixture
def url(database_path: Path) -> str:
    return f"sqlite:///{database_path}"


def execute(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    for sql in statements:
        connection.execute(sql)
    connection.close()


def tables(path: Path) -> set[tuple[str, str]]:
    connection = sqlite3.connect(path)
    rows = set(connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"))
    connection.close()
    return rows


def test_from_nothing_to_current(url: str, database_path: Path) -> None:
    assert check(url) is SchemaState.EMPTY
    assert not database_path.exists(), "a check makes nothing"
    migrate(url)
    assert check(url) is SchemaState.CURRENT
    before = tables(database_path)
    migrate(url)
    assert tables(database_path) == before
    assert [path.name for path in database_path.parent.iterdir()] == [database_path.name]


def test_an_empty_file_is_nobodys(url: str, database_path: Path) -> None:
    database_path.touch()
    assert check(url) is SchemaState.EMPTY
    migrate(url)
    assert check(url) is SchemaState.CURRENT


def test_what_is_printed_makes_the_same(url: str, database_path: Path, tmp_path: Path) -> None:
    """And that is what Alembic makes."""
    migrate(url)
    other = tmp_path / "other.db"
    connection = sqlite3.connect(other, isolation_level=None)
    connection.executescript(upgrade_sql(None))
    assert not connection.in_transaction
    connection.close()
    assert tables(other) == tables(database_path)
    assert check(f"sqlite:///{other}") is SchemaState.CURRENT


def test_what_is_printed_starts_where_it_is_told_to() -> None:
    assert upgrade_sql(VERSIONS.current) == ""
    with pytest.raises(Invalid, match="There is no schema version '7'; there are 0001"):
        upgrade_sql("7")


async def test_a_newer_schema_is_refused(url: str, database_path: Path) -> None:
    migrate(url)
    execute(database_path, "UPDATE alembic_version SET version_num = '9999'")
    assert check(url) is SchemaState.NEWER
    for change in (True, False):
        with pytest.raises(SchemaMismatch, match=r"schema 9999, which is newer .* update TaskFlow Hub"):
            await SqliteStore.open(url, migrate=change)


ADDITION = """
-- What tomorrow brings: a column, and 100 % of its rows have ':x' in it.
ALTER TABLE tasks ADD COLUMN added TEXT NOT NULL DEFAULT '100 %, 00:00:00+00 :x';
CREATE TRIGGER added AFTER INSERT ON tasks BEGIN UPDATE tasks SET added = added; SELECT 1; END;
"""


async def test_an_older_schema_is_brought_up(
    url: str, database_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate(url)
    monkeypatch.setattr(schema, "VERSIONS", with_next_version("sqlite", ADDITION, tmp_path))
    assert check(url) is SchemaState.OLDER
    with pytest.raises(SchemaMismatch, match="taskflow db migrate"):
        await SqliteStore.open(url, migrate=False)
    assert check(url) is SchemaState.OLDER
    await asyncio.to_thread(migrate, url)
    assert check(url) is SchemaState.CURRENT
    made = dict(tables(database_path))
    assert "100 %, 00:00:00+00 :x" in made["tasks"]
    assert "SELECT 1; END" in made["added"]

    fresh = tmp_path / "fresh.db"
    migrate(f"sqlite:///{fresh}")
    assert tables(fresh) == tables(database_path), "from nothing or from an older version, it is the same"


async def test_a_migration_that_fails_leaves_the_file_as_it_was(
    url: str, database_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate(url)
    before = tables(database_path)
    broken = "CREATE TABLE more (x INTEGER);\nALTER TABLE nowhere ADD COLUMN x;"
    monkeypatch.setattr(schema, "VERSIONS", with_next_version("sqlite", broken, tmp_path))
    with pytest.raises(StoreUnavailable, match="nowhere"):
        migrate(url)
    assert tables(database_path) == before
    assert check(url) is SchemaState.OLDER


async def test_without_migrate_an_empty_file_is_refused(url: str, database_path: Path) -> None:
    with pytest.raises(SchemaMismatch, match="schema none"):
        await SqliteStore.open(url, migrate=False)
    assert tables(database_path) == set()


async def test_a_file_that_is_no_database(url: str, database_path: Path) -> None:
    text = b"Dear diary, today I was not a database. " * 100
    database_path.write_bytes(text)
    for call in (check, migrate):
        with pytest.raises(Misconfigured, match="is not an SQLite database"):
            call(url)
    with pytest.raises(Misconfigured, match="is not an SQLite database"):
        await SqliteStore.open(url)
    assert database_path.read_bytes() == text, "it is left as it was"


@pytest.mark.parametrize("marks", [(), ("PRAGMA application_id = 7",)])
async def test_a_database_of_somebody_else(url: str, database_path: Path, marks: tuple[str, ...]) -> None:
    execute(database_path, "CREATE TABLE tasks (id INTEGER)", *marks)
    before = database_path.read_bytes()
    for call in (check, migrate):
        with pytest.raises(Misconfigured, match="not one of TaskFlow Hub"):
            call(url)
    with pytest.raises(Misconfigured, match="not one of TaskFlow Hub"):
        await SqliteStore.open(url)
    assert database_path.read_bytes() == before, "it is left as it was, journal mode and all"


async def test_a_damaged_file(url: str, database_path: Path) -> None:
    migrate(url)
    whole = database_path.read_bytes()
    database_path.write_bytes(whole[:4096] + os.urandom(len(whole) - 4096))
    with pytest.raises(StoreUnavailable, match="damaged"):
        await SqliteStore.open(url)


async def test_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match=r"there is no folder .*nowhere"):
        await SqliteStore.open(f"sqlite:///{tmp_path}/nowhere/hub.db")
    with pytest.raises(StoreUnavailable, match="it is a folder"):
        await SqliteStore.open(f"sqlite:///{tmp_path}")


async def test_a_hub_that_runs_goes_on_under_a_newer_schema(url: str, database_path: Path) -> None:
    """Migrations only add (docs/adr/0040). One that was taken away or put back is noticed."""
    store = await SqliteStore.open(url)
    await store.ping()
    execute(database_path, f"UPDATE alembic_version SET version_num = '{NEXT}'")
    await store.ping()
    execute(database_path, "DELETE FROM alembic_version")
    with pytest.raises(SchemaMismatch, match="schema none"):
        await store.ping()
    execute(database_path, f"INSERT INTO alembic_version VALUES ('{VERSIONS.current}')")
    await store.ping()
    await store.close()


def test_many_processes_start_at_once_on_one_new_file(url: str, database_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    for round_ in range(3):
        path = database_path.with_name(f"{round_}.db")
        processes = [context.Process(target=migrate, args=(f"sqlite:///{path}",)) for _ in range(4)]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
        assert [process.exitcode for process in processes] == [0, 0, 0, 0]
        assert check(f"sqlite:///{path}") is SchemaState.CURRENT


def test_a_start_imports_neither_alembic_nor_sqlalchemy(url: str) -> None:
    """An idle hub shall stay small, on its first start too. Nor the driver of a database that it does not use."""
    code = f"""
import asyncio, sys
from taskflow_hub import bootstrap, settings
async def main():
    for _ in range(2):
        store = await bootstrap.open_store(settings.load({{"database.url": {url!r}}}, environ={{}}).settings)
        await store.ping()
        await store.close()
asyncio.run(main())
print([name for name in ("alembic", "sqlalchemy", "mako", "asyncpg") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
