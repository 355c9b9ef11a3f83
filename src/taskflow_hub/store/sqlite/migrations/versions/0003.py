"""Accounts: users, their logins, and keys. Limits that are pinned."""

from taskflow_hub.store.migrating import execute
from taskflow_hub.store.sqlite.schema import VERSIONS

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Execute 0003.sql."""
    execute(VERSIONS.sql(revision))
