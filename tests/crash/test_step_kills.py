"""kill -9 at every boundary of a handler that works in steps: what was kept is not done again, and what was, shows."""

import random
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.grounds import Ground
from tests.support.hub_process import HubProcess, hub_on, until

APP = "stepping_app:hub"
STEPS = 5
WHERE = ("before", "acted", "asked", "kept", "answered")
OF_THE_SLEEP = ("fixed", "snoozing", "snoozed")  # behind the third step
AGAIN = {"acted", "asked"}  # it had acted, and nothing was kept
RESULT = [number * 10 for number in range(1, STEPS + 1)]


class Effects:
    """The database of the handlers' own."""

    def __init__(self, path: Path) -> None:
        self.path, self.dies = path, path.with_name("dies")
        with closing(self._open()) as made, made:
            made.execute("CREATE TABLE acts (task_id TEXT, step TEXT, attempt INTEGER)")
            made.execute("CREATE TABLE once (key TEXT PRIMARY KEY, task_id TEXT)")

    def kill_at(self, where: str, number: int) -> None:
        """Where the next to get there ends its process."""
        self.dies.write_text(f"{where} {number}")

    def acts(self, task_id: str) -> dict[str, list[int]]:
        """The attempts that did each step, in order."""
        found = defaultdict(list)
        rows = self._rows("SELECT step, attempt FROM acts WHERE task_id = ? ORDER BY attempt", task_id)
        for step, attempt in rows:
            found[step].append(attempt)
        return dict(found)

    def once(self, task_id: str) -> int:
        return len(self._rows("SELECT key FROM once WHERE task_id = ?", task_id))

    def _rows(self, sql: str, task_id: str) -> list[Any]:
        with closing(self._open()) as effects:
            return effects.execute(sql, (task_id,)).fetchall()

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path, timeout=30)


@pytest.fixture
def effects(tmp_path: Path) -> Effects:
    return Effects(tmp_path / "effects.db")


def environ(effects: Effects, **more: str) -> dict[str, str]:
    names = {"EFFECTS": str(effects.path), "DIES": str(effects.dies)}
    return {"PYTHONPATH": str(Path(__file__).parent), **names, **more}


def check(hub: HubProcess, effects: Effects, task: dict[str, Any]) -> dict[str, list[int]]:
    """Every act is one of a step that is kept, or of an attempt that ended without keeping it."""
    assert (task["status"], task["result"]) == ("success", RESULT), task
    steps = hub.get(f"/tasks/{task['id']}/steps").json()["items"]
    kept = {step["name"]: step["attempt"] for step in steps if step["kind"] == "step"}
    assert sorted(kept) == [f"s{number}" for number in range(1, STEPS + 1)]
    ended = {
        one["attempt"]: one["outcome"] for one in hub.get(f"/tasks/{task['id']}/attempts").json()["items"]
    }
    acts = effects.acts(task["id"])
    for step, attempts in acts.items():
        assert attempts[-1] == kept[step], f"{step} is kept by who did it last"
        assert len(set(attempts)) == len(attempts), f"{step} was done twice by one attempt"
        for before in attempts[:-1]:
            assert ended[before] in {"lost", "failed"}, (
                f"{step} was done by attempt {before}, which {ended[before]}"
            )
    assert effects.once(task["id"]) == STEPS, "whoever uses the step's key acts once"
    return acts


@pytest.mark.parametrize(
    ("database_url", "number"),
    [
        *(("sqlite", number) for number in range(1, STEPS + 1)),
        *(("postgres", number) for number in (1, 3, STEPS)),
    ],
    indirect=["database_url"],
)
def test_killed_at_every_boundary(database_url: str, tmp_path: Path, effects: Effects, number: int) -> None:
    database = {"TASKFLOW_DATABASE_URL": database_url}
    with HubProcess(tmp_path, app=APP, environ=environ(effects, **database)) as hub:
        for where in (*WHERE, *(OF_THE_SLEEP if number == 3 else ())):
            task = hub.submit("stepping.async", delay=3_600)
            effects.kill_at(where, number)
            let_go(hub, task["id"])
            until(lambda: not hub.alive)
            hub.start()
            acts = check(hub, effects, hub.final(task["id"]))
            twice = {step for step, attempts in acts.items() if len(attempts) > 1}
            assert twice == ({f"s{number}"} if where in AGAIN else set()), where
            if where in OF_THE_SLEEP:
                steps = hub.get(f"/tasks/{task['id']}/steps").json()["items"]
                (sleep,) = [step for step in steps if step["kind"] == "sleep"]
                assert sleep["attempt"] == 1, "its end was fixed once, before the kill"


@pytest.mark.parametrize("kind", ["thread", "process"])
def test_killed_in_a_thread_and_in_a_child(tmp_path: Path, effects: Effects, kind: str) -> None:
    """A child that is killed takes no worker along: it costs a retry."""
    with HubProcess(tmp_path, app=APP, environ=environ(effects)) as hub:
        for where, number in (("before", 1), ("acted", 2), ("answered", 3), ("acted", 5)):
            task = hub.submit(f"stepping.{kind}", retry={"base": 0.01}, delay=3_600)
            effects.kill_at(where, number)
            let_go(hub, task["id"])
            if kind == "thread":
                until(lambda: not hub.alive)
                hub.start()
            done = hub.final(task["id"])
            assert (done["crashes"], done["retry_count"]) == ((1, 0) if kind == "thread" else (0, 1))
            acts = check(hub, effects, done)
            assert len(acts[f"s{number}"]) == (2 if where in AGAIN else 1)


def test_killed_at_random_by_somebody_else(database_url: str, tmp_path: Path, effects: Effects) -> None:
    chance = random.Random(7)
    more = {"TASKFLOW_DATABASE_URL": database_url, "TASKFLOW_WORKER_SLOTS": "8"}
    with ExitStack() as undo:
        count = 1 if database_url.startswith("sqlite:") else 2
        hubs = [HubProcess(tmp_path, app=APP, environ=environ(effects, **more)) for _ in range(count)]
        for hub in hubs:
            undo.enter_context(hub)
        batch = [{"type": "stepping.async"}, {"type": "stepping.thread"}] * 40
        ids = hubs[0].post("/tasks/batch", {"tasks": batch}).json()["ids"]
        for kills in range(3):  # a fourth crash would be poison
            victim = chance.choice(hubs)
            wanted = 20 * (kills + 1)
            until(lambda wanted=wanted: kept_in(effects) >= wanted)  # type: ignore[misc]
            victim.kill()
            victim.start()
        for id in ids:
            check(hubs[0], effects, hubs[0].final(id, 120))


def let_go(hub: HubProcess, task_id: str) -> None:
    """The hub may be dead before it has answered."""
    with suppress(httpx.RemoteProtocolError, httpx.ReadError):
        hub.post(f"/tasks/{task_id}/promote")


def kept_in(effects: Effects) -> int:
    with closing(sqlite3.connect(effects.path, timeout=30)) as read:
        (found,) = read.execute("SELECT count(*) FROM acts").fetchone()
    return int(found)


def test_a_worker_elsewhere_is_killed_in_the_middle(tmp_path: Path, redis_url: str, effects: Effects) -> None:
    """Calls go through Redis; the server lives on."""
    ground = Ground(f"sqlite:///{tmp_path}/taskflow.db", redis_url)
    with ExitStack() as undo:
        server = undo.enter_context(hub_on(ground, tmp_path, app=APP, environ=environ(effects), workers=0))
        folder = tmp_path / "worker"
        folder.mkdir()
        effects.kill_at("acted", 2)
        more = environ(effects, TASKFLOW_BROKER_URL=redis_url)
        worker = HubProcess(folder, app=APP, environ=more, role=("worker", "run"))
        undo.enter_context(worker)
        task = server.submit("stepping.async")
        until(lambda: not worker.alive)
        worker.start()
        acts = check(server, effects, server.final(task["id"], 60))
        assert {step: len(attempts) for step, attempts in acts.items()} == {
            "s1": 1,
            "s2": 2,
            "s3": 1,
            "s4": 1,
            "s5": 1,
        }
        waiter = server.submit("stepping.waiter")
        until(lambda: server.task(waiter["id"])["status"] == "scheduled")
        sent = server.post(f"/tasks/{waiter['id']}/events/approved", {"by": "ada"})
        assert sent.status_code == 200, sent.text
        assert server.final(waiter["id"])["result"] == {"by": "ada"}


@pytest.fixture
def sleeping_hub(database_url: str, tmp_path: Path, effects: Effects) -> Iterator[HubProcess]:
    more = {"TASKFLOW_DATABASE_URL": database_url, "TASKFLOW_WORKER_SLOTS": "1"}
    with HubProcess(tmp_path, app=APP, environ=environ(effects, **more)) as hub:
        yield hub


def test_sleeps_and_waits_survive_restarts_of_the_whole_hub(sleeping_hub: HubProcess) -> None:
    hub = sleeping_hub
    sleeps = hub.submit("stepping.sleeper", {"seconds": 3})["id"]
    waits = hub.submit("stepping.waiter")["id"]
    until(lambda: {hub.task(id)["status"] for id in (sleeps, waits)} == {"scheduled"})
    wakes_at = hub.task(sleeps)["run_at"]
    hub.kill()
    hub.start()
    assert hub.task(sleeps)["run_at"] == wakes_at
    assert hub.terminate() == 0
    hub.start()
    assert hub.post(f"/tasks/{waits}/events/approved", "yes").json()["accepted"] is True
    assert hub.final(waits)["result"] == "yes"
    task = hub.final(sleeps)
    assert (task["status"], task["result"], task["crashes"]) == ("success", 2, 0)
