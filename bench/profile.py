"""Where the CPU time of one task goes: `python -m bench profile`.

A workload runs twice. The first time the kernel counts the worker's CPU time; the second time py-spy looks, 200 times a second,
at what its threads do that hold the interpreter's lock. A look counts for the innermost frame that belongs to a stage: what is
beneath it (the driver, msgspec, pydantic) works for that stage. Its share is one of the whole CPU time, so what is spent
outside the lock, on sockets and on waking threads, is spread over all stages.
"""

import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import Final

from rich.box import MARKDOWN
from rich.table import Table

from bench.compare import Turn, prepared
from bench.servers import Server
from bench.workers import Workers

PER_SECOND: Final = 200
ATTACHED_WITHIN_S: Final = 20.0
AGAIN_S: Final = 0.05

STAGES: Final = {  # by the file a frame is in
    "HTTP": ("uvicorn/*", "starlette/*", "httptools/*", "taskflow_hub/http/*"),
    "validate": (
        "taskflow_hub/domain/jsontext.py",
        "taskflow_hub/domain/submission.py",
        "taskflow_hub/engine/payloads.py",
        "taskflow_hub/engine/task_types.py",
    ),
    "submit": (
        "taskflow_hub/engine/tasks.py",
        "taskflow_hub/store/births.py",
        "taskflow_hub/store/*/submit.py",
        "taskflow_hub/store/*/few.py",
        "taskflow_hub/store/*/idempotency.py",
        "taskflow_hub/store/*/unique.py",
        "taskflow_hub/store/*/stated.py",
    ),
    "lease": (
        "taskflow_hub/engine/loops/dispatcher.py",
        "taskflow_hub/store/allot.py",
        "taskflow_hub/store/gates.py",
        "taskflow_hub/store/groups.py",
        "taskflow_hub/store/*/lease.py",
        "taskflow_hub/store/*/dispatch.py",
        "taskflow_hub/store/*/marks.py",
        "taskflow_hub/store/*/running.py",
        "taskflow_hub/store/*/limits.py",
    ),
    "hand over": ("taskflow_hub/broker/*",),
    "decode": ("taskflow_hub/worker/handler.py", "taskflow_hub/worker/registry.py"),
    "run": (
        "taskflow_hub/worker/executors/*",
        "taskflow_hub/worker/runner.py",
        "taskflow_hub/worker/attempts.py",
        "taskflow_hub/worker/worker.py",
        "taskflow_hub/worker/held.py",
        "taskflow_hub/worker/deadlines.py",
        "taskflow_hub/worker/context.py",
        "program.py",
    ),
    "report": (
        "taskflow_hub/worker/outbox.py",
        "taskflow_hub/worker/outcome.py",
        "taskflow_hub/worker/sink.py",
        "taskflow_hub/worker/encoding.py",
    ),
    "finish": (
        "taskflow_hub/engine/loops/collector.py",
        "taskflow_hub/engine/results.py",
        "taskflow_hub/store/*/moves.py",
    ),
    "tell": (
        "taskflow_hub/engine/hints.py",
        "taskflow_hub/engine/loops/listener.py",
        "taskflow_hub/store/*/listen.py",
    ),
}
REST: Final = "event loops, threads"
_FILE: Final = re.compile(r" \((.*):\d+\)$")
_STARTING: Final = re.compile(r"importlib\._bootstrap|<module> \(program\.py")


def shares(stacks: Iterable[str]) -> dict[str, float]:
    """By stage, of lines as `py-spy record --format raw` writes them: "frame;frame;… looks", the outermost first."""
    looks: Counter[str] = Counter()
    for line in stacks:
        stack, _, count = line.rpartition(" ")
        if not _STARTING.search(stack):
            looks[_stage(stack.split(";"))] += int(count)
    return {name: looks[name] / max(looks.total(), 1) for name in (*STAGES, REST)}


def _stage(frames: list[str]) -> str:
    return next((stage for frame in reversed(frames) if (stage := stage_of(frame)) is not None), REST)


@cache
def stage_of(frame: str) -> str | None:
    """`frame`: function (file:line)."""
    file = _FILE.search(frame)
    if file is None:
        return None
    return next((name for name, files in STAGES.items() if any(fnmatch(file[1], one) for one in files)), None)


class Spy:
    """Looks at workers from when they have started until they end."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._threads = ThreadPoolExecutor()
        self._recording: list[Future[None]] = []

    def watch(self, workers: Workers) -> None:
        self._recording += [self._threads.submit(self._record, pid) for pid in workers.pids]

    def stacks(self) -> list[str]:
        """What was seen, once they have ended. Raises RuntimeError when one of them could not be looked at."""
        for recording in self._recording:
            recording.result()
        return [line for file in self._folder.iterdir() for line in file.read_text().splitlines()]

    def _record(self, pid: int) -> None:
        """A process that has only just begun cannot be looked at yet."""
        file = self._folder / f"{pid}"
        py_spy = Path(sys.executable).with_name("py-spy")
        command: list[str | Path] = [
            py_spy,
            "record",
            "--gil",
            "--format",
            "raw",
            "--rate",
            f"{PER_SECOND}",
            "--output",
            file,
        ]
        give_up = time.monotonic() + ATTACHED_WITHIN_S
        while True:
            done = subprocess.run([*command, "--pid", f"{pid}"], check=False, capture_output=True, text=True)
            if file.exists():
                return
            if time.monotonic() > give_up:
                raise RuntimeError(f"py-spy cannot look at process {pid}: {done.stderr.strip()}")
            time.sleep(AGAIN_S)


@dataclass(frozen=True)
class Profile:
    """CPU time for a task, in µs: of the worker by stage, and of the servers."""

    turn: Turn
    stages: dict[str, float]
    server_us: float


def profile(turn: Turn, running: dict[str, Server]) -> Profile:
    with prepared(turn, running, _nobody) as trial:
        trial.call("setup")
        figures = turn.workload.run(trial)
    with tempfile.TemporaryDirectory() as folder:
        spy = Spy(Path(folder))
        with prepared(turn, running, _nobody, spy.watch) as trial:
            trial.call("setup")
            turn.workload.run(trial)
        seen = shares(spy.stacks())
    worker_us = figures["worker_cpu_us"]
    return Profile(turn, {name: share * worker_us for name, share in seen.items()}, figures["server_cpu_us"])


def _nobody(_: int) -> None: ...


def table(profiles: Sequence[Profile]) -> Table:
    """A column for each."""
    shown = Table("µs of CPU for a task", box=MARKDOWN)
    for one in profiles:
        shown.add_column(f"{one.turn.workload.name} {one.turn.variant}", justify="right")
    for name in (*STAGES, REST):
        shown.add_row(name, *(f"{one.stages[name]:,.1f}" for one in profiles))
    shown.add_row("the worker's process", *(f"{sum(one.stages.values()):,.1f}" for one in profiles))
    shown.add_row("the servers", *(f"{one.server_us:,.1f}" for one in profiles))
    return shown
