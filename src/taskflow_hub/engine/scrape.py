"""What is looked up when Prometheus asks: how full queues are, who works, and whether the store can be asked at all.

Every process would say the same, so a query takes the `max` of them, not the sum.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from contextvars import Context
from datetime import datetime
from typing import Final, Protocol

import structlog
from msgspec import Struct
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from taskflow_hub.domain.clock import Clock
from taskflow_hub.domain.errors import Unavailable
from taskflow_hub.domain.holds import Serving
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.model import LimitInUse, Queue, QueueUse, Worker, WorkerState
from taskflow_hub.engine.depths import Counted, Depths
from taskflow_hub.engine.metrics import Described, Metrics
from taskflow_hub.store.base import LimitStore, QueueStore, WorkerStore

WAIT_S: Final = 2.0  # so long a scrape waits for the store: far less than Prometheus waits for us
log = structlog.stdlib.get_logger("taskflow.scrape")


class _Store(LimitStore, QueueStore, WorkerStore, Protocol): ...


class _Seen(Struct, frozen=True):
    counted: Counted
    queues: list[Queue]
    uses: list[QueueUse]
    limits: list[LimitInUse]
    workers: list[Worker]
    at: datetime


class Scrape(Collector):
    def __init__(self, store: _Store, clock: Clock, depths: Depths, metrics: Metrics) -> None:
        self._store, self._clock, self._depths, self._metrics = store, clock, depths, metrics
        self._seen: _Seen | None = None
        self._reachable = False
        self._looking: asyncio.Task[None] | None = None
        self._families = {
            name: (about, labels)
            for name, about, *labels in (
                (
                    "taskflow_store_reachable",
                    "1 when the last look at the store succeeded; with 0, all that is looked up is absent.",
                ),
                ("taskflow_queue_depth", "Unfinished tasks.", "queue", "status"),
                (
                    "taskflow_queue_held",
                    "Queued tasks that may not start, by what holds them.",
                    "queue",
                    "hold",
                ),
                (
                    "taskflow_queue_oldest_age_seconds",
                    "Since the submit of the oldest queued task; 0 when none is queued.",
                    "queue",
                ),
                (
                    "taskflow_queue_counted_timestamp_seconds",
                    "When depth, held and oldest age were counted: of many tasks, not for every scrape.",
                ),
                (
                    "taskflow_limit_saturation_ratio",
                    "How full, 1 being all: `max_size` and `running` of a queue; `customer:*`, the fullest such key.",
                    "queue",
                    "limit",
                ),
                ("taskflow_workers", "Workers that are alive or draining.", "state"),
                (
                    "taskflow_worker_slots",
                    "Slots of workers: busy ones, and free ones of those that are alive.",
                    "state",
                ),
            )
        }
        for name, (about, names) in self._families.items():
            metrics.described.append(Described(name, "gauge", tuple(names), about, looked_up=True))
        metrics.registry.register(self)

    async def refresh(self) -> None:
        """Look at the store. Where that takes too long, what was seen last is told, and the look goes on for the next time."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look(), name="taskflow.scrape", context=Context())
        await asyncio.wait({self._looking}, timeout=WAIT_S)

    async def close(self) -> None:
        """End a look that is under way."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.wait({self._looking})

    async def _look(self) -> None:
        try:
            self._seen = _Seen(
                counted=await self._depths.get(None),
                queues=await self._store.queues(),
                uses=await self._store.queue_uses(),
                limits=await self._store.limits_in_use(),
                workers=await self._store.workers(),
                at=self._clock(),
            )
            self._reachable = True
        except Unavailable as error:
            log.debug("the store cannot be asked for numbers", why=error.detail)
            self._seen, self._reachable = None, False
        except Exception:
            log.exception("looking for numbers failed")
            self._seen, self._reachable = None, False

    def describe(self) -> list[GaugeMetricFamily]:
        return [
            GaugeMetricFamily(name, about, labels=names) for name, (about, names) in self._families.items()
        ]

    def collect(self) -> list[GaugeMetricFamily]:
        values: dict[tuple[str, ...], float] = {("taskflow_store_reachable",): float(self._reachable)}
        if self._seen is not None:
            values |= self._of_queues(self._seen) | _of_workers(self._seen.workers)
        families = self.describe()
        for (name, *labels), value in sorted(values.items()):
            next(one for one in families if one.name == name).add_metric(labels, value)
        return families

    def _of_queues(self, seen: _Seen) -> dict[tuple[str, ...], float]:
        label = self._metrics.queue_names.label
        serving = Serving.of(seen.queues, seen.workers)
        values: dict[tuple[str, ...], float] = defaultdict(float)
        values["taskflow_queue_counted_timestamp_seconds",] = seen.counted.at.timestamp()
        for depth in seen.counted.depths:
            queue = label(depth.queue)
            values["taskflow_queue_depth", queue, depth.status] += depth.count
            age = "taskflow_queue_oldest_age_seconds", queue
            values[age] += 0.0
            if depth.status is State.QUEUED:
                values[age] = max(values[age], (seen.at - depth.oldest).total_seconds())
                if hold := serving.hold(depth.status, depth.queue, depth.type, depth.hold):
                    values["taskflow_queue_held", queue, hold.partition(":")[0]] += depth.count
        most = {queue.name: queue for queue in seen.queues}
        for use in seen.uses:
            queue, policy = label(use.name), most.get(use.name)
            for limit, used, bound in (
                ("max_size", use.waiting, policy and policy.max_size),
                ("running", use.active, policy and policy.running),
            ):
                if used is not None and bound is not None:
                    saturation = "taskflow_limit_saturation_ratio", queue, limit
                    values[saturation] = max(values[saturation], used / bound if bound else 1.0)
        for one in seen.limits:
            saturation = (
                "taskflow_limit_saturation_ratio",
                "",
                self._metrics.limit_kinds.label(_kind(one.key)),
            )
            values[saturation] = max(values[saturation], one.active / one.running if one.running else 1.0)
        return dict(values)


def _kind(key: str) -> str:
    """`customer:*` of `customer:42`: there is a key for each customer, and no label may have so many values."""
    kind, colon, _ = key.partition(":")
    return f"{kind}:*" if colon else key


def _of_workers(workers: Iterable[Worker]) -> dict[tuple[str, ...], float]:
    values: dict[tuple[str, ...], float] = {
        ("taskflow_workers", state): 0.0 for state in (WorkerState.ALIVE, WorkerState.DRAINING)
    }
    busy = free = 0
    for worker in workers:
        values["taskflow_workers", worker.state] += 1
        running = min(worker.running, worker.slots)
        busy += running
        free += worker.slots - running if worker.state is WorkerState.ALIVE else 0
    return values | {
        ("taskflow_worker_slots", "busy"): busy,
        ("taskflow_worker_slots", "free"): free,
    }
