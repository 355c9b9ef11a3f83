"""Several processes on one database: each all of a hub, or, with a Redis between them, servers and workers."""

import signal
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from tests.support.hub_process import HubProcess
from tests.support.redis import RedisServer

from taskflow_hub.testing.faults import TcpProxy

APP: Final = "tests.crash.chaos.handlers:hub"
ROOT: Final = Path(__file__).parents[3]
STARTS_WITHIN_S: Final = 90.0  # several at once, beside a load
LOCK_DIR: Final = "TASKFLOW_WORKER_LOCK_DIR"
UP: Final = ("up",)
SERVER: Final = ("server",)
WORKER: Final = ("worker", "run")


class Fleet:
    """Started on entering, ended on leaving.

    With `redis` there are `processes` servers and as many workers, which are told of no database; without, so many `up`, which
    are both. `networks`: each process has a network of its own to Redis. `only_first` is the environment of the first process
    alone.
    """

    def __init__(
        self,
        folder: Path,
        *,
        database_url: str,
        redis: RedisServer | None,
        processes: int,
        slots: int,
        apart: bool = False,
        networks: bool = False,
        only_first: Mapping[str, str] | None = None,
    ) -> None:
        self.lines = folder / "lines"
        self.servers: list[HubProcess] = []  # whom clients call
        self.workers: list[HubProcess] = []  # who runs handlers; without a Redis the same
        self.networks: dict[HubProcess, TcpProxy] = {}
        self._folder, self._database_url, self._redis = folder, database_url, redis
        self._processes, self._slots, self._apart, self._wired = processes, slots, apart, networks
        self._only_first = dict(only_first or {})
        self._undo = ExitStack()

    def __enter__(self) -> "Fleet":
        """All at once: which of them makes the schema is up to them."""
        try:
            self._make()
            with ThreadPoolExecutor(len(self.hubs)) as pool:
                list(pool.map(lambda hub: hub.start(STARTS_WITHIN_S), self.hubs))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._undo.close()

    @property
    def hubs(self) -> list[HubProcess]:
        return list(dict.fromkeys([*self.servers, *self.workers]))

    @property
    def ports(self) -> list[int]:
        return [server.port for server in self.servers]

    def replace(self, hub: HubProcess) -> None:
        """Another process where one has been killed: by a supervisor, or, apart, as another host in its place."""
        hub.environ[LOCK_DIR] = self._lock_dir()
        hub.start(STARTS_WITHIN_S)

    def freeze(self, hub: HubProcess) -> None:
        hub.signal(signal.SIGSTOP)

    def thaw(self, hub: HubProcess) -> None:
        hub.signal(signal.SIGCONT)
        hub.up.set()

    def _make(self) -> None:
        if self._redis is None:
            self.servers = self.workers = [self._hub(UP) for _ in range(self._processes)]
        else:
            self.servers = [self._hub(SERVER) for _ in range(self._processes)]
            self.workers = [self._hub(WORKER) for _ in range(self._processes)]
        self.servers[0].environ |= self._only_first

    def _hub(self, role: tuple[str, ...]) -> HubProcess:
        network: TcpProxy | None = None
        broker_url = self._redis.url if self._redis is not None else "local"
        if self._redis is not None and self._wired:
            network = self._undo.enter_context(TcpProxy("127.0.0.1", self._redis.port))
            broker_url = f"redis://127.0.0.1:{network.port}/0"
        environ = {
            "PYTHONPATH": str(ROOT),
            "TASKFLOW_BROKER_URL": broker_url,
            "TASKFLOW_LOG_FORMAT": "json",
            LOCK_DIR: self._lock_dir(),
        }
        if role is not WORKER:
            environ["TASKFLOW_DATABASE_URL"] = self._database_url
        if role is not SERVER:
            environ |= {
                "CHAOS_LINES": str(self.lines),
                "TASKFLOW_WORKER_SLOTS": str(self._slots),
                "TASKFLOW_WORKER_GRACE": "3",
            }
        hub = HubProcess(self._folder, app=None if role is SERVER else APP, environ=environ, role=role)
        if role is WORKER:
            hub.environ["TASKFLOW_WORKER_HEALTH_PORT"] = str(hub.port)
        self._undo.callback(hub.__exit__)
        if network is not None:
            self.networks[hub] = network
        return hub

    def _lock_dir(self) -> str:
        """Processes of one host share the folder of lock files, by which they see at once that one of them was killed."""
        return tempfile.mkdtemp(dir=self._folder) if self._apart else str(self._folder / "locks")
