"""The nouns, as values. Payload and result are opaque JSON text (`Raw`): the hub never looks inside.

Field order and names are those of the HTTP API (docs/reference/http.md); a `Task` encodes to its public JSON as it is.
Times are aware UTC datetimes made by the store; durations are seconds.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from msgspec import Raw, Struct, field

from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.retry import RetryPolicy
from taskflow_hub.domain.submission import Limit

DEFAULT_ACCOUNT: Final = "default"
DEFAULT_QUEUE: Final = "default"
DEFAULT_PRIORITY: Final = 5
DEFAULT_MAX_RETRIES: Final = 3
DEFAULT_TIMEOUT_S: Final = 3600.0
NULL: Final = Raw(b"null")


class Reason(StrEnum):
    """Why a task is `failed`."""

    EXPIRED = "expired"  # expires_at passed before an attempt could start
    TIMEOUT = "timeout"  # the last attempt ran over its time
    POISON = "poison"  # more than three workers died with it
    UNDELIVERABLE = "undeliverable"  # its assignments were lost in transit more than ten times
    RESULT_REJECTED = "result_rejected"  # the handler succeeded, but its result cannot be stored
    LOST = "lost"  # its worker died, and the type says on_lost=fail
    REFERENCE = "reference"  # what its payload refers to, in a workflow, is not there or too large
    HANDLER = "handler"  # the handler raised for the last time, or answered Fail


class OnLost(StrEnum):
    """What to do with a started attempt whose worker died."""

    RETRY = "retry"
    FAIL = "fail"  # for people who move money: a person looks first


class AttemptOutcome(StrEnum):
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    TIMEOUT = "timeout"
    SNOOZED = "snoozed"
    RELEASED = "released"
    LOST = "lost"
    UNDELIVERED = "undelivered"
    ABORTED = "aborted"


class TaskError(Struct, frozen=True):
    type: str  # the exception's class, as the handler's language names it
    message: str
    traceback: str | None = None


class Progress(Struct, frozen=True):
    fraction: float  # 0 to 1
    message: str
    at: datetime


class ResultRef(Struct, frozen=True):
    """Where a result above 64 KiB lies. `preview` is its first characters; `ttl` is seconds from finish, None = kept."""

    storage: str
    ref: str
    preview: str
    size: int
    ttl: float | None


class Task(Struct, frozen=True, kw_only=True, gc=False):
    id: str
    type: str
    queue: str
    priority: int
    status: State
    rev: int  # rises by one with every change of a public field
    reason: Reason | None = None
    hold: str | None = None  # why a queued task may not be leased: no_worker, paused, limit:KEY, rate:KEY
    payload: Raw
    attempt: int = 0
    retry_count: int = 0
    max_retries: int | None = DEFAULT_MAX_RETRIES  # None: without end
    crashes: int = 0
    retry: RetryPolicy
    timeout: float | None = DEFAULT_TIMEOUT_S
    created_at: datetime
    run_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    expires_at: datetime | None = None
    cancel_requested_at: datetime | None = None
    progress: Progress | None = None
    result: Raw | None = None
    result_ref: ResultRef | None = None
    error: TaskError | None = None
    user_id: str | None = None
    tags: tuple[str, ...] = ()
    worker: str | None = None
    parent_id: str | None = None
    workflow_id: str | None = None
    schedule_id: str | None = None
    traceparent: str | None = None


class Attempt(Struct, frozen=True, kw_only=True):
    """One try that has ended, or (outcome None) the one that runs now."""

    attempt: int
    outcome: AttemptOutcome | None
    started_at: datetime | None
    ended_at: datetime | None
    worker: str | None
    error: TaskError | None


class LogLine(Struct, frozen=True, kw_only=True):
    attempt: int
    n: int  # counts the lines of one attempt, from 1
    at: datetime
    level: str
    message: str
    fields: dict[str, Any] = field(default_factory=dict)


class Queue(Struct, frozen=True, kw_only=True):
    """A lane's policy; how full it is belongs to the read models."""

    name: str
    paused: bool = False
    max_size: int | None = None  # how many tasks may wait in it (queued and scheduled); None = no bound
    running: int | None = None  # how many may run at a time, whosever they are
    per_second: float | None = None  # how many may start

    @property
    def has_policy(self) -> bool:
        """Has an operator said anything about it?"""
        return self.paused or not self.max_size is self.running is self.per_second is None


class QueueUse(Struct, frozen=True, kw_only=True):
    """How many tasks of all accounts a queue has; None: it has no number for that."""

    name: str
    waiting: int | None
    active: int | None


class LimitRow(Struct, frozen=True, kw_only=True):
    """The numbers of a key. Both None: it does not limit. `pinned`: what tasks state does not change them."""

    account_id: str
    key: str
    running: int | None  # how many may run at a time
    per_second: float | None  # how many may start
    pinned: bool


class LimitUse(LimitRow, frozen=True, kw_only=True):
    """A limit as an operator sees it. A task with several limits is counted as held by the one that its hold names."""

    active: int  # tasks that name the key and run
    held: int  # queued tasks that it holds back


class LimitInUse(Struct, frozen=True, kw_only=True):
    """A limit of how many run at a time under which some do."""

    key: str
    running: int  # how many may
    active: int  # how many do


class TaskType(Struct, frozen=True, kw_only=True):
    """A kind of work as a worker declares it: its home queue, its defaults and the shape of its payload and result."""

    type: str
    queue: str = DEFAULT_QUEUE
    description: str = ""
    max_retries: int | None = DEFAULT_MAX_RETRIES
    retry: RetryPolicy = RetryPolicy()
    timeout: float | None = DEFAULT_TIMEOUT_S
    on_lost: OnLost = OnLost.RETRY
    payload_schema: dict[str, Any] = field(default_factory=dict)
    result_schema: dict[str, Any] = field(default_factory=dict)
    # Fields of the payload that are stored encrypted, and not shown: /password, /accounts/*/token.
    secret: tuple[str, ...] = ()
    # What every task of the type names, beside its own; `{customer_id}` in a key is that field of the payload.
    limits: tuple[Limit, ...] = ()


class Terms(Struct, frozen=True):
    """Of what a type declares, that which a task must be given before it is stored."""

    secret: tuple[str, ...] = ()
    limits: tuple[Limit, ...] = ()


NO_TERMS: Final = Terms()


class WorkerState(StrEnum):
    ALIVE = "alive"
    DRAINING = "draining"  # finishes what it has, is given nothing new
    DEAD = "dead"  # final: a process that comes back registers anew


class Worker(Struct, frozen=True, kw_only=True):
    """A registered process with slots. `queues` empty means: every queue."""

    id: str
    name: str
    host: str
    pid: int
    version: str
    state: WorkerState
    slots: int
    window: int  # how many assignments beyond its slots it may hold, not started
    running: int = 0
    queues: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    registered_at: datetime
    last_beat_at: datetime
    beats: int = 0
    stuck: tuple[str, ...] = ()  # tasks whose thread runs on after its attempt ended
    loop_lag_s: float = 0.0
