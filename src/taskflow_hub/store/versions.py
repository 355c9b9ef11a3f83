"""The versions of a schema. Forward only: a database is empty, older than this program, current, or newer.

Every version is one file of SQL, migrations/versions/NNNN.sql, and an Alembic revision that executes it. A new database gets
them in a row, without Alembic: importing that and SQLAlchemy costs memory which an idle hub shall not pay for its first start.
"""

from enum import StrEnum
from pathlib import Path

from taskflow_hub.domain.errors import Invalid, SchemaMismatch


class SchemaState(StrEnum):
    EMPTY = "empty"  # no database, or nothing of ours in it
    OLDER = "older"
    CURRENT = "current"
    NEWER = "newer"


class Versions:
    """Those of one store."""

    def __init__(self, migrations: Path) -> None:
        self._folder = migrations
        self.all = tuple(sorted(file.stem for file in (migrations / "versions").glob("*.sql")))
        self.current = self.all[-1]

    def sql(self, version: str) -> str:
        return (self._folder / "versions" / f"{version}.sql").read_text(encoding="utf-8")

    def state(self, version: str | None) -> SchemaState:
        """Of a database that says it has this version; None: it says nothing."""
        if version is None:
            return SchemaState.EMPTY
        if version == self.current:
            return SchemaState.CURRENT
        return SchemaState.OLDER if version in self.all else SchemaState.NEWER

    def upgrade_sql(self, start: str | None) -> str:
        """What brings a database from `start` (None: an empty one) to our version, and says so in it. Raises Invalid."""
        if start is not None and start not in self.all:
            raise Invalid(f"There is no schema version {start!r}; there are {', '.join(self.all)}.")
        if start == self.current:
            return ""
        from taskflow_hub.store.migrating import render  # Alembic: only when it is needed

        return render(self._folder, start)

    def refuse_to_start(self, version: str | None, database: str, *, may_migrate: bool) -> None:
        """Raises SchemaMismatch for a newer schema; and, unless it may be migrated, for one that is older or missing."""
        state = self.state(version)
        if state is SchemaState.NEWER:
            raise SchemaMismatch(
                f"{database} has schema {version}, which is newer than this program ({self.current}): update TaskFlow Hub."
            )
        if state is not SchemaState.CURRENT and not may_migrate:
            raise SchemaMismatch(
                f"{database} has schema {version or 'none'}, this program needs {self.current}: run `taskflow db migrate`."
            )

    def require(self, version: str | None) -> str:
        """For a process that runs: the version. Raises SchemaMismatch if the schema was taken away or put back to an older one.

        A newer one is well: migrations only add, so that processes of two versions can work side by side (docs/adr/0040).
        """
        if version is None or self.state(version) is SchemaState.OLDER:
            raise SchemaMismatch(
                f"The database has schema {version or 'none'}; this program needs {self.current}."
            )
        return version
