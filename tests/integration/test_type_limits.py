"""The limits of task types, by every way in but a caller's transaction: who may start, what is refused, when changes hold."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import Raw
from tests.support.http_api import Running, api

from taskflow_hub import Hub, Invalid, Limit, Submission
from taskflow_hub.domain.clock import new_id
from taskflow_hub.domain.messages import CallFailed, Register, Registered, Submit, Submitted
from taskflow_hub.domain.model import DEFAULT_ACCOUNT, TaskType
from taskflow_hub.testing.handlers import working

CUSTOMER = Limit("customer:{customer_id}", running=1)
CRM = Limit("crm", running=3, per_second=100.0)


@pytest.fixture
async def hub(database_url: str, tmp_path: Path) -> AsyncIterator[Running]:
    async with api(tmp_path, database_url, loops=False) as hub:
        yield hub


async def declare(hub: Running, *types: TaskType) -> Any:
    return await hub.engine.workers.answer(
        Register(worker=new_id(), name="w", host="h", pid=1, version="1", slots=20, window=1, types=types)
    )


async def push(hub: Running, payload: Any = None, **fields: Any) -> dict[str, Any]:
    return await hub.submit("crm.push", payload or {"customer_id": 1}, **fields)


async def refused(hub: Running, path: str, body: Any) -> list[str]:
    answer = await hub.client.post(path, json=body)
    assert answer.status_code == 422, answer.text
    return [error["pointer"] for error in answer.json()["errors"]]


async def leased(hub: Running) -> list[str]:
    return [lease.assignment.id for lease in (await hub.engine.store.lease(None, 100)).leases]


async def limits(hub: Running) -> dict[str, Any]:
    found = (await hub.client.get("/limits")).json()["items"]
    return {one["key"]: (one["running"], one["per_second"], one["pinned"]) for one in found}


async def test_they_hold_for_every_task_of_the_type(hub: Running) -> None:
    await declare(hub, TaskType(type="crm.push", limits=(CUSTOMER, CRM)), TaskType(type="other"))
    a = [(await push(hub, {"customer_id": 1}))["id"] for _ in range(3)]
    body = {"tasks": [{"type": "crm.push", "payload": {"customer_id": n}} for n in ("2", 2, 3, 4)]}
    b = (await hub.client.post("/tasks/batch", json=body)).json()["ids"]
    other = (await hub.submit("other"))["id"]
    assert await leased(hub) == [a[0], b[0], b[2], other], "one for each customer, and three in all"
    why = (await hub.client.get(f"/tasks/{a[1]}/explain")).json()
    assert {cause["key"] for cause in why["causes"]} == {"crm", "customer:1"}
    assert await limits(hub) == {
        "crm": (3, 100.0, False),
        **{f"customer:{n}": (1, None, False) for n in range(1, 5)},
    }
    await hub.client.post("/limits", json={"key": "crm", "running": None, "pinned": True})
    assert await leased(hub) == [b[3]]
    await push(hub, {"customer_id": 5})
    assert (await limits(hub))["crm"] == (None, 100.0, True), "what an operator says wins over the type"


async def test_those_of_the_submit_are_added_and_its_numbers_win(hub: Running) -> None:
    await declare(hub, TaskType(type="crm.push", limits=(CUSTOMER, CRM)))
    await push(
        hub, limits=[{"key": "crm", "running": 7}, {"key": "host:a", "running": 2}, {"key": "customer:1"}]
    )
    assert await limits(hub) == {
        "crm": (7, 100.0, False), "customer:1": (1, None, False), "host:a": (2, None, False)
    }  # fmt: skip
    await push(hub)
    assert (await limits(hub))["crm"] == (3, 100.0, False), "the next submit gives those of the type again"
    many = [{"key": f"k{n}", "running": 1} for n in range(4)]
    body = {"type": "crm.push", "payload": {"customer_id": 1}, "limits": many}
    assert await refused(hub, "/tasks", body) == ["/limits"]
    assert await refused(hub, "/tasks/batch", {"tasks": [{"type": "a"}, body]}) == ["/tasks/1/limits"]
    nameless = [{"key": "never.used"}]
    assert await refused(hub, "/tasks", body | {"limits": nameless}) == ["/limits/0/running"]
    assert await hub.count() == 2


async def test_a_task_without_the_field_is_refused(hub: Running) -> None:
    await declare(hub, TaskType(type="crm.push", limits=(CUSTOMER,)))
    for payload in (
        {},
        {"customer_id": None},
        {"customer_id": 1.5},
        {"customer_id": "a b"},
        {"customer_id": "x" * 200},
    ):
        body = {"type": "crm.push", "payload": payload}
        assert await refused(hub, "/tasks", body) == ["/payload/customer_id"]
        both = {"tasks": [{"type": "a"}, body]}
        assert await refused(hub, "/tasks/batch", both) == ["/tasks/1/payload/customer_id"]
    assert await hub.count() == 0


async def test_a_changed_declaration_holds_from_the_next_submit(hub: Running) -> None:
    await push(hub)
    assert await limits(hub) == {}, "a type that nobody has registered has none"
    await declare(hub, TaskType(type="crm.push", limits=(CUSTOMER,)))
    headers = {"Idempotency-Key": "k"}
    body = {"type": "crm.push", "payload": {"customer_id": 1}}
    first = await hub.client.post("/tasks", json=body, headers=headers)
    assert await limits(hub) == {"customer:1": (1, None, False)}
    await declare(hub, TaskType(type="crm.push", limits=(Limit(CUSTOMER.key, running=2),)))
    again = await hub.client.post("/tasks", json=body, headers=headers)
    assert (again.status_code, again.json()["id"]) == (200, first.json()["id"])
    assert await limits(hub) == {"customer:1": (1, None, False)}, "a replay states nothing"
    await push(hub)
    assert await limits(hub) == {"customer:1": (2, None, False)}
    await declare(hub, TaskType(type="crm.push"))
    other = await hub.client.post("/tasks", json={"type": "crm.push"})
    assert other.status_code == 202, "and none again"


async def test_they_are_shown(hub: Running) -> None:
    await declare(hub, TaskType(type="crm.push", limits=(CUSTOMER, CRM)), TaskType(type="other"))
    crm, other = (await hub.client.get("/task-types")).json()["items"]
    assert crm["limits"] == [
        {"key": "customer:{customer_id}", "running": 1, "per_second": None},
        {"key": "crm", "running": 3, "per_second": 100.0},
    ]
    assert other["limits"] == []


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        (
            TaskType(type="crm.push", limits=(Limit("c:{id", running=1),)),
            "'crm.push': limit 'c:{id': '{' at character 3",
        ),
        (
            TaskType(type="crm.push", limits=(Limit("c:{id}", running=1),), secret=("/id",)),
            "'crm.push': limit 'c:{id}': id is secret",
        ),
    ],
)
async def test_a_worker_in_any_language_is_told_what_is_wrong(
    hub: Running, declared: TaskType, words: str
) -> None:
    answer = await declare(hub, declared)
    assert isinstance(answer, CallFailed)
    assert words in answer.detail
    assert (await hub.client.get("/task-types")).json()["items"] == []


async def test_a_worker_of_an_older_version_declares_none(hub: Running) -> None:
    """It does not send the field. (How it was stored then: test_submit_within.py.)"""
    said = {"v": 1, "kind": "register", "worker": new_id(), "name": "w", "host": "h", "pid": 1, "version": "0.1",
            "slots": 1, "window": 1, "types": [{"type": "crm.push"}]}  # fmt: skip
    old = msgspec.json.decode(msgspec.json.encode(said), type=Register)
    assert isinstance(await hub.engine.workers.answer(old), Registered)
    await push(hub, limits=[{"key": "crm", "running": 1}])
    assert await limits(hub) == {"crm": (1, None, False)}


async def test_what_a_running_task_submits(hub: Running) -> None:
    await declare(hub, TaskType(type="parent"), TaskType(type="crm.push", limits=(CUSTOMER,)))
    parent = await hub.submit("parent")
    (lease,) = (await hub.engine.store.lease(None, 1)).leases

    async def submit(payload: Any, number: int) -> Any:
        task = Submission(type="crm.push", payload=Raw(json.dumps(payload).encode()))
        request = Submit(worker=lease.worker, id=parent["id"], attempt=1, call=number, task=task)
        return await hub.engine.workers.answer(request)

    wrong = await submit({}, 1)
    assert isinstance(wrong, CallFailed)
    assert "/payload/customer_id: is required" in wrong.detail
    assert isinstance(await submit({"customer_id": "c"}, 1), Submitted)
    assert await limits(hub) == {"customer:c": (1, None, False)}


# --- Hub


async def test_a_program_knows_its_own_handlers(database_url: str) -> None:
    """No worker has declared the type yet."""
    async with Hub(database_url) as hub:

        @hub.task("crm.push", limits=[CUSTOMER, CRM])
        async def push(customer_id: int = 0) -> None: ...

        await push.submit(7)
        await push.submit_many([{"customer_id": n} for n in (7, 8)])
        await hub.submit("crm.push", {"customer_id": 9})
        engine = await hub._opened()
        (first, *others) = await engine.store.limits(DEFAULT_ACCOUNT, limit=10)
        assert (first.key, first.running, first.per_second) == ("crm", 3, 100.0)
        assert [(one.key, one.running) for one in others] == [(f"customer:{n}", 1) for n in (7, 8, 9)]
        with pytest.raises(Invalid) as caught:
            await push.submit_many([{"customer_id": 7}, {}])
        assert [error.pointer for error in caught.value.errors] == ["/tasks/1/payload/customer_id"], (
            "its default is the worker's"
        )


async def test_one_at_a_time_for_each_customer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    hub = Hub()
    running: list[int] = []
    most: list[int] = []

    @hub.task("crm.push", limits=[CUSTOMER])
    async def push(customer_id: int) -> None:
        running.append(customer_id)
        await asyncio.sleep(0)
        most.append(running.count(customer_id))
        running.remove(customer_id)

    async with working(hub):
        handles = await push.submit_many([{"customer_id": n % 3} for n in range(12)])
        for handle in handles:
            await handle.result(timeout=30)
    assert most == [1] * 12
