"""An hour of work, for the pictures of a hub that has just been started: the store itself lives through it, on a clock that is
moved. What it writes down of each minute, and how long tasks waited and ran, is its own.
"""

import heapq
import math
import random
from datetime import UTC, datetime, timedelta
from typing import Final

from taskflow_hub.domain import moves
from taskflow_hub.domain.clock import new_id
from taskflow_hub.domain.messages import Assignment
from taskflow_hub.domain.model import Reason, TaskError
from taskflow_hub.engine.loops.latencies import Latencies
from taskflow_hub.store.sqlite import SqliteStore
from taskflow_hub.testing.store_contract.kit import Kit, ManualClock

SECONDS: Final = 3600
AWAY: Final = range(22 * 60, 25 * 60)  # the hub was not there
SLOTS: Final = 4
LAST: Final = SECONDS - 90
SAMPLED_AT: Final = 1  # second of a minute
TOOK_S: Final = {"image.resize": 0.7, "mail.send": 1.6, "report.build": 6.0}  # on average
QUEUES: Final = {"image.resize": "default", "mail.send": "mail", "report.build": "default"}
REFUSED: Final = TaskError(type="ConnectionRefusedError", message="mail.example.com refused the connection")


async def live_through(url: str) -> None:
    """The hour that ends now. `url`: of a SQLite database that nobody else has open."""
    clock = ManualClock()
    clock.now = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=SECONDS)
    kit = Kit(
        await SqliteStore.open(url, clock=clock), clock, lambda clock: SqliteStore.open(url, clock=clock)
    )
    try:
        await _Hour(kit).live()
    finally:
        await kit.close()


class _Hour:
    def __init__(self, kit: Kit) -> None:
        self._kit, self._store, self._clock = kit, kit.store, kit.clock
        self._latencies = Latencies(kit.store, new_id())
        self._chance = random.Random(7)
        self._running: list[tuple[datetime, str, Assignment, float]] = []  # by when they end

    async def live(self) -> None:
        worker = await self._kit.worker(*TOOK_S, slots=SLOTS)
        for second in range(SECONDS):
            if second not in AWAY:
                await self._pass(second)
                if self._clock.now.second == SAMPLED_AT:
                    await self._store.sample()
                    await self._latencies.tick()
            self._clock.advance(1.0)
        while self._running:
            self._clock.now = max(self._clock.now, self._running[0][0])
            await self._end_one()
        await self._latencies.tick()
        await self._store.retire(worker)

    async def _pass(self, second: int) -> None:
        """One second: some come, some end, and what there is room for starts."""
        for _ in range(self._how_many(second)):
            type = self._chance.choices([*TOOK_S], weights=(10, 8, 2))[0]
            await self._kit.submit(type=type, queue=QUEUES[type], max_retries=0)
        while self._running and self._running[0][0] <= self._clock.now:
            await self._end_one()
        for attempt in await self._kit.lease(limit=SLOTS):
            took_s = self._chance.expovariate(1 / TOOK_S[attempt.type])
            ends_at = self._clock.now + timedelta(seconds=took_s)
            heapq.heappush(self._running, (ends_at, attempt.id, attempt, took_s))

    async def _end_one(self) -> None:
        _, _, attempt, ran_s = heapq.heappop(self._running)
        if attempt.type == "mail.send" and self._chance.random() < 0.03:
            failed = moves.Fail(
                id=attempt.id, attempt=attempt.attempt, ran_s=ran_s, reason=Reason.HANDLER, error=REFUSED
            )
            await self._store.fail([failed])
        else:
            await self._kit.succeed(attempt, ran_s=ran_s)
        self._latencies.ended([attempt.id])

    def _how_many(self, second: int) -> int:
        """By a wave: now and then more come than can be done. In the end none, so that nothing is left."""
        if second > LAST:
            return 0
        wanted = 1.1 + 0.75 * math.sin(second / 300 - 2.2)
        return int(wanted) + (self._chance.random() < wanted % 1)
