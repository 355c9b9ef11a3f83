"""What a database itself says of how many tasks with a key run: it counts at every change, so that no moment is missed."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any, Final

import psycopg

# A row for each look: the limits of every task that runs, a line each.
_RUNNING: Final = "SELECT {}(limits, {}(10)) FROM tasks WHERE status = 'running'"
# Before and after each statement: what two transactions have done side by side is seen by whichever statement comes next.
_POSTGRES: Final = f"""
CREATE TABLE witness (running text);
CREATE FUNCTION witness() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN INSERT INTO witness {_RUNNING.format("string_agg", "chr")}; RETURN NULL; END $$;
CREATE TRIGGER witness_before BEFORE INSERT OR UPDATE OR DELETE ON tasks FOR EACH STATEMENT EXECUTE FUNCTION witness();
CREATE TRIGGER witness_after AFTER INSERT OR UPDATE OR DELETE ON tasks FOR EACH STATEMENT EXECUTE FUNCTION witness();
"""
# One transaction at a time writes, so it is enough to look when a task begins to run.
_SQLITE: Final = f"""
CREATE TABLE witness (running TEXT);
CREATE TRIGGER witness AFTER UPDATE OF status ON tasks WHEN new.status = 'running'
    BEGIN INSERT INTO witness {_RUNNING.format("group_concat", "char")}; END;
"""


class Witness:
    def __init__(self, rows: Callable[[str], list[tuple[Any, ...]]]) -> None:
        self._rows = rows

    @classmethod
    @contextmanager
    def of(cls, database_url: str) -> Iterator["Witness"]:
        """The database has its tables by now. What it has seen may be asked until the block ends."""
        if database_url.startswith("sqlite:"):
            path = database_url.removeprefix("sqlite:///")
            with closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as connection:
                connection.executescript(_SQLITE)
                yield cls(lambda sql: connection.execute(sql).fetchall())
        else:
            with psycopg.connect(database_url, autocommit=True) as server:
                server.execute(_POSTGRES)
                yield cls(lambda sql: server.execute(sql.encode()).fetchall())

    def most(self, key: str) -> int:
        """How many tasks that name this key ran at a time, at most."""
        looks = self._rows("SELECT DISTINCT running FROM witness WHERE running IS NOT NULL")
        return max(
            (sum(f'"{key}"' in limits for limits in running.split("\n")) for (running,) in looks), default=0
        )
