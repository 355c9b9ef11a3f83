"""What the charts are drawn from: what ended, what waited and ran, how long it took, and what went wrong lately.

Words that hold for every method here: `account` None means everybody's, `queues` empty means every one. A step is a stretch of
`step_s` seconds, and begins at a multiple of them since 1970; where nothing is known of a step, there is nothing. Samples and
durations are kept by the steps of domain/trends.py (STEPS_S), each for as long as store/keeping.py says.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from taskflow_hub.domain.attention import Lost, Missed
from taskflow_hub.domain.latency import Histogram
from taskflow_hub.domain.lifecycle import State


class Ended(Struct, frozen=True):
    """So many tasks of a type ended like this in one step."""

    at: datetime
    type: str
    status: State
    count: int


class Sample(Struct, frozen=True):
    """The most that was seen in one step. `oldest_s`: for how long the oldest queued task had been there; None: none was."""

    at: datetime
    queued: int
    running: int
    oldest_s: float | None


class Took(Struct, frozen=True):
    """How long a task that has ended waited for its last attempt, and how long that ran. `waited_s` None: it is not known when
    it was queued."""

    account: str
    queue: str
    ended_at: datetime
    waited_s: float | None
    ran_s: float


class Durations(Struct, frozen=True):
    """How long tasks of an account and queue that ended in the minute of `at` waited and ran."""

    account: str
    queue: str
    at: datetime
    waited: Histogram
    ran: Histogram


class Latencies(Struct, frozen=True):
    """How long tasks that ended in one step waited and ran."""

    at: datetime
    waited: Histogram
    ran: Histogram


class TrendStore(Protocol):
    async def outcomes(
        self, account: str | None, queues: Collection[str], since: datetime, step_s: int
    ) -> list[Ended]:
        """What ended, by step, type and status, oldest first; from the minute rollups, so `step_s` is whole minutes."""
        ...

    async def ready_since(
        self, account: str | None, queues: Collection[str], limit: int
    ) -> dict[str, datetime]:
        """Since when the task has been due that waits the longest in each of these queues, of those that nothing holds; of the
        first `limit` of each queue. Absent: there is none."""
        ...

    async def sample(self) -> float:
        """Write down how much is queued and runs now, unless that has been done in this minute. Answers in how many seconds the
        next minute begins.

        Of every account and queue, of each account, of each queue, and of all together. At most SAMPLED_MOST accounts with
        queues (store/sampling.py), those with the most; sums count all. Any number of processes may call it.
        """
        ...

    async def samples(
        self, account: str | None, queues: Collection[str], since: datetime, step_s: int
    ) -> list[Sample]:
        """By step, oldest first; of several queues the sum. There is one for every step in which anybody took a sample, if need
        be with nothing in it."""
        ...

    async def took(self, ids: Sequence[str]) -> list[Took]:
        """Of those of these tasks that have ended and had started."""
        ...

    async def add_durations(self, process: str, durations: Sequence[Durations]) -> None:
        """Count these, too. Each process has rows of its own, so none waits for another."""
        ...

    async def latencies(
        self, account: str | None, queues: Collection[str], since: datetime, step_s: int
    ) -> list[Latencies]:
        """By step, oldest first; those of all processes together."""
        ...

    async def lost_workers(self, since: datetime, limit: int) -> list[Lost]:
        """Workers that were taken for dead, and whose process has not registered again; the last first."""
        ...

    async def missed_ticks(self, account: str | None, since: datetime, limit: int) -> list[Missed]:
        """Schedules whose ticks made no task, but for those that were missed because somebody changed it; the most first."""
        ...

    async def poisoned(self, account: str | None, queues: Collection[str], since: datetime) -> int:
        """How many tasks failed because too many workers died while they ran."""
        ...
