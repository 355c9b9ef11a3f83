"""Workflows as people see them. Field order and names are those of the HTTP API."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from msgspec import Raw, Struct

from taskflow_hub.domain.graph import Edge
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.model import TaskError


class WorkflowState(StrEnum):
    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"  # a node failed that may not, or the deadline has passed
    CANCELLED = "cancelled"


class Item(Struct, frozen=True, kw_only=True):
    """How many items of a fan-out there are in each state; `total` None: not known yet."""

    total: int | None
    scheduled: int = 0
    queued: int = 0
    running: int = 0
    success: int = 0
    failed: int = 0
    cancelled: int = 0


class NodeView(Struct, frozen=True, kw_only=True):
    """A node now. `status` is that of its task; a fan-out, or a sub-workflow, is `running` from its beginning to its end.

    `task_id` of a plain node; `workflow_id` of a sub-workflow that has begun; `items` of a fan-out. `result_withheld`: it has a
    result that is too large to be shown here; that of the task, or of the sub-workflow, is whole.
    """

    type: str | None  # None: a sub-workflow
    after: tuple[Edge, ...]
    status: State
    task_id: str | None = None
    workflow_id: str | None = None
    items: Item | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    result: Raw | None = None  # of a plain node, or a sub-workflow
    result_withheld: bool = False
    error: TaskError | None = None


class ItemView(Struct, frozen=True, kw_only=True):
    """One item of a fan-out that has begun, now: what became of its task, or workflow. `result_withheld`: as of a node."""

    item: int  # counts from 0
    task_id: str | None = None
    workflow_id: str | None = None
    status: State
    started_at: datetime | None = None
    finished_at: datetime | None = None
    result: Raw | None = None
    result_withheld: bool = False
    error: TaskError | None = None


class Parent(Struct, frozen=True):
    """The node of which a sub-workflow is the work, and which of its items it is."""

    workflow_id: str
    node: str
    item: int | None = None


class Workflow(Struct, frozen=True, kw_only=True):
    id: str
    name: str
    status: WorkflowState
    rev: int
    user_id: str | None = None
    tags: tuple[str, ...] = ()
    created_at: datetime
    deadline_at: datetime | None = None
    cancel_requested_at: datetime | None = None
    finished_at: datetime | None = None
    max_concurrency: int | None = None
    result: Raw | None = None
    error: TaskError | None = None  # why it failed
    schedule_id: str | None = None
    parent: Parent | None = None
    counts: dict[str, int]  # how many nodes there are in each state: those that are not zero
    nodes: Mapping[str, NodeView] | None = None  # None in lists


class Input(Struct, frozen=True, kw_only=True):
    """What one item of a parent node ended with, as its child reads it. `item` None: the node is no fan-out."""

    item: int | None
    status: State
    result: Raw | None = None
    error: TaskError | None = None
