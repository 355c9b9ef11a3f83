"""Once a minute it is written down how much waits and runs, for the charts.

Every process asks, and the store sees to it that a minute has one sample: whoever is first takes it, and a process that dies is
missed by nobody.
"""

from typing import Final

from taskflow_hub.engine.loop import Loop
from taskflow_hub.store.base_trends import TrendStore

INTERVAL_S: Final = 60.0
LEAST_S: Final = 1.0  # so soon after the beginning of a minute, for clocks differ a little


class Sampler(Loop):
    def __init__(self, store: TrendStore) -> None:
        super().__init__(interval_s=INTERVAL_S)
        self._store = store

    async def tick(self) -> float | None:
        return max(await self._store.sample(), 0.0) + LEAST_S
