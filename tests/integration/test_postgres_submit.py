"""Submits on PostgreSQL, where transactions stand in each other's way: repeated commits, keys, bounds, parents."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
from msgspec import Raw

from taskflow_hub.domain import moves
from taskflow_hub.domain.audit import Actor, By
from taskflow_hub.domain.clock import new_id
from taskflow_hub.domain.errors import (
    Invalid,
    LeaseLost,
    QueueFull,
    QuotaExceeded,
    Unavailable,
    UniqueConflict,
)
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.messages import Register
from taskflow_hub.domain.model import DEFAULT_ACCOUNT, TaskType
from taskflow_hub.domain.moves import Fence, Verdict
from taskflow_hub.domain.submission import OnConflict, Unique
from taskflow_hub.store.postgres import PostgresStore
from taskflow_hub.store.values import AuditFilter, Call, Idempotency, NewTask, Submit, Submitted, TaskFilter
from taskflow_hub.testing.faults import TcpProxy
from taskflow_hub.testing.store_contract.kit import comparable, new_task


@pytest.fixture
async def store(postgres_tables_url: str) -> AsyncIterator[PostgresStore]:
    store = await PostgresStore.open(postgres_tables_url, survey_s=0.0)
    yield store
    await store.close()


@pytest.fixture
async def other(postgres_tables_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A transaction that others have open."""
    connection = await asyncpg.connect(postgres_tables_url)
    await connection.execute("BEGIN")
    yield connection
    await connection.close()


async def someone_waits(watcher: asyncpg.Connection) -> None:
    async with asyncio.timeout(20):
        while not await watcher.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def good(outcome: object) -> Submitted:
    assert isinstance(outcome, Submitted), outcome
    return outcome


async def count(store: PostgresStore, account: str = DEFAULT_ACCOUNT) -> int:
    return await store.count(account, TaskFilter())


# --- the same again: a commit whose answer was lost


async def test_a_commit_that_is_still_under_way_when_it_is_repeated(
    store: PostgresStore, other: asyncpg.Connection, watcher: asyncpg.Connection
) -> None:
    """The connection broke during the commit, and the server is not done with it yet."""
    request = Submit((new_task(), new_task()))
    await _insert_first(other, request.tasks[0])
    again = asyncio.ensure_future(store.submit([request]))
    await someone_waits(watcher)
    await _insert_first(other, request.tasks[1])
    await other.execute("COMMIT")
    (outcome,) = await again
    assert (good(outcome).created, good(outcome).replayed) == ((True, True), False)
    assert await count(store) == 2


async def test_a_commit_that_came_through_and_whose_task_has_ended_meanwhile(
    store: PostgresStore, other: asyncpg.Connection, watcher: asyncpg.Connection
) -> None:
    """Neither among the tasks when it was looked for, nor when it was inserted: it is found among the finished."""
    task = new_task()
    old = Submit((task,))
    await store.submit([Submit((new_task(),))])  # so that `task` is older than the newest
    await _insert_first(other, task)
    again = asyncio.ensure_future(store.submit([old]))
    await someone_waits(watcher)
    await other.execute(
        "WITH ended AS (DELETE FROM tasks WHERE id = $1 RETURNING *) "
        "INSERT INTO finished_tasks (id, status, attempt, type, queue, priority, rev, crashes, retry_count, created_at, "
        "tags, account_id, finished_at, retry, unrouted, octets, payload) "
        "SELECT id, 'cancelled', attempt, type, queue, priority, rev, crashes, retry_count, created_at, tags, "
        "account_id, now(), retry, unrouted, octets, payload FROM ended",
        task.id,
    )
    await other.execute("COMMIT")
    (outcome,) = await again
    assert good(outcome).tasks[0].status is State.CANCELLED
    assert await count(store) == 2
    assert await watcher.fetchval("SELECT count(*) FROM tasks WHERE id = $1", task.id) == 0


async def test_a_verb_that_runs_again_changes_nothing(store: PostgresStore) -> None:
    """What the writer does when the connection is lost during the commit: the very same items once more."""
    plain, keyed = Submit((new_task(), new_task(tags=("x",)))), Submit((new_task(unique=Unique("k")),))
    answered = Submit((new_task(),), Idempotency(DEFAULT_ACCOUNT, "/tasks", "k", "f"))
    first = await store.submit([plain, keyed, answered])
    again = await store.submit([plain, keyed, answered])
    for one, two in zip(first, again, strict=True):
        assert (good(one).created, good(one).replayed) == (good(two).created, good(two).replayed)
        assert [comparable(task) for task in good(one).tasks] == [
            comparable(task) for task in good(two).tasks
        ]
    assert await count(store) == 4


async def test_ids_that_are_older_than_the_newest_are_inserted_all_the_same(store: PostgresStore) -> None:
    older = [new_task() for _ in range(3)]
    await store.submit([Submit((new_task(),))])
    outcomes = await store.submit([Submit((task,)) for task in reversed(older)])
    assert [good(outcome).created for outcome in outcomes] == [(True,)] * 3
    assert set(await store.tasks([task.id for task in older])) == {task.id for task in older}


# --- keys


async def test_a_hundred_requests_with_one_key_on_two_processes(
    store: PostgresStore, postgres_tables_url: str
) -> None:
    second = await PostgresStore.open(postgres_tables_url)
    requests = [Submit((new_task(),), Idempotency(DEFAULT_ACCOUNT, "/tasks", "k", "f")) for _ in range(100)]
    answers = await asyncio.gather(
        *((store, second)[n % 2].submit([request]) for n, request in enumerate(requests))
    )
    outcomes = [good(outcome) for (outcome,) in answers]
    assert Counter(outcome.replayed for outcome in outcomes) == {False: 1, True: 99}
    assert len({outcome.tasks[0].id for outcome in outcomes}) == 1
    assert await count(store) == 1
    await second.close()


@pytest.mark.parametrize("kind", ["idempotency", "unique"])
async def test_keys_are_taken_in_one_order(
    store: PostgresStore, other: asyncpg.Connection, watcher: asyncpg.Connection, kind: str
) -> None:
    """Whoever has the first key gets the second, for those who wait for the first have no other (trap b of the design)."""

    def request(key: str) -> Submit:
        if kind == "unique":
            return Submit((new_task(unique=Unique(key)),))
        return Submit((new_task(),), Idempotency("default", "t", key, "f"))

    insert = (
        "INSERT INTO unique_keys VALUES ('default', 't', $1, gen_random_uuid(), now())"
        if kind == "unique"
        else "INSERT INTO idempotency_keys VALUES ('default', 't', $1, 'f', '[]', now() - interval '1 s')"
    )
    await other.execute(insert, "a")
    waiting = asyncio.ensure_future(store.submit([request("c"), request("b"), request("a")]))
    await someone_waits(watcher)
    await other.execute("SET lock_timeout = '500ms'")
    await other.execute(insert, "b")
    await other.execute(insert, "c")
    await other.execute("COMMIT")
    assert [good(outcome).created for outcome in await waiting] == [(True,)] * 3


async def test_a_refused_submit_leaves_no_row_of_a_key(
    store: PostgresStore, watcher: asyncpg.Connection
) -> None:
    await store.update_queue("full", max_size=0)
    request = Submit(
        (new_task(unique=Unique("k", window=60.0)), new_task(queue="full")),
        Idempotency(DEFAULT_ACCOUNT, "/tasks", "k", "f"),
    )
    (outcome,) = await store.submit([request])
    assert isinstance(outcome, QueueFull)
    for table in ("idempotency_keys", "unique_keys", "tasks"):
        assert await watcher.fetchval(f"SELECT count(*) FROM {table}") == 0, table


async def test_of_two_submits_with_one_key_the_first_may_be_refused(store: PostgresStore) -> None:
    await store.update_queue("full", max_size=0)
    key, unique = Idempotency(DEFAULT_ACCOUNT, "/tasks", "k", "f"), Unique("k")
    refused = Submit((new_task(unique=unique), new_task(queue="full")), key)
    made, replay = (Submit((new_task(unique=unique),), key) for _ in range(2))
    outcomes = await store.submit([refused, made, replay])
    assert isinstance(outcomes[0], QueueFull)
    assert good(outcomes[1]).tasks[0].id == good(outcomes[2]).tasks[0].id == made.tasks[0].id
    assert good(outcomes[2]).replayed
    (later,) = await store.submit([Submit((new_task(unique=unique),))])
    assert good(later).tasks[0].id == made.tasks[0].id


async def test_what_was_made_in_the_same_call_makes_way(store: PostgresStore) -> None:
    replace = Unique("k", 0.0, OnConflict.REPLACE)
    first, second, third = (Submit((new_task(unique=replace),)) for _ in range(3))
    outcomes = [good(outcome) for outcome in await store.submit([first, second, third])]
    assert [outcome.replaced for outcome in outcomes] == [(), (first.tasks[0].id,), (second.tasks[0].id,)]
    states = [outcome.tasks[0].status for outcome in outcomes]
    assert states == [State.CANCELLED, State.CANCELLED, State.QUEUED], "the tasks as they are now"


async def test_a_holder_that_is_leased_just_now_does_not_make_way(
    store: PostgresStore, other: asyncpg.Connection, watcher: asyncpg.Connection
) -> None:
    (holder,) = await store.submit([Submit((new_task(unique=Unique("k")),))])
    id = good(holder).tasks[0].id
    await other.execute("UPDATE tasks SET status = 'running', attempt = 1, worker = 'w' WHERE id = $1", id)
    request = Submit((new_task(unique=Unique("k", 0.0, OnConflict.REPLACE)),))
    waiting = asyncio.ensure_future(store.submit([request]))
    await someone_waits(watcher)
    await other.execute("COMMIT")
    (outcome,) = await waiting
    assert isinstance(outcome, UniqueConflict)
    assert (await store.tasks([id]))[id].status is State.RUNNING


# --- bounds


async def test_a_bound_is_counted_after_its_lock(
    store: PostgresStore, other: asyncpg.Connection, watcher: asyncpg.Connection
) -> None:
    """Another process fills the queue while this one waits for it (trap c of the design)."""
    await store.update_queue("q", max_size=2)
    await other.execute("SELECT FROM queues WHERE name = 'q' FOR UPDATE")
    requests = [Submit((new_task(queue="q"),)) for _ in range(2)]
    waiting = asyncio.ensure_future(store.submit(requests))
    await someone_waits(watcher)
    await _insert_first(other, new_task(queue="q"))
    await other.execute("COMMIT")
    assert [type(outcome) for outcome in await waiting] == [Submitted, QueueFull]


async def test_a_bound_that_is_taken_away_while_it_is_waited_for(
    store: PostgresStore, other: asyncpg.Connection, watcher: asyncpg.Connection
) -> None:
    await store.update_queue("q", max_size=0)
    await other.execute("UPDATE queues SET max_size = NULL WHERE name = 'q'")
    waiting = asyncio.ensure_future(store.submit([Submit((new_task(queue="q"),))]))
    await someone_waits(watcher)
    await other.execute("COMMIT")
    (outcome,) = await waiting
    good(outcome)


# --- calls


async def test_a_call_and_the_end_of_its_attempt(
    store: PostgresStore, other: asyncpg.Connection, watcher: asyncpg.Connection
) -> None:
    """While the parent's row is locked by a move, a call waits, and then finds that the attempt is over."""
    parent = new_task()
    await store.submit([Submit((parent,))])
    worker = new_id()
    declared = (TaskType(type="t"),)
    await store.register(
        Register(
            worker=worker, previous=None, name="w", host="h", pid=1, version="1", slots=9, window=0, queues=(),
            types=declared,
        )
    )  # fmt: skip
    assert len((await store.lease([worker], 5)).leases) == 1

    def call(number: int) -> Submit:
        return Submit((new_task(type="child", parent_id=parent.id),), call=Call(Fence(parent.id, 1), number))

    (made,) = await store.submit([call(1)])
    await other.execute("SELECT FROM tasks WHERE id = $1 FOR UPDATE", parent.id)
    waiting = asyncio.ensure_future(store.submit([call(2), call(1)]))
    await someone_waits(watcher)
    await other.execute("UPDATE tasks SET attempt = 2 WHERE id = $1", parent.id)
    await other.execute("COMMIT")
    assert [type(outcome) for outcome in await waiting] == [LeaseLost, LeaseLost]
    assert await store.succeed([moves.Succeed(id=parent.id, attempt=1, ran_s=1.0)]) == [Verdict.STALE]
    assert good(made).tasks[0].parent_id == parent.id


# --- what cannot be stored


@pytest.mark.parametrize("text", ["a\0b", "a\ud800b"])
async def test_text_that_cannot_be_stored_fails_alone(store: PostgresStore, text: str) -> None:
    bad: list[dict[str, Any]] = [
        {"tags": (text,)},
        {"user_id": text},
        {"unique": Unique(text)},
        {"traceparent": text},
    ]
    requests = [Submit((new_task(),)), *(Submit((new_task(), new_task(**fields))) for fields in bad)]
    requests.append(Submit((new_task(),), Idempotency(DEFAULT_ACCOUNT, "/tasks", text, "f")))
    requests.append(Submit((new_task(unique=Unique("k")),)))
    outcomes = await store.submit(requests)
    assert [type(outcome) for outcome in outcomes] == [Submitted, *[Invalid] * 5, Submitted]
    assert await count(store) == 2


async def test_any_json_can_be_stored(store: PostgresStore) -> None:
    payload = Raw(b'{"nul": "\\u0000", "pair": "\\ud83d\\ude00", "other": "\\\\u0000 \xf0\x9f\x98\x80"}')
    task = new_task(payload=payload)
    await store.submit([Submit((task,))])
    found = (await store.tasks([task.id]))[task.id]
    assert bytes(found.payload) == bytes(payload)


# --- many


async def test_ten_thousand_in_one_call_and_in_their_order(
    store: PostgresStore, watcher: asyncpg.Connection
) -> None:
    request = Submit(tuple([new_task() for _ in range(10_000)]))
    (outcome,) = await store.submit([request])
    assert [task.id for task in good(outcome).tasks] == [task.id for task in request.tasks]
    rows = await watcher.fetch("SELECT id::text FROM tasks ORDER BY seq")
    assert [row["id"] for row in rows] == [task.id for task in request.tasks]


async def _insert_first(connection: asyncpg.Connection, task: NewTask) -> None:
    """As another transaction does that has not committed yet."""
    await connection.execute(
        "INSERT INTO tasks (id, status, type, queue, priority, seq, max_retries, created_at, account_id, retry, octets, "
        "payload) VALUES ($1, 'queued', $2, $3, 5, nextval('task_seq'), 3, now(), 'default', '{}', 7, '{\"n\":1}')",
        task.id,
        task.type,
        task.queue or "default",
    )


# --- a few plain tasks: one statement ----------------------------------------------------------------------------------


@pytest.fixture
def network(postgres_tables_url: str) -> Iterator[TcpProxy]:
    at = urlsplit(postgres_tables_url)
    with TcpProxy(at.hostname or "127.0.0.1", at.port or 5432) as network:
        yield network


@pytest.fixture
async def far(network: TcpProxy, postgres_tables_url: str) -> AsyncIterator[PostgresStore]:
    """A store beyond that network."""
    url = postgres_tables_url.replace(f":{urlsplit(postgres_tables_url).port}/", f":{network.port}/")
    store = await PostgresStore.open(url, survey_s=0.0)
    yield store
    await store.close()


async def test_a_few_plain_tasks_are_one_statement(network: TcpProxy, far: PostgresStore) -> None:
    with network.stopping_at(b"BEGIN") as begun:
        good((await far.submit([Submit((new_task(), new_task()))]))[0])
        good((await far.submit([Submit((new_task(),), Idempotency(DEFAULT_ACCOUNT, "r", "k", "f"))]))[0])
        assert not begun.is_set()
        waiting = asyncio.ensure_future(far.submit([Submit((new_task(tags=("a",)),))]))
        assert await asyncio.to_thread(begun.wait, 20.0)
    good((await waiting)[0])


async def test_a_key_that_was_used_is_answered_the_long_way(store: PostgresStore) -> None:
    key = Idempotency(DEFAULT_ACCOUNT, "r", "k", "f")
    (first,) = await store.submit([Submit((new_task(),), key)])
    (again,) = await store.submit([Submit((new_task(),), key)])
    assert good(again).replayed
    assert good(again).tasks[0].id == good(first).tasks[0].id
    assert await count(store) == 1


async def test_a_bound_is_kept_and_its_end_is_noticed(store: PostgresStore) -> None:
    await store.update_queue("q", max_size=1)
    outcomes = [(await store.submit([Submit((new_task(queue="q"),))]))[0] for _ in range(3)]
    assert [type(outcome) for outcome in outcomes] == [Submitted, QueueFull, QueueFull]
    await store.update_queue("q", max_size=None)
    assert [type((await store.submit([Submit((new_task(queue="q"),))]))[0]) for _ in range(2)] == [
        Submitted
    ] * 2
    assert await count(store) == 3


async def test_a_quota_is_kept_and_its_end_is_noticed(store: PostgresStore) -> None:
    await store.set_quota("a", queued=1)
    outcomes = [(await store.submit([Submit((new_task(account_id="a"),))]))[0] for _ in range(3)]
    assert [type(outcome) for outcome in outcomes] == [Submitted, QuotaExceeded, QuotaExceeded]
    await store.set_quota("a", queued=None)
    for _ in range(2):
        good((await store.submit([Submit((new_task(account_id="a"),))]))[0])
    assert await count(store, "a") == 3


async def test_who_submits_for_an_account_with_a_quota_waits_for_others_who_do(
    store: PostgresStore, other: asyncpg.Connection, watcher: asyncpg.Connection
) -> None:
    """What has been used is read after the lock, by a statement of its own (trap c)."""
    await store.set_quota("a", per_day=2, queued=2)
    await other.execute("SELECT FROM quotas WHERE account_id = 'a' FOR UPDATE")
    requests = [Submit((new_task(account_id="a"),)) for _ in range(2)]
    waiting = asyncio.ensure_future(store.submit(requests))
    await someone_waits(watcher)
    await other.execute(
        "UPDATE quotas SET day = date_trunc('day', clock_timestamp(), 'UTC'), in_day = 1 WHERE account_id = 'a'"
    )
    await other.execute("COMMIT")
    assert [type(outcome) for outcome in await waiting] == [Submitted, QuotaExceeded]


async def test_a_quota_in_use_elsewhere_is_not_waited_for_without_end(
    store: PostgresStore, other: asyncpg.Connection
) -> None:
    await store.set_quota("a", queued=2)
    await other.execute("SELECT FROM quotas WHERE account_id = 'a' FOR UPDATE")
    held, free = await store.submit([Submit((new_task(account_id=account),)) for account in ("a", "b")])
    assert isinstance(held, Unavailable)
    assert isinstance(free, Submitted)
    with pytest.raises(Unavailable):
        await store.set_quota("a", per_day=1)


async def test_the_audit_tells_what_was_when_the_lock_was_given(
    store: PostgresStore, other: asyncpg.Connection, watcher: asyncpg.Connection
) -> None:
    """Of two who change a queue, or a quota, the second changes what the first has made of it."""
    by = By(kind=Actor.USER, id="ada", account=DEFAULT_ACCOUNT)
    numbers = "INSERT INTO limits (account_id, key, running, pinned) VALUES ('', $1, 10, true)"
    await other.execute("INSERT INTO queues (name) VALUES ('q')")
    await other.execute("INSERT INTO quotas (account_id) VALUES ('a')")
    await other.execute(numbers, "queue:q")
    await other.execute(numbers, "account:a")
    changing = [
        asyncio.ensure_future(store.update_queue("q", running=5, by=by)),
        asyncio.ensure_future(store.set_quota("a", running=5, by=by)),
    ]
    await someone_waits(watcher)
    await other.execute("COMMIT")
    await asyncio.gather(*changing)
    told = (await store.audit(AuditFilter(), limit=10)).items
    assert sorted([(one.entity, one.before, one.after) for one in told], key=str) == [
        ("queue", {"running": 10}, {"running": 5}),
        ("quota", {"running": 10}, {"running": 5}),
    ]


async def test_a_bound_keeps_the_key_of_a_refused_submit_free(
    store: PostgresStore, watcher: asyncpg.Connection
) -> None:
    await store.update_queue("q", max_size=0)
    key = Idempotency(DEFAULT_ACCOUNT, "r", "k", "f")
    (outcome,) = await store.submit([Submit((new_task(queue="q"),), key)])
    assert isinstance(outcome, QueueFull)
    assert await watcher.fetchval("SELECT count(*) FROM idempotency_keys") == 0


async def test_a_key_in_use_elsewhere_is_not_waited_for_without_end(
    store: PostgresStore, other: asyncpg.Connection
) -> None:
    await other.execute(
        "INSERT INTO idempotency_keys VALUES ($1, 'r', 'k', 'f', '[]', now() + interval '1 day')",
        DEFAULT_ACCOUNT,
    )
    async with asyncio.timeout(20):
        (outcome,) = await store.submit([Submit((new_task(),), Idempotency(DEFAULT_ACCOUNT, "r", "k", "f"))])
    assert isinstance(outcome, Unavailable)
    (fine,) = await store.submit([Submit((new_task(),))])
    good(fine)


async def test_an_answer_that_was_lost(
    network: TcpProxy, far: PostgresStore, watcher: asyncpg.Connection
) -> None:
    """The network breaks between the commit and its answer: the store finds its tasks there, and makes no others."""
    await far.submit([Submit((new_task(),))])
    network.delay_s = 0.5
    request = Submit((new_task(), new_task()), Idempotency(DEFAULT_ACCOUNT, "r", "k", "f"))
    waiting = asyncio.ensure_future(far.submit([request]))
    async with asyncio.timeout(20):
        while await watcher.fetchval("SELECT count(*) FROM tasks") < 3:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    network.delay_s = 0.0
    network.hang_up()
    (outcome,) = await waiting
    assert (good(outcome).created, good(outcome).replayed) == ((True, True), False)
    assert await count(far) == 3
