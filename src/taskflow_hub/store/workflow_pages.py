"""Workflows as people see them, put together from rows. `at` makes a time of what a database has for one."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec import UNSET, Raw, Struct

from taskflow_hub.domain.graph import FINALLY, Edge, Graph, Node
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.model import ResultRef, TaskError
from taskflow_hub.domain.workflow_view import Input, Item, ItemView, NodeView, Parent, Workflow, WorkflowState
from taskflow_hub.store.asks import NO_ITEM
from taskflow_hub.store.cursor import id_bounds, make_cursor, read_cursor
from taskflow_hub.store.values import InputPage, ItemPage, WorkflowFilter, WorkflowPage

# So often a workflow is looked at again that moves faster than it is read. After that its nodes are newer than its `rev` says:
# whoever goes by that will look again.
LOOKS: Final = 5

At = Callable[[Any], datetime]


class WorkflowFacts(Struct, array_like=True):
    """In the order of parts/workflow_facts.sql."""

    id: str
    name: str
    status: WorkflowState
    rev: int
    user_id: str | None
    tags: tuple[str, ...]
    created_at: Any
    deadline_at: Any
    cancel_requested_at: Any
    finished_at: Any
    max_concurrency: int | None
    result: tuple[Raw] | None  # in a tuple, for it may be null
    error: TaskError | None
    schedule_id: str | None
    parent_id: str | None
    parent_node: str | None
    item: int | None
    root_id: str
    path: tuple[str, ...]


class NodeFacts(Struct, array_like=True):
    """In the order of workflow_look.sql: a node, with the one task, or sub-workflow, that is its work."""

    node: str
    status: State
    total: int | None
    left_items: int
    failed: int
    cancelled: int
    started_at: Any
    finished_at: Any
    error: TaskError | None
    task_id: str | None
    workflow_id: str | None
    work_status: State | None
    work_started_at: Any
    result: tuple[Raw] | None
    withheld: bool
    work_error: TaskError | None
    rev: int


class ItemFacts(Struct, array_like=True):
    """In the order of node_items.sql."""

    item: int
    task_id: str | None
    workflow_id: str | None
    status: State
    started_at: Any
    finished_at: Any
    result: tuple[Raw] | None
    result_ref: ResultRef | None
    error: TaskError | None
    found: int


Counts = Mapping[tuple[str, State], int]  # by node and state: items that have not ended


def workflow_of(
    facts: WorkflowFacts,
    counts: Iterable[tuple[State, int]],
    at: At,
    *,
    nodes: dict[str, NodeView] | None = None,
) -> Workflow:
    """`counts`: its nodes by state."""

    def time(value: Any) -> datetime | None:
        return None if value is None else at(value)

    parent = None
    if facts.parent_id is not None and facts.parent_node is not None:
        parent = Parent(facts.parent_id, facts.parent_node.partition("#")[0], facts.item)  # rewinding.py
    return Workflow(
        id=facts.id,
        name=facts.name,
        status=facts.status,
        rev=facts.rev,
        user_id=facts.user_id,
        tags=facts.tags,
        created_at=at(facts.created_at),
        deadline_at=time(facts.deadline_at),
        cancel_requested_at=time(facts.cancel_requested_at),
        finished_at=time(facts.finished_at),
        max_concurrency=facts.max_concurrency,
        result=None if facts.result is None else facts.result[0].copy(),
        error=facts.error,
        schedule_id=facts.schedule_id,
        parent=parent,
        counts={str(state): count for state, count in sorted(counts) if count},
        nodes=nodes,
    )


def nodes_of(graph: Graph, rows: Sequence[NodeFacts], live: Counts, at: At) -> dict[str, NodeView]:
    """In the order of the graph, `finally` last."""
    by_name = {row.node: row for row in rows}
    nodes = dict(graph.nodes)
    if graph.last is not None:
        nodes[FINALLY] = graph.last
    return {name: _node(node, by_name[name], live, at) for name, node in nodes.items()}


def _node(node: Node, row: NodeFacts, live: Counts, at: At) -> NodeView:
    after: tuple[Edge, ...] = node.after
    view = NodeView(
        type=None if node.task is None else node.task.type,
        after=after,
        status=row.status,
        workflow_id=row.workflow_id,
        items=None if node.for_each is UNSET else _items(row, live),
        started_at=None if row.started_at is None else at(row.started_at),
        finished_at=None if row.finished_at is None else at(row.finished_at),
        error=row.error,
    )
    if node.for_each is not UNSET:
        return view
    view = msgspec.structs.replace(
        view,
        result=None if row.result is None else row.result[0].copy(),
        result_withheld=row.withheld,
        error=row.work_error or row.error,
    )
    if not node.is_plain:
        return view
    return msgspec.structs.replace(
        view,
        task_id=row.task_id,
        status=row.work_status if row.status is State.RUNNING and row.work_status else row.status,
        started_at=None if row.work_started_at is None else at(row.work_started_at),
    )


def _items(row: NodeFacts, live: Counts) -> Item:
    if row.total is None:
        return Item(total=None)
    waiting = {state: live.get((row.node, state), 0) for state in (State.SCHEDULED, State.QUEUED)}
    return Item(
        total=row.total,
        scheduled=waiting[State.SCHEDULED],
        queued=waiting[State.QUEUED],
        running=row.left_items - sum(waiting.values()),
        success=row.total - row.left_items - row.failed - row.cancelled,
        failed=row.failed,
        cancelled=row.cancelled,
    )


def items_of(rows: Sequence[ItemFacts], at: At) -> ItemPage:
    return ItemPage(tuple([_item(row, at) for row in rows]), more=_more(rows))


def _item(row: ItemFacts, at: At) -> ItemView:
    return ItemView(
        item=row.item,
        task_id=row.task_id,
        workflow_id=row.workflow_id,
        status=row.status,
        started_at=None if row.started_at is None else at(row.started_at),
        finished_at=None if row.finished_at is None else at(row.finished_at),
        result=None if row.result is None else row.result[0].copy(),
        result_withheld=row.result_ref is not None,
        error=row.error,
    )


def _more(rows: Sequence[ItemFacts]) -> bool:
    return bool(rows) and rows[0].found > len(rows)


# --- inputs --------------------------------------------------------------------------------------------------------------


class Child(Struct, array_like=True):
    """Where a running attempt stands, in the order of workflow_child.sql; None: in no workflow."""

    workflow_id: str | None
    root_id: str | None
    path: tuple[str, ...] | None
    node: str | None


def after_of(after: int) -> int:
    """The item of a node that is no fan-out comes before all others."""
    return NO_ITEM - 1 if after < 0 else after


def inputs_of(rows: Sequence[ItemFacts]) -> InputPage:
    items = [
        Input(
            item=None if row.item == NO_ITEM else row.item,
            status=row.status,
            result=None if row.result is None else row.result[0].copy(),
            error=row.error,
        )
        for row in rows
    ]
    refs = {place: row.result_ref for place, row in enumerate(rows) if row.result_ref is not None}
    return InputPage(tuple(items), refs, more=_more(rows))


# --- lists ---------------------------------------------------------------------------------------------------------------


def question(
    sql: str,
    account: str | None,
    where: WorkflowFilter,
    limit: int,
    cursor: str | None,
    mark: Callable[[int], str],
    tagged: str,
) -> tuple[str, list[Any]]:
    """workflows.sql with its conditions, and their values; `mark` writes the nth, and `tagged` is parts/has_tag.sql.

    One workflow more than a page has is asked for. Times bound ids, too, so that no list is walked from its newest workflow.
    """
    values: list[Any] = []

    def marked(value: Any) -> str:
        values.append(value)
        return mark(len(values))

    first, end = id_bounds(
        where.created_after, where.created_before, None if cursor is None else read_cursor(cursor)
    )
    wanted = (
        ("account_id", "=", account),
        ("name", "=", where.name),
        ("user_id", "=", where.user),
        ("created_at", ">=", where.created_after),
        ("created_at", "<", where.created_before),
        ("id", ">=", first),
        ("id", "<", end),
    )
    told = ["workflow.parent_id IS NULL"]
    told += [
        f"workflow.{column} {sign} {marked(value)}" for column, sign, value in wanted if value is not None
    ]
    if where.status:
        told.append(f"workflow.status IN ({', '.join([marked(state.value) for state in where.status])})")
    if where.tag is not None:
        told.append(tagged.replace("/* tag */", marked(where.tag)))
    text = sql.replace("/* where */", f"WHERE {' AND '.join(told)}").replace("/* limit */", marked(limit + 1))
    return text, values


def page(
    rows: Sequence[WorkflowFacts], limit: int, counts: Iterable[tuple[str, State, int]], at: At
) -> WorkflowPage:
    """Of the newest `limit` + 1, newest first."""
    by_workflow: dict[str, list[tuple[State, int]]] = defaultdict(list)
    for workflow_id, state, count in counts:
        by_workflow[workflow_id].append((state, count))
    items = [workflow_of(row, by_workflow[row.id], at) for row in rows[:limit]]
    return WorkflowPage(tuple(items), make_cursor(items[-1].id) if len(rows) > limit else None)
