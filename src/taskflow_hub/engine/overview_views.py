"""The overview and a queue's trend, as people are shown them: made of what the store answers, step by step."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from msgspec import Struct

from taskflow_hub.domain.attention import Attention, TypeEnds
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.model import Worker, WorkerState
from taskflow_hub.domain.trends import Range, Window, by_step
from taskflow_hub.store.base_trends import Ended, Latencies, Sample
from taskflow_hub.store.values import Depth

TYPES_SHOWN: Final = 10
SHARES: Final = (0.5, 0.95)


class WorkersNow(Struct, frozen=True):
    alive: int
    draining: int
    slots: int
    busy: int


class Now(Struct, frozen=True):
    """What there is at this moment."""

    queued: int
    running: int
    scheduled: int
    oldest_age: float | None  # seconds since the oldest queued task was submitted
    workers: WorkersNow


class Totals(Struct, frozen=True):
    """How many ended."""

    success: int
    failed: int
    cancelled: int


class OverviewPoint(Totals, frozen=True, kw_only=True):
    """One step. None where nothing is known: the hub was not there, or nothing ended."""

    at: datetime
    queued: int | None = None
    running: int | None = None
    oldest_age: float | None = None
    wait_p50: float | None = None
    wait_p95: float | None = None
    run_p50: float | None = None
    run_p95: float | None = None


class Overview(Struct, frozen=True, kw_only=True, rename={"from_": "from"}):
    range: Range
    step: int
    from_: datetime
    to: datetime
    now: Now
    totals: Totals
    points: tuple[OverviewPoint, ...]
    types: tuple[TypeEnds, ...]
    attention: tuple[Attention, ...]


class TrendPoint(Totals, frozen=True, kw_only=True):
    """One step of a queue. None where nothing is known: the hub was not there."""

    at: datetime
    queued: int | None = None
    running: int | None = None
    oldest_age: float | None = None


class QueueTrend(Struct, frozen=True, kw_only=True, rename={"from_": "from"}):
    range: Range
    step: int
    from_: datetime
    to: datetime
    points: tuple[TrendPoint, ...]


def _steps(
    window: Window, ended: Iterable[Ended], samples: Iterable[Sample]
) -> Iterator[tuple[datetime, list[Ended], dict[str, Any]]]:
    """What ended in each step, and the fields of its sample, if there is one."""
    found = {sample.at: sample for sample in samples}
    for at, some in by_step(window, ((one.at, one) for one in ended)).items():
        sample = found.get(at)
        sampled = (
            {}
            if sample is None
            else {"queued": sample.queued, "running": sample.running, "oldest_age": sample.oldest_s}
        )
        yield at, some, sampled


def overview_points(
    window: Window, ended: Iterable[Ended], samples: Iterable[Sample], latencies: Iterable[Latencies]
) -> tuple[OverviewPoint, ...]:
    took = {one.at: one for one in latencies}
    points = []
    for at, some, sampled in _steps(window, ended, samples):
        lasted = {} if (one := took.get(at)) is None else _percentiles(one)
        points.append(OverviewPoint(at=at, **sums(some), **sampled, **lasted))
    return tuple(points)


def _percentiles(one: Latencies) -> dict[str, Any]:
    return {
        f"{name}_p{round(share * 100)}": _rounded(histogram.percentile(share))
        for name, histogram in (("wait", one.waited), ("run", one.ran))
        for share in SHARES
    }


def _rounded(seconds: float | None) -> float | None:
    """To the tenth of a millisecond; what is known is not known that well."""
    return None if seconds is None else round(seconds, 4)


def now_of(depths: Sequence[Depth], workers: Sequence[Worker], now: datetime) -> Now:
    count: dict[State, int] = defaultdict(int)
    for depth in depths:
        count[depth.status] += depth.count
    oldest = min((d.oldest for d in depths if d.status is State.QUEUED), default=None)
    return Now(
        queued=count[State.QUEUED],
        running=count[State.RUNNING],
        scheduled=count[State.SCHEDULED],
        oldest_age=None if oldest is None else max((now - oldest).total_seconds(), 0.0),
        workers=WorkersNow(
            alive=sum(worker.state is WorkerState.ALIVE for worker in workers),
            draining=sum(worker.state is WorkerState.DRAINING for worker in workers),
            slots=sum(worker.slots for worker in workers),
            busy=sum(min(worker.running, worker.slots) for worker in workers),
        ),
    )


def sums(ended: Iterable[Ended]) -> Mapping[str, int]:
    count = {"success": 0, "failed": 0, "cancelled": 0}
    for one in ended:
        count[one.status] += one.count
    return count


def types_of(ended: Iterable[Ended]) -> list[TypeEnds]:
    by_type: dict[str, list[Ended]] = defaultdict(list)
    for one in ended:
        by_type[one.type].append(one)
    return [TypeEnds(type=type, **sums(some)) for type, some in by_type.items()]


def worst(types: Iterable[TypeEnds]) -> tuple[TypeEnds, ...]:
    """Those that failed, most failures first."""
    failed = [one for one in types if one.failed]
    return tuple(sorted(failed, key=lambda one: (-one.failed, one.type))[:TYPES_SHOWN])


def trend_points(window: Window, ended: Iterable[Ended], samples: Iterable[Sample]) -> tuple[TrendPoint, ...]:
    return tuple(
        TrendPoint(at=at, **sums(some), **sampled) for at, some, sampled in _steps(window, ended, samples)
    )
