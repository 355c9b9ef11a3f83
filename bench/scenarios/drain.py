"""W1: a prefilled queue of no-op tasks, drained by `taskflow up` in a process of its own; W2: filling it in bulk."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from bench.app import PAYLOAD
from bench.databases import Databases
from bench.hub_process import HubProcess
from taskflow_hub import Hub, Limit

TASKS = 20_000
BATCH = 1_000
SLOTS = 200


class Drain:
    name = "drain"

    def run(self, databases: Databases) -> dict[str, float]:
        with databases.fresh() as url:
            filled_per_s = asyncio.run(fill(url, TASKS))
            return {"bulk submit": filled_per_s, "no-op drain": drained_per_s(databases, url, TASKS)}


async def fill(
    url: str, tasks: int, payload: Mapping[str, str] = PAYLOAD, *, limits: Sequence[Limit] = ()
) -> float:
    """Submit them, from Python; how many a second."""
    async with Hub(url) as hub:
        noop = hub.task("bench.noop")(_noop).options(limits=limits)
        began = time.perf_counter()
        for _ in range(tasks // BATCH):
            await noop.submit_many([payload] * BATCH)
        return tasks / (time.perf_counter() - began)


async def _noop(text: str = "") -> None: ...


def drained_per_s(databases: Databases, url: str, tasks: int) -> float:
    """Have a process work off so many waiting tasks: tasks a second between the first start and the last end."""
    began = datetime.now(UTC)
    with HubProcess(url, slots=SLOTS):
        while databases.finished(url) < tasks:
            time.sleep(0.1)  # the bench looks from outside, so it can only look again
    return tasks / databases.busy_s(url, began)
