"""How a workflow is cancelled, and how it runs out of time."""

from collections.abc import Iterable
from typing import Final

from taskflow_hub.domain.graph import FINALLY
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.store.advance import Advance, End
from taskflow_hub.store.asks import (
    Asking,
    Cancel,
    Cancelled,
    Ending,
    Live,
    NodeRow,
    NodesOf,
    Subs,
    Work,
    WorkflowRow,
)
from taskflow_hub.store.tree import Tree

_NOTHING: Final[list[Cancelled]] = []


def halted(tree: Tree, root: WorkflowRow, workflow_id: str, ending: Ending) -> Asking[list[Cancelled]]:
    """Nothing of a workflow in this tree begins any more but `finally`: what waits is cancelled, what runs is asked to end.

    Answers the tasks that changed. One that has ended, or is halted already, is left as it is. So is a `finally` that runs:
    it is what is left to do.
    """
    subs: list[WorkflowRow] = yield Subs(root.id)
    tree.workflows.update((row.id, row) for row in subs)
    workflow = tree.workflows.get(workflow_id)
    if workflow is None or not workflow.is_running or workflow.ending is not None:
        return _NOTHING
    halting = {row.id: row for row in _within(tree, workflow)}
    for row in halting.values():
        row.ending = row.ending or (ending if row is workflow else Ending.CANCEL)
        tree.touched(row.id)
    live: list[Work] = yield Live(list(halting))
    changed: list[Cancelled] = yield Cancel(root.id, [work.task_id for work in live])
    advance = Advance(tree)
    blocked: list[NodeRow] = yield NodesOf(list(halting), [State.BLOCKED])
    waiting = [node for node in tree.as_changed(blocked) if node.node != FINALLY]
    yield from advance.cancelled(waiting)
    over = {one.task for one in changed if one.was is not State.RUNNING}
    given_up = {node.place for node in waiting}
    advance.ends += [
        End(work.workflow_id, work.node, work.item, State.CANCELLED)
        for work in live
        if work.task_id in over and (work.workflow_id, work.node) not in given_up
    ]
    yield from advance.settle()
    return changed


def asked(changed: Iterable[Cancelled]) -> list[tuple[str, int, str]]:
    """Those that run: task id, attempt, worker."""
    return [(one.task, one.attempt, one.worker or "") for one in changed if one.was is State.RUNNING]


def _within(tree: Tree, workflow: WorkflowRow) -> Iterable[WorkflowRow]:
    """It, and the sub-workflows in it that run, but for those that are the work of a `finally`."""
    for row in tree.workflows.values():
        above: WorkflowRow | None = row
        while above is not None and above.id != workflow.id and above.parent_node != FINALLY:
            above = None if above.parent_id is None else tree.workflows[above.parent_id]
        if above is not None and above.id == workflow.id and row.is_running:
            yield row
