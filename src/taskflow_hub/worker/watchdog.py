"""Watches, from another thread, whether an event loop still turns; names the handler that stops it."""

import asyncio
import contextlib
import faulthandler
import logging
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Final

from taskflow_hub.domain.clock import Monotonic

TICK_S: Final = 0.5  # how often to look
LAG_S: Final = 1.0  # a loop that stands this long is worth a warning
EXIT_STATUS: Final = 70
FRAMES: Final = 12  # of the standing loop's stack, in a warning

log = logging.getLogger("taskflow.worker")


class Watchdog:
    """Made on the loop to be watched; `look` is called every TICK_S in the watching thread.

    When the loop has stood for `limit_s` (None: never) every thread's stack goes to stderr and the process ends with status
    70, because a worker in that state can do no good. Time in which the watching thread did not run either (a suspended
    machine, a stopped process) does not count.
    """

    def __init__(
        self,
        limit_s: float | None,
        *,
        clock: Monotonic,
        running_type: Callable[[asyncio.Task[object] | None], str | None],
        exit_process: Callable[[int], object],
    ) -> None:
        self._limit_s, self._clock, self._running_type, self._exit = (
            limit_s,
            clock,
            running_type,
            exit_process,
        )
        self._loop, self._thread = asyncio.get_running_loop(), threading.get_ident()
        self._asked_at: float | None = None
        self._looked_at = clock()
        self._stood_s = 0.0
        self._warned = False
        self._lag_s = 0.0

    def look(self) -> None:
        now = self._clock()
        passed_s, self._looked_at = min(now - self._looked_at, 2 * TICK_S), now
        if self._asked_at is None:
            self._asked_at, self._stood_s, self._warned = now, 0.0, False
            with contextlib.suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self._turned)
            return
        self._stood_s += passed_s
        if self._stood_s >= LAG_S and not self._warned:
            self._warned = True
            log.warning("the event loop stands still: %s blocks it\n%s", self._culprit(), self._stack())
        if self._limit_s is not None and self._stood_s >= self._limit_s:
            self._end_process()

    @property
    def stood_s(self) -> float:
        """For how many seconds the loop stands still by now."""
        return self._stood_s

    def take_lag(self) -> float:
        """The longest the loop has let a callback wait since this was last asked, in seconds."""
        lag_s, self._lag_s = max(self._lag_s, self._stood_s), 0.0
        return lag_s

    def _turned(self) -> None:
        """On the watched loop."""
        asked_at = self._asked_at
        if asked_at is None:
            return
        lag_s = self._clock() - asked_at
        self._lag_s = max(self._lag_s, lag_s)
        if lag_s >= LAG_S:
            log.warning("the event loop stood still for %.1f s", lag_s)
        self._stood_s, self._asked_at = 0.0, None

    def _culprit(self) -> str:
        return self._running_type(asyncio.current_task(self._loop)) or "something other than a handler"

    def _stack(self) -> str:
        frame = sys._current_frames().get(self._thread)
        return "".join(traceback.format_stack(frame)[-FRAMES:]) if frame is not None else ""

    def _end_process(self) -> None:
        log.critical(
            "the event loop has stood still for %.0f s: %s blocks it; the process ends",
            self._stood_s,
            self._culprit(),
        )
        stderr = sys.__stderr__
        if stderr is not None:
            with contextlib.suppress(Exception):  # dying well matters less than dying
                faulthandler.dump_traceback(file=stderr, all_threads=True)
                stderr.flush()
        self._exit(EXIT_STATUS)
