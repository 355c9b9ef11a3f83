"""What a store does with workflows. The words of store/base.py hold here, too.

A workflow moves in the transactions that end its tasks: whatever ends one (a report, a cancel, an expiry, the reaper) locks the
root workflow first, before anything else that it locks, and does what the end makes of the other nodes before it commits. So
a tree of workflows does one thing at a time, and each join is counted once.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from taskflow_hub.domain.audit import By
from taskflow_hub.domain.errors import TaskflowError
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.moves import Fence
from taskflow_hub.domain.workflow_view import Workflow, WorkflowState
from taskflow_hub.store.values import (
    Idempotency,
    InputPage,
    ItemPage,
    Late,
    NewWorkflow,
    WorkflowFilter,
    WorkflowOwner,
    WorkflowPage,
)


class WorkflowStore(Protocol):
    @property
    def workflow_decisions(self) -> int:
        """Rises when this process has moved a workflow, be it by the end of a task; by how much says nothing."""
        ...

    async def submit_workflow(
        self, new: NewWorkflow, *, idempotency: Idempotency | None = None, by: By | None = None
    ) -> tuple[Workflow, bool] | TaskflowError:
        """Insert a workflow with the tasks of its plain nodes, and begin those that wait for nothing. The second value: made
        now, not replayed by `idempotency`.

        Its tasks come without unique keys. As with tasks, the audit is not told of submits.
        Refuses as `submit` does (IdempotencyMismatch, TaskGone, QuotaExceeded, QueueFull, Invalid); errors name /nodes/NAME.
        """
        ...

    async def workflow(self, account: str | None, workflow_id: str) -> Workflow | None:
        """With its nodes as they are now; sub-workflows have ids of their own. `account` None: any."""
        ...

    async def workflows(
        self, account: str | None, where: WorkflowFilter, *, limit: int, cursor: str | None = None
    ) -> WorkflowPage:
        """Those that are no sub-workflows, newest first, without their nodes."""
        ...

    async def workflow_items(
        self,
        account: str | None,
        workflow_id: str,
        node: str,
        *,
        status: Sequence[State] = (),
        after: int = -1,
        limit: int,
    ) -> ItemPage | TaskflowError:
        """The items of a fan-out that has begun, in order, those after `after`; `status` empty: whatever it is. The page ends
        early when results have PAGE_OCTETS together. NotFound for a workflow or a node that is not there,
        and for a node that is no fan-out.
        """
        ...

    async def workflow_owner(self, workflow_id: str) -> WorkflowOwner | None:
        """Whose it is; cheap, for those who may look into all."""
        ...

    async def cancel_workflow(
        self, account: str, workflow_id: str, *, by: By | None = None
    ) -> tuple[Workflow, list[tuple[str, int, str]]] | TaskflowError:
        """What waits is cancelled, what runs is asked to end; then `finally` runs, and the workflow ends `cancelled`. One that
        runs already is left alone.

        Also answers what runs and was asked now: task id, attempt, worker. Twice changes nothing; one that has ended is
        answered as it is. NotFound; NotAllowed for a sub-workflow.
        """
        ...

    async def redrive_workflow(
        self, account: str, workflow_id: str, *, by: By | None = None
    ) -> Workflow | TaskflowError:
        """failed, cancelled → running: failed and cancelled nodes run again (of a fan-out only such items), what was skipped
        because of them waits again, and what succeeded is kept; but `finally` comes last once more. NotFound; NotAllowed in any
        other state, or for a sub-workflow; Gone when history has not kept what would run again.
        """
        ...

    async def delete_workflow(
        self, account: str, workflow_id: str, *, by: By | None = None
    ) -> TaskflowError | None:
        """Remove a workflow that has ended, with its sub-workflows and all their tasks. NotFound, NotAllowed."""
        ...

    async def expire_workflows(self, limit: int) -> Late:
        """Workflows whose deadline has passed: as a cancel, but they end `failed`. `ids` are those of workflows."""
        ...

    async def inputs(
        self, child: Fence, node: str, *, after: int = -1, limit: int
    ) -> InputPage | TaskflowError:
        """What a parent of the node that runs as this attempt ended with, items after `after`, in order.

        LeaseLost; NotFound for a node that it does not come after, directly or not.
        """
        ...

    async def prune_workflows(self, retention_s: Mapping[WorkflowState, float], limit: int) -> Sequence[str]:
        """Forget workflows that ended longer ago than their outcome's retention; the ids of those that were."""
        ...
