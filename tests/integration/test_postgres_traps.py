"""What goes wrong on PostgreSQL when one statement waits for a lock of another: each trap is forced with locks that are held.

(a) After the wait the row is looked at again, but a subquery is not. (b) Two batches that lock their rows in opposite orders
wait for each other. (c) A count made while waiting is old: of what runs under a limit here, of a worker in
test_postgres_lease.py. Where it can be shown, the naive statement goes first and falls into the trap, so that it is known to
be one.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import asyncpg
import pytest
from tests.support.postgres import waits_for_a_lock

from taskflow_hub.domain import moves
from taskflow_hub.domain.clock import new_id
from taskflow_hub.domain.errors import NotAllowed, TaskflowError
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.messages import Assignment, Held, Progressed
from taskflow_hub.domain.model import DEFAULT_ACCOUNT, AttemptOutcome, Reason, Task
from taskflow_hub.domain.moves import Verdict
from taskflow_hub.domain.submission import Limit
from taskflow_hub.store.postgres import moves as verbs
from taskflow_hub.store.postgres.lease import Leasing
from taskflow_hub.store.postgres.marks import Marks
from taskflow_hub.store.postgres.running import OfWorkflows
from taskflow_hub.store.postgres.submit import Intake
from taskflow_hub.store.postgres.transaction import Transaction
from taskflow_hub.store.values import Submit, Submitted
from taskflow_hub.testing.store_contract.kit import DAY_S, OOPS, Kit, new_task

APPLIED, STALE = Verdict.APPLIED, Verdict.STALE
SOON_MS = 100  # a session that waits so long looks whether it is a deadlock


@pytest.fixture
def other(postgres_tables_url: str) -> Callable[[], AbstractAsyncContextManager[asyncpg.Connection]]:
    """Somebody else's connection; where it waits for us and we for it, it hears of it soon."""

    @asynccontextmanager
    async def connect() -> AsyncIterator[asyncpg.Connection]:
        connection = await asyncpg.connect(postgres_tables_url)
        await connection.execute(f"SET deadlock_timeout = {SOON_MS}")
        try:
            yield connection
        finally:
            await connection.close()

    return connect


Other = Callable[[], AbstractAsyncContextManager[asyncpg.Connection]]


async def run_some(kit: Kit, count: int, **fields: Any) -> list[Assignment]:
    """Running attempts of one worker, in the order of their ids."""
    tasks = await kit.submit_all([new_task(**fields) for _ in range(count)])
    await kit.worker(slots=count)
    attempts = await kit.lease_all()
    assert {attempt.id for attempt in attempts} == {task.id for task in tasks}
    return sorted(attempts, key=lambda attempt: attempt.id)


async def owner_of(kit: Kit, id: str) -> str:
    return (await kit.get(id)).worker or ""


# --- (a) a row is looked at again, a subquery is not -------------------------------------------------------------------

# What another reaper, a new worker and a dispatcher may do while a reaper's statement waits.
NEW_OWNER = """
WITH registered AS (
    INSERT INTO workers (id, name, host, pid, version, state, slots, "window", queues, types, registered_at, last_beat_at)
    SELECT $2, name, host, pid, version, 'alive', slots, "window", queues, types, now(), now() FROM workers LIMIT 1
)
UPDATE tasks SET attempt = attempt + 1, worker = $2, lease_no = nextval('task_lease_no'), leased_at = now() WHERE id = $1
"""
NAIVE_LOSE = """
UPDATE tasks SET status = 'queued', worker = NULL
WHERE status = 'running' AND worker NOT IN (SELECT id FROM workers WHERE state <> 'dead')
"""


@pytest.mark.parametrize("how", ["naive", "lose"])
async def test_trap_a_nobody_loses_the_attempt_of_a_new_owner(
    kit: Kit, other: Other, watcher: asyncpg.Connection, how: str
) -> None:
    attempt = await kit.run()
    dead, alive = await owner_of(kit, attempt.id), new_id()
    await kit.store.bury(dead)
    (orphan,) = await kit.store.orphans(10)
    assert (orphan.id, orphan.attempt, orphan.worker) == (attempt.id, 1, dead)

    async def lose() -> list[Verdict]:
        if how == "naive":
            async with other() as naive:
                await naive.execute(NAIVE_LOSE)
            return [STALE]
        lost = moves.Lose(id=orphan.id, attempt=1, worker=dead, outcome=AttemptOutcome.LOST, crashed=True)
        return await kit.store.lose([lost])

    async with other() as sql:
        async with sql.transaction():
            await sql.execute(NEW_OWNER, attempt.id, alive)
            losing = asyncio.ensure_future(lose())
            await waits_for_a_lock(watcher)
        assert await losing == [STALE]
    task = await kit.get(attempt.id)
    stolen = (task.status, task.worker) != (State.RUNNING, alive)
    assert stolen is (how == "naive"), (
        "the trap is one" if how == "naive" else "and ours does not step into it"
    )


@pytest.mark.parametrize("to", ["another worker", "the same worker"])
async def test_trap_a_a_heartbeat_says_nothing_of_the_next_attempt(
    kit: Kit, other: Other, watcher: asyncpg.Connection, to: str
) -> None:
    """It has read that attempt 1 runs; before it can write, that is lost and attempt 2 leased."""
    attempt = await kit.run()
    worker = await owner_of(kit, attempt.id)
    async with other() as sql:
        async with sql.transaction():
            await sql.execute(NEW_OWNER, attempt.id, new_id())
            if to == "the same worker":
                await sql.execute("UPDATE tasks SET worker = $2 WHERE id = $1", attempt.id, worker)
            beating = asyncio.ensure_future(kit.store.heartbeat(worker, [Held(attempt.id, 1, True)]))
            await waits_for_a_lock(watcher)
        assert (await beating).known
    assert (await kit.get(attempt.id)).started_at is None


# --- (b) locks in one order --------------------------------------------------------------------------------------------

Batch = Callable[[Kit, Sequence[Assignment]], Awaitable[Sequence[Any]]]


def _moves(cls: Any, **fields: Any) -> Callable[[Sequence[Assignment]], list[Any]]:
    return lambda attempts: [cls(id=item.id, attempt=item.attempt, **fields) for item in attempts]


async def _lose(kit: Kit, attempts: Sequence[Assignment]) -> list[Verdict]:
    owner = await owner_of(kit, attempts[0].id)
    return await kit.store.lose(_moves(moves.Lose, worker=owner, outcome=AttemptOutcome.LOST)(attempts))


async def _abort(kit: Kit, attempts: Sequence[Assignment]) -> list[Verdict]:
    return await kit.store.abort(_moves(moves.Abort, ran_s=1.0)(attempts))


def _with(verb: str, cls: Any, **fields: Any) -> Batch:
    async def batch(kit: Kit, attempts: Sequence[Assignment]) -> Sequence[Verdict]:
        said: Sequence[Verdict] = await getattr(kit.store, verb)(_moves(cls, **fields)(attempts))
        return said

    return batch


async def _beat(kit: Kit, attempts: Sequence[Assignment]) -> list[bool]:
    worker = await owner_of(kit, attempts[0].id)
    return [
        (await kit.store.heartbeat(worker, [Held(item.id, item.attempt, True) for item in attempts])).known
    ]


async def _cancel(kit: Kit, attempts: Sequence[Assignment]) -> list[State | None]:
    tasks = await kit.store.cancel(DEFAULT_ACCOUNT, [item.id for item in attempts])
    return [None if task is None else task.status for task in tasks]


RUNNING_BATCHES: dict[str, Batch] = {
    "succeed": _with("succeed", moves.Succeed, ran_s=1.0),
    "retry": _with("retry", moves.Retry, ran_s=1.0, delay_s=5.0, error=OOPS),
    "snooze": _with("snooze", moves.Snooze, ran_s=1.0, delay_s=5.0),
    "fail": _with("fail", moves.Fail, ran_s=1.0, reason=Reason.HANDLER, error=OOPS),
    "release": _with("release", moves.Release, ran_s=1.0),
    "progress": _with("progress", Progressed, worker="w", n=1, fraction=0.5),
    "lose": _lose,
    "abort": _abort,
    "cancel": _cancel,
    "heartbeat": _beat,
}

NAIVE_BATCH = "UPDATE tasks SET rev = rev + 1 FROM unnest($1::uuid[]) AS item (id) WHERE tasks.id = item.id"


async def test_trap_b_an_unordered_batch_deadlocks(
    kit: Kit, other: Other, watcher: asyncpg.Connection
) -> None:
    low, high = await run_some(kit, 2)
    async with other() as sql, other() as naive:
        await naive.execute("SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_seqscan = off")
        async with sql.transaction():
            await sql.execute("SELECT FROM tasks WHERE id = $1 FOR UPDATE", low.id)
            waiting = asyncio.ensure_future(naive.execute(NAIVE_BATCH, [high.id, low.id]))
            await waits_for_a_lock(watcher)
            with pytest.raises(asyncpg.DeadlockDetectedError):  # here or there: the server chooses one
                await sql.execute("SELECT FROM tasks WHERE id = $1 FOR UPDATE", high.id)
                await waiting
        await asyncio.wait([waiting])


@pytest.mark.parametrize("verb", RUNNING_BATCHES)
async def test_trap_b_a_batch_locks_in_the_order_of_ids(
    kit: Kit, other: Other, watcher: asyncpg.Connection, verb: str
) -> None:
    """Given high before low it waits for low without holding high, so whoever holds low gets high, too."""
    low, high = await run_some(kit, 2)
    if verb == "abort":
        await kit.store.cancel(DEFAULT_ACCOUNT, [low.id, high.id])
    async with other() as sql:
        async with sql.transaction():
            await sql.execute("SELECT FROM tasks WHERE id = $1 FOR UPDATE", low.id)
            said = asyncio.ensure_future(RUNNING_BATCHES[verb](kit, [high, low]))
            await waits_for_a_lock(watcher)
            await sql.execute("SELECT FROM tasks WHERE id = $1 FOR UPDATE NOWAIT", high.id)
        if verb == "heartbeat":
            assert await said == [True]
        else:
            assert await said == [State.RUNNING if verb == "cancel" else APPLIED] * 2
    assert await _deadlocks(watcher) == 0


@pytest.mark.parametrize("verb", ["unblock", "skip", "cancel", "purge"])
async def test_trap_b_what_has_not_started(
    kit: Kit, other: Other, watcher: asyncpg.Connection, verb: str
) -> None:
    low, high = sorted([(await kit.submit(blocked=True, queue="q")).id for _ in range(2)])
    calls: dict[str, Callable[[], Awaitable[Any]]] = {
        "unblock": lambda: kit.store.unblock([high, low]),
        "skip": lambda: kit.store.skip([high, low]),
        "cancel": lambda: kit.store.cancel(DEFAULT_ACCOUNT, [high, low]),
        "purge": lambda: kit.store.purge(DEFAULT_ACCOUNT, "q", 10),
    }
    async with other() as sql:
        async with sql.transaction():
            await sql.execute("SELECT FROM tasks WHERE id = $1 FOR UPDATE", low)
            said = asyncio.ensure_future(calls[verb]())
            await waits_for_a_lock(watcher)
            await sql.execute("SELECT FROM tasks WHERE id = $1 FOR UPDATE NOWAIT", high)
        assert len(await said) == 2
    assert {await kit.status(id) for id in (low, high)} == {
        {"unblock": State.QUEUED, "skip": State.SKIPPED}.get(verb, State.CANCELLED)
    }


@pytest.mark.parametrize("verb", ["redrive", "delete", "reset"])
async def test_trap_b_what_has_finished(
    kit: Kit, other: Other, watcher: asyncpg.Connection, verb: str
) -> None:
    state = State.SKIPPED if verb == "reset" else State.FAILED
    low, high = sorted([(await kit.in_state(state))[0] for _ in range(2)])
    calls: dict[str, Callable[[], Awaitable[Any]]] = {
        "redrive": lambda: kit.store.redrive(DEFAULT_ACCOUNT, [high, low]),
        "delete": lambda: kit.store.delete(DEFAULT_ACCOUNT, [high, low]),
        "reset": lambda: kit.store.reset([high, low]),
    }
    async with other() as sql:
        async with sql.transaction():
            await sql.execute("SELECT FROM finished_tasks WHERE id = $1 FOR UPDATE", low)
            said = asyncio.ensure_future(calls[verb]())
            await waits_for_a_lock(watcher)
            await sql.execute("SELECT FROM finished_tasks WHERE id = $1 FOR UPDATE NOWAIT", high)
        await said
    assert await watcher.fetchval("SELECT count(*) FROM finished_tasks") == 0


@pytest.mark.parametrize("verb", ["promote_due", "expire_due"])
async def test_what_another_process_is_moving_is_passed_over(kit: Kit, other: Other, verb: str) -> None:
    """Any number of processes promote; none of them waits."""
    held, free = [await kit.submit(delay_s=DAY_S, expires_at=None) for _ in range(2)]
    async with other() as sql:
        await sql.execute(
            "UPDATE tasks SET run_at = now() - interval '1 s', expires_at = now() - interval '1 s'"
        )
        kit.store._front.forget()  # type: ignore[attr-defined]
        async with sql.transaction():
            await sql.execute("SELECT FROM tasks WHERE id = $1 FOR UPDATE", held.id)
            due = await getattr(kit.store, verb)(10)
            assert due.ids == (free.id,)
            due = await getattr(kit.store, verb)(10)
            assert due.ids == ()
            assert 0 < due.next_in_s < 1, "soon, but not at once: that would be a busy loop"
        assert (await getattr(kit.store, verb)(10)).ids == (held.id,)


ROUNDS, EACH = 120, 12


async def test_trap_b_two_processes_end_the_same_attempts_in_opposite_orders(
    kit: Kit, other: Other, watcher: asyncpg.Connection
) -> None:
    """Many rounds, without the writer that would run a deadlocked batch again: none may be one, and each attempt ends once."""
    attempts = await run_some(kit, ROUNDS * EACH)
    owner = await owner_of(kit, attempts[0].id)
    async with other() as first, other() as second:
        for number in range(ROUNDS):
            batch = attempts[number * EACH : (number + 1) * EACH]
            succeeds = _moves(moves.Succeed, ran_s=1.0)(batch)
            loses = _moves(moves.Lose, worker=owner, outcome=AttemptOutcome.LOST)(batch[::-1])
            succeeded, lost = await asyncio.gather(
                verbs.succeed(Transaction(first, None), succeeds, whole=False),
                verbs.lose(Transaction(second, None), loses, whole=False),
            )
            for pair in zip(succeeded, reversed(lost), strict=True):
                assert {*pair} == {APPLIED, STALE}
    assert await _deadlocks(watcher) == 0
    counts = await watcher.fetchrow(
        "SELECT (SELECT count(*) FROM tasks WHERE status = 'queued'), (SELECT count(*) FROM finished_tasks), "
        "(SELECT count(*) FROM attempts), (SELECT sum(count) FROM rollups)"
    )
    assert counts is not None
    queued, finished, ended, counted = counts
    assert queued + finished == ROUNDS * EACH
    assert (ended, counted) == (queued, finished or None)


async def test_trap_b_two_processes_count_the_same_lines_in_opposite_orders(
    kit: Kit, other: Other, watcher: asyncpg.Connection
) -> None:
    """Different tasks, but the same rows of the charts: these are locks, too."""
    queues = [f"q{number}" for number in range(EACH)]
    news = [new_task(queue=queue) for _ in range(2 * ROUNDS) for queue in queues]
    await kit.submit_all(news)
    await kit.worker(slots=len(news))
    leased = {item.id: item for item in await kit.lease_all()}
    attempts = [leased[new.id] for new in news]
    async with other() as first, other() as second:
        for number in range(0, 2 * ROUNDS, 2):
            one = attempts[number * EACH : (number + 1) * EACH]
            two = attempts[(number + 1) * EACH : (number + 2) * EACH][::-1]
            counted = await asyncio.gather(
                verbs.succeed(Transaction(first, None), _moves(moves.Succeed, ran_s=1.0)(one), whole=False),
                verbs.succeed(Transaction(second, None), _moves(moves.Succeed, ran_s=1.0)(two), whole=False),
            )
            assert list(counted) == [[APPLIED] * EACH] * 2
    assert await _deadlocks(watcher) == 0
    assert await watcher.fetchval("SELECT sum(count) FROM rollups") == len(news)


async def _deadlocks(watcher: asyncpg.Connection) -> int:
    found: int = await watcher.fetchval(
        "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    )
    return found


# --- (c) a count made while waiting is old -------------------------------------------------------------------------------

NAIVE_LEASE = """
WITH key AS (SELECT running FROM limits WHERE key = 'a' FOR UPDATE),
run AS (SELECT count(*) AS count FROM tasks WHERE status = 'running'),
first AS (
    SELECT id FROM tasks WHERE status = 'queued' ORDER BY seq
    LIMIT (SELECT running - count FROM key CROSS JOIN run)
    FOR UPDATE SKIP LOCKED
)
UPDATE tasks SET status = 'running', attempt = attempt + 1, worker = 'w', leased_at = now()
WHERE id = ANY (ARRAY(SELECT id FROM first))
"""
RUNNING = "SELECT count(*) FROM tasks WHERE status = 'running'"
THREE = Limit("a", running=3)


async def test_trap_c_a_limit_that_is_locked_counted_and_leased_under_in_one_statement_is_not_kept(
    kit: Kit, other: Other, watcher: asyncpg.Connection
) -> None:
    await kit.submit_all([new_task(limits=(THREE,)) for _ in range(20)])
    async with other() as sql, other() as first, other() as second:
        async with sql.transaction():
            await sql.execute("SELECT FROM limits FOR UPDATE")
            leases = [asyncio.ensure_future(naive.execute(NAIVE_LEASE)) for naive in (first, second)]
            await waits_for_a_lock(watcher, 2)
        await asyncio.gather(*leases)
    assert await watcher.fetchval(RUNNING) == 6, "the trap is one"


async def test_trap_c_what_was_counted_before_the_limit_was_locked_is_counted_again(
    kit: Kit, other: Other, watcher: asyncpg.Connection
) -> None:
    """A lease has seen that nothing runs, and waits before it can lock; meanwhile another process leases three."""
    tasks = await kit.submit_all([new_task(limits=(THREE,)) for _ in range(20)])
    worker = await kit.worker(slots=5)
    async with other() as sql:
        async with sql.transaction():
            await sql.execute("LOCK TABLE limits IN EXCLUSIVE MODE")  # it can be read, but not locked
            leasing = asyncio.ensure_future(kit.store.lease([worker], 100))
            await waits_for_a_lock(watcher)
            await sql.execute(
                "UPDATE tasks SET status = 'running', attempt = 1, worker = 'w', leased_at = now() WHERE id = ANY ($1::uuid[])",
                [task.id for task in tasks[10:13]],
            )
        assert (await leasing).leases == ()
    assert await watcher.fetchval(RUNNING) == 3


async def test_trap_c_a_limit_in_the_hands_of_another_lease_is_passed_over(
    kit: Kit, other: Other, watcher: asyncpg.Connection
) -> None:
    """It has counted, and not leased yet: who comes then neither waits nor counts on his own.

    For two workers each, because for one alone it first tries a single statement, which waits for the table before it locks.
    """
    tasks = await kit.submit_all([new_task(limits=(THREE,)) for _ in range(20)])
    free = await kit.submit()
    first = [await kit.worker(slots=5) for _ in range(2)]
    second = [await kit.worker(slots=20) for _ in range(2)]
    store = await kit.another_store()
    async with other() as sql:
        async with sql.transaction():
            await sql.execute("LOCK TABLE tasks IN SHARE MODE")  # its rows can be locked, but not changed
            leasing = asyncio.ensure_future(kit.store.lease(first, 100))
            await waits_for_a_lock(watcher)
            passing = asyncio.ensure_future(store.lease(second, 100))
            await waits_for_a_lock(watcher, 2)  # with the free task, which it is about to lease
        assert [lease.assignment.id for lease in (await leasing).leases] == [task.id for task in tasks[:3]]
        passed = await passing
    assert [lease.assignment.id for lease in passed.leases] == [free.id]
    assert passed.next_in_s is not None, "it is looked at again soon"
    assert (await store.lease(second, 100)).leases == ()
    assert await watcher.fetchval(RUNNING) == 4


async def test_leases_and_submits_of_the_same_limits_never_wait_in_a_circle(
    kit: Kit, other: Other, watcher: asyncpg.Connection
) -> None:
    """Many rounds, without the writer that would run a deadlocked transaction again; the numbers change each time."""
    keys = "abcdef"
    workers = [await kit.worker(slots=50) for _ in range(2)]
    intakes, leasings = [Intake() for _ in range(2)], []
    for _ in workers:
        marks = Marks()
        marks.lower({("default", "t", new_task().priority, new_task().account_id): 0})
        leasings.append(Leasing(marks, OfWorkflows()))

    async def submit(sql: asyncpg.Connection, intake: Intake, order: str, number: int) -> None:
        limits = [Limit(key, running=1 + (number + place) % 3) for place, key in enumerate(order)]
        request = Submit(tuple(new_task(limits=tuple(limits[n : n + 3])) for n in range(4)))
        async with sql.transaction():
            (outcome,) = await intake.submit(Transaction(sql, None), [request])
        assert isinstance(outcome, Submitted)

    async def lease(sql: asyncpg.Connection, leasing: Leasing, worker: str) -> int:
        tx = Transaction(sql, None)
        async with sql.transaction():
            found = await leasing.lease(tx, [worker], 100, limited=True)
        attempts = [one.assignment for one in found.leased.leases]
        await verbs.succeed(Transaction(sql, None), _moves(moves.Succeed, ran_s=1.0)(attempts), whole=False)
        return len(attempts)

    done = 0
    async with other() as first, other() as second, other() as third, other() as fourth:
        for number in range(ROUNDS):
            _, _, one, two = await asyncio.gather(
                submit(first, intakes[0], keys, number),
                submit(second, intakes[1], keys[::-1], number),
                lease(third, leasings[0], workers[0]),
                lease(fourth, leasings[1], workers[1]),
            )
            done += one + two
    assert await _deadlocks(watcher) == 0
    assert done > 0


# --- what is decided by the row as it is once it is locked --------------------------------------------------------------


async def test_a_cancel_that_waits_for_a_lease_asks_the_attempt(
    kit: Kit, other: Other, watcher: asyncpg.Connection
) -> None:
    task, worker = await kit.submit(), await kit.worker()
    async with other() as sql:
        async with sql.transaction():
            await sql.execute(
                "UPDATE tasks SET status = 'running', attempt = 1, worker = $2, leased_at = now(), taken = 'unknown' "
                "WHERE id = $1",
                task.id,
                worker,
            )
            cancelling = asyncio.ensure_future(kit.cancel(task.id))
            await waits_for_a_lock(watcher)
        cancelled = await cancelling
    assert cancelled.status is State.RUNNING
    assert cancelled.cancel_requested_at is not None


async def test_a_cancel_that_waits_for_an_end_answers_with_it(
    kit: Kit, other: Other, watcher: asyncpg.Connection
) -> None:
    attempt = await kit.run()
    async with other() as sql:
        async with sql.transaction():
            done = _moves(moves.Succeed, ran_s=1.0)([attempt])
            assert await verbs.succeed(Transaction(sql, None), done, whole=False) == [APPLIED]
            cancelling = asyncio.ensure_future(kit.cancel(attempt.id))
            await waits_for_a_lock(watcher)
        assert (await cancelling).status is State.SUCCESS


async def test_a_retry_that_waits_for_a_cancel_becomes_an_abort(
    kit: Kit, other: Other, watcher: asyncpg.Connection
) -> None:
    attempt = await kit.run()
    async with other() as sql:
        async with sql.transaction():
            await sql.execute("UPDATE tasks SET cancel_requested_at = now() WHERE id = $1", attempt.id)
            retrying = asyncio.ensure_future(kit.retry(attempt))
            await waits_for_a_lock(watcher)
        assert await retrying is Verdict.ABORTED
    assert await kit.status(attempt.id) is State.CANCELLED
    assert await kit.outcomes(attempt.id) == [(1, AttemptOutcome.ABORTED)]


async def test_a_poisoning_that_waits_for_the_workers_return_is_refused(
    kit: Kit, other: Other, watcher: asyncpg.Connection
) -> None:
    attempt = await kit.run()
    poison = moves.Fail(id=attempt.id, attempt=1, ran_s=None, reason=Reason.POISON, error=OOPS, crashed=True)
    async with other() as sql:
        async with sql.transaction():
            await sql.execute("UPDATE tasks SET missing = -1 WHERE id = $1", attempt.id)
            failing = asyncio.ensure_future(kit.store.fail([poison]))
            await waits_for_a_lock(watcher)
        assert await failing == [STALE]


async def test_of_two_redrives_one_wins(kit: Kit, other: Other, watcher: asyncpg.Connection) -> None:
    id, _ = await kit.in_state(State.FAILED)
    stores = [kit.store, await kit.another_store()]
    async with other() as sql:
        async with sql.transaction():
            await sql.execute("SELECT FROM finished_tasks WHERE id = $1 FOR UPDATE", id)
            redriving = [asyncio.ensure_future(store.redrive(DEFAULT_ACCOUNT, [id])) for store in stores]
            await waits_for_a_lock(watcher, 2)
        outcomes: list[Task | TaskflowError] = [outcome for (outcome,) in await asyncio.gather(*redriving)]
    assert sorted(isinstance(outcome, Task) for outcome in outcomes) == [False, True]
    assert any(isinstance(outcome, NotAllowed) for outcome in outcomes)
    assert await _places(watcher, id) == (1, 0)
    assert await kit.outcomes(id) == [(1, AttemptOutcome.FAILED)]


async def test_a_delete_and_a_redrive_do_not_both_happen(
    kit: Kit, other: Other, watcher: asyncpg.Connection
) -> None:
    id, _ = await kit.in_state(State.FAILED)
    async with other() as sql:
        async with sql.transaction():
            await sql.execute("SELECT FROM finished_tasks WHERE id = $1 FOR UPDATE", id)
            first = asyncio.ensure_future(kit.store.redrive(DEFAULT_ACCOUNT, [id]))
            await waits_for_a_lock(watcher)
            second = asyncio.ensure_future(kit.store.delete(DEFAULT_ACCOUNT, [id]))
            await waits_for_a_lock(watcher, 2)
        (redriven,), (deleted,) = await first, await second
    assert isinstance(redriven, Task) is isinstance(deleted, NotAllowed)
    assert await _places(watcher, id) == ((1, 0) if isinstance(redriven, Task) else (0, 0))


async def test_a_cancel_of_what_is_just_redriven_cancels_it_again(
    kit: Kit, other: Other, watcher: asyncpg.Connection
) -> None:
    """It may not be answered as queued, as if nobody had asked."""
    id, _ = await kit.in_state(State.CANCELLED)
    other_store = await kit.another_store()
    for _ in range(30):
        _, (task,) = await asyncio.gather(
            other_store.redrive(DEFAULT_ACCOUNT, [id]), kit.store.cancel(DEFAULT_ACCOUNT, [id])
        )
        assert task is not None
        assert task.status is State.CANCELLED
        if await kit.status(id) is State.QUEUED:
            await kit.cancel(id)
        assert await _places(watcher, id) == (0, 1)


async def test_a_task_never_stands_twice(kit: Kit, watcher: asyncpg.Connection) -> None:
    """Everybody pulls at the same few tasks at once, and still each is in one place."""
    stores = [kit.store, await kit.another_store(), await kit.another_store()]
    ids = [(await kit.in_state(State.FAILED, type="t"))[0] for _ in range(3)]
    await kit.worker(slots=10_000)

    async def pull(store: Any, turn: int) -> None:
        for number in range(25):
            some = ids[:: -1 if (number + turn) % 2 else 1]
            await store.redrive(DEFAULT_ACCOUNT, some)
            leased = [lease.assignment for lease in (await store.lease(None, 2)).leases]
            if leased:
                await store.fail(_moves(moves.Fail, ran_s=1.0, reason=Reason.HANDLER, error=OOPS)(leased))
            await store.cancel(DEFAULT_ACCOUNT, some)

    await asyncio.gather(*(pull(store, turn) for turn, store in enumerate(stores)))
    for id in ids:
        assert sum(await _places(watcher, id)) == 1
        attempts = [attempt for attempt, _ in await kit.outcomes(id)]
        assert attempts == [*range(1, len(attempts) + 1)], "each attempt has one row"


async def _places(watcher: asyncpg.Connection, id: str) -> tuple[int, int]:
    row = await watcher.fetchrow(
        "SELECT (SELECT count(*) FROM tasks WHERE id = $1), (SELECT count(*) FROM finished_tasks WHERE id = $1)",
        id,
    )
    assert row is not None
    return row[0], row[1]


# --- hints -------------------------------------------------------------------------------------------------------------


async def test_where_the_scheduled_begin_is_only_a_hint(kit: Kit, other: Other) -> None:
    """A commit that comes late brings a task that was due before others that are promoted: found when the look starts over."""
    first = await kit.submit(delay_s=DAY_S)
    late = await kit.submit(delay_s=DAY_S)
    async with other() as sql:
        await sql.execute("UPDATE tasks SET run_at = now() WHERE id = $1", first.id)
        assert (await kit.store.promote_due(10)).ids == (first.id,)
        await sql.execute("UPDATE tasks SET run_at = now() - interval '1 day' WHERE id = $1", late.id)
        assert (await kit.store.promote_due(10)).ids == ()
        kit.store._front._good_until = 0.0  # type: ignore[attr-defined]  # ten seconds later
        assert (await kit.store.promote_due(10)).ids == (late.id,)
