"""The store's contract, on SQLite."""

from collections.abc import Awaitable
from pathlib import Path

import pytest

from taskflow_hub.domain.clock import Clock
from taskflow_hub.store.base import Store
from taskflow_hub.store.sqlite import SqliteStore
from taskflow_hub.testing.store_contract import OpenStore, StoreContract


class TestSqliteStore(StoreContract):
    @pytest.fixture
    def open_store(self, database_path: Path) -> OpenStore:
        def open_one(clock: Clock) -> Awaitable[Store]:
            return SqliteStore.open(f"sqlite:///{database_path}", clock=clock)

        return open_one
