"""kill -9 between a task's end and the look at what it held back: never too many by the store, and nothing waits for ever."""

import random
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.support.hub_process import HubProcess, until
from tests.support.witness import Witness

APP = "dying_app:hub"
TASKS = 200
WHERE = ("untold", "succeeded", "leasing", "leased")
LIMITS: list[list[dict[str, Any]]] = [
    [{"key": "a", "running": 3}],
    [{"key": "b", "running": 1}, {"key": "a", "running": 3}],
    [{"key": "c", "running": 3, "per_second": 100}],
]
MOST = {"a": 3, "b": 1, "c": 3}


def environ(database_url: str, **more: str) -> dict[str, str]:
    return {
        "PYTHONPATH": str(Path(__file__).parent),
        "TASKFLOW_DATABASE_URL": database_url,
        "TASKFLOW_WORKER_SLOTS": "4",
        **more,
    }


class Mortals:
    """Processes on one database (of SQLite one), each of which dies where it is told to."""

    def __init__(self, folder: Path, database_url: str, undo: ExitStack) -> None:
        count = 1 if database_url.startswith("sqlite:") else 2
        self.hubs = [HubProcess(folder, app=APP, environ=environ(database_url)) for _ in range(count)]
        for hub in self.hubs:
            undo.callback(hub.__exit__)
            hub.start()

    def until_one_is_dead(self) -> HubProcess:
        until(lambda: any(not hub.alive for hub in self.hubs))
        return next(hub for hub in self.hubs if not hub.alive)

    def restart(self, hub: HubProcess, dies: str | None) -> None:
        """It may die before anybody has seen that it was ready."""
        hub.environ.pop("DIES", None)
        if dies is not None:
            hub.environ["DIES"] = dies
        hub.spawn()


@pytest.fixture
def mortals(database_url: str, tmp_path: Path) -> Iterator[Mortals]:
    with ExitStack() as undo:
        yield Mortals(tmp_path, database_url, undo)


def test_random_deaths_between_an_end_and_the_next_look(mortals: Mortals, database_url: str) -> None:
    chance = random.Random(1)
    with Witness.of(database_url) as witness:
        body = {"type": "dying.work", "payload": {"seconds": 0.05}}
        tasks = [{**body, "limits": chance.choice(LIMITS)} for _ in range(TASKS)]
        ids = mortals.hubs[0].post("/tasks/batch", {"tasks": tasks}).json()["ids"]
        for hub in mortals.hubs:
            hub.kill()
        where = WHERE if len(mortals.hubs) > 1 else WHERE[1:]
        for each in chance.sample(where, len(where)):
            mortals.restart(mortals.until_one_is_dead(), f"{each} {chance.randint(1, 3)}")
        until(lambda: not any(hub.alive for hub in mortals.hubs))
        for hub in mortals.hubs:
            mortals.restart(hub, None)
            hub.until_says("ready")
        found = [mortals.hubs[-1].final(id, 60) for id in ids]
        assert {task["status"] for task in found} == {"success"}
        assert {key: witness.most(key) for key in MOST} == MOST
    assert sum(task["attempt"] for task in found) > TASKS, "some were killed in the middle"


@pytest.mark.parametrize("where", WHERE[:3])
def test_who_is_left_looks_by_themselves(postgres_tables_url: str, tmp_path: Path, where: str) -> None:
    """The one process ends its task and dies. What waited for that is the other's, which nobody tells."""
    with ExitStack() as undo:
        left, right = (
            HubProcess(tmp_path, app=APP, environ=environ(postgres_tables_url), role=("up", "--queue", name))
            for name in ("left", "right")
        )
        left.environ["DIES"] = f"{where} 1"
        for hub in (left, right):
            undo.enter_context(hub)
        limits = [{"key": "k", "running": 1}]
        first = right.submit("dying.work", {"seconds": 1.0}, queue="left", limits=limits)["id"]
        right.until(first, "running")
        second = right.submit("dying.work", {"seconds": 0.0}, queue="right", limits=limits)["id"]
        until(lambda: right.task(second)["hold"] == "limit:k")
        until(lambda: not left.alive)
        assert right.final(second)["status"] == "success"
        assert right.task(first)["status"] == "success", "that was committed"
