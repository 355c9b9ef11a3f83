"""Why not: the errors a store answers with, in the same words on every database."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from taskflow_hub.domain.errors import (
    FieldError,
    Invalid,
    NotAllowed,
    NotFound,
    QueueFull,
    QuotaExceeded,
    ShuttingDown,
    TaskflowError,
    TaskGone,
    TooLarge,
    Unavailable,
    UniqueConflict,
)
from taskflow_hub.domain.lifecycle import FINAL, LIFECYCLE, UNSTARTED, Move, State
from taskflow_hub.domain.limits import EVENTS_MAX, STEPS_MAX
from taskflow_hub.domain.workflow_view import WorkflowState

RETRY_FULL_S: Final = 1.0
RETRY_BUSY_S: Final = 1.0


def no_task(task_id: str) -> NotFound:
    return NotFound(f"There is no task {task_id}.")


def closed() -> ShuttingDown:
    return ShuttingDown("the store is closed")


# --- by people: None when nothing stands against it; `state` None is no such task of this account ------------------------


def of_redrive(task_id: str, state: State | None, workflow_id: str | None) -> TaskflowError | None:
    """`workflow_id`: of which it is part."""
    if state is None:
        return no_task(task_id)
    if workflow_id is not None:
        return of_task_of(task_id, workflow_id, "redrive")
    if Move.REDRIVE not in LIFECYCLE[state]:
        return NotAllowed(f"Task {task_id} is {state}; only failed and cancelled tasks can be redriven.")
    return None


def of_promote(task_id: str, state: State | None) -> TaskflowError | None:
    if state is None:
        return no_task(task_id)
    if state is not State.SCHEDULED:
        return NotAllowed(f"Task {task_id} is {state}; only scheduled tasks can be promoted.")
    return None


def of_event(task_id: str, state: State | None) -> TaskflowError | None:
    if state is None:
        return no_task(task_id)
    if state in FINAL:
        return NotAllowed(f"Task {task_id} has ended ({state}); nobody waits for its events.")
    return None


def too_many_events(task_id: str) -> NotAllowed:
    return NotAllowed(f"Task {task_id} was sent {EVENTS_MAX} events; that is as many as one may be.")


def too_many_steps(task_id: str) -> TooLarge:
    return TooLarge(
        f"Task {task_id} has kept {STEPS_MAX} steps, sleeps and waits, which is as many as one task may. "
        "Do more in one step, or submit another task."
    )


def of_update(task_id: str, state: State | None, run_at: datetime | None) -> TaskflowError | None:
    """`run_at`: as it shall become."""
    if state is None:
        return no_task(task_id)
    if state not in UNSTARTED:
        return NotAllowed(f"Task {task_id} is {state}; only tasks that have not started can be changed.")
    if run_at is not None and state is not State.SCHEDULED:
        return NotAllowed(f"Task {task_id} is {state}; run_at can be changed only while a task is scheduled.")
    return None


def of_delete(task_id: str, state: State | None, workflow_id: str | None) -> TaskflowError | None:
    """`workflow_id`: of which it is part."""
    if state is None:
        return no_task(task_id)
    if workflow_id is not None:
        return of_task_of(task_id, workflow_id, "delete")
    if state not in FINAL:
        return NotAllowed(f"Task {task_id} is {state}; only finished tasks can be deleted.")
    return None


def of_task_of(task_id: str, workflow_id: str, verb: str) -> NotAllowed:
    """`verb`: redrive, delete."""
    return NotAllowed(
        f"Task {task_id} is part of workflow {workflow_id}, which {verb}s its tasks together: "
        f"taskflow workflow {verb} {workflow_id}"
    )


def no_workflow(workflow_id: str) -> NotFound:
    return NotFound(f"There is no workflow {workflow_id}.")


def no_node(workflow_id: str, node: str) -> NotFound:
    return NotFound(f"Workflow {workflow_id} has no node {node!r}.")


def no_fan_out(workflow_id: str, node: str) -> NotFound:
    return NotFound(f"Node {node!r} of workflow {workflow_id} is no fan-out, so it has no items.")


def of_workflow(workflow_id: str, verb: str, status: WorkflowState | None, root: str) -> TaskflowError | None:
    """`verb`: cancel, redrive, delete. `status` None: there is no such one. `root`: of which it is a part, or itself."""
    if status is None:
        return no_workflow(workflow_id)
    if root != workflow_id:
        return NotAllowed(f"Workflow {workflow_id} is part of workflow {root}: {verb} that.")
    if verb == "redrive" and status not in {WorkflowState.FAILED, WorkflowState.CANCELLED}:
        return NotAllowed(
            f"Workflow {workflow_id} is {status}; only failed and cancelled workflows can be redriven."
        )
    if verb == "delete" and status is WorkflowState.RUNNING:
        return NotAllowed(
            f"Workflow {workflow_id} is running; only workflows that have ended can be deleted."
        )
    return None


def not_before(node: str, child: str) -> NotFound:
    return NotFound(f"Node {child!r} does not come after a node {node!r}, so it has no inputs from it.")


def in_no_workflow(task_id: str) -> NotFound:
    return NotFound(f"Task {task_id} is not part of a workflow, so it has no inputs.")


# --- by submits ----------------------------------------------------------------------------------------------------------


def unknown_type(type: str, place: int) -> Invalid:
    """`place`: which task of the Submit is of a type that nobody has registered, where only known ones are allowed."""
    return Invalid.field(f"/tasks/{place}/type", f"no worker has ever registered {type!r}")


def queue_full(queue: str, bound: int, places: Iterable[int]) -> QueueFull:
    """`places`: which tasks of the Submit find no room."""
    return QueueFull(
        f"Queue {queue!r} is full: it may hold {bound} waiting tasks.",
        errors=[FieldError(f"/tasks/{place}/queue", f"queue {queue!r} is full") for place in places],
        retry_after_s=RETRY_FULL_S,
    )


def too_many_in_minute(
    account: str, most: int, used: int, places: Sequence[int], left_s: float
) -> QuotaExceeded:
    """`used`: before this Submit, of which the tasks at `places` are too many; `left_s`: of the minute."""
    return _exceeded(
        "per_minute",
        f"Account {account!r} may submit {_tasks(most)} a minute, and has submitted {used} in this one.",
        places,
        left_s,
    )


def too_many_in_day(
    account: str, most: int, used: int, places: Sequence[int], left_s: float
) -> QuotaExceeded:
    return _exceeded(
        "per_day",
        f"Account {account!r} may submit {_tasks(most)} a day (UTC), and has submitted {used} today.",
        places,
        left_s,
    )


def too_many_queued(account: str, most: int, used: int, places: Sequence[int]) -> QuotaExceeded:
    """`used`: counted no further than one above `most`."""
    waiting = str(used) if used <= most else f"more than {most}"
    return _exceeded(
        "queued",
        f"Account {account!r} may have {_tasks(most)} waiting, and has {waiting}.",
        places,
        RETRY_FULL_S,
    )


def _exceeded(quota: str, detail: str, places: Sequence[int], retry_after_s: float) -> QuotaExceeded:
    return QuotaExceeded(
        detail,
        errors=[FieldError(f"/tasks/{place}", f"is beyond the quota {quota}") for place in places],
        retry_after_s=retry_after_s,
    )


def _tasks(count: int) -> str:
    return "1 task" if count == 1 else f"{count} tasks"


def no_numbers(index: int, place: int, key: str) -> Invalid:
    """`index`: which task of the Submit, `place`: which of its limits."""
    return Invalid(
        f"Limit {key!r} has no numbers yet: say how many may run, how many may start per second, or both.",
        errors=[
            FieldError(
                f"/tasks/{index}/limits/{place}/running",
                "must be stated, or per_second, the first time a key is used",
            )
        ],
    )


def key_held(key: str, holder: str, status: State | None, index: int) -> UniqueConflict:
    """`index`: which task of the Submit wants the key. `status` None: not known."""
    state = "" if status is None else f" and is {status}"
    return UniqueConflict(
        f"Task {holder} holds the unique key {key!r}{state}.",
        errors=[FieldError(f"/tasks/{index}/unique/key", f"held by task {holder}")],
    )


def key_busy() -> Unavailable:
    """Nobody knows yet whether it is taken."""
    return Unavailable(
        "A transaction that is still open holds this key, limit or quota; try again when it has ended.",
        retry_after_s=RETRY_BUSY_S,
    )


def key_held_meanwhile(key: str, holder: str, task_id: str) -> UniqueConflict:
    """A task that is redriven finds that another has its key by now."""
    return UniqueConflict(f"Task {holder} holds the unique key {key!r} of task {task_id}.")


def gone_since_submit(task_id: str) -> TaskGone:
    """An id comes again, and its task is pruned."""
    return TaskGone(f"Task {task_id} was submitted before and has been removed since.")


def workflow_gone(workflow_id: str) -> TaskGone:
    """An idempotency key comes again, and its workflow is removed."""
    return TaskGone(f"Workflow {workflow_id} was made by this request before and has been removed since.")


def gone_since_request(task_id: str) -> TaskGone:
    """An idempotency key or a call comes again, and a task it made is pruned."""
    return TaskGone(f"Task {task_id} was made by this request before and has been removed since.")
