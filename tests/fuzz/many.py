"""Many plays in a test, with processes that die at any statement (docs/adr/0100). `make fuzz` does the same for many more."""

import asyncio
import os
import random
from typing import Final

from tests.fuzz.kills import Point
from tests.fuzz.plays import Open, Played, again, play

TOGETHER: Final = 100  # workflows of one play
TIMEOUT_S: Final = 900  # a busy machine may need many times the minute that each takes on a quiet one
SEEDS: Final = {"sqlite": 1, "postgres": 1_001}  # in CI


def many(open_store: Open, database: str, *, plays: int, graphs: int) -> Played:
    """`graphs`: so many at least that differ."""
    first = SEEDS[database] if "CI" in os.environ else random.randrange(1, 2**32)
    played = Played()
    for seed in range(first, first + plays):
        try:
            asyncio.run(play(open_store, seed, TOGETHER, played))
        except BaseException as error:
            error.add_note(again(database, seed, TOGETHER))
            raise
    assert len(played.graphs) >= graphs
    assert min(played.kills[point] for point in Point) > plays / 2
    return played
