"""How late the event loop is: something blocks it, or the machine is too small."""

import time
from typing import Final

from taskflow_hub.domain.clock import Monotonic
from taskflow_hub.engine.loop import Loop
from taskflow_hub.engine.metrics import Metrics

INTERVAL_S: Final = 1.0


class Lag(Loop):
    def __init__(self, metrics: Metrics, monotonic: Monotonic = time.monotonic) -> None:
        super().__init__(interval_s=INTERVAL_S)
        self._metrics, self._monotonic = metrics, monotonic
        self._due_at: float | None = None

    async def tick(self) -> float | None:
        now = self._monotonic()
        if self._due_at is not None:
            self._metrics.loop_lag(max(now - self._due_at, 0.0))
        self._due_at = now + INTERVAL_S
        return None

    async def start(self) -> None:
        if not self.running:
            self._due_at = None  # while it was stopped nobody was late
        await super().start()
