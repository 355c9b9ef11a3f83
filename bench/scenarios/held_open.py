"""What a lease costs while somebody holds a transaction open, so that vacuum removes nothing of what passes."""

import asyncio
import time
from pathlib import Path
from statistics import median
from typing import Final
from unittest import mock

import asyncpg
from rich.table import Table

from bench.chart import Chart, Line
from bench.databases import Postgres
from bench.flow import Call, Flow, flowing
from bench.measure import Report, percentile
from taskflow_hub.store.postgres.marks import Marks
from taskflow_hub.store.postgres.transaction import Line as TaskLine

RATE: Final = 2_000.0
WINDOW_S: Final = 10.0
WARM_S: Final = 5.0
MOST_GROWTH: Final = 1.5  # of the p95, over that of the first window
MOST_MS: Final = 100.0
BARE: Final = "a bare commit"
BARE_EVERY_S: Final = 0.02


class FromTheFront(Marks):
    """As if there were no marks: every lease begins at the front of each line."""

    def begin(self) -> dict[TaskLine, int]:
        return dict.fromkeys(super().begin(), 0)


class HeldOpen:
    name = "held_open"

    def run(self, databases: Postgres, rounds: int, *, full: bool) -> Report:
        """One round: what is compared are the windows of one run."""
        windows = 12 if full else 6
        with databases.fresh() as url:
            databases.settle(url)
        with databases.fresh() as url:
            marked = asyncio.run(_leases(databases, url, windows))
        with databases.fresh() as url, mock.patch("taskflow_hub.store.postgres.dispatch.Marks", FromTheFront):
            unmarked = asyncio.run(_leases(databases, url, windows))
        return _report(marked, unmarked, windows)


class Seen:
    """One run: the calls of each verb by window, and beside them commits of one row: what the disk alone makes anybody wait."""

    def __init__(self, flow: Flow, bare: list[Call], began: float, windows: int, dead: int) -> None:
        self.dead = dead
        self.windows: list[dict[str, list[Call]]] = [
            {
                verb: [call for call in calls if 0 <= call.at - began - n * WINDOW_S < WINDOW_S]
                for verb, calls in [*flow.calls.items(), (BARE, bare)]
            }
            for n in range(windows)
        ]

    def ms(self, verb: str, window: int) -> list[float]:
        """Leases that found nothing do not count: they are cheap."""
        calls = self.windows[window][verb]
        return [1000 * call.took_s for call in calls if call.tasks or verb != "lease"] or [0.0]

    def p95s(self) -> list[float]:
        return [percentile(self.ms("lease", n), 0.95) for n in range(len(self.windows))]


async def _leases(databases: Postgres, url: str, windows: int) -> Seen:
    store = await databases.open(url)
    holder = await asyncpg.connect(url)
    try:
        async with flowing(store, RATE) as flow:
            await asyncio.sleep(WARM_S)
            await holder.execute("BEGIN; SELECT pg_current_xact_id()")
            began = time.perf_counter()
            bare = await _bare_commits(url, windows * WINDOW_S)
        dead = await holder.fetchval("SELECT n_dead_tup FROM pg_stat_user_tables WHERE relname = 'tasks'")
        return Seen(flow, bare, began, windows, dead)
    finally:
        await holder.close()
        await store.close()


async def _bare_commits(url: str, for_s: float) -> list[Call]:
    calls: list[Call] = []
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("CREATE TABLE bare (n integer)")
        until = time.perf_counter() + for_s
        while (began := time.perf_counter()) < until:
            await connection.execute("INSERT INTO bare VALUES (1)")
            calls.append(Call(began, time.perf_counter() - began, 1))
            await asyncio.sleep(BARE_EVERY_S)
    finally:
        await connection.close()
    return calls


def _report(marked: Seen, unmarked: Seen, windows: int) -> Report:
    table = Table(title=f"A transaction held open while {RATE:,.0f} tasks/s flow: leases, ms")
    columns = ("p50", "p95", "max", f"{BARE}: max")
    for heading in ("from second", "tasks/s", *columns, "no marks: tasks/s", *columns):
        table.add_column(heading, justify="right")
    for n in range(windows):
        row = [f"{n * WINDOW_S:.0f}"]
        for seen in (marked, unmarked):
            took = seen.ms("lease", n)
            leased = sum(call.tasks for call in seen.windows[n]["lease"])
            row += [
                f"{leased / WINDOW_S:,.0f}",
                *(
                    f"{ms:.1f}"
                    for ms in (median(took), percentile(took, 0.95), max(took), max(seen.ms(BARE, n)))
                ),
            ]
        table.add_row(*row)
    p95s = marked.p95s()
    worst = max(max(marked.ms("lease", n)) for n in range(windows))
    growth = max(p95s) / p95s[0]
    return Report(
        tables=[table, _beside(marked, unmarked)],
        aims=[
            (
                f"lease p95 stays within {MOST_GROWTH} × of the first ten seconds: {growth:.2f} ×",
                growth <= MOST_GROWTH,
            ),
            (f"no lease takes {MOST_MS:.0f} ms: the longest took {worst:.1f} ms", worst < MOST_MS),
        ],
        values={
            "p95 ms": p95s,
            "p95 ms, no marks": unmarked.p95s(),
            "max ms": [max(marked.ms("lease", n)) for n in range(windows)],
            "bare commit max ms": [max(marked.ms(BARE, n)) for n in range(windows)],
        },
        plots={Path("lease-while-held-open.svg"): _plot(marked, unmarked)},
    )


def _beside(marked: Seen, unmarked: Seen) -> Table:
    table = Table(
        title=f"The other verbs, median ms (dead rows at the end, by the server's count: {marked.dead:,})"
    )
    for heading in ("verb", "first window", "last window", "no marks: first", "last"):
        table.add_column(heading, justify="left" if heading == "verb" else "right")
    for verb in sorted(marked.windows[0]):
        row = [f"{median(seen.ms(verb, n)):.1f}" for seen in (marked, unmarked) for n in (0, -1)]
        table.add_row(verb, *row)
    return table


def _plot(marked: Seen, unmarked: Seen) -> str:
    def line(name: str, seen: Seen) -> Line:
        return Line(name, [((n + 1) * WINDOW_S, p95) for n, p95 in enumerate(seen.p95s())])

    return Chart(
        title=f"Lease p95 while a transaction is held open, {RATE:,.0f} tasks/s",
        x_name="seconds held open",
        y_name="ms",
        lines=[line("beginning at the marks", marked), line("beginning at the front", unmarked)],
        log=True,
        limit=("aim", MOST_GROWTH * marked.p95s()[0]),
    ).svg()
