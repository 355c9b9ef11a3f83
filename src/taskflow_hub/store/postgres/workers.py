"""Workers: who is there, what they hold, and what the dead have left behind."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import asyncpg

from taskflow_hub.domain.audit import By
from taskflow_hub.domain.messages import Held, Register
from taskflow_hub.domain.model import OnLost, TaskType, Worker, WorkerState
from taskflow_hub.store.allot import HELD_AT_ONCE
from taskflow_hub.store.audit import of_drain
from taskflow_hub.store.beats import Change, Compared, Running, compare
from taskflow_hub.store.documents import decoder, to_json
from taskflow_hub.store.postgres.audit import record
from taskflow_hub.store.postgres.part import Part
from taskflow_hub.store.postgres.running import Seen
from taskflow_hub.store.postgres.statements import statement
from taskflow_hub.store.postgres.transaction import Snapshot, Transaction
from taskflow_hub.store.values import Beat, News, Orphan, Taken

REGISTER: Final = statement("register")
REGISTER_LOCK: Final = statement("only/register_lock")
REGISTER_TYPE: Final = statement("register_type")
ROUTE: Final = statement("route")
UNHOLD: Final = statement("unhold")
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
    _seen: dict[str, Seen]  # what each worker ran at its last heartbeat here

    async def register(self, worker: Register) -> None:
        await self._writer.write(_register, worker)

    async def heartbeat(
        self, worker: str, held: Sequence[Held], *, stuck: Sequence[str] = (), loop_lag_s: float = 0.0
    ) -> Beat:
        """Look first, then write: leases for a worker wait for its row, so it is not locked while tasks are read."""
        seen = self._seen.setdefault(worker, Seen())
        compared = await self._readers.read(_look, worker, held, seen)
        beat = await self._writer.write(_beat, worker, compared, stuck, loop_lag_s)
        if not beat.known:
            self._seen.pop(worker, None)
        return beat

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


# --- registering -----------------------------------------------------------------------------------------------------


async def _register(tx: Transaction, worker: Register) -> None:
    declared = {type.type: type for type in worker.types}
    new = await tx.run(
        REGISTER,
        tx.now,
        worker.worker,
        worker.name,
        worker.host,
        worker.pid,
        worker.version,
        worker.slots,
        worker.window,
        list(worker.queues),
        list(declared),
    )
    if not new:
        return
    tx.note(News.OTHER)
    if worker.previous is not None:
        await tx.run(BURY, tx.now, worker.previous, False)
        await tx.run(FOUND_AGAIN, worker.previous)
    await tx.run(
        REGISTER_TYPE,
        list(declared),
        [type.queue for type in declared.values()],
        [type.on_lost.value for type in declared.values()],
        [to_json(type) for type in declared.values()],
    )
    if await tx.value(REGISTER_LOCK, worker.previous, list(declared)):
        await _change_tasks(tx, worker.previous, declared)
    tx.note_ready([tuple(row) for row in await tx.fetch(UNHOLD, HELD_AT_ONCE)])


async def _change_tasks(tx: Transaction, previous: str | None, declared: dict[str, TaskType]) -> None:
    """What a registration means for tasks that are there."""
    if previous is not None:
        await tx.run(FORGIVE, previous)
        await tx.run(FORGIVE_FINISHED, previous)
        await tx.run(FORGIVE_DONE, previous)
        await tx.run(TAKE_BACK, previous)
    routed = await tx.fetch(ROUTE, list(declared), [type.queue for type in declared.values()])
    tx.note_ready([tuple(row) for row in routed if row["seq"] is not None])


# --- heartbeats ------------------------------------------------------------------------------------------------------


async def _look(snapshot: Snapshot, worker: str, held: Sequence[Held], seen: Seen) -> Compared:
    rows = await snapshot.fetch(BEAT_LOOK, snapshot.now, worker, list(seen.ids), seen.upto)
    seen.keep({row["id"]: row["lease_no"] for row in rows if row["id"] is not None})
    running = [
        Running(
            row["id"],
            row["attempt"],
            Taken(row["taken"]),
            row["missing"],
            row["leased_at"],
            row["started"],
            row["cancel"],
            row["transits"],
        )
        for row in rows
        if row["id"] is not None
    ]
    return compare(held, running, rows[0]["now"])


async def _beat(
    tx: Transaction, worker: str, compared: Compared, stuck: Sequence[str], loop_lag_s: float
) -> Beat:
    state = await tx.value(BEAT, tx.now, worker, list(stuck), loop_lag_s)
    if state is None:
        return Beat(known=False)
    if compared.changes:
        await _write(tx, worker, compared.changes)
    return Beat(
        known=True,
        draining=state == WorkerState.DRAINING,
        stop=compared.stop,
        undelivered=compared.undelivered,
    )


async def _write(tx: Transaction, worker: str, changes: Sequence[Change]) -> None:
    await tx.run(
        BEAT_TASKS,
        tx.now,
        worker,
        [change.id for change in changes],
        [change.attempt for change in changes],
        [change.taken.value for change in changes],
        [change.missing for change in changes],
        [change.starts for change in changes],
    )
    if any(change.starts for change in changes):
        tx.note(News.TASKS)


# --- leaving ---------------------------------------------------------------------------------------------------------


async def _bury(tx: Transaction, worker: str, *, lost: bool) -> bool:
    if buried := await tx.run(BURY, tx.now, worker, lost) == 1:
        tx.note(News.OTHER)
    return buried


async def _drain(tx: Transaction, worker: str, by: By | None) -> Worker | None:
    drained = await tx.run(DRAIN, worker)
    found = next(iter(await _workers(tx, False, worker)), None)
    if drained and found is not None:
        tx.note(News.OTHER)
        await record(tx, by, [of_drain(found)])
    return found


async def _orphans(snapshot: Snapshot, limit: int) -> list[Orphan]:
    return [
        Orphan(
            id=row["id"],
            attempt=row["attempt"],
            type=row["type"],
            worker=row["worker"],
            crashes=row["crashes"],
            taken=Taken(row["taken"]),
            on_lost=OnLost(row["on_lost"]),
        )
        for row in await snapshot.fetch(ORPHANS, limit)
    ]


# --- reading ---------------------------------------------------------------------------------------------------------


def _worker(row: asyncpg.Record) -> Worker:
    return Worker(
        id=row["id"],
        name=row["name"],
        host=row["host"],
        pid=row["pid"],
        version=row["version"],
        state=WorkerState(row["state"]),
        slots=row["slots"],
        window=row["window"],
        running=row["running"],
        queues=tuple(row["queues"]),
        types=tuple(row["types"]),
        registered_at=row["registered_at"],
        last_beat_at=row["last_beat_at"],
        beats=row["beats"],
        stuck=tuple(row["stuck"]),
        loop_lag_s=row["loop_lag_s"],
    )


async def _workers(snapshot: Snapshot, dead: bool, worker: str | None = None) -> list[Worker]:
    return [_worker(row) for row in await snapshot.fetch(WORKERS, dead, worker)]


async def _task_types(snapshot: Snapshot) -> list[TaskType]:
    return [_task_type(row["document"]) for row in await snapshot.fetch(TASK_TYPES)]


@lru_cache(maxsize=1_000)  # read after every hint of a change, and nearly always the same
def _task_type(document: str) -> TaskType:
    found: TaskType = decoder(TaskType).decode(document)
    return found
