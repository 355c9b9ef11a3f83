"""Rows to the model and back: what stands in a column, and what it means."""

from msgspec import Raw, Struct

from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.model import Progress, Reason, ResultRef, Task, TaskError
from taskflow_hub.domain.retry import RetryPolicy
from taskflow_hub.domain.secret_fields import masked
from taskflow_hub.store.births import Birth
from taskflow_hub.store.documents import policy_text, to_json
from taskflow_hub.store.sqlite.transaction import from_us, to_us
from taskflow_hub.store.stated import keys_of


class TaskRow(Struct, array_like=True):
    """One array of parts/task.sql."""

    id: str
    type: str
    queue: str
    priority: int
    status: State
    rev: int
    reason: Reason | None
    hold: str | None
    payload: Raw
    attempt: int
    retry_count: int
    max_retries: int | None
    crashes: int
    retry: RetryPolicy
    timeout: float | None
    created_at: int
    run_at: int | None
    started_at: int | None
    finished_at: int | None
    expires_at: int | None
    cancel_requested_at: int | None
    progress: Progress | None
    result: tuple[Raw] | None
    result_ref: ResultRef | None
    error: TaskError | None
    user_id: str | None
    tags: tuple[str, ...]
    worker: str | None
    parent_id: str | None
    workflow_id: str | None
    schedule_id: str | None
    traceparent: str | None


def task_of(row: TaskRow) -> Task:
    return Task(
        id=row.id,
        type=row.type,
        queue=row.queue,
        priority=row.priority,
        status=row.status,
        rev=row.rev,
        reason=row.reason,
        hold=row.hold,
        payload=masked(row.payload.copy()),  # or it would keep the whole answer in memory
        attempt=row.attempt,
        retry_count=row.retry_count,
        max_retries=row.max_retries,
        crashes=row.crashes,
        retry=row.retry,
        timeout=row.timeout,
        created_at=from_us(row.created_at),
        run_at=None if row.run_at is None else from_us(row.run_at),
        started_at=None if row.started_at is None else from_us(row.started_at),
        finished_at=None if row.finished_at is None else from_us(row.finished_at),
        expires_at=None if row.expires_at is None else from_us(row.expires_at),
        cancel_requested_at=None if row.cancel_requested_at is None else from_us(row.cancel_requested_at),
        progress=row.progress,
        result=None if row.result is None else row.result[0].copy(),
        result_ref=row.result_ref,
        error=row.error,
        user_id=row.user_id,
        tags=row.tags,
        worker=row.worker,
        parent_id=row.parent_id,
        workflow_id=row.workflow_id,
        schedule_id=row.schedule_id,
        traceparent=row.traceparent,
    )


def birth_row(birth: Birth, seq: int | None, now: int) -> tuple[object, ...]:
    """The values in the order of submit.sql."""
    new = birth.new
    return (
        new.id,
        birth.status.value,  # a plain str: the driver looks twice at anything else
        new.type,
        birth.queue,
        new.priority,
        seq,
        None if new.expires_at is None else to_us(new.expires_at),
        new.timeout,
        new.max_retries,
        now,
        to_json(new.tags) if new.tags else "[]",
        new.traceparent,
        new.account_id,
        new.user_id,
        None if birth.run_at is None else to_us(birth.run_at),
        policy_text(new.retry),
        int(birth.unrouted),
        None if new.unique is None else new.unique.key,
        new.parent_id,
        new.schedule_id,
        new.workflow_id,
        to_json(keys_of(new)) if new.limits else None,
    )
