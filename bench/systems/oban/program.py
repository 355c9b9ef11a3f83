"""Oban for Python on PostgreSQL, the open-source one."""

import asyncio
import os
import subprocess
from contextlib import asynccontextmanager

import commands
import tick
import uvloop
from oban import Oban, worker

uvloop.install()
BATCH = 500
oban = None


@worker(queue="default")
class Noop:
    async def process(self, job):
        tick.started()


@worker(queue="default")
class Latency:
    async def process(self, job):
        tick.started(job.args["number"])


@worker(queue="default")
class Io:
    async def process(self, job):
        tick.started()
        await asyncio.sleep(0.05)
        tick.ended()


@worker(queue="default", max_attempts=2)
class Mixed:
    async def process(self, job):
        if job.args["number"] % 10 == 0 and job.attempt == 1:
            raise RuntimeError("fails the first time")
        tick.started()

    def backoff(self, job):
        return 0


WORKERS = {"noop": Noop, "latency": Latency, "io": Io, "mixed": Mixed}


def setup():
    subprocess.run(["oban", "install", "--dsn", os.environ["BENCH_POSTGRES_URL"]], check=True)


@asynccontextmanager
async def session():
    global oban
    pool = await Oban.create_pool(dsn=os.environ["BENCH_POSTGRES_URL"])
    oban = Oban(pool=pool)
    yield
    await pool.close()


def job(kind, number):
    more = {}
    if kind == "mixed":
        more["priority"] = number % 3
        if number % 10 == 5:
            more["schedule_in"] = 1
    return WORKERS[kind].new({"number": number, "payload": tick.PAYLOAD}, **more)


async def one(kind, number):
    await oban.enqueue(job(kind, number))


async def many(kind, numbers):
    for start in range(0, len(numbers), BATCH):
        await oban.enqueue_many([job(kind, number) for number in numbers[start : start + BATCH]])


if __name__ == "__main__":
    commands.main()
