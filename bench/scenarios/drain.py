"""W1: a prefilled queue of no-op tasks, drained by `taskflow up` in a process of its own; W2: filling it in bulk."""

import asyncio
import sqlite3
import tempfile
import time
from pathlib import Path

from bench.app import PAYLOAD
from bench.hub_process import HubProcess
from taskflow_hub import Hub

TASKS = 20_000
BATCH = 1_000
SLOTS = 200


class Drain:
    name = "drain"

    def run(self) -> dict[str, float]:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            filled_per_s = asyncio.run(_fill(folder / "taskflow.db"))
            with HubProcess(folder, slots=SLOTS):
                drained_per_s = _await_drained(folder / "taskflow.db")
        return {"bulk submit": filled_per_s, "no-op drain": drained_per_s}


async def _fill(database: Path) -> float:
    async with Hub(f"sqlite:///{database}") as hub:
        noop = hub.task("bench.noop")(_noop)
        began = time.perf_counter()
        for _ in range(TASKS // BATCH):
            await noop.submit_many([PAYLOAD] * BATCH)
        return TASKS / (time.perf_counter() - began)


async def _noop(text: str = "") -> None: ...


def _await_drained(database: Path) -> float:
    """Tasks per second between the first start and the last finish, by the store's own clock."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        while connection.execute("select count(*) from finished_tasks").fetchone()[0] < TASKS:
            time.sleep(0.05)  # the bench looks from outside, so it can only look again
        first, last = connection.execute(
            "select min(started_at), max(finished_at) from finished_tasks where status = 'success'"
        ).fetchone()
    finally:
        connection.close()
    return float(TASKS / ((last - first) / 1_000_000))
