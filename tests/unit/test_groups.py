"""What a lease looks at of the tasks that limits hold back."""

from taskflow_hub.store import groups
from taskflow_hub.store.gates import Gate, Numbers
from taskflow_hub.store.groups import BEGINNING, Aside, Group, Held, Turns, counted

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
    turns, share = Turns(), groups.GROUPS_AT_ONCE // 2
    all_of_them = [group(f"{number:05}", number) for number in range(2 * share + 10)]
    starts = []
    for _ in range(3):
        begin, size = turns.begin([LANE, OTHER])
        assert size == share + 1, "one more tells whether others wait"
        starts.append(dict(begin)[LANE])
        read = [one for one in all_of_them if one.start > starts[-1]][:size]
        taken = turns.end(LANE, read)
        assert len(taken) == min(share, len(read))
        assert turns.others is (len(read) > share)
    assert starts == [BEGINNING, all_of_them[share - 1].start, all_of_them[2 * share - 1].start]
    assert dict(turns.begin([LANE])[0])[LANE] == BEGINNING, "and from the start again"


def test_a_lane_that_is_not_looked_at_makes_nobody_look_again() -> None:
    """Its turn is remembered; but it may be paused, or nobody may have room for it."""
    turns = Turns()
    turns.begin([LANE])
    turns.end(LANE, [group(f"{number:05}", number) for number in range(groups.GROUPS_AT_ONCE + 1)])
    assert turns.others
    turns.begin([OTHER])
    turns.end(OTHER, [])
    assert not turns.others


def test_no_group_is_read_that_cannot_be_among_the_first() -> None:
    held: Held[str] = Held(gate(a=2, b=1, full=0), [group("b", 7), group("a", 1), group("full", 0)])
    assert held.unread(1) == [(group("a", 1), 1)]
    held.read([("first", 5, 1)])
    assert held.unread(1) == []
    assert held.first(1) == [("first", 5, 1)]
    assert held.unread(3) == [(group("b", 7), 1)]
    held.read([("last", 5, 7), ("above", 9, 8)])
    assert [id for id, _, _ in held.first(3)] == ["above", "first", "last"]
    held.seen({"first"})
    assert [id for id, _, _ in held.first(3)] == ["above", "last"]


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
