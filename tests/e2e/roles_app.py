"""A user's module for workers on their own."""

import asyncio
import fcntl
import os
import sys
from pathlib import Path

from taskflow_hub import Context, Hub

hub = Hub()


@hub.task("roles.about")
async def about() -> dict[str, object]:
    """What this worker's process knows."""
    rooms = {".".join(name.split(".")[:2]) for name in sys.modules if name.startswith("taskflow_hub.")}
    return {
        "pid": os.getpid(),
        "rooms": sorted(rooms),
        "stores": sorted(name for name in sys.modules if name.startswith("taskflow_hub.store.")),
        # Coverage, where it measures, keeps its own books in SQLite.
        "sqlite": "sqlite3" in sys.modules and "coverage" not in sys.modules,
        "environ": sorted(name for name in os.environ if name.startswith("TASKFLOW_")),
    }


@hub.task("roles.family")
async def family(ctx: Context, children: int) -> list[str]:
    return [await ctx.submit("roles.about") for _ in range(children)]


@hub.task("roles.direct", max_retries=0)
async def direct() -> str:
    return (await hub.submit("roles.about")).id


@hub.task("roles.long")
async def long(seconds: float) -> str:
    await asyncio.sleep(seconds)
    return "slept"


@hub.task("roles.mail", queue="mail")
async def mail(n: int) -> int:
    return n


@hub.task("roles.gated")
def gated(folder: str, n: int, gate: str = "gate") -> None:
    """Say that it has started, and go on once the gate is open: tests/e2e/test_order_and_pause.py."""
    with Path(folder, "started").open("a") as said:
        said.write(f"{os.getpid()} {n}\n")
    pass_through(folder, gate)


@hub.task("roles.blocking")
async def blocking(folder: str) -> None:
    """What no async handler should do."""
    pass_through(folder)


def pass_through(folder: str, gate: str = "gate") -> None:
    with Path(folder, gate).open() as shut:
        fcntl.flock(shut, fcntl.LOCK_SH)
