"""Who gets what: one lease, without the reading and the writing.

    round_ = Round(loads, lanes, limit, gate=gate)
    while (scan := round_.scan()) is not None:
        page, cut = …  # the ready tasks that `scan` asks for, in order
        for task, worker in round_.give(page, scan, cut=cut): …  # write the lease
    Leased(round_.leases, more=round_.cut)

Each task goes to the worker with the most room that serves its lane; when a worker becomes full its lanes drop out and the
rest is scanned again: at most one scan per kind of worker.

One lease is a *wave*: half of what all of them may have. So while one wave runs the other is reported or leased; were every
place filled at once, the database and the workers would wait for each other in turn.
"""

from collections.abc import Collection, Iterable, Sequence
from heapq import heapify, heapreplace
from typing import Final, Protocol, TypeVar

from msgspec import Struct

from taskflow_hub.domain.limits import ALONE_FROM
from taskflow_hub.store.gates import Gate, LimitedBy
from taskflow_hub.store.profiles import Lane, Profile

OCTETS_AT_ONCE: Final = 32 << 20  # of payload leased by one call, but for the last task; the next goes on
WAVES: Final = 2  # into which all places are divided
WAVE_AT_LEAST: Final = 250  # tasks: what a lease costs by itself is shared by so many
HELD_AT_ONCE: Final = 2_000  # tasks put on hold, or brought back, by one call; the next goes on


class Ready(Protocol):
    """A ready task, in whatever shape the store reads it."""

    @property
    def id(self) -> str: ...
    @property
    def queue(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def account(self) -> str: ...
    @property
    def priority(self) -> int: ...
    @property
    def seq(self) -> int: ...
    @property
    def crashes(self) -> int: ...
    @property
    def octets(self) -> int: ...  # of the payload
    @property
    def limited_by(self) -> LimitedBy | None: ...


ReadyT = TypeVar("ReadyT", bound=Ready)


def rank(task: Ready) -> tuple[int, int]:
    """Its place in line; the lowest is first."""
    return -task.priority, task.seq


class Load(Struct):
    """One alive worker: how much it may have (slots and window) and has, and whether it runs a task that must be alone."""

    id: str
    places: int
    running: int
    alone: bool
    profile: Profile


class Scan(Struct, frozen=True):
    """What to look for: the first `size` tasks of these lanes, ending with the one that fills up `octets`."""

    lanes: list[Lane]
    size: int
    octets: int


_Place = tuple[int, int, Load]  # its room, negative; a number, so that no two compare their loads; the worker


class Round:
    """One lease: workers of one profile stand in a heap, the one with the most room on top."""

    def __init__(
        self,
        workers: Iterable[Load],
        lanes: Sequence[Lane],
        limit: int,
        *,
        wanted: Collection[str] | None = None,
        octets: int = OCTETS_AT_ONCE,
        gate: Gate,
    ) -> None:
        """`wanted`: only these workers; None: all. `gate` must know the limits of every task it is asked to give."""
        self._gate = gate
        self._lanes = lanes
        self._octets = octets  # of payload that may still be leased
        self._put_off: set[str] = set()  # tasks to be run alone that wait for a worker to become empty
        self._put_off_octets = 0
        self._exhausted = False
        self._kinds: dict[Profile, list[_Place]] = {}
        places = 0
        for number, worker in enumerate(workers):
            if wanted is not None and worker.id not in wanted:
                continue
            places += worker.places
            room = 0 if worker.alone else worker.places - worker.running
            if room > 0:
                self._kinds.setdefault(worker.profile, []).append((-room, number, worker))
        for heap in self._kinds.values():
            heapify(heap)
        wave = max(places // WAVES, WAVE_AT_LEAST)
        self._is_wave = wave < limit
        self._limit = min(wave, limit)

    @property
    def cut(self) -> bool:
        """It ended because the wave is full, or the payloads are heavy: there may be more to lease."""
        return self._too_heavy or (self._is_wave and self._limit <= 0 and bool(self._kinds))

    @property
    def _too_heavy(self) -> bool:
        return self._octets <= 0

    @property
    def has_room(self) -> bool:
        """Somebody could take more, were there something to give."""
        return self._limit > 0 and bool(self._kinds)

    def scan(self) -> Scan | None:
        """What to look for next; None: the round is over."""
        if self._exhausted or self._limit <= 0 or not self._kinds or self._too_heavy:
            return None
        room = -sum(place[0] for heap in self._kinds.values() for place in heap)
        return Scan(
            [lane for lane in self._lanes if self._serving(lane)],
            min(self._limit, room) + len(self._put_off),
            self._octets + self._put_off_octets,
        )

    @property
    def sole(self) -> Load | None:
        """The only worker that has room: whatever stands first in its lanes is for it. None: there are others, or none."""
        if self._put_off or len(self._kinds) != 1:
            return None
        (heap,) = self._kinds.values()
        return heap[0][2] if len(heap) == 1 else None

    def given(self, tasks: int, octets: int) -> None:
        """`sole` got so many, at most what `scan` asked for, and none that must be alone; the gate is told by the caller."""
        ((profile, [(room, number, worker)]),) = self._kinds.items()
        worker.running += tasks
        self._limit -= tasks
        self._octets -= octets
        if room + tasks < 0:
            self._kinds[profile] = [(room + tasks, number, worker)]
        else:
            del self._kinds[profile]

    def give(self, page: Sequence[ReadyT], scan: Scan, *, cut: bool) -> list[tuple[ReadyT, str]]:
        """Who gets which of the tasks found, which must be in the order of the line; the others stay where they are.

        `cut`: the page may be shorter than asked for because its tasks are heavy, and not because there are no more.
        """
        self._exhausted = len(page) < scan.size and not cut
        return [(task, worker.id) for task in page if (worker := self._give(task)) is not None]

    def _give(self, task: Ready) -> Load | None:
        """Choose who runs it."""
        if self._limit <= 0 or task.id in self._put_off:
            return None
        heaps = self._serving((task.queue, task.type))
        if not heaps:
            return None
        if not self._gate.admits(task.queue, task.account):
            return None
        if task.limited_by is not None and not self._gate.opens(task.limited_by):
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
        self._put_off.add(task.id)
        self._put_off_octets += task.octets
        return None

    def _make(self, task: Ready, worker: Load) -> Load:
        worker.running += 1
        self._limit -= 1
        self._octets -= task.octets
        self._gate.take_in(task.queue, task.account)
        if task.limited_by is not None:
            self._gate.take(task.limited_by)
        return worker

    def _serving(self, lane: Lane) -> list[list[_Place]]:
        return [heap for profile, heap in self._kinds.items() if profile.serves(lane)]

    def _leave(self, heap: list[_Place], worker: Load) -> None:
        """This worker gets nothing more in this round."""
        heap[:] = [place for place in heap if place[2] is not worker]
        heapify(heap)
        if not heap:
            del self._kinds[worker.profile]
