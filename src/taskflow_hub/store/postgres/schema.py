"""Which schema a database has, and how it gets ours (store/versions.py). Our tables may stand among those of others."""

import asyncio
import logging
import re
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import asyncpg

from taskflow_hub.domain.errors import Misconfigured, StoreUnavailable, TaskflowError
from taskflow_hub.store.postgres.door import refusal, too_old
from taskflow_hub.store.postgres.faults import Fault, fault_of
from taskflow_hub.store.postgres.transaction import Snapshot
from taskflow_hub.store.postgres.url import Target, parse_url
from taskflow_hub.store.versions import SchemaState, Versions

log = logging.getLogger("taskflow.store")

VERSIONS: Final = Versions(Path(__file__).parent / "migrations")
# Not Alembic's own name for it: who has an application in the same schema may well have a table of that name.
VERSION_TABLE: Final = "taskflow_version"
LOCK_WAIT_S: Final = (
    2.0  # a migration that waits for a table makes everybody wait who comes after it: so not for long,
)
RETRY_S: Final = 1.0  # but again and again,
PATIENCE_S: Final = 120.0  # for so long

_ONE_AT_A_TIME: Final = "SELECT pg_advisory_xact_lock(hashtext('taskflow-hub: schema'))"
_MAKE_VERSION_TABLE: Final = (
    f"CREATE TABLE {VERSION_TABLE} (version_num varchar(32) NOT NULL, "
    f"CONSTRAINT {VERSION_TABLE}_pkc PRIMARY KEY (version_num))"
)
_VERSION: Final = f"SELECT version_num FROM {VERSION_TABLE}"  # noqa: S608 (our own name)
_SET_VERSION: Final = f"INSERT INTO {VERSION_TABLE} (version_num) VALUES ($1)"  # noqa: S608
_CREATED: Final = re.compile(
    r"^CREATE (?:UNIQUE )?(?:TABLE|SEQUENCE|INDEX) (IF NOT EXISTS )?(\w+)", re.MULTILINE
)
# Where CREATE puts things; whether our version is known; and which of our names are taken there, or lead elsewhere.
_LOOK: Final = """
    SELECT current_schema() AS schema,
        to_regclass($1) IS NOT NULL AS ours,
        array(
            SELECT relname::text FROM pg_class
            WHERE relnamespace = current_schema()::regnamespace AND relname = ANY ($2::text[])
            UNION
            SELECT typname::text FROM pg_type
            WHERE typnamespace = current_schema()::regnamespace AND typname = ANY ($2::text[])
            ORDER BY 1
        ) AS taken,
        array(
            SELECT found.relname::text FROM pg_class AS found
            WHERE found.oid = ANY (SELECT to_regclass(name) FROM unnest($2::text[]) AS name)
                AND found.relnamespace <> (SELECT relnamespace FROM pg_class WHERE oid = to_regclass($1))
            ORDER BY found.relname
        ) AS hidden
"""


def check(url: str) -> SchemaState:
    """Look, and change nothing. Raises Misconfigured for a table of one of our names that is not ours."""
    return asyncio.run(_check(parse_url(url)))


def migrate(url: str) -> None:
    """Bring the database to our version. Several processes may do so at once: one does it, the others wait."""
    asyncio.run(bring_up(parse_url(url)))


def upgrade_sql(start: str | None) -> str:
    """What brings a database from version `start` (None: an empty one) to ours, as a script. Raises Invalid."""
    script = VERSIONS.upgrade_sql(start)
    return script and f"BEGIN;\n\n{_ONE_AT_A_TIME};\n\n{script}COMMIT;\n"


async def require_current(snapshot: Snapshot) -> str:
    """For a process that runs: the database's version. Raises SchemaMismatch unless that is ours, or a newer one."""
    return VERSIONS.require(await snapshot.value(_VERSION))


async def connect(target: Target) -> asyncpg.Connection:
    """A connection for schema work: statements may take as long as they need. Raises Misconfigured, StoreUnavailable."""
    try:
        return await asyncpg.connect(
            target.dsn,
            timeout=target.connect_timeout_s,
            statement_cache_size=0,
            server_settings={"application_name": "taskflow-hub"},
        )
    except Exception as error:
        if fault_of(error) is Fault.OURS:
            raise
        raise await refusal(error, target) from error


async def bring_up(target: Target, *, change: bool = True) -> None:
    """Make sure that the database has our schema; with `change`, make it so.

    Raises Misconfigured, SchemaMismatch, StoreUnavailable; whatever it raises, nothing was changed.
    """
    connection = await connect(target)
    try:
        give_up = time.monotonic() + PATIENCE_S
        while not await _brought_up(connection, target, change):
            if time.monotonic() > give_up:
                raise StoreUnavailable(
                    f"Database {target.shown} could not be migrated for {PATIENCE_S:g} s: other transactions hold its "
                    "tables (pg_stat_activity shows them); nothing was changed"
                )
            log.info("database %s: the schema waits for a table that others use", target.shown)
            await asyncio.sleep(RETRY_S)
    finally:
        await leave(connection)


async def _brought_up(connection: asyncpg.Connection, target: Target, change: bool) -> bool:
    """One try. False: somebody else uses a table that has to be changed, so that everybody should have a turn first."""
    try:
        async with explained(target), connection.transaction(isolation="read_committed"):
            await _bring_up(connection, target, change)
    except asyncpg.LockNotAvailableError:
        return False
    return True


async def _bring_up(connection: asyncpg.Connection, target: Target, change: bool) -> None:
    if await _state(connection, target) is SchemaState.CURRENT:
        return
    if change:
        await connection.execute("SET LOCAL statement_timeout = 0")
        await connection.execute(_ONE_AT_A_TIME)
    # Once more: another process may have done it while we waited.
    found = await version(connection, target)
    VERSIONS.refuse_to_start(found, f"Database {target.shown}", may_migrate=change)
    state = VERSIONS.state(found)
    if state is SchemaState.CURRENT:
        return
    log.info("database %s: schema %s → %s", target.shown, found or "none", VERSIONS.current)
    await connection.execute(f"SET LOCAL lock_timeout = '{LOCK_WAIT_S:g}s'")
    if state is SchemaState.EMPTY:
        await _create(connection)
    else:
        await connection.execute(VERSIONS.upgrade_sql(found))


async def _create(connection: asyncpg.Connection) -> None:
    await connection.execute(_MAKE_VERSION_TABLE)
    for version in VERSIONS.all:
        await connection.execute(VERSIONS.sql(version))
    await connection.execute(_SET_VERSION, VERSIONS.current)


async def _check(target: Target) -> SchemaState:
    connection = await connect(target)
    try:
        async with explained(target), connection.transaction(readonly=True):
            return await _state(connection, target)
    finally:
        await leave(connection)


async def _state(connection: asyncpg.Connection, target: Target) -> SchemaState:
    return VERSIONS.state(await version(connection, target))


async def version(connection: asyncpg.Connection, target: Target) -> str | None:
    """None: nothing here is ours. Raises Misconfigured where it could not be, or where others are in its way."""
    if refused := too_old(connection, target):
        raise refused
    found = await connection.fetchrow(_LOOK, VERSION_TABLE, sorted(_names(VERSIONS.all)))
    assert found is not None
    where = f"Database {target.shown}"
    ours: str | None = None
    taken = found["taken"]
    if found["ours"]:
        ours = await connection.fetchval(_VERSION)
        there = [one for one in VERSIONS.all if ours is not None and one <= ours]
        if hidden := [name for name in found["hidden"] if name in _names(there)]:
            raise Misconfigured(
                f"{where}: {_some(hidden)} in another schema of the search_path hides the hub's; "
                "give the hub's user a search_path that begins with its own schema"
            )
        coming = [one for one in VERSIONS.all if one not in there]
        taken = [name for name in taken if name in _names(coming, but_made_before=True) - _names(there)]
    elif found["schema"] is None:
        raise Misconfigured(f"{where}: no schema of this user's search_path exists; make one: CREATE SCHEMA")
    if taken:
        raise Misconfigured(
            f"{where}: schema {found['schema']} has {_some(taken)} already, and not of TaskFlow Hub; give the hub a "
            "database of its own, or a schema of its own: ALTER ROLE … IN DATABASE … SET search_path = …"
        )
    return ours


def _names(versions: Iterable[str], *, but_made_before: bool = False) -> set[str]:
    """What these versions create; `but_made_before`: but for indexes that an operator may have made before (docs/adr/0040)."""
    created = [found for version in versions for found in _CREATED.findall(VERSIONS.sql(version))]
    return {name for made_before, name in created if not (made_before and but_made_before)}


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


@asynccontextmanager
async def explained(target: Target) -> AsyncIterator[None]:
    """Raises Misconfigured, StoreUnavailable for what the driver says."""
    try:
        yield
    except (TaskflowError, asyncpg.LockNotAvailableError):
        raise
    except Exception as error:
        if fault_of(error) is Fault.OURS:
            raise
        raise await refusal(error, target) from error


async def leave(connection: asyncpg.Connection) -> None:
    try:
        await connection.close(timeout=2.0)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
        connection.terminate()
