"""Who gets what: the heart of dispatching.

One lease is one transaction: lock the workers that shall get something, count what they run (in a second statement: a count
made while waiting for the lock would be old), take the first ready tasks of the lines they serve, past those that another
process is just taking, and write the owner. Where one worker alone has room, and one line alone is to be read, the last two
are one statement (`_Reading._whole`). Who gets which is said by store/allot.py, where to look by marks.py, and what limits let
start by limits.py.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from operator import itemgetter
from typing import Final

import asyncpg
from msgspec import Struct, json

from taskflow_hub.domain.limits import ALONE_FROM
from taskflow_hub.domain.messages import Assignment
from taskflow_hub.store.allot import HELD_AT_ONCE, Round, Scan, rank
from taskflow_hub.store.documents import to_json
from taskflow_hub.store.gates import LimitedBy
from taskflow_hub.store.groups import LOOK_AHEAD, Rotation, Spot
from taskflow_hub.store.postgres.limits import Limiting
from taskflow_hub.store.postgres.marks import Marks
from taskflow_hub.store.postgres.rows import keys_of, limited_by, raw
from taskflow_hub.store.postgres.running import OfWorkflows, RunningTasks
from taskflow_hub.store.postgres.statements import statement
from taskflow_hub.store.postgres.transaction import Line, Transaction, columns
from taskflow_hub.store.profiles import Lane, Profile, Profiles, part_served
from taskflow_hub.store.shares import Shares, Stand
from taskflow_hub.store.values import Lease, Leased, News

LOOK: Final = statement("lease_look")
WORKERS: Final = statement("only/lease_workers")
PROFILES: Final = statement("lease_profiles")
SCAN: Final = statement("lease_scan")
MERGE: Final = statement("only/lease_merge")
TAKE: Final = statement("only/lease_take")
HELD: Final = statement("lease_held")
LEASE: Final = statement("lease")
LEASE_LINE: Final = statement("only/lease_line")
HOLD_UNSERVED: Final = statement("hold_unserved")

AT_LEAST_OF_EACH: Final = 8  # tasks looked at in each of several lines, however few are wanted
MOST_REMEMBERED: Final = 1_000  # lines whose tasks are limited alike


class ReadyRow(Struct, frozen=True, gc=False):
    """One task that may be leased, without what only a worker needs. `held`: a limit held it back, and lets it start now."""

    id: str
    queue: str
    type: str
    priority: int
    seq: int
    crashes: int
    octets: int
    account: str
    limited_by: LimitedBy | None
    held: bool = False

    @property
    def line(self) -> Line:
        return self.queue, self.type, self.priority, self.account


class Found(Struct, frozen=True):
    """What one lease did: for the caller and for the marks; whether workers were left with room, and tasks held by limits."""

    leased: Leased
    reached: dict[Line, int | None]
    short: bool
    limited: bool


class Leasing:
    """The transaction of a lease; remembers what each worker serves and runs, and whose turn it is.

    Used on the store's loop, one at a time.
    """

    def __init__(self, marks: Marks, of_workflows: OfWorkflows) -> None:
        self._marks = marks
        self._profiles = Profiles()
        self._running = RunningTasks(of_workflows)
        self._rotation = Rotation()
        self._shares = Shares()
        self._alike: dict[Line, str] = {}

    async def lease(
        self, tx: Transaction, wanted: Collection[str] | None, limit: int, *, limited: bool
    ) -> Found:
        """`limited`: limits may hold something back."""
        marks = self._marks.begin()
        wanted_ids = None if wanted is None else sorted(wanted)
        locked = {row["id"]: row["places"] for row in await tx.fetch(WORKERS, wanted_ids)}
        several = len({account for *_, account in marks}) > 1 or limited
        rows = await tx.fetch(LOOK, limited, *self._running.question(locked), several)
        look = rows[0]
        profiles = await self._known_profiles(tx, look["alive"])
        places = {id: places for id, places in locked.items() if id in profiles}
        loads = self._running.loads(rows, places, profiles)
        paused = frozenset(look["paused"])
        held: list[Lane] = [(queue, type) for queue, type in look["limited"] or ()]
        lanes = list(dict.fromkeys([*(line[:2] for line in marks), *held]))
        lanes = [lane for lane in lanes if lane[0] not in paused]
        reached: dict[Line, int | None] = {}
        more = False
        if profiles:  # with nobody alive there is nobody to be kept waiting
            lanes, unserved = part_served(lanes, set(profiles.values()))
            more = await _hold(tx, unserved, marks, reached)
        self._shares.serve(lanes, set(profiles.values()))
        limits = Limiting(tx, self._rotation, self._shares, bounded=look["bounded"])
        if several:
            self._shares.weigh(
                {} if look["weights"] is None else json.decode(look["weights"], type=dict[str, float])
            )
        round_ = Round(loads, lanes, limit, gate=limits.gate)
        reading = _Reading(tx, marks, reached, limits, self._shares, self._alike)
        leases = await reading.lease(round_, held, self._running)
        more_limited, next_in_s = await limits.close(has_room=round_.has_room)
        room = sum(load.places - load.running for load in loads if not load.alone)
        return Found(
            Leased(tuple(leases), more=more or more_limited or round_.cut, next_in_s=next_in_s),
            reached,
            short=room > 0 and not round_.cut,
            limited=tx.held or bool(held),
        )

    async def _known_profiles(self, tx: Transaction, alive: Sequence[str]) -> dict[str, Profile]:
        profiles = self._profiles.known(alive)
        unknown = [id for id in alive if id not in profiles]
        if unknown:
            rows = await tx.fetch(PROFILES, unknown)
            profiles = self._profiles.learn(profiles, [tuple(row) for row in rows])
        return profiles


class _Reading:
    """The scans of one lease: how far each line has been read, and what of it stays."""

    def __init__(
        self,
        tx: Transaction,
        marks: Mapping[Line, int],
        reached: dict[Line, int | None],
        limits: Limiting,
        shares: Shares,
        alike: dict[Line, str],
    ) -> None:
        """`alike`: of a line, the limits of all that was met there last, as they are stored; kept from lease to lease."""
        self._tx, self._limits, self._shares, self._alike = tx, limits, shares, alike
        self._next = dict(
            marks
        )  # where the next scan of a line begins; a line that is read to its end is taken out
        self._left: dict[Line, int] = {}  # the first task of a line that was read and stays
        self._over: list[ReadyRow] = []  # read, and not looked at yet
        self._touched: set[Line] = set()
        self._reached = reached

    async def lease(self, round_: Round, held: Collection[Lane], running: RunningTasks) -> list[Lease]:
        """`held`: where limits hold something back."""
        leases: list[Lease] = []
        scan = round_.scan()
        if scan is not None:
            await self._limits.learn_standing((line[0], line[3]) for line in self._next)
        with_held = set() if scan is None else set(held).intersection(scan.lanes)
        if with_held:
            await self._limits.look(with_held)
        while scan is not None:
            if not with_held and (whole := await self._whole(round_, scan, running)):
                leases += whole
                scan = round_.scan()
                continue
            page, cut = await self._page(scan)
            self._remember(page)
            await self._limits.learn([task.limited_by for task in page])
            given = round_.give(page, scan, cut=cut)
            self._shares.started(task for task, _ in given)
            if given:
                leases += await self._write(given, running)
            taken = {task.id for task, _ in given}
            await self._put_aside([task for task in page if task.id not in taken and not task.held])
            if self._limits.left <= 0:
                break
            scan = round_.scan()
        for task in self._over:
            self._stays(task)
        for line in self._touched:
            places = [seq for seq in (self._next.get(line), self._left.get(line)) if seq is not None]
            self._reached[line] = min(places, default=None)
        return leases

    async def _whole(self, round_: Round, scan: Scan, running: RunningTasks) -> list[Lease]:
        """What stands first in the first line, if one worker alone has room; nothing where a closer look is needed."""
        worker, lines = round_.sole, self._open(scan)
        most = max((line[2] for line in lines), default=None)
        level = [line for line in lines if line[2] == most]
        if worker is None or self._over or len(level) != 1:
            return []
        (line,) = level
        if self._limits.gate.passed(line[0], line[3]):
            return []
        limits = self._alike.get(line)
        by = None if limits is None else (line[3], keys_of(limits))
        if by is not None and await self._limits.room(by, scan.size) < scan.size:
            return []
        given = (*line, self._next[line], scan.size, worker.id, ALONE_FROM, scan.octets, limits)
        rows = await self._tx.fetch(LEASE_LINE, self._tx.now, *given)
        if not rows:
            return []
        rows.sort(key=itemgetter("seq"))
        self._passed(line, rows[-1]["seq"] + 1 if len(rows) == scan.size else None)
        self._touched.add(line)
        running.leased(rows)
        round_.given(len(rows), sum([row["octets"] for row in rows]))
        self._shares.started_alone(self._shares.row(*line[:3]), line[3], len(rows))
        if by is not None:
            self._limits.gate.take(by, sum([row["limited"] for row in rows]))
        return [Lease(worker.id, _assignment(row)) for row in rows]

    def _remember(self, page: Sequence[ReadyRow]) -> None:
        """What tasks of these lines are limited by, where it is the same for all that are."""
        met: defaultdict[Line, set[str]] = defaultdict(set)
        for task in page:
            if not task.held:
                met[task.line].update([to_json(task.limited_by[1])] if task.limited_by else [])
        for line, limits in met.items():
            self._alike.pop(line, None)
            if len(limits) == 1:
                self._alike[line] = limits.pop()
        while len(self._alike) > MOST_REMEMBERED:
            del self._alike[next(iter(self._alike))]

    def _stays(self, task: ReadyRow) -> None:
        if not task.held:
            self._left.setdefault(task.line, task.seq)

    async def _put_aside(self, ready: Sequence[ReadyRow]) -> None:
        """What was ready, and is not leased: what limits hold back leaves the line, and so do the next; the rest stays."""
        aside = await self._limits.put_aside([(task.id, task.limited_by) for task in ready])
        for task in ready:
            if task.id not in aside:
                self._stays(task)
        lines = {task.line for task in ready if task.id in aside}
        ahead = [(line, since) for line, since in self._next.items() if line in lines]
        if ahead and self._limits.left > 0:
            await self._limits.put_aside_next(ahead, LOOK_AHEAD * len(aside))

    async def _page(self, scan: Scan) -> tuple[list[ReadyRow], bool]:
        """The first tasks that may be leased, locked, in order; and whether they may be fewer than there are."""
        found, cut = await self._read(scan)
        held, missed = await self._let_through(found, scan, cut=cut)
        if held:
            found = self._shares.order([*found, *held])
        size, octets = min(scan.size, len(found)), 0
        for n, task in enumerate(found[:size]):
            if octets >= scan.octets:
                size, cut = n, True  # the rest is too heavy for this scan
                break
            octets += task.octets
        self._over += found[size:]
        return found[:size], cut or missed

    async def _let_through(
        self, ready: Sequence[ReadyRow], scan: Scan, *, cut: bool
    ) -> tuple[list[ReadyRow], bool]:
        """Held tasks that limits let start now and whose place is among the first, locked; whether one has just been taken."""
        held = await self._limits.first(scan.size)
        if cut:  # behind what was read of an account something may be missing
            unread = {line[3] for line in self._open(scan)}
            last: dict[str, tuple[int, int]] = {}
            for task in ready:
                last[task.account] = max(rank(task), last.get(task.account, rank(task)))
            held = [
                one for one in held if one.account not in unread or one.rank < last.get(one.account, one.rank)
            ]
        if not held:
            return [], False
        turns: list[ReadyRow | Spot[str]] = self._shares.order([*ready, *held])
        ids = {one.place for one in turns[: scan.size] if isinstance(one, Spot)}
        rows = await self._tx.fetch(HELD, self._tx.now, list(ids))
        self._limits.seen(ids)
        return [_ready(row, held=True) for row in rows], len(rows) < len(ids)

    async def _read(self, scan: Scan) -> tuple[list[ReadyRow], bool]:
        """The first ready tasks of the lanes, locked; and whether some may be missing behind them."""
        wanted, admits = set(scan.lanes), self._limits.gate.admits
        found: list[ReadyRow] = []
        over, self._over = self._over, []
        for task in over:
            open_ = (task.queue, task.type) in wanted and admits(task.queue, task.account)
            (found if open_ else self._over).append(task)
        lines = self._open(scan)
        cut = False
        for priority in sorted({line[2] for line in lines}, reverse=True):
            size = scan.size - sum(task.priority >= priority for task in found)
            if size <= 0:
                break
            if cut := cut or sum(task.octets for task in found) >= scan.octets:
                break
            level = [line for line in lines if line[2] == priority]
            more, cut = await (self._one(level[0], size) if len(level) == 1 else self._several(level, size))
            self._touched.update(level)
            found += more
        return self._shares.order(found), cut

    def _open(self, scan: Scan) -> list[Line]:
        """The lines to read: those of the lanes, but for queues and accounts that may not start anything more."""
        wanted, admits = set(scan.lanes), self._limits.gate.admits
        return [line for line in self._next if line[:2] in wanted and admits(line[0], line[3])]

    async def _one(self, line: Line, size: int) -> tuple[list[ReadyRow], bool]:
        most = self._limits.gate.room_in(line[0], line[3], size)
        rows = await self._tx.fetch(SCAN, self._tx.now, *line, self._next[line], most)
        found = [_ready(row) for row in rows]
        self._passed(line, found[-1].seq + 1 if len(found) == most else None)
        return found, most < size and line in self._next

    async def _several(self, lines: Sequence[Line], size: int) -> tuple[list[ReadyRow], bool]:
        """Read the first of each without locking, then take those whose turn comes first: few rows of many lines are locked."""
        lines, others = self._near(lines)
        each = max(AT_LEAST_OF_EACH, 2 * size // len(lines))
        values = columns([(line[0], line[1], line[3], self._next[line]) for line in lines])
        rows = await self._tx.fetch(MERGE, self._tx.now, *values, lines[0][2], each)
        read: dict[Line, list[Spot[str]]] = {line: [] for line in lines}
        for row in rows:
            queue, type, priority, account = line = lines[row["n"] - 1]
            read[line].append(Spot(row["id"], queue, type, account, priority, row["seq"]))
        ends: dict[Stand, int] = {}
        for spots in read.values():
            if len(spots) == each:
                stand, last = self._shares.stand(spots[-1]), spots[-1].seq
                ends[stand] = min(last, ends.get(stand, last))
        turns = self._shares.order([spot for spots in read.values() for spot in spots], ends)
        first = self._limits.gate.fitting(turns)[:size]
        place = {spot.place: n for n, spot in enumerate(first)}
        for line, spots in read.items():  # inside a line they stand in order, so those taken are its first
            taken_of = sum(spot.place in place for spot in spots)
            if len(spots) < each and taken_of == len(spots):
                self._passed(line, None)
            elif taken_of:
                self._passed(line, spots[taken_of - 1].seq + 1)
        if not first:
            return [], others
        taken = [_ready(row) for row in await self._tx.fetch(TAKE, self._tx.now, list(place))]
        taken.sort(key=lambda task: place[task.id])
        # Another process was faster with some, or more lie behind: then this is not all there is.
        more = len(first) < size and (bool(ends) or others or len(first) < len(turns))
        return taken, more or len(taken) < len(first)

    def _near(self, lines: Sequence[Line]) -> tuple[Sequence[Line], bool]:
        """The lines of those accounts whose turn is next, if there are many; and whether there are others."""
        firsts = [
            Spot(line, queue, type, account, priority, self._next[line])
            for line in lines
            for queue, type, priority, account in [line]
        ]
        near = self._shares.near(firsts)
        chosen = [first.place for first in firsts if self._shares.stand(first) in near]
        return chosen, len(chosen) < len(lines)

    def _passed(self, line: Line, next_seq: int | None) -> None:
        if next_seq is None:
            del self._next[line]
        else:
            self._next[line] = next_seq

    async def _write(self, given: Sequence[tuple[ReadyRow, str]], running: RunningTasks) -> list[Lease]:
        ids = [task.id for task, _ in given]
        rows = await self._tx.fetch(LEASE, self._tx.now, ids, [worker for _, worker in given])
        running.leased(rows)
        by_id = {row["id"]: row for row in rows}
        return [Lease(worker, _assignment(by_id[task.id])) for task, worker in given]


async def _hold(
    tx: Transaction, lanes: Sequence[Lane], marks: Mapping[Line, int], reached: dict[Line, int | None]
) -> bool:
    """Put aside what no alive worker serves; whether more may be left."""
    some = lanes[:HELD_AT_ONCE]
    if not some:
        return False
    held = await tx.run(HOLD_UNSERVED, *columns(some), HELD_AT_ONCE)
    if held:
        tx.note(News.TASKS)
    if held >= HELD_AT_ONCE:
        return True
    over = set(some)
    reached.update((line, None) for line in marks if line[:2] in over)
    return len(some) < len(lanes)


def _ready(row: asyncpg.Record, *, held: bool = False) -> ReadyRow:
    return ReadyRow(
        row["id"],
        row["queue"],
        row["type"],
        row["priority"],
        row["seq"],
        row["crashes"],
        row["octets"],
        row["account_id"],
        limited_by(row),
        held,
    )


def _assignment(row: asyncpg.Record) -> Assignment:
    """From the columns of parts/assignment.sql, which are read by their order: it costs half of reading them by name."""
    (
        id,
        attempt,
        type,
        queue,
        priority,
        payload,
        timeout,
        retry_count,
        max_retries,
        created_at,
        tags,
        parent,
        *_,
    ) = row
    return Assignment(
        id=id,
        attempt=attempt,
        type=type,
        queue=queue,
        priority=priority,
        payload=raw(payload),
        timeout=timeout,
        retry_count=retry_count,
        max_retries=max_retries,
        created_at=created_at,
        tags=tuple(tags),
        traceparent=parent,
    )
