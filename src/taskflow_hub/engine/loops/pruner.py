"""What has been kept long enough goes: finished tasks by outcome, and result files nobody names."""

from typing import Final, Protocol

from taskflow_hub.engine.hints import Hints, Topic
from taskflow_hub.engine.loop import Loop
from taskflow_hub.engine.results import FolderResults
from taskflow_hub.engine.settings import RetentionSettings
from taskflow_hub.store.base import Reads, Upkeep

INTERVAL_S: Final = 60.0
LIMIT: Final = 500  # tasks per transaction, so that work in progress never waits long
SWEEP_EVERY: Final = 60  # ticks


class _Store(Upkeep, Reads, Protocol): ...


class Pruner(Loop):
    def __init__(
        self, store: _Store, results: FolderResults, hints: Hints, retention: RetentionSettings
    ) -> None:
        super().__init__(interval_s=INTERVAL_S)
        self._store, self._results, self._hints = store, results, hints
        self._retention_s = retention.by_state()
        self._ticks = 0

    async def tick(self) -> float | None:
        pruned = await self._store.prune(self._retention_s, LIMIT)
        if pruned.with_result_ref:
            await self._results.remove(frozenset(pruned.with_result_ref))
        if pruned.tasks:
            self._hints.tell(Topic.TASKS)
        if self._ticks % SWEEP_EVERY == 0:
            await self._sweep()
        self._ticks += 1
        return 0.05 if pruned.tasks >= LIMIT else None

    async def _sweep(self) -> None:
        """Remove result files whose task does not exist, or does not name a result outside the store."""
        candidates = await self._results.orphan_candidates()
        known = await self._store.tasks(candidates) if candidates else {}
        named = {task_id for task_id, task in known.items() if task.result_ref is not None}
        await self._results.remove(frozenset(candidates) - named)
