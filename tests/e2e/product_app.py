"""A user's module: handlers for every way an attempt can go."""

import asyncio
import fcntl
import os
import signal
import sys
import time
from pathlib import Path

from taskflow_hub import Context, Fail, Hub, Retry, RetryKind, RetryPolicy, Snooze

hub = Hub()
LEFT: list[asyncio.Task[None]] = []
QUICK = RetryPolicy(kind=RetryKind.FIXED, base=0.3, jitter=False)


@hub.task("app.flaky", max_retries=3, retry=QUICK)
async def flaky(ctx: Context, failures: int) -> str:
    if ctx.task.retry_count < failures:
        raise ValueError(f"not yet: {ctx.task.retry_count + 1} of {failures}")
    return "done"


@hub.task("app.broken", max_retries=1, retry=QUICK)
def broken(text: str) -> None:
    raise LookupError(f"no {text} anywhere")


@hub.task("app.slow_async")
async def slow_async(seconds: float) -> str:
    await asyncio.sleep(seconds)
    return "slept"


@hub.task("app.gated")
def gated(gate: str) -> None:
    with Path(gate).open() as shut:
        fcntl.flock(shut, fcntl.LOCK_SH)


@hub.task("app.slow_thread")
def slow_thread(seconds: float) -> str:
    until = time.monotonic() + seconds
    while time.monotonic() < until:  # what ends it early is raised in here
        time.sleep(0.01)
    return "slept"


@hub.task("app.slow_process", cpu=True)
def slow_process(seconds: float) -> str:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pass
    return "spun"


@hub.task("app.dies_once", cpu=True, max_retries=1, retry=QUICK)
def dies_once(ctx: Context) -> str:
    if ctx.task.retry_count == 0:
        os.kill(os.getpid(), signal.SIGKILL)  # as the kernel does when memory runs out
    return "survived"


def gone() -> None:
    sys.exit(3)


async def going() -> None:
    gone()


@hub.task("app.leaves")
async def leaves(how: str) -> str:
    match how:
        case "callback":
            asyncio.get_running_loop().call_soon(gone)
        case "awaited":
            await asyncio.create_task(going())
        case "left":
            LEFT.append(asyncio.create_task(going()))
    await asyncio.sleep(0)
    return "went on"


@hub.task("app.gives_up", max_retries=5)
async def gives_up() -> Fail:
    return Fail("the customer has left")


@hub.task("app.again", max_retries=1, retry=QUICK)
async def again(ctx: Context) -> str | Retry:
    return Retry(after=0.1, reason="not ready") if ctx.task.retry_count == 0 else "ready"


@hub.task("app.snoozes")
async def snoozes(ctx: Context) -> str | Snooze:
    return Snooze(0.2) if ctx.attempt == 1 else f"woke in attempt {ctx.attempt}"


@hub.task("app.talks")
async def talks(ctx: Context) -> dict[str, str]:
    ctx.log.info("reading", page=1)
    ctx.progress(0.5, "page 1 of 2")
    ctx.log.warning("page 2 is empty", page=2)
    child = await ctx.submit("app.flaky", {"failures": 0})
    return {"child": child, "key": ctx.idempotency_key}


@hub.task("app.large")
async def large(size: int) -> str:
    return "x" * size


@hub.task("app.mail", queue="mail")
async def mail(n: int) -> float:
    """When it ran: dates of attempts that are reported together are no nearer than what each took."""
    return time.monotonic()
