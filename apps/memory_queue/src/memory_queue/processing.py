"""What is done with a task."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Protocol

Sleep = Callable[[float], Awaitable[None]]


class ProcessingFailed(Exception):
    """This attempt failed; another may succeed."""


class Processor(Protocol):
    async def process(self, id: str, payload: bytes) -> None:
        """Make one attempt. It has succeeded when this returns, and failed when it raises anything.

        Runs on the event loop, beside other tasks and the HTTP server: what blocks goes to `asyncio.to_thread`.
        """


class RandomProcessor:
    """Simulated work of 100 to 500 ms that fails in `error_rate` percent of its attempts."""

    def __init__(self, error_rate: int, *, sleep: Sleep = asyncio.sleep) -> None:
        self._error_rate = error_rate
        self._sleep = sleep

    async def process(self, id: str, payload: bytes) -> None:
        await self._sleep(random.uniform(0.1, 0.5))
        if random.randrange(100) < self._error_rate:
            raise ProcessingFailed(id)
