"""Run a workload on several processes, do to them what operators fear, and prove from the records that nothing was lost."""

import argparse
import json
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from tests.crash.chaos import report
from tests.crash.chaos.faults import FAULTS, LOCAL, POSTGRESQL, REDIS, SQLITE, Fault
from tests.crash.chaos.trial import NotWorking, Options, Result, run
from tests.support.postgres import postgres
from tests.support.redis import redis_server

PHASES = 4  # of a cycle
AROUND = 4  # phases before the first and after the last cycle
CONNECTIONS = "80"  # of the server; fewer than usual, so that others can take all there are


def main(arguments: Sequence[str] | None = None) -> int:
    given = _parser().parse_args(arguments)
    options = Options(
        database=given.database,
        broker=given.broker,
        processes=given.processes or (2 if given.broker == REDIS else 3),
        slots=given.slots,
        cycles=given.cycles,
        seconds=given.seconds,
        outage_s=given.outage,
    )
    faults = [
        fault
        for fault in FAULTS
        if given.database in fault.on
        and given.broker in fault.brokers
        and fault.name in (given.only or [fault.name])
    ]
    if not faults:
        print(
            f"make chaos: {', '.join(given.only)} cannot be done to {given.database} with {given.broker}",
            file=sys.stderr,
        )
        return 2
    console = Console() if sys.stdout.isatty() else Console(width=190)
    try:
        results = _run_all(faults, options, given.postgres, given.broker)
    except NotWorking as error:
        print(f"make chaos: {error}", file=sys.stderr)
        return 1
    console.print(report.table(results, options))
    report.say_failures(console, results)
    if given.json:
        given.json.write_text(json.dumps(report.figures(results, options), indent=2) + "\n")
    return 1 if any(result.failures for result in results) else 0


def _run_all(faults: Sequence[Fault], options: Options, version: int, broker: str) -> list[Result]:
    results = []
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    server: Any = (
        nullcontext() if options.database == SQLITE else postgres(version, max_connections=CONNECTIONS)
    )
    between: Any = redis_server() if broker == REDIS else nullcontext()
    with (
        Progress(*columns, console=Console(stderr=True), transient=True) as progress,
        server as here,
        between as redis,
    ):
        bar = progress.add_task("", total=len(faults) * (AROUND + PHASES * options.cycles))
        for fault in faults:

            def say(words: str, name: str = fault.name) -> None:
                progress.update(bar, description=f"{name}: {words}", advance=1)

            results.append(run(fault, options, here, say, redis=redis))
    return results


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make chaos",
        description=__doc__,
        epilog="faults: " + "; ".join(f"{fault.name} ({fault.words})" for fault in FAULTS),
    )
    parser.add_argument(
        "--only",
        action="append",
        choices=[fault.name for fault in FAULTS],
        metavar="NAME",
        help="only this fault; may be repeated",
    )
    parser.add_argument(
        "--database", choices=(POSTGRESQL, SQLITE), default=POSTGRESQL, help="default postgresql"
    )
    parser.add_argument(
        "--broker",
        choices=(LOCAL, REDIS),
        default=LOCAL,
        help="redis: servers and workers, with it between them; default local",
    )
    parser.add_argument(
        "--postgres",
        type=int,
        default=16,
        metavar="VERSION",
        help="16 or 18, or a version Debian has installed",
    )
    parser.add_argument(
        "--processes", type=int, help="how many, default 3; with Redis so many servers and workers, default 2"
    )
    parser.add_argument("--slots", type=int, default=8, help="of each worker, default 8")
    parser.add_argument("--cycles", type=int, default=3, help="of before, fault and after; default 3")
    parser.add_argument(
        "--seconds",
        type=float,
        default=10.0,
        help="before and after each fault, and of most faults; default 10",
    )
    parser.add_argument(
        "--outage",
        type=float,
        default=60.0,
        help="seconds that the database, or a network, is away; default 60",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here")
    return parser


if __name__ == "__main__":
    sys.exit(main())
