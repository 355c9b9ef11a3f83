"""Quotas and the numbers of queues over HTTP: who sees them, who sets them, and what a submit beyond them is told."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from tests.support.http_api import Running, api
from tests.support.people import ACCOUNTS, Headers, People

from taskflow_hub.domain.access import Role, Scope

NOTHING = {"per_minute": None, "per_day": None, "queued": None, "running": None, "weight": 1.0}
UNUSED = {"in_minute": None, "in_day": None, "queued": None, "running": 0}


@pytest_asyncio.fixture
async def hub(database_url: str, tmp_path: Path) -> AsyncIterator[Running]:
    async with api(tmp_path, database_url, loops=False) as running:
        yield running


async def set_quota(
    hub: Running, headers: Any = None, account: str = "default", **numbers: Any
) -> httpx.Response:
    return await hub.client.patch(f"/accounts/{account}/quota", json=numbers, headers=headers)


async def shown(hub: Running, path: str = "/quota", headers: Any = None, **params: Any) -> Any:
    answer = await hub.client.get(path, headers=headers, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_numbers_are_set_shown_and_lifted(hub: Running) -> None:
    assert await shown(hub) == {"account_id": "default", **NOTHING, "used": UNUSED}
    answer = await set_quota(hub, per_day=10, queued=3, running=2, weight=2.5)
    expected = {**NOTHING, "per_day": 10, "queued": 3, "running": 2, "weight": 2.5, "account_id": "default"}
    assert (answer.status_code, answer.json()) == (
        200,
        {**expected, "used": {**UNUSED, "in_minute": 0, "in_day": 0, "queued": 0}},
    )
    await hub.submit()
    used = {"in_minute": 1, "in_day": 1, "queued": 1, "running": 0}
    assert await shown(hub) == await shown(hub, "/accounts/default/quota") == {**expected, "used": used}
    assert await shown(hub, "/quotas") == {"items": [expected], "next_cursor": None}
    await set_quota(hub, per_day=None, queued=None, running=None, weight=None)
    assert await shown(hub, "/quotas") == {"items": [], "next_cursor": None}
    assert (await shown(hub, "/limits"))["items"] == []


async def test_a_submit_beyond_a_quota(hub: Running) -> None:
    await set_quota(hub, queued=1)
    await hub.submit()
    refused = await hub.client.post("/tasks", json={"type": "t"})
    problem = refused.json()
    assert (refused.status_code, problem["code"], refused.headers["Retry-After"]) == (
        429,
        "quota_exceeded",
        "1",
    )
    assert "'default' may have 1 task waiting, and has 1" in problem["detail"]
    assert problem["errors"] == [{"pointer": "", "detail": "is beyond the quota queued"}]
    await set_quota(hub, queued=2, per_minute=1)
    batch = {"tasks": [{"type": "t"}, {"type": "t"}]}
    refused = await hub.client.post("/tasks/batch", json=batch, headers={"Idempotency-Key": "k"})
    assert [one["pointer"] for one in refused.json()["errors"]] == ["/tasks/1"]
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert await hub.count() == 1
    await set_quota(hub, queued=None, per_minute=None)
    made = await hub.client.post("/tasks/batch", json=batch, headers={"Idempotency-Key": "k"})
    assert made.status_code == 202, "the key of what was refused is free"


async def test_pages(database_url: str, tmp_path: Path) -> None:
    async with api(tmp_path, database_url, auth=ACCOUNTS, loops=False) as hub:
        people = People(hub)
        _, admin = await people.user(Role.ADMIN)
        for account in ("c", "a", "b"):
            await people.user(account=account)
            assert (await set_quota(hub, admin, account, per_minute=5)).status_code == 200
        found: list[str] = []
        cursor: str | None = None
        while page := await shown(hub, "/quotas", admin, limit=2, **({"after": cursor} if cursor else {})):
            found += [one["account_id"] for one in page["items"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert found == ["a", "b", "c"]
        answer = await hub.client.get("/quotas", headers=admin, params={"after": "A/b"})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/query/after")


async def test_each_account_sees_its_own(database_url: str, tmp_path: Path) -> None:
    async with api(tmp_path, database_url, auth=ACCOUNTS, loops=False) as hub:
        people = People(hub)
        _, admin = await people.user(Role.ADMIN)
        _, ada = await people.user(account="adas")
        _, bob = await people.user(Role.VIEWER, account="bobs")
        assert (await set_quota(hub, admin, "adas", per_minute=1)).status_code == 200
        assert (await set_quota(hub, ada, "adas", per_minute=100)).status_code == 403
        assert (await shown(hub, headers=ada))["per_minute"] == 1
        assert (await shown(hub, headers=bob)) == {"account_id": "bobs", **NOTHING, "used": UNUSED}
        for path in ("/accounts/nobody/quota", "/accounts/nobody/quota"):
            assert (await hub.client.get(path, headers=admin)).status_code == 404
        assert (await set_quota(hub, admin, "nobody", weight=2)).status_code == 404

        def submitted(who: Headers) -> Any:
            return hub.client.post("/tasks", json={"type": "t"}, headers=who)

        assert [(await submitted(ada)).status_code for _ in range(2)] == [202, 429]
        assert (await submitted(admin)).status_code == 202
        narrow = await people.key(Scope.READ, queues=("q",))
        assert (await hub.client.get("/quota", headers=narrow)).status_code == 403


@pytest.mark.parametrize("numbers", [{"per_day": 10}, {"queued": 10}])
async def test_of_a_hundred_submits_on_two_processes_ten_are_accepted(
    database_url: str, tmp_path: Path, numbers: dict[str, int]
) -> None:
    async with contextlib.AsyncExitStack() as both:
        hubs = [
            await both.enter_async_context(api(tmp_path / name, database_url, auth=ACCOUNTS, loops=False))
            for name in "ab"
        ]
        people = People(hubs[0])
        _, admin = await people.user(Role.ADMIN)
        _, ada = await people.user(account="adas")
        await set_quota(hubs[1], admin, "adas", **numbers)
        answers = await asyncio.gather(
            *(hubs[n % 2].client.post("/tasks", json={"type": "t"}, headers=ada) for n in range(100))
        )
        assert Counter(answer.status_code for answer in answers) == {202: 10, 429: 90}
        assert len((await shown(hubs[0], "/tasks", ada))["items"]) == 10


# --- queues


async def test_a_queue_has_numbers_and_says_which_are_reached(hub: Running) -> None:
    answer = await hub.client.patch("/queues/q", json={"running": 3, "per_second": 0.5})
    queue = answer.json()
    assert (queue["max_size"], queue["running"], queue["per_second"]) == (None, 3, 0.5)
    assert (queue["active"], queue["full"]) == (0, [])
    queue = (await hub.client.patch("/queues/q", json={"max_size": 1})).json()
    assert (queue["max_size"], queue["running"], queue["per_second"]) == (1, 3, 0.5)
    await hub.submit(queue="q")
    [queue] = (await hub.client.get("/queues")).json()["items"]
    assert (queue["full"], queue["depth"]["queued"]) == (["max_size"], 1)
    queue = (await hub.client.patch("/queues/q", json={"running": None, "per_second": None})).json()
    assert (queue["max_size"], queue["running"], queue["per_second"], queue["active"]) == (
        1,
        None,
        None,
        None,
    )


async def test_an_account_sees_what_is_said_of_queues_and_whether_others_fill_them(
    database_url: str, tmp_path: Path
) -> None:
    async with api(tmp_path, database_url, auth=ACCOUNTS, loops=False) as hub:
        people = People(hub)
        _, admin = await people.user(Role.ADMIN)
        _, ada = await people.user(account="adas")
        _, bob = await people.user(account="bobs")
        await hub.client.patch("/queues/q", json={"max_size": 1}, headers=admin)
        await hub.client.patch("/queues/r", json={"running": 1}, headers=admin)
        await hub.client.post("/tasks", json={"type": "t", "queue": "q"}, headers=ada)
        found = {one["name"]: one for one in (await shown(hub, "/queues", bob))["items"]}
        assert (found["q"]["full"], found["q"]["depth"]["queued"]) == (["max_size"], 0)
        assert (found["r"]["running"], found["r"]["active"]) == (1, 0)
