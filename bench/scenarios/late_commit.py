"""A bulk that somebody inserts in a transaction of their own and commits late: its places in the line have long been passed."""

import asyncio
import time
from statistics import median
from typing import Final

import asyncpg
from rich.table import Table

from bench.app import PAYLOAD, noop
from bench.databases import Postgres
from bench.flow import Flow, flowing
from bench.measure import Report

BULK: Final = 10_000  # as many as one submit may have
RATE: Final = 500.0  # of other tasks, which flow meanwhile
LATE_S: Final = {False: 5.0, True: 30.0}  # how late, by `full`
LEAST: Final = 0.9  # of the speed of a bulk that is committed at once


class LateCommit:
    name = "late_commit"

    def run(self, databases: Postgres, rounds: int, *, full: bool) -> Report:
        at_once: list[float] = []
        late: list[float] = []
        with databases.fresh() as url:
            asyncio.run(_measure(databases, url, rounds, LATE_S[full], at_once, late))
        table = Table(
            title=f"A bulk of {BULK:,} while {RATE:,.0f} other tasks/s flow: leased tasks/s from its commit on"
        )
        for heading in ("round", "committed at once", f"{LATE_S[full]:.0f} s late", "ratio"):
            table.add_column(heading, justify="right")
        ratios = [two / one for one, two in zip(at_once, late, strict=True)]
        for n, (one, two, ratio) in enumerate(zip(at_once, late, ratios, strict=True), 1):
            table.add_row(f"{n}", f"{one:,.0f}", f"{two:,.0f}", f"{ratio:.2f}")
        table.add_row("median", f"{median(at_once):,.0f}", f"{median(late):,.0f}", f"{median(ratios):.2f}")
        aim = f"committed late it is leased at {LEAST} × of the speed or more: {median(ratios):.2f} ×"
        return Report([table], [(aim, median(ratios) >= LEAST)], {"at once": at_once, "late": late})


async def _measure(
    databases: Postgres, url: str, rounds: int, late_s: float, at_once: list[float], late: list[float]
) -> None:
    store = await databases.open(url)
    connection = await asyncpg.connect(url)
    try:
        async with flowing(store, RATE) as flow:
            for _ in range(rounds):
                at_once.append(await _bulk(flow, connection, 0.0))
                late.append(await _bulk(flow, connection, late_s))
    finally:
        await connection.close()
        await store.close()


async def _bulk(flow: Flow, connection: asyncpg.Connection, late_s: float) -> float:
    """Tasks a second, from the commit until the last of them is leased."""
    transaction = connection.transaction()
    await transaction.start()
    handles = await noop.options(connection=connection).submit_many([PAYLOAD] * BULK)
    await asyncio.sleep(late_s)
    leased = asyncio.create_task(flow.leased([handle.id for handle in handles]))
    await asyncio.sleep(0)  # it begins to watch
    await transaction.commit()
    committed = time.perf_counter()
    return BULK / (await leased - committed)
