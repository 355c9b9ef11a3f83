"""A hub's database as after busy days: finished tasks of many kinds and all outcomes, made in the database itself.

They are like some that the hub has finished itself, one of each outcome, in the queue `seed`.
"""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from itertools import pairwise
from typing import Final

import asyncpg

from taskflow_hub.store.postgres.partitions import FINISHED, day_sql

DAYS: Final = 5  # fewer than a success is kept
SEED: Final = "seed"
PIECE: Final = 100_000
OWN: Final = {
    **{name: f"made.{name}" for name in ("id", "status", "type", "queue", "tags")},
    "user_id": "made.user",
    "fingerprint": "made.fingerprint",
    **dict.fromkeys(("created_at", "started_at", "finished_at"), "made.at"),
}


async def fill(url: str, tasks: int) -> None:
    """Raises ValueError where none of an outcome has finished in the queue `seed`."""
    begin = datetime.now(UTC) - timedelta(days=DAYS)
    apart_us = int(timedelta(days=DAYS).total_seconds() * 1e6) // max(tasks, 1)
    if url.startswith("sqlite:"):
        made = _on_sqlite(url.removeprefix("sqlite:///"), begin, apart_us, tasks)
    else:
        made = await _on_postgres(url, begin, apart_us, tasks)
    if made != tasks:
        raise ValueError(f"{made} finished tasks were made, not {tasks}: some outcome has none to be like")


async def _on_postgres(url: str, begin: datetime, apart_us: int, tasks: int) -> int:
    connection = await asyncpg.connect(url)
    try:
        for day in range(DAYS + 1):
            for parent in FINISHED:
                await connection.execute(day_sql(parent, (begin + timedelta(days=day)).date()))
        columns = await connection.fetch(
            "SELECT attname FROM pg_attribute WHERE attrelid = 'finished_tasks'::regclass AND attnum > 0 AND NOT attisdropped"
        )
        sql = _sql("finished_postgres", [row["attname"] for row in columns])
        made = 0
        for first, last in _pieces(tasks):
            done = await connection.execute(sql, begin, apart_us, first, last, timeout=None)
            made += int(done.split()[-1])
        await connection.execute(_sql("rest_postgres"), timeout=None)
        return made
    finally:
        await connection.close()


def _on_sqlite(path: str, begin: datetime, apart_us: int, tasks: int) -> int:
    """Not durable until all are there: a bench begins anew anyway."""
    with closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = -262144")
        columns = [
            name for (name,) in connection.execute("SELECT name FROM pragma_table_info('finished_tasks')")
        ]
        sql = _sql("finished_sqlite", columns)
        made = 0
        for first, last in _pieces(tasks):
            given = {"begin": int(begin.timestamp() * 1e6), "apart": apart_us, "first": first, "last": last}
            made += connection.execute(sql, given).rowcount
        connection.executescript(_sql("rest_sqlite"))
        return made


def _pieces(tasks: int) -> list[tuple[int, int]]:
    return [*pairwise([*range(0, tasks, PIECE), tasks])]


def _sql(name: str, columns: list[str] | None = None) -> str:
    text = (files(__package__) / f"{name}.sql").read_text()
    columns = columns or []
    values = ", ".join(OWN.get(column, f"one.{column}") for column in columns)
    return text.replace("/*columns*/", ", ".join(columns)).replace("/*values*/", values)
