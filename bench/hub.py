"""The hub by itself: measure, and print medians with their spread beside what we aim at.

The everyday scenarios take turns, round after round, and an idle hub is watched at the end. The studies are about PostgreSQL
and each prints tables of its own. A survey asks any database, and runs where it is named.
"""

import argparse
import json
import platform
import sys
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bench.databases import Databases, Postgres, databases
from bench.measure import Figure, Report, Scenario, Study, Survey
from bench.scenarios.costs import Costs
from bench.scenarios.drain import Drain
from bench.scenarios.held_open import HeldOpen
from bench.scenarios.http import Http
from bench.scenarios.idle import Idle
from bench.scenarios.late_commit import LateCommit
from bench.scenarios.metrics_cost import MetricsCost
from bench.scenarios.over_redis import OverRedis
from bench.scenarios.pages import Pages
from bench.scenarios.readers import Readers
from bench.scenarios.store_cycles import StoreCycles
from bench.scenarios.workflows import Workflows

BOUND = "store cycles"
FIGURES = {
    BOUND: Figure("store cycles", "tasks/s", "the bound"),
    "bulk submit": Figure("bulk submit (Python)", "tasks/s"),
    "no-op drain": Figure("no-op drain", "tasks/s", "≥ 8 000"),
    "drain over redis": Figure("no-op drain, server and worker over Redis", "tasks/s", "≥ 8 000"),
    "memory over redis": Figure("server, worker and Redis, 50 000 × 4 KB queued, RSS", "MB", "< 750"),
    "http submit ×1": Figure("HTTP submit, 1 connection", "tasks/s"),
    "http submit ×32": Figure("HTTP submit, 32 connections", "tasks/s", "≥ 1 500"),
    "latency p50": Figure("submit → start, idle, p50", "ms", "≤ 5"),
    "latency p95": Figure("submit → start, idle, p95", "ms"),
    "latency p99": Figure("submit → start, idle, p99", "ms"),
    "accounts": Figure("HTTP submit with a key, 32 connections, to one without accounts", "×", "≥ 0.85"),
    "limits": Figure("no-op drain under a limit, to one without", "×", "≥ 0.85"),
    "fan-out": Figure("a workflow: a list, 10 000 no-op tasks, a join", "s", "≤ 8"),
    "hop p50": Figure("a workflow: from one of 1 000 nodes to the next, p50", "ms", "≤ 5"),
    "hop p95": Figure("a workflow: from one of 1 000 nodes to the next, p95", "ms"),
    "idle cpu": Figure("idle hub, CPU", "% of a core", "< 1"),
    "idle server cpu": Figure("idle hub, CPU of the server", "% of a core"),
    "idle memory": Figure("idle hub, PSS", "MB", "< 100"),
}
SCENARIOS: list[Scenario] = [StoreCycles(), Drain(), OverRedis(), Http(), Costs(), Workflows()]
IDLE = Idle()
STUDIES: list[Study] = [HeldOpen(), LateCommit(), Readers()]
SURVEYS: list[Survey] = [Pages(), MetricsCost()]


def main() -> None:
    arguments = _arguments()
    console = Console() if sys.stdout.isatty() else Console(width=120)
    everything: dict[str, object] = {}
    with databases(arguments.database) as measured:
        everyday = [one for one in SCENARIOS if one.name in arguments.names]
        if everyday or IDLE.name in arguments.names:
            _run(everyday, measured, arguments.rounds, idle=IDLE.name in arguments.names)
            console.print(_table(measured, arguments.rounds))
            everything |= {name: figure.values for name, figure in FIGURES.items() if figure.values}
        for survey in SURVEYS:
            if survey.name in arguments.names:
                report = survey.run(measured, arguments.rounds, full=arguments.full)
                _show(console, report, arguments.plots)
                everything[survey.name] = report.values
        for study in STUDIES:
            if study.name in arguments.names:
                assert isinstance(measured, Postgres)
                report = study.run(measured, arguments.rounds, full=arguments.full)
                _show(console, report, arguments.plots)
                everything[study.name] = report.values
    if arguments.json:
        arguments.json.write_text(json.dumps(everything, indent=2))


def _arguments() -> argparse.Namespace:
    everyday = [one.name for one in (*SCENARIOS, IDLE)]
    studies = [study.name for study in STUDIES]
    surveys = [survey.name for survey in SURVEYS]
    parser = argparse.ArgumentParser(prog="python -m bench.hub", description=__doc__)
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        choices=[*everyday, *surveys, *studies, []],
        help=f"{', '.join(everyday)}; with PostgreSQL also {', '.join(studies)}; left out: all of these;"
        f" where named, {', '.join(surveys)}",
    )
    parser.add_argument("--database", choices=["sqlite", "postgres"], default="sqlite")
    parser.add_argument("--rounds", type=int, default=5, help="how often each runs; medians are of these")
    parser.add_argument(
        "--full", action="store_true", help="studies and surveys as long and as large as their aims say"
    )
    parser.add_argument("--plots", type=Path, metavar="FOLDER", help="draw the studies' plots into it")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every value here")
    arguments = parser.parse_args()
    on_postgres = arguments.database == "postgres"
    if not on_postgres and (wrong := [name for name in arguments.names if name in studies]):
        parser.error(f"{', '.join(wrong)}: about PostgreSQL, so it needs --database postgres")
    arguments.names = arguments.names or [*everyday, *(studies if on_postgres else ())]
    return arguments


def _run(scenarios: list[Scenario], measured: Databases, rounds: int, *, idle: bool) -> None:
    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("", total=rounds * len(scenarios) + idle)
        for _ in range(rounds):
            for scenario in scenarios:  # in turn, so that a slow moment of the machine meets them all
                progress.update(bar, description=scenario.name)
                _keep(scenario.run(measured))
                progress.advance(bar)
        if idle:
            progress.update(bar, description="idle, 60 s")
            _keep(IDLE.run(measured))


def _keep(found: dict[str, float]) -> None:
    for name, value in found.items():
        FIGURES[name].values.append(value)


def _table(measured: Databases, rounds: int) -> Table:
    bound = FIGURES[BOUND].median if FIGURES[BOUND].values else None
    table = Table(
        title=f"{measured.title}, one process, Python {platform.python_version()}: median of {rounds} rounds"
    )
    for heading in ("figure", "median", "min – max", "unit", "of the bound", "aim"):
        table.add_column(
            heading, justify="right" if heading in {"median", "min – max", "of the bound"} else "left"
        )
    for figure in FIGURES.values():
        if figure.values:
            share = f"{figure.median / bound:.2f}" if bound and figure.unit == "tasks/s" else ""
            digits = 2 if figure.unit == "×" else 1
            spread = f"{min(figure.values):,.{digits}f} – {max(figure.values):,.{digits}f}"
            seen = f"{figure.median:,.{digits}f}"
            table.add_row(figure.name, seen, spread, figure.unit, share, figure.target)
    return table


def _show(console: Console, report: Report, plots: Path | None) -> None:
    for table in report.tables:
        console.print(table)
    for aim, reached in report.aims:
        console.print(f"[green]reached[/] {aim}" if reached else f"[red]missed[/]  {aim}", highlight=False)
    if plots is not None:
        for name, svg in report.plots.items():
            (plots / name).write_text(svg)


if __name__ == "__main__":
    main()
