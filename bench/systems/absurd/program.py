"""Absurd. Its schema comes with its command line, `absurdctl`, which applies it by psql; here it is applied without."""

import asyncio
import os
import signal
from contextlib import asynccontextmanager

import absurdctl
import commands
import psycopg
import tick
import uvloop
from absurd_sdk import AsyncAbsurd

QUEUE = "bench"
CALLERS = 64  # each with a connection of its own, as a client has only one
uvloop.install()
free = asyncio.LifoQueue()


def client():
    """Connects when it is first used."""
    return AsyncAbsurd(os.environ["BENCH_POSTGRES_URL"], queue_name=QUEUE)


async def setup():
    async with await psycopg.AsyncConnection.connect(os.environ["BENCH_POSTGRES_URL"]) as connection:
        await connection.execute(absurdctl.BUNDLED_SCHEMA_SQL)
    app = client()
    await app.create_queue()
    await app.close()


@asynccontextmanager
async def session():
    clients = [client() for _ in range(CALLERS)]
    for one_of_them in clients:
        free.put_nowait(one_of_them)
    yield
    for one_of_them in clients:
        await one_of_them.close()


async def one(kind, number):
    """There are neither priorities nor tasks that start later; a retry comes at once if nothing else is said."""
    app = await free.get()
    await app.spawn(kind, {"number": number, "payload": tick.PAYLOAD}, queue=QUEUE)
    free.put_nowait(app)


async def worker(concurrency):
    app = client()

    @app.register_task("noop")
    async def noop(params, ctx):
        tick.started()
        return params["number"]

    @app.register_task("latency")
    async def latency(params, ctx):
        tick.started(params["number"])
        return 0

    @app.register_task("io")
    async def io(params, ctx):
        tick.started()
        await asyncio.sleep(0.05)
        tick.ended()
        return params["number"]

    @app.register_task("mixed")
    async def mixed(params, ctx):
        if params["number"] % 10 == 0:
            failure = await ctx.begin_step("fail")
            if not failure.done:
                await ctx.complete_step(failure, True)
                raise RuntimeError("fails at first")
        tick.started()
        return params["number"]

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, app.stop_worker)
    await app.start_worker(concurrency=int(concurrency))
    await app.close()


if __name__ == "__main__":
    commands.main()
