"""One base for every background loop: subclasses write `tick`, this file owns the rest."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

import structlog

from taskflow_hub.about import ABOUT, About
from taskflow_hub.domain.errors import Unavailable

AGAIN_S: Final = 5.0  # an outage is over when no tick meets it any more, so even a rare one looks this often


class Loop:
    """Calls `tick` until stopped.

    `tick` returns the seconds to wait before the next call, or None for `interval_s`.
    A tick that raises is logged and tried again after `interval_s`, or AGAIN_S if it met an outage and that is sooner; it never
    ends the loop.
    `stop` lets the tick in flight finish, for at most `grace_s`, then cancels it. When it returns, no tick runs.
    Starting twice, stopping twice and stopping before starting are all harmless, and two ticks never overlap.
    """

    def __init__(self, *, interval_s: float, grace_s: float = 10.0) -> None:
        self.interval_s, self.grace_s = interval_s, grace_s
        self.log = structlog.stdlib.get_logger(f"taskflow.{type(self).__name__.lower()}")
        self.on_failure: Callable[[], None] = lambda: None  # called when a tick has raised
        self.waits_for: str | None = None  # the outage that the last tick met
        self._task: asyncio.Task[None] | None = None
        self._ending: asyncio.Task[None] | None = None
        self._wake, self._stopping = asyncio.Event(), asyncio.Event()
        self._turn = asyncio.Lock()  # a run started before the last one has ended waits for it

    async def tick(self) -> float | None:
        raise NotImplementedError

    @property
    def running(self) -> bool:
        """Between `start` and `stop`."""
        return self._task is not None and not self._task.done()

    def wake(self) -> None:
        """Run the next tick now. Safe to call often; calls before the tick starts collapse into one."""
        self._wake.set()

    async def start(self) -> None:
        if self._task is None:
            self._stopping = asyncio.Event()  # a new one, so a restart cannot revive the old run
            self._task = asyncio.create_task(self._run(self._stopping), name=type(self).__name__)

    async def stop(self) -> None:
        if self._task is not None:
            self._ending, self._task = self._task, None
            self._stopping.set()
            self.wake()
        if (task := self._ending) is None or task.done():
            return
        done, _ = await asyncio.wait({task}, timeout=self.grace_s)
        if not done:
            task.cancel()
            await asyncio.wait({task})  # unlike `await task`, raises only if this call itself is cancelled

    async def _run(self, stopping: asyncio.Event) -> None:
        ABOUT.set(lambda: About({"loop": type(self).__name__}))  # also for what the store logs meanwhile
        async with self._turn:
            while not stopping.is_set():
                self._wake.clear()  # before the tick, so a wake during it is not lost
                pause_s = await self._tick_safely()
                if pause_s <= 0:
                    await asyncio.sleep(0)  # others have their turn; a timeout costs far more
                elif not stopping.is_set():
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(pause_s):
                            await self._wake.wait()

    async def _tick_safely(self) -> float:
        try:
            pause_s = await self.tick()
        except (Exception, asyncio.CancelledError) as error:
            if isinstance(error, asyncio.CancelledError) and _meant_for_us():
                raise
            self._say(error)
            self.on_failure()
            return min(self.interval_s, AGAIN_S) if isinstance(error, Unavailable) else self.interval_s
        self.waits_for = None
        return self.interval_s if pause_s is None else pause_s

    def _say(self, error: BaseException) -> None:
        """An outage is said once, until a tick succeeds again; anything else is a fault, with its traceback."""
        if not isinstance(error, Unavailable):
            self.log.error("tick failed", exc_info=error)
            return
        if self.waits_for is None:
            self.log.warning("waiting", why=error.detail)
        self.waits_for = error.detail


def _meant_for_us() -> bool:
    """Was this task cancelled, or only something that it awaited?"""
    here = asyncio.current_task()
    return here is not None and here.cancelling() > 0
