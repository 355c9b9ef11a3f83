"""dead workers → lose: who shows no new heartbeat for too long is buried, and what it ran goes back to the queue."""

import time
from collections import defaultdict
from collections.abc import Callable
from typing import Final, Protocol

from taskflow_hub.broker.base import EngineSide
from taskflow_hub.domain import moves
from taskflow_hub.domain.clock import Monotonic
from taskflow_hub.domain.decide import on_worker_death
from taskflow_hub.domain.liveness import Liveness
from taskflow_hub.domain.model import AttemptOutcome, Worker
from taskflow_hub.engine.hints import Hints, Topic
from taskflow_hub.engine.loop import Loop
from taskflow_hub.engine.metrics import Metrics
from taskflow_hub.store.base import TaskStore, WorkerStore
from taskflow_hub.store.values import Orphan, Taken

INTERVAL_S: Final = 5.0
LIMIT: Final = 1000


class _Store(TaskStore, WorkerStore, Protocol): ...


class Reaper(Loop):
    """`provably_dead` may know of a worker at once what its heartbeats tell late: that its process on this host was killed."""

    def __init__(
        self,
        store: _Store,
        broker: EngineSide,
        hints: Hints,
        metrics: Metrics,
        *,
        dead_after_s: float,
        provably_dead: Callable[[Worker], bool],
        on_buried: Callable[[Worker], None] = lambda _: None,
        monotonic: Monotonic = time.monotonic,
    ) -> None:
        super().__init__(interval_s=INTERVAL_S)
        self._store, self._broker, self._hints, self._metrics = store, broker, hints, metrics
        self._liveness = Liveness(dead_after_s)
        self._provably_dead, self._on_buried, self._monotonic = provably_dead, on_buried, monotonic

    async def tick(self) -> float | None:
        try:
            await self._broker.reachable()
            workers = await self._store.workers()
        except Exception:
            self._liveness.interrupted()
            raise
        silent = self._liveness.observe(self._monotonic(), {worker.id: worker.beats for worker in workers})
        for worker in workers:
            if worker.id in silent or self._provably_dead(worker):
                await self._bury(worker)
        orphans = await self._store.orphans(LIMIT)
        moved = await self._lose(orphans) if orphans else 0
        return 0.0 if moved and len(orphans) == LIMIT else None

    async def _bury(self, worker: Worker) -> None:
        if await self._store.bury(worker.id):
            self.log.warning(
                "worker is dead", worker=worker.id, host=worker.host, pid=worker.pid, running=worker.running
            )
            self._metrics.workers_lost.inc()
            self._on_buried(worker)
            self._hints.tell(Topic.WORKERS, Topic.QUEUES)

    async def _lose(self, orphans: list[Orphan]) -> int:
        """How many were moved; those that another process moved first are not ours to count."""
        beside: dict[str, list[str]] = defaultdict(list)
        for orphan in orphans:
            if orphan.taken is not Taken.WAITING:
                beside[orphan.worker].append(orphan.id)
        decided = [
            on_worker_death(
                id=orphan.id,
                attempt=orphan.attempt,
                worker=orphan.worker,
                crashes=orphan.crashes,
                waiting=orphan.taken is Taken.WAITING,
                on_lost=orphan.on_lost,
                beside=[other for other in beside[orphan.worker] if other != orphan.id],
            )
            for orphan in orphans
        ]
        lost = await self._store.lose([move for move in decided if isinstance(move, moves.Lose)])
        fails = [move for move in decided if isinstance(move, moves.Fail)]
        failed = await self._store.fail(fails)
        self._hints.changed([orphan.id for orphan in orphans], Topic.WORK)
        return self._metrics.lost(AttemptOutcome.LOST, lost, failed, fails)
