"""How tasks, queues and workers look to people."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from taskflow_hub.cli.output import pretty
from taskflow_hub.cli.table import Cell, Column, cell, print_fields, print_table
from taskflow_hub.cli.terminal import clean, clean_text
from taskflow_hub.domain.lifecycle import State

if TYPE_CHECKING:
    from taskflow_hub.client.model import Queue, Task
    from taskflow_hub.domain.model import Worker
    from taskflow_hub.domain.why import Cause, Why

GREEN, YELLOW, RED, BLUE, MAGENTA, CYAN, GREY = "32", "33", "31", "34", "35", "36", "90"
STATUS_STYLES: Final = {
    State.SCHEDULED: BLUE,
    State.BLOCKED: MAGENTA,
    State.QUEUED: CYAN,
    State.RUNNING: YELLOW,
    State.SUCCESS: GREEN,
    State.FAILED: RED,
    State.CANCELLED: GREY,
    State.SKIPPED: GREY,
}
WORKER_STYLES: Final = {"alive": GREEN, "draining": YELLOW, "dead": RED}
_UNITS: Final = ((86_400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s"))


def tasks(items: Iterable["Task"]) -> None:
    print_table(
        (
            Column("ID"),
            Column("TYPE", least=12),
            Column("STATUS"),
            Column("QUEUE", least=8, minor=2),
            Column("TRY", minor=4),
            Column("AGE", minor=1),
            Column("TOOK", minor=3),
            Column("NOTE", least=12),
        ),
        (
            (
                cell(task.id),
                cell(task.type),
                cell(task.status, STATUS_STYLES.get(task.status, "")),
                cell(task.queue),
                cell(task.attempt),
                cell(span(seconds_since(task.created_at))),
                cell(took(task)),
                cell(note(task)),
            )
            for task in items
        ),
    )


def task(shown: "Task") -> None:
    """Everything about one task that is set."""
    print_fields((name, value) for name, value in _fields(shown) if value is not None)


def why(told: "Why") -> None:
    """Each cause as a sentence, below it who runs instead and what helps."""
    status = cell(told.status, STATUS_STYLES.get(told.status, ""))
    causes = [(cause.kind.replace("_", " "), Cell("\n".join(_cause(cause)))) for cause in told.causes]
    print_fields([("status", status), *causes])


def queues(items: Iterable["Queue"]) -> None:
    print_table(
        (
            Column("QUEUE"),
            Column("STATE"),
            Column("QUEUED"),
            Column("RUNNING"),
            Column("SCHEDULED"),
            Column("OLDEST", minor=1),
            Column("RATE", minor=3),
            Column("WORKERS", minor=2),
            Column("NOTE", least=8),
        ),
        map(_queue, items),
    )


def workers(items: Iterable["Worker"]) -> None:
    print_table(
        (
            Column("ID"),
            Column("NAME", least=8),
            Column("STATE"),
            Column("RUNNING"),
            Column("QUEUES", least=6, minor=1),
            Column("TYPES", minor=3),
            Column("SINCE", minor=2),
            Column("VERSION", minor=4),
        ),
        (
            (
                cell(worker.id),
                cell(worker.name),
                cell(worker.state, WORKER_STYLES.get(worker.state, "")),
                cell(f"{worker.running}/{worker.slots}"),
                cell(", ".join(worker.queues) or "all"),
                cell(len(worker.types)),
                cell(ago(worker.registered_at)),
                cell(worker.version),
            )
            for worker in items
        ),
    )


def note(task: "Task") -> str:
    """The one thing worth knowing beside the status."""
    match task.status:
        case State.FAILED if task.error:
            return f"{task.reason}: {task.error.type}: {task.error.message}"
        case State.FAILED:
            return str(task.reason or "")
        case State.QUEUED if task.hold:
            return hold(task.hold)
        case State.SCHEDULED if task.run_at:
            return f"runs {ago(task.run_at)}"
        case State.RUNNING if task.cancel_requested_at:
            return "asked to end"
        case State.RUNNING if task.progress:
            return f"{task.progress.fraction:.0%} {task.progress.message}".strip()
    return ""


def hold(text: str) -> str:
    match text.split(":", 1):
        case ["no_worker"]:
            return "no worker serves it"
        case ["paused"]:
            return "its queue is paused"
        case ["limit", key]:
            return f"limit {key} is full"
        case ["rate", key]:
            return f"rate of {key} is used up"
    return text


def took(task: "Task") -> str:
    """How long the last attempt ran, or runs."""
    if task.started_at is None:
        return ""
    return span(seconds_since(task.started_at, task.finished_at))


def ago(moment: datetime, now: datetime | None = None) -> str:
    seconds = seconds_since(moment, now)
    if abs(seconds) < 1:
        return "now"
    return f"{span(seconds)} ago" if seconds > 0 else f"in {span(-seconds)}"


def seconds_since(moment: datetime, now: datetime | None = None) -> float:
    return ((now or datetime.now(UTC)) - moment).total_seconds()


def span(seconds: float) -> str:
    """A duration in its largest unit, with tenths where they matter."""
    seconds = max(seconds, 0.0)
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    size, unit = next((size, unit) for size, unit in _UNITS if seconds >= size)
    count = seconds / size
    return f"{count:.1f}".removesuffix(".0") + f" {unit}" if count < 10 else f"{count:.0f} {unit}"


def _fields(task: "Task") -> Iterator[tuple[str, Cell | None]]:
    limit = "no limit" if task.max_retries is None else str(task.max_retries)
    yield "id", cell(task.id)
    yield "type", cell(task.type)
    yield "status", cell(task.status, STATUS_STYLES.get(task.status, ""))
    yield "note", _if(note(task)) if task.status is not State.FAILED else _if(task.reason)
    yield "queue", cell(f"{task.queue} (priority {task.priority})")
    yield "attempt", cell(f"{task.attempt} ({task.retry_count} retries of {limit}, {task.crashes} crashes)")
    yield "tags", _if(", ".join(task.tags))
    yield "created", when(task.created_at)
    yield "run at", when(task.run_at)
    yield "started", when(task.started_at)
    yield "finished", when(task.finished_at)
    yield "took", _if(took(task))
    yield "expires", when(task.expires_at)
    yield "cancel asked", when(task.cancel_requested_at)
    yield "timeout", cell("none" if task.timeout is None else span(task.timeout))
    yield "progress", _if(f"{task.progress.fraction:.0%} {task.progress.message}" if task.progress else "")
    yield "worker", _if(task.worker)
    yield "parent", _if(task.parent_id)
    yield "workflow", _if(task.workflow_id)
    yield "payload", Cell(pretty(task.payload))
    if task.result_ref is not None:
        yield "result", cell(f"{task.result_ref.size} bytes: {task.result_ref.preview}…")
    elif task.status is State.SUCCESS:
        yield "result", Cell(pretty(task.result))
    if task.error is not None:
        yield "error", cell(f"{task.error.type}: {task.error.message}", RED)
        yield "traceback", Cell(clean_text(task.error.traceback.rstrip())) if task.error.traceback else None


def _cause(cause: "Cause") -> Iterator[str]:
    yield clean(cause.text)
    yield from (f"{clean(id)} runs" for id in cause.tasks)
    if (more := (cause.running or 0) - len(cause.tasks)) > 0:
        yield f"… and {more} more" if cause.tasks else f"{more} run"
    if cause.help:
        yield clean(cause.help)


def _queue(queue: "Queue") -> tuple[Cell, ...]:
    unserved = f"no worker serves {', '.join(queue.unserved_types)}" if queue.unserved_types else ""
    return (
        cell(queue.name),
        cell("paused", YELLOW) if queue.paused else cell("open", GREEN),
        cell(queue.depth.get("queued", 0)),
        cell(queue.depth.get("running", 0)),
        cell(queue.depth.get("scheduled", 0)),
        cell(None if queue.oldest_age is None else span(queue.oldest_age)),
        cell(f"{queue.rate:g}/s"),
        cell(len(queue.workers)),
        cell("; ".join(filter(None, (unserved, *queue_numbers(queue))))),
    )


def queue_numbers(queue: "Queue") -> list[str]:
    """What was said about how many, and whether they are."""
    numbers = {
        "max_size": ("at most {} may wait", queue.max_size),
        "running": ("at most {} run at a time", queue.running),
        "per_second": ("at most {:g} start per second", queue.per_second),
    }
    return [
        words.format(number) + (" (full)" if name in queue.full else "")
        for name, (words, number) in numbers.items()
        if number is not None
    ]


def _if(value: object) -> Cell | None:
    return cell(value) if value else None


def when(moment: datetime | None) -> Cell | None:
    if moment is None:
        return None
    return cell(f"{moment.astimezone():%Y-%m-%d %H:%M:%S} ({ago(moment)})")
