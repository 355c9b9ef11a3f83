"""The first schema."""

from taskflow_hub.store.sqlite.migrations.run import execute_version

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Execute 0001.sql."""
    execute_version(revision)
