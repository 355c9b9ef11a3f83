"""`taskflow up`, `config` and `db` as processes: what starts, what does not, and how it says so."""

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.hub_process import HubProcess
from tests.support.ports import free_port

from taskflow_hub.cli.exits import MEANINGS

HERE = Path(__file__).parent
ENVIRON = {"PYTHONPATH": str(HERE)}


def taskflow(folder: Path, *args: str, status: int = 0, **variables: str) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("TASKFLOW_")}
    run = subprocess.run(
        [sys.executable, "-m", "taskflow_hub", *args],
        cwd=folder,
        env={**environ, **ENVIRON, **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == status, f"{run.returncode}\n{run.stdout}\n{run.stderr}"
    assert "Traceback" not in run.stderr
    return run


# --- up


def test_a_log_says_where_it_is_and_a_signal_ends_it_with_0(tmp_path: Path) -> None:
    with HubProcess(tmp_path, app="cli_app:hub", environ=ENVIRON) as hub:
        ready = next(json.loads(line) for line in hub.output().splitlines() if '"ready"' in line)
        assert (ready["url"], ready["database"], ready["slots"]) == (
            hub.url,
            str(tmp_path / "taskflow.db"),
            20,
        )
        assert {"cli.echo", "demo.noop"} <= set(ready["types"])
        assert hub.terminate() == 0
        assert "Traceback" not in hub.output()


def test_the_users_module_is_found_in_the_working_directory(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from taskflow_hub import Hub\nhub = Hub()\n\n"
        '@hub.task("mine.double", cpu=True)\ndef double(n: int) -> int:\n    return 2 * n\n'
    )
    with HubProcess(tmp_path, app="mine:hub") as hub:
        assert hub.final(hub.submit("mine.double", {"n": 21})["id"])["result"] == 42


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--app", "nowhere:hub"), "there is no module nowhere here"),
        (("--app", "cli_app:nothing"), "module cli_app has no nothing; it has hub"),
        (("--app", "cli_app:echo"), "not a Hub"),
        (("--app", "cli_broken:hub"), "importing cli_broken fails with NameError"),
        (("--host", "0.0.0.0"), "http.host"),
        (("--host", "0.0.0.0"), "set TASKFLOW_AUTH_SECRET"),
        (("--port", "x"), "'x' is not a whole number"),
        (("--port", "70000"), "http.port"),
        (("--slots", "0"), "worker.slots"),
        (("--grace", "long"), "'long' is not a duration"),
        (("--log-level", "loud"), "log.level"),
        (("--database-url", "oracle://x"), "database.url"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_what_cannot_start_says_why_and_is_exit_2(tmp_path: Path, args: tuple[str, ...], words: str) -> None:
    (tmp_path / "cli_broken.py").write_text("undefined_name")
    run = taskflow(tmp_path, "up", "--port", str(free_port()), *args, status=2)
    assert words in run.stderr
    assert not (tmp_path / "taskflow.db").exists(), "nothing was started"


def test_with_a_secret_in_a_file_it_listens_to_others_and_asks_who_they_are(tmp_path: Path) -> None:
    secret = "a secret in a file, of thirty-two characters and more"
    (tmp_path / "secret").write_text(f"{secret}\n")
    environ = {"TASKFLOW_AUTH_SECRET_FILE": str(tmp_path / "secret"), "TASKFLOW_HTTP_HOST": "0.0.0.0"}
    with HubProcess(tmp_path, environ=environ) as hub:
        ready = hub.until_says("ready")
        assert (ready["url"], ready["access"]) == (
            f"http://0.0.0.0:{hub.port}",
            "accounts: log in or present a key",
        )
        assert hub.get("/tasks").status_code == 401
        assert hub.get("/healthz").status_code == 200
        assert hub.terminate() == 0
        assert secret not in hub.output()


def test_a_secret_that_was_not_written_yet_starts_nothing(tmp_path: Path) -> None:
    (tmp_path / "secret").touch()
    environ = {"TASKFLOW_AUTH_SECRET_FILE": str(tmp_path / "secret")}
    run = taskflow(tmp_path, "up", "--port", str(free_port()), status=2, **environ)
    assert "TASKFLOW_AUTH_SECRET_FILE: is set, but empty" in run.stderr
    assert not (tmp_path / "taskflow.db").exists()


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        run = taskflow(tmp_path, "up", "--port", str(port), status=2)
    assert f"cannot listen on 127.0.0.1:{port}" in run.stderr


def test_a_database_that_cannot_be_opened_is_exit_5(tmp_path: Path) -> None:
    run = taskflow(
        tmp_path, "up", "--port", str(free_port()), "--database-url", "sqlite:///no/such/x.db", status=5
    )
    assert "no/such/x.db" in run.stderr


# What a signal meets is decided by the program itself: it sends it while its module is imported, or while the engine is made.
SIGNALLED = """
import os, signal
from taskflow_hub import Hub

def send():
    os.kill(os.getpid(), signal.SIGTERM)

class Mine(Hub):
    def attach(self, engine):
        super().attach(engine)
        if WHEN == "starting":
            send()

hub = Mine()
if WHEN == "before":
    send()
"""


@pytest.mark.parametrize(("when", "status"), [("before", -signal.SIGTERM), ("starting", 0)])
def test_a_signal_before_it_is_ready_ends_it(tmp_path: Path, when: str, status: int) -> None:
    """As any program (143 to a shell) as long as nothing is started, and then in order."""
    assert 128 + signal.SIGTERM in MEANINGS, "docs/reference/cli.md says so"
    (tmp_path / "signalled.py").write_text(f"WHEN = {when!r}\n{SIGNALLED}")
    hub = HubProcess(tmp_path, app="signalled:hub")
    hub.spawn()
    try:
        assert hub.wait() == status
        assert (tmp_path / "taskflow.db").exists() is (when == "starting")
        assert "Traceback" not in hub.output()
    finally:
        hub.__exit__()


# --- config


def test_config_show_tells_values_and_where_they_came_from(tmp_path: Path) -> None:
    (tmp_path / "taskflow.toml").write_text('[worker]\nslots = 7\n[database]\nurl = "sqlite:///other.db"\n')
    run = taskflow(
        tmp_path, "config", "show", "-o", "json", TASKFLOW_HTTP_PORT="9999", TASKFLOW_SERVER="http://x"
    )
    shown = json.loads(run.stdout)
    assert shown["worker.slots"] == {"value": 7, "from": "file"}
    assert shown["http.port"] == {"value": 9999, "from": "environment"}
    assert shown["worker.grace"] == {"value": 30.0, "from": "default"}
    table = taskflow(tmp_path, "config", "show").stdout
    assert re.search(r"^worker\.slots +7 +file +TASKFLOW_WORKER_SLOTS$", table, re.MULTILINE)


def test_config_show_hides_passwords(tmp_path: Path) -> None:
    run = taskflow(tmp_path, "config", "show", TASKFLOW_BROKER_URL="redis://bob:s3cret@host/0")
    assert "redis://bob:********@host/0" in run.stdout
    assert "s3cret" not in run.stdout + run.stderr


@pytest.mark.parametrize(
    ("file", "variables", "words"),
    [
        ("", {"TASKFLOW_WORKER_SLOT": "3"}, "did you mean TASKFLOW_WORKER_SLOTS?"),
        ("[worker]\nslotz = 3", {}, "worker.slotz: is not a setting; did you mean worker.slots?"),
        ("[worker", {}, "taskflow.toml"),
        ("", {"TASKFLOW_WORKER_SLOTS": "many"}, "TASKFLOW_WORKER_SLOTS"),
        ("", {"TASKFLOW_HTTP_HOST": "0.0.0.0"}, "TASKFLOW_HTTP_HOST"),
    ],
)
def test_config_check_names_what_is_wrong(
    tmp_path: Path, file: str, variables: dict[str, str], words: str
) -> None:
    (tmp_path / "taskflow.toml").write_text(file)
    assert words in taskflow(tmp_path, "config", "check", status=2, **variables).stderr


def test_config_check_is_content_and_starts_nothing(tmp_path: Path) -> None:
    run = taskflow(tmp_path, "config", "check")
    assert "settings are good" in run.stderr
    assert list(tmp_path.iterdir()) == []


# --- db


def test_the_schema_is_checked_and_migrated(tmp_path: Path) -> None:
    missing = taskflow(tmp_path, "db", "check", status=3)
    assert (missing.stdout, "no database yet" in missing.stderr) == ("empty\n", True)
    assert not (tmp_path / "taskflow.db").exists(), "a check changes nothing"

    assert "up to date" in taskflow(tmp_path, "db", "migrate").stderr
    assert "up to date" in taskflow(tmp_path, "db", "migrate").stderr
    assert json.loads(taskflow(tmp_path, "db", "check", "-o", "json").stdout)["schema"] == "current"

    with sqlite3.connect(tmp_path / "taskflow.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    newer = taskflow(tmp_path, "db", "check", status=5)
    assert (newer.stdout, "Update TaskFlow Hub" in newer.stderr) == ("newer\n", True)
    assert "newer" in taskflow(tmp_path, "db", "migrate", status=5).stderr
    assert "newer" in taskflow(tmp_path, "up", "--port", str(free_port()), status=5).stderr


def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("dear diary " * 100)
    for verb in ("check", "migrate"):
        run = taskflow(tmp_path, "db", verb, "--database-url", "sqlite:///notes.txt", status=2)
        assert "not an SQLite database" in run.stderr
    assert (tmp_path / "notes.txt").read_text().startswith("dear diary")
