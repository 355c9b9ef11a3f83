"""How workflows look to people; their graphs are in graph_view.py."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from taskflow_hub.cli import graph_view
from taskflow_hub.cli.output import pretty
from taskflow_hub.cli.show import GREEN, GREY, RED, STATUS_STYLES, YELLOW, seconds_since, span, when
from taskflow_hub.cli.table import Cell, Column, cell, print_fields, print_table
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.workflow_view import WorkflowState

if TYPE_CHECKING:
    from taskflow_hub.client.model import Item, Workflow

STYLES: Final = {
    WorkflowState.RUNNING: YELLOW,
    WorkflowState.SUCCESS: GREEN,
    WorkflowState.FAILED: RED,
    WorkflowState.CANCELLED: GREY,
}
UNFINISHED: Final = (State.BLOCKED, State.SCHEDULED, State.QUEUED, State.RUNNING)


def workflows(found: Iterable["Workflow"]) -> None:
    print_table(
        (
            Column("ID"),
            Column("NAME", least=12),
            Column("STATUS"),
            Column("NODES"),
            Column("AGE", minor=1),
            Column("TOOK", minor=2),
            Column("NOTE", least=12),
        ),
        (
            (
                cell(workflow.id),
                cell(workflow.name),
                cell(workflow.status, STYLES[workflow.status]),
                cell(ended(workflow)),
                cell(span(seconds_since(workflow.created_at))),
                cell(span(seconds_since(workflow.created_at, workflow.finished_at))),
                cell(note(workflow)),
            )
            for workflow in found
        ),
    )


def workflow(shown: "Workflow") -> None:
    """Everything about one that is set; then a line for each node."""
    print_fields((name, value) for name, value in _fields(shown) if value is not None)


def items(found: Iterable["Item"]) -> None:
    print_table(
        (
            Column("ITEM"),
            Column("STATUS"),
            Column("TASK OR WORKFLOW"),
            Column("TOOK", minor=1),
            Column("ERROR", least=12),
        ),
        (
            (
                cell(item.item),
                cell(item.status, STATUS_STYLES[item.status]),
                cell(item.task_id or item.workflow_id),
                cell(span(seconds_since(item.started_at, item.finished_at)) if item.started_at else None),
                cell(f"{item.error.type}: {item.error.message}" if item.error else None),
            )
            for item in found
        ),
    )


def ended(workflow: "Workflow") -> str:
    """How many of its nodes have ended: `3/10`."""
    total = sum(workflow.counts.values())
    return f"{total - sum(workflow.counts.get(state, 0) for state in UNFINISHED)}/{total}"


def note(workflow: "Workflow") -> str:
    """The one thing worth knowing beside the status."""
    if workflow.error is not None:
        return f"{workflow.error.type}: {workflow.error.message}"
    if workflow.status is WorkflowState.RUNNING and workflow.cancel_requested_at:
        return "asked to end"
    return ""


def _fields(shown: "Workflow") -> Iterator[tuple[str, Cell | None]]:
    yield "id", cell(shown.id)
    yield "name", cell(shown.name)
    yield "status", cell(shown.status, STYLES[shown.status])
    yield "nodes", cell(f"{ended(shown)} have ended")
    yield "note", cell(note(shown)) if note(shown) and shown.error is None else None
    yield "tags", cell(", ".join(shown.tags)) if shown.tags else None
    yield "created", when(shown.created_at)
    yield "finished", when(shown.finished_at)
    yield "took", cell(span(seconds_since(shown.created_at, shown.finished_at)))
    yield "deadline", when(shown.deadline_at)
    yield "cancel asked", when(shown.cancel_requested_at)
    yield "at a time", cell(shown.max_concurrency) if shown.max_concurrency is not None else None
    yield "schedule", cell(shown.schedule_id) if shown.schedule_id else None
    if shown.parent is not None:
        item = "" if shown.parent.item is None else f", item {shown.parent.item}"
        yield "is", cell(f"node {shown.parent.node} of {shown.parent.workflow_id}{item}")
    if shown.status is WorkflowState.SUCCESS:
        yield "result", Cell(pretty(shown.result))
    if shown.error is not None:
        yield "error", cell(f"{shown.error.type}: {shown.error.message}", RED)


def title(workflow: "Workflow") -> list[tuple[str, str]]:
    """A line above its graph."""
    took = span(seconds_since(workflow.created_at, workflow.finished_at))
    return [
        (cell(workflow.name).text, "1"),
        ("  ", ""),
        (str(workflow.status), STYLES[workflow.status]),
        (f"  {took}  {cell(workflow.id).text}", graph_view.DIM),
    ]
