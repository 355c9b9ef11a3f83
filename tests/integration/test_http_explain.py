"""GET /tasks/{id}/explain: every kind of cause, as a hub tells it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from msgspec import UNSET, Raw
from tests.support.http_api import Running, api
from tests.support.people import ACCOUNTS, People

from taskflow_hub.domain.access import Role, Scope
from taskflow_hub.domain.clock import new_id
from taskflow_hub.domain.messages import Register
from taskflow_hub.domain.model import DEFAULT_ACCOUNT, TaskType
from taskflow_hub.domain.retry import RetryPolicy
from taskflow_hub.store.values import NewTask, Submit
from taskflow_hub.worker.registry import Registry

Cause = dict[str, Any]


@pytest_asyncio.fixture
async def hub(database_url: str, tmp_path: Path) -> AsyncIterator[Running]:
    """Nothing moves by itself, and there is no worker."""
    async with api(tmp_path, database_url, loops=False) as running:
        yield running


class Work:
    """`hold` runs until the test lets it go; `fail` fails."""

    def __init__(self) -> None:
        self.registry, self.go = Registry(), asyncio.Event()
        self.registry.add("hold", self._hold)
        self.registry.add("fail", self._fail, max_retries=0)
        self.registry.add("again", self._fail, retry=RetryPolicy(base=600, jitter=False))

    async def _hold(self) -> None:
        await self.go.wait()

    async def _fail(self) -> None:
        raise LookupError("nowhere")


@pytest_asyncio.fixture
async def working(database_url: str, tmp_path: Path) -> AsyncIterator[Running]:
    """A whole hub, with a worker of 20 slots and a window of 2."""
    work = Work()
    async with api(tmp_path, database_url, handlers=work.registry) as running:
        yield running
        work.go.set()


async def explain(hub: Running, id: str, **options: Any) -> dict[str, Any]:
    answer = await hub.client.get(f"/tasks/{id}/explain", **options)
    assert answer.status_code == 200, answer.text
    why: dict[str, Any] = answer.json()
    assert why["id"] == id
    assert why["summary"].startswith(why["causes"][0]["text"])
    return why


async def explained(hub: Running, id: str, true: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    """As soon as it is so: when a dispatcher has looked gives no sign."""
    async with asyncio.timeout(20):
        while not true(why := await explain(hub, id)):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    return why


def only(why: dict[str, Any]) -> Cause:
    (cause,) = why["causes"]
    found: Cause = cause
    return found


def kinds(why: dict[str, Any]) -> list[str]:
    return [cause["kind"] for cause in why["causes"]]


async def hold_of(hub: Running, id: str) -> str | None:
    hold: str | None = (await hub.client.get(f"/tasks/{id}")).json()["hold"]
    return hold


async def register(hub: Running, *types: str, queues: tuple[str, ...] = (), slots: int = 1) -> str:
    """A worker that is known and does nothing."""
    id = new_id()
    declared = tuple(TaskType(type=type) for type in types)
    await hub.engine.workers.answer(
        Register(
            worker=id,
            name="w",
            host="h",
            pid=1,
            version="1",
            slots=slots,
            window=0,
            queues=queues,
            types=declared,
        )
    )
    return id


# --- workers


async def test_what_there_is_no_worker_with(hub: Running) -> None:
    task = await hub.submit("a", queue="q")

    async def missing() -> str | None:
        why = await explain(hub, task["id"])
        assert why["hold"] == await hold_of(hub, task["id"])
        return only(why).get("missing")

    assert await missing() == "worker"
    await register(hub, "b")
    assert await missing() == "type"
    await register(hub, "a", queues=("other",))
    assert await missing() == "queue"
    worker = await register(hub, "a", queues=("q",))
    assert await missing() is None
    await hub.client.post(f"/workers/{worker}/drain")
    assert await missing() == "draining"
    cause = only(await explain(hub, task["id"]))
    assert (cause["kind"], cause["type"], cause["queue"]) == ("no_worker", "a", "q")
    assert cause["help"] == "Start another one."


async def test_a_pause_is_told_and_what_else_there_is(hub: Running) -> None:
    task = await hub.submit("a", queue="q")
    await hub.client.post("/queues/q/pause")
    why = await explain(hub, task["id"])
    assert (why["status"], why["hold"], kinds(why)) == ("queued", "paused", ["paused", "no_worker"])
    assert why["causes"][0]["queue"] == "q"
    assert why["summary"].startswith("Its queue q is paused, by somebody at 127.0.0.1 since ")
    assert await hold_of(hub, task["id"]) == "paused"
    await hub.client.post("/queues/q/resume")
    assert kinds(await explain(hub, task["id"])) == ["no_worker"]


# --- its turn


async def test_its_turn_is_next(hub: Running) -> None:
    await register(hub, "a", slots=3)
    task = await hub.submit("a")
    why = await explain(hub, task["id"])
    assert (why["hold"], why["summary"]) == (None, "Its turn is next.")
    cause = only(why)
    assert (cause["kind"], cause["queue"], cause["ahead"], cause["more_than"]) == ("turn", "default", 0, None)
    assert (cause["slots"], cause["busy"]) == (3, 0)


async def test_its_place_in_line_is_exact_to_a_thousand(hub: Running) -> None:
    await register(hub, "a")
    await hub.submit("a", queue="other", priority=9)
    batch = {"tasks": [{"type": "a"}] * 999 + [{"type": "a", "priority": 9}] + [{"type": "a"}] * 2}
    ids = (await hub.client.post("/tasks/batch", json=batch)).json()["ids"]

    async def place(n: int) -> tuple[int | None, int | None]:
        cause = only(await explain(hub, ids[n]))
        return cause["ahead"], cause["more_than"]

    assert await place(999) == (0, None)
    assert await place(0) == (1, None)
    assert await place(998) == (999, None)
    assert await place(1000) == (1000, None)
    assert await place(1001) == (None, 1000)
    assert "More than 1 000 tasks" in (await explain(hub, ids[1001]))["summary"]


async def test_the_slots_of_a_worker_are_taken(working: Running) -> None:
    ids = [(await working.submit("hold"))["id"] for _ in range(25)]
    why = await explained(working, ids[-1], lambda why: why["causes"][0]["ahead"] == 2)
    cause = only(why)
    assert (why["hold"], cause["slots"], cause["busy"]) == (None, 20, 20)
    assert why["summary"] == "2 tasks of its queue come before it (20 of 20 slots busy)."
    first = await explain(working, ids[-3])
    assert first["summary"] == "It is first in line, and waits for a slot (20 of 20 slots busy)."


# --- limits


async def test_a_full_limit_names_the_tasks_that_run_under_it(working: Running) -> None:
    limits = [{"key": "host:a", "running": 1}]
    first = await working.submit("hold", limits=limits)
    task = await working.submit("hold", limits=limits)
    why = await explained(working, task["id"], lambda why: why["hold"])
    cause = only(why)
    assert why["hold"] == await hold_of(working, task["id"]) == "limit:host:a"
    assert (cause["kind"], cause["key"]) == ("limit", "host:a")
    assert (cause["at_most"], cause["running"], cause["tasks"]) == (1, 1, [first["id"]])
    assert why["summary"] == "The limit host:a is full (1 of 1 running)."


async def test_twenty_of_the_tasks_under_a_limit_are_named(hub: Running) -> None:
    await register(hub, "a", slots=100)
    for _ in range(25):
        await hub.submit("a", limits=[{"key": "k", "running": 25}])
    last = await hub.submit("a", limits=[{"key": "k"}])
    assert len((await hub.engine.store.lease(None, 100)).leases) == 25
    cause = only(await explain(hub, last["id"]))
    assert (cause["running"], len(set(cause["tasks"]))) == (25, 20)


async def test_a_rate_says_when_the_next_start_is_possible(working: Running) -> None:
    limits = [{"key": "api", "per_second": 0.01}]
    await working.submit("hold", limits=limits)
    task = await working.submit("hold", limits=limits)
    why = await explained(working, task["id"], lambda why: why["hold"])
    cause = only(why)
    assert why["hold"] == await hold_of(working, task["id"]) == "rate:api"
    assert (cause["kind"], cause["key"], cause["per_second"]) == ("rate", "api", 0.01)
    assert 60 < cause["next_start_in"] <= 100
    assert datetime.fromisoformat(cause["next_start_at"]) > datetime.fromisoformat(task["created_at"])


@pytest.mark.parametrize("per_second", [1e-9, 1e-15, 1e-320])
async def test_a_rate_of_an_older_version_that_was_as_good_as_none(
    working: Running, per_second: float
) -> None:
    """A version before this one took any number above 0; no calendar has the next start."""
    await working.engine.store.set_limit(DEFAULT_ACCOUNT, "api", UNSET, per_second, pinned=True)
    await working.submit("hold", limits=[{"key": "api"}])
    task = await working.submit("hold", limits=[{"key": "api"}])
    cause = only(await explained(working, task["id"], lambda why: why["hold"]))
    assert (cause["kind"], cause["per_second"]) == ("rate", per_second)
    assert cause["next_start_in"] == 1_000_000
    assert (datetime.fromisoformat(cause["next_start_at"]) - datetime.now(UTC)).days in {10, 11}


async def test_the_hold_is_what_was_written_also_when_there_is_room_again(hub: Running) -> None:
    await register(hub, "a", slots=9)
    limits = [{"key": "k", "running": 1}]
    first, second = [await hub.submit("a", limits=limits) for _ in range(2)]
    await hub.engine.store.lease(None, 9)
    await hub.client.post("/tasks", json={"type": "a", "limits": [{"key": "k", "running": 2}]})
    why = await explain(hub, second["id"])
    assert why["hold"] == await hold_of(hub, second["id"]) == "limit:k"
    assert kinds(why) == ["limit", "turn"]
    assert (why["causes"][0]["at_most"], why["causes"][0]["tasks"]) == (2, [first["id"]])
    assert why["summary"].endswith("Its turn is next.")


# --- what does not wait in line


async def test_what_waits_for_its_time(hub: Running) -> None:
    task = await hub.submit("a", delay=600)
    why = await explain(hub, task["id"])
    cause = only(why)
    assert (why["status"], why["hold"], cause["kind"]) == ("scheduled", None, "run_at")
    assert cause["run_at"] == task["run_at"]


async def test_what_waits_for_its_next_attempt(working: Running) -> None:
    task = await working.submit("again")
    why = await explained(working, task["id"], lambda why: why["status"] == "scheduled")
    assert why["summary"].startswith("It waits for its next attempt, at 2")


async def test_what_waits_for_its_parents(hub: Running) -> None:
    task = NewTask(
        id=new_id(),
        type="a",
        payload=Raw(b"{}"),
        max_retries=0,
        retry=RetryPolicy(),
        timeout=None,
        blocked=True,
    )
    await hub.engine.store.submit([Submit((task,))])
    why = await explain(hub, task.id)
    assert (why["status"], kinds(why)) == ("blocked", ["parents"])


async def test_what_runs_and_is_asked_to_end(hub: Running) -> None:
    worker = await register(hub, "a")
    task = await hub.submit("a")
    await hub.engine.store.lease(None, 1)
    cause = only(await explain(hub, task["id"]))
    assert (cause["kind"], cause["worker"], cause["since"]) == ("running", worker, None)
    assert cause["cancel_requested_at"] is None
    assert (await hub.client.post(f"/tasks/{task['id']}/cancel")).status_code == 202
    cause = only(await explain(hub, task["id"]))
    assert cause["cancel_requested_at"] is not None
    assert cause["text"].endswith("it was asked to end it.")


async def test_what_has_ended(working: Running) -> None:
    failed = await working.submit("fail")
    why = await explained(working, failed["id"], lambda why: why["status"] == "failed")
    cause = only(why)
    assert (cause["kind"], cause["reason"], why["hold"]) == ("ended", "handler", None)
    assert cause["help"] == f"Run it again: taskflow task redrive {failed['id']}"
    off = await working.submit("fail", delay=600)
    await working.client.post(f"/tasks/{off['id']}/cancel")
    assert (await explain(working, off["id"]))["summary"] == "It was cancelled."


# --- who may know what


async def test_an_unknown_task_is_404_and_what_is_no_id_422(hub: Running) -> None:
    assert (await hub.client.get(f"/tasks/{new_id()}/explain")).status_code == 404
    assert (await hub.client.get("/tasks/nonsense/explain")).status_code == 422


async def test_of_other_accounts_only_the_number_is_told(database_url: str, tmp_path: Path) -> None:
    async with api(tmp_path, database_url, auth=ACCOUNTS, loops=False) as hub:
        people = People(hub)
        _, as_ann = await people.user(account="anns")
        _, as_ben = await people.user(account="bens")
        _, as_admin = await people.user(Role.ADMIN)
        await register(hub, "a")
        body = {"type": "a", "limits": [{"key": "k", "running": 1}]}
        hers = (await hub.client.post("/tasks", json=body, headers=as_ann)).json()
        his = (await hub.client.post("/tasks", json=body, headers=as_ben)).json()
        why = await explain(hub, his["id"], headers=as_ben)
        assert (only(why)["kind"], only(why)["ahead"]) == ("turn", 1)
        assert hers["id"] not in str(why)
        assert (await hub.client.get(f"/tasks/{hers['id']}/explain", headers=as_ben)).status_code == 404
        assert (await explain(hub, his["id"], headers=as_admin)) == why


async def test_a_key_for_one_queue_is_told_no_ids_of_others(database_url: str, tmp_path: Path) -> None:
    async with api(tmp_path, database_url, auth=ACCOUNTS, loops=False) as hub:
        people = People(hub)
        key = await people.key(Scope.READ, Scope.SUBMIT, queues=("mine",))
        everywhere = await people.key(Scope.READ, Scope.SUBMIT)
        await register(hub, "a", slots=9)
        limits = [{"key": "k", "running": 2}]
        posted = [
            (
                await hub.client.post(
                    "/tasks", json={"type": "a", "queue": queue, "limits": limits}, headers=everywhere
                )
            ).json()["id"]
            for queue in ("mine", "other", "mine")
        ]
        assert len((await hub.engine.store.lease(None, 9)).leases) == 2
        cause = only(await explain(hub, posted[2], headers=key))
        assert (cause["running"], cause["tasks"]) == (2, [posted[0]])
        cause = only(await explain(hub, posted[2], headers=everywhere))
        assert (cause["running"], set(cause["tasks"])) == (2, set(posted[:2]))
        assert (await hub.client.get(f"/tasks/{posted[1]}/explain", headers=key)).status_code == 404
        assert (await hub.engine.queries.task(DEFAULT_ACCOUNT, posted[2])).hold == "limit:k"
