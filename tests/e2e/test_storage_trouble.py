"""The disk is full, the file is read-only, the folder is gone: said clearly, nothing lost, and it goes on afterwards."""

import ctypes
import os
import resource
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.support.hub_process import HubProcess

PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 24, 1, 2  # linux/prctl.h, linux/capability.h
LARGE = {"payload": {"text": "x" * 50_000}}


@pytest.fixture
def environ() -> dict[str, str]:
    return {"PYTHONPATH": str(Path(__file__).parent)}


def fill(hub: HubProcess) -> tuple[list[str], dict[str, Any]]:
    """Submit until it is refused; the ids accepted, and the refusal."""
    accepted: list[str] = []
    for _ in range(2_000):
        answer = hub.post("/tasks", {"type": "unserved.large", **LARGE})
        if answer.status_code != 202:
            return accepted, {
                "status_code": answer.status_code,
                "retry_after": answer.headers.get("retry-after"),
                **answer.json(),
            }
        accepted.append(answer.json()["id"])
    raise AssertionError("it never became full")


def integrity(database: Path) -> str:
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        return str(connection.execute("pragma integrity_check").fetchone()[0])


def test_a_file_that_may_not_grow_refuses_work_clearly_and_goes_on_once_it_may(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    with HubProcess(tmp_path, app="product_app:hub", environ=environ) as hub:
        before = hub.submit("app.slow_async", {"seconds": 1.0})["id"]
        hub.until(before, "running")
        size = max(file.stat().st_size for file in tmp_path.glob("taskflow.db*"))
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.prlimit(hub.pid, resource.RLIMIT_FSIZE, (size + 200_000, hard))

        accepted, refusal = fill(hub)

        assert (refusal["status_code"], refusal["code"]) == (503, "store_full"), refusal
        assert "taskflow.db" in refusal["detail"]
        assert refusal["retry_after"] is not None
        assert hub.task(before)["id"] == before, "reading goes on"
        assert hub.get("/healthz").status_code == 200

        resource.prlimit(hub.pid, resource.RLIMIT_FSIZE, (hard, hard))

        task = hub.final(before)
        assert (task["status"], task["crashes"], task["retry_count"], task["attempt"]) == ("success", 0, 0, 1)
        assert hub.final(hub.submit("app.slow_async", {"seconds": 0.01})["id"])["status"] == "success"
        assert all(hub.task(task_id)["status"] == "queued" for task_id in accepted), (
            "what was accepted is there"
        )
        assert "Traceback" not in hub.output()
    assert integrity(tmp_path / "taskflow.db") == "ok"


def test_a_file_at_its_page_limit_refuses_work_and_takes_it_again_when_it_may_grow(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    environ["TASKFLOW_DATABASE_URL"] = "sqlite:///taskflow.db?max_page_count=400"
    with HubProcess(tmp_path, environ=environ) as hub:
        accepted, refusal = fill(hub)
        assert (refusal["status_code"], refusal["code"]) == (503, "store_full"), refusal

        assert {hub.task(task_id)["status"] for task_id in accepted} == {"queued"}, "reading goes on"
        assert hub.terminate() == 0
    environ["TASKFLOW_DATABASE_URL"] = "sqlite:///taskflow.db"
    with HubProcess(tmp_path, environ=environ) as hub:
        again = hub.post("/tasks", {"type": "unserved.large", **LARGE})
        assert again.status_code == 202, again.text
        assert {hub.task(task_id)["status"] for task_id in accepted} == {"queued"}, "nothing accepted is lost"
    assert integrity(tmp_path / "taskflow.db") == "ok"


@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_read_only_database_is_refused_at_start_without_a_traceback(
    tmp_path: Path, environ: dict[str, str], what: str
) -> None:
    with HubProcess(tmp_path, environ=environ) as hub:
        task_id = hub.submit("unserved.type")["id"]
        hub.terminate()
    locked = tmp_path / "taskflow.db" if what == "file" else tmp_path
    for file in tmp_path.glob("taskflow.db*"):
        file.chmod(0o444)
    tmp_path.chmod(0o555 if what == "folder" else 0o777)

    run = unprivileged([sys.executable, "-m", "taskflow_hub", "up", "--port", "0"], tmp_path)

    assert run.returncode == 5, run.stderr
    assert "taskflow.db" in run.stderr, f"{locked}: {run.stderr}"
    assert "Traceback" not in run.stderr
    tmp_path.chmod(0o755)
    with sqlite3.connect(f"file:{tmp_path / 'taskflow.db'}?immutable=1", uri=True) as connection:
        assert connection.execute("select id from tasks").fetchall() == [(task_id,)]


def unprivileged(command: list[str], folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run as somebody whom file modes bind. Root without these two capabilities is one: nothing overrides the modes."""

    def drop_privileges() -> None:
        for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
            ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)

    return subprocess.run(
        command,
        cwd=folder,
        env={"HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        preexec_fn=drop_privileges if os.geteuid() == 0 else None,
    )
