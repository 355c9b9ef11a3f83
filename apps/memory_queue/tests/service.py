"""A started service, seen from outside: its port, its log, its signals."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Final, Self

APP: Final = Path(__file__).parents[1]
TIMEOUT_S: Final = 40.0  # of a wait that ends at once on a machine that is not busy
PRODUCT: Final = ("-m", "memory_queue")
SCALED: Final = (str(Path(__file__).parent / "scaled.py"),)


def environ(**settings: str) -> dict[str, str]:
    """What a started process is given: a free port, and what the test says."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in {"WORKERS", "QUEUE_SIZE", "ERROR_RATE", "HOST"}
    }
    return {**kept, "PYTHONPATH": str(APP / "src"), "PORT": "0", **settings}


class Service:
    def __init__(
        self,
        *arguments: str,
        program: tuple[str, ...] = SCALED,
        python: str = sys.executable,
        **settings: str,
    ) -> None:
        self.process = subprocess.Popen(
            [python, *program, *arguments],
            env=environ(**settings),
            stderr=subprocess.PIPE,
            text=True,
            cwd="/",
        )
        self._scaled = program == SCALED
        self.log = list[str]()
        self._news = threading.Condition()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        self.port = int(self.wait_for(r"listening on http://127\.0\.0\.1:(\d+)")[0][1])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None and self._scaled:  # in good order, so that coverage is written
            self.signal(signal.SIGUSR1, signal.SIGTERM)
            self.exit_status()
        self.process.kill()
        self.process.wait()
        self._listener.join(TIMEOUT_S)
        assert self.process.stderr
        self.process.stderr.close()

    def _listen(self) -> None:
        assert self.process.stderr
        for line in self.process.stderr:
            with self._news:
                self.log.append(line.rstrip("\n"))
                self._news.notify_all()
        with self._news:
            self.log.append("(end of the log)")
            self._news.notify_all()

    def matches(self, pattern: str) -> list[re.Match[str]]:
        return [found for line in tuple(self.log) if (found := re.search(pattern, line))]

    def wait_for(self, pattern: str, count: int = 1) -> list[re.Match[str]]:
        """Until that many lines of the log match."""
        deadline = time.monotonic() + TIMEOUT_S
        with self._news:
            while len(found := self.matches(pattern)) < count:
                left_s = deadline - time.monotonic()
                assert left_s > 0, f"no {pattern!r} in {self.log}"
                assert "(end of the log)" not in self.log, f"no {pattern!r} in {self.log}"
                self._news.wait(left_s)
        return found

    def signal(self, *numbers: int) -> None:
        for number in numbers:
            self.process.send_signal(number)

    def let_go(self) -> None:
        """What --hold holds goes on."""
        self.signal(signal.SIGUSR1)

    def exit_status(self) -> int:
        status = self.process.wait(TIMEOUT_S)
        self._listener.join(TIMEOUT_S)
        return status

    def ask(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, bytes, http.client.HTTPMessage]:
        """One request on a connection of its own: status, body, header."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_S)
        try:
            connection.request(method, path, body, headers or {}, encode_chunked=headers is not None)
            answer = connection.getresponse()
            return answer.status, answer.read(), answer.headers
        finally:
            connection.close()

    def post(self, **task: Any) -> tuple[int, bytes]:
        return self.ask("POST", "/enqueue", json.dumps(task))[:2]

    def read(self, path: str) -> Any:
        status, body, _ = self.ask("GET", path)
        assert status == 200, (status, body)
        return json.loads(body)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=TIMEOUT_S)

    def say(self, *pieces: bytes) -> bytes:
        """All that comes back for these bytes until the service hangs up."""
        with self.connect() as connection:
            for piece in pieces:
                connection.sendall(piece)
            return all_of(connection)


def all_of(connection: socket.socket) -> bytes:
    heard = b""
    try:
        while piece := connection.recv(65_536):
            heard += piece
    except ConnectionResetError:
        pass  # hung up on
    return heard
