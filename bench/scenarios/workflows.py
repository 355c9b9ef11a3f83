"""Workflows of a running hub, from the submit over HTTP to the end: a fan-out with its join, and a long chain."""

import asyncio
import json
from datetime import datetime
from itertools import pairwise
from statistics import quantiles
from typing import Any

from bench.databases import Databases
from bench.http_load import post, question, request
from bench.hub_process import HubProcess

ITEMS, HOPS, SLOTS = 10_000, 1_000, 100
PATIENCE_S = 300.0
LOOK_S = 0.25  # and only at the list, which has no nodes: looking shall not cost what is measured
HOST = "127.0.0.1"


class Workflows:
    name = "workflows"

    def run(self, databases: Databases) -> dict[str, float]:
        with databases.fresh() as url, HubProcess(url, slots=SLOTS) as hub:
            asyncio.run(_ended(hub.port, _fan(10)))  # so that what is done once is done
            fan = asyncio.run(_ended(hub.port, _fan(ITEMS)))
            chain = asyncio.run(_ended(hub.port, _chain(HOPS)))
        starts = [chain["nodes"][f"hop-{number}"]["result"] for number in range(HOPS)]
        hops = quantiles([(later - earlier) * 1000 for earlier, later in pairwise(starts)], n=20)
        return {"fan-out": _took_s(fan), "hop p50": hops[9], "hop p95": hops[18]}


def _fan(items: int) -> dict[str, Any]:
    """A list, a task for each of its items, and one that comes after all."""
    return {
        "name": "fan",
        "nodes": {
            "list": {"type": "bench.numbers", "payload": {"count": items}},
            "each": {"type": "bench.noop", "for_each": {"$ref": "list.result"}},
            "join": {"type": "bench.noop", "after": ["each"]},
        },
    }


def _chain(hops: int) -> dict[str, Any]:
    """One after the other, each saying when it started."""
    nodes = {
        f"hop-{number}": {"type": "bench.stamp", "after": [f"hop-{number - 1}"] if number else []}
        for number in range(hops)
    }
    return {"name": "chain", "nodes": nodes}


async def _ended(port: int, workflow: dict[str, Any]) -> dict[str, Any]:
    """The workflow, once it has succeeded."""
    reader, writer = await asyncio.open_connection(HOST, port, limit=16 << 20)
    try:
        async with asyncio.timeout(PATIENCE_S):
            id = json.loads(await post(reader, writer, request("/workflows", workflow)))["id"]
            newest = question("/workflows?limit=1")
            while json.loads(await post(reader, writer, newest))["items"][0]["finished_at"] is None:
                await asyncio.sleep(LOOK_S)
            seen: dict[str, Any] = json.loads(await post(reader, writer, question(f"/workflows/{id}")))
    finally:
        writer.close()
        await writer.wait_closed()
    if seen["status"] != "success":
        raise RuntimeError(f"workflow {seen['name']} is {seen['status']}: {seen['error']}")
    return seen


def _took_s(workflow: dict[str, Any]) -> float:
    begun, ended = (datetime.fromisoformat(workflow[name]) for name in ("created_at", "finished_at"))
    return (ended - begun).total_seconds()
