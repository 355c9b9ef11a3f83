"""How a task that ended without a result is told to those who wait for one."""

from typing import Any

from taskflow_hub.domain.errors import TaskflowError
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.model import Task


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
