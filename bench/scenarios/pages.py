"""Every request that the dashboard's pages make, to a hub with a million tasks: how long until it is answered."""

import asyncio
import json
import os
import random
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from rich.table import Table

from bench.databases import Databases
from bench.filled import SEED, fill
from bench.first_user import SECRET, first_key
from bench.http_load import post, question, request
from bench.hub_process import HubProcess
from bench.measure import Report, percentile
from bench.page_requests import ASKS, Ask
from bench.process import cpu_s

FULL, SMALLER = 1_000_000, 100_000
WAITING = 4  # one of so many waits
COSTED = 10  # calls in a row, for what one costs
CALLS = 40  # of each request a round, at each concurrency
AT_ONCE: Final = (1, 4)
GOAL_MS: Final = 300.0
SLOTS, RUNNING, BATCH, SCHEDULES, KEYS = 20, 10, 5_000, 60, 60
WORKFLOWS, ITEMS = 200, 1_000  # beside a million tasks
HOST, PATIENCE_S, LOOK_S = "127.0.0.1", 300.0, 0.2


class Asker(NamedTuple):
    """A connection of somebody with a key."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    key: str

    async def get(self, path: str) -> Any:
        return json.loads(await post(self.reader, self.writer, question(path, key=self.key)))

    async def post(self, path: str, body: Any) -> Any:
        return json.loads(await post(self.reader, self.writer, request(path, body, key=self.key)))


class Pages:
    name = "pages"

    def run(self, databases: Databases, rounds: int, *, full: bool) -> Report:
        tasks = FULL if full else SMALLER
        with filled(databases, tasks) as (hub, holds):
            took_ms = asyncio.run(measured(hub.port, holds, CALLS * rounds))
            costs = asyncio.run(cpu_ms(hub, databases, holds))
        return report(databases.title, tasks, took_ms, costs)


@contextmanager
def filled(databases: Databases, tasks: int) -> Iterator[tuple[HubProcess, dict[str, str]]]:
    """A hub with so many tasks, of which a quarter wait, and what else there may be; and what the requests name of it."""
    with databases.fresh() as url:
        with HubProcess(url, slots=SLOTS, secret=SECRET) as hub:
            key = asyncio.run(first_key(hub.port, ["admin"]))
            asyncio.run(_seed(hub.port, key))
        asyncio.run(fill(url, tasks - tasks // WAITING))
        with HubProcess(url, slots=SLOTS, secret=SECRET) as hub:
            yield hub, asyncio.run(_live(hub.port, key, tasks))


async def _seed(port: int, key: str) -> None:
    """One finished task of each outcome, which the others will be like."""
    async with _connected(port, key) as asker:
        ended = [("demo.noop", {}, "success"), ("demo.fail", {"message": "The far end is away."}, "failed")]
        for type, payload, status in ended:
            seed = {"type": type, "queue": SEED, "payload": payload, "max_retries": 0}
            await _until(asker, (await asker.post("/tasks", seed))["id"], status)
        waits = await asker.post("/tasks", {"type": "demo.noop", "queue": SEED, "delay": 3600})
        await asker.post(f"/tasks/{waits['id']}/cancel", {})


async def _live(port: int, key: str, tasks: int) -> dict[str, str]:
    """What has not finished; workflows, schedules and keys."""
    async with _connected(port, key) as asker:
        for number in range(max(WORKFLOWS * tasks // FULL, 2)):
            await asker.post("/workflows", _workflow(max(ITEMS * tasks // FULL, 3) if number == 0 else 3))
        give_up = time.monotonic() + PATIENCE_S
        while (await asker.get("/workflows?limit=100&status=running"))["items"]:
            if time.monotonic() > give_up:
                raise RuntimeError("the workflows do not end")
            await asyncio.sleep(LOOK_S)  # a look from outside
        sleeps = {"type": "demo.sleep", "payload": {"seconds": 3600}}
        running = [(await asker.post("/tasks", sleeps))["id"] for _ in range(RUNNING)]
        await _until(asker, running[-1], "running")
        schedules = [
            await asker.post("/schedules", {"name": f"s{n}", "every": "1h", "task": {"type": "demo.noop"}})
            for n in range(SCHEDULES)
        ]
        for number in range(KEYS):
            await asker.post("/keys", {"name": f"k{number}", "scopes": ["read"]})
        await asker.post("/queues/paused/pause", {})
        kinds: list[dict[str, Any]] = [
            {"type": "bench.unserved", "queue": "q1"},
            {"type": "demo.noop", "queue": "paused", "tags": ["often"]},
        ]
        each = tasks // WAITING // len(kinds)
        for kind in kinds:
            for first in range(0, each, BATCH):
                await asker.post("/tasks/batch", {"tasks": [kind] * min(BATCH, each - first)})
        later = [{"type": "demo.noop", "delay": 86_400}] * min(BATCH, max(tasks // 400, 1))
        await asker.post("/tasks/batch", {"tasks": later})
        failed = await asker.get("/tasks?status=failed&limit=50")
        queued = await asker.get("/tasks?status=queued&limit=50")
        workflows = await asker.get("/workflows?limit=200&name=fan")
    now = datetime.now(UTC)
    return {
        "key": key,
        "failed": failed["items"][-1]["id"],
        "deep": failed["next_cursor"],
        "queued": queued["items"][-1]["id"],
        "workflow": workflows["items"][-1]["id"],
        "schedule": schedules[0]["id"],
        "fingerprint": f"{1:016x}",
        "now": _in_query(now),
        "a_day_ago": _in_query(now - timedelta(days=1)),
        "a_week_ago": _in_query(now - timedelta(days=7)),
        "an_hour_ago": _in_query(now - timedelta(hours=1)),
    }


def _workflow(items: int) -> dict[str, Any]:
    return {
        "name": "fan",
        "nodes": {
            "list": {"type": "bench.numbers", "payload": {"count": items}},
            "each": {"type": "bench.noop", "for_each": {"$ref": "list.result"}},
            "join": {"type": "bench.noop", "after": ["each"]},
        },
    }


async def measured(port: int, holds: dict[str, str], calls: int) -> dict[tuple[Ask, int], list[float]]:
    """Milliseconds of each call, by request and how many were under way.

    All requests take turns, so that a slow moment of the machine meets them all. Raises RuntimeError for one that is refused.
    """
    took_ms: dict[tuple[Ask, int], list[float]] = defaultdict(list)
    messages = _messages(holds)

    async def walk(at_once: int, walks: int) -> None:
        async with _connected(port, holds["key"]) as asker:
            for _ in range(walks):
                for ask in random.sample(ASKS, len(ASKS)):
                    began = time.perf_counter()
                    await post(asker.reader, asker.writer, messages[ask])
                    took_ms[ask, at_once].append((time.perf_counter() - began) * 1000)

    for at_once in AT_ONCE:
        await asyncio.gather(*(walk(at_once, max(calls // at_once, 1)) for _ in range(at_once)))
    return took_ms


async def cpu_ms(
    hub: HubProcess, databases: Databases, holds: dict[str, str], calls: int = COSTED
) -> dict[Ask, float]:
    """What a call costs the hub and its database, in CPU time: a busy machine makes it wait for that, and hardly costlier."""

    def spent_s() -> float:
        return cpu_s(hub.pid) + databases.server_cpu_s()

    found: dict[Ask, float] = {}
    async with _connected(hub.port, holds["key"]) as asker:
        for ask, message in _messages(holds).items():
            began = spent_s()
            for _ in range(calls):
                await post(asker.reader, asker.writer, message)
            found[ask] = (spent_s() - began) / calls * 1000
    return found


def _messages(holds: dict[str, str]) -> dict[Ask, bytes]:
    key = holds["key"]
    return {
        ask: request(ask.path, json.loads(ask.body), key=key)
        if ask.body
        else question(ask.path.format_map(holds), key=key)
        for ask in ASKS
    }


def report(
    title: str,
    tasks: int,
    took_ms: dict[tuple[Ask, int], list[float]],
    costs: dict[Ask, float],
) -> Report:
    table = Table(
        title=f"{title}: every page of the dashboard beside {tasks:,} tasks, of which a quarter wait;"
        f" goal p95 < {GOAL_MS:.0f} ms;"
        f" load of the machine {os.getloadavg()[1]:.1f} on {os.cpu_count()} cores"
    )
    table.add_column("page")
    table.add_column("request", overflow="fold")
    table.add_column("CPU ms", justify="right")
    for at_once in AT_ONCE:
        table.add_column(f"×{at_once} p50 ms", justify="right")
        table.add_column(f"×{at_once} p95 ms", justify="right")
    aims: list[tuple[str, bool]] = []
    for ask, cost in costs.items():
        cells = [f"{cost:.0f}"]
        for at_once in AT_ONCE:
            found = took_ms[ask, at_once]
            p95 = percentile(found, 0.95)
            seen = f"{p95:.1f}" if p95 < GOAL_MS else f"[red]{p95:.1f}[/]"
            cells += [f"{percentile(found, 0.5):.1f}", seen]
            if p95 >= GOAL_MS:
                aims.append((f"{ask.page}, {ask.path}, {at_once} at once: {p95:.0f} ms", False))
        table.add_row(ask.page, _shown(ask), *cells)
    if not aims:
        aims.append((f"every request is answered within {GOAL_MS:.0f} ms (p95)", True))
    values = {f"{ask.page} {_shown(ask)} ×{at_once} ms": found for (ask, at_once), found in took_ms.items()}
    return Report([table], aims, values)


def _shown(ask: Ask) -> str:
    return f"{'POST' if ask.body else 'GET'} {ask.path}"


# --- what is asked of the hub meanwhile


@asynccontextmanager
async def _connected(port: int, key: str) -> AsyncIterator[Asker]:
    reader, writer = await asyncio.open_connection(HOST, port, limit=16 << 20)
    try:
        yield Asker(reader, writer, key)
    finally:
        writer.close()
        await writer.wait_closed()


async def _until(asker: Asker, id: str, status: str) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while (await asker.get(f"/tasks/{id}"))["status"] != status:
            await asyncio.sleep(LOOK_S)  # a look from outside


def _in_query(at: datetime) -> str:
    return at.isoformat().replace("+", "%2B")
