"""Results as tables, a workload each: medians with their spread, the best first."""

from dataclasses import dataclass
from statistics import median

from rich.table import Table

from bench.results import Results, Run, median_of, values
from bench.workloads.base import Figure, Workload


@dataclass(frozen=True)
class Row:
    title: str
    variant: str
    to_ours: str
    cells: list[str]  # as the figures that are shown


def shown(results: Results, workload: Workload) -> list[Figure]:
    """Figures of which there is a value."""
    runs = [run for runs in results.of(workload.name).values() for run in runs]
    return [figure for figure in workload.figures if values(runs, figure.key)]


def rows(results: Results, workload: Workload) -> list[Row]:
    found = results.of(workload.name)
    figures = shown(results, workload)
    made = []
    for (name, variant), runs in sorted(found.items(), key=lambda one: rank(one[1], workload)):
        ratio = to_ours(results, workload, name, runs)
        cells = [cell(runs, figure, spread=figure is figures[0] or figure.spread) for figure in figures]
        made.append(
            Row(results.systems[name].title, variant, f"{ratio:.2f} ×" if ratio is not None else "", cells)
        )
    return made


def table(results: Results, workload: Workload) -> Table:
    """For a terminal."""
    of = f"median of {counted(results, workload)} (least – most)"
    made = Table(title=f"{workload.title}: {of}; {round_s(results, workload):,.0f} s a round")
    made.add_column("system")
    made.add_column("workers")
    for place, figure in enumerate(shown(results, workload)):
        made.add_column(f"{figure.name}\n{figure.unit}", justify="right")
        if place == 0:
            made.add_column("to ours", justify="right")
    for row in rows(results, workload):
        made.add_row(row.title, row.variant, *row.cells[:1], row.to_ours, *row.cells[1:])
    return made


def counted(results: Results, workload: Workload) -> str:
    """Of how many rounds its figures are: `5`, or `5 to 10` where some have more."""
    counts = sorted(len(values(runs, workload.figures[0].key)) for runs in results.of(workload.name).values())
    known = [count for count in counts if count] or [0]
    return f"{known[0]}" if known[0] == known[-1] else f"{known[0]} to {known[-1]}"


def round_s(results: Results, workload: Workload) -> float:
    """How long a round of it takes, all systems together."""
    return sum(median(run.took_s for run in runs) for runs in results.of(workload.name).values())


def doubts(results: Results) -> list[str]:
    """What is wrong with runs: those that failed, and those in which a task ran twice."""
    found = []
    for run in results.runs:
        who = f"{run.workload} · {run.system} {run.variant}".rstrip()
        if run.failed:
            found.append(f"{who} failed: {run.failed}")
        tasks = run.figures.get("tasks", run.tasks)
        if run.figures.get("started", tasks) != tasks:
            found.append(f"{who}: {run.figures['started']:,.0f} attempts at {tasks:,.0f} tasks")
    return found


def rank(runs: list[Run], workload: Workload) -> float:
    """The less, the better; what failed comes last."""
    best = median_of(runs, workload.figures[0].key)
    if best is None:
        return float("inf")
    return -best if workload.more_is_better else best


def to_ours(results: Results, workload: Workload, name: str, runs: list[Run]) -> float | None:
    """How it stands to our best on the same kind of server: the median over the rounds in which both took turns."""
    key = workload.figures[0].key
    ours = [
        our_runs
        for (system, _), our_runs in results.of(workload.name).items()
        if system == f"taskflow_{results.systems[name].broker}" and values(our_runs, key)
    ]
    if not ours:
        return None
    best = min(ours, key=lambda our_runs: rank(our_runs, workload))
    by_round = {run.round: run.figures[key] for run in best if key in run.figures}
    ratios = [
        run.figures[key] / by_round[run.round] for run in runs if key in run.figures and run.round in by_round
    ]
    return median(ratios) if ratios else None


def cell(runs: list[Run], figure: Figure, *, spread: bool) -> str:
    found = values(runs, figure.key)
    if not found:
        return "failed" if spread else "–"
    middle = f"{median(found):,.{figure.digits}f}"
    if not spread or len(found) == 1:
        return middle
    return f"{middle} ({min(found):,.{figure.digits}f} – {max(found):,.{figure.digits}f})"
