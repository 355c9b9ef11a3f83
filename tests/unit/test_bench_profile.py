"""Where the bench says that a worker's CPU time goes: by the innermost frame that belongs to a stage."""

from pathlib import Path

import pytest
from bench.profile import REST, STAGES, shares

import taskflow_hub

LOOP = "run_forever (uvloop/loop.py:1)"
SOURCE = Path(taskflow_hub.__file__).parent


def test_what_is_beneath_a_stage_works_for_it() -> None:
    ending = f"{LOOP};_succeed (taskflow_hub/store/postgres/moves.py:9);fetch (asyncpg/connection.py:3) 3"
    leasing = (
        f"{LOOP};tick (taskflow_hub/engine/loops/dispatcher.py:1);publish (taskflow_hub/broker/local.py:2) 1"
    )
    seen = shares([ending, leasing])
    assert seen["finish"] == 0.75
    assert seen["hand over"] == 0.25
    assert sum(seen.values()) == 1.0


def test_what_belongs_to_no_stage_is_the_rest() -> None:
    assert shares([f"{LOOP};_run_once (asyncio/base_events.py:5) 7"])[REST] == 1.0


def test_starting_does_not_count() -> None:
    lines = [
        f"{LOOP} 1",
        "main (taskflow:1);_find_and_load (<frozen importlib._bootstrap>:1);f (uvicorn/x.py:1) 50",
    ]
    assert shares(lines)[REST] == 1.0


def test_nothing_seen_is_no_division_by_zero() -> None:
    assert set(shares([]).values()) == {0.0}


OURS = [file for files in STAGES.values() for file in files if file.startswith("taskflow_hub/")]


@pytest.mark.parametrize("file", OURS)
def test_there_are_such_files(file: str) -> None:
    """A module that was renamed would silently become part of the rest."""
    assert list(SOURCE.parent.glob(file))
