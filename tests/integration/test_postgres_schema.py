"""The schema on PostgreSQL: whose tables they are, which version they have, and how they get ours."""

import asyncio
import multiprocessing
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest
from tests.support.first_release import restore_postgres
from tests.support.next_version import NEXT, with_next_version
from tests.support.postgres import PostgresServer

from taskflow_hub.domain.errors import Invalid, Misconfigured, SchemaMismatch, StoreUnavailable
from taskflow_hub.store.postgres import PostgresStore, schema
from taskflow_hub.store.postgres.schema import VERSIONS, check, migrate, upgrade_sql
from taskflow_hub.store.postgres.url import parse_url
from taskflow_hub.store.versions import SchemaState

Execute = Callable[[str], list[asyncpg.Record]]

# What there is in a schema, to the last default.
EVERYTHING = """
    SELECT 'column' AS what, table_name::text AS a, column_name::text AS b, ordinal_position::text AS c,
        concat_ws(' ', data_type, is_nullable, column_default) AS d
    FROM information_schema.columns WHERE table_schema = current_schema()
    UNION ALL SELECT 'index', tablename, indexname, '', indexdef FROM pg_indexes WHERE schemaname = current_schema()
    UNION ALL SELECT 'constraint', conrelid::regclass::text, conname, contype::text, pg_get_constraintdef(oid)
    FROM pg_constraint WHERE connamespace = current_schema()::regnamespace
    UNION ALL SELECT 'options', relname, relkind::text, '', concat_ws(' ', reloptions::text, pg_get_expr(relpartbound, oid))
    FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p', 'S')
    ORDER BY 1, 2, 3, 4, 5
"""


@pytest.fixture
def execute(postgres_server: PostgresServer, postgres_url: str) -> Execute:
    database = postgres_url.rpartition("/")[2]
    return lambda sql: postgres_server.run(sql, database)


@pytest.fixture
def described(execute: Execute) -> Callable[[], list[tuple[str, ...]]]:
    return lambda: [tuple(row) for row in execute(EVERYTHING)]


def test_from_nothing_to_current(postgres_url: str, described: Callable[[], list[tuple[str, ...]]]) -> None:
    assert check(postgres_url) is SchemaState.EMPTY
    assert described() == [], "a check makes nothing"
    migrate(postgres_url)
    assert check(postgres_url) is SchemaState.CURRENT
    before = described()
    migrate(postgres_url)
    assert described() == before


def test_what_is_printed_makes_the_same(
    postgres_server: PostgresServer, postgres_url: str, described: Callable[[], list[tuple[str, ...]]]
) -> None:
    """By `psql`, as an operator would; and it is Alembic that prints it."""
    migrate(postgres_url)
    postgres_server.run("DROP DATABASE IF EXISTS by_hand")
    postgres_server.run("CREATE DATABASE by_hand")
    subprocess.run(
        [postgres_server.programs / "psql", "-qX", "-v", "ON_ERROR_STOP=1", postgres_server.url("by_hand")],
        env={"LD_LIBRARY_PATH": str(postgres_server.programs.parent / "lib")},
        input=upgrade_sql(None),
        text=True,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    assert check(postgres_server.url("by_hand")) is SchemaState.CURRENT
    assert [tuple(row) for row in postgres_server.run(EVERYTHING, "by_hand")] == described()


def test_what_is_printed_starts_where_it_is_told_to() -> None:
    assert upgrade_sql(VERSIONS.current) == ""
    with pytest.raises(Invalid, match="There is no schema version '7'; there are 0001"):
        upgrade_sql("7")


# --- newer and older ---------------------------------------------------------------------------------------------------


def test_a_newer_schema_is_refused_at_the_start(postgres_url: str, execute: Execute) -> None:
    migrate(postgres_url)
    execute(f"UPDATE taskflow_version SET version_num = '{NEXT}'")
    assert check(postgres_url) is SchemaState.NEWER
    with pytest.raises(SchemaMismatch, match=rf"schema {NEXT}, which is newer .* update TaskFlow Hub"):
        migrate(postgres_url)
    for change in (True, False):
        with pytest.raises(SchemaMismatch, match="update TaskFlow Hub"):
            asyncio.run(PostgresStore.open(postgres_url, migrate=change))


ADDITION = """
-- What tomorrow brings: a column, and 100 % of its rows have ':x' in it.
ALTER TABLE tasks ADD COLUMN added text NOT NULL DEFAULT '100 %, 00:00:00+00 :x';
CREATE FUNCTION added() RETURNS integer LANGUAGE sql AS $$ SELECT '1'::integer; $$;
"""


def test_an_older_schema_is_brought_up(
    postgres_server: PostgresServer,
    postgres_url: str,
    described: Callable[[], list[tuple[str, ...]]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    migrate(postgres_url)
    monkeypatch.setattr(schema, "VERSIONS", with_next_version("postgres", ADDITION, tmp_path))
    assert check(postgres_url) is SchemaState.OLDER
    with pytest.raises(SchemaMismatch, match="taskflow db migrate"):
        asyncio.run(PostgresStore.open(postgres_url, migrate=False))
    assert check(postgres_url) is SchemaState.OLDER
    migrate(postgres_url)
    assert check(postgres_url) is SchemaState.CURRENT
    assert any("100 %, 00:00:00+00 :x" in row[4] for row in described())

    postgres_server.run("DROP DATABASE IF EXISTS fresh")
    postgres_server.run("CREATE DATABASE fresh")
    migrate(postgres_server.url("fresh"))
    assert [tuple(row) for row in postgres_server.run(EVERYTHING, "fresh")] == described()


def test_a_migration_that_fails_leaves_the_database_as_it_was(
    postgres_url: str,
    described: Callable[[], list[tuple[str, ...]]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    migrate(postgres_url)
    before = described()
    broken = "CREATE TABLE more (x integer);\nALTER TABLE nowhere ADD COLUMN x integer;"
    monkeypatch.setattr(schema, "VERSIONS", with_next_version("postgres", broken, tmp_path))
    with pytest.raises(StoreUnavailable, match="nowhere"):
        migrate(postgres_url)
    assert described() == before
    assert check(postgres_url) is SchemaState.OLDER


WAITING = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'tasks'::regclass)"


async def test_a_migration_waits_for_a_table_without_making_others_wait(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it cannot have at once it asks for again and again, and in between everybody else has a turn."""
    await schema.bring_up(parse_url(postgres_url))
    before = schema.VERSIONS.current
    monkeypatch.setattr(schema, "VERSIONS", with_next_version("postgres", ADDITION, tmp_path))
    monkeypatch.setattr(schema, "LOCK_WAIT_S", 0.2)
    monkeypatch.setattr(schema, "RETRY_S", 0.05)
    reader = await asyncpg.connect(postgres_url)
    other = await asyncpg.connect(postgres_url)
    try:
        holding = reader.transaction()
        await holding.start()
        await reader.fetch("SELECT FROM tasks")
        migrating = asyncio.create_task(schema.bring_up(parse_url(postgres_url)))
        for _ in range(3):
            while not await other.fetchval(WAITING):
                assert not migrating.done()
            async with asyncio.timeout(20):
                await other.fetch("SELECT FROM tasks")  # it waits behind the migration, which waits
        await holding.rollback()
        await migrating
        assert await other.fetchval("SELECT count(added) FROM tasks") == 0

        monkeypatch.setattr(schema, "VERSIONS", with_next_version("postgres", ADDITION, tmp_path / "2"))
        monkeypatch.setattr(schema, "PATIENCE_S", 0.0)
        await other.execute(
            f"UPDATE taskflow_version SET version_num = '{before}'; ALTER TABLE tasks DROP added"
        )
        await reader.execute("BEGIN; SELECT FROM tasks")
        with pytest.raises(StoreUnavailable, match="other transactions hold its tables"):
            await schema.bring_up(parse_url(postgres_url))
    finally:
        await reader.close()
        await other.close()


def test_many_processes_start_at_once_on_one_new_database(postgres_url: str) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=migrate, args=(postgres_url,)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0, 0]
    assert check(postgres_url) is SchemaState.CURRENT


async def test_a_hub_that_runs_goes_on_under_a_newer_schema(postgres_url: str) -> None:
    """Migrations only add (docs/adr/0040). One that was taken away or put back is noticed."""
    store = await PostgresStore.open(postgres_url)
    operator = await asyncpg.connect(postgres_url)
    try:
        await store.ping()
        await operator.execute(f"UPDATE taskflow_version SET version_num = '{NEXT}'")
        await store.ping()
        await operator.execute("DELETE FROM taskflow_version")
        with pytest.raises(SchemaMismatch, match="schema none"):
            await store.ping()
        await operator.execute("DROP TABLE taskflow_version")
        with pytest.raises(SchemaMismatch, match="taskflow db migrate"):
            await store.ping()
    finally:
        await operator.close()
        await store.close()


def test_a_start_imports_neither_alembic_nor_sqlalchemy(postgres_url: str) -> None:
    """An idle hub shall stay small, on its first start too."""
    code = f"""
import asyncio, sys
from taskflow_hub.store.postgres import PostgresStore
async def main():
    for _ in range(2):
        store = await PostgresStore.open({postgres_url!r})
        await store.close()
asyncio.run(main())
print([name for name in ("alembic", "sqlalchemy", "mako") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


# --- among the tables of others ----------------------------------------------------------------------------------------


def test_our_tables_live_beside_those_of_others(postgres_url: str, execute: Execute) -> None:
    execute("CREATE TABLE alembic_version (version_num text)")
    execute("INSERT INTO alembic_version VALUES ('5d1f08')")
    execute("CREATE TABLE orders (id integer)")
    assert check(postgres_url) is SchemaState.EMPTY
    migrate(postgres_url)
    assert check(postgres_url) is SchemaState.CURRENT
    assert execute("SELECT version_num FROM alembic_version")[0][0] == "5d1f08"


@pytest.mark.parametrize(
    "stranger",
    [
        "CREATE TABLE tasks (id integer)",
        "CREATE VIEW workers AS SELECT 1",
        "CREATE SEQUENCE task_seq",
        "CREATE TYPE attempts AS ENUM ('x')",
        "CREATE TABLE other (id integer); CREATE INDEX tasks_ready ON other (id)",
    ],
    ids=lambda sql: sql.split()[2],
)
def test_a_name_of_ours_that_is_not_ours_is_refused(
    postgres_url: str,
    execute: Execute,
    described: Callable[[], list[tuple[str, ...]]],
    stranger: str,
) -> None:
    for statement in stranger.split(";"):
        execute(statement)
    before = described()
    for call in (check, migrate):
        with pytest.raises(Misconfigured, match=r"has \w+ already, and not of TaskFlow Hub.*search_path"):
            call(postgres_url)
    with pytest.raises(Misconfigured, match="not of TaskFlow Hub"):
        asyncio.run(PostgresStore.open(postgres_url))
    assert described() == before


def test_a_name_that_a_later_version_adds_may_be_taken_by_then(postgres_url: str, execute: Execute) -> None:
    asyncio.run(restore_postgres(postgres_url))
    execute("CREATE TABLE limits (id integer)")
    for call in (check, migrate):
        with pytest.raises(Misconfigured, match="has limits already, and not of TaskFlow Hub"):
            call(postgres_url)
    execute("CREATE SCHEMA theirs")
    execute("ALTER TABLE limits SET SCHEMA theirs")
    database = postgres_url.rpartition("/")[2]
    execute(f"ALTER ROLE taskflow IN DATABASE {database} SET search_path = public, theirs")
    assert check(postgres_url) is SchemaState.OLDER, "nothing is hidden that is not there yet"
    migrate(postgres_url)
    assert check(postgres_url) is SchemaState.CURRENT


def test_a_schema_of_its_own_and_what_may_hide_it(postgres_url: str, execute: Execute) -> None:
    database = postgres_url.rpartition("/")[2]

    def search(path: str) -> None:
        execute(f"ALTER ROLE taskflow IN DATABASE {database} SET search_path = {path}")

    execute("CREATE TABLE tasks (id integer)")
    search("hub, public")
    with pytest.raises(Misconfigured, match="not of TaskFlow Hub"):
        migrate(postgres_url)
    execute("CREATE SCHEMA hub")
    migrate(postgres_url)
    assert check(postgres_url) is SchemaState.CURRENT
    assert execute("SELECT count(*) FROM hub.tasks")[0][0] == 0
    search("public, hub")
    with pytest.raises(Misconfigured, match="tasks in another schema of the search_path hides the hub's"):
        check(postgres_url)
    search("nowhere")
    with pytest.raises(Misconfigured, match="CREATE SCHEMA"):
        check(postgres_url)
