"""Reads for people: one statement each, so each sees one moment."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.limits import ATTEMPTS_SHOWN
from taskflow_hub.domain.model import Attempt, AttemptOutcome, LogLine, ResultRef, Task, TaskError
from taskflow_hub.domain.why import LimitState
from taskflow_hub.store.documents import decoder, to_json
from taskflow_hub.store.gates import Numbers
from taskflow_hub.store.looking import limit_state
from taskflow_hub.store.sqlite.part import Part, read_tasks
from taskflow_hub.store.sqlite.rows import TaskRow, task_of
from taskflow_hub.store.sqlite.search import count, counts, entries, search
from taskflow_hub.store.sqlite.statements import statement
from taskflow_hub.store.sqlite.transaction import SECOND, Snapshot, from_us, to_us
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
        return await self._readers.read_long(_limits_of, task_id, queues, shown, self._clock())


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


def _ahead(snapshot: Snapshot, task_id: str, at_most: int) -> int:
    count: int = snapshot.value(AHEAD, task_id, at_most)
    return count


# Key, whether it is one of the queue or the account, how many may run, per second, tokens, when these were counted, how many do
# run, and the first of these.
_LimitRow = tuple[str, int, int | None, float | None, float | None, int | None, int, tuple[str, ...]]


def _limits_of(
    snapshot: Snapshot, task_id: str, queues: Collection[str], shown: int, now: datetime
) -> list[LimitState]:
    rows = snapshot.document(list[_LimitRow], LIMITS_OF, task_id, to_json(sorted(queues)), shown)
    found: list[LimitState] = []
    for key, standing, running, per_second, tokens, filled_at, run, tasks in rows:
        since_s = 0.0 if filled_at is None else (to_us(now) - filled_at) / SECOND
        numbers = Numbers(running, per_second, tokens, since_s, run)
        found.append(limit_state(key, numbers, tasks, now, standing=bool(standing)))
    return found
