"""Limits over HTTP: what they do, who sees them, and what an operator says about them."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from tests.support.grounds import Ground
from tests.support.http_api import Running, api
from tests.support.people import ACCOUNTS, People

from taskflow_hub.domain.access import Role, Scope
from taskflow_hub.worker.registry import Registry

AWKWARD = ("a/b", "/", "..", "a/../b", "%2F", "a?b=c#d", "host:example.org:443", '"\\', "~" * 200)


@pytest_asyncio.fixture
async def hub(database_url: str, tmp_path: Path) -> AsyncIterator[Running]:
    async with api(tmp_path, database_url, loops=False) as running:
        yield running


async def set_limit(hub: Running, key: str, headers: Any = None, **numbers: Any) -> httpx.Response:
    return await hub.client.post("/limits", json={"key": key, **numbers}, headers=headers)


async def listed(hub: Running, headers: Any = None, **params: Any) -> dict[str, Any]:
    answer = await hub.client.get("/limits", params=params, headers=headers)
    assert answer.status_code == 200, answer.text
    page: dict[str, Any] = answer.json()
    return page


async def test_what_tasks_state_is_listed_and_pinned(hub: Running) -> None:
    assert await listed(hub) == {"items": [], "next_cursor": None}
    await hub.submit(limits=[{"key": "a", "running": 5}])
    row = {"account_id": "default", "key": "a", "running": 5, "per_second": None, "pinned": False}
    assert (await listed(hub))["items"] == [{**row, "active": 0, "held": 0}]
    answer = await set_limit(hub, "a", per_second=0.5)
    assert (answer.status_code, answer.json()) == (200, {**row, "per_second": 0.5, "pinned": True})
    await hub.submit(limits=[{"key": "a", "running": 9, "per_second": 100}])
    assert (await listed(hub))["items"] == [
        {**row, "per_second": 0.5, "pinned": True, "active": 0, "held": 0}
    ]
    answer = await set_limit(hub, "a", per_second=None, pinned=False)
    assert answer.json() == row
    await hub.submit(limits=[{"key": "a", "running": 9}])
    assert [one["running"] for one in (await listed(hub))["items"]] == [9]


async def test_a_key_without_numbers(hub: Running) -> None:
    """Pinned it lets everything through; else it is forgotten."""
    answer = await set_limit(hub, "a", running=None)
    assert (answer.status_code, answer.json()["pinned"]) == (200, True)
    await hub.submit(limits=[{"key": "a"}])
    answer = await set_limit(hub, "a", pinned=False)
    assert (answer.status_code, answer.json()["pinned"]) == (200, False)
    assert (await listed(hub))["items"] == []
    answer = await hub.client.post("/tasks", json={"type": "t", "limits": [{"key": "a"}]})
    assert answer.status_code == 422


@pytest.mark.parametrize("key", AWKWARD)
async def test_awkward_keys(hub: Running, key: str) -> None:
    assert (await set_limit(hub, key, running=2)).json()["key"] == key
    assert [one["key"] for one in (await listed(hub))["items"]] == [key]
    assert (await listed(hub, after=f"default/{key}"))["items"] == []


async def test_pages(hub: Running) -> None:
    for key in AWKWARD:
        await set_limit(hub, key, running=1)
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await listed(hub, limit=2, **({"after": cursor} if cursor else {}))
        found += [one["key"] for one in page["items"]]
        cursor = page["next_cursor"]
    assert found == sorted(AWKWARD)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/key"),
        ({"running": 3}, "/key"),
        ({"key": ""}, "/key"),
        ({"key": "a b"}, "/key"),
        ({"key": "ä"}, "/key"),
        ({"key": "a\n"}, "/key"),
        ({"key": "a" * 201}, "/key"),
        ({"key": "a", "running": 0}, "/running"),
        ({"key": "a", "running": 1_000_001}, "/running"),
        ({"key": "a", "running": 1.5}, "/running"),
        ({"key": "a", "per_second": 0}, "/per_second"),
        ({"key": "a", "per_second": -1}, "/per_second"),
        ({"key": "a", "per_second": "10"}, "/per_second"),
        ({"key": "a", "pinned": None}, "/pinned"),
        ({"key": "a", "runing": 3}, "/runing"),
    ],
)
async def test_what_cannot_be(hub: Running, body: dict[str, Any], pointer: str) -> None:
    answer = await hub.client.post("/limits", json=body)
    assert answer.status_code == 422
    assert [one["pointer"] for one in answer.json()["errors"]] == [pointer]
    assert (await listed(hub))["items"] == []


@pytest.mark.parametrize("after", ["", "a", "a/", "/a", "a/b c", "A/b", "a/" + "b" * 201])
async def test_what_is_no_place(hub: Running, after: str) -> None:
    answer = await hub.client.get("/limits", params={"after": after})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/query/after")


async def test_accounts_have_limits_of_their_own(database_url: str, tmp_path: Path) -> None:
    async with api(tmp_path, database_url, auth=ACCOUNTS, loops=False) as hub:
        people = People(hub)
        _, admin = await people.user(Role.ADMIN)
        _, ada = await people.user(account="adas")
        _, viewer = await people.user(Role.VIEWER, account="adas")
        _, bob = await people.user(account="bobs")
        for who, running in ((ada, 1), (bob, 2)):
            assert (await set_limit(hub, "a", who, running=running)).status_code == 200
        assert (await set_limit(hub, "a", viewer, running=7)).status_code == 403
        for who, expected in (
            (ada, [("adas", 1)]),
            (viewer, [("adas", 1)]),
            (bob, [("bobs", 2)]),
            (admin, [("adas", 1), ("bobs", 2)]),
        ):
            found = (await listed(hub, who))["items"]
            assert [(one["account_id"], one["running"]) for one in found] == expected
        assert (await listed(hub, bob, after="adas/a"))["items"][0]["account_id"] == "bobs"
        assert (await set_limit(hub, "a", admin, running=3)).json()["account_id"] == "default"


async def test_a_key_for_some_queues_has_nothing_to_do_with_limits(database_url: str, tmp_path: Path) -> None:
    async with api(tmp_path, database_url, auth=ACCOUNTS, loops=False) as hub:
        narrow = await People(hub).key(Scope.READ, Scope.MANAGE, queues=("q",))
        assert (await set_limit(hub, "a", narrow, running=1)).status_code == 403
        answer = await hub.client.get("/limits", headers=narrow)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


async def test_a_raised_limit_lets_held_tasks_start(ground: Ground, tmp_path: Path) -> None:
    handlers = Registry()
    handlers.add("nap", nap)
    async with api(tmp_path, *ground, handlers=handlers) as hub:
        for _ in range(4):
            await hub.submit("nap", limits=[{"key": "a", "running": 1}])
        await until(hub, active=1, held=3)
        await set_limit(hub, "a", running=3)
        await until(hub, active=3, held=1)
        await set_limit(hub, "a", running=None)
        await until(hub, active=4, held=0)


async def until(hub: Running, **counts: int) -> None:
    async with asyncio.timeout(20):
        while True:
            [found] = (await listed(hub))["items"]
            if {name: found[name] for name in counts} == counts:
                return
            await asyncio.sleep(0.01)


async def nap() -> None:
    await asyncio.sleep(60)
