"""A real hub in a process of its own, started and ended as an operator would."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
from tests.support.grounds import Ground
from tests.support.ports import free_port

STARTS_WITHIN_S = 60.0
READY, STOPPING = "ready", "stopping"  # events of its log


# Heartbeats as good as never: what a worker elsewhere learns soon, it was told.
SELDOM = {
    "TASKFLOW_WORKER_HEARTBEAT_S": "600",
    "TASKFLOW_WORKER_SELF_STOP_S": "1200",
    "TASKFLOW_ENGINE_DEAD_AFTER": "3600",
}


def until(true: Callable[[], bool]) -> None:
    """Wait for what shows only in an answer, a database or a folder."""
    give_up = time.monotonic() + STARTS_WITHIN_S
    while not true():
        assert time.monotonic() < give_up
        time.sleep(0.02)


class HubProcess:
    """`taskflow up`, or another role, in `folder`, where its database is. `kill` and `start` may be called again and again.

    What it says on stderr, and stdout, comes through a pipe: a log line is the signal that something has come to be. `up` is
    set while it can be asked: from its `ready` until a signal is sent to it.
    """

    def __init__(
        self,
        folder: Path,
        *,
        app: str | None = None,
        environ: Mapping[str, str] | None = None,
        port: int | None = None,
        role: Sequence[str] = ("up",),
        python: Path | None = None,
    ) -> None:
        self.folder, self._role = folder, role
        self._python = str(python or sys.executable)  # another has another installation
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.up = threading.Event()
        self._app = app
        self.environ = dict(environ or {})  # of the next start
        self._process: subprocess.Popen[bytes] | None = None
        self._said = _Said()
        self._before = ""  # what the processes before this one have said
        self.client = httpx.Client(base_url=self.url, timeout=30)

    @property
    def pid(self) -> int:
        assert self._process is not None, "the hub has not been started"
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self, within_s: float = STARTS_WITHIN_S) -> "HubProcess":
        """Start, and return once it is ready."""
        self.spawn()
        self.until_says(READY, within_s)
        self.up.set()
        return self

    def spawn(self) -> None:
        """Start, and return at once."""
        command = [self._python, "-m", "taskflow_hub", *self._role]
        if self._role[0] != "worker":
            command += ["--port", str(self.port)]
        if self._app:
            command += ["--app", self._app]
        environ = {name: value for name, value in os.environ.items() if not name.startswith("TASKFLOW_")}
        self._before = self.output()
        self._process = subprocess.Popen(
            command,
            cwd=self.folder,
            env=environ | self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self._said = _Said(self._process)

    def until_says(self, event: str, timeout_s: float = STARTS_WITHIN_S) -> dict[str, Any]:
        """The line of its log with this event; fails when the hub ends without it, or takes longer."""
        found = self._said.until(event, timeout_s)
        assert found is not None, (
            f"the hub did not say {event!r} within {timeout_s} s, or ended:\n{self.output()}"
        )
        return found

    def until_logs(self, words: str, timeout_s: float = STARTS_WITHIN_S) -> None:
        """Until a line of its log has these words in it."""
        assert self._said.until_has(words, timeout_s), (
            f"the hub did not say {words!r} within {timeout_s} s, or ended:\n{self.output()}"
        )

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
        self.up.clear()
        self._process.send_signal(number)

    def wait(self, timeout_s: float = 40.0) -> int:
        """Its exit status, once it has ended and all it said is in `output`."""
        assert self._process is not None
        status = self._process.wait(timeout_s)
        self._said.to_the_end()
        return status

    def output(self) -> str:
        return self._before + self._said.text()

    def __enter__(self) -> "HubProcess":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.client.close()
        if self._process is not None:
            if self._process.poll() is None:
                self._process.kill()
            self.wait()

    # --- what tests ask of it over HTTP

    def at_work(self) -> set[str]:
        """The workers that have been given something."""
        return {task["worker"] for task in self.get("/tasks?status=running").json()["items"]}

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


@contextmanager
def hub_on(
    ground: Ground, folder: Path, *, app: str, environ: Mapping[str, str], workers: int = 1
) -> Iterator[HubProcess]:
    """A whole hub: `taskflow up`, or, with a broker between them, a server and workers that know no database.

    It is asked through the process that is answered, which may be killed and started while the workers live on.
    """
    database = {"TASKFLOW_DATABASE_URL": ground.database_url}
    if ground.broker_url == "local":
        with HubProcess(folder, app=app, environ={**environ, **database}) as up:
            yield up
        return
    environ = {**environ, "TASKFLOW_BROKER_URL": ground.broker_url}
    with ExitStack() as undo:
        server = HubProcess(folder, environ={**environ, **database}, role=("server",))
        undo.enter_context(server)
        for n in range(workers):
            elsewhere = folder / f"worker-{n + 1}"
            elsewhere.mkdir()
            undo.enter_context(HubProcess(elsewhere, app=app, environ=environ, role=("worker", "run")))
        yield server


class _Said:
    """What a process says, read by a thread as it comes, and given to whoever waits for it."""

    def __init__(self, process: "subprocess.Popen[bytes] | None" = None) -> None:
        self._lines: list[str] = []
        self._events: list[dict[str, Any]] = []
        self._changed = threading.Condition()
        self._ended = process is None
        self._reader: threading.Thread | None = None
        if process is not None:
            self._reader = threading.Thread(target=self._read, args=(process,), name="HubOutput", daemon=True)
            self._reader.start()

    def text(self) -> str:
        with self._changed:
            return "".join(self._lines)

    def until(self, event: str, timeout_s: float) -> dict[str, Any] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._find(event) or self._ended, timeout_s)
            return self._find(event)

    def until_has(self, words: str, timeout_s: float) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._has(words) or self._ended, timeout_s)
            return self._has(words)

    def to_the_end(self) -> None:
        """Its children let go of the pipe when they end, a moment after it."""
        if self._reader is not None:
            self._reader.join(10)
            assert not self._reader.is_alive(), "something the hub has started outlives it"

    def _find(self, event: str) -> dict[str, Any] | None:
        return next((found for found in self._events if found.get("event") == event), None)

    def _has(self, words: str) -> bool:
        return any(words in line for line in self._lines)

    def _read(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdout is not None
        with process.stdout as pipe:
            for raw in pipe:
                line = raw.decode(errors="replace")
                with self._changed:
                    self._lines.append(line)
                    self._events += _event(line)
                    self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()


def _event(line: str) -> list[dict[str, Any]]:
    try:
        found = json.loads(line)
    except ValueError:
        return []  # not of its log
    return [found] if isinstance(found, dict) else []
