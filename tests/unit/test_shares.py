"""Fair turns between accounts: the ratio of their weights, whatever one of them has piled up."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from taskflow_hub.store.profiles import Profile
from taskflow_hub.store.shares import ACCOUNTS_AT_ONCE, Shares


class Task(Struct, frozen=True):
    account: str
    seq: int
    queue: str = "q"
    type: str = "t"
    priority: int = 5


def names(tasks: list[Task]) -> str:
    return "".join(task.account for task in tasks)


NOISY = [Task("a", n) for n in range(100)]


def test_alone_an_account_has_the_order_of_submission() -> None:
    assert Shares().order(reversed(NOISY)) == NOISY


def test_who_comes_late_waits_for_one_turn_of_each_other() -> None:
    assert names(Shares().order([*NOISY, Task("b", 200), Task("c", 201)]))[:5] == "abcaa"


def test_what_was_started_counts_from_lease_to_lease() -> None:
    shares, waiting, started = Shares(), [*NOISY, *(Task("b", 200 + n) for n in range(100))], []
    for _ in range(20):  # one slot
        first = shares.order(waiting)[0]
        shares.started([first])
        waiting.remove(first)
        started.append(first)
    assert names(started) == "ab" * 10


def test_weights_are_the_ratio() -> None:
    shares = Shares()
    shares.weigh({"a": 3.0})
    turns = shares.order([*NOISY, *(Task("b", 200 + n) for n in range(100))])
    assert Counter(names(turns)[:40]) == {"a": 30, "b": 10}


def test_who_was_away_has_saved_nothing_up_and_owes_nothing() -> None:
    shares = Shares()
    shares.order([*NOISY, Task("b", 200)])
    shares.started([*NOISY[:50], Task("b", 200), *NOISY[50:60]])
    turns = shares.order([*NOISY[60:], *(Task("b", 300 + n) for n in range(40))])
    assert Counter(names(turns)[:20]) == {"a": 10, "b": 10}


def test_priority_goes_before_turns_and_each_has_its_own() -> None:
    shares = Shares()
    urgent = [Task("a", 300 + n, priority=9) for n in range(3)]
    turns = shares.order([*NOISY, Task("b", 200), *urgent])
    assert turns[:3] == urgent
    assert names(turns[3:6]) == "aba"


GENERAL, SPECIAL = (Profile(frozenset(queues), frozenset({"t"})) for queues in ({"q", "r"}, {"other"}))


def serving() -> Shares:
    shares = Shares()
    shares.serve([("q", "t"), ("r", "t"), ("other", "t")], {GENERAL, SPECIAL})
    return shares


def test_what_is_piled_up_in_another_queue_of_the_same_workers_keeps_nobody() -> None:
    assert names(serving().order([*NOISY, Task("b", 200, queue="r")]))[:3] == "aba"


def test_what_starts_on_other_workers_does_not_count() -> None:
    shares = serving()
    shares.started(Task("a", n, queue="other") for n in range(50))
    assert names(shares.order([*NOISY, Task("b", 200), Task("b", 201)]))[:4] == "abab"


def test_queues_that_one_worker_joins_are_of_one_row() -> None:
    """Another serves only the one, as when a new version of the code knows a type more."""
    shares = Shares()
    both, one = (Profile(frozenset(), frozenset(types)) for types in ({"t", "u"}, {"t"}))
    shares.serve([("q", "t"), ("q", "u")], {both, one})
    assert names(shares.order([*NOISY, Task("b", 200, type="u")]))[:3] == "aba"


def test_where_nothing_waits_any_more_nobody_owes_anything() -> None:
    shares = serving()
    shares.weigh({"a": 0.01})
    shares.started([Task("a", 1)])
    shares.serve([("other", "t")], {GENERAL, SPECIAL})
    shares.serve([("q", "t")], {GENERAL, SPECIAL})
    assert names(shares.order([Task("a", 2), Task("b", 3), Task("b", 4)])) == "abb"


def test_who_starts_alone_moves_time_on() -> None:
    shares = serving()
    shares.weigh({"a": 0.01})
    shares.started([Task("a", 1)])
    shares.started_alone(shares.row("q", "t", 5), "b", 1_000)
    assert names(shares.order([Task("a", 2000), Task("b", 1500), Task("b", 1501)]))[:1] == "a"


def test_of_many_that_are_level_who_came_first_is_next() -> None:
    shares = serving()
    shares.started([Task("b", 1)])
    firsts = [Task(f"late{n}", 500 - n) for n in range(ACCOUNTS_AT_ONCE)] + [Task("b", 2), Task("c", 3)]
    near = {account for *_, account in shares.near(firsts)}
    assert len(near) == ACCOUNTS_AT_ONCE
    assert {"late0", "b"}.isdisjoint(near), "b has had one, and late0 came last"
    assert "c" in near


def test_among_workers_of_two_kinds_place_is_the_place_of_submission() -> None:
    other = [Task("a", 2, queue="other"), Task("a", 50, queue="other")]
    turns = serving().order([Task("a", 1), Task("a", 3), Task("b", 40), *other])
    assert [(task.queue, task.account) for task in turns] == [
        ("q", "a"),
        ("other", "a"),
        ("q", "b"),  # has the turn of the second of its kind
        ("q", "a"),
        ("other", "a"),
    ]


def test_nothing_is_told_of_what_lies_behind_the_end_of_what_was_read() -> None:
    read = [*NOISY[:3], *(Task("b", 200 + n) for n in range(10))]
    assert names(Shares().order(read, {(-1, 5, "a"): 2})) == "ababab"
    assert Shares().order([*NOISY[:3], Task("a", 10)], {(-1, 5, "a"): 2}) == NOISY[:3]


@given(
    tasks=st.lists(
        st.builds(
            Task,
            account=st.sampled_from("abc"),
            seq=st.integers(0, 1_000),
            queue=st.sampled_from(["q", "r"]),
            priority=st.integers(0, 2),
        ),
        unique_by=lambda task: task.seq,
        max_size=60,
    ),
    weights=st.fixed_dictionaries({account: st.floats(0.01, 100) for account in "abc"}),
    page=st.integers(1, 10),
)
def test_all_are_started_once_in_the_order_of_each_account(
    tasks: list[Task], weights: dict[str, float], page: int
) -> None:
    shares, waiting, started = Shares(), tasks, list[Task]()
    shares.weigh(weights)
    while waiting:
        first = shares.order(waiting)[:page]
        shares.started(first)
        started += first
        waiting = [task for task in waiting if task not in first]
    assert sorted(started, key=lambda task: task.seq) == sorted(tasks, key=lambda task: task.seq)
    for account in "abc":
        mine = [task for task in started if task.account == account]
        assert mine == sorted(mine, key=lambda task: (-task.priority, task.seq))


@given(read=st.integers(1, 8), size=st.integers(1, 20))
def test_what_is_known_of_a_part_is_what_is_known_of_all(read: int, size: int) -> None:
    others = [Task("b", 200 + n) for n in range(30)]
    part = [*NOISY[:read], *others[:read]]
    ends = {(-1, 5, "a"): NOISY[read - 1].seq, (-1, 5, "b"): others[read - 1].seq}
    known = Shares().order(part, ends)[:size]
    assert known
    assert known == Shares().order([*NOISY, *others])[: len(known)]
