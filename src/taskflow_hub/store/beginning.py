"""How a workflow begins, and begins again: its tasks are made, blocked, and what waits for nothing is released."""

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from taskflow_hub.domain.errors import FieldError, TaskflowError
from taskflow_hub.domain.workflow_view import WorkflowState
from taskflow_hub.store.advance import Advance
from taskflow_hub.store.asks import NO_ITEM, Asking, Keep, MakeTasks, Replay, Work, WorkflowRow, Workflows
from taskflow_hub.store.documents import to_json
from taskflow_hub.store.plans import Plans, limit_of, workflow_key
from taskflow_hub.store.rewinding import require_kept, rewound
from taskflow_hub.store.tree import Tree
from taskflow_hub.store.values import Idempotency, NewWorkflow

_TASK: Final = re.compile(r"/tasks/(\d+)")


def submitted(
    plans: Plans, new: NewWorkflow, key: Idempotency | None
) -> Asking[tuple[str, bool] | TaskflowError]:
    """Insert a workflow and begin it: its id, and whether it was made now. The id of an older one, if the key is known."""
    there: list[WorkflowRow] = yield Workflows([new.id])
    if there:
        return new.id, True  # the very same call again, after its answer was lost
    if key is not None:
        before: str | TaskflowError | None = yield Replay(key, new.id)
        if before is not None:
            return before if isinstance(before, TaskflowError) else (before, False)
    refusal = yield from _made(Tree(plans), plans, new)
    if key is not None:
        yield Keep(key, None if refusal is not None else new.id)
    return (new.id, True) if refusal is None else refusal


def _made(tree: Tree, plans: Plans, new: NewWorkflow) -> Asking[TaskflowError | None]:
    text = to_json(new.graph)
    plan = plans.keep(new.id, text)
    around = tuple(limit_of(workflow_key(new.id), new.graph.max_concurrency))
    names = list(new.tasks)
    tasks = [
        msgspec.structs.replace(task, blocked=True, workflow_id=new.id, limits=task.limits + around)
        for task in new.tasks.values()
    ]
    if tasks:
        work = [Work(new.id, name, NO_ITEM, task.id) for name, task in zip(names, tasks, strict=True)]
        refusal: TaskflowError | None = yield MakeTasks(tasks, work)
        if refusal is not None:
            return _of_nodes(refusal, names)
    row = WorkflowRow(
        new.id,
        new.id,
        None,
        None,
        None,
        new.account_id,
        new.user_id,
        new.name,
        new.tags,
        WorkflowState.RUNNING,
        (),
        new.traceparent,
        new.schedule_id,
        None,
        len(new.graph.nodes),
        0,
        deadline_s=new.graph.deadline,
        max_concurrency=new.graph.max_concurrency,
    )
    advance = Advance(tree)
    ready = tree.add(row, plan, new.input, text)
    for name, task in zip(names, tasks, strict=True):
        tree.nodes[new.id, name].task_id = task.id
    advance.ready.update((node.place, None) for node in ready)
    yield from advance.settle()
    return None


def redriven(plans: Plans, root: WorkflowRow) -> Asking[None]:
    """A workflow that failed, or was cancelled, runs again (store/rewinding.py). Raises Gone, and has changed nothing."""
    tree = Tree(plans, [root])
    yield from require_kept(tree, root)
    advance = Advance(tree)
    again = yield from rewound(tree, root)
    advance.ready.update((node.place, None) for node in again.ready)
    if root.left_nodes == 0:
        yield from advance.nothing_left(root)
    yield from advance.over(again.over)
    yield from advance.settle()


def _of_nodes(refusal: TaskflowError, names: Sequence[str]) -> TaskflowError:
    """The same error, of which the fields are named as the workflow has them."""

    def renamed(text: str) -> str:
        return _TASK.sub(lambda found: f"/nodes/{names[int(found[1])]}", text)

    errors = [FieldError(renamed(one.pointer), one.detail) for one in refusal.errors]
    return type(refusal)(renamed(refusal.detail), errors=errors, retry_after_s=refusal.retry_after_s)
