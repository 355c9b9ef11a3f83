"""A person at a terminal: spinner and colours, Ctrl-C, a hub's banner and its orderly end. Each session has a real pty."""

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.hub_process import HubProcess
from tests.support.ports import free_port

ENVIRON = {"PYTHONPATH": str(Path(__file__).parent)}
CURSOR_HIDDEN, CURSOR_SHOWN = "\x1b[?25l", "\x1b[?25h"
STYLES = re.compile("\x1b\\[[0-9;?]*[a-zA-Z]")


class Session:
    """`taskflow` in a terminal of 100 columns; `until` reads until the screen says something."""

    def __init__(self, *args: str, folder: Path, variables: dict[str, str] | None = None) -> None:
        clean = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("TASKFLOW_", "NO_COLOR"))
        }
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            try:
                os.chdir(folder)
                environ = {**clean, "TERM": "xterm-256color", **ENVIRON, **(variables or {})}
                os.execve(sys.executable, [sys.executable, "-m", "taskflow_hub", *args], environ)
            finally:
                os._exit(127)
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
        self.raw = ""
        self.status: int | None = None

    @property
    def screen(self) -> str:
        """Everything that was ever shown, without styles."""
        return STYLES.sub("", self.raw)

    def until(self, words: str, timeout_s: float = 30.0) -> "Session":
        deadline = time.monotonic() + timeout_s
        while words not in self.screen:
            assert self._read(deadline - time.monotonic()), f"never saw {words!r}:\n{self.screen}"
        return self

    def end(self, timeout_s: float = 30.0) -> int:
        """Read to the end; the exit status."""
        deadline = time.monotonic() + timeout_s
        while self._read(deadline - time.monotonic()):
            pass
        _, status = os.waitpid(self.pid, 0)
        self.status = os.waitstatus_to_exitcode(status)
        return self.status

    def press(self, keys: str) -> None:
        os.write(self.terminal, keys.encode())

    def close(self) -> None:
        if self.status is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
        os.close(self.terminal)

    def _read(self, timeout_s: float) -> bool:
        ready, _, _ = select.select([self.terminal], [], [], max(timeout_s, 0))
        if not ready:
            raise AssertionError(f"nothing more came:\n{self.screen}")
        try:
            data = os.read(self.terminal, 65_536)
        except OSError:  # what Linux says when the other side has gone
            return False
        self.raw += data.decode(errors="replace")
        return bool(data)


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    with HubProcess(tmp_path_factory.mktemp("session"), app="cli_app:hub", environ=ENVIRON) as running:
        yield running


@contextlib.contextmanager
def session(*args: str, folder: Path, **variables: str) -> Iterator[Session]:
    opened = Session(*args, folder=folder, variables=variables)
    try:
        yield opened
    finally:
        opened.close()


def test_progress_is_shown_live_and_gives_way_to_the_result(hub: HubProcess, tmp_path: Path) -> None:
    steps = ("cli.steps", "n:=3", f"folder={tmp_path}")
    with session("task", "submit", *steps, "--wait", folder=tmp_path, TASKFLOW_SERVER=hub.url) as person:
        person.until("running")
        for step in (1, 2, 3):
            person.until(f"step {step} of 3").until("━")
            (tmp_path / f"{step}").touch()
        assert person.end() == 0
        assert CURSOR_HIDDEN in person.raw
        assert person.raw.rindex(CURSOR_SHOWN) > person.raw.rindex(CURSOR_HIDDEN)
        after = person.raw[person.raw.rindex(CURSOR_SHOWN) :]
        assert STYLES.sub("", after).split() == [
            "3",
            *f"Task {task_id(person)} (cli.steps): success in".split(),
            *took(after),
        ]
        assert "\x1b[32m" in after, "green"


def task_id(person: Session) -> str:
    found = re.search(r"Task ([0-9a-f-]{36})", person.screen)
    assert found
    return found[1]


def took(text: str) -> list[str]:
    return STYLES.sub("", text).split()[-2:]


def test_ctrl_c_ends_the_wait_and_not_the_task(hub: HubProcess, tmp_path: Path) -> None:
    with session("task", "submit", "cli.slow", "--wait", folder=tmp_path, TASKFLOW_SERVER=hub.url) as person:
        person.until("a quarter done").press("\x03")
        assert person.end() == 130
        assert "The task goes on. Look at it with: taskflow task get" in person.screen
        assert "Traceback" not in person.screen
        assert person.raw.rindex(CURSOR_SHOWN) > person.raw.rindex(CURSOR_HIDDEN)
        waited = task_id(person)
    assert hub.task(waited)["status"] == "running"
    hub.post(f"/tasks/{waited}/cancel")


def test_sigterm_gives_the_cursor_back(hub: HubProcess, tmp_path: Path) -> None:
    with session("task", "submit", "cli.slow", "--wait", folder=tmp_path, TASKFLOW_SERVER=hub.url) as person:
        person.until("a quarter done")
        os.kill(person.pid, signal.SIGTERM)
        assert person.end() == 143
        assert person.raw.rindex(CURSOR_SHOWN) > person.raw.rindex(CURSOR_HIDDEN)
        waited = task_id(person)
    hub.post(f"/tasks/{waited}/cancel")


def test_a_hostile_message_moves_nothing(hub: HubProcess, tmp_path: Path) -> None:
    with session(
        "task",
        "submit",
        "cli.fails",
        "--max-retries",
        "0",
        "--wait",
        folder=tmp_path,
        TASKFLOW_SERVER=hub.url,
    ) as person:
        assert person.end() == 1
        assert "\x1b[31m [link" not in person.raw
        assert "\x1b]0;" not in person.raw
        assert "bad \\x1b[31m [link=x]y[/link]" in person.screen


def test_following_logs_can_be_interrupted(hub: HubProcess, tmp_path: Path) -> None:
    task = hub.submit("cli.talks")
    with session("task", "logs", task["id"], "--follow", folder=tmp_path, TASKFLOW_SERVER=hub.url) as person:
        person.until("the first line").press("\x03")
        assert person.end() == 130
        assert "Traceback" not in person.screen
    hub.post(f"/tasks/{task['id']}/cancel")


def test_no_color_is_respected_in_a_terminal(hub: HubProcess, tmp_path: Path) -> None:
    hub.final(hub.submit("cli.echo", {"text": "x"})["id"])
    with session("task", "list", folder=tmp_path, TASKFLOW_SERVER=hub.url) as person:
        assert person.end() == 0
        assert "\x1b[32msuccess" in person.raw
        assert max(len(line) for line in person.screen.splitlines()) <= 100
    with session("task", "list", folder=tmp_path, TASKFLOW_SERVER=hub.url, NO_COLOR="1") as person:
        assert person.end() == 0
        assert "\x1b" not in person.raw


def test_a_hub_greets_and_ends_in_order(tmp_path: Path) -> None:
    port = free_port()
    with session(
        "up", "--port", str(port), "--app", "cli_app:hub", "--slots", "3", folder=tmp_path
    ) as person:
        person.until("Ctrl-C to stop")
        for words in (f"http://127.0.0.1:{port}", str(tmp_path / "taskflow.db"), "3 slots", "cli.echo"):
            assert words in person.screen, words
        person.press("\x03")
        assert person.end() == 0
        assert "Stopping" in person.screen
        assert "Traceback" not in person.screen
    assert (tmp_path / "taskflow.db").exists()


def test_a_second_ctrl_c_cuts_the_end_short_and_hands_work_back(tmp_path: Path) -> None:
    port = free_port()
    with session("up", "--port", str(port), "--app", "cli_app:hub", folder=tmp_path) as person:
        person.until("Ctrl-C to stop")
        with session(
            "task", "submit", "cli.slow", "--wait", folder=tmp_path, TASKFLOW_SERVER=f"127.0.0.1:{port}"
        ) as other:
            other.until("a quarter done")
            waited = task_id(other)
        person.press("\x03")
        person.until("Ctrl-C again to cut it short")
        began = time.monotonic()
        person.press("\x03")
        assert person.end() == 130
        assert time.monotonic() - began < 20, "the grace is 30 s"
        assert "what still runs is handed back" in person.screen
    with HubProcess(tmp_path, app="cli_app:hub", environ=ENVIRON) as again:
        task = again.until(waited, "running")
        assert (task["crashes"], task["retry_count"], task["attempt"]) == (0, 0, 2)
