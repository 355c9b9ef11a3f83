"""Many and heavy: no answer and no transaction grows with what has gathered, and nothing is lost or out of order for it."""

import asyncio
import threading
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from msgspec import Raw

from taskflow_hub.domain.clock import new_id
from taskflow_hub.domain.messages import Register
from taskflow_hub.domain.model import DEFAULT_ACCOUNT, TaskType
from taskflow_hub.domain.retry import RetryPolicy
from taskflow_hub.store.sqlite import SqliteStore, lease, part, search
from taskflow_hub.store.sqlite.transaction import Snapshot, Transaction
from taskflow_hub.store.values import NewTask, Submit, Submitted, TaskFilter

ALL = TaskFilter()


@pytest_asyncio.fixture
async def store(database_path: Path) -> AsyncIterator[SqliteStore]:
    store = await SqliteStore.open(f"sqlite:///{database_path}")
    yield store
    await store.close()


def task(
    octets: int = 2, *, type: str = "t", queue: str = "q", priority: int = 5, id: str | None = None
) -> NewTask:
    return NewTask(
        id=id or new_id(),
        type=type,
        queue=queue,
        priority=priority,
        payload=Raw(b'"' + b"x" * (octets - 2) + b'"'),
        max_retries=3,
        retry=RetryPolicy(),
        timeout=None,
    )


async def submit(store: SqliteStore, tasks: list[NewTask]) -> list[str]:
    (outcome,) = await store.submit([Submit(tuple(tasks))])
    assert isinstance(outcome, Submitted)
    return [task.id for task in outcome.tasks]


async def register(store: SqliteStore, *types: str, slots: int = 1_000) -> str:
    worker = Register(
        worker=new_id(),
        name="w",
        host="h",
        pid=1,
        version="1",
        slots=slots,
        window=0,
        types=tuple(TaskType(type=type) for type in types),
    )
    await store.register(worker)
    return worker.worker


async def lease_all(store: SqliteStore, limit: int = 1_000) -> list[list[str]]:
    """The ids of each call, until there is no more."""
    calls = []
    while True:
        leased = await store.lease(None, limit)
        calls.append([lease.assignment.id for lease in leased.leases])
        if not leased.more and len(leased.leases) < limit:
            return calls


# --- heavy ---------------------------------------------------------------------------------------------------------------


async def test_a_page_ends_early(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "PAGE_OCTETS", 1_000)
    sizes = [10, 400, 400, 400, 5_000, 10, 10, 900]
    ids = sorted(await submit(store, [task(size) for size in sizes]), reverse=True)
    pages, cursor = [], None
    while True:
        page = await store.search(DEFAULT_ACCOUNT, ALL, limit=5, cursor=cursor)
        pages.append([task.id for task in page.items])
        cursor = page.next_cursor
        if cursor is None:
            break
    assert [id for page in pages for id in page] == ids
    assert [len(page) for page in pages] == [4, 3, 1], (
        "up to the task that is one too many, which still comes along"
    )
    entries = await store.entries(DEFAULT_ACCOUNT, ALL, limit=8)
    assert [entry.id for entry in entries.items] == ids, "what shows no payload is not cut"


async def test_tasks_by_id_come_in_several_answers(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(part, "OCTETS_AT_ONCE", 1_000)
    ids = await submit(store, [task(300 + n) for n in range(20)])
    await store.cancel(DEFAULT_ACCOUNT, ids[::2])
    found = await store.tasks([*ids, new_id()])
    assert {id: len(task.payload) for id, task in found.items()} == {id: 300 + n for n, id in enumerate(ids)}


@pytest.mark.parametrize("lines_at_once", [200, 2])
async def test_a_lease_ends_early(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, lines_at_once: int
) -> None:
    """In the order of the line, however the lanes are read."""
    monkeypatch.setattr(lease, "OCTETS_AT_ONCE", 1_000)
    monkeypatch.setattr(lease, "LINES_AT_ONCE", lines_at_once)
    news = [
        task((50, 700, 20, 3_000)[n % 4], queue=f"q{n % 7}", type="tu"[n % 2], priority=n % 3)
        for n in range(60)
    ]
    order = [new.id for new in sorted(news, key=lambda new: -new.priority)]
    octets = {new.id: len(new.payload) for new in news}
    await submit(store, news)
    await register(store, "t", "u")
    calls = await lease_all(store)
    assert [id for ids in calls for id in ids] == order
    assert len(calls) > 10
    assert all(sum(octets[id] for id in ids[:-1]) < 1_000 for ids in calls)


async def test_a_heavy_task_that_has_to_wait_keeps_nobody_waiting(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stands first but must wait for an empty worker is not weighed against those behind it."""
    monkeypatch.setattr(lease, "OCTETS_AT_ONCE", 1_000)
    await submit(store, [task(), task()])
    for _ in range(2):
        await register(store, "t")
    assert len((await store.lease(None, 10)).leases) == 2, "one each, so that nobody is empty"
    (heavy,) = await submit(store, [task(5_000)])

    def crash(tx: Transaction) -> None:
        tx.connection.execute("UPDATE tasks SET crashes = 2 WHERE id = ?", (heavy,))

    await store._writer.write(crash)
    behind = await submit(store, [task(300) for _ in range(10)])
    calls = await lease_all(store)
    assert [id for ids in calls for id in ids] == behind
    assert len(calls) == 3


async def test_a_lease_of_full_lanes_goes_on_to_the_others(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Heavy tasks stand first, for a worker that is soon full; but only what is leased is weighed, not what is seen."""
    monkeypatch.setattr(lease, "OCTETS_AT_ONCE", 1_000)
    await submit(store, [task(600, type="a", priority=9) for _ in range(20)])
    light = await submit(store, [task(20, type="b") for _ in range(10)])
    await register(store, "a", slots=1)
    await register(store, "b")
    (ids,) = await lease_all(store)
    assert set(light) < set(ids)
    assert len(ids) == 11


# --- many ----------------------------------------------------------------------------------------------------------------


async def test_thousands_on_hold_come_back_in_order(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "HELD_AT_ONCE", 20)
    news = [task(type="rare", priority=n % 3) for n in range(110)]
    order = [new.id for new in sorted(news, key=lambda new: -new.priority)]
    await submit(store, news)
    await register(store, "common")
    assert await lease_all(store) == [[]] * 6
    assert (await store.queues())[0].name == "q"
    assert all(depth.hold == "no_worker" for depth in await store.depths(DEFAULT_ACCOUNT))
    await register(store, "rare")
    counts = {depth.hold: depth.count for depth in await store.depths(DEFAULT_ACCOUNT)}
    assert counts == {None: 20, "no_worker": 90}, "one transaction takes no more"
    late = await submit(store, [task(type="rare", priority=0)])
    calls = await lease_all(store, limit=20)
    assert [id for ids in calls for id in ids] == [*order, *late]


async def test_slow_reads_keep_no_quick_one_waiting(store: SqliteStore) -> None:
    """Readiness, the loops of the engine and tasks by id do not stand behind lists and counts."""
    go_on = threading.Event()

    def slow(snapshot: Snapshot) -> bool:
        return go_on.wait(30)

    (id,) = await submit(store, [task()])
    slow_ones = [asyncio.ensure_future(store._readers.read_long(slow)) for _ in range(10)]
    try:
        async with asyncio.timeout(10):
            await store.ping()
            assert await store.task(DEFAULT_ACCOUNT, id)
            assert await store.tasks([id])
            assert await store.revs([id]) == {id: 1}
            assert (await store.promote_due(10)).ids == ()
            assert not await store.workers()
            assert not await store.orphans(10)
            assert not await store.running_bulks()
            assert not await store.task_types()
            assert len(await store.queues()) == 1
    finally:
        go_on.set()
    assert all(await asyncio.gather(*slow_ones))


# --- long ago ------------------------------------------------------------------------------------------------------------


def id_of(at: datetime, n: int) -> str:
    digits = f"{int(at.timestamp() * 1000):012x}7{n:019x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], "8" + digits[17:20], digits[20:]))


async def test_a_list_of_old_tasks_is_not_walked_from_the_newest(database_path: Path) -> None:
    """And an id that is up to a day off does not hide its task."""
    now = datetime(2026, 3, 1, tzinfo=UTC)
    store = await SqliteStore.open(f"sqlite:///{database_path}", clock=lambda: now)
    ids = []
    for day in range(40):
        now = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(days=day)
        off = timedelta(hours=(-23, 0, 23)[day % 3])
        ids += await submit(store, [task(id=id_of(now + off, day * 100 + n)) for n in range(50)])
    begin = datetime(2026, 3, 5, tzinfo=UTC)
    where = TaskFilter(created_after=begin, created_before=begin + timedelta(days=2))
    steps = 0

    def search_it(snapshot: Snapshot) -> list[str]:
        nonlocal steps

        def count() -> None:
            nonlocal steps
            steps += 1

        snapshot.connection.set_progress_handler(count, 10)
        found = search.search(snapshot, DEFAULT_ACCOUNT, where, 1_000, None)
        snapshot.connection.set_progress_handler(None, 10)
        return [task.id for task in found.items]

    found = await store._readers.read_long(search_it)
    few = steps
    where, steps = ALL, 0
    await store._readers.read_long(search_it)
    assert sorted(found) == sorted(ids[4 * 50 : 6 * 50])
    assert few < steps / 5
    assert await store.count(DEFAULT_ACCOUNT, TaskFilter(created_before=begin)) == 200
    for edge in (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)):
        counts = [
            await store.count(DEFAULT_ACCOUNT, TaskFilter(created_before=edge)),
            await store.count(DEFAULT_ACCOUNT, TaskFilter(created_after=edge)),
        ]
        assert sorted(counts) == [0, len(ids)]
    await store.close()
