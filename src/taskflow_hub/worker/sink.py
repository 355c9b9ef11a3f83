"""What a handler says while it runs, on its way to the outbox or, where it wants an answer, to the engine.

Called from the worker's loop and from threads. Words are gathered and reported when the loop gets around to it, so a
handler that says much in a hurry costs one report.
"""

import asyncio
import concurrent.futures
import itertools
import logging
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any, Final

from msgspec.structs import replace

from taskflow_hub.domain.clock import Monotonic, utc_now
from taskflow_hub.domain.errors import Unavailable
from taskflow_hub.domain.limits import LINES_MAX
from taskflow_hub.domain.messages import (
    Asleep,
    CallFailed,
    CallOfAttempt,
    Line,
    Logged,
    Progressed,
    Reply,
    Request,
    Submit,
)
from taskflow_hub.worker.context import AttemptStopped, plain_fields
from taskflow_hub.worker.held import HeldAttempt, Stopping
from taskflow_hub.worker.outbox import Outbox
from taskflow_hub.worker.refusal import from_code

PROGRESS_S: Final = 1.0  # at most one stored in this time
RETRY_S: Final = (0.2, 5.0)  # first and longest pause between tries of a call

log = logging.getLogger("taskflow.worker")


def kind_of(call: CallOfAttempt) -> str:
    return str(call.__struct_config__.tag)


Call = Callable[[Request], Coroutine[Any, Any, Reply]]


class AttemptSink:
    def __init__(self, held: HeldAttempt, outbox: Outbox, call: Call, clock: Monotonic) -> None:
        self._held, self._outbox, self._call, self._clock = held, outbox, call, clock
        self._loop, self._thread = asyncio.get_running_loop(), threading.get_ident()
        self._count, self._calls = itertools.count(1), itertools.count(1)
        self._lines: deque[Line] = deque()
        self._progress: tuple[float, str] | None = None
        self._progress_due = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._nudged = False
        self._waiting: set[concurrent.futures.Future[Reply]] = set()
        self.rests: list[Asleep] = []

    @property
    def stopping(self) -> bool:
        return self._held.stopping is not None

    def log(self, level: str, message: str, fields: dict[str, Any], *, at: datetime | None = None) -> None:
        n = next(self._count)
        if n > LINES_MAX:
            return
        if n == LINES_MAX:
            level, fields = "warning", {}
            message = f"an attempt may log {LINES_MAX} lines; the rest is dropped"
        secrets = self._held.secrets
        text, plain = secrets.clean(str(message)), plain_fields(fields, secrets)
        line = Line(n=n, at=at or utc_now(), level=level, message=text, fields=plain)
        self._lines.append(line)
        self._nudge()

    def progress(self, fraction: float, message: str) -> None:
        self._progress = (fraction, self._held.secrets.clean(str(message)))
        self._nudge()

    # --- calls ---

    async def ask(self, call: CallOfAttempt) -> Reply:
        call = self._stamped(call)
        if asyncio.get_running_loop() is self._loop:
            return await self._until_answered(call)
        return await asyncio.wrap_future(self._elsewhere(call))

    def ask_sync(self, call: CallOfAttempt) -> Reply:
        self.may_block()
        try:
            return self._elsewhere(self._stamped(call)).result()
        except concurrent.futures.CancelledError:
            raise AttemptStopped from None

    def may_block(self) -> None:
        if threading.get_ident() == self._thread:
            raise RuntimeError(
                "an async handler must await the method without _sync: this one would block the event loop"
            )

    def _elsewhere(self, call: CallOfAttempt) -> concurrent.futures.Future[Reply]:
        future = asyncio.run_coroutine_threadsafe(self._until_answered(call), self._loop)
        self._waiting.add(future)
        future.add_done_callback(self._waiting.discard)
        if self.stopping:
            future.cancel()
        return future

    def _stamped(self, call: CallOfAttempt) -> CallOfAttempt:
        """With whose it is. Submits are numbered in the order in which they are asked for."""
        task_id, attempt = self._held.key
        call = replace(call, worker=self._outbox.worker, id=task_id, attempt=attempt)
        return replace(call, call=next(self._calls)) if isinstance(call, Submit) else call

    async def _until_answered(self, call: CallOfAttempt) -> Reply:
        """Calls may be asked twice without harm, and an outage shall cost no retry."""
        pause_s, longest_s = RETRY_S
        if isinstance(call, Submit):
            payload = self._held.sealed_call(call.task.payload, call.call, call.task.type)
            if payload is not call.task.payload:
                call = replace(call, task=replace(call.task, payload=payload))
        while True:
            try:
                reply = await self._call(call)
                if not isinstance(reply, CallFailed):
                    return reply
                error = from_code(reply.code, reply.detail)
            except Unavailable as unavailable:
                error = unavailable
            if not isinstance(error, Unavailable):
                raise error
            log.warning("%s from %s waits: %s", kind_of(call), self._held.assignment.type, error)
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, longest_s)

    # --- on the loop ---

    def stop(self) -> None:
        """The attempt was asked to stop: end the waits of its threads."""
        for future in tuple(self._waiting):
            future.cancel()

    def flush(self, *, ending: bool = False) -> None:
        """Report what was said. `ending`: its last progress too, however soon it comes after the one before."""
        self._nudged = False
        if self._held.stopping is Stopping.STALE:
            return
        if self._lines:
            lines = tuple(self._lines.popleft() for _ in range(len(self._lines)))
            self._outbox.add(Logged(**self._outbox.stamp(self._held.key), lines=lines))
        if self._held.ended and not ending:
            self._progress = None
        if self._timer is not None and (ending or self._progress is None):
            self._timer.cancel()
            self._timer = None
        if self._progress is not None:
            self._flush_progress(self._clock() if ending else self._progress_due)

    def _flush_progress(self, due: float) -> None:
        if self._timer is not None or self._progress is None:
            return
        if (wait_s := due - self._clock()) > 0:
            self._timer = self._loop.call_later(wait_s, self._progress_is_due)
            return
        (fraction, message), self._progress = self._progress, None
        self._progress_due = self._clock() + PROGRESS_S
        self._outbox.add(Progressed(**self._outbox.stamp(self._held.key), fraction=fraction, message=message))

    def _progress_is_due(self) -> None:
        self._timer = None
        self.flush()

    def _nudge(self) -> None:
        if self._nudged:
            return
        self._nudged = True
        if threading.get_ident() == self._thread:
            self._loop.call_soon(self.flush)
        elif not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.flush)
