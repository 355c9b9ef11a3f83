"""Workers: who is there, what they hold, and what the dead have left behind."""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from taskflow_hub.domain.messages import Held, Register, Stop, Why
from taskflow_hub.domain.model import TaskType, Worker, WorkerState
from taskflow_hub.store.sqlite.lease import Profile, unhold
from taskflow_hub.store.sqlite.part import Part
from taskflow_hub.store.sqlite.statements import statement
from taskflow_hub.store.sqlite.transaction import SECOND, Snapshot, Transaction, decoder, from_us, to_json
from taskflow_hub.store.values import Beat, Orphan, Taken, Transit

REGISTER: Final = statement("register")
REGISTER_TYPE: Final = statement("register_type")
ROUTE: Final = statement("route")
FORGIVE: Final = statement("forgive")
FORGIVE_DONE: Final = statement("forgive_done")
TAKE_BACK: Final = statement("take_back")
BURY: Final = statement("bury")
DRAIN: Final = statement("drain")
BEAT_LOOK: Final = statement("beat_look")
BEAT: Final = statement("beat")
BEAT_TASKS: Final = statement("beat_tasks")
ORPHANS: Final = statement("orphans")
WORKERS: Final = statement("workers")
TASK_TYPES: Final = statement("task_types")

IN_TRANSIT_US: Final = 10 * SECOND  # for so long after a lease nobody wonders where it is
BEATS_WITHOUT: Final = 2


class Workers(Part):
    async def register(self, worker: Register) -> None:
        await self._writer.write(_register, worker)

    async def heartbeat(
        self, worker: str, held: Sequence[Held], *, stuck: Sequence[str] = (), loop_lag_s: float = 0.0
    ) -> Beat:
        return await self._writer.write(_heartbeat, worker, held, stuck, loop_lag_s)

    async def drain(self, worker: str) -> Worker | None:
        return await self._writer.write(_drain, worker)

    async def retire(self, worker: str) -> None:
        await self._writer.write(_bury, worker)

    async def bury(self, worker: str) -> bool:
        return await self._writer.write(_bury, worker)

    async def orphans(self, limit: int) -> list[Orphan]:
        return await self._readers.read(_orphans, limit)

    async def workers(self, *, dead: bool = False) -> list[Worker]:
        return await self._readers.read(_workers, dead)

    async def task_types(self) -> list[TaskType]:
        return await self._readers.read(_task_types)


def _register(tx: Transaction, worker: Register) -> None:
    types = to_json([type.type for type in worker.types])
    queues = to_json(worker.queues)
    new = tx.run(
        REGISTER,
        worker.worker,
        worker.name,
        worker.host,
        worker.pid,
        worker.version,
        worker.slots,
        worker.window,
        queues,
        types,
        tx.now,
        tx.now,
    )
    if not new:
        return
    if worker.previous is not None:
        tx.run(BURY, tx.now, worker.previous)
        tx.run(FORGIVE, worker.previous)
        tx.run(FORGIVE_DONE, worker.previous)
        tx.run(TAKE_BACK, worker.previous)
    for type in worker.types:
        tx.run(REGISTER_TYPE, type.type, type.queue, type.on_lost, to_json(type))
        tx.run(ROUTE, type.queue, type.type)
    unhold(tx, [Profile(frozenset(worker.queues), frozenset(type.type for type in worker.types))])


# --- heartbeats ------------------------------------------------------------------------------------------------------


class Running(Struct, array_like=True):
    """One attempt of beat_look.sql."""

    id: str
    attempt: int
    taken: Taken
    missing: int
    leased_at: int
    started: int
    cancel: int
    transits: int


def _heartbeat(
    tx: Transaction, worker: str, held: Sequence[Held], stuck: Sequence[str], loop_lag_s: float
) -> Beat:
    found = tx.value(BEAT_LOOK, worker)
    if found is None:
        return Beat(known=False)
    state, running = decoder(tuple[WorkerState, list[Running]]).decode(found)
    if state is WorkerState.DEAD:
        return Beat(known=False)
    listed = {(item.id, item.attempt): item.started for item in held}
    owned = {(task.id, task.attempt): task for task in running}
    changes: list[tuple[str, Taken, int, int | None]] = []
    undelivered: list[Transit] = []
    for fence, task in owned.items():
        started = listed.get(fence)
        missing, taken, started_at = 0, task.taken, None
        if started is not None:
            taken = Taken.STARTED if started else Taken.WAITING
            started_at = tx.now if started and not task.started else None
        elif task.leased_at < tx.now - IN_TRANSIT_US:
            missing = min(task.missing + 1, BEATS_WITHOUT)
            if missing >= BEATS_WITHOUT:
                undelivered.append(Transit(task.id, task.attempt, task.transits))
        if (taken, missing) != (task.taken, task.missing) or started_at is not None:
            changes.append((task.id, taken, missing, started_at))
    tx.run_items(BEAT_TASKS, changes)
    tx.run(BEAT, tx.now, to_json(stuck), loop_lag_s, worker)
    return Beat(
        known=True,
        draining=state is WorkerState.DRAINING,
        stop=tuple([stop for fence in listed if (stop := _stop(*fence, owned.get(fence))) is not None]),
        undelivered=tuple(undelivered),
    )


def _stop(id: str, attempt: int, task: Running | None) -> Stop | None:
    if task is None:
        return Stop(id, attempt, Why.STALE)
    return Stop(id, attempt, Why.CANCELLED) if task.cancel else None


# --- leaving ---------------------------------------------------------------------------------------------------------


def _bury(tx: Transaction, worker: str) -> bool:
    return tx.run(BURY, tx.now, worker) == 1


def _drain(tx: Transaction, worker: str) -> Worker | None:
    tx.run(DRAIN, worker)
    return next(iter(_workers(tx, False, worker)), None)


def _orphans(snapshot: Snapshot, limit: int) -> list[Orphan]:
    return snapshot.document(list[Orphan], ORPHANS, limit)


# --- reading ---------------------------------------------------------------------------------------------------------


class WorkerRow(Struct, array_like=True):
    """One row of workers.sql."""

    id: str
    name: str
    host: str
    pid: int
    version: str
    state: WorkerState
    slots: int
    window: int
    running: int
    queues: tuple[str, ...]
    types: tuple[str, ...]
    registered_at: int
    last_beat_at: int
    beats: int
    stuck: tuple[str, ...]
    loop_lag_s: float

    def worker(self) -> Worker:
        return Worker(
            id=self.id,
            name=self.name,
            host=self.host,
            pid=self.pid,
            version=self.version,
            state=self.state,
            slots=self.slots,
            window=self.window,
            running=self.running,
            queues=self.queues,
            types=self.types,
            registered_at=from_us(self.registered_at),
            last_beat_at=from_us(self.last_beat_at),
            beats=self.beats,
            stuck=self.stuck,
            loop_lag_s=self.loop_lag_s,
        )


def _workers(snapshot: Snapshot, dead: bool, worker: str | None = None) -> list[Worker]:
    return [row.worker() for row in snapshot.document(list[WorkerRow], WORKERS, dead, worker)]


def _task_types(snapshot: Snapshot) -> list[TaskType]:
    return snapshot.document(list[TaskType], TASK_TYPES)
