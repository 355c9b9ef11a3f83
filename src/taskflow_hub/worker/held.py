"""One attempt in a worker's hands, from its arrival until its ending report is acknowledged."""

from enum import StrEnum
from typing import TYPE_CHECKING, Any

from taskflow_hub.domain.messages import Assignment
from taskflow_hub.worker.handler import Handler

if TYPE_CHECKING:
    from taskflow_hub.worker.sink import AttemptSink


class Stopping(StrEnum):
    """Why a running attempt was asked to stop; it decides what is reported."""

    CANCELLED = "cancelled"  # Aborted
    TIMEOUT = "timeout"  # Failed, how=TIMEOUT
    RELEASED = "released"  # Released: shutdown, or heartbeats are no longer accepted
    STALE = "stale"  # nothing: the lease is lost


class HeldAttempt:
    __slots__ = (
        "assignment", "deadline", "ended", "ended_n", "handler", "job", "key", "sink", "started_at", "stopping", "where",
    )  # fmt: skip

    def __init__(self, assignment: Assignment, handler: Handler) -> None:
        self.assignment, self.handler = assignment, handler
        self.key = (assignment.id, assignment.attempt)
        self.started_at: float | None = None  # by the worker's monotonic clock; None: waiting
        self.deadline: float | None = None
        self.stopping: Stopping | None = None
        self.where: str | None = None  # the handler's stack when its time ran out
        self.ended = False  # reported (or forsaken); its code may still run: then it is stuck
        self.ended_n = 0  # the number of its ending report
        self.sink: AttemptSink | None = None  # made for a handler that takes a Context
        self.job: Any = None  # the executor's own: a task, a thread, a child
