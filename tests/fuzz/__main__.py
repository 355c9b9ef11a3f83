"""Many random workflows against the model: `make fuzz ARGS="--graphs 50000 --database postgres"`."""

import argparse
import asyncio
import logging
import random
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn
from tests.fuzz.kills import Point
from tests.fuzz.plays import Open, Played, again, play
from tests.support.postgres import FAST, PostgresServer

from taskflow_hub.store.postgres import PostgresStore
from taskflow_hub.store.sqlite import SqliteStore

TOGETHER = 100  # workflows of one play, that differ
PLAYS_OF_ONE = 10  # database


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--graphs", type=int, default=50_000, help="how many workflows, on each database")
    parser.add_argument("--database", choices=["sqlite", "postgres", "both"], default="both")
    parser.add_argument("--seed", type=int, help="of the first play (default: another every time)")
    arguments = parser.parse_args()
    kinds = ["sqlite", "postgres"] if arguments.database == "both" else [arguments.database]
    seed = random.randrange(1, 2**32) if arguments.seed is None else arguments.seed
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    console = Console(stderr=True)
    for kind in kinds:
        played = _fuzz(kind, arguments.graphs, seed, console)
        kills = ", ".join(f"{played.kills[point]:,} {point}" for point in Point)
        console.print(
            f"[green]{kind}: {arguments.graphs:,} workflows, {len(played.graphs):,} different graphs, each as the model says; "
            f"processes killed: {kills}",
            highlight=False,
        )


def _fuzz(kind: str, graphs: int, seed: int, console: Console) -> Played:
    played = Played()
    columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress, _databases(kind) as databases:
        bar = progress.add_task(kind, total=graphs)
        for number, begun in enumerate(range(0, graphs, TOGETHER)):
            some = min(TOGETHER, graphs - begun)
            try:
                asyncio.run(play(next(databases), seed + number, some, played))
            except BaseException as error:
                error.add_note(again(kind, seed + number, some))
                raise
            progress.advance(bar, some)
    return played


@contextmanager
def _databases(kind: str) -> Iterator[Iterator[Open]]:
    """One for each play; every so often a new one, for nothing is removed from them."""
    with TemporaryDirectory() as folder:
        if kind == "sqlite":
            yield (_on_sqlite(Path(folder) / f"{number // PLAYS_OF_ONE}.db") for number in count())
            return
        server = PostgresServer(settings=FAST)
        server.start()
        try:
            yield _on_postgres(server)
        finally:
            server.remove()


def _on_sqlite(path: Path) -> Open:
    return lambda clock: SqliteStore.open(f"sqlite:///{path}", clock=clock)


def _on_postgres(server: PostgresServer) -> Iterator[Open]:
    for number in count():
        name = f"fuzz_{number}"
        server.run(f"CREATE DATABASE {name}")
        url = server.url(name)
        for _ in range(PLAYS_OF_ONE):
            yield lambda clock, url=url: PostgresStore.open(url, clock=clock, survey_s=0.0)  # type: ignore[misc]


if __name__ == "__main__":
    main()
