"""One base for every background loop: subclasses write `tick`, this file owns the rest."""

import asyncio
import contextlib

import structlog


class Loop:
    """Calls `tick` until stopped.

    `tick` returns the seconds to wait before the next call, or None for `interval_s`.
    A tick that raises is logged and tried again after `interval_s`; it never ends the loop.
    `stop` lets the tick in flight finish, for at most `grace_s`, then cancels it.
    Starting twice, stopping twice and stopping before starting are all harmless.
    """

    def __init__(self, *, interval_s: float, grace_s: float = 10.0) -> None:
        self.interval_s, self.grace_s = interval_s, grace_s
        self.log = structlog.stdlib.get_logger(f"taskflow.{type(self).__name__.lower()}")
        self._task: asyncio.Task[None] | None = None
        self._wake, self._stopping = asyncio.Event(), asyncio.Event()

    async def tick(self) -> float | None:
        raise NotImplementedError

    def wake(self) -> None:
        """Run the next tick now. Safe to call often; calls before the tick starts collapse into one."""
        self._wake.set()

    async def start(self) -> None:
        if self._task is None:
            self._stopping = asyncio.Event()  # a new one, so a restart cannot revive the old run
            self._task = asyncio.create_task(self._run(self._stopping), name=type(self).__name__)

    async def stop(self) -> None:
        task, self._task = self._task, None
        if task is None:
            return
        self._stopping.set()
        self.wake()
        done, _ = await asyncio.wait({task}, timeout=self.grace_s)
        if not done:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _run(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            self._wake.clear()  # before the tick, so a wake during it is not lost
            pause_s = await self._tick_safely()
            if not stopping.is_set():
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(pause_s):
                        await self._wake.wait()

    async def _tick_safely(self) -> float:
        try:
            pause_s = await self.tick()
        except Exception:
            self.log.exception("tick failed")
            pause_s = None
        return self.interval_s if pause_s is None else pause_s
