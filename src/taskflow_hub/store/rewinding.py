"""How a workflow that failed, or was cancelled, runs again: from what did not succeed, with what did kept as it is."""

from msgspec import Struct

from taskflow_hub.domain.errors import Gone
from taskflow_hub.domain.graph import FINALLY
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.model import TaskError
from taskflow_hub.domain.workflow_view import WorkflowState
from taskflow_hub.store.asks import (
    NO_ITEM,
    AddWork,
    Asking,
    Clone,
    Missing,
    NodeRow,
    NodesOf,
    Place,
    Redrive,
    Reset,
    SetAside,
    StateLimits,
    Undone,
    UndoneSubs,
    Work,
    WorkflowRow,
)
from taskflow_hub.store.plans import Plan, satisfied
from taskflow_hub.store.tree import Tree

UNDONE = frozenset({State.FAILED, State.CANCELLED})


class Rewound(Struct, frozen=True):
    """Of a workflow that runs again: the nodes that wait for nobody, and those that fail at once, for their task is gone."""

    ready: list[NodeRow]
    over: dict[Place, State]


def require_kept(tree: Tree, root: WorkflowRow) -> Asking[None]:
    """Raises Gone when history has not kept what would run again, anywhere in the tree."""
    lacking: list[Place] = yield Missing(root.id)
    again: dict[str, set[str]] = {}
    for workflow_id, node in lacking:
        if (yield from _runs_again(tree, workflow_id, node, again)):
            raise _gone(node)


def _runs_again(tree: Tree, workflow_id: str, node: str, again: dict[str, set[str]]) -> Asking[bool]:
    """Would a redrive of the root come to this node? `again`: which nodes of a workflow it would, as far as that is known."""
    yield from tree.know_workflows([workflow_id])
    workflow = tree.workflows[workflow_id]
    if workflow.status not in {WorkflowState.FAILED, WorkflowState.CANCELLED}:
        return False
    if workflow_id not in again:
        plan = yield from tree.plan(workflow)
        rows: list[NodeRow] = yield NodesOf([workflow_id])
        again[workflow_id] = {FINALLY, *_again(plan, {row.node: row for row in rows})}
    if node not in again[workflow_id]:
        return False
    if workflow.parent_id is None or workflow.parent_node is None:
        return True
    return (yield from _runs_again(tree, workflow.parent_id, workflow.parent_node, again))


def rewound(tree: Tree, workflow: WorkflowRow) -> Asking[Rewound]:
    """A workflow that has ended runs again: failed and cancelled nodes wait again, and those that were skipped because of them.

    `finally` will run once more, whatever became of it. Sub-workflows, and the items of fan-outs, follow when their node begins
    again (`resumed`).
    """
    plan = yield from tree.plan(workflow)
    rows: list[NodeRow] = yield NodesOf([workflow.id])
    nodes = {node.node: node for node in tree.as_changed(rows)}
    again = _again(plan, nodes)
    ended = {name: node.status for name, node in nodes.items()}
    for name in again:
        after = plan.node(name).after
        waits = sum(edge.parent in again for edge in after)
        missed = sum(
            edge.parent not in again and not satisfied(edge.on, ended[edge.parent]) for edge in after
        )
        _wait(tree, plan, nodes[name], waits, missed)
    workflow.status, workflow.ending = WorkflowState.RUNNING, None
    workflow.left_nodes, workflow.broken = len(again), 0
    workflow.deadline_s = plan.graph.deadline
    tree.touched(workflow.id)
    lost = yield from _reset([nodes[name] for name in again])
    if FINALLY in nodes and nodes[FINALLY].is_over:
        lost += yield from _finally_again(tree, plan, nodes[FINALLY])
    for node in lost:
        gone = _gone(node.node)
        node.error = TaskError(type=type(gone).__name__, message=gone.detail)
    over = {node.place: State.FAILED for node in lost}
    if limits := plan.own_limits(workflow.id):
        yield StateLimits(workflow.account_id, tuple(limits))
    waiting = [nodes[name] for name in again]
    return Rewound([node for node in waiting if node.waits == 0 and node.place not in over], over)


def _again(plan: Plan, nodes: dict[str, NodeRow]) -> dict[str, None]:
    """The nodes that run, or wait, again; parents first. A node that was skipped for other reasons stays skipped."""
    found: dict[str, None] = {}
    for name, node in plan.graph.nodes.items():
        status = nodes[name].status
        if status in UNDONE or (status is State.SKIPPED and any(edge.parent in found for edge in node.after)):
            found[name] = None
    return found


def _wait(tree: Tree, plan: Plan, node: NodeRow, waits: int, missed: int) -> None:
    """A node as it was before it began; but what is there of a fan-out, or of a sub-workflow, goes on."""
    if plan.node(node.node).is_plain:
        node.failed = node.cancelled = 0
    node.status, node.waits, node.missed = State.BLOCKED, waits, missed
    node.left_items, node.begun, node.error = 0, False, None
    tree.changed(node)


def _reset(nodes: list[NodeRow]) -> Asking[list[NodeRow]]:
    """Their tasks wait, too. Answers the nodes whose task is gone."""
    tasks = {node.task_id: node for node in nodes if node.task_id is not None}
    moved: set[str] = (yield Reset(list(tasks))) if tasks else set()
    return [node for task_id, node in tasks.items() if task_id not in moved]


def _finally_again(tree: Tree, plan: Plan, node: NodeRow) -> Asking[list[NodeRow]]:
    """`finally` comes last again. What succeeded cannot run again, so it gets work of its own, and the old is set aside.

    Answers it if its task is gone.
    """
    status, task_id = node.status, node.task_id
    _wait(tree, plan, node, 0, 0)
    if status in UNDONE:
        return (yield from _reset([node]))
    again = tree.new_id()
    if task_id is not None and not (yield Clone(task_id, again)):
        return [node]
    yield SetAside(node.place, f"{FINALLY}#{tree.new_id()}")
    node.total, node.failed, node.cancelled = None, 0, 0
    if task_id is not None:
        node.task_id = again
        yield AddWork(Work(node.workflow_id, FINALLY, NO_ITEM, again))
    return []


class Resumed(Struct, frozen=True):
    """Of sub-workflows that run again: what became of their nodes, and those workflows in which nothing is left to do."""

    ready: list[NodeRow]
    over: dict[Place, State]
    idle: list[WorkflowRow]


def resumed(tree: Tree, node: NodeRow, workflow: WorkflowRow) -> Asking[Resumed]:
    """The items of a fan-out, and the sub-workflows of a node, that did not succeed run again; the others are kept.

    Raises Gone, and has changed nothing, when some of them are not there any more.
    """
    plan = yield from tree.plan(workflow)
    undone = node.failed + node.cancelled
    again = Resumed([], {}, [])
    if plan.node(node.node).task is not None:
        items: list[Work] = yield Undone(workflow, node.node)
        if len(items) != undone:
            raise _gone(node.node)
        yield Redrive([work.task_id for work in items])
    else:
        subs: list[WorkflowRow] = yield UndoneSubs(workflow.id, node.node)
        if len(subs) != undone:
            raise _gone(node.node)
        for sub in sorted(subs, key=lambda sub: sub.item or 0):
            tree.workflows[sub.id] = sub
            below = yield from rewound(tree, sub)
            again.ready.extend(below.ready)
            again.over.update(below.over)
            if sub.left_nodes == 0:
                again.idle.append(sub)
    node.status, node.left_items, node.begun = State.RUNNING, undone, True
    node.failed = node.cancelled = 0
    tree.changed(node)
    return again


def _gone(node: str) -> Gone:
    return Gone(
        f"Node {node!r} cannot run again: retention has removed a task of it. A workflow can be redriven as long as its "
        "tasks are kept (the settings retention.*)."
    )
