"""`taskflow schedule …`: what is started by the clock."""

import itertools
import re
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from taskflow_hub.cli.commands import Commands
from taskflow_hub.cli.completing import complete_schedule, complete_type
from taskflow_hub.cli.connection import connect, output_of
from taskflow_hub.cli.options import (
    Moment,
    Output,
    OutputOption,
    ServerOption,
    moment,
    moment_or_none,
)
from taskflow_hub.cli.schedule_options import (
    CatchUpLimitOption,
    CatchUpOption,
    CronOption,
    EveryOption,
    JitterOption,
    LimitsOption,
    MaxRetriesOption,
    NameOption,
    OverlapOption,
    PayloadArgument,
    PriorityOption,
    QueueOption,
    TagOption,
    TimeoutOption,
    WorkflowOption,
    ZoneOption,
    given,
    refuse_for_task,
    task_options,
)
from taskflow_hub.cli.terminal import clean, say

if TYPE_CHECKING:
    from taskflow_hub.client.schedules import Schedule

app = Commands(help="Make, change and look at what is started by the clock.")

Ref = Annotated[
    str,
    typer.Argument(metavar="SCHEDULE", help="The schedule's name or id.", autocompletion=complete_schedule),
]


@app.command("create")
def create(
    ctx: typer.Context,
    type: Annotated[
        str | None,
        typer.Argument(
            metavar="TYPE",
            help="The kind of work that each tick submits, such as web.title.",
            autocompletion=complete_type,
            show_default=False,
        ),
    ] = None,
    payload: PayloadArgument = None,
    workflow: WorkflowOption = None,
    cron: CronOption = None,
    every: EveryOption = None,
    tz: ZoneOption = None,
    name: NameOption = None,
    overlap: OverlapOption = None,
    catch_up: CatchUpOption = None,
    catch_up_limit: CatchUpLimitOption = None,
    jitter: JitterOption = None,
    start_at: Annotated[
        datetime | None,
        typer.Option("--start-at", metavar="TIME", parser=moment, help="No tick before this time."),
    ] = None,
    end_at: Annotated[
        datetime | None,
        typer.Option("--end-at", metavar="TIME", parser=moment, help="No tick from this time on."),
    ] = None,
    paused: Annotated[
        bool, typer.Option("--paused", help="Make it paused; `resume` lets it go.", show_default=False)
    ] = False,
    queue: QueueOption = None,
    priority: PriorityOption = None,
    max_retries: MaxRetriesOption = None,
    timeout: TimeoutOption = None,
    tag: TagOption = None,
    limits: LimitsOption = None,
    output: OutputOption = None,
    server: ServerOption = None,
) -> None:
    """Submit a task of this type, or a workflow, at every tick of --cron, or --every so often. Prints the schedule's id."""
    from taskflow_hub.cli import payload as payloads

    if (type is None) == (workflow is None):
        raise typer.BadParameter("say what to start: either a TYPE or --workflow", ctx=ctx)
    if (cron is None) == (every is None):
        raise typer.BadParameter("say when: either --cron or --every", ctx=ctx)
    of_task = task_options(queue, priority, max_retries, timeout, tag, limits)
    if workflow is not None:
        refuse_for_task(ctx, of_task)
    wanted: dict[str, Any] = {
        **given(
            name=name,
            cron=cron,
            every=every,
            tz=tz,
            overlap=overlap,
            catch_up=catch_up,
            catch_up_limit=catch_up_limit,
            jitter=jitter,
            start_at=start_at,
            end_at=end_at,
            paused=paused or None,
        ),
        **of_task,
    }
    body = None if type is None else payloads.read(payload or ())
    graph = None if workflow is None else payloads.document(workflow)
    with connect(ctx, server) as client, payloads.explained(payload or ()):
        made = client.create_schedule(type, body, workflow=graph, **wanted)
    _made(made, output_of(ctx, output))


@app.command("list")
def list_schedules(
    ctx: typer.Context,
    type: Annotated[
        str | None,
        typer.Option("--type", "-t", metavar="TYPE", help="Of this type.", autocompletion=complete_type),
    ] = None,
    paused: Annotated[
        bool | None,
        typer.Option("--paused/--active", help="Those that are paused, or the others.", show_default=False),
    ] = None,
    output: OutputOption = None,
    server: ServerOption = None,
) -> None:
    """List the account's schedules, newest first; for an admin those of all accounts."""
    from taskflow_hub.cli import show_schedules
    from taskflow_hub.cli.output import print_json_list

    with connect(ctx, server) as client:
        found = client.schedules(type=type, paused=paused)
        print_json_list(found) if output_of(ctx, output) is Output.JSON else show_schedules.schedules(found)


@app.command("show")
def show(ctx: typer.Context, schedule: Ref, output: OutputOption = None, server: ServerOption = None) -> None:
    """Show everything about a schedule."""
    from taskflow_hub.cli import show_schedules
    from taskflow_hub.cli.output import print_json

    with connect(ctx, server) as client:
        found = client.schedule(schedule)
    print_json(found) if output_of(ctx, output) is Output.JSON else show_schedules.schedule(found)


@app.command("update")
def update(
    ctx: typer.Context,
    schedule: Ref,
    payload: PayloadArgument = None,
    cron: CronOption = None,
    every: EveryOption = None,
    tz: ZoneOption = None,
    name: NameOption = None,
    overlap: OverlapOption = None,
    catch_up: CatchUpOption = None,
    catch_up_limit: CatchUpLimitOption = None,
    jitter: JitterOption = None,
    start_at: Annotated[
        Moment | None,
        typer.Option(
            "--start-at", metavar="TIME|none", parser=moment_or_none, help="No tick before this time."
        ),
    ] = None,
    end_at: Annotated[
        Moment | None,
        typer.Option(
            "--end-at", metavar="TIME|none", parser=moment_or_none, help="No tick from this time on."
        ),
    ] = None,
    type: Annotated[
        str | None,
        typer.Option(
            "--type",
            "-t",
            metavar="TYPE",
            help="Start this kind of work from now on, with the payload that is given.",
            autocompletion=complete_type,
        ),
    ] = None,
    workflow: WorkflowOption = None,
    queue: QueueOption = None,
    priority: PriorityOption = None,
    max_retries: MaxRetriesOption = None,
    timeout: TimeoutOption = None,
    tag: TagOption = None,
    limits: LimitsOption = None,
    output: OutputOption = None,
    server: ServerOption = None,
) -> None:
    """Change what is given; the rest stays. With another time it goes on with the first tick after now.

    A payload that is given replaces the one it has; with --type or --workflow all that it starts is replaced.
    """
    from taskflow_hub.cli import payload as payloads
    from taskflow_hub.cli import show_schedules
    from taskflow_hub.cli.output import print_json

    wanted = given(
        name=name,
        cron=cron,
        every=every,
        tz=tz,
        overlap=overlap,
        catch_up=catch_up,
        catch_up_limit=catch_up_limit,
        jitter=jitter,
    )
    wanted |= {} if start_at is None else {"start_at": start_at.value}
    wanted |= {} if end_at is None else {"end_at": end_at.value}
    of_task = task_options(queue, priority, max_retries, timeout, tag, limits)
    of_task |= {"payload": payloads.read(payload)} if payload else {}
    if workflow is not None:
        refuse_for_task(ctx, of_task | given(type=type))
        wanted["workflow"] = payloads.document(workflow)
    if not wanted and not of_task and type is None:
        raise typer.BadParameter(
            "name what to change, such as --cron or --overlap; --help lists it all", ctx=ctx
        )
    with connect(ctx, server) as client, payloads.explained(payload or ()):
        if of_task or type is not None:
            there = client.schedule(schedule).task if type is None else {"type": type}
            if there is None:
                raise typer.BadParameter(
                    "it starts a workflow, which is replaced whole: --workflow, or --type for a task", ctx=ctx
                )
            wanted["task"] = {**there, **of_task}
        changed = client.update_schedule(schedule, **wanted)
    if output_of(ctx, output) is Output.JSON:
        print_json(changed)
    say(show_schedules.described(changed))


@app.command("delete")
def delete(
    ctx: typer.Context, schedule: Ref, output: OutputOption = None, server: ServerOption = None
) -> None:
    """Remove a schedule and its history. Runs that it has started go on."""
    from taskflow_hub.cli.output import print_json

    with connect(ctx, server) as client:
        id = client.delete_schedule(schedule)
    if output_of(ctx, output) is Output.JSON:
        print_json({"id": id})
    say(f"Schedule {clean(schedule)} is gone; what it has started goes on.")


@app.command("pause")
def pause(
    ctx: typer.Context, schedule: Ref, output: OutputOption = None, server: ServerOption = None
) -> None:
    """Fire nothing until it is resumed. Survives restarts."""
    from taskflow_hub.cli.output import print_json

    with connect(ctx, server) as client:
        found = client.pause_schedule(schedule)
    if output_of(ctx, output) is Output.JSON:
        print_json(found)
    say(f"Schedule {clean(found.name)} is paused.")


@app.command("resume")
def resume(
    ctx: typer.Context, schedule: Ref, output: OutputOption = None, server: ServerOption = None
) -> None:
    """Go on with the next tick; those of the pause are skipped."""
    from taskflow_hub.cli import show_schedules
    from taskflow_hub.cli.output import print_json

    with connect(ctx, server) as client:
        found = client.resume_schedule(schedule)
    if output_of(ctx, output) is Output.JSON:
        print_json(found)
    say(show_schedules.described(found))


@app.command("trigger")
def trigger(
    ctx: typer.Context,
    schedule: Ref,
    wait: Annotated[
        bool, typer.Option("--wait", "-w", help="Wait for its end and print the result.")
    ] = False,
    output: OutputOption = None,
    server: ServerOption = None,
) -> None:
    """Run it once, now, whatever else of it runs. Prints the id of the task, or of the workflow; with --wait, its result.

    The exit status of --wait is 0 when it succeeded and 1 when it failed or was cancelled.
    """
    from taskflow_hub.cli import following, waiting
    from taskflow_hub.cli.output import print_json
    from taskflow_hub.client.model import Workflow

    how = output_of(ctx, output)
    with connect(ctx, server) as client:
        run = client.trigger(schedule)
        if wait and isinstance(run, Workflow):
            say(f"Workflow {run.id} submitted.")
            raise typer.Exit(following.finish(client, run.id, None, as_json=how is Output.JSON))
        if wait:
            say(f"Task {run.id} submitted.")
            raise typer.Exit(waiting.finish(client, run.id, None, how))
    print_json(run) if how is Output.JSON else print(clean(run.id))


@app.command("backfill")
def backfill(
    ctx: typer.Context,
    schedule: Ref,
    start: Annotated[
        datetime, typer.Option("--from", metavar="TIME", parser=moment, help="Ticks from this time on.")
    ],
    end: Annotated[
        datetime, typer.Option("--to", metavar="TIME", parser=moment, help="Ticks before this time.")
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.", show_default=False)
    ] = False,
    output: OutputOption = None,
    server: ServerOption = None,
) -> None:
    """Fire ticks of the past that were missed or skipped, or came before it was made; at most 1000 at a time.

    The exit status is 5 when runs were refused.
    """
    from taskflow_hub.cli import show_schedules
    from taskflow_hub.cli.exits import UNAVAILABLE
    from taskflow_hub.cli.output import print_json

    with connect(ctx, server) as client:
        done = client.backfill(schedule, start, end, dry_run=dry_run)
    print_json(done) if output_of(ctx, output) is Output.JSON else show_schedules.backfilled(done)
    raise typer.Exit(UNAVAILABLE if done.refused else 0)


@app.command("preview")
def preview(
    ctx: typer.Context,
    what: Annotated[
        str | None,
        typer.Argument(
            metavar="EXPRESSION|SCHEDULE",
            help="A cron expression, for which no hub is asked; or a schedule's name or id.",
            show_default=False,
            autocompletion=complete_schedule,
        ),
    ] = None,
    every: EveryOption = None,
    tz: ZoneOption = None,
    count: Annotated[
        int,
        typer.Option(
            "--count",
            "-n",
            metavar="N",
            min=1,
            max=100,
            help="How many ticks; default 10.",
            show_default=False,
        ),
    ] = 10,
    output: OutputOption = None,
    server: ServerOption = None,
) -> None:
    """Show when an expression, a period (--every) or a schedule comes next: in UTC, and in its zone."""
    from taskflow_hub.cli import show_schedules
    from taskflow_hub.cli.output import print_json

    if what is None and every is None:
        raise typer.BadParameter(
            "say what: an expression such as '*/5 * * * *', --every or a schedule", ctx=ctx
        )
    if what is None or re.search(r"\s|^@", what.strip()):
        found = show_schedules.preview_of(what, every, tz or "UTC", count)
    else:
        with connect(ctx, server) as client:
            found = client.preview_schedule(what, count, every=every, tz=tz)
    print_json(found) if output_of(ctx, output) is Output.JSON else show_schedules.preview(found)


@app.command("history")
def history(
    ctx: typer.Context,
    schedule: Ref,
    outcome: Annotated[
        str | None,
        typer.Option("--outcome", metavar="fired|missed|skipped|waiting", help="Only such ticks."),
    ] = None,
    limit: Annotated[
        int,
        typer.Option(
            "--limit", "-n", metavar="N", min=1, help="How many at most; default 50.", show_default=False
        ),
    ] = 50,
    output: OutputOption = None,
    server: ServerOption = None,
) -> None:
    """Show what became of its ticks, newest first."""
    from taskflow_hub.cli import show_schedules
    from taskflow_hub.cli.output import print_json_list

    with connect(ctx, server) as client:
        found = client.fires(schedule, outcome=outcome)
        shown = itertools.islice(found, limit)
        print_json_list(shown) if output_of(ctx, output) is Output.JSON else show_schedules.fires(shown)
        if next(found, None) is not None:
            say(f"There are more than {limit}: --limit N shows them.", style="2")


def _made(made: "Schedule", output: Output) -> None:
    """The id alone on stdout, so that `id=$(taskflow schedule create …)` works."""
    from taskflow_hub.cli import show_schedules
    from taskflow_hub.cli.output import print_json

    print_json(made) if output is Output.JSON else print(clean(made.id))
    say(show_schedules.described(made), style="2")
