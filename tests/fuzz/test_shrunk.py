"""Workflows that Hypothesis draws, one at a time: where the model differs it looks for the smallest that does.

Many different ones at once: test_sqlite.py, test_postgres.py (docs/adr/0100).
"""

import asyncio
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.fuzz.many import TIMEOUT_S
from tests.fuzz.plays import Open, Played, drive
from tests.fuzz.specs import WorkflowSpec, workflow

from taskflow_hub.store.postgres import PostgresStore
from taskflow_hub.store.sqlite import SqliteStore

WORKFLOWS = st.randoms(use_true_random=False).map(workflow)
SEEDS = st.integers(0, 2**32)  # of what chance decides on the way: order, delays, kills


def drawn(open_store: Open, examples: int) -> None:
    played = Played()

    @settings(
        max_examples=examples,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
        phases=[Phase.reuse, Phase.generate, Phase.shrink],
        report_multiple_bugs=False,
    )
    @given(WORKFLOWS, SEEDS)
    def each_ends_as_the_model_says(spec: WorkflowSpec, seed: int) -> None:
        asyncio.run(drive(open_store, [spec], seed, played))

    each_ends_as_the_model_says()
    assert len(played.graphs) > examples / 4, "Hypothesis copies much, but not everything"
    assert played.kills.total() > examples / 10


@pytest.mark.timeout(TIMEOUT_S)
def test_on_sqlite(database_path: Path) -> None:
    drawn(lambda clock: SqliteStore.open(f"sqlite:///{database_path}", clock=clock), 100)


@pytest.mark.timeout(TIMEOUT_S)
def test_on_postgres(postgres_tables_url: str) -> None:
    drawn(lambda clock: PostgresStore.open(postgres_tables_url, clock=clock, survey_s=0.0), 50)
