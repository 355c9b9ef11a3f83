"""What only SQLite can show: the rows themselves, and the files."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest_asyncio
from msgspec import Raw

from taskflow_hub.domain import moves
from taskflow_hub.domain.clock import new_id
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.messages import Line, Logged, Register
from taskflow_hub.domain.model import DEFAULT_ACCOUNT, TaskError, TaskType
from taskflow_hub.domain.moves import Fence
from taskflow_hub.domain.retry import RetryPolicy
from taskflow_hub.domain.submission import Unique
from taskflow_hub.store.sqlite import SqliteStore
from taskflow_hub.store.values import Call, Idempotency, NewTask, Submit, Submitted, TaskFilter

NOW = datetime(2026, 1, 2, tzinfo=UTC)


class Clock:
    now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest_asyncio.fixture
async def store(database_path: Path) -> AsyncIterator[SqliteStore]:
    store = await SqliteStore.open(f"sqlite:///{database_path}", clock=Clock())
    yield store
    await store.close()


def new_task(**fields: object) -> NewTask:
    given = {
        "max_retries": 3,
        "retry": RetryPolicy(),
        "timeout": 1.0,
        "payload": Raw(b"{}"),
        "type": "t",
        **fields,
    }
    return NewTask(id=new_id(), **given)  # type: ignore[arg-type]


def rows(path: Path) -> dict[str, int]:
    """How many rows each table has that has any."""
    connection = sqlite3.connect(path)
    names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    counts = {name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in names}
    connection.close()
    return {
        name: count for name, count in counts.items() if count and name not in {"alembic_version", "sequence"}
    }


async def test_a_task_that_goes_leaves_nothing_behind(store: SqliteStore, database_path: Path) -> None:
    worker = new_id()
    await store.register(
        Register(
            worker=worker,
            name="w",
            host="h",
            pid=1,
            version="1",
            slots=9,
            window=0,
            types=(TaskType(type="t"),),
        )
    )
    before = rows(database_path)
    parent = new_task(tags=("a", "b"), unique=Unique("k", window=5.0), max_retries=1)
    key = Idempotency(DEFAULT_ACCOUNT, "/tasks", "k", "f", ttl_s=5.0)
    await store.submit([Submit((parent,), key)])
    await store.lease(None, 1)
    child = new_task(parent_id=parent.id, tags=("a",))
    (made,) = await store.submit([Submit((child,), call=Call(Fence(parent.id, 1), 1))])
    assert isinstance(made, Submitted)
    line = Line(n=1, at=NOW, level="info", message="m")
    await store.log([Logged(worker=worker, n=1, id=parent.id, attempt=1, lines=(line,))])
    error = TaskError(type="E", message="m")
    await store.retry([moves.Retry(id=parent.id, attempt=1, ran_s=1.0, delay_s=0.0, error=error)])
    await store.cancel(DEFAULT_ACCOUNT, [parent.id, child.id])
    assert {"payloads", "task_tags", "attempts", "log_lines", "calls", "unique_keys"} <= set(
        rows(database_path)
    )

    assert await store.delete(DEFAULT_ACCOUNT, [parent.id, child.id]) == [None, None]
    left = rows(database_path)
    assert set(left) - set(before) == {"idempotency_keys", "unique_keys", "rollups"}, (
        "keys have a time of their own"
    )
    Clock.now = NOW + timedelta(days=31)
    await store.bury(worker)
    await store.prune({}, 10)
    Clock.now += timedelta(days=2)
    await store.prune({}, 10)
    assert set(rows(database_path)) == {"task_types"}
    Clock.now = NOW


async def test_pruning_is_as_thorough_as_deleting(store: SqliteStore, database_path: Path) -> None:
    task = new_task(tags=("a",))
    await store.submit([Submit((task,))])
    await store.cancel(DEFAULT_ACCOUNT, [task.id])
    assert (await store.prune({State.CANCELLED: -1.0}, 10)).tasks == 1
    assert set(rows(database_path)) == {"rollups"}


async def test_retention_is_exact(store: SqliteStore) -> None:
    """The contract allows a day more."""
    tasks = [new_task() for _ in range(3)]
    for task in tasks:
        await store.submit([Submit((task,))])
        await store.cancel(DEFAULT_ACCOUNT, [task.id])
        Clock.now += timedelta(seconds=1)
    keep = {State.CANCELLED: 2.0}  # the second finished exactly so long ago
    assert (await store.prune(keep, 10)).tasks == 1
    assert set(await store.tasks([task.id for task in tasks])) == {task.id for task in tasks[1:]}
    assert (await store.prune({State.CANCELLED: 2.0 - 1e-6}, 10)).tasks == 1
    assert (await store.prune({State.CANCELLED: -1.0}, 1)).more
    Clock.now = NOW


async def test_closing_leaves_one_file(database_path: Path) -> None:
    store = await SqliteStore.open(f"sqlite:///{database_path}")
    await store.submit([Submit((new_task(),))])
    await store.tasks([new_id()])
    names = {path.name for path in database_path.parent.iterdir()}
    assert names == {"taskflow.db", "taskflow.db-wal", "taskflow.db-shm"}
    await store.close()
    assert {path.name for path in database_path.parent.iterdir()} == {"taskflow.db"}
    again = await SqliteStore.open(f"sqlite:///{database_path}")
    assert await again.count(DEFAULT_ACCOUNT, TaskFilter()) == 1
    await again.close()


async def test_every_commit_is_synced(store: SqliteStore) -> None:
    """A promise of the README: accepted means committed, as durably as the database commits."""
    assert (
        await store._writer.write(lambda tx: tx.connection.execute("PRAGMA synchronous").fetchone()[0]) == 2
    )
    assert (
        await store._writer.write(lambda tx: tx.connection.execute("PRAGMA journal_mode").fetchone()[0])
        == "wal"
    )


async def test_readers_cannot_write(store: SqliteStore) -> None:
    def write(snapshot: object) -> None:
        snapshot.connection.execute("DELETE FROM tasks")  # type: ignore[attr-defined]

    outcome = await asyncio.gather(store._readers.read(write), return_exceptions=True)
    assert "cannot be opened for writing" in str(outcome[0])


async def test_a_task_is_never_in_both_tables(store: SqliteStore, database_path: Path) -> None:
    tasks = [new_task() for _ in range(50)]
    await store.submit([Submit(tuple(tasks))])
    ids = [task.id for task in tasks]
    for _ in range(5):
        await store.cancel(DEFAULT_ACCOUNT, ids[::2])
        await store.redrive(DEFAULT_ACCOUNT, ids)
        counts = rows(database_path)
        assert counts.get("tasks", 0) + counts.get("finished_tasks", 0) == 50
        assert counts["payloads"] == 50
