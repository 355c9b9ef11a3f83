"""What the end of a piece of work makes of the workflow that it is part of (docs/adr/0100).

A task ends, so its node may; a node ends, so those that wait for it wait for one parent less; a node that waits for nobody
begins or is skipped; a workflow without nodes that have not ended begins its `finally`, then ends itself; and if it was the
work of a node, that may end. So it goes on until nothing more follows. All that is a generator (store/asks.py): it asks for
rows, and says what becomes of tasks. The root's row is locked meanwhile, so nobody else changes anything in the tree.

Whatever ends in one transaction is counted together: a node's row is read and written once, however many of its items ended.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from msgspec import Struct

from taskflow_hub.domain.graph import FINALLY
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.model import TaskError
from taskflow_hub.domain.references import Unresolvable
from taskflow_hub.domain.workflow_view import WorkflowState
from taskflow_hub.store.asks import (
    NO_ITEM,
    Asking,
    DropLimits,
    Ending,
    NodeRow,
    Place,
    Work,
    WorkflowRow,
    WorkOf,
)
from taskflow_hub.store.finding import HOW, Finder, broken_nodes, status_of
from taskflow_hub.store.plans import satisfied
from taskflow_hub.store.releasing import Begun, begin
from taskflow_hub.store.tree import Tree

WORKFLOWS_TOGETHER: Final = 16  # whose nodes begin together,
NODES_TOGETHER: Final = 100  # so many: what they refer to is in memory at once
NAMED: Final = 10  # nodes that broke a workflow, in its error


class End(Struct, frozen=True):
    """A task, or a sub-workflow, that was the work of a node (of one item of it) has ended."""

    workflow_id: str
    node: str
    item: int
    how: State


class Advance:
    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.ends: list[End] = []
        self.ready: dict[Place, None] = {}  # nodes that wait for nobody any more
        self.closing: dict[str, None] = {}  # workflows in which nothing is left to do

    def ended(self, how: Mapping[str, State], work: Sequence[Work] | None = None) -> Asking[None]:
        """These tasks have ended, how. `work`: whose work they are, if that is known (of others, too)."""
        if work is None:
            work = yield WorkOf(list(how))
        self.ends += [
            End(one.workflow_id, one.node, one.item, how[one.task_id]) for one in work if one.task_id in how
        ]
        yield from self.settle()

    def settle(self) -> Asking[None]:
        """Whatever follows, and then write it."""
        while self.ends or self.ready or self.closing:
            if self.ends:
                yield from self._count()
            elif self.closing:
                yield from self._close()
            else:
                yield from self._begin()
        yield from self.tree.save()

    # --- ends ----------------------------------------------------------------------------------------------------------

    def _count(self) -> Asking[None]:
        """Take what has ended off what is left of its node."""
        tree, ends = self.tree, self.ends
        self.ends = []
        counted: dict[Place, Counter[State]] = {}
        for end in sorted(ends, key=lambda end: (end.workflow_id, end.node)):
            counted.setdefault((end.workflow_id, end.node), Counter())[end.how] += 1
        yield from tree.know_workflows(workflow_id for workflow_id, _ in counted)
        yield from self._know_with_children(end for end in ends if end.item == NO_ITEM)
        yield from tree.know(counted)
        over: dict[Place, State] = {}
        for place, how in counted.items():
            node = tree.nodes.get(place)
            if node is None or node.is_over:
                continue  # forgotten meanwhile, or cancelled before
            if node.status is State.BLOCKED:  # somebody has cancelled its task, or it has expired
                over[place] = next(iter(how))
                continue
            node.left_items -= how.total()
            node.failed += how[State.FAILED]
            node.cancelled += how[State.CANCELLED]
            tree.changed(node)
            if node.left_items == 0:
                over[place] = _end_of(node)
        yield from self.over(over)

    def _know_with_children(self, ends: Iterable[End]) -> Asking[None]:
        """In one question, for a node that is no fan-out ends with its work."""
        places: list[Place] = []
        for end in ends:
            workflow = self.tree.workflows.get(end.workflow_id)
            if workflow is not None:
                plan = yield from self.tree.plan(workflow)
                places.append((end.workflow_id, end.node))
                places += [(end.workflow_id, child) for child, _ in plan.children.get(end.node, ())]
        yield from self.tree.know(places)

    def over(self, nodes: Mapping[Place, State]) -> Asking[None]:
        """These nodes have ended, how: their children wait for one parent less, their workflows for one node less."""
        yield from self._know_with_children(End(*place, NO_ITEM, how) for place, how in nodes.items())
        for place, how in nodes.items():
            yield from self._over(self.tree.nodes[place], how)

    def _over(self, node: NodeRow, how: State) -> Asking[None]:
        tree = self.tree
        workflow = tree.workflows[node.workflow_id]
        plan = yield from tree.plan(workflow)
        node.status = how
        tree.changed(node)
        if how in {State.FAILED, State.CANCELLED} and not plan.node(node.node).allow_failure:
            workflow.broken += 1
        for name, on in plan.children.get(node.node, ()):
            child = tree.nodes[node.workflow_id, name]
            if child.status is not State.BLOCKED:
                continue  # cancelled; or this node was redriven, and the child was not
            child.waits -= 1
            child.missed += not satisfied(on, how)
            tree.changed(child)
            if child.waits == 0:
                self.ready[child.place] = None
        if node.node != FINALLY:
            workflow.left_nodes -= 1
        if workflow.left_nodes == 0:
            yield from self.nothing_left(workflow)

    def cancelled(self, nodes: Sequence[NodeRow]) -> Asking[None]:
        """These nodes, of workflows that are halted, will not begin; and nothing that waits for them will."""
        counted: dict[str, WorkflowRow] = {}
        for node in nodes:
            workflow = counted[node.workflow_id] = self.tree.workflows[node.workflow_id]
            plan = yield from self.tree.plan(workflow)
            node.status = State.CANCELLED
            workflow.left_nodes -= 1
            workflow.broken += not plan.node(node.node).allow_failure
            self.tree.changed(node)
        for workflow in counted.values():
            if workflow.left_nodes == 0:
                yield from self.nothing_left(workflow)

    def nothing_left(self, workflow: WorkflowRow) -> Asking[None]:
        """All nodes of a workflow but `finally` have ended: that is next, if it has one, and it has not ended, too."""
        plan = yield from self.tree.plan(workflow)
        if plan.graph.last is not None:
            yield from self.tree.know([(workflow.id, FINALLY)])
            if not self.tree.nodes[workflow.id, FINALLY].is_over:
                self.ready[workflow.id, FINALLY] = None
                return
        self.closing[workflow.id] = None

    # --- beginnings ----------------------------------------------------------------------------------------------------

    def _begin(self) -> Asking[None]:
        """Nodes that wait for nobody any more begin, or are skipped; some of either end at once."""
        tree = self.tree
        waiting = [tree.nodes[place] for place in self.ready]
        # What was cancelled together with its parent has ended.
        ready = [node for node in waiting if node.status is State.BLOCKED]
        self.ready.clear()
        skipped = [node for node in ready if node.missed]
        tree.skipped += [node.task_id for node in skipped if node.task_id is not None]
        yield from self.over({node.place: State.SKIPPED for node in skipped})
        for some in _together([node for node in ready if not node.missed]):
            begun: Begun = yield from begin(tree, some)
            self.ready.update((node.place, None) for node in begun.ready)
            for workflow in begun.idle:
                yield from self.nothing_left(workflow)
            yield from self.over(begun.over)

    # --- the end of a workflow -----------------------------------------------------------------------------------------

    def _close(self) -> Asking[None]:
        """Workflows in which nothing is left end, and with them the piece of work that they were."""
        closing, self.closing = self.closing, {}
        for workflow_id in closing:
            workflow = self.tree.workflows[workflow_id]
            yield from self._finish(workflow)
            if workflow.parent_id is not None and workflow.parent_node is not None:
                item = NO_ITEM if workflow.item is None else workflow.item
                self.ends.append(End(workflow.parent_id, workflow.parent_node, item, HOW[workflow.status]))
        if self.ends:  # others may refer to what these sub-workflows answered
            yield from self.tree.save()

    def _finish(self, workflow: WorkflowRow) -> Asking[None]:
        tree = self.tree
        plan = yield from tree.plan(workflow)
        last = tree.nodes.get((workflow.id, FINALLY))
        workflow.status = status_of(workflow, last)
        tree.touched(workflow.id)
        if workflow.status is WorkflowState.SUCCESS and plan.result is not None:
            finder = Finder(tree)
            try:
                workflow.result = yield from finder.resolved(workflow, plan.result)
            except Unresolvable as error:
                workflow.status = WorkflowState.FAILED
                workflow.error = TaskError(type="Unresolvable", message=f"its result: {error}")
        elif workflow.status is WorkflowState.FAILED:
            workflow.error = yield from self._why(workflow)
        if limits := plan.own_limits(workflow.id):
            yield DropLimits(workflow.account_id, [limit.key for limit in limits])

    def _why(self, workflow: WorkflowRow) -> Asking[TaskError]:
        if workflow.ending is Ending.DEADLINE:
            return TaskError(
                type="DeadlineExceeded", message="its deadline passed before all nodes had ended"
            )
        plan = yield from self.tree.plan(workflow)
        broken = yield from broken_nodes(self.tree, workflow)
        names = [node.node for node in broken if not plan.node(node.node).allow_failure]
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        return TaskError(
            type="NodeFailed", message=f"these nodes did not succeed: {', '.join(names[:NAMED])}{more}"
        )


def _together(nodes: Sequence[NodeRow]) -> Iterable[list[NodeRow]]:
    """A few nodes of a few workflows at a time."""
    by_workflow: dict[str, list[NodeRow]] = defaultdict(list)
    for node in nodes:
        by_workflow[node.workflow_id].append(node)
    group: list[NodeRow] = []
    workflows = 0
    for of_one in by_workflow.values():
        if workflows == WORKFLOWS_TOGETHER:
            yield group
            group, workflows = [], 0
        workflows += 1
        for node in of_one:
            if len(group) == NODES_TOGETHER:
                yield group
                group, workflows = [], 1
            group.append(node)
    if group:
        yield group


def _end_of(node: NodeRow) -> State:
    """Of a node whose items have all ended."""
    if node.failed:
        return State.FAILED
    return State.CANCELLED if node.cancelled else State.SUCCESS
