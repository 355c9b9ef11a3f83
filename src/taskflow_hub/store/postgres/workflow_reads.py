"""Workflows, as people see them, and the inputs that their handlers read."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import asyncpg

from taskflow_hub.domain.errors import LeaseLost, TaskflowError
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.limits import PAGE_OCTETS
from taskflow_hub.domain.moves import Fence
from taskflow_hub.domain.workflow_view import Workflow, WorkflowState
from taskflow_hub.store import refusals
from taskflow_hub.store.cursor import earliest_finish
from taskflow_hub.store.documents import decoder
from taskflow_hub.store.plans import PLANS, Plan
from taskflow_hub.store.postgres.advance import GRAPH
from taskflow_hub.store.postgres.part import Part
from taskflow_hub.store.postgres.rows import error_of, raw, result_ref_of
from taskflow_hub.store.postgres.statements import statement
from taskflow_hub.store.postgres.transaction import Snapshot
from taskflow_hub.store.values import InputPage, ItemPage, WorkflowFilter, WorkflowOwner, WorkflowPage
from taskflow_hub.store.workflow_pages import (
    LOOKS,
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

_path = decoder(tuple[str, ...]).decode


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


async def read_workflow(
    snapshot: Snapshot, account: str | None, workflow_id: str, looks: int = LOOKS
) -> Workflow | None:
    """`looks`: so often at most, if it moves between the question for it and that for its nodes. None: it is not there, or not
    any more."""
    facts = await read_facts(snapshot, account, workflow_id)
    if facts is None:
        return None
    since = earliest_finish([facts.root_id])
    rows = [_node(row) for row in await snapshot.fetch(LOOK, workflow_id, PAGE_OCTETS, since)]
    if rows and rows[0].rev != facts.rev and looks > 1:
        return await read_workflow(snapshot, account, workflow_id, looks - 1)
    plan = await _plan(snapshot, facts.root_id, facts.path)
    if plan is None or not rows:
        return None
    fan_outs = [row.node for row in rows if row.status is State.RUNNING and row.total]
    live = {}
    if fan_outs:
        live = {
            (row["node"], State(row["status"])): row["items"]
            for row in await snapshot.fetch(ITEMS, workflow_id, fan_outs)
        }
    counts = [(state, sum(row.status is state for row in rows)) for state in State]
    return workflow_of(facts, counts, _same, nodes=nodes_of(plan.graph, rows, live, _same))


async def read_facts(snapshot: Snapshot, account: str | None, workflow_id: str) -> WorkflowFacts | None:
    row = await snapshot.row(WORKFLOW, workflow_id, account)
    return None if row is None else _facts(row)


async def _list(
    snapshot: Snapshot, account: str | None, where: WorkflowFilter, limit: int, cursor: str | None
) -> WorkflowPage:
    text, values = question(WORKFLOWS, account, where, limit, cursor, "${}".format, HAS_TAG)
    rows = [_facts(row) for row in await snapshot.fetch(text, *values)]
    counts = await snapshot.fetch(COUNTS, [row.id for row in rows]) if rows else []
    states = [(row["workflow_id"], State(row["status"]), row["nodes"]) for row in counts]
    return page(rows, limit, states, _same)


async def _items(
    snapshot: Snapshot,
    account: str | None,
    workflow_id: str,
    node: str,
    status: Sequence[State],
    after: int,
    limit: int,
) -> ItemPage | TaskflowError:
    facts = await read_facts(snapshot, account, workflow_id)
    if facts is None:
        return refusals.no_workflow(workflow_id)
    plan = await _plan(snapshot, facts.root_id, facts.path)
    if plan is None:
        return refusals.no_workflow(workflow_id)
    if not plan.has(node):
        return refusals.no_node(workflow_id, node)
    if not plan.fans_out(node):
        return refusals.no_fan_out(workflow_id, node)
    states = [state.value for state in status]
    rows = await _read_items(snapshot, workflow_id, facts.root_id, node, max(after, -1), states, limit)
    return items_of(rows, _same)


async def _inputs(
    snapshot: Snapshot, child: Fence, node: str, after: int, limit: int
) -> InputPage | TaskflowError:
    row = await snapshot.row(CHILD, child.id, child.attempt)
    if row is None:
        return LeaseLost()
    workflow_id, root_id, path, stands = row
    if workflow_id is None:
        return refusals.in_no_workflow(child.id)
    plan = await _plan(snapshot, root_id, _path(path))
    if plan is None:
        return LeaseLost()
    if node not in plan.ancestors(stands):
        return refusals.not_before(node, stands)
    return inputs_of(await _read_items(snapshot, workflow_id, root_id, node, after_of(after), [], limit))


async def _read_items(
    snapshot: Snapshot,
    workflow_id: str,
    root_id: str,
    node: str,
    after: int,
    states: Sequence[str],
    limit: int,
) -> list[ItemFacts]:
    since = earliest_finish([root_id])
    rows = await snapshot.fetch(NODE_ITEMS, workflow_id, node, after, states, limit, PAGE_OCTETS, since)
    return [_item(row) for row in rows]


async def _owner(snapshot: Snapshot, workflow_id: str) -> WorkflowOwner | None:
    row = await snapshot.row(OWNER, workflow_id)
    if row is None:
        return None
    plan = await _plan(snapshot, row["root_id"], ())
    return None if plan is None else WorkflowOwner(row["account_id"], tuple(sorted(plan.queues)))


async def _plan(snapshot: Snapshot, root_id: str, path: Sequence[str]) -> Plan | None:
    """None: the workflow has been removed meanwhile."""
    plan = PLANS.get(root_id)
    if plan is None:
        text = await snapshot.value(GRAPH, root_id)
        if text is None:
            return None
        plan = PLANS.keep(root_id, text)
    return plan.below(path)


# --- rows ----------------------------------------------------------------------------------------------------------------


def _facts(row: asyncpg.Record) -> WorkflowFacts:
    values = list(row)
    values[2] = WorkflowState(values[2])
    values[5] = tuple(values[5])
    values[11] = None if values[11] is None else (raw(values[11]),)
    values[12] = error_of(values[12])
    values[18] = _path(values[18])
    return WorkflowFacts(*values)


def _node(row: asyncpg.Record) -> NodeFacts:
    values = list(row)
    values[1] = State(values[1])
    values[8] = error_of(values[8])
    values[11] = None if values[11] is None else State(values[11])
    values[13] = None if values[13] is None else (raw(values[13]),)
    values[15] = error_of(values[15])
    return NodeFacts(*values)


def _item(row: asyncpg.Record) -> ItemFacts:
    values = list(row)
    values[3] = State(values[3])
    values[6] = None if values[6] is None else (raw(values[6]),)
    values[7] = result_ref_of(values[7])
    values[8] = error_of(values[8])
    return ItemFacts(*values)


def _same(time: Any) -> datetime:
    assert isinstance(time, datetime)
    return time
