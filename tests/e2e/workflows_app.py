"""A user's module for workflows: handlers that list, act once per call and say so in a file, sum, and fail while told to."""

import asyncio
from pathlib import Path
from typing import Any

from taskflow_hub import Context, Hub

hub = Hub()


@hub.task("app.list")
async def listing(urls: list[str]) -> dict[str, list[str]]:
    return {"urls": urls}


@hub.task("app.range")
async def counting(count: int) -> list[int]:
    return list(range(count))


@hub.task("app.store")
async def store(title: str) -> str:
    return f"stored {title}"


@hub.task("app.sum")
async def summing(values: list[Any]) -> dict[str, int]:
    return {"items": len(values), "missing": sum(one is None for one in values)}


@hub.task("app.square", max_retries=0)
async def square(n: int) -> int:
    return n * n


@hub.task("app.say")
async def say(text: Any) -> Any:
    return text


@hub.task("app.note", max_retries=0)
def note(n: int, file: str) -> int:
    """Adds a line to the file."""
    with Path(file).open("a") as lines:
        lines.write(f"{n}\n")
    return n


@hub.task("app.unless", max_retries=0)
async def unless(file: str) -> str:
    """Fails as long as this file is there."""
    if Path(file).exists():
        raise RuntimeError(f"{Path(file).name} is in the way")
    return "went through"


@hub.task("app.until")
async def until(file: str) -> str:
    """Runs until this file is there."""
    while not Path(file).exists():  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    return "seen"


@hub.task("app.parent")
async def parent(ctx: Context, children: int) -> list[str]:
    return [await ctx.submit("app.say", {"text": n}) for n in range(children)]
