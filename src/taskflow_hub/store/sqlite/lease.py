"""Who gets what: the heart of dispatching.

The ready index leads with (queue, type, account), so a lease looks only at what some worker with room serves: what nobody can
run now is never walked over. A scan merges those parts in order, and with them the tasks that limits held back and let start
now (limits.py); who gets what is said by store/allot.py. Where several accounts wait, whose turn it is (store/shares.py) is
found out first, from the first tasks of each.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Final

from msgspec import Raw, Struct

from taskflow_hub.domain.messages import Assignment
from taskflow_hub.store.allot import HELD_AT_ONCE, OCTETS_AT_ONCE, Load, Round, Scan, rank
from taskflow_hub.store.documents import to_json
from taskflow_hub.store.gates import LimitedBy
from taskflow_hub.store.groups import LOOK_AHEAD, Rotation, Spot
from taskflow_hub.store.profiles import Lane, Profile, Profiles, part_served
from taskflow_hub.store.shares import Shares, Stand
from taskflow_hub.store.sqlite.limits import Limiting
from taskflow_hub.store.sqlite.statements import Statement, statement
from taskflow_hub.store.sqlite.transaction import Transaction, from_us
from taskflow_hub.store.values import Lease, Leased

LOOK: Final = statement("lease_look")
PROFILES: Final = statement("lease_profiles")
SCAN: Final = statement("lease_scan")
BRANCH: Final = statement("only/lease_branch")
FIRSTS: Final = statement("only/lease_firsts")
FIRST: Final = statement("only/lease_first")
CHOSEN: Final = statement("only/lease_chosen")
HELD: Final = statement("lease_held")
AHEAD: Final = statement("limit_ahead")
LEASE: Final = statement("lease")
HOLD_UNSERVED: Final = statement("hold_unserved")
HELD_LANES: Final = statement("held_lanes")
UNHOLD: Final = statement("unhold")

LINES_AT_ONCE: Final = 200  # merged by one statement (SQLite takes 500)
AT_LEAST_OF_EACH: Final = 2  # tasks looked at in each line, however few are wanted

FirstRow = tuple[int, int, str, str, str, int, int]  # number of the line, and a Spot
LoadRow = tuple[str, int, int, int]  # worker, slots and window, running, alone


class ReadyRow(Struct, array_like=True):
    """One row of lease_scan.sql."""

    place: int
    priority: int
    seq: int
    id: str
    attempt: int
    type: str
    queue: str
    payload: Raw
    timeout: float | None
    retry_count: int
    max_retries: int | None
    created_at: int
    tags: tuple[str, ...]
    traceparent: str | None
    crashes: int
    octets: int
    account: str
    limits: tuple[str, ...] | None

    @property
    def limited_by(self) -> LimitedBy | None:
        return None if self.limits is None else (self.account, self.limits)

    def assignment(self) -> Assignment:
        return Assignment(
            id=self.id,
            attempt=self.attempt + 1,
            type=self.type,
            queue=self.queue,
            priority=self.priority,
            payload=self.payload.copy(),  # or it would keep the whole answer in memory
            timeout=self.timeout,
            retry_count=self.retry_count,
            max_retries=self.max_retries,
            created_at=from_us(self.created_at),
            tags=self.tags,
            traceparent=self.traceparent,
        )


class Line(Struct, array_like=True):
    """One account's ready tasks in a (queue, type), and the place of the first."""

    queue: str
    type: str
    account: str
    priority: int
    seq: int

    @property
    def lane(self) -> Lane:
        return self.queue, self.type


class Look(Struct):
    """What lease_look.sql answers."""

    lines: list[Line]
    limited: list[Lane]
    bounded: int  # 1: some queue or account is limited
    weights: dict[str, float]
    paused: frozenset[str]
    workers: list[LoadRow]


class Dispatch:
    """Leases tasks, and remembers what each worker serves."""

    def __init__(self) -> None:
        self._profiles = Profiles()
        self._rotation = Rotation()
        self._shares = Shares()

    def lease(self, tx: Transaction, wanted: Collection[str] | None, limit: int) -> Leased:
        look = tx.document(Look, LOOK)
        workers = self._loads(tx, look.workers)
        profiles = {worker.profile for worker in workers}
        back, more_held = unhold(tx, profiles)
        lines = look.lines
        if back:  # they may bring accounts that were not there
            lines = tx.document(Look, LOOK).lines
        lanes = [
            lane
            for lane in dict.fromkeys([*(line.lane for line in lines), *look.limited])
            if lane[0] not in look.paused
        ]
        more_unserved = False
        if workers:  # with nobody alive there is nobody to be kept waiting
            lanes, unserved = part_served(lanes, profiles)
            more_unserved = _hold(tx, unserved)
        limits = Limiting(tx, self._rotation, self._shares, bounded=bool(look.bounded))
        self._shares.weigh(look.weights)
        self._shares.serve(lanes, profiles)
        round_ = Round(workers, lanes, limit, wanted=wanted, octets=OCTETS_AT_ONCE, gate=limits.gate)
        leases: list[Lease] = []
        scan = round_.scan()
        if scan is not None:
            limits.learn_standing((line.queue, line.account) for line in lines)
            if look.limited:
                limits.look(set(look.limited).intersection(scan.lanes))
        while scan is not None:
            held = limits.first(scan.size)
            page, cut = self._read(tx, scan, lines, held, limits)
            limits.learn([task.limited_by for task in page])
            given = round_.give(page, scan, cut=cut)
            tx.run_items(LEASE, [(task.place, worker) for task, worker in given], tx.now)
            leases += [Lease(worker, task.assignment()) for task, worker in given]
            self._shares.started(task for task, _ in given)
            left = limits.left
            if not _put_aside(tx, limits, scan, lines, page, {spot.place for spot in held}, given):
                break
            last, scan = scan, round_.scan()
            if scan == last and not given and not held and limits.left == left:
                break  # it would find the same
        more_limited, next_in_s = limits.close(has_room=round_.has_room)
        more = more_held or more_unserved or more_limited or round_.cut
        return Leased(tuple(leases), more=more, next_in_s=next_in_s)

    def _read(
        self,
        tx: Transaction,
        scan: Scan,
        lines: Sequence[Line],
        held: Sequence[Spot[int]],
        limits: Limiting,
    ) -> tuple[list[ReadyRow], bool]:
        """What to give, `held` included; and whether there may be less than asked for, for more has to be looked at."""
        served = set(scan.lanes)
        lines = [
            line for line in lines if line.lane in served and limits.gate.admits(line.queue, line.account)
        ]
        if len({line.account for line in lines} | {one.account for one in held}) < 2:
            return _in_line(tx, scan, lines, [spot.place for spot in held])
        turns, cut = self._in_turns(tx, scan, lines, held)
        rows = tx.decode(list[ReadyRow], _chosen_text(), [tx.now, to_json(turns), len(turns), scan.octets])
        return rows, cut or len(rows) < len(turns)

    def _in_turns(
        self, tx: Transaction, scan: Scan, lines: Sequence[Line], held: Sequence[Spot[int]]
    ) -> tuple[list[int], bool]:
        """The places of the first tasks in the order in which their accounts have turns; and whether more may follow."""
        near = self._shares.near(lines)
        chosen = [line for line in lines if self._shares.stand(line) in near]
        each = max(AT_LEAST_OF_EACH, 2 * scan.size // max(1, len(chosen)))
        found = list(held)
        ends: dict[Stand, int] = {}
        for some in _some(chosen):
            values = [tx.now, *(part for n, line in enumerate(some) for part in (n, *_key(line), each))]
            for rows in _by_number(tx.decode(list[FirstRow], _firsts_text(len(some)), values)).values():
                found += rows
                if len(rows) == each:
                    last = rows[-1]
                    stand = self._shares.stand(last)
                    ends[stand] = min(last.seq, ends.get(stand, last.seq))
        turns = self._shares.order(found, ends)
        return [spot.place for spot in turns[: scan.size]], bool(ends) or len(chosen) < len(lines)

    def _loads(self, tx: Transaction, rows: Sequence[LoadRow]) -> list[Load]:
        profiles = self._profiles.known(id for id, *_ in rows)
        unknown = [id for id, *_ in rows if id not in profiles]
        if unknown:
            read = tx.document(list[tuple[str, frozenset[str], frozenset[str]]], PROFILES, to_json(unknown))
            profiles = self._profiles.learn(profiles, read)
        return [Load(id, places, running, bool(alone), profiles[id]) for id, places, running, alone in rows]


def _hold(tx: Transaction, lanes: Iterable[Lane]) -> bool:
    """Put aside what no alive worker serves; whether more may be left."""
    left = HELD_AT_ONCE
    for lane in lanes:
        if left > 0:
            left -= tx.run(HOLD_UNSERVED, *lane, left)
    return left <= 0


def unhold(tx: Transaction, profiles: Collection[Profile]) -> tuple[list[Lane], bool]:
    """Bring back what was put aside and is served by now: the lanes, of each the same share, and whether more is left."""
    lanes, _ = part_served(tx.document(list[Lane], HELD_LANES), profiles)
    share = max(1, HELD_AT_ONCE // max(1, len(lanes)))
    brought = [tx.run(UNHOLD, *lane, share) for lane in lanes]
    return lanes, max(brought, default=0) >= share


def _put_aside(
    tx: Transaction,
    limits: Limiting,
    scan: Scan,
    lines: Sequence[Line],
    page: Sequence[ReadyRow],
    held: Collection[int],
    given: Collection[tuple[ReadyRow, str]],
) -> bool:
    """What was ready and may not start is put on hold, and so are the next; False: enough of that for one lease."""
    limited = [(task.place, task.limited_by) for task in page if task.limits is not None]
    if not limited:
        return True
    limits.seen({place for place, _ in limited})
    over = {task.place for task, _ in given}.union(held)
    count = limits.put_aside([one for one in limited if one[0] not in over])
    if count and limits.left > 0:
        served = set(scan.lanes)
        next_ = [line for line in lines if line.lane in served]
        limits.put_aside(_ahead(tx, limits, next_, min(limits.left, LOOK_AHEAD * count)))
    return limits.left > 0


def _ahead(
    tx: Transaction, limits: Limiting, lines: Sequence[Line], most: int
) -> list[tuple[int, LimitedBy]]:
    """The limited ones of the next ready tasks: (place, limited by)."""
    found: list[tuple[int, LimitedBy]] = []
    for some in _some(lines):
        values = [tx.now, *(part for line in some for part in _key(line)), most]
        rows = tx.decode(list[tuple[int, str, tuple[str, ...]]], _text(AHEAD, len(some)), values)
        found += [(place, (account, keys)) for place, account, keys in rows]
    limits.learn([by for _, by in found])
    return found


def _in_line(
    tx: Transaction, scan: Scan, lines: Sequence[Line], held: Sequence[int]
) -> tuple[list[ReadyRow], bool]:
    """The first tasks, `held` (by their places) included; and whether there may be less than asked for, as it is too heavy."""
    found: list[ReadyRow] = []
    ends: list[tuple[int, int]] = []  # where the answers end that were cut
    for some in list(_some(lines)) or [()]:
        values = [tx.now, *(part for line in some for part in _key(line))]
        if held:
            values.append(to_json(held))
        if not some and not held:
            break
        values += (scan.size, scan.octets)
        part = tx.decode(list[ReadyRow], _text(SCAN, len(some), held=bool(held)), values)
        part.sort(key=rank)
        if sum(task.octets for task in part) >= scan.octets:
            ends.append(rank(part[-1]))
        found += part
        held = ()
    found.sort(key=rank)
    if ends:  # behind the first of them something may be missing
        found = [task for task in found if rank(task) <= min(ends)]
    return found[: scan.size], bool(ends)


def _by_number(rows: Iterable[FirstRow]) -> dict[int, list[Spot[int]]]:
    found: dict[int, list[Spot[int]]] = {}
    for n, place, queue, type, account, priority, seq in rows:
        found.setdefault(n, []).append(Spot(place, queue, type, account, priority, seq))
    return found


def _key(line: Line) -> tuple[str, str, str]:
    return line.queue, line.type, line.account


def _some(lines: Sequence[Line]) -> Iterable[Sequence[Line]]:
    return (lines[start : start + LINES_AT_ONCE] for start in range(0, len(lines), LINES_AT_ONCE))


_texts: dict[tuple[str, int, bool], str] = {}


def _text(sql: Statement, lines: int, *, held: bool = False) -> str:
    """The statement for so many lines, and for held tasks by their places beside them."""
    return _with(sql, (sql.name, lines, held), [BRANCH.text] * lines + [HELD.text] * held)


def _firsts_text(lines: int) -> str:
    return _with(FIRSTS, (FIRSTS.name, lines, False), [FIRST.text] * lines)


def _chosen_text() -> str:
    return _with(SCAN, (CHOSEN.name, 1, False), [CHOSEN.text])


def _with(sql: Statement, key: tuple[str, int, bool], branches: Sequence[str]) -> str:
    text = _texts.get(key)
    if text is None:
        text = _texts[key] = sql.text.replace("/*branch*/", " UNION ALL ".join(branches))
    return text
