"""How the SQLite tables should lie: what a task costs from submit to success, by layout. Figures: docs/adr/0011.

    python -m bench.store_layout [--tasks N] [--rounds N]

Each line is the same work on a fresh file: insert, lease and finish in batches of 200, one synced commit each. Only SQLite is
measured, without the store around it, so the figures compare layouts and nothing else.
"""

import argparse
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from taskflow_hub.domain.clock import new_id
from taskflow_hub.store.sqlite.schema import VERSIONS, split
from taskflow_hub.store.sqlite.statements import statement

BATCH = 200
COLUMNS = "id, status, type, queue, priority, seq, timeout, max_retries, created_at, account_id, retry"
ROW = (
    "queued",
    "demo.noop",
    "default",
    5,
    0,
    60.0,
    3,
    1_700_000_000_000_000,
    "default",
    '{"kind":"exponential"}',
)


@dataclass(frozen=True)
class Layout:
    payload_bytes: int = 100
    payload: str = "apart"  # "inline", or apart: in a table of rows, written once and never moved; "apart by id" without rowids
    by_id: bool = False  # the task tables WITHOUT ROWID: rows lie in the order of their ids
    two_tables: bool = True  # finished tasks move to a table of their own
    page_size: int = 4096
    checkpoint_pages: int = 2000

    def __str__(self) -> str:
        unusual = [
            "tasks by id" if self.by_id else "",
            "" if self.two_tables else "one table with the lists' indexes",
            f"pages of {self.page_size}" if self.page_size != BASE.page_size else "",
            f"checkpoint at {self.checkpoint_pages}"
            if self.checkpoint_pages != BASE.checkpoint_pages
            else "",
        ]
        return f"{self.payload_bytes} B {', '.join([self.payload, *filter(None, unusual)])}"


BASE = Layout()
LAYOUTS = [
    *(
        Layout(size, payload)
        for size in (100, 400, 1_000, 4_000, 16_000)
        for payload in ("inline", "apart", "apart by id")
    ),
    *(Layout(size, by_id=True) for size in (100, 4_000)),
    *(Layout(size, two_tables=False) for size in (100, 4_000)),
    *(Layout(size, page_size=page) for page in (8_192, 16_384) for size in (100, 4_000)),
    *(Layout(size, checkpoint_pages=pages) for pages in (1_000, 4_000, 16_000) for size in (100, 4_000)),
]


def create(path: Path, layout: Layout) -> sqlite3.Connection:
    """The real schema, bent to the layout."""
    connection = sqlite3.connect(path, isolation_level=None, cached_statements=512)
    connection.execute(f"PRAGMA page_size = {layout.page_size}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(f"PRAGMA wal_autocheckpoint = {layout.checkpoint_pages}")
    for sql in split(VERSIONS.sql("0001")):
        is_tasks = "CREATE TABLE tasks" in sql or "CREATE TABLE finished_tasks" in sql
        connection.execute(
            sql.replace("STRICT", "STRICT, WITHOUT ROWID") if is_tasks and layout.by_id else sql
        )
    for table in ("tasks", "finished_tasks"):
        connection.execute(f"ALTER TABLE {table} ADD COLUMN payload TEXT")
    if not layout.two_tables:
        for name in ("status", "type, status", "queue, status"):
            connection.execute(f'CREATE INDEX "by_{name}" ON tasks (account_id, {name}, id)')
        connection.execute("CREATE INDEX by_age ON tasks (status, finished_at)")
    rows = "WITHOUT ROWID" if layout.payload == "apart by id" else "STRICT"
    connection.execute(
        f"CREATE TABLE apart (task_id TEXT NOT NULL PRIMARY KEY, payload TEXT NOT NULL) {rows}"
    )
    return connection


def insert(connection: sqlite3.Connection, layout: Layout, ids: Sequence[str], first: int) -> None:
    payload = '{"x":"' + "y" * (layout.payload_bytes - 8) + '"}'
    inline = layout.payload == "inline"
    values: list[Any] = []
    for seq, id in enumerate(ids, first):
        values += [id, *ROW[:4], seq, *ROW[5:]]
        if inline:
            values.append(payload)
    columns = f"{COLUMNS}, payload" if inline else COLUMNS
    marks = f"({', '.join('?' * (columns.count(',') + 1))})"
    connection.execute(f"INSERT INTO tasks ({columns}) VALUES {', '.join([marks] * len(ids))}", values)
    if not inline:
        rows = ", ".join(["(?, ?)"] * len(ids))
        connection.execute(f"INSERT INTO apart VALUES {rows}", [part for id in ids for part in (id, payload)])


def lease(connection: sqlite3.Connection, layout: Layout, count: int) -> list[str]:
    inline = layout.payload == "inline"
    payload = "tasks.payload" if inline else "(SELECT payload FROM apart WHERE task_id = tasks.id)"
    rows = connection.execute(
        f"SELECT id, attempt, type, queue, {payload}, timeout, created_at FROM tasks "
        "WHERE queue = 'default' AND type = 'demo.noop' AND status = 'queued' AND hold IS NULL "
        "ORDER BY priority DESC, seq LIMIT ?",
        (count,),
    ).fetchall()
    ids = [row[0] for row in rows]
    connection.execute(
        "UPDATE tasks SET status = 'running', attempt = attempt + 1, worker = 'w', leased_at = 1, taken = 'unknown', "
        f"rev = rev + 1 WHERE id IN ({', '.join('?' * len(ids))})",
        ids,
    )
    return ids


def finish(connection: sqlite3.Connection, layout: Layout, ids: Sequence[str]) -> None:
    values: list[Any] = [1, *(part for id in ids for part in (id, 5, "null", None))]
    connection.execute(statement("succeed").sized(len(ids)), values)
    if layout.two_tables:
        for sql, given in (("finish", ()), ("finish_tally", (0,)), ("finish_remove", ())):
            connection.execute(statement(sql).text, given)


@dataclass
class Figures:
    """µs a task and step, of the best round; bytes on disk a task."""

    steps: tuple[float, float, float] = (float("inf"),) * 3
    size: float = 0.0


def measure(layout: Layout, tasks: int, figures: Figures) -> None:
    spent: dict[str, list[float]] = {"insert": [], "lease": [], "finish": []}

    def timed(connection: sqlite3.Connection, step: str, work: Callable[[], Any]) -> Any:
        started = time.perf_counter()
        connection.execute("BEGIN IMMEDIATE")
        found = work()
        connection.execute("COMMIT")
        spent[step].append((time.perf_counter() - started) / BATCH * 1e6)
        return found

    with tempfile.TemporaryDirectory() as folder:
        connection = create(Path(folder) / "layout.db", layout)
        for first in range(0, tasks, BATCH):
            ids = [new_id() for _ in range(BATCH)]
            timed(connection, "insert", partial(insert, connection, layout, ids, first))
            leased = timed(connection, "lease", partial(lease, connection, layout, BATCH))
            timed(connection, "finish", partial(finish, connection, layout, leased))
        connection.close()
        figures.size = (Path(folder) / "layout.db").stat().st_size / tasks
    one, two, three = (statistics.fmean(values) for values in spent.values())
    if one + two + three < sum(figures.steps):
        figures.steps = (one, two, three)


def main() -> None:
    parser = argparse.ArgumentParser(description="What a task costs, by layout of the tables.")
    parser.add_argument("--tasks", type=int, default=10_000, help="per layout and round")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    found = {layout: Figures() for layout in LAYOUTS}
    for number in range(arguments.rounds):  # in turn, so that a slow moment of the machine meets them all
        for layout, figures in found.items():
            measure(layout, arguments.tasks, figures)
        print(f"round {number + 1} of {arguments.rounds}", file=sys.stderr)
    print(
        f"SQLite {sqlite3.sqlite_version}, {arguments.tasks:,} tasks in batches of {BATCH}, best of {arguments.rounds}\n"
    )
    print("| payload and layout | insert, µs a task | lease | finish | all | bytes on disk |")
    print("|---|---|---|---|---|---|")
    for layout, figures in found.items():
        steps = " | ".join(f"{value:.1f}" for value in (*figures.steps, sum(figures.steps)))
        print(f"| {layout} | {steps} | {figures.size:,.0f} |")


if __name__ == "__main__":
    main()
