"""Finished tasks, made in the database itself, like one that has finished: five days long, 40 ms after one another."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg

from taskflow_hub.store.postgres.partitions import day_sql

DAYS = 5  # fewer than a success is kept
OWN = {"id": "moment.id", "created_at": "moment.at", "started_at": "moment.at", "finished_at": "moment.at"}


async def make(url: str, first: int, last: int) -> None:
    """Those with these numbers, the last not among them. Raises ValueError if none has finished that they could be like."""
    if url.startswith("sqlite:"):
        _make_on_sqlite(url.removeprefix("sqlite:///"), first, last)
    else:
        await _make_on_postgres(url, first, last)


async def _make_on_postgres(url: str, first: int, last: int) -> None:
    now = datetime.now(UTC)
    connection = await asyncpg.connect(url)
    try:
        for ago in range(DAYS + 1):
            await connection.execute(day_sql("finished_success", (now - timedelta(days=ago)).date()))
        columns = await connection.fetch(
            "SELECT attname FROM pg_attribute WHERE attrelid = 'finished_tasks'::regclass AND attnum > 0 AND NOT attisdropped"
        )
        sql = _sql("postgres", [row["attname"] for row in columns])
        made = await connection.execute(sql, now - timedelta(days=DAYS), first, last, timeout=None)
        _check(int(made.split()[-1]), last - first)
    finally:
        await connection.close()


def _make_on_sqlite(path: str, first: int, last: int) -> None:
    """Not durable until all are there: a bench begins anew anyway."""
    begin_us = int((datetime.now(UTC) - timedelta(days=DAYS)).timestamp() * 1_000_000)
    with closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = -262144")
        columns = [
            name for (name,) in connection.execute("SELECT name FROM pragma_table_info('finished_tasks')")
        ]
        given = {"begin": begin_us, "first": first, "last": last}
        connection.execute("BEGIN IMMEDIATE")
        made = connection.execute(_sql("sqlite", columns), given).rowcount
        connection.execute(_sql("sqlite_payloads", []), given)
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    _check(made, last - first)


def _sql(name: str, columns: list[str]) -> str:
    text = (Path(__file__).parent / f"history_{name}.sql").read_text()
    values = ", ".join(OWN.get(column, f"one.{column}") for column in columns)
    return text.replace("/*columns*/", ", ".join(columns)).replace("/*values*/", values)


def _check(made: int, asked: int) -> None:
    if made != asked:
        raise ValueError(
            f"{made} finished tasks were made, not {asked}: none has finished that they could be like"
        )
