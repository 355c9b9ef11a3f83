"""Rows to the model: what stands in a column, and what it means. Documents are JSON text, times are timestamptz."""

from functools import lru_cache
from typing import Final

import asyncpg
import msgspec
from msgspec import Raw

from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.model import Progress, Reason, ResultRef, Task, TaskError
from taskflow_hub.domain.retry import RetryPolicy
from taskflow_hub.domain.secret_fields import masked
from taskflow_hub.store.gates import LimitedBy

_progress: Final = msgspec.json.Decoder(Progress).decode
_error: Final = msgspec.json.Decoder(TaskError).decode
_result_ref: Final = msgspec.json.Decoder(ResultRef).decode
policy_of: Final = lru_cache(maxsize=256)(
    msgspec.json.Decoder(RetryPolicy).decode
)  # few policies, many tasks
keys_of: Final = lru_cache(maxsize=1_024)(msgspec.json.Decoder(tuple[str, ...]).decode)


def raw(text: str) -> Raw:
    return Raw(text.encode())


def error_of(text: str | None) -> TaskError | None:
    return None if text is None else _error(text)


def result_ref_of(text: str | None) -> ResultRef | None:
    return None if text is None else _result_ref(text)


def limited_by(row: asyncpg.Record) -> LimitedBy | None:
    """From the columns account_id and limits."""
    return None if row["limits"] is None else (row["account_id"], keys_of(row["limits"]))


def task_of(row: asyncpg.Record) -> Task:
    """From the columns of parts/task.sql or parts/finished.sql."""
    return Task(
        id=row["id"],
        type=row["type"],
        queue=row["queue"],
        priority=row["priority"],
        status=State(row["status"]),
        rev=row["rev"],
        reason=None if row["reason"] is None else Reason(row["reason"]),
        hold=row["hold"],
        payload=masked(raw(row["payload"])),
        attempt=row["attempt"],
        retry_count=row["retry_count"],
        max_retries=row["max_retries"],
        crashes=row["crashes"],
        retry=policy_of(row["retry"]),
        timeout=row["timeout"],
        created_at=row["created_at"],
        run_at=row["run_at"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        expires_at=row["expires_at"],
        cancel_requested_at=row["cancel_requested_at"],
        progress=None if row["progress"] is None else _progress(row["progress"]),
        result=None if row["result"] is None else raw(row["result"]),
        result_ref=result_ref_of(row["result_ref"]),
        error=error_of(row["error"]),
        user_id=row["user_id"],
        tags=tuple(row["tags"]),
        worker=row["worker"],
        parent_id=row["parent_id"],
        workflow_id=row["workflow_id"],
        schedule_id=row["schedule_id"],
        traceparent=row["traceparent"],
    )
