"""The tasks that limits hold back, as one lease looks at them: without the reading and the writing.

They stand in an index of their own, by (queue, type) and then by what limits them: tasks of one *group*, which have the same
account and the same keys, are all held or all let through. So a lease looks at the first task of each group, and never at
those behind it unless they may start. How many do is said by store/gates.py.

    groups = …  # of each lane, from `rotation.begin(lanes)` on; rotation.end(lane, …) says which to look at
    held = Held(gate, shares, groups)
    while some := held.unread(most): held.read(…)  # the first tasks of these groups
    held.first(most)  # what may start, in order
    aside = Aside(gate)
    aside.shut(…)  # what was ready and has to wait from now on
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Final, Generic, TypeVar

from msgspec import Struct

from taskflow_hub.store.allot import HELD_AT_ONCE
from taskflow_hub.store.documents import to_json
from taskflow_hub.store.gates import Gate, Key, LimitedBy
from taskflow_hub.store.profiles import Lane
from taskflow_hub.store.shares import Shares
from taskflow_hub.store.standing import NOBODY, account_key, queue_key

GROUPS_AT_ONCE: Final = (
    1_000  # looked at by one lease; where there are more, they are looked at one after the other
)
READ_AT_ONCE: Final = 128  # groups whose first tasks are asked for together
LOOK_AHEAD: Final = 4  # for one task that was put on hold so many of the next are looked at

Start = tuple[str, str]  # account, limits: the group after which to begin
BEGINNING: Final = ("", "")

PlaceT = TypeVar("PlaceT")  # what a store knows a task by: its row, or its id


class Spot(Struct, Generic[PlaceT], frozen=True, array_like=True):
    """A held task, and where it stands."""

    place: PlaceT
    queue: str
    type: str
    account: str
    priority: int
    seq: int

    @property
    def rank(self) -> tuple[int, int]:
        return -self.priority, self.seq


class Group(Struct, frozen=True):
    """Held tasks that are limited alike, and the place in line of the first."""

    lane: Lane
    by: LimitedBy
    priority: int
    seq: int

    @property
    def rank(self) -> tuple[int, int]:
        return -self.priority, self.seq

    @property
    def start(self) -> Start:
        return self.by[0], to_json(self.by[1])


class Rotation:
    """Where the next lease begins among the groups of a lane, if there are too many to look at all of them."""

    def __init__(self) -> None:
        self._starts: dict[Lane, Start] = {}
        self._share = GROUPS_AT_ONCE
        self.others = False  # of the lanes begun with last, some have groups that must wait for their turn

    def begin(self, lanes: Collection[Lane]) -> tuple[list[tuple[Lane, Start]], int]:
        """After which group to begin in each lane, and how many to read of each."""
        self._share = max(1, GROUPS_AT_ONCE // max(1, len(lanes)))
        self.others = False
        return [(lane, self._starts.pop(lane, BEGINNING)) for lane in lanes], self._share + 1

    def end(self, lane: Lane, read: Sequence[Group]) -> Sequence[Group]:
        """Those of the groups read that have their turn."""
        if len(read) > self._share:
            self._starts[lane] = read[self._share - 1].start
            self.others = True
        return read[: self._share]


class Held(Generic[PlaceT]):
    """What may start of the tasks on hold."""

    def __init__(self, gate: Gate, shares: Shares, groups: Collection[Group] = ()) -> None:
        """`gate` must have learned their limits, and those of where they stand."""
        self._gate, self._shares, self._groups = gate, shares, groups
        self._unread = sorted(  # those that may start something, the first in line last
            (group for group in groups if self._room(group, 1)), key=lambda group: group.rank, reverse=True
        )
        self._spots: list[Spot[PlaceT]] = []  # read and not looked at

    def unread(self, most: int) -> list[tuple[Group, int]]:
        """Groups whose first tasks must be read before `first` can tell, and how many of each; none: it can."""
        some: list[tuple[Group, int]] = []
        behind: list[Group] = []
        enough = self._enough(most)
        while self._unread and len(some) < min(most, READ_AT_ONCE):
            group = self._unread.pop()
            if group.rank > enough.get(group.by[0], group.rank):
                behind.append(group)
            elif room := self._room(group, most):
                some.append((group, room))
        self._unread += reversed(behind)
        return some

    def read(self, spots: Iterable[Spot[PlaceT]]) -> None:
        self._spots += spots

    def first(self, most: int) -> list[Spot[PlaceT]]:
        """The first held tasks that may start, so far as they are alone: together they may be too many."""
        return self._shares.order(self._spots)[:most]

    def seen(self, places: Collection[PlaceT]) -> None:
        """These were looked at: what was not given of them may not start, or nobody has room for it."""
        self._spots = [one for one in self._spots if one.place not in places]

    def look_again_in_s(self) -> float | None:
        """When a rate lets one of them start, or another process may have let go of a key. None: no moment is known."""
        for group in self._groups:
            self._gate.hold(group.by)
            self._gate.wait_for(group.lane[0], group.by[0])
        return self._gate.next_in_s()

    def _enough(self, most: int) -> dict[str, tuple[int, int]]:
        """Where the last of so many stands, of each account that has them. (Others cannot stand in: they have turns.)"""
        ranks: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
        for spot in self._spots:
            ranks[spot.account].append(spot.rank)
        return {account: sorted(of)[most - 1] for account, of in ranks.items() if len(of) >= most}

    def _room(self, group: Group, most: int) -> int:
        return self._gate.room_in(group.lane[0], group.by[0], self._gate.room(group.by, most))


class Aside:
    """Ready tasks that are put on hold by one lease."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self.left = HELD_AT_ONCE  # so many more may be

    def shut(self, tasks: Iterable[tuple[PlaceT, LimitedBy | None]]) -> list[tuple[PlaceT, str]]:
        """Those that may not start, each with its hold."""
        found = [
            (place, hold)
            for place, by in tasks
            if by is not None and (hold := self._gate.hold(by)) is not None
        ][: self.left]
        self.left -= len(found)
        return found


def counted(groups: Iterable[tuple[str, Sequence[str], int]]) -> dict[Key, int]:
    """How many tasks name each key: of each group its account, its keys, and how many they are."""
    counts: dict[Key, int] = {}
    for account, keys, count in groups:
        for key in keys:
            counts[account, key] = counts.get((account, key), 0) + count
    return counts


def counted_standing(rows: Iterable[tuple[str, str, int]]) -> dict[Key, int]:
    """How many run by what they pass where they stand: of each queue and account, how many run."""
    counts: dict[Key, int] = {}
    for queue, account, count in rows:
        for key in (queue_key(queue), account_key(account)):
            counts[NOBODY, key] = counts.get((NOBODY, key), 0) + count
    return counts
