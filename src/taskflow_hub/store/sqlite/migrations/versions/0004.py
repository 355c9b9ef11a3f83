"""Quotas, fair turns between accounts, the audit."""

from taskflow_hub.store.migrating import execute
from taskflow_hub.store.sqlite.schema import VERSIONS

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Execute 0004.sql."""
    execute(VERSIONS.sql(revision))
