"""The history beside which the bench drains (W7) is such that the hub takes it for its own, on each database."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from bench.flow import PAYLOAD, new_task, new_worker, succeeded
from bench.systems.taskflow_postgres import history

from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.model import DEFAULT_ACCOUNT
from taskflow_hub.store.postgres import PostgresStore
from taskflow_hub.store.sqlite import SqliteStore
from taskflow_hub.store.values import Submit, TaskFilter

MADE = 300
SUCCESSES = TaskFilter(status=(State.SUCCESS,))

Open = Callable[[], Awaitable[SqliteStore | PostgresStore]]


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'bench.db'}"
    found: str = request.getfixturevalue("postgres_tables_url")
    return found


async def open_store(url: str) -> SqliteStore | PostgresStore:
    return await (SqliteStore if url.startswith("sqlite") else PostgresStore).open(url)


async def finish_one(store: SqliteStore | PostgresStore) -> None:
    worker = new_worker(1)
    await store.register(worker)
    await store.submit([Submit((new_task(),))])
    await store.succeed(succeeded((await store.lease([worker.worker], 1)).leases))


async def test_they_are_like_the_one_that_has_finished_but_of_the_days_before(url: str) -> None:
    store = await open_store(url)
    try:
        await finish_one(store)
        await history.make(url, 0, 100)
        await history.make(url, 100, MADE)
        assert await store.count(DEFAULT_ACCOUNT, SUCCESSES) == 1 + MADE
        newest, *made = (await store.search(DEFAULT_ACCOUNT, SUCCESSES, limit=MADE + 1)).items
        assert len({task.id for task in made}) == MADE
        assert made == sorted(made, key=lambda task: task.id, reverse=True)
        for task in made:
            assert (task.type, task.payload, task.result) == (newest.type, PAYLOAD, newest.result)
            assert task.finished_at is not None
            assert timedelta(days=history.DAYS - 1) < datetime.now(UTC) - task.finished_at < timedelta(days=7)
    finally:
        await store.close()


async def test_where_nothing_has_finished_there_is_nothing_to_be_like(url: str) -> None:
    store = await open_store(url)
    try:
        with pytest.raises(ValueError, match="not 10"):
            await history.make(url, 0, 10)
    finally:
        await store.close()
