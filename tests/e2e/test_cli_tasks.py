"""`taskflow task|queue|worker` as real processes against a real hub: what is printed where, and the exit status."""

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from tests.support.hub_process import HubProcess, until
from tests.support.ports import free_port

ENVIRON = {"PYTHONPATH": str(Path(__file__).parent)}
NOBODY = "0198c0de-0000-7000-8000-000000000000"
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")

Run = subprocess.CompletedProcess[str]
Cli = Callable[..., Run]


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    with HubProcess(tmp_path_factory.mktemp("cli"), app="cli_app:hub", environ=ENVIRON) as running:
        yield running


@pytest.fixture
def cli(hub: HubProcess, tmp_path: Path) -> Cli:
    def call(*args: str, status: int | None = 0, stdin: str | None = None, **variables: str) -> Run:
        run = subprocess.run(
            [sys.executable, "-m", "taskflow_hub", *args],
            cwd=tmp_path,
            env={**os.environ, "TASKFLOW_SERVER": hub.url, **variables},
            input=stdin or "",
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert status is None or run.returncode == status, f"{run.returncode}\n{run.stdout}\n{run.stderr}"
        assert "Traceback" not in run.stderr or "cli_app.py" in run.stderr or "--debug" in args
        return run

    return call


def submitted(cli: Cli, *args: str) -> str:
    return cli("task", "submit", *args).stdout.strip()


# --- submit and wait


def test_submit_prints_the_id_alone(cli: Cli) -> None:
    run = cli("task", "submit", "cli.echo", "text=hello")
    assert UUID.fullmatch(run.stdout.strip())
    assert run.stderr == ""


def test_submit_and_wait_prints_the_result_alone(cli: Cli) -> None:
    run = cli("task", "submit", "cli.echo", '{"text": "hello"}', "--wait")
    assert json.loads(run.stdout) == {"said": "hello"}
    assert re.search(
        r"Task [0-9a-f-]+ submitted\.\nTask [0-9a-f-]+ \(cli\.echo\): success in [0-9.]+ m?s\n", run.stderr
    )


def test_every_option_of_submit_arrives(cli: Cli) -> None:
    run = cli(
        "task", "submit", "nobody.options", "a=1", "b:=[1, null]", "--queue", "special", "--priority", "9",
        "--delay", "1h30m", "--max-retries", "none", "--timeout", "2m", "--tag", "one", "--tag", "two",
        "--expires-at", "2099-01-01T00:00:00Z", "--unique-key", "u", "--idempotency-key", "i", "-o", "json",
        "--limit", "cli:a,b,running=3", "--limit", "cli:c,per_second=0.5,running=2",
    )  # fmt: skip
    task = json.loads(run.stdout)
    assert (task["payload"], task["queue"], task["priority"]) == ({"a": "1", "b": [1, None]}, "special", 9)
    assert (task["max_retries"], task["timeout"], task["tags"]) == (None, 120.0, ["one", "two"])
    assert (task["status"], task["expires_at"]) == ("scheduled", "2099-01-01T00:00:00Z")
    again = json.loads(cli("task", "submit", "nobody.options", "--unique-key", "u", "-o", "json").stdout)
    assert again["id"] == task["id"]
    at = json.loads(
        cli(
            "task",
            "submit",
            "nobody.x",
            "--run-at",
            "2098-01-01T00:00:00+03:00",
            "--timeout",
            "none",
            "-o",
            "json",
        ).stdout
    )
    assert (at["run_at"], at["timeout"]) == ("2097-12-31T21:00:00Z", None)


def test_a_payload_comes_from_a_file_or_a_pipe(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text('{"text": "from a file"}')
    assert "from a file" in cli("task", "submit", "cli.echo", "@p.json", "-w").stdout
    assert (
        "from a pipe" in cli("task", "submit", "cli.echo", "-", "-w", stdin='{"text": "from a pipe"}').stdout
    )


def test_a_failed_task_is_exit_1_and_says_why(cli: Cli) -> None:
    run = cli("task", "submit", "cli.fails", "--max-retries", "0", "--wait", status=1)
    assert run.stdout == ""
    assert "failed in" in run.stderr
    assert "ValueError: bad \\x1b[31m [link=x]y[/link]" in run.stderr
    assert 'raise ValueError("bad' in run.stderr
    as_json = cli("task", "submit", "cli.fails", "--max-retries", "0", "-w", "-o", "json", status=1)
    assert json.loads(as_json.stdout)["error"]["type"] == "ValueError"


def test_wait_for_it_later(cli: Cli) -> None:
    task_id = submitted(cli, "cli.echo", "text=x")
    assert json.loads(cli("task", "wait", task_id).stdout) == {"said": "x"}
    assert json.loads(cli("task", "wait", task_id, "-o", "json").stdout)["status"] == "success"
    cancelled = submitted(cli, "nobody.cancelled")
    cli("task", "cancel", cancelled)
    assert "cancelled" in cli("task", "wait", cancelled, status=1).stderr
    slow = submitted(cli, "cli.slow")
    assert "goes on" in cli("task", "wait", slow, "--timeout", "0.2", status=5).stderr
    assert "goes on" in cli("task", "submit", "cli.slow", "--wait-timeout", "0.2", status=5).stderr
    cli("task", "cancel", slow)


def test_a_large_result_is_printed_whole(cli: Cli) -> None:
    assert json.loads(cli("task", "submit", "cli.large", "-w").stdout) == "x" * 100_000


# --- get, list, cancel, redrive, logs


def test_get_shows_everything_and_obeys_nothing(cli: Cli) -> None:
    task_id = submitted(cli, "cli.fails", "--max-retries", "0", "--tag", "[red]t[/red]")
    cli("task", "wait", task_id, status=1)
    shown = cli("task", "get", task_id, FORCE_COLOR="1").stdout
    assert not re.search("[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f\u202e]", shown)
    assert set(re.findall("\x1b[^m]*m", shown)) <= {"\x1b[1m", "\x1b[0m", "\x1b[31m"}, "only our own styles"
    plain = cli("task", "get", task_id).stdout
    assert "\x1b" not in plain
    for words in (
        task_id,
        "cli.fails",
        "failed",
        "[red]t[/red]",
        "ValueError: bad \\x1b[31m",
    ):
        assert words in plain, words


def test_json_is_the_same_json_and_harmless(cli: Cli, hub: HubProcess) -> None:
    task_id = submitted(cli, "nobody.json", json.dumps({"text": "\x1b\x9b\u202e\u2028ü"}))
    printed = cli("task", "get", task_id, "-o", "json").stdout
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u202e]", printed)
    assert json.loads(printed) == hub.task(task_id)
    assert cli("-o", "json", "task", "get", task_id).stdout == printed, "the option may stand before the noun"


def test_list_filters_limits_and_says_that_there_is_more(cli: Cli) -> None:
    ids = [submitted(cli, "nobody.listed", "--tag", "listed") for _ in range(3)]
    run = cli("task", "list", "--tag", "listed", "--limit", "2")
    assert [line.split()[0] for line in run.stdout.splitlines()] == ["ID", ids[2], ids[1]]
    assert "more than 2" in run.stderr
    whole = cli(
        "task",
        "list",
        "--type",
        "nobody.listed",
        "--status",
        "queued",
        "--status",
        "running",
        "--all",
        "-o",
        "json",
    )
    assert [task["id"] for task in json.loads(whole.stdout)] == ids[::-1]
    assert whole.stderr == ""
    assert json.loads(cli("task", "list", "--queue", "empty", "-o", "json").stdout) == []
    assert cli("task", "list", "--queue", "empty").stdout.splitlines()[0].split()[0] == "ID"
    none = cli(
        "task", "list", "--created-after", "2099-01-01", "--created-before", "2099-01-02", "-o", "json"
    )
    assert none.stdout == "[]\n"


def test_explain_says_why_it_is_not_running(cli: Cli) -> None:
    id = submitted(cli, "nobody.serves")
    run = cli("task", "explain", id)
    assert run.stdout.splitlines() == [
        "status     queued",
        "no worker  No live worker serves the type nobody.serves.",
        "           Start a worker with a handler for nobody.serves.",
    ]
    assert run.stderr == ""
    told = json.loads(cli("task", "explain", id, "-o", "json").stdout)
    assert (told["id"], told["hold"], told["summary"]) == (id, "no_worker", told["causes"][0]["text"])


def test_cancel_and_redrive_take_several_and_report_each(cli: Cli) -> None:
    first, second = submitted(cli, "nobody.a"), submitted(cli, "nobody.b")
    run = cli("task", "cancel", first, NOBODY, second, status=3)
    assert run.stderr.splitlines() == [
        f"Task {first}: cancelled.",
        f"Error: There is no task {NOBODY}.",
        f"Task {second}: cancelled.",
    ]
    again = cli("task", "redrive", first, second, "-o", "json")
    assert [task["status"] for task in json.loads(again.stdout)] == ["queued", "queued"]
    assert json.loads(cli("task", "cancel", first, "-o", "json").stdout)["status"] == "cancelled"
    assert (
        "only failed and cancelled tasks can be redriven" in cli("task", "redrive", second, status=1).stderr
    )
    cli("task", "cancel", second)


def test_a_running_task_is_asked(cli: Cli, hub: HubProcess) -> None:
    task_id = submitted(cli, "cli.slow")
    hub.until(task_id, "running")
    assert "asked to end it" in cli("task", "cancel", task_id).stderr
    assert hub.final(task_id)["status"] == "cancelled"
    assert "can no longer be cancelled" in cli("task", "cancel", submitted_done(cli), status=1).stderr


def submitted_done(cli: Cli) -> str:
    return str(json.loads(cli("task", "submit", "cli.echo", "text=x", "-w", "-o", "json").stdout)["id"])


def test_logs_are_printed_followed_and_harmless(cli: Cli) -> None:
    task_id = submitted(cli, "cli.fails", "--max-retries", "0")
    followed = cli("task", "logs", task_id, "--follow").stdout
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} #1 WARNING line\\x1b\[2J \[bold\]x\[/bold\] k=\\x9b31m n=\[1\]\n",
        followed,
    )
    assert cli("task", "logs", task_id).stdout == followed
    [line] = map(json.loads, cli("task", "logs", task_id, "-o", "json").stdout.splitlines())
    assert (line["attempt"], line["level"], line["message"]) == (1, "warning", "line\x1b[2J [bold]x[/bold]")


# --- queues and workers


def test_queues_are_listed_paused_and_resumed(cli: Cli) -> None:
    task_id = submitted(cli, "cli.echo", "text=x", "--queue", "lane")
    cli("task", "wait", task_id)
    assert "Resume it with: taskflow queue resume lane" in cli("queue", "pause", "lane").stderr
    held = submitted(cli, "cli.echo", "text=x", "--queue", "lane")
    lanes = {queue["name"]: queue for queue in json.loads(cli("queue", "list", "-o", "json").stdout)}
    assert (lanes["lane"]["paused"], lanes["lane"]["held"]) == (True, {"paused": 1})
    assert re.search(r"^lane +paused +1 +0 +0 ", cli("queue", "list").stdout, re.MULTILINE)
    assert "its queue is paused" in cli("task", "list", "--queue", "lane").stdout
    assert json.loads(cli("queue", "resume", "lane", "-o", "json").stdout)["paused"] is False
    cli("task", "wait", held)


def test_workers_are_listed_and_drained(tmp_path: Path, cli: Cli) -> None:
    with HubProcess(tmp_path, app="cli_app:hub", environ=ENVIRON) as other:
        [worker] = json.loads(cli("worker", "list", "-o", "json", "--server", other.url).stdout)
        assert re.search(
            rf"^{worker['id']} .* alive +0/20 ", cli("worker", "list", "--server", other.url).stdout, re.M
        )
        run = cli("--server", other.url, "worker", "drain", worker["id"])
        assert "is draining" in run.stderr
        drained = cli("worker", "drain", worker["id"], "-o", "json", "--server", other.url)
        assert json.loads(drained.stdout)["state"] == "draining"
    assert "There is no live worker" in cli("worker", "drain", NOBODY, status=3).stderr


# --- exit codes and errors


@pytest.mark.parametrize(
    ("args", "status", "words"),
    [
        (("task",), 2, "Usage: taskflow task"),
        ((), 2, "Start a hub with `taskflow up`"),
        (("task", "lst"), 2, "Did you mean 'list'?"),
        (("task", "get"), 2, "Missing argument 'ID'"),
        (("task", "get", "no-uuid"), 2, "ID: is not an id: one has 36 characters"),
        (("task", "cancel", NOBODY.upper()), 2, "in lower case"),
        (("worker", "drain", "no-uuid"), 2, "ID: is not an id"),
        (("queue", "pause", "No Queue"), 2, "1 to 64 characters of a-z, 0-9, '_' and '-'"),
        (("task", "list", "--type", "Bad Type"), 2, "1 to 100 characters of a-z"),
        (("task", "get", NOBODY), 3, f"There is no task {NOBODY}."),
        (("task", "explain", NOBODY), 3, "There is no task"),
        (("task", "wait", NOBODY), 3, "There is no task"),
        (("task", "logs", NOBODY), 3, "There is no task"),
        (("task", "list", "--limit", "many"), 2, "'many' is not a whole number"),
        (("task", "list", "--limit", "0"), 2, "0 is less than 1"),
        (("task", "list", "--status", "lost"), 2, "Error: --status: "),
        (("task", "list", "-o", "xml"), 2, "'xml' is not one of table, json"),
        (("task", "submit", "Bad Type"), 2, "TYPE: is not a task type"),
        (("task", "submit", "x", "--priority", "11"), 2, "Error: --priority: "),
        (("task", "submit", "x", "--delay", "soon"), 2, "'soon' is not a duration"),
        (("task", "submit", "x", "--run-at", "soon"), 2, "'soon' is not a time"),
        (("task", "submit", "x", "{"), 2, "is not valid JSON"),
        (("task", "submit", "cli.echo", "text:=5"), 2, "Error: payload.text: "),
        (("task", "submit", "cli.number", "n=5"), 2, "n:=… sends a number"),
        (("--server", "ftp://x", "task", "list"), 2, "is not the address of a hub"),
    ],
    ids=lambda value: " ".join(value)[:30] if isinstance(value, tuple) else None,
)
def test_what_is_wrong_is_said(cli: Cli, args: tuple[str, ...], status: int, words: str) -> None:
    run = cli(*args, status=status)
    assert words in run.stderr
    assert not re.search(r"regex|pattern|\^\[", run.stderr)
    assert run.stdout == ""


def test_a_full_queue_is_exit_5_and_told_once(cli: Cli, hub: HubProcess) -> None:
    assert hub.client.patch("/queues/tiny", json={"max_size": 1}).status_code == 200
    hub.submit("nobody.serves.this", queue="tiny")
    run = cli("task", "submit", "nobody.serves.this", "--queue", "tiny", status=5)
    assert run.stderr.splitlines() == [
        "Error: Queue 'tiny' is full: it may hold 1 waiting tasks.",
        "Let its workers catch up, or submit to another queue.",
    ]


def test_nobody_there_is_exit_5_and_says_how_to_start_one(cli: Cli) -> None:
    run = cli("task", "list", TASKFLOW_SERVER=f"http://127.0.0.1:{free_port()}", status=5)
    assert "Is it running? Start one with: taskflow up" in run.stderr


@pytest.fixture(params=["lost", "page", "json"])
def no_hub(request: pytest.FixtureRequest) -> Iterator[str]:
    """Another program's address: it knows none of our paths, or answers everything with a page, or with JSON of its own."""
    status, media_type, body = {
        "lost": (404, "text/html", b"<h1>Not Found</h1>"),
        "page": (200, "text/html", b"<!doctype html><title>Welcome</title>"),
        "json": (200, "application/json", b'{"tagline": "You Know, for Search"}'),
    }[request.param]

    class Other(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            self.send_response(status)
            self.send_header("content-type", media_type)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PATCH = do_DELETE = answer  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Other) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize(
    "args",
    [
        ("task", "submit", "demo.noop"),
        ("task", "submit", "demo.noop", "--wait"),
        ("task", "get", NOBODY),
        ("task", "list"),
        ("task", "wait", NOBODY),
        ("task", "cancel", NOBODY),
        ("task", "redrive", NOBODY),
        ("task", "logs", NOBODY),
        ("task", "logs", "--follow", NOBODY),
        ("queue", "list"),
        ("queue", "pause", "q"),
        ("worker", "list"),
        ("worker", "drain", NOBODY),
    ],
    ids=" ".join,
)
def test_what_is_no_hub_is_exit_5_and_says_so(cli: Cli, no_hub: str, args: tuple[str, ...]) -> None:
    run = cli("--server", no_hub, *args, status=5)
    assert no_hub in run.stderr
    assert re.search("Is this the hub's address|Is it a hub", run.stderr)
    assert run.stdout == ""


def test_a_hub_that_does_not_know_us_is_exit_4(cli: Cli, hub: HubProcess) -> None:
    run = cli("task", "list", "--server", f"http://foreign.localhost:{hub.port}", status=None)
    assert run.returncode in {4, 5}, "5 where the name does not resolve"
    if run.returncode == 4:
        assert "Error: " in run.stderr


def test_debug_shows_where(cli: Cli) -> None:
    assert "Traceback (most recent call last)" in cli("--debug", "task", "get", NOBODY, status=3).stderr


def test_a_reader_that_goes_away_is_no_fault(cli: Cli, hub: HubProcess) -> None:
    hub.post("/tasks/batch", {"tasks": [{"type": "nobody.pipe", "payload": {"x": "y" * 200}}] * 2000})
    command = f"{sys.executable} -m taskflow_hub task list --all -o json --server {hub.url}"
    run = subprocess.run(
        ["bash", "-c", f"{command} | head -1; exit ${{PIPESTATUS[0]}}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stdout, run.stderr) == (141, "[\n", "")


def test_completion_offers_the_hubs_names(cli: Cli) -> None:
    def complete(*words: str) -> list[str]:
        line = " ".join(("taskflow", *words))
        run = cli(_TASKFLOW_COMPLETE="complete_bash", COMP_WORDS=line, COMP_CWORD=str(len(words)))
        return run.stdout.split()

    assert complete("ta") == ["task"]
    assert complete("task", "submit", "cli.e") == ["cli.echo"]
    assert complete("task", "list", "--status", "sch") == ["scheduled"]
    assert "_TASKFLOW_COMPLETE" in cli("--show-completion", "bash").stdout


def test_completion_without_a_hub_is_silent(cli: Cli) -> None:
    run = cli(
        _TASKFLOW_COMPLETE="complete_bash",
        COMP_WORDS="taskflow queue pause x",
        COMP_CWORD="3",
        TASKFLOW_SERVER=f"http://127.0.0.1:{free_port()}",
    )
    assert (run.stdout.strip(), run.stderr) == ("", "")


def test_tables_are_plain_in_a_pipe(cli: Cli) -> None:
    run = cli("task", "list")
    assert "\x1b" not in run.stdout
    assert "\x1b" in cli("task", "list", FORCE_COLOR="1").stdout
    assert "\x1b" not in cli("task", "list", FORCE_COLOR="1", NO_COLOR="1").stdout


def test_any_stdout_will_do(cli: Cli, hub: HubProcess) -> None:
    task_id = submitted(cli, "nobody.ascii", "text=ü…")
    assert "\\xfc\\u2026" in cli("task", "get", task_id, PYTHONIOENCODING="ascii").stdout
    command = f"{sys.executable} -m taskflow_hub task list --type nobody.ascii --server {hub.url}"
    closed = subprocess.run(["bash", "-c", f"{command} >&-"], capture_output=True, text=True, check=False)
    assert (closed.returncode, closed.stderr) == (0, "")
    full = subprocess.run(
        ["bash", "-c", f"{command} >/dev/full"], capture_output=True, text=True, check=False
    )
    assert (full.returncode, "No space left" in full.stderr) == (1, True)
    assert "Traceback" not in full.stderr


# --- durable steps


def test_steps_and_events(cli: Cli) -> None:
    id = submitted(cli, "cli.durable")
    until(lambda: "waits for the event approved" in cli("task", "explain", id).stdout)
    heading, step, wait = cli("task", "steps", id).stdout.splitlines()
    assert heading.split() == ["NAME", "KIND", "STATE", "TRY", "TOOK", "UNTIL", "RESULT"]
    assert "\x1b" not in step
    assert "\x07" not in step
    assert wait.split()[:4] == ["approved", "event", "waiting", "1"]
    listed = json.loads(cli("task", "steps", id, "-o", "json").stdout)
    assert [one["state"] for one in listed] == ["done", "waiting"]

    run = cli("task", "event", id, "approved", "yes:=true", "by=ada")
    assert (run.stdout, run.stderr) == ("", f"Task {id} has been sent approved.\n")
    assert json.loads(cli("task", "wait", id).stdout) == {"yes": True, "by": "ada"}
    late = cli("task", "event", id, "approved", "1", status=None)
    assert (late.returncode, "has ended (success)" in late.stderr) == (1, True)


def test_an_event_is_any_json(cli: Cli) -> None:
    id = submitted(cli, "nobody.serves.it")
    for name, given, stdin, payload in (
        ("none", (), None, None),
        ("list", ("[1, null]",), None, [1, None]),
        ("text", ('"yes"',), None, "yes"),
        ("piped", ("-",), "0.5", 0.5),
    ):
        sent = json.loads(cli("task", "event", id, name, *given, "-o", "json", stdin=stdin).stdout)
        assert (sent["payload"], sent["accepted"]) == (payload, True)
    again = cli("task", "event", id, "text", '"no"')
    assert "was sent text before, at " in again.stderr
    assert cli("task", "steps", id).stderr == "It has kept no steps.\n"
    assert "not valid JSON" in cli("task", "event", id, "bad", "yes", status=2).stderr
    assert "is not an event's name" in cli("task", "event", id, "a b", status=2).stderr
    assert cli("task", "event", NOBODY, "e", status=3).stdout == ""
    assert cli("task", "steps", NOBODY, status=3).stdout == ""
