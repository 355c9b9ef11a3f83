"""What the submit of a workflow hands back."""

import time
from typing import Any, Protocol

import msgspec

from taskflow_hub.domain.ended import workflow_without_result
from taskflow_hub.domain.workflow_view import Workflow, WorkflowState


class _Reader(Protocol):
    async def read_workflow(self, workflow_id: str) -> Workflow: ...
    async def wait_workflow(self, workflow_id: str, wait_s: float) -> Workflow: ...
    async def cancel_workflow(self, workflow_id: str) -> Workflow: ...
    async def redrive_workflow(self, workflow_id: str) -> Workflow: ...


class WorkflowHandle:
    """One workflow that was submitted. `id` finds it again from anywhere: `hub.workflow(id)`."""

    def __init__(self, hub: _Reader, workflow_id: str) -> None:
        self._hub, self.id = hub, workflow_id

    async def workflow(self) -> Workflow:
        """The workflow as it is now, with all its nodes. Raises NotFound once retention has removed it."""
        return await self._hub.read_workflow(self.id)

    async def status(self) -> WorkflowState:
        """running, success, failed or cancelled."""
        return (await self.workflow()).status

    async def result(self, timeout: float | None = None) -> Any:
        """Wait for the end, and return what the workflow answers (`returns`), as JSON values; None if it answers nothing.

        Raises TimeoutError after `timeout` seconds (None: waits as long as it takes; the workflow goes on either way),
        WorkflowFailed (WorkflowCancelled) when it ends any other way than `success`.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            left_s = 60.0 if deadline is None else max(deadline - time.monotonic(), 0.0)
            workflow = await self._hub.wait_workflow(self.id, left_s)
            if workflow.status is WorkflowState.SUCCESS:
                return None if workflow.result is None else msgspec.json.decode(workflow.result)
            if workflow.status is not WorkflowState.RUNNING:
                raise workflow_without_result(workflow)
            if deadline is not None and time.monotonic() >= deadline:
                raise TimeoutError(f"Workflow {self.id} is still running after {timeout} s.")

    async def cancel(self) -> WorkflowState:
        """Ask it to end: what waits is cancelled, what runs is asked, then `finally` runs. `running` until that is done.

        Raises NotAllowed when it had already ended in another way, and for a sub-workflow, which is cancelled with its whole.
        """
        return (await self._hub.cancel_workflow(self.id)).status

    async def redrive(self) -> WorkflowState:
        """Go on from where it failed or was cancelled; what succeeded is kept. Raises NotAllowed in any other state."""
        return (await self._hub.redrive_workflow(self.id)).status

    def __repr__(self) -> str:
        return f"WorkflowHandle({self.id!r})"
