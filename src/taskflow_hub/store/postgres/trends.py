"""What the charts are drawn from."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from taskflow_hub.domain.attention import Lost, Missed
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.trends import step_of
from taskflow_hub.store.base_trends import Durations, Ended, Latencies, Sample, Took
from taskflow_hub.store.cursor import earliest_finish
from taskflow_hub.store.documents import to_json
from taskflow_hub.store.postgres.part import Part
from taskflow_hub.store.postgres.statements import statement
from taskflow_hub.store.postgres.transaction import Snapshot, Transaction, columns
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

_pairs: Final = msgspec.json.Decoder(Pairs)


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
        now, there = await self._readers.read(_sampled)
        if not there:
            counts = await self._readers.read_long(_counts)
            await self._writer.write(_keep_samples, sample_rows(counts, now))
            now, _ = await self._readers.read(_sampled)
        return (step_of(now, MINUTE_S) + timedelta(seconds=MINUTE_S) - now).total_seconds()

    async def samples(
        self, account: str | None, queues: Collection[str], since: datetime, step_s: int
    ) -> list[Sample]:
        return await self._readers.read_long(_samples, account, queues, since, step_s)

    async def took(self, ids: Sequence[str]) -> list[Took]:
        return await self._readers.read_long(_took, ids) if ids else []

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


async def _outcomes(
    snapshot: Snapshot, account: str | None, queues: Collection[str], since: datetime, step_s: int
) -> list[Ended]:
    rows = await snapshot.fetch(OUTCOMES, account, list(queues) or None, since, step_s)
    return [Ended(row["at"], row["type"], State(row["status"]), row["count"]) for row in rows]


async def _ready_since(
    snapshot: Snapshot, account: str | None, queues: Collection[str], limit: int
) -> dict[str, datetime]:
    rows = await snapshot.fetch(READY_SINCE, account, list(queues), limit)
    return {row["queue"]: row["since"] for row in rows}


# --- samples ---------------------------------------------------------------------------------------------------------


async def _sampled(snapshot: Snapshot) -> tuple[datetime, bool]:
    row = await snapshot.row(SAMPLED, snapshot.now)
    assert row is not None
    return row["now"], row["there"]


async def _counts(snapshot: Snapshot) -> list[Count]:
    return [
        Count(row["account_id"], row["queue"], State(row["status"]), row["count"], row["oldest"])
        for row in await snapshot.fetch(SAMPLE_COUNTS)
    ]


async def _keep_samples(tx: Transaction, rows: Sequence[SampleRow]) -> None:
    items = [
        (row.account, row.queue, row.step_s, row.at, row.queued, row.running, row.oldest_s) for row in rows
    ]
    await tx.run(KEEP_SAMPLES, *columns(items))


async def _samples(
    snapshot: Snapshot, account: str | None, queues: Collection[str], since: datetime, step_s: int
) -> list[Sample]:
    rows = await snapshot.fetch(SAMPLES, account or ALL, list(queues) or [ALL], since, step_s)
    return [Sample(row["at"], row["queued"], row["running"], row["oldest_s"]) for row in rows]


# --- durations -------------------------------------------------------------------------------------------------------


async def _took(snapshot: Snapshot, ids: Sequence[str]) -> list[Took]:
    rows = await snapshot.fetch(TOOK, list(ids), earliest_finish(ids))
    return [
        Took(row["account_id"], row["queue"], row["ended_at"], row["waited_s"], row["ran_s"]) for row in rows
    ]


async def _add_durations(tx: Transaction, process: str, durations: Sequence[Durations]) -> None:
    rows = duration_rows(durations)
    keys = [(row.account, row.queue, row.step_s, row.at) for row in rows]
    known = await tx.fetch(DURATIONS, process, *columns(keys))
    items = [
        (*key, to_json(added(_read(old["waited"]), row.waited)), to_json(added(_read(old["ran"]), row.ran)))
        for key, row, old in zip(keys, rows, known, strict=True)
    ]
    await tx.run(KEEP_DURATIONS, process, *columns(items))


def _read(text: str | None) -> Pairs | None:
    return None if text is None else _pairs.decode(text)


async def _latencies(
    snapshot: Snapshot, account: str | None, queues: Collection[str], since: datetime, step_s: int
) -> list[Latencies]:
    rows = await snapshot.fetch(LATENCIES, account or ALL, list(queues) or [ALL], since, step_s)
    return by_step((row["at"], _pairs.decode(row["waited"]), _pairs.decode(row["ran"])) for row in rows)


# --- what went wrong -------------------------------------------------------------------------------------------------


async def _lost_workers(snapshot: Snapshot, since: datetime, limit: int) -> list[Lost]:
    rows = await snapshot.fetch(LOST_WORKERS, since, limit)
    return [Lost(row["id"], row["name"], row["host"]) for row in rows]


async def _missed_ticks(snapshot: Snapshot, account: str | None, since: datetime, limit: int) -> list[Missed]:
    rows = await snapshot.fetch(MISSED_TICKS, account, since, limit)
    return [Missed(row["schedule_id"], row["name"], row["ticks"]) for row in rows]


async def _poisoned(snapshot: Snapshot, account: str | None, queues: Collection[str], since: datetime) -> int:
    found: int = await snapshot.value(POISONED, account, list(queues) or None, since)
    return found
