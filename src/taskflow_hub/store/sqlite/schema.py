"""Which schema a file has, and how it gets ours. Forward only.

Every version is one file of SQL, migrations/versions/NNNN.sql, and an Alembic revision that executes it. A new file gets
them in a row, without Alembic: importing that and SQLAlchemy costs memory which an idle hub shall not pay for its first start.
"""

import logging
import sqlite3
import time
from enum import StrEnum
from importlib.resources import files
from typing import Final

from taskflow_hub.domain.errors import Misconfigured, SchemaMismatch, StoreUnavailable
from taskflow_hub.store.sqlite.connection import APPLICATION_ID, connect, explain, is_busy
from taskflow_hub.store.sqlite.transaction import Snapshot
from taskflow_hub.store.sqlite.url import Location, parse_url

log = logging.getLogger("taskflow.store")

VERSIONS: Final = tuple(
    sorted(
        entry.name.removesuffix(".sql")
        for entry in (files(__package__) / "migrations" / "versions").iterdir()
        if entry.name.endswith(".sql")
    )
)
CURRENT: Final = VERSIONS[-1]
_VERSION_TABLE: Final = (  # to the letter as Alembic would make it
    "CREATE TABLE alembic_version (\n\tversion_num VARCHAR(32) NOT NULL, \n\t"
    "CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)\n)"
)


class SchemaState(StrEnum):
    EMPTY = "empty"  # no file, or nothing in it
    OLDER = "older"
    CURRENT = "current"
    NEWER = "newer"


def version_sql(version: str) -> str:
    return (files(__package__) / "migrations" / "versions" / f"{version}.sql").read_text(encoding="utf-8")


def check(url: str) -> SchemaState:
    """Look, and change nothing. Raises Misconfigured for a file that is not ours."""
    location = parse_url(url)
    if not location.path.exists():
        return SchemaState.EMPTY
    try:
        connection = connect(location, busy_s=location.busy_timeout_s)
        try:
            return _state(connection, location)
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise _meaning(error, location) from error


def migrate(url: str) -> None:
    """Bring the file to our version; make it if it is missing. Two processes may do so at once: one waits for the other."""
    bring_up(parse_url(url))


def bring_up(location: Location, *, change: bool = True) -> None:
    """Make sure that the file can be written and has our schema; with `change`, make it so."""
    try:
        connection = _begin(location)
        try:
            _bring_up(connection, location, change)
            connection.commit()  # Alembic may have done so already
        finally:
            connection.close()  # which takes back what was not committed
    except sqlite3.Error as error:
        raise _meaning(error, location) from error


def require_current(snapshot: Snapshot) -> None:
    """Raises SchemaMismatch if another process has migrated the file away from under us."""
    version = _version(snapshot.connection)
    if version != CURRENT:
        raise SchemaMismatch(f"The database has schema {version or 'none'}; this program needs {CURRENT}.")


def _bring_up(connection: sqlite3.Connection, location: Location, change: bool) -> None:
    state = _state(connection, location)
    if state is SchemaState.CURRENT:
        connection.execute(
            "ROLLBACK"
        )  # nothing was written, so that a full disk does not keep a hub from starting
        return
    version = _version(connection)
    if state is SchemaState.NEWER:
        raise SchemaMismatch(
            f"Database {location.path} has schema {version}, which is newer than this program ({CURRENT}): "
            "update TaskFlow Hub."
        )
    if not change:
        raise SchemaMismatch(
            f"Database {location.path} has schema {version or 'none'}, this program needs {CURRENT}: "
            "run `taskflow db migrate`."
        )
    log.info("database %s: schema %s → %s", location.path, version or "none", CURRENT)
    if state is SchemaState.EMPTY:
        _create(connection)
    else:
        from taskflow_hub.store.sqlite.migrations.run import upgrade  # Alembic: only when it is needed

        upgrade(connection)


def _create(connection: sqlite3.Connection) -> None:
    connection.execute(_VERSION_TABLE)
    for version in VERSIONS:
        for sql in split(version_sql(version)):
            connection.execute(sql)
    connection.execute("INSERT INTO alembic_version (version_num) VALUES (?)", (CURRENT,))


def split(script: str) -> list[str]:
    """The statements of a script; `executescript` would commit the transaction they belong to."""
    statements, rest = [], ""
    for line in script.splitlines(keepends=True):
        rest += line
        if sqlite3.complete_statement(rest):
            statements.append(rest)
            rest = ""
    return statements


def _begin(location: Location) -> sqlite3.Connection:
    """A connection in WAL mode (which cannot be set inside a transaction) that holds the write lock. Waits for others."""
    give_up = time.monotonic() + location.busy_timeout_s
    while True:
        connection = None
        try:
            connection = connect(location, writer=True)
            _refuse_strangers(connection, location)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("PRAGMA user_version = 0")  # the lock alone is given for a read-only file, too
            return connection
        except BaseException as error:
            if connection is not None:
                connection.close()
            if not isinstance(error, sqlite3.Error) or not is_busy(error) or time.monotonic() >= give_up:
                raise
        time.sleep(0.005)


def _state(connection: sqlite3.Connection, location: Location) -> SchemaState:
    if _refuse_strangers(connection, location):
        return SchemaState.EMPTY
    version = _version(connection)
    if version == CURRENT:
        return SchemaState.CURRENT
    return SchemaState.OLDER if version in VERSIONS else SchemaState.NEWER


def _refuse_strangers(connection: sqlite3.Connection, location: Location) -> bool:
    """Raises for a database of somebody else, before anything in it is touched. True: there is nothing in it yet."""
    alone = not connection.in_transaction
    if alone:
        connection.execute(
            "BEGIN"
        )  # one moment, or another process making the file could be taken for a stranger
    try:
        application_id = connection.execute("PRAGMA application_id").fetchone()[0]
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        version = _version(connection)
    finally:
        if alone and connection.in_transaction:
            connection.execute("ROLLBACK")
    if application_id == APPLICATION_ID and version is not None:
        return False
    if tables or application_id:
        raise Misconfigured(
            f"{location.path} is an SQLite database, but not one of TaskFlow Hub; name another file"
        )
    return True


def _version(connection: sqlite3.Connection) -> str | None:
    if not connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'alembic_version'").fetchone()[
        0
    ]:
        return None
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return None if row is None else str(row[0])


def _meaning(error: sqlite3.Error, location: Location) -> Exception:
    if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_NOTADB:
        return Misconfigured(f"{location.path} is not an SQLite database; name another file")
    return explain(error, location) or StoreUnavailable(f"database {location.path}: {error}")
