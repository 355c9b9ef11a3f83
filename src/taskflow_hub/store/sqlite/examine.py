"""What `taskflow doctor` asks of the file. Nothing is changed, and an older schema is no hindrance."""

import shutil
import sqlite3
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Final

from taskflow_hub.domain.checkup.database import Schema, SqliteFacts
from taskflow_hub.domain.checkup.processes import Seen
from taskflow_hub.domain.clock import utc_now
from taskflow_hub.store.sqlite.connection import closed, connect
from taskflow_hub.store.sqlite.schema import VERSIONS, meaning, version
from taskflow_hub.store.sqlite.statements import statement
from taskflow_hub.store.sqlite.transaction import from_us
from taskflow_hub.store.sqlite.url import Location, parse_url

WORKER_VERSIONS: Final = statement("worker_versions")
MOUNTS: Final = Path("/proc/self/mounts")


def examine(url: str) -> SqliteFacts:
    """Raises Misconfigured for a file that is not ours, StoreUnavailable."""
    location = parse_url(url)
    path, beside = location.path, location.path.resolve().parent
    if not beside.is_dir():
        raise closed(location)
    free = shutil.disk_usage(beside).free
    if not path.exists():
        return _facts(location, free, None)
    try:
        connection = connect(location, busy_s=location.busy_timeout_s)
        try:
            found = version(connection, location)
            if found is None:
                return _facts(location, free, None)
            now = utc_now()
            rows = connection.execute(WORKER_VERSIONS.text).fetchall()
            seen = [
                Seen("worker", name, of, max((now - from_us(beat)) / timedelta(seconds=1), 0.0))
                for name, of, beat in rows
            ]
            return _facts(location, free, found, seen)
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise meaning(error, location) from error


def _facts(location: Location, free: int, found: str | None, workers: Iterable[Seen] = ()) -> SqliteFacts:
    path = location.path.resolve()
    files = [file for file in (path, path.with_name(f"{path.name}-wal")) if file.exists()]
    return SqliteFacts(
        path=str(path),
        there=path.exists(),
        library=sqlite3.sqlite_version,
        schema=Schema(found, VERSIONS.all),
        octets=sum(file.stat().st_size for file in files),
        free=free,
        filesystem=_filesystem(path),
        workers=tuple(workers),
    )


def _filesystem(path: Path) -> str | None:
    """Its kind, as Linux names it; None where nobody says."""
    try:
        mounts = [line.split()[1:3] for line in MOUNTS.read_text(encoding="utf-8").splitlines()]
    except OSError:
        return None
    above = {str(parent) for parent in (path, *path.parents)}
    holding = [(len(where), kind) for where, kind in mounts if where in above]
    return max(holding)[1] if holding else None
