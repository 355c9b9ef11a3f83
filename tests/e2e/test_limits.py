"""Limits in the running product: HTTP in, the hold to be seen, and everything drains."""

import random
import sqlite3
import time
from collections.abc import Iterable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.support.hub_process import HubProcess

APP = "limits_app:hub"
ENVIRON = {"PYTHONPATH": str(Path(__file__).parent), "TASKFLOW_WORKER_GRACE": "1"}


def submit_all(hub: HubProcess, tasks: Iterable[dict[str, Any]]) -> list[str]:
    answer = hub.post("/tasks/batch", {"tasks": list(tasks)})
    assert answer.status_code == 202, answer.text
    ids: list[str] = answer.json()["ids"]
    return ids


def running(folder: Path, key: str) -> int:
    """How many tasks with this key run, by the store."""
    with closing(sqlite3.connect(f"file:{folder}/taskflow.db?mode=ro", uri=True, timeout=10)) as connection:
        text = "SELECT count(*) FROM tasks WHERE status = 'running' AND limits LIKE ?"
        (count,) = connection.execute(text, (f'%"{key}"%',)).fetchone()
    return int(count)


def unfinished(hub: HubProcess) -> int:
    depth = hub.get("/queues").json()["items"][0]["depth"]
    return sum(depth.values())


def test_two_processes_keep_one_limit(tmp_path: Path) -> None:
    """As the handlers count and as the store counts, never four; and what waits says why."""
    marks = tmp_path / "marks"
    marks.mkdir()
    with (
        HubProcess(tmp_path, app=APP, environ=ENVIRON) as hub,
        HubProcess(tmp_path, app=APP, environ=ENVIRON) as other,
    ):
        body = {
            "type": "limits.counted",
            "payload": {"folder": str(marks), "seconds": 0.03},
            "limits": [{"key": "host:example.org", "running": 3}],
        }
        ids = submit_all(hub, [body] * 200)
        free = hub.submit("limits.quick")["id"]
        assert hub.final(free)["status"] == "success", "a full limit is in nobody else's way"
        last = other.task(ids[-1])
        assert (last["status"], last["hold"]) == ("queued", "limit:host:example.org")
        held = other.get("/queues").json()["items"][0]["held"]
        assert set(held) == {"limit:host:example.org"}
        most = 0
        while unfinished(hub):
            most = max(most, running(tmp_path, "host:example.org"))
        found = [hub.task(id) for id in ids]
    assert {task["status"] for task in found} == {"success"}
    assert max(task["result"] for task in found) == 3
    assert most == 3
    assert len({task["worker"] for task in found}) == 2, "both took part"


def test_a_rate_is_kept(tmp_path: Path) -> None:
    """A second's worth at once, and then one after the other."""
    with HubProcess(tmp_path, app=APP, environ=ENVIRON) as hub:
        body = {"type": "limits.quick", "limits": [{"key": "api", "per_second": 10}]}
        ids = submit_all(hub, [body] * 30)
        assert hub.task(ids[-1])["hold"] in {None, "rate:api"}
        found = [hub.final(id) for id in ids]
    starts = sorted(datetime.fromisoformat(task["started_at"]).timestamp() for task in found)
    # A start is known to a few hundredths of a second, and later than it was if the machine is busy.
    assert starts[-1] - starts[0] > 2.0 - 0.5
    assert len({int(start / 0.2) for start in starts[10:]}) >= 4, "not one burst a second"


def test_it_drains_after_any_kill(tmp_path: Path) -> None:
    """Killed in the middle again and again: never too many by the store, and nothing sleeps for ever."""
    chance = random.Random(7)
    hub = HubProcess(tmp_path, app=APP, environ=ENVIRON).start()
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
                    assert running(tmp_path, key) <= most
            hub.kill()
            hub.start()
        found = [hub.final(id, 60) for id in ids]
    finally:
        hub.__exit__()
    assert {task["status"] for task in found} == {"success"}
