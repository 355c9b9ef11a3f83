"""How fast the machine is at this moment: a loop that is always the same, as a ruler for machines and for noise."""

import time
from typing import Final

STEPS: Final = 200_000
TRIES: Final = 3


def loop_ms() -> float:
    """The best of a few."""
    return min(_timed_ms() for _ in range(TRIES))


def _timed_ms() -> float:
    began = time.perf_counter()
    total = 0
    for step in range(STEPS):
        total += step
    return 1000 * (time.perf_counter() - began)
