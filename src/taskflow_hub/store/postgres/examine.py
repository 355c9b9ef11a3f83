"""What `taskflow doctor` asks of the server. Nothing is changed, and an older schema is no hindrance."""

import asyncio
import time
from typing import Final

import asyncpg

from taskflow_hub.domain.checkup.database import NOT_DURABLE, PostgresFacts, Schema
from taskflow_hub.domain.checkup.processes import Seen
from taskflow_hub.domain.clock import utc_now
from taskflow_hub.store.postgres.held_back import held_back
from taskflow_hub.store.postgres.schema import VERSIONS, connect, explained, leave, version
from taskflow_hub.store.postgres.statements import statement
from taskflow_hub.store.postgres.transaction import Snapshot
from taskflow_hub.store.postgres.url import Target, parse_url

EXAMINE: Final = statement("only/examine")
WORKER_VERSIONS: Final = statement("worker_versions")
SETTINGS: Final = (*NOT_DURABLE, "autovacuum")


def examine(url: str) -> PostgresFacts:
    """Raises Misconfigured, StoreUnavailable."""
    return asyncio.run(_examine(parse_url(url)))


async def _examine(target: Target) -> PostgresFacts:
    connection = await connect(target)
    try:
        async with explained(target):
            found = await version(connection, target)
            about = await connection.fetchrow(EXAMINE)
            assert about is not None
            workers = [] if found is None else await connection.fetch(WORKER_VERSIONS)
            ahead_s, unsure_s = await _clock(connection)
            return PostgresFacts(
                shown=target.shown,
                server=about["server"],
                schema=Schema(found, VERSIONS.all),
                octets=about["octets"],
                pool_size=target.pool_size,
                connections=about["connections"],
                max_connections=about["max_connections"],
                standby=about["standby"],
                settings={name: about[name] for name in SETTINGS},
                held_back=tuple(await held_back(Snapshot(connection, None))),
                ahead_s=ahead_s,
                unsure_s=unsure_s,
                workers=tuple(
                    Seen("worker", row["name"], row["version"], row["silent_s"]) for row in workers
                ),
            )
    finally:
        await leave(connection)


async def _clock(connection: asyncpg.Connection) -> tuple[float, float]:
    """How far its clock is ahead of ours, and by how much that may be wrong: half of the way there and back."""
    began, before = time.monotonic(), utc_now()
    there = await connection.fetchval("SELECT clock_timestamp()")
    way_s = (time.monotonic() - began) / 2
    return (there - before).total_seconds() - way_s, way_s
