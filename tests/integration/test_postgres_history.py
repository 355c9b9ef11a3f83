"""History on PostgreSQL: days are made and taken away whole, nobody waits for it, and what hinders vacuum is told."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from tests.conftest import POSTGRES_VERSION
from tests.support.postgres import FAST, postgres

from taskflow_hub.domain import moves
from taskflow_hub.domain.lifecycle import FINAL, State
from taskflow_hub.domain.messages import Line, Logged
from taskflow_hub.domain.model import DEFAULT_ACCOUNT, ResultRef
from taskflow_hub.domain.submission import OnConflict, Unique
from taskflow_hub.store.postgres import PostgresStore, held_back, history, upkeep
from taskflow_hub.store.postgres.partitions import AHEAD_DAYS, DAILY, Day, add_days, days_there, missing_days
from taskflow_hub.store.postgres.transaction import Transaction
from taskflow_hub.store.values import Call, Idempotency, Submit, Submitted, TaskFilter
from taskflow_hub.testing.store_contract.kit import DAY_S, Kit, ManualClock, new_task

ALL = dict.fromkeys(FINAL, DAY_S)
LONG_S = 20.0  # whoever waits so long waits for a lock that is not let go


@pytest_asyncio.fixture
async def kit(postgres_tables_url: str) -> AsyncIterator[Kit]:
    clock = ManualClock()

    def open_store(clock: Any) -> Awaitable[PostgresStore]:
        return PostgresStore.open(postgres_tables_url, clock=clock, survey_s=0.0)

    kit = Kit(await open_store(clock), clock, open_store)
    yield kit
    await kit.close()


@pytest.fixture
def store(kit: Kit) -> PostgresStore:
    assert isinstance(kit.store, PostgresStore)
    return kit.store


Connect = Callable[[], AbstractAsyncContextManager[asyncpg.Connection]]


@pytest.fixture
def connect(postgres_tables_url: str) -> Connect:
    """Somebody else's connection."""

    @asynccontextmanager
    async def connected() -> AsyncIterator[asyncpg.Connection]:
        connection = await asyncpg.connect(
            postgres_tables_url, server_settings={"application_name": "report"}
        )
        try:
            yield connection
        finally:
            await connection.close()

    return connected


async def days(store: PostgresStore) -> set[Day]:
    return await store._readers.read(days_there)


async def rows(store: PostgresStore, sql: str) -> int:
    found: int = await store._readers.read(lambda snapshot: snapshot.value(sql))
    return found


async def everything_else(store: PostgresStore) -> list[int]:
    """How many rows stand in the tables beside the tasks'."""
    tables = ("task_tags", "calls", "attempts", "log_lines", "leaving_days")
    return [await rows(store, f"SELECT count(*) FROM {table}") for table in tables]


async def with_all_that_belongs_to_it(kit: Kit, n: int = 0) -> str:
    """A task that has succeeded, with a tag, a call, an earlier attempt, a line of its log and a result outside the store."""
    attempt = await kit.run(tags=("x",))
    await kit.release(attempt)
    again = await kit.run_again(attempt.id)
    line = Line(n=1, at=kit.clock.now, level="info", message="m")
    await kit.store.log([Logged(worker="w", n=1, id=again.id, attempt=2, lines=(line,))])
    submitted = await kit.submit_request(
        Submit((new_task(delay_s=100 * DAY_S),), call=Call(moves.Fence(again.id, 2), 1))
    )
    assert isinstance(submitted, Submitted)
    ref = ResultRef(storage="folder", ref=f"{n}", preview="", size=1, ttl=None)
    await kit.store.succeed([moves.Succeed(id=again.id, attempt=2, ran_s=1.0, result_ref=ref)])
    return again.id


# --- making ----------------------------------------------------------------------------------------------------------


async def test_days_are_there_before_they_are_needed(kit: Kit, store: PostgresStore) -> None:
    assert len(await days(store)) == len(DAILY) * (AHEAD_DAYS + 2)
    kit.clock.advance(DAY_S)
    assert len(await store._readers.read(missing_days)) == len(DAILY)
    await store.prune({}, 10)
    assert await store._readers.read(missing_days) == []
    await store.prune({}, 10)
    assert len(await days(store)) == len(DAILY) * (AHEAD_DAYS + 3)


async def test_several_processes_make_the_same_days(kit: Kit, store: PostgresStore) -> None:
    others = [store, await kit.another_store(), await kit.another_store()]
    kit.clock.advance(10 * DAY_S)
    await asyncio.gather(*(other.prune({}, 10) for other in others))
    assert await store._readers.read(missing_days) == []


async def test_whoever_meets_a_missing_day_makes_it(kit: Kit) -> None:
    kit.clock.advance(30 * DAY_S)
    id, _ = await kit.in_state(State.FAILED)
    assert await kit.status(id) is State.FAILED


async def test_a_made_day_is_as_the_others(store: PostgresStore, connect: Connect, kit: Kit) -> None:
    """Attached or made as a part: the same columns, indexes and storage."""
    async with connect() as other:
        await other.execute(
            "CREATE TABLE made_as_a_part PARTITION OF finished_success "
            "FOR VALUES FROM ('2001-01-01 00:00:00+00') TO ('2001-01-02 00:00:00+00')"
        )
        attached = Day(kit.clock.now.date(), "finished_success").name
        seen = []
        for name in (attached, "made_as_a_part"):
            columns = await other.fetch(
                "SELECT attname, atttypid, attnotnull, attstorage::text FROM pg_attribute "
                "WHERE attrelid = $1::text::regclass AND attnum > 0 ORDER BY attnum",
                name,
            )
            indexes = await other.fetch("SELECT indexdef FROM pg_indexes WHERE tablename = $1", name)
            plain = sorted(row["indexdef"].partition(" USING ")[2] for row in indexes)
            seen.append(([tuple(row) for row in columns], plain))
        assert seen[0] == seen[1]


async def test_making_days_waits_for_nobody_and_nobody_waits(
    kit: Kit, store: PostgresStore, connect: Connect
) -> None:
    await kit.in_state(State.SUCCESS)
    async with connect() as other, other.transaction():
        await other.fetch("SELECT * FROM finished_tasks FOR UPDATE")
        await other.execute("DELETE FROM attempts")
        kit.clock.advance(DAY_S)
        async with asyncio.timeout(LONG_S):
            await store._writer.write(add_days)
        assert await store._readers.read(missing_days) == []


# --- taking away -------------------------------------------------------------------------------------------------------


async def test_each_outcome_has_its_own_retention(kit: Kit, store: PostgresStore) -> None:
    first = kit.clock.now.date()
    for state in FINAL:
        await kit.in_state(state)
    keep = {
        State.SUCCESS: DAY_S,
        State.CANCELLED: 3 * DAY_S,
        State.SKIPPED: 3 * DAY_S,
        State.FAILED: 5 * DAY_S,
    }
    gone_on: dict[str, int] = {}
    for day in range(1, 9):
        kit.clock.advance(DAY_S)
        await store.prune(keep, 10)
        there = await days(store)
        for parent in DAILY:
            if Day(first, parent) not in there:
                gone_on.setdefault(parent, day)
    assert gone_on == {
        "finished_success": 2,
        "finished_cancelled": 4,
        "finished_skipped": 4,
        "finished_failed": 6,
        "attempts": 6,
        "log_lines": 6,
    }
    assert await store.count(DEFAULT_ACCOUNT, TaskFilter(status=tuple(FINAL))) == 0


async def test_longer_than_there_are_dates(kit: Kit, store: PostgresStore) -> None:
    await kit.in_state(State.SUCCESS)
    kit.clock.advance(3 * DAY_S)
    assert (await store.prune(dict.fromkeys(FINAL, 1e15), 10)).tasks == 0


async def test_what_belongs_to_a_task_goes_with_its_day(kit: Kit, store: PostgresStore) -> None:
    id = await with_all_that_belongs_to_it(kit)
    assert await everything_else(store) == [1, 1, 1, 1, 0]
    kit.clock.advance(3 * DAY_S)
    pruned = await store.prune(ALL, 10)
    assert (pruned.tasks, pruned.with_result_ref) == (1, (id,))
    assert await everything_else(store) == [0] * 5


async def test_where_one_outcome_is_kept_for_ever_attempts_and_logs_go_task_by_task(
    kit: Kit, store: PostgresStore
) -> None:
    await with_all_that_belongs_to_it(kit)
    failed = await kit.run()
    await kit.release(failed)
    await kit.fail(await kit.run_again(failed.id))
    kit.clock.advance(3 * DAY_S)
    before = await days(store)
    pruned = await store.prune({State.SUCCESS: DAY_S, State.CANCELLED: DAY_S, State.SKIPPED: DAY_S}, 10)
    assert pruned.tasks == 1
    assert await everything_else(store) == [0, 0, 1, 0, 0]
    assert {day for day in before - await days(store) if day.parent in {"attempts", "log_lines"}} == set()
    assert len(await kit.outcomes(failed.id)) == 2


async def test_a_large_day_is_cleared_in_steps_and_told_of_once(
    kit: Kit, store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "STEP", 2)
    ids = [await with_all_that_belongs_to_it(kit, n) for n in range(5)]
    kit.clock.advance(3 * DAY_S)
    seen = []
    for _ in range(4):
        pruned = await store.prune(ALL, 2)
        assert await store.tasks(ids) == {}, "from the first step on the whole day is gone"
        seen.append((pruned.tasks, pruned.with_result_ref, pruned.more))
    assert [(tasks, more) for tasks, _, more in seen] == [(2, True), (2, True), (1, False), (0, False)]
    assert [id for _, outside, _ in seen for id in outside] == sorted(ids)
    assert await everything_else(store) == [0] * 5


async def test_a_process_that_dies_while_it_clears_a_day_leaves_it_to_the_next(
    kit: Kit, store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "STEP", 2)
    for n in range(3):
        await with_all_that_belongs_to_it(kit, n)
    kit.clock.advance(3 * DAY_S)
    assert (await store.prune(ALL, 2)).tasks == 2
    other = await kit.another_store()
    assert (await other.prune(ALL, 2)).tasks == 1
    assert await everything_else(store) == [0] * 5


# --- locks ---------------------------------------------------------------------------------------------------------------


async def slowest_of_work(kit: Kit, while_: Awaitable[object]) -> float:
    """Let tasks succeed one after the other while something else goes on; the longest that one took."""
    other = asyncio.ensure_future(while_)
    attempts = [await kit.run() for _ in range(3)]
    slowest = 0.0
    while not other.done() or attempts:
        if attempts:
            began = time.monotonic()
            await kit.succeed(attempts.pop())
            slowest = max(slowest, time.monotonic() - began)
        else:
            attempts.append(await kit.run())
    await other
    return slowest


@pytest.mark.parametrize(
    "using",
    ["SELECT count(*) FROM finished_tasks", "LOCK TABLE finished_success IN SHARE UPDATE EXCLUSIVE MODE"],
)
async def test_a_lock_that_is_held_stops_neither_work_nor_the_pruner(
    kit: Kit, store: PostgresStore, connect: Connect, using: str
) -> None:
    await kit.in_state(State.SUCCESS)
    kit.clock.advance(3 * DAY_S)
    await store.prune({}, 10)  # the days ahead
    before = await days(store)
    async with connect() as other:
        async with other.transaction():
            await other.execute(using)  # a moment ago, so it is tried
            pruning = store.prune({State.SUCCESS: DAY_S}, 10)  # the table into which the work goes
            slowest = await slowest_of_work(kit, asyncio.wait_for(pruning, LONG_S))
        assert slowest < LONG_S / 2, "100 ms, and what a busy machine adds"
        assert await days(store) == before, "another time"
    assert (await store.prune(ALL, 10)).tasks == 1


async def test_who_has_been_there_for_long_is_not_even_tried_against(
    kit: Kit, store: PostgresStore, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    await kit.in_state(State.SUCCESS)
    kit.clock.advance(3 * DAY_S)
    async with connect() as other, other.transaction():
        await other.execute("SELECT count(*) FROM finished_tasks")
        await asyncio.sleep(1.1)
        monkeypatch.setattr(history, "_at_once", None)
        assert (await store.prune(ALL, 10)).tasks == 0
        monkeypatch.undo()
    assert (await store.prune(ALL, 10)).tasks == 1


async def test_a_day_that_is_being_cleared_by_one_is_left_alone_by_others(
    kit: Kit, store: PostgresStore, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "STEP", 1)
    for n in range(2):
        await with_all_that_belongs_to_it(kit, n)
    kit.clock.advance(3 * DAY_S)
    assert (await store.prune(ALL, 1)).tasks == 1
    async with connect() as other, other.transaction():
        await other.execute("SELECT * FROM leaving_days FOR UPDATE")
        async with asyncio.timeout(LONG_S):
            assert (await store.prune(ALL, 1)).tasks == 0
    assert (await store.prune(ALL, 1)).tasks == 1


async def test_keys_that_are_just_being_used_are_not_waited_for(
    kit: Kit, store: PostgresStore, connect: Connect
) -> None:
    key = Idempotency(DEFAULT_ACCOUNT, "/tasks", "k", "f", ttl_s=1.0)
    task = new_task(unique=Unique("k", 1.0, OnConflict.RETURN))
    await kit.submit_request(Submit((task,), key))
    await kit.cancel(task.id)
    kit.clock.advance(DAY_S)
    keys = "SELECT (SELECT count(*) FROM unique_keys) + (SELECT count(*) FROM idempotency_keys)"
    async with connect() as other, other.transaction():
        await other.execute("SELECT * FROM unique_keys FOR UPDATE")
        await other.execute("SELECT * FROM idempotency_keys FOR UPDATE")
        async with asyncio.timeout(LONG_S):
            await store.prune({}, 10)
        assert await rows(store, keys) == 2
    await store.prune({}, 10)
    assert await rows(store, keys) == 0


async def test_a_key_is_looked_at_again_once_it_is_locked(kit: Kit, store: PostgresStore) -> None:
    """Between the look and the lock somebody may have taken it, or its task may have been redriven (trap a)."""
    holder = await kit.submit(unique=Unique("k", 1.0, OnConflict.RETURN))
    kit.clock.advance(DAY_S)

    async def prune(tx: Transaction) -> int:
        assert await tx.fetch(upkeep.PRUNE_UNIQUE_LOCK, tx.now, 10) == []
        return await tx.run(upkeep.PRUNE_UNIQUE_KEYS, tx.now, [DEFAULT_ACCOUNT], ["t"], ["k"])

    assert await store._writer.write(prune) == 0
    await kit.cancel(holder.id)
    await store.prune({}, 10)
    assert await rows(store, "SELECT count(*) FROM unique_keys") == 0


# --- what hinders vacuum -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("isolation", "doing", "hinders"),
    [
        ("read_committed", "SELECT pg_current_xact_id()", True),
        ("repeatable_read", "SELECT count(*) FROM tasks", True),
        ("read_committed", "SELECT count(*) FROM tasks", False),
    ],
    ids=["with an id", "with a snapshot", "with neither"],
)
async def test_a_transaction_left_open_is_told_of(
    store: PostgresStore,
    connect: Connect,
    monkeypatch: pytest.MonkeyPatch,
    isolation: Any,
    doing: str,
    hinders: bool,
) -> None:
    async with connect() as other:
        # The hub's own transactions count as well once none is too short to be told of: only the other's are looked for.
        pid = f"pid {other.get_server_pid()},"

        async def told() -> list[str]:
            return [sentence for sentence in await store.warnings() if pid in sentence]

        async with other.transaction(isolation=isolation):
            await other.execute(doing)
            assert await told() == [], "not for a minute yet"
            monkeypatch.setattr(held_back, "AFTER", timedelta(0))
            said = await told()
            if hinders:
                (sentence,) = said
                for words in ("'taskflow'", "'report'", "idle in transaction"):
                    assert words in sentence
            else:
                assert said == []
        assert await told() == []


async def test_a_transaction_that_was_prepared_and_forgotten_is_told_of(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with postgres(POSTGRES_VERSION, **FAST, max_prepared_transactions="1") as server:
        store = await PostgresStore.open(server.url())
        other = await asyncpg.connect(server.url())
        try:
            await other.execute("BEGIN; SELECT pg_current_xact_id(); PREPARE TRANSACTION 'forgotten'")
            assert await store.warnings() == []
            monkeypatch.setattr(held_back, "AFTER", timedelta(0))
            assert any("'forgotten'" in sentence for sentence in await store.warnings())
        finally:
            await other.close()
            await store.close()
