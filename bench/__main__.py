"""Task queues beside one another, ours among them: `python -m bench compare`."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from bench import environments, pages, profile, quick, results
from bench.compare import Turn, Watcher, compare, turns
from bench.results import Run
from bench.servers import servers
from bench.system import System, systems
from bench.tables import doubts, table
from bench.workloads import WORKLOADS
from bench.workloads.base import Workload

OURS = ("taskflow_sqlite", "taskflow_postgres", "taskflow_redis")
BOUNDS = "bare"
FIVE = ("celery", "dramatiq", "huey", "pgqueuer", "bullmq")

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)
console = Console() if sys.stdout.isatty() else Console(width=200)
progress_console = Console(stderr=True)

Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="[SYSTEM]...", help="Folders of bench/systems; left out: ours and five peers."),
]


@app.command("compare")
def compare_(
    names: Names = None,
    every: Annotated[bool, typer.Option("--all", help="Every system there is.")] = False,
    workloads: Annotated[
        str,
        typer.Option(
            metavar="W1,W2,…", help="Only these, by letter and number or by name; W6 to W8 only if named."
        ),
    ] = "",
    variants: Annotated[str, typer.Option(metavar="NAME,…", help="Only these ways to run the workers.")] = "",
    rounds: Annotated[int, typer.Option(min=1, help="How often each runs; medians are of these.")] = 5,
    share: Annotated[float, typer.Option(help="Of the usual number of tasks, for a quick look.")] = 1.0,
    into: Annotated[
        Path, typer.Option(help="Where the results go, beside those that are there.")
    ] = pages.RESULTS,
    anew: Annotated[bool, typer.Option("--anew", help="Those that are there are forgotten.")] = False,
) -> None:
    """Measure systems, in turn; print the tables; keep every value as JSON.

    Ours and five peers take an hour to an hour and a half for five rounds; `--workloads W1` takes a quarter of that.
    """
    wanted = _workloads(workloads)
    chosen = _chosen(names, every, wanted)
    missing = _make(chosen)
    todo = turns(
        [name for name in chosen if System(name).folder.name not in missing],
        [one.name for one in wanted],
        _listed(variants),
        share,
    )
    if not todo:
        raise typer.BadParameter("nothing to measure")
    before = results.read(into) if into.exists() and not anew else None

    def keep(so_far: results.Results) -> None:
        results.write(results.merged(before, so_far) if before else so_far, into)

    try:
        with _Shown(len(todo) * rounds) as shown:
            found = compare(todo, rounds, share, shown, keep)
    except results.CannotBeMerged as error:
        raise typer.BadParameter(
            f"{into} has what this cannot stand beside: {error}. --anew, or another file."
        ) from None
    for one in WORKLOADS:
        if found.of(one.name):
            console.print(table(found, one))
    for doubt in doubts(found):
        console.print(f"[yellow]doubtful[/] {doubt}", highlight=False)
    console.print(f"Every value: {into}", highlight=False)


@app.command("environments")
def environments_(
    names: Names = None,
    every: Annotated[bool, typer.Option("--all", help="Every system there is.")] = False,
) -> None:
    """Make the systems' environments below .bench/; what is up to date is left alone."""
    if _make(_chosen(names, every)):
        raise typer.Exit(1)


@app.command("forget")
def forget_(
    names: Annotated[list[str], typer.Argument(metavar="SYSTEM...", help="Folders of bench/systems.")],
    workloads: Annotated[str, typer.Option(metavar="W1,W2,…", help="Only these.")] = "",
    out_of: Annotated[Path, typer.Option(help="The file of results.")] = pages.RESULTS,
) -> None:
    """Take runs out of a file of results, such as those that failed, to measure them again."""
    wanted = [one.name for one in (_workloads(workloads) if workloads else WORKLOADS)]
    found = results.read(out_of)
    kept = results.without(found, names, wanted)
    results.write(kept, out_of)
    console.print(f"{len(found.runs) - len(kept.runs)} runs are forgotten", highlight=False)


@app.command("quick")
def quick_(
    keep: Annotated[
        bool, typer.Option("--keep", help="What is found is what later looks compare with.")
    ] = False,
) -> None:
    """Look for regressions of the hub on SQLite, by the ratio to a loop that is always the same; status 1 if there is one."""
    with _Shown(len(quick.FIGURES) * quick.ROUNDS) as shown:
        now = quick.loops(quick.measure(shown))
    then = quick.kept()
    for name, cost in now.items():
        before = f"{then[name]:.2f}" if name in then else "–"
        console.print(f"{name}: {cost:.2f} loops for a thousand tasks (kept: {before})", highlight=False)
    if keep:
        quick.keep(now)
    elif worse := quick.regressions(now, then):
        console.print(f"[red]slower[/] {', '.join(worse)}")
        raise typer.Exit(1)


@app.command("profile")
def profile_(
    name: Annotated[
        str, typer.Argument(metavar="SYSTEM", help="A folder of bench/systems.")
    ] = "taskflow_postgres",
    workloads: Annotated[
        str, typer.Option(metavar="W1,W2,…", help="Only these.")
    ] = "drain,waiting,latency,http32",
    variants: Annotated[str, typer.Option(metavar="NAME,…", help="Only these ways to run the workers.")] = "",
    share: Annotated[float, typer.Option(help="Of the usual number of tasks.")] = 2.0,
) -> None:
    """Where the CPU time of one task goes in the hub, stage by stage."""
    todo = turns([name], [one.name for one in _workloads(workloads)], _listed(variants), share)
    kinds = [kind for turn in todo for kind in (turn.system.about.broker, turn.system.about.database) if kind]
    found = []
    with servers(kinds) as running, _bar() as progress:
        bar = progress.add_task("", total=len(todo))
        for turn in todo:
            progress.update(bar, description=str(turn))
            found.append(profile.profile(turn, running))
            progress.advance(bar)
    console.print(profile.table(found))


@app.command("pages")
def pages_() -> None:
    """Make docs/benchmarks.md and its plots anew, of bench/results/compare.json."""
    pages.write()


def _listed(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _workloads(text: str) -> list[Workload]:
    """W2 is all whose titles begin so; nothing is all that do not take long."""
    words = _listed(text)
    known = {word for one in WORKLOADS for word in (one.name, one.code)}
    if wrong := [word for word in words if word not in known]:
        raise typer.BadParameter(
            f"no such workload: {', '.join(wrong)}. There are {', '.join(sorted(known))}."
        )
    if not words:
        return [one for one in WORKLOADS if not one.long]
    return [one for one in WORKLOADS if one.name in words or one.code in words]


def _chosen(names: Sequence[str] | None, every: bool, workloads: Sequence[Workload] = WORKLOADS) -> list[str]:
    """What takes long is not done to peers unless they are named."""
    known = systems()
    if wrong := [name for name in names or () if name not in known]:
        raise typer.BadParameter(f"no such system: {', '.join(wrong)}. There are {', '.join(known)}.")
    if names:
        return list(names)
    if every:
        return known
    return list(OURS) if any(one.long for one in workloads) else [*OURS, BOUNDS, *FIVE]


def _make(names: Sequence[str]) -> dict[str, str]:
    """Names of environments that could not be made."""
    chosen = {System(name).folder.name: System(name).environment for name in names}
    with _bar() as progress:
        bar = progress.add_task("environments", total=len(chosen))
        failed = environments.make(
            chosen.items(),
            started=lambda name: progress.update(bar, description=f"environment of {name}"),
            ended=lambda: progress.advance(bar),
        )
    for name, why in failed.items():
        console.print(f"[red]{name}[/] cannot be installed and is left out:\n{why}", highlight=False)
    return failed


class _Shown(Watcher):
    """Two bars: how many runs have ended, and how many tasks of this one are done."""

    def __init__(self, runs: int) -> None:
        self._progress = _bar()
        self._runs = self._progress.add_task("", total=runs)
        self._tasks = self._progress.add_task("", total=None)

    def __enter__(self) -> "_Shown":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def begins(self, turn: Turn, number: int) -> None:
        self._progress.update(self._runs, description=f"round {number}")
        self._progress.reset(self._tasks, total=turn.tasks, description=str(turn))

    def told(self, done: int) -> None:
        self._progress.update(self._tasks, completed=done)

    def ended(self, run: Run) -> None:
        self._progress.advance(self._runs)


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=progress_console,
        transient=True,
    )


if __name__ == "__main__":
    app()
