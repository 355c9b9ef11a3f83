"""How long tasks waited and ran, for the charts: looked up later, beside the work, and of a sample where they are many.

On the way of a task nothing happens but that its id is put on a list. Every few seconds up to LOOKED_UP of these are chosen by
chance, all of them if there are no more; what the store knows of them is counted, each for as many as it stands for. What is on
the list when a process is killed is lost to the charts, and nothing else.
"""

import asyncio
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Final

from taskflow_hub.domain.errors import Unavailable
from taskflow_hub.domain.latency import Histogram
from taskflow_hub.domain.trends import STEPS_S, step_of
from taskflow_hub.engine.loop import Loop
from taskflow_hub.store.base_trends import Durations, Took, TrendStore

INTERVAL_S: Final = 10.0
LOOKED_UP: Final = 1_000  # so all of them, up to 100 a second
LAST_S: Final = 2.0  # so long a stop waits for the last of them
LISTED: Final = 50_000  # ids in memory; beyond that half of them are dropped, by chance


class Latencies(Loop):
    """`process`: under which name its counts are kept. `on_waited` hears how long tasks waited, each for so many."""

    def __init__(
        self,
        store: TrendStore,
        process: str,
        *,
        on_waited: Callable[[Iterable[float], int], None] = lambda _values, _times: None,
        choose: Callable[[Sequence[str], int], list[str]] = random.sample,
    ) -> None:
        super().__init__(interval_s=INTERVAL_S)
        self._store, self._process, self._choose = store, process, choose
        self._on_waited = on_waited
        self._ids: list[str] = []
        self._ended = 0

    def ended(self, ids: Sequence[str]) -> None:
        """These have just ended, and their end is committed."""
        self._ids += ids
        self._ended += len(ids)
        if len(self._ids) > LISTED:
            self._ids = self._choose(self._ids, LISTED // 2)

    async def tick(self) -> float | None:
        ids, ended = self._ids, self._ended
        self._ids, self._ended = [], 0
        try:
            await self._count(ids, ended)
        except Unavailable:
            self.ended(ids)  # the next tick tries again
            raise
        return None

    async def _count(self, ids: list[str], ended: int) -> None:
        """`ended`: how many they stand for."""
        if not ids:
            return
        chosen = ids if len(ids) <= LOOKED_UP else self._choose(ids, LOOKED_UP)
        times = max(round(ended / len(chosen)), 1)
        took = await self._store.took(chosen)
        await self._store.add_durations(self._process, _durations(took, times))
        self._on_waited([one.waited_s for one in took if one.waited_s is not None], times)

    async def stop(self) -> None:
        """What is on the list is counted, if the store takes it soon."""
        await super().stop()
        try:
            async with asyncio.timeout(LAST_S):
                await self.tick()
        except (Unavailable, TimeoutError) as error:
            self.log.warning("some durations are lost to the charts", why=str(error) or "the store is slow")


def _durations(took: Sequence[Took], times: int) -> list[Durations]:
    found: dict[tuple[str, str, datetime], list[Took]] = defaultdict(list)
    for one in took:
        found[one.account, one.queue, step_of(one.ended_at, STEPS_S[0])].append(one)
    return [
        Durations(
            *key,
            Histogram.of((one.waited_s for one in some if one.waited_s is not None), times=times),
            Histogram.of((one.ran_s for one in some), times=times),
        )
        for key, some in found.items()
    ]
