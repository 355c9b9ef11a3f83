"""What Alembic runs (store/migrating.py)."""

from taskflow_hub.store.migrating import configure
from taskflow_hub.store.postgres.schema import VERSION_TABLE

configure("postgresql", VERSION_TABLE)
