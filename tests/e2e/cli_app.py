"""A user's module for the command line's tests: handlers that say hostile things, take long, and count."""

import asyncio
from pathlib import Path

from taskflow_hub import Context, Hub

hub = Hub()


@hub.task("cli.echo")
async def echo(text: str) -> dict[str, str]:
    return {"said": text}


@hub.task("cli.number")
async def number(n: int) -> int:
    return n


@hub.task("cli.fails")
async def fails(ctx: Context) -> None:
    ctx.progress(0.5, "\x1b]0;pwned\x07[red]x[/red]\u202e")
    ctx.log.warning("line\x1b[2J [bold]x[/bold]", k="\x9b31m", n=[1])
    raise ValueError("bad \x1b[31m [link=x]y[/link]")


@hub.task("cli.slow")
async def slow(ctx: Context) -> None:
    ctx.progress(0.25, "a quarter done")
    await asyncio.sleep(60)


@hub.task("cli.steps")
async def steps(ctx: Context, n: int, folder: str) -> int:
    """Each lasts until it has been seen: then there is a file with its number."""
    for step in range(1, n + 1):
        ctx.progress(step / n, f"step {step} of {n}")
        while not Path(folder, f"{step}").exists():  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    return n


@hub.task("cli.large")
async def large() -> str:
    return "x" * 100_000


@hub.task("cli.talks")
async def talks(ctx: Context) -> None:
    ctx.log.info("the first line")
    await asyncio.sleep(60)


@hub.task("cli.durable")
async def durable(ctx: Context) -> object:
    await ctx.step("hostile \x1b[31m", echo, "\x1b]0;pwned\x07")
    return await ctx.wait_event("approved", timeout="1h")
