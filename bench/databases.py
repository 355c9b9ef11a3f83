"""The databases that are measured: each scenario asks for fresh ones, and what it asks of them differs by kind."""

import asyncio
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any, Final, Protocol

import asyncpg
from tests.support.postgres import PostgresServer, postgres

from bench.process import cpu_s
from taskflow_hub.store.postgres import PostgresStore
from taskflow_hub.store.sqlite import SqliteStore

POSTGRES_VERSION: Final = 16
KEPT_WAL: Final = "1GB"  # what a busy server has anyway (max_wal_size)
WRITE_WAL: Final = "CREATE TABLE filling AS SELECT repeat('x', 1000) FROM generate_series(1, 700000)"


class Databases(Protocol):
    title: str  # what they are, for people
    has_server: bool

    def fresh(self) -> AbstractContextManager[str]:
        """The URL of an empty one, which is removed afterwards."""
        ...

    async def open(self, url: str) -> SqliteStore | PostgresStore: ...

    def finished(self, url: str) -> int:
        """How many tasks have ended. Cheap, however many they are."""
        ...

    def busy_s(self, url: str, since: datetime) -> float:
        """From the first start to the last end, of tasks that ended since then; by the database's own clock."""
        ...

    def server_cpu_s(self) -> float:
        """CPU time of the server so far; 0 without one."""
        ...


class Sqlite:
    title = "SQLite, synchronous=FULL"
    has_server = False

    @contextmanager
    def fresh(self) -> Iterator[str]:
        with tempfile.TemporaryDirectory() as folder:
            yield f"sqlite:///{folder}/taskflow.db"

    async def open(self, url: str) -> SqliteStore:
        return await SqliteStore.open(url)

    def finished(self, url: str) -> int:
        return int(self._row(url, "SELECT coalesce(sum(count), 0) FROM rollups")[0])

    def busy_s(self, url: str, since: datetime) -> float:
        first, last = self._row(
            url,
            "SELECT min(started_at), max(finished_at) FROM finished_tasks WHERE finished_at >= ?",
            int(since.timestamp() * 1_000_000),
        )
        return float(last - first) / 1_000_000

    def server_cpu_s(self) -> float:
        return 0.0

    @staticmethod
    def _row(url: str, sql: str, *values: object) -> Sequence[Any]:
        path = Path(url.removeprefix("sqlite:///"))
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            row: Sequence[Any] = connection.execute(sql, values).fetchone()
            return row
        finally:
            connection.close()


class Postgres:
    """One server for the whole run, durable as PostgreSQL comes."""

    has_server = True

    def __init__(self, server: PostgresServer) -> None:
        self.server = server
        self.title = f"PostgreSQL {server.version}, durable as it comes"
        self._numbers = count(1)

    @contextmanager
    def fresh(self) -> Iterator[str]:
        name = f"bench_{next(self._numbers)}"
        self.server.run(f"CREATE DATABASE {name}")
        try:
            yield self.server.url(name)
        finally:
            self.server.run(f"DROP DATABASE {name} WITH (FORCE)")

    async def open(self, url: str) -> PostgresStore:
        return await PostgresStore.open(url)

    def settle(self, url: str) -> None:
        """As on a server that has run for a while: its files of WAL are there to be written over.

        A new server makes each of them when it comes to it, and every commit waits until 16 MB of zeros are on the disk.
        """

        async def write() -> None:
            connection = await asyncpg.connect(url)
            try:
                await connection.execute(WRITE_WAL)
                await connection.execute("DROP TABLE filling")
                for _ in range(
                    2
                ):  # files are kept for use again when the checkpoint after the next needs them no more
                    await connection.execute("CHECKPOINT")
            finally:
                await connection.close()

        asyncio.run(write())

    def finished(self, url: str) -> int:
        return int(self._row(url, "SELECT coalesce(sum(count), 0) FROM rollups")[0])

    def busy_s(self, url: str, since: datetime) -> float:
        first, last = self._row(
            url, "SELECT min(started_at), max(finished_at) FROM finished_tasks WHERE finished_at >= $1", since
        )
        return float((last - first).total_seconds())

    def server_cpu_s(self) -> float:
        return cpu_s(int((self.server.folder / "data" / "postmaster.pid").read_text().split()[0]))

    @staticmethod
    def _row(url: str, sql: str, *values: object) -> Sequence[Any]:
        async def ask() -> Sequence[Any]:
            connection = await asyncpg.connect(url)
            try:
                row = await connection.fetchrow(sql, *values)
            finally:
                await connection.close()
            assert row is not None
            return tuple(row)

        return asyncio.run(ask())


@contextmanager
def databases(kind: str) -> Iterator[Databases]:
    """`kind`: sqlite or postgres."""
    if kind == "sqlite":
        yield Sqlite()
        return
    with postgres(POSTGRES_VERSION, min_wal_size=KEPT_WAL) as server:
        yield Postgres(server)
