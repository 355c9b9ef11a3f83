"""Where the payload should lie on PostgreSQL: what a task costs from submit to success, by layout. Figures: docs/adr/0030.

    python -m bench.postgres_layout [--tasks N] [--rounds N]

The same work each time on fresh tables of a fresh server (durable as PostgreSQL comes): insert, lease and finish in batches of
500, one commit each. Only PostgreSQL is measured, without the store around it; the layouts take turns.
"""

import argparse
import asyncio
import statistics
import sys
import time
from collections.abc import Awaitable, Callable

import asyncpg
from tests.support.postgres import postgres

from taskflow_hub.domain.clock import new_id

BATCH = 500
COLUMNS = "id, status, type, queue, priority, seq, max_retries, created_at, account_id, retry, octets"

Layout = tuple[int, str]
LAYOUTS: list[Layout] = [
    (size, where) for size in (100, 1_000, 4_000, 16_000) for where in ("inline", "apart")
]


async def create(connection: asyncpg.Connection, where: str) -> None:
    """The real tables' shape, without partitions: live, finished with its lists' indexes, and the payload here or there."""
    await connection.execute(
        "DROP TABLE IF EXISTS tasks, finished_tasks, apart; DROP SEQUENCE IF EXISTS task_seq"
    )
    columns = """
        id uuid NOT NULL PRIMARY KEY, status text NOT NULL, attempt integer NOT NULL DEFAULT 0, type text NOT NULL,
        queue text NOT NULL, priority smallint NOT NULL, seq bigint, worker text, rev integer NOT NULL DEFAULT 1,
        leased_at timestamptz, max_retries integer, created_at timestamptz NOT NULL, account_id text NOT NULL,
        retry text NOT NULL, octets integer NOT NULL, finished_at timestamptz, result text
    """
    payload = ", payload text NOT NULL" if where == "inline" else ""
    await connection.execute(f"""
        CREATE SEQUENCE task_seq;
        CREATE TABLE tasks ({columns} {payload}) WITH (fillfactor = 80);
        CREATE INDEX ON tasks (queue, type, priority, seq) WHERE status = 'queued';
        CREATE INDEX ON tasks (worker) WHERE status = 'running';
        CREATE TABLE finished_tasks ({columns} {payload});
        CREATE INDEX ON finished_tasks (account_id, id);
        CREATE INDEX ON finished_tasks (account_id, type, id);
        CREATE INDEX ON finished_tasks (account_id, queue, id);
        CREATE TABLE apart (id uuid NOT NULL PRIMARY KEY, payload text NOT NULL);
    """)
    for table in ("tasks", "finished_tasks") if where == "inline" else ("apart",):
        await connection.execute(f"ALTER TABLE {table} ALTER COLUMN payload SET STORAGE EXTERNAL")


async def insert(connection: asyncpg.Connection, where: str, ids: list[str], payload: str) -> None:
    payloads = [payload] * len(ids)
    inline = where == "inline"
    made = f"""
        INSERT INTO tasks ({COLUMNS}{", payload" if inline else ""})
        SELECT
            id, 'queued', 't', 'default', 5, nextval('task_seq'), 3, now(), 'default', '{{}}', 100
            {", payload" if inline else ""}
        FROM unnest($1::uuid[]{", $2::text[]" if inline else ""}) AS item (id{", payload" if inline else ""})
    """
    async with connection.transaction():
        await connection.execute(made, ids, *([payloads] if inline else []))
        if not inline:
            await connection.execute(
                "INSERT INTO apart SELECT * FROM unnest($1::uuid[], $2::text[])", ids, payloads
            )


async def lease(connection: asyncpg.Connection, where: str) -> list[str]:
    payload = "task.payload" if where == "inline" else "(SELECT payload FROM apart WHERE apart.id = task.id)"
    rows = await connection.fetch(f"""
        UPDATE tasks AS task SET status = 'running', attempt = attempt + 1, worker = 'w', leased_at = now(), rev = rev + 1
        FROM (
            SELECT id FROM tasks WHERE queue = 'default' AND type = 't' AND priority = 5 AND status = 'queued'
            ORDER BY seq LIMIT {BATCH} FOR UPDATE SKIP LOCKED
        ) AS ready WHERE task.id = ready.id RETURNING task.id::text, {payload}
    """)
    return [row[0] for row in rows]


async def finish(connection: asyncpg.Connection, where: str, ids: list[str]) -> None:
    columns = f"{COLUMNS}{', payload' if where == 'inline' else ''}"
    await connection.execute(
        f"""
        WITH gone AS (DELETE FROM tasks WHERE id = ANY ($1::uuid[]) RETURNING *)
        INSERT INTO finished_tasks ({columns}, finished_at, result) SELECT {columns}, now(), 'null' FROM gone
        """,
        ids,
    )


async def measure(connection: asyncpg.Connection, layout: Layout, tasks: int) -> tuple[float, float, float]:
    size, where = layout
    await create(connection, where)
    payload = "x" * size
    spent = [0.0, 0.0, 0.0]

    async def timed(step: int, work: Callable[[], Awaitable[object]]) -> object:
        begun = time.perf_counter()
        found = await work()
        spent[step] += time.perf_counter() - begun
        return found

    for _ in range(tasks // BATCH):
        ids = [new_id() for _ in range(BATCH)]
        await timed(0, lambda ids=ids: insert(connection, where, ids, payload))  # type: ignore[misc]
        leased = await timed(1, lambda: lease(connection, where))
        await timed(2, lambda leased=leased: finish(connection, where, leased))  # type: ignore[misc]
    one, two, three = (seconds / tasks * 1e6 for seconds in spent)
    return one, two, three


async def run(url: str, tasks: int, rounds: int) -> dict[Layout, list[tuple[float, float, float]]]:
    found: dict[Layout, list[tuple[float, float, float]]] = {layout: [] for layout in LAYOUTS}
    connection = await asyncpg.connect(url)
    for number in range(rounds):
        for layout, figures in found.items():
            figures.append(await measure(connection, layout, tasks))
        print(f"round {number + 1} of {rounds}", file=sys.stderr)
    await connection.close()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description="What a task costs on PostgreSQL, by where its payload lies."
    )
    parser.add_argument("--tasks", type=int, default=10_000, help="per layout and round")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with postgres(16) as server:
        found = asyncio.run(run(server.url(), arguments.tasks, arguments.rounds))
    print(
        "| payload | layout | insert, µs a task | lease | finish | all (median) |\n|---|---|---|---|---|---|"
    )
    for (size, where), figures in found.items():
        steps = [statistics.median(step) for step in zip(*figures, strict=True)]
        whole = statistics.median(sum(figure) for figure in figures)
        print(f"| {size} B | {where} | {' | '.join(f'{step:.1f}' for step in steps)} | {whole:.1f} |")


if __name__ == "__main__":
    main()
