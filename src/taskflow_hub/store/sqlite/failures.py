"""Failures that are alike: how they are listed, and how those of an older version come to be counted."""

from typing import Final

from msgspec import Struct

from taskflow_hub.domain.fingerprint import fingerprint, signature
from taskflow_hub.domain.model import Reason, TaskError
from taskflow_hub.store.documents import to_json
from taskflow_hub.store.failing import make_place, read_place
from taskflow_hub.store.sqlite.part import Part
from taskflow_hub.store.sqlite.statements import statement
from taskflow_hub.store.sqlite.transaction import SECOND, Snapshot, Transaction, from_us, to_us
from taskflow_hub.store.values import FailureFilter, FailureGroup, FailurePage

FAILURES: Final = statement("failures")
UNGROUPED: Final = statement("ungrouped")
GROUP_FAILED: Final = statement("group_failed")
COUNT_FAILED: Final = statement("only/count_failed")


class Failures(Part):
    async def failures(
        self, account: str | None, where: FailureFilter, *, limit: int, cursor: str | None = None
    ) -> FailurePage:
        return await self._readers.read_long(_failures, account, where, limit, cursor)


class _Row(Struct, array_like=True):
    """One array of failures.sql."""

    fingerprint: str
    type: str
    count: int
    first_at: int
    last_at: int
    rank: int
    steps: list[tuple[int, int]]
    task_id: str | None
    reason: Reason | None
    error: TaskError | None

    def group(self) -> FailureGroup:
        return FailureGroup(
            fingerprint=self.fingerprint,
            type=self.type,
            count=self.count,
            first_at=from_us(self.first_at),
            last_at=from_us(self.last_at),
            last_task_id=self.task_id,
            reason=self.reason,
            error=self.error,
            steps=dict(self.steps),
        )


def failures_text(account: str | None) -> str:
    """Of an account it goes by an index; of all it cannot."""
    return FAILURES.text.replace("/* whose */", "" if account is None else "account_id = ? AND")


def _failures(
    snapshot: Snapshot, account: str | None, where: FailureFilter, limit: int, cursor: str | None
) -> FailurePage:
    before = (None, None) if cursor is None else read_place(cursor)
    queues = None if where.of_queues is None else to_json(where.of_queues)
    values = [
        *(to_us(where.since), where.step_s * SECOND, where.by_count, *before),
        *(() if account is None else (account,)),
        *(where.type, queues, queues),
        *(limit + 1, queues, queues),
    ]
    rows = snapshot.decode(list[_Row], failures_text(account), values)
    rows.sort(key=lambda row: (row.rank, row.fingerprint), reverse=True)
    more = len(rows) > limit
    rows = rows[:limit]
    next_cursor = make_place(rows[-1].rank, rows[-1].fingerprint) if more else None
    return FailurePage(tuple([row.group() for row in rows]), next_cursor)


def group_old(tx: Transaction, limit: int) -> int:
    """Give fingerprints to tasks that failed under an older version; to how many."""
    rows = tx.document(list[tuple[str, str, Reason, TaskError | None]], UNGROUPED, limit)
    if rows:
        found = [(id, fingerprint(type, signature(reason, error))) for id, type, reason, error in rows]
        tx.run_items(GROUP_FAILED, found)
        tx.run(COUNT_FAILED, to_json([id for id, _ in found]))
    return len(rows)
