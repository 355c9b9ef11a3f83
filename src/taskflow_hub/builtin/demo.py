"""`demo.*`: tasks that do nothing, slowly or badly, to try out the hub."""

import asyncio
from typing import Annotated, Final

from pydantic import Field

from taskflow_hub.worker.context import Context

_STEPS: Final = 100  # progress reports of a long sleep
_SHORTEST_STEP_S: Final = 0.1


class DemoFailure(Exception):
    """What `demo.fail` raises."""


async def demo_noop() -> None:
    """Do nothing and succeed."""


async def demo_sleep(
    seconds: Annotated[float, Field(ge=0, le=86_400, description="How long to sleep.", examples=[10])],
    ctx: Context,
) -> None:
    """Sleep, showing progress. Can be cancelled at any moment."""
    steps = max(1, min(_STEPS, int(seconds / _SHORTEST_STEP_S)))
    for step in range(steps):
        ctx.progress(step / steps, f"{seconds * step / steps:g} of {seconds:g} s")
        await asyncio.sleep(seconds / steps)
    ctx.progress(1.0, f"{seconds:g} s")


async def demo_fail(
    ctx: Context,
    times: Annotated[
        int | None, Field(ge=0, le=1000, description="How often to fail before succeeding; null: always.")
    ] = None,
    message: Annotated[str | None, Field(max_length=1000, description="What the error says.")] = None,
) -> None:
    """Raise an error, the given number of times or always. A redrive starts the count anew."""
    if times is None or ctx.task.retry_count < times:
        raise DemoFailure(message or "failed as asked")
    ctx.log.info("failed often enough", times=times)
