"""The worker processes of a run: started together, watched, and ended with all that they have started themselves."""

import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final

import psutil

from bench.process import cpu_s, family, rss_of_each_mb

ENDS_WITHIN_S: Final = 10.0
SAMPLE_S: Final = 0.5


class Workers:
    """Ended when the with block is left. What they print is added to `log`."""

    def __init__(
        self, commands: Sequence[Sequence[str]], *, folder: Path, environ: dict[str, str], log: Path
    ) -> None:
        self._log = log
        self._next_sample = 0.0
        self._rss_mb: list[list[float]] = []  # of each process, whenever somebody looked
        with log.open("ab") as output:
            self._started = [
                subprocess.Popen(
                    command,
                    cwd=folder,
                    env=environ,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                )
                for command in commands
            ]

    def __enter__(self) -> "Workers":
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pids(self) -> list[int]:
        """Of those that were started, in the order of the commands."""
        return [process.pid for process in self._started]

    def check(self) -> None:
        """Raise RuntimeError if one has ended."""
        if any(process.poll() is not None for process in self._started):
            raise RuntimeError(f"a worker has ended (what it said: {self._log})")

    def cpu_s(self) -> float:
        return sum(cpu_s(process.pid) for process in self._started)

    def sample(self) -> None:
        """Look, if the last look was a while ago."""
        if time.monotonic() >= self._next_sample:
            self.look()
            self._next_sample = time.monotonic() + SAMPLE_S

    def look(self) -> None:
        """How much memory they have now."""
        self._rss_mb.append([rss for process in self._started for rss in rss_of_each_mb(process.pid)])

    @property
    def most_rss_mb(self) -> list[float]:
        """Of each process, when they were heaviest together."""
        return max(self._rss_mb, key=sum, default=[])

    def rss_growth(self) -> float:
        """How many times as heavy they have ever been as they were at most in the first tenth of the looks: 1 is flat."""
        looks = [sum(look) for look in self._rss_mb]
        return max(looks) / max(looks[: len(looks) // 10 + 1])

    def stop(self) -> None:
        """Ask them to end, and kill what does not, descendants too."""
        everyone = [member for process in self._started for member in family(process.pid)]
        for process in self._started:
            process.terminate()
        _, alive = psutil.wait_procs(everyone, ENDS_WITHIN_S)
        for left in alive:
            left.kill()
        for process in self._started:
            process.wait()
