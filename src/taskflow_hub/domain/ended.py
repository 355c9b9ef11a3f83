"""How a task or a workflow that ended without a result is told to those who wait for one."""

from typing import Any

from taskflow_hub.domain.errors import TaskflowError
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.model import Task
from taskflow_hub.domain.workflow_view import Workflow, WorkflowState


class TaskFailed(TaskflowError):
    """The task ended without a result. `task` is how it ended; `task.error` has type, message and traceback."""

    code = "task_failed"

    def __init__(self, task: Task) -> None:
        self.task = task
        why = f": {task.error.type}: {task.error.message}" if task.error else ""
        super().__init__(f"Task {task.id} ({task.type}) ended {task.status}{why}")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.task,)


class TaskCancelled(TaskFailed):
    """The task was cancelled, or skipped by its workflow, and has no result."""

    code = "task_cancelled"


def without_result(task: Task) -> TaskFailed:
    """The error for a task that is final and did not succeed."""
    return TaskFailed(task) if task.status is State.FAILED else TaskCancelled(task)


class WorkflowFailed(TaskflowError):
    """The workflow ended without a result. `workflow` is how it ended; its nodes say why."""

    code = "workflow_failed"

    def __init__(self, workflow: Workflow) -> None:
        self.workflow = workflow
        why = f": {workflow.error.type}: {workflow.error.message}" if workflow.error else ""
        super().__init__(f"Workflow {workflow.id} ({workflow.name}) ended {workflow.status}{why}")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.workflow,)


class WorkflowCancelled(WorkflowFailed):
    """The workflow was cancelled, and has no result."""

    code = "workflow_cancelled"


def workflow_without_result(workflow: Workflow) -> WorkflowFailed:
    """The error for a workflow that has ended and did not succeed."""
    failed = workflow.status is WorkflowState.FAILED
    return WorkflowFailed(workflow) if failed else WorkflowCancelled(workflow)
