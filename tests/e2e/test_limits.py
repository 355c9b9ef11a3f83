"""Limits in the running product: HTTP in, the hold to be seen, and everything drains."""

import fcntl
import random
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from msgspec import Struct
from tests.support.grounds import REDIS, Ground
from tests.support.hub_process import HubProcess, until
from tests.support.stores import STORES

APP = "limits_app:hub"
pytestmark = pytest.mark.parametrize("ground", [*STORES, REDIS], indirect=True)
ENVIRON = {"PYTHONPATH": str(Path(__file__).parent), "TASKFLOW_WORKER_GRACE": "1"}


def submit_all(hub: HubProcess, tasks: Iterable[dict[str, Any]]) -> list[str]:
    answer = hub.post("/tasks/batch", {"tasks": list(tasks)})
    assert answer.status_code == 202, answer.text
    ids: list[str] = answer.json()["ids"]
    return ids


class House(Struct, frozen=True):
    """A folder, a database, and how many tasks with a key run by what the database says."""

    folder: Path
    environ: dict[str, str]
    running: Callable[[str], int]

    def hub(self) -> HubProcess:
        return HubProcess(self.folder, app=APP, environ=self.environ)


@pytest.fixture
def house(ground: Ground, tmp_path: Path) -> Iterator[House]:
    """With Redis each of its processes leases for the other's worker, too."""
    environ = ENVIRON | {
        "TASKFLOW_DATABASE_URL": ground.database_url,
        "TASKFLOW_BROKER_URL": ground.broker_url,
    }
    if ground.database_url.startswith("sqlite:"):
        yield House(tmp_path, environ, lambda key: _running_sqlite(tmp_path, key))
        return
    with psycopg.connect(ground.database_url, autocommit=True) as connection:
        yield House(tmp_path, environ, lambda key: _running_postgres(connection, key))


COUNT = "SELECT count(*) FROM tasks WHERE status = 'running' AND limits LIKE "


def _running_sqlite(folder: Path, key: str) -> int:
    with closing(sqlite3.connect(f"file:{folder}/taskflow.db?mode=ro", uri=True, timeout=10)) as connection:
        (count,) = connection.execute(f"{COUNT} ?", (f'%"{key}"%',)).fetchone()
    return int(count)


def _running_postgres(connection: psycopg.Connection, key: str) -> int:
    row = connection.execute(f"{COUNT} %s", (f'%"{key}"%',)).fetchone()
    assert row is not None
    return int(row[0])


def unfinished(hub: HubProcess) -> int:
    depth = hub.get("/queues").json()["items"][0]["depth"]
    return sum(depth.values())


def test_two_processes_keep_one_limit(house: House) -> None:
    """As the handlers count and as the store counts, never one more; and what waits says why."""
    slots, limit = 4, 6  # a process holds one more than it has slots, so neither can reach the limit alone
    house.environ["TASKFLOW_WORKER_SLOTS"] = str(slots)
    marks, gate = house.folder / "marks", house.folder / "gate"
    marks.mkdir()
    with house.hub() as hub, house.hub() as other, gate.open("w") as shut:
        fcntl.flock(shut, fcntl.LOCK_EX)
        body = {
            "type": "limits.counted",
            "payload": {"folder": str(marks), "gate": str(gate), "seconds": 0.02},
            "limits": [{"key": "host:example.org", "running": limit}],
        }
        ids = submit_all(hub, [body] * 200)
        free = hub.submit("limits.quick")["id"]
        assert hub.final(free)["status"] == "success", "a full limit is in nobody else's way"
        last = other.task(ids[-1])
        assert (last["status"], last["hold"]) == ("queued", "limit:host:example.org")
        held = other.get("/queues").json()["items"][0]["held"]
        assert set(held) == {"limit:host:example.org"}
        until(lambda: house.running("host:example.org") == limit)
        until(lambda: len(list(marks.iterdir())) > slots)  # the last of them counts the others
        fcntl.flock(shut, fcntl.LOCK_UN)
        while unfinished(hub):
            assert house.running("host:example.org") <= limit
        found = [hub.task(id) for id in ids]
    assert {task["status"] for task in found} == {"success"}
    assert slots < max(task["result"] for task in found) <= limit
    assert len({task["worker"] for task in found}) == 2, "both took part"


def test_one_at_a_time_for_each_customer(house: House) -> None:
    """What the task type states holds for whoever submits, on every worker, by a field of the payload."""
    house.environ["TASKFLOW_WORKER_SLOTS"] = (
        "2"  # a process holds three: it takes both to run one of each customer
    )
    marks, gate, customers = house.folder / "marks", house.folder / "gate", (1, 2, 3, 4)
    for customer in customers:
        (marks / str(customer)).mkdir(parents=True)
    with house.hub() as hub, house.hub() as other, gate.open("w") as shut:
        fcntl.flock(shut, fcntl.LOCK_EX)
        until(
            lambda: len([one for one in hub.get("/workers").json()["items"] if one["state"] == "alive"]) == 2
        )
        (declared,) = [
            one for one in hub.get("/task-types").json()["items"] if one["type"] == "limits.customer"
        ]
        assert declared["limits"] == [{"key": "customer:{customer}", "running": 1, "per_second": None}]
        alike = {"folder": str(marks), "gate": str(gate), "seconds": 0.02}
        ids = [
            id
            for by in (hub, other) * 5
            for id in submit_all(
                by,
                [{"type": "limits.customer", "payload": {"customer": one, **alike}} for one in customers * 2],
            )
        ]
        until(lambda: all(house.running(f"customer:{one}") == 1 for one in customers))
        until(lambda: other.task(ids[-1])["hold"] is not None)
        why = other.get(f"/tasks/{ids[-1]}/explain").json()
        assert (why["hold"], why["causes"][0]["key"]) == ("limit:customer:4", "customer:4")
        refused = hub.post("/tasks", {"type": "limits.customer", "payload": {"customer": None, **alike}})
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["pointer"] == "/payload/customer"
        fcntl.flock(shut, fcntl.LOCK_UN)
        while unfinished(hub):
            assert all(house.running(f"customer:{one}") <= 1 for one in customers)
        found = [hub.task(id) for id in ids]
    assert {(task["status"], task["result"]) for task in found} == {("success", 1)}
    assert len({task["worker"] for task in found}) == 2, "both took part"


def test_a_rate_is_kept(house: House) -> None:
    """A second's worth at once, and then one after the other."""
    with house.hub() as hub:
        body = {"type": "limits.quick", "limits": [{"key": "api", "per_second": 10}]}
        began = time.time()
        ids = submit_all(hub, [body] * 30)
        assert hub.task(ids[-1])["hold"] in {None, "rate:api"}
        found = [hub.final(id) for id in ids]
    starts = sorted(datetime.fromisoformat(task["started_at"]).timestamp() for task in found)
    # A start is known to a few hundredths of a second, and later than it was if the machine is busy.
    assert starts[-1] - began > 2.0 - 0.1
    assert len({int(start / 0.2) for start in starts[10:]}) >= 4, "not one burst a second"


def test_it_drains_after_any_kill(house: House) -> None:
    """Killed in the middle again and again: never too many by the store, and nothing sleeps for ever."""
    chance = random.Random(7)
    hub = house.hub().start()
    try:
        limits = [
            [{"key": "a", "running": 2}],
            [{"key": "b", "running": 1}, {"key": "a", "running": 2}],
            [{"key": "c", "running": 3, "per_second": 40}],
        ]
        body = {"type": "limits.slow", "payload": {"seconds": 0.02}}
        ids = submit_all(hub, [{**body, "limits": chance.choice(limits)} for _ in range(120)])
        for _ in range(4):
            until = time.monotonic() + chance.uniform(0.1, 0.5)
            while time.monotonic() < until:
                for key, most in (("a", 2), ("b", 1), ("c", 3)):
                    assert house.running(key) <= most
            hub.kill()
            hub.start()
        found = [hub.final(id, 60) for id in ids]
    finally:
        hub.__exit__()
    assert {task["status"] for task in found} == {"success"}
