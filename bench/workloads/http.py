"""W2 over HTTP, for systems that have it: submits over so many connections, and many tasks in each request.

Workers are there, and none of them knows the type: what is measured is the submit. The client is the bench itself, on the same
cores.
"""

import asyncio
import time
import urllib.error
import urllib.request
from typing import Any

from bench.http_load import request, submits_per_second
from bench.lib.tick import PAYLOAD
from bench.trial import LOOK_S, SILENT_S, Trial
from bench.workers import Workers
from bench.workloads.base import Figure, Workload

TASK = {"type": "unserved", "payload": {"payload": PAYLOAD}}
BATCH = 1_000


class Http(Workload):
    connections = 1
    figures = (
        Figure("rate", "tasks/s", "tasks/s"),
        Figure("worker_cpu_us", "CPU of the hub", "µs/task"),
        Figure("server_cpu_us", "CPU of servers", "µs/task"),
        Figure("transactions", "transactions", "/task", digits=2),
    )

    def run(self, trial: Trial) -> dict[str, float]:
        before = trial.server.counters()
        with trial.workers() as workers:
            port = int(trial.addresses["BENCH_HTTP_PORT"])
            _wait_until_it_answers(port, workers)
            worker_cpu_s, server_cpu_s = workers.cpu_s(), trial.server_cpu_s()
            message, tasks_in_each = self._message()
            requests = max(trial.tasks // tasks_in_each, 1)
            per_s = asyncio.run(
                submits_per_second(port, message, connections=self.connections, total=requests)
            )
            worker_cpu_s, server_cpu_s = workers.cpu_s() - worker_cpu_s, trial.server_cpu_s() - server_cpu_s
        tasks = requests * tasks_in_each
        return {
            "rate": per_s * tasks_in_each,
            "worker_cpu_us": 1e6 * worker_cpu_s / tasks,
            "server_cpu_us": 1e6 * server_cpu_s / tasks,
            **trial.counted(before, tasks),
        }

    def _message(self) -> tuple[bytes, int]:
        """A request, and how many tasks it submits."""
        return request("/tasks", TASK), 1


class Http1(Http):
    name = "http1"
    title = "W2: tasks are submitted over HTTP, one connection"


class Http32(Http):
    name = "http32"
    title = "W2: tasks are submitted over HTTP, 32 connections"
    connections = 32


class Http256(Http):
    name = "http256"
    title = "W2: tasks are submitted over HTTP, 256 connections"
    connections = 256


class HttpBatch(Http):
    name = "http_batch"
    title = f"W2: tasks are submitted over HTTP, {BATCH:,} in each request"

    def _message(self) -> tuple[bytes, int]:
        body: dict[str, Any] = {"tasks": [TASK] * BATCH}
        return request("/tasks/batch", body), BATCH


def _wait_until_it_answers(port: int, workers: Workers) -> None:
    give_up = time.monotonic() + SILENT_S
    while not _answers(port):
        workers.check()
        if time.monotonic() > give_up:
            raise RuntimeError(f"nobody answers on port {port}")
        time.sleep(LOOK_S)


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2):
            return True
    except (urllib.error.URLError, OSError):
        return False
