"""A schema version that does not exist yet: what a database meets when a hub of tomorrow has been there."""

import shutil
from pathlib import Path

from taskflow_hub.store.versions import Versions

NEXT = "0999"
_REVISION = """
from taskflow_hub.store.migrating import execute
from taskflow_hub.store.{store}.schema import VERSIONS

revision = "{next}"
down_revision = "{current}"


def upgrade() -> None:
    execute(VERSIONS.sql(revision))
"""


def with_next_version(store: str, sql: str, folder: Path) -> Versions:
    """The versions of that store and, after them, one whose file is `sql`; put it in the place of `schema.VERSIONS`."""
    migrations = folder / "migrations"
    ours = Path(__file__).parents[2] / "src" / "taskflow_hub" / "store" / store / "migrations"
    shutil.copytree(ours, migrations, ignore=shutil.ignore_patterns("__pycache__"))
    current = Versions(migrations).current
    (migrations / "versions" / f"{NEXT}.sql").write_text(sql)
    (migrations / "versions" / f"{NEXT}.py").write_text(
        _REVISION.format(store=store, next=NEXT, current=current)
    )
    return Versions(migrations)
