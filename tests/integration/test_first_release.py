"""A database of the first release, with data in every state, is brought to this program's schema, read, and worked on."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.integration.test_postgres_schema import EVERYTHING
from tests.support.every_state import KEY, everything
from tests.support.first_release import (
    VERSION,
    Expected,
    expected,
    plain,
    plain_tasks,
    restore_postgres,
    restore_sqlite,
)
from tests.support.postgres import PostgresServer

from taskflow_hub.domain.clock import Clock
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.store.base import Store
from taskflow_hub.store.postgres import PostgresStore
from taskflow_hub.store.postgres import schema as postgres_schema
from taskflow_hub.store.sqlite import SqliteStore
from taskflow_hub.store.sqlite import schema as sqlite_schema
from taskflow_hub.store.values import Submit, Submitted
from taskflow_hub.store.versions import SchemaState, Versions
from taskflow_hub.testing.store_contract.kit import DAY_S, Kit, ManualClock, new_task

OpenStore = Callable[[Clock], Awaitable[Store]]


def test_sqlite(database_path: Path, tmp_path: Path) -> None:
    url, fresh = f"sqlite:///{database_path}", tmp_path / "fresh.db"
    restore_sqlite(database_path)
    assert sqlite_schema.check(url) is _state(sqlite_schema.VERSIONS)
    sqlite_schema.migrate(url)
    assert sqlite_schema.check(url) is SchemaState.CURRENT
    sqlite_schema.migrate(f"sqlite:///{fresh}")
    assert _sqlite_columns(database_path) == _sqlite_columns(fresh)
    asyncio.run(_is_read_and_worked_on(expected("sqlite"), lambda clock: SqliteStore.open(url, clock=clock)))


def test_postgres(postgres_server: PostgresServer, postgres_url: str) -> None:
    asyncio.run(restore_postgres(postgres_url))
    assert postgres_schema.check(postgres_url) is _state(postgres_schema.VERSIONS)
    postgres_schema.migrate(postgres_url)
    assert postgres_schema.check(postgres_url) is SchemaState.CURRENT
    postgres_server.run("DROP DATABASE IF EXISTS fresh")
    postgres_server.run("CREATE DATABASE fresh")
    postgres_schema.migrate(postgres_server.url("fresh"))
    database = postgres_url.rpartition("/")[2]
    assert _without_days(postgres_server, database) == _without_days(postgres_server, "fresh")
    asyncio.run(
        _is_read_and_worked_on(
            expected("postgres"), lambda clock: PostgresStore.open(postgres_url, clock=clock, survey_s=0.0)
        )
    )


def _state(versions: Versions) -> SchemaState:
    """Of a database that the first release has made."""
    return SchemaState.CURRENT if versions.current == VERSION else SchemaState.OLDER


async def _is_read_and_worked_on(release: Expected, open_store: OpenStore) -> None:
    clock = ManualClock()
    kit = Kit(await open_store(clock), clock, open_store)
    store, seen = kit.store, release.seen
    try:
        found = plain(plain_tasks(await everything(store, list(release.tasks))))
        for id, was in release.tasks.items():
            assert _as_then(found[id], plain(was)) == plain(was), "what it says now of what was there then"
        assert {found[seen.ids[state]][0]["status"] for state in State} == set(State)

        leased = await kit.lease(await kit.worker("line"))
        assert [one.id for one in leased] == seen.line
        assert str(await kit.succeed(leased[0])) == "applied"
        replay = await kit.submit_request(Submit((new_task(type="keyed"),), idempotency=KEY))
        assert isinstance(replay, Submitted)
        if replay.replayed:  # the key is kept for a day
            assert replay.tasks[0].id == seen.ids["keyed"]
        for name in ("old", "failed", "cancelled"):
            assert (await kit.redrive(seen.ids[name])).status is State.QUEUED
        owners = [worker.id for worker in await store.workers()]
        for owner in owners:
            await store.bury(owner)
        orphans = {orphan.id for orphan in await store.orphans(100)}
        assert {seen.ids["running"], seen.ids["started"], seen.ids["asked to end"]} <= orphans
        clock.advance(1_000 * DAY_S)
        assert seen.ids["retried"] in (await store.promote_due(100)).ids
    finally:
        await kit.close()


def _as_then(now: Any, then: Any) -> Any:
    """Without the fields that later versions have added."""
    if isinstance(then, dict) and isinstance(now, dict):
        return {name: _as_then(now[name], value) for name, value in then.items() if name in now}
    if isinstance(then, list) and isinstance(now, list) and len(now) == len(then):
        return [_as_then(one, other) for one, other in zip(now, then, strict=True)]
    return now


def _sqlite_columns(path: Path) -> dict[str, Any]:
    """Tables with their columns, and indexes; but not how the text of each came to be."""
    connection = sqlite3.connect(path)
    try:
        names = connection.execute("SELECT name, type FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
        columns = {name: connection.execute(f"PRAGMA table_xinfo({name})").fetchall() for name, _ in names}
        indexed = {name: connection.execute(f"PRAGMA index_xinfo({name})").fetchall() for name, _ in names}
        return {name: (type, sorted(columns[name], key=str), indexed[name]) for name, type in names}
    finally:
        connection.close()


def _without_days(server: PostgresServer, database: str) -> list[tuple[str, ...]]:
    return [tuple(row) for row in server.run(EVERYTHING, database) if not row["a"][-8:].isdecimal()]


@pytest.mark.parametrize("store", ["sqlite", "postgres"])
def test_the_first_release_saw_everything(store: str) -> None:
    release = expected(store)
    assert set(State) <= set(release.seen.ids)
    assert set(release.tasks) == {*release.seen.ids.values(), *release.seen.line}
