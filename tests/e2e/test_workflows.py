"""Workflows in the running product: over HTTP, from the command line, live, through failures, and through kill -9."""

import functools
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import pytest
from tests.e2e.test_cli_session import Session
from tests.support.grounds import Ground
from tests.support.hub_process import HubProcess, hub_on, until
from tests.unit.test_cli_drawing import Eye

from taskflow_hub.client import SyncClient
from taskflow_hub.client.model import Workflow

ENVIRON: Final = {
    "PYTHONPATH": str(Path(__file__).parent),
    "TASKFLOW_NET_ALLOW_PRIVATE": "true",
    "TASKFLOW_WORKER_GRACE": "5",
}
APP: Final = "workflows_app:hub"
NOBODY: Final = "0198c0de-0000-7000-8000-000000000000"
Cli = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def hub(module_ground: Ground, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    with hub_on(module_ground, tmp_path_factory.mktemp("workflows"), app=APP, environ=ENVIRON) as running:
        yield running


@pytest.fixture(scope="module")
def on_a_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    """For what is the same wherever tasks are kept."""
    with HubProcess(tmp_path_factory.mktemp("cli"), app=APP, environ=ENVIRON) as running:
        yield running


@pytest.fixture
def cli(on_a_file: HubProcess, tmp_path: Path) -> Cli:
    def call(
        *args: str, status: int = 0, stdin: str = "", **variables: str
    ) -> "subprocess.CompletedProcess[str]":
        run = subprocess.run(
            [sys.executable, "-m", "taskflow_hub", *args],
            cwd=tmp_path,
            env={**os.environ, "TASKFLOW_SERVER": on_a_file.url, **variables},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert run.returncode == status, f"{run.returncode}\n{run.stdout}\n{run.stderr}"
        assert "Traceback" not in run.stderr, run.stderr
        return run

    return call


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """A small web site."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = f"<title>Page {self.path}</title>".encode()
            self.send_response(404 if self.path == "/missing" else 200)
            self.send_header("content-type", "text/html")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def report(site: str, urls: list[str]) -> dict[str, Any]:
    """The graph of DESIGN and issue: a page is fetched and stored, others are asked for side by side, and counted."""
    return {
        "name": "report",
        "max_concurrency": 5,
        "nodes": {
            "fetch": {"type": "web.title", "payload": {"url": f"{site}/front"}},
            "list": {"type": "app.list", "payload": {"urls": urls}},
            "store": {
                "type": "app.store",
                "payload": {"title": {"$ref": "fetch.result.title"}},
                "after": ["fetch"],
            },
            "alarm": {"type": "demo.noop", "after": [{"node": "store", "on": "failure"}]},
            "each": {
                "type": "http.request",
                "for_each": {"$ref": "list.result.urls"},
                "max_concurrency": 3,
                "max_retries": 0,
                "payload": {"url": {"$ref": "item"}},
            },
            "sum": {"type": "app.sum", "after": ["each"], "payload": {"values": {"$ref": "each.results"}}},
        },
        "finally": {"type": "app.say", "payload": {"text": {"$ref": "workflow.status"}}},
        "result": {"title": {"$ref": "store.result"}, "sum": {"$ref": "sum.result"}},
    }


def submit(hub: HubProcess, workflow: dict[str, Any]) -> dict[str, Any]:
    answer = hub.post("/workflows", workflow)
    assert answer.status_code == 202, answer.text
    made: dict[str, Any] = answer.json()
    return made


def seen(hub: HubProcess, id: str) -> dict[str, Any]:
    answer = hub.get(f"/workflows/{id}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def end(hub: HubProcess, id: str, timeout_s: float = 60) -> Workflow:
    """The workflow once it has ended, seen by a real client over its events."""
    with SyncClient(hub.url) as client:
        return client.wait_workflow(id, timeout_s)


def states(workflow: Workflow) -> dict[str, str]:
    return {name: str(node.status) for name, node in (workflow.nodes or {}).items()}


# --- what the issue shows


def test_the_graph_of_the_issue_with_real_work(hub: HubProcess, site: str) -> None:
    urls = [f"{site}/{n}" for n in range(7)]
    workflow = end(hub, submit(hub, report(site, urls))["id"])
    assert workflow.status == "success", workflow
    assert states(workflow) == {
        **dict.fromkeys(("fetch", "list", "store", "each", "sum", "finally"), "success"),
        "alarm": "skipped",
    }
    assert workflow.result == {"title": "stored Page /front", "sum": {"items": 7, "missing": 0}}
    assert workflow.nodes is not None
    assert workflow.nodes["finally"].result == "success"
    assert workflow.nodes["each"].items is not None
    assert workflow.nodes["each"].items.success == 7
    items = hub.get(f"/workflows/{workflow.id}/nodes/each/items").json()["items"]
    assert [f"Page /{n}" in item["result"]["body"] for n, item in enumerate(items)] == [True] * 7


def test_a_list_without_items(hub: HubProcess, site: str) -> None:
    workflow = end(hub, submit(hub, report(site, []))["id"])
    assert workflow.status == "success", workflow
    assert workflow.result == {"title": "stored Page /front", "sum": {"items": 0, "missing": 0}}
    assert hub.get(f"/workflows/{workflow.id}/nodes/each/items").json()["items"] == []


def test_a_thousand_items(hub: HubProcess) -> None:
    made = submit(
        hub,
        {
            "name": "squares",
            "nodes": {
                "list": {"type": "app.range", "payload": {"count": 1000}},
                "each": {
                    "type": "app.square",
                    "for_each": {"$ref": "list.result"},
                    "payload": {"n": {"$ref": "item"}},
                },
                "sum": {"type": "app.sum", "payload": {"values": {"$ref": "each.results"}}},
            },
            "result": {"$ref": "sum.result"},
        },
    )
    workflow = end(hub, made["id"], 120)
    assert (workflow.status, workflow.result) == ("success", {"items": 1000, "missing": 0}), workflow
    with SyncClient(hub.url) as client:
        results = [item.result for item in client.workflow_items(workflow.id, "each")]
    assert results == [n * n for n in range(1000)]


def test_a_failure_takes_its_branch_and_a_redrive_goes_on_from_there(hub: HubProcess, tmp_path: Path) -> None:
    way, notes = tmp_path / "stone", tmp_path / "notes"
    way.touch()
    made = submit(
        hub,
        {
            "name": "stony",
            "nodes": {
                "before": {"type": "app.note", "payload": {"n": 1, "file": str(notes)}},
                "way": {"type": "app.unless", "payload": {"file": str(way)}, "after": ["before"]},
                "alarm": {
                    "type": "app.say",
                    "payload": {"text": {"$ref": "way.error.message"}},
                    "after": [{"node": "way", "on": "failure"}],
                },
                "after": {"type": "app.note", "payload": {"n": 2, "file": str(notes)}, "after": ["way"]},
                "anyhow": {
                    "type": "app.note",
                    "payload": {"n": 3, "file": str(notes)},
                    "after": [{"node": "way", "on": "done"}],
                },
            },
        },
    )
    failed = end(hub, made["id"])
    assert failed.status == "failed"
    assert states(failed) == {
        "before": "success", "way": "failed", "alarm": "success", "after": "skipped", "anyhow": "success",
    }  # fmt: skip
    assert failed.nodes is not None
    assert failed.nodes["alarm"].result == "stone is in the way"
    way.unlink()
    assert hub.post(f"/workflows/{failed.id}/redrive").status_code == 200
    done = end(hub, failed.id)
    assert done.status == "success", done
    assert states(done)["after"] == "success"
    assert sorted(notes.read_text().split()) == ["1", "2", "3"], "what had succeeded did not run again"
    assert hub.post(f"/workflows/{done.id}/redrive").status_code == 409


def test_a_cancel_ends_what_waits_and_what_runs_and_finally_runs(hub: HubProcess, tmp_path: Path) -> None:
    made = submit(
        hub,
        {
            "name": "long",
            "nodes": {
                "runs": {"type": "app.until", "payload": {"file": str(tmp_path / "never")}},
                "waits": {"type": "demo.noop", "after": ["runs"]},
                "each": {"type": "demo.noop", "for_each": [1, 2], "after": ["waits"]},
            },
            "finally": {"type": "app.say", "payload": {"text": {"$ref": "workflow.status"}}},
        },
    )
    hub.until(made["nodes"]["runs"]["task_id"], "running")
    assert hub.post(f"/workflows/{made['id']}/cancel").status_code == 202
    workflow = end(hub, made["id"])
    assert workflow.status == "cancelled"
    assert states(workflow)["runs"] == "cancelled"
    assert workflow.nodes is not None
    assert workflow.nodes["finally"].result == "cancelled"
    assert hub.client.delete(f"/workflows/{made['id']}").status_code == 200
    assert hub.get(f"/workflows/{made['id']}").status_code == 404
    assert hub.get(f"/tasks/{made['nodes']['runs']['task_id']}").status_code == 404


def test_kill_9_in_the_middle_and_it_goes_on(ground: Ground, tmp_path: Path) -> None:
    notes, count = tmp_path / "notes", 400
    graph = {
        "name": "survivor",
        "max_concurrency": 4,
        "nodes": {
            "list": {"type": "app.range", "payload": {"count": count}},
            "each": {
                "type": "app.note",
                "for_each": {"$ref": "list.result"},
                "payload": {"n": {"$ref": "item"}, "file": str(notes)},
            },
            "sum": {"type": "app.sum", "payload": {"values": {"$ref": "each.results"}}},
        },
        "result": {"$ref": "sum.result"},
    }
    folder = tmp_path / "hub"
    folder.mkdir()

    def has(lines: int) -> bool:
        return notes.exists() and len(notes.read_text().split()) >= lines

    with hub_on(ground, folder, app=APP, environ=ENVIRON) as hub:
        made = submit(hub, graph)
        for lines in (10, 100, 200):
            until(functools.partial(has, lines))
            hub.kill()
            hub.start()
        workflow = end(hub, made["id"], 120)
        assert (workflow.status, workflow.result) == ("success", {"items": count, "missing": 0}), workflow
        assert set(notes.read_text().split()) == {str(n) for n in range(count)}
        items = hub.get(f"/workflows/{made['id']}/nodes/each/items", params={"limit": 1000}).json()["items"]
        assert [item["result"] for item in items] == list(range(count))
        assert len({item["task_id"] for item in items}) == count, (
            "an item is one task, however often it was begun"
        )


# --- garbage


NODE: Final = {"type": "demo.noop"}
GARBAGE: Final[dict[str, tuple[dict[str, Any], str]]] = {
    "a cycle": (
        {"a": {**NODE, "after": ["c"]}, "b": {**NODE, "after": ["a"]}, "c": {**NODE, "after": ["b"]}},
        "makes a cycle",
    ),
    "itself": ({"a": {**NODE, "after": ["a"]}}, "a"),
    "an unknown parent": ({"a": {**NODE, "after": ["b"]}}, "/nodes/a/after/0"),
    "an unknown reference": (
        {"a": {"type": "app.say", "payload": {"text": {"$ref": "b.result"}}}},
        "/nodes/a/payload",
    ),
    "a reference that is none": (
        {"a": {"type": "app.say", "payload": {"text": {"$ref": 7}}}},
        "/nodes/a/payload",
    ),
    "an unreachable node": (
        {
            "a": NODE,
            "b": {**NODE, "after": ["a"]},
            "c": {**NODE, "after": ["b", {"node": "a", "on": "failure"}]},
        },
        "/nodes/c",
    ),
    "a wrong payload": ({"a": {"type": "app.square", "payload": {"n": "seven"}}}, "/nodes/a/payload/n"),
    "a payload that is too short": ({"a": {"type": "app.square"}}, "/nodes/a/payload"),
    "both a type and a workflow": ({"a": {**NODE, "workflow": {"nodes": {"b": NODE}}}}, "/nodes/a"),
    "a list that is none": ({"a": {**NODE, "for_each": 7}}, "/nodes/a/for_each"),
    "a name that is none": ({"A!": NODE}, "/nodes/A!"),
    "too many nodes": ({f"n{n}": NODE for n in range(2_001)}, "/nodes"),
}


@pytest.mark.parametrize("what", GARBAGE)
def test_garbage_is_refused_names_the_node_and_changes_nothing(on_a_file: HubProcess, what: str) -> None:
    nodes, told = GARBAGE[what]
    before = on_a_file.get("/workflows").json()["items"]
    answer = on_a_file.post("/workflows", {"name": "garbage", "nodes": nodes})
    assert answer.status_code == 422, (answer.status_code, answer.text)
    problem = answer.json()
    assert any(told in f"{error['pointer']}: {error['detail']}" for error in problem["errors"]), problem
    assert on_a_file.get("/workflows").json()["items"] == before


def test_what_is_nested_too_deeply_or_too_large_is_refused(on_a_file: HubProcess) -> None:
    deep: dict[str, Any] = {"nodes": {"a": NODE}}
    for _ in range(6):
        deep = {"nodes": {"a": {"workflow": deep}}}
    answer = on_a_file.post("/workflows", {"name": "deep", **deep})
    assert answer.status_code == 422, answer.text
    nested: Any = "x"
    for _ in range(150):
        nested = [nested]
    answer = on_a_file.post(
        "/workflows", {"name": "w", "nodes": {"a": {"type": "app.say", "payload": {"text": nested}}}}
    )
    assert answer.status_code in {400, 422}, answer.text
    answer = on_a_file.post(
        "/workflows", {"name": "w", "nodes": {"a": {"type": "app.say", "payload": {"text": "x" * 1_100_000}}}}
    )
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


# --- the command line


def test_submit_wait_and_look_from_the_command_line(cli: Cli, site: str, tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text(json.dumps(report(site, [f"{site}/1", f"{site}/2"])))
    run = cli("workflow", "submit", "report.json", "--wait")
    assert json.loads(run.stdout) == {"title": "stored Page /front", "sum": {"items": 2, "missing": 0}}
    found = re.search(r"Workflow ([0-9a-f-]{36}) \(report\): success in ", run.stderr)
    assert found, run.stderr
    id = found[1]
    shown = cli("workflow", "get", id).stdout
    assert re.search(r"^name +report$", shown, re.MULTILINE)
    assert re.search(r"each ×2 \(2 ok\) +http\.request .*← list", shown), shown
    assert (
        json.loads(cli("workflow", "get", id, "-o", "json").stdout)["nodes"]["each"]["items"]["success"] == 2
    )
    assert id in cli("workflow", "list", "--status", "success", "--name", "report").stdout
    assert json.loads(cli("workflow", "list", "--name", "nothing", "-o", "json").stdout) == []
    assert len(cli("workflow", "items", id, "each").stdout.splitlines()) == 3
    task = json.loads(cli("workflow", "items", id, "each", "-o", "json").stdout)[0]["task_id"]
    assert re.search(rf"^workflow +{id}$", cli("task", "get", task).stdout, re.MULTILINE)
    again = cli(
        "workflow",
        "submit",
        "-",
        "--idempotency-key",
        "k",
        stdin='{"name": "w", "nodes": {"a": {"type": "demo.noop"}}}',
    )
    assert (
        cli(
            "workflow",
            "submit",
            '{"nodes": {"a": {"type": "demo.noop"}}, "name": "w"}',
            "--idempotency-key",
            "k",
        ).stdout
        == again.stdout
    )
    cli("workflow", "graph", again.stdout.strip(), "--follow")
    assert "deleted" in cli("workflow", "delete", again.stdout.strip()).stderr
    cli("workflow", "get", again.stdout.strip(), status=3)


def test_what_is_wrong_is_told_at_the_command_line(cli: Cli, tmp_path: Path) -> None:
    assert "cannot read nothing.json" in cli("workflow", "submit", "nothing.json", status=2).stderr
    assert "is not valid JSON" in cli("workflow", "submit", "{", status=2).stderr
    run = cli(
        "workflow", "submit", '{"name": "w", "nodes": {"a": {"type": "demo.noop", "after": ["b"]}}}', status=2
    )
    assert "/nodes/a/after/0" in run.stderr
    run = cli("workflow", "graph", '{"name": "w", "nodes": {"a": {"type": "t", "after": ["a"]}}}', status=2)
    assert "/nodes/a/after/0" in run.stderr
    for verb in ("get", "cancel", "redrive", "delete", "graph"):
        cli("workflow", verb, NOBODY, status=3)
    cli("workflow", "graph", "w.json", "--follow", status=2)


def test_a_failed_workflow_is_exit_1_says_why_and_is_redriven(cli: Cli, tmp_path: Path) -> None:
    stone = tmp_path / "stone"
    stone.touch()
    graph = {"name": "stony", "nodes": {"way": {"type": "app.unless", "payload": {"file": str(stone)}}}}
    run = cli("workflow", "submit", json.dumps(graph), "--wait", status=1)
    assert "way: RuntimeError: stone is in the way" in run.stderr
    found = re.search(r"taskflow workflow redrive ([0-9a-f-]{36})", run.stderr)
    assert found, run.stderr
    stone.unlink()
    assert "running again" in cli("workflow", "redrive", found[1]).stderr
    run = cli("workflow", "graph", found[1], "--follow")
    assert re.search(r"^\d\d:\d\d:\d\d stony: success$", run.stdout, re.MULTILINE), run.stdout
    cli("workflow", "redrive", found[1], status=1)
    cli("workflow", "cancel", found[1])


def test_a_workflow_that_takes_too_long_is_exit_5_and_goes_on(cli: Cli, tmp_path: Path) -> None:
    graph = {"name": "slow", "nodes": {"a": {"type": "app.until", "payload": {"file": str(tmp_path / "f")}}}}
    run = cli("workflow", "submit", json.dumps(graph), "--wait-timeout", "0.2", status=5)
    assert "it goes on" in run.stderr
    id = run.stderr.split()[1]
    assert "asked to end" in cli("workflow", "cancel", id).stderr


def test_the_drawing_says_what_the_graph_says(cli: Cli, site: str, tmp_path: Path) -> None:
    graph = report(site, [])
    del graph["finally"]
    drawn = cli("workflow", "graph", json.dumps(graph), COLUMNS="100").stdout.splitlines()
    assert drawn[0] == "report"
    assert Eye(drawn).edges() == {
        ("fetch", "store", ""),
        ("store", "alarm", "failure"),
        ("list", "each ×?", ""),
        ("each ×?", "sum", ""),
    }
    narrow = cli("workflow", "graph", json.dumps(graph), COLUMNS="20").stdout
    assert "▼" not in narrow
    assert cli("workflow", "graph", json.dumps(graph), "--ascii").stdout.isascii()
    assert cli("workflow", "graph", json.dumps(graph), PYTHONIOENCODING="ascii").stdout.isascii()


def test_a_terminal_shows_it_live(on_a_file: HubProcess, tmp_path: Path) -> None:
    go = tmp_path / "go"
    made = submit(
        on_a_file,
        {
            "name": "live",
            "nodes": {
                "a": {"type": "app.until", "payload": {"file": str(go)}},
                "b": {"type": "demo.noop", "after": ["a"]},
            },
        },
    )
    session = Session(
        "workflow",
        "graph",
        "--follow",
        made["id"],
        folder=tmp_path,
        variables={"TASKFLOW_SERVER": on_a_file.url},
    )
    session.until("▶ a").until("· b")
    go.touch()
    session.until("✓ 2 success")
    assert session.end() == 0
    assert "\x1b[?25l" in session.raw
    assert session.raw.rindex("\x1b[?25h") > session.raw.rindex("\x1b[?25l"), "the cursor is back"
