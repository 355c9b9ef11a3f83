"""Server-Sent Events: nothing is missed, nothing leaks."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from tests.support.grounds import Ground
from tests.support.http_api import Running, api, eventually
from tests.support.people import ACCOUNTS, Headers, People

from taskflow_hub.engine.hints import Topic
from taskflow_hub.http import sse
from taskflow_hub.http.nudges import PAUSE_S
from taskflow_hub.worker.registry import Registry


class Work:
    def __init__(self) -> None:
        self.registry, self.go = Registry(), asyncio.Event()
        self.registry.add("hold", self._hold)

    async def _hold(self) -> str:
        await self.go.wait()
        return "held"


@pytest_asyncio.fixture
async def hub(database_url: str, tmp_path: Path) -> AsyncIterator[Running]:
    async with api(tmp_path, database_url, loops=False) as running:
        yield running


def listeners(hub: Running) -> int:
    hints = hub.engine.hints
    return len(hints._watches) + sum(len(hints._listeners[topic]) for topic in Topic)


async def events_of(answer: httpx.Response) -> AsyncGenerator[dict[str, Any], None]:
    """Each event as {"id", "event", "data"}, or {"comment"} or {"retry"}."""
    current: dict[str, Any] = {}
    async for line in answer.aiter_lines():
        if line.startswith(":"):
            yield {"comment": line}
        elif line:
            name, _, value = line.partition(": ")
            current[name] = json.loads(value) if name == "data" else value
        elif current:
            yield current
            current = {}


async def test_a_task_is_told_from_snapshot_to_end(ground: Ground, tmp_path: Path) -> None:
    work = Work()
    async with api(tmp_path, *ground, handlers=work.registry) as hub:
        task = await hub.submit("hold", delay=0.3)
        async with hub.client.stream("GET", f"/tasks/{task['id']}/events") as answer:
            assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
            seen = []
            async for event in events_of(answer):
                seen.append(event)
                if event.get("event") == "task.running":
                    work.go.set()
        assert seen[0] == {"retry": "1000"}
        names = [event["event"] for event in seen[1:]]
        assert (names[0], names[-1]) == ("task.scheduled", "task.success")
        assert "task.running" in names
        revs = [int(event["id"]) for event in seen[1:]]
        assert revs == sorted(set(revs))
        assert all(event["data"]["rev"] == int(event["id"]) for event in seen[1:])
        assert seen[-1]["data"] == (await hub.client.get(f"/tasks/{task['id']}")).json()


async def test_a_resume_sends_only_what_is_newer(hub: Running) -> None:
    task = await hub.submit("a", delay=60)
    path = f"/tasks/{task['id']}/events"
    cancelled = (await hub.client.post(f"/tasks/{task['id']}/cancel")).json()

    async with hub.client.stream("GET", path, headers={"Last-Event-ID": str(task["rev"])}) as answer:
        [_, event] = [event async for event in events_of(answer)]
    assert (event["event"], event["id"]) == ("task.cancelled", str(cancelled["rev"]))

    over = await hub.client.get(path, headers={"Last-Event-ID": event["id"]})
    assert (over.status_code, over.content) == (204, b""), "a browser stops reconnecting"


async def test_a_resume_without_news_waits_for_some(hub: Running) -> None:
    task = await hub.submit("a")
    path = f"/tasks/{task['id']}/events"
    async with hub.client.stream("GET", path, headers={"Last-Event-ID": str(task["rev"])}) as answer:
        events = events_of(answer)
        assert await anext(events) == {"retry": "1000"}
        await hub.client.patch(f"/tasks/{task['id']}", json={"priority": 9})
        event = await anext(events)
        assert (event["event"], event["data"]["priority"]) == ("task.queued", 9)
        await hub.client.post(f"/tasks/{task['id']}/cancel")
        assert [event["event"] async for event in events] == ["task.cancelled"]


async def test_a_payload_with_line_breaks_stays_one_line(hub: Running) -> None:
    answer = await hub.client.post("/tasks", content=b'{"type": "a", "payload": {\r\n"text":\n\n"a\\nb"\r}}')
    path = answer.headers["location"]
    await hub.client.post(f"{path}/cancel")
    async with hub.client.stream("GET", f"{path}/events") as stream:
        [_, event] = [event async for event in events_of(stream)]
    assert event["data"]["payload"] == {"text": "a\nb"}


async def test_a_task_removed_meanwhile_ends_its_stream(hub: Running) -> None:
    task = await hub.submit("a")
    async with hub.client.stream("GET", f"/tasks/{task['id']}/events") as answer:
        events = events_of(answer)
        assert (await anext(events), (await anext(events))["event"]) == ({"retry": "1000"}, "task.queued")
        await hub.engine.store.cancel("default", [task["id"]])
        await hub.engine.store.delete("default", [task["id"]])
        hub.engine.hints.changed([task["id"]])
        assert [event async for event in events] == []


async def test_without_hints_polling_finds_the_change(hub: Running) -> None:
    task = await hub.submit("a")
    async with hub.client.stream("GET", f"/tasks/{task['id']}/events") as answer:
        events = events_of(answer)
        await anext(events)
        await anext(events)
        await hub.engine.store.cancel("default", [task["id"]])  # behind the engine's back
        assert (await anext(events))["event"] == "task.cancelled"


async def test_a_quiet_stream_says_that_it_lives(hub: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "KEEP_ALIVE_S", 0.02)
    monkeypatch.setattr(sse, "POLL_S", 0.01)
    task = await hub.submit("a")
    for path in (f"/tasks/{task['id']}/events", "/events"):
        async with hub.client.stream("GET", path) as answer:
            async for event in events_of(answer):
                if "comment" in event:
                    break


async def test_nudges_name_topics_and_come_together(hub: Running) -> None:
    before = listeners(hub)
    async with hub.client.stream("GET", "/events") as answer:
        events = events_of(answer)
        assert await anext(events) == {"retry": "1000"}
        await eventually(lambda: listeners(hub) > before)
        await hub.submit("a")
        first = await anext(events)
        assert (first["event"], first["data"]) == ("changed", {"topics": ["tasks"]})
        began = time.monotonic()
        for _ in range(50):
            await hub.submit("a")
        await hub.client.post("/queues/q/pause")
        topics, nudges = set(), 0
        while "queues" not in topics:
            topics |= set((await anext(events))["data"]["topics"])
            nudges += 1
        assert topics - {"workflows"} == {"tasks", "queues"}, (
            "who hears that tasks changed cannot know whether they are a workflow's"
        )
        pauses = (time.monotonic() - began) / PAUSE_S
        assert nudges <= pauses + 2, "five in a second, however much happens"


async def test_who_comes_back_is_told_to_look_at_everything(hub: Running) -> None:
    async with hub.client.stream("GET", "/events", headers={"Last-Event-ID": "whatever"}) as answer:
        events = events_of(answer)
        await anext(events)
        reset = await anext(events)
        assert reset["event"] == "reset"
        assert "tasks" in reset["data"]["topics"]
        assert "id" in reset


@contextlib.asynccontextmanager
async def listening(hub: Running, path: str, asker: Headers | None = None) -> AsyncIterator[None]:
    """A stream that has begun."""
    more = "".join(f"{name}: {value}\r\n" for name, value in (asker or {}).items())
    reader, writer = await asyncio.open_connection(*hub.address)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{more}\r\n".encode())
    try:
        await reader.readuntil(b"retry: 1000\n\n")
        yield
    finally:
        writer.close()
        await writer.wait_closed()


async def test_who_leaves_is_noticed_and_forgotten(hub: Running) -> None:
    task = await hub.submit("a")
    before = listeners(hub)
    for path in ("/events", f"/tasks/{task['id']}/events"):
        async with listening(hub, path):
            await eventually(lambda: listeners(hub) > before)
        await eventually(lambda: listeners(hub) == before)


async def test_streams_are_bounded(database_url: str, tmp_path: Path) -> None:
    async with api(tmp_path, database_url, loops=False, max_streams=2) as hub:
        async with listening(hub, "/events"), listening(hub, "/events"):
            task = await hub.submit("a")
            for path in ("/events", f"/tasks/{task['id']}/events"):
                third = await hub.client.get(path)
                assert (third.status_code, third.json()["code"]) == (503, "unavailable")
                assert int(third.headers["retry-after"]) >= 1
            waited = await hub.client.post("/tasks", json={"type": "a"}, headers={"Prefer": "wait=20"})
            assert waited.status_code == 202, "a preference is not worth an error"
        await eventually(lambda: hub.app.state.api.lifetime.has_room(None))
        async with listening(hub, "/events"):
            pass


async def test_one_account_does_not_take_the_streams_of_all(database_url: str, tmp_path: Path) -> None:
    async with api(tmp_path, database_url, auth=ACCOUNTS, loops=False, max_streams=11) as hub:
        people = People(hub)
        (_, greedy), (_, too), (_, other) = [
            await people.user(account=account) for account in ("a", "a", "b")
        ]
        async with listening(hub, "/events", greedy), listening(hub, "/events", greedy):
            for headers in (greedy, too):
                third = await hub.client.get("/events", headers=headers)
                assert (third.status_code, third.json()["code"]) == (503, "unavailable")
                assert "Your account has 2 event streams" in third.json()["detail"]
                assert int(third.headers["retry-after"]) >= 1
            waited = await hub.client.post("/tasks", json={"type": "a"}, headers={**too, "Prefer": "wait=20"})
            assert waited.status_code == 202, "a preference is not worth an error"
            async with listening(hub, "/events", other):
                pass
        await eventually(lambda: hub.app.state.api.lifetime.has_room("a"))
        async with listening(hub, "/events", too):
            pass


async def test_a_reader_that_does_not_read_holds_nobody_up(hub: Running) -> None:
    task = (await hub.client.post("/tasks", json={"type": "a", "payload": {"x": "y" * 900_000}})).json()
    before = listeners(hub)
    _, writer = await asyncio.open_connection(*hub.address)
    writer.write(f"GET /tasks/{task['id']}/events HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    await eventually(lambda: listeners(hub) > before)
    for priority in (*range(10), *range(10)):
        answer = await hub.client.patch(f"/tasks/{task['id']}", json={"priority": priority})
        assert answer.status_code == 200
    writer.close()
    await eventually(lambda: listeners(hub) == before)
