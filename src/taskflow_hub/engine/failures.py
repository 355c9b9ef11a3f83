"""Failures that are alike, for people (docs/adr/0112)."""

from datetime import datetime, timedelta
from typing import Final

from taskflow_hub.domain.clock import Clock
from taskflow_hub.domain.failure import MESSAGE, TREND, Failure, Failures, span_since
from taskflow_hub.domain.fingerprint import where as innermost
from taskflow_hub.store.base_failures import FailureStore
from taskflow_hub.store.values import FailureFilter, FailureGroup

USUAL: Final = timedelta(days=7)


class FailureQueries:
    def __init__(self, store: FailureStore, clock: Clock) -> None:
        self._store, self._clock = store, clock

    async def page(
        self,
        account: str | None,
        *,
        since: datetime | None,
        type: str | None,
        queue: str | None,
        queues: tuple[str, ...],
        by_count: bool,
        limit: int,
        cursor: str | None,
    ) -> Failures:
        """Of all accounts, if None; of the last week, if `since` is not given. Raises Invalid for a foreign cursor."""
        now = self._clock()
        span = span_since(now - USUAL if since is None else since, now)
        step_s = int(span.step.total_seconds())
        asked = FailureFilter(
            since=span.begin, step_s=step_s, type=type, queue=queue, queues=queues, by_count=by_count
        )
        page = await self._store.failures(account, asked, limit=limit, cursor=cursor)
        items = tuple([_shown(group) for group in page.items])
        return Failures(items=items, next_cursor=page.next_cursor, begin=span.begin, to=span.end, step=step_s)


def _shown(group: FailureGroup) -> Failure:
    error = group.error
    return Failure(
        fingerprint=group.fingerprint,
        type=group.type,
        exception=group.reason or "" if error is None else error.type,
        message="" if error is None else error.message[:MESSAGE],
        where=innermost(error),
        count=group.count,
        first_seen=group.first_at,
        last_seen=group.last_at,
        last_task_id=group.last_task_id,
        trend=tuple([group.steps.get(step, 0) for step in range(TREND)]),
    )
