"""Workflows over HTTP: what is answered, what is stored, what a repeat does, who sees what, and what is told live."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import pytest
import pytest_asyncio
from tests.integration.test_http_events import events_of, listeners
from tests.support.grounds import Ground
from tests.support.http_api import Running, api, eventually
from tests.support.people import ACCOUNTS, People

from taskflow_hub.domain.access import Role, Scope
from taskflow_hub.http import sse
from taskflow_hub.store.postgres import workflow_reads as reads_of_postgres
from taskflow_hub.store.sqlite import workflow_reads as reads_of_sqlite
from taskflow_hub.worker.registry import Registry

NOBODY: Final = "0198c0de-0000-7000-8000-000000000000"
CHAIN: Final[dict[str, Any]] = {
    "name": "chain",
    "tags": ["night"],
    "nodes": {
        "first": {"type": "t", "payload": {"n": 1}},
        "second": {"type": "t", "payload": {"was": {"$ref": "first.result"}}},
        "alarm": {"type": "t", "after": [{"node": "second", "on": "failure"}]},
    },
}
MAP: Final[dict[str, Any]] = {
    "name": "map",
    "nodes": {
        "list": {"type": "numbers", "payload": {"count": 5}},
        "each": {
            "type": "odd",
            "for_each": {"$ref": "list.result"},
            "payload": {"n": {"$ref": "item"}},
            "max_retries": 0,
        },
        "sum": {
            "type": "sum",
            "payload": {"values": {"$ref": "each.results"}},
            "after": [{"node": "each", "on": "done"}],
        },
    },
}


async def numbers(count: int) -> list[int]:
    return list(range(count))


async def odd(n: int) -> int:
    if n == 3:
        raise ValueError("three is too many")
    return 2 * n + 1


async def sum_of(values: list[int | None]) -> int:
    return sum(number or 0 for number in values)


class Work:
    """Handlers; `hold` waits until it may go on."""

    def __init__(self) -> None:
        self.registry, self.go = Registry(), asyncio.Event()
        self.registry.add("hold", self._hold)
        self.registry.add("numbers", numbers)
        self.registry.add("odd", odd)
        self.registry.add("sum", sum_of)

    async def _hold(self) -> str:
        await self.go.wait()
        return "held"


@pytest_asyncio.fixture
async def hub(database_url: str, tmp_path: Path) -> AsyncIterator[Running]:
    async with api(tmp_path, database_url, loops=False) as running:
        yield running


async def submit(hub: Running, workflow: Any = CHAIN, **options: Any) -> dict[str, Any]:
    answer = await hub.client.post("/workflows", json=workflow, **options)
    assert answer.status_code in {200, 202}, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def get(hub: Running, path: str, **options: Any) -> dict[str, Any]:
    answer = await hub.client.get(path, **options)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def refused(hub: Running, workflow: Any, status: int = 422) -> list[str]:
    """The pointers of what is wrong; nothing was stored."""
    body = workflow if isinstance(workflow, bytes) else json.dumps(workflow).encode()
    answer = await hub.client.post("/workflows", content=body)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert (await get(hub, "/workflows"))["items"] == []
    assert await hub.count() == 0
    return [error["pointer"] for error in answer.json()["errors"]]


# --- submit


async def test_a_submit_is_answered_202_with_the_graph_and_its_place(hub: Running) -> None:
    answer = await hub.client.post("/workflows", json=CHAIN)
    workflow = answer.json()
    assert answer.status_code == 202
    assert answer.headers["location"] == f"/workflows/{workflow['id']}"
    assert (await get(hub, answer.headers["location"])) == workflow
    assert " ".join(workflow) == (
        "id name status rev user_id tags created_at deadline_at cancel_requested_at finished_at max_concurrency result error "
        "schedule_id parent counts nodes"
    )
    assert (workflow["name"], workflow["status"], workflow["tags"]) == ("chain", "running", ["night"])
    assert {name: node["status"] for name, node in workflow["nodes"].items()} == {
        "first": "queued",
        "second": "blocked",
        "alarm": "blocked",
    }
    assert workflow["counts"] == {"blocked": 2, "queued": 1} or workflow["counts"] == {
        "blocked": 2,
        "running": 1,
    }
    assert workflow["nodes"]["second"]["after"] == [{"parent": "first", "on": "success"}]
    assert workflow["nodes"]["alarm"]["after"] == [{"parent": "second", "on": "failure"}]
    task = await get(hub, f"/tasks/{workflow['nodes']['first']['task_id']}")
    assert (task["workflow_id"], task["payload"], task["status"]) == (workflow["id"], {"n": 1}, "queued")


async def test_the_same_key_and_body_again_is_a_replay(hub: Running) -> None:
    key = {"Idempotency-Key": "k"}
    first = await hub.client.post("/workflows", json=CHAIN, headers=key)
    spaced = json.dumps(CHAIN, indent=3).encode()
    again = await hub.client.post("/workflows", content=spaced, headers=key)
    assert (first.status_code, again.status_code) == (202, 200)
    assert again.headers["idempotency-replayed"] == "true"
    assert again.json()["id"] == first.json()["id"]
    assert "idempotency-replayed" not in first.headers
    other = await hub.client.post("/workflows", json={**CHAIN, "name": "other"}, headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")
    assert len((await get(hub, "/workflows"))["items"]) == 1
    assert await hub.count() == 3


async def test_a_replay_of_what_is_gone_is_never_a_second_run(hub: Running) -> None:
    key = {"Idempotency-Key": "k"}
    id = (await submit(hub, headers=key))["id"]
    await hub.client.post(f"/workflows/{id}/cancel")
    assert (await hub.client.delete(f"/workflows/{id}")).status_code == 200
    gone = await hub.client.post("/workflows", json=CHAIN, headers=key)
    assert (gone.status_code, gone.json()["code"]) == (410, "task_gone")
    assert await hub.count() == 0


async def test_a_submit_may_wait_for_the_end(tmp_path: Path, ground: Ground) -> None:
    work = Work()
    async with api(tmp_path, *ground, handlers=work.registry) as hub:
        quick = {
            "name": "quick",
            "nodes": {"a": {"type": "numbers", "payload": {"count": 2}}},
            "result": {"$ref": "a.result"},
        }
        answer = await hub.client.post("/workflows", json=quick, headers={"Prefer": "wait=20"})
        assert (answer.status_code, answer.headers["preference-applied"]) == (200, "wait")
        assert (answer.json()["status"], answer.json()["result"]) == ("success", [0, 1])
        slow = {"name": "slow", "nodes": {"a": {"type": "hold"}}}
        answer = await hub.client.post("/workflows", json=slow, headers={"Prefer": "wait=0"})
        assert answer.status_code == 202
        answer = await hub.client.post("/workflows", json=slow, headers={"Prefer": "wait=1"})
        assert answer.status_code == 202
        assert "preference-applied" not in answer.headers
        work.go.set()


@pytest.mark.parametrize(
    ("workflow", "pointers"),
    [
        ({"nodes": {"a": {"type": "t"}}}, [""]),
        ({"name": "w", "nodes": {}}, ["/nodes"]),
        ({"name": "W!", "nodes": {"a": {"type": "t"}}}, ["/name"]),
        ({"name": "w", "nodes": {"a": {}}}, ["/nodes/a"]),
        ({"name": "w", "nodes": {"a": {"type": "t", "after": ["b"]}}}, ["/nodes/a/after/0"]),
        (
            {"name": "w", "nodes": {"a": {"type": "t", "payload": {"x": {"$ref": "b.result"}}}}},
            ["/nodes/a/payload/x/$ref"],
        ),
        (
            {"name": "w", "nodes": {"a": {"type": "t", "after": ["b"]}, "b": {"type": "t", "after": ["a"]}}},
            ["/nodes/a/after/0"],
        ),
        ({"name": "w", "nodes": {"a": {"type": "t"}}, "extra": 1}, ["/extra"]),
        ({"name": "w", "nodes": {"a": {"type": "t", "priority": 10}}}, ["/nodes/a/priority"]),
    ],
)
async def test_a_graph_that_cannot_run_is_refused_and_its_node_named(
    hub: Running, workflow: Any, pointers: list[str]
) -> None:
    found = await refused(hub, workflow)
    assert len(found) == len(pointers)
    assert all(
        got == wanted or got.startswith(wanted) for got, wanted in zip(found, pointers, strict=True)
    ), found


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 422),
        (b'{"name": "w", "nodes": {"a": {"type": "t"}, "a": {"type": "u"}}}', 400),
        (b'{"name": "w", "nodes": {"a": {"type": "t", "payload": {"x": NaN}}}}', 400),
        (b'{"name": "w", "nodes": {"a": {"type": "t", "payload": {"x": "\\u0000"}}}}', 422),
        (b'{"name": "w", "nodes": {"a": {"type": "t", "payload": ' + b"[" * 200 + b"]" * 200 + b"}}}", 422),
        (b'{"\\ud800": 1}', 422),
        (b'{"name": "w", "nodes": {"\\ud800": {"type": "t"}}}', 422),
        (b'{"name": "w", "nodes": {"a": {"type": "t", "after": ["\\udfff"]}}}', 422),
        (b'{"name": "w", "nodes": {"a": {"type": "t", "payload": {"\\ud800": 1}}}}', 422),
        (b'{"name": "w", "nodes": {"a": {"type": "t", "payload": {"x": "' + b"y" * 1_048_577 + b'"}}}}', 413),
    ],
)
async def test_what_is_no_workflow_is_refused_in_words(hub: Running, body: bytes, status: int) -> None:
    await refused(hub, body, status)


async def test_unknown_parameters_are_refused(hub: Running) -> None:
    for method, path in (("POST", "/workflows"), ("GET", "/workflows"), ("GET", f"/workflows/{NOBODY}")):
        answer = await hub.client.request(method, f"{path}?nope=1", json=CHAIN if method == "POST" else None)
        assert answer.status_code == 422, answer.text
        assert answer.json()["errors"][0]["pointer"] == "/query/nope"


# --- lists


async def test_lists_by_status_name_tag_and_time_in_pages(hub: Running) -> None:
    ids = [(await submit(hub, {**CHAIN, "name": f"w{n % 2}"}))["id"] for n in range(5)]
    await hub.client.post(f"/workflows/{ids[0]}/cancel")

    async def found(**params: Any) -> list[str]:
        return [item["id"] for item in (await get(hub, "/workflows", params=params))["items"]]

    assert await found() == ids[::-1]
    assert await found(name="w1") == [ids[3], ids[1]]
    assert await found(status="cancelled") == [ids[0]]
    assert await found(status=["cancelled", "running"]) == ids[::-1]
    assert await found(tag="night", name="w0", status="running") == [ids[4], ids[2]]
    assert await found(tag="day") == []
    assert await found(user=NOBODY) == []
    assert await found(created_after="2100-01-01T00:00:00Z") == []
    assert await found(created_before="2100-01-01T00:00:00Z") == ids[::-1]
    page = await get(hub, "/workflows", params={"limit": 3})
    assert [item["id"] for item in page["items"]] == ids[:1:-1]
    assert all(item["nodes"] is None for item in page["items"])
    rest = await get(hub, "/workflows", params={"limit": 3, "cursor": page["next_cursor"]})
    assert ([item["id"] for item in rest["items"]], rest["next_cursor"]) == (ids[1::-1], None)
    for wrong in (
        "status=blocked",
        "limit=0",
        "limit=1001",
        "cursor=x",
        "name=A",
        "user=x",
        "created_after=now",
    ):
        assert (await hub.client.get(f"/workflows?{wrong}")).status_code == 422, wrong


# --- the life


async def test_the_items_of_a_fan_out(tmp_path: Path, ground: Ground) -> None:
    async with api(tmp_path, *ground, handlers=Work().registry) as hub:
        workflow = await submit(hub, MAP, headers={"Prefer": "wait=30"})
        assert workflow["status"] == "failed", workflow
        each = workflow["nodes"]["each"]
        assert each["items"] == {
            "total": 5, "scheduled": 0, "queued": 0, "running": 0, "success": 4, "failed": 1, "cancelled": 0,
        }  # fmt: skip
        assert (each["status"], each["task_id"], each["result"]) == ("failed", None, None)
        assert workflow["nodes"]["sum"]["result"] == 1 + 3 + 5 + 9
        path = f"/workflows/{workflow['id']}/nodes/each/items"
        items = (await get(hub, path))["items"]
        assert [item["item"] for item in items] == [0, 1, 2, 3, 4]
        assert [item["result"] for item in items] == [1, 3, 5, None, 9]
        [failed] = (await get(hub, path, params={"status": "failed"}))["items"]
        assert (failed["item"], failed["error"]["message"]) == (3, "three is too many")
        assert failed["task_id"] == (await get(hub, f"/tasks/{failed['task_id']}"))["id"]
        page = await get(hub, path, params={"limit": 2})
        assert page["next_cursor"] == "1"
        rest = await get(hub, path, params={"limit": 3, "cursor": "1"})
        assert ([item["item"] for item in rest["items"]], rest["next_cursor"]) == ([2, 3, 4], None)
        for wrong in (
            f"/workflows/{workflow['id']}/nodes/nope/items",
            f"/workflows/{NOBODY}/nodes/each/items",
        ):
            assert (await hub.client.get(wrong)).status_code == 404
        assert (await hub.client.get(f"{path}?cursor=x")).status_code == 422
        assert (await hub.client.get(f"/workflows/{workflow['id']}/nodes/A/items")).status_code == 422


async def test_items_whose_results_are_too_heavy_for_a_page_come_with_the_next(
    tmp_path: Path, ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    for reads in (reads_of_postgres, reads_of_sqlite):
        monkeypatch.setattr(reads, "PAGE_OCTETS", 2)  # results have one octet each
    async with api(tmp_path, *ground, handlers=Work().registry) as hub:
        workflow = await submit(hub, MAP, headers={"Prefer": "wait=30"})
        path = f"/workflows/{workflow['id']}/nodes/each/items"
        pages = [await get(hub, path)]
        while pages[-1]["next_cursor"] is not None:
            pages.append(await get(hub, path, params={"cursor": pages[-1]["next_cursor"]}))
        assert [[item["item"] for item in page["items"]] for page in pages] == [[0, 1], [2, 3, 4]]
        nodes = workflow["nodes"]
        assert (nodes["list"]["result"], nodes["list"]["result_withheld"]) == (None, True)
        whole = await get(hub, f"/tasks/{nodes['list']['task_id']}/result")
        assert whole["result"] == [0, 1, 2, 3, 4]


async def test_items_before_it_is_known_what_they_are(hub: Running) -> None:
    workflow = await submit(hub, MAP)
    assert workflow["nodes"]["each"]["items"]["total"] is None
    page = await get(hub, f"/workflows/{workflow['id']}/nodes/each/items")
    assert page == {"items": [], "next_cursor": None}


async def test_a_cancel_ends_what_waits_at_once_and_twice_is_harmless(hub: Running) -> None:
    id = (await submit(hub))["id"]
    answer = await hub.client.post(f"/workflows/{id}/cancel")
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    assert set(answer.json()["counts"]) <= {"cancelled", "skipped"}
    again = await hub.client.post(f"/workflows/{id}/cancel")
    assert (again.status_code, again.json()["rev"]) == (200, answer.json()["rev"])
    assert (await hub.client.post(f"/workflows/{NOBODY}/cancel")).status_code == 404


async def test_a_cancel_asks_what_runs(tmp_path: Path, ground: Ground) -> None:
    work = Work()
    async with api(tmp_path, *ground, handlers=work.registry) as hub:
        workflow = await submit(
            hub, {"name": "w", "nodes": {"a": {"type": "hold"}, "b": {"type": "hold", "after": ["a"]}}}
        )
        path = f"/workflows/{workflow['id']}"
        await until(hub, path, lambda seen: seen["nodes"]["a"]["status"] == "running")
        answer = await hub.client.post(f"{path}/cancel")
        assert (answer.status_code, answer.json()["status"]) == (202, "running")
        assert answer.json()["cancel_requested_at"] is not None
        ended = await until(hub, path, lambda seen: seen["status"] != "running")
        assert (ended["status"], ended["nodes"]["a"]["status"]) == ("cancelled", "cancelled")
        redriven = await hub.client.post(f"{path}/redrive")
        assert (redriven.status_code, redriven.json()["status"]) == (200, "running")
        work.go.set()
        assert (await until(hub, path, lambda seen: seen["status"] != "running"))["status"] == "success"


async def test_what_its_state_does_not_allow_is_409(hub: Running) -> None:
    id = (await submit(hub))["id"]
    for method, path in (("POST", f"/workflows/{id}/redrive"), ("DELETE", f"/workflows/{id}")):
        answer = await hub.client.request(method, path)
        assert (answer.status_code, answer.json()["code"]) == (409, "not_allowed")
    await hub.client.post(f"/workflows/{id}/cancel")
    assert (await hub.client.post(f"/workflows/{id}/redrive")).json()["status"] == "running"
    await hub.client.post(f"/workflows/{id}/cancel")
    gone = await hub.client.delete(f"/workflows/{id}")
    assert (gone.status_code, gone.json()) == (200, {"id": id})
    assert (await hub.client.get(f"/workflows/{id}")).status_code == 404
    assert await hub.count() == 0, "its tasks are gone with it"


async def test_a_blocked_task_says_what_it_waits_for(hub: Running) -> None:
    workflow = await submit(hub)
    why = await get(hub, f"/tasks/{workflow['nodes']['alarm']['task_id']}/explain")
    assert why["summary"] == "It waits for second (blocked) to end."
    assert why["causes"][0]["nodes"] == [{"node": "second", "status": "blocked"}]
    assert why["causes"][0]["workflow_id"] == workflow["id"]


# --- who sees what


async def test_another_accounts_workflows_are_unknown_and_an_admin_sees_them(
    database_url: str, tmp_path: Path
) -> None:
    async with api(tmp_path, database_url, auth=ACCOUNTS, loops=False) as hub:
        people = People(hub)
        _, owner = await people.user(account="a")
        _, other = await people.user(account="b")
        _, admin = await people.user(Role.ADMIN)
        id = (await submit(hub, headers=owner))["id"]
        assert (await get(hub, "/workflows", headers=other))["items"] == []
        assert [one["id"] for one in (await get(hub, "/workflows", headers=admin))["items"]] == [id]
        assert (await get(hub, f"/workflows/{id}", headers=admin))["id"] == id
        ended = await hub.client.post(f"/workflows/{id}/cancel", headers=admin)
        assert ended.json()["status"] == "cancelled"


async def test_a_key_for_some_queues_uses_and_sees_these_only(database_url: str, tmp_path: Path) -> None:
    async with api(tmp_path, database_url, auth=ACCOUNTS, loops=False) as hub:
        people = People(hub)
        _, owner = await people.user(account="a")
        key = await people.key(Scope.SUBMIT, Scope.READ, Scope.MANAGE, account="a", queues=("mail", "sms"))

        def of(*queues: str | None) -> dict[str, Any]:
            return {
                "name": "w",
                "nodes": {f"n{n}": {"type": "t", "queue": queue} for n, queue in enumerate(queues)},
            }

        answer = await hub.client.post("/workflows", json=of("mail", "files"), headers=key)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
        inner = {
            "name": "w",
            "nodes": {"sub": {"workflow": {"nodes": {"a": {"type": "t", "queue": "files"}}}}},
        }
        assert (await hub.client.post("/workflows", json=inner, headers=key)).status_code == 403
        mine = (await submit(hub, of("mail", "sms"), headers=key))["id"]
        theirs = (await submit(hub, of("mail", "files"), headers=owner))["id"]
        both = (await submit(hub, of("sms"), headers=owner))["id"]
        unsaid = (await submit(hub, of(None), headers=owner))["id"]
        assert (await hub.client.get("/workflows", headers=key)).status_code == 403
        for id, status in ((mine, 200), (both, 200), (theirs, 404), (unsaid, 404)):
            assert (await hub.client.get(f"/workflows/{id}", headers=key)).status_code == status
            assert (
                await hub.client.get(
                    f"/workflows/{id}/events", headers={**key, "Last-Event-ID": "1-0000000000000000"}
                )
                if status == 404
                else await hub.client.post(f"/workflows/{id}/cancel", headers=key)
            ).status_code == status


async def test_a_replay_tells_a_key_nothing_of_other_queues(database_url: str, tmp_path: Path) -> None:
    async with api(tmp_path, database_url, auth=ACCOUNTS, loops=False) as hub:
        people = People(hub)
        _, owner = await people.user(account="a")
        mail = await people.key(Scope.SUBMIT, account="a", queues=("mail",))
        body = {"name": "w", "nodes": {"n": {"type": "t"}}}
        await submit(hub, body, headers={**owner, "Idempotency-Key": "k"})
        answer = await hub.client.post("/workflows", json=body, headers={**mail, "Idempotency-Key": "k"})
        assert answer.status_code == 403


# --- live


async def until(hub: Running, path: str, true: Any, within_s: float = 20.0) -> dict[str, Any]:
    """The workflow, once that is true of it: by its events, not by sleeping."""
    async with (
        asyncio.timeout(within_s),
        hub.client.stream("GET", f"{path}/events") as answer,
        contextlib.aclosing(events_of(answer)) as events,
    ):
        async for event in events:
            if "data" in event and true(event["data"]):
                found: dict[str, Any] = event["data"]
                return found
    raise AssertionError("its events ended before that was true")


async def test_it_is_told_from_snapshot_to_end(tmp_path: Path, ground: Ground) -> None:
    work = Work()
    async with api(tmp_path, *ground, handlers=work.registry) as hub:
        workflow = await submit(
            hub,
            {
                "name": "w",
                "nodes": {
                    "a": {"type": "hold"},
                    "b": {"type": "numbers", "payload": {"count": 1}, "after": ["a"]},
                },
            },
        )
        async with hub.client.stream("GET", f"/workflows/{workflow['id']}/events") as answer:
            assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
            seen = []
            async for event in events_of(answer):
                seen.append(event)
                if "data" in event and event["data"]["nodes"]["a"]["status"] == "running":
                    work.go.set()
        assert seen[0] == {"retry": "1000"}
        told = [event for event in seen if "data" in event]
        assert {event["event"] for event in told[:-1]} == {"workflow.running"}
        assert told[-1]["event"] == "workflow.success"
        assert told[-1]["data"] == await get(hub, f"/workflows/{workflow['id']}")
        assert len({event["id"] for event in told}) == len(told), "nothing is told twice"
        over = await hub.client.get(
            f"/workflows/{workflow['id']}/events", headers={"Last-Event-ID": told[-1]["id"]}
        )
        assert (over.status_code, over.content) == (204, b"")


async def test_a_resume_tells_what_is_new_and_waits_for_it(hub: Running) -> None:
    workflow = await submit(hub)
    path = f"/workflows/{workflow['id']}"
    async with hub.client.stream("GET", f"{path}/events") as answer:
        events = events_of(answer)
        assert await anext(events) == {"retry": "1000"}
        first = await anext(events)
    async with hub.client.stream("GET", f"{path}/events", headers={"Last-Event-ID": first["id"]}) as answer:
        events = events_of(answer)
        assert await anext(events) == {"retry": "1000"}
        await hub.client.post(f"{path}/cancel")
        assert [event["event"] async for event in events] == ["workflow.cancelled"]
    stale = {"Last-Event-ID": "1-0000000000000000"}
    async with hub.client.stream("GET", f"{path}/events", headers=stale) as answer:
        assert [event.get("event") async for event in events_of(answer)] == [None, "workflow.cancelled"]
    assert (await hub.client.get(f"{path}/events", headers={"Last-Event-ID": "x"})).status_code == 422
    assert (await hub.client.get(f"/workflows/{NOBODY}/events")).status_code == 404


async def test_one_that_is_removed_meanwhile_ends_its_stream_and_leaves_nobody_listening(
    hub: Running,
) -> None:
    before = listeners(hub)
    id = (await submit(hub))["id"]
    async with hub.client.stream("GET", f"/workflows/{id}/events") as answer:
        events = events_of(answer)
        assert [(await anext(events)).get("event") for _ in range(2)] == [None, "workflow.running"]
        await hub.engine.workflows.cancel("default", id)
        await hub.engine.workflows.delete("default", id)
        assert [event["event"] async for event in events] in ([], ["workflow.cancelled"])
    await eventually(lambda: listeners(hub) == before)


async def test_a_quiet_stream_says_that_it_lives(hub: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "KEEP_ALIVE_S", 0.0)
    monkeypatch.setattr(sse, "POLL_S", 0.01)
    id = (await submit(hub))["id"]
    async with hub.client.stream("GET", f"/workflows/{id}/events") as answer:
        events = events_of(answer)
        for _ in range(2):
            await anext(events)
        assert await anext(events) == {"comment": ": still here"}


async def test_changes_are_told_at_most_five_times_a_second(
    hub: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [(await submit(hub, {**CHAIN, "nodes": {"a": {"type": "t", "priority": 1}}}))["id"]]
    task = (await get(hub, f"/workflows/{ids[0]}"))["nodes"]["a"]["task_id"]
    loop = asyncio.get_running_loop()
    async with hub.client.stream("GET", f"/workflows/{ids[0]}/events") as answer:
        events = events_of(answer)
        await anext(events)
        began = loop.time()
        times, enough = 0, asyncio.Event()

        async def stir() -> None:
            while True:
                await hub.client.patch(f"/tasks/{task}", json={"priority": 9})
                await hub.client.post("/workflows", json=CHAIN)

        stirring = asyncio.create_task(stir())
        looked = hub.engine.workflows.get

        async def counted(*args: Any) -> Any:
            nonlocal times
            times += 1
            if times == 6:
                enough.set()
            return await looked(*args)

        monkeypatch.setattr(hub.engine.workflows, "get", counted)
        async with asyncio.timeout(30):
            await enough.wait()
        stirring.cancel()
        assert times <= 5 * (loop.time() - began) + 1


async def test_nudges_tell_that_workflows_changed_also_when_a_task_ends_them(
    tmp_path: Path, ground: Ground
) -> None:
    work = Work()
    async with api(tmp_path, *ground, handlers=work.registry) as hub:
        workflow = await submit(hub, {"name": "w", "nodes": {"a": {"type": "hold"}}})
        await until(
            hub, f"/workflows/{workflow['id']}", lambda seen: seen["nodes"]["a"]["status"] == "running"
        )
        async with (
            asyncio.timeout(10),
            hub.client.stream("GET", "/events") as answer,
            contextlib.aclosing(events_of(answer)) as events,
        ):
            await anext(events)
            work.go.set()
            status = "running"
            while status == "running":  # the first nudge may still be about its beginning
                while "workflows" not in (await anext(events))["data"]["topics"]:
                    pass
                status = (await get(hub, f"/workflows/{workflow['id']}"))["status"]
        assert status == "success"
