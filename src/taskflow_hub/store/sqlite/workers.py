"""Workers: who is there, what they hold, and what the dead have left behind."""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from taskflow_hub.domain.audit import By
from taskflow_hub.domain.messages import Held, Register
from taskflow_hub.domain.model import TaskType, Worker, WorkerState
from taskflow_hub.store.audit import of_drain
from taskflow_hub.store.beats import Running, compare
from taskflow_hub.store.documents import decoder, to_json
from taskflow_hub.store.profiles import Profile
from taskflow_hub.store.sqlite.audit import record
from taskflow_hub.store.sqlite.lease import unhold
from taskflow_hub.store.sqlite.part import Part
from taskflow_hub.store.sqlite.statements import statement
from taskflow_hub.store.sqlite.transaction import Snapshot, Transaction, from_us
from taskflow_hub.store.values import Beat, Orphan, Taken

REGISTER: Final = statement("register")
REGISTER_TYPE: Final = statement("register_type")
ROUTE: Final = statement("route")
FORGIVE: Final = statement("forgive")
FORGIVE_FINISHED: Final = statement("forgive_finished")
FORGIVE_DONE: Final = statement("forgive_done")
TAKE_BACK: Final = statement("take_back")
BURY: Final = statement("bury")
FOUND_AGAIN: Final = statement("found_again")
DRAIN: Final = statement("drain")
BEAT_LOOK: Final = statement("beat_look")
BEAT: Final = statement("beat")
BEAT_TASKS: Final = statement("beat_tasks")
ORPHANS: Final = statement("orphans")
WORKERS: Final = statement("workers")
TASK_TYPES: Final = statement("task_types")


class Workers(Part):
    async def register(self, worker: Register) -> None:
        await self._writer.write(_register, worker)

    async def heartbeat(
        self, worker: str, held: Sequence[Held], *, stuck: Sequence[str] = (), loop_lag_s: float = 0.0
    ) -> Beat:
        return await self._writer.write(_heartbeat, worker, held, stuck, loop_lag_s)

    async def drain(self, worker: str, *, by: By | None = None) -> Worker | None:
        return await self._writer.write(_drain, worker, by)

    async def retire(self, worker: str) -> None:
        await self._writer.write(_bury, worker, lost=False)

    async def bury(self, worker: str) -> bool:
        return await self._writer.write(_bury, worker, lost=True)

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
        tx.run(BURY, tx.now, False, worker.previous)
        tx.run(FOUND_AGAIN, worker.previous)
        tx.run(FORGIVE, worker.previous)
        tx.run(FORGIVE_FINISHED, worker.previous)
        tx.run(FORGIVE_DONE, worker.previous)
        tx.run(TAKE_BACK, worker.previous)
    for type in worker.types:
        tx.run(REGISTER_TYPE, type.type, type.queue, type.on_lost, to_json(type))
        tx.run(ROUTE, type.queue, type.type)
    unhold(tx, [Profile(frozenset(worker.queues), frozenset(type.type for type in worker.types))])


# --- heartbeats ------------------------------------------------------------------------------------------------------


class RunningRow(Struct, array_like=True):
    """One attempt of beat_look.sql."""

    id: str
    attempt: int
    taken: Taken
    missing: int
    leased_at: int
    started: int
    cancel: int
    transits: int

    def running(self) -> Running:
        return Running(
            self.id,
            self.attempt,
            self.taken,
            self.missing,
            from_us(self.leased_at),
            bool(self.started),
            bool(self.cancel),
            self.transits,
        )


def _heartbeat(
    tx: Transaction, worker: str, held: Sequence[Held], stuck: Sequence[str], loop_lag_s: float
) -> Beat:
    found = tx.value(BEAT_LOOK, worker)
    if found is None:
        return Beat(known=False)
    state, rows = decoder(tuple[WorkerState, list[RunningRow]]).decode(found)
    if state is WorkerState.DEAD:
        return Beat(known=False)
    compared = compare(held, [row.running() for row in rows], tx.at)
    changes = [
        (change.id, change.taken, change.missing, tx.now if change.starts else None)
        for change in compared.changes
    ]
    tx.run_items(BEAT_TASKS, changes)
    tx.run(BEAT, tx.now, to_json(stuck), loop_lag_s, worker)
    return Beat(
        known=True,
        draining=state is WorkerState.DRAINING,
        stop=compared.stop,
        undelivered=compared.undelivered,
    )


# --- leaving ---------------------------------------------------------------------------------------------------------


def _bury(tx: Transaction, worker: str, *, lost: bool) -> bool:
    return tx.run(BURY, tx.now, lost, worker) == 1


def _drain(tx: Transaction, worker: str, by: By | None) -> Worker | None:
    drained = tx.run(DRAIN, worker)
    found = next(iter(_workers(tx, False, worker)), None)
    if drained and found is not None:
        record(tx, by, [of_drain(found)])
    return found


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
