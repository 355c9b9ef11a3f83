"""The clock starts work: ticks that have come are decided and fired, and it is learned when their tasks started.

Any number of processes may do so; the store sees to it that each tick is decided once.
"""

import asyncio
import time
from collections.abc import Collection, Mapping
from typing import Final

from msgspec import Struct

from taskflow_hub.domain.clock import Monotonic
from taskflow_hub.domain.errors import TaskflowError
from taskflow_hub.engine.hints import Hints, Topic
from taskflow_hub.engine.loop import Loop
from taskflow_hub.engine.metrics import Metrics
from taskflow_hub.engine.schedule_works import ScheduleWorks
from taskflow_hub.engine.schedules import Schedules
from taskflow_hub.store.base_schedules import Place, ScheduleStore

LIMIT: Final = 1_000  # schedules, and starts, in one transaction
POLL_S: Final = 1.0  # another process may have made a schedule that is due sooner than we know
# Pauses, doubled each time: something is due, but all of it is just being decided by others; and before a schedule is looked at
# again that could not be decided here.
LOCKED_S: Final = 0.1, POLL_S
LEFT_S: Final = 0.1, 10.0
ENDED_S: Final = 0.05  # a run may have ended for which a tick waits: so soon after a hint it is looked at
STARTS_S: Final = 1.0  # how often it is asked what has started …
IDLE_S: Final = 10.0  # … while nothing is known to be about to


class _Left(Struct):
    """A schedule that could not be decided here: why, when it is looked at again, and how long it is left the next time."""

    why: str
    until: float
    pause_s: float


class Cron(Loop):
    def __init__(
        self,
        store: ScheduleStore,
        schedules: Schedules,
        works: ScheduleWorks,
        hints: Hints,
        metrics: Metrics,
        *,
        monotonic: Monotonic = time.monotonic,
    ) -> None:
        super().__init__(interval_s=POLL_S)
        self._store, self._schedules, self._works = store, schedules, works
        self._metrics, self._monotonic = metrics, monotonic
        self._waiting = False  # a tick waits for a run to end
        self._soon: asyncio.TimerHandle | None = None
        self._place: Place | None = None
        self._left: dict[str, _Left] = {}
        self._locked_s = LOCKED_S[0]
        self._ask_at = monotonic()
        hints.on(Topic.SCHEDULES, self.wake)
        hints.on(Topic.TASKS, self._changed)
        hints.on(Topic.TYPES, self._ask)

    async def tick(self) -> float | None:
        now = self._monotonic()
        passed_over = [id for id, left in self._left.items() if left.until > now]
        upcoming = await self._store.upcoming(passed_over)
        self._waiting = upcoming.waiting
        if upcoming.due:
            return await self._fire(passed_over)
        self._locked_s = LOCKED_S[0]
        if self._monotonic() >= self._ask_at:
            await self._learn_starts()
            await self._schedules.keep_secrets()
        return POLL_S if upcoming.in_s is None else min(POLL_S, upcoming.in_s)

    async def _fire(self, passed_over: Collection[str]) -> float:
        await self._works.refresh()
        fired = await self._store.fire_due(self._works.work, LIMIT, passed_over)
        self._leave(fired.left, passed_over)
        if not fired.schedules:
            pause_s, self._locked_s = self._locked_s, min(self._locked_s * 2, LOCKED_S[1])
            return 0.0 if fired.left else pause_s
        self._locked_s = LOCKED_S[0]
        self._schedules.started(fired.tasks, len(fired.workflows))
        self._metrics.ticks(fired.ticks)
        self._ask_at = min(self._ask_at, self._monotonic() + STARTS_S)
        return 0.0

    def _leave(self, left: Mapping[str, Exception], passed_over: Collection[str]) -> None:
        """Said once, until it can be decided again or something else is wrong with it."""
        now, before = self._monotonic(), self._left
        self._left = {id: before[id] for id in passed_over}
        for id, error in left.items():
            why, known = str(error), before.get(id)
            pause_s = LEFT_S[0] if known is None else known.pause_s
            self._left[id] = _Left(why, now + pause_s, min(pause_s * 2, LEFT_S[1]))
            if known is not None and known.why == why:
                continue
            if isinstance(error, TaskflowError):
                self.log.warning("a schedule cannot be decided here, and is left", schedule=id, why=why)
            else:
                self.log.error("a schedule cannot be decided, and is left", schedule=id, exc_info=error)

    async def _learn_starts(self) -> None:
        found = await self._store.learn_starts(self._place, LIMIT)
        self._place = found.after
        self._metrics.lateness((started - planned).total_seconds() for planned, started in found.started)
        busy = found.looked or found.after is not None
        self._ask_at = self._monotonic() + (STARTS_S if busy else IDLE_S)

    def _changed(self) -> None:
        """Tasks change all the time; that one has ended for which a tick waits is looked at a little later, and once."""
        if self._waiting and self._soon is None:
            self._soon = asyncio.get_running_loop().call_later(ENDED_S, self._look)

    def _ask(self) -> None:
        """Of a type whose fields are known to be secret by now, schedules may lie in the clear."""
        self._ask_at = self._monotonic()
        self.wake()

    def _look(self) -> None:
        self._soon = None
        self.wake()

    async def stop(self) -> None:
        if self._soon is not None:
            self._soon.cancel()
            self._soon = None
        await super().stop()
