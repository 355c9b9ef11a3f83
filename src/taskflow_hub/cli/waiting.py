"""What is shown while one waits for a task, and what its end means."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any, TextIO

from taskflow_hub.cli.exits import FAILED, OK
from taskflow_hub.cli.options import Output
from taskflow_hub.cli.output import pretty, print_json
from taskflow_hub.cli.show import note, span, took
from taskflow_hub.cli.terminal import clean, coloured, say
from taskflow_hub.domain.lifecycle import State

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

    from taskflow_hub.client.model import Task
    from taskflow_hub.client.sync_client import SyncClient


def finish(client: "SyncClient", task_id: str, timeout: float | None, output: Output) -> int:
    """Wait for its end and print it; answers the exit code."""
    task = until_done(client, task_id, timeout)
    large = task.succeeded and task.result_ref is not None and output is not Output.JSON
    return conclude(task, output, client.result(task_id) if large else task.result)


def until_done(client: "SyncClient", task_id: str, timeout: float | None) -> "Task":
    """The task at its end. Meanwhile a terminal shows its status, progress and message. Raises TimeoutError."""
    task: Task | None = None
    try:
        with _display() as show:
            for task in client.events(task_id, timeout):
                show(task)
    except KeyboardInterrupt:
        say(f"\nThe task goes on. Look at it with: taskflow task get {task_id}")
        raise
    if task is None or not task.done:
        status = task.status if task else "unfinished"
        raise TimeoutError(f"Task {task_id} is still {status} after {span(timeout or 0)}; it goes on.")
    return task


def conclude(task: "Task", output: Output, result: Any) -> int:
    """Print how it ended; answers the exit code. In a table's stead a success prints its result alone."""
    if output is Output.JSON:
        print_json(task)
    elif task.succeeded:
        print(pretty(result))
    took_ = f" in {took(task)}" if task.started_at and task.finished_at else ""
    tries = f", attempt {task.attempt}" if task.attempt > 1 else ""
    style = {State.SUCCESS: "32", State.FAILED: "31"}.get(task.status, "33")
    say(f"Task {clean(task.id)} ({clean(task.type)}): {task.status}{took_}{tries}", style=style)
    if task.error is not None and not task.succeeded:
        trace = (task.error.traceback or "").rstrip()
        if trace:
            say(trace, style="2")
        if task.error.message not in trace:
            say(f"{task.error.type}: {task.error.message}")
    elif task.reason is not None:
        say(f"Reason: {task.reason}")
    return OK if task.succeeded else FAILED


@contextmanager
def _display() -> Iterator[Any]:
    if not sys.stderr.isatty():
        yield lambda task: None
        return
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.table import Column

    columns = (
        SpinnerColumn(),
        TextColumn("{task.fields[status]}", markup=False),
        BarColumn(bar_width=24),
        TimeElapsedColumn(),
        TextColumn(
            "{task.fields[message]}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis")
        ),
    )
    with (
        terminated_cleanly(),
        Progress(*columns, console=console(sys.stderr), transient=True, expand=False) as progress,
    ):
        row = progress.add_task("", total=None, status="…", message="")
        yield lambda task: _update(progress, row, task)


def console(stream: TextIO) -> "Console":
    from rich.console import Console

    return Console(file=stream, no_color=not coloured(stream), highlight=False, markup=False)


def _update(progress: "Progress", row: "TaskID", task: "Task") -> None:
    known = task.progress is not None and task.status is State.RUNNING
    message = task.progress.message if task.progress and known else note(task)
    if task.attempt > 1:
        message = f"attempt {task.attempt}  {message}"
    progress.update(
        row,
        total=1.0 if known else None,
        completed=task.progress.fraction if task.progress and known else 0.0,
        status=str(task.status),
        message=clean(message),
    )


@contextmanager
def terminated_cleanly() -> Iterator[None]:
    """SIGTERM gives the terminal its cursor back before it ends us."""

    def leave(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
