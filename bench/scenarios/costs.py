"""What accounts cost a submit, and a limit a drain: each as a ratio to the same without, in turn."""

import asyncio
from contextlib import ExitStack
from statistics import median

from bench.app import PAYLOAD
from bench.databases import Databases
from bench.first_user import SECRET, first_key
from bench.http_load import request, submits_per_second
from bench.hub_process import HubProcess
from bench.scenarios.drain import TASKS, drained_per_s, fill
from taskflow_hub import Limit

TURNS, SUBMITS, CONNECTIONS, SLOTS = 6, 1_000, 32, 20
NEVER_FULL = (Limit(key="bench", running=1_000_000),)


class Costs:
    name = "costs"

    def run(self, databases: Databases) -> dict[str, float]:
        return {"accounts": _accounts(databases), "limits": _limits(databases)}


def _accounts(databases: Databases) -> float:
    """Submits with a key, to those of a hub without accounts; the one rests while the other is asked."""
    with ExitStack() as ends:
        open_hub, hub = [
            ends.enter_context(HubProcess(ends.enter_context(databases.fresh()), slots=SLOTS, secret=secret))
            for secret in (None, SECRET)
        ]
        task = {"type": "bench.unserved", "payload": PAYLOAD}
        messages = {open_hub.port: request("/tasks", task)}
        messages[hub.port] = request("/tasks", task, key=asyncio.run(first_key(hub.port, ["submit"])))
        rates = [
            [
                asyncio.run(submits_per_second(port, message, connections=CONNECTIONS, total=SUBMITS))
                for port, message in messages.items()
            ]
            for _ in range(TURNS)
        ]
        return median(with_key / without for without, with_key in rates)


def _limits(databases: Databases) -> float:
    """A drain of tasks that all name one limit, which is never full, to one of tasks without."""
    rates = []
    for limits in ((), NEVER_FULL):
        with databases.fresh() as url:
            asyncio.run(fill(url, TASKS, limits=limits))
            rates.append(drained_per_s(databases, url, TASKS))
    return rates[1] / rates[0]
