"""What people are told who ask why a task is not running. What it is decided from: domain/explain.py."""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.model import Reason


class CauseKind(StrEnum):
    PAUSED = "paused"  # its queue is
    NO_WORKER = "no_worker"  # nobody alive would be given it
    LIMIT = "limit"  # as many tasks with one of its keys run as may
    RATE = "rate"  # as many with one of its keys were started as may be by now
    TURN = "turn"  # it is ready, and stands in line
    RUN_AT = "run_at"  # it waits for its time
    ASLEEP = "asleep"  # its handler sleeps
    EVENT = "event"  # its handler waits for an event
    PARENTS = "parents"  # it waits for other tasks of its workflow
    RUNNING = "running"  # it does run
    ENDED = "ended"  # it will not


class Missing(StrEnum):
    """What there is no worker with."""

    WORKER = "worker"  # there is none at all
    TYPE = "type"  # none serves its type
    QUEUE = "queue"  # of those that serve its type none serves its queue
    DRAINING = "draining"  # those that serve both take nothing new


class Awaited(Struct, frozen=True):
    """A node that has not ended."""

    node: str
    status: State


class Cause(Struct, frozen=True, kw_only=True):
    """One thing that keeps a task from running. Beside the first three, fields are set where they say something of the kind."""

    kind: CauseKind
    text: str  # in a plain sentence
    help: str | None = None  # what somebody can do about it
    queue: str | None = None  # paused, no_worker, turn
    type: str | None = None  # no_worker
    missing: Missing | None = None  # no_worker; None: one serves it by now
    key: str | None = None  # limit, rate
    at_most: int | None = None  # limit: how many tasks with the key may run
    running: int | None = None  # limit: how many do
    tasks: tuple[str, ...] = ()  # limit: those that do, the longest first; not all, if they are many
    per_second: float | None = None  # rate
    next_start_at: datetime | None = None  # rate; None: one is possible now
    next_start_in: float | None = None  # rate: the same in seconds
    run_at: datetime | None = None  # run_at, asleep, event; None: it waits for an event without end
    events: tuple[str, ...] = ()  # event: each of them wakes it
    ahead: int | None = None  # turn: ready tasks of its queue that come before it
    more_than: int | None = None  # turn: instead of `ahead`, where they are too many to count
    slots: int | None = None  # turn: of the workers that serve it
    busy: int | None = None  # turn: how many of these slots are taken
    nodes: tuple[Awaited, ...] = ()  # parents: those that it waits for
    workflow_id: str | None = None  # parents: of which workflow they are
    worker: str | None = None  # running
    since: datetime | None = (
        None  # running; None: its worker has not said yet that it began. paused; None: not known
    )
    paused_by: str | None = None  # paused: who did it; None: not known
    cancel_requested_at: datetime | None = None  # running
    reason: Reason | None = None  # ended, where it failed


class Why(Struct, frozen=True, kw_only=True):
    """Why a task is not running. The first cause is what `hold` says; the summary says it in words, and what keeps the task now
    if that has passed."""

    id: str
    status: State
    hold: str | None
    summary: str
    causes: tuple[Cause, ...]


class LimitState(Struct, frozen=True, kw_only=True):
    """One of a task's limits, or of its queue's or its account's, at one moment."""

    key: str
    at_most: int | None  # how many may run; None: any number
    running: int  # how many do
    tasks: tuple[str, ...]  # the first of them
    per_second: float | None
    hold: str | None  # as a lease would write it for a task with this key alone; None: one may start
    next_in_s: float | None  # when a rate lets the next one start; None: now, or that is for others to say
    at: datetime  # by the store's clock
    standing: bool = (
        False  # the queue's (`queue:NAME`) or the account's (`account:ID`): nobody writes that on the task
    )
