"""The engine's verbs take many and answer with one outcome each; a route asks for one, and an error is its answer."""

from collections.abc import Sequence

from taskflow_hub.domain.errors import NotAllowed, NotFound, TaskflowError, or_raise
from taskflow_hub.domain.lifecycle import FINAL, State
from taskflow_hub.domain.model import Task


def task_of(outcomes: Sequence[Task | TaskflowError]) -> Task:
    [outcome] = outcomes
    return or_raise(outcome)


def done(outcomes: Sequence[TaskflowError | None]) -> None:
    [outcome] = outcomes
    if outcome is not None:
        raise outcome


def cancelled(task_id: str, outcomes: Sequence[Task | None]) -> Task:
    """The task, cancelled or asked to end. Raises NotFound, NotAllowed when it had ended in another way."""
    [task] = outcomes
    if task is None:
        raise NotFound(f"There is no task {task_id}.")
    if task.status in FINAL and task.status is not State.CANCELLED:
        raise NotAllowed(f"Task {task_id} has ended as {task.status}; it can no longer be cancelled.")
    return task
