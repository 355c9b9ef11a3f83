"""How many workers would be enough? A number for autoscalers, which bound and smooth it themselves."""

from collections.abc import Mapping, Sequence
from statistics import median_low
from typing import Final

from taskflow_hub.domain.holds import NO_WORKER

USUAL_SLOTS: Final = 20  # of a worker, where there is none to look at


def suggested_workers(queued: int, held: Mapping[str, int], running: int, slots: Sequence[int]) -> int:
    """So many that every task which could run now has a slot; `slots` are those of the workers that serve the queue.

    What a pause or a limit holds back gains nothing by more workers; what waits because no worker serves it does.
    """
    kept_back = sum(count for hold, count in held.items() if hold != NO_WORKER)
    size = median_low(slots) if slots else USUAL_SLOTS
    return -(-(queued - kept_back + running) // size)
