"""Rows to the model and back: what stands in a column, and what it means."""

from functools import lru_cache
from typing import Final

import msgspec
from msgspec import Raw, Struct

from taskflow_hub.domain.errors import Invalid
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.model import Progress, Reason, ResultRef, Task, TaskError
from taskflow_hub.domain.retry import RetryPolicy
from taskflow_hub.store.sqlite.transaction import from_us, to_json, to_us
from taskflow_hub.store.values import NewTask

_check_json: Final = msgspec.json.Decoder(Raw).decode


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
        payload=row.payload.copy(),  # or it would keep the whole answer in memory
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


def json_text(raw: Raw, pointer: str) -> str:
    """A document as it is stored. It must be JSON, or it would spoil every answer it becomes part of."""
    try:
        _check_json(raw)
        return bytes(raw).decode()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid.field(pointer, f"not a JSON document: {error}") from error


policy_text = lru_cache(maxsize=256)(to_json)  # few policies, many tasks


class Birth(Struct):
    """A new task on its way into the table: what the store adds to it, and the values in the order of submit.sql."""

    new: NewTask
    queue: str
    status: State
    payload: str
    run_at: int | None
    unrouted: bool
    seq: int | None = None

    def values(self, now: int) -> tuple[object, ...]:
        new = self.new
        return (
            new.id,
            self.status.value,  # a plain str: the driver looks twice at anything else
            new.type,
            self.queue,
            new.priority,
            self.seq,
            None if new.expires_at is None else to_us(new.expires_at),
            new.timeout,
            new.max_retries,
            now,
            to_json(new.tags) if new.tags else "[]",
            new.traceparent,
            new.account_id,
            new.user_id,
            self.run_at,
            policy_text(new.retry),
            int(self.unrouted),
            None if new.unique is None else new.unique.key,
            new.parent_id,
            new.schedule_id,
            new.workflow_id,
        )

    def task(self, now: int) -> Task:
        """The task as it is right after its insert."""
        new = self.new
        return Task(
            id=new.id,
            type=new.type,
            queue=self.queue,
            priority=new.priority,
            status=self.status,
            rev=1,
            payload=new.payload,
            max_retries=new.max_retries,
            retry=new.retry,
            timeout=new.timeout,
            created_at=from_us(now),
            run_at=None if self.run_at is None else from_us(self.run_at),
            expires_at=None if new.expires_at is None else from_us(to_us(new.expires_at)),
            user_id=new.user_id,
            tags=new.tags,
            parent_id=new.parent_id,
            workflow_id=new.workflow_id,
            schedule_id=new.schedule_id,
            traceparent=new.traceparent,
        )
