"""The service as a test starts it: its clock runs faster, chance is repeatable, and work can be held until SIGUSR1.

Everything else is the product: settings, HTTP, queue, signals. What it sleeps is logged before it is scaled: `sleep 0.250`.
"""

import argparse
import asyncio
import logging
import os
import random
import signal
import sys
from collections import Counter

from memory_queue import app
from memory_queue.config import from_environ
from memory_queue.processing import ProcessingFailed, RandomProcessor

parser = argparse.ArgumentParser()
parser.add_argument("--scale", type=float, default=0.0, help="how long a second takes")
parser.add_argument("--hold", choices=["work", "sleep"], help="what waits for SIGUSR1")
parser.add_argument("--failures", type=int, help="attempts of each task that fail, instead of chance")
parser.add_argument("--patience", type=float, default=60.0)
parser.add_argument("--same-signal", type=float, default=0.0)
given = parser.parse_args()
log = logging.getLogger(__name__)


class Counting:
    """Fails as often as it is told, once it may."""

    def __init__(self, may: asyncio.Event) -> None:
        self._may = may
        self._seen = Counter[str]()

    async def process(self, id: str, payload: bytes) -> None:
        if given.hold == "work":
            await self._may.wait()
        self._seen[id] += 1
        if self._seen[id] <= (given.failures or 0):
            raise ProcessingFailed(id)


async def main() -> int:
    may = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, may.set)

    async def sleep(seconds: float) -> None:
        log.info("sleep %.3f", seconds)
        if given.hold == "sleep":
            await may.wait()
        await asyncio.sleep(seconds * given.scale)

    config = from_environ(os.environ)
    counting = given.hold == "work" or given.failures is not None
    processor = Counting(may) if counting else RandomProcessor(config.error_rate, sleep=sleep)
    return await app.run(config, processor, sleep=sleep, patience_s=given.patience)


random.seed(7)
app.SAME_SIGNAL_S = given.same_signal  # type: ignore[misc]
logging.basicConfig(level=logging.INFO, format="%(message)s")
sys.exit(asyncio.run(main()))
