"""What the decisions about workflows (store/advance.py) ask of a store, and what they tell it to write.

A decision is a generator: it yields one of these, is sent the answer, and goes on; so it is the same for every database. All
of it happens in one transaction, which holds the row of the root (docs/adr/0100). Rows are changed in memory, and written last.
"""

from collections.abc import Generator, Sequence
from enum import StrEnum
from typing import Any, Final, TypeVar

from msgspec import Raw, Struct

from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.model import NULL, TaskError
from taskflow_hub.domain.retry import RetryPolicy
from taskflow_hub.domain.submission import Limit
from taskflow_hub.domain.workflow_view import WorkflowState
from taskflow_hub.store.values import Idempotency, NewTask, Submit

T = TypeVar("T")
Place = tuple[str, str]  # a node: workflow, name
NO_ITEM: Final = -1  # of a node that is no fan-out

_NO_MATTER: Final[dict[str, Any]] = {
    "type": "",
    "payload": NULL,
    "max_retries": None,
    "retry": RetryPolicy(),
    "timeout": None,
}

# --- rows ----------------------------------------------------------------------------------------------------------------


class Ending(StrEnum):
    """Why nothing but `finally` begins any more."""

    CANCEL = "cancel"
    DEADLINE = "deadline"


class WorkflowRow(Struct, array_like=True):
    """In the order of parts/workflow.sql."""

    id: str
    root_id: str
    parent_id: str | None
    parent_node: str | None
    item: int | None
    account_id: str
    user_id: str | None
    name: str
    tags: tuple[str, ...]
    status: WorkflowState
    path: tuple[str, ...]  # of nodes, from the root's to the one it is the work of
    traceparent: str | None
    schedule_id: str | None
    ending: Ending | None
    left_nodes: int  # that have not ended, `finally` not counted
    broken: int  # nodes that failed or were cancelled, and may not
    # From here on what is only written: nothing that runs has them.
    result: Raw | None = None
    error: TaskError | None = None
    deadline_s: float | None = None  # from now; None: as it is
    max_concurrency: int | None = None

    @property
    def is_running(self) -> bool:
        return self.status is WorkflowState.RUNNING


class NodeRow(Struct, array_like=True):
    """In the order of parts/node.sql."""

    workflow_id: str
    node: str
    status: State
    waits: int  # parents that have not ended
    missed: int = 0  # edges that got another end than they want
    total: int | None = None  # of a fan-out that has ever begun: its items; of a sub-workflow 1
    left_items: int = 0  # items, or the one task or workflow, that have not ended
    failed: int = 0
    cancelled: int = 0
    begun: bool = False
    error: TaskError | None = None  # of one that failed without a task
    task_id: str | None = None  # of a plain one; not written

    @property
    def place(self) -> Place:
        return self.workflow_id, self.node

    @property
    def is_over(self) -> bool:
        return self.status not in {State.BLOCKED, State.RUNNING}


class Work(Struct, frozen=True, array_like=True):
    """Which task is the work of which node; `item` NO_ITEM: the node is no fan-out."""

    workflow_id: str
    node: str
    item: int
    task_id: str


class Answer(Struct, frozen=True, array_like=True):
    """What one task, or one sub-workflow, of a node ended with. `withheld`: its result is not in the store, or too much."""

    node: str
    item: int
    status: State
    result: tuple[Raw] | None  # in a tuple, for it may be null
    withheld: bool
    error: TaskError | None


# --- questions -----------------------------------------------------------------------------------------------------------


class WorkOf(Struct, frozen=True):
    """→ list[Work]: where these tasks stand; those of no workflow are left out."""

    tasks: Sequence[str]


class Workflows(Struct, frozen=True):
    """→ list[WorkflowRow]: those that there are."""

    ids: Sequence[str]


class GraphText(Struct, frozen=True):
    """→ str | None"""

    root: str


class Nodes(Struct, frozen=True):
    """→ list[NodeRow]: those that there are."""

    places: Sequence[Place]


class Answers(Struct, frozen=True):
    """→ list[Answer], in the order of items. The results of a node are withheld if they have more than `octets` together."""

    workflow: WorkflowRow
    nodes: Sequence[str]
    octets: int


class Input(Struct, frozen=True):
    """→ Raw: what a workflow was given."""

    workflow: str


class Broken(Struct, frozen=True):
    """→ list[NodeRow]: those that failed or were cancelled, as they are stored."""

    workflow: str


class Subs(Struct, frozen=True):
    """→ list[WorkflowRow]: the sub-workflows in a tree that have not ended."""

    root: str


class NodesOf(Struct, frozen=True):
    """→ list[NodeRow]: all nodes of these workflows in one of these states; none: in any."""

    workflows: Sequence[str]
    states: Sequence[State] = ()


class Live(Struct, frozen=True):
    """→ list[Work]: tasks of these workflows that have not ended, but for those of `finally`."""

    workflows: Sequence[str]


class Undone(Struct, frozen=True):
    """→ list[Work]: the tasks of a fan-out's items that failed or were cancelled, as far as they are kept."""

    workflow: WorkflowRow
    node: str


class Missing(Struct, frozen=True):
    """→ list[Place]: nodes in a tree that ended whose work is not there any more, as far as it did not succeed; of `finally`,
    and of what was skipped, whatever it is.
    """

    root: str


class UndoneSubs(Struct, frozen=True):
    """→ list[WorkflowRow]: the same of sub-workflows, also of a node that is no fan-out."""

    workflow: str
    node: str


# --- what is to be written -----------------------------------------------------------------------------------------------


class Released(Struct, frozen=True):
    """A task that may run. `payload` and `limits` None: as they are."""

    task: str
    payload: Raw | None = None
    limits: tuple[Limit, ...] | None = None


class Release(Struct, frozen=True):
    """→ dict[str, TaskflowError]: blocked → queued, in this order; those that stay, for a limit of theirs has no numbers."""

    account: str
    tasks: Sequence[Released]

    def stating(self) -> list[Submit]:
        """Those with limits, as a submit states them."""
        return [
            Submit((NewTask(id=one.task, account_id=self.account, limits=one.limits, **_NO_MATTER),))
            for one in self.tasks
            if one.limits
        ]


class Skip(Struct, frozen=True):
    """→ None: blocked → skipped."""

    tasks: Sequence[str]


class Reject(Struct, frozen=True):
    """→ None: blocked → failed (reason `reference`)."""

    tasks: Sequence[tuple[str, TaskError]]


class Cancel(Struct, frozen=True):
    """→ list[Cancelled]: unstarted → cancelled, and what runs is asked, once. Those that changed."""

    root: str
    tasks: Sequence[str]


class Cancelled(Struct, frozen=True):
    task: str
    was: State
    attempt: int
    worker: str | None


class Reset(Struct, frozen=True):
    """→ set[str]: failed, cancelled, skipped → blocked. Those that moved."""

    tasks: Sequence[str]


class Redrive(Struct, frozen=True):
    """→ set[str]: failed, cancelled → queued, in this order. Those that moved."""

    tasks: Sequence[str]


class Clone(Struct, frozen=True):
    """→ bool: a task that has ended once more, blocked, under a new id. False: it is not there any more."""

    task: str
    new: str


class SetAside(Struct, frozen=True):
    """→ None: the work of a node that will do its work anew is kept under another name, that no node has."""

    place: Place
    name: str


class AddWork(Struct, frozen=True):
    """→ None"""

    work: Work


class StateLimits(Struct, frozen=True):
    """→ None: the numbers of a workflow's own limits, which it runs again."""

    account: str
    limits: tuple[Limit, ...]

    def stating(self) -> Submit:
        return Submit((NewTask(id="", account_id=self.account, limits=self.limits, **_NO_MATTER),))


class MakeTasks(Struct, frozen=True):
    """→ TaskflowError | None: insert these as one submit does, all or none, and say whose work they are."""

    tasks: Sequence[NewTask]
    work: Sequence[Work]


class DropLimits(Struct, frozen=True):
    """→ None: forget the numbers of these keys, but for those that an operator has pinned."""

    account: str
    keys: Sequence[str]


class NewRow(Struct, frozen=True):
    """A workflow to be inserted; `graph` of a root."""

    row: WorkflowRow
    input: Raw
    graph: str | None = None


class Save(Struct, frozen=True):
    """→ None: write rows. `touched` are the workflows of which anything changes: their `rev` rises by one."""

    new_workflows: Sequence[NewRow]
    new_nodes: Sequence[NodeRow]
    touched: Sequence[WorkflowRow]
    nodes: Sequence[NodeRow]


# --- a submit ------------------------------------------------------------------------------------------------------------


class Replay(Struct, frozen=True):
    """→ str | TaskflowError | None: which workflow this key was answered with before. It is ours from now on, if it is free."""

    key: Idempotency
    workflow: str


class Keep(Struct, frozen=True):
    """→ None: the key is answered with this workflow; None: with nothing, the submit was refused."""

    key: Idempotency
    workflow: str | None


Ask = (
    WorkOf
    | Workflows
    | GraphText
    | Nodes
    | Answers
    | Input
    | Broken
    | Subs
    | NodesOf
    | Live
    | Undone
    | Missing
    | UndoneSubs
    | Cancel
    | Reset
    | Redrive
    | Clone
    | SetAside
    | AddWork
    | StateLimits
    | Release
    | Skip
    | Reject
    | MakeTasks
    | DropLimits
    | Save
    | Replay
    | Keep
)
Asking = Generator[Ask, Any, T]
