"""Reads the handlers' lines while they come, and tells whoever waits for one."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.crash.chaos.lines import Line, What, decode

LOOK_S: Final = 0.01  # a file tells nobody that it has grown


class Witness:
    """`lines` grows while it watches. `on_line` is called for each, in its thread."""

    def __init__(self, path: Path, on_line: Callable[[Line], None] = lambda _: None) -> None:
        self.lines: list[Line] = []
        self._path, self._on_line = path, on_line
        self._more = threading.Condition()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="chaos.witness", daemon=True)
        path.touch()

    def __enter__(self) -> "Witness":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._thread.join()

    def until(self, seen: Callable[[], bool], timeout_s: float) -> bool:
        """Wait until `seen`, which is asked again after new lines, and a few times a second; False: not in time."""
        deadline = time.monotonic() + timeout_s
        with self._more:
            while not seen():
                left_s = deadline - time.monotonic()
                if left_s <= 0:
                    return False
                self._more.wait(min(left_s, 0.1))
            return True

    def end_times(self, since: float) -> list[float]:
        """When attempts' code ended, since then. Lines come nearly in the order of their times."""
        found = []
        for line in reversed(self.lines):
            if line.at < since - 1.0:
                break
            if line.at >= since and line.what not in {What.STARTED, What.SUBMITTED}:
                found.append(line.at)
        return found

    def running(self, pid: int) -> set[tuple[str, int]]:
        """What this process has started and not ended."""
        lines = [line for line in tuple(self.lines) if line.pid == pid and line.what is not What.SUBMITTED]
        started = {(line.id, line.attempt) for line in lines if line.what is What.STARTED}
        return started - {(line.id, line.attempt) for line in lines if line.what is not What.STARTED}

    def _watch(self) -> None:
        rest = b""
        with self._path.open("rb") as file:
            while True:
                closing = self._closing.is_set()
                *whole, rest = (rest + file.read()).split(b"\n")
                if whole:
                    self._take(whole)
                elif closing:
                    return
                else:
                    self._closing.wait(LOOK_S)

    def _take(self, texts: list[bytes]) -> None:
        lines = [decode(text) for text in texts]
        with self._more:
            self.lines += lines
            for line in lines:
                self._on_line(line)
            self._more.notify_all()
