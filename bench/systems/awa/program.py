"""Awa (awa-pg). Its own command line migrates; a worker is started from code."""

import asyncio
import os
import signal
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import awa
import commands
import tick
import uvloop

uvloop.install()
BATCH = 500
QUEUE = "default"
LINES = 4
client = None


@dataclass
class Task:
    number: int
    payload: str


class Noop(Task): ...


class Latency(Task): ...


class Io(Task): ...


class Mixed(Task): ...


KINDS = {"noop": Noop, "latency": Latency, "io": Io, "mixed": Mixed}


async def setup():
    """A queue is one line of tasks, unless it is allowed to be several; the submit that has a line keeps it until its commit.
    The first worker makes a new database use the storage that `many` needs.
    """
    async with session():
        await client.migrate()
        async with await client.transaction() as transaction:
            await transaction.execute(
                "INSERT INTO awa.queue_meta (queue, enqueue_shards) VALUES ($1, $2)", QUEUE, LINES
            )
        await start(1)
        await client.shutdown()


@asynccontextmanager
async def session():
    global client
    async with awa.AsyncClient(os.environ["BENCH_POSTGRES_URL"], max_connections=64) as client:
        yield


async def one(kind, number):
    while True:
        try:
            await client.insert(KINDS[kind](number, tick.PAYLOAD), **options(kind, number))
        except (
            awa.UniqueConflict
        ):  # two submits, each the first of its line, have both made the line's sequence
            continue
        return


async def many(kind, numbers):
    """What is copied together has the same options; every thirtieth task has those of the first."""
    stride = 30 if kind == "mixed" else 1
    for first in range(stride):
        alike = numbers[first::stride]
        for start in range(0, len(alike), BATCH):
            tasks = [KINDS[kind](number, tick.PAYLOAD) for number in alike[start : start + BATCH]]
            await client.enqueue_many_copy(tasks, **options(kind, alike[0]))


def options(kind, number):
    if kind != "mixed":
        return {"queue": QUEUE}
    starts_at = datetime.now(UTC) + timedelta(seconds=1) if number % 10 == 5 else None
    return {"queue": QUEUE, "priority": 1 + number % 3, "run_at": starts_at}


async def worker(most):
    async with session():
        await start(int(most))
        told = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
        await told.wait()
        await client.shutdown()


async def start(most):
    @client.task(Noop, queue=QUEUE)
    async def noop(job):
        tick.started()

    @client.task(Latency, queue=QUEUE)
    async def latency(job):
        tick.started(job.args.number)

    @client.task(Io, queue=QUEUE)
    async def io(job):
        tick.started()
        await asyncio.sleep(0.05)
        tick.ended()

    @client.task(Mixed, queue=QUEUE)
    async def mixed(job):
        if job.args.number % 10 == 0 and job.attempt == 1:
            return awa.RetryAfter(0)  # what is raised is retried later
        tick.started()
        return None

    await client.start([(QUEUE, most)])


if __name__ == "__main__":
    commands.main()
