"""`taskflow db copy`: a stopped hub moves from SQLite to PostgreSQL, whole and compared, or not at all."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from tests.support.every_state import (
    KEY,
    UNIQUE,
    Seen,
    bulk_running,
    everything,
    in_steps,
    live_through_everything,
    new_id_at,
    trends,
    workflows,
)
from tests.support.hub_process import HubProcess
from tests.support.postgres import FAST, PostgresServer, postgres

from taskflow_hub import bootstrap, lockfile
from taskflow_hub.domain import moves
from taskflow_hub.domain.access import Role, Scope, User
from taskflow_hub.domain.audit import Act, Action, Actor, By, by_operator
from taskflow_hub.domain.clock import Clock, new_id
from taskflow_hub.domain.errors import (
    Conflict,
    Misconfigured,
    SchemaMismatch,
    StoreUnavailable,
    TaskflowError,
    UniqueConflict,
)
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.model import DEFAULT_ACCOUNT
from taskflow_hub.settings import Settings, load
from taskflow_hub.store.base import Store
from taskflow_hub.store.base_schedules import ScheduleFilter
from taskflow_hub.store.postgres import PostgresStore
from taskflow_hub.store.sqlite import SqliteStore
from taskflow_hub.store.transfer import TABLES, Digest, Kind, Step, Table
from taskflow_hub.store.values import Bucket, NewKey, NewUser, Submit, Submitted, TaskFilter
from taskflow_hub.testing.store_contract.kit import DAY_S, Kit, ManualClock, new_task

LATER = timedelta(minutes=5)  # since the last heartbeat


@pytest.fixture
def sqlite_url(database_path: Path) -> str:
    return f"sqlite:///{database_path}"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load({"worker.lock_dir": tmp_path / "locks"}, environ={}, file=tmp_path / "none.toml").settings


async def seen_everything(url: str, clock: ManualClock) -> Seen:
    kit = await kit_on(lambda clock: SqliteStore.open(url, clock=clock), clock)
    seen = await live_through_everything(kit)
    await _people(kit)
    await kit.close()
    return seen


EMAIL, DIGEST = "Žofie@Example.org", "d" * 64


async def _people(kit: Kit) -> None:
    """Users, logins and keys, with everything that can be on them; and what operators have pinned, of which the audit knows."""
    store = kit.store
    ada = By(
        kind=Actor.USER, id=new_id(), name=EMAIL, account="shared", address="192.0.2.7", agent="curl 'ž'"
    )
    await store.set_limit("shared", "pinned", None, 2.0, by=ada)
    await store.append_audit(
        by_operator("root"), Act(action=Action.QUEUE_PURGE, entity_id="q", meta={"n": 1})
    )
    user = await store.register_user(
        NewUser(id=new_id(), email=EMAIL, password_hash="$scrypt$1"), closed=False
    )
    assert isinstance(user, User)
    await store.add_user(
        NewUser(id=new_id(), email="b@example.org", password_hash="x"), "shared", Role.VIEWER
    )
    assert await store.begin_session(new_id(), user.id, DAY_S)
    assert await store.spend([Bucket("b", 1.0, 0.1)]) == 0.0
    for n, digest in enumerate((DIGEST, "e" * 64)):
        key = NewKey(
            id=new_id(),
            account_id=DEFAULT_ACCOUNT,
            user_id=(user.id, None)[n],
            name="Žofie 'quote\" \\ 🦊",
            digest=digest,
            scopes=(Scope.SUBMIT, Scope.READ),
            queues=(("a", "b,c", '"d"', "{e}"), ())[n],
            expires_in_s=(500 * DAY_S, None)[n],
        )
        await store.create_key(key)
        await store.use_keys([key.id])
        if n:
            await store.revoke_key(None, key.id)


async def _schedules(store: Store) -> Any:
    page = await store.schedules(None, ScheduleFilter(), limit=10)
    return page, [await store.fires(one.id, limit=100) for one in page.items]


async def kit_on(open_store: Callable[[Clock], Awaitable[Store]], clock: ManualClock) -> Kit:
    return Kit(await open_store(clock), clock, open_store)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def seen(sqlite_url: str, clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> Seen:
    """A hub with something in every state, stopped for a while."""
    seen = asyncio.run(seen_everything(sqlite_url, clock))
    monkeypatch.setattr(bootstrap, "utc_now", lambda: clock() + LATER)
    return seen


def copy(settings: Settings, source: str, target: str) -> bootstrap.Moved:
    return bootstrap.move_database(settings, source, target, lambda _: None)


def rows(server: PostgresServer, url: str, sql: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in server.run(sql, url.rpartition("/")[2])]


# --- it is all there ---------------------------------------------------------------------------------------------------


def test_everything_is_there_and_the_same(
    settings: Settings, sqlite_url: str, postgres_url: str, seen: Seen, clock: ManualClock
) -> None:
    steps: list[Step] = []
    moved = bootstrap.move_database(settings, sqlite_url, postgres_url, steps.append)

    async def compare() -> None:
        old = await SqliteStore.open(sqlite_url, clock=clock)
        new = await PostgresStore.open(postgres_url, clock=clock)
        ids = [*seen.ids.values(), *seen.line]
        try:
            assert await everything(new, ids) == await everything(old, ids)
            assert await in_steps(new, ids) == await in_steps(old, ids)
            views: list[Callable[[Store], Awaitable[Any]]] = [
                workflows,
                lambda store: store.queues(),
                lambda store: store.depths(DEFAULT_ACCOUNT),
                lambda store: store.rates(DEFAULT_ACCOUNT, clock() - timedelta(days=60)),
                lambda store: store.workers(dead=True),
                lambda store: store.task_types(),
                lambda store: store.running_bulks(),
                lambda store: store.search(DEFAULT_ACCOUNT, TaskFilter(), limit=1_000),
                lambda store: store.count(DEFAULT_ACCOUNT, TaskFilter(tag="b,c")),
                lambda store: store.users(None),
                lambda store: store.login(EMAIL.upper()),
                lambda store: store.keys(None),
                lambda store: store.key(DIGEST),
                lambda store: store.limits(None, limit=100),
                lambda store: store.queues(),
                lambda store: store.quotas(limit=100),
                lambda store: store.quota(DEFAULT_ACCOUNT),
                _schedules,
                trends,
            ]
            for view in views:
                assert _comparable(await view(new)) == _comparable(await view(old))
        finally:
            await old.close()
            await new.close()

    asyncio.run(compare())
    counts = {one.table: one.rows for one in moved.tables}
    assert list(counts) == [table.name for table in TABLES]
    assert all(counts.values()), "or this test shows too little"
    assert moved.results == 1
    assert {(step.doing, step.table) for step in steps if step.done == step.total} == {
        (doing, table.name) for doing in ("copy", "compare") for table in TABLES
    }


def _comparable(value: Any) -> Any:
    """Plain values, in an order that both databases have: they sort some lists by their own collation."""
    import msgspec

    plain = json.loads(msgspec.json.encode(value))
    return sorted(plain, key=json.dumps) if isinstance(plain, list) else plain


def test_the_hub_goes_on(
    settings: Settings, sqlite_url: str, postgres_url: str, seen: Seen, clock: ManualClock
) -> None:
    copy(settings, sqlite_url, postgres_url)

    async def go_on() -> None:
        kit = await kit_on(lambda clock: PostgresStore.open(postgres_url, clock=clock, survey_s=0.0), clock)
        store = kit.store
        try:
            # What waited is leased in its order, behind it what comes now; the old worker's late report is refused.
            late = await kit.submit(type="line", queue="line")
            leased = await kit.lease(await kit.worker("line"))
            assert [one.id for one in leased] == [*seen.line[:3], late.id, seen.line[3]]
            assert str(await kit.succeed(leased[0])) == "applied"

            # A limit counts what ran under it there, and the start it let through.
            limited = await kit.worker("limited")
            assert await kit.lease(limited) == []
            ran = await kit.get(seen.ids["limited"])
            await store.succeed([moves.Succeed(id=ran.id, attempt=ran.attempt, ran_s=1.0)])
            assert await kit.lease(limited) == []
            clock.advance(2)
            assert [one.id for one in await kit.lease(limited)] == [seen.ids["limited waits"]]

            # What ran is lost with its workers, and runs again.
            for worker in await store.workers():
                await store.bury(worker.id)
            orphans = {orphan.id for orphan in await store.orphans(100)}
            assert {seen.ids["running"], seen.ids["started"], seen.ids["asked to end"]} <= orphans
            started = await kit.get(seen.ids["started"])
            assert started.worker is not None
            again = await kit_lose_and_run(kit, started.id)
            assert again.attempt == started.attempt + 1
            assert str(await kit.succeed(again)) == "applied"
            logs = await store.logs(DEFAULT_ACCOUNT, started.id, limit=10)
            assert logs is not None
            assert [line.n for line in logs] == [1, 2, 3]

            # Keys hold.
            replay = await kit.submit_request(Submit((new_task(type="keyed"),), idempotency=KEY))
            assert isinstance(replay, Submitted)
            assert (replay.replayed, replay.tasks[0].id) == (True, seen.ids["keyed"])
            second = await kit.submit_request(Submit((new_task(type="unique", unique=UNIQUE),)))
            assert isinstance(second, UniqueConflict)

            # History can be redriven, and the operation that was under way goes on.
            assert (await kit.redrive(seen.ids["old"])).status.value == "queued"
            assert await store.advance_bulk(bulk_running(), expected=None, cursor=None, done=3, skipped=0)
            clock.advance(500 * 86_400.0)
            due = await store.promote_due(100)
            assert {seen.ids["retried"], seen.ids["snoozed"], seen.ids["scheduled"]} <= set(due.ids)
        finally:
            await kit.close()

    asyncio.run(go_on())


async def kit_lose_and_run(kit: Kit, id: str) -> Any:
    from taskflow_hub.domain import moves
    from taskflow_hub.domain.model import AttemptOutcome

    task = await kit.get(id)
    lose = moves.Lose(
        id=id, attempt=task.attempt, worker=task.worker or "", outcome=AttemptOutcome.LOST, crashed=True
    )
    await kit.store.lose([lose])
    return await kit.run_again(id)


# --- when it is not done -----------------------------------------------------------------------------------------------


def nothing_came(server: PostgresServer, url: str) -> None:
    there = rows(server, url, "SELECT count(*) FROM pg_class WHERE relname = 'tasks'")
    if there != [(0,)]:
        for table in TABLES:
            assert rows(server, url, f"SELECT count(*) FROM {table.name}") == [(0,)], table.name


def test_a_hub_that_may_be_alive_is_left_alone(
    settings: Settings,
    sqlite_url: str,
    postgres_url: str,
    postgres_server: PostgresServer,
    seen: Seen,
    clock: ManualClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bootstrap, "utc_now", lambda: clock() + timedelta(seconds=20))
    with pytest.raises(
        Conflict, match=r"A hub still works on this database: worker w on host h, last heard of \d+ s ago"
    ):
        copy(settings, sqlite_url, postgres_url)
    nothing_came(postgres_server, postgres_url)


def test_a_worker_whose_lock_is_held_is_alive_however_silent(
    settings: Settings, sqlite_url: str, postgres_url: str, seen: Seen, clock: ManualClock, tmp_path: Path
) -> None:
    """It may have been stopped by a signal, and goes on any moment."""

    async def register() -> str:
        kit = await kit_on(lambda clock: SqliteStore.open(sqlite_url, clock=clock), clock)
        worker = await kit.worker("x")
        await kit.close()
        return worker

    worker = asyncio.run(register())
    lock = lockfile.LockFile.hold(tmp_path / "locks", worker)
    with pytest.raises(Conflict, match="A hub still works"):
        copy(settings, sqlite_url, postgres_url)
    lock.release()
    assert copy(settings, sqlite_url, postgres_url).results == 1


def test_a_database_that_holds_something_is_left_alone(
    settings: Settings, sqlite_url: str, postgres_url: str, postgres_server: PostgresServer, seen: Seen
) -> None:
    copy(settings, sqlite_url, postgres_url)
    before = rows(postgres_server, postgres_url, "SELECT id, rev FROM tasks ORDER BY id")
    with pytest.raises(Conflict, match="is not empty: there is something in tasks, finished_tasks"):
        copy(settings, sqlite_url, postgres_url)
    assert rows(postgres_server, postgres_url, "SELECT id, rev FROM tasks ORDER BY id") == before


@pytest.mark.parametrize(
    "change",
    [
        "NEW.priority := 0",  # in one row another value
        "IF NEW.priority = 7 THEN RETURN NULL; END IF",  # one row less
    ],
)
def test_what_came_out_otherwise_is_taken_back(
    settings: Settings,
    sqlite_url: str,
    postgres_url: str,
    postgres_server: PostgresServer,
    seen: Seen,
    change: str,
) -> None:
    database = postgres_url.rpartition("/")[2]
    bootstrap.schema_tools(load({"database.url": postgres_url}, environ={}).settings).migrate(postgres_url)
    postgres_server.run(
        f"CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {change}; RETURN NEW; END $$",
        database,
    )
    postgres_server.run(
        "CREATE TRIGGER spoil BEFORE INSERT ON tasks FOR EACH ROW EXECUTE FUNCTION spoil()", database
    )
    with pytest.raises(Conflict, match=r"tasks: \d+ rows were to be copied, .*Nothing was changed"):
        copy(settings, sqlite_url, postgres_url)
    nothing_came(postgres_server, postgres_url)


def test_what_cannot_be_written_leaves_nothing(
    settings: Settings, sqlite_url: str, postgres_url: str, postgres_server: PostgresServer, seen: Seen
) -> None:
    bootstrap.schema_tools(load({"database.url": postgres_url}, environ={}).settings).migrate(postgres_url)
    database = postgres_url.rpartition("/")[2]
    postgres_server.run("ALTER TABLE bulks ADD CHECK (total < 3)", database)  # the last table of all
    with pytest.raises(asyncpg.CheckViolationError):
        copy(settings, sqlite_url, postgres_url)
    nothing_came(postgres_server, postgres_url)


def test_a_history_of_too_many_days_for_the_server(
    settings: Settings, sqlite_url: str, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ended_on(days: int) -> None:
        kit = await kit_on(lambda clock: SqliteStore.open(sqlite_url, clock=clock), clock)
        for _ in range(days):
            clock.advance(-DAY_S)
            await kit.in_state(State.FAILED, id=new_id_at(kit))
        await kit.close()

    asyncio.run(ended_on(40))
    with postgres(16, **FAST, max_locks_per_transaction="10", max_connections="12") as small:
        with pytest.raises(
            StoreUnavailable, match=r"out of shared memory; .* raise max_locks_per_transaction"
        ):
            copy(settings, sqlite_url, small.url())
        nothing_came(small, small.url())


def test_a_hub_elsewhere_that_uses_the_target(
    settings: Settings, sqlite_url: str, postgres_url: str, seen: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    from taskflow_hub.store.postgres import transfer

    monkeypatch.setattr(transfer, "LOCK_WAIT_S", 1)
    bootstrap.schema_tools(load({"database.url": postgres_url}, environ={}).settings).migrate(postgres_url)

    async def meanwhile() -> None:
        other = await asyncpg.connect(postgres_url)
        try:
            await other.execute("BEGIN; LOCK TABLE workers IN ROW EXCLUSIVE MODE")
            with pytest.raises(Conflict, match="is in use: stop every hub on it first"):
                await asyncio.to_thread(copy, settings, sqlite_url, postgres_url)
        finally:
            await other.close()

    asyncio.run(meanwhile())


@pytest.mark.parametrize(
    ("version", "state"), [("0000", "newer"), ("9999", "newer")]
)  # an older one is a version that is known
def test_a_schema_that_is_not_ours(
    settings: Settings, sqlite_url: str, postgres_url: str, seen: Seen, version: str, state: str
) -> None:
    import sqlite3

    connection = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))
    connection.execute("UPDATE alembic_version SET version_num = ?", (version,))
    connection.commit()
    connection.close()
    with pytest.raises(SchemaMismatch, match=f"schema that is {state}"):
        copy(settings, sqlite_url, postgres_url)


def test_what_is_not_a_hub(settings: Settings, sqlite_url: str, postgres_url: str, tmp_path: Path) -> None:
    refused: list[tuple[str, str, type[TaskflowError], str]] = [
        (sqlite_url, postgres_url, Misconfigured, "There is no hub's database at"),
        (postgres_url, sqlite_url, Misconfigured, "A hub moves from sqlite:///FILE to postgresql://"),
        (sqlite_url, sqlite_url, Misconfigured, "A hub moves from sqlite:///FILE to postgresql://"),
        ("oracle://x", postgres_url, Misconfigured, "not a database we know"),
        (sqlite_url, "postgresql://localhost", Misconfigured, "it names no database"),
    ]
    for source, target, error, words in refused:
        with pytest.raises(error, match=words):
            copy(settings, source, target)
    assert list(tmp_path.iterdir()) == []


# --- on the command line -----------------------------------------------------------------------------------------------


def taskflow(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("TASKFLOW_")}
    return subprocess.run(
        [sys.executable, "-m", "taskflow_hub", *args],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_hub_moves_as_an_operator_would_move_it(tmp_path: Path, postgres_url: str) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    with HubProcess(here) as hub:
        done = hub.final(hub.submit("demo.noop")["id"])
        waits = hub.submit("nobody.knows")["id"]
        alive = taskflow(here, "db", "copy", "sqlite:///taskflow.db", postgres_url)
        assert (alive.returncode, "A hub still works on this database" in alive.stderr) == (1, True), (
            alive.stderr
        )
        hub.kill()
    copied = taskflow(
        here, "db", "copy", "sqlite:///taskflow.db", postgres_url
    )  # at once: it is seen to be dead
    assert copied.returncode == 0, copied.stderr
    assert "tasks 1 " in " ".join(copied.stdout.split())
    assert "every digest is the same on both sides" in copied.stderr
    again = taskflow(here, "db", "copy", "sqlite:///taskflow.db", postgres_url)
    assert (again.returncode, "is not empty" in again.stderr) == (1, True)
    with HubProcess(there, environ={"TASKFLOW_DATABASE_URL": postgres_url}) as hub:
        assert hub.task(done["id"]) == done
        assert hub.task(waits)["status"] == "queued"
        assert hub.final(hub.submit("demo.noop")["id"])["status"] == "success"


def test_results_outside_the_database_are_spoken_of(
    tmp_path: Path, postgres_url: str, sqlite_url: str, seen: Seen, clock: ManualClock
) -> None:
    import sqlite3

    with sqlite3.connect(
        sqlite_url.removeprefix("sqlite:///")
    ) as connection:  # heard of long ago, by any clock
        connection.execute("UPDATE workers SET last_beat_at = last_beat_at - 86400000000")
    connection.close()
    run = taskflow(tmp_path, "-o", "json", "db", "copy", sqlite_url, postgres_url)
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout)
    assert told["results"] == 1
    assert told["results_were_in"] == f"{sqlite_url.removeprefix('sqlite:///')}.results"
    assert told["results_are_sought_in"] == f"{postgres_url.rpartition('/')[2]}.results"
    assert {table["table"]: table["rows"] for table in told["tables"]}["workers"] > 10
    assert "Large results lie outside the database (1 of them)" in run.stderr
    assert "TASKFLOW_ENGINE_RESULTS_DIR" in run.stderr


# --- nothing is forgotten ----------------------------------------------------------------------------------------------


def test_every_column_of_both_stores_is_accounted_for(
    sqlite_url: str, postgres_url: str, postgres_server: PostgresServer, seen: Seen
) -> None:
    """A column that a later version adds is copied, or it is said here why not."""
    import sqlite3

    bootstrap.schema_tools(load({"database.url": postgres_url}, environ={}).settings).migrate(postgres_url)
    known = {table.name: set(table.columns) for table in TABLES}

    connection = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))
    there = {
        name: {column[1] for column in connection.execute(f"PRAGMA table_info({name})")}
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    }
    connection.close()
    apart = {"octets", "payload"}  # in the table payloads
    ends = {  # null while a task lives
        *("finished_at", "outcome", "ended_by", "reason", "result", "result_ref", "fingerprint"),
    }
    lives = {"seq", "hold", "leased_at", "taken", "missing", "transits"}  # of no use once it has ended
    there["tasks"] = (there["tasks"] - ends) | apart
    there["finished_tasks"] = (there["finished_tasks"] - lives) | apart
    unneeded = ("logins", "buckets")  # whoever is logged in logs in again; a bucket fills up by itself
    for name in ("payloads", "sequence", "alembic_version", *unneeded):
        del there[name]
    assert there == known

    here = {
        name: set(columns)
        for name, columns in rows(
            postgres_server,
            postgres_url,
            "SELECT table_name::text, array_agg(column_name::text) FROM information_schema.columns "
            "WHERE table_schema = 'public' GROUP BY 1",
        )
    }
    own = {
        "tasks": "lease_no",
        "log_lines": "kept_at",
        "calls": "called_at",
        **dict.fromkeys(("rollups", "failures"), "shard"),
    }
    for name, column in own.items():
        here[name].remove(column)
    for name in ("taskflow_version", "leaving_days", *unneeded):
        del here[name]
    assert {
        name: columns for name, columns in here.items() if not name.startswith("finished_") or name in known
    } == known


def test_a_digest_knows_every_value_and_no_order() -> None:
    def digest(*rows: list[Any]) -> str:
        made = Digest()
        for row in rows:
            made.add(row)
        return made.text

    one, other = ["a", 1, None], ["b", 2.5, ["x"]]
    assert digest(one, other) == digest(other, one)
    different = [
        digest(one),
        digest(one, one),
        digest(one, other),
        digest(["a", None, 1]),
        digest(["a", "1", None]),
    ]
    assert len(set(different)) == len(different)


def test_every_kind_of_column_is_used() -> None:
    assert {kind for table in TABLES for kind in table.columns.values()} == set(Kind)
    assert all(isinstance(table, Table) for table in TABLES)
    assert len(new_id()) == 36
