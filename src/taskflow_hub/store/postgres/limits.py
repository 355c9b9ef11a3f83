"""What limits mean for one lease: what may start of the tasks they hold back, and what of the ready ones has to wait.

What is looked at, and in which order, is said by store/groups.py; here it is read, locked and written. Only the keys that
something is taken of are locked: what is full needs no lock to be left alone. A lease takes more locks after those of workers
and tasks, so it waits for none: a key that another transaction has in its hands is passed over.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Final

import asyncpg

from taskflow_hub.store.gates import Gate, Key, LimitedBy, Numbers
from taskflow_hub.store.groups import Aside, Group, Held, Rotation, Spot, counted, counted_standing
from taskflow_hub.store.postgres.rows import limited_by
from taskflow_hub.store.postgres.statements import statement
from taskflow_hub.store.postgres.transaction import Line, Transaction, columns
from taskflow_hub.store.profiles import Lane
from taskflow_hub.store.shares import Shares
from taskflow_hub.store.standing import NOBODY

GROUPS: Final = statement("limit_groups")
FIRST: Final = statement("limit_first")
ROWS: Final = statement("limit_rows")
LOCK: Final = statement("only/limit_lock")
RUNNING: Final = statement("limit_running")
STANDING: Final = statement("limit_standing")
HOLD: Final = statement("limit_hold")
AHEAD: Final = statement("limit_ahead")
SPEND: Final = statement("limit_spend")


class Limiting:
    """The limits in one lease."""

    def __init__(self, tx: Transaction, rotation: Rotation, shares: Shares, *, bounded: bool) -> None:
        """`bounded`: some queue or account is limited."""
        self._tx, self._rotation, self._shares, self._bounded = tx, rotation, shares, bounded
        self.gate = Gate()
        self._settled: set[Key] = set()  # locked, in the hands of another, or no limit at all
        self._at: dict[Key, datetime] = {}
        self._stands: set[tuple[str, str]] = set()
        self._held: Held[str] = Held(self.gate, shares)
        self._aside = Aside(self.gate)
        self._others = False

    # --- what is held ------------------------------------------------------------------------------------------------

    async def look(self, lanes: Collection[Lane]) -> None:
        """Know the groups of these lanes, so that `first` can tell."""
        starts, size = self._rotation.begin(lanes)
        read: dict[Lane, list[Group]] = {lane: [] for lane, _ in starts}
        values = columns([(*lane, *start) for lane, start in starts])
        for row in await self._tx.fetch(GROUPS, *values, size):
            lane = starts[row["n"] - 1][0]
            read[lane].append(Group(lane, _by(row), row["priority"], row["seq"]))
        groups = [group for lane, found in read.items() for group in self._rotation.end(lane, found)]
        await self.learn([group.by for group in groups])
        await self.learn_standing((group.lane[0], group.by[0]) for group in groups)
        self._held = Held(self.gate, self._shares, groups)
        self._others = self._rotation.others

    async def first(self, most: int) -> list[Spot[str]]:
        """The first held tasks that may start, so far as they are alone: together they may be too many."""
        while some := self._held.unread(most):
            values = columns([(*group.lane, *group.start, room) for group, room in some])
            rows = await self._tx.fetch(FIRST, self._tx.now, *values)
            self._held.read(Spot(*row) for row in rows)
        return self._held.first(most)

    def seen(self, ids: Collection[str]) -> None:
        """These were looked at."""
        self._held.seen(ids)

    # --- what is met -------------------------------------------------------------------------------------------------

    async def room(self, by: LimitedBy, most: int) -> int:
        """How many of such tasks may start, at most `most`; their keys are locked if it is some.

        For keys that were open a moment ago, so they are locked before they are looked at.
        """
        if unknown := self.gate.unknown([by]):
            self._settled |= (found := await self._read(LOCK, unknown))
            await self._look_at([key for key in unknown if key not in found])
            await self._lock({(by[0], key) for key in by[1]})
        return self.gate.room(by, most)

    async def learn(self, tasks: Iterable[LimitedBy | None]) -> None:
        """Know the limits of these tasks, and lock those that would let one of them start."""
        met = {by for by in tasks if by is not None}
        await self._look_at(self.gate.unknown(met))
        await self._lock({(by[0], key) for by in met if self.gate.opens(by) for key in by[1]})

    async def learn_standing(self, stands: Iterable[tuple[str, str]]) -> None:
        """The same with what limits those who stand there, (queue, account)."""
        if not self._bounded:
            return
        self._stands.update(stands)
        await self._look_at(self.gate.unknown_of(self._stands))
        await self._lock(
            {key for stand in self._stands if self.gate.admits(*stand) for key in self.gate.passed(*stand)}
        )

    async def _look_at(self, unknown: Sequence[Key]) -> None:
        if unknown:
            for key in set(unknown) - await self._read(ROWS, unknown):
                self.gate.learn(key, None)
                self._settled.add(key)

    async def _lock(self, opening: set[Key]) -> None:
        opening -= self._settled
        if opening:
            self._settled |= opening
            for key in opening - await self._read(LOCK, sorted(opening)):
                self.gate.pass_over(key)

    async def _read(self, sql: str, keys: Sequence[Key]) -> set[Key]:
        """Learn these keys; which of them were found. The count is a second statement, and sees what the first waited for."""
        rows = await self._tx.fetch(sql, self._tx.now, *columns(keys))
        counts: dict[Key, int] = {}
        if accounts := {row["account_id"] for row in rows if row["running"] is not None}:
            if named := accounts - {NOBODY}:
                groups = await self._tx.fetch(RUNNING, list(named))
                counts |= counted((*_by(row), row["count"]) for row in groups)
            if NOBODY in accounts:
                counts |= counted_standing(tuple(row) for row in await self._tx.fetch(STANDING))
        for row in rows:
            key = (row["account_id"], row["key"])
            self._at[key] = row["at"]
            since_s = 0.0 if row["since_s"] is None else row["since_s"]
            run = counts.get(key, 0)
            self.gate.learn(key, Numbers(row["running"], row["per_second"], row["tokens"], since_s, run))
        return {(row["account_id"], row["key"]) for row in rows}

    async def put_aside(self, tasks: Iterable[tuple[str, LimitedBy | None]]) -> set[str]:
        """Those of the ready tasks, (id, limited by), that may not start: put them on hold. Which it was."""
        shut = self._aside.shut(tasks)
        if not shut:
            return set()
        rows = await self._tx.fetch(HOLD, *columns(shut))
        self._tx.note_held()
        return {row["id"] for row in rows}

    async def put_aside_next(self, lines: Sequence[tuple[Line, int]], most: int) -> None:
        """The same with the next ready tasks of these lines, each from a place on."""
        values = columns([(*line, since) for line, since in lines])
        rows = await self._tx.fetch(AHEAD, self._tx.now, *values, min(most, self.left))
        await self.learn([limited_by(row) for row in rows])
        await self.put_aside([(row["id"], limited_by(row)) for row in rows])

    @property
    def left(self) -> int:
        """How many more may be put on hold."""
        return self._aside.left

    # --- the end -----------------------------------------------------------------------------------------------------

    async def close(self, *, has_room: bool) -> tuple[bool, float | None]:
        """Write what was spent. Whether there is more to look at at once, and when to look again."""
        if spent := self.gate.spent():
            rows = [(account, key, tokens, self._at[account, key]) for account, key, tokens in spent]
            await self._tx.run(SPEND, *columns(rows))
        if not has_room:
            return self.left <= 0, None
        for stand in self._stands:
            self.gate.wait_for(*stand)
        return self.left <= 0 or self._others, self._held.look_again_in_s()


def _by(row: asyncpg.Record) -> LimitedBy:
    by = limited_by(row)
    assert by is not None
    return by
