"""What metrics cost a drain: one hub that counts and one in which nobody does, in turn."""

import asyncio
import os
import time
from datetime import UTC, datetime
from statistics import median
from typing import Final, NamedTuple

from rich.table import Table

from bench.databases import Databases
from bench.hub_process import HubProcess
from bench.measure import Report
from bench.process import cpu_s
from bench.scenarios.drain import SLOTS, fill

COUNTING, SILENT = "taskflow_hub", "bench.silent"
TASKS, FULL = 40_000, 100_000
MOST: Final = 0.03  # of the throughput
NOISE: Final = 0.1  # rounds whose ratios differ by more say nothing about it


class Drained(NamedTuple):
    per_s: float
    cpu_us: float  # a task, of the hub and the database's server, without the start


class MetricsCost:
    name = "metrics"

    def run(self, databases: Databases, rounds: int, *, full: bool) -> Report:
        seen: dict[str, list[Drained]] = {COUNTING: [], SILENT: []}
        for number in range(rounds):
            for module in sorted(seen, reverse=bool(number % 2)):  # each is the first as often as the other
                seen[module].append(_drained(databases, module, FULL if full else TASKS))
        pairs = list(zip(seen[COUNTING], seen[SILENT], strict=True))
        speed = [counting.per_s / silent.per_s for counting, silent in pairs]
        cpu = [counting.cpu_us / silent.cpu_us for counting, silent in pairs]
        table = Table(title=f"a no-op drain with metrics and without, {databases.title}; load {_load()}")
        for heading in (
            "round",
            "tasks/s with",
            "without",
            "ratio",
            "CPU µs a task with",
            "without",
            "ratio",
        ):
            table.add_column(heading, justify="right")
        for n, (counting, silent) in enumerate(pairs):
            table.add_row(
                f"{n + 1}", *_row(counting.per_s, silent.per_s), *_row(counting.cpu_us, silent.cpu_us)
            )
        table.add_row("median", "", "", f"{median(speed):.3f}", "", "", f"{median(cpu):.3f}", style="bold")
        table.add_row("min – max", "", "", _spread(speed), "", "", _spread(cpu))
        cost, clear = 1 - median(speed), max(speed) - min(speed) <= NOISE
        aim = f"metrics cost at most {MOST:.0%} of the throughput of a drain: {cost:+.1%}; of the CPU {median(cpu) - 1:+.1%}"
        if not clear:
            aim += "; rounds differ too much to tell, the machine was busy"
        return Report([table], [(aim, clear and cost <= MOST)], {"throughput": speed, "cpu": cpu})


def _drained(databases: Databases, module: str, tasks: int) -> Drained:
    with databases.fresh() as url:
        asyncio.run(fill(url, tasks))
        began = datetime.now(UTC)
        with HubProcess(url, slots=SLOTS, module=module) as hub:
            done = databases.finished(url)  # it drains by the time that it answers
            used_s = cpu_s(hub.pid) + databases.server_cpu_s()
            while databases.finished(url) < tasks:
                time.sleep(0.1)  # the bench looks from outside, so it can only look again
            used_s = cpu_s(hub.pid) + databases.server_cpu_s() - used_s
        return Drained(tasks / databases.busy_s(url, began), used_s / (tasks - done) * 1e6)


def _row(counting: float, silent: float) -> tuple[str, str, str]:
    return f"{counting:,.0f}", f"{silent:,.0f}", f"{counting / silent:.3f}"


def _spread(ratios: list[float]) -> str:
    return f"{min(ratios):.3f} – {max(ratios):.3f}"


def _load() -> str:
    return " ".join(f"{one:.1f}" for one in os.getloadavg())
