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


GATE, NEXT_GATE = "gate", "next gate"


class Gates:
    """Handlers of `roles.gated` say here that they have started, and wait until theirs is open."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        os.mkfifo(folder / "started")
        self._said = os.fdopen(os.open(folder / "started", os.O_RDWR), "rb", buffering=0)
        self._gates = {name: (folder / name).open("w") for name in (GATE, NEXT_GATE)}
        for gate in self._gates.values():
            fcntl.flock(gate, fcntl.LOCK_EX)

    def task(self, n: int, gate: str = GATE) -> dict[str, Any]:
        return {"type": "roles.gated", "payload": {"folder": str(self._folder), "n": n, "gate": gate}}

    def started(self) -> tuple[int, int]:
        """The next start: in which process, and of which task."""
        pid, n = self._said.readline().split()
        return int(pid), int(n)

    def another_has_started(self) -> bool:
        return bool(select.select([self._said], [], [], 0)[0])

    def open(self, gate: str = GATE) -> None:
        fcntl.flock(self._gates[gate], fcntl.LOCK_UN)

    def close(self) -> None:
        for gate in self._gates.values():
            gate.close()
        self._said.close()


@pytest.fixture
def gates(tmp_path: Path) -> Iterator[Gates]:
    made = Gates(tmp_path)
    yield made
    made.close()


@pytest.fixture
def server(redis_url: str, tmp_path: Path, gates: Gates) -> Iterator[HubProcess]:
    ground = Ground(f"sqlite:///{tmp_path}/taskflow.db", redis_url)
    with hub_on(ground, tmp_path, app="roles_app:hub", environ=ENVIRON, workers=WORKERS) as server:
        yield server


def submit_all(server: HubProcess, tasks: list[dict[str, Any]]) -> list[str]:
    answer = server.post("/tasks/batch", {"tasks": tasks})
    assert answer.status_code == 202, answer.text
    ids: list[str] = answer.json()["ids"]
    return ids


def test_an_urgent_task_behind_a_thousand_starts_among_the_next_of_its_worker(
    server: HubProcess, gates: Gates
) -> None:
    """The next are those for which there is room once what the workers held has ended: they wait at a gate of their own."""
    held, urgent = WORKERS * (SLOTS + WINDOW), 1_000
    tasks = [gates.task(n, GATE if n < held else NEXT_GATE) | {"priority": 1} for n in range(urgent)]
    submit_all(server, tasks)
    for _ in range(WORKERS * SLOTS):
        gates.started()
    submit_all(server, [gates.task(urgent, NEXT_GATE) | {"priority": 9}])
    gates.open(GATE)
    starts = {gates.started()[1] for _ in range(WORKERS * (WINDOW + SLOTS))}
    assert urgent in starts
    gates.open(NEXT_GATE)


def test_a_pause_takes_back_at_once_what_has_not_started_anywhere(server: HubProcess, gates: Gates) -> None:
    """Heartbeats would do so ten minutes later."""
    ids = submit_all(server, [gates.task(n) for n in range(20)])
    leased = ids[: WORKERS * (SLOTS + WINDOW)]
    running = {ids[gates.started()[1]] for _ in range(WORKERS * SLOTS)}
    waiting = [task_id for task_id in leased if task_id not in running]
    for task_id in waiting:
        server.until(task_id, "running")
    assert server.post("/queues/default/pause").status_code == 200
    for task_id in waiting:
        server.until(task_id, "queued")
    gates.open()
    assert {server.final(task_id)["status"] for task_id in running} == {"success"}
    assert not gates.another_has_started()
    assert {server.task(task_id)["hold"] for task_id in ids if task_id not in running} == {"paused"}
    assert server.post("/queues/default/resume").status_code == 200
    assert {server.final(task_id)["status"] for task_id in ids} == {"success"}
