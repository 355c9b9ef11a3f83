"""Workflows, as people see them, and the inputs that their handlers read."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from taskflow_hub.domain.errors import LeaseLost, TaskflowError
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.limits import PAGE_OCTETS
from taskflow_hub.domain.moves import Fence
from taskflow_hub.domain.workflow_view import Workflow
from taskflow_hub.store import refusals
from taskflow_hub.store.documents import decoder, to_json
from taskflow_hub.store.plans import PLANS, Plan
from taskflow_hub.store.sqlite.advance import GRAPH
from taskflow_hub.store.sqlite.part import Part
from taskflow_hub.store.sqlite.statements import statement
from taskflow_hub.store.sqlite.transaction import Snapshot, from_us, to_us
from taskflow_hub.store.values import InputPage, ItemPage, WorkflowFilter, WorkflowOwner, WorkflowPage
from taskflow_hub.store.workflow_pages import (
    LOOKS,
    Child,
    ItemFacts,
    NodeFacts,
    WorkflowFacts,
    after_of,
    inputs_of,
    items_of,
    nodes_of,
    page,
    question,
    workflow_of,
)

WORKFLOW: Final = statement("workflow")
WORKFLOWS: Final = statement("workflows")
HAS_TAG: Final = statement("parts/has_tag")
COUNTS: Final = statement("workflow_counts")
LOOK: Final = statement("workflow_look")
ITEMS: Final = statement("workflow_items")
NODE_ITEMS: Final = statement("node_items")
CHILD: Final = statement("workflow_child")
OWNER: Final = statement("workflow_owner")


class WorkflowReads(Part):
    async def workflow(self, account: str | None, workflow_id: str) -> Workflow | None:
        return await self._readers.read(read_workflow, account, workflow_id)

    async def workflows(
        self, account: str | None, where: WorkflowFilter, *, limit: int, cursor: str | None = None
    ) -> WorkflowPage:
        return await self._readers.read_long(_list, account, where, limit, cursor)

    async def workflow_items(
        self,
        account: str | None,
        workflow_id: str,
        node: str,
        *,
        status: Sequence[State] = (),
        after: int = -1,
        limit: int,
    ) -> ItemPage | TaskflowError:
        return await self._readers.read(_items, account, workflow_id, node, status, after, limit)

    async def workflow_owner(self, workflow_id: str) -> WorkflowOwner | None:
        return await self._readers.read(_owner, workflow_id)

    async def inputs(
        self, child: Fence, node: str, *, after: int = -1, limit: int
    ) -> InputPage | TaskflowError:
        return await self._readers.read(_inputs, child, node, after, limit)


def read_workflow(
    snapshot: Snapshot, account: str | None, workflow_id: str, looks: int = LOOKS
) -> Workflow | None:
    """`looks`: so often at most, if it moves between the question for it and that for its nodes. None: it is not there, or not
    any more."""
    facts = read_facts(snapshot, account, workflow_id)
    if facts is None:
        return None
    rows = snapshot.document(list[NodeFacts], LOOK, workflow_id, PAGE_OCTETS)
    if rows and rows[0].rev != facts.rev and looks > 1:
        return read_workflow(snapshot, account, workflow_id, looks - 1)
    plan = _plan(snapshot, facts.root_id, facts.path)
    if plan is None or not rows:
        return None
    fan_outs = [row.node for row in rows if row.status is State.RUNNING and row.total]
    live = {}
    if fan_outs:
        found = snapshot.document(list[tuple[str, State, int]], ITEMS, workflow_id, to_json(fan_outs))
        live = {(node, state): items for node, state, items in found}
    counts = [(state, sum(row.status is state for row in rows)) for state in State]
    return workflow_of(facts, counts, from_us, nodes=nodes_of(plan.graph, rows, live, from_us))


def read_facts(snapshot: Snapshot, account: str | None, workflow_id: str) -> WorkflowFacts | None:
    text = snapshot.value(WORKFLOW, workflow_id, account)
    if text is None:
        return None
    facts: WorkflowFacts = decoder(WorkflowFacts).decode(text)
    return facts


def _list(
    snapshot: Snapshot, account: str | None, where: WorkflowFilter, limit: int, cursor: str | None
) -> WorkflowPage:
    text, values = question(WORKFLOWS.text, account, where, limit, cursor, "?{}".format, HAS_TAG.text)
    given = [to_us(value) if isinstance(value, datetime) else value for value in values]
    rows = snapshot.decode(list[WorkflowFacts], text, given)
    rows.sort(key=lambda row: row.id, reverse=True)
    ids = to_json([row.id for row in rows])
    counts = snapshot.document(list[tuple[str, State, int]], COUNTS, ids)
    return page(rows, limit, counts, from_us)


def _items(
    snapshot: Snapshot,
    account: str | None,
    workflow_id: str,
    node: str,
    status: Sequence[State],
    after: int,
    limit: int,
) -> ItemPage | TaskflowError:
    facts = read_facts(snapshot, account, workflow_id)
    if facts is None:
        return refusals.no_workflow(workflow_id)
    plan = _plan(snapshot, facts.root_id, facts.path)
    if plan is None:
        return refusals.no_workflow(workflow_id)
    if not plan.has(node):
        return refusals.no_node(workflow_id, node)
    if not plan.fans_out(node):
        return refusals.no_fan_out(workflow_id, node)
    rows = _read_items(snapshot, workflow_id, node, max(after, -1), status, limit)
    return items_of(rows, from_us)


def _inputs(snapshot: Snapshot, child: Fence, node: str, after: int, limit: int) -> InputPage | TaskflowError:
    text = snapshot.value(CHILD, child.id, child.attempt)
    if text is None:
        return LeaseLost()
    stands: Child = decoder(Child).decode(text)
    if stands.workflow_id is None or stands.root_id is None or stands.node is None:
        return refusals.in_no_workflow(child.id)
    plan = _plan(snapshot, stands.root_id, stands.path or ())
    if plan is None:
        return LeaseLost()
    if node not in plan.ancestors(stands.node):
        return refusals.not_before(node, stands.node)
    return inputs_of(_read_items(snapshot, stands.workflow_id, node, after_of(after), (), limit))


def _read_items(
    snapshot: Snapshot, workflow_id: str, node: str, after: int, states: Sequence[State], limit: int
) -> list[ItemFacts]:
    return snapshot.document(
        list[ItemFacts], NODE_ITEMS, workflow_id, node, after, to_json(states), limit, PAGE_OCTETS
    )


def _owner(snapshot: Snapshot, workflow_id: str) -> WorkflowOwner | None:
    text = snapshot.value(OWNER, workflow_id)
    if text is None:
        return None
    account, root_id = decoder(tuple[str, str]).decode(text)
    plan = _plan(snapshot, root_id, ())
    return None if plan is None else WorkflowOwner(account, tuple(sorted(plan.queues)))


def _plan(snapshot: Snapshot, root_id: str, path: Sequence[str]) -> Plan | None:
    """None: the workflow has been removed meanwhile."""
    plan = PLANS.get(root_id)
    if plan is None:
        text = snapshot.value(GRAPH, root_id)
        if text is None:
            return None
        plan = PLANS.keep(root_id, text)
    return plan.below(path)
