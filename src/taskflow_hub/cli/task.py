"""`taskflow task …`: submit work, look at it, and change its fate."""

import itertools
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from taskflow_hub.cli.commands import Commands
from taskflow_hub.cli.completing import complete_queue, complete_status, complete_type
from taskflow_hub.cli.connection import connect, output_of
from taskflow_hub.cli.each import each
from taskflow_hub.cli.options import (
    Given,
    Output,
    OutputOption,
    ServerOption,
    TaskId,
    count_or_none,
    limit,
    moment,
    seconds,
    seconds_or_none,
)
from taskflow_hub.cli.terminal import clean, say

if TYPE_CHECKING:
    from taskflow_hub.client.model import Task

app = Commands(help="Submit tasks, look at them, cancel and redrive them.")

TaskIds = Annotated[list[str], typer.Argument(metavar="ID", help="The tasks' ids.")]


@app.command("submit")
def submit(
    ctx: typer.Context,
    type: Annotated[
        str,
        typer.Argument(
            metavar="TYPE", help="The kind of work, such as web.title.", autocompletion=complete_type
        ),
    ],
    payload: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PAYLOAD",
            help="A JSON object, - for standard input, @FILE, or pairs: key=text, key:=json.",
            show_default=False,
        ),
    ] = None,
    wait: Annotated[
        bool, typer.Option("--wait", "-w", help="Wait for its end and print the result.")
    ] = False,
    wait_timeout: Annotated[
        float | None,
        typer.Option(
            "--wait-timeout",
            metavar="DURATION",
            parser=seconds,
            help="Wait no longer than this (90, 5m, 1h30m).",
        ),
    ] = None,
    queue: Annotated[
        str | None,
        typer.Option(
            "--queue", "-q", metavar="QUEUE", help="Default: the type's own.", autocompletion=complete_queue
        ),
    ] = None,
    priority: Annotated[
        int | None, typer.Option("--priority", "-p", metavar="0-9", help="Higher runs first; default 5.")
    ] = None,
    delay: Annotated[
        float | None,
        typer.Option(
            "--delay", metavar="DURATION", parser=seconds, help="Start no sooner than in this time."
        ),
    ] = None,
    run_at: Annotated[
        datetime | None,
        typer.Option("--run-at", metavar="TIME", parser=moment, help="Start no sooner than at this time."),
    ] = None,
    expires_at: Annotated[
        datetime | None,
        typer.Option("--expires-at", metavar="TIME", parser=moment, help="Fail if not started by then."),
    ] = None,
    max_retries: Annotated[
        Given | None,
        typer.Option(
            "--max-retries",
            metavar="N|none",
            parser=count_or_none,
            help="Retries after a failure; none: without end.",
        ),
    ] = None,
    timeout: Annotated[
        Given | None,
        typer.Option(
            "--timeout",
            metavar="DURATION|none",
            parser=seconds_or_none,
            help="How long an attempt may run; none: without limit.",
        ),
    ] = None,
    tag: Annotated[list[str] | None, typer.Option("--tag", metavar="TAG", help="May be repeated.")] = None,
    unique_key: Annotated[
        str | None,
        typer.Option(
            "--unique-key",
            metavar="KEY",
            help="Answer with the unfinished task of this type and key, if there is one.",
        ),
    ] = None,
    limits: Annotated[
        list[Any] | None,
        typer.Option(
            "--limit",
            metavar="KEY[,running=N][,per_second=N]",
            parser=limit,
            help="How many tasks with this key may run, or start per second; may be repeated.",
            show_default=False,
        ),
    ] = None,
    idempotency_key: Annotated[
        str | None,
        typer.Option(
            "--idempotency-key", metavar="KEY", help="The same key again, within a day, submits nothing new."
        ),
    ] = None,
    output: OutputOption = None,
    server: ServerOption = None,
) -> None:
    """Submit a task. Prints its id; with --wait, its result.

    The exit status of --wait is 0 when the task succeeded and 1 when it failed or was cancelled.
    """
    from taskflow_hub.cli import payload as payloads
    from taskflow_hub.cli import waiting

    wanted: dict[str, Any] = {
        "queue": queue,
        "priority": priority,
        "delay": delay,
        "run_at": run_at,
        "expires_at": expires_at,
        "tags": tag,
        "unique": None if unique_key is None else {"key": unique_key},
        "limits": limits or None,
    }
    given = {name: value for name, value in wanted.items() if value is not None}
    given |= {} if max_retries is None else {"max_retries": max_retries.value}
    given |= {} if timeout is None else {"timeout": timeout.value}
    body = payloads.read(payload or ())
    how = output_of(ctx, output)
    with connect(ctx, server) as client, payloads.explained(payload or ()):
        task = client.submit(type, body, idempotency_key=idempotency_key, **given)
        if not wait and wait_timeout is None:
            _submitted(task, how)
            return
        say(f"Task {task.id} submitted.")
        raise typer.Exit(waiting.finish(client, task.id, wait_timeout, how))


@app.command("get")
def get(ctx: typer.Context, id: TaskId, output: OutputOption = None, server: ServerOption = None) -> None:
    """Show everything about a task."""
    from taskflow_hub.cli import show
    from taskflow_hub.cli.output import print_json

    with connect(ctx, server) as client:
        task = client.get(id)
    print_json(task) if output_of(ctx, output) is Output.JSON else show.task(task)


@app.command("explain")
def explain(ctx: typer.Context, id: TaskId, output: OutputOption = None, server: ServerOption = None) -> None:
    """Say why a task is not running: what holds it, who runs instead, how many come before it."""
    from taskflow_hub.cli import show
    from taskflow_hub.cli.output import print_json

    with connect(ctx, server) as client:
        why = client.explain(id)
    print_json(why) if output_of(ctx, output) is Output.JSON else show.why(why)


@app.command("list")
def list_tasks(
    ctx: typer.Context,
    status: Annotated[
        list[str] | None,
        typer.Option(
            "--status",
            "-s",
            metavar="STATUS",
            help="queued, running, failed …; may be repeated.",
            autocompletion=complete_status,
        ),
    ] = None,
    type: Annotated[
        str | None,
        typer.Option("--type", "-t", metavar="TYPE", help="Of this type.", autocompletion=complete_type),
    ] = None,
    queue: Annotated[
        str | None,
        typer.Option("--queue", "-q", metavar="QUEUE", help="In this queue.", autocompletion=complete_queue),
    ] = None,
    tag: Annotated[str | None, typer.Option("--tag", metavar="TAG", help="With this tag.")] = None,
    fingerprint: Annotated[
        str | None,
        typer.Option("--fingerprint", metavar="FINGERPRINT", help="Failed in this way: one of /failures."),
    ] = None,
    error: Annotated[
        str | None, typer.Option("--error", metavar="TEXT", help="Failed with this text in the error.")
    ] = None,
    created_after: Annotated[
        datetime | None,
        typer.Option("--created-after", metavar="TIME", parser=moment, help="Submitted then or later."),
    ] = None,
    created_before: Annotated[
        datetime | None,
        typer.Option("--created-before", metavar="TIME", parser=moment, help="Submitted earlier."),
    ] = None,
    limit: Annotated[
        int,
        typer.Option(
            "--limit", "-n", metavar="N", min=1, help="How many at most; default 50.", show_default=False
        ),
    ] = 50,
    everything: Annotated[bool, typer.Option("--all", "-a", help="Every one, without a limit.")] = False,
    output: OutputOption = None,
    server: ServerOption = None,
) -> None:
    """List tasks that meet every condition, newest first."""
    from taskflow_hub.cli import show
    from taskflow_hub.cli.output import print_json_list

    with connect(ctx, server) as client:
        found = client.list(
            status=status or None,
            type=type,
            queue=queue,
            tag=tag,
            fingerprint=fingerprint,
            error=error,
            created_after=created_after,
            created_before=created_before,
            limit=None if everything else limit + 1,
        )
        shown = found if everything else itertools.islice(found, limit)
        print_json_list(shown) if output_of(ctx, output) is Output.JSON else show.tasks(shown)
        if next(found, None) is not None:
            say(f"There are more than {limit}: --limit N or --all shows them.", style="2")


@app.command("wait")
def wait(
    ctx: typer.Context,
    id: TaskId,
    timeout: Annotated[
        float | None,
        typer.Option("--timeout", metavar="DURATION", parser=seconds, help="Wait no longer than this."),
    ] = None,
    output: OutputOption = None,
    server: ServerOption = None,
) -> None:
    """Wait for a task's end and print its result.

    The exit status is 0 when it succeeded, 1 when it failed or was cancelled, 5 when the time ran out.
    """
    from taskflow_hub.cli import waiting

    with connect(ctx, server) as client:
        raise typer.Exit(waiting.finish(client, id, timeout, output_of(ctx, output)))


@app.command("cancel")
def cancel(
    ctx: typer.Context,
    ids: TaskIds,
    output: OutputOption = None,
    server: ServerOption = None,
) -> None:
    """End tasks that have not started, and ask the workers of running ones to stop."""
    each(ctx, ids, server, output, lambda client, id: client.cancel(id), _cancelled)


@app.command("redrive")
def redrive(
    ctx: typer.Context,
    ids: TaskIds,
    output: OutputOption = None,
    server: ServerOption = None,
) -> None:
    """Run failed or cancelled tasks anew."""
    each(
        ctx,
        ids,
        server,
        output,
        lambda client, id: client.redrive(id),
        lambda task: f"Task {task.id}: {task.status} again.",
    )


@app.command("logs")
def logs(
    ctx: typer.Context,
    id: TaskId,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Wait for more, until the task has ended.")
    ] = False,
    output: OutputOption = None,
    server: ServerOption = None,
) -> None:
    """Print what a task's attempts logged. As JSON, each line is an object of its own."""
    from taskflow_hub.cli import loglines
    from taskflow_hub.cli.output import print_json_line

    show = print_json_line if output_of(ctx, output) is Output.JSON else loglines.show
    with connect(ctx, server) as client:
        for line in client.logs(id, follow=follow):
            show(line)


@app.command("event")
def event(
    ctx: typer.Context,
    id: TaskId,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The event's name, such as approved.")],
    payload: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PAYLOAD",
            help="JSON of any kind, - for standard input, @FILE, or pairs: key=text, key:=json.",
            show_default=False,
        ),
    ] = None,
    output: OutputOption = None,
    server: ServerOption = None,
) -> None:
    """Send a task an event, for which its handler waits or will. The first of a name is what it gets."""
    from taskflow_hub.cli import payload as payloads
    from taskflow_hub.cli.output import print_json

    given = payloads.read_anything(payload or ())
    with connect(ctx, server) as client:
        sent = client.send_event(id, name, given)
    if output_of(ctx, output) is Output.JSON:
        print_json(sent)
    elif sent.accepted:
        say(f"Task {sent.task_id} has been sent {sent.name}.")
    else:
        say(
            f"Task {sent.task_id} was sent {sent.name} before, at {sent.sent_at:%Y-%m-%d %H:%M:%S} UTC; that one counts."
        )


@app.command("steps")
def steps(ctx: typer.Context, id: TaskId, output: OutputOption = None, server: ServerOption = None) -> None:
    """Show where a handler is that goes on by steps: what is done, what it sleeps for, which events it waits for."""
    from taskflow_hub.cli import show_steps
    from taskflow_hub.cli.output import print_json_list

    with connect(ctx, server) as client:
        found = client.steps(id)
        print_json_list(found) if output_of(ctx, output) is Output.JSON else show_steps.steps(found)


def _submitted(task: "Task", output: Output) -> None:
    """The id alone on stdout, so that `id=$(taskflow task submit …)` works."""
    if output is Output.JSON:
        from taskflow_hub.cli.output import print_json

        print_json(task)
        return
    print(clean(task.id))
    if sys.stdout.isatty():
        say(f"It is {task.status}. Watch it with: taskflow task wait {task.id}", style="2")


def _cancelled(task: "Task") -> str:
    said = "cancelled" if task.done else f"{task.status}, its worker has been asked to end it"
    return f"Task {task.id}: {said}."
