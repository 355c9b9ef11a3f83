"""`taskflow doctor` as people run it: with all well, and with what goes wrong."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.test_cli_up import taskflow
from tests.support.first_release import restore_sqlite
from tests.support.hub_process import HubProcess
from tests.support.ports import free_port
from tests.support.redis import redis_server


def findings(run: subprocess.CompletedProcess[str]) -> dict[str, list[tuple[str, str, str]]]:
    """By check: level, text, advice."""
    found: dict[str, list[tuple[str, str, str]]] = {}
    for one in json.loads(run.stdout)["findings"]:
        found.setdefault(one["check"], []).append((one["level"], one["text"], one["advice"] or ""))
    return found


def doctor(
    folder: Path, *args: str, status: int = 0, **variables: str
) -> dict[str, list[tuple[str, str, str]]]:
    environ = {
        "TASKFLOW_HTTP_PORT": str(free_port()),
        **variables,
    }  # where no hub listens, unless one is meant
    return findings(taskflow(folder, "doctor", "-o", "json", *args, status=status, **environ))


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    with HubProcess(tmp_path_factory.mktemp("hub")) as running:
        yield running


def test_beside_a_hub_all_is_well(hub: HubProcess) -> None:
    run = taskflow(hub.folder, "doctor", "--strict", TASKFLOW_HTTP_PORT=str(hub.port))
    assert "All is well." in run.stderr
    for check in ("settings", "files", "database", "schema", "broker", "server", "clock", "processes"):
        assert f"✓  {check}" in run.stdout, run.stdout
    assert f"server {hub.url}" in run.stdout
    assert "→" not in run.stdout


def test_from_elsewhere_the_server_is_asked(hub: HubProcess, tmp_path: Path) -> None:
    found = doctor(tmp_path, TASKFLOW_SERVER=hub.url)
    assert found["database"] == [("skipped", "None is set here; the server is asked how its own is", "")]
    assert found["server"][0][0] == "ok"
    assert "store" in found["server"][0][1]
    assert "worker" in found["processes"][0][1]
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_is_named_must_answer(tmp_path: Path) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    found = doctor(tmp_path, "--server", nowhere, status=1)
    assert found["server"][0][:2] == ("wrong", f"{nowhere}: connection refused")
    assert doctor(tmp_path)["server"][0][0] == "skipped"
    assert doctor(tmp_path, status=1, TASKFLOW_SERVER="nonsense")["server"][0][0] == "wrong"


def test_what_is_unplugged_hides_nothing_else_and_no_password_is_shown(tmp_path: Path) -> None:
    environ = {
        "TASKFLOW_DATABASE_URL": f"postgresql://hub:geheim@127.0.0.1:{free_port()}/hub",
        "TASKFLOW_BROKER_URL": f"redis://:geheim@127.0.0.1:{free_port()}/0",
    }
    run = taskflow(tmp_path, "doctor", status=1, TASKFLOW_HTTP_PORT=str(free_port()), **environ)
    assert "✗  database   database postgresql://hub:********@127.0.0.1:" in run.stdout
    assert "nothing listens at" in run.stdout
    assert "–  schema" in run.stdout
    assert "✗  broker     redis://:********@127.0.0.1:" in run.stdout
    assert "✓  files" in run.stdout
    assert "geheim" not in run.stdout + run.stderr
    assert "2 wrong." in run.stderr


def test_an_old_schema_and_what_would_be_done(tmp_path: Path) -> None:
    restore_sqlite(tmp_path / "taskflow.db")
    ((level, text, advice),) = doctor(tmp_path, status=1)["schema"]
    assert (level, text[:21]) == ("wrong", "The database has 0001")
    assert "taskflow db migrate" in advice
    taskflow(tmp_path, "db", "migrate")
    assert doctor(tmp_path)["schema"][0][0] == "ok"


def test_a_redis_that_throws_away_what_it_is_given(tmp_path: Path) -> None:
    with redis_server("--maxmemory-policy", "allkeys-lru", "--maxmemory", "100mb") as redis:
        found = doctor(tmp_path, "--broker", redis.url, status=1)
    assert [level for level, *_ in found["broker"]] == ["ok", "wrong"]
    assert "allkeys-lru" in found["broker"][1][1]
    assert any(text.startswith("broker: within") for _, text, _ in found["clock"])


def test_garbage_in_the_settings(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("a secret in a file, of thirty-two characters and more")
    (tmp_path / "secret").chmod(0o644)
    environ: dict[str, Any] = {
        "TASKFLOW_WORKER_SLOTZ": "3",
        "TASKFLOW_LOG_LEVEL": "loud",
        "TASKFLOW_AUTH_SECRET_FILE": str(tmp_path / "secret"),
    }
    found = doctor(tmp_path, status=1, **environ)
    told = [text for level, text, _ in found["settings"] if level == "wrong"]
    assert any(text.startswith("TASKFLOW_WORKER_SLOTZ: is not a setting; did you mean") for text in told)
    assert any(text.startswith("TASKFLOW_LOG_LEVEL: ") for text in told)
    assert [(level, advice) for level, _, advice in found["secrets"]] == [
        ("warning", f"chmod 600 {tmp_path / 'secret'}")
    ]
    assert found["broker"][0][0] == "ok"


def test_warnings_alone_count_with_strict_only(tmp_path: Path) -> None:
    (tmp_path / "taskflow.toml").write_text(
        "[auth]\nsecret = 'a secret in a file, of thirty-two characters'\n"
    )
    (tmp_path / "taskflow.toml").chmod(0o644)
    assert doctor(tmp_path)["secrets"][0][0] == "warning"
    doctor(tmp_path, "--strict", status=1)
