"""Huey, over Redis or on SQLite."""

import os
import time

import commands
import tick
from huey import PriorityRedisHuey, RedisHuey, SqliteHuey

STORAGE = os.environ["HUEY_STORAGE"]
if STORAGE == "sqlite":
    huey = SqliteHuey("bench", filename=os.environ["BENCH_SQLITE_PATH"], fsync=True)
elif STORAGE == "redis-priorities":
    huey = PriorityRedisHuey("bench", url=os.environ["BENCH_REDIS_URL"])
else:
    huey = RedisHuey("bench", url=os.environ["BENCH_REDIS_URL"])


@huey.task()
def noop(number, payload):
    tick.started()
    return number


@huey.task()
def latency(number, payload):
    tick.started(number)
    return 0


@huey.task()
def io(number, payload):
    tick.started()
    time.sleep(0.05)
    tick.ended()
    return number


@huey.task(retries=1, context=True)
def mixed(number, payload, task=None):
    if number % 10 == 0 and task.retries == 1:
        raise RuntimeError("fails the first time")
    tick.started()
    return number


def one(kind, number):
    if kind != "mixed":
        globals()[kind](number, tick.PAYLOAD)
    elif number % 10 == 5:
        mixed.schedule((number, tick.PAYLOAD), delay=1, priority=number % 3)
    else:
        mixed(number, tick.PAYLOAD, priority=number % 3)


if __name__ == "__main__":
    commands.main()
