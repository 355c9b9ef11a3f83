"""Whatever the documentation tells people to type is typed here, on a real hub, and must answer what it says.

A page is one session, from its first block to its last: bash in a terminal of its own, in a folder that looks like a
clone. A `taskflow up` that stays in the foreground gets a second terminal, as a person gives it one.

* `console`: each `$ ` line is run. Its status must be 0 (unless `echo $?` follows) and, where an answer is shown, it must
  be that: ids, times, durations and pids count as equal, `…` stands for any text, and alone on a line for any lines. `^C`
  is Ctrl-C.
* `python`: a first line `# name.py` makes it that file (a second block with the same name continues it); all files of a page
  are there from the beginning. Any other is run on its own, with `await` allowed outside functions as in `python -m
  asyncio`, and a `text` block that follows is what it prints.
* `toml`: settings that load. `json`: JSON. `ini`: a unit file whose command has these options. What a proxy is told (`nginx`,
  `caddyfile`) is looked at in test_proxies.py; a `dockerfile` is shown only.

Port 8080 is a free one in truth, and https://example.com a page on loopback. A page that asks a hub and starts none finds one.
Where a page speaks of localhost:5432 a PostgreSQL server is there; who types psql is its superuser. So with localhost:6379 and
Redis.
"""

import configparser
import json
import os
import re
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

import pytest
from tests.docs.pages import PAGES, ROOT, Block, Command, blocks, commands
from tests.support.ports import free_port
from tests.support.postgres import FAST, postgres
from tests.support.redis import redis_server
from tests.support.terminal import Terminal

from taskflow_hub import settings

# Made by programs whose own tests compare them with what they are made from.
GENERATED: Final = ("docs/reference/cli.md", "docs/lifecycle.md")
HOME: Final = "/home/you"
CLONE: Final = "taskflow-hub"
READY: Final = "Ctrl-C to stop"
SERVES: Final = re.compile(r"(?:(?:\.venv/bin/)?taskflow (?:up|server)|make run)\b(?!.*(?:&|--help)$)")
STARTS: Final = re.compile(r"^\$ .*(?:taskflow (?:up|server)|make run)", re.MULTILINE)
NETWORK: Final = re.compile(
    r"git clone |make setup|apt-get |docker |systemctl "
)  # what needs the world outside, or changes this one
EXAMPLE_COM: Final = (
    "<!doctype html><html><head><title>Example Domain</title></head><body>Example</body></html>"
)
# A hub in the background has no other sign than its answers; its worker registers a moment after it listens. With accounts it
# listens only then, and shows nobody its workers.
READY_BEHIND: Final = (
    "until curl -s localhost:{port}/workers | grep -q '\"pid\":'$!'\\b\\|\"unauthenticated\"'; do "
    "sleep 0.02; done"
)
RUNNER: Final = """
import ast, asyncio, sys
source, name = sys.stdin.read(), sys.argv[1]
ran = eval(compile(source, name, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), {"__name__": "__main__"})
if ran is not None:
    asyncio.run(ran)
"""

_SAME: Final = (
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}|\b[0-9a-f]{8}-…"), "ID"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|\+00:00)?"), "TIME"),
    (re.compile(r"\b\d\d:\d\d:\d\d(\.\d+)?\b"), "TIME"),
    (re.compile(r"\b\d+(\.\d+)? ?(ms|s|min|h)\b(?!/)"), "SPAN"),
    (re.compile(r"(?<=^\[\d\] )\d+$"), "PID"),
    (re.compile(r"[ \t]+"), " "),
)
_JOB: Final = re.compile(
    r"^\[\d+\][+-]? +(Killed|Done|Terminated|Exit \d+)\b.*$"
)  # bash says it when it likes


def test_every_block_is_of_a_kind_that_is_checked() -> None:
    known = {"console", "python", "toml", "json", "ini", "nginx", "caddyfile", "dockerfile"}
    others = [
        f"{block.where}: {block.language or 'no language'}"
        for page in PAGES
        if page not in GENERATED
        for before, block in zip([None, *blocks(page)], blocks(page), strict=False)
        if block.language not in known
        and not (block.language == "text" and before and before.language == "python")
    ]
    assert not others, "\n".join(others)


@pytest.mark.timeout(300)  # a page is dozens of programs, one after the other
@pytest.mark.parametrize("page", [page for page in PAGES if page not in GENERATED and blocks(page)])
def test_page(page: str, tmp_path: Path) -> None:
    with Session(page, tmp_path) as session:
        session.play()


class Session:
    """One page, from top to bottom."""

    def __init__(self, page: str, folder: Path) -> None:
        self.page, self.home = page, folder
        self.folder = folder / CLONE
        self.folder.mkdir()
        for shared in (".venv", "examples", "pyproject.toml"):
            (self.folder / shared).symlink_to(ROOT / shared)
        self.ports = {"8080": str(free_port()), "8081": str(free_port())}
        self.environ = {
            "PATH": f"{ROOT / '.venv/bin'}:{os.environ['PATH']}",
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "TERM": "xterm-256color",
            "NO_COLOR": "1",
            "PYTHONPATH": str(self.folder),
            "VIRTUAL_ENV_DISABLE_PROMPT": "1",
            "TASKFLOW_HTTP_PORT": self.ports["8080"],
            "TASKFLOW_SERVER": f"http://127.0.0.1:{self.ports['8080']}",
            "TASKFLOW_WORKER_LOCK_DIR": str(folder / "locks"),
        }
        self._undo = ExitStack()
        self._hub: Terminal | None = None
        self._serving = False

    def __enter__(self) -> "Session":
        self._web = ""
        if "https://example.com" in "".join(block.text for block in blocks(self.page)):
            self._web = self._undo.enter_context(example_com())
            self.environ["TASKFLOW_NET_ALLOW_PRIVATE"] = "127.0.0.0/8"
        if "localhost:5432" in "".join(block.text for block in blocks(self.page)):
            self._start_postgres()
        if "localhost:6379" in "".join(block.text for block in blocks(self.page)):
            self.ports["6379"] = str(self._undo.enter_context(redis_server()).port)
        if "localhost:4318" in "".join(block.text for block in blocks(self.page)):
            self.ports["4318"] = str(free_port())  # where the page's own collector of traces listens
        self._terminal = self._undo.enter_context(Terminal(self.folder, self.environ))
        return self

    def _start_postgres(self) -> None:
        server = self._undo.enter_context(postgres(16, **FAST))
        self.ports["5432"] = str(server.port)
        self.environ["PATH"] = f"{server.programs}:{self.environ['PATH']}"
        self.environ |= {"PGHOST": "localhost", "PGPORT": str(server.port), "PGUSER": "taskflow"}

    def __exit__(self, *error: object) -> None:
        self._undo.close()

    def play(self) -> None:
        found = blocks(self.page)
        for block in found:
            if block.language == "python" and block.file:
                self._write(block)
        typed = "".join(block.text for block in found if block.language == "console")
        if re.search(r"(localhost|127\.0\.0\.1):8080", typed) and not STARTS.search(typed):
            self._background("taskflow up 2>hub.log &")
        for block, following in zip(found, [*found[1:], None], strict=True):
            match block.language:
                case "console":
                    self._console(block)
                case "python" if block.file:
                    compile(block.text, block.where, "exec")
                case "python":
                    self._python(block, following)
                case "toml":
                    if block.file:
                        self._write(block)
                    load(block, self.home)
                case "json":
                    json.loads(block.text)
                case "ini":
                    check_unit(block)

    def _write(self, block: Block) -> None:
        name = block.file or ""
        if (ROOT / name).exists():
            rest = block.text.split("\n", 1)[1]
            assert (ROOT / name).read_text() == rest, f"{block.where} is not {name}"
            return
        file = self.folder / name
        file.parent.mkdir(exist_ok=True)
        with file.open("a") as out:
            out.write(self._true(block.text))

    def _python(self, block: Block, following: Block | None) -> None:
        ran = subprocess.run(
            [sys.executable, "-W", "error", "-c", RUNNER, block.where],
            input=self._true(block.text),
            cwd=self.folder,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ran.returncode == 0, f"{block.where}:\n{ran.stderr}"
        if following is not None and following.language == "text":
            agree(following.text.splitlines(), self._shown(ran.stdout), following.where)

    def _console(self, block: Block) -> None:
        typed = commands(block)
        for command, following in zip(typed, [*typed[1:], None], strict=True):
            forgiven = following is not None and following.typed == "echo $?"
            if NETWORK.search(command.typed):
                continue
            if SERVES.match(command.typed):
                self._serve(command)
                continue
            if command.typed.startswith("make"):
                rehearse(command.typed)
                continue
            ran = self._terminal.run(self._true(command.typed))
            assert forgiven or ran.status == 0, f"{command.where} ended with {ran.status}:\n{ran.output}"
            if command.answer:
                agree(command.answer, self._shown(ran.output), command.where)
            if command.typed.endswith("&"):
                self._await_hub(command.typed)

    def _background(self, typed: str) -> None:
        self._terminal.run(typed)
        self._await_hub(typed)

    def _await_hub(self, typed: str) -> None:
        given = re.search(r"--port (\d+)", typed)
        self._terminal.run(self._true(READY_BEHIND.format(port=given[1] if given else 8080)))

    def _serve(self, command: Command) -> None:
        """A hub in the foreground, in a terminal of its own. Ctrl-C ends the one that is there."""
        if self._hub is None:
            self._hub = self._undo.enter_context(Terminal(self.folder, self.environ))
        elif self._serving:
            self._interrupt(command)
        typed = command.typed
        if typed.startswith("make run"):
            assert "taskflow up" in rehearse(typed)
            typed = "taskflow up"
        self._hub.write(self._true(typed) + "\n")
        said = self._hub.until(READY)
        self._serving = True
        before, interrupted, after = "\n".join(command.answer).partition("^C")
        if before.strip():
            agree(before.splitlines(), self._shown(said), command.where)
        if interrupted:
            agree(after.splitlines(), self._shown(self._interrupt(command)), command.where)

    def _interrupt(self, command: Command) -> str:
        assert self._hub is not None
        self._hub.write("\x03")
        ran = self._hub.prompt()
        assert ran.status == 0, f"{command.where}: after Ctrl-C: {ran}"
        self._serving = False
        return ran.output

    def _true(self, text: str) -> str:
        """As it has to be said here."""
        for shown, port in self.ports.items():
            text = text.replace(shown, port)
        return text.replace("https://example.com", self._web).replace(HOME, str(self.home))

    def _shown(self, text: str) -> list[str]:
        """As it would have been said to the reader."""
        for shown, port in self.ports.items():
            text = text.replace(port, shown)
        if self._web:
            text = text.replace(self._web, "https://example.com")
        return text.replace(str(self.home), HOME).splitlines()


def rehearse(command: str) -> str:
    """What make would do: the target is there."""
    words = shlex.split(command, comments=True)
    told = subprocess.run([*words, "-n"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert told.returncode == 0, f"{command}: {told.stderr}"
    return told.stdout


def agree(wanted: Sequence[str], got: Sequence[str], where: str) -> None:
    """Whether what came is what is shown. `…` alone stands for any lines, within a line for any text."""
    expected = [alike(line) for line in wanted if line.strip()]
    came = [alike(line) for line in got if line.strip() and not _JOB.match(line)]
    pattern = "".join(
        r"(?:.*\n)*?" if line == "…" else ".*?".join(map(re.escape, line.split("…"))) + r"\n"
        for line in expected
    )
    if not re.fullmatch(pattern, "".join(f"{line}\n" for line in came)):
        shown, wanted_ = "\n".join(came), "\n".join(expected)
        pytest.fail(f"{where}\n--- answers\n{shown}\n--- and not\n{wanted_}", pytrace=False)


def alike(line: str) -> str:
    for pattern, name in _SAME:
        line = pattern.sub(name, line)
    return line.strip()


def load(block: Block, home: Path) -> None:
    file = home / "settings.toml"
    file.write_text(block.text)
    assert settings.load(environ={}, file=file).origins


def check_unit(block: Block) -> None:
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read_string(block.text)
    program, *words = shlex.split(unit["Service"]["ExecStart"])
    assert program.endswith("/taskflow"), f"{block.where}: {program}"
    said = subprocess.run(
        [sys.executable, "-m", "taskflow_hub", words[0], "--help"], capture_output=True, text=True, check=True
    ).stdout
    for word in words[1:]:
        assert not word.startswith("--") or word in said, f"{block.where}: {word}"


@contextmanager
def example_com() -> Iterator[str]:
    """A page on loopback; answers its address."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = EXAMPLE_COM.encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
