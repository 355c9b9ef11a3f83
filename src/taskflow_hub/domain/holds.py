"""Why a queued task is not running, as people are shown it.

The store writes only the holds that keep its ready index short (`no_worker`, `limit:KEY`, `rate:KEY`, where a scan met the
task); a paused queue, and a queue nobody scans, are read from the queue and the workers. See docs/adr/0010 and 0050.
"""

from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.model import Queue, Worker, WorkerState

PAUSED: Final = "paused"
NO_WORKER: Final = "no_worker"


def limit_full(key: str) -> str:
    """As many tasks with this key run as may."""
    return f"limit:{key}"


def rate_spent(key: str) -> str:
    """As many tasks with this key were started as may be by now."""
    return f"rate:{key}"


def serves(worker: Worker, queue: str, type_: str) -> bool:
    return type_ in worker.types and (not worker.queues or queue in worker.queues)


class Serving(Struct, frozen=True):
    """Who is open for what at one moment."""

    paused: frozenset[str]
    workers: tuple[Worker, ...]
    draining: tuple[Worker, ...] = ()

    @classmethod
    def of(cls, queues: Iterable[Queue], workers: Iterable[Worker]) -> "Serving":
        # One that drains still runs what it has, but takes nothing new: what waits, waits for another.
        known = tuple(workers)
        return cls(
            frozenset(queue.name for queue in queues if queue.paused),
            tuple(worker for worker in known if worker.state is WorkerState.ALIVE),
            tuple(worker for worker in known if worker.state is WorkerState.DRAINING),
        )

    def served(self, queue: str, type_: str) -> bool:
        return any(serves(worker, queue, type_) for worker in self.workers)

    def hold(self, status: State, queue: str, type_: str, stored: str | None) -> str | None:
        if status is not State.QUEUED:
            return None
        if queue in self.paused:
            return PAUSED
        return stored if self.served(queue, type_) else NO_WORKER
