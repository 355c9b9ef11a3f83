"""arq. It has no priorities: the order is by time."""

import asyncio
import os
from contextlib import asynccontextmanager

import commands
import tick
import uvloop
from arq import Retry, create_pool
from arq.connections import RedisSettings

asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
REDIS = RedisSettings.from_dsn(os.environ["BENCH_REDIS_URL"])
pool = None


async def noop(ctx, number, payload):
    tick.started()
    return number


async def latency(ctx, number, payload):
    tick.started(number)
    return 0


async def io(ctx, number, payload):
    tick.started()
    await asyncio.sleep(0.05)
    tick.ended()
    return number


async def mixed(ctx, number, payload):
    if number % 10 == 0 and ctx["job_try"] == 1:
        raise Retry(defer=0)
    tick.started()
    return number


class WorkerSettings:
    functions = (noop, latency, io, mixed)
    redis_settings = REDIS
    max_jobs = int(os.environ.get("ARQ_JOBS", "100"))
    poll_delay = float(os.environ.get("ARQ_POLL_S", "0.5"))
    keep_result = 3600


@asynccontextmanager
async def session():
    global pool
    pool = await create_pool(REDIS)
    yield
    await pool.aclose()


async def one(kind, number):
    delayed = kind == "mixed" and number % 10 == 5
    await pool.enqueue_job(kind, number, tick.PAYLOAD, _defer_by=1 if delayed else None)


if __name__ == "__main__":
    commands.main()
