"""streaQ over Redis streams."""

import asyncio
import os
from contextlib import asynccontextmanager

import commands
import tick
import uvloop
from streaq import StreaqRetry, Worker

uvloop.install()
BATCH = 500
PRIORITIES = ["low", "normal", "high"]
worker = Worker(
    redis_url=os.environ["BENCH_REDIS_URL"],
    concurrency=100,
    priorities=list(PRIORITIES) if os.environ.get("STREAQ_PRIORITIES") else None,
    anyio_kwargs={"use_uvloop": True},
)


@worker.task(silent=True)
async def noop(number: int, payload: str) -> int:
    tick.started()
    return number


@worker.task(silent=True)
async def latency(number: int, payload: str) -> int:
    tick.started(number)
    return 0


@worker.task(silent=True)
async def io(number: int, payload: str) -> int:
    tick.started()
    await asyncio.sleep(0.05)
    tick.ended()
    return number


@worker.task(silent=True)
async def mixed(number: int, payload: str) -> int:
    if number % 10 == 0 and mixed.context.tries == 1:
        raise StreaqRetry("fails the first time", delay=0)
    tick.started()
    return number


@asynccontextmanager
async def session():
    async with worker:
        yield


def task(kind, number):
    made = globals()[kind].enqueue(number, tick.PAYLOAD)
    if kind != "mixed":
        return made
    return made.start(priority=PRIORITIES[number % 3], delay=1 if number % 10 == 5 else None)


async def one(kind, number):
    await task(kind, number)


async def many(kind, numbers):
    for start in range(0, len(numbers), BATCH):
        await worker.enqueue_many([task(kind, number) for number in numbers[start : start + BATCH]])


if __name__ == "__main__":
    commands.main()
