"""What a heartbeat tells: what the worker holds, against what the store says it runs."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from taskflow_hub.domain.messages import Held, Stop, Why
from taskflow_hub.store.values import Taken, Transit

IN_TRANSIT: Final = timedelta(seconds=10)  # for so long after a lease nobody wonders where it is
BEATS_WITHOUT: Final = 2


class Running(Struct, frozen=True):
    """An attempt this worker runs, by the books. `missing`: how many heartbeats in a row did not hold it."""

    id: str
    attempt: int
    taken: Taken
    missing: int
    leased_at: datetime
    started: bool  # `started_at` is set
    cancel: bool  # a cancel is requested
    transits: int


class Change(Struct, frozen=True):
    """What is to be written of a running task; `starts`: `started_at` becomes now."""

    id: str
    attempt: int
    taken: Taken
    missing: int
    starts: bool


class Compared(Struct, frozen=True):
    changes: tuple[Change, ...]
    stop: tuple[Stop, ...]
    undelivered: tuple[Transit, ...]


def compare(held: Sequence[Held], running: Iterable[Running], now: datetime) -> Compared:
    listed = {(item.id, item.attempt): item.started for item in held}
    owned = {(task.id, task.attempt): task for task in running}
    changes: list[Change] = []
    undelivered: list[Transit] = []
    for fence, task in owned.items():
        held_started = listed.get(fence)
        missing, taken, starts = 0, task.taken, False
        if held_started is not None:
            taken = Taken.STARTED if held_started else Taken.WAITING
            starts = held_started and not task.started
        elif now - task.leased_at > IN_TRANSIT:
            missing = min(task.missing + 1, BEATS_WITHOUT)
            if missing >= BEATS_WITHOUT:
                undelivered.append(Transit(task.id, task.attempt, task.transits))
        if (taken, missing) != (task.taken, task.missing) or starts:
            changes.append(Change(task.id, task.attempt, taken, missing, starts))
    stop = [stop for fence in listed if (stop := _stop(*fence, owned.get(fence))) is not None]
    return Compared(tuple(changes), tuple(stop), tuple(undelivered))


def _stop(id: str, attempt: int, task: Running | None) -> Stop | None:
    if task is None:
        return Stop(id, attempt, Why.STALE)
    return Stop(id, attempt, Why.CANCELLED) if task.cancel else None
