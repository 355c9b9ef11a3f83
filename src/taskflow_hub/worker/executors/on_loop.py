"""`async def` handlers: a task each, on the worker's own event loop."""

import asyncio
import contextvars
import inspect
import traceback
from collections.abc import Iterator
from types import CoroutineType, FrameType
from typing import Any

from taskflow_hub.worker.executors.base import Ended
from taskflow_hub.worker.held import HeldAttempt
from taskflow_hub.worker.outcome import OURS, Obeyed
from taskflow_hub.worker.runner import run_async
from taskflow_hub.worker.text import MAX_TRACEBACK


class OnLoop:
    def __init__(self, ended: Ended) -> None:
        self._ended = ended
        self._loop = asyncio.get_running_loop()

    def start(self, held: HeldAttempt) -> None:
        context = None if held.trace is None else held.trace.into(contextvars.copy_context())
        held.job = self._loop.create_task(self._run(held), name=held.assignment.type, context=context)

    async def _run(self, held: HeldAttempt) -> None:
        # A task that is cancelled before its first step never runs: `stop` leaves those to this line.
        self._ended(held, Obeyed() if held.stopping is not None else await run_async(held))

    def stop(self, held: HeldAttempt) -> None:
        task: asyncio.Task[None] = held.job
        if inspect.getcoroutinestate(_coroutine(task)) != inspect.CORO_CREATED:
            task.cancel()

    def where(self, held: HeldAttempt) -> str | None:
        frames = [
            frame for frame in _frames(_coroutine(held.job)) if not frame.f_code.co_filename.startswith(OURS)
        ]
        summary = traceback.StackSummary.extract((frame, frame.f_lineno) for frame in frames)
        return held.secrets.clean("".join(summary.format()), MAX_TRACEBACK) or None

    async def close(self) -> None:
        pass


def _coroutine(task: asyncio.Task[None]) -> "CoroutineType[Any, Any, None]":
    coroutine: Any = task.get_coro()
    found: CoroutineType[Any, Any, None] = coroutine
    return found


def _frames(awaiting: Any) -> Iterator[FrameType]:
    """From the coroutine down to what it waits for."""
    while awaiting is not None:
        frame = getattr(awaiting, "cr_frame", None) or getattr(awaiting, "gi_frame", None)
        if frame is not None:
            yield frame
        awaiting = getattr(awaiting, "cr_await", None) or getattr(awaiting, "gi_yieldfrom", None)
