"""Schedules, workflows, durable steps."""

from taskflow_hub.store.migrating import execute
from taskflow_hub.store.postgres.schema import VERSIONS

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Execute 0005.sql."""
    execute(VERSIONS.sql(revision))
