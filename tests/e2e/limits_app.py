"""Handlers that measure how many of them run at a time, across processes: each lays a file into a folder while it runs."""

import asyncio
import fcntl
import time
from pathlib import Path

from taskflow_hub import Context, Hub

hub = Hub()


@hub.task("limits.counted")
def counted(ctx: Context, folder: str, gate: str, seconds: float) -> int:
    """How many ran at its start, itself included. It goes on once the gate is open."""
    mark = Path(folder, ctx.task.id)
    mark.touch()
    try:
        found = len(list(Path(folder).iterdir()))
        with Path(gate).open() as shut:
            fcntl.flock(shut, fcntl.LOCK_SH)
        time.sleep(seconds)
        return found
    finally:
        mark.unlink()


@hub.task("limits.slow")
async def slow(seconds: float) -> None:
    await asyncio.sleep(seconds)


@hub.task("limits.quick")
async def quick() -> None: ...
