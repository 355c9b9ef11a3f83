"""Random workflows against the model on SQLite; on PostgreSQL: test_postgres.py."""

from pathlib import Path

import pytest
from tests.fuzz.many import TIMEOUT_S, many

from taskflow_hub.store.sqlite import SqliteStore


@pytest.mark.timeout(TIMEOUT_S)
def test_workflows(database_path: Path) -> None:
    many(
        lambda clock: SqliteStore.open(f"sqlite:///{database_path}", clock=clock),
        "sqlite",
        plays=21,
        graphs=2_000,
    )
