"""A server and a worker as processes of their own, Redis between them: how fast they drain, and what the three weigh."""

import asyncio
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from tests.support.hub_process import HubProcess
from tests.support.redis import redis_server

from bench.databases import Databases
from bench.process import rss_mb
from bench.scenarios.drain import SLOTS, TASKS, fill

HEAVY_TASKS = 50_000
HEAVY = {"text": "x" * 4_085}  # 4 KB of JSON


class OverRedis:
    name = "over_redis"

    def run(self, databases: Databases) -> dict[str, float]:
        with databases.fresh() as url:
            asyncio.run(fill(url, TASKS))
            began = datetime.now(UTC)
            with apart(url) as pids:
                _drain(databases, url, TASKS, pids)
            drained_per_s = TASKS / databases.busy_s(url, began)
        with databases.fresh() as url:
            asyncio.run(fill(url, HEAVY_TASKS, HEAVY))
            with apart(url) as pids:
                heaviest = _drain(databases, url, HEAVY_TASKS, pids)
        return {"drain over redis": drained_per_s, "memory over redis": heaviest}


@contextmanager
def apart(url: str) -> Iterator[list[int]]:
    """The pids of the server, the worker and Redis."""
    with ExitStack() as undo:
        redis = undo.enter_context(redis_server())
        environ = {"TASKFLOW_BROKER_URL": redis.url, "PYTHONPATH": str(Path.cwd())}
        folders = [Path(undo.enter_context(tempfile.TemporaryDirectory())) for _ in range(2)]
        server = HubProcess(folders[0], environ=environ | {"TASKFLOW_DATABASE_URL": url}, role=("server",))
        undo.enter_context(server)
        worker = HubProcess(
            folders[1], app="bench.app:hub", environ=environ, role=("worker", "run", "--slots", str(SLOTS))
        )
        undo.enter_context(worker)
        yield [server.pid, worker.pid, redis.pid]


def _drain(databases: Databases, url: str, tasks: int, pids: list[int]) -> float:
    """Until all have ended; the most that the processes weighed together, in MB."""
    heaviest = 0.0
    while databases.finished(url) < tasks:
        heaviest = max(heaviest, sum(map(rss_mb, pids)))
        time.sleep(0.1)  # the bench looks from outside, so it can only look again
    return heaviest
