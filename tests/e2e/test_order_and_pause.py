"""Priority and pause with two workers elsewhere, whose handlers start and go on as the test wants it."""

import fcntl
import os
import select
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from tests.support.grounds import Ground
from tests.support.hub_process import SELDOM, HubProcess, hub_on

WORKERS: Final = 2
SLOTS, WINDOW = 2, 1  # of each
HERE = Path(__file__).parent
ENVIRON = SELDOM | {"PYTHONPATH": str(HERE), "TASKFLOW_WORKER_SLOTS": str(SLOTS)}


class Gate:
    """Handlers of `roles.gated` say here that they have started, and wait until it is open."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        os.mkfifo(folder / "started")
        self._said = os.fdopen(os.open(folder / "started", os.O_RDWR), "rb", buffering=0)
        self._gate = (folder / "gate").open("w")
        fcntl.flock(self._gate, fcntl.LOCK_EX)

    def task(self, n: int) -> dict[str, Any]:
        return {"type": "roles.gated", "payload": {"folder": str(self._folder), "n": n}}

    def started(self) -> tuple[int, int]:
        """The next start: in which process, and of which task."""
        pid, n = self._said.readline().split()
        return int(pid), int(n)

    def another_has_started(self) -> bool:
        return bool(select.select([self._said], [], [], 0)[0])

    def open(self) -> None:
        fcntl.flock(self._gate, fcntl.LOCK_UN)

    def close(self) -> None:
        self._gate.close()
        self._said.close()


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    made = Gate(tmp_path)
    yield made
    made.close()


@pytest.fixture
def server(redis_url: str, tmp_path: Path, gate: Gate) -> Iterator[HubProcess]:
    ground = Ground(f"sqlite:///{tmp_path}/taskflow.db", redis_url)
    with hub_on(ground, tmp_path, app="roles_app:hub", environ=ENVIRON, workers=WORKERS) as server:
        yield server


def submit_all(server: HubProcess, tasks: list[dict[str, Any]]) -> list[str]:
    answer = server.post("/tasks/batch", {"tasks": tasks})
    assert answer.status_code == 202, answer.text
    ids: list[str] = answer.json()["ids"]
    return ids


def test_an_urgent_task_behind_a_thousand_starts_among_the_next_of_its_worker(
    server: HubProcess, gate: Gate
) -> None:
    urgent = 1_000
    submit_all(server, [gate.task(n) | {"priority": 1} for n in range(urgent)])
    for _ in range(WORKERS * SLOTS):
        gate.started()
    submit_all(server, [gate.task(urgent) | {"priority": 9}])
    gate.open()
    starts = [gate.started()]
    while starts[-1][1] != urgent:
        starts.append(gate.started())
    worker = starts[-1][0]
    assert len([pid for pid, _ in starts if pid == worker]) <= SLOTS + WINDOW


def test_a_pause_takes_back_at_once_what_has_not_started_anywhere(server: HubProcess, gate: Gate) -> None:
    """Heartbeats would do so ten minutes later."""
    ids = submit_all(server, [gate.task(n) for n in range(20)])
    leased = ids[: WORKERS * (SLOTS + WINDOW)]
    running = {ids[gate.started()[1]] for _ in range(WORKERS * SLOTS)}
    waiting = [task_id for task_id in leased if task_id not in running]
    for task_id in waiting:
        server.until(task_id, "running")
    assert server.post("/queues/default/pause").status_code == 200
    for task_id in waiting:
        server.until(task_id, "queued")
    gate.open()
    assert {server.final(task_id)["status"] for task_id in running} == {"success"}
    assert not gate.another_has_started()
    assert {server.task(task_id)["hold"] for task_id in ids if task_id not in running} == {"paused"}
    assert server.post("/queues/default/resume").status_code == 200
    assert {server.final(task_id)["status"] for task_id in ids} == {"success"}
