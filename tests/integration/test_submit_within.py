"""Submit within a transaction of the caller's: on every driver, a commit makes the task, a rollback leaves nothing."""

import asyncio
import inspect
import json
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import asyncpg
import psycopg
import pytest
import sqlalchemy
from msgspec import UNSET, Raw
from psycopg.rows import dict_row
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from taskflow_hub import (
    Hub,
    IdempotencyMismatch,
    Invalid,
    NotFound,
    OnConflict,
    QueueFull,
    QuotaExceeded,
    Secret,
    State,
    StoreUnavailable,
    Submission,
    SubmitOptions,
    Task,
    TaskHandle,
    Unique,
    UniqueConflict,
)
from taskflow_hub.domain.clock import new_id
from taskflow_hub.domain.errors import NoSecretKeys, Unavailable
from taskflow_hub.domain.messages import Register
from taskflow_hub.domain.model import DEFAULT_ACCOUNT, TaskType
from taskflow_hub.domain.retry import RetryPolicy
from taskflow_hub.domain.submission import Limit
from taskflow_hub.secrets.keyring import Keyring
from taskflow_hub.store.base import Store
from taskflow_hub.store.postgres import PostgresStore
from taskflow_hub.store.sqlite import SqliteStore
from taskflow_hub.store.values import Submit, Submitted
from taskflow_hub.testing.store_contract.kit import new_task

ORDERS: Final = "CREATE TABLE IF NOT EXISTS orders (id integer)"
ORDER: Final = "INSERT INTO orders VALUES (1)"


class Own:
    """A connection as an application has it: `given` is what is handed to the hub."""

    def __init__(self, given: Any, do: Any, *, begin: Any, end: Any) -> None:
        self.given, self._do, self._begin, self._end = given, do, begin, end

    async def begin(self) -> None:
        await _if_async(self._begin())

    async def order(self) -> None:
        await self.run(ORDER)

    async def run(self, sql: str) -> None:
        await _if_async(self._do(sql))

    async def commit(self) -> None:
        await _if_async(self._end("commit"))

    async def rollback(self) -> None:
        await _if_async(self._end("rollback"))


async def _if_async(answer: Any) -> Any:
    return await answer if inspect.isawaitable(answer) else answer


Opener = Callable[[str], Any]


@asynccontextmanager
async def by_asyncpg(url: str) -> AsyncIterator[Own]:
    connection = await asyncpg.connect(url)
    yield Own(
        connection, connection.execute, begin=lambda: connection.execute("BEGIN"), end=connection.execute
    )
    await connection.close()


@asynccontextmanager
async def by_asyncpg_pool(url: str) -> AsyncIterator[Own]:
    async with asyncpg.create_pool(url, min_size=1) as pool, pool.acquire() as connection:
        begin = lambda: connection.execute("BEGIN")  # noqa: E731
        yield Own(connection, connection.execute, begin=begin, end=connection.execute)


@asynccontextmanager
async def by_asyncpg_with_json(url: str) -> AsyncIterator[Own]:
    """As many applications set it up: what is JSON in the database is a document in the program."""
    async with by_asyncpg(url) as own:
        for type in ("json", "jsonb"):
            await own.given.set_type_codec(type, encoder=json.dumps, decoder=json.loads, schema="pg_catalog")
        yield own


@asynccontextmanager
async def by_psycopg(url: str) -> AsyncIterator[Own]:
    async with await psycopg.AsyncConnection.connect(url, row_factory=dict_row) as connection:
        yield Own(connection, connection.execute, begin=_nothing, end=connection.execute)


@asynccontextmanager
async def by_psycopg_sync(url: str) -> AsyncIterator[Own]:
    with psycopg.connect(url) as connection:
        yield Own(connection, connection.execute, begin=_nothing, end=connection.execute)


@asynccontextmanager
async def by_psycopg_raw(url: str) -> AsyncIterator[Own]:
    """Whose cursors want `$1`, as PostgreSQL does, and not `%s`."""
    with psycopg.connect(url, cursor_factory=psycopg.RawCursor) as connection:
        yield Own(connection, connection.execute, begin=_nothing, end=connection.execute)


@asynccontextmanager
async def by_async_session(url: str) -> AsyncIterator[Own]:
    engine = create_async_engine(url.replace("postgresql:", "postgresql+asyncpg:"))
    async with AsyncSession(engine) as session:
        yield _session(session)
    await engine.dispose()


@asynccontextmanager
async def by_async_session_on_psycopg(url: str) -> AsyncIterator[Own]:
    engine = create_async_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    async with AsyncSession(engine) as session:
        yield _session(session)
    await engine.dispose()


@asynccontextmanager
async def by_async_connection(url: str) -> AsyncIterator[Own]:
    engine = create_async_engine(url.replace("postgresql:", "postgresql+asyncpg:"))
    async with engine.connect() as connection:
        yield _session(connection)
    await engine.dispose()


@asynccontextmanager
async def by_session(url: str) -> AsyncIterator[Own]:
    engine = sqlalchemy.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with Session(engine) as session:
        yield _session(session)
    engine.dispose()


@asynccontextmanager
async def by_connection(url: str) -> AsyncIterator[Own]:
    engine = sqlalchemy.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.connect() as connection:
        yield _session(connection)
    engine.dispose()


@asynccontextmanager
async def by_sqlite3(url: str) -> AsyncIterator[Own]:
    connection = sqlite3.connect(url.removeprefix("sqlite:///"))
    connection.row_factory = lambda cursor, row: dict(
        zip([one[0] for one in cursor.description], row, strict=True)
    )
    yield Own(connection, connection.execute, begin=_nothing, end=lambda how: getattr(connection, how)())
    connection.close()


@asynccontextmanager
async def by_session_on_sqlite(url: str) -> AsyncIterator[Own]:
    engine = sqlalchemy.create_engine(url)
    with Session(engine) as session:
        yield _session(session)
    engine.dispose()


@asynccontextmanager
async def by_connection_on_sqlite(url: str) -> AsyncIterator[Own]:
    engine = sqlalchemy.create_engine(url)
    with engine.connect() as connection:
        yield _session(connection)
    engine.dispose()


def _nothing() -> None: ...


def _session(session: Any) -> Own:
    return Own(
        session,
        lambda sql: session.execute(sqlalchemy.text(sql)),
        begin=_nothing,
        end=lambda how: getattr(session, how)(),
    )


ON_POSTGRES: Final = (
    by_asyncpg,
    by_asyncpg_pool,
    by_asyncpg_with_json,
    by_psycopg,
    by_psycopg_sync,
    by_psycopg_raw,
    by_async_session,
    by_async_session_on_psycopg,
    by_async_connection,
    by_session,
    by_connection,
)
ON_SQLITE: Final = (by_sqlite3, by_session_on_sqlite, by_connection_on_sqlite)


class House:
    """A hub's database with an application's table in it; another process that works; and the application's connection."""

    def __init__(self, url: str, store: Store, hub: Hub, own: Own) -> None:
        self.url, self.store, self.hub, self.own = url, store, hub, own

    async def task(self, id: str) -> Task | None:
        return await self.store.task(DEFAULT_ACCOUNT, id)

    async def count(self) -> int:
        return sum(depth.count for depth in await self.store.depths(DEFAULT_ACCOUNT))

    async def declare(self, declared: TaskType, *, slots: int = 10) -> None:
        await self.store.register(
            Register(
                worker=new_id(), previous=None, name="w", host="h", pid=1, version="1", slots=slots, window=0,
                queues=(), types=(declared,),
            )
        )  # fmt: skip


async def _open_store(url: str) -> Any:
    if url.startswith("sqlite"):
        return await SqliteStore.open(url)
    # A minute between surveys: what is leased below was told of.
    return await PostgresStore.open(url, survey_s=60.0)


def _place(request: pytest.FixtureRequest, opener: Opener) -> tuple[str, Opener]:
    if opener in ON_POSTGRES:
        return request.getfixturevalue("postgres_tables_url"), opener
    return f"sqlite:///{request.getfixturevalue('database_path')}", opener


@pytest.fixture(params=[*ON_POSTGRES, *ON_SQLITE], ids=lambda opener: opener.__name__)
def by_every_driver(request: pytest.FixtureRequest) -> tuple[str, Opener]:
    return _place(request, request.param)


@pytest.fixture(params=[by_asyncpg, by_sqlite3], ids=lambda opener: opener.__name__)
def on_every_database(request: pytest.FixtureRequest) -> tuple[str, Opener]:
    return _place(request, request.param)


@pytest.fixture
async def house(
    by_every_driver: tuple[str, Opener], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[House]:
    monkeypatch.chdir(tmp_path)
    async with open_house(*by_every_driver) as house:
        yield house


@pytest.fixture
async def each(
    on_every_database: tuple[str, Opener], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[House]:
    """Where the driver makes no difference."""
    monkeypatch.chdir(tmp_path)
    async with open_house(*on_every_database) as house:
        yield house


@pytest.fixture
async def pg(
    postgres_tables_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[House]:
    """What only PostgreSQL can get into: two transactions that write at once."""
    monkeypatch.chdir(tmp_path)
    async with open_house(postgres_tables_url, by_asyncpg) as house:
        yield house


@asynccontextmanager
async def open_house(url: str, opener: Opener) -> AsyncIterator[House]:
    store = await _open_store(url)
    async with Hub(url) as hub, opener(url) as own:
        await own.begin()
        await own.run(ORDERS)
        await own.commit()
        yield House(url, store, hub, own)
        await own.rollback()
    await store.close()


# --- commit and rollback


async def test_a_commit_makes_the_task_and_it_runs_at_once(house: House) -> None:
    await house.declare(TaskType(type="email.order"))
    assert not (await house.store.lease(None, 10)).leases
    while await house.store.changed(0.2):
        pass

    await house.own.begin()
    await house.own.order()
    handle = await house.hub.submit("email.order", {"order": 1}, connection=house.own.given)
    assert await house.task(handle.id) is None, "not before the commit"
    with pytest.raises(NotFound):
        await handle.status()
    await house.own.commit()

    assert await house.store.changed(10.0), "whoever waits is told by the commit"
    (lease,) = (await house.store.lease(None, 10)).leases
    assert lease.assignment.id == handle.id
    assert json.loads(bytes(lease.assignment.payload)) == {"order": 1}
    assert await handle.status() is State.RUNNING


async def test_a_rollback_leaves_nothing(house: House) -> None:
    unique = Unique(key="k", window=60)
    await house.own.begin()
    await house.own.order()
    handles = [
        await house.hub.submit("email.order", options={"tags": ["a"]}, connection=house.own.given),
        await house.hub.submit("email.order", options={"idempotency_key": "k"}, connection=house.own.given),
        await house.hub.submit("email.order", options={"unique": unique}, connection=house.own.given),
    ]
    await house.own.rollback()
    assert await house.store.tasks([handle.id for handle in handles]) == {}

    await house.own.begin()
    again = [
        await house.hub.submit(
            "email.order", {"other": 1}, options={"idempotency_key": "k"}, connection=house.own.given
        ),
        await house.hub.submit("email.order", options={"unique": unique}, connection=house.own.given),
    ]
    await house.own.commit()
    assert not {handle.id for handle in again} & {handle.id for handle in handles}
    assert set(await house.store.tasks([handle.id for handle in again])) == {handle.id for handle in again}


async def test_a_handler_is_submitted_with_its_own_arguments(house: House) -> None:
    @house.hub.task("email.welcome", max_retries=5, timeout=30)
    async def welcome(user_id: int) -> None: ...

    await house.own.begin()
    handles = [
        await welcome.submit(user_id=42, connection=house.own.given),
        await welcome.options(connection=house.own.given, delay=60, priority=9).submit(user_id=43),
        *await welcome.options(connection=house.own.given).submit_many([{"user_id": 44}, {"user_id": 45}]),
    ]
    with pytest.raises(Invalid, match="/payload/user_id"):
        await welcome.submit(user_id="forty-two", connection=house.own.given)
    await house.own.commit()
    tasks = [await handle.task() for handle in handles]
    assert [json.loads(bytes(task.payload)) for task in tasks] == [{"user_id": n} for n in (42, 43, 44, 45)]
    assert [(task.status, task.priority) for task in tasks[:2]] == [(State.QUEUED, 5), (State.SCHEDULED, 9)]


async def test_what_is_stored_is_what_a_submit_of_the_hubs_own_stores(each: House) -> None:
    wanted = [
        Submission(type="a.type"),
        Submission(
            type="b.type",
            queue="q",
            priority=0,
            max_retries=None,
            timeout=None,
            retry=RetryPolicy(base=2.5),
            tags=("x", 'y "z" \\ {,} й'),
            delay=1000,
        ),
        Submission(type="c.type", max_retries=7, timeout=1.5, unique=Unique(key="k")),
        Submission(type="known.type"),
        Submission(type="known.type", timeout=5),
    ]
    await each.declare(
        TaskType(type="known.type", queue="home", max_retries=None, retry=RetryPolicy(base=9), timeout=77.5)
    )
    theirs = await each.hub.submit_many([*wanted[:2], *wanted[3:]])
    await each.own.begin()
    ours = await each.hub.submit_many(wanted, connection=each.own.given)
    await each.own.commit()
    del ours[2]
    for one, other in zip(ours, theirs, strict=True):
        mine, its = await one.task(), await other.task()
        for name in mine.__struct_fields__:
            if name in {"id", "created_at", "payload", "run_at"}:
                continue
            assert getattr(mine, name) == getattr(its, name), name
        assert bytes(mine.payload) == bytes(its.payload)
        assert abs((mine.created_at - its.created_at).total_seconds()) < 5
        assert (mine.run_at is None) == (its.run_at is None)
        if mine.run_at is not None and its.run_at is not None:
            assert abs((mine.run_at - its.run_at).total_seconds()) < 5
    found = await each.store.tasks([one.id for one in ours])
    assert [found[one.id].queue for one in ours] == ["default", "q", "home", "home"]
    assert (await ours[2].task()).max_retries is None


async def test_order_and_tags(each: House) -> None:
    from taskflow_hub.store.values import TaskFilter

    await each.declare(TaskType(type="t"), slots=100)
    await each.own.begin()
    handles = await each.hub.submit_many(
        [Submission(type="t", tags=("x",)) for _ in range(50)], connection=each.own.given
    )
    await each.own.commit()
    assert await each.store.count(DEFAULT_ACCOUNT, TaskFilter(tag="x")) == 50
    assert await each.store.changed(10.0)
    leased = [lease.assignment.id for lease in (await each.store.lease(None, 100)).leases]
    assert leased == [handle.id for handle in handles]


async def test_a_type_that_is_registered_later_takes_it_home(each: House) -> None:
    await each.own.begin()
    handle = await each.hub.submit("late.type", connection=each.own.given)
    await each.own.commit()
    await each.declare(TaskType(type="late.type", queue="home"))
    task = await each.task(handle.id)
    assert task is not None
    assert task.queue == "home"


async def test_text_that_looks_like_something_else(each: House) -> None:
    text = "%s :a $1 ? {} \\u0000 \\ ' \" \n й 😀"
    await each.own.begin()
    handle = await each.hub.submit("a.type", {"text": text}, connection=each.own.given)
    await each.own.commit()
    assert json.loads(bytes((await handle.task()).payload)) == {"text": text}


# --- keys


async def test_an_idempotency_key_answers_with_the_first_task(house: House) -> None:
    await house.own.begin()
    first = await house.hub.submit(
        "a.type", {"a": 1}, options={"idempotency_key": "k"}, connection=house.own.given
    )
    again = await house.hub.submit(
        "a.type", {"a": 1}, options={"idempotency_key": "k"}, connection=house.own.given
    )
    await house.own.commit()
    outside = await house.hub.submit("a.type", {"a": 1}, options={"idempotency_key": "k"})
    await house.own.begin()
    later = await house.hub.submit(
        "a.type", {"a": 1}, options={"idempotency_key": "k"}, connection=house.own.given
    )
    with pytest.raises(IdempotencyMismatch):
        await house.hub.submit(
            "a.type", {"a": 2}, options={"idempotency_key": "k"}, connection=house.own.given
        )
    await house.own.commit()
    assert first.id == again.id == outside.id == later.id
    assert await house.count() == 1


async def test_a_unique_key_within_and_without(each: House) -> None:
    unique = Unique(key="k")
    strict = Unique(key="k", on_conflict=OnConflict.REJECT)
    await each.own.begin()
    first = await each.hub.submit("a.type", options={"unique": unique}, connection=each.own.given)
    assert (
        await each.hub.submit("a.type", options={"unique": unique}, connection=each.own.given)
    ).id == first.id
    with pytest.raises(UniqueConflict, match=first.id) as refused:
        await each.hub.submit("a.type", options={"unique": strict}, connection=each.own.given)
    assert refused.value.errors[0].pointer == "/unique/key"
    other = await each.hub.submit("b.type", options={"unique": strict}, connection=each.own.given)
    await each.own.commit()
    assert first.id != other.id, "the key belongs to the type"
    assert (await each.hub.submit("a.type", options={"unique": unique})).id == first.id
    await first.cancel()
    await each.own.begin()
    free = await each.hub.submit("a.type", options={"unique": strict}, connection=each.own.given)
    await each.own.commit()
    assert free.id != first.id
    assert (await each.hub.submit("a.type", options={"unique": unique})).id == free.id


async def test_a_window_outlasts_the_task(each: House) -> None:
    ended = await each.hub.submit("a.type", options={"unique": Unique(key="k", window=60)})
    await ended.cancel()
    await each.own.begin()
    handle = await each.hub.submit("a.type", options={"unique": Unique(key="k")}, connection=each.own.given)
    await each.own.commit()
    assert handle.id == ended.id


async def test_all_or_nothing_with_keys(each: House) -> None:
    """A refusal leaves no key behind, even when the caller goes on and commits."""
    holder = await each.hub.submit("a.type", options={"unique": Unique(key="held")})
    wanted = [
        Submission(type="a.type", unique=Unique(key="free", window=60)),
        Submission(type="a.type", unique=Unique(key="held", on_conflict=OnConflict.REJECT)),
    ]
    await each.own.begin()
    await each.own.order()
    with pytest.raises(UniqueConflict) as refused:
        await each.hub.submit_many(wanted, idempotency_key="k", connection=each.own.given)
    assert refused.value.errors[0].pointer == "/tasks/1/unique/key"
    await each.own.commit()
    assert await each.count() == 1

    await each.own.begin()
    handles = await each.hub.submit_many(
        [wanted[0], Submission(type="a.type", unique=Unique(key="held"))],
        idempotency_key="k",
        connection=each.own.given,
    )
    await each.own.commit()
    assert handles[1].id == holder.id
    assert await each.task(handles[0].id) is not None
    again = await each.hub.submit_many(
        [wanted[0], Submission(type="a.type", unique=Unique(key="held"))], idempotency_key="k"
    )
    assert [handle.id for handle in again] == [handle.id for handle in handles]


async def test_two_with_one_unique_key_in_one_submit(each: House) -> None:
    await each.own.begin()
    first, second = await each.hub.submit_many(
        [Submission(type="a.type", unique=Unique(key="k"))] * 2, connection=each.own.given
    )
    await each.own.commit()
    assert first.id == second.id
    assert await each.count() == 1


async def test_what_would_have_to_be_locked_until_the_commit_is_refused(each: House) -> None:
    await each.own.begin()
    replace = Unique(key="k", on_conflict=OnConflict.REPLACE)
    with pytest.raises(Invalid, match="/unique/on_conflict"):
        await each.hub.submit("a.type", options={"unique": replace}, connection=each.own.given)
    await each.own.commit()
    assert await each.count() == 0


# --- limits


def limited(*limits: Limit, **fields: Any) -> Submission:
    return Submission(type="a.type", limits=limits, **fields)


async def leased(house: House, count: int = 10) -> list[str]:
    return [lease.assignment.id for lease in (await house.store.lease(None, count)).leases]


async def test_limits_are_kept_and_their_numbers_come_with_the_commit(house: House) -> None:
    await house.declare(TaskType(type="a.type"))
    handles: list[TaskHandle[Any]] = []
    for end in ("rollback", "commit"):
        await house.own.begin()
        handles = await house.hub.submit_many(
            [
                limited(Limit("b", per_second=1000), Limit("a", running=2)),
                limited(Limit("a")),
                limited(Limit("a")),
            ],
            connection=house.own.given,
        )
        await getattr(house.own, end)()
    assert await leased(house) == [handle.id for handle in handles[:2]]
    assert await leased(house) == []
    waiting = await house.task(handles[2].id)
    assert waiting is not None
    assert waiting.hold == "limit:a"
    (outcome,) = await house.store.submit([Submit((new_task(type="a.type", limits=(Limit("b"),)),))])
    assert isinstance(outcome, Submitted), "its numbers are known"


async def test_a_limit_without_numbers_is_refused(each: House) -> None:
    await each.hub.submit("a.type", options={"unique": Unique(key="held")})
    await each.own.begin()
    bad = limited(Limit("b", running=1), Limit("a"))
    for place, wanted in (
        (0, [bad]),
        (0, [bad, limited(Limit("a", running=1))]),
        (1, [limited(Limit("a", running=1), unique=Unique(key="held")), bad]),  # the first makes no task
    ):
        with pytest.raises(Invalid, match="Limit 'a' has no numbers yet") as refused:
            await each.hub.submit_many(wanted, connection=each.own.given)
        assert [error.pointer for error in refused.value.errors] == [f"/tasks/{place}/limits/1/running"]
    with pytest.raises(Invalid, match="Limit 'b' has no numbers yet"):
        await each.hub.submit("a.type", options={"limits": [Limit("b")]}, connection=each.own.given)
    await each.own.commit()
    assert await each.count() == 1


async def test_what_makes_no_task_changes_no_number(each: House) -> None:
    await each.hub.submit("a.type", options={"unique": Unique(key="held"), "limits": [Limit("a", running=1)]})
    await each.store.update_queue("full", max_size=0)
    nine = Limit("a", running=9)
    await each.own.begin()
    await each.hub.submit_many([limited(nine, unique=Unique(key="held"))], connection=each.own.given)
    with pytest.raises(UniqueConflict):
        await each.hub.submit_many(
            [limited(nine), limited(unique=Unique(key="held", on_conflict=OnConflict.REJECT))],
            connection=each.own.given,
        )
    with pytest.raises(QueueFull):
        await each.hub.submit_many([limited(nine), limited(nine, queue="full")], connection=each.own.given)
    await each.hub.submit_many([limited(Limit("a", per_second=100))] * 3, connection=each.own.given)
    await each.own.commit()
    await each.declare(TaskType(type="a.type"))
    assert len(await leased(each)) == 1
    await each.own.begin()
    await each.hub.submit_many([limited(nine), limited(Limit("a", running=2))], connection=each.own.given)
    await each.own.commit()
    assert len(await leased(each)) == 1, "the last number counts"


async def test_numbers_that_stay_lock_nothing_and_those_that_change_hold_the_key(pg: House) -> None:
    await pg.declare(TaskType(type="a.type"))
    first, *rest = [
        await pg.hub.submit("a.type", options={"limits": [Limit("a", running=running)]})
        for running in (1, 2, 2)
    ]
    await pg.own.begin()
    await pg.hub.submit_many([limited(Limit("a", running=2)), limited(Limit("a"))], connection=pg.own.given)
    assert await leased(pg, 1) == [first.id]
    await pg.hub.submit_many([limited(Limit("a", running=3))], connection=pg.own.given)
    passed_over = await pg.store.lease(None, 10)
    assert passed_over.leases == ()
    assert passed_over.next_in_s is not None, "it is looked at again soon"
    (outcome,) = await pg.store.submit([Submit((new_task(type="a.type", limits=(Limit("a", running=3),)),))])
    assert isinstance(outcome, Unavailable), "who would change them, too, does not wait for ever"
    await pg.own.commit()
    assert await leased(pg) == [handle.id for handle in rest]


async def test_pinned_numbers_stay(each: House) -> None:
    await each.store.set_limit(DEFAULT_ACCOUNT, "a", 1, None)
    await each.store.set_limit(DEFAULT_ACCOUNT, "b", None, None)
    await each.own.begin()
    await each.hub.submit_many(
        [limited(Limit("a", running=9), Limit("b", running=1)), limited(Limit("a"), Limit("b"))] * 2,
        connection=each.own.given,
    )
    await each.own.commit()
    await each.declare(TaskType(type="a.type"))
    assert len(await leased(each)) == 1
    found = await each.store.limits(DEFAULT_ACCOUNT, limit=10)
    assert [(one.key, one.running, one.pinned) for one in found] == [("a", 1, True), ("b", None, True)]


async def test_to_state_what_is_pinned_otherwise_locks_nothing(pg: House) -> None:
    await pg.declare(TaskType(type="a.type"))
    await pg.store.set_limit(DEFAULT_ACCOUNT, "a", 1, None)
    first = await pg.hub.submit("a.type", options={"limits": [Limit("a", running=2)]})
    await pg.own.begin()
    await pg.hub.submit_many([limited(Limit("a", running=2))], connection=pg.own.given)
    assert await leased(pg) == [first.id]
    await pg.own.commit()


async def test_an_operator_does_not_wait_for_ever_for_numbers_that_change(pg: House) -> None:
    await pg.hub.submit("a.type", options={"limits": [Limit("a", running=1)]})
    await pg.own.begin()
    await pg.hub.submit_many([limited(Limit("a", running=3))], connection=pg.own.given)
    with pytest.raises(Unavailable, match="still open"):
        await pg.store.set_limit(DEFAULT_ACCOUNT, "a", 5, None)
    await pg.own.commit()
    await pg.store.set_limit(DEFAULT_ACCOUNT, "a", UNSET, 1.0)
    [found] = await pg.store.limits(DEFAULT_ACCOUNT, limit=10)
    assert (found.running, found.per_second, found.pinned) == (3, 1.0, True)


async def test_who_has_no_rights_on_limits_and_quotas_submits_without(pg: House) -> None:
    """As the guide said before there were any; but not past a quota."""
    rights = (
        "CREATE ROLE narrow",
        "GRANT SELECT ON queues, task_types TO narrow",
        "GRANT SELECT, INSERT ON tasks, task_tags TO narrow",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON idempotency_keys, unique_keys TO narrow",
        "GRANT USAGE ON SEQUENCE task_seq TO narrow",
    )
    for right in rights:
        await pg.own.run(right)
    try:
        await pg.own.begin()
        await pg.own.run("SET LOCAL ROLE narrow")
        handle = await pg.hub.submit("a.type", connection=pg.own.given)
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="limits"):
            await pg.hub.submit_many([limited(Limit("a", running=1))], connection=pg.own.given)
        await pg.own.rollback()
        assert await pg.task(handle.id) is None
        await pg.store.set_quota(DEFAULT_ACCOUNT, per_day=10)
        await pg.own.begin()
        await pg.own.run("SET LOCAL ROLE narrow")
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="quotas"):
            await pg.hub.submit("a.type", connection=pg.own.given)
        await pg.own.rollback()
    finally:
        await pg.own.run("DROP OWNED BY narrow")
        await pg.own.run("DROP ROLE narrow")


async def test_two_transactions_with_one_key_make_one_task(pg: House) -> None:
    """The second waits for the first, and believes its row, not what it saw before."""
    for how, kept in (("commit", True), ("rollback", False)):
        options: Any = {"unique": Unique(key=how), "idempotency_key": how}
        for name in options:
            async with by_asyncpg(pg.url) as other:
                await pg.own.begin()
                await other.begin()
                given: Any = {name: options[name]}
                first = await pg.hub.submit("a.type", options=given, connection=pg.own.given)
                waiting = asyncio.ensure_future(
                    pg.hub.submit("a.type", options=given, connection=other.given)
                )
                await _until_someone_waits(pg)
                await getattr(pg.own, how)()
                second = await waiting
                await other.commit()
            assert (first.id == second.id) is kept, (name, how)
            assert await pg.task(second.id) is not None
            await second.cancel()


async def test_a_key_that_was_freed_is_taken_by_one_of_two(pg: House) -> None:
    """Both find the row of a task that has ended."""
    ended = await pg.hub.submit("a.type", options={"unique": Unique(key="k")})
    await ended.cancel()
    async with by_asyncpg(pg.url) as other:
        await pg.own.begin()
        await other.begin()
        first = await pg.hub.submit("a.type", options={"unique": Unique(key="k")}, connection=pg.own.given)
        waiting = asyncio.ensure_future(
            pg.hub.submit("a.type", options={"unique": Unique(key="k")}, connection=other.given)
        )
        await _until_someone_waits(pg)
        await pg.own.commit()
        assert (await waiting).id == first.id
        await other.commit()


async def test_the_hub_goes_on_while_a_key_is_in_an_open_transaction(
    pg: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("taskflow_hub.store.postgres.submit.PATIENCE_MS", 200)
    await pg.own.begin()
    first = await pg.hub.submit("a.type", options={"unique": Unique(key="k")}, connection=pg.own.given)
    requests = [
        Submit((new_task(),)),
        Submit((new_task(type="a.type", unique=Unique("k")),)),
        Submit((new_task(type="a.type", unique=Unique("l")),)),
    ]
    outcomes = await pg.store.submit(requests)
    assert [type(outcome) for outcome in outcomes] == [Submitted, Unavailable, Submitted]
    await pg.own.commit()
    (outcome,) = await pg.store.submit(requests[1:2])
    assert isinstance(outcome, Submitted)
    assert outcome.tasks[0].id == first.id


async def _until_someone_waits(house: House) -> None:
    watcher = await asyncpg.connect(house.url)
    try:
        while not await watcher.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    finally:
        await watcher.close()


# --- refusals leave the caller's transaction as it was


async def test_a_full_queue(each: House) -> None:
    await each.store.update_queue("small", max_size=2)
    await each.own.begin()
    await each.own.order()
    await each.hub.submit("a.type", options={"queue": "small"}, connection=each.own.given)
    wanted = [Submission(type="a.type", queue=queue) for queue in ("small", "other", "small", "small")]
    with pytest.raises(QueueFull) as refused:
        await each.hub.submit_many(wanted, idempotency_key="k", connection=each.own.given)
    assert [error.pointer for error in refused.value.errors] == ["/tasks/2/queue", "/tasks/3/queue"]
    await each.hub.submit("a.type", options={"queue": "small", "delay": 9}, connection=each.own.given)
    await each.own.commit()
    assert await each.count() == 2


async def test_quotas(each: House) -> None:
    """Kept exactly, whatever they are of; what is refused leaves nothing, neither keys nor numbers of limits."""
    await each.store.set_quota(DEFAULT_ACCOUNT, per_day=4, queued=3)
    await each.hub.submit("a.type")
    await each.own.begin()
    await each.own.order()
    wanted = [Submission(type="a.type", limits=(Limit("a", running=1),)) for _ in range(3)]
    with pytest.raises(QuotaExceeded, match="may have 3 tasks waiting, and has 1") as refused:
        await each.hub.submit_many(wanted, idempotency_key="k", connection=each.own.given)
    assert [error.pointer for error in refused.value.errors] == ["/tasks/2"]
    held = Unique(key="held")
    await each.hub.submit_many(
        [Submission(type="a.type", unique=held)], idempotency_key="k", connection=each.own.given
    )
    await each.hub.submit("a.type", options={"unique": held}, connection=each.own.given)
    await each.hub.submit_many(
        [Submission(type="a.type", unique=held)], idempotency_key="k", connection=each.own.given
    )
    await each.hub.submit("a.type", options={"delay": 60}, connection=each.own.given)
    with pytest.raises(QuotaExceeded, match="may have 3 tasks waiting, and has 3"):
        await each.hub.submit("a.type", connection=each.own.given)
    await each.own.commit()
    assert await each.store.limits(DEFAULT_ACCOUNT, limit=10) == []
    used = (await each.store.quota(DEFAULT_ACCOUNT)).used
    assert (used.in_day, used.queued) == (3, 3)
    await each.store.set_quota(DEFAULT_ACCOUNT, queued=None)
    await each.own.begin()
    await each.hub.submit("a.type", connection=each.own.given)
    with pytest.raises(QuotaExceeded, match=r"may submit 4 tasks a day .* has submitted 4"):
        await each.hub.submit("a.type", connection=each.own.given)
    await each.own.rollback()
    await each.hub.submit("a.type")
    with pytest.raises(QuotaExceeded):
        await each.hub.submit("a.type")
    assert await each.count() == 4


async def test_quotas_are_locked_until_the_caller_commits(pg: House) -> None:
    await pg.store.set_quota(DEFAULT_ACCOUNT, per_day=1)
    await pg.own.begin()
    await pg.hub.submit("a.type", connection=pg.own.given)
    waiting = asyncio.ensure_future(pg.store.submit([Submit((new_task(type="a.type"),))]))
    await _until_someone_waits(pg)
    await pg.own.commit()
    [outcome] = await waiting
    assert isinstance(outcome, QuotaExceeded)


async def test_strict_types(each: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASKFLOW_ENGINE_STRICT_TYPES", "true")
    await each.declare(TaskType(type="known.type"))
    await each.own.begin()
    with pytest.raises(Invalid, match="/tasks/1/type"):
        await each.hub.submit_many(
            [Submission(type="known.type"), Submission(type="unknown.type")],
            idempotency_key="k",
            connection=each.own.given,
        )
    await each.hub.submit("known.type", options={"idempotency_key": "k"}, connection=each.own.given)
    await each.own.commit()
    assert await each.count() == 1


@pytest.mark.parametrize(
    ("options", "pointer"),
    [
        ({"tags": ["a\0"]}, "/tags/0"),
        ({"tags": ["a\ud800"]}, "/tags/0"),
        ({"unique": Unique(key="\0")}, "/unique/key"),
        ({"priority": 10}, "/priority"),
        ({"delay": 1, "run_at": "2030-01-01T00:00:00Z"}, "/delay"),
        ({"idempotency_key": "\n"}, "/idempotency_key"),
    ],
)
async def test_bad_input_is_refused_before_the_connection_is_used(
    each: House, options: Any, pointer: str
) -> None:
    await each.own.begin()
    await each.own.order()
    with pytest.raises(Invalid, match=pointer):
        await each.hub.submit("a.type", options=options, connection=each.own.given)
    with pytest.raises(Invalid, match="/payload"):
        await each.hub.submit("a.type", {"nul": "\0"}, connection=each.own.given)
    await each.hub.submit("a.type", connection=each.own.given)
    await each.own.commit()
    assert await each.count() == 1


async def test_what_is_no_connection(each: House) -> None:
    for wrong in ("postgresql://…", each.hub, sqlalchemy.create_engine("sqlite://"), object()):
        with pytest.raises(TypeError, match="expected an asyncpg, psycopg or sqlite3 connection"):
            await each.hub.submit("a.type", connection=wrong)


async def test_a_connection_on_which_every_statement_is_committed_by_itself(each: House) -> None:
    connection: Any
    if each.url.startswith("sqlite"):
        connection = sqlite3.connect(each.url.removeprefix("sqlite:///"), isolation_level=None)
    else:
        connection = await asyncpg.connect(each.url)
        with psycopg.connect(each.url, autocommit=True) as other:
            with pytest.raises(Invalid, match="no transaction"):
                await each.hub.submit("a.type", connection=other)
            with other.transaction():
                await each.hub.submit("b.type", connection=other)
    with pytest.raises(Invalid, match="no transaction"):
        await each.hub.submit("a.type", connection=connection)
    await _if_async(connection.execute("BEGIN"))
    await each.hub.submit("a.type", connection=connection)
    await _if_async(connection.execute("COMMIT"))
    await _if_async(connection.close())
    assert await each.count() == (1 if each.url.startswith("sqlite") else 2)


@pytest.mark.parametrize("driver", ["asyncpg", "psycopg"])
async def test_sqlalchemy_that_commits_every_statement_by_itself(pg: House, driver: str) -> None:
    url = pg.url.replace("postgresql:", f"postgresql+{driver}:")
    engine = create_async_engine(url, isolation_level="AUTOCOMMIT")
    async with AsyncSession(engine) as session:
        with pytest.raises(Invalid, match="no transaction"):
            await pg.hub.submit("a.type", connection=session)
    async with engine.execution_options(isolation_level="READ COMMITTED").connect() as connection:
        await pg.hub.submit("b.type", connection=connection)
        await connection.commit()
    await engine.dispose()
    assert [depth.type for depth in await pg.store.depths(DEFAULT_ACCOUNT)] == ["b.type"]


async def test_a_database_without_a_hub(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    hub = Hub()
    for opener, url in (
        (by_asyncpg, postgres_url),
        (by_psycopg, postgres_url),
        (by_async_session, postgres_url),
        (by_sqlite3, "sqlite:///other.db"),
    ):
        async with opener(url) as own:
            await own.begin()
            with pytest.raises(StoreUnavailable, match="the tables of a hub are not found"):
                await hub.submit("a.type", connection=own.given)
            await own.rollback()


async def test_nothing_is_opened_for_it(each: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """It works in a script without a server, and where the hub's own database is somewhere else."""
    hub = Hub("postgresql://nobody@127.0.0.1:1/nothing")
    await each.own.begin()
    handle = await hub.submit("a.type", connection=each.own.given)
    await each.own.commit()
    assert await each.task(handle.id) is not None


async def test_sqlite_refuses_to_wait_for_ever_and_says_so_in_its_own_words(tmp_path: Path) -> None:
    """What the driver raises is the caller's to handle, as for their own statements."""
    hub = Hub(f"sqlite:///{tmp_path}/hub.db")
    await hub.submit("a.type")
    busy = sqlite3.connect(tmp_path / "hub.db", isolation_level=None)
    busy.execute("BEGIN IMMEDIATE")
    connection = sqlite3.connect(tmp_path / "hub.db", timeout=0.01)
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        await hub.submit("a.type", connection=connection)
    busy.close()
    await hub.submit("a.type", connection=connection)
    connection.commit()
    connection.close()
    await hub.close()


# --- secret fields


SECRET_KEY: Final = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
SECRET: Final = TaskType(type="mail.send", secret=("/login/password", "/pins/*"))
LOGIN: Final = {"login": {"user": "u", "password": "open sesame"}, "pins": ["1234", None], "n": 1}


async def payload_of(house: House) -> tuple[bytes, Any]:
    """As it is stored, and as its handler gets it."""
    (lease,) = (await house.store.lease(None, 10)).leases
    stored = lease.assignment.payload
    opened, _ = Keyring.of([SECRET_KEY]).open_payload(stored, type="mail.send", id=lease.assignment.id)
    return bytes(stored), json.loads(bytes(opened))


async def test_secret_fields_are_encrypted(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a type that only a worker knows."""
    monkeypatch.setenv("TASKFLOW_SECRETS_KEYS", SECRET_KEY)
    await house.declare(SECRET)
    await house.own.begin()
    handle = await house.hub.submit("mail.send", LOGIN, connection=house.own.given)
    await house.own.commit()
    assert json.loads(bytes((await handle.task()).payload)) == {
        "login": {"user": "u", "password": {"$secret": True}},
        "pins": [{"$secret": True}, None],
        "n": 1,
    }
    stored, given = await payload_of(house)
    assert given == LOGIN
    assert b"sesame" not in stored
    assert b"1234" not in stored


async def test_secret_fields_of_the_hubs_own_handlers(each: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker has declared it yet."""
    monkeypatch.setenv("TASKFLOW_SECRETS_KEYS", SECRET_KEY)

    @each.hub.task("mail.send")
    async def send(to: str, password: Secret[str]) -> None: ...

    await each.own.begin()
    await send.submit("you", password="open sesame", connection=each.own.given)
    await each.own.commit()
    await each.declare(SECRET)
    stored, given = await payload_of(each)
    assert given == {"to": "you", "password": "open sesame"}
    assert b"sesame" not in stored


async def test_secret_fields_without_a_key_are_refused(each: House) -> None:
    await each.declare(SECRET)
    await each.own.begin()
    wanted = [
        Submission(type="a.type"),
        Submission(type="mail.send", payload=Raw(json.dumps(LOGIN).encode())),
    ]
    with pytest.raises(NoSecretKeys, match="TASKFLOW_SECRETS_KEYS"):
        await each.hub.submit_many(wanted, idempotency_key="k", connection=each.own.given)
    await each.hub.submit("a.type", options={"idempotency_key": "k"}, connection=each.own.given)
    await each.own.commit()
    assert await each.count() == 1


async def test_a_repeat_with_the_same_secret_is_the_same_request(
    each: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TASKFLOW_SECRETS_KEYS", SECRET_KEY)
    await each.declare(SECRET)
    await each.own.begin()
    once: SubmitOptions = {"idempotency_key": "k"}
    first = await each.hub.submit("mail.send", LOGIN, options=once, connection=each.own.given)
    again = await each.hub.submit("mail.send", LOGIN, options=once, connection=each.own.given)
    assert again.id == first.id
    with pytest.raises(IdempotencyMismatch):
        await each.hub.submit(
            "mail.send", LOGIN | {"pins": ["1235"]}, options=once, connection=each.own.given
        )
    await each.own.commit()
    async with Hub(each.url) as hub:
        assert (await hub.submit("mail.send", LOGIN, options=once)).id == first.id, "and without a connection"


async def test_a_database_server_is_not_sent_what_it_may_log(
    pg: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Known types take one statement as ever; of others it is asked first what is secret."""
    asked: list[str] = []

    @pg.hub.task("known.type")
    async def known(password: str) -> None: ...

    monkeypatch.setenv("TASKFLOW_SECRETS_KEYS", SECRET_KEY)
    await pg.declare(TaskType(type="plain", payload_schema={"default": {"secret": ["x"]}}))
    await pg.declare(SECRET)
    await pg.own.begin()
    pg.own.given.add_query_logger(lambda record: asked.append(record.query + str(record.args)))

    async def statements(type: str, payload: Any) -> int:
        asked.clear()
        await pg.hub.submit(type, payload, connection=pg.own.given)
        await asyncio.sleep(0)  # which is when it logs
        return len(asked)

    assert await statements("known.type", {"password": "x"}) == 1
    assert await statements("unknown", {}) == 2
    assert await statements("plain", {}) == 2
    assert await statements("mail.send", LOGIN) == 2
    assert not [one for one in asked if "sesame" in one]
    monkeypatch.delenv("TASKFLOW_SECRETS_KEYS")
    async with Hub(pg.url) as keyless:
        await keyless.submit("unknown", {}, connection=pg.own.given)
        await asyncio.sleep(0)
    assert len(asked) == 3


# --- limits of types


CRM: Final = TaskType(
    type="crm.push",
    limits=(Limit("customer:{customer}", running=1), Limit("crm", running=2, per_second=100.0)),
)


async def stated(house: House) -> dict[str, tuple[int | None, float | None]]:
    found = await house.store.limits(DEFAULT_ACCOUNT, limit=20)
    return {one.key: (one.running, one.per_second) for one in found}


async def test_the_limits_of_a_type_hold(house: House) -> None:
    """Of a type that only a worker knows."""
    await house.declare(CRM)
    await house.own.begin()
    wanted = [
        Submission(type="crm.push", payload=Raw(b'{"customer":%d}' % customer), limits=limits)
        for customer, limits in ((1, ()), (1, ()), (2, (Limit("crm", running=3),)), (3, ()))
    ]
    one, _, two, three = await house.hub.submit_many(wanted, connection=house.own.given)
    await house.own.commit()
    assert await stated(house) == {
        "crm": (2, 100.0), "customer:1": (1, None), "customer:2": (1, None), "customer:3": (1, None)
    }  # fmt: skip
    leases = (await house.store.lease(None, 10)).leases
    assert [lease.assignment.id for lease in leases] == [one.id, two.id]
    assert (await three.task()).hold == "limit:crm"


async def test_the_limits_of_the_hubs_own_handlers(each: House) -> None:
    """Its word goes before what a worker has declared, and no worker need have."""

    @each.hub.task("crm.push", limits=[Limit("customer:{customer}", running=5)])
    async def push(customer: int = 1) -> None: ...

    await each.own.begin()
    await push.submit(customer=7, connection=each.own.given)
    await each.own.commit()
    await each.declare(CRM)
    await each.own.begin()
    await push.options(connection=each.own.given).submit(8)
    with pytest.raises(Invalid) as caught:
        await push.submit(connection=each.own.given)
    assert [error.pointer for error in caught.value.errors] == ["/payload/customer"]
    await each.own.commit()
    assert await stated(each) == {"customer:7": (5, None), "customer:8": (5, None)}
    assert await each.count() == 2


async def test_what_makes_no_key_is_refused_and_the_transaction_goes_on(each: House) -> None:
    await each.declare(CRM)
    await each.own.begin()
    once: SubmitOptions = {"idempotency_key": "k"}
    wanted = [Submission(type="a.type"), Submission(type="crm.push", payload=Raw(b'{"customer":null}'))]
    with pytest.raises(Invalid) as caught:
        await each.hub.submit_many(wanted, idempotency_key="k", connection=each.own.given)
    assert [error.pointer for error in caught.value.errors] == ["/tasks/1/payload/customer"]
    many = [Limit(f"k{n}", running=1) for n in range(4)]
    with pytest.raises(Invalid) as caught:
        await each.hub.submit(
            "crm.push", {"customer": 1}, options={"limits": many}, connection=each.own.given
        )
    assert [error.pointer for error in caught.value.errors] == ["/limits"]
    first = await each.hub.submit("crm.push", {"customer": 1}, options=once, connection=each.own.given)
    again = await each.hub.submit("crm.push", {"customer": 1}, options=once, connection=each.own.given)
    assert again.id == first.id
    await each.own.commit()
    assert await each.count() == 1
    async with Hub(each.url) as hub:
        assert (await hub.submit("crm.push", {"customer": 1}, options=once)).id == first.id, (
            "without a connection, too"
        )


async def test_limits_and_secrets_of_a_type(each: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where they have to be asked for, and where the program has keys and asks first."""
    declared = TaskType(type="mail.send", secret=SECRET.secret, limits=(Limit("n:{n}", running=1),))
    await each.declare(declared)
    monkeypatch.setenv("TASKFLOW_SECRETS_KEYS", SECRET_KEY)

    @each.hub.task("late.type", limits=[Limit("user:{user}", running=1)])
    async def late(user: str, pin: str = "") -> None: ...

    await each.own.begin()
    await each.hub.submit("mail.send", LOGIN, connection=each.own.given)
    await each.own.commit()
    assert await stated(each) == {"n:1": (1, None)}
    stored, given = await payload_of(each)
    assert given == LOGIN
    assert b"sesame" not in stored
    # A worker knows better what is secret; then nothing may be named by it.
    await each.declare(TaskType(type="late.type", secret=("/pin",)))
    await each.own.begin()
    await late.submit("u", pin="1234", connection=each.own.given)
    await each.own.commit()
    await each.declare(TaskType(type="late.type", secret=("/user",)))
    await each.own.begin()
    with pytest.raises(Invalid, match="/payload/user: is secret, and keys are shown"):
        await late.submit("sesame", connection=each.own.given)
    await each.own.commit()
    assert await stated(each) == {"n:1": (1, None), "user:u": (1, None)}


async def test_only_types_with_limits_cost_another_statement(pg: House) -> None:
    asked: list[str] = []

    @pg.hub.task("own.type", limits=[Limit("a", running=1)])
    async def own() -> None: ...

    await pg.declare(TaskType(type="plain", payload_schema={"default": {"limits": [{"key": "x"}]}}))
    await pg.declare(CRM)
    await pg.own.begin()
    pg.own.given.add_query_logger(lambda record: asked.append(record.query))

    async def statements(type: str, payload: Any) -> int:
        asked.clear()
        await pg.hub.submit(type, payload, connection=pg.own.given)
        await asyncio.sleep(0)  # which is when it logs
        return len(asked)

    assert await statements("own.type", {}) == 1
    assert await statements("unknown", {}) == 1
    assert await statements("plain", {}) == 1
    assert await statements("crm.push", {"customer": 1}) == 2


async def test_types_that_were_stored_before_there_were_limits_of_types(
    each: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await each.declare(SECRET)
    await each.declare(TaskType(type="a.type"))
    await each.own.begin()
    await each.own.run("""UPDATE task_types SET document = replace(document, ',"limits":[]', '')""")
    await each.own.commit()
    assert await each.store.task_types() == [TaskType(type="a.type"), SECRET]
    await each.own.begin()
    await each.hub.submit("a.type", connection=each.own.given)
    monkeypatch.setenv("TASKFLOW_SECRETS_KEYS", SECRET_KEY)
    keyed = Hub(each.url)  # nothing is opened for it
    await keyed.submit("mail.send", LOGIN, connection=each.own.given)
    await keyed.submit("a.type", options={"limits": [Limit("a", running=1)]}, connection=each.own.given)
    await each.own.commit()
    assert await each.count() == 3
    assert await stated(each) == {"a": (1, None)}
