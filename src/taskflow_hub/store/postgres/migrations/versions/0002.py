"""Limits by key."""

from taskflow_hub.store.migrating import execute
from taskflow_hub.store.postgres.schema import VERSIONS

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Execute 0002.sql."""
    execute(VERSIONS.sql(revision))
