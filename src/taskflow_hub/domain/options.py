"""How a task is submitted from Python, as keywords: what the hub, a handler's context and the HTTP client share."""

from collections.abc import Iterable
from datetime import datetime
from typing import TypedDict

from taskflow_hub.domain.retry import RetryPolicy
from taskflow_hub.domain.submission import Limit, Unique


class CommonOptions(TypedDict, total=False):
    queue: str
    priority: int
    delay: float
    run_at: datetime
    max_retries: int | None
    timeout: float | None
    expires_at: datetime
    tags: Iterable[str]


class TaskOptions(CommonOptions, total=False):
    """How a task is submitted; whatever is left out takes the task type's default.

    `delay` and `timeout` are seconds; `run_at` and `expires_at` aware datetimes; None for `max_retries` retries without end,
    for `timeout` runs without limit.
    """

    retry: RetryPolicy
    unique: Unique
    limits: Iterable[Limit]
