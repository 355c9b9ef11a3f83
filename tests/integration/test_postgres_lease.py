"""Leasing on PostgreSQL: what many processes on one database must not do to each other."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
import pytest_asyncio

from taskflow_hub.domain import moves
from taskflow_hub.domain.clock import new_id
from taskflow_hub.domain.messages import Register
from taskflow_hub.domain.model import DEFAULT_ACCOUNT, TaskType
from taskflow_hub.domain.submission import Limit
from taskflow_hub.store.postgres import PostgresStore
from taskflow_hub.store.postgres.lease import Found, Leasing
from taskflow_hub.store.postgres.marks import Marks
from taskflow_hub.store.postgres.running import OfWorkflows
from taskflow_hub.store.postgres.statements import SQL_NAMES, statement
from taskflow_hub.store.postgres.transaction import Transaction
from taskflow_hub.store.values import Leased, News, Submit
from taskflow_hub.testing.store_contract.kit import new_task

OpenStores = Callable[[int], Awaitable[list[PostgresStore]]]
NEVER = 3_600.0
LONG_S = 20.0


@pytest_asyncio.fixture
async def stores(postgres_tables_url: str) -> AsyncIterator[OpenStores]:
    opened: list[PostgresStore] = []

    async def open_some(count: int, survey_s: float = NEVER) -> list[PostgresStore]:
        new = [await PostgresStore.open(postgres_tables_url, survey_s=survey_s) for _ in range(count)]
        opened.extend(new)
        return new

    yield open_some
    for store in opened:
        await store.close()


async def register(store: PostgresStore, *types: str, slots: int = 100) -> str:
    worker = new_id()
    declared = tuple(TaskType(type=type) for type in types or ("t",))
    await store.register(
        Register(
            worker=worker,
            previous=None,
            name="w",
            host="h",
            pid=1,
            version="1",
            slots=slots,
            window=0,
            queues=(),
            types=declared,
        )
    )
    return worker


async def submit(store: PostgresStore, count: int, **fields: object) -> list[str]:
    tasks = tuple(new_task(**fields) for _ in range(count))
    await store.submit([Submit(tasks)])
    return [task.id for task in tasks]


def ids(leased: Leased) -> list[str]:
    return [lease.assignment.id for lease in leased.leases]


async def succeed(store: PostgresStore, leased: Leased) -> None:
    await store.succeed(
        [
            moves.Succeed(id=a.id, attempt=a.attempt, ran_s=0.1)
            for a in (lease.assignment for lease in leased.leases)
        ]
    )


async def waits_for_a_lock(sql: asyncpg.Connection, count: int = 1) -> None:
    """Until so many sessions of this database wait for a lock: the signal that the other side has got that far."""
    while True:
        waiting = await sql.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        if waiting >= count:
            return
        await asyncio.sleep(0.005)


async def test_trap_c_a_count_made_while_waiting_is_not_used(
    stores: OpenStores, sql: asyncpg.Connection, postgres_tables_url: str
) -> None:
    """Two processes lease for one worker with three slots; the second waits for the first, and finds no room then."""
    first, second = await stores(2)
    worker = await register(first, slots=3)
    await submit(first, 10)
    async with sql.transaction():  # hold the worker's row, so that both come to wait for it
        await sql.execute("SELECT 1 FROM workers WHERE id = $1 FOR UPDATE", worker)
        leases = [asyncio.ensure_future(store.lease([worker], 100)) for store in (first, second)]
        watcher = await asyncpg.connect(postgres_tables_url)
        await waits_for_a_lock(watcher, 2)
        await watcher.close()
    found = [len(ids(leased)) for leased in await asyncio.gather(*leases)]
    assert sorted(found) == [0, 3]


async def test_a_lease_that_had_to_wait_begins_no_attempt_before_its_task_was_there(
    stores: OpenStores, sql: asyncpg.Connection, postgres_tables_url: str
) -> None:
    """Its transaction began earlier: what came while it waited is leased, too, and must not seem to have run before."""
    leasing, submitting = await stores(2)
    worker = await register(leasing)
    first = await submit(leasing, 1)
    async with sql.transaction():
        await sql.execute("SELECT 1 FROM workers WHERE id = $1 FOR UPDATE", worker)
        lease = asyncio.ensure_future(leasing.lease([worker], 100))
        watcher = await asyncpg.connect(postgres_tables_url)
        await waits_for_a_lock(watcher)
        await watcher.close()
        second = await submit(submitting, 1)
    leased = await lease
    assert ids(leased) == first + second
    await leasing.succeed(
        [moves.Succeed(id=id, attempt=1, ran_s=NEVER) for id in ids(leased)]
    )  # that cannot be, so the moment of the lease is taken
    for task in (await leasing.tasks(ids(leased))).values():
        assert task.started_at is not None
        assert task.started_at >= task.created_at


async def test_a_worker_is_counted_anew_by_whoever_leases_for_it(stores: OpenStores) -> None:
    """What each process remembers of a worker's tasks is never taken for the truth."""
    first, second = await stores(2)
    worker = await register(first, slots=4)
    await submit(first, 100)
    for turn in range(12):
        store = (first, second)[turn % 2]
        leased = await store.lease([worker], 100)
        assert len(leased.leases) == (4 if turn == 0 else 3)
        running = await sql_running(store, worker)
        assert running == 4
        await succeed(store, Leased(leased.leases[:3]))
    assert await sql_running(first, worker) == 1


async def sql_running(store: PostgresStore, worker: str) -> int:
    (found,) = [w for w in await store.workers() if w.id == worker]
    return found.running


async def test_four_processes_drain_one_queue_and_no_task_is_leased_twice(stores: OpenStores) -> None:
    some = await stores(4)
    workers = [await register(store, slots=20) for store in some]
    wanted = set(await submit(some[0], 2_000))
    for store in some[1:]:
        store._dispatch.missed()
    leased_by: Counter[str] = Counter()

    async def drain(store: PostgresStore, worker: str) -> None:
        while leased := (await store.lease([worker], 100)).leases:
            leased_by.update(ids(Leased(leased)))
            await succeed(store, Leased(leased))

    await asyncio.gather(*(drain(store, worker) for store, worker in zip(some, workers, strict=True)))
    assert set(leased_by) == wanted
    assert max(leased_by.values()) == 1


async def test_a_commit_that_comes_late_is_leased_all_the_same(
    stores: OpenStores, sql: asyncpg.Connection
) -> None:
    """Its places lie below the marks of everyone by then."""
    (store,) = await stores(1)
    worker = await register(store)
    (early,) = await submit(store, 1)
    late = new_id()
    async with sql.transaction():
        await sql.execute(  # a caller's own transaction: it takes its places now and commits later
            """
            INSERT INTO tasks
                (id, status, type, queue, priority, seq, max_retries, created_at, account_id, retry, octets, payload)
            SELECT $1::uuid, 'queued', type, queue, priority, nextval('task_seq'), 3, now(), account_id, retry, 2, '{}'
            FROM tasks WHERE id = $2::uuid
            """,
            late,
            early,
        )
        later = await submit(store, 5)
        assert ids(await store.lease([worker], 100)) == [early, *later]
    assert ids(await store.lease([worker], 100)) == [], "nobody has told of it"
    store._dispatch.missed()
    assert ids(await store.lease([worker], 100)) == [late], "a survey finds it"


async def test_another_process_hears_of_new_work_at_once(stores: OpenStores) -> None:
    first, second = await stores(2)
    worker = await register(second)
    assert ids(await second.lease([worker], 10)) == []
    while not first._company._tasks or first._link.loop.time() > first._company._until:
        await first.changed(0.05)  # until they have heard of each other
    wanted = await submit(first, 3)
    found: list[str] = []
    async with asyncio.timeout(LONG_S):
        while not found:
            await second.changed(LONG_S)
            found = ids(await second.lease([worker], 10))
    assert found == wanted


async def test_many_lines_are_merged_in_the_order_of_the_queue(stores: OpenStores) -> None:
    (store,) = await stores(1)
    types = [f"t{number}" for number in range(12)]
    worker = await register(store, *types, slots=50)
    submitted = []
    for number in range(300):
        (task,) = await submit(store, 1, type=types[(number * 7) % 12], priority=(5, 9)[number % 3 == 0])
        submitted.append((number % 3 != 0, number, task))
    wanted = [task for _, _, task in sorted(submitted)]
    found: list[str] = []
    while leased := (await store.lease([worker], 100)).leases:
        found += ids(Leased(leased))
        await succeed(store, Leased(leased))
    assert found == wanted


# --- limits --------------------------------------------------------------------------------------------------------------

ONE = (Limit("a", running=1),)


async def test_another_process_leases_at_once_what_an_end_lets_start(stores: OpenStores) -> None:
    """The limit is filled, and the others put on hold, by one; the end comes there, and the other has a free worker."""
    first, second = await stores(2)
    mine, other = await register(first), await register(second)
    assert ids(await second.lease([other], 10)) == []
    while not first._company._tasks or first._link.loop.time() > first._company._until:
        await first.changed(0.05)  # until they have heard of each other
    tasks = await submit(first, 3, limits=ONE)
    leased = await first.lease([mine], 10)
    assert ids(leased) == tasks[:1]
    while await second.changed(0.2):
        assert ids(await second.lease([other], 10)) == []
    await succeed(first, leased)
    async with asyncio.timeout(LONG_S):
        assert await second.changed(LONG_S)
        assert ids(await second.lease([other], 10)) == tasks[1:2]


async def test_another_process_leases_at_once_what_a_raised_limit_lets_start(stores: OpenStores) -> None:
    first, second = await stores(2)
    mine, other = await register(first), await register(second)
    assert ids(await second.lease([other], 10)) == []
    while not first._company._tasks or first._link.loop.time() > first._company._until:
        await first.changed(0.05)  # until they have heard of each other
    tasks = await submit(first, 4, limits=ONE)
    assert ids(await first.lease([mine], 10)) == tasks[:1]
    while await second.changed(0.2):
        assert ids(await second.lease([other], 10)) == []
    for running, started in ((2, tasks[1:2]), (None, tasks[2:])):
        await first.set_limit(DEFAULT_ACCOUNT, "a", running, None)
        async with asyncio.timeout(LONG_S):
            while News.WORK not in await second.changed(LONG_S):
                pass
        assert ids(await second.lease([other], 10)) == started


async def test_who_raises_a_limit_looks_for_what_others_have_put_on_hold(stores: OpenStores) -> None:
    first, second = await stores(2)
    mine = await register(first)
    tasks = await submit(first, 2, limits=ONE)
    assert ids(await first.lease([mine], 10)) == tasks[:1]
    assert ids(await second.lease([mine], 10)) == []
    second._dispatch._limited, second._dispatch._marks = False, Marks()
    assert ids(await second.lease([mine], 10)) == [], "nobody has told of it"
    await second.set_limit(DEFAULT_ACCOUNT, "a", 2, None)
    assert ids(await second.lease([mine], 10)) == tasks[1:]


async def test_what_is_held_is_known_by_a_hint_or_by_a_survey(
    stores: OpenStores, sql: asyncpg.Connection
) -> None:
    """Held tasks have no marks; who knows of none does not ask."""
    first, second = await stores(2)
    worker = await register(first)
    (task, _) = await submit(first, 2, limits=ONE)
    running = await first.lease([worker], 10)
    other = await register(second)
    assert ids(await second.lease([other], 10)) == []
    for tell in (second._dispatch.limited, second._dispatch.missed):
        second._dispatch._limited = False
        second._dispatch._marks = Marks()
        await sql.execute("UPDATE tasks SET status = 'scheduled', run_at = 'infinity' WHERE id = $1", task)
        assert ids(await second.lease([other], 10)) == [], "nobody has told of it"
        tell()
        (held,) = ids(await second.lease([other], 10))
        await sql.execute("UPDATE tasks SET status = 'queued', hold = 'limit:a' WHERE id = $1", held)
    assert ids(running) == [task]


async def test_who_uses_no_limits_pays_no_statement(stores: OpenStores) -> None:
    (store,) = await stores(1)
    worker = await register(store)
    await submit(store, 3)
    ours = {statement(name): name for name in SQL_NAMES}
    asked: list[str] = []

    async def lease(tx: Transaction) -> Found:
        with tx.connection.query_logger(lambda query: asked.append(query.query)):
            return await Leasing(store._dispatch._marks, OfWorkflows()).lease(tx, [worker], 10, limited=False)

    assert len((await store._writer.write(lease)).leased.leases) == 3
    assert [ours[text] for text in asked if text in ours] == [  # the driver has questions of its own
        "only/lease_workers", "lease_look", "lease_profiles", "only/lease_line",
    ]  # fmt: skip
