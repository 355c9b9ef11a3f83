"""What came of the faults: a table for people, figures for programs."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table
from tests.crash.chaos.faults import REDIS
from tests.crash.chaos.trial import ENOUGH, Options, Result

SHOWN = 10  # failures of one fault


def table(results: Sequence[Result], options: Options) -> Table:
    shown = Table(
        title=f"{_fleet(options)} with {options.slots} slots each, "
        f"{options.cycles} cycles: medians; recovery and rerun are the slowest"
    )
    shown.add_column("fault")
    for heading in (
        "tasks", "lost", "accepted\ntwice", "duplicated\neffects", "recovery\ns", "rerun\ns", "before\n/s", "during", "after",
    ):  # fmt: skip
        shown.add_column(heading, justify="right")
    shown.add_column("it did")
    for result in results:
        good = "green" if not result.failures else "red"
        before = sorted(rate for rate, _, _ in result.rates)[len(result.rates) // 2]
        shown.add_row(
            f"[{good}]{result.fault.words}[/]",
            f"{result.tasks:,}",
            _zero(result.lost),
            _zero(result.twice),
            str(result.repeated),
            "[red]never[/]" if result.recovery_s is None else f"{result.recovery_s:.1f}",
            f"{max(result.reruns_s):.1f}" if result.reruns_s else "",
            f"{before:.0f}",
            f"{result.share_during:.0%}",
            f"[{'green' if result.share_after >= ENOUGH else 'red'}]{result.share_after:.0%}[/]",
            ", ".join(f"{value:,.0f} {name}" for name, value in result.marks.items() if value),
        )
    return shown


def say_failures(console: Console, results: Sequence[Result]) -> None:
    for result in results:
        for failure in result.failures[:SHOWN]:
            console.print(f"{result.fault.name}: {failure}", markup=False, soft_wrap=True)
        if len(result.failures) > SHOWN:
            console.print(f"{result.fault.name}: and {len(result.failures) - SHOWN} more", markup=False)
        if result.kept is not None:
            console.print(f"{result.fault.name}: logs are in {result.kept}", markup=False, soft_wrap=True)


def figures(results: Sequence[Result], options: Options) -> dict[str, Any]:
    return {"options": asdict(options), "faults": {result.fault.name: _figures(result) for result in results}}


def _figures(result: Result) -> dict[str, Any]:
    return {
        "tasks": result.tasks,
        "lost": result.lost,
        "accepted_twice": result.twice,
        "duplicated_effects": result.repeated,
        "recovery_s": [cycle.recovery_s for cycle in result.cycles],
        "rerun_s": sorted(result.reruns_s),
        "rates": [
            {"before": before, "during": during, "after": after} for before, during, after in result.rates
        ],
        "share_during": result.share_during,
        "share_after": result.share_after,
        "marks": result.marks,
        "failures": result.failures,
    }


def _fleet(options: Options) -> str:
    if options.broker == REDIS:
        return f"{options.database} and {options.broker}, {options.processes} servers, {options.processes} workers"
    return f"{options.database}, {options.processes} processes"


def _zero(count: int) -> str:
    return f"[red]{count}[/]" if count else "0"
