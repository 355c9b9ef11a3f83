"""A bound, no task queue: what one row a commit costs on the same database, with the same driver."""

import os
from contextlib import asynccontextmanager

import asyncpg
import commands
import tick

insert = None


async def setup():
    connection = await asyncpg.connect(os.environ["BENCH_POSTGRES_URL"])
    await connection.execute("CREATE TABLE bare (id bigserial PRIMARY KEY, payload text NOT NULL)")
    await connection.close()


@asynccontextmanager
async def session():
    global insert
    connection = await asyncpg.connect(os.environ["BENCH_POSTGRES_URL"])
    insert = (await connection.prepare("INSERT INTO bare (payload) VALUES ($1)")).fetch
    yield
    await connection.close()


async def one(kind, number):
    await insert(tick.PAYLOAD)


if __name__ == "__main__":
    commands.main()
