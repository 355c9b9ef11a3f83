"""Failures over HTTP: real handlers fail, each in its way; who sees what, and what bad questions are answered."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tests.support.http_api import Running, api
from tests.support.people import ACCOUNTS, People

from taskflow_hub.domain.access import Role, Scope
from taskflow_hub.domain.outcomes import Fail
from taskflow_hub.worker.registry import Registry

handlers = Registry()
mended: set[str] = set()


@handlers.task("shop.pay", max_retries=0)
async def pay(card: str) -> str:
    if "pay" not in mended:
        charge(card)
    return "paid"


def charge(card: str) -> None:
    raise PermissionError(f"card {card} is <b>refused</b>")


@handlers.task("shop.mail", max_retries=0)
async def mail(to: str) -> Fail:
    return Fail(f"no box for {to}")


@pytest_asyncio.fixture
async def hub(database_url: str, tmp_path: Path) -> AsyncIterator[Running]:
    mended.clear()
    async with api(tmp_path, database_url, handlers=handlers) as running:
        yield running


async def failures(hub: Running, headers: Any = None, **params: Any) -> dict[str, Any]:
    answer = await hub.client.get("/failures", params=params, headers=headers)
    assert answer.status_code == 200, answer.text
    page: dict[str, Any] = answer.json()
    return page


async def status(hub: Running, id: str) -> str:
    return str((await hub.client.get(f"/tasks/{id}")).json()["status"])


async def ended(
    hub: Running, type: str, payload: dict[str, Any], headers: Any = None, **fields: Any
) -> dict[str, Any]:
    body = {"type": type, "payload": payload, **fields}
    answer = await hub.client.post("/tasks", json=body, headers={**(headers or {}), "Prefer": "wait=20"})
    task: dict[str, Any] = answer.json()
    assert task["status"] in {"failed", "success"}, task
    return task


async def test_nothing_has_failed(hub: Running) -> None:
    page = await failures(hub)
    assert (page["items"], page["next_cursor"], page["step"]) == ([], None, 7 * 3600)


async def test_failures_are_grouped_found_and_run_again(hub: Running) -> None:
    tasks = [await ended(hub, "shop.pay", {"card": f"4{n}"}) for n in range(3)]
    await ended(hub, "shop.mail", {"to": "user1@example.org"})
    other = await ended(hub, "shop.mail", {"to": "user22@example.org"})
    page = await failures(hub, sort="count")
    first, second = page["items"]
    assert first | {"fingerprint": "", "first_seen": "", "last_seen": ""} == {
        "fingerprint": "",
        "type": "shop.pay",
        "exception": "PermissionError",
        "message": "card 42 is <b>refused</b>",
        "where": "test_http_failures.py in charge",
        "count": 3,
        "first_seen": "",
        "last_seen": "",
        "last_task_id": tasks[-1]["id"],
        "trend": [0] * 23 + [3],
    }
    assert tasks[0]["finished_at"] == first["first_seen"]
    assert tasks[2]["finished_at"] == first["last_seen"]
    assert page["from"] < first["first_seen"] <= first["last_seen"] < page["to"]
    assert (second["exception"], second["where"], second["count"]) == ("Fail", None, 2)
    assert second["last_task_id"] == other["id"]
    assert [one["type"] for one in (await failures(hub))["items"]] == ["shop.mail", "shop.pay"]

    where = {"fingerprint": first["fingerprint"]}
    listed = (await hub.client.get("/tasks", params=where)).json()["items"]
    assert [task["id"] for task in listed] == [task["id"] for task in tasks[::-1]]
    said = (await hub.client.get("/tasks", params={"error": "is <B>refused</b>"})).json()["items"]
    assert said == listed
    dry = await hub.client.post("/bulk", json={"filter": where, "action": "redrive", "dry_run": True})
    assert dry.json()["total"] == 3

    mended.add("pay")
    begun = (await hub.client.post("/bulk", json={"filter": where, "action": "redrive"})).json()
    assert begun["filter"]["fingerprint"] == first["fingerprint"]
    async with asyncio.timeout(30):
        while {await status(hub, task["id"]) for task in tasks} != {"success"}:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert [one["type"] for one in (await failures(hub))["items"]] == ["shop.mail"]


async def test_bulk_by_text(hub: Running) -> None:
    await ended(hub, "shop.mail", {"to": "a"})
    await ended(hub, "shop.pay", {"card": "1"})
    asked = {"filter": {"error": "NO BOX"}, "action": "delete", "dry_run": True}
    assert (await hub.client.post("/bulk", json=asked)).json()["total"] == 1


async def test_pages(hub: Running) -> None:
    await ended(hub, "shop.mail", {"to": "a"})
    await ended(hub, "shop.pay", {"card": "1"})
    first = await failures(hub, limit=1)
    second = await failures(hub, limit=1, cursor=first["next_cursor"])
    assert [one["type"] for one in (*first["items"], *second["items"])] == ["shop.pay", "shop.mail"]
    assert second["next_cursor"] is None


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("/failures", {"sort": "type"}),
        ("/failures", {"since": "yesterday"}),
        ("/failures", {"cursor": "A" * 22}),
        ("/failures", {"cursor": "A" * 30}),
        ("/failures", {"type": "A B"}),
        ("/failures", {"queue": ""}),
        ("/failures", {"limit": "0"}),
        ("/failures", {"status": "failed"}),
        ("/tasks", {"fingerprint": "0"}),
        ("/tasks", {"fingerprint": "G" * 16}),
        ("/tasks", {"error": ""}),
        ("/tasks", {"error": "x" * 201}),
        ("/tasks", {"error": "a\0b"}),
    ],
)
async def test_bad_questions_name_the_field(hub: Running, path: str, params: dict[str, str]) -> None:
    answer = await hub.client.get(path, params=params)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"].endswith(next(iter(params)))


@pytest.mark.parametrize(
    "filter", [{"fingerprint": "x"}, {"error": ""}, {"error": "x" * 201}, {"error": "a\0b"}]
)
async def test_bad_filters_name_the_field(hub: Running, filter: dict[str, str]) -> None:
    answer = await hub.client.post("/bulk", json={"filter": filter, "action": "cancel", "dry_run": True})
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"] == f"/filter/{next(iter(filter))}"


async def test_long_ago(hub: Running) -> None:
    await ended(hub, "shop.mail", {"to": "a"})
    for since in ("1971-01-01T00:00:00Z", "9000-01-01T00:00:00Z"):
        assert (await failures(hub, since=since))["items"][0]["count"] == 1
    assert (await failures(hub, since="1971-01-01T00:00:00Z"))["step"] == 366 * 3600


async def test_everybody_sees_their_own(database_url: str, tmp_path: Path) -> None:
    mended.clear()
    async with api(tmp_path, database_url, handlers=handlers, auth=ACCOUNTS) as hub:
        people = People(hub)
        (_, owner), (_, one), (_, two) = [
            await people.user(role, account)
            for role, account in ((Role.ADMIN, "a"), (Role.USER, "b"), (Role.USER, "c"))
        ]
        await ended(hub, "shop.pay", {"card": "1"}, one, queue="a")
        await ended(hub, "shop.pay", {"card": "1"}, one, queue="b")
        await ended(hub, "shop.pay", {"card": "2"}, two, queue="a")
        assert [group["count"] for group in (await failures(hub, one))["items"]] == [2]
        assert [group["count"] for group in (await failures(hub, two))["items"]] == [1]
        assert [group["count"] for group in (await failures(hub, owner))["items"]] == [3]
        key = await people.key(Scope.READ, account="b", queues=("b",))
        assert [group["count"] for group in (await failures(hub, key))["items"]] == [1]
        assert (await hub.client.get("/failures", params={"queue": "a"}, headers=key)).status_code == 403
