"""Samples and durations over time; which workers were lost."""

from taskflow_hub.store.migrating import execute
from taskflow_hub.store.postgres.schema import VERSIONS

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Execute 0006.sql."""
    execute(VERSIONS.sql(revision))
