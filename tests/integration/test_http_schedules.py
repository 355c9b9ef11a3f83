"""Schedules over HTTP: made, shown, changed, fired by hand and by the clock; who sees them, and what is refused."""

import asyncio
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
import pytest_asyncio
from msgspec import Raw
from tests.support.http_api import Running, api
from tests.support.people import ACCOUNTS, People

from taskflow_hub.bootstrap import builtin_registry
from taskflow_hub.domain.access import Role, Scope
from taskflow_hub.domain.clock import new_id
from taskflow_hub.domain.messages import CallFailed, Register, Registered
from taskflow_hub.domain.model import DEFAULT_ACCOUNT, TaskType
from taskflow_hub.domain.schedule_spec import ScheduleSpec, TaskTemplate
from taskflow_hub.engine.loops.cron import Cron
from taskflow_hub.secrets.keyring import Keyring
from taskflow_hub.settings import Settings
from taskflow_hub.worker.registry import Registry

TASK = {"type": "demo.noop"}
AN_HOUR = {"from": "2026-01-01T00:00:00Z", "to": "2026-01-01T01:00:00Z"}


@pytest_asyncio.fixture
async def hub(database_url: str, tmp_path: Path) -> AsyncIterator[Running]:
    async with api(tmp_path, database_url, loops=False) as running:
        yield running


@pytest_asyncio.fixture
async def alive(database_url: str, tmp_path: Path) -> AsyncIterator[Running]:
    async with api(tmp_path, database_url) as running:
        yield running


async def create(hub: Running, headers: Any = None, **body: Any) -> dict[str, Any]:
    if "cron" not in body:
        body.setdefault("every", "1h")
    answer = await hub.client.post("/schedules", json={"task": TASK, **body}, headers=headers)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    assert answer.headers["Location"] == f"/schedules/{made['id']}"
    return made


async def shown(hub: Running, path: str, headers: Any = None, **params: Any) -> Any:
    answer = await hub.client.get(path, headers=headers, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def told(answer: httpx.Response, status: int = 422) -> dict[str, str]:
    """What is wrong, by field."""
    assert answer.status_code == status, answer.text
    return {error["pointer"]: error["detail"] for error in answer.json()["errors"]}


async def history(hub: Running, name: str, **params: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await shown(hub, f"/schedules/{name}/fires", **params))["items"]
    return found


# --- made and shown


async def test_a_schedule_is_made_and_found_by_id_and_by_name(hub: Running) -> None:
    made = await create(
        hub,
        name="nightly",
        cron="0 3 * * *",
        tz="Europe/Amsterdam",
        task={"type": "report.make", "payload": {"of": "yesterday"}, "tags": ["night"], "priority": 7},
        catch_up="last",
        jitter=30,
        start_at="2099-01-01T00:00:00+01:00",
    )
    assert made["next_at"] == "2099-01-01T02:00:00Z"
    assert {
        name: made[name] for name in ("cron", "every", "overlap", "catch_up", "paused", "origin", "rev")
    } == {
        "cron": "0 3 * * *",
        "every": None,
        "overlap": "skip",
        "catch_up": "last",
        "paused": False,
        "origin": "api",
        "rev": 1,
    }
    assert made["task"] == {
        "type": "report.make",
        "payload": {"of": "yesterday"},
        "tags": ["night"],
        "priority": 7,
    }
    assert await shown(hub, f"/schedules/{made['id']}") == await shown(hub, "/schedules/nightly") == made


async def test_a_name_is_made_from_the_type(hub: Running) -> None:
    first, second = await create(hub), await create(hub)
    assert first["name"].startswith("demo.noop-")
    assert first["name"] != second["name"]
    long = await create(hub, task={"type": "t" * 100})
    assert len(long["name"]) == 100
    assert await shown(hub, f"/schedules/{long['name']}") == long


async def test_a_name_stands_for_one(hub: Running) -> None:
    await create(hub, name="n")
    answer = await hub.client.post("/schedules", json={"name": "n", "every": 60, "task": TASK})
    assert (answer.status_code, answer.json()["code"]) == (409, "name_taken")
    other = await create(hub, name="o")
    answer = await hub.client.patch(f"/schedules/{other['id']}", json={"name": "n"})
    assert (answer.status_code, answer.json()["code"]) == (409, "name_taken")


async def test_lists(hub: Running) -> None:
    for n in range(3):
        await create(hub, name=f"n{n}", task={"type": f"t{n % 2}"}, paused=n == 1)
    page = await shown(hub, "/schedules", limit=2)
    assert [one["name"] for one in page["items"]] == ["n2", "n1"]
    rest = await shown(hub, "/schedules", limit=2, cursor=page["next_cursor"])
    assert ([one["name"] for one in rest["items"]], rest["next_cursor"]) == (["n0"], None)
    assert [one["name"] for one in (await shown(hub, "/schedules", type="t0"))["items"]] == ["n2", "n0"]
    assert [one["name"] for one in (await shown(hub, "/schedules", paused="true"))["items"]] == ["n1"]
    assert [one["name"] for one in (await shown(hub, "/schedules", name="n0"))["items"]] == ["n0"]
    answer = await hub.client.get("/schedules", params={"paused": "yes"})
    assert told(answer) == {"/query/paused": "must be true or false"}


# --- refused


@pytest.mark.parametrize(
    ("body", "pointer", "said"),
    [
        ({}, "/cron", "give either `cron` or `every`"),
        ({"cron": "* * * * *", "every": 5}, "/cron", "give either `cron` or `every`"),
        ({"cron": "61 * * * *"}, "/cron", "its field minute, '61', is not understood"),
        ({"cron": "0 0 30 2 *"}, "/cron", "never comes"),
        ({"cron": "* * * *"}, "/cron", "has 4 fields"),
        ({"cron": "@never"}, "/cron", "'@never' is none of @hourly"),
        ({"cron": "* * * * *", "tz": "Mars/Olympus"}, "/tz", "'Mars/Olympus' is no time zone"),
        ({"every": "5 minutes"}, "/every", "'5 minutes' is not understood: it must be 1 second to 366 days"),
        ({"every": 0.5}, "/every", "must be 1 second to 366 days: seconds, or a text such as 90s"),
        ({"every": 0}, "/every", "must be 1 second to 366 days"),
        ({"every": "0"}, "/every", "must be 1 second to 366 days"),
        ({"every": ""}, "/every", "'' is not understood: it must be 1 second"),
        ({"every": 1e12}, "/every", "it must be 1 second to 366 days"),
        ({"cron": ""}, "/cron", "has 0 fields"),
        ({"cron": "@every 5m"}, "/cron", "is a period: give that as `every`"),
        ({"cron": "* * * * * * *"}, "/cron", "has 7 fields"),
        ({"every": 60, "tz": ""}, "/tz", "must name a time zone such as Europe/Amsterdam"),
        ({"every": 60, "tz": "localtime"}, "/tz", "'localtime' is not the same on every machine"),
        ({"every": 60, "tz": "right/UTC"}, "/tz", "counts leap seconds: use a name of the IANA database"),
        ({"every": 60, "start_at": "1000-01-01T00:00:00Z"}, "/start_at", "between the years 1970 and 9999"),
        ({"every": "400d"}, "/every", "must be 1 second to 366 days"),
        ({"every": 60, "task": None}, "/task", "is required"),
        (
            {"every": 60, "task": {**TASK, "run_at": "2099-01-01T00:00:00Z"}},
            "/task/run_at",
            "is not a known field",
        ),
        ({"every": 60, "task": {**TASK, "unique": {"key": "k"}}}, "/task/unique", "is not a known field"),
        ({"every": 60, "task": {**TASK, "priority": 11}}, "/task/priority", "expected `int` <= 9"),
        ({"every": 60, "task": {**TASK, "payload": 5}}, "/task/payload", "must be a JSON object"),
        ({"every": 60, "task": {**TASK, "tags": ["a\0"]}}, "/task/tags/0", "NUL"),
        (
            {"every": 60, "workflow": {"name": "w", "nodes": {"a": {"type": "t"}}}},
            "/workflow",
            "give either `task` or `workflow`",
        ),
        ({"every": 60, "name": "Über"}, "/name", "is not a schedule's name"),
        ({"every": 60, "name": "01a2074b-0000-7000-8000-000000000000"}, "/name", "must not look like an id"),
        ({"every": 60, "overlap": "maybe"}, "/overlap", "must be one of"),
        ({"every": 60, "catch_up_limit": 1001}, "/catch_up_limit", "expected `int` <= 1000"),
        ({"every": 60, "jitter": -1}, "/jitter", "expected `float` >= 0.0"),
        (
            {"every": 60, "start_at": "2030-01-02T00:00:00Z", "end_at": "2030-01-01T00:00:00Z"},
            "/end_at",
            "later",
        ),
        ({"every": 60, "end_at": "2020-01-01T00:00:00Z"}, "/end_at", "no tick comes before it any more"),
        ({"every": 60, "start_at": "2020-01-01T00:00:00"}, "/start_at", ""),
        ({"every": 60, "colour": "red"}, "/colour", "is not a known field"),
    ],
)
async def test_a_wrong_field_is_named_and_nothing_made(
    hub: Running, body: dict[str, Any], pointer: str, said: str
) -> None:
    given = {name: value for name, value in {"task": TASK, **body}.items() if value is not None}
    errors = told(await hub.client.post("/schedules", json=given))
    assert said in errors[pointer]
    assert (await shown(hub, "/schedules"))["items"] == []


async def test_all_that_is_wrong_is_told_at_once(hub: Running) -> None:
    errors = told(await hub.client.post("/schedules", json={"cron": "x * * * *", "tz": "X"}))
    assert set(errors) == {"/cron", "/tz", "/task"}


async def test_a_payload_is_checked_against_its_type(hub: Running) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    await register(hub, TaskType(type="typed", payload_schema=schema))
    errors = told(await hub.client.post("/schedules", json={"every": 60, "task": {"type": "typed"}}))
    assert errors == {"/task/payload/n": "is required"}


DAY = {
    "day": {"$ref": "input.local"},
    "of": {"$ref": "input.schedule.name"},
    "at": [{"$ref": "input.planned_at"}],
}


async def test_a_run_is_told_of_its_tick(hub: Running) -> None:
    made = await create(hub, name="n", cron="0 3 * * *", tz="Asia/Tokyo", task={"type": "t", "payload": DAY})
    assert made["task"]["payload"] == DAY
    day = {"from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z"}
    (one,) = (await hub.client.post("/schedules/n/backfill", json=day)).json()["items"]
    assert (await shown(hub, f"/tasks/{one['task_id']}"))["payload"] == {
        "day": "2026-01-02T03:00:00+09:00",
        "of": "n",
        "at": ["2026-01-01T18:00:00Z"],
    }


@pytest.mark.parametrize(
    ("payload", "pointer", "said"),
    [
        ({"a": {"$ref": "input.day"}}, "/task/payload/a/$ref", "there are input.planned_at, input.local"),
        ({"a": {"$ref": "fetch.result"}}, "/task/payload/a/$ref", "there are input.planned_at, input.local"),
        ({"a": {"$ref": "workflow.id"}}, "/task/payload/a/$ref", "there are input.planned_at, input.local"),
        ({"a": {"$ref": 5}}, "/task/payload/a/$ref", "must be a text"),
        ({"a": {"$ref": "input", "b": 1}}, "/task/payload/a/$ref", "stands beside other members"),
    ],
)
async def test_a_reference_that_leads_nowhere(hub: Running, payload: Any, pointer: str, said: str) -> None:
    body = {"every": 60, "task": {"type": "t", "payload": payload}}
    assert said in told(await hub.client.post("/schedules", json=body))[pointer]


async def test_unknown_schedules_are_not_found(hub: Running) -> None:
    for ref in (new_id(), "nobody"):
        assert (await hub.client.get(f"/schedules/{ref}")).status_code == 404
        assert (await hub.client.post(f"/schedules/{ref}/trigger")).status_code == 404
    assert told(await hub.client.get("/schedules/Über")) == {
        "/path/id": "is not a schedule's name: one has 1 to 100 characters of a-z, 0-9, '_', '.' and '-'"
    }


# --- changed


async def test_changes(hub: Running) -> None:
    await create(hub, name="n", cron="0 3 * * *", end_at="2099-01-01T00:00:00Z")
    change = await hub.client.patch("/schedules/n", json={"overlap": "queue_one", "end_at": None})
    assert change.status_code == 200
    assert (change.json()["overlap"], change.json()["end_at"], change.json()["rev"]) == ("queue_one", None, 2)
    change = await hub.client.patch("/schedules/n", json={"every": "90s"})
    assert (change.json()["cron"], change.json()["every"]) == (None, 90.0)
    change = await hub.client.patch("/schedules/n", json={"cron": "@daily", "tz": "Asia/Tokyo"})
    assert change.json()["next_at"][11:] == "15:00:00Z"
    change = await hub.client.patch(
        "/schedules/n", json={"task": {"type": "other", "queue": "q"}, "name": "m"}
    )
    assert change.json()["task"] == {"type": "other", "payload": {}, "queue": "q"}
    assert (await shown(hub, "/schedules/m"))["rev"] == 5
    assert "names nothing to change" in told(await hub.client.patch("/schedules/m", json={}))[""]
    assert set(told(await hub.client.patch("/schedules/m", json={"cron": "x", "every": 5}))) == {"/cron"}
    assert set(told(await hub.client.patch("/schedules/m", json={"tz": "X"}))) == {"/tz"}
    assert (await shown(hub, "/schedules/m"))["rev"] == 5


async def test_changes_at_the_same_time_are_all_made(hub: Running) -> None:
    await create(hub, name="n")
    changes = [{"jitter": 1}, {"catch_up": "all"}, {"catch_up_limit": 7}, {"overlap": "allow"}]
    answers = await asyncio.gather(*(hub.client.patch("/schedules/n", json=change) for change in changes))
    assert [answer.status_code for answer in answers] == [200] * 4
    found = await shown(hub, "/schedules/n")
    assert (found["jitter"], found["catch_up"], found["catch_up_limit"], found["overlap"]) == (
        1,
        "all",
        7,
        "allow",
    )
    assert found["rev"] == 5


async def test_pause_resume_delete(hub: Running) -> None:
    made = await create(hub, name="n")
    paused = (await hub.client.post("/schedules/n/pause")).json()
    assert (paused["paused"], paused["next_at"]) == (True, None)
    assert (await hub.client.post("/schedules/n/pause")).json() == paused
    resumed = (await hub.client.post("/schedules/n/resume")).json()
    assert (resumed["paused"], resumed["rev"]) == (False, 3)
    assert resumed["next_at"] == made["next_at"]
    answer = await hub.client.delete("/schedules/n")
    assert (answer.status_code, answer.json()) == (200, {"id": made["id"]})
    assert (await hub.client.delete("/schedules/n")).status_code == 404


async def test_a_change_may_pause_and_resume(hub: Running) -> None:
    """Alone, of one that code declares, too; and together with others it is one change."""
    made = await create(hub, name="n")
    paused = (await hub.client.patch("/schedules/n", json={"paused": True})).json()
    assert (paused["paused"], paused["next_at"], paused["rev"]) == (True, None, 2)
    assert (await hub.client.patch("/schedules/n", json={"paused": True})).json() == paused
    assert (await hub.client.patch("/schedules/n", json={"jitter": 1})).json()["paused"]
    resumed = (await hub.client.patch("/schedules/n", json={"paused": False, "overlap": "allow"})).json()
    assert (resumed["paused"], resumed["overlap"], resumed["rev"]) == (False, "allow", 4)
    assert resumed["next_at"] == made["next_at"]
    both = (await hub.client.patch("/schedules/n", json={"paused": True, "every": "2h"})).json()
    assert (both["paused"], both["every"], both["rev"]) == (True, 7200, 5)
    assert set(told(await hub.client.patch("/schedules/n", json={"paused": None}))) == {"/paused"}
    await register(hub, TaskType(type="coded"), schedules=(declared("a"),))
    assert (await hub.client.patch("/schedules/a", json={"paused": True})).json()["paused"]
    answer = await hub.client.patch("/schedules/a", json={"paused": False, "jitter": 1})
    assert (answer.status_code, answer.json()["code"]) == (409, "declared_in_code")
    assert (await shown(hub, "/schedules/a"))["paused"]


# --- by hand


async def test_a_trigger_answers_its_task(hub: Running) -> None:
    made = await create(hub, name="n", paused=True, task={"type": "t", "payload": {"a": 1}})
    answer = await hub.client.post("/schedules/n/trigger")
    task = answer.json()
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/tasks/{task['id']}"
    assert (task["schedule_id"], task["payload"], task["status"]) == (made["id"], {"a": 1}, "queued")
    (fire,) = await history(hub, "n")
    assert (fire["task_id"], fire["by_hand"], fire["outcome"]) == (task["id"], "trigger", "fired")


async def test_a_trigger_is_refused_as_a_submit_is(hub: Running) -> None:
    await create(hub, name="n", task={"type": "t", "queue": "q"})
    await hub.client.patch("/queues/q", json={"max_size": 1})
    assert (await hub.client.post("/schedules/n/trigger")).status_code == 202
    answer = await hub.client.post("/schedules/n/trigger")
    assert (answer.status_code, answer.json()["code"]) == (429, "queue_full")
    assert len(await history(hub, "n")) == 1


async def test_a_backfill(hub: Running) -> None:
    await create(hub, name="n", cron="*/10 * * * *")
    dry = (await hub.client.post("/schedules/n/backfill", json={**AN_HOUR, "dry_run": True})).json()
    assert (dry["dry_run"], dry["fired"], len(dry["items"])) == (True, 6, 6)
    assert await history(hub, "n") == []
    done = (await hub.client.post("/schedules/n/backfill", json=AN_HOUR)).json()
    assert (done["dry_run"], done["fired"], done["left"], done["refused"]) == (False, 6, 0, 0)
    assert [one["planned_at"] for one in done["items"]][:2] == [
        "2026-01-01T00:00:00Z",
        "2026-01-01T00:10:00Z",
    ]
    assert {one["by_hand"] for one in await history(hub, "n")} == {"backfill"}
    again = (await hub.client.post("/schedules/n/backfill", json=AN_HOUR)).json()
    assert (again["fired"], again["left"]) == (0, 6)
    backwards = {"from": AN_HOUR["to"], "to": AN_HOUR["from"]}
    assert "later than" in told(await hub.client.post("/schedules/n/backfill", json=backwards))["/to"]
    year = {**AN_HOUR, "to": "2026-11-01T00:00:00Z"}
    assert "more than 1000 ticks" in told(await hub.client.post("/schedules/n/backfill", json=year))["/to"]


async def test_history_has_pages_and_outcomes(hub: Running) -> None:
    await create(hub, name="n", cron="*/10 * * * *")
    await hub.client.post("/schedules/n/backfill", json=AN_HOUR)
    page = await shown(hub, "/schedules/n/fires", limit=4)
    rest = await shown(hub, "/schedules/n/fires", limit=4, cursor=page["next_cursor"])
    planned = [one["planned_at"] for one in page["items"] + rest["items"]]
    assert planned == sorted(planned, reverse=True)
    assert (len(planned), rest["next_cursor"]) == (6, None)
    assert await history(hub, "n", outcome="missed") == []
    assert len(await history(hub, "n", outcome="fired")) == 6
    assert (await hub.client.get("/schedules/n/fires", params={"outcome": "lost"})).status_code == 422
    assert (await hub.client.get("/schedules/n/fires", params={"cursor": "A" * 22})).status_code == 200
    assert (await hub.client.get("/schedules/n/fires", params={"cursor": "x"})).status_code == 422


# --- preview


async def test_a_preview_shows_both_clocks(hub: Running) -> None:
    await create(hub, name="n", cron="30 2 * * *", tz="Europe/Amsterdam", start_at="2027-03-27T00:00:00Z")
    found = await shown(hub, "/schedules/n/preview", n=3)
    assert found["items"] == [
        {"planned_at": "2027-03-27T01:30:00Z", "local": "2027-03-27T02:30:00+01:00"},
        {"planned_at": "2027-03-28T01:00:00Z", "local": "2027-03-28T03:00:00+02:00"},
        {"planned_at": "2027-03-29T00:30:00Z", "local": "2027-03-29T02:30:00+02:00"},
    ]
    assert found["words"] == "At 02:30 every day"
    assert len((await shown(hub, "/schedules/n/preview"))["items"]) == 10


async def test_a_preview_tries_something_else_and_saves_nothing(hub: Running) -> None:
    made = await create(hub, name="n", cron="30 2 * * *", end_at="2099-01-01T00:00:00Z")
    found = await shown(hub, "/schedules/n/preview", n=2, cron="@hourly", tz="Asia/Kolkata")
    assert [one["local"][-6:] for one in found["items"]] == ["+05:30"] * 2
    assert (await shown(hub, "/schedules/n/preview", n=1, every="90s"))["every"] == 90
    assert (await shown(hub, "/schedules/n/preview", n=1, every="90"))["every"] == 90
    assert "/query/cron" in told(await hub.client.get("/schedules/n/preview", params={"cron": "x"}))
    assert "/query/tz" in told(await hub.client.get("/schedules/n/preview", params={"tz": "x"}))
    assert "/query/n" in told(await hub.client.get("/schedules/n/preview", params={"n": 101}))
    assert await shown(hub, "/schedules/n") == made


async def test_a_preview_of_one_that_ends_is_short(hub: Running) -> None:
    soon = datetime.now(UTC) + timedelta(hours=3, minutes=30)
    await create(hub, name="n", every="1h", end_at=soon.isoformat())
    assert len((await shown(hub, "/schedules/n/preview"))["items"]) == 3


# --- by the clock


async def test_the_clock_fires_and_lateness_is_shown_and_counted(database_url: str, tmp_path: Path) -> None:
    async with api(tmp_path, database_url, handlers=builtin_registry(Settings())) as hub:
        await create(hub, name="n", every=1, overlap="allow")
        async with asyncio.timeout(30):
            while not [one for one in await history(hub, "n") if one["lateness"] is not None]:
                async with hub.client.stream("GET", "/events") as events:
                    async for line in events.aiter_lines():
                        if '"schedules"' in line or '"tasks"' in line:
                            break
        fires = [one for one in await history(hub, "n") if one["lateness"] is not None]
        assert 0 <= fires[0]["lateness"] < 10
        task = await shown(hub, f"/tasks/{fires[0]['task_id']}")
        assert task["status"] == "success"
        metrics = (await hub.client.get("/metrics")).text
        assert 'taskflow_schedule_ticks_total{outcome="fired",reason=""}' in metrics
        assert "taskflow_schedule_lateness_seconds_count" in metrics


async def test_events_tell_of_schedules(alive: Running) -> None:
    async with alive.client.stream("GET", "/events") as events:
        lines = events.aiter_lines()
        await create(alive)
        async with asyncio.timeout(10):
            async for line in lines:
                if line.startswith("data:") and "schedules" in line:
                    return
    pytest.fail("the stream ended")


async def test_a_template_that_fits_no_more_is_missed_and_says_why(hub: Running) -> None:
    await create(hub, name="n", every=1, task={"type": "typed", "payload": {"n": "x"}})
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
    await register(hub, TaskType(type="typed", payload_schema=schema))
    await fire(hub)
    (fired,) = await history(hub, "n", outcome="missed", limit=1)
    assert (fired["reason"], fired["task_id"]) == ("refused", None)
    assert "/payload/n" in fired["detail"]


async def test_the_types_defaults_of_the_day_are_taken(hub: Running) -> None:
    await create(hub, name="n", every=1, task={"type": "typed", "max_retries": 9})
    await register(hub, TaskType(type="typed", queue="home", max_retries=1, timeout=7.0))
    await fire(hub)
    task = await shown(hub, f"/tasks/{(await history(hub, 'n'))[0]['task_id']}")
    assert (task["queue"], task["max_retries"], task["timeout"]) == ("home", 9, 7.0)


async def fire(hub: Running) -> None:
    """What the loop does, until something was decided."""
    (loop,) = [loop for loop in hub.engine.loops if isinstance(loop, Cron)]
    async with asyncio.timeout(10):
        while True:
            pause_s = await loop.tick()
            if pause_s == 0.0:
                return
            await asyncio.sleep(pause_s or 0)


# --- secrets

MASK = {"$secret": True}
SECRET = TaskType(
    type="mail",
    payload_schema={"type": "object", "properties": {"pin": {"type": "string", "writeOnly": True}}},
    secret=("/pin",),
)


async def test_secret_fields_lie_encrypted_and_are_opened_for_each_run(
    database_url: str, tmp_path: Path
) -> None:
    keyring = Keyring([os.urandom(32)])
    async with api(tmp_path, database_url, loops=False, keyring=keyring) as hub:
        await register(hub, SECRET)
        made = await create(hub, name="n", task={"type": "mail", "payload": {"pin": "hunter2", "to": "ada"}})
        assert made["task"]["payload"] == {"pin": MASK, "to": "ada"}
        row = await hub.engine.store.schedule(None, made["id"])
        assert row is not None
        assert b"hunter2" not in bytes(row.template)
        task = (await hub.client.post("/schedules/n/trigger")).json()
        assert task["payload"] == {"pin": MASK, "to": "ada"}
        lease = await leased(hub, "mail")
        opened, _ = keyring.open_payload(Raw(lease), type="mail", id=task["id"])
        assert bytes(opened) == b'{"pin":"hunter2","to":"ada"}'
        assert (await hub.client.patch("/schedules/n", json={"jitter": 1})).status_code == 200
        assert (await hub.client.post("/schedules/n/trigger")).status_code == 202


async def pin_of(hub: Running, keyring: Keyring, name: str) -> Any:
    """The payload of a run."""
    task = (await hub.client.post(f"/schedules/{name}/trigger")).json()
    opened, _ = keyring.open_payload(Raw(await leased(hub, "mail")), type="mail", id=task["id"])
    return msgspec.json.decode(opened)


async def test_a_task_that_was_read_and_is_given_back_keeps_its_secrets(
    database_url: str, tmp_path: Path
) -> None:
    """Whoever changes something else of it need not know them. A mask elsewhere, or of another type, is none."""
    keyring = Keyring([os.urandom(32)])
    async with api(tmp_path, database_url, loops=False, keyring=keyring) as hub:
        await register(hub, SECRET, msgspec.structs.replace(SECRET, type="other"))
        payload = {"pin": "hunter2", "to": ["ada"]}
        made = await create(hub, name="n", task={"type": "mail", "payload": payload})
        changed = {**made["task"], "priority": 8, "payload": {"pin": MASK, "to": ["bob", "eve"]}}
        answer = await hub.client.patch("/schedules/n", json={"task": changed})
        assert answer.json()["task"] == changed
        assert await pin_of(hub, keyring, "n") == {"pin": "hunter2", "to": ["bob", "eve"]}
        for wrong in (
            {"type": "mail", "payload": {"to": MASK}},
            {"type": "mail", "payload": {"pin": MASK, "to": [MASK]}},
            {"type": "other", "payload": {"pin": MASK}},
        ):
            refused = told(await hub.client.patch("/schedules/n", json={"task": wrong}))
            assert all("stands for a secret" in detail for detail in refused.values())
        assert await pin_of(hub, keyring, "n") == {"pin": "hunter2", "to": ["bob", "eve"]}
        answer = await hub.client.patch(
            "/schedules/n", json={"task": {**changed, "payload": {"pin": "new", "to": []}}}
        )
        assert answer.status_code == 200
        assert await pin_of(hub, keyring, "n") == {"pin": "new", "to": []}


async def test_what_was_saved_before_its_type_was_known_is_masked_and_then_encrypted(
    database_url: str, tmp_path: Path
) -> None:
    keyring = Keyring([os.urandom(32)])
    async with api(tmp_path, database_url, loops=False, keyring=keyring) as hub:
        made = await create(hub, name="n", task={"type": "mail", "payload": {"pin": "hunter2", "to": "ada"}})
        assert made["task"]["payload"]["pin"] == "hunter2"  # nobody knows yet
        await tick(hub)
        await register(hub, SECRET)
        answers = [
            await shown(hub, "/schedules/n"),
            (await shown(hub, "/schedules"))["items"][0],
            (await hub.client.patch("/schedules/n", json={"jitter": 1})).json(),
            (await hub.client.post("/schedules/n/pause")).json(),
            (await hub.client.post("/schedules/n/resume")).json(),
        ]
        assert [one["task"]["payload"] for one in answers] == [{"pin": MASK, "to": "ada"}] * 5
        await tick(hub)
        assert b"hunter2" not in await template_of(hub, "n")
        assert await pin_of(hub, keyring, "n") == {"pin": "hunter2", "to": "ada"}


async def test_a_new_key_encrypts_schedules_anew_and_the_old_one_can_go(
    database_url: str, tmp_path: Path
) -> None:
    old, new = os.urandom(32), os.urandom(32)
    async with api(tmp_path, database_url, loops=False, keyring=Keyring([old])) as hub:
        await register(hub, SECRET)
        await create(hub, name="n", task={"type": "mail", "payload": {"pin": "hunter2"}})
        await register(
            hub, TaskType(type="mail")
        )  # an older worker takes the declaration back: it stays secret
    async with api(tmp_path, database_url, loops=False, keyring=Keyring([new, old])) as hub:
        await tick(hub)
    async with api(tmp_path, database_url, loops=False, keyring=Keyring([new])) as hub:
        assert b"hunter2" not in await template_of(hub, "n")
        assert (await shown(hub, "/schedules/n"))["hindrance"] is None
        assert (await hub.client.post("/schedules/n/trigger")).status_code == 202
    async with api(tmp_path, database_url, loops=False, keyring=Keyring([old])) as hub:
        assert "is encrypted with the key" in (await shown(hub, "/schedules/n"))["hindrance"]
        answer = await hub.client.post("/schedules/n/trigger")
        assert (answer.status_code, answer.json()["code"]) == (409, "no_secret_keys")


async def test_a_hub_without_keys_leaves_ticks_to_one_that_has_them(
    database_url: str, tmp_path: Path
) -> None:
    keyring = Keyring([os.urandom(32)])
    async with api(tmp_path, database_url, loops=False, keyring=keyring) as hub:
        await register(hub, SECRET)
        task = {"type": "mail", "payload": {"pin": "hunter2"}}
        await create(hub, name="n", every=1, task=task, overlap="allow")
        async with api(tmp_path, database_url, loops=False) as keyless:
            await create(keyless, name="other", every=1)
            await fire(keyless)  # the first tick of whichever; the other's has come by the second
            while not await history(keyless, "other"):
                await fire(keyless)
            assert await history(keyless, "n") == []
            assert "is encrypted with the key" in (await shown(keyless, "/schedules/n"))["hindrance"]
        while not (found := await history(hub, "n")):
            await fire(hub)
        assert {one["outcome"] for one in found} == {"fired"}


async def tick(hub: Running) -> None:
    """One look of the loop, at which it asks whatever it asks from time to time."""
    (loop,) = [loop for loop in hub.engine.loops if isinstance(loop, Cron)]
    await loop.tick()


async def template_of(hub: Running, name: str) -> bytes:
    row = await hub.engine.store.schedule_named(DEFAULT_ACCOUNT, name)
    assert row is not None
    return bytes(row.template)


async def test_without_keys_secret_fields_are_refused(hub: Running) -> None:
    await register(hub, SECRET)
    body = {"every": 60, "task": {"type": "mail", "payload": {"pin": "1"}}}
    answer = await hub.client.post("/schedules", json=body)
    assert (answer.status_code, answer.json()["code"]) == (409, "no_secret_keys")


async def register(
    hub: Running, *types: TaskType, schedules: Any = None, application: str | None = None
) -> Any:
    worker = Register(
        worker=new_id(),
        name="w",
        host="h",
        pid=1,
        version="1",
        slots=5,
        window=1,
        types=types,
        schedules=schedules,
        application=application,
    )
    return await hub.engine.workers.answer(worker)


async def leased(hub: Running, type: str) -> bytes:
    lease = (await hub.engine.store.lease(None, 1)).leases[0]
    assert lease.assignment.type == type
    return bytes(lease.assignment.payload)


# --- declared by a worker


def declared(name: str, **fields: Any) -> ScheduleSpec:
    return ScheduleSpec(**{"name": name, "every": "1h", "task": TaskTemplate(type="coded"), **fields})


async def test_what_a_worker_declares_can_be_paused_and_not_be_changed(hub: Running) -> None:
    coded = TaskType(type="coded")
    assert isinstance(await register(hub, coded, schedules=(declared("a"), declared("b"))), Registered)
    found = (await shown(hub, "/schedules"))["items"]
    assert {(one["name"], one["origin"]) for one in found} == {("a", "code"), ("b", "code")}
    for answer in (
        await hub.client.patch("/schedules/a", json={"jitter": 5}),
        await hub.client.delete("/schedules/a"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "declared_in_code")
        assert "declared in code" in answer.json()["detail"]
    assert (await hub.client.post("/schedules/a/pause")).status_code == 200
    await register(hub, coded, schedules=(declared("a", every="2h"),))
    (a,) = (await shown(hub, "/schedules"))["items"]
    assert (a["name"], a["every"], a["paused"]) == ("a", 7200, True)
    await register(hub, coded)  # of another language, it does not say
    assert len((await shown(hub, "/schedules"))["items"]) == 1
    await register(hub, coded, schedules=())
    assert (await shown(hub, "/schedules"))["items"] == []


async def test_a_type_that_is_renamed_takes_its_schedules_along(hub: Running) -> None:
    """And what no worker serves can be removed by hand: nobody would bring it back."""

    async def start(application: str | None, type: str, *names: str) -> str:
        specs = tuple(declared(name, task=TaskTemplate(type=type)) for name in names)
        answer = await register(hub, TaskType(type=type), schedules=specs, application=application)
        assert isinstance(answer, Registered)
        return str((await hub.engine.store.workers())[-1].id)

    async def names() -> dict[str, str]:
        found = (await shown(hub, "/schedules"))["items"]
        return {one["name"]: one["task"]["type"] for one in found}

    first = await start("shop", "old", "a", "b")
    await hub.client.post("/schedules/a/pause")
    assert (await hub.client.delete("/schedules/b")).status_code == 409
    await hub.engine.store.retire(first)
    second = await start("shop", "new", "a")
    assert await names() == {"a": "new"}
    assert (await shown(hub, "/schedules/a"))["paused"]
    await hub.engine.store.retire(second)
    await start("other", "else", "c")
    assert await names() == {"a": "new", "c": "else"}
    assert (await hub.client.delete("/schedules/c")).status_code == 409
    assert (await hub.client.delete("/schedules/a")).status_code == 200
    assert await names() == {"c": "else"}


async def test_a_worker_that_declares_nonsense_is_refused(hub: Running) -> None:
    for specs, said in (
        ((declared("a", every=None, cron="61 * * * *"),), "schedule a: /cron: its field minute"),
        ((declared("a"), declared("a")), "is declared twice"),
        ((declared("a", task=TaskTemplate(type="other")),), "'other' is not a type of this worker"),
    ):
        answer = await register(hub, TaskType(type="coded"), schedules=specs)
        assert isinstance(answer, CallFailed)
        assert said in answer.detail
    assert (await shown(hub, "/schedules"))["items"] == []


# --- accounts and keys


async def test_accounts_are_kept_apart(database_url: str, tmp_path: Path) -> None:
    async with api(tmp_path, database_url, auth=ACCOUNTS, loops=False) as hub:
        people = People(hub)
        _, ada = await people.user(account="a")
        _, bob = await people.user(account="b")
        _, admin = await people.user(Role.ADMIN, account="c")
        hers = await create(hub, ada, name="n")
        his = await create(hub, bob, name="n")
        assert (await shown(hub, "/schedules/n", ada))["id"] == hers["id"]
        assert (await shown(hub, "/schedules/n", bob))["id"] == his["id"]
        assert (await hub.client.get(f"/schedules/{hers['id']}", headers=bob)).status_code == 404
        assert (await hub.client.get("/schedules/n", headers=admin)).status_code == 404
        assert await shown(hub, f"/schedules/{hers['id']}", admin) == hers
        assert len((await shown(hub, "/schedules", admin))["items"]) == 2
        assert len((await shown(hub, "/schedules", ada))["items"]) == 1
        task = (await hub.client.post(f"/schedules/{hers['id']}/trigger", headers=admin)).json()
        assert (await hub.client.get(f"/tasks/{task['id']}", headers=ada)).status_code == 200
        assert (await hub.client.get(f"/tasks/{task['id']}", headers=bob)).status_code == 404


async def test_a_key_for_some_queues_makes_and_sees_what_goes_there(
    database_url: str, tmp_path: Path
) -> None:
    async with api(tmp_path, database_url, auth=ACCOUNTS, loops=False) as hub:
        people = People(hub)
        every = await people.key(Scope.SUBMIT, Scope.READ, Scope.MANAGE)
        key = await people.key(Scope.SUBMIT, Scope.READ, Scope.MANAGE, queues=("q",))
        mine = await create(hub, key, name="mine", task={"type": "t", "queue": "q"})
        other = await create(hub, every, name="other", task={"type": "t", "queue": "other"})
        refused = await hub.client.post(
            "/schedules", json={"every": 60, "task": {"type": "t", "queue": "other"}}, headers=key
        )
        assert refused.status_code == 403
        limited = {"type": "t", "queue": "q", "limits": [{"key": "k", "running": 1}]}
        refused = await hub.client.post("/schedules", json={"every": 60, "task": limited}, headers=key)
        assert refused.status_code == 403
        assert [one["id"] for one in (await shown(hub, "/schedules", key))["items"]] == [mine["id"]]
        for method, path in (
            ("GET", ""),
            ("DELETE", ""),
            ("POST", "/trigger"),
            ("POST", "/pause"),
            ("GET", "/fires"),
        ):
            answer = await hub.client.request(method, f"/schedules/{other['id']}{path}", headers=key)
            assert answer.status_code == 404, (method, path)
        moved = {"task": {"type": "t", "queue": "other"}}
        assert (await hub.client.patch("/schedules/mine", json=moved, headers=key)).status_code == 403
        assert (await hub.client.post("/schedules/mine/trigger", headers=key)).status_code == 202


async def test_what_a_schedule_starts_is_changed_by_who_may_submit(database_url: str, tmp_path: Path) -> None:
    async with api(tmp_path, database_url, auth=ACCOUNTS, loops=False) as hub:
        people = People(hub)
        key = await people.key(Scope.READ, Scope.MANAGE)
        await create(hub, await people.key(Scope.SUBMIT), name="n")
        answer = await hub.client.patch("/schedules/n", json={"task": {"type": "other"}}, headers=key)
        assert answer.status_code == 403
        flow = {"workflow": {"name": "w", "nodes": {"a": {"type": "other"}}}}
        assert (await hub.client.patch("/schedules/n", json=flow, headers=key)).status_code == 403
        assert (await hub.client.patch("/schedules/n", json={"jitter": 1}, headers=key)).status_code == 200


async def test_a_worker_that_starts_brings_its_schedules(database_url: str, tmp_path: Path) -> None:
    first, second = Registry(), Registry()
    for registry in (first, second):
        registry.add("coded", lambda: None)
    first.schedule("coded", "@daily", tz="Asia/Tokyo", name="daily")
    first.schedule("coded", every="5m")
    second.schedule("coded", "@hourly", name="daily")
    async with api(tmp_path, database_url, handlers=first) as hub:
        found = (await shown(hub, "/schedules"))["items"]
        assert {(one["name"], one["origin"], one["every"]) for one in found} == {
            ("daily", "code", None),
            ("coded", "code", 300),
        }
        await hub.client.post("/schedules/daily/pause")
    async with api(tmp_path, database_url, handlers=second) as hub:
        (daily,) = (await shown(hub, "/schedules"))["items"]
        assert (daily["name"], daily["cron"], daily["tz"], daily["paused"]) == (
            "daily",
            "@hourly",
            "UTC",
            True,
        )
