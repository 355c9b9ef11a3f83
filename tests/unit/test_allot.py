"""Who gets what: where one worker alone has room, what stands first in its line is for it, and nobody needs to look closer."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from taskflow_hub.store.allot import Load, Round, Scan
from taskflow_hub.store.gates import Gate, LimitedBy
from taskflow_hub.store.profiles import Profile

LANE = ("q", "t")
SERVES, SERVES_OTHERS = (Profile(frozenset(), frozenset({type})) for type in ("t", "u"))


class Task(Struct, frozen=True):
    id: str
    seq: int
    octets: int
    queue: str = "q"
    type: str = "t"
    priority: int = 0
    account: str = "a"
    crashes: int = 0
    limited_by: LimitedBy | None = None


def worker(id: str = "w", places: int = 10, running: int = 0, profile: Profile = SERVES) -> Load:
    return Load(id, places, running, alone=False, profile=profile)


def round_of(*workers: Load, limit: int = 1_000, octets: int = 1_000) -> Round:
    return Round(workers, [LANE], limit, octets=octets, gate=Gate())


def first_of(line: list[Task], scan: Scan) -> tuple[list[Task], bool]:
    """What a scan asks for, and whether it is shorter for its weight."""
    page: list[Task] = []
    for task in line[: scan.size]:
        if sum(one.octets for one in page) >= scan.octets:
            return page, True
        page.append(task)
    return page, False


def looked_at(round_: Round, scan: Scan, line: list[Task]) -> int:
    page, cut = first_of(line, scan)
    return len(round_.give(page, scan, cut=cut))


def as_a_whole(round_: Round, scan: Scan, line: list[Task]) -> int:
    page, _ = first_of(line, scan)
    if round_.sole is None or not page:
        return looked_at(round_, scan, line)
    round_.given(len(page), sum(task.octets for task in page))
    return len(page)


def leased(round_: Round, octets: list[int], way: Callable[[Round, Scan, list[Task]], int]) -> list[Task]:
    line = [Task(f"{n}", n, weight) for n, weight in enumerate(octets)]
    taken: list[Task] = []
    while (scan := round_.scan()) is not None:
        count = way(round_, scan, line)
        taken, line = [*taken, *line[:count]], line[count:]
    return taken


@given(
    octets=st.lists(st.integers(0, 400), max_size=30),
    places=st.integers(0, 12),
    running=st.integers(0, 12),
    limit=st.integers(0, 12),
)
def test_it_makes_no_difference_to_the_only_worker_with_room(
    octets: list[int], places: int, running: int, limit: int
) -> None:
    def anew() -> Round:
        full = worker("full", places=3, running=3)
        return round_of(worker(places=places, running=running), full, limit=limit)

    one, other = anew(), anew()
    assert leased(one, octets, looked_at) == leased(other, octets, as_a_whole)
    assert (one.cut, one.has_room) == (other.cut, other.has_room)


def test_a_round_with_two_kinds_or_two_of_a_kind_has_no_sole_worker() -> None:
    assert round_of(worker("a"), worker("b")).sole is None
    assert round_of(worker("a"), worker("b", profile=SERVES_OTHERS)).sole is None
    assert round_of(worker("a", running=10)).sole is None


def test_who_is_left_with_room_is_the_sole_worker() -> None:
    left = worker("a", places=3)
    assert round_of(left, worker("b", running=10)).sole is left


def test_nobody_is_sole_while_a_task_waits_for_an_empty_worker() -> None:
    round_ = round_of(worker("a", running=1), worker("b", running=2))
    scan = round_.scan()
    assert scan is not None
    assert round_.give([Task("x", 1, 0, crashes=2)], scan, cut=False) == []
    assert round_.sole is None


@pytest.mark.parametrize("tasks", [1, 9, 10])
def test_what_it_was_given_is_what_it_runs(tasks: int) -> None:
    one = worker()
    round_ = round_of(one)
    round_.given(tasks, 0)
    assert one.running == tasks
    assert (round_.sole is one) == (tasks < 10)
