"""Submitting over HTTP: what is answered, what is stored, and what a repeat does."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tests.support.grounds import Ground
from tests.support.http_api import Running, api, eventually

from taskflow_hub.domain.messages import Register
from taskflow_hub.domain.model import TaskType
from taskflow_hub.worker.registry import Registry

KEY = "Idempotency-Key"
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest_asyncio.fixture
async def hub(database_url: str, tmp_path: Path) -> AsyncIterator[Running]:
    async with api(tmp_path, database_url, loops=False) as running:
        yield running


async def test_a_submit_is_answered_202_with_the_task_and_its_place(hub: Running) -> None:
    answer = await hub.client.post("/tasks", json={"type": "demo.noop", "payload": {"a": 1}, "tags": ["x"]})

    task = answer.json()
    assert answer.status_code == 202
    assert answer.headers["location"] == f"/tasks/{task['id']}"
    assert task["status"] == "queued"
    assert (await hub.client.get(answer.headers["location"])).json() == task
    assert " ".join(task) == (
        "id type queue priority status rev reason hold payload attempt retry_count max_retries crashes retry timeout "
        "created_at run_at started_at finished_at expires_at cancel_requested_at progress result result_ref error "
        "user_id tags worker parent_id workflow_id schedule_id traceparent"
    )


@pytest.mark.parametrize(
    "content_type", ["application/x-www-form-urlencoded", "text/plain", "", "no/such; thing"]
)
async def test_a_body_is_read_as_json_whatever_its_content_type(hub: Running, content_type: str) -> None:
    answer = await hub.client.post(
        "/tasks", content=b'{"type": "demo.noop"}', headers={"content-type": content_type}
    )
    assert answer.status_code == 202


async def test_a_task_may_wait_for_its_time(hub: Running) -> None:
    assert (await hub.submit(delay=60))["status"] == "scheduled"
    assert (await hub.submit(run_at="2100-01-01T00:00:00+02:00"))["run_at"] == "2099-12-31T22:00:00Z"


async def test_limits(hub: Running) -> None:
    await hub.engine.workers.answer(
        Register(
            worker="w", name="w", host="h", pid=1, version="1", slots=9, window=1, types=(TaskType(type="t"),)
        )
    )
    one = {"type": "t", "limits": [{"key": "host:example.org", "running": 1.0, "per_second": 10}]}
    assert (await hub.client.post("/tasks", json=one)).status_code == 202
    batch = {"tasks": [one, {"type": "t", "limits": [{"key": "host:example.org"}]}]}
    ids = (await hub.client.post("/tasks/batch", json=batch)).json()["ids"]
    assert len((await hub.engine.store.lease(None, 10)).leases) == 1
    holds = [(await hub.client.get(f"/tasks/{id}")).json()["hold"] for id in ids]
    assert holds == ["limit:host:example.org"] * 2
    (queue,) = (await hub.client.get("/queues")).json()["items"]
    assert queue["held"] == {"limit:host:example.org": 2}


async def test_a_limit_without_numbers_is_named_where_it_stands(hub: Running) -> None:
    new = {"type": "t", "limits": [{"key": "a", "running": 1}, {"key": "new"}]}
    alone = (await hub.client.post("/tasks", json=new)).json()
    assert (alone["status"], alone["errors"][0]["pointer"]) == (422, "/limits/1/running")
    assert "/" not in alone["detail"]
    together = await hub.client.post("/tasks/batch", json={"tasks": [{"type": "t"}, new]})
    assert together.json()["errors"][0]["pointer"] == "/tasks/1/limits/1/running"
    assert (await hub.client.get("/tasks")).json()["items"] == []
    relying = await hub.client.post("/tasks", json={"type": "t", "limits": [{"key": "a"}]})
    assert relying.status_code == 422, "what was refused has stated nothing"


async def test_limits_are_part_of_what_a_key_stands_for(hub: Running) -> None:
    body = {"type": "t", "limits": [{"key": "a", "running": 1}]}
    assert (await hub.client.post("/tasks", json=body, headers={KEY: "k"})).status_code == 202
    assert (await hub.client.post("/tasks", json=body, headers={KEY: "k"})).status_code == 200
    body["limits"] = [{"key": "a", "running": 2}]
    assert (await hub.client.post("/tasks", json=body, headers={KEY: "k"})).status_code == 422


async def test_a_type_that_nobody_serves_is_accepted_and_held(hub: Running) -> None:
    assert (await hub.submit("nobody.knows"))["hold"] == "no_worker"


async def test_the_payload_is_checked_against_the_types_schema(hub: Running) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    declared = TaskType(type="typed.one", queue="mail", payload_schema=schema, max_retries=7)
    await hub.engine.workers.answer(
        Register(worker="w", name="w", host="h", pid=1, version="1", slots=1, window=1, types=(declared,))
    )
    refused = await hub.client.post("/tasks", json={"type": "typed.one", "payload": {"n": "one"}})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/payload/n"

    task = await hub.submit("typed.one", {"n": 1})
    assert (task["queue"], task["max_retries"]) == ("mail", 7)


# --- Idempotency-Key


async def test_a_repeat_with_the_same_key_and_body_answers_the_same_task(hub: Running) -> None:
    first = await hub.client.post("/tasks", json={"type": "a", "priority": 3}, headers={KEY: "k1"})
    second = await hub.client.post("/tasks", content=b'{ "priority":3, "type":"a" }', headers={KEY: '"k1"'})

    assert (first.status_code, second.status_code) == (202, 200)
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    assert second.headers["location"] == first.headers["location"]
    assert second.json()["id"] == first.json()["id"]
    assert await hub.count() == 1


async def test_a_replay_shows_the_task_as_it_is_now(hub: Running) -> None:
    first = await hub.client.post("/tasks", json={"type": "a"}, headers={KEY: "k"})
    await hub.client.post(f"{first.headers['location']}/cancel")
    assert (await hub.client.post("/tasks", json={"type": "a"}, headers={KEY: "k"})).json()[
        "status"
    ] == "cancelled"


async def test_the_same_key_with_another_body_is_422(hub: Running) -> None:
    await hub.client.post("/tasks", json={"type": "a"}, headers={KEY: "k"})
    other = await hub.client.post("/tasks", json={"type": "b"}, headers={KEY: "k"})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")
    assert [error["pointer"] for error in other.json()["errors"]] == ["/header/Idempotency-Key"]


async def test_the_key_of_a_task_that_is_gone_never_runs_it_again(hub: Running) -> None:
    first = await hub.client.post("/tasks", json={"type": "a"}, headers={KEY: "k"})
    await hub.client.post(f"{first.headers['location']}/cancel")
    assert (await hub.client.delete(first.headers["location"])).status_code == 200

    again = await hub.client.post("/tasks", json={"type": "a"}, headers={KEY: "k"})
    assert (again.status_code, again.json()["code"]) == (410, "task_gone")
    assert await hub.count() == 0


async def test_a_key_is_one_of_its_route(hub: Running) -> None:
    await hub.client.post("/tasks", json={"type": "a"}, headers={KEY: "k"})
    batch = await hub.client.post("/tasks/batch", json={"tasks": [{"type": "a"}]}, headers={KEY: "k"})
    assert batch.status_code == 202


@pytest.mark.parametrize(
    "key", ["", '""', "x" * 256, '"' + "x" * 256 + '"', '"open', "tab\there", "ключ".encode(), b"\xff"]
)
async def test_a_key_that_is_none_is_refused(hub: Running, key: str | bytes) -> None:
    said = [(KEY.encode(), key.encode() if isinstance(key, str) else key)]
    answer = await hub.client.post("/tasks", json={"type": "a"}, headers=said)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/header/Idempotency-Key"
    assert await hub.count() == 0


async def test_two_keys_are_one_too_many(hub: Running) -> None:
    answer = await hub.client.post("/tasks", json={"type": "a"}, headers=[(KEY, "a"), (KEY, "b")])
    assert answer.status_code == 422


@pytest.mark.parametrize("key", ["x" * 255, '"' + "x" * 255 + '"', "a b", r'"say \"hi\" \\"', "!~"])
async def test_keys_that_are_fine(hub: Running, key: str) -> None:
    for status in (202, 200):
        assert (await hub.client.post("/tasks", json={"type": "a"}, headers={KEY: key})).status_code == status


async def test_many_at_once_with_one_key_make_one_task(hub: Running) -> None:
    asked = [hub.client.post("/tasks", json={"type": "a"}, headers={KEY: "same"}) for _ in range(20)]
    answers = await asyncio.gather(*asked)
    assert sorted(answer.status_code for answer in answers) == [200] * 19 + [202]
    assert len({answer.json()["id"] for answer in answers}) == 1


# --- unique


async def test_the_holder_of_a_unique_key_answers_with_200(hub: Running) -> None:
    holder = await hub.submit("a", unique={"key": "u"})
    again = await hub.client.post("/tasks", json={"type": "a", "unique": {"key": "u"}})
    assert (again.status_code, again.json()["id"]) == (200, holder["id"])
    assert "idempotency-replayed" not in again.headers

    rejected = await hub.client.post(
        "/tasks", json={"type": "a", "unique": {"key": "u", "on_conflict": "reject"}}
    )
    assert (rejected.status_code, rejected.json()["code"]) == (409, "unique_conflict")
    assert rejected.json()["errors"][0]["pointer"] == "/unique/key"

    replaced = await hub.client.post(
        "/tasks", json={"type": "a", "unique": {"key": "u", "on_conflict": "replace"}}
    )
    assert replaced.status_code == 202
    assert (await hub.client.get(f"/tasks/{holder['id']}")).json()["status"] == "cancelled"


# --- a full queue


async def test_a_full_queue_is_429_with_retry_after(hub: Running) -> None:
    await hub.client.patch("/queues/small", json={"max_size": 1})
    await hub.submit("a", queue="small")
    full = await hub.client.post("/tasks", json={"type": "a", "queue": "small"})
    assert (full.status_code, full.json()["code"]) == (429, "queue_full")
    assert full.json()["errors"] == [{"pointer": "/queue", "detail": "queue 'small' is full"}]
    assert int(full.headers["retry-after"]) >= 1

    batch = await hub.client.post(
        "/tasks/batch", json={"tasks": [{"type": "a"}, {"type": "a", "queue": "small"}]}
    )
    assert batch.status_code == 429
    assert batch.json()["errors"][0]["pointer"] == "/tasks/1/queue"
    assert await hub.count() == 1


# --- traceparent


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (TRACE, TRACE),
        (TRACE.upper(), None),
        ("00-" + "0" * 32 + "-00f067aa0ba902b7-01", None),
        ("ff" + TRACE[2:], None),
        (TRACE + "-more", None),
        ("nonsense", None),
    ],
)
async def test_a_well_formed_trace_context_is_kept(hub: Running, given: str, kept: str | None) -> None:
    answer = await hub.client.post("/tasks", json={"type": "a"}, headers={"traceparent": given})
    assert (answer.status_code, answer.json()["traceparent"]) == (202, kept)


# --- Prefer: wait


class Gate:
    """A task type that ends when the test says so."""

    def __init__(self) -> None:
        self.registry, self.open = Registry(), asyncio.Event()
        self.registry.add("gate.pass", self._pass)
        self.registry.add("gate.fail", self._fail, max_retries=0)

    async def _pass(self) -> str:
        await self.open.wait()
        return "through"

    async def _fail(self) -> None:
        raise ValueError("no way")


async def test_prefer_wait_answers_with_the_outcome(ground: Ground, tmp_path: Path) -> None:
    gate = Gate()
    async with api(tmp_path, *ground, handlers=gate.registry) as hub:
        gate.open.set()
        for type, status in (("gate.pass", "success"), ("gate.fail", "failed")):
            answer = await hub.client.post("/tasks", json={"type": type}, headers={"Prefer": "wait=20"})
            assert (answer.status_code, answer.json()["status"]) == (200, status)
            assert answer.headers["preference-applied"] == "wait"
            assert answer.headers["location"] == f"/tasks/{answer.json()['id']}"


async def test_prefer_wait_gives_up_in_time_and_a_replay_waits_too(ground: Ground, tmp_path: Path) -> None:
    gate = Gate()
    async with api(tmp_path, *ground, handlers=gate.registry) as hub:
        late = await hub.client.post(
            "/tasks", json={"type": "gate.pass"}, headers={"Prefer": "wait=1", KEY: "k"}
        )
        assert late.status_code == 202
        assert "preference-applied" not in late.headers

        asked = hub.client.post("/tasks", json={"type": "gate.pass"}, headers={"Prefer": "wait=20", KEY: "k"})
        waiting = asyncio.create_task(asked)
        gate.open.set()
        replay = await waiting
        assert (replay.status_code, replay.json()["result"]) == (200, "through")
        assert replay.headers["idempotency-replayed"] == "true"
        assert replay.headers["preference-applied"] == "wait"


@pytest.mark.parametrize(
    "prefer",
    ["respond-async", "wait=soon", "wait", "wait=-1", "wait=0", "waiting=20", "", ",,;=", "wait=1.5"],
)
async def test_other_preferences_are_ignored(hub: Running, prefer: str) -> None:
    answer = await hub.client.post("/tasks", json={"type": "a"}, headers={"Prefer": prefer})
    assert answer.status_code == 202


@pytest.mark.parametrize(
    "prefer", ["respond-async, wait=20", 'Wait="20"; x=y', "return=minimal, wait = 20", "wait=20, wait=0"]
)
async def test_wait_is_found_among_other_preferences(database_url: str, tmp_path: Path, prefer: str) -> None:
    gate = Gate()
    gate.open.set()
    async with api(tmp_path, database_url, handlers=gate.registry) as hub:
        assert (
            await hub.client.post("/tasks", json={"type": "gate.pass"}, headers={"Prefer": prefer})
        ).status_code == 200


async def test_who_waits_and_leaves_takes_nothing_along(ground: Ground, tmp_path: Path) -> None:
    gate = Gate()
    async with api(tmp_path, *ground, handlers=gate.registry) as hub:
        asked = asyncio.create_task(
            hub.client.post("/tasks", json={"type": "gate.pass"}, headers={"Prefer": "wait=60"})
        )
        await eventually(lambda: bool(hub.engine.hints._watches))
        asked.cancel()
        await asyncio.wait({asked})
        await eventually(lambda: not hub.engine.hints._watches)
        gate.open.set()
        [task] = (await hub.client.get("/tasks")).json()["items"]
        async with hub.client.stream("GET", f"/tasks/{task['id']}/events") as events:
            names = [line async for line in events.aiter_lines() if line.startswith("event:")]
        assert names[-1] == "event: task.success"


# --- batch


async def test_a_batch_is_committed_together_in_order(hub: Running) -> None:
    tasks: list[Any] = [{"type": "a", "payload": {"n": n}} for n in range(1000)]
    answer = await hub.client.post("/tasks/batch", json={"tasks": tasks}, headers={KEY: "b"})
    ids = answer.json()["ids"]
    assert (answer.status_code, len(ids)) == (202, 1000)
    assert (await hub.client.get(f"/tasks/{ids[712]}")).json()["payload"] == {"n": 712}
    assert ids == sorted(ids)

    replay = await hub.client.post("/tasks/batch", json={"tasks": tasks}, headers={KEY: "b"})
    assert (replay.status_code, replay.json()["ids"]) == (200, ids)
    assert replay.headers["idempotency-replayed"] == "true"
    assert await hub.count() == 1000


@pytest.mark.parametrize(
    ("index", "task", "pointer"),
    [
        (3, {"type": "a", "priority": 10}, "/tasks/3/priority"),
        (0, {"type": "A B"}, "/tasks/0/type"),
        (7, {"type": "a", "unknown": 1}, "/tasks/7/unknown"),
        (9, {"type": "a", "payload": [1]}, "/tasks/9/payload"),
        (2, {"type": "a", "run_at": "2030-01-01T00:00:00Z", "delay": 1}, "/tasks/2/delay"),
        (5, {"type": "a", "tags": ["x", ""]}, "/tasks/5/tags/1"),
        (1, {}, "/tasks/1/type"),
    ],
)
async def test_a_batch_names_the_index_and_stores_nothing(
    hub: Running, index: int, task: Any, pointer: str
) -> None:
    tasks: list[Any] = [{"type": "a"}] * 10
    tasks[index] = task
    answer = await hub.client.post("/tasks/batch", json={"tasks": tasks})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert await hub.count() == 0


@pytest.mark.parametrize("count", [0, 10_001])
async def test_a_batch_has_1_to_10_000_tasks(hub: Running, count: int) -> None:
    answer = await hub.client.post("/tasks/batch", json={"tasks": [{"type": "a"}] * count})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/tasks")


async def test_a_batch_of_10_000_and_of_many_megabytes_is_fine(hub: Running) -> None:
    body = json.dumps({"tasks": [{"type": "a", "payload": {"text": "x" * 1500}}] * 10_000}).encode()
    assert 15_000_000 < len(body) < 16 * 1_048_576
    answer = await hub.client.post("/tasks/batch", content=body)
    assert (answer.status_code, len(answer.json()["ids"])) == (202, 10_000)


async def test_in_a_batch_a_payload_over_1_mib_is_named(hub: Running) -> None:
    large = {"type": "a", "payload": {"text": "x" * 1_048_576}}
    answer = await hub.client.post("/tasks/batch", json={"tasks": [{"type": "a"}, large]})
    assert (answer.status_code, answer.json()["errors"]) == (
        413,
        [{"pointer": "/tasks/1/payload", "detail": "has more than 1048576 bytes"}],
    )
    assert await hub.count() == 0


async def test_a_batch_over_16_mib_is_413(hub: Running) -> None:
    body = b'{"tasks": [{"type": "a", "payload": {"text": "' + b"x" * 16 * 1_048_576 + b'"}}]}'
    answer = await hub.client.post("/tasks/batch", content=body)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
