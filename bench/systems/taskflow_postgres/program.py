"""TaskFlow Hub, on any database: a program that submits beside it, and the app of `taskflow up` or `taskflow worker run`."""

import asyncio
import os
from contextlib import asynccontextmanager

import commands
import tick

from taskflow_hub import Hub

BATCH = 1_000
hub = Hub(os.environ.get("TASKFLOW_DATABASE_URL"))


@hub.task("noop")
async def noop(number: int, payload: str) -> int:
    tick.started()
    return number


@hub.task("latency")
async def latency(number: int, payload: str) -> int:
    tick.started(number)
    return 0


@hub.task("io")
async def io(number: int, payload: str) -> int:
    tick.started()
    await asyncio.sleep(0.05)
    tick.ended()
    return number


HANDLERS = {handler.type: handler for handler in (noop, latency, io)}


@asynccontextmanager
async def session():
    async with hub:
        yield


async def one(kind, number):
    await HANDLERS[kind].submit(number, tick.PAYLOAD)


async def many(kind, numbers):
    payloads = [{"number": number, "payload": tick.PAYLOAD} for number in numbers]
    for start in range(0, len(payloads), BATCH):
        await HANDLERS[kind].submit_many(payloads[start : start + BATCH])


if __name__ == "__main__":
    commands.main()
