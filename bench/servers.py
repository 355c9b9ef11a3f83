"""The servers that systems stand on: PostgreSQL and Redis, each durable as its documentation says, and a folder for SQLite."""

import sqlite3
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

import psycopg
from tests.support.postgres import PostgresServer, postgres
from tests.support.redis import RedisServer, redis_server

from bench.databases import KEPT_WAL, POSTGRES_VERSION, Postgres
from bench.process import cpu_s, unshared_mb

DATABASE: Final = "bench"
AOF: Final = ("--appendonly", "yes", "--appendfsync", "everysec", "--auto-aof-rewrite-percentage", "0")
REWRITTEN_WITHIN_S: Final = 60.0


class Counters(NamedTuple):
    """What a database has done so far."""

    transactions: int
    wal_octets: int
    dead_rows: int  # each update and each delete leaves one behind

    def since(self, before: "Counters", tasks: int) -> dict[str, float]:
        """For each task."""
        return {
            name: (now - then) / tasks for name, now, then in zip(self._fields, self, before, strict=True)
        }


class Session(Protocol):
    def execute(self, query: str, /) -> Any: ...

    def close(self) -> None: ...


class Server(Protocol):
    def addresses(self) -> dict[str, str]:
        """Environment variables for programs and workers."""
        ...

    def empty(self) -> None:
        """Nothing of the run before is left, on disk neither."""
        ...

    def settle(self) -> None:
        """What was filled in is as it would be after a while."""
        ...

    def ask(self, query: str) -> int: ...

    def snapshot(self) -> Session:
        """A session in a transaction that has begun to read: what it sees must be kept. Raises RuntimeError on Redis."""
        ...

    def counters(self) -> Counters | None:
        """Exact once every session that worked has ended; None where the server does not count."""
        ...

    def cpu_s(self) -> float: ...

    def rss_mb(self) -> float:
        """Of all its processes, as far as it is not shared between them."""
        ...

    def title(self) -> str:
        """What it is and how durable, for people."""
        ...


class PostgresUnderTest:
    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        Postgres(server).settle(server.url())

    def addresses(self) -> dict[str, str]:
        return {"BENCH_POSTGRES_URL": self._server.url(DATABASE)}

    def empty(self) -> None:
        self._server.run(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
        self._server.run(f"CREATE DATABASE {DATABASE}")
        self._server.run("CHECKPOINT")

    def settle(self) -> None:
        self._server.run("VACUUM ANALYZE", DATABASE)
        self._server.run("CHECKPOINT")

    def ask(self, query: str) -> int:
        return int(self._server.run(query, DATABASE)[0][0])

    def snapshot(self) -> Session:
        session = psycopg.connect(self._server.url(DATABASE), autocommit=True)
        session.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        session.execute("SELECT pg_current_xact_id()")  # as one that has written holds it
        return session

    def counters(self) -> Counters:
        (row,) = self._server.run(
            "SELECT (SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()),"
            " pg_current_wal_insert_lsn() - '0/0',"
            " (SELECT coalesce(sum(n_tup_upd + n_tup_del), 0) FROM pg_stat_user_tables)",
            DATABASE,
        )
        return Counters(*map(int, row))

    @cached_property
    def _pid(self) -> int:
        return int((self._server.folder / "data" / "postmaster.pid").read_text().split()[0])

    def cpu_s(self) -> float:
        return cpu_s(self._pid)

    def rss_mb(self) -> float:
        return unshared_mb(self._pid)

    def title(self) -> str:
        (row,) = self._server.run(
            "SELECT current_setting('server_version'), current_setting('fsync'), current_setting('synchronous_commit')"
        )
        return f"PostgreSQL {row[0]}, fsync {row[1]}, synchronous_commit {row[2]}"


class RedisUnderTest:
    """With its journal on, synced every second: what its documentation says for work that matters."""

    def __init__(self, server: RedisServer) -> None:
        self._server = server

    def addresses(self) -> dict[str, str]:
        return {"BENCH_REDIS_URL": self._server.url}

    def empty(self) -> None:
        for command in (("FLUSHALL", "SYNC"), ("SCRIPT", "FLUSH"), ("FUNCTION", "FLUSH"), ("BGREWRITEAOF",)):
            self._server.run(*command)
        give_up = time.monotonic() + REWRITTEN_WITHIN_S
        while self._rewrites():
            assert time.monotonic() < give_up, "the journal's rewrite does not end"
            time.sleep(0.02)  # a server has no signal for it

    def _rewrites(self) -> bool:
        found = self._server.run("INFO", "persistence")
        return bool(found["aof_rewrite_in_progress"] or found["aof_rewrite_scheduled"])

    def settle(self) -> None:
        pass

    def ask(self, query: str) -> int:
        return int(self._server.run("EVAL", query, 0))

    def snapshot(self) -> Session:
        raise RuntimeError("Redis keeps no snapshots: W8 is for what stands on a database")

    def counters(self) -> None:
        return None

    def cpu_s(self) -> float:
        return cpu_s(self._server.pid)

    def rss_mb(self) -> float:
        return unshared_mb(self._server.pid)

    def title(self) -> str:
        told = self._server.run("INFO", "server")
        valkey = told.get("valkey_version")
        name = f"Valkey {valkey}" if valkey else f"Redis {told['redis_version']}"
        return f"{name}, journal synced every second"


class SqliteUnderTest:
    """A file in a folder of its own for each run: systems open it themselves, and say how durable they want it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._run = 0

    def addresses(self) -> dict[str, str]:
        return {"BENCH_SQLITE_PATH": str(self._path)}

    @property
    def _path(self) -> Path:
        return self._folder / f"{self._run}" / "bench.db"

    def empty(self) -> None:
        """The run before has its folder until the end, when all goes together."""
        self._run += 1
        self._path.parent.mkdir()

    def settle(self) -> None:
        pass

    def ask(self, query: str) -> int:
        with closing(sqlite3.connect(f"file:{self._path}?mode=ro", uri=True, timeout=30)) as connection:
            return int(connection.execute(query).fetchone()[0])

    def snapshot(self) -> Session:
        """Its journal cannot begin anew meanwhile."""
        session = sqlite3.connect(f"file:{self._path}?mode=ro", uri=True, timeout=30, isolation_level=None)
        session.execute("BEGIN")
        session.execute("SELECT count(*) FROM sqlite_master").fetchone()
        return session

    def counters(self) -> None:
        return None

    def cpu_s(self) -> float:
        return 0.0

    def rss_mb(self) -> float:
        return 0.0

    def title(self) -> str:
        return f"SQLite {sqlite3.sqlite_version}"


@contextmanager
def servers(kinds: Iterable[str]) -> Iterator[dict[str, Server]]:
    """Those of these kinds, running: postgres, redis, sqlite."""
    with ExitStack() as undo:
        found: dict[str, Server] = {}
        for kind in sorted(set(kinds)):
            if kind == "postgres":
                found[kind] = PostgresUnderTest(
                    undo.enter_context(
                        postgres(POSTGRES_VERSION, min_wal_size=KEPT_WAL, shared_buffers="256MB")
                    )
                )
            elif kind == "redis":
                found[kind] = RedisUnderTest(undo.enter_context(redis_server(*AOF)))
            else:
                found[kind] = SqliteUnderTest(Path(undo.enter_context(tempfile.TemporaryDirectory())))
        yield found
