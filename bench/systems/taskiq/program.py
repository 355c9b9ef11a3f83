"""Taskiq over Redis streams, or over a list, which acknowledges nothing; results kept in Redis. It has no delays and priorities
without a scheduler of its own, so a mixed queue is one with failures only.
"""

import asyncio
import os
from contextlib import asynccontextmanager

import commands
import tick
import uvloop
from taskiq import Context, SimpleRetryMiddleware, TaskiqDepends
from taskiq_redis import ListQueueBroker, RedisAsyncResultBackend, RedisStreamBroker

uvloop.install()
URL = os.environ["BENCH_REDIS_URL"]
make = ListQueueBroker if os.environ.get("TASKIQ_BROKER") == "list" else RedisStreamBroker
broker = (
    make(URL)
    .with_result_backend(RedisAsyncResultBackend(URL, result_ex_time=3600))
    .with_middlewares(SimpleRetryMiddleware())
)


@broker.task(task_name="noop")
async def noop(number: int, payload: str) -> int:
    tick.started()
    return number


@broker.task(task_name="latency")
async def latency(number: int, payload: str) -> int:
    tick.started(number)
    return 0


@broker.task(task_name="io")
async def io(number: int, payload: str) -> int:
    tick.started()
    await asyncio.sleep(0.05)
    tick.ended()
    return number


@broker.task(task_name="mixed", retry_on_error=True, max_retries=2)
async def mixed(number: int, payload: str, context: Context = TaskiqDepends()) -> int:  # noqa: B008
    if number % 10 == 0 and "_retries" not in context.message.labels:
        raise RuntimeError("fails the first time")
    tick.started()
    return number


@asynccontextmanager
async def session():
    await broker.startup()
    yield
    await broker.shutdown()


async def one(kind, number):
    await globals()[kind].kiq(number, tick.PAYLOAD)


if __name__ == "__main__":
    commands.main()
