"""queued → worker: lease in the store first, then publish."""

import time
from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Final, Protocol

from taskflow_hub import tracing
from taskflow_hub.broker.base import EngineSide
from taskflow_hub.domain import moves
from taskflow_hub.domain.errors import Unavailable
from taskflow_hub.domain.messages import Assignment
from taskflow_hub.engine.hints import Hints, Topic
from taskflow_hub.engine.loop import Loop
from taskflow_hub.engine.metrics import Metrics
from taskflow_hub.store.base import Reads, TaskStore

LIMIT: Final = 1000
POLL_S: Final = 1.0
RATES_S: Final = 0.01  # starts that a rate lets through within so long are leased together


class _Store(TaskStore, Reads, Protocol): ...


class Dispatcher(Loop):
    def __init__(self, store: _Store, broker: EngineSide, hints: Hints, metrics: Metrics) -> None:
        super().__init__(interval_s=POLL_S)
        self._store, self._broker, self._hints, self._metrics = store, broker, hints, metrics
        hints.on(Topic.WORK, self.wake)

    async def tick(self) -> float | None:
        reachable = await self._broker.reachable()
        if reachable is not None and not reachable:
            return None
        leased_at = time.monotonic()
        leased = await self._store.lease(reachable, LIMIT)
        inboxes: dict[str, list[Assignment]] = defaultdict(list)
        for lease in leased.leases:
            inboxes[lease.worker].append(lease.assignment)
        for worker, assignments in inboxes.items():
            await self._publish(worker, assignments, leased_at)
        if leased.leases:
            self._metrics.leased.inc(len(leased.leases))
            self._hints.changed([lease.assignment.id for lease in leased.leases])
        if leased.more or len(leased.leases) >= LIMIT:
            return 0.0
        return None if leased.next_in_s is None else min(max(leased.next_in_s, RATES_S), POLL_S)

    async def _publish(self, worker: str, assignments: list[Assignment], leased_at: float) -> None:
        try:
            if (tracer := tracing.tracer) is None:
                await self._broker.publish(worker, assignments, leased_at=leased_at)
            else:
                with tracer.publishing(assignments, await self._late(assignments)) as spans:
                    await self._broker.publish(worker, spans.assignments, leased_at=leased_at)
        except (
            Unavailable
        ) as error:  # known not to have arrived: nobody works on them, so they go back at once
            self.log.warning(
                "publish failed, released", worker=worker, tasks=len(assignments), error=error.detail
            )
            await self._store.release(
                [moves.Release(id=a.id, attempt=a.attempt, ran_s=None) for a in assignments]
            )

    async def _late(self, assignments: Sequence[Assignment]) -> Collection[str]:
        """The ids of those that were to wait for their time. A store that is away just now holds nobody up."""
        asked = [one.id for one in assignments if one.attempt == 1 and one.traceparent is not None]
        try:
            tasks = await self._store.tasks(asked) if asked else {}
        except Unavailable:
            return ()
        return {id for id, task in tasks.items() if task.run_at is not None}
