"""Who gets what: the heart of dispatching.

The ready index leads with (queue, type), so a lease looks only at lanes some worker with room serves: what nobody can run
now is never walked over. A scan merges those lanes in order, and with them the tasks that limits held back and let start now
(limits.py); who gets what is said by store/allot.py.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Final

from msgspec import Raw, Struct

from taskflow_hub.domain.messages import Assignment
from taskflow_hub.store.allot import HELD_AT_ONCE, OCTETS_AT_ONCE, Load, Round, Scan, rank
from taskflow_hub.store.documents import to_json
from taskflow_hub.store.gates import LimitedBy
from taskflow_hub.store.groups import LOOK_AHEAD, Turns
from taskflow_hub.store.profiles import Lane, Profile, Profiles, part_served
from taskflow_hub.store.sqlite.limits import Limiting
from taskflow_hub.store.sqlite.statements import Statement, statement
from taskflow_hub.store.sqlite.transaction import Transaction, from_us
from taskflow_hub.store.values import Lease, Leased

LOOK: Final = statement("lease_look")
PROFILES: Final = statement("lease_profiles")
SCAN: Final = statement("lease_scan")
BRANCH: Final = statement("only/lease_branch")
HELD: Final = statement("lease_held")
AHEAD: Final = statement("limit_ahead")
LEASE: Final = statement("lease")
HOLD_UNSERVED: Final = statement("hold_unserved")
HELD_LANES: Final = statement("held_lanes")
UNHOLD: Final = statement("unhold")

LANES_AT_ONCE: Final = 200  # merged by one statement (SQLite takes 500)

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
    limited_by: LimitedBy | None

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


class Look(Struct):
    """What lease_look.sql answers."""

    pairs: list[Lane]
    limited: list[Lane]
    paused: frozenset[str]
    workers: list[LoadRow]


class Dispatch:
    """Leases tasks, and remembers what each worker serves."""

    def __init__(self) -> None:
        self._profiles = Profiles()
        self._turns = Turns()

    def lease(self, tx: Transaction, wanted: Collection[str] | None, limit: int) -> Leased:
        look = tx.document(Look, LOOK)
        workers = self._loads(tx, look.workers)
        profiles = {worker.profile for worker in workers}
        back, more_held = unhold(tx, profiles)
        lanes = [
            lane for lane in dict.fromkeys([*look.pairs, *back, *look.limited]) if lane[0] not in look.paused
        ]
        more_unserved = False
        if workers:  # with nobody alive there is nobody to be kept waiting
            lanes, unserved = part_served(lanes, profiles)
            more_unserved = _hold(tx, unserved)
        limits = Limiting(tx, self._turns)
        round_ = Round(workers, lanes, limit, wanted=wanted, octets=OCTETS_AT_ONCE, gate=limits.gate)
        leases: list[Lease] = []
        scan = round_.scan()
        if scan is not None and look.limited:
            limits.look(set(look.limited).intersection(scan.lanes))
        while scan is not None:
            held = limits.first(scan.size)
            page, cut = _read(tx, scan, held)
            limits.learn([task.limited_by for task in page])
            given = round_.give(page, scan, cut=cut)
            tx.run_items(LEASE, [(task.place, worker) for task, worker in given], tx.now)
            leases += [Lease(worker, task.assignment()) for task, worker in given]
            if not _put_aside(tx, limits, scan, page, held, given):
                break
            scan = round_.scan()
        more_limited, next_in_s = limits.close(has_room=round_.has_room)
        more = more_held or more_unserved or more_limited or round_.cut
        return Leased(tuple(leases), more=more, next_in_s=next_in_s)

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
    page: Sequence[ReadyRow],
    held: Collection[int],
    given: Collection[tuple[ReadyRow, str]],
) -> bool:
    """What was ready and may not start is put on hold, and so are the next; False: enough of that for one lease."""
    limited = [(task.place, task.limited_by) for task in page if task.limited_by is not None]
    if not limited:
        return True
    limits.seen({place for place, _ in limited})
    over = {task.place for task, _ in given}.union(held)
    count = limits.put_aside([one for one in limited if one[0] not in over])
    if count and limits.left > 0:
        limits.put_aside(_ahead(tx, limits, scan.lanes, min(limits.left, LOOK_AHEAD * count)))
    return limits.left > 0


def _ahead(
    tx: Transaction, limits: Limiting, lanes: Sequence[Lane], most: int
) -> list[tuple[int, LimitedBy]]:
    """The limited ones of the next ready tasks: (place, limited by)."""
    found: list[tuple[int, LimitedBy]] = []
    for some in _some(lanes):
        values = [tx.now, *(part for lane in some for part in lane), most]
        rows = tx.decode(list[tuple[int, str, tuple[str, ...]]], _text(AHEAD, len(some)), values)
        found += [(place, (account, keys)) for place, account, keys in rows]
    limits.learn([by for _, by in found])
    return found


def _read(tx: Transaction, scan: Scan, held: Sequence[int]) -> tuple[list[ReadyRow], bool]:
    """What to give, `held` (by their places) included; and whether there may be less than asked for because it is too heavy."""
    found: list[ReadyRow] = []
    ends: list[tuple[int, int]] = []  # where the answers end that were cut
    for some in _some(scan.lanes):
        values = [tx.now, *(part for lane in some for part in lane)]
        if held:
            values.append(to_json(held))
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


def _some(lanes: Sequence[Lane]) -> Iterable[Sequence[Lane]]:
    return (lanes[start : start + LANES_AT_ONCE] for start in range(0, len(lanes), LANES_AT_ONCE))


_texts: dict[tuple[str, int, bool], str] = {}


def _text(sql: Statement, lanes: int, *, held: bool = False) -> str:
    """The statement for so many lanes, and for held tasks by their places beside them."""
    key = (sql.name, lanes, held)
    text = _texts.get(key)
    if text is None:
        branches = [BRANCH.text] * lanes + [HELD.text] * held
        text = _texts[key] = sql.text.replace("/*branch*/", " UNION ALL ".join(branches))
    return text
