"""A workflow while it runs: its graph drawn anew at every change, or, where nobody looks, a line per change."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from taskflow_hub.cli import graph_text, graph_view, show_workflows
from taskflow_hub.cli.exits import FAILED, OK
from taskflow_hub.cli.output import pretty, print_json, print_json_line
from taskflow_hub.cli.show import span
from taskflow_hub.cli.terminal import clean, say
from taskflow_hub.cli.waiting import console, terminated_cleanly

if TYPE_CHECKING:
    from taskflow_hub.client.model import Workflow
    from taskflow_hub.client.sync_client import SyncClient

REDRAWN_S: Final = 0.25  # so often a clock that runs is shown anew


def follow(client: "SyncClient", id: str, *, plain: bool, as_json: bool) -> int:
    """Up to its end; answers the exit code."""
    last: Workflow | None = None
    with _screen(as_json, plain) as show:
        for workflow in client.workflow_events(id):
            show(workflow, last)
            last = workflow
    assert last is not None
    if sys.stdout.isatty() and not as_json:
        print(graph_text.drawn(last, plain=plain))
    conclude_in_words(last)
    return OK if last.succeeded else FAILED


def finish(client: "SyncClient", id: str, timeout: float | None, *, as_json: bool) -> int:
    """Wait for its end and print its result; answers the exit code. Raises TimeoutError."""
    workflow: Workflow | None = None
    with _bar() as show:
        try:
            for workflow in client.workflow_events(id, timeout):
                show(workflow)
        except KeyboardInterrupt:
            say(f"\nThe workflow goes on. Look at it with: taskflow workflow graph {id}")
            raise
    if workflow is None or not workflow.done:
        raise TimeoutError(f"Workflow {id} still runs after {span(timeout or 0)}; it goes on.")
    if as_json:
        print_json(workflow)
    elif workflow.succeeded:
        print(pretty(workflow.result))
    conclude_in_words(workflow)
    return OK if workflow.succeeded else FAILED


def conclude_in_words(workflow: "Workflow") -> None:
    took = span((workflow.finished_at - workflow.created_at).total_seconds()) if workflow.finished_at else ""
    style = show_workflows.STYLES[workflow.status]
    say(f"Workflow {clean(workflow.id)} ({clean(workflow.name)}): {workflow.status} in {took}", style=style)
    for line in graph_view.failures(workflow):
        say(f"  {line}")
    if not workflow.succeeded:
        say(f"Go on from there with: taskflow workflow redrive {clean(workflow.id)}", style="2")


def changes(now: "Workflow", before: "Workflow | None") -> Iterator[str]:
    """What is new, in words."""
    was = (before.nodes if before else None) or {}
    for name, node in (now.nodes or {}).items():
        old = was.get(name)
        if old is None or (old.status, old.items) != (node.status, node.items):
            items = graph_view.items_in_words(node.items)
            yield f"{clean(name)}: {node.status}" + (f" ({items})" if items else "")
    if before is None or before.status is not now.status:
        yield f"{clean(now.name)}: {now.status}"


@contextmanager
def _screen(as_json: bool, plain: bool) -> Iterator[Any]:
    if as_json:
        yield lambda workflow, _: print_json_line(workflow)
        return
    if not sys.stdout.isatty():
        yield _tell
        return
    from rich.live import Live
    from rich.text import Text

    seen: list[Workflow] = []

    def render() -> Text:
        return Text.from_ansi(graph_text.fitting(seen[-1], plain=plain)) if seen else Text()

    with (
        terminated_cleanly(),
        Live(
            get_renderable=render,
            console=console(sys.stdout),
            refresh_per_second=1 / REDRAWN_S,
            transient=True,
            vertical_overflow="crop",
        ) as live,
    ):

        def show(workflow: "Workflow", _: "Workflow | None") -> None:
            seen[:] = [workflow]
            live.refresh()

        yield show


def _tell(workflow: "Workflow", before: "Workflow | None") -> None:
    now = f"{datetime.now().astimezone():%H:%M:%S}"
    for line in changes(workflow, before):
        print(f"{now} {line}", flush=True)


@contextmanager
def _bar() -> Iterator[Any]:
    if not sys.stderr.isatty():
        yield lambda workflow: None
        return
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.fields[ended]} nodes", markup=False),
        BarColumn(bar_width=24),
        TimeElapsedColumn(),
    )
    with (
        terminated_cleanly(),
        Progress(*columns, console=console(sys.stderr), transient=True, expand=False) as progress,
    ):
        row = progress.add_task("", total=None, ended="…")

        def show(workflow: "Workflow") -> None:
            done, total = show_workflows.ended(workflow).split("/")
            progress.update(row, completed=int(done), total=int(total), ended=f"{done}/{total}")

        yield show
