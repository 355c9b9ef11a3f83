"""Handlers that work in steps, alike in all three kinds; child processes import this module."""

import asyncio
import contextlib
import os
import threading
from pathlib import Path
from typing import Any

from taskflow_hub import AttemptSuspended, Context, EventTimeout, Hub

hub = Hub()
TRACE = "STEP_TRACE"  # a file: one line for each thing that was really done


def trace(word: str) -> str:
    with Path(os.environ[TRACE]).open("a") as file:
        file.write(f"{word}\n")
    return word


def order_sync(ctx: Context, fails: int = 0) -> list[Any]:
    first = ctx.step_sync("do", trace, "one")
    if ctx.task.retry_count < fails:
        ctx.step_sync("broken", broken)
    ctx.sleep_sync(0.05)
    second = ctx.step_sync("do", trace, "two")
    event = ctx.wait_event_sync("approved", timeout="1m")
    try:
        ctx.wait_event_sync("never", timeout="50ms")
    except EventTimeout as error:
        return [first, second, event, error.name, ctx.attempt]
    raise AssertionError("it came")


hub.task("order.thread")(order_sync)
hub.task("order.process", cpu=True)(order_sync)


@hub.task("order.async")
async def order(ctx: Context, fails: int = 0) -> list[Any]:
    first = await ctx.step("do", trace, "one")
    if ctx.task.retry_count < fails:
        await ctx.step("broken", broken)
    await ctx.sleep(0.05)
    second = await ctx.step("do", trace, "two")
    event = await ctx.wait_event("approved", timeout="1m")
    try:
        await ctx.wait_event("never", timeout="50ms")
    except EventTimeout as error:
        return [first, second, event, error.name, ctx.attempt]
    raise AssertionError("it came")


def broken() -> None:
    trace("broken")
    raise LookupError("not there")


# --- that catch what they should let through


def catches_sync(ctx: Context) -> str:
    try:
        ctx.sleep_sync(0.05)
    except BaseException:
        with contextlib.suppress(AttemptSuspended):
            ctx.step_sync("too soon", trace, "too soon")
        return "too soon"
    return f"in time, attempt {ctx.attempt}"


hub.task("catches.thread")(catches_sync)
hub.task("catches.process", cpu=True)(catches_sync)


@hub.task("catches.async")
async def catches(ctx: Context) -> str:
    try:
        await ctx.sleep(0.05)
    except BaseException:
        with contextlib.suppress(AttemptSuspended):
            await ctx.step("too soon", trace, "too soon")
        return "too soon"
    return f"in time, attempt {ctx.attempt}"


def fails_sync(ctx: Context) -> int:
    try:
        ctx.sleep_sync(0.05)
    except BaseException as error:
        raise LookupError("while it cleaned up") from error
    return ctx.attempt


hub.task("fails.thread")(fails_sync)
hub.task("fails.process", cpu=True)(fails_sync)


@hub.task("fails.async")
async def fails(ctx: Context) -> int:
    try:
        await ctx.sleep(0.05)
    except BaseException as error:
        raise LookupError("while it cleaned up") from error
    return ctx.attempt


# --- several at once


@hub.task("group.async")
async def group(ctx: Context) -> list[Any]:
    async with asyncio.TaskGroup() as tasks:
        slept = tasks.create_task(ctx.sleep(0.05))
        told = tasks.create_task(ctx.wait_event("approved"))
        done = tasks.create_task(ctx.step("do", trace, "beside"))
    await slept
    return [told.result(), done.result()]


# --- that hold nothing


@hub.task("sleeper.async")
async def sleeper(ctx: Context) -> str:
    await ctx.sleep("30m")
    return "awake"


def sleeper_sync(ctx: Context) -> str:
    ctx.sleep_sync("30m")
    return "awake"


hub.task("sleeper.thread")(sleeper_sync)
hub.task("sleeper.process", cpu=True)(sleeper_sync)


@hub.task("other")
def other() -> int:
    return threading.active_count()


# --- nodes of workflows


@hub.task("node.each")
async def each(n: int, size: int) -> dict[str, Any]:
    if n % 100 == 99:
        raise ValueError(f"item {n} is broken")
    return {"n": n, "text": "x" * size}


def total_sync(ctx: Context) -> list[Any]:
    """Adds up what it reads, in a step, and sleeps before it says so."""

    def read() -> list[Any]:
        found = list(ctx.inputs_sync("each"))
        assert [one.item for one in found] == list(range(len(found)))
        broken = [one.item for one in found if one.error is not None]
        return [sum(one.result["n"] for one in found if one.result), broken]

    added = ctx.step_sync("read", read)
    ctx.sleep_sync(0.05)
    return [*added, ctx.attempt]


hub.task("total.thread")(total_sync)
hub.task("total.process", cpu=True)(total_sync)
