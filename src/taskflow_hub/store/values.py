"""What the store's methods take and give (store/base.py): values without behaviour, the same for every database."""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import IntFlag, StrEnum
from typing import TypeAlias

from msgspec import Raw, Struct, field

from taskflow_hub.domain.access import Scope
from taskflow_hub.domain.audit import AuditEntry
from taskflow_hub.domain.graph import Graph
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.messages import Assignment, Stop
from taskflow_hub.domain.model import (
    DEFAULT_ACCOUNT,
    DEFAULT_PRIORITY,
    NULL,
    OnLost,
    Reason,
    ResultRef,
    Task,
    TaskError,
    Terms,
)
from taskflow_hub.domain.moves import Fence
from taskflow_hub.domain.retry import RetryPolicy
from taskflow_hub.domain.steps import Step
from taskflow_hub.domain.submission import Limit, Unique
from taskflow_hub.domain.workflow_view import Input, ItemView, Workflow, WorkflowState

# --- submit --------------------------------------------------------------------------------------------------------


class NewTask(Struct, frozen=True, kw_only=True, gc=False):
    """A task to be inserted, complete but for what the store makes: times, `seq`, status.

    It starts `blocked` if `blocked`, else `scheduled` if `run_at` is later than now or `delay_s` is positive, else `queued`.
    `id` is a UUIDv7 made within a day of the submit: lists by time rely on it.
    `queue` None: the type's home queue; for a type nobody has registered, "default" until a worker registers the type.
    """

    id: str
    account_id: str = DEFAULT_ACCOUNT
    user_id: str | None = None
    type: str
    queue: str | None = None
    priority: int = DEFAULT_PRIORITY
    payload: Raw
    run_at: datetime | None = None
    delay_s: float | None = None
    blocked: bool = False
    max_retries: int | None
    retry: RetryPolicy
    timeout: float | None
    expires_at: datetime | None = None
    tags: tuple[str, ...] = ()
    unique: Unique | None = None
    limits: tuple[Limit, ...] = ()  # of different keys
    parent_id: str | None = None
    schedule_id: str | None = None
    workflow_id: str | None = None
    traceparent: str | None = None


class Draft(Struct, frozen=True):
    """A task for a transaction of the caller's, where its type is looked up by the statement that inserts it.

    `defaults` names the fields (max_retries, retry, timeout) that take what a worker has declared for the type; what they hold
    now is for a type that nobody has registered. `sealed`: its secret fields are encrypted. `limited`: it has the limits of
    its type.
    """

    new: NewTask
    defaults: tuple[str, ...] = ()
    sealed: bool = False
    limited: bool = False


class Bare(Exception):
    """Drafts lack what their types declare, so nothing was stored: secret fields, and they are not `sealed`; limits, and they
    are not `limited`. `lacking`: what each lacks, by the draft's index."""

    def __init__(self, lacking: Mapping[int, Terms]) -> None:
        super().__init__()
        self.lacking = lacking


class Idempotency(Struct, frozen=True):
    """Scope is (account, route, key); `fingerprint` is a hash of the parsed, canonical body; kept for `ttl_s`.

    `also` are other fingerprints of the same body, under which it may have been kept.
    """

    account_id: str
    route: str
    key: str
    fingerprint: str
    ttl_s: float = 86_400.0
    also: tuple[str, ...] = ()


class Call(Struct, frozen=True):
    """A submit made by a running attempt. Idempotent by (task id, number) while the parent task exists, whatever the body."""

    parent: Fence
    number: int


class Submit(Struct, frozen=True, gc=False):
    """One request to submit: all its tasks or none."""

    tasks: tuple[NewTask, ...]
    idempotency: Idempotency | None = None
    call: Call | None = None


class Submitted(Struct, frozen=True, gc=False):
    """`tasks` in the order submitted, as they are now.

    `created[i]` is False where an existing task answered (the holder of a unique key); `replayed` when the idempotency key or
    the call number was seen before: then nothing was created. `replaced` are the holders of unique keys that were cancelled.
    """

    tasks: tuple[Task, ...]
    created: tuple[bool, ...]
    replayed: bool = False
    replaced: tuple[str, ...] = ()


# --- moves ---------------------------------------------------------------------------------------------------------


class Lease(Struct, frozen=True, gc=False):
    worker: str
    assignment: Assignment


class Leased(Struct, frozen=True):
    """`more`: it was cut short (a wave, payloads of 32 MiB, many tasks to put on hold or bring back), so lease again at once.

    `next_in_s`: then a rate lets the next task start, or a key can be looked at that another process had in its hands. None: no
    worker that has room waits for such a thing.
    """

    leases: tuple[Lease, ...]
    more: bool = False
    next_in_s: float | None = None


class Due(Struct, frozen=True):
    """What a promoter's call did, and in how many seconds the next task falls due (None: nothing is waiting).

    `ids` are the tasks moved; when `limit` was reached `next_in_s` is 0.
    """

    ids: tuple[str, ...]
    next_in_s: float | None


class Late(Due, frozen=True):
    """The same of workflows that have run out of time. `asked`: what runs and was asked to end (task id, attempt, worker)."""

    asked: tuple[tuple[str, int, str], ...] = ()


# --- workers -------------------------------------------------------------------------------------------------------


class Transit(Struct, frozen=True):
    """An assignment the store believes delivered, but two heartbeats did not hold. `transits` so far."""

    id: str
    attempt: int
    transits: int


class Beat(Struct, frozen=True):
    known: bool
    draining: bool = False
    stop: tuple[Stop, ...] = ()
    undelivered: tuple[Transit, ...] = ()


class Taken(StrEnum):
    """What the owner last said of an attempt, in a heartbeat."""

    UNKNOWN = "unknown"  # not listed yet
    WAITING = "waiting"  # it has it, not started
    STARTED = "started"


class Orphan(Struct, frozen=True, kw_only=True):
    """A running attempt whose owner is dead or absent."""

    id: str
    attempt: int
    type: str
    worker: str
    crashes: int
    taken: Taken
    on_lost: OnLost


# --- queues --------------------------------------------------------------------------------------------------------


class Depth(Struct, frozen=True, kw_only=True):
    """How many unfinished tasks of one (queue, type) have this status and hold, and when the oldest was created."""

    queue: str
    type: str
    status: State
    hold: str | None
    count: int
    oldest: datetime


class Rate(Struct, frozen=True, kw_only=True):
    """Tasks finished in one minute (its start, UTC), by queue, type and outcome."""

    minute: datetime
    queue: str
    type: str
    status: State
    count: int


# --- reads ---------------------------------------------------------------------------------------------------------


class TaskFilter(Struct, frozen=True, kw_only=True):
    """All conditions hold together; an empty one is no condition. Times are half-open: after ≤ created_at < before."""

    status: tuple[State, ...] = ()
    type: str | None = None
    queue: str | None = None
    queues: tuple[str, ...] = ()  # in any of these
    user: str | None = None
    tag: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    # These two hold for tasks that are failed, and for no others.
    fingerprint: str | None = None  # that failed so (domain/fingerprint.py)
    error: str | None = None  # with this in the type, message or traceback of their error; a-z are as A-Z

    @property
    def of_failed(self) -> bool:
        return self.fingerprint is not None or self.error is not None


class Page(Struct, frozen=True):
    items: tuple[Task, ...]
    next_cursor: str | None  # opaque; None: this was the last page


class Entry(Struct, frozen=True):
    """A task as one line of a list."""

    id: str
    status: State
    created_at: datetime
    cancel_requested: bool


class Entries(Struct, frozen=True):
    items: tuple[Entry, ...]
    next_cursor: str | None


# --- failures ------------------------------------------------------------------------------------------------------


class FailureFilter(Struct, frozen=True, kw_only=True):
    """All conditions hold together; an empty one is no condition. `since` is the start of an hour; a trend has steps of
    `step_s` from there on. `by_count`: the most frequent first, else those that happened last.
    """

    since: datetime
    step_s: int
    type: str | None = None
    queue: str | None = None
    queues: tuple[str, ...] = ()  # in any of these
    by_count: bool = False

    @property
    def of_queues(self) -> list[str] | None:
        """All that may be; None: any."""
        if self.queue is None:
            return sorted(set(self.queues)) or None
        return [self.queue] if not self.queues or self.queue in self.queues else []


class FailureGroup(Struct, frozen=True, kw_only=True):
    """Failures with one fingerprint. `reason` and `error` are of the last that is still failed."""

    fingerprint: str
    type: str
    count: int
    first_at: datetime
    last_at: datetime
    last_task_id: str | None
    reason: Reason | None
    error: TaskError | None
    steps: dict[int, int]  # how many failed in each step of the trend in which any did


class FailurePage(Struct, frozen=True):
    items: tuple[FailureGroup, ...]
    next_cursor: str | None  # opaque; None: this was the last page


class Count(Struct, frozen=True):
    """How many tasks there are; not `exact`: about so many, or where nothing is known of the rest, at least."""

    count: int
    exact: bool


# --- bulk ----------------------------------------------------------------------------------------------------------


class BulkAction(StrEnum):
    CANCEL = "cancel"
    REDRIVE = "redrive"
    DELETE = "delete"


class BulkStatus(StrEnum):
    RUNNING = "running"
    DONE = "done"
    ABORTED = "aborted"


class Bulk(Struct, frozen=True, kw_only=True):
    """A tracked operation over every task that existed when it began, and matches `where` when its turn comes."""

    id: str
    account_id: str
    action: BulkAction
    where: TaskFilter
    status: BulkStatus
    total: int  # how many matched at the start
    done: int  # changed
    skipped: int  # matched, but their state no longer allowed it
    created_at: datetime
    finished_at: datetime | None = None
    cursor: str | None = None  # where the next chunk begins


# --- workflows -----------------------------------------------------------------------------------------------------


class NewWorkflow(Struct, frozen=True, kw_only=True):
    """A workflow to be inserted. `tasks` are those of its plain nodes (domain/graph.py), by node, each `blocked`; `input` is
    what references to `input` find.
    """

    id: str
    account_id: str = DEFAULT_ACCOUNT
    user_id: str | None = None
    name: str
    graph: Graph
    tasks: dict[str, NewTask]
    input: Raw = NULL
    tags: tuple[str, ...] = ()
    schedule_id: str | None = None
    traceparent: str | None = None


class WorkflowFilter(Struct, frozen=True, kw_only=True):
    """All conditions hold together; an empty one is no condition. Times are half-open: after ≤ created_at < before."""

    status: tuple[WorkflowState, ...] = ()
    name: str | None = None
    user: str | None = None
    tag: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None


class WorkflowPage(Struct, frozen=True):
    items: tuple[Workflow, ...]
    next_cursor: str | None  # opaque; None: this was the last page


class StepPage(Struct, frozen=True):
    """`next` None: these were the last; else ask again with it as `after`."""

    items: tuple[Step, ...]
    next: int | None


class WorkflowOwner(Struct, frozen=True):
    """`queues`: to which its nodes say that they go, those of sub-workflows too; "" of one that does not say."""

    account_id: str
    queues: tuple[str, ...]


class ItemPage(Struct, frozen=True):
    """`more`: ask again after the last."""

    items: tuple[ItemView, ...]
    more: bool


class InputPage(Struct, frozen=True):
    """`refs` are the results among them that lie outside the store, by place in `items`. `more`: ask again after the last."""

    items: tuple[Input, ...]
    refs: dict[int, ResultRef]
    more: bool


# --- upkeep --------------------------------------------------------------------------------------------------------


class News(IntFlag):
    """What another process may have changed."""

    NOTHING = 0
    WORK = 1  # something may be leased
    TASKS = 2  # tasks, but nothing was given a time
    OTHER = 4  # that, or queues, workers, task types, bulk operations
    ANYTHING = 7


class Access(StrEnum):
    """What a transaction does with the database."""

    READ = "read"
    WRITE = "write"


OnTransaction: TypeAlias = Callable[[Access, float], None]  # it took so many seconds, and may have failed


class Followed(Struct):
    """What one transaction made of tasks without saying so in its answer: what workflows did, and what a cancel ended."""

    made: Counter[tuple[str, str]] = field(default_factory=Counter)  # by queue and type
    again: int = 0  # had ended, and run or wait again
    ended: Counter[tuple[State, Reason | None]] = field(default_factory=Counter)

    def __bool__(self) -> bool:
        return bool(self.made or self.again or self.ended)

    def add(self, other: "Followed") -> None:
        self.made += other.made
        self.again += other.again
        self.ended += other.ended

    def made_of(self, submitted: "Submitted") -> None:
        """The tasks that this submit has really made."""
        for task, new in zip(submitted.tasks, submitted.created, strict=True):
            self.made[task.queue, task.type] += new


OnFollowed: TypeAlias = Callable[[Followed], None]  # after the commit


def tell_nobody(*_what: object) -> None:
    pass


class Pruned(Struct, frozen=True):
    """How many tasks were removed, and the ids of those whose result lay outside the store.

    `more`: a limit was reached, so prune again at once.
    """

    tasks: int
    with_result_ref: tuple[str, ...] = ()
    more: bool = False


# --- access --------------------------------------------------------------------------------------------------------


class NewUser(Struct, frozen=True, kw_only=True):
    """Someone to be added. `email` is as it shall be shown; upper and lower case make no difference."""

    id: str
    email: str
    password_hash: str


class NewKey(Struct, frozen=True, kw_only=True):
    """A key to be added. `digest` is the SHA-256 of what a program will present, in hex."""

    id: str
    account_id: str
    user_id: str | None
    name: str
    digest: str
    scopes: tuple[Scope, ...]
    queues: tuple[str, ...] = ()
    expires_in_s: float | None = None


class Bucket(Struct, frozen=True):
    """A token bucket by name: holds `burst` at most, is filled with `per_second`, starts full."""

    name: str
    burst: float
    per_second: float


# --- audit ---------------------------------------------------------------------------------------------------------


class AuditFilter(Struct, frozen=True, kw_only=True):
    """All conditions hold together; an empty one is no condition. Times are half-open: since ≤ ts < until."""

    account: str | None = None  # whose things
    entity: str | None = None
    entity_id: str | None = None
    actions: tuple[str, ...] = ()  # any of these
    actor: str | None = None  # by id, or by the name they had then
    actor_account: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class Described(Struct, frozen=True, kw_only=True):
    """Which database a store lies in."""

    kind: str  # as its URL begins
    version: str  # of what runs it
    schema_version: str  # of our tables, as the database says


class AuditPage(Struct, frozen=True):
    items: tuple[AuditEntry, ...]
    next_cursor: str | None  # opaque; None: this was the last page
