"""SAQ over Redis. It has no priorities there."""

import asyncio
import os
import time
from contextlib import asynccontextmanager

import commands
import tick
import uvloop
from saq import Queue

asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
queue = Queue.from_url(os.environ["BENCH_REDIS_URL"])


async def noop(ctx, *, number, payload):
    tick.started()
    return number


async def latency(ctx, *, number, payload):
    tick.started(number)
    return 0


async def io(ctx, *, number, payload):
    tick.started()
    await asyncio.sleep(0.05)
    tick.ended()
    return number


async def mixed(ctx, *, number, payload):
    if number % 10 == 0 and ctx["job"].attempts == 1:
        raise RuntimeError("fails the first time")
    tick.started()
    return number


settings = {"queue": queue, "functions": [noop, latency, io, mixed], "concurrency": 100}


@asynccontextmanager
async def session():
    await queue.connect()
    yield
    await queue.disconnect()


async def one(kind, number):
    more = {}
    if kind == "mixed":
        more = {"retries": 2, "scheduled": int(time.time()) + 1 if number % 10 == 5 else 0}
    await queue.enqueue(kind, number=number, payload=tick.PAYLOAD, **more)


if __name__ == "__main__":
    commands.main()
