"""Queues, workers, bulk operations and the API's own state over HTTP."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio
from prometheus_client.parser import text_string_to_metric_families
from tests.support.grounds import Ground
from tests.support.http_api import Running, api

from taskflow_hub.domain.clock import new_id
from taskflow_hub.domain.errors import StoreFull, StoreUnavailable
from taskflow_hub.worker.registry import Registry


@pytest_asyncio.fixture
async def hub(database_url: str, tmp_path: Path) -> AsyncIterator[Running]:
    async with api(tmp_path, database_url, loops=False) as running:
        yield running


async def noop() -> None:
    pass


def registry() -> Registry:
    made = Registry()
    made.add("noop", noop, queue="quick", description="Nothing at all.")
    return made


# --- queues


async def test_queues_show_depth_policy_and_who_serves_them(hub: Running) -> None:
    await hub.submit("a")
    await hub.submit("b", queue="other")
    await hub.submit("a", delay=60)
    items = (await hub.client.get("/queues")).json()["items"]
    assert [queue["name"] for queue in items] == ["default", "other"]
    assert items[0]["depth"] == {"scheduled": 1, "blocked": 0, "queued": 1, "running": 0}
    assert items[0]["held"] == {"no_worker": 1}
    assert items[0]["unserved_types"] == ["a"]
    assert items[0]["oldest_age"] >= 0


async def test_a_pause_is_shown_and_ended(hub: Running) -> None:
    task = await hub.submit("a", queue="q")
    paused = await hub.client.post("/queues/q/pause")
    assert (paused.status_code, paused.json()["name"], paused.json()["paused"]) == (200, "q", True)
    assert (await hub.client.get(f"/tasks/{task['id']}")).json()["hold"] == "paused"
    resumed = await hub.client.post("/queues/q/resume")
    assert (resumed.status_code, resumed.json()["paused"]) == (200, False)
    assert (await hub.client.post("/queues/never.used/pause")).status_code == 422
    assert (await hub.client.post("/queues/never-used/pause")).json()["paused"] is True


async def test_a_bound_is_set_and_lifted(hub: Running) -> None:
    assert (await hub.client.patch("/queues/q", json={"max_size": 0})).json()["max_size"] == 0
    assert (await hub.client.post("/tasks", json={"type": "a", "queue": "q"})).status_code == 429
    assert (await hub.client.patch("/queues/q", json={"max_size": None})).json()["max_size"] is None
    assert (await hub.client.post("/tasks", json={"type": "a", "queue": "q"})).status_code == 202


async def test_purge_cancels_what_waits(hub: Running) -> None:
    tasks = [await hub.submit("a", queue="q") for _ in range(3)]
    assert (await hub.client.post("/queues/q/purge")).json() == {"cancelled": 3}
    assert (await hub.client.get(f"/tasks/{tasks[0]['id']}")).json()["status"] == "cancelled"
    assert (await hub.client.post("/queues/q/purge")).json() == {"cancelled": 0}


# --- workers


async def test_workers_types_and_drain(ground: Ground, tmp_path: Path) -> None:
    async with api(tmp_path, *ground, handlers=registry()) as hub:
        [worker] = (await hub.client.get("/workers")).json()["items"]
        assert (worker["state"], worker["types"], worker["running"]) == ("alive", ["noop"], 0)
        [declared] = (await hub.client.get("/task-types")).json()["items"]
        assert (declared["type"], declared["queue"], declared["description"]) == (
            "noop",
            "quick",
            "Nothing at all.",
        )
        assert declared["payload_schema"]["type"] == "object"

        for _ in range(2):
            drained = await hub.client.post(f"/workers/{worker['id']}/drain")
            assert (drained.status_code, drained.json()["state"]) == (200, "draining")
        await hub.client.post("/tasks", json={"type": "noop"})
        [queue] = (await hub.client.get("/queues")).json()["items"]
        assert (queue["workers"], queue["unserved_types"], queue["held"]) == ([], ["noop"], {"no_worker": 1})


# --- bulk


async def ended(hub: Running, path: str) -> dict[str, Any]:
    found: dict[str, Any] = {}

    async def look() -> None:
        found.update((await hub.client.get(path)).json())

    async with asyncio.timeout(20):
        while not found or found["status"] == "running":
            await look()
    return found


async def test_a_dry_run_only_counts(hub: Running) -> None:
    for _ in range(3):
        await hub.submit("a")
    await hub.submit("b")
    answer = await hub.client.post(
        "/bulk", json={"filter": {"type": "a"}, "action": "cancel", "dry_run": True}
    )
    assert (answer.status_code, answer.json()) == (200, {"action": "cancel", "total": 3, "dry_run": True})
    assert {task["status"] for task in (await hub.client.get("/tasks")).json()["items"]} == {"queued"}


async def test_bulk_of_one_user_leaves_the_tasks_of_others(database_url: str, tmp_path: Path) -> None:
    async with api(tmp_path, database_url) as hub:
        await hub.submit("a")
        nobodys = {"user": new_id(), "status": ["queued"]}
        begun = await hub.client.post("/bulk", json={"filter": nobodys, "action": "cancel"})
        over = await ended(hub, begun.headers["location"])
        assert (over["filter"]["user"], over["total"], over["done"]) == (nobodys["user"], 0, 0)
        assert {task["status"] for task in (await hub.client.get("/tasks")).json()["items"]} == {"queued"}


async def test_bulk_cancel_then_redrive_then_delete(database_url: str, tmp_path: Path) -> None:
    async with api(tmp_path, database_url) as hub:
        for _ in range(5):
            await hub.submit("a", tags=["x"])
        other = await hub.submit("b")
        for action, status in (("cancel", "cancelled"), ("redrive", "queued"), ("cancel", "cancelled")):
            begun = await hub.client.post("/bulk", json={"filter": {"tag": "x"}, "action": action})
            assert begun.status_code == 202
            assert begun.headers["location"] == f"/bulk/{begun.json()['id']}"
            assert begun.json()["filter"]["tag"] == "x"
            over = await ended(hub, begun.headers["location"])
            assert (over["status"], over["total"], over["done"], over["skipped"]) == ("done", 5, 5, 0)
            tasks = (await hub.client.get("/tasks", params={"tag": "x"})).json()["items"]
            assert {task["status"] for task in tasks} == {status}
        begun = await hub.client.post("/bulk", json={"filter": {"status": ["cancelled"]}, "action": "delete"})
        await ended(hub, begun.headers["location"])
        assert [task["id"] for task in (await hub.client.get("/tasks")).json()["items"]] == [other["id"]]


async def test_bulk_abort(hub: Running) -> None:
    await hub.submit("a")
    begun = await hub.client.post("/bulk", json={"filter": {}, "action": "cancel"})  # no loop carries it on
    assert begun.json()["status"] == "running"
    for _ in range(2):
        aborted = await hub.client.post(f"{begun.headers['location']}/abort")
        assert (aborted.status_code, aborted.json()["status"]) == (200, "aborted")


# --- the API itself


async def test_alive_and_ready(database_url: str, tmp_path: Path) -> None:
    async with api(tmp_path, database_url) as hub:
        assert (await hub.client.get("/healthz")).json() == {"status": "ok"}
        ready = await hub.client.get("/readyz")
        assert (ready.status_code, ready.json()["status"]) == (200, "ready")
        assert set(ready.json()["checks"].values()) == {"ok"}


async def test_warnings_are_shown_to_those_who_ask(hub: Running, monkeypatch: Any) -> None:
    async def hindered() -> list[str]:
        return ["Somebody holds back vacuum."]

    monkeypatch.setattr(hub.engine.store, "warnings", hindered)
    for asking in ("?verbose", "?verbose=true", "?verbose=1"):
        assert (await hub.client.get(f"/readyz{asking}")).json()["warnings"] == [
            "Somebody holds back vacuum."
        ]
    for not_asking in ("", "?verbose=false"):
        assert "warnings" not in (await hub.client.get(f"/readyz{not_asking}")).json()
    assert (await hub.client.get("/readyz?verbose=perhaps")).status_code == 422


async def test_nothing_to_warn_of(database_url: str, tmp_path: Path, monkeypatch: Any) -> None:
    async def away() -> None:
        raise StoreUnavailable("The database has gone for a walk.")

    async with api(tmp_path, database_url) as hub:
        ready = await hub.client.get("/readyz?verbose")
        assert (ready.status_code, ready.json()["warnings"]) == (200, [])
        monkeypatch.setattr(hub.engine.store, "ping", away)
        monkeypatch.setattr(hub.engine.store, "warnings", away)
        unready = await hub.client.get("/readyz?verbose")
        assert (unready.status_code, unready.json()["warnings"]) == (503, [])


async def test_not_ready_says_what_is_wrong(hub: Running, monkeypatch: Any) -> None:
    async def away() -> None:
        raise StoreUnavailable("The database has gone for a walk.")

    monkeypatch.setattr(hub.engine.store, "ping", away)
    unready = await hub.client.get("/readyz")
    assert (unready.status_code, unready.json()["status"]) == (503, "unready")
    assert unready.json()["checks"]["store"] == "The database has gone for a walk."
    assert "dispatcher" in unready.json()["checks"]["loops"]
    assert (await hub.client.get("/healthz")).status_code == 200


async def test_a_loop_that_waits_out_an_outage_is_not_ready(tmp_path: Path, monkeypatch: Any) -> None:
    """Of a full disk, say: what is there can be read, so the store's own check is well."""
    async with api(tmp_path) as hub:
        dispatcher = hub.engine.loops[0]
        met = asyncio.Event()

        async def tick() -> None:
            met.set()
            raise StoreFull("The disk is full.")

        monkeypatch.setattr(dispatcher, "tick", tick)
        dispatcher.wake()
        await met.wait()
        unready = await hub.client.get("/readyz")
        assert (unready.status_code, unready.json()["status"]) == (503, "unready")
        assert unready.json()["checks"]["store"] == "ok"
        assert unready.json()["checks"]["loops"] == "waiting: The disk is full."


async def test_a_store_that_is_away_is_503_with_retry_after(hub: Running, monkeypatch: Any) -> None:
    async def away(*_: object, **__: object) -> None:
        raise StoreUnavailable("The database has gone for a walk.")

    monkeypatch.setattr(hub.engine.store, "search", away)
    answer = await hub.client.get("/tasks")
    assert (answer.status_code, answer.json()["code"]) == (503, "store_unavailable")
    assert answer.headers["retry-after"] == "2"


async def test_a_fault_of_ours_is_500_without_a_traceback(
    hub: Running, monkeypatch: Any, capsys: Any
) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise KeyError("secret inside")

    monkeypatch.setattr(hub.engine.store, "search", broken)
    answer = await hub.client.get("/tasks")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert answer.headers["content-type"] == "application/problem+json"
    assert "secret" not in answer.text
    assert "secret inside" in capsys.readouterr().out, "the log has it"
    assert (await hub.client.get("/healthz")).status_code == 200


async def test_metrics_can_be_parsed(hub: Running) -> None:
    await hub.submit("a")
    answer = await hub.client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    assert families["taskflow_tasks_submitted"].samples[0].value == 1
    assert "process_resident_memory_bytes" in families


async def test_problems_are_explained_where_their_type_points(hub: Running) -> None:
    problem = (await hub.client.get("/nowhere")).json()
    explained = (await hub.client.get(problem["type"])).json()
    assert (explained["code"], explained["status"], explained["title"]) == (
        "not_found",
        404,
        problem["title"],
    )
    assert explained["explanation"]


async def test_answers_are_kept_by_nobody(hub: Running) -> None:
    for path in ("/tasks", "/healthz", "/nowhere", "/metrics"):
        headers = (await hub.client.get(path)).headers
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert "server" not in headers


async def test_the_client_may_leave_in_the_middle_of_its_body(hub: Running) -> None:
    _, writer = await asyncio.open_connection(*hub.address)
    writer.write(b'POST /tasks HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{"type": "a"}')
    await writer.drain()
    writer.transport.abort()
    assert await hub.count() == 0
