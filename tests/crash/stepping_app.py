"""A hub whose handlers do something in steps, in a database of the test's own. Whoever gets where the file DIES says
(`WHERE N`) takes the file away and kills itself.

before      step N has been called, and has done nothing
acted       it has done what it does, and has not returned
asked       the store is about to keep its result
kept        that is committed, and nobody has been told
answered    the handler has the result
fixed       the end of the sleep behind step N is committed, and nobody has been told
snoozing    the store is about to put the task to sleep
snoozed     that is committed, and nobody has been told
"""

import os
import signal
import sqlite3
import threading
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from taskflow_hub import Context, Hub
from taskflow_hub.store.postgres import PostgresStore
from taskflow_hub.store.sqlite import SqliteStore

hub = Hub()
DIES = Path(os.environ["DIES"])
STEPS = 5
SLEEPS_AFTER = 3


def die(where: str, number: int) -> None:
    if DIES.exists() and DIES.read_text() == f"{where} {number}":
        DIES.unlink()
        os.kill(os.getpid(), signal.SIGKILL)
        threading.Event().wait()  # the signal is on its way


def act(ctx: Context, number: int) -> int:
    """Two rows: one whenever it acts, and one that a unique key keeps from coming twice."""
    die("before", number)
    with sqlite3.connect(os.environ["EFFECTS"], timeout=30) as effects:
        effects.execute("INSERT INTO acts VALUES (?, ?, ?)", (ctx.task.id, f"s{number}", ctx.attempt))
        effects.execute("INSERT OR IGNORE INTO once VALUES (?, ?)", (ctx.step_key, ctx.task.id))
    effects.close()
    die("acted", number)
    return number * 10


@hub.task("stepping.async")
async def in_steps(ctx: Context) -> list[int]:
    results = []
    for number in range(1, STEPS + 1):
        results.append(await ctx.step(f"s{number}", act, ctx, number))
        die("answered", number)
        if number == SLEEPS_AFTER:
            await ctx.sleep(0.2)
    return results


def in_steps_sync(ctx: Context) -> list[int]:
    results = []
    for number in range(1, STEPS + 1):
        results.append(ctx.step_sync(f"s{number}", act, ctx, number))
        die("answered", number)
        if number == SLEEPS_AFTER:
            ctx.sleep_sync(0.2)
    return results


hub.task("stepping.thread")(in_steps_sync)
hub.task("stepping.process", cpu=True)(in_steps_sync)


@hub.task("stepping.sleeper")
async def sleeper(ctx: Context, seconds: float) -> int:
    await ctx.sleep(seconds)
    return ctx.attempt


@hub.task("stepping.waiter")
async def waiter(ctx: Context) -> Any:
    return await ctx.wait_event("approved", timeout="1h")


def watch(store: type, name: str, before: str, after: str) -> None:
    """Of each call of a verb: which step it is about, and when it is committed."""
    verb: Callable[..., Awaitable[Any]] = getattr(store, name)

    async def call(self: Any, items: Sequence[Any]) -> Any:
        for item in items:
            die(before, _number(item))
        answer = await verb(self, items)
        for item in items:
            die(after, _number(item))
        return answer

    setattr(store, name, call)


def _number(item: Any) -> int:
    name = getattr(item, "name", "sleep")
    return int(name.removeprefix("s")) if name != "sleep" else SLEEPS_AFTER


for each in (PostgresStore, SqliteStore):
    watch(each, "keep_step", "asked", "kept")
    watch(each, "sleep", "asking", "fixed")
    watch(each, "snooze", "snoozing", "snoozed")
