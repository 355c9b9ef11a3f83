"""When the next running attempt is out of time: one timer for all of them."""

import asyncio
import math
from collections.abc import Callable

from taskflow_hub.domain.clock import Monotonic


class Deadlines:
    """Calls `due()` at the earliest deadline watched; `due` answers the next one that still matters (None: none).

    Ended attempts are not taken out, so watching costs one comparison; a timer that fires for nothing asks `due` again.
    """

    def __init__(self, due: Callable[[], float | None], clock: Monotonic) -> None:
        self._due, self._clock = due, clock
        self._loop = asyncio.get_running_loop()
        self._at = math.inf
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, at: float) -> None:
        if at < self._at:
            self._set(at)

    def close(self) -> None:
        self._at = -math.inf
        if self._timer is not None:
            self._timer.cancel()

    def _set(self, at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._at = at
        self._timer = self._loop.call_later(max(0.0, at - self._clock()), self._fire)

    def _fire(self) -> None:
        self._timer, self._at = None, math.inf
        if (at := self._due()) is not None:
            self.watch(max(at, self._clock() + COARSE_S))


COARSE_S = 0.01  # many deadlines close together are looked at together
