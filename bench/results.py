"""What a comparison found, as it is kept in bench/results/: every value of every run, and all that is needed to read them."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Final

import msgspec
import psutil

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


class Run(msgspec.Struct, frozen=True):
    workload: str
    system: str
    variant: str
    tasks: int
    calibration_ms: float  # just before it: how fast the machine was
    figures: dict[str, float]  # none if it failed
    failed: str = ""  # why


class Results(msgspec.Struct, frozen=True):
    date: str
    commit: str
    machine: Machine
    servers: list[str]
    rounds: int
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


def values(runs: list[Run], figure: str) -> list[float]:
    return [run.figures[figure] for run in runs if figure in run.figures]


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
