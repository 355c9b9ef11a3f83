"""Whether a long history slows the hub down: a drain beside millions of finished tasks, and on an empty database."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Final

import asyncpg
from rich.table import Table

from bench.databases import Postgres
from bench.measure import Report
from bench.scenarios.drain import drained_per_s, fill
from taskflow_hub.domain.retry import RetryPolicy
from taskflow_hub.store.documents import policy_text
from taskflow_hub.store.postgres.partitions import day_sql

FINISHED: Final = {False: 1_000_000, True: 10_000_000}  # by `full`
DAYS: Final = 6  # within the seven that a success is kept: the pruner would take away older ones meanwhile
PIECE: Final = 5_000  # rows that are sent at a time
TASKS: Final = 20_000  # of one drain
LEAST: Final = 0.9  # of the throughput on an empty database

COLUMNS: Final = (
    "id", "status", "attempt", "type", "queue", "priority", "worker", "rev", "crashes", "started_at", "timeout", "retry_count",
    "max_retries", "created_at", "tags", "account_id", "finished_at", "outcome", "ended_by", "retry", "result", "unrouted",
    "octets", "payload",
)  # fmt: skip


class History:
    name = "history"

    def run(self, databases: Postgres, rounds: int, *, full: bool) -> Report:
        with databases.fresh() as empty_url, databases.fresh() as full_url:
            size = asyncio.run(_make(databases, full_url, FINISHED[full]))
            asyncio.run(_make(databases, empty_url, 0))
            empty: list[tuple[float, float]] = []
            long: list[tuple[float, float]] = []
            for n in range(rounds):
                turns = [(empty_url, empty), (full_url, long)]
                for url, figures in turns if n % 2 == 0 else turns[::-1]:
                    asyncio.run(fill(url, TASKS))
                    cpu_s = databases.server_cpu_s()
                    per_s = drained_per_s(databases, url, TASKS)
                    figures.append((per_s, 1e6 * (databases.server_cpu_s() - cpu_s) / TASKS))
        return _report(empty, long, FINISHED[full], size)


def _report(
    empty: list[tuple[float, float]], long: list[tuple[float, float]], count: int, size: str
) -> Report:
    """Of each drain: tasks a second, and the server's CPU time for each in µs."""
    table = Table(title=f"A drain of {TASKS:,} beside {count:,} finished tasks ({size}): tasks/s")
    for heading in ("round", "no history", f"{count:,} finished", "ratio"):
        table.add_column(heading, justify="right")
    ratios = [two / one for (one, _), (two, _) in zip(empty, long, strict=True)]
    for n, ((one, _), (two, _), ratio) in enumerate(zip(empty, long, ratios, strict=True), 1):
        table.add_row(f"{n}", f"{one:,.0f}", f"{two:,.0f}", f"{ratio:.2f}")
    medians = [[median(column) for column in zip(*runs, strict=True)] for runs in (empty, long)]
    table.add_row("median", *(f"{per_s:,.0f}" for per_s, _ in medians), f"{median(ratios):.2f}")
    table.add_row("CPU of the server, µs a task", *(f"{cpu_us:,.0f}" for _, cpu_us in medians), "")
    aim = (
        f"beside {count:,} finished tasks it drains at {LEAST} × of the speed or more: {median(ratios):.2f} ×"
    )
    values = {"empty": [one for one, _ in empty], "history": [one for one, _ in long]}
    return Report([table], [(aim, median(ratios) >= LEAST)], values)


async def _make(databases: Postgres, url: str, count: int) -> str:
    """Make the tables and fill them, as if autovacuum had come by since; how large the database is then."""
    await (await databases.open(url)).close()
    connection = await asyncpg.connect(url)
    try:
        if count:
            now = datetime.now(UTC)
            for ago in range(1, DAYS):
                await connection.execute(day_sql("finished_success", (now - timedelta(days=ago)).date()))
            await connection.copy_to_table(
                "finished_tasks", source=_rows(count, now), columns=list(COLUMNS), format="text"
            )
            await connection.execute("VACUUM (ANALYZE)", timeout=None)
        await connection.execute("CHECKPOINT")
        size = await connection.fetchval("SELECT pg_size_pretty(pg_database_size(current_database()))")
        return str(size)
    finally:
        await connection.close()


async def _rows(count: int, now: datetime) -> AsyncIterator[bytes]:
    """Successes, evenly over the days, oldest first: as COPY's text, a piece at a time."""
    step = timedelta(days=DAYS - 1) / count
    retry, payload = policy_text(RetryPolicy()), '{"text":"' + "x" * 89 + '"}'
    began = time.monotonic()
    for first in range(0, count, PIECE):
        lines = []
        for n in range(first, min(first + PIECE, count)):
            at = now - timedelta(hours=1) - (count - n) * step
            ms, stamp = int(at.timestamp() * 1000), at.isoformat()
            id = f"{ms >> 16:08x}-{ms & 0xFFFF:04x}-7{n >> 60 & 0xFFF:03x}-8{n >> 48 & 0xFFF:03x}-{n & 0xFFFFFFFFFFFF:012x}"
            lines.append(
                f"{id}\tsuccess\t1\tbench.noop\tdefault\t5\tbench\t3\t0\t{stamp}\t3600\t0\t3\t{stamp}\t{{}}\t"
                f"default\t{stamp}\tsucceeded\tsucceeded\t{retry}\tnull\tf\t100\t{payload}\n"
            )
        yield "".join(lines).encode()
        if sys.stderr.isatty():
            per_s = (first + PIECE) / (time.monotonic() - began)
            print(f"\rfilling: {first + PIECE:,} of {count:,}, {per_s:,.0f}/s ", end="", file=sys.stderr)
