"""A graph as text for the terminal that is there: as wide, as high, in the characters and colours that it has."""

import shutil
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from taskflow_hub.cli import graph_view, show_workflows
from taskflow_hub.cli.drawing import Row
from taskflow_hub.cli.terminal import styled
from taskflow_hub.domain.wired import Wired

if TYPE_CHECKING:
    from taskflow_hub.client.model import Workflow


def drawn(workflow: "Workflow", *, plain: bool = False) -> str:
    return _text(_drawn(workflow, plain=plain or only_ascii()))


def listed(workflow: "Workflow") -> str:
    """A line for each node."""
    nodes = graph_view.of_workflow(workflow, datetime.now(UTC))
    return _text(graph_view.listing(nodes, _width(), plain=only_ascii()))


def planned(plan: Wired, *, plain: bool = False) -> str:
    """Of a workflow that has not been submitted."""
    rows = graph_view.rows(graph_view.of_plan(plan), _width(), plain=plain or only_ascii())
    return _text([[(plan.given.name or "", "1")], [], *rows])


def fitting(workflow: "Workflow", *, plain: bool = False) -> str:
    """What a terminal can show at once: the drawing; else the list; else, as far as there is room, what of the list is under
    way."""
    plain = plain or only_ascii()
    room = shutil.get_terminal_size().lines - 1
    rows = _drawn(workflow, plain=plain)
    if len(rows) > room:
        nodes = graph_view.of_workflow(workflow, datetime.now(UTC))
        head, tail = [show_workflows.title(workflow), []], graph_view.counts(nodes, _width(), plain=plain)
        left = max(room - len(head) - len(tail) - 1, 1)
        shown = nodes if len(nodes) <= left else [node for node in nodes if node.under_way][:left]
        rows = [*head, *graph_view.listing(shown, _width(), plain=plain), [], *tail]
    return _text(rows)


def only_ascii() -> bool:
    """Cannot standard output show what we draw with?"""
    try:
        graph_view.ALPHABET.encode(sys.stdout.encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return True
    return False


def _drawn(workflow: "Workflow", *, plain: bool) -> list[Row]:
    nodes = graph_view.of_workflow(workflow, datetime.now(UTC))
    return [show_workflows.title(workflow), [], *graph_view.rows(nodes, _width(), plain=plain)]


def _width() -> int:
    """What is no terminal has 80 columns, or as many as COLUMNS says."""
    return shutil.get_terminal_size().columns


def _text(rows: Iterable[Row]) -> str:
    return "\n".join("".join(styled(part, style, sys.stdout) for part, style in row) for row in rows)
