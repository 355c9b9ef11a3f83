"""What a comparison found, as it is kept in bench/results/: every value of every run, and all that is needed to read them."""

import os
import platform
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Final

import msgspec
import psutil
from msgspec import structs

from bench.system import Guarantees, System

FOLDER: Final = Path(__file__).parent / "results"


class Machine(msgspec.Struct, frozen=True):
    processor: str
    cores: int
    memory_gb: int
    kernel: str
    python: str


class Told(msgspec.Struct, frozen=True):
    """Of a system, as it was when it was measured."""

    title: str
    language: str
    broker: str
    advice: str
    guarantees: Guarantees
    versions: dict[str, str]
    commands: dict[str, list[str]]  # of each variant
    environments: dict[str, dict[str, str]]  # likewise


class Run(msgspec.Struct, frozen=True):
    workload: str
    system: str
    variant: str
    round: int  # what has the same took turns: only they are compared
    date: str
    commit: str
    tasks: int
    took_s: float  # all of it, its set-up too
    calibration_ms: float  # just before it: how fast the machine was
    figures: dict[str, float]  # none if it failed
    failed: str = ""  # why


class Results(msgspec.Struct, frozen=True):
    """Of one comparison, or of several that were merged."""

    machine: Machine
    servers: list[str]
    share: float  # of the usual number of tasks
    systems: dict[str, Told]
    runs: list[Run]

    def of(self, workload: str) -> dict[tuple[str, str], list[Run]]:
        """Runs by system and variant, those that failed too."""
        found: dict[tuple[str, str], list[Run]] = {}
        for run in self.runs:
            if run.workload == workload:
                found.setdefault((run.system, run.variant), []).append(run)
        return found


class CannotBeMerged(Exception):
    """Two comparisons that differ in more than in what was compared."""


def merged(before: Results, after: Results) -> Results:
    """Both, as one; later rounds have higher numbers. Raises CannotBeMerged."""
    _check(before, after)
    last = max((run.round for run in before.runs), default=0)
    return structs.replace(
        before,
        servers=list(dict.fromkeys(before.servers + after.servers)),
        systems=before.systems | after.systems,
        runs=before.runs + [structs.replace(run, round=last + run.round) for run in after.runs],
    )


def _check(before: Results, after: Results) -> None:
    if before.machine != after.machine:
        raise CannotBeMerged("it was another machine, or another Python")
    if before.share != after.share:
        raise CannotBeMerged(f"its share is {before.share:g}")
    for name, told in after.systems.items():
        known = before.systems.get(name, told)
        if (known.versions, known.commands, known.environments) != (
            told.versions,
            told.commands,
            told.environments,
        ):
            raise CannotBeMerged(f"{name} had other versions, commands or settings")


def without(found: Results, systems: Sequence[str], workloads: Sequence[str]) -> Results:
    """As if these systems had not been measured on these workloads."""
    kept = [run for run in found.runs if run.system not in systems or run.workload not in workloads]
    names = {run.system for run in kept}
    return structs.replace(
        found, runs=kept, systems={name: told for name, told in found.systems.items() if name in names}
    )


def values(runs: list[Run], figure: str) -> list[float]:
    return [run.figures[figure] for run in runs if figure in run.figures]


def measured(found: Results) -> list[Told]:
    """The systems that have runs."""
    names = {run.system for run in found.runs}
    return [told for name, told in found.systems.items() if name in names]


def median_of(runs: list[Run], figure: str) -> float | None:
    found = values(runs, figure)
    return median(found) if found else None


def told(system: System) -> Told:
    about = system.about
    return Told(
        title=about.title,
        language=about.language,
        broker=about.broker,
        advice=about.advice,
        guarantees=about.guarantees,
        versions=system.environment.versions(),
        commands={name: variant.commands for name, variant in about.variants.items()},
        environments={name: variant.environment for name, variant in about.variants.items()},
    )


def this_machine() -> Machine:
    return Machine(
        processor=_processor(),
        cores=len(os.sched_getaffinity(0)),
        memory_gb=round(psutil.virtual_memory().total / (1 << 30)),
        kernel=platform.release(),
        python=platform.python_version(),
    )


def this_commit() -> str:
    found = subprocess.run(
        ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    )
    return found.stdout.strip() or "unknown"


def today() -> str:
    return datetime.now(UTC).date().isoformat()


def write(results: Results, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=1) + b"\n")


def read(path: Path) -> Results:
    return msgspec.json.decode(path.read_bytes(), type=Results)


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()
