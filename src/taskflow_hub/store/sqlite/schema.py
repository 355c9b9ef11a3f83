"""Which schema a file has, and how it gets ours (store/versions.py)."""

import logging
import sqlite3
import time
from pathlib import Path
from typing import Final

from taskflow_hub.domain.errors import Misconfigured, StoreUnavailable
from taskflow_hub.store.sqlite.connection import APPLICATION_ID, connect, explain, is_busy
from taskflow_hub.store.sqlite.transaction import Snapshot
from taskflow_hub.store.sqlite.url import Location, parse_url
from taskflow_hub.store.versions import SchemaState, Versions

log = logging.getLogger("taskflow.store")

VERSIONS: Final = Versions(Path(__file__).parent / "migrations")
VERSION_TABLE: Final = "alembic_version"
_MAKE_VERSION_TABLE: Final = (  # to the letter as Alembic would render it
    f"CREATE TABLE {VERSION_TABLE} (\n    version_num VARCHAR(32) NOT NULL, \n"
    f"    CONSTRAINT {VERSION_TABLE}_pkc PRIMARY KEY (version_num)\n)"
)


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
        raise meaning(error, location) from error


def migrate(url: str) -> None:
    """Bring the file to our version; make it if it is missing. Two processes may do so at once: one waits for the other."""
    bring_up(parse_url(url))


def bring_up(location: Location, *, change: bool = True) -> None:
    """Make sure that the file can be written and has our schema; with `change`, make it so."""
    try:
        connection = begin(location)
        try:
            _bring_up(connection, location, change)
            connection.commit()
        finally:
            connection.close()  # which takes back what was not committed
    except sqlite3.Error as error:
        raise meaning(error, location) from error


def version(connection: sqlite3.Connection, location: Location) -> str | None:
    """Which one the file has; None: there is nothing in it yet. Raises Misconfigured for a database of somebody else."""
    return None if _refuse_strangers(connection, location) else _version(connection)


def upgrade_sql(start: str | None) -> str:
    """What brings a file from version `start` (None: a new one) to ours, as a script. Raises Invalid."""
    script = VERSIONS.upgrade_sql(start)
    return script and f"BEGIN IMMEDIATE;\n\n{script}COMMIT;\n"


def require_current(snapshot: Snapshot) -> str:
    """For a process that runs: the file's version. Raises SchemaMismatch unless that is ours, or a newer one."""
    return VERSIONS.require(_version(snapshot.connection))


def _bring_up(connection: sqlite3.Connection, location: Location, change: bool) -> None:
    state, version = _state(connection, location), _version(connection)
    VERSIONS.refuse_to_start(version, f"Database {location.path}", may_migrate=change)
    if state is SchemaState.CURRENT:
        # Nothing was written, so that a full disk does not keep a hub from starting.
        connection.execute("ROLLBACK")
        return
    log.info("database %s: schema %s → %s", location.path, version or "none", VERSIONS.current)
    if state is SchemaState.EMPTY:
        _create(connection)
    else:
        _execute(connection, VERSIONS.upgrade_sql(version))


def _create(connection: sqlite3.Connection) -> None:
    connection.execute(_MAKE_VERSION_TABLE)
    for version in VERSIONS.all:
        _execute(connection, VERSIONS.sql(version))
    written_down = f"INSERT INTO {VERSION_TABLE} (version_num) VALUES (?)"  # noqa: S608 (our own name)
    connection.execute(written_down, (VERSIONS.current,))


def _execute(connection: sqlite3.Connection, script: str) -> None:
    for sql in split(script):
        connection.execute(sql).fetchall()  # to its end: Alembic writes the version with RETURNING


def split(script: str) -> list[str]:
    """The statements of a script; `executescript` would commit the transaction they belong to."""
    statements, rest = [], ""
    for line in script.splitlines(keepends=True):
        rest += line
        if sqlite3.complete_statement(rest):
            statements.append(rest)
            rest = ""
    return statements


def begin(location: Location) -> sqlite3.Connection:
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
    return VERSIONS.state(_version(connection))


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
    known = "SELECT count(*) FROM sqlite_master WHERE name = ?"
    if not connection.execute(known, (VERSION_TABLE,)).fetchone()[0]:
        return None
    row = connection.execute(f"SELECT version_num FROM {VERSION_TABLE}").fetchone()  # noqa: S608
    return None if row is None else str(row[0])


def meaning(error: sqlite3.Error, location: Location) -> Exception:
    """What to raise for an error of the driver while a schema is looked at."""
    if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_NOTADB:
        return Misconfigured(f"{location.path} is not an SQLite database; name another file")
    return explain(error, location) or StoreUnavailable(f"database {location.path}: {error}")
