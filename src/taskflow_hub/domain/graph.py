"""A workflow's graph as it is stored: checked, with every default filled in, and never changed (docs/adr/0100).

Made from what a user writes by domain/workflow.py; what becomes of its nodes is decided by store/advance.py.
"""

from enum import StrEnum
from typing import Final

from msgspec import UNSET, Raw, Struct, UnsetType

from taskflow_hub.domain.retry import RetryPolicy
from taskflow_hub.domain.submission import Limit

FINALLY: Final = "finally"  # the name of the node that comes after all others, whatever became of them
MAX_NODES: Final = 2_000  # of a workflow, those of its sub-workflows included
MAX_ITEMS: Final = 10_000  # of one fan-out
MAX_DEPTH: Final = 5  # levels of workflows within workflows, the outermost counted


class On(StrEnum):
    """Which end of its parent an edge wants. Where it gets another, the child is skipped."""

    SUCCESS = "success"
    FAILURE = "failure"
    DONE = "done"  # whatever: skipped and cancelled, too


class Edge(Struct, frozen=True):
    parent: str
    on: On = On.SUCCESS


class Template(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A node's task, complete but for its id, its payload and what is decided when it is made.

    `stated` are the limits of its type, whose keys are expressions over the payload; `limits` its own. What `max_concurrency`
    makes of a workflow and of a node is not among them: the store adds it, for only there the id of a sub-workflow is known.
    `secret`: which fields its type encrypts; what is made of references may not have them.
    """

    type: str
    queue: str | None
    priority: int
    max_retries: int | None
    retry: RetryPolicy
    timeout: float | None
    tags: tuple[str, ...] = ()
    limits: tuple[Limit, ...] = ()
    stated: tuple[Limit, ...] = ()
    secret: tuple[str, ...] = ()


class Node(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A step: a task (`task`) or a workflow of its own (`graph`); for each item of a list, if `for_each` says of which.

    `payload` is what the task, or the sub-workflow, is given: JSON in which references stand (domain/references.py). UNSET for
    a plain node of the outermost workflow whose payload has none: its task has it, and its limits, from the beginning.
    """

    after: tuple[Edge, ...] = ()  # each parent once; those that it only refers to are among them
    task: Template | None = None
    graph: "Graph | None" = None
    payload: Raw | UnsetType = UNSET
    for_each: Raw | UnsetType = UNSET  # a list, or a reference to one
    max_concurrency: int | None = None  # of a fan-out's items
    allow_failure: bool = False  # its failure does not make the workflow fail

    @property
    def is_plain(self) -> bool:
        """Just one task, that is there (blocked) from the beginning."""
        return self.task is not None and self.for_each is UNSET


class Graph(Struct, frozen=True, kw_only=True, omit_defaults=True):
    name: str | None = None  # of a sub-workflow; None: as the node is called
    nodes: dict[str, Node]  # parents before their children
    last: Node | None = None  # `finally`
    max_concurrency: int | None = None
    deadline: float | None = None  # seconds from its start
    result: Raw | UnsetType = UNSET  # what it answers with when it succeeds: JSON in which references stand

    def node(self, name: str) -> Node:
        """KeyError for a name that it does not have."""
        return self.last if name == FINALLY and self.last is not None else self.nodes[name]
