"""What keeps the store small, and tells whether it is well."""

import asyncio
import sqlite3
from collections.abc import Mapping
from typing import Final

from taskflow_hub.domain.lifecycle import State
from taskflow_hub.store import refusals
from taskflow_hub.store.keeping import (
    BULKS_KEPT,
    FAILURES_KEPT,
    FIRES_KEPT,
    ROLLUPS_KEPT,
    TRENDS_KEPT,
    WORKERS_KEPT,
)
from taskflow_hub.store.sqlite.failures import group_old
from taskflow_hub.store.sqlite.part import Part
from taskflow_hub.store.sqlite.schema import require_current
from taskflow_hub.store.sqlite.statements import statement
from taskflow_hub.store.sqlite.tasks import delete_finished
from taskflow_hub.store.sqlite.transaction import SECOND, Transaction, to_us
from taskflow_hub.store.values import Described, News, Pruned

PRUNE_OLD: Final = statement("only/prune_old")
PRUNE_IDEMPOTENCY_KEYS: Final = statement("prune_idempotency_keys")
PRUNE_UNIQUE_KEYS: Final = statement("prune_unique_keys")
PRUNE_WORKERS: Final = statement("prune_workers")
PRUNE_ROLLUPS: Final = statement("prune_rollups")
PRUNE_SAMPLES: Final = statement("prune_samples")
PRUNE_DURATIONS: Final = statement("prune_durations")
PRUNE_BULKS: Final = statement("prune_bulks")
PRUNE_FIRES: Final = statement("prune_fires")
PRUNE_ORPHAN_FIRES: Final = statement("prune_orphan_fires")
PRUNE_FAILURES: Final = statement("only/prune_failures")
PRUNE_SESSIONS: Final = statement("prune_sessions")
PRUNE_BUCKETS: Final = statement("prune_buckets")


class Upkeep(Part):
    _heard = 0  # foreign changes that `changed` has told of

    async def prune(self, retention_s: Mapping[State, float], limit: int) -> Pruned:
        return await self._writer.write(_prune, retention_s, limit)

    async def warnings(self) -> list[str]:
        return []  # nobody else's transactions make ours slower

    async def changed(self, wait_s: float) -> News:
        """See the protocol. What changed since the last call answered ANYTHING counts too."""
        if self._writer.closed:
            raise refusals.closed()
        event = asyncio.Event()
        self._writer.watch(event)
        try:
            if self._writer.foreign_changes == self._heard:
                async with asyncio.timeout(wait_s):
                    await event.wait()
        except TimeoutError:
            return News.NOTHING
        finally:
            self._writer.unwatch(event)
        if self._writer.closed:
            raise refusals.closed()
        self._heard = self._writer.foreign_changes
        return News.ANYTHING

    async def ping(self) -> None:
        await self._readers.read(require_current)

    async def describe(self) -> Described:
        version = await self._readers.read(require_current)
        return Described(kind="sqlite", version=sqlite3.sqlite_version, schema_version=version)

    async def close(self) -> None:
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, self._writer.stop)
        await loop.run_in_executor(None, self._readers.stop)


def _prune(tx: Transaction, retention_s: Mapping[State, float], limit: int) -> Pruned:
    ids: list[str] = []
    outside: list[str] = []
    for state, keep_s in retention_s.items():
        before = tx.now - round(keep_s * SECOND)
        for id, has_ref in tx.document(list[tuple[str, int]], PRUNE_OLD, state, before, limit - len(ids)):
            ids.append(id)
            if has_ref:
                outside.append(id)
    if ids:
        delete_finished(tx, ids)
    removed = [
        len(ids),
        tx.run(PRUNE_IDEMPOTENCY_KEYS, tx.now, limit),
        tx.run(PRUNE_UNIQUE_KEYS, tx.now, limit),
        tx.run(PRUNE_SESSIONS, tx.now, limit),
        tx.run(PRUNE_BUCKETS, tx.now, limit),
        tx.run(PRUNE_WORKERS, to_us(tx.at - WORKERS_KEPT), limit),
        tx.run(PRUNE_ROLLUPS, to_us(tx.at - ROLLUPS_KEPT), limit),
        tx.run(PRUNE_BULKS, to_us(tx.at - BULKS_KEPT), limit),
        tx.run(PRUNE_FIRES, to_us(tx.at - FIRES_KEPT), limit),
        tx.run(PRUNE_ORPHAN_FIRES, limit),
        tx.run(PRUNE_FAILURES, to_us(tx.at - FAILURES_KEPT), limit),
        group_old(tx, limit),
        *[
            tx.run(sql, step_s, to_us(tx.at - kept), limit)
            for sql in (PRUNE_SAMPLES, PRUNE_DURATIONS)
            for step_s, kept in TRENDS_KEPT.items()
        ],
    ]
    return Pruned(len(ids), tuple(outside), more=max(removed) >= limit)
