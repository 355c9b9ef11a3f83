"""What is kept of samples and durations: rows for an account and queue, for an account, for a queue, and for all together.

In these rows '' stands for every account, and for every queue: no account and no queue has that name. So a chart of all is read
as quickly as one of a single queue.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct

from taskflow_hub.domain.latency import Histogram
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.trends import STEPS_S, step_of
from taskflow_hub.store.base_trends import Durations, Latencies

Pairs = list[tuple[int, int]]  # a histogram as it is stored: bucket, count

ALL: Final = ""
MINUTE_S: Final = STEPS_S[0]
SAMPLED_MOST: Final = 1_000  # accounts with queues in one sample, and as many accounts, and queues


class Count(Struct, frozen=True):
    """So many tasks of an account wait in a queue, or run; `oldest`: when the oldest of them was created."""

    account: str
    queue: str
    status: State
    count: int
    oldest: datetime


class SampleRow(Struct, frozen=True):
    account: str
    queue: str
    step_s: int
    at: datetime
    queued: int
    running: int
    oldest_s: float | None


class DurationsRow(Struct, frozen=True):
    account: str
    queue: str
    step_s: int
    at: datetime
    waited: Histogram
    ran: Histogram


class _Sum:
    def __init__(self) -> None:
        self.queued = self.running = 0
        self.oldest: datetime | None = None

    def add(self, one: Count) -> None:
        if one.status is State.RUNNING:
            self.running += one.count
        else:
            self.queued += one.count
            self.oldest = one.oldest if self.oldest is None else min(self.oldest, one.oldest)


def sample_rows(counts: Iterable[Count], now: datetime) -> list[SampleRow]:
    """All that is kept of one sample. There is always a row for all together: it says that somebody was there to look."""
    sums: dict[tuple[str, str], _Sum] = defaultdict(_Sum)
    everything = sums[ALL, ALL]
    for one in counts:
        everything.add(one)
        for key in ((one.account, one.queue), (one.account, ALL), (ALL, one.queue)):
            sums[key].add(one)
    kept = [key for some in _kinds(sums) for key in _most(some, sums)]
    return [_row(key, sums[key], step_s, now) for key in kept for step_s in STEPS_S]


def duration_rows(durations: Sequence[Durations]) -> list[DurationsRow]:
    """All that these are to be added to, in the order of the key."""
    found: dict[tuple[str, str, int, datetime], list[Durations]] = defaultdict(list)
    for one in durations:
        for account in (one.account, ALL):
            for queue in (one.queue, ALL):
                for step_s in STEPS_S:
                    found[account, queue, step_s, step_of(one.at, step_s)].append(one)
    return [
        DurationsRow(
            *key, Histogram.merged(one.waited for one in some), Histogram.merged(one.ran for one in some)
        )
        for key, some in sorted(found.items(), key=lambda item: item[0])
    ]


def added(stored: Pairs | None, more: Histogram) -> Pairs:
    """What is stored then."""
    return sorted(Histogram.merged([Histogram(dict(stored or ())), more]).counts.items())


def by_step(rows: Iterable[tuple[datetime, Pairs, Pairs]]) -> list[Latencies]:
    """What the processes have stored, oldest first."""
    steps: dict[datetime, tuple[list[Histogram], list[Histogram]]] = defaultdict(lambda: ([], []))
    for at, waited, ran in rows:
        steps[at][0].append(Histogram(dict(waited)))
        steps[at][1].append(Histogram(dict(ran)))
    return [
        Latencies(at, Histogram.merged(waited), Histogram.merged(ran))
        for at, (waited, ran) in sorted(steps.items(), key=lambda item: item[0])
    ]


def _kinds(keys: Iterable[tuple[str, str]]) -> list[list[tuple[str, str]]]:
    """All together, by account, by queue, by both."""
    kinds: dict[tuple[bool, bool], list[tuple[str, str]]] = defaultdict(list)
    for key in keys:
        kinds[key[0] == ALL, key[1] == ALL].append(key)
    return list(kinds.values())


def _most(keys: list[tuple[str, str]], sums: dict[tuple[str, str], _Sum]) -> list[tuple[str, str]]:
    if len(keys) <= SAMPLED_MOST:
        return keys
    return sorted(keys, key=lambda key: (-(sums[key].queued + sums[key].running), key))[:SAMPLED_MOST]


def _row(key: tuple[str, str], one: _Sum, step_s: int, now: datetime) -> SampleRow:
    oldest_s = None if one.oldest is None else max((now - one.oldest).total_seconds(), 0.0)
    return SampleRow(*key, step_s, step_of(now, step_s), one.queued, one.running, oldest_s)
