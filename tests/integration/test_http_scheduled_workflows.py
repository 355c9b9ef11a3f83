"""Schedules that start workflows, over HTTP: what is refused and how it is told, what a run is told, and who sees it."""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
import pytest_asyncio
from msgspec import Raw
from msgspec.structs import replace
from tests.integration.test_http_schedules import (
    MASK,
    SECRET,
    create,
    fire,
    history,
    leased,
    register,
    shown,
    template_of,
    tick,
    told,
)
from tests.support.http_api import Running, api
from tests.support.people import ACCOUNTS, People

from taskflow_hub.domain.access import Scope
from taskflow_hub.domain.messages import CallFailed, Registered
from taskflow_hub.domain.model import TaskType
from taskflow_hub.domain.schedule_spec import ScheduleSpec
from taskflow_hub.domain.workflow import read
from taskflow_hub.secrets.keyring import Keyring

FLOW = {
    "name": "report",
    "nodes": {
        "fetch": {"type": "t", "payload": {"day": {"$ref": "input.local"}}},
        "store": {"type": "t", "after": ["fetch"]},
    },
}
DAY = {"from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z"}


@pytest_asyncio.fixture
async def hub(database_url: str, tmp_path: Path) -> AsyncIterator[Running]:
    async with api(tmp_path, database_url, loops=False) as running:
        yield running


async def started(hub: Running, workflow: Any = FLOW, **body: Any) -> dict[str, Any]:
    """A schedule that starts a workflow."""
    return await create(hub, **{"name": "n", "task": None, "workflow": workflow, **body})


async def post(hub: Running, workflow: Any, **body: Any) -> httpx.Response:
    return await hub.client.post("/schedules", json={"every": 60, "workflow": workflow, **body})


async def payload(hub: Running, workflow: dict[str, Any], node: str) -> Any:
    return (await shown(hub, f"/tasks/{workflow['nodes'][node]['task_id']}"))["payload"]


async def backfilled(hub: Running, times: Any = DAY) -> dict[str, Any]:
    """The workflow of the one tick of that time."""
    (one,) = (await hub.client.post("/schedules/n/backfill", json=times)).json()["items"]
    assert (one["outcome"], one["task_id"]) == ("fired", None)
    found: dict[str, Any] = await shown(hub, f"/workflows/{one['workflow_id']}")
    return found


# --- made and shown


async def test_a_schedule_shows_its_workflow(hub: Running) -> None:
    made = await started(hub, cron="0 3 * * *")
    assert (made["task"], made["workflow"]["name"]) == (None, "report")
    assert made["workflow"]["nodes"] == FLOW["nodes"]
    assert await shown(hub, "/schedules/n") == made
    assert (await shown(hub, "/schedules"))["items"] == [made]
    assert (await shown(hub, "/schedules", type="t"))["items"] == []
    assert len((await shown(hub, "/schedules/n/preview", n=3))["items"]) == 3


async def test_a_name_is_made_from_the_workflows(hub: Running) -> None:
    assert (await started(hub, name=None))["name"].startswith("report-")


@pytest.mark.parametrize(
    ("nodes", "pointer", "said"),
    [
        ({}, "/workflow/nodes", "has no node"),
        ({"a": {}}, "/workflow/nodes/a", "neither a type nor a workflow"),
        ({"a": {"type": "No Type"}}, "/workflow/nodes/a/type", "is not a task type"),
        ({"a": {"type": "t", "colour": 1}}, "/workflow/nodes/a/colour", "is not a known field"),
        ({"a": {"type": "t", "priority": "x"}}, "/workflow/nodes/a/priority", "expected `int`"),
        ({"a": {"type": "t", "after": ["b"]}}, "/workflow/nodes/a/after/0", "there is no node 'b'"),
        (
            {"a": {"type": "t", "after": ["b"]}, "b": {"type": "t", "after": ["a"]}},
            "/workflow/nodes/a/after/0",
            "makes a cycle",
        ),
        (
            {"a": {"type": "t", "payload": {"x": {"$ref": "c.result"}}}},
            "/workflow/nodes/a/payload/x/$ref",
            "there is no node 'c'",
        ),
        ({"a": {"type": "t", "payload": 5}}, "/workflow/nodes/a/payload", "must be a JSON object"),
        ({"a": {"type": "typed"}}, "/workflow/nodes/a/payload/n", "is required"),
        (
            {"in": {"workflow": {"nodes": {"a": {"type": "t", "after": ["b"]}}}}},
            "/workflow/nodes/in/workflow/nodes/a/after/0",
            "there is no node 'b'",
        ),
        # What is known of a tick is known beforehand.
        (
            {"a": {"type": "t", "payload": {"x": {"$ref": "input.day"}}}},
            "/workflow/nodes/a/payload/x/$ref",
            "leads nowhere: input has no member 'day'; it has planned_at, local, schedule",
        ),
        (
            {"a": {"type": "t", "for_each": {"$ref": "input.schedule.tags"}}},
            "/workflow/nodes/a/for_each/$ref",
            "leads nowhere: input.schedule has no member 'tags'",
        ),
    ],
)
async def test_what_is_wrong_in_a_workflow_is_named_by_its_node(
    hub: Running, nodes: Any, pointer: str, said: str
) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    await register(hub, TaskType(type="typed", payload_schema=schema))
    wrong = {"name": "w", "nodes": nodes}
    assert said in told(await post(hub, wrong))[pointer]
    assert (await shown(hub, "/schedules"))["items"] == []
    made = await started(hub)
    assert said in told(await hub.client.patch("/schedules/n", json={"workflow": wrong}))[pointer]
    assert await shown(hub, "/schedules/n") == made


@pytest.mark.parametrize(
    ("fields", "pointer", "said"),
    [
        ({"name": "W W"}, "/workflow/name", "is not a workflow's name"),
        ({"name": None}, "/workflow/name", "expected `str`"),
        ({"deadline": 0}, "/workflow/deadline", "expected `float` > 0"),
        ({"colour": "red"}, "/workflow/colour", "is not a known field"),
        ({"finally": {"type": "t", "payload": {"x": {"$ref": "input.x"}}}}, "/workflow/finally/payload/x/$ref", "input"),
        ({"result": {"$ref": "input.x"}}, "/workflow/result/$ref", "leads nowhere"),
        ({"input": {"day": {"$ref": "input.day"}}}, "/workflow/input/day/$ref", "is nothing that a schedule has"),
        ({"input": {"day": {"$ref": "fetch.result"}}}, "/workflow/input/day/$ref", "is nothing that a schedule has"),
        ({"input": {"a": 1}}, "/workflow/nodes/fetch/payload/day/$ref", "input has no member 'local'; it has a"),
    ],
)  # fmt: skip
async def test_what_is_wrong_around_the_nodes_is_named(
    hub: Running, fields: Any, pointer: str, said: str
) -> None:
    assert said in told(await post(hub, {**FLOW, **fields}))[pointer]
    assert (await shown(hub, "/schedules"))["items"] == []


async def test_a_task_or_a_workflow(hub: Running) -> None:
    task = {"type": "t"}
    assert set(told(await hub.client.post("/schedules", json={"every": 60}))) == {"/task"}
    assert set(told(await post(hub, FLOW, task=task))) == {"/workflow"}
    nothing = {"every": 0.5, "task": task, "workflow": None}
    assert set(told(await hub.client.post("/schedules", json=nothing))) == {"/every"}
    assert set(told(await post(hub, FLOW, every=0.5))) == {"/every"}
    assert set(told(await post(hub, 5))) == {"/workflow"}
    assert "a workflow begins at its tick" in told(await post(hub, FLOW, jitter=5))["/jitter"]
    twice = '{"every":60,"workflow":{"name":"w","nodes":{"a":{"type":"t"},"a":{"type":"u"}}}}'
    assert set(told(await hub.client.post("/schedules", content=twice), 400)) == {"/workflow/nodes/a"}


async def test_one_replaces_the_other(hub: Running) -> None:
    made = await started(hub)
    change = (await hub.client.patch("/schedules/n", json={"every": "2h"})).json()
    assert (change["workflow"], change["rev"]) == (made["workflow"], 2)
    change = (await hub.client.patch("/schedules/n", json={"task": {"type": "t"}, "jitter": 5})).json()
    assert (change["workflow"], change["task"]["type"]) == (None, "t")
    errors = told(await hub.client.patch("/schedules/n", json={"workflow": FLOW}))
    assert set(errors) == {"/jitter"}
    change = (await hub.client.patch("/schedules/n", json={"workflow": FLOW, "jitter": 0})).json()
    assert (change["workflow"], change["task"]) == (made["workflow"], None)
    both = {"workflow": FLOW, "task": {"type": "t"}}
    assert set(told(await hub.client.patch("/schedules/n", json=both))) == {"/workflow"}
    entries = (await shown(hub, "/audit", entity="schedule", action="schedule.update"))["items"]
    assert [entry["meta"].get("workflow_changed", False) for entry in entries] == [True, False, False]


# --- what a run is told


async def test_nodes_refer_to_the_tick(hub: Running) -> None:
    made = await started(hub, cron="0 3 * * *", tz="Asia/Tokyo")
    workflow = await backfilled(hub)
    assert (workflow["schedule_id"], workflow["name"], workflow["status"]) == (
        made["id"],
        "report",
        "running",
    )
    assert await payload(hub, workflow, "fetch") == {"day": "2026-01-02T03:00:00+09:00"}
    assert workflow["nodes"]["store"]["status"] == "blocked"


async def test_an_input_is_told_of_the_tick_and_keeps_the_rest(hub: Running) -> None:
    given = {
        "day": {"$ref": "input.local"},
        "of": {"$ref": "input.schedule.name"},
        "plain": {"$literal": {"$ref": "input.local"}},
        "big": 12345678901234567890123,
    }
    wanted = {
        "name": "w",
        "input": given,
        "nodes": {"a": {"type": "t", "payload": {"all": {"$ref": "input"}}}},
    }
    made = await started(hub, wanted, cron="0 3 * * *", tz="Asia/Tokyo")
    assert made["workflow"]["input"] == given
    workflow = await backfilled(hub)
    assert (await payload(hub, workflow, "a"))["all"] == {
        "day": "2026-01-02T03:00:00+09:00",
        "of": "n",
        "plain": {"$ref": "input.local"},
        "big": 12345678901234567890123,
    }


async def test_a_fan_out_over_what_was_given(hub: Running) -> None:
    each = {"type": "t", "for_each": {"$ref": "input.shops"}, "payload": {"shop": {"$ref": "item"}}}
    wanted = {"name": "w", "input": {"shops": ["a", "b"]}, "nodes": {"each": each}}
    await started(hub, wanted, cron="0 3 * * *")
    assert (await backfilled(hub))["nodes"]["each"]["items"]["total"] == 2


# --- by hand and by the clock


async def test_a_trigger_answers_its_workflow(hub: Running) -> None:
    made = await started(hub, paused=True)
    answer = await hub.client.post("/schedules/n/trigger")
    workflow = answer.json()
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/workflows/{workflow['id']}"
    assert (workflow["schedule_id"], workflow["nodes"]["fetch"]["status"]) == (made["id"], "queued")
    assert workflow == await shown(hub, f"/workflows/{workflow['id']}")
    (one,) = await history(hub, "n")
    assert (one["workflow_id"], one["task_id"], one["by_hand"]) == (workflow["id"], None, "trigger")
    (entry,) = (await shown(hub, "/audit", entity="schedule", action="schedule.trigger"))["items"]
    assert entry["meta"]["workflow"] == workflow["id"]


async def test_the_clock_begins_a_workflow(hub: Running) -> None:
    made = await started(hub, every=1)
    await fire(hub)
    fired = [one for one in await history(hub, "n") if one["outcome"] == "fired"]
    assert len(fired) == 1, "the first run has not ended, and overlap is `skip`"
    workflow = await shown(hub, f"/workflows/{fired[0]['workflow_id']}")
    assert (workflow["schedule_id"], fired[0]["task_id"]) == (made["id"], None)
    metrics = (await hub.client.get("/metrics")).text
    assert 'taskflow_schedule_ticks_total{outcome="fired",reason=""} 1.0' in metrics
    assert "taskflow_workflows_submitted_total 1.0" in metrics


async def test_a_workflow_that_fits_no_more_is_missed_and_says_why(hub: Running) -> None:
    wanted = {"name": "w", "nodes": {"a": {"type": "typed", "payload": {"n": "x"}}}}
    await started(hub, wanted, every=1)
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
    await register(hub, TaskType(type="typed", payload_schema=schema))
    await fire(hub)
    (missed,) = await history(hub, "n", outcome="missed", limit=1)
    assert (missed["reason"], missed["workflow_id"]) == ("refused", None)
    assert "/nodes/a/payload/n" in missed["detail"]
    assert (await shown(hub, "/workflows"))["items"] == []


async def test_the_types_defaults_of_the_day_are_taken(hub: Running) -> None:
    await started(hub, {"name": "w", "nodes": {"a": {"type": "typed"}}}, every=1)
    await register(hub, TaskType(type="typed", queue="home", max_retries=1, timeout=7.0))
    workflow = (await hub.client.post("/schedules/n/trigger")).json()
    task = await shown(hub, f"/tasks/{workflow['nodes']['a']['task_id']}")
    assert (task["queue"], task["max_retries"], task["timeout"]) == ("home", 1, 7.0)


async def test_a_schedule_that_is_deleted_leaves_its_workflows(hub: Running) -> None:
    made = await started(hub)
    workflow = (await hub.client.post("/schedules/n/trigger")).json()
    assert (await hub.client.delete("/schedules/n")).status_code == 200
    found = await shown(hub, f"/workflows/{workflow['id']}")
    assert (found["status"], found["schedule_id"]) == ("running", made["id"])


# --- secrets


async def test_secret_fields_of_nodes_lie_encrypted_and_are_opened_for_each_run(
    database_url: str, tmp_path: Path
) -> None:
    keyring = Keyring([os.urandom(32)])
    wanted = {
        "name": "w",
        "nodes": {
            "constant": {"type": "mail", "payload": {"pin": "hunter2"}},
            "told": {
                "type": "mail",
                "payload": {"pin": "hunter3", "at": {"$ref": "input.local"}},
                "after": ["constant"],
            },
        },
    }
    async with api(tmp_path, database_url, loops=False, keyring=keyring) as hub:
        await register(hub, SECRET)
        made = await started(hub, wanted)
        nodes = made["workflow"]["nodes"]
        assert [nodes["constant"]["payload"]["pin"], nodes["told"]["payload"]["pin"]] == [MASK, MASK]
        assert b"hunter" not in await template_of(hub, "n")
        workflow = (await hub.client.post("/schedules/n/trigger")).json()
        id = workflow["nodes"]["constant"]["task_id"]
        opened, _ = keyring.open_payload(Raw(await leased(hub, "mail")), type="mail", id=id)
        assert bytes(opened) == b'{"pin":"hunter2"}'
        assert (await payload(hub, workflow, "told"))["pin"] == MASK
        assert (await hub.client.patch("/schedules/n", json={"every": "2h"})).status_code == 200
        assert (await hub.client.post("/schedules/n/trigger")).status_code == 202


async def pins_of(hub: Running, keyring: Keyring, name: str = "n") -> dict[str, Any]:
    """What each node of a run is given that has no other before it."""
    workflow = (await hub.client.post(f"/schedules/{name}/trigger")).json()
    names = {node["task_id"]: name for name, node in workflow["nodes"].items()}
    found: dict[str, Any] = {}
    for lease in (await hub.engine.store.lease(None, 10)).leases:
        one = lease.assignment
        opened, _ = keyring.open_payload(Raw(bytes(one.payload)), type=one.type, id=one.id)
        found[names[one.id]] = msgspec.json.decode(opened)["pin"]
    return found


async def test_a_workflow_that_was_read_and_is_given_back_keeps_its_secrets(
    database_url: str, tmp_path: Path
) -> None:
    """Node by node: a mask in one that has another name or type than it had stands for nothing."""
    keyring = Keyring([os.urandom(32)])
    async with api(tmp_path, database_url, loops=False, keyring=keyring) as hub:
        await register(hub, SECRET, replace(SECRET, type="other"))
        nodes: dict[str, Any] = {
            name: {"type": "mail", "payload": {"pin": f"of {name}", "to": ["ada"]}} for name in "ab"
        }
        made = await started(hub, {"name": "w", "nodes": nodes})
        nodes = made["workflow"]["nodes"]
        changed = {**nodes, "a": {**nodes["a"], "priority": 8, "payload": {"pin": MASK, "to": []}}}
        changed["c"] = {"type": "mail", "payload": {"pin": "of c"}}
        answer = await hub.client.patch("/schedules/n", json={"workflow": {"name": "w", "nodes": changed}})
        changed["c"]["payload"]["pin"] = MASK
        assert answer.json()["workflow"]["nodes"] == changed
        assert await pins_of(hub, keyring) == {"a": "of a", "b": "of b", "c": "of c"}
        for pointer, wrong in {
            "/workflow/nodes/z/payload/pin": {"z": nodes["a"]},
            "/workflow/nodes/a/payload/pin": {"a": {**nodes["a"], "type": "other"}},
            "/workflow/nodes/b/payload/to/0": {"b": {"type": "mail", "payload": {"pin": MASK, "to": [MASK]}}},
            "/workflow/nodes/b/workflow/nodes/b/payload/pin": {"b": {"workflow": {"nodes": {"b": nodes["b"]}}}},
        }.items():  # fmt: skip
            errors = told(
                await hub.client.patch("/schedules/n", json={"workflow": {"name": "w", "nodes": wrong}})
            )
            assert "stands for a secret" in errors[pointer]
        wrong_kind = {"task": {"type": "mail", "payload": {"pin": MASK}}}
        assert (
            "stands for a secret"
            in told(await hub.client.patch("/schedules/n", json=wrong_kind))["/task/payload/pin"]
        )
        assert await pins_of(hub, keyring) == {"a": "of a", "b": "of b", "c": "of c"}


async def test_what_was_saved_before_its_types_were_known_is_masked_in_every_node_and_then_encrypted(
    database_url: str, tmp_path: Path
) -> None:
    """Also where a workflow takes no secrets: there its runs are refused from then on, and told why."""
    keyring = Keyring([os.urandom(32)])
    plain = {"type": "mail", "payload": {"pin": "hunter2", "to": "ada"}}
    deep = {
        "workflow": {"nodes": {"b": plain, "in": {"workflow": {"nodes": {"c": plain}, "finally": plain}}}}
    }
    wanted = {"name": "w", "nodes": {"a": plain, "in": deep}, "finally": plain}
    async with api(tmp_path, database_url, loops=False, keyring=keyring) as hub:
        made = await started(hub, wanted)
        assert made["workflow"]["nodes"] == wanted["nodes"]  # nobody knows yet
        await started(hub, {"name": "w", "nodes": {"a": plain}}, name="plain")
        await tick(hub)
        await register(hub, SECRET)
        shown_now = [
            await shown(hub, "/schedules/n"),
            (await shown(hub, "/schedules"))["items"][1],
            (await hub.client.post("/schedules/n/pause")).json(),
            (await hub.client.post("/schedules/n/resume")).json(),
        ]
        masked = msgspec.json.decode(msgspec.json.encode(wanted).replace(b'"hunter2"', b'{"$secret":true}'))
        assert [one["workflow"] for one in shown_now] == [masked] * 4
        assert [one["hindrance"] for one in shown_now] == [None] * 4
        while b"hunter2" in await template_of(hub, "n") + await template_of(hub, "plain"):
            await tick(hub)
        assert (await shown(hub, "/schedules/n"))["workflow"] == masked
        assert await pins_of(hub, keyring, "plain") == {"a": "hunter2"}
        assert (await hub.client.patch("/schedules/n", json={"every": 1})).status_code == 200
        while not (refused := await history(hub, "n", outcome="missed")):
            await fire(hub)
        assert refused[0]["reason"] == "refused"
        assert "/nodes/in/workflow/nodes/b/payload/pin: is secret in mail" in refused[0]["detail"]
        assert "hunter2" not in refused[0]["detail"]


async def test_a_new_key_encrypts_every_node_anew_and_the_old_one_can_go(
    database_url: str, tmp_path: Path
) -> None:
    old, new = os.urandom(32), os.urandom(32)
    node = {"type": "mail", "payload": {"pin": "hunter2"}}
    async with api(tmp_path, database_url, loops=False, keyring=Keyring([old])) as hub:
        await register(hub, SECRET)
        await started(hub, {"name": "w", "nodes": {"a": node, "b": {**node, "after": ["a"]}}})
        await register(hub, TaskType(type="mail"))  # an older worker takes it back: it stays secret
    async with api(tmp_path, database_url, loops=False, keyring=Keyring([new, old])) as hub:
        await tick(hub)
    async with api(tmp_path, database_url, loops=False, keyring=Keyring([new])) as hub:
        assert b"hunter2" not in await template_of(hub, "n")
        assert (await shown(hub, "/schedules/n"))["hindrance"] is None
        assert (await hub.client.post("/schedules/n/trigger")).status_code == 202
    async with api(tmp_path, database_url, loops=False, keyring=Keyring([old])) as hub:
        hindrance = (await shown(hub, "/schedules/n"))["hindrance"]
        assert "/nodes/a/payload/pin is encrypted with the key" in hindrance
        answer = await hub.client.post("/schedules/n/trigger")
        assert (answer.status_code, answer.json()["code"]) == (409, "no_secret_keys")


@pytest.mark.parametrize("known", ["before", "after"])
async def test_a_hub_without_keys_leaves_ticks_to_one_that_has_them(
    database_url: str, tmp_path: Path, known: str
) -> None:
    keyring = Keyring([os.urandom(32)])
    wanted = {"name": "w", "nodes": {"a": {"type": "mail", "payload": {"pin": "hunter2"}}}}
    async with api(tmp_path, database_url, loops=False, keyring=keyring) as hub:
        if known == "before":
            await register(hub, SECRET)
        await started(hub, wanted, every=1, overlap="allow")
        await register(hub, SECRET)
        async with api(tmp_path, database_url, loops=False) as keyless:
            await create(keyless, name="other", every=1)
            await fire(keyless)  # the first tick of whichever; the other's has come by the second
            while not await history(keyless, "other"):
                await fire(keyless)
            assert await history(keyless, "n") == []
            why = "is encrypted with the key" if known == "before" else "no key here to encrypt them with"
            assert why in (await shown(keyless, "/schedules/n"))["hindrance"]
        while not (found := await history(hub, "n")):
            await fire(hub)
        assert {one["outcome"] for one in found} == {"fired"}


async def test_secrets_where_nothing_could_encrypt_them(hub: Running) -> None:
    await register(hub, SECRET)
    answer = await post(hub, {"name": "w", "nodes": {"a": {"type": "mail", "payload": {"pin": "1"}}}})
    assert (answer.status_code, answer.json()["code"]) == (409, "no_secret_keys")
    inner = {"workflow": {"nodes": {"a": {"type": "mail", "payload": {"pin": "1"}}}}}
    errors = told(await post(hub, {"name": "w", "nodes": {"in": inner}}))
    assert "is secret in mail" in errors["/workflow/nodes/in/workflow/nodes/a/payload/pin"]
    last = {"type": "mail", "payload": {"pin": "1"}}
    errors = told(await post(hub, {**FLOW, "finally": last}))
    assert "is secret in mail" in errors["/workflow/finally/payload/pin"]
    given = {"name": "w", "nodes": {"a": {"type": "mail", "payload": {"pin": {"$ref": "input.local"}}}}}
    assert "is secret in mail" in told(await post(hub, given))["/workflow/nodes/a/payload/pin/$ref"]


# --- keys


async def test_a_key_for_some_queues_starts_and_sees_what_goes_there(
    database_url: str, tmp_path: Path
) -> None:
    def flow(queue: str | None, **fields: Any) -> dict[str, Any]:
        node = {"type": "t", **({"queue": queue} if queue else {}), **fields}
        return {"name": "w", "nodes": {"a": node, "in": {"workflow": {"nodes": {"b": node}}}}}

    async with api(tmp_path, database_url, auth=ACCOUNTS, loops=False) as hub:
        people = People(hub)
        every = await people.key(Scope.SUBMIT, Scope.READ, Scope.MANAGE)
        key = await people.key(Scope.SUBMIT, Scope.READ, Scope.MANAGE, queues=("q",))
        await register(hub, TaskType(type="homely", queue="q"))
        mine = await create(hub, key, name="mine", task=None, workflow=flow("q"))
        bound = await create(hub, key, name="bound", task=None, workflow=flow(None, type="homely"))
        nodes = bound["workflow"]["nodes"]
        assert (nodes["a"]["queue"], nodes["in"]["workflow"]["nodes"]["b"]["queue"]) == ("q", "q")
        await create(hub, every, name="other", task=None, workflow=flow("other"))
        await create(hub, every, name="unsaid", task=None, workflow=flow(None, type="homely"))
        for wanted in (flow("other"), flow(None), flow("q", limits=[{"key": "k", "running": 1}])):
            answer = await hub.client.post("/schedules", json={"every": 60, "workflow": wanted}, headers=key)
            assert answer.status_code == 403
            change = await hub.client.patch("/schedules/mine", json={"workflow": wanted}, headers=key)
            assert change.status_code == 403
        seen = (await shown(hub, "/schedules", key))["items"]
        assert [one["id"] for one in seen] == [bound["id"], mine["id"]]
        for name in ("other", "unsaid"):
            assert (await hub.client.post(f"/schedules/{name}/trigger", headers=key)).status_code == 404
        workflow = (await hub.client.post("/schedules/bound/trigger", headers=key)).json()
        assert (await hub.client.get(f"/workflows/{workflow['id']}", headers=key)).status_code == 200


# --- declared by a worker


def declared(name: str, type: str = "coded", **fields: Any) -> ScheduleSpec:
    text = f'{{"name":"w","nodes":{{"a":{{"type":"{type}"}},"b":{{"type":"foreign","after":["a"]}}}}}}'
    return ScheduleSpec(**{"name": name, "every": "1h", "workflow": read(text.encode()), **fields})


async def test_a_workflow_that_a_worker_declares_is_kept_in_step(hub: Running) -> None:
    coded = TaskType(type="coded")
    assert isinstance(await register(hub, coded, schedules=(declared("a"), declared("b"))), Registered)
    found = (await shown(hub, "/schedules"))["items"]
    assert {(one["name"], one["origin"], one["workflow"]["name"]) for one in found} == {
        ("a", "code", "w"),
        ("b", "code", "w"),
    }
    answer = await hub.client.patch("/schedules/a", json={"every": 5})
    assert (answer.status_code, answer.json()["code"]) == (409, "declared_in_code")
    assert "beside its workflow" in answer.json()["detail"]
    assert (await hub.client.post("/schedules/a/pause")).status_code == 200
    await register(hub, TaskType(type="foreign"), schedules=())
    assert len((await shown(hub, "/schedules"))["items"]) == 2
    await register(hub, coded, schedules=(declared("a", every="2h"),))
    (a,) = (await shown(hub, "/schedules"))["items"]
    assert (a["name"], a["every"], a["paused"]) == ("a", 7200, True)
    await register(hub, coded, schedules=())
    assert (await shown(hub, "/schedules"))["items"] == []


async def test_a_type_that_is_renamed_takes_its_workflows_schedules_along(hub: Running) -> None:
    """And what no worker serves can be removed by hand: nobody would bring it back."""

    async def start(type: str, *names: str) -> str:
        specs = tuple(declared(name, type) for name in names)
        await register(hub, TaskType(type=type), schedules=specs, application="shop")
        return str((await hub.engine.store.workers())[-1].id)

    async def there() -> dict[str, str]:
        found = (await shown(hub, "/schedules"))["items"]
        return {one["name"]: one["workflow"]["nodes"]["a"]["type"] for one in found}

    first = await start("old", "a", "b")
    await hub.client.post("/schedules/a/pause")
    answer = await hub.client.delete("/schedules/b")
    assert (answer.status_code, answer.json()["code"]) == (409, "declared_in_code")
    await hub.engine.store.retire(first)
    second = await start("new", "a")
    assert await there() == {"a": "new"}
    assert (await shown(hub, "/schedules/a"))["paused"]
    await hub.engine.store.retire(second)
    assert (await hub.client.delete("/schedules/a")).status_code == 200
    assert await there() == {}


async def test_a_worker_that_declares_nonsense_is_refused(hub: Running) -> None:
    cycle = read(
        b'{"name":"w","nodes":{"a":{"type":"coded","after":["b"]},"b":{"type":"coded","after":["a"]}}}'
    )
    lost = read(b'{"name":"w","nodes":{"a":{"type":"coded","payload":{"x":{"$ref":"input.x"}}}}}')
    for spec, said in (
        (declared("a", workflow=cycle), "/workflow/nodes/a/after/0: makes a cycle"),
        (declared("a", workflow=lost), "/workflow/nodes/a/payload/x/$ref: leads nowhere"),
        (declared("a", "other"), "none of them is of a type of this worker"),
        (declared("a", jitter=5.0), "/jitter"),
    ):
        answer = await register(hub, TaskType(type="coded"), schedules=(spec,))
        assert isinstance(answer, CallFailed)
        assert said in answer.detail
    assert (await shown(hub, "/schedules"))["items"] == []
