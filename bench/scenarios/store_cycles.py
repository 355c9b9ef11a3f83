"""The bound: submit, lease and succeed on the bare store, no broker, no worker, no handler."""

import asyncio
import time

from bench.databases import Databases
from bench.flow import BATCH, new_task, new_worker, succeeded
from taskflow_hub.store.values import Lease, Submit

TASKS = 20_000


class StoreCycles:
    name = "store_cycles"

    def run(self, databases: Databases) -> dict[str, float]:
        with databases.fresh() as url:
            return {"store cycles": asyncio.run(_cycles(databases, url))}


async def _cycles(databases: Databases, url: str) -> float:
    store = await databases.open(url)
    try:
        worker = new_worker(BATCH)
        await store.register(worker)
        began = time.perf_counter()
        for _ in range(TASKS // BATCH):
            await store.submit([Submit((new_task(),)) for _ in range(BATCH)])
            leases: list[Lease] = []
            while len(leases) < BATCH:
                leases += (await store.lease([worker.worker], BATCH)).leases
            await store.succeed(succeeded(leases))
        return TASKS / (time.perf_counter() - began)
    finally:
        await store.close()
