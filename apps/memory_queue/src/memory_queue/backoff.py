"""How long a task waits before it is tried again."""

import random
from collections.abc import Callable
from typing import Final

BASE_S: Final = 0.05
MAX_S: Final = 5.0
JITTER_S: Final = 0.05  # the whole width: half of it to either side


def pause_s(failed: int, chance: Callable[[], float] = random.random) -> float:
    """Seconds after the `failed`-th failed attempt: min(50 ms · 2^(n−1), 5 s) ± 25 ms, never below 0.

    The first attempt is 1; what is less counts as 1. `chance` gives a number in [0, 1).
    """
    doublings = min(max(failed, 1), 64) - 1  # far beyond MAX_S: larger powers would only be slow
    return max(0.0, min(BASE_S * 2.0**doublings, MAX_S) + (chance() - 0.5) * JITTER_S)
