"""A quick look for regressions: the CPU time of a task, counted in turns of a loop that is always the same.

Machines and moments differ by far more than a regression does, in time; much less in this ratio. What is kept in
results/quick.json is what it was when somebody last looked closely.
"""

from typing import Final

import msgspec

from bench import results
from bench.compare import Watcher, compare, turns
from bench.results import Results, median_of

SYSTEM: Final = "taskflow_sqlite"
VARIANTS: Final = ("slots200", "")  # of the workers; none where only submits are measured
FIGURES: Final = {"drain": "worker_cpu_us", "single": "program_cpu_us", "bulk": "program_cpu_us"}
SHARE: Final = 0.1
ROUNDS: Final = 3
KEPT: Final = results.FOLDER / "quick.json"
WORSE: Final = 1.5  # so many times what was kept is a regression, and no noise


def measure(watcher: Watcher, rounds: int = ROUNDS, share: float = SHARE) -> Results:
    return compare(
        turns([SYSTEM], list(FIGURES), VARIANTS, share), rounds, share, watcher, keep=lambda _: None
    )


def loops(found: Results) -> dict[str, float]:
    """Turns of the loop for a thousand tasks, by workload. Raises RuntimeError if a run failed."""
    ratios = {}
    for workload, figure in FIGURES.items():
        (runs,) = found.of(workload).values()
        if failed := [run.failed for run in runs if run.failed]:
            raise RuntimeError(f"{workload}: {failed[0]}")
        cpu_us = median_of(runs, figure)
        assert cpu_us is not None
        ratios[workload] = cpu_us / min(run.calibration_ms for run in runs)
    return ratios


def regressions(now: dict[str, float], then: dict[str, float]) -> list[str]:
    """Workloads that cost much more than they did."""
    return [name for name, cost in now.items() if name in then and cost > WORSE * then[name]]


def kept() -> dict[str, float]:
    return msgspec.json.decode(KEPT.read_bytes(), type=dict[str, float]) if KEPT.exists() else {}


def keep(now: dict[str, float]) -> None:
    rounded = {name: round(cost, 2) for name, cost in now.items()}
    KEPT.parent.mkdir(parents=True, exist_ok=True)
    KEPT.write_bytes(msgspec.json.format(msgspec.json.encode(rounded), indent=1) + b"\n")
