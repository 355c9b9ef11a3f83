"""A hub in a process of its own, as users run it."""

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType


class HubProcess:
    """`taskflow up --app bench.app:hub` on a database, for the length of a with block."""

    def __init__(
        self, url: str, *, slots: int, secret: str | None = None, module: str = "taskflow_hub"
    ) -> None:
        """`secret`: with accounts. `module`: what is run as `taskflow`."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self._url, self._slots, self._module = url, slots, module
        self._accounts = {} if secret is None else {"TASKFLOW_AUTH_SECRET": secret}

    def __enter__(self) -> "HubProcess":
        self._home = tempfile.TemporaryDirectory()
        self._folder = Path(self._home.name)
        environ = os.environ | {
            "PYTHONPATH": str(Path.cwd()),
            "TASKFLOW_DATABASE_URL": self._url,
            "TASKFLOW_WORKER_SLOTS": str(self._slots),
            "TASKFLOW_WORKER_GRACE": "1",  # what runs at the end has been measured
            **self._accounts,
        }
        command = [
            sys.executable,
            "-m",
            self._module,
            "up",
            "--port",
            str(self.port),
            "--app",
            "bench.app:hub",
        ]
        self._log = (self._folder / "hub.log").open("ab")
        self._process = subprocess.Popen(
            command, cwd=self._folder, env=environ, stdout=self._log, stderr=self._log
        )
        while not self._answers():
            if self._process.poll() is not None:
                raise RuntimeError(f"the hub did not start:\n{(self._folder / 'hub.log').read_text()}")
            time.sleep(0.02)
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(60)
        self._log.close()
        self._home.cleanup()

    @property
    def pid(self) -> int:
        return self._process.pid

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=2):
                return True
        except (urllib.error.URLError, OSError):
            return False
