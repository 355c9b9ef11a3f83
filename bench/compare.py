"""Systems take turns, round after round, so that a slow moment of the machine meets them all."""

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.support.ports import free_port

from bench.calibration import loop_ms
from bench.results import Results, Run, this_commit, this_machine, today, told
from bench.servers import Server, servers
from bench.system import System
from bench.ticks import Ticks
from bench.trial import Trial
from bench.workers import Workers
from bench.workloads import WORKLOADS
from bench.workloads.base import Workload

MEMORY: Final = Path("/dev/shm")
FEWEST: Final = 100


@dataclass(frozen=True)
class Turn:
    """A system with one variant of its workers, on one workload."""

    system: System
    workload: Workload
    variant: str
    tasks: int

    def __str__(self) -> str:
        return f"{self.workload.name} · {self.system.name} {self.variant}".rstrip()


class Watcher:
    """Who watches; this one does not look."""

    def begins(self, turn: Turn, number: int) -> None: ...

    def told(self, done: int) -> None: ...

    def ended(self, run: Run) -> None: ...


def turns(
    names: Sequence[str], workloads: Sequence[str], variants: Sequence[str] = (), share: float = 1.0
) -> list[Turn]:
    """What there is to measure of these, workload by workload, with this share of the tasks that each is usually given.

    `variants`: only these, if any are named.
    """
    chosen = [System(name) for name in names]
    found = []
    for workload in WORKLOADS:
        for system in chosen:
            measured = system.about.workloads.get(workload.name)
            if workload.name in workloads and measured is not None:
                found += [
                    Turn(system, workload, variant, max(FEWEST, round(share * measured.tasks)))
                    for variant in measured.variants or [""]
                    if not variants or variant in variants
                ]
    return found


def compare(
    todo: Sequence[Turn], rounds: int, share: float, watcher: Watcher, keep: Callable[[Results], None]
) -> Results:
    """`share` is only told: the turns have it already.

    `keep` is called before the first round and after each, so that what has ended is kept. What it raises ends the comparison.
    """
    systems = {turn.system.name: turn.system for turn in todo}
    kinds = [kind for one in systems.values() for kind in (one.about.broker, one.about.database) if kind]
    with servers(kinds) as running:
        results = Results(
            machine=this_machine(),
            servers=[server.title() for server in running.values()],
            share=share,
            systems={name: told(system) for name, system in systems.items()},
            runs=[],
        )
        keep(results)  # what it cannot be merged with is told before anything is measured
        date, commit = today(), this_commit()
        for number in range(1, rounds + 1):
            for turn in todo:
                watcher.begins(turn, number)
                began = time.monotonic()
                figures, calibration_ms, failed = _run(turn, running, watcher)
                results.runs.append(
                    Run(
                        workload=turn.workload.name,
                        system=turn.system.name,
                        variant=turn.variant,
                        round=number,
                        date=date,
                        commit=commit,
                        tasks=turn.tasks,
                        took_s=round(time.monotonic() - began, 1),
                        calibration_ms=calibration_ms,
                        figures=figures,
                        failed=failed,
                    )
                )
                watcher.ended(results.runs[-1])
            keep(results)
    return results


@contextmanager
def prepared(
    turn: Turn,
    running: dict[str, Server],
    told: Callable[[int], None],
    started: Callable[[Workers], None] = lambda _: None,
) -> Iterator[Trial]:
    """All it needs, on emptied servers. `started` is given the workers whenever some have been started."""
    about = turn.system.about
    used = {kind: running[kind] for kind in (about.broker, about.database) if kind}
    for server in used.values():
        server.empty()
    addresses = {name: value for server in used.values() for name, value in server.addresses().items()}
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        ticks = Ticks(Path(folder) / "ticks")
        ticks.folder.mkdir()
        yield Trial(
            system=turn.system,
            variant=turn.variant,
            tasks=turn.tasks,
            server=used[about.database or about.broker],
            broker=used[about.broker],
            addresses=addresses | {"BENCH_TICKS": str(ticks.folder), "BENCH_HTTP_PORT": f"{free_port()}"},
            ticks=ticks,
            told=told,
            started=started,
        )


def _run(turn: Turn, running: dict[str, Server], watcher: Watcher) -> tuple[dict[str, float], float, str]:
    """Its figures, how fast the machine was, and why it failed if it did: the others go on."""
    with prepared(turn, running, watcher.told) as trial:
        calibration_ms = loop_ms()
        failed, figures = "", dict[str, float]()
        try:
            trial.call("setup")
            figures = turn.workload.run(trial)
        except Exception as error:
            failed = f"{type(error).__name__}: {error}"
    return figures, calibration_ms, failed
