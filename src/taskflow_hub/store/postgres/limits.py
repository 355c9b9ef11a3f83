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
from taskflow_hub.store.groups import Aside, Group, Held, Place, Turns, counted
from taskflow_hub.store.postgres.rows import limited_by
from taskflow_hub.store.postgres.statements import statement
from taskflow_hub.store.postgres.transaction import Line, Transaction, columns
from taskflow_hub.store.profiles import Lane

GROUPS: Final = statement("limit_groups")
FIRST: Final = statement("limit_first")
ROWS: Final = statement("limit_rows")
LOCK: Final = statement("only/limit_lock")
RUNNING: Final = statement("limit_running")
HOLD: Final = statement("limit_hold")
AHEAD: Final = statement("limit_ahead")
SPEND: Final = statement("limit_spend")


class Limiting:
    """The limits in one lease."""

    def __init__(self, tx: Transaction, turns: Turns) -> None:
        self._tx, self._turns = tx, turns
        self.gate = Gate()
        self._settled: set[Key] = set()  # locked, in the hands of another, or no limit at all
        self._at: dict[Key, datetime] = {}
        self._held: Held[str] = Held(self.gate)
        self._aside = Aside(self.gate)
        self._others = False

    # --- what is held ------------------------------------------------------------------------------------------------

    async def look(self, lanes: Collection[Lane]) -> None:
        """Know the groups of these lanes, so that `first` can tell."""
        starts, size = self._turns.begin(lanes)
        read: dict[Lane, list[Group]] = {lane: [] for lane, _ in starts}
        values = columns([(*lane, *start) for lane, start in starts])
        for row in await self._tx.fetch(GROUPS, *values, size):
            lane = starts[row["n"] - 1][0]
            read[lane].append(Group(lane, _by(row), row["priority"], row["seq"]))
        groups = [group for lane, found in read.items() for group in self._turns.end(lane, found)]
        await self.learn([group.by for group in groups])
        self._held = Held(self.gate, groups)
        self._others = self._turns.others

    async def first(self, most: int) -> list[Place[str]]:
        """The first held tasks that may start, so far as they are alone: together they may be too many."""
        while some := self._held.unread(most):
            values = columns([(*group.lane, *group.start, room) for group, room in some])
            rows = await self._tx.fetch(FIRST, self._tx.now, *values)
            self._held.read((row["id"], row["priority"], row["seq"]) for row in rows)
        return self._held.first(most)

    def seen(self, ids: Collection[str]) -> None:
        """These were looked at."""
        self._held.seen(ids)

    # --- what is met -------------------------------------------------------------------------------------------------

    async def learn(self, tasks: Iterable[LimitedBy | None]) -> None:
        """Know the limits of these tasks, and lock those that would let one of them start."""
        met = {by for by in tasks if by is not None}
        if unknown := self.gate.unknown(met):
            for key in set(unknown) - await self._read(ROWS, unknown):
                self.gate.learn(key, None)
                self._settled.add(key)
        opening = {(by[0], key) for by in met if self.gate.opens(by) for key in by[1]} - self._settled
        if opening:
            self._settled |= opening
            for key in opening - await self._read(LOCK, sorted(opening)):
                self.gate.pass_over(key)

    async def _read(self, sql: str, keys: Sequence[Key]) -> set[Key]:
        """Learn these keys; which of them were found. The count is a second statement, and sees what the first waited for."""
        rows = await self._tx.fetch(sql, self._tx.now, *columns(keys))
        counts: dict[Key, int] = {}
        if any(row["running"] is not None for row in rows):
            groups = await self._tx.fetch(RUNNING, list({account for account, _ in keys}))
            counts = counted((*_by(row), row["count"]) for row in groups)
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
        return self.left <= 0 or self._others, self._held.look_again_in_s()


def _by(row: asyncpg.Record) -> LimitedBy:
    by = limited_by(row)
    assert by is not None
    return by
