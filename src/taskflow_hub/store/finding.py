"""What references find: what the nodes of a workflow ended with, what it was given, and how it is."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Final

import msgspec
from msgspec import Raw

from taskflow_hub.domain.graph import FINALLY
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.limits import PAGE_OCTETS
from taskflow_hub.domain.reference_text import INDEX, INPUT, ITEM, WORKFLOW
from taskflow_hub.domain.references import Compiled, Find, Withheld
from taskflow_hub.domain.workflow_view import WorkflowState
from taskflow_hub.store.asks import (
    NO_ITEM,
    Answer,
    Answers,
    Asking,
    Broken,
    Ending,
    NodeRow,
    Place,
    WorkflowRow,
)
from taskflow_hub.store.tree import Tree

READ_OCTETS: Final = PAGE_OCTETS  # of the results of one node: more are not read
HOW: Final = {
    WorkflowState.SUCCESS: State.SUCCESS,
    WorkflowState.FAILED: State.FAILED,
    WorkflowState.CANCELLED: State.CANCELLED,
}
_json: Final = msgspec.json.encode


class Finder:
    """Of one round: `learn` asks for everything that templates refer to, in few questions; `find` then looks it up."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._answers: dict[Place, list[Answer]] = defaultdict(list)
        self._inputs: dict[str, Raw] = {}
        self._failed: dict[str, list[str]] = {}

    def learn(self, wanted: Iterable[tuple[WorkflowRow, Compiled]]) -> Asking[None]:
        nodes: dict[str, dict[str, bool]] = {}  # by workflow: which nodes, and whether more than the status
        for workflow, template in wanted:
            of = nodes.setdefault(workflow.id, {})
            for ref in template.refs:
                if ref.is_to_node:
                    of[ref.of] = of.get(ref.of, False) or ref.field != "status"
                elif ref.of == INPUT and workflow.id not in self._inputs:
                    self._inputs[workflow.id] = yield from self._tree.input(workflow.id)
                elif ref.of == WORKFLOW and ref.field == "failed" and workflow.id not in self._failed:
                    broken = yield from broken_nodes(self._tree, workflow)
                    self._failed[workflow.id] = [node.node for node in broken if node.status is State.FAILED]
        for workflow_id, of in nodes.items():
            yield from self._tree.know((workflow_id, name) for name in of)
            names = [name for name, more in of.items() if more]
            if names:
                for answer in (yield Answers(self._tree.workflows[workflow_id], names, READ_OCTETS)):
                    self._answers[workflow_id, answer.node].append(answer)
                self._add_ended_now(workflow_id, names)

    def _add_ended_now(self, workflow_id: str, names: Collection[str]) -> None:
        """Sub-workflows that have ended in this very decision are not written yet."""
        for row in self._tree.workflows.values():
            name = row.parent_node
            if row.parent_id == workflow_id and name is not None and name in names and not row.is_running:
                item = NO_ITEM if row.item is None else row.item
                result = None if row.result is None else (row.result,)
                answers = self._answers[workflow_id, name]
                answers[:] = [one for one in answers if one.item != item]
                answers.append(Answer(name, item, HOW[row.status], result, False, row.error))

    def find(self, workflow: WorkflowRow, item: Raw | None = None, index: int = 0) -> Find:
        """`item`, `index`: for an item of a fan-out."""

        def find(of: str, field: str) -> Raw | None:
            if of == ITEM:
                return item
            if of == INDEX:
                return Raw(b"%d" % index)
            if of == INPUT:
                return self._inputs[workflow.id]
            if of == WORKFLOW:
                return Raw(_json(self._of_workflow(workflow, field)))
            return self._of_node(self._tree.nodes[workflow.id, of], field)

        return find

    def resolved(self, workflow: WorkflowRow, template: Compiled) -> Asking[Raw]:
        """A template that is resolved by itself. Raises Unresolvable."""
        yield from self.learn([(workflow, template)])
        return template.resolve(self.find(workflow))

    def _of_workflow(self, workflow: WorkflowRow, field: str) -> object:
        if field == "status":
            return status_of(workflow, None)
        return self._failed[workflow.id] if field == "failed" else getattr(workflow, field)

    def _of_node(self, node: NodeRow, field: str) -> Raw | None:
        if field == "status":
            return Raw(_json(node.status))
        answers = self._answers[node.place]
        if field == "error":
            errors = [node.error, *(one.error for one in answers if one.status is State.FAILED)]
            error = next((error for error in errors if error is not None), None)
            return None if error is None else Raw(_json(error))
        if field == "result":
            return _result_of(node, answers[0] if answers else None) if node.status is State.SUCCESS else None
        if (
            node.total is None or node.status is State.SKIPPED
        ):  # its list has never been known, or not this time
            return None
        by_item = {answer.item: answer for answer in answers}
        results = [_result_of(node, by_item.get(item)) for item in range(node.total)]
        return Raw(b"[%b]" % b",".join([b"null" if one is None else bytes(one) for one in results]))


def _result_of(node: NodeRow, answer: Answer | None) -> Raw | None:
    """What one task ended with; None: it did not succeed. Raises Withheld."""
    if answer is None:
        raise Withheld("has been removed by retention")
    if answer.status is not State.SUCCESS:
        return None
    if answer.withheld:
        raise Withheld(f'is too large to be pasted; let the handler read it with ctx.inputs("{node.node}")')
    return answer.result[0] if answer.result is not None else None


def broken_nodes(tree: Tree, workflow: WorkflowRow) -> Asking[list[NodeRow]]:
    """Those that have failed, or were cancelled, in the order of the graph."""
    plan = yield from tree.plan(workflow)
    stored: list[NodeRow] = yield Broken(workflow.id)
    tree.take_in(stored)
    names = [*plan.graph.nodes, FINALLY]
    known = [tree.nodes.get((workflow.id, name)) for name in names]
    return [node for node in known if node is not None and node.status in {State.FAILED, State.CANCELLED}]


def status_of(workflow: WorkflowRow, last: NodeRow | None) -> WorkflowState:
    """How a workflow ends whose nodes have ended (or will end: `last` None: whatever becomes of its `finally`)."""
    if workflow.ending is Ending.DEADLINE:
        return WorkflowState.FAILED
    if workflow.ending is Ending.CANCEL and (last is None or last.status is not State.FAILED):
        return WorkflowState.CANCELLED
    return WorkflowState.FAILED if workflow.broken else WorkflowState.SUCCESS
