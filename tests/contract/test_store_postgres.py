"""The store's contract, on PostgreSQL."""

from collections.abc import Awaitable

import pytest

from taskflow_hub.domain.clock import Clock
from taskflow_hub.store.base import Store
from taskflow_hub.store.postgres import PostgresStore
from taskflow_hub.testing.store_contract import OpenStore, StoreContract


class TestPostgresStore(StoreContract):
    @pytest.fixture
    def open_store(self, postgres_tables_url: str) -> OpenStore:
        def open_one(clock: Clock) -> Awaitable[Store]:
            # No pause between surveys: what another store of the test has just done is found by the very next lease.
            return PostgresStore.open(postgres_tables_url, clock=clock, survey_s=0.0)

        return open_one
