"""Rows of workflows and nodes, as every database is given them; a deadline in seconds from now."""

from typing import Any

from msgspec import Raw

from taskflow_hub.store.asks import Ending, NewRow, NodeRow, WorkflowRow
from taskflow_hub.store.documents import to_json


def new_row(new: NewRow) -> tuple[Any, ...]:
    """In the order of add_workflows.sql."""
    row = new.row
    return (
        row.id,
        row.root_id,
        row.parent_id,
        row.parent_node,
        row.item,
        row.account_id,
        row.user_id,
        row.name,
        to_json(row.tags),
        row.status.value,
        to_json(row.path),
        row.traceparent,
        row.schedule_id,
        _plain(row.ending),
        row.left_nodes,
        row.broken,
        _text(new.input),
        _text(row.result),
        None if row.error is None else to_json(row.error),
        row.deadline_s,
        row.max_concurrency,
    )


def saved_row(row: WorkflowRow) -> tuple[Any, ...]:
    """In the order of save_workflows.sql."""
    return (
        row.id,
        row.status.value,
        _plain(row.ending),
        row.left_nodes,
        row.broken,
        _text(row.result),
        None if row.error is None else to_json(row.error),
        row.deadline_s,
    )


def node_values(node: NodeRow) -> tuple[Any, ...]:
    """In the order of add_nodes.sql and save_nodes.sql."""
    return (
        node.workflow_id,
        node.node,
        node.status.value,
        node.waits,
        node.missed,
        node.total,
        node.left_items,
        node.failed,
        node.cancelled,
        node.begun,
        None if node.error is None else to_json(node.error),
    )


def _plain(ending: Ending | None) -> str | None:
    return None if ending is None else ending.value


def _text(document: Raw | None) -> str | None:
    return None if document is None else bytes(document).decode()
