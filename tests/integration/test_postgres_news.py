"""What processes on one PostgreSQL hear of each other: work at once, the rest gathered, and no more than has changed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial

import pytest

from taskflow_hub.domain import moves
from taskflow_hub.domain.messages import Register
from taskflow_hub.domain.model import DEFAULT_ACCOUNT, TaskType
from taskflow_hub.store.postgres import PostgresStore, listen
from taskflow_hub.store.values import News, Submit
from taskflow_hub.testing.store_contract.company import all_news, listening
from taskflow_hub.testing.store_contract.kit import new_task


@pytest.fixture
async def store(postgres_tables_url: str) -> AsyncIterator[PostgresStore]:
    store = await PostgresStore.open(postgres_tables_url, survey_s=0.0)
    assert await store.changed(60.0) == News.ANYTHING  # it listens from now on, and may have missed something
    yield store
    await store.close()


@pytest.fixture
async def other(store: PostgresStore, postgres_tables_url: str) -> AsyncIterator[PostgresStore]:
    """Another process, which each of the two has heard of."""
    other = await PostgresStore.open(postgres_tables_url, survey_s=0.0)
    yield other
    await other.close()


async def heard(store: PostgresStore, change: Callable[[], Awaitable[object]]) -> News:
    waiting = await listening(store)
    await change()
    return await all_news(store, waiting)


async def test_ready_tasks_are_work_and_nothing_else(store: PostgresStore, other: PostgresStore) -> None:
    few, many = [Submit((new_task(),))], [Submit(tuple([new_task() for _ in range(100)]))]
    for submits in (few, many):
        assert await heard(store, partial(other.submit, submits)) == News.WORK | News.TASKS


async def test_an_end_is_no_work(store: PostgresStore, other: PostgresStore) -> None:
    worker = "w"
    await other.register(
        Register(
            worker=worker, previous=None, name="w", host="h", pid=1, version="1", slots=9, window=0, queues=(),
            types=(TaskType(type="t"),),
        )
    )  # fmt: skip
    await heard(store, lambda: other.submit([Submit((new_task(type="t"),))]))
    (lease,) = (await other.lease([worker], 5)).leases
    end = moves.Succeed(id=lease.assignment.id, attempt=1, ran_s=1.0)
    assert await heard(store, lambda: other.succeed([end])) == News.TASKS


async def test_a_cancel_is_no_work(store: PostgresStore, other: PostgresStore) -> None:
    task = new_task(delay_s=60.0)
    await heard(store, lambda: other.submit([Submit((task,))]))
    assert await heard(store, lambda: other.cancel(DEFAULT_ACCOUNT, [task.id])) == News.TASKS


async def test_work_is_told_at_once_and_the_rest_later(
    store: PostgresStore, other: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await heard(store, lambda: other.submit([Submit((new_task(),))]))
    monkeypatch.setattr(listen, "APART_S", 3_600.0)
    waiting = asyncio.ensure_future(store.changed(60.0))
    await asyncio.sleep(0)
    await other.submit([Submit((new_task(),))])
    assert await waiting == News.WORK
    assert await store.changed(0.0) == News.TASKS


async def test_what_another_version_says_may_be_anything(store: PostgresStore, other: PostgresStore) -> None:
    async def garbage() -> None:
        async with other._link.connection() as connection:
            await connection.execute("SELECT pg_notify($1, 'x')", listen.CHANNEL)

    assert await heard(store, lambda: other._link.run(garbage)) == News.ANYTHING
