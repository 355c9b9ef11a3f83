"""Failures by what went wrong."""

from taskflow_hub.store.migrating import execute
from taskflow_hub.store.postgres.schema import VERSIONS

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Execute 0007.sql."""
    execute(VERSIONS.sql(revision))
