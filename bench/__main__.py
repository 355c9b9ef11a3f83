"""Run every scenario in turn, round after round, and print medians with their spread; then watch an idle hub."""

import argparse
import json
import platform
import sys
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bench.measure import Figure, Scenario
from bench.scenarios.drain import Drain
from bench.scenarios.http import Http
from bench.scenarios.idle import Idle
from bench.scenarios.store_cycles import StoreCycles

FIGURES = {
    "store cycles": Figure("store cycles", "tasks/s", "the bound"),
    "bulk submit": Figure("bulk submit (Python)", "tasks/s"),
    "no-op drain": Figure("no-op drain", "tasks/s", "≥ 8 000"),
    "http submit ×1": Figure("HTTP submit, 1 connection", "tasks/s"),
    "http submit ×32": Figure("HTTP submit, 32 connections", "tasks/s", "≥ 1 500"),
    "latency p50": Figure("submit → start, idle, p50", "ms", "≤ 5"),
    "latency p95": Figure("submit → start, idle, p95", "ms"),
    "latency p99": Figure("submit → start, idle, p99", "ms"),
    "idle cpu": Figure("idle hub, CPU", "% of a core", "< 1"),
    "idle memory": Figure("idle hub, PSS", "MB", "< 100"),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument(
        "--rounds", type=int, default=5, help="how often each scenario runs; medians are of these"
    )
    parser.add_argument("--json", type=Path, help="write every value here")
    arguments = parser.parse_args()

    scenarios: list[Scenario] = [StoreCycles(), Drain(), Http()]
    console = Console() if sys.stdout.isatty() else Console(width=120)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("", total=arguments.rounds * len(scenarios))
        for _ in range(arguments.rounds):
            for scenario in scenarios:  # in turn, so that a slow moment of the machine meets them all
                progress.update(bar, description=scenario.name)
                for name, value in scenario.run().items():
                    FIGURES[name].values.append(value)
                progress.advance(bar)
        progress.update(bar, description="idle, 60 s")
        for name, value in Idle().run().items():
            FIGURES[name].values.append(value)
    console.print(_table(arguments.rounds))
    if arguments.json:
        arguments.json.write_text(
            json.dumps({name: figure.values for name, figure in FIGURES.items()}, indent=2)
        )


def _table(rounds: int) -> Table:
    bound = FIGURES["store cycles"].median
    table = Table(title=f"SQLite, one process, Python {platform.python_version()}: median of {rounds} rounds")
    for heading in ("figure", "median", "min – max", "unit", "of the bound", "aim"):
        table.add_column(
            heading, justify="right" if heading in {"median", "min – max", "of the bound"} else "left"
        )
    for figure in FIGURES.values():
        share = f"{figure.median / bound:.2f}" if figure.unit == "tasks/s" else ""
        spread = f"{min(figure.values):,.1f} – {max(figure.values):,.1f}"
        table.add_row(figure.name, f"{figure.median:,.1f}", spread, figure.unit, share, figure.target)
    return table


main()
