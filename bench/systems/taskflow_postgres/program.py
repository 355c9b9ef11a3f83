"""TaskFlow Hub, on any database: a program that submits beside it, and the app of `taskflow up` or `taskflow worker run`."""

import asyncio
import os
import time
from contextlib import AsyncExitStack, asynccontextmanager

import commands
import tick
from history import make
from msgspec import Raw
from msgspec.json import encode

from taskflow_hub import ITEM, Client, Context, Hub, Retry, Submission, Workflow

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


@hub.task("mixed")
async def mixed(ctx: Context, number: int, payload: str) -> int | Retry:
    if number % 10 == 0 and ctx.task.attempt == 1:
        return Retry(after=0)
    tick.started()
    return number


HANDLERS = {handler.type: handler for handler in (noop, latency, io)}


OVER_HTTP = "TASKFLOW_SERVER" in os.environ  # else beside the database
client = None


@asynccontextmanager
async def session():
    global client
    async with AsyncExitStack() as undo:
        await undo.enter_async_context(hub)
        if OVER_HTTP:
            client = await undo.enter_async_context(Client(retries=20))
        yield


async def one(kind, number):
    if client is not None:
        await client.submit(kind, payload(number))
        return
    await HANDLERS[kind].submit(number, tick.PAYLOAD)


async def many(kind, numbers):
    for start in range(0, len(numbers), BATCH):
        some = numbers[start : start + BATCH]
        if kind == "mixed":
            await hub.submit_many([of_mixed(number) for number in some])
        else:
            await HANDLERS[kind].submit_many([payload(number) for number in some])


def payload(number):
    return {"number": number, "payload": tick.PAYLOAD}


def of_mixed(number):
    return Submission(
        type="mixed",
        payload=Raw(encode(payload(number))),
        priority=number % 3,
        delay=1.0 if number % 10 == 5 else None,
    )


async def fan(numbers):
    sent = time.time_ns()
    with Workflow("fan") as flow:
        each = noop.map(list(numbers), number=ITEM, payload=tick.PAYLOAD)
        each >> latency.node(number=sent, payload=tick.PAYLOAD)
    await flow.submit(hub)


async def history(first, last):
    await make(os.environ["TASKFLOW_DATABASE_URL"], int(first), int(last))


if __name__ == "__main__":
    commands.main()
