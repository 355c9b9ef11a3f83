"""Handlers for the worker's tests, where a child process can import them."""

import asyncio
import contextlib
import ctypes
import functools
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from taskflow_hub.domain.errors import TooLarge
from taskflow_hub.domain.outcomes import Fail, Retry, Snooze
from taskflow_hub.worker.context import AttemptStopped, Context
from taskflow_hub.worker.handler import Handler
from taskflow_hub.worker.registry import Registry

ANSWERS: dict[str, Any] = {
    "value": {"a": [1, 2]},
    "none": None,
    "retry": Retry(7, "busy"),
    "snooze": Snooze(60),
    "fail": Fail("never"),
    "unsayable": object(),
}


class Decorated:
    """What a hub leaves in the place of a function it decorates."""

    def __init__(self, handler: Callable[..., Any]) -> None:
        self.type, self.handler = "decorated", handler


async def answer_async(what: str) -> Any:
    await asyncio.sleep(0)
    return _answer(what)


def answer_sync(what: str) -> Any:
    return _answer(what)


def _answer(what: str) -> Any:
    if what == "raise":
        raise ValueError("as asked")
    if what == "exit":
        sys.exit(3)
    return ANSWERS[what]


@Decorated
def decorated(a: int) -> int:
    return a + 1


def bound(a: int, *, b: int, c: int = 0) -> list[int]:
    return [a, b, c]


@dataclass
class Point:
    x: int
    at: Path


def typed(point: Point) -> list[str]:
    return [type(point).__name__, str(point.x), type(point.at).__name__]


def who() -> int:
    return os.getpid()


async def speak_async(ctx: Context) -> str:
    _speak(ctx)
    return await ctx.submit("other", {"by": "async"})


def speak_sync(ctx: Context) -> str:
    _speak(ctx)
    return ctx.submit_sync("other", {"by": "sync"})


def _speak(ctx: Context) -> None:
    ctx.log.info("hello", attempt=ctx.attempt, key=ctx.idempotency_key)
    ctx.progress(0.25, "a quarter")


async def hurry_async(ctx: Context) -> None:
    ctx.progress(0.4, "begun")
    await asyncio.sleep(0.01)
    ctx.progress(1.0, "done")


def hurry_sync(ctx: Context) -> None:
    ctx.progress(0.4, "begun")
    time.sleep(0.01)
    ctx.progress(1.0, "done")


def large(characters: int) -> str:
    return "x" * characters


def submit_large(ctx: Context, characters: int) -> str:
    try:
        return ctx.submit_sync("other", {"text": "x" * characters})
    except TooLarge:
        return "too large"


def chatter(ctx: Context, lines: int) -> None:
    for number in range(lines):
        ctx.log.info(str(number))
        ctx.progress(number / lines, str(number))


# --- running on ---


async def sleep_async(ctx: Context, file: str = "") -> None:
    try:
        ctx.progress(0.0, "sleeping")
        await asyncio.sleep(3600)
    finally:
        if file:
            Path(file).write_text("cleaned up")


def sleep_sync(ctx: Context, file: str = "") -> None:
    try:
        ctx.progress(0.0, "sleeping")
        while True:
            time.sleep(0.001)
    finally:
        if file:
            Path(file).write_text("cleaned up")


def polite(ctx: Context) -> str:
    """Is stopped when its work is done, and says so by a value."""
    try:
        ctx.progress(0.0, "sleeping")
        while True:
            time.sleep(0.001)
    except AttemptStopped:
        return f"done all the same, {ctx.cancelled}"


def hold_interpreter(file: str = "") -> None:
    """C code that never gives the interpreter back."""
    if file:
        Path(file).write_text(str(os.getpid()))
    sum(range(10**14))


def write_pid_and_sleep(file: str, grandchild: bool = False) -> None:
    pids = [os.getpid()]
    if grandchild:
        pids.append(subprocess.Popen(["sleep", "3600"]).pid)
    Path(file).write_text(" ".join(map(str, pids)))
    time.sleep(3600)


async def stubborn(let_go: threading.Event) -> str:
    """Swallows its cancellation, and comes back late with a value."""
    while not let_go.is_set():
        try:
            await asyncio.sleep(0.005)
        except asyncio.CancelledError:
            continue
    return "late"


# --- dying ---


def die(how: str) -> None:
    match how:
        case "exit":
            os._exit(7)
        case "segfault":
            ctypes.string_at(0)
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "hang up":
            os.closerange(3, 100)
        case "babble":
            for descriptor in range(3, 100):
                with contextlib.suppress(OSError):
                    if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                        os.write(descriptor, b"\xff" * 1000)
            time.sleep(3600)


def leave_behind(file: str) -> int:
    """Ends well, but leaves a process and a thread behind."""
    process = subprocess.Popen(["sleep", "3600"])
    threading.Thread(target=time.sleep, args=(3600,)).start()
    Path(file).write_text(str(process.pid))
    return process.pid


def fork_and_die(file: str) -> None:
    """A forked process keeps the socket to the worker open."""
    pid = os.fork()
    if pid == 0:
        time.sleep(3600)
        os._exit(0)
    Path(file).write_text(str(pid))
    os.kill(os.getpid(), signal.SIGKILL)


def eat(megabytes: int) -> int:
    globals()["eaten"] = bytearray(os.urandom(1024) * 1024 * megabytes)
    return os.getpid()


def arguments() -> list[str]:
    return sys.argv


def registry(**extra: Callable[..., Any]) -> Registry:
    """Every handler three ways, where it makes sense: `answer.async`, `answer.thread`, `answer.process`."""
    found = Registry()
    for name, on_loop, plain in (
        ("answer", answer_async, answer_sync),
        ("speak", speak_async, speak_sync),
        ("sleep", sleep_async, sleep_sync),
        ("hurry", hurry_async, hurry_sync),
    ):
        found.add(f"{name}.async", on_loop)
        found.add(f"{name}.thread", plain)
        found.add(f"{name}.process", plain, cpu=True)
    for function in (
        decorated,
        typed,
        who,
        large,
        submit_large,
        chatter,
        hold_interpreter,
        write_pid_and_sleep,
        die,
        leave_behind,
        fork_and_die,
        eat,
        arguments,
    ):
        _add(found, function)
    found.add("bound", functools.partial(bound, b=2), cpu=True)
    found.add("polite", polite)
    for name, function in extra.items():
        found.add(name, function)
    return found


def _add(found: Registry, function: Any) -> Handler:
    handler = getattr(function, "handler", function)
    return found.add(handler.__name__, handler, cpu=True)
