"""What the hub answers, as values. Unknown fields are ignored, so an older client reads a newer hub.

Where the domain's own classes fit they are used; here stands what only readers of the API see.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

from msgspec import Struct, field

from taskflow_hub.domain import model, workflow_view
from taskflow_hub.domain.access import Key, Scope, User
from taskflow_hub.domain.lifecycle import FINAL, State
from taskflow_hub.domain.workflow_view import WorkflowState


class Task(model.Task, frozen=True, kw_only=True):
    """The task of the domain, with payload and result as Python values.

    A result above 64 KiB is not in the task: `result_ref` says how large it is, and `client.result(id)` fetches it.
    """

    payload: Any = None
    result: Any = None

    @property
    def done(self) -> bool:
        """It has ended, one way or another."""
        return self.status in FINAL

    @property
    def succeeded(self) -> bool:
        return self.status is State.SUCCESS


class Node(workflow_view.NodeView, frozen=True, kw_only=True):
    """A node of a workflow, with its result as a Python value.

    `result_withheld`: it is too large to be shown with the others; `client.result(node.task_id)` fetches it.
    """

    result: Any = None


class Workflow(workflow_view.Workflow, frozen=True, kw_only=True):
    """The workflow of the domain, with results as Python values."""

    result: Any = None
    nodes: dict[str, Node] | None = None  # None in lists

    @property
    def done(self) -> bool:
        """It has ended, one way or another."""
        return self.status is not WorkflowState.RUNNING

    @property
    def succeeded(self) -> bool:
        return self.status is WorkflowState.SUCCESS


class Item(workflow_view.ItemView, frozen=True, kw_only=True):
    """One item of a fan-out, with its result as a Python value.

    `result_withheld`: it is above 64 KiB; `client.result(item.task_id)` fetches it.
    """

    result: Any = None


class Queue(Struct, frozen=True, kw_only=True):
    """A queue as an operator sees it."""

    name: str
    paused: bool = False
    max_size: int | None = None  # how many tasks may wait in it; None: no bound
    running: int | None = None  # how many may run at a time; None: any number
    per_second: float | None = None  # how many may start per second; None: any number
    active: int | None = None  # how many run, of all accounts; None: `running` says nothing
    full: tuple[str, ...] = ()  # which of max_size and running are reached
    depth: dict[str, int] = field(default_factory=dict)  # unfinished tasks by status
    held: dict[str, int] = field(default_factory=dict)  # queued tasks that may not start, by reason
    counted_at: datetime | None = None  # when these were; beyond 10 000 tasks, maybe some seconds ago
    oldest_age: float | None = None  # seconds since the oldest queued task was submitted
    rate: float = 0.0  # tasks finished per second, over the last minutes
    workers: tuple[str, ...] = ()  # ids of those who serve it
    unserved_types: tuple[str, ...] = ()  # types with queued tasks that nobody alive serves
    suggested_workers: int = 0  # so many that each task which could run now has a slot


class BulkAction(StrEnum):
    CANCEL = "cancel"
    REDRIVE = "redrive"
    DELETE = "delete"


class Bulk(Struct, frozen=True, kw_only=True):
    """An operation over many tasks. A dry run has only `total`."""

    id: str | None = None
    action: BulkAction | None = None
    status: str | None = None  # running, done, aborted
    total: int = 0  # how many matched at the start, or have come to since
    done: int = 0
    skipped: int = 0  # matched, but their state no longer allowed it
    created_at: datetime | None = None
    finished_at: datetime | None = None


class Login(Struct, frozen=True, kw_only=True):
    """A login's tokens. The access token is presented with each request; the refresh token makes the next pair, once."""

    user: User
    access_token: str
    refresh_token: str
    expires_in: float  # seconds for which the access token is good

    def __repr__(self) -> str:
        return f"{type(self).__name__}(user={self.user!r})"


class Me(Struct, frozen=True, kw_only=True):
    """Who asks, and what they may do."""

    accounts: bool  # False: the hub has none, and everybody may do everything
    account_id: str
    user: User | None = None
    key: Key | None = None
    scopes: tuple[Scope, ...] = ()
    queues: tuple[str, ...] = ()  # empty: all


class SecretKey(Struct, frozen=True, kw_only=True):
    """A new API key with its secret, which is what a program presents."""

    key: Key
    secret: str

    def __repr__(self) -> str:
        return f"{type(self).__name__}(key={self.key!r})"
