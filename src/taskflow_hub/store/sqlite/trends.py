"""What the charts are drawn from."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final

from taskflow_hub.domain.attention import Lost, Missed
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.trends import step_of
from taskflow_hub.store.base_trends import Durations, Ended, Latencies, Sample, Took
from taskflow_hub.store.documents import to_json
from taskflow_hub.store.sampling import (
    ALL,
    MINUTE_S,
    Count,
    Pairs,
    SampleRow,
    added,
    by_step,
    duration_rows,
    sample_rows,
)
from taskflow_hub.store.sqlite.part import Part
from taskflow_hub.store.sqlite.statements import statement
from taskflow_hub.store.sqlite.transaction import SECOND, Snapshot, Transaction, from_us, to_us

OUTCOMES: Final = statement("outcomes")
READY_SINCE: Final = statement("ready_since")
SAMPLED: Final = statement("sampled")
SAMPLE_COUNTS: Final = statement("sample_counts")
KEEP_SAMPLES: Final = statement("keep_samples")
SAMPLES: Final = statement("samples")
TOOK: Final = statement("took")
DURATIONS: Final = statement("durations")
KEEP_DURATIONS: Final = statement("keep_durations")
LATENCIES: Final = statement("latencies")
LOST_WORKERS: Final = statement("lost_workers")
MISSED_TICKS: Final = statement("missed_ticks")
POISONED: Final = statement("poisoned")


class Trends(Part):
    async def outcomes(
        self, account: str | None, queues: Collection[str], since: datetime, step_s: int
    ) -> list[Ended]:
        return await self._readers.read_long(_outcomes, account, queues, since, step_s)

    async def ready_since(
        self, account: str | None, queues: Collection[str], limit: int
    ) -> dict[str, datetime]:
        return await self._readers.read_long(_ready_since, account, queues, limit)

    async def sample(self) -> float:
        now = self._clock()
        if not await self._readers.read(_sampled, now):
            counts = await self._readers.read_long(_counts)
            await self._writer.write(_keep_samples, sample_rows(counts, now))
        return (step_of(now, MINUTE_S) + timedelta(seconds=MINUTE_S) - self._clock()).total_seconds()

    async def samples(
        self, account: str | None, queues: Collection[str], since: datetime, step_s: int
    ) -> list[Sample]:
        return await self._readers.read_long(_samples, account, queues, since, step_s)

    async def took(self, ids: Sequence[str]) -> list[Took]:
        return await self._readers.read_long(_took, ids)

    async def add_durations(self, process: str, durations: Sequence[Durations]) -> None:
        if durations:
            await self._writer.write(_add_durations, process, durations)

    async def latencies(
        self, account: str | None, queues: Collection[str], since: datetime, step_s: int
    ) -> list[Latencies]:
        return await self._readers.read_long(_latencies, account, queues, since, step_s)

    async def lost_workers(self, since: datetime, limit: int) -> list[Lost]:
        return await self._readers.read(_lost_workers, since, limit)

    async def missed_ticks(self, account: str | None, since: datetime, limit: int) -> list[Missed]:
        return await self._readers.read_long(_missed_ticks, account, since, limit)

    async def poisoned(self, account: str | None, queues: Collection[str], since: datetime) -> int:
        return await self._readers.read_long(_poisoned, account, queues, since)


def _outcomes(
    snapshot: Snapshot, account: str | None, queues: Collection[str], since: datetime, step_s: int
) -> list[Ended]:
    values = (account, _some(queues), to_us(since), step_s * SECOND)
    rows = snapshot.document(list[tuple[int, str, State, int]], OUTCOMES, *values)
    return [Ended(from_us(at), type, status, count) for at, type, status, count in rows]


def _ready_since(
    snapshot: Snapshot, account: str | None, queues: Collection[str], limit: int
) -> dict[str, datetime]:
    rows = snapshot.document(list[tuple[str, int]], READY_SINCE, account, to_json(list(queues)), limit)
    return {queue: from_us(since) for queue, since in rows}


# --- samples ---------------------------------------------------------------------------------------------------------


def _sampled(snapshot: Snapshot, now: datetime) -> bool:
    return bool(snapshot.value(SAMPLED, to_us(step_of(now, MINUTE_S))))


def _counts(snapshot: Snapshot) -> list[Count]:
    rows = snapshot.document(list[tuple[str, str, State, int, int]], SAMPLE_COUNTS)
    return [
        Count(account, queue, status, count, from_us(oldest))
        for account, queue, status, count, oldest in rows
    ]


def _keep_samples(tx: Transaction, rows: Sequence[SampleRow]) -> None:
    items = [
        (row.account, row.queue, row.step_s, to_us(row.at), row.queued, row.running, row.oldest_s)
        for row in rows
    ]
    tx.run_items(KEEP_SAMPLES, items)


def _samples(
    snapshot: Snapshot, account: str | None, queues: Collection[str], since: datetime, step_s: int
) -> list[Sample]:
    values = (account or ALL, to_json(list(queues) or [ALL]), to_us(since), step_s)
    rows = snapshot.document(list[tuple[int, int, int, float | None]], SAMPLES, *values)
    return [Sample(from_us(at), queued, running, oldest_s) for at, queued, running, oldest_s in rows]


# --- durations -------------------------------------------------------------------------------------------------------


def _took(snapshot: Snapshot, ids: Sequence[str]) -> list[Took]:
    rows = snapshot.document(list[tuple[str, str, int, int | None, int]], TOOK, to_json(ids))
    return [
        Took(account, queue, from_us(at), None if waited is None else waited / SECOND, ran / SECOND)
        for account, queue, at, waited, ran in rows
    ]


def _add_durations(tx: Transaction, process: str, durations: Sequence[Durations]) -> None:
    rows = duration_rows(durations)
    keys = [(row.account, row.queue, row.step_s, to_us(row.at)) for row in rows]
    known = tx.document(list[tuple[Pairs | None, Pairs | None]], DURATIONS, process, to_json(keys))
    items = [
        (process, *key, to_json(added(waited, row.waited)), to_json(added(ran, row.ran)))
        for key, row, (waited, ran) in zip(keys, rows, known, strict=True)
    ]
    tx.run_items(KEEP_DURATIONS, items)


def _latencies(
    snapshot: Snapshot, account: str | None, queues: Collection[str], since: datetime, step_s: int
) -> list[Latencies]:
    values = (account or ALL, to_json(list(queues) or [ALL]), to_us(since), step_s)
    rows = snapshot.document(list[tuple[int, Pairs, Pairs]], LATENCIES, *values)
    return by_step((from_us(at), waited, ran) for at, waited, ran in rows)


# --- what went wrong -------------------------------------------------------------------------------------------------


def _lost_workers(snapshot: Snapshot, since: datetime, limit: int) -> list[Lost]:
    rows = snapshot.document(list[tuple[str, str, str]], LOST_WORKERS, to_us(since), limit)
    return [Lost(*row) for row in rows]


def _missed_ticks(snapshot: Snapshot, account: str | None, since: datetime, limit: int) -> list[Missed]:
    rows = snapshot.document(list[tuple[str, str | None, int]], MISSED_TICKS, account, to_us(since), limit)
    return [Missed(*row) for row in rows]


def _poisoned(snapshot: Snapshot, account: str | None, queues: Collection[str], since: datetime) -> int:
    found: int = snapshot.value(POISONED, account, _some(queues), to_us(since))
    return found


def _some(queues: Collection[str]) -> str | None:
    """None: every queue."""
    return to_json(list(queues)) if queues else None
