"""What a lease looks at of the tasks that limits hold back."""

from taskflow_hub.store import groups
from taskflow_hub.store.gates import Gate, Numbers
from taskflow_hub.store.groups import BEGINNING, Aside, Group, Held, Rotation, Spot, counted
from taskflow_hub.store.shares import Shares
from taskflow_hub.store.standing import NOBODY, queue_key

LANE, OTHER = ("q", "t"), ("q", "u")


def group(key: str, seq: int, *, priority: int = 5) -> Group:
    return Group(LANE, ("a", (key,)), priority, seq)


def gate(**room: int) -> Gate:
    """So many may start under each key."""
    made = Gate()
    for key, running in room.items():
        made.learn(("a", key), Numbers(running, None, None, 0.0, 0))
    return made


def test_groups_take_turns_where_there_are_too_many() -> None:
    rotation, share = Rotation(), groups.GROUPS_AT_ONCE // 2
    all_of_them = [group(f"{number:05}", number) for number in range(2 * share + 10)]
    starts = []
    for _ in range(3):
        begin, size = rotation.begin([LANE, OTHER])
        assert size == share + 1, "one more tells whether others wait"
        starts.append(dict(begin)[LANE])
        read = [one for one in all_of_them if one.start > starts[-1]][:size]
        taken = rotation.end(LANE, read)
        assert len(taken) == min(share, len(read))
        assert rotation.others is (len(read) > share)
    assert starts == [BEGINNING, all_of_them[share - 1].start, all_of_them[2 * share - 1].start]
    assert dict(rotation.begin([LANE])[0])[LANE] == BEGINNING, "and from the start again"


def test_a_lane_that_is_not_looked_at_makes_nobody_look_again() -> None:
    """Its turn is remembered; but it may be paused, or nobody may have room for it."""
    rotation = Rotation()
    rotation.begin([LANE])
    rotation.end(LANE, [group(f"{number:05}", number) for number in range(groups.GROUPS_AT_ONCE + 1)])
    assert rotation.others
    rotation.begin([OTHER])
    rotation.end(OTHER, [])
    assert not rotation.others


def spot(place: str, seq: int, *, account: str = "a", priority: int = 5) -> Spot[str]:
    return Spot(place, *LANE, account, priority, seq)


def test_no_group_is_read_that_cannot_be_among_the_first() -> None:
    given = [group("b", 7), group("a", 1), group("full", 0)]
    held: Held[str] = Held(gate(a=2, b=1, full=0), Shares(), given)
    assert held.unread(1) == [(group("a", 1), 1)]
    held.read([spot("first", 1)])
    assert held.unread(1) == []
    assert held.first(1) == [spot("first", 1)]
    assert held.unread(3) == [(group("b", 7), 1)]
    held.read([spot("last", 7), spot("above", 8, priority=9)])
    assert [one.place for one in held.first(3)] == ["above", "first", "last"]
    held.seen({"first"})
    assert [one.place for one in held.first(3)] == ["above", "last"]


def test_what_an_account_has_piled_up_hides_no_other() -> None:
    open_ = gate(a=9)
    open_.learn(("b", "b"), Numbers(9, None, None, 0.0, 0))
    late = Group(LANE, ("b", ("b",)), 5, 500)
    held: Held[str] = Held(open_, Shares(), [group("a", 1), late])
    assert held.unread(2) == [(group("a", 1), 2), (late, 2)]
    held.read([spot("1", 1), spot("2", 2), spot("late", 500, account="b")])
    assert [one.place for one in held.first(2)] == ["1", "late"]


def test_a_group_that_stands_where_nothing_more_may_run_is_not_read() -> None:
    shut = gate(a=2)
    shut.learn((NOBODY, queue_key("q")), Numbers(3, None, None, 0.0, 3))
    assert not Held[str](shut, Shares(), [group("a", 1)]).unread(5)
    assert shut.next_in_s() is None


def test_no_more_is_put_aside_than_one_lease_may() -> None:
    aside = Aside(gate(full=0, open=1))
    aside.left = 2
    tasks = [
        ("1", ("a", ("full",))),
        ("2", None),
        ("3", ("a", ("open",))),
        *[(n, ("a", ("full",))) for n in "45"],
    ]
    assert aside.shut(tasks) == [("1", "limit:full"), ("4", "limit:full")]
    assert aside.left == 0


def test_what_names_a_key_is_counted_over_all_groups() -> None:
    found = counted([("a", ("x", "y"), 2), ("a", ("y",), 3), ("b", ("y",), 1)])
    assert found == {("a", "x"): 2, ("a", "y"): 5, ("b", "y"): 1}
