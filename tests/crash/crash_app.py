"""Handlers that leave a trace outside the hub: a line per attempt, written when its work is done."""

import asyncio
import os
import time
from pathlib import Path

from taskflow_hub import Context, Hub

hub = Hub()
_trace = os.open(Path(os.environ["TRACE_FILE"]), os.O_WRONLY | os.O_APPEND | os.O_CREAT)


def _write(ctx: Context, began: float) -> None:
    os.write(
        _trace, f"{ctx.task.id} {ctx.attempt} {began:.6f} {time.time():.6f}\n".encode()
    )  # one write: never torn


@hub.task("crash.async", timeout=60)
async def wait_async(ctx: Context, seconds: float) -> None:
    began = time.time()
    await asyncio.sleep(seconds)
    _write(ctx, began)


@hub.task("crash.thread", timeout=60)
def wait_in_thread(ctx: Context, seconds: float) -> None:
    began = time.time()
    time.sleep(seconds)
    _write(ctx, began)
