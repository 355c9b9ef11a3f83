"""How a new task becomes what is inserted."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.model import DEFAULT_QUEUE, Task
from taskflow_hub.domain.secret_fields import masked
from taskflow_hub.store.documents import json_text
from taskflow_hub.store.values import NewTask


class Birth(Struct, frozen=True, gc=False):
    """A new task on its way into the table, with what the store adds to it; only a `seq` is missing, if it is `queued`.

    `unrouted`: nobody has registered its type yet, so the first who does takes it to the type's home queue.
    """

    new: NewTask
    queue: str
    status: State
    payload: str  # as it is stored
    run_at: datetime | None
    unrouted: bool

    def task(self, now: datetime) -> Task:
        """The task as it is right after its insert."""
        new = self.new
        return Task(
            id=new.id,
            type=new.type,
            queue=self.queue,
            priority=new.priority,
            status=self.status,
            rev=1,
            payload=masked(new.payload),
            max_retries=new.max_retries,
            retry=new.retry,
            timeout=new.timeout,
            created_at=now,
            run_at=None if self.run_at is None else self.run_at.astimezone(UTC),
            expires_at=None if new.expires_at is None else new.expires_at.astimezone(UTC),
            user_id=new.user_id,
            tags=new.tags,
            parent_id=new.parent_id,
            workflow_id=new.workflow_id,
            schedule_id=new.schedule_id,
            traceparent=new.traceparent,
        )


def queue_of(new: NewTask, homes: Mapping[str, str]) -> str:
    """`homes`: the home queue of every registered type."""
    return new.queue if new.queue is not None else homes.get(new.type, DEFAULT_QUEUE)


def birth_of(new: NewTask, index: int, homes: Mapping[str, str], now: datetime) -> Birth:
    """`index`: which task of its Submit it is. Raises Invalid when its payload is not JSON."""
    run_at = new.run_at
    if new.delay_s is not None and new.delay_s > 0:
        run_at = now + timedelta(seconds=new.delay_s)
    if new.blocked:
        status = State.BLOCKED
    elif run_at is not None and run_at > now:
        status = State.SCHEDULED
    else:
        status = State.QUEUED
    return Birth(
        new,
        queue_of(new, homes),
        status,
        json_text(new.payload, f"/tasks/{index}/payload"),
        run_at,
        new.queue is None and new.type not in homes,
    )
