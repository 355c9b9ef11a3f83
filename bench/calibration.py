"""How fast a core is at this moment: the CPU time of a loop that is always the same."""

import time
from typing import Final

STEPS: Final = 200_000
TRIES: Final = 3


def loop_ms() -> float:
    """The best of a few."""
    return min(_timed_ms() for _ in range(TRIES))


def _timed_ms() -> float:
    began = time.thread_time()
    total = 0
    for step in range(STEPS):
        total += step
    return 1000 * (time.thread_time() - began)
