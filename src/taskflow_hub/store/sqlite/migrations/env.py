"""What Alembic runs (store/migrating.py)."""

from taskflow_hub.store.migrating import configure
from taskflow_hub.store.sqlite.schema import VERSION_TABLE

configure("sqlite", VERSION_TABLE)
