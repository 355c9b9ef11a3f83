"""Submitted is finished and in flight, over all that makes and ends tasks, summed over two servers and their restarts.

Each has a worker beside it; Redis is between them, so either's tasks may run at the other's.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
from tests.e2e.test_metrics import Samples, counted, in_store, total
from tests.support.hub_process import HubProcess, until

from taskflow_hub.domain.lifecycle import UNFINISHED, State

APP: Final = "workflows_app:hub"
HOUR_S: Final = 3600


class Fleet(NamedTuple):
    servers: list[HubProcess]
    before: Samples  # what servers had counted when they ended

    def sum(self) -> Samples:
        return sum(map(counted, self.servers), self.before.copy())

    def agrees(self) -> bool:
        """Whether what is counted, redriven lives included, is what the store says."""
        stored, samples = in_store(self.servers[0]), self.sum()
        in_flight = sum(stored[status] for status in UNFINISHED)
        begun = total(samples, "tasks_submitted_total")
        again = total(samples, "tasks_redriven_total")
        ended = total(samples, "tasks_finished_total")
        return (begun, begun + again) == (sum(stored.values()), ended + in_flight)

    def restart(self, server: HubProcess) -> None:
        until(self.agrees)
        self.before.update(counted(server))
        assert server.terminate() == 0
        server.start()


@pytest.fixture
def fleet(database_url: str, redis_url: str, tmp_path: Path) -> Iterator[Fleet]:
    environ = {
        "PYTHONPATH": str(Path(__file__).parent),
        "TASKFLOW_DATABASE_URL": database_url,
        "TASKFLOW_WORKER_GRACE": "0",  # what runs at the end is handed back
    }
    with ExitStack() as ends:
        servers = []
        for n in (1, 2):
            folder = tmp_path / f"hub-{n}"
            folder.mkdir()
            hub = HubProcess(folder, app=APP, environ=environ, role=("up", "--broker", redis_url))
            servers.append(ends.enter_context(hub))
        yield Fleet(servers, Counter())


def say(text: Any = "", **fields: Any) -> dict[str, Any]:
    return {"type": "app.say", "payload": {"text": text}, **fields}


def every_way(gate: Path, *, of: str) -> dict[str, Any]:
    """A fan-out with an item that fails, a sub-workflow, a branch that is skipped, a reference to nothing, and a `finally`."""
    return {
        "name": of,
        "nodes": {
            "list": {"type": "app.range", "payload": {"count": 4}},
            "each": {"type": "app.square", "for_each": {"$ref": "list.result"}, "payload": {"n": {"$ref": "item"}}},
            "two": {"type": "app.unless", "for_each": [str(gate), str(gate.with_suffix(".none"))],
                    "payload": {"file": {"$ref": "item"}}},
            "never": say(after=[{"node": "list", "on": "failure"}]),
            "sub": {"after": ["list"], "workflow": {"nodes": {"a": say(), "b": say(after=["a"])}}},
            "word": say("no object"),
            "lost": {**say({"$ref": "word.result.nothing"}), "allow_failure": True},
            "last": say(after=["two"]),
        },
        "finally": say("over"),
    }  # fmt: skip


def waiting(gate: Path, **more: Any) -> dict[str, Any]:
    """One runs, and others wait for it."""
    node = {"type": "app.until", "payload": {"file": str(gate)}}
    return {
        "name": "waiting",
        "nodes": {"run": node, "next": say(after=["run"]), "then": say(after=["next"])},
        "finally": say("over"),
        **more,
    }


@pytest.mark.timeout(300)  # a hub starts four times, which takes a while on a busy machine
@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)  # test_metrics has the other
def test_submitted_is_finished_and_in_flight(fleet: Fleet, tmp_path: Path) -> None:
    one, two = fleet.servers
    stone, gate = tmp_path / "stone", tmp_path / "gate"
    stone.touch()

    def begin(server: HubProcess, path: str, body: Any = None) -> str:
        answer = server.post(path, body)
        assert answer.is_success, answer.text
        return str(answer.json().get("id"))

    def ended(id: str) -> Callable[[], bool]:
        return lambda: one.get(f"/workflows/{id}").json()["status"] != "running"

    broken = begin(one, "/workflows", every_way(stone, of="broken"))
    halted = begin(two, "/workflows", waiting(gate))
    late = begin(one, "/workflows", waiting(gate, deadline=0.5))
    begin(two, "/tasks/batch", {"tasks": [say(n) for n in range(5)]})
    one.final(two.submit("app.parent", {"children": 3})["id"])
    tick = {"every": HOUR_S, "name": "hourly"}
    hourly = begin(one, "/schedules", {**tick, "task": say()})
    flow = begin(
        two, "/schedules", {**tick, "name": "flow", "workflow": every_way(tmp_path / "none", of="tick")}
    )
    for schedule in (hourly, flow):
        begin(two, f"/schedules/{schedule}/trigger")
    lone = one.submit("app.unless", {"file": str(stone)})["id"]
    long = two.submit("app.until", {"file": str(gate)})["id"]
    expired = one.submit("app.say", {"text": ""}, delay=HOUR_S, expires_at="2020-01-01T00:00:00Z")["id"]
    later = [two.submit("app.say", {"text": n}, delay=HOUR_S)["id"] for n in range(3)]
    purged = [two.submit("app.say", {"text": n}, delay=HOUR_S, queue="idle")["id"] for n in range(2)]
    for server in fleet.servers:  # the second changes nothing, and is not counted
        server.post(f"/tasks/{later[0]}/cancel")
    assert one.post("/queues/idle/purge").status_code == 200
    one.until(long, "running")
    run = one.get(f"/workflows/{halted}").json()["nodes"]["run"]["task_id"]
    one.until(run, "running")
    begin(one, f"/workflows/{halted}/cancel")
    for id in (broken, halted, late):
        until(ended(id))
    for id in (lone, expired, *purged):
        one.final(id)
    until(fleet.agrees)

    fleet.restart(one)
    stone.unlink()
    begin(two, f"/tasks/{lone}/redrive")
    begin(one, f"/workflows/{broken}/redrive")
    until(ended(broken))
    one.final(lone)
    fleet.restart(two)
    gate.touch()
    two.final(long)
    until(lambda: two.get("/workflows?status=running").json()["items"] == [])
    until(fleet.agrees)

    stored, samples = in_store(one), fleet.sum()
    finished = Counter(
        {labels[0]: value for (name, labels), value in samples.items() if name == "tasks_finished_total"}
    )
    again = Counter({State.FAILED: 3, State.SKIPPED: 1})  # as they ended before their redrive
    assert (
        +finished == Counter({status: n for status, n in stored.items() if status not in UNFINISHED}) + again
    )
    assert {status: stored[status] for status in UNFINISHED if stored[status]} == {State.SCHEDULED: 2}
    assert total(samples, "tasks_redriven_total") == again.total()
    assert samples["tasks_failed_total", ("reference",)] == 3, "the redriven one failed so again"
    assert samples["tasks_failed_total", ("expired",)] == 1
    assert total(samples, "loop_errors_total") == 0
