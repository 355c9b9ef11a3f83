"""Comparisons in pieces: what may stand beside one another in one file, and what ratios are then made of."""

import pytest
from bench.results import CannotBeMerged, Results, merged, without
from bench.tables import rows
from bench.workloads.drain import Drain
from msgspec import structs
from tests.unit.test_bench_pages import MACHINE, drained, told


def piece(*rates: tuple[str, float], share: float = 1.0) -> Results:
    return Results(
        machine=MACHINE,
        servers=["Redis 7"],
        share=share,
        systems={name: told(name) for name, _ in rates},
        runs=[drained(name, 1, rate) for name, rate in rates],
    )


def ratios(found: Results) -> dict[str, str]:
    return {row.title: row.to_ours for row in rows(found, Drain())}


FIRST = piece(("taskflow_redis", 1000.0), ("one", 500.0))
SECOND = piece(("taskflow_redis", 2000.0), ("two", 500.0))


def test_pieces_stand_beside_one_another_and_ratios_stay_those_of_the_same_round() -> None:
    found = merged(FIRST, SECOND)
    assert [(run.system, run.round) for run in found.runs] == [
        ("taskflow_redis", 1),
        ("one", 1),
        ("taskflow_redis", 2),
        ("two", 2),
    ]
    assert ratios(found) == {"taskflow_redis": "1.00 ×", "one": "0.50 ×", "two": "0.25 ×"}


def test_what_did_not_take_turns_with_ours_has_no_ratio() -> None:
    assert ratios(merged(FIRST, piece(("two", 500.0))))["two"] == ""


@pytest.mark.parametrize(
    "other",
    [
        piece(("one", 1.0), share=0.5),
        structs.replace(piece(("one", 1.0)), machine=structs.replace(MACHINE, cores=64)),
        structs.replace(
            piece(("one", 1.0)), systems={"one": structs.replace(told("one"), versions={"package": "9"})}
        ),
    ],
    ids=["share", "machine", "versions"],
)
def test_what_differs_in_more_than_what_was_compared_is_refused(other: Results) -> None:
    with pytest.raises(CannotBeMerged):
        merged(FIRST, other)


def test_what_is_forgotten_is_as_if_it_had_not_been_measured() -> None:
    assert without(merged(FIRST, piece(("two", 500.0))), ["two"], ["drain"]) == FIRST
    assert without(FIRST, ["one"], ["latency"]) == FIRST
