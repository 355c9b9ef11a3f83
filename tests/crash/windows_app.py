"""A handler that leaves a line outside the hub for each attempt: when it began, and when it has done its work."""

import asyncio
import os
from pathlib import Path

from taskflow_hub import Context, Hub

hub = Hub()
_trace = os.open(Path(os.environ["TRACE_FILE"]), os.O_WRONLY | os.O_APPEND | os.O_CREAT)


@hub.task("windows.work")
async def work(ctx: Context, seconds: float = 0.0) -> int:
    os.write(_trace, f"began {ctx.task.id} {ctx.attempt}\n".encode())
    await asyncio.sleep(seconds)
    os.write(_trace, f"done {ctx.task.id} {ctx.attempt}\n".encode())
    return ctx.attempt
