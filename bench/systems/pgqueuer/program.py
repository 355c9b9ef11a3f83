"""PgQueuer. Its own command line is not used: version 1.6.0 of it does not start with the typer of its time."""

import asyncio
import os
from contextlib import asynccontextmanager
from datetime import timedelta

import asyncpg
import commands
import tick
import uvloop
from pgqueuer import PgQueuer, RetryRequested
from pgqueuer.db import AsyncpgPoolDriver
from pgqueuer.queries import Queries

uvloop.install()
BATCH = 500
queries = None


@asynccontextmanager
async def session():
    global queries
    async with asyncpg.create_pool(os.environ["BENCH_POSTGRES_URL"], min_size=1, max_size=10) as pool:
        queries = Queries(AsyncpgPoolDriver(pool))
        yield


async def setup():
    async with session():
        await queries.install()


async def one(kind, number):
    await queries.enqueue(kind, payload(number))


async def many(kind, numbers):
    for start in range(0, len(numbers), BATCH):
        some = numbers[start : start + BATCH]
        is_mixed = kind == "mixed"
        await queries.enqueue(
            [kind] * len(some),
            [payload(number) for number in some],
            [number % 3 if is_mixed else 0 for number in some],
            [timedelta(seconds=1 if is_mixed and number % 10 == 5 else 0) for number in some],
        )


def payload(number):
    return f"{number} {tick.PAYLOAD}".encode()


def number_of(job):
    return int(job.payload.split(b" ", 1)[0])


async def worker(batch, most_at_once=None):
    async with asyncpg.create_pool(os.environ["BENCH_POSTGRES_URL"], min_size=2, max_size=10) as pool:
        pgqueuer = PgQueuer.from_asyncpg_pool(pool)

        @pgqueuer.entrypoint("noop")
        async def noop(job):
            tick.started()
            return number_of(job)

        @pgqueuer.entrypoint("latency")
        async def latency(job):
            tick.started(number_of(job))

        @pgqueuer.entrypoint("io")
        async def io(job):
            tick.started()
            await asyncio.sleep(0.05)
            tick.ended()

        @pgqueuer.entrypoint("mixed")
        async def mixed(job):
            if number_of(job) % 10 == 0 and job.attempts == 0:
                raise RetryRequested
            tick.started()

        await pgqueuer.run(
            batch_size=int(batch), max_concurrent_tasks=int(most_at_once) if most_at_once else None
        )


if __name__ == "__main__":
    commands.main()
