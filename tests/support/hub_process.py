"""A real hub in a process of its own, started and ended as an operator would."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

STARTS_WITHIN_S = 30.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class HubProcess:
    """`taskflow up` in `folder`, which holds its database. `kill` and `start` may be called again and again."""

    def __init__(
        self,
        folder: Path,
        *,
        app: str | None = None,
        environ: Mapping[str, str] | None = None,
        port: int | None = None,
    ) -> None:
        self.folder = folder
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / f"hub-{self.port}.log"
        self._app, self._environ = app, dict(environ or {})
        self._process: subprocess.Popen[bytes] | None = None
        self.client = httpx.Client(base_url=self.url, timeout=30)

    @property
    def pid(self) -> int:
        assert self._process is not None, "the hub has not been started"
        return self._process.pid

    def start(self) -> "HubProcess":
        """Start, and return once it answers."""
        self.spawn()
        deadline = time.monotonic() + STARTS_WITHIN_S
        while not self.answers():
            assert self._process is not None
            assert self._process.poll() is None, (
                f"the hub ended with {self._process.returncode}:\n{self.output()}"
            )
            assert time.monotonic() < deadline, (
                f"the hub did not answer within {STARTS_WITHIN_S} s:\n{self.output()}"
            )
            time.sleep(0.02)  # there is no other sign than the answer
        return self

    def spawn(self) -> None:
        """Start, and return at once."""
        command = [sys.executable, "-m", "taskflow_hub", "up", "--port", str(self.port)]
        if self._app:
            command += ["--app", self._app]
        environ = {name: value for name, value in os.environ.items() if not name.startswith("TASKFLOW_")}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                cwd=self.folder,
                env=environ | self._environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def answers(self) -> bool:
        try:
            return self.client.get("/healthz", timeout=2).status_code == 200
        except httpx.HTTPError:
            return False

    def kill(self) -> None:
        """kill -9, and wait until it is gone."""
        self.signal(signal.SIGKILL)
        self.wait()

    def terminate(self, timeout_s: float = 40.0) -> int:
        """SIGTERM; answers the exit status."""
        self.signal(signal.SIGTERM)
        return self.wait(timeout_s)

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def wait(self, timeout_s: float = 40.0) -> int:
        assert self._process is not None
        return self._process.wait(timeout_s)

    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def __enter__(self) -> "HubProcess":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.client.close()
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    # --- what tests ask of it over HTTP

    def post(self, path: str, body: Any = None, **options: Any) -> httpx.Response:
        content = None if body is None else json.dumps(body).encode()
        return self.client.post(path, content=content, **options)

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.client.get(path, **options)

    def submit(self, type: str, payload: Any = None, **fields: Any) -> dict[str, Any]:
        answer = self.post("/tasks", {"type": type, "payload": payload or {}, **fields})
        assert answer.status_code in {200, 202}, answer.text
        task: dict[str, Any] = answer.json()
        return task

    def task(self, task_id: str) -> dict[str, Any]:
        answer = self.get(f"/tasks/{task_id}")
        assert answer.status_code == 200, answer.text
        task: dict[str, Any] = answer.json()
        return task

    def until(self, task_id: str, *statuses: str, timeout_s: float = 30.0) -> dict[str, Any]:
        """The task, once it has one of these statuses; it is followed by its events, not by sleeping."""
        deadline = time.monotonic() + timeout_s
        with self.client.stream("GET", f"/tasks/{task_id}/events", timeout=timeout_s) as stream:
            for line in stream.iter_lines():
                if line.startswith("data:"):
                    task: dict[str, Any] = json.loads(line[5:])
                    if task["status"] in statuses:
                        return task
                assert time.monotonic() < deadline, f"still waiting for {statuses}: {self.task(task_id)}"
        task = self.task(task_id)
        assert task["status"] in statuses, f"ended {task['status']}, wanted {statuses}: {task}"
        return task

    def final(self, task_id: str, timeout_s: float = 30.0) -> dict[str, Any]:
        return self.until(task_id, "success", "failed", "cancelled", "skipped", timeout_s=timeout_s)
