"""The whole hub on one page: how much waits and runs now, what ended over time, and what should be looked at.

A bounded number of statements, however many queues, types and workers there are.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol, TypeAlias

from msgspec import Struct

from taskflow_hub.domain.access import Who
from taskflow_hub.domain.attention import (
    LOOKED_BACK,
    MISSED_WITHIN,
    OLD_S,
    Seen,
    Waiting,
    attention,
)
from taskflow_hub.domain.clock import Clock
from taskflow_hub.domain.holds import Serving
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.model import Queue, QueueUse, WorkerState
from taskflow_hub.domain.trends import Range, Window
from taskflow_hub.engine.depths import Depths
from taskflow_hub.engine.overview_views import (
    Overview,
    QueueTrend,
    Totals,
    now_of,
    overview_points,
    sums,
    trend_points,
    types_of,
    worst,
)
from taskflow_hub.engine.sparing import Later, Sparing
from taskflow_hub.store.base import QueueStore, QuotaStore, WorkerStore
from taskflow_hub.store.base_trends import Ended, TrendStore
from taskflow_hub.store.values import Depth

LINES: Final = 100  # schedules, workers and queues that are looked up to be told of
LOOKED_AT: Final = 10_000  # ready tasks of a queue, to find the one that waits the longest
LATELY_S: Final = int(LOOKED_BACK / timedelta(seconds=1))


class _Store(QueueStore, WorkerStore, QuotaStore, TrendStore, Protocol): ...


_Asked: TypeAlias = tuple[str | None, tuple[str, ...], Range]  # account, queues


class _Picture(Struct, frozen=True):
    """How much there is, and since when tasks wait in queues in which one was submitted long ago."""

    depths: Sequence[Depth]
    ready_since: Mapping[str, datetime]
    at: datetime


class Overviews:
    def __init__(self, store: _Store, clock: Clock, depths: Depths, later: Later) -> None:
        self._store, self._clock, self._depths = store, clock, depths
        self._picture: Sparing[str | None, _Picture] = Sparing(self._look, later)
        # A week has ten thousand minutes, each with every type: they are not summed up for every look.
        self._outcomes: Sparing[_Asked, list[Ended]] = Sparing(self._sum_up, later)

    async def overview(self, who: Who, range_: Range) -> Overview:
        """Of the asker's account; of all, for who may look into every one. A key for some queues sees only those."""
        now = self._clock()
        window = Window.of(range_, now)
        account, these, store = who.looks_into, who.queues, self._store
        picture, queues, workers, uses = await asyncio.gather(
            self._picture.get(account), store.queues(), store.workers(), store.queue_uses()
        )
        ended, lately, samples, latencies = await asyncio.gather(
            self._outcomes.get((account, these, range_)),
            store.outcomes(account, these, now - LOOKED_BACK, LATELY_S),
            store.samples(account, these, window.start, window.step_s),
            store.latencies(account, these, window.start, window.step_s),
        )
        lost, poisoned = await asyncio.gather(
            store.lost_workers(now - LOOKED_BACK, LINES),
            store.poisoned(account, these, now - MISSED_WITHIN),
        )
        # A quota and schedules are the account's as a whole.
        quota = None if these else await store.quota(who.account_id)
        missed = [] if these else await store.missed_ticks(account, now - MISSED_WITHIN, LINES)
        mine = [depth for depth in picture.depths if not these or depth.queue in these]
        known = [queue for queue in queues if not these or queue.name in these]
        seen = Seen(
            waiting=_waiting(known, uses, mine, Serving.of(queues, workers), picture),
            workers_alive=sum(worker.state is WorkerState.ALIVE for worker in workers),
            types=types_of(lately),
            quota=quota,
            missed=missed,
            lost=lost,
            poisoned=poisoned,
        )
        return Overview(
            range=range_,
            step=window.step_s,
            from_=window.start,
            to=window.end,
            now=now_of(mine, workers, now),
            totals=Totals(**sums(ended)),
            points=overview_points(window, ended, samples, latencies),
            types=worst(types_of(ended)),
            attention=attention(seen),
        )

    async def queue(self, who: Who, name: str, range_: Range) -> QueueTrend:
        """One queue over time; one that nobody has used yet is empty. Raises Forbidden for a key that is not for it."""
        who.require_queue(name)
        window = Window.of(range_, self._clock())
        account = who.looks_into
        ended, samples = await asyncio.gather(
            self._outcomes.get((account, (name,), range_)),
            self._store.samples(account, (name,), window.start, window.step_s),
        )
        return QueueTrend(
            range=range_,
            step=window.step_s,
            from_=window.start,
            to=window.end,
            points=trend_points(window, ended, samples),
        )

    async def _sum_up(self, asked: _Asked) -> list[Ended]:
        account, queues, range_ = asked
        window = Window.of(range_, self._clock())
        return await self._store.outcomes(account, queues, window.start, window.step_s)

    async def _look(self, account: str | None) -> _Picture:
        depths, now = (await self._depths.get(account)).depths, self._clock()
        old = {
            depth.queue
            for depth in depths
            if depth.status is State.QUEUED
            and depth.hold is None
            and (now - depth.oldest).total_seconds() > OLD_S
        }
        since = await self._store.ready_since(account, sorted(old)[:LINES], LOOKED_AT) if old else {}
        return _Picture(depths, since, now)


def _waiting(
    queues: Sequence[Queue],
    uses: Sequence[QueueUse],
    depths: Sequence[Depth],
    serving: Serving,
    picture: _Picture,
) -> list[Waiting]:
    bounds = {queue.name: queue.max_size for queue in queues}
    full = {
        use.name
        for use in uses
        if use.waiting is not None and (most := bounds.get(use.name)) is not None and use.waiting >= most
    }
    queued: dict[str, int] = defaultdict(int)
    unserved: dict[str, set[str]] = defaultdict(set)
    ready: set[str] = set()  # queues in which something waits that nothing holds
    for depth in depths:
        if depth.status is not State.QUEUED:
            continue
        queued[depth.queue] += depth.count
        if not serving.served(depth.queue, depth.type):
            unserved[depth.queue].add(depth.type)
        elif serving.hold(depth.status, depth.queue, depth.type, depth.hold) is None:
            ready.add(depth.queue)
    return [
        Waiting(
            queue=name,
            queued=queued[name],
            paused=name in serving.paused,
            full=name in full,
            max_size=bounds.get(name),
            unserved=tuple(sorted(unserved[name])),
            oldest_ready_s=(picture.at - since).total_seconds()
            if name in ready and (since := picture.ready_since.get(name)) is not None
            else None,
        )
        for name in sorted({*full, *queued})
    ]
