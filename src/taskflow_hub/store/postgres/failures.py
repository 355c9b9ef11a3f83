"""Failures that are alike: how they are listed, and how those of an older version come to be counted."""

from typing import Final

import asyncpg

from taskflow_hub.domain.fingerprint import fingerprint, signature
from taskflow_hub.domain.model import Reason
from taskflow_hub.store.documents import decoder
from taskflow_hub.store.failing import make_place, read_place
from taskflow_hub.store.postgres.part import Part
from taskflow_hub.store.postgres.rows import error_of
from taskflow_hub.store.postgres.shard import shard
from taskflow_hub.store.postgres.statements import statement
from taskflow_hub.store.postgres.transaction import Snapshot, Transaction, columns
from taskflow_hub.store.values import FailureFilter, FailureGroup, FailurePage

FAILURES: Final = statement("failures")
UNGROUPED: Final = statement("ungrouped")
GROUP_FAILED: Final = statement("group_failed")


class Failures(Part):
    async def failures(
        self, account: str | None, where: FailureFilter, *, limit: int, cursor: str | None = None
    ) -> FailurePage:
        return await self._readers.read_long(_failures, account, where, limit, cursor)


def failures_text(account: str | None) -> str:
    """Of an account it goes by an index; of all it cannot."""
    return FAILURES.replace("/* whose */", "" if account is None else "account_id = $9::text AND")


async def _failures(
    snapshot: Snapshot, account: str | None, where: FailureFilter, limit: int, cursor: str | None
) -> FailurePage:
    before = (None, None) if cursor is None else read_place(cursor)
    whose = () if account is None else (account,)
    asked = (where.since, where.type, where.of_queues, *before, where.by_count, where.step_s)
    rows = await snapshot.fetch(failures_text(account), *asked, limit + 1, *whose)
    more = len(rows) > limit
    rows = rows[:limit]
    return FailurePage(
        tuple([_group(row) for row in rows]),
        make_place(rows[-1]["rank"], rows[-1]["fingerprint"]) if more else None,
    )


def _group(row: asyncpg.Record) -> FailureGroup:
    return FailureGroup(
        fingerprint=row["fingerprint"],
        type=row["type"],
        count=row["count"],
        first_at=row["first_at"],
        last_at=row["last_at"],
        last_task_id=row["id"],
        reason=None if row["reason"] is None else Reason(row["reason"]),
        error=error_of(row["error"]),
        steps=dict(decoder(list[tuple[int, int]]).decode(row["steps"])),
    )


async def group_old(tx: Transaction, limit: int) -> int:
    """Give fingerprints to tasks that failed under an older version; to how many."""
    rows = await tx.fetch(UNGROUPED, limit)
    if not rows:
        return 0
    found = [
        (
            row["id"],
            row["finished_at"],
            fingerprint(row["type"], signature(Reason(row["reason"]), error_of(row["error"]))),
        )
        for row in rows
    ]
    ids, times, prints = columns(found)
    counted: int = await tx.value(GROUP_FAILED, ids, shard(long=True), times, prints)
    return counted
