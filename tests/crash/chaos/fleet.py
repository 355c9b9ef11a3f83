"""Several `taskflow up` processes on one database, and perhaps with a Redis between them."""

import signal
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from tests.support.hub_process import HubProcess

APP: Final = "tests.crash.chaos.handlers:hub"
ROOT: Final = Path(__file__).parents[3]


class Fleet:
    """Started on entering, ended on leaving. `only_first` is the environment of the first process alone."""

    def __init__(
        self,
        folder: Path,
        *,
        database_url: str,
        broker_url: str,
        processes: int,
        slots: int,
        apart: bool = False,
        only_first: Mapping[str, str] | None = None,
    ) -> None:
        self.slots = slots * processes
        self.lines = folder / "lines"
        self._folder, self._apart = folder, apart
        self._only_first = dict(only_first or {})
        self._environ = {
            "PYTHONPATH": str(ROOT),
            "CHAOS_LINES": str(self.lines),
            "TASKFLOW_DATABASE_URL": database_url,
            "TASKFLOW_BROKER_URL": broker_url,
            "TASKFLOW_WORKER_SLOTS": str(slots),
            "TASKFLOW_WORKER_GRACE": "3",
            "TASKFLOW_LOG_FORMAT": "json",
        }
        self.hubs = [self._hub(number) for number in range(processes)]

    def __enter__(self) -> "Fleet":
        """All at once: which of them makes the schema is up to them."""
        try:
            with ThreadPoolExecutor(len(self.hubs)) as pool:
                list(pool.map(HubProcess.start, self.hubs))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for hub in self.hubs:
            hub.__exit__()

    @property
    def ports(self) -> list[int]:
        return [hub.port for hub in self.hubs]

    def replace(self, number: int) -> None:
        """Another process where one has been killed: by a supervisor, or, apart, as another host in its place."""
        gone = self.hubs[number]
        if self._apart:
            self.hubs[number] = self._hub(number, gone.port)
            gone.client.close()
        self.hubs[number].start()

    def freeze(self, number: int) -> None:
        self.hubs[number].signal(signal.SIGSTOP)

    def thaw(self, number: int) -> None:
        self.hubs[number].signal(signal.SIGCONT)
        self.hubs[number].up.set()

    def _hub(self, number: int, port: int | None = None) -> HubProcess:
        """Processes of one host share the folder of lock files, by which they see at once that one of them was killed."""
        locks = tempfile.mkdtemp(dir=self._folder) if self._apart else str(self._folder / "locks")
        environ = {**self._environ, "TASKFLOW_WORKER_LOCK_DIR": locks}
        if number == 0:
            environ |= self._only_first
        return HubProcess(self._folder, app=APP, environ=environ, port=port)
