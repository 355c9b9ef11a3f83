"""Reads for people: one statement each, so each sees one moment."""

from collections.abc import Collection, Sequence
from typing import Any, Final

from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.limits import ATTEMPTS_SHOWN
from taskflow_hub.domain.model import Attempt, AttemptOutcome, LogLine, ResultRef, Task
from taskflow_hub.domain.why import LimitState
from taskflow_hub.store.cursor import earliest_finish
from taskflow_hub.store.documents import decoder
from taskflow_hub.store.gates import Numbers
from taskflow_hub.store.looking import limit_state
from taskflow_hub.store.postgres.part import Part, read_tasks
from taskflow_hub.store.postgres.rows import error_of, result_ref_of, task_of
from taskflow_hub.store.postgres.search import count, counts, entries, search
from taskflow_hub.store.postgres.statements import statement
from taskflow_hub.store.postgres.transaction import Snapshot
from taskflow_hub.store.values import Count, Entries, Page, TaskFilter

TASK: Final = statement("task")
RESULT_REFS: Final = statement("result_refs")
REVS: Final = statement("revs")
ATTEMPTS: Final = statement("attempts")
LOGS: Final = statement("logs")
AHEAD: Final = statement("ahead")
LIMITS_OF: Final = statement("limits_of")


class Reads(Part):
    async def task(self, account: str, task_id: str) -> Task | None:
        return await self._readers.read(_task, account, task_id)

    async def tasks(self, ids: Sequence[str]) -> dict[str, Task]:
        return await self._readers.read(read_tasks, ids) if ids else {}

    async def revs(self, ids: Sequence[str]) -> dict[str, int]:
        return await self._readers.read(_revs, ids) if ids else {}

    async def result_refs(self, ids: Sequence[str]) -> list[ResultRef]:
        return await self._readers.read(_result_refs, ids) if ids else []

    async def search(
        self, account: str | None, where: TaskFilter, *, limit: int, cursor: str | None = None
    ) -> Page:
        return await self._readers.read_long(search, account, where, limit, cursor)

    async def entries(
        self, account: str, where: TaskFilter, *, limit: int, cursor: str | None = None
    ) -> Entries:
        return await self._readers.read_long(entries, account, where, limit, cursor)

    async def count(self, account: str, where: TaskFilter) -> int:
        return await self._readers.read_long(count, account, where)

    async def counts(self, account: str | None, where: TaskFilter, *, at_most: int) -> dict[State, Count]:
        return await self._readers.read_long(counts, account, where, at_most)

    async def attempts(self, account: str, task_id: str) -> list[Attempt] | None:
        return await self._readers.read_long(_attempts, account, task_id)

    async def logs(
        self, account: str, task_id: str, *, after: tuple[int, int] = (0, 0), limit: int
    ) -> list[LogLine] | None:
        return await self._readers.read_long(_logs, account, task_id, after, limit)

    async def ahead(self, task_id: str, at_most: int) -> int:
        return await self._readers.read_long(_ahead, task_id, at_most)

    async def limits_of(self, task_id: str, *, queues: Collection[str] = (), shown: int) -> list[LimitState]:
        return await self._readers.read_long(_limits_of, task_id, queues, shown)


async def _task(snapshot: Snapshot, account: str, task_id: str) -> Task | None:
    found = await snapshot.row(TASK, task_id, account, earliest_finish([task_id]))
    return None if found is None else task_of(found)


async def _revs(snapshot: Snapshot, ids: Sequence[str]) -> dict[str, int]:
    return {row["id"]: row["rev"] for row in await snapshot.fetch(REVS, ids, earliest_finish(ids))}


async def _result_refs(snapshot: Snapshot, ids: Sequence[str]) -> list[ResultRef]:
    rows = await snapshot.fetch(RESULT_REFS, ids, earliest_finish(ids))
    return [ref for row in rows if (ref := result_ref_of(row["result_ref"])) is not None]


async def _attempts(snapshot: Snapshot, account: str, task_id: str) -> list[Attempt] | None:
    rows = await snapshot.fetch(ATTEMPTS, task_id, account, earliest_finish([task_id]), ATTEMPTS_SHOWN)
    if not rows:
        return None
    return [
        Attempt(
            attempt=row["attempt"],
            outcome=None if row["outcome"] is None else AttemptOutcome(row["outcome"]),
            started_at=row["started_at"],
            ended_at=row["ended_at"],
            worker=row["worker"],
            error=error_of(row["error"]),
        )
        for row in rows
        if row["attempt"] is not None
    ]


async def _logs(
    snapshot: Snapshot, account: str, task_id: str, after: tuple[int, int], limit: int
) -> list[LogLine] | None:
    rows = await snapshot.fetch(LOGS, task_id, account, earliest_finish([task_id]), *after, limit)
    if not rows:
        return None
    fields = decoder(dict[str, Any]).decode
    return [
        LogLine(
            attempt=row["attempt"],
            n=row["n"],
            at=row["at"],
            level=row["level"],
            message=row["message"],
            fields=fields(row["fields"]),
        )
        for row in rows
        if row["n"] is not None
    ]


async def _ahead(snapshot: Snapshot, task_id: str, at_most: int) -> int:
    count: int = await snapshot.value(AHEAD, task_id, at_most)
    return count


async def _limits_of(
    snapshot: Snapshot, task_id: str, queues: Collection[str], shown: int
) -> list[LimitState]:
    rows = await snapshot.fetch(LIMITS_OF, snapshot.now, task_id, list(queues), shown)
    found: list[LimitState] = []
    for row in rows:
        since_s = row["since_s"] or 0.0
        numbers = Numbers(row["running"], row["per_second"], row["tokens"], since_s, row["run"])
        found.append(
            limit_state(row["named"], numbers, row["shown"] or (), row["at"], standing=row["standing"])
        )
    return found
