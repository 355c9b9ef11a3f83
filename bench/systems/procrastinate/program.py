"""Procrastinate on PostgreSQL."""

import asyncio
import logging
import os
from contextlib import asynccontextmanager

import commands
import tick
import uvloop
from procrastinate import App, PsycopgConnector, RetryStrategy

uvloop.install()
BATCH = 500
app = App(connector=PsycopgConnector(conninfo=os.environ["BENCH_POSTGRES_URL"], min_size=4, max_size=10))


@app.task(name="noop")
async def noop(number, payload):
    tick.started()
    return number


@app.task(name="latency")
async def latency(number, payload):
    tick.started(number)
    return 0


@app.task(name="io")
async def io(number, payload):
    tick.started()
    await asyncio.sleep(0.05)
    tick.ended()
    return number


@app.task(name="mixed", pass_context=True, retry=RetryStrategy(max_attempts=2, wait=0))
async def mixed(context, number, payload):
    if number % 10 == 0 and context.job.attempts == 0:
        raise RuntimeError("fails the first time")
    tick.started()
    return number


@asynccontextmanager
async def session():
    async with app.open_async():
        yield


async def setup():
    async with session():
        await app.schema_manager.apply_schema_async()


def deferrer(kind, number):
    task = globals()[kind]
    if kind != "mixed":
        return task
    return task.configure(priority=number % 3, schedule_in={"seconds": 1} if number % 10 == 5 else None)


async def one(kind, number):
    await deferrer(kind, number).defer_async(number=number, payload=tick.PAYLOAD)


async def many(kind, numbers):
    if kind == "mixed":  # one submit has one priority and one time
        for number in numbers:
            await one(kind, number)
        return
    for start in range(0, len(numbers), BATCH):
        some = numbers[start : start + BATCH]
        await globals()[kind].batch_defer_async(
            *({"number": number, "payload": tick.PAYLOAD} for number in some)
        )


async def worker(concurrency):
    logging.basicConfig(level=logging.CRITICAL)  # it logs each failure
    async with session():
        await app.run_worker_async(concurrency=int(concurrency))


if __name__ == "__main__":
    commands.main()
