"""What one decision knows of a tree of workflows: rows as they were read, and as they have become since; written at the end."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from msgspec import Raw, Struct

from taskflow_hub.domain.clock import NewId, new_id
from taskflow_hub.domain.graph import FINALLY
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.submission import Limit
from taskflow_hub.store.asks import (
    Asking,
    GraphText,
    Input,
    NewRow,
    NodeRow,
    Nodes,
    Place,
    Save,
    Skip,
    WorkflowRow,
    Workflows,
)
from taskflow_hub.store.plans import Plan, Plans, limit_of, node_key, workflow_key


class Made(Struct):
    """What one decision has made for one root so far."""

    tasks: int = 0  # and nodes of sub-workflows that are none
    octets: int = 0  # of payloads that were not there before, and of what sub-workflows are given


class Tree:
    """`known`: rows that were read (and locked) already. `new_id`: where the ids of tasks and sub-workflows come from."""

    def __init__(self, plans: Plans, known: Iterable[WorkflowRow] = (), *, new_id: NewId = new_id) -> None:
        self._plans, self.new_id = plans, new_id
        self.workflows: dict[str, WorkflowRow] = {row.id: row for row in known}
        self.nodes: dict[Place, NodeRow] = {}
        self.skipped: list[str] = []  # tasks
        self.made: dict[str, Made] = defaultdict(Made)
        self._touched: dict[str, None] = {}
        self._changed: dict[Place, None] = {}
        self._new_workflows: dict[str, NewRow] = {}
        self._new_nodes: dict[Place, None] = {}

    # --- knowing -------------------------------------------------------------------------------------------------------

    def know_workflows(self, ids: Iterable[str]) -> Asking[None]:
        unknown = [id for id in dict.fromkeys(ids) if id not in self.workflows]
        if unknown:
            rows: list[WorkflowRow] = yield Workflows(unknown)
            self.workflows.update((row.id, row) for row in rows)

    def know(self, places: Iterable[Place]) -> Asking[None]:
        unknown = [place for place in dict.fromkeys(places) if place not in self.nodes]
        if unknown:
            self.take_in((yield Nodes(unknown)))

    def take_in(self, rows: Iterable[NodeRow]) -> None:
        """What was read of nodes; what is known already is newer."""
        for row in rows:
            self.nodes.setdefault(row.place, row)

    def plan(self, workflow: WorkflowRow) -> Asking[Plan]:
        plan = self._plans.get(workflow.root_id)
        if plan is None:
            text: str = yield GraphText(workflow.root_id)
            plan = self._plans.keep(workflow.root_id, text)
        return plan.below(workflow.path)

    def limits_on(self, workflow: WorkflowRow, node: str) -> Asking[tuple[Limit, ...]]:
        """What holds for a node's tasks because of where they stand: in a workflow, which is the work of a node, which …"""
        found: list[Limit] = []
        while True:
            plan = yield from self.plan(workflow)
            found += limit_of(node_key(workflow.id, node), plan.node(node).max_concurrency)
            found += limit_of(workflow_key(workflow.id), plan.graph.max_concurrency)
            if workflow.parent_id is None or workflow.parent_node is None:
                return tuple(found)
            node = workflow.parent_node
            yield from self.know_workflows([workflow.parent_id])
            workflow = self.workflows[workflow.parent_id]

    # --- changing ------------------------------------------------------------------------------------------------------

    def changed(self, node: NodeRow) -> None:
        self._changed[node.place] = None
        self.touched(node.workflow_id)

    def touched(self, workflow_id: str) -> None:
        self._touched[workflow_id] = None

    def add(self, row: WorkflowRow, plan: Plan, input: Raw, graph: str | None = None) -> list[NodeRow]:
        """A workflow that begins now; the nodes that wait for nothing. Who makes its tasks fills in `task_id`."""
        self.workflows[row.id] = row
        self._new_workflows[row.id] = NewRow(row, input, graph)
        first: list[NodeRow] = []
        for name, node in plan.graph.nodes.items():
            made = self._add_node(row.id, name, len(node.after))
            if not node.after:
                first.append(made)
        if plan.graph.last is not None:
            self._add_node(row.id, FINALLY, 0)
        return first

    def _add_node(self, workflow_id: str, name: str, waits: int) -> NodeRow:
        row = NodeRow(workflow_id, name, State.BLOCKED, waits)
        self.nodes[row.place] = row
        self._new_nodes[row.place] = None
        return row

    def save(self) -> Asking[None]:
        """Write everything that has changed."""
        if self.skipped:
            yield Skip(self.skipped)
        save = Save(
            list(self._new_workflows.values()),
            [self.nodes[place] for place in self._new_nodes],
            [self.workflows[id] for id in self._touched if id not in self._new_workflows],
            [self.nodes[place] for place in self._changed if place not in self._new_nodes],
        )
        self.skipped = []
        self._touched, self._changed = {}, {}
        self._new_workflows, self._new_nodes = {}, {}
        if save.new_workflows or save.touched:
            yield save

    def input(self, workflow_id: str) -> Asking[Raw]:
        """What a workflow was given."""
        new = self._new_workflows.get(workflow_id)
        if new is not None:
            return new.input
        found: Raw = yield Input(workflow_id)
        return found

    def as_changed(self, rows: Sequence[NodeRow]) -> list[NodeRow]:
        """These rows, as they are by now."""
        self.take_in(rows)
        return [self.nodes[row.place] for row in rows]
