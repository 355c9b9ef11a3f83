"""Handlers that measure how many of them run at a time, across processes: each lays a file into a folder while it runs."""

import asyncio
import fcntl
import time
from pathlib import Path

from taskflow_hub import Context, Hub, Limit

hub = Hub()


@hub.task("limits.counted")
def counted(ctx: Context, folder: str, gate: str, seconds: float) -> int:
    """How many ran at its start, itself included. It goes on once the gate is open."""
    return _counted(Path(folder), ctx.task.id, gate, seconds)


@hub.task("limits.customer", limits=[Limit("customer:{customer}", running=1)])
def of_customer(ctx: Context, customer: int, folder: str, gate: str, seconds: float) -> int:
    """How many of this customer did."""
    return _counted(Path(folder, str(customer)), ctx.task.id, gate, seconds)


def _counted(folder: Path, id: str, gate: str, seconds: float) -> int:
    mark = folder / id
    mark.touch()
    try:
        found = len(list(folder.iterdir()))
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
