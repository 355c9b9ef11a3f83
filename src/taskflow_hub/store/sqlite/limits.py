"""What limits mean for one lease: what may start of the tasks they hold back, and what of the ready ones has to wait.

What is looked at, and in which order, is said by store/groups.py; here it is read and written.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from taskflow_hub.store.documents import to_json
from taskflow_hub.store.gates import Gate, Key, LimitedBy, Numbers
from taskflow_hub.store.groups import Aside, Group, Held, Rotation, Spot, counted, counted_standing
from taskflow_hub.store.profiles import Lane
from taskflow_hub.store.shares import Shares
from taskflow_hub.store.sqlite.statements import size_for, statement
from taskflow_hub.store.sqlite.transaction import SECOND, Transaction

GROUPS: Final = statement("limit_groups")
FIRST: Final = statement("limit_first")
BRANCH: Final = statement("only/limit_branch")
ROWS: Final = statement("limit_rows")
RUNNING: Final = statement("limit_running")
STANDING: Final = statement("limit_standing")
HOLD: Final = statement("limit_hold")
SPEND: Final = statement("limit_spend")


class Limiting:
    """The limits in one lease."""

    def __init__(self, tx: Transaction, rotation: Rotation, shares: Shares, *, bounded: bool) -> None:
        """`bounded`: some queue or account is limited."""
        self._tx, self._rotation, self._shares, self._bounded = tx, rotation, shares, bounded
        self.gate = Gate()
        self._running: dict[Key, int] | None = None
        self._standing: dict[Key, int] | None = None
        self._stands: set[tuple[str, str]] = set()
        self._held: Held[int] = Held(self.gate, shares)
        self._aside = Aside(self.gate)
        self._others = False

    # --- what is held ------------------------------------------------------------------------------------------------

    def look(self, lanes: Collection[Lane]) -> None:
        """Know the groups of these lanes, so that `first` can tell."""
        starts, size = self._rotation.begin(lanes)
        groups: list[Group] = []
        for lane, start in starts:
            rows = self._tx.document(list[tuple[str, tuple[str, ...], int, int]], GROUPS, *lane, *start, size)
            read = [Group(lane, (account, keys), priority, seq) for account, keys, priority, seq in rows]
            groups += self._rotation.end(lane, read)
        self.learn([group.by for group in groups])
        self.learn_standing((group.lane[0], group.by[0]) for group in groups)
        self._held = Held(self.gate, self._shares, groups)
        self._others = self._rotation.others

    def first(self, most: int) -> list[Spot[int]]:
        """The first held tasks that may start, so far as they are alone: together they may be too many."""
        while some := self._held.unread(most):
            self._held.read(self._tx.decode(list[Spot[int]], *_branches(self._tx.now, some)))
        return self._held.first(most)

    def seen(self, places: Collection[int]) -> None:
        """These were looked at."""
        self._held.seen(places)

    # --- what is met -------------------------------------------------------------------------------------------------

    def learn(self, tasks: Collection[LimitedBy | None]) -> None:
        """Know the limits of these tasks."""
        unknown = self.gate.unknown(tasks)
        if not unknown:
            return
        if self._running is None:
            self._running = counted(self._tx.document(list[tuple[str, tuple[str, ...], int]], RUNNING))
        self._read(unknown, self._running)

    def learn_standing(self, stands: Iterable[tuple[str, str]]) -> None:
        """Know what limits those who stand there, (queue, account)."""
        if not self._bounded:
            return
        self._stands.update(stands)
        unknown = self.gate.unknown_of(self._stands)
        if not unknown:
            return
        if self._standing is None:
            self._standing = counted_standing(self._tx.document(list[tuple[str, str, int]], STANDING))
        self._read(unknown, self._standing)

    def _read(self, keys: Sequence[Key], running: Mapping[Key, int]) -> None:
        rows = self._tx.document(
            list[tuple[str, str, int | None, float | None, float | None, int | None, int]],
            ROWS,
            to_json(keys),
        )
        found = {
            (account, key): Numbers(
                most,
                per_second,
                tokens,
                0.0 if filled_at is None else (self._tx.now - filled_at) / SECOND,
                running.get((account, key), 0),
            )
            for account, key, most, per_second, tokens, filled_at, _ in rows
        }
        for key in keys:
            self.gate.learn(key, found.get(key))

    def put_aside(self, tasks: Collection[tuple[int, LimitedBy | None]]) -> int:
        """Those of the ready tasks, (place, limited by), that may not start: put them on hold. How many it was."""
        shut = self._aside.shut(tasks)
        self._tx.run_items(HOLD, shut)
        return len(shut)

    @property
    def left(self) -> int:
        """How many more may be put on hold."""
        return self._aside.left

    # --- the end -----------------------------------------------------------------------------------------------------

    def close(self, *, has_room: bool) -> tuple[bool, float | None]:
        """Write what was spent. Whether there is more to look at at once, and when to look again."""
        self._tx.run_items(SPEND, self.gate.spent(), self._tx.now)
        if not has_room:
            return self.left <= 0, None
        for stand in self._stands:
            self.gate.wait_for(*stand)
        return self.left <= 0 or self._others, self._held.look_again_in_s()


_texts: dict[int, str] = {}
_NOTHING: Final = (None, None, None, None, 0)  # a group that is none; a LIMIT must be a number


def _branches(now: int, groups: Sequence[tuple[Group, int]]) -> tuple[str, list[object]]:
    """limit_first.sql for so many groups, and its values. Sizes are powers of two, as in statements.py."""
    size = size_for(len(groups))
    text = _texts.get(size)
    if text is None:
        text = _texts[size] = FIRST.text.replace("/*branch*/", " UNION ALL ".join([BRANCH.text] * size))
    rows: list[Sequence[object]] = [(*group.lane, *group.start, room) for group, room in groups]
    rows += [_NOTHING] * (size - len(groups))
    return text, [now, *(value for row in rows for value in row)]
