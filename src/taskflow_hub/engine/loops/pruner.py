"""What has been kept long enough goes: finished tasks and workflows by outcome, and result files nobody names.

And once a minute it is said what hinders the database, for what holds back its own cleaning makes everything slower.
"""

import time
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final, Protocol, TypeVar

from taskflow_hub.domain.clock import Monotonic
from taskflow_hub.engine.hints import Hints, Topic
from taskflow_hub.engine.loop import Loop
from taskflow_hub.engine.results import FolderResults
from taskflow_hub.engine.settings import RetentionSettings
from taskflow_hub.store.base import Reads, Upkeep
from taskflow_hub.store.base_workflows import WorkflowStore

INTERVAL_S: Final = 60.0
LIMIT: Final = 500  # of each kind per transaction, so that work in progress never waits long
WORKFLOWS: Final = 100  # per tick
SWEEP_EVERY: Final = 60  # ticks

T = TypeVar("T")


class _Store(Upkeep, Reads, WorkflowStore, Protocol): ...


class Pruner(Loop):
    def __init__(
        self,
        store: _Store,
        results: FolderResults,
        hints: Hints,
        retention: RetentionSettings,
        *,
        monotonic: Monotonic = time.monotonic,
    ) -> None:
        super().__init__(interval_s=INTERVAL_S)
        self._store, self._results, self._hints = store, results, hints
        self._retention_s = retention.by_state()
        self._workflows_s = retention.of_workflows()
        self._monotonic = monotonic
        self._ticks = 0
        self._warned_at: float | None = None

    async def tick(self) -> float | None:
        await self._warn()
        pruned = await self._store.prune(self._retention_s, LIMIT)
        if pruned.with_result_ref:
            await self._results.remove(pruned.with_result_ref)
        workflows = await self._store.prune_workflows(self._workflows_s, WORKFLOWS)
        if pruned.tasks or workflows:
            self._hints.tell(Topic.TASKS, Topic.WORKFLOWS)
        if self._ticks % SWEEP_EVERY == 0:
            await self._sweep()
        self._ticks += 1
        return 0.05 if pruned.more or len(workflows) >= WORKFLOWS else None

    async def _warn(self) -> None:
        now = self._monotonic()
        if self._warned_at is None or now - self._warned_at >= INTERVAL_S:
            self._warned_at = now
            for warning in await self._store.warnings():
                self.log.warning("the database is hindered", why=warning)

    async def _sweep(self) -> None:
        """Remove old result files that their task does not name: it is gone, or its result came from another attempt."""
        old = await self._results.old_files()
        for some in batched(old.items(), LIMIT):
            kept = await self._store.result_refs(list({task_id for _, task_id in some}))
            named = {result.ref for result in kept}
            await self._results.remove_files(ref for ref, _ in some if ref not in named)


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of at most `size`. (itertools has it from Python 3.12.)"""
    rest = iter(items)
    while some := list(islice(rest, size)):
        yield some
