"""Results as tables for a terminal: a workload each, medians with their spread."""

from statistics import median

from rich.table import Table

from bench.results import Results, Run, median_of, values
from bench.workloads.base import Figure, Workload


def table(results: Results, workload: Workload) -> Table:
    """By the figure that is compared, the best first."""
    found = results.of(workload.name)
    shown = [
        figure for figure in workload.figures if any(values(runs, figure.key) for runs in found.values())
    ]
    made = Table(title=f"{workload.title}: median of {results.rounds} (least – most)")
    made.add_column("system")
    made.add_column("workers")
    for figure in shown:
        made.add_column(f"{figure.name}\n{figure.unit}", justify="right")
        if figure is shown[0]:
            made.add_column("to ours", justify="right")
    for (name, variant), runs in sorted(found.items(), key=lambda one: rank(one[1], workload)):
        cells = [cell(runs, figure, spread=figure is shown[0]) for figure in shown]
        cells.insert(1, f"{ratio:.2f} ×" if (ratio := to_ours(results, workload, name, runs)) else "")
        made.add_row(results.systems[name].title, variant, *cells)
    return made


def doubts(results: Results) -> list[str]:
    """What is wrong with runs: those that failed, and those in which a task ran twice."""
    found = []
    for run in results.runs:
        who = f"{run.workload} · {run.system} {run.variant}"
        if run.failed:
            found.append(f"{who} failed: {run.failed}")
        if "started" in run.figures and run.figures["started"] != run.tasks:
            found.append(f"{who}: {run.figures['started']:,.0f} attempts at {run.tasks:,} tasks")
    return found


def rank(runs: list[Run], workload: Workload) -> float:
    best = median_of(runs, workload.figures[0].key)
    if best is None:
        return float("inf")
    return -best if workload.more_is_better else best


def to_ours(results: Results, workload: Workload, name: str, runs: list[Run]) -> float | None:
    """How its median stands to our best one on the same kind of server."""
    ours = [
        median_of(own, workload.figures[0].key)
        for (system, _), own in results.of(workload.name).items()
        if system == f"taskflow_{results.systems[name].broker}"
    ]
    own = median_of(runs, workload.figures[0].key)
    known = [value for value in ours if value is not None]
    if own is None or not known:
        return None
    return own / (max if workload.more_is_better else min)(known)


def cell(runs: list[Run], figure: Figure, *, spread: bool) -> str:
    found = values(runs, figure.key)
    if not found:
        return "–"
    middle = f"{median(found):,.{figure.digits}f}"
    if not spread or len(found) == 1:
        return middle
    return f"{middle} ({min(found):,.{figure.digits}f} – {max(found):,.{figure.digits}f})"
