"""Decisions as values: one class per move out of `running`, as the engine hands it to the store.

Each names `(id, attempt)`. What happened to it is a `Verdict`, one per item and in the order given.
"""

from datetime import datetime
from enum import StrEnum

from msgspec import Raw, Struct

from taskflow_hub.domain.model import AttemptOutcome, Reason, ResultRef, TaskError


class Verdict(StrEnum):
    APPLIED = "applied"
    ABORTED = "aborted"  # a cancel was requested, so the move became `abort`
    DUPLICATE = "duplicate"  # this attempt was already ended by the same kind of move
    STALE = "stale"  # this attempt does not own the task any more: refused, nothing changed


class Fence(Struct, frozen=True, gc=False):
    id: str
    attempt: int


class Succeed(Struct, frozen=True, kw_only=True, gc=False):
    id: str
    attempt: int
    ran_s: float | None
    result: Raw | None = None  # None when `result_ref` says where it lies
    result_ref: ResultRef | None = None


class Retry(Struct, frozen=True, kw_only=True):
    """Back to `scheduled`, due `delay_s` from now; `retry_count` rises by one."""

    id: str
    attempt: int
    ran_s: float | None
    delay_s: float
    error: TaskError
    outcome: AttemptOutcome = AttemptOutcome.FAILED  # or TIMEOUT


class Snooze(Struct, frozen=True, kw_only=True):
    """Back to `scheduled`, due `delay_s` from now or at `until` (exactly one is set); counts nothing.

    One of `events` wakes it sooner; if one has come already, it is due now.
    """

    id: str
    attempt: int
    ran_s: float | None
    delay_s: float | None = None
    until: datetime | None = None
    events: tuple[str, ...] = ()


class Fail(Struct, frozen=True, kw_only=True):
    id: str
    attempt: int
    ran_s: float | None
    reason: Reason
    error: TaskError
    outcome: AttemptOutcome = (
        AttemptOutcome.FAILED
    )  # how the attempt itself ended; LOST when the reaper fails it
    crashed: bool = False  # raises `crashes` by one: its worker died


class Release(Struct, frozen=True, kw_only=True):
    """Back to `queued` at its old place; counts nothing."""

    id: str
    attempt: int
    ran_s: float | None


class Lose(Struct, frozen=True, kw_only=True):
    """Back to `queued` at its old place, made by the reaper.

    `worker` must still be the owner. outcome LOST: the worker died (`crashed` says whether that counts); UNDELIVERED: the
    assignment never arrived, which raises `transits`.
    """

    id: str
    attempt: int
    worker: str
    outcome: AttemptOutcome
    crashed: bool = False
    error: TaskError | None = None


class Abort(Struct, frozen=True, kw_only=True):
    id: str
    attempt: int
    ran_s: float | None
