"""What limits mean for one lease: what may start of the tasks they hold back, and what of the ready ones has to wait.

Held tasks stand in an index of their own, by (queue, type) and then by what limits them: tasks of one *group*, which have the
same account and the same keys, are all held or all let through. So a lease looks at the first task of each group, and
never at those behind it unless they may start. How many do is said by store/gates.py.
"""

from collections.abc import Collection, Sequence
from typing import Final

from msgspec import Struct

from taskflow_hub.store.allot import HELD_AT_ONCE
from taskflow_hub.store.documents import to_json
from taskflow_hub.store.gates import Gate, Key, LimitedBy, Numbers
from taskflow_hub.store.profiles import Lane
from taskflow_hub.store.sqlite.statements import size_for, statement
from taskflow_hub.store.sqlite.transaction import SECOND, Snapshot, Transaction

GROUPS: Final = statement("limit_groups")
FIRST: Final = statement("limit_first")
BRANCH: Final = statement("limit_branch")
ROWS: Final = statement("limit_rows")
RUNNING: Final = statement("limit_running")
HOLD: Final = statement("limit_hold")
SPEND: Final = statement("limit_spend")

GROUPS_AT_ONCE: Final = 1_000  # looked at by one lease; where there are more, they take turns
BRANCHES_AT_ONCE: Final = 128  # merged by one statement

_Place = tuple[int, int, int]  # rowid, priority, seq
_Start = tuple[str, str]  # account, limits: the group after which to begin
_BEGINNING: Final = ("", "")


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
    def start(self) -> _Start:
        return self.by[0], to_json(self.by[1])


class Turns:
    """Where the next lease begins among the groups of a (queue, type), if there are too many to look at all of them."""

    def __init__(self) -> None:
        self._starts: dict[Lane, _Start] = {}

    def groups(self, tx: Snapshot, lanes: Collection[Lane]) -> tuple[list[Group], bool]:
        """The groups whose turn it is, and whether others come after them."""
        found: list[Group] = []
        share = max(1, GROUPS_AT_ONCE // max(1, len(lanes)))
        for lane in lanes:
            start = self._starts.pop(lane, _BEGINNING)
            rows = tx.document(list[tuple[str, tuple[str, ...], int, int]], GROUPS, *lane, *start, share + 1)
            groups = [Group(lane, (account, keys), priority, seq) for account, keys, priority, seq in rows]
            if len(groups) > share:
                self._starts[lane] = groups[share - 1].start
            found += groups[:share]
        return found, bool(self._starts)


class Limiting:
    """The limits in one lease."""

    def __init__(self, tx: Transaction, turns: Turns) -> None:
        self._tx, self._turns = tx, turns
        self.gate = Gate()
        self._running: dict[Key, int] | None = None
        self._groups: list[Group] = []
        self._unread: list[Group] = []  # those that may start something, the first in line last
        self._places: list[_Place] = []  # of held tasks that have been read and not looked at
        self._left = HELD_AT_ONCE  # to be put on hold by this lease
        self._others = False

    # --- what is held ------------------------------------------------------------------------------------------------

    def look(self, lanes: Collection[Lane]) -> None:
        """Know the groups of these lanes, so that `first` can tell."""
        self._groups, self._others = self._turns.groups(self._tx, lanes)
        self.learn([group.by for group in self._groups])
        self._unread = sorted(
            (group for group in self._groups if self.gate.room(group.by, 1)),
            key=lambda group: group.rank,
            reverse=True,
        )

    def first(self, most: int) -> list[int]:
        """The places of the first held tasks that may start, so far as they are alone: together they may be too many."""
        while self._unread and (
            len(self._places) < most or self._unread[-1].rank < _rank(self._places[most - 1])
        ):
            some: list[Sequence[object]] = []
            while self._unread and len(some) < min(most, BRANCHES_AT_ONCE):
                group = self._unread.pop()
                if room := self.gate.room(group.by, most):
                    some.append((*group.lane, *group.start, room))
            if some:
                self._places += self._tx.decode(list[_Place], *_branches(self._tx.now, some))
                self._places.sort(key=_rank)
        return [place for place, _, _ in self._places[:most]]

    # --- what is met -------------------------------------------------------------------------------------------------

    def learn(self, tasks: Collection[LimitedBy | None]) -> None:
        """Know the limits of these tasks."""
        unknown = self.gate.unknown(tasks)
        if not unknown:
            return
        if self._running is None:
            self._running = _running(self._tx)
        rows = self._tx.document(
            list[tuple[str, str, int | None, float | None, float | None, int | None]], ROWS, to_json(unknown)
        )
        found = {
            (account, key): Numbers(
                running,
                per_second,
                tokens,
                0.0 if filled_at is None else (self._tx.now - filled_at) / SECOND,
                self._running.get((account, key), 0),
            )
            for account, key, running, per_second, tokens, filled_at in rows
        }
        for key in unknown:
            self.gate.learn(key, found.get(key))

    def put_aside(self, tasks: Collection[tuple[int, LimitedBy | None]]) -> int:
        """Those of the ready tasks, (place, limited by), that may not start: put them on hold. How many it was."""
        shut = [
            (place, hold)
            for place, by in tasks
            if by is not None and (hold := self.gate.hold(by)) is not None
        ][: self._left]
        self._tx.run_items(HOLD, shut)
        self._left -= len(shut)
        return len(shut)

    @property
    def left(self) -> int:
        """How many more may be put on hold."""
        return self._left

    def seen(self, places: Collection[int]) -> None:
        """These were looked at: what was not given of them may not start, or nobody has room for it."""
        self._places = [one for one in self._places if one[0] not in places]

    # --- the end -----------------------------------------------------------------------------------------------------

    def close(self, *, has_room: bool) -> tuple[bool, float | None]:
        """Write what was spent. Whether there is more to look at at once, and when to look again."""
        self._tx.run_items(SPEND, self.gate.spent(), self._tx.now)
        if not has_room:
            return self._left <= 0, None
        for group in self._groups:
            self.gate.hold(group.by)
        return self._left <= 0 or self._others, self.gate.next_in_s()


_texts: dict[int, str] = {}
_NOTHING: Final = (None, None, None, None, 0)  # a group that is none; a LIMIT must be a number


def _branches(now: int, groups: Sequence[Sequence[object]]) -> tuple[str, list[object]]:
    """limit_first.sql for so many groups, and its values. Sizes are powers of two, as in statements.py."""
    size = size_for(len(groups))
    text = _texts.get(size)
    if text is None:
        text = _texts[size] = FIRST.text.replace("/*branch*/", " UNION ALL ".join([BRANCH.text] * size))
    rows = [*groups, *[_NOTHING] * (size - len(groups))]
    return text, [now, *(value for row in rows for value in row)]


def _running(tx: Snapshot) -> dict[Key, int]:
    counts: dict[Key, int] = {}
    for account, keys, count in tx.document(list[tuple[str, tuple[str, ...], int]], RUNNING):
        for key in keys:
            counts[account, key] = counts.get((account, key), 0) + count
    return counts


def _rank(place: _Place) -> tuple[int, int]:
    return -place[1], place[2]
