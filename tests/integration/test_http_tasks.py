"""Looking at tasks and changing them over HTTP."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio
from tests.support.grounds import Ground
from tests.support.http_api import Running, api

from taskflow_hub.domain.clock import new_id
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.limits import PAGE_OCTETS
from taskflow_hub.worker.context import Context
from taskflow_hub.worker.registry import Registry

UNKNOWN = "018f0000-0000-7000-8000-000000000000"  # of April 2024


@pytest_asyncio.fixture
async def hub(database_url: str, tmp_path: Path) -> AsyncIterator[Running]:
    async with api(tmp_path, database_url, loops=False) as running:
        yield running


class Work:
    """Handlers for a test: `hold` runs until the test lets it go."""

    def __init__(self) -> None:
        self.registry, self.go, self.began = Registry(), asyncio.Event(), asyncio.Event()
        self.registry.add("echo", self._echo)
        self.registry.add("hold", self._hold, queue="slow")
        self.registry.add("fail", self._fail, max_retries=0)
        self.registry.add("large", self._large)
        self.registry.add("talk", self._talk)

    async def _echo(self, value: Any = None) -> Any:
        return value

    async def _hold(self) -> str:
        self.began.set()
        await self.go.wait()
        return "held"

    async def _fail(self) -> None:
        raise LookupError("nowhere")

    async def _large(self, size: int) -> str:
        return "ü" * size

    async def _talk(self, ctx: Context) -> None:
        for n in range(5):
            ctx.log.info("line", n=n)


@pytest_asyncio.fixture
async def working(ground: Ground, tmp_path: Path) -> AsyncIterator[tuple[Running, Work]]:
    work = Work()
    async with api(tmp_path, *ground, handlers=work.registry) as running:
        yield running, work


async def finished(hub: Running, type: str, payload: Any = None) -> dict[str, Any]:
    answer = await hub.client.post(
        "/tasks", json={"type": type, "payload": payload or {}}, headers={"Prefer": "wait=20"}
    )
    assert answer.status_code == 200
    task: dict[str, Any] = answer.json()
    return task


# --- lists


async def test_lists_are_newest_first_in_pages(hub: Running) -> None:
    ids = [(await hub.submit("a"))["id"] for _ in range(7)]
    seen: list[str] = []
    cursor: str | None = None
    pages = 0
    while True:
        page = (
            await hub.client.get("/tasks", params={"limit": 3} | ({"cursor": cursor} if cursor else {}))
        ).json()
        seen += [task["id"] for task in page["items"]]
        pages, cursor = pages + 1, page["next_cursor"]
        if cursor is None:
            break
    assert (seen, pages) == (ids[::-1], 3)


async def test_a_page_of_large_tasks_is_bounded_and_its_cursor_goes_on(hub: Running) -> None:
    size = PAGE_OCTETS // 10
    ids = [(await hub.submit("a", {"text": "x" * size}))["id"] for _ in range(13)]
    first = await hub.client.get("/tasks", params={"limit": 1000})
    assert len(first.content) < PAGE_OCTETS + 2 * size
    page = first.json()
    rest = (await hub.client.get("/tasks", params={"limit": 1000, "cursor": page["next_cursor"]})).json()
    assert (len(page["items"]), len(rest["items"]), rest["next_cursor"]) == (10, 3, None)
    assert [task["id"] for task in page["items"] + rest["items"]] == ids[::-1]


async def test_a_cursor_stays_good_while_tasks_come_and_go(hub: Running) -> None:
    ids = [(await hub.submit("a"))["id"] for _ in range(4)]
    first = (await hub.client.get("/tasks", params={"limit": 2})).json()
    await hub.submit("a")
    await hub.client.post(f"/tasks/{ids[2]}/cancel")
    await hub.client.delete(f"/tasks/{ids[2]}")
    rest = (await hub.client.get("/tasks", params={"cursor": first["next_cursor"]})).json()
    assert [task["id"] for task in rest["items"]] == [ids[1], ids[0]]


async def test_filters(hub: Running) -> None:
    a = await hub.submit("a", tags=["red", "big"])
    b = await hub.submit("b", queue="other", tags=["red"])
    c = await hub.submit("a", delay=60)
    d = await hub.submit("d")
    await hub.client.post(f"/tasks/{d['id']}/cancel")

    async def found(**params: Any) -> list[str]:
        answer = await hub.client.get("/tasks", params=params)
        assert answer.status_code == 200, answer.text
        return [task["id"] for task in answer.json()["items"]]

    assert await found(type="a") == [c["id"], a["id"]]
    assert await found(queue="other") == [b["id"]]
    assert await found(tag="red") == [b["id"], a["id"]]
    assert await found(tag="red", type="a") == [a["id"]]
    assert await found(status="scheduled") == [c["id"]]
    assert await found(status=["scheduled", "cancelled"]) == [d["id"], c["id"]]
    assert await found(created_after=b["created_at"], created_before=d["created_at"]) == [c["id"], b["id"]]
    assert await found(type="nothing.like.it") == []


async def test_counts_are_those_of_the_list(hub: Running) -> None:
    await hub.submit("a", tags=["red"])
    await hub.submit("b", queue="other", tags=["red"])
    late = await hub.submit("a", delay=60)
    gone = await hub.submit("d")
    await hub.client.post(f"/tasks/{gone['id']}/cancel")

    async def counted(**params: Any) -> dict[str, int]:
        answer = await hub.client.get("/tasks/counts", params=params)
        assert answer.status_code == 200, answer.text
        items = answer.json()["items"]
        assert set(items) == {state.value for state in State}
        assert all(item["exact"] for item in items.values())
        return {state: item["count"] for state, item in items.items() if item["count"]}

    assert await counted() == {"queued": 2, "scheduled": 1, "cancelled": 1}
    assert await counted(type="a") == {"queued": 1, "scheduled": 1}
    assert await counted(queue="other") == {"queued": 1}
    assert await counted(tag="red") == {"queued": 2}
    assert await counted(created_after=late["created_at"], created_before=gone["created_at"]) == {
        "scheduled": 1
    }
    assert await counted(type="nothing.like.it") == {}
    refused = await hub.client.get("/tasks/counts", params={"status": "queued"})
    assert refused.status_code == 422, "each state is counted anyway"


async def test_no_filter_by_user_without_accounts(hub: Running) -> None:
    assert (await hub.client.get("/tasks", params={"user": "me"})).status_code == 422


# --- change


async def test_an_unstarted_task_can_be_changed(hub: Running) -> None:
    task = await hub.submit("a", delay=60)
    answer = await hub.client.patch(
        f"/tasks/{task['id']}", json={"priority": 9, "queue": "fast", "run_at": "2100-01-01T00:00:00Z"}
    )
    changed = answer.json()
    assert answer.status_code == 200
    assert (changed["priority"], changed["queue"], changed["run_at"]) == (9, "fast", "2100-01-01T00:00:00Z")
    assert changed["rev"] > task["rev"]


async def test_run_at_of_a_queued_task_cannot_be_changed(hub: Running) -> None:
    task = await hub.submit("a")
    answer = await hub.client.patch(f"/tasks/{task['id']}", json={"run_at": "2100-01-01T00:00:00Z"})
    assert (answer.status_code, answer.json()["code"]) == (409, "not_allowed")


async def test_promote_runs_a_scheduled_task_now(hub: Running) -> None:
    task = await hub.submit("a", delay=60)
    promoted = await hub.client.post(f"/tasks/{task['id']}/promote")
    assert (promoted.status_code, promoted.json()["status"]) == (200, "queued")
    assert (await hub.client.post(f"/tasks/{task['id']}/promote")).status_code == 409


async def test_cancel_is_200_twice_and_409_when_it_ended_otherwise(working: tuple[Running, Work]) -> None:
    hub, _ = working
    task = await hub.submit("echo", delay=60)
    for _ in range(2):
        answer = await hub.client.post(f"/tasks/{task['id']}/cancel")
        assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")

    done = await finished(hub, "echo")
    answer = await hub.client.post(f"/tasks/{done['id']}/cancel")
    assert (answer.status_code, answer.json()["code"]) == (409, "not_allowed")


async def test_cancelling_what_runs_asks_for_it(working: tuple[Running, Work]) -> None:
    hub, work = working
    task = await hub.submit("hold")
    await work.began.wait()
    answer = await hub.client.post(f"/tasks/{task['id']}/cancel")
    assert (answer.status_code, answer.json()["status"]) == (202, "running")
    assert answer.json()["cancel_requested_at"] is not None
    await until_final(hub, task["id"])
    assert (await hub.client.get(f"/tasks/{task['id']}")).json()["status"] == "cancelled"


async def until_final(hub: Running, task_id: str) -> list[str]:
    async with hub.client.stream("GET", f"/tasks/{task_id}/events") as events:
        return [line async for line in events.aiter_lines() if line.startswith("event: ")]


async def test_redrive_runs_a_failed_task_again(working: tuple[Running, Work]) -> None:
    hub, _ = working
    failed = await finished(hub, "fail")
    assert (failed["reason"], failed["error"]["message"]) == ("handler", "nowhere")

    redriven = await hub.client.post(f"/tasks/{failed['id']}/redrive")
    assert (redriven.status_code, redriven.json()["status"]) == (200, "queued")
    await until_final(hub, failed["id"])
    attempts = (await hub.client.get(f"/tasks/{failed['id']}/attempts")).json()["items"]
    assert [(one["attempt"], one["outcome"]) for one in attempts] == [(1, "failed"), (2, "failed")]
    assert attempts[0]["error"]["type"] == "LookupError"

    done = await finished(hub, "echo")
    assert (await hub.client.post(f"/tasks/{done['id']}/redrive")).status_code == 409


async def test_only_what_has_ended_can_be_deleted(hub: Running) -> None:
    task = await hub.submit("a")
    assert (await hub.client.delete(f"/tasks/{task['id']}")).status_code == 409
    await hub.client.post(f"/tasks/{task['id']}/cancel")
    assert (await hub.client.delete(f"/tasks/{task['id']}")).json() == {"id": task["id"]}
    for again in (hub.client.delete, hub.client.get):
        assert (await again(f"/tasks/{task['id']}")).status_code == 404


# --- results


async def test_a_result_that_is_not_there_yet_is_202(hub: Running) -> None:
    task = await hub.submit("a")
    answer = await hub.client.get(f"/tasks/{task['id']}/result")
    assert (answer.status_code, answer.json()) == (202, {"status": "queued"})
    assert answer.headers["retry-after"] == "1"


async def test_results_of_every_outcome(working: tuple[Running, Work]) -> None:
    hub, _ = working
    good, bad = await finished(hub, "echo", {"value": {"a": [1, None]}}), await finished(hub, "fail")
    off = await hub.submit("echo", delay=60)
    await hub.client.post(f"/tasks/{off['id']}/cancel")

    result = (await hub.client.get(f"/tasks/{good['id']}/result")).json()
    assert result == {"status": "success", "result": {"a": [1, None]}, "error": None}
    result = (await hub.client.get(f"/tasks/{bad['id']}/result")).json()
    assert (result["status"], result["result"], result["error"]["type"]) == ("failed", None, "LookupError")
    result = (await hub.client.get(f"/tasks/{off['id']}/result")).json()
    assert result == {"status": "cancelled", "result": None, "error": None}


async def test_a_large_result_is_whole_and_gone_when_it_was_removed(working: tuple[Running, Work]) -> None:
    hub, _ = working
    task = await finished(hub, "large", {"size": 500_000})
    assert task["result"] is None
    assert task["result_ref"]["size"] > 64 * 1024

    answer = await hub.client.get(f"/tasks/{task['id']}/result")
    assert answer.status_code == 200
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert answer.json() == {"status": "success", "result": "ü" * 500_000, "error": None}
    head = await hub.client.head(f"/tasks/{task['id']}/result")
    assert (head.status_code, head.content) == (200, b"")

    await hub.engine.results.remove(frozenset({task["id"]}))
    gone = await hub.client.get(f"/tasks/{task['id']}/result")
    assert (gone.status_code, gone.json()["code"]) == (410, "gone")


async def test_who_leaves_in_the_middle_of_a_large_result_leaves_nothing_open(
    working: tuple[Running, Work],
) -> None:
    hub, _ = working
    task = await finished(hub, "large", {"size": 5_000_000})
    for _ in range(3):
        async with hub.client.stream("GET", f"/tasks/{task['id']}/result") as answer:
            await anext(answer.aiter_raw())
    # an open file would be a ResourceWarning, which is an error here


async def test_the_result_of_a_task_from_long_ago_is_gone_and_an_unknown_one_is_not_found(
    hub: Running,
) -> None:
    future, version_4 = "ffffffff-ffff-7fff-bfff-ffffffffffff", "00000000-0000-4000-8000-000000000000"
    expected = {UNKNOWN: (410, "gone"), "00000000-0000-7000-8000-000000000000": (410, "gone")}
    expected |= dict.fromkeys((new_id(), future, version_4), (404, "not_found"))
    for task_id, (status, code) in expected.items():
        answer = await hub.client.get(f"/tasks/{task_id}/result")
        assert (answer.status_code, answer.json()["code"]) == (status, code)


# --- logs


async def test_logs_come_in_pages_that_can_be_followed(working: tuple[Running, Work]) -> None:
    hub, _ = working
    task = await finished(hub, "talk")
    page = (await hub.client.get(f"/tasks/{task['id']}/logs", params={"limit": 3})).json()
    assert [line["fields"]["n"] for line in page["items"]] == [0, 1, 2]
    assert set(page["items"][0]) == {"attempt", "n", "at", "level", "message", "fields"}
    assert page["items"][0]["message"] == "line"

    rest = (await hub.client.get(f"/tasks/{task['id']}/logs", params={"after": page["next_cursor"]})).json()
    assert [line["fields"]["n"] for line in rest["items"]] == [3, 4]
    assert rest["next_cursor"] is None
    last = rest["items"][-1]
    more = await hub.client.get(
        f"/tasks/{task['id']}/logs", params={"after": f"{last['attempt']}.{last['n']}"}
    )
    assert more.json() == {"items": [], "next_cursor": None}


# --- HEAD and OPTIONS


async def test_head_is_get_without_its_body(hub: Running) -> None:
    task = await hub.submit("a")
    for path in ("/tasks", f"/tasks/{task['id']}", "/healthz", "/ui/", "/openapi.json", f"/tasks/{UNKNOWN}"):
        get, head = await hub.client.get(path), await hub.client.head(path)
        assert (head.status_code, head.content) == (get.status_code, b"")
        assert head.headers["content-length"] == get.headers["content-length"]
        assert head.headers["content-type"] == get.headers["content-type"]


async def test_head_of_a_stream_ends(hub: Running) -> None:
    async with asyncio.timeout(20):
        head = await hub.client.head("/events")
    assert (head.status_code, head.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    assert (await hub.client.get("/healthz")).status_code == 200


async def test_options_lists_the_methods_and_nothing_of_cors(hub: Running) -> None:
    answer = await hub.client.options("/tasks", headers={"Access-Control-Request-Method": "POST"})
    assert (answer.status_code, answer.headers["allow"]) == (204, "GET, POST, HEAD, OPTIONS")
    assert not [name for name in answer.headers if name.startswith("access-control")]
    assert (await hub.client.options("/nowhere")).status_code == 404


async def test_times_are_rfc_3339_in_utc(hub: Running) -> None:
    task = await hub.submit("a", expires_at="2100-06-01T12:00:00+02:00")
    assert task["created_at"].endswith("Z")
    assert task["expires_at"] == "2100-06-01T10:00:00Z"


async def test_a_payload_is_given_back_as_it_was(hub: Running) -> None:
    text = '{"n": 12345678901234567890123, "f": 1.10, "e": 1e2, "u": "\\u00e9\\u2028", "nested": {"b": 1, "a": 2}}'
    answer = await hub.client.post("/tasks", content=f'{{"type": "a", "payload": {text}}}')
    raw = (await hub.client.get(answer.headers["location"])).text
    assert json.loads(raw)["payload"] == json.loads(text)
