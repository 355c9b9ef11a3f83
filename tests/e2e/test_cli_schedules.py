"""`taskflow schedule`, and what both clients say of schedules, against a real hub."""

import base64
import functools
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support.hub_process import HubProcess, until

from taskflow_hub import Workflow, task
from taskflow_hub.client import Client, SyncClient
from taskflow_hub.client.model import Workflow as WorkflowRun
from taskflow_hub.domain.errors import Invalid, NameTaken, NotFound

Run = subprocess.CompletedProcess[str]
Cli = Callable[..., Run]


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    with HubProcess(tmp_path_factory.mktemp("schedules")) as running:
        yield running


@pytest.fixture
def cli(hub: HubProcess, tmp_path: Path) -> Cli:
    def call(*args: str, status: int = 0, server: str = hub.url) -> Run:
        run = subprocess.run(
            [sys.executable, "-m", "taskflow_hub", *args],
            cwd=tmp_path,
            env={**os.environ, "TASKFLOW_SERVER": server},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert run.returncode == status, f"{run.returncode}\n{run.stdout}\n{run.stderr}"
        return run

    return call


def read(run: Run) -> Any:
    return json.loads(run.stdout)


def test_the_life_of_a_schedule(cli: Cli) -> None:
    assert cli("schedule", "list").stderr.startswith(
        "There is no schedule yet. Make one: taskflow schedule create"
    )
    run = cli(
        *("schedule", "create", "demo.sleep", "seconds:=0.01", "--name", "nightly", "--cron", "0 3 * * *"),
        *("--tz", "Europe/Amsterdam", "--overlap", "queue_one", "--catch-up", "last", "--jitter", "90s"),
        *("--max-retries", "none", "--tag", "night", "--priority", "7", "--start-at", "2099-01-01T00:00:00Z"),
    )
    id = run.stdout.strip()
    assert "Schedule nightly comes next at 2099-01-01 03:00:00 +0100" in run.stderr
    found = read(cli("schedule", "show", "nightly", "-o", "json"))
    assert found["id"] == id
    assert found["task"] == {
        "type": "demo.sleep",
        "payload": {"seconds": 0.01},
        "priority": 7,
        "max_retries": None,
        "tags": ["night"],
    }
    assert (found["jitter"], found["overlap"], found["catch_up"]) == (90, "queue_one", "last")
    shown = cli("schedule", "show", id).stdout
    for words in ("0 3 * * * (Europe/Amsterdam)", "queue_one", "active", "up to 1.5 min", '"seconds": 0.01'):
        assert words in shown
    listed = cli("schedule", "list").stdout.splitlines()
    assert listed[0].split()[:4] == ["NAME", "TYPE", "WHEN", "ZONE"]
    assert "0 3 * * *" in listed[1]
    assert cli("schedule", "pause", "nightly").stderr == "Schedule nightly is paused.\n"
    assert [one["name"] for one in read(cli("schedule", "list", "--paused", "-o", "json"))] == ["nightly"]
    assert read(cli("schedule", "list", "--active", "-o", "json")) == []
    assert "comes next at 2099" in cli("schedule", "resume", "nightly").stderr
    changed = read(
        cli(
            *("schedule", "update", "nightly", "seconds:=0.02", "--every", "1h30m", "--start-at", "none"),
            *("-o", "json"),
        )
    )
    assert (changed["cron"], changed["every"], changed["start_at"]) == (None, 5400, None)
    assert changed["task"]["payload"] == {"seconds": 0.02}
    assert changed["task"]["tags"] == ["night"]
    other = read(cli("schedule", "update", "nightly", "--type", "demo.noop", "-o", "json"))
    assert other["task"] == {"type": "demo.noop", "payload": {}}
    assert (
        cli("schedule", "delete", "nightly").stderr
        == "Schedule nightly is gone; what it has started goes on.\n"
    )
    assert "There is no schedule nightly" in cli("schedule", "show", "nightly", status=3).stderr


def test_by_hand_and_history(cli: Cli) -> None:
    cli("schedule", "create", "demo.noop", "--name", "hand", "--every", "1h")
    waited = cli("schedule", "trigger", "hand", "--wait")
    assert waited.stdout.strip() == "null"
    task = cli("schedule", "trigger", "hand").stdout.strip()
    assert read(cli("task", "get", task, "-o", "json"))["schedule_id"]
    span = ("--from", "2026-01-01T00:00:00Z", "--to", "2026-01-01T02:30:00Z")
    dry = cli("schedule", "backfill", "hand", *span, "--dry-run")
    assert "would be fired" in dry.stderr
    done = read(cli("schedule", "backfill", "hand", *span, "-o", "json"))
    assert done["fired"] == len(done["items"]) > 0
    again = cli("schedule", "backfill", "hand", *span)
    assert f"0 fired, {done['fired']} had fired before, 0 refused." in again.stderr
    rows = cli("schedule", "history", "hand").stdout.splitlines()
    assert rows[0].split() == ["PLANNED", "OUTCOME", "WHY", "TICKS", "LATE", "RUN"]
    assert "by trigger" in rows[1]
    assert "by backfill" in rows[-1]
    short = cli("schedule", "history", "hand", "-n", "1")
    assert "There are more than 1" in short.stderr
    assert read(cli("schedule", "history", "hand", "--outcome", "missed", "-o", "json")) == []
    too_much = cli("schedule", "backfill", "hand", "--from", "2020-01-01", "--to", "2026-01-01", status=2)
    assert "more than 1000 ticks" in too_much.stderr


FLOW = {
    "name": "report",
    "nodes": {
        "fetch": {"type": "demo.noop"},
        "store": {"type": "demo.sleep", "payload": {"seconds": 0.01}, "after": ["fetch"]},
    },
    "result": {"for": {"$ref": "input.schedule.name"}},
}


def test_the_life_of_a_schedule_of_a_workflow(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "flow.json").write_text(json.dumps(FLOW))
    id = cli(
        *("schedule", "create", "--workflow", "flow.json", "--name", "flow", "--cron", "0 3 * * *"),
        *("--overlap", "queue_one"),
    ).stdout.strip()
    found = read(cli("schedule", "show", "flow", "-o", "json"))
    assert (found["id"], found["task"], found["workflow"]["name"]) == (id, None, "report")
    shown = cli("schedule", "show", "flow").stdout
    assert "workflow  report" in " ".join(shown.split("\n")).replace("   ", "  ")
    for words in ("0 3 * * * (UTC)", "fetch", "store", "queue_one"):
        assert words in shown
    listed = cli("schedule", "list").stdout
    assert "workflow report" in listed

    waited = cli("schedule", "trigger", "flow", "--wait")
    assert json.loads(waited.stdout) == {"for": "flow"}
    assert waited.stderr.startswith("Workflow ")
    run = cli("schedule", "trigger", "flow").stdout.strip()
    assert read(cli("workflow", "get", run, "-o", "json"))["schedule_id"] == id
    assert id in cli("workflow", "get", run).stdout
    span = ("--from", "2026-01-01T00:00:00Z", "--to", "2026-01-03T00:00:00Z")
    done = read(cli("schedule", "backfill", "flow", *span, "-o", "json"))
    assert (done["fired"], {one["task_id"] for one in done["items"]}) == (2, {None})
    history = cli("schedule", "history", "flow").stdout
    assert run in history
    assert done["items"][0]["workflow_id"] in history

    changed = read(cli("schedule", "update", "flow", "--every", "2h", "-o", "json"))
    assert changed["workflow"] == found["workflow"]
    other = {**FLOW, "name": "other"}
    changed = read(cli("schedule", "update", "flow", "--workflow", json.dumps(other), "-o", "json"))
    assert changed["workflow"]["name"] == "other"
    refused = cli("schedule", "update", "flow", "--priority", "3", status=2)
    assert "it starts a workflow, which is replaced whole" in refused.stderr
    changed = read(cli("schedule", "update", "flow", "--type", "demo.noop", "-o", "json"))
    assert (changed["workflow"], changed["task"]["type"]) == (None, "demo.noop")
    cli("schedule", "delete", "flow")
    assert read(cli("workflow", "get", run, "-o", "json"))["schedule_id"] == id


def test_what_is_wrong_with_a_workflow_is_said(cli: Cli) -> None:
    every = ("--every", "1h")
    assert "either a TYPE or --workflow" in cli("schedule", "create", *every, status=2).stderr
    both = cli("schedule", "create", "demo.noop", "--workflow", json.dumps(FLOW), *every, status=2)
    assert "either a TYPE or --workflow" in both.stderr
    run = cli("schedule", "create", "--workflow", json.dumps(FLOW), "--tag", "a", *every, status=2)
    assert "beside --workflow there is no task for: tags" in run.stderr
    wrong = {"name": "w", "nodes": {"a": {"type": "t", "after": ["b"]}}}
    run = cli("schedule", "create", "--workflow", json.dumps(wrong), *every, status=2)
    assert "there is no node 'b'" in run.stderr
    assert (
        "cannot read nowhere.json"
        in cli("schedule", "create", "--workflow", "nowhere.json", *every, status=2).stderr
    )


def test_a_backfill_that_is_refused_has_its_own_exit_status(cli: Cli) -> None:
    cli("schedule", "create", "nobody.serves.this", "--name", "full", "--every", "1h", "--queue", "bounded")
    cli("queue", "limit", "bounded", "--max-size", "1")
    span = ("--from", "2026-01-01T00:00:00Z", "--to", "2026-01-01T03:00:00Z")
    run = cli("schedule", "backfill", "full", *span, status=5)
    assert "1 fired, 0 had fired before, 2 refused." in run.stderr
    assert "is full" in run.stdout


def test_what_is_wrong_is_said(cli: Cli) -> None:
    assert "either --cron or --every" in cli("schedule", "create", "demo.noop", status=2).stderr
    run = cli("schedule", "create", "demo.noop", "--cron", "61 * * * *", "--tz", "Mars", status=2)
    assert "its field minute, '61', is not understood" in run.stderr
    assert "'Mars' is no time zone" in run.stderr
    assert "--cron" in run.stderr
    run = cli("schedule", "create", "demo.noop", "--every", "0", status=2)
    assert run.stderr.startswith("Error: --every: must be 1 second to 366 days")
    assert read(cli("schedule", "create", "demo.noop", "--every", "5", "-o", "json"))["every"] == 5
    assert "name what to change" in cli("schedule", "update", "x", status=2).stderr
    cli("schedule", "create", "demo.noop", "--name", "taken", "--every", "1h")
    run = cli("schedule", "create", "demo.noop", "--name", "taken", "--every", "1h", status=1)
    assert "has a schedule 'taken' already" in run.stderr


# --- previews

NOBODY = "http://127.0.0.1:9"  # no hub is there


def test_a_preview_of_an_expression_needs_no_hub(cli: Cli) -> None:
    run = cli("schedule", "preview", "*/5 * * * *", "--tz", "Asia/Kolkata", "-n", "3", server=NOBODY)
    head, *rows = run.stdout.splitlines()
    assert head.split() == ["UTC", "Asia/Kolkata", "IN"]
    assert len(rows) == 3
    assert all("+0530" in row for row in rows)
    assert run.stderr == "Every fifth minute of every hour.\n"
    found = read(cli("schedule", "preview", "@daily", "-n", "2", "-o", "json", server=NOBODY))
    assert [one["local"] for one in found["items"]] == [one["planned_at"] for one in found["items"]]
    every = read(cli("schedule", "preview", "--every", "90s", "-n", "2", "-o", "json", server=NOBODY))
    first, second = (datetime.fromisoformat(one["planned_at"]) for one in every["items"])
    assert second - first == timedelta(seconds=90)
    assert "never comes" in cli("schedule", "preview", "0 0 30 2 *", status=2, server=NOBODY).stderr
    assert "no time zone" in cli("schedule", "preview", "@daily", "--tz", "X", status=2, server=NOBODY).stderr
    assert cli("schedule", "preview", status=2, server=NOBODY).stderr
    for count, said in (("0", "0 is less than 1"), ("1000000000", "1000000000 is more than 100")):
        run = cli("schedule", "preview", "@daily", "-n", count, status=2, server=NOBODY)
        assert said in run.stderr
    cli("schedule", "preview", "nightly", status=5, server=NOBODY)


def test_a_preview_of_a_schedule(cli: Cli) -> None:
    cli("schedule", "create", "demo.noop", "--name", "seen", "--cron", "30 9 * * MON", "--tz", "Asia/Tokyo")
    run = cli("schedule", "preview", "seen", "-n", "2")
    assert run.stdout.count("09:30:00 +0900") == 2
    assert "Monday" in run.stderr


# --- the clock, and both clients


def test_the_clock_starts_runs(cli: Cli, hub: HubProcess) -> None:
    cli("schedule", "create", "demo.noop", "--name", "ticking", "--every", "1s")
    until(lambda: len([one for one in _fires(hub, "ticking") if one["lateness"] is not None]) >= 2)
    cli("schedule", "pause", "ticking")
    rows = cli("schedule", "history", "ticking").stdout
    assert "fired" in rows
    assert any(unit in rows for unit in (" ms", " s"))


def _fires(hub: HubProcess, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = hub.client.get(f"/schedules/{name}/fires").json()["items"]
    return found


def test_the_synchronous_client(hub: HubProcess) -> None:
    with SyncClient(hub.url) as client:
        made = client.create_schedule(
            "demo.noop", cron="@hourly", name="sync", tz="Asia/Tokyo", tags=("a",), timeout=None
        )
        assert made.task == {"type": "demo.noop", "payload": {}, "timeout": None, "tags": ["a"]}
        assert client.schedule("sync") == made
        assert [one.name for one in client.schedules(name="sync")] == ["sync"]
        assert (
            client.update_schedule("sync", overlap="allow", end_at=datetime(2099, 1, 1, tzinfo=UTC)).rev == 2
        )
        assert client.update_schedule("sync", end_at=None).end_at is None
        assert client.pause_schedule("sync").paused
        assert not client.resume_schedule("sync").paused
        task = client.trigger(made.id)
        assert client.wait(task.id, timeout=30).succeeded
        begin = datetime(2026, 1, 1, tzinfo=UTC)
        assert client.backfill("sync", begin, begin + timedelta(hours=3), dry_run=True).fired == 3
        assert client.backfill("sync", begin, begin + timedelta(hours=3)).fired == 3
        assert len(list(client.fires("sync"))) == 4
        assert len(client.preview_schedule("sync", 3, every=90).items) == 3
        with pytest.raises(NameTaken):
            client.create_schedule("demo.noop", every="5m", name="sync")
        with pytest.raises(Invalid, match="either"):
            client.create_schedule("demo.noop")
        with pytest.raises(ValueError, match="time zone"):
            client.create_schedule("demo.noop", every=60, start_at=datetime(2099, 1, 1))  # noqa: DTZ001
        assert client.delete_schedule("sync") == made.id
        with pytest.raises(NotFound):
            client.schedule("sync")


def test_a_client_and_a_workflow(hub: HubProcess) -> None:
    """As a dict, and as it was put together in Python."""
    with Workflow("built") as built:
        first = task("demo.noop").node()
        first >> task("demo.sleep").node(seconds=0.01)
    with SyncClient(hub.url) as client:
        made = client.create_schedule(workflow=FLOW, every="1h", name="flow")
        assert (made.task, (made.workflow or {})["nodes"]["fetch"]) == (
            None,
            {"type": "demo.noop"},
        )
        changed = client.update_schedule("flow", workflow=built)
        assert (changed.workflow or {})["name"] == "built"
        run = client.trigger("flow")
        assert isinstance(run, WorkflowRun)
        assert client.wait_workflow(run.id, timeout=30).succeeded
        (fired,) = client.fires("flow")
        assert (fired.workflow_id, fired.task_id) == (run.id, None)
        begin = datetime(2026, 1, 1, tzinfo=UTC)
        (tick,) = client.backfill("flow", begin, begin + timedelta(hours=1)).items
        assert tick.workflow_id is not None
        assert client.workflow(tick.workflow_id).schedule_id == made.id
        with pytest.raises(TypeError, match="without a type there is no task for: payload, tags"):
            client.create_schedule(payload={"a": 1}, tags=["a"], workflow=FLOW, every=60)
        with pytest.raises(Invalid, match="/workflow/nodes/a/after/0"):
            wrong = {"name": "w", "nodes": {"a": {"type": "t", "after": ["b"]}}}
            client.create_schedule(workflow=wrong, every=60)
        client.delete_schedule("flow")


async def test_the_asynchronous_client(hub: HubProcess) -> None:
    async with Client(hub.url) as client:
        made = await client.create_schedule("demo.noop", {}, every="5m", name="async")
        assert [one.id async for one in client.schedules(name="async")] == [made.id]
        await client.trigger("async")
        assert [one.by_hand async for one in client.fires("async", outcome="fired")] == ["trigger"]
        assert await client.delete_schedule("async") == made.id


MAILS = """
from taskflow_hub import Hub, Secret

hub = Hub()


@hub.task("mail.check")
def check(pin: Secret[str], to: str) -> str:
    return f"{len(pin)} {to}"
"""


def test_a_change_keeps_the_secrets_that_are_not_shown(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "mails.py").write_text(MAILS)
    environ = {"TASKFLOW_SECRETS_KEYS": base64.b64encode(os.urandom(32)).decode()}
    with HubProcess(tmp_path, app="mails:hub", environ=environ) as mails:
        call = functools.partial(cli, server=mails.url)
        call("schedule", "create", "mail.check", "pin=hunter2", "to=ada", "--name", "n", "--every", "1h")
        call("schedule", "update", "n", "--priority", "8", "--tag", "night")
        task = read(call("schedule", "show", "n", "-o", "json"))["task"]
        assert (task["priority"], task["tags"]) == (8, ["night"])
        assert task["payload"] == {"pin": {"$secret": True}, "to": "ada"}
        assert "7 ada" in call("schedule", "trigger", "n", "--wait").stdout
        call("schedule", "update", "n", 'pin:={"$secret": true}', "to=bob")
        assert "7 bob" in call("schedule", "trigger", "n", "--wait").stdout
        refused = call("schedule", "update", "n", "pin=1", 'to:={"$secret": true}', status=2).stderr
        assert "to: stands for a secret, which is not shown: give the value itself" in refused
