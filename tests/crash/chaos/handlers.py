"""The handlers of the workload: each does what its payload says, and writes down that it did.

`taskflow up --app tests.crash.chaos.handlers:hub` with CHAOS_LINES, the file.
"""

import asyncio
import hashlib
import os
import select
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from tests.crash.chaos.lines import Pen, What, new_token
from tests.crash.chaos.plans import RETRY_S

from taskflow_hub import Context, Fail, Hub, RetryKind, RetryPolicy, Snooze

STEP_S: Final = 0.01  # a thread can be stopped between two of these
# Child processes import this module too, and inherit what their hub has set.
_PID: Final = int(os.environ.setdefault("CHAOS_PID", str(os.getpid())))

hub = Hub()
policy = RetryPolicy(kind=RetryKind.FIXED, base=RETRY_S, jitter=False)
pen = Pen(Path(os.environ["CHAOS_LINES"]), _PID)


class Broken(Exception):
    """What a handler raises when its payload says so; its message is a token."""


class Witness:
    """One attempt, from its start to the end of its code, on record."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._written = False

    def __enter__(self) -> "Witness":
        self._write(What.STARTED)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        if kind is not None and not self._written:
            # Only its time running out is foreseen; what was stopped for another reason comes again, or was cancelled.
            task = self._ctx.task
            self._write(What.STOPPED, last=task.timeout is not None and task.retry_count == task.max_retries)

    def answer(self, *, fails: int, gives_up: bool, snooze: float | None) -> Any:
        """What the payload asks for: a value, an exception, or one of the answers that are no value."""
        task = self._ctx.task
        token = new_token(task.id, task.attempt)
        if snooze is not None and task.attempt == 1:
            self._end(What.SNOOZED, token)
            return Snooze(seconds=snooze)
        if task.retry_count < fails:
            self._end(What.RAISED, token, last=task.retry_count == task.max_retries)
            raise Broken(token)
        if gives_up:
            self._end(What.GAVE_UP, token, last=True)
            return Fail(token)
        self._ctx.progress(1.0, token)
        self._end(What.RETURNED, token, last=True)
        return {"token": token}

    def submitted(self, id: str) -> None:
        self._write(What.SUBMITTED, token=id)

    def _end(self, what: What, token: str, *, last: bool = False) -> None:
        self._written = True
        self._write(what, token=token, last=last)

    def _write(self, what: What, *, token: str = "", last: bool = False) -> None:
        task = self._ctx.task
        pen.write(what, id=task.id, attempt=task.attempt, type=task.type, token=token, last=last)


@hub.task("chaos.async", retry=policy)
async def on_the_loop(
    ctx: Context, seconds: float, fails: int = 0, gives_up: bool = False, snooze: float | None = None
) -> Any:
    with Witness(ctx) as witness:
        ctx.progress(0.5, new_token(ctx.task.id, ctx.attempt))
        ctx.log.info("at work", attempt=ctx.attempt)
        await asyncio.sleep(seconds)
        return witness.answer(fails=fails, gives_up=gives_up, snooze=snooze)


@hub.task("chaos.thread", retry=policy)
def in_a_thread(
    ctx: Context, seconds: float, fails: int = 0, gives_up: bool = False, snooze: float | None = None
) -> Any:
    with Witness(ctx) as witness:
        _doze(seconds)
        return witness.answer(fails=fails, gives_up=gives_up, snooze=snooze)


@hub.task("chaos.cpu", cpu=True, retry=policy)
def in_a_process(ctx: Context, rounds: int) -> Any:
    with Witness(ctx) as witness:
        hashlib.pbkdf2_hmac("sha256", b"chaos", b"salt", rounds)
        return witness.answer(fails=0, gives_up=False, snooze=None)


@hub.task("chaos.parent", retry=policy)
async def of_another(ctx: Context, seconds: float) -> Any:
    with Witness(ctx) as witness:
        witness.submitted(await ctx.submit("chaos.child", {"seconds": seconds}))
        await asyncio.sleep(seconds)
        return witness.answer(fails=0, gives_up=False, snooze=None)


@hub.task("chaos.child", retry=policy)
async def by_another(ctx: Context, seconds: float) -> Any:
    with Witness(ctx) as witness:
        await asyncio.sleep(seconds)
        return witness.answer(fails=0, gives_up=False, snooze=None)


@hub.task("chaos.wait_async", retry=policy)
async def until_told_on_the_loop(ctx: Context, seconds: float) -> Any:
    with Witness(ctx) as witness:
        await asyncio.sleep(seconds)
        return witness.answer(fails=0, gives_up=False, snooze=None)


@hub.task("chaos.wait_thread", retry=policy)
def until_told_in_a_thread(ctx: Context, seconds: float) -> Any:
    with Witness(ctx) as witness:
        _doze(seconds)
        return witness.answer(fails=0, gives_up=False, snooze=None)


def _doze(seconds: float) -> None:
    """Not by time.sleep: under libfaketime 0.9.10 it fails (EINVAL), for its time is an absolute one of the monotonic clock."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        select.select((), (), (), STEP_S)
