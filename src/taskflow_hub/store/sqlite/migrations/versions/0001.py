"""The first schema."""

from taskflow_hub.store.migrating import execute
from taskflow_hub.store.sqlite.schema import VERSIONS

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Execute 0001.sql."""
    execute(VERSIONS.sql(revision))
