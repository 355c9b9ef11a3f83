"""How a connection is opened, and what an error of the driver means."""

import os
import sqlite3
from pathlib import Path
from typing import Final

from taskflow_hub.domain.errors import Misconfigured, StoreFull, StoreUnavailable
from taskflow_hub.domain.fingerprint import fingerprint
from taskflow_hub.store.sqlite.url import Location

try:
    import resource
except ImportError:  # Windows has no limits of this kind
    resource = None  # type: ignore[assignment]

APPLICATION_ID: Final = 0x54464842  # "TFHB": so that `file` and we can tell the database from a stranger's
OLDEST_SQLITE: Final = (3, 38, 0)  # STRICT tables, RETURNING, ->>
STATEMENTS: Final = 512  # kept prepared per connection
_NOBODYS_FAULT: Final = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_PROTOCOL,
    }
)


def connect(location: Location, *, writer: bool = False, busy_s: float = 0.0) -> sqlite3.Connection:
    """A connection in autocommit: transactions are begun and ended by name, never by the driver.

    Readers cannot write. The writer waits for other processes itself (writer.py), so SQLite shall not.
    """
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        wanted = ".".join(map(str, OLDEST_SQLITE))
        raise Misconfigured(f"SQLite {sqlite3.sqlite_version} is too old; {wanted} or later is needed")
    if writer and location.path.exists() and not os.access(location.path, os.R_OK | os.W_OK):
        raise closed(location)  # before SQLite leaves files of this user beside it
    connection = sqlite3.connect(
        location.path,
        timeout=busy_s,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=STATEMENTS if writer else 64,
    )
    try:
        connection.create_function("fingerprint", 2, fingerprint, deterministic=True)
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("PRAGMA foreign_keys = OFF")
        if not writer:
            connection.execute("PRAGMA query_only = ON")
            return connection
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA wal_autocheckpoint = 2000")  # 8 MB: measured in bench/store_layout.py
        connection.execute("PRAGMA journal_size_limit = 33554432")
        if location.max_page_count is not None:
            connection.execute(f"PRAGMA max_page_count = {location.max_page_count:d}")
    except BaseException:
        connection.close()
        raise
    return connection


def is_busy(error: sqlite3.Error) -> bool:
    """Another process is in the way for a moment."""
    return _primary(error) in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


def concerns_all(error: Exception) -> bool:
    """Is it the database that cannot, whatever it is asked? (Too little space is not: something smaller may fit.)"""
    if not isinstance(error, sqlite3.Error):
        return False
    code = _primary(error)
    return code in _NOBODYS_FAULT and not (code == sqlite3.SQLITE_IOERR and _file_size_is_limited())


def explain(error: sqlite3.Error, location: Location) -> StoreUnavailable | None:
    """What it means for the caller; None: it is a fault of ours, not of the database."""
    file = f"database {location.path}"
    match _primary(error):
        case sqlite3.SQLITE_FULL:
            limit = (
                f"its max_page_count of {location.max_page_count}" if location.max_page_count else "the disk"
            )
            return StoreFull(f"{file} has no space left: {limit} is used up")
        case sqlite3.SQLITE_IOERR:
            if _file_size_is_limited():
                return StoreFull(
                    f"{file} has no space left: it cannot grow beyond this process's file size limit"
                )
            return StoreUnavailable(f"{file}: the disk answers with an error ({error.sqlite_errorname})")
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM | sqlite3.SQLITE_AUTH:
            return closed(location)
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            waited = f"for {location.busy_timeout_s:g} s"
            return StoreUnavailable(f"{file} was kept locked by another process {waited}")
        case sqlite3.SQLITE_CORRUPT:
            return StoreUnavailable(f"{file} is damaged ({error}); restore it from a backup")
        case sqlite3.SQLITE_NOTADB:
            return StoreUnavailable(f"{file} is not an SQLite database")
        case sqlite3.SQLITE_NOMEM | sqlite3.SQLITE_PROTOCOL | sqlite3.SQLITE_INTERRUPT:
            return StoreUnavailable(f"{file}: {error}")
        case _:
            return None


def closed(location: Location) -> StoreUnavailable:
    return StoreUnavailable(
        f"database {location.path} cannot be opened for writing: {_why_closed(location.path)}"
    )


def _why_closed(path: Path) -> str:
    """SQLite says only that it cannot; the file system knows why."""
    if not path.parent.is_dir():
        return f"there is no folder {path.parent}"
    if path.is_dir():
        return "it is a folder"
    if path.exists() and not os.access(path, os.R_OK | os.W_OK):
        return "this user may not write the file"
    if not os.access(path.parent, os.W_OK | os.X_OK):
        return f"this user may not write to the folder {path.parent}, where SQLite keeps two more files beside it"
    return "it is on a read-only medium, or was moved away while in use"


def _primary(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", -1) & 0xFF


def _file_size_is_limited() -> bool:
    return bool(resource) and resource.getrlimit(resource.RLIMIT_FSIZE)[0] != resource.RLIM_INFINITY
