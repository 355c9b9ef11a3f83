"""docs/benchmarks.md and its plots, made of the results alone."""

from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Final

from bench import results
from bench.bars import Bar, Bars
from bench.chart import Chart, Line
from bench.results import Results, Run, median_of, values
from bench.tables import counted, doubts, rank, rows, shown, to_ours
from bench.workloads import WORKLOADS
from bench.workloads.base import Workload
from bench.workloads.history import RATE_BESIDE

RESULTS: Final = results.FOLDER / "compare.json"
DOCS: Final = Path(__file__).parent.parent / "docs"
PAGE: Final = DOCS / "benchmarks.md"
DRAIN, LATENCY, COST, HISTORY = "bench-drain.svg", "bench-latency.svg", "bench-cost.svg", "bench-history.svg"
PLOTS: Final = {  # and what they show, for those who cannot see them
    DRAIN: "how many no-op tasks each system drains per second",
    COST: "the CPU time that a no-op task costs in each system",
    LATENCY: "how long it takes from submit to start in each system",
    HISTORY: "how many no-op tasks the hub drains per second beside millions that have finished",
}
SHORTEST_MS: Final = 0.1


def write() -> None:
    found = results.read(RESULTS)
    PAGE.write_text(page(found))
    for name, svg in plots(found).items():
        (DOCS / "img" / name).write_text(svg)


def page(found: Results) -> str:
    parts = [
        _INTRODUCTION,
        _conditions(found),
        *(f'\n<img src="img/{name}" alt="A plot: {PLOTS[name]}." width="720">' for name in plots(found)),
        *(_section(found, workload) for workload in WORKLOADS if found.of(workload.name)),
        _guarantees(found),
        _settings(found),
        _doubts(found),
    ]
    return "\n".join(part for part in parts if part)


def plots(found: Results) -> dict[str, str]:
    """Those of which something has been measured."""
    by_name = {workload.name: workload for workload in WORKLOADS}
    wanted: list[tuple[str, str, Callable[[Results, Workload], Bars | Chart]]] = [
        (DRAIN, "drain", _drain),
        (COST, "drain", _cost),
        (LATENCY, "latency", _latency),
        (HISTORY, "history", _history),
    ]
    return {
        name: draw(found, by_name[workload]).svg()
        for name, workload, draw in wanted
        if _best(found, by_name[workload])
    }


# --- the page ----------------------------------------------------------------------------------------------------------

_INTRODUCTION = """\
# Benchmarks

<!-- Made by `python -m bench pages`; a test compares. -->

The hub beside other task queues, on one machine: each in an environment of its own, with the settings that its own
documentation says are fast, on the same servers. Systems take turns, round after round, so that a slow moment of the machine
meets them all. Ratios are to the hub on the same kind of server: PostgreSQL, SQLite, or Redis, which then stands between the
hub's server and its worker.

`make bench` repeats it with the hub and five others, `make bench-all` with every system of `bench/systems`, where the programs,
the settings and the locked versions are; [the bench](../bench/README.md) tells every command. Fast is not all: what each of
them [guarantees](#what-each-guarantees) differs.

W6 to W8 begin with a W1 of their own, which their ratio is to. The readers of W8 scan the table that a system's waiting tasks
are in, as it was before they began; in some systems that is where finished ones are, too. How long a lease takes meanwhile is
seen from within the store only: `make bench-hub ARGS="--database postgres held_open readers --full"`. W9, fan-out and fan-in,
is measured of the systems that have words for it.
"""


def _conditions(found: Results) -> str:
    machine = found.machine
    told = (
        f"Measured {_when(found)}: {machine.cores} cores ({machine.processor}), "
        f"{machine.memory_gb} GB, Linux {machine.kernel}, Python {machine.python}; {'; '.join(found.servers)}. "
        "Figures are medians, with the least and the most in brackets."
    )
    if found.share != 1.0:
        told += f" Each run had {found.share:g} of the usual number of tasks, so these are rough."
    return f"\n{told}\n"


def _when(found: Results) -> str:
    """The days, and the commits that were measured on them."""
    when = dict.fromkeys((run.date, run.commit) for run in found.runs)
    return " and ".join(f"on {date} at commit {commit}" for date, commit in when)


def _section(found: Results, workload: Workload) -> str:
    figures = shown(found, workload)
    headings = [f"{figure.name} ({figure.unit})" if figure.unit else figure.name for figure in figures]
    if headings and figures[0].name == figures[0].unit:
        headings[0] = figures[0].unit
    lines = [
        f"\n## {workload.title}\n",
        f"Medians of {counted(found, workload)} rounds.\n",
        _row(["system", "workers", *headings[:1], "to ours", *headings[1:]]),
        _row(["---", "---", *["--:"] * (len(headings) + 1)]),
    ]
    lines += [
        _row([row.title, row.variant, *row.cells[:1], row.to_ours, *row.cells[1:]])
        for row in rows(found, workload)
    ]
    return "\n".join(lines) + "\n"


def _guarantees(found: Results) -> str:
    lines = [
        "\n## What each guarantees\n",
        _row(
            [
                "system",
                "a submit is durable",
                "the result is kept",
                "acknowledged after",
                "a stale report is refused",
            ]
        ),
        _row(["---"] * 5),
    ]
    for told in results.measured(found):
        given = told.guarantees
        lines.append(
            _row(
                [
                    told.title,
                    given.durable,
                    given.result_kept,
                    given.acknowledged_after,
                    given.stale_report_refused,
                ]
            )
        )
    return "\n".join(lines) + "\n"


def _settings(found: Results) -> str:
    lines = ["\n## How each was run\n"]
    for told in results.measured(found):
        versions = ", ".join(f"{name} {version}" for name, version in told.versions.items())
        lines.append(f"**{told.title}** ({told.language}; {versions}). Settings: {told.advice}\n")
        lines += [
            f"- {name}: `{'`, `'.join(_line(told.environments[name], command) for command in commands)}`"
            for name, commands in told.commands.items()
        ]
        lines.append("")
    return "\n".join(lines)


def _line(environment: dict[str, str], command: str) -> str:
    return " ".join([*(f"{name}={value}" for name, value in environment.items()), command])


def _doubts(found: Results) -> str:
    wrong = doubts(found)
    if not wrong:
        return ""
    return "\n".join(["\n## What went wrong\n", *(f"- {one}" for one in wrong)]) + "\n"


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


# --- the plots ---------------------------------------------------------------------------------------------------------


def _best(found: Results, workload: Workload) -> list[tuple[str, list[Run]]]:
    """Each system with its best variant, the best first; without those that failed."""
    best: dict[str, list[Run]] = {}
    for (name, _), runs in sorted(found.of(workload.name).items(), key=lambda one: rank(one[1], workload)):
        if median_of(runs, workload.figures[0].key) is not None:
            best.setdefault(name, runs)
    return list(best.items())


def _drain(found: Results, workload: Workload) -> Bars:
    bars = []
    for name, runs in _best(found, workload):
        rates, ratio = values(runs, "rate"), to_ours(found, workload, name, runs)
        text = f"{median(rates):,.0f}/s" if ratio is None else f"{median(rates):,.0f}/s, {ratio:.2f} ×"
        bars.append(_bar(found, name, [median(rates)], text, rates))
    return Bars(
        "No-op tasks drained per second", "× as many as the hub on the same server", ["tasks/s"], bars
    )


def _cost(found: Results, workload: Workload) -> Bars:
    bars = []
    for name, runs in _best(found, workload):
        workers, servers = values(runs, "worker_cpu_us"), values(runs, "server_cpu_us")
        both = [one + other for one, other in zip(workers, servers, strict=True)]
        ends = [median(workers), max(median(both), median(workers))]
        bars.append(_bar(found, name, ends, f"{median(both):,.0f} µs", both))
    bars.sort(key=lambda bar: bar.ends[-1])
    return Bars("CPU time of a no-op task, in µs", "of all processes together", ["workers", "servers"], bars)


def _latency(found: Results, workload: Workload) -> Bars:
    bars = []
    for name, runs in _best(found, workload):
        p50s, p99s = values(runs, "p50"), values(runs, "p99")
        text = f"{median(p50s):,.1f} / {median(p99s):,.1f} ms"
        bars.append(_bar(found, name, [median(p50s), median(p99s)], text, p50s))
    parts = ["median", "99th percentile"]
    title = "From submit to start when idle: median and 99th percentile, in ms"
    return Bars(title, "a logarithmic scale", parts, bars, log=True, least=SHORTEST_MS)


def _bar(found: Results, name: str, ends: list[float], text: str, measured: list[float]) -> Bar:
    spread = (min(measured), max(measured))
    return Bar(found.systems[name].title, ends, text, spread, ours=name.startswith("taskflow_"))


def _history(found: Results, workload: Workload) -> Chart:
    """Of systems whose history the bench can make: ours."""
    lines = []
    for name, runs in _best(found, workload):
        counts = sorted(
            {
                int(key.removeprefix(RATE_BESIDE))
                for run in runs
                for key in run.figures
                if key.startswith(RATE_BESIDE)
            }
        )
        rates = [values(runs, f"{RATE_BESIDE}{count}") for count in counts]
        points = [(count / 1e6, median(some)) for count, some in zip(counts, rates, strict=True)]
        lines.append(Line(found.systems[name].title, points, [(min(some), max(some)) for some in rates]))
    return Chart(
        title="No-op tasks drained per second beside a history",
        x_name="millions of tasks that have finished",
        y_name="tasks/s",
        lines=lines,
    )
