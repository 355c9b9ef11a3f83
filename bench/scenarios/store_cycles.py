"""The bound: submit, lease and succeed on the bare store, no broker, no worker, no handler."""

import asyncio
import tempfile
import time
from pathlib import Path

from msgspec import Raw

from taskflow_hub.domain import moves
from taskflow_hub.domain.clock import new_id
from taskflow_hub.domain.messages import Register
from taskflow_hub.domain.model import NULL, TaskType
from taskflow_hub.domain.retry import RetryPolicy
from taskflow_hub.store.sqlite import SqliteStore
from taskflow_hub.store.values import NewTask, Submit

TASKS = 20_000
BATCH = 500


class StoreCycles:
    name = "bare store cycles"

    def run(self) -> dict[str, float]:
        with tempfile.TemporaryDirectory() as folder:
            return {"store cycles": asyncio.run(_cycles(Path(folder) / "bench.db"))}


async def _cycles(path: Path) -> float:
    store = await SqliteStore.open(f"sqlite:///{path}")
    try:
        worker = Register(
            worker=new_id(),
            name="bench",
            host="bench",
            pid=1,
            version="0",
            slots=BATCH,
            window=1,
            types=(TaskType(type="bench.noop"),),
        )
        await store.register(worker)
        began = time.perf_counter()
        for _ in range(TASKS // BATCH):
            await store.submit([Submit((_task(),)) for _ in range(BATCH)])
            leased = await store.lease([worker.worker], BATCH)
            await store.succeed(
                [
                    moves.Succeed(
                        id=lease.assignment.id, attempt=lease.assignment.attempt, ran_s=0.0, result=NULL
                    )
                    for lease in leased.leases
                ]
            )
        return TASKS / (time.perf_counter() - began)
    finally:
        await store.close()


def _task() -> NewTask:
    return NewTask(
        id=new_id(),
        type="bench.noop",
        queue="default",
        payload=Raw(b'{"text":"' + b"x" * 89 + b'"}'),
        max_retries=3,
        retry=RetryPolicy(),
        timeout=3600.0,
    )
