"""Chancy on PostgreSQL, handlers in its asyncio executor."""

import asyncio
import logging
import os
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import commands
import tick
import uvloop
from chancy import Chancy, Queue, QueuedJob, Worker, job

uvloop.install()
BATCH = 500
log = logging.getLogger("program")
log.setLevel(logging.CRITICAL)
chancy = Chancy(os.environ["BENCH_POSTGRES_URL"], log=log)
QUEUE = Queue("bench", executor=Chancy.Executor.Async, concurrency=100, eager_polling=True)


@job(queue="bench")
async def noop(*, number: int, payload: str):
    tick.started()
    return number


@job(queue="bench")
async def latency(*, number: int, payload: str):
    tick.started(number)


@job(queue="bench")
async def io(*, number: int, payload: str):
    tick.started()
    await asyncio.sleep(0.05)
    tick.ended()
    return number


@job(queue="bench")
async def mixed(*, number: int, payload: str, context: QueuedJob):
    if number % 10 == 0 and context.attempts == 0:
        raise RuntimeError("fails the first time")
    tick.started()
    return number


@asynccontextmanager
async def session():
    async with chancy:
        yield


async def setup():
    async with session():
        await chancy.migrate()
        await chancy.declare(QUEUE, upsert=True)


def task(kind, number):
    made = globals()[kind].job.with_kwargs(number=number, payload=tick.PAYLOAD)
    if kind != "mixed":
        return made
    made = made.with_priority(number % 3).with_max_attempts(2)
    return made.with_scheduled_at(datetime.now(UTC) + timedelta(seconds=1)) if number % 10 == 5 else made


async def one(kind, number):
    await chancy.push(task(kind, number))


async def many(kind, numbers):
    async for _ in chancy.push_many([task(kind, number) for number in numbers], batch_size=BATCH):
        pass


async def worker():
    async with session(), Worker(chancy) as running:
        await running.wait_for_shutdown()


if __name__ == "__main__":
    commands.main()
