"""What people are shown of tasks, queues and workers."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from msgspec import Raw

from taskflow_hub.domain import moves
from taskflow_hub.domain.access import ANYBODY
from taskflow_hub.domain.clock import made_at, new_id
from taskflow_hub.domain.errors import Gone, Invalid, NotFound
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.messages import Register
from taskflow_hub.domain.model import DEFAULT_ACCOUNT, TaskType
from taskflow_hub.domain.retry import RetryPolicy
from taskflow_hub.engine.depths import depths_of
from taskflow_hub.engine.queries import Queries
from taskflow_hub.store.sqlite import SqliteStore
from taskflow_hub.store.values import NewTask, Submit, Submitted, TaskFilter

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
ALL = TaskFilter()


class Hall:
    """A store with a clock, and the read models over it."""

    def __init__(self, store: SqliteStore) -> None:
        self.store, self.now = store, NOON
        depths = depths_of(store, self._clock, lambda _: None)
        self.queries = Queries(store, self._clock, depths, {State.SUCCESS: 60.0, State.FAILED: 90.0})
        self.count = 0

    def _clock(self) -> datetime:
        return self.now

    async def submit(
        self, type: str = "work", queue: str | None = None, account: str = DEFAULT_ACCOUNT
    ) -> str:
        self.count += 1
        task = NewTask(
            id=f"0192f0c1-7a3b-7c55-9d2e-{self.count:012}",
            account_id=account,
            type=type,
            queue=queue,
            payload=Raw(b"{}"),
            max_retries=0,
            retry=RetryPolicy(),
            timeout=None,
        )
        (submitted,) = await self.store.submit([Submit((task,))])
        assert isinstance(submitted, Submitted)
        return task.id

    async def register(self, worker: str, *types: str, queues: tuple[str, ...] = ()) -> None:
        await self.store.register(
            Register(
                worker=worker,
                name=worker,
                host="h",
                pid=1,
                version="1",
                slots=10,
                window=0,
                queues=queues,
                types=tuple(TaskType(type=type) for type in types),
            )
        )
        self.queries.forget()

    async def finish(self, count: int) -> None:
        leased = await self.store.lease(None, count)
        assert len(leased.leases) == count
        await self.store.succeed(
            [
                moves.Succeed(
                    id=one.assignment.id, attempt=one.assignment.attempt, ran_s=0.1, result=Raw(b"1")
                )
                for one in leased.leases
            ]
        )

    async def hold(self, task_id: str) -> str | None:
        return (await self.queries.task(DEFAULT_ACCOUNT, task_id)).hold


@pytest_asyncio.fixture
async def hall(database_path: Path) -> AsyncIterator[Hall]:
    halls: list[Hall] = []
    store = await SqliteStore.open(
        f"sqlite:///{database_path}", clock=lambda: halls[0].now if halls else NOON
    )
    halls.append(Hall(store))
    yield halls[0]
    await store.close()


async def test_a_task_nobody_serves_says_so_from_its_first_moment(hall: Hall) -> None:
    task = await hall.submit()
    assert await hall.hold(task) == "no_worker"
    await hall.register("w", "work")
    assert await hall.hold(task) is None


async def test_a_task_in_a_paused_queue_says_so(hall: Hall) -> None:
    await hall.register("w", "work")
    task = await hall.submit()
    await hall.store.pause("default")
    hall.queries.forget()
    assert await hall.hold(task) == "paused"
    (listed,) = (await hall.queries.tasks(DEFAULT_ACCOUNT, ALL, limit=10, cursor=None)).items
    assert listed.hold == "paused"


async def test_many_first_askers_at_once_are_all_told_the_truth(hall: Hall) -> None:
    await hall.register("w", "work")
    task = await hall.submit()
    assert await asyncio.gather(*(hall.hold(task) for _ in range(20))) == [None] * 20


async def test_an_unknown_task_is_not_found_nor_is_another_accounts(hall: Hall) -> None:
    task = await hall.submit(account="somebody")
    for account, task_id in ((DEFAULT_ACCOUNT, task), ("somebody", "nothing")):
        with pytest.raises(NotFound):
            await hall.queries.task(account, task_id)
        with pytest.raises(NotFound):
            await hall.queries.attempts(account, task_id)
        with pytest.raises(NotFound):
            await hall.queries.logs(account, task_id, after=(0, 0), limit=10)
    assert (await hall.queries.task("somebody", task)).id == task


async def test_tasks_are_listed_newest_first_page_by_page(hall: Hall) -> None:
    ids = [await hall.submit() for _ in range(5)]
    listed: list[str] = []
    cursor = None
    while True:
        page = await hall.queries.tasks(DEFAULT_ACCOUNT, ALL, limit=2, cursor=cursor)
        listed += [task.id for task in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert listed == ids[::-1]


async def test_a_foreign_cursor_is_refused(hall: Hall) -> None:
    with pytest.raises(Invalid):
        await hall.queries.tasks(DEFAULT_ACCOUNT, ALL, limit=2, cursor="made up")


async def test_a_queue_shows_its_depth_its_age_and_who_serves_it(hall: Hall) -> None:
    await hall.register("w1", "work", queues=("default",))
    await hall.register("w2", "work", queues=("cpu",))
    await hall.submit()
    hall.now += timedelta(seconds=90)
    await hall.submit()
    await hall.submit("unserved")
    (queue,) = await hall.queries.queues(ANYBODY)
    assert queue.name == "default"
    assert queue.depth == {"scheduled": 0, "blocked": 0, "queued": 3, "running": 0}
    assert queue.held == {"no_worker": 1}
    assert queue.oldest_age == 90.0
    assert queue.workers == ("w1",)
    assert queue.unserved_types == ("unserved",)
    assert queue.suggested_workers == 1


async def test_the_rate_is_what_was_finished_in_the_last_five_minutes(hall: Hall) -> None:
    await hall.register("w", "work")
    for _ in range(6):
        await hall.submit()
    await hall.finish(6)
    assert (await hall.queries.queue(ANYBODY, "default")).rate == pytest.approx(6 / 300)
    hall.now += timedelta(minutes=7)
    assert (await hall.queries.queue(ANYBODY, "default")).rate == 0.0


async def test_what_runs_is_counted_as_running(hall: Hall) -> None:
    await hall.register("w", "work")
    await hall.submit()
    await hall.store.lease(None, 1)
    queue = await hall.queries.queue(ANYBODY, "default")
    assert (queue.depth["running"], queue.depth["queued"], queue.oldest_age) == (1, 0, None)
    (worker,) = await hall.queries.workers()
    assert worker.running == 1


async def test_a_queue_nobody_has_used_is_shown_as_empty_with_who_would_serve_it(hall: Hall) -> None:
    await hall.register("everything", "work")
    queue = await hall.queries.queue(ANYBODY, "new")
    assert (queue.name, queue.paused, queue.max_size) == ("new", False, None)
    assert set(queue.depth.values()) == {0}
    assert queue.workers == ("everything",)


async def test_a_bounded_queue_shows_its_bound_also_when_it_is_empty(hall: Hall) -> None:
    await hall.store.update_queue("small", max_size=3)
    queue = await hall.queries.queue(ANYBODY, "small")
    assert (queue.max_size, queue.depth["queued"]) == (3, 0)


async def test_queues_come_by_name_and_only_with_ones_own_tasks(hall: Hall) -> None:
    for queue in ("b", "a"):
        await hall.submit(queue=queue)
    await hall.submit(queue="a", account="somebody")
    views = {view.name: view.depth["queued"] for view in await hall.queries.queues(ANYBODY)}
    assert list(views.items()) == [("a", 1), ("b", 1)]


async def test_a_finished_task_has_no_hold(hall: Hall) -> None:
    task = await hall.submit()
    await hall.store.cancel(DEFAULT_ACCOUNT, [task])
    found = await hall.queries.task(DEFAULT_ACCOUNT, task)
    assert (found.status, found.hold) == (State.CANCELLED, None)


async def test_the_result_of_a_task_older_than_any_is_kept_is_gone_and_of_a_younger_one_unknown(
    hall: Hall,
) -> None:
    task_id = new_id()
    made = made_at(task_id)
    assert made is not None
    hall.now = made + timedelta(seconds=60)
    with pytest.raises(NotFound) as unknown:
        await hall.queries.outcome(DEFAULT_ACCOUNT, task_id)
    assert not isinstance(unknown.value, Gone)
    hall.now = made + timedelta(seconds=61)
    with pytest.raises(Gone):
        await hall.queries.outcome(DEFAULT_ACCOUNT, task_id)
    with pytest.raises(NotFound) as foreign:  # says nothing of when it was made
        await hall.queries.outcome(DEFAULT_ACCOUNT, str(uuid.uuid4()))
    assert not isinstance(foreign.value, Gone)
