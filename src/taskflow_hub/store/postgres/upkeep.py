"""What keeps the store small, and tells whether it is well."""

from collections import deque
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from taskflow_hub.domain.lifecycle import State
from taskflow_hub.store.keeping import BULKS_KEPT, FIRES_KEPT, ROLLUPS_KEPT, TRENDS_KEPT, WORKERS_KEPT
from taskflow_hub.store.postgres.failures import group_old
from taskflow_hub.store.postgres.held_back import held_back
from taskflow_hub.store.postgres.history import Busy, clear, days_over, keeps_all, take_away
from taskflow_hub.store.postgres.listen import Company
from taskflow_hub.store.postgres.part import Part
from taskflow_hub.store.postgres.partitions import add_days, missing_days
from taskflow_hub.store.postgres.schema import require_current
from taskflow_hub.store.postgres.statements import statement
from taskflow_hub.store.postgres.transaction import Snapshot, Transaction, columns
from taskflow_hub.store.values import Described, News, Pruned

PRUNE_IDEMPOTENCY_KEYS: Final = statement("prune_idempotency_keys")
PRUNE_UNIQUE_LOCK: Final = statement("only/prune_unique_lock")
PRUNE_UNIQUE_KEYS: Final = statement("prune_unique_keys")
PRUNE_WORKERS: Final = statement("prune_workers")
PRUNE_ROLLUPS: Final = statement("prune_rollups")
PRUNE_SAMPLES: Final = statement("prune_samples")
PRUNE_DURATIONS: Final = statement("prune_durations")
PRUNE_BULKS: Final = statement("prune_bulks")
PRUNE_FIRES: Final = statement("prune_fires")
PRUNE_ORPHAN_FIRES: Final = statement("prune_orphan_fires")
PRUNE_SESSIONS: Final = statement("prune_sessions")
PRUNE_BUCKETS: Final = statement("prune_buckets")


class Upkeep(Part):
    _company: Company

    async def prune(self, retention_s: Mapping[State, float], limit: int) -> Pruned:
        """See the protocol. Each step is a transaction of its own; any number of processes may prune at once."""
        if await self._readers.read(missing_days):
            await self._writer.write(add_days)
        tasks, outside = await self._prune_days(retention_s, limit)
        removed = [
            tasks,
            await self._writer.write(_prune_over, PRUNE_IDEMPOTENCY_KEYS, limit),
            await self._writer.write(_prune_unique_keys, limit),
            await self._writer.write(_prune_over, PRUNE_SESSIONS, limit),
            await self._writer.write(_prune_over, PRUNE_BUCKETS, limit),
            await self._writer.write(_prune, PRUNE_WORKERS, WORKERS_KEPT, limit),
            await self._writer.write(_prune, PRUNE_ROLLUPS, ROLLUPS_KEPT, limit),
            await self._writer.write(_prune, PRUNE_BULKS, BULKS_KEPT, limit),
            await self._writer.write(_prune, PRUNE_FIRES, FIRES_KEPT, limit),
            await self._writer.write(_prune_orphans, limit),
            await self._writer.write(group_old, limit),
            *[
                await self._writer.write(_prune_trends, sql, limit)
                for sql in (PRUNE_SAMPLES, PRUNE_DURATIONS)
            ],
        ]
        return Pruned(tasks, tuple(outside), more=max(removed) >= limit)

    async def warnings(self) -> list[str]:
        return await self._readers.read(held_back)

    async def changed(self, wait_s: float) -> News:
        return await self._company.changed(wait_s)

    async def ping(self) -> None:
        await self._readers.read(require_current)

    async def describe(self) -> Described:
        return await self._readers.read(_describe)

    async def _prune_days(self, retention_s: Mapping[State, float], limit: int) -> tuple[int, list[str]]:
        """Day by day, until `limit` tasks were gone through: how many there were, and those with a result outside."""
        over = deque(await self._readers.read(days_over, retention_s))
        tasks = 0
        outside: list[str] = []
        try:
            while tasks < limit:
                cleared = await self._writer.write(clear, thoroughly=keeps_all(retention_s))
                if cleared is not None:
                    tasks += cleared.tasks
                    outside += cleared.with_result_ref
                elif over:
                    await self._writer.write(take_away, over.popleft())
                else:
                    break
        except Busy:
            pass  # the next prune tries again
        return tasks, outside


async def _describe(snapshot: Snapshot) -> Described:
    version = await require_current(snapshot)
    return Described(
        kind="postgresql", version=await snapshot.value("SHOW server_version"), schema_version=version
    )


async def _prune_over(tx: Transaction, sql: str, limit: int) -> int:
    """What carries its end with it."""
    return await tx.run(sql, tx.now, limit)


async def _prune_unique_keys(tx: Transaction, limit: int) -> int:
    locked = [tuple(row) for row in await tx.fetch(PRUNE_UNIQUE_LOCK, tx.now, limit)]
    return await tx.run(PRUNE_UNIQUE_KEYS, tx.now, *columns(locked)) if locked else 0


async def _prune(tx: Transaction, sql: str, kept: timedelta, limit: int) -> int:
    return await tx.run(sql, tx.now, kept, limit)


async def _prune_trends(tx: Transaction, sql: str, limit: int) -> int:
    """The most that was removed of one length of steps."""
    return max([await tx.run(sql, tx.now, kept, limit, step_s) for step_s, kept in TRENDS_KEPT.items()])


async def _prune_orphans(tx: Transaction, limit: int) -> int:
    return await tx.run(PRUNE_ORPHAN_FIRES, limit)
