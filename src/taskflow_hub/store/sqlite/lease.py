"""Who gets what: the heart of dispatching.

The ready index leads with (queue, type), so a lease looks only at lanes some worker with room serves: what nobody can run
now is never walked over. A scan merges those lanes in order; each task goes to the worker with the most room that serves its
lane; when a worker becomes full its lanes drop out and the rest is scanned again: at most one scan per kind of worker.
"""

from collections.abc import Collection, Iterable, Sequence
from heapq import heapify, heapreplace
from typing import Final

from msgspec import Raw, Struct, field

from taskflow_hub.domain.limits import ALONE_FROM
from taskflow_hub.domain.messages import Assignment
from taskflow_hub.store.sqlite.statements import statement
from taskflow_hub.store.sqlite.transaction import Transaction, from_us, to_json
from taskflow_hub.store.values import Lease, Leased

LOOK: Final = statement("lease_look")
PROFILES: Final = statement("lease_profiles")
SCAN: Final = statement("lease_scan")
BRANCH: Final = statement("lease_branch")
LEASE: Final = statement("lease")
HOLD_UNSERVED: Final = statement("hold_unserved")
HELD_LANES: Final = statement("held_lanes")
UNHOLD: Final = statement("unhold")

HELD_AT_ONCE: Final = 2_000  # tasks put on hold, or brought back, by one call; the next goes on
OCTETS_AT_ONCE: Final = 32 << 20  # of payload leased by one call, but for the last task; the next goes on
LANES_AT_ONCE: Final = 200  # merged by one statement (SQLite takes 500)

Lane = tuple[str, str]  # queue, type


class Ready(Struct, array_like=True):
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
    octets: int  # of the payload

    def assignment(self) -> Assignment:
        """The next attempt, as it travels."""
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


class Profile(Struct, frozen=True):
    """What a worker serves. `queues` empty: every queue."""

    queues: frozenset[str]
    types: frozenset[str]

    def serves(self, lane: Lane) -> bool:
        return lane[1] in self.types and (not self.queues or lane[0] in self.queues)


class Load(Struct, array_like=True):
    """One alive worker. `room` is counted down as it is given work."""

    id: str
    room: int  # slots + window, as read
    running: int
    alone: int  # 1: it runs a task that must be alone
    profile: Profile = field(default_factory=lambda: Profile(frozenset(), frozenset()))


_Place = tuple[int, int, Load]  # its room, negative; a number, so that no two compare their loads; the worker


class Look(Struct):
    pairs: list[Lane]
    paused: frozenset[str]
    workers: list[Load]


class Dispatch:
    """Leases tasks. Keeps what never changes: what each worker serves."""

    def __init__(self) -> None:
        self._profiles: dict[str, Profile] = {}

    def lease(self, tx: Transaction, wanted: Collection[str] | None, limit: int) -> Leased:
        look = tx.document(Look, LOOK)
        self._fill_profiles(tx, look.workers)
        back, more_held = unhold(tx, {worker.profile for worker in look.workers})
        lanes = [lane for lane in dict.fromkeys([*look.pairs, *back]) if lane[0] not in look.paused]
        more_unserved, lanes = self._hold_unserved(tx, lanes, look.workers)
        for worker in look.workers:
            worker.room = 0 if worker.alone else worker.room - worker.running
        able = [w for w in look.workers if w.room > 0 and (wanted is None or w.id in wanted)]
        round_ = _Round(tx, able, lanes, limit)
        leases = tuple(round_.run())
        return Leased(leases, more=more_held or more_unserved or round_.octets <= 0)

    def _fill_profiles(self, tx: Transaction, workers: Sequence[Load]) -> None:
        unknown = [worker.id for worker in workers if worker.id not in self._profiles]
        if unknown:
            alive = {worker.id for worker in workers}
            self._profiles = {id: profile for id, profile in self._profiles.items() if id in alive}
            rows = tx.document(list[tuple[str, frozenset[str], frozenset[str]]], PROFILES, to_json(unknown))
            shared = {profile: profile for profile in self._profiles.values()}
            for id, queues, types in rows:
                profile = Profile(queues, types)
                self._profiles[id] = shared.setdefault(profile, profile)
        for worker in workers:
            worker.profile = self._profiles[worker.id]

    @staticmethod
    def _hold_unserved(
        tx: Transaction, lanes: list[Lane], workers: Sequence[Load]
    ) -> tuple[bool, list[Lane]]:
        """Put aside what no alive worker serves. With nobody alive there is nobody to be kept waiting, so nothing is done."""
        if not workers:
            return False, []
        profiles = {worker.profile for worker in workers}
        served, left = [], HELD_AT_ONCE
        for lane in lanes:
            if any(profile.serves(lane) for profile in profiles):
                served.append(lane)
            elif left > 0:
                left -= tx.run(HOLD_UNSERVED, *lane, left)
        return left <= 0, served


def unhold(tx: Transaction, profiles: Collection[Profile]) -> tuple[list[Lane], bool]:
    """Bring back what was put aside and is served by now: the lanes, of each the same share, and whether more is left."""
    held = tx.document(list[Lane], HELD_LANES)
    lanes = [lane for lane in held if any(profile.serves(lane) for profile in profiles)]
    share = max(1, HELD_AT_ONCE // max(1, len(lanes)))
    brought = [tx.run(UNHOLD, *lane, share) for lane in lanes]
    return lanes, max(brought, default=0) >= share


class _Round:
    """One lease: workers of one profile stand in a heap, the one with the most room on top."""

    def __init__(self, tx: Transaction, workers: Iterable[Load], lanes: Sequence[Lane], limit: int) -> None:
        self.tx, self.lanes, self.limit = tx, lanes, limit
        self.kinds: dict[Profile, list[_Place]] = {}
        for number, worker in enumerate(workers):
            self.kinds.setdefault(worker.profile, []).append((-worker.room, number, worker))
        for heap in self.kinds.values():
            heapify(heap)
        self.put_off: set[str] = set()  # tasks to be run alone that wait for a worker to become empty
        self.put_off_octets = 0
        self.octets = OCTETS_AT_ONCE  # of payload that may still be leased
        self.leases: list[Lease] = []

    def run(self) -> list[Lease]:
        while self.limit > 0 and self.kinds and self.octets > 0:
            room = -sum(place[0] for heap in self.kinds.values() for place in heap)
            size = min(self.limit, room) + len(self.put_off)
            page, cut = self._scan([lane for lane in self.lanes if self._serving(lane)], size)
            given = [(task.place, worker.id) for task in page if (worker := self._give(task)) is not None]
            self.tx.run_items(LEASE, given, self.tx.now)
            if len(page) < size and not cut:
                break
        return self.leases

    def _scan(self, lanes: Sequence[Lane], size: int) -> tuple[list[Ready], bool]:
        """The first tasks of these lanes, and whether there may be fewer of them than asked for because they are too heavy."""
        found: list[Ready] = []
        octets = self.octets + self.put_off_octets
        ends: list[tuple[int, int]] = []  # where the answers end that were cut
        for start in range(0, len(lanes), LANES_AT_ONCE):
            some = lanes[start : start + LANES_AT_ONCE]
            values = [self.tx.now, *(part for lane in some for part in lane), size, octets]
            part = self.tx.decode(list[Ready], _scan_text(len(some)), values)
            part.sort(key=_rank)
            if sum(task.octets for task in part) >= octets:
                ends.append(_rank(part[-1]))
            found += part
        found.sort(key=_rank)
        if ends:  # behind the first of them something may be missing
            found = [task for task in found if _rank(task) <= min(ends)]
        return found[:size], bool(ends)

    def _give(self, task: Ready) -> Load | None:
        """Choose who runs it, and make the lease; None: it stays where it is."""
        if self.limit <= 0 or task.id in self.put_off:
            return None
        heaps = self._serving((task.queue, task.type))
        if not heaps:
            return None
        if task.crashes >= ALONE_FROM:
            return self._give_alone(task, heaps)
        heap = heaps[0] if len(heaps) == 1 else min(heaps)
        room, number, worker = heap[0]
        heapreplace(heap, (room + 1, number, worker))
        if room + 1 == 0:
            self._leave(heap, worker)
        return self._make(task, worker)

    def _give_alone(self, task: Ready, heaps: Sequence[list[_Place]]) -> Load | None:
        """The worker with the least to do takes it if it is empty, and else gets nothing more until it is."""
        heap, worker = min(
            ((heap, place[2]) for heap in heaps for place in heap),
            key=lambda found: (found[1].running, found[1].id),
        )
        empty = worker.running == 0
        self._leave(heap, worker)
        if empty:
            return self._make(task, worker)
        self.put_off.add(task.id)
        self.put_off_octets += task.octets
        return None

    def _make(self, task: Ready, worker: Load) -> Load:
        worker.running += 1
        self.limit -= 1
        self.octets -= task.octets
        self.leases.append(Lease(worker.id, task.assignment()))
        return worker

    def _serving(self, lane: Lane) -> list[list[_Place]]:
        return [heap for profile, heap in self.kinds.items() if profile.serves(lane)]

    def _leave(self, heap: list[_Place], worker: Load) -> None:
        """This worker gets nothing more in this round."""
        heap[:] = [place for place in heap if place[2] is not worker]
        heapify(heap)
        if not heap:
            del self.kinds[worker.profile]


def _rank(task: Ready) -> tuple[int, int]:
    return -task.priority, task.seq


_scan_texts: dict[int, str] = {}


def _scan_text(lanes: int) -> str:
    text = _scan_texts.get(lanes)
    if text is None:
        text = _scan_texts[lanes] = SCAN.text.replace("/*branch*/", " UNION ALL ".join([BRANCH.text] * lanes))
    return text
