"""What readers cost that hold a REPEATABLE READ snapshot, as a dump does, beside the same in READ COMMITTED and beside none."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple

import asyncpg
from rich.table import Table

from bench.chart import Chart, Line
from bench.databases import Postgres
from bench.flow import flowing
from bench.measure import Report, percentile

READERS: Final = 4
SCAN_EVERY_S: Final = 5.0
SCAN: Final = "SELECT status, count(*), sum(octets) FROM tasks GROUP BY status"
WINDOW_S: Final = {
    False: 20.0,
    True: 80.0,
}  # by `full`: so long that autovacuum, which comes every minute, comes in each
WARM_S: Final = 2.0
MOST: Final = 0.10  # of the throughput

COMMITTED, REPEATABLE, NONE = "READ COMMITTED", "REPEATABLE READ", "no readers"


class Window(NamedTuple):
    per_s: float
    server_cpu_us: float  # for each task: that tells most on a machine that others use, too
    lease_p95_ms: float


class Readers:
    name = "readers"

    def run(self, databases: Postgres, rounds: int, *, full: bool) -> Report:
        windows: dict[str, list[Window]] = {kind: [] for kind in (COMMITTED, REPEATABLE, NONE)}
        for _ in range(rounds):
            for (
                kind,
                seen,
            ) in windows.items():  # in turn, so that a slow moment of the machine meets them all
                with databases.fresh() as url:
                    seen.append(asyncio.run(_window(databases, url, kind, WINDOW_S[full])))
        found = {kind: [window.per_s for window in seen] for kind, seen in windows.items()}
        costs = [1 - slow / fast for fast, slow in zip(found[COMMITTED], found[REPEATABLE], strict=True)]
        table = Table(
            title=f"{READERS} readers that scan every {SCAN_EVERY_S:.0f} s: tasks/s in windows of {WINDOW_S[full]:.0f} s"
        )
        for heading in ("window", *found, "cost of REPEATABLE READ"):
            table.add_column(heading, justify="right")
        for n, cost in enumerate(costs):
            table.add_row(f"{n + 1}", *(f"{figures[n]:,.0f}" for figures in found.values()), f"{cost:+.1%}")
        table.add_row("median", *(f"{median(one):,.0f}" for one in found.values()), f"{median(costs):+.1%}")
        cpu = (median(one.server_cpu_us for one in seen) for seen in windows.values())
        table.add_row("CPU of the server, µs a task", *(f"{us:,.0f}" for us in cpu), "")
        leases = (median(one.lease_p95_ms for one in seen) for seen in windows.values())
        table.add_row("95th percentile of a lease, ms", *(f"{ms:,.1f}" for ms in leases), "")
        aim = f"REPEATABLE READ costs {MOST:.0%} at most beside READ COMMITTED: {median(costs):+.1%}"
        return Report(
            [table], [(aim, median(costs) <= MOST)], found, {Path("drain-beside-readers.svg"): _plot(found)}
        )


async def _window(databases: Postgres, url: str, kind: str, window_s: float) -> Window:
    store = await databases.open(url)
    try:
        async with flowing(store) as flow:
            await asyncio.sleep(WARM_S)
            readers = [
                asyncio.create_task(_read(url, kind, n)) for n in range(READERS if kind != NONE else 0)
            ]
            began, cpu_s = time.perf_counter(), databases.server_cpu_s()
            await asyncio.sleep(window_s)
            per_s, cpu_s = flow.per_s(began, began + window_s), databases.server_cpu_s() - cpu_s
            await _cancelled(readers)
            leases_ms = [
                1000 * call.took_s for call in flow.calls["lease"] if call.at >= began and call.tasks
            ]
            return Window(per_s, 1e6 * cpu_s / (per_s * window_s), percentile(leases_ms, 0.95))
    finally:
        await store.close()


async def _read(url: str, kind: str, number: int) -> None:
    """Scan again and again in one transaction, a little after one another."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(f"BEGIN ISOLATION LEVEL {kind} READ ONLY")
        await connection.fetch("SELECT 1")  # from here on the snapshot is held
        await asyncio.sleep(number * SCAN_EVERY_S / READERS)
        while True:
            await connection.fetch(SCAN)
            await asyncio.sleep(SCAN_EVERY_S)
    finally:
        connection.terminate()


async def _cancelled(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    for found in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(found, Exception):  # it was not the cancel that ended it
            raise found


def _plot(found: dict[str, list[float]]) -> str:
    return Chart(
        title=f"Drain beside {READERS} readers that scan every {SCAN_EVERY_S:.0f} s",
        x_name="window",
        y_name="tasks/s",
        lines=[Line(kind, [(n + 1.0, per_s) for n, per_s in enumerate(one)]) for kind, one in found.items()],
    ).svg()
