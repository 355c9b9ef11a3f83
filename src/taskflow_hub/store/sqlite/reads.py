"""Reads for people: one statement each, so each sees one moment."""

from collections.abc import Sequence
from typing import Any, Final

from taskflow_hub.domain.limits import ATTEMPTS_SHOWN
from taskflow_hub.domain.model import Attempt, AttemptOutcome, LogLine, ResultRef, Task, TaskError
from taskflow_hub.store.documents import decoder, to_json
from taskflow_hub.store.sqlite.part import Part, read_tasks
from taskflow_hub.store.sqlite.rows import TaskRow, task_of
from taskflow_hub.store.sqlite.search import count, entries, search
from taskflow_hub.store.sqlite.statements import statement
from taskflow_hub.store.sqlite.transaction import Snapshot, from_us
from taskflow_hub.store.values import Entries, Page, TaskFilter

TASK: Final = statement("task")
RESULT_REFS: Final = statement("result_refs")
REVS: Final = statement("revs")
ATTEMPTS: Final = statement("attempts")
LOGS: Final = statement("logs")


class Reads(Part):
    async def task(self, account: str, task_id: str) -> Task | None:
        return await self._readers.read(_task, account, task_id)

    async def tasks(self, ids: Sequence[str]) -> dict[str, Task]:
        return await self._readers.read(read_tasks, ids) if ids else {}

    async def revs(self, ids: Sequence[str]) -> dict[str, int]:
        return await self._readers.read(_revs, ids) if ids else {}

    async def result_refs(self, ids: Sequence[str]) -> list[ResultRef]:
        return await self._readers.read(_result_refs, ids) if ids else []

    async def search(self, account: str, where: TaskFilter, *, limit: int, cursor: str | None = None) -> Page:
        return await self._readers.read_long(search, account, where, limit, cursor)

    async def entries(
        self, account: str, where: TaskFilter, *, limit: int, cursor: str | None = None
    ) -> Entries:
        return await self._readers.read_long(entries, account, where, limit, cursor)

    async def count(self, account: str, where: TaskFilter) -> int:
        return await self._readers.read_long(count, account, where)

    async def attempts(self, account: str, task_id: str) -> list[Attempt] | None:
        return await self._readers.read_long(_attempts, account, task_id)

    async def logs(
        self, account: str, task_id: str, *, after: tuple[int, int] = (0, 0), limit: int
    ) -> list[LogLine] | None:
        return await self._readers.read_long(_logs, account, task_id, after, limit)


def _task(snapshot: Snapshot, account: str, task_id: str) -> Task | None:
    found = snapshot.value(TASK, task_id, account)
    return None if found is None else task_of(decoder(TaskRow).decode(found))


def _revs(snapshot: Snapshot, ids: Sequence[str]) -> dict[str, int]:
    these = to_json(ids)
    return snapshot.document(dict[str, int], REVS, these, these)


def _result_refs(snapshot: Snapshot, ids: Sequence[str]) -> list[ResultRef]:
    return snapshot.document(list[ResultRef], RESULT_REFS, to_json(ids))


_AttemptRow = tuple[int, AttemptOutcome | None, int | None, int | None, str | None, TaskError | None]
_LogRow = tuple[int, int, int, str, str, dict[str, Any]]


def _attempts(snapshot: Snapshot, account: str, task_id: str) -> list[Attempt] | None:
    found = snapshot.value(ATTEMPTS, task_id, account, ATTEMPTS_SHOWN)
    if found is None:
        return None
    return [
        Attempt(
            attempt=attempt,
            outcome=outcome,
            started_at=None if started_at is None else from_us(started_at),
            ended_at=None if ended_at is None else from_us(ended_at),
            worker=worker,
            error=error,
        )
        for attempt, outcome, started_at, ended_at, worker, error in decoder(list[_AttemptRow]).decode(found)
    ]


def _logs(
    snapshot: Snapshot, account: str, task_id: str, after: tuple[int, int], limit: int
) -> list[LogLine] | None:
    found = snapshot.value(LOGS, task_id, account, *after, limit)
    if found is None:
        return None
    return [
        LogLine(attempt=attempt, n=n, at=from_us(at), level=level, message=message, fields=fields)
        for attempt, n, at, level, message, fields in decoder(list[_LogRow]).decode(found)
    ]
