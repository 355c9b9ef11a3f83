"""Events and steps over HTTP: what is accepted, what is shown, and what is refused with nothing changed."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.http_api import Running, api
from tests.support.people import ACCOUNTS, People

from taskflow_hub import Context
from taskflow_hub.client import Client, SyncClient
from taskflow_hub.domain.access import Scope
from taskflow_hub.domain.clock import new_id
from taskflow_hub.domain.errors import NotAllowed, NotFound
from taskflow_hub.domain.steps import Event, StepKind, StepState
from taskflow_hub.worker.registry import Registry


@pytest.fixture
async def hub(database_url: str, tmp_path: Path) -> AsyncIterator[Running]:
    async with api(tmp_path, database_url, loops=False) as running:
        yield running


@pytest.fixture
async def stepping(database_url: str, tmp_path: Path) -> AsyncIterator[Running]:
    """With a worker whose handler waits for `approved`."""
    handlers = Registry()

    async def handler(ctx: Context) -> Any:
        await ctx.step("charge", charge)
        await ctx.sleep(0)
        return await ctx.wait_event("approved", timeout="1h")

    async def charge() -> dict[str, int]:
        return {"cents": 5}

    handlers.add("stepping", handler)
    async with api(tmp_path, database_url, handlers=handlers) as running:
        yield running


async def send(hub: Running, id: str, name: str, body: bytes = b"", **options: Any) -> httpx.Response:
    return await hub.client.post(f"/tasks/{id}/events/{name}", content=body, **options)


async def waits(hub: Running, id: str) -> None:
    """Until it sleeps for its event."""
    with hub.engine.hints.watch(id) as changed:
        while True:
            changed.clear()
            why = (await hub.client.get(f"/tasks/{id}/explain")).json()
            if why["causes"][0]["kind"] == "event":
                assert why["status"] == "scheduled"
                assert why["causes"][0]["events"] == ["approved"]
                return
            await changed.wait()


async def test_an_event_wakes_the_task(stepping: Running) -> None:
    id = (await stepping.submit("stepping"))["id"]
    await waits(stepping, id)
    before = (await stepping.client.get(f"/tasks/{id}/steps")).json()
    assert before["next_cursor"] is None
    assert [(step["kind"], step["name"], step["state"], step["result"]) for step in before["items"]] == [
        ("step", "charge", "done", {"cents": 5}),
        ("sleep", "sleep", "done", None),
        ("event", "approved", "waiting", None),
    ]
    assert before["items"][0]["ran_s"] >= 0
    assert before["items"][2]["wakes_at"] is not None

    answer = await send(stepping, id, "approved", b'{"by":"ada"}')
    assert answer.status_code == 200
    event = answer.json()
    assert event == {
        "task_id": id,
        "name": "approved",
        "payload": {"by": "ada"},
        "sent_at": event["sent_at"],
        "accepted": True,
    }
    again = (await send(stepping, id, "approved", b"7")).json()
    assert again == {**event, "accepted": False}
    await stepping.engine.tasks.wait("default", id, 20)
    task = (await stepping.client.get(f"/tasks/{id}")).json()
    assert (task["status"], task["result"]) == ("success", {"by": "ada"})
    after = (await stepping.client.get(f"/tasks/{id}/steps")).json()["items"]
    assert (after[2]["state"], after[2]["result"]) == ("done", {"by": "ada"})


@pytest.mark.parametrize(
    ("body", "payload"),
    [
        (b"", None),
        (b"null", None),
        (b"0", 0),
        (b'"yes"', "yes"),
        (b"[1,{}]", [1, {}]),
        (b'{"n":12345678901234567890123}', {"n": 12345678901234567890123}),
    ],
)
async def test_any_json_is_a_payload(hub: Running, body: bytes, payload: Any) -> None:
    id = (await hub.submit())["id"]
    answer = await send(hub, id, "e", body)
    assert (answer.status_code, answer.json()["payload"]) == (200, payload)
    kept = (await send(hub, id, "e", b"1")).json()
    assert (kept["payload"], kept["accepted"]) == (payload, False)


@pytest.mark.parametrize("name", ["approved", "A.b-c_9", "x" * 100, "0"])
async def test_names_of_events(hub: Running, name: str) -> None:
    id = (await hub.submit())["id"]
    assert (await send(hub, id, name)).json()["name"] == name


@pytest.mark.parametrize(
    ("name", "body", "status", "code", "pointer"),
    [
        ("x" * 101, b"", 422, "invalid", "/path/name"),
        ("a%20b", b"", 422, "invalid", "/path/name"),
        ("%C3%BC", b"", 422, "invalid", "/path/name"),
        ("a%0A", b"", 422, "invalid", "/path/name"),
        ("e", b"{", 400, "undecodable", ""),
        ("e", b" ", 400, "undecodable", ""),
        ("e", b'{"a":1,"a":2}', 400, "undecodable", "/a"),
        ("e", b'["\\u0000"]', 422, "invalid", "/0"),
        ("e", b"[" * 150 + b"]" * 150, 422, "invalid", ""),
        ("e", b'"%s"' % (b"x" * 65_535), 413, "too_large", ""),
    ],
)
async def test_what_is_wrong_is_named_and_changes_nothing(
    hub: Running, name: str, body: bytes, status: int, code: str, pointer: str
) -> None:
    id = (await hub.submit())["id"]
    answer = await send(hub, id, name, body)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code), problem
    assert [error["pointer"] for error in problem["errors"]] == [pointer]
    assert (await send(hub, id, "e", b"1")).json()["accepted"] is True


async def test_for_a_task_that_has_ended_or_never_was(hub: Running) -> None:
    id = (await hub.submit())["id"]
    await hub.client.post(f"/tasks/{id}/cancel")
    ended = await send(hub, id, "e")
    assert (ended.status_code, ended.json()["code"]) == (409, "not_allowed")
    for answer in (await send(hub, new_id(), "e"), await hub.client.get(f"/tasks/{new_id()}/steps")):
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_pages_of_steps(stepping: Running) -> None:
    id = (await stepping.submit("stepping"))["id"]
    await waits(stepping, id)
    names: list[str] = []
    after: str | None = "0"
    while after is not None:
        page = (await stepping.client.get(f"/tasks/{id}/steps", params={"limit": 1, "after": after})).json()
        names += [step["name"] for step in page["items"]]
        after = page["next_cursor"]
    assert names == ["charge", "sleep", "approved"]
    for params in ({"after": "-1"}, {"after": "x"}, {"limit": "0"}, {"other": "1"}):
        assert (await stepping.client.get(f"/tasks/{id}/steps", params=params)).status_code == 422


async def test_a_key_that_submits_sends_events_and_no_more(tmp_path: Path, database_url: str) -> None:
    async with api(tmp_path, database_url, auth=ACCOUNTS, loops=False) as hub:
        people = People(hub)
        submits = await people.key(Scope.SUBMIT, queues=("mine",))
        made = await hub.client.post("/tasks", json={"type": "t", "queue": "mine"}, headers=submits)
        id = made.json()["id"]
        assert (await send(hub, id, "e", headers=submits)).status_code == 200
        elsewhere = await people.key(Scope.SUBMIT, queues=("other",))
        assert (await send(hub, id, "e", headers=elsewhere)).status_code == 404
        assert (await hub.client.get(f"/tasks/{id}/steps", headers=submits)).status_code == 403


# --- by the client


async def test_the_clients_send_and_show(stepping: Running) -> None:
    id = (await stepping.submit("stepping"))["id"]
    await waits(stepping, id)
    async with Client(stepping.url) as client:
        steps = [step async for step in client.steps(id)]
        assert [(step.kind, step.state, step.result) for step in steps] == [
            (StepKind.STEP, StepState.DONE, {"cents": 5}),
            (StepKind.SLEEP, StepState.DONE, None),
            (StepKind.EVENT, StepState.WAITING, None),
        ]
        sent = await client.send_event(id, "approved", {"by": "ada"})
        assert sent == Event(
            task_id=id, name="approved", payload={"by": "ada"}, sent_at=sent.sent_at, accepted=True
        )
        assert await client.result(id, timeout=20) == {"by": "ada"}
        with pytest.raises(NotAllowed):
            await client.send_event(id, "approved")

    def blocking() -> None:
        with SyncClient(stepping.url) as client:
            assert len(list(client.steps(id))) == 3
            with pytest.raises(NotFound):
                client.send_event(new_id(), "approved")
            with pytest.raises(NotFound):
                next(client.steps(new_id()))

    await asyncio.to_thread(blocking)
