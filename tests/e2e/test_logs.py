"""A hub that logs to a file which is rotated, under load: every line is JSON, and says whom it is about."""

import base64
import json
import secrets
import subprocess
import sys
from pathlib import Path

from tests.support.hub_process import HubProcess, until

TRACE = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE}-b7ad6b7169203331-01"
APP = """
import logging
from taskflow_hub import Context, Hub, Secret

hub = Hub()
log = logging.getLogger("shop")

@hub.task("shop.coroutine")
async def coroutine(n: int, ctx: Context) -> None:
    ctx.log.info("for the task alone")
    log.warning("async %d\\nforged", n, extra={"order": {"password": "s3cr3tword"}})

@hub.task("shop.thread")
def thread(n: int, word: Secret[str]) -> None:
    log.warning("thread %d with %s", n, word)
"""


def test_a_rotated_file_under_load(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(APP)
    environ = {
        "TASKFLOW_LOG_FILE": "hub.log",
        "TASKFLOW_LOG_FILE_MAX_BYTES": "20000",
        "TASKFLOW_LOG_FILE_KEEP": "50",
        "TASKFLOW_SECRETS_KEYS": base64.b64encode(secrets.token_bytes(32)).decode(),
    }
    hub = HubProcess(tmp_path, app="shop:hub", environ=environ)
    file = tmp_path / "hub.log"
    try:
        hub.spawn()
        until(lambda: file.exists() and '"event": "ready"' in file.read_text())
        second = subprocess.run(
            [sys.executable, "-m", "taskflow_hub", "up", "--port", "0"],
            cwd=tmp_path,
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )
        assert second.returncode == 2
        assert "another process writes" in second.stderr
        assert "Traceback" not in second.stderr
        ids: dict[str, list[str]] = {}
        for type, more in (("shop.coroutine", {}), ("shop.thread", {"word": "hunter2hunter2"})):
            tasks = [{"type": type, "payload": {"n": n, **more}} for n in range(100)]
            answer = hub.post("/tasks/batch", {"tasks": tasks}, headers={"traceparent": TRACEPARENT})
            assert answer.status_code in {200, 202}, answer.text
            ids[type] = answer.json()["ids"]
        until(
            lambda: (
                not any(hub.get(f"/tasks?status={state}").json()["items"] for state in ("queued", "running"))
            )
        )
        assert hub.terminate() == 0
    finally:
        hub.__exit__()
    files = [path for path in tmp_path.glob("hub.log*") if path.suffix != ".lock"]
    assert len(files) > 3
    assert all(path.stat().st_size <= 20_000 for path in files)
    text = "".join(path.read_text() for path in files)
    assert "s3cr3tword" not in text
    assert "hunter2" not in text
    assert "for the task alone" not in text
    lines = [json.loads(line) for line in text.splitlines()]
    assert {"ready", "stopping"} <= {line["event"] for line in lines}
    for type, wanted in ids.items():
        about = [line for line in lines if line.get("type") == type]
        assert sorted(line["task_id"] for line in about) == sorted(wanted)
        assert {(line["attempt"], line["trace_id"], line["logger"]) for line in about} == {(1, TRACE, "shop")}
        assert len({line["worker"] for line in about}) == 1
    assert "Traceback" not in hub.output()
