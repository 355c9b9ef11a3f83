"""The stores there are, and a store by its database's URL."""

from typing import Final

import pytest

from taskflow_hub.domain.clock import Clock, utc_now
from taskflow_hub.store.base import Store
from taskflow_hub.store.postgres import PostgresStore
from taskflow_hub.store.sqlite import SqliteStore

STORES: Final = ("sqlite", "postgres")

# Narrows the fixture `database_url`.
on_sqlite_alone: Final = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def open_store(url: str, clock: Clock | None = None) -> Store:
    """As a hub opens it, surveys and all; but `clock` may be the test's."""
    if url.startswith("sqlite:"):
        return await SqliteStore.open(url, clock=clock or utc_now)
    return await PostgresStore.open(url, clock=clock)
