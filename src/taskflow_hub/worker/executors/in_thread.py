"""`def` handlers: a thread each, from a pool that grows as needed and shrinks when idle.

The threads are daemons, because a handler that never returns must not keep the process from ending. Not
`ThreadPoolExecutor`: it joins its threads at exit, and it cannot say which thread runs what, which stopping needs.
"""

import asyncio
import contextlib
import contextvars
import queue
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable
from typing import Final

from taskflow_hub.worker.context import AttemptStopped
from taskflow_hub.worker.executors.base import Ended
from taskflow_hub.worker.executors.interrupt import Interrupt
from taskflow_hub.worker.held import HeldAttempt
from taskflow_hub.worker.hidden import Hidden
from taskflow_hub.worker.outcome import OURS, Obeyed, Outcome
from taskflow_hub.worker.runner import run_sync
from taskflow_hub.worker.text import MAX_TRACEBACK

AGAIN_S: Final = 0.02  # between tries of an interrupt that could not be sent
IDLE_S: Final = 30.0  # a thread that had nothing to do for so long ends


class InThread:
    def __init__(self, ended: Ended) -> None:
        self._ended = ended
        self._loop = asyncio.get_running_loop()
        self._idle: deque[tuple[float, HandlerThread]] = (
            deque()
        )  # (since, thread); the last one used goes first
        self._finished: deque[tuple[HeldAttempt, Outcome, HandlerThread]] = deque()
        self._woken = False
        self._trim_timer: asyncio.TimerHandle | None = None

    def start(self, held: HeldAttempt) -> None:
        if self._idle:
            _, thread = self._idle.pop()
        else:
            thread = HandlerThread(self._finish)
            thread.start()
        held.job = thread
        thread.inbox.put(held)

    def stop(self, held: HeldAttempt) -> None:
        thread: HandlerThread = held.job
        if not thread.interrupt(held):
            self._loop.call_later(AGAIN_S, self.stop, held)

    def where(self, held: HeldAttempt) -> str | None:
        thread: HandlerThread = held.job
        return thread.where(held.secrets)

    async def close(self) -> None:
        if self._trim_timer is not None:
            self._trim_timer.cancel()
        self._trim(idle_s=0.0)

    def _finish(self, held: HeldAttempt, outcome: Outcome, thread: "HandlerThread") -> None:
        """Called in the thread. Many ends cost the loop one wake-up."""
        self._finished.append((held, outcome, thread))
        if not self._woken:
            self._woken = True
            with contextlib.suppress(
                RuntimeError
            ):  # the loop is closed: nobody waits for a handler that ran on
                self._loop.call_soon_threadsafe(self._hand_over)

    def _hand_over(self) -> None:
        self._woken = False
        while self._finished:
            held, outcome, thread = self._finished.popleft()
            self._idle.append((self._loop.time(), thread))
            self._ended(held, outcome)
        if self._trim_timer is None:
            self._trim_timer = self._loop.call_later(IDLE_S, self._trim, IDLE_S)

    def _trim(self, idle_s: float) -> None:
        self._trim_timer = None
        while self._idle and self._idle[0][0] <= self._loop.time() - idle_s:
            self._idle.popleft()[1].inbox.put(None)
        if self._idle:
            self._trim_timer = self._loop.call_later(idle_s, self._trim, idle_s)


class HandlerThread(threading.Thread):
    """Runs one attempt after the other."""

    def __init__(self, finish: "Callable[[HeldAttempt, Outcome, HandlerThread], None]") -> None:
        super().__init__(name="taskflow-handler", daemon=True)
        self.inbox: queue.SimpleQueue[HeldAttempt | None] = queue.SimpleQueue()
        self._finish = finish
        self._interrupt = Interrupt()

    def run(self) -> None:
        while (held := self.inbox.get()) is not None:
            outcome: Outcome | None = None
            while (
                True
            ):  # an interrupt may strike at any step in here; once at most, so the second round is quiet
                try:
                    if outcome is None:
                        outcome = self._run(held)
                    self._interrupt.disarm()
                    break
                except AttemptStopped:
                    outcome = outcome or Obeyed()
            self._finish(held, outcome, self)
            del held, outcome

    def interrupt(self, held: HeldAttempt) -> bool:
        """Raise AttemptStopped in this attempt, if it still runs. False: that could not be done now; try again."""
        return self._interrupt.send(held)

    def where(self, secrets: Hidden) -> str | None:
        """The handler's part of the stack."""
        frame = sys._current_frames().get(self.ident or 0)
        if frame is None:
            return None
        steps = list(traceback.walk_stack(frame))[::-1]
        ours = [at for at, (each, _) in enumerate(steps) if each.f_code.co_filename.startswith(OURS)]
        theirs = steps[ours[-1] + 1 if ours else 0 :]
        stack = "".join(traceback.StackSummary.extract(iter(theirs)).format())
        return secrets.clean(stack, MAX_TRACEBACK) or None

    def _run(self, held: HeldAttempt) -> Outcome:
        if not self._interrupt.arm(held):
            return Obeyed()
        context = contextvars.Context()
        if held.trace is not None:
            held.trace.into(context)
        return context.run(run_sync, held)
