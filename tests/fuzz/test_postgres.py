"""Random workflows against the model on PostgreSQL, where a play takes four times as long as on SQLite."""

import pytest
from tests.fuzz.many import TIMEOUT_S, many

from taskflow_hub.store.postgres import PostgresStore


@pytest.mark.timeout(TIMEOUT_S)
def test_workflows(postgres_tables_url: str) -> None:
    played = many(
        lambda clock: PostgresStore.open(postgres_tables_url, clock=clock, survey_s=0.0),
        "postgres",
        plays=11,
        graphs=1_050,
    )
    assert played.foreseen > 10, "ends that take one statement (postgres/foreseen.py) were played, too"
