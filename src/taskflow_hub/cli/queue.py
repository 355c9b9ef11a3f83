"""`taskflow queue …`: how full the queues are, and who may take from them."""

from typing import Annotated, Any

import typer

from taskflow_hub.cli.commands import Commands
from taskflow_hub.cli.completing import complete_queue
from taskflow_hub.cli.connection import connect, output_of
from taskflow_hub.cli.options import Output, OutputOption, ServerOption, count_or_none, number_or_none
from taskflow_hub.cli.terminal import say

app = Commands(help="List, limit, pause and resume queues.")

QueueName = Annotated[
    str, typer.Argument(metavar="QUEUE", help="The queue's name.", autocompletion=complete_queue)
]


@app.command("list")
def list_queues(ctx: typer.Context, output: OutputOption = None, server: ServerOption = None) -> None:
    """List every queue with its depth, and what nobody serves."""
    from taskflow_hub.cli import show
    from taskflow_hub.cli.output import print_json_list

    with connect(ctx, server) as client:
        found = client.queues()
    print_json_list(found) if output_of(ctx, output) is Output.JSON else show.queues(found)


@app.command("limit")
def limit(
    ctx: typer.Context,
    queue: QueueName,
    max_size: Annotated[
        Any,
        typer.Option(
            "--max-size",
            metavar="N|none",
            parser=count_or_none,
            help="How many tasks may wait; none: any number; default: as it is.",
        ),
    ] = None,
    running: Annotated[
        Any,
        typer.Option(
            "--running",
            metavar="N|none",
            parser=count_or_none,
            help="How many may run at a time; none: any number; default: as it is.",
        ),
    ] = None,
    per_second: Annotated[
        Any,
        typer.Option(
            "--per-second",
            metavar="X|none",
            parser=number_or_none,
            help="How many may start per second; none: any number; default: as it is.",
        ),
    ] = None,
    output: OutputOption = None,
    server: ServerOption = None,
) -> None:
    """Say how many tasks of a queue may wait, run at a time and start per second.

    They count together, whosever they are. What waits is kept, what runs is not touched.
    """
    from taskflow_hub.cli import show
    from taskflow_hub.cli.output import print_json

    numbers = {"max_size": max_size, "running": running, "per_second": per_second}
    given = {name: number.value for name, number in numbers.items() if number is not None}
    if not given:
        raise typer.BadParameter("name what to set: --max-size, --running or --per-second", ctx=ctx)
    with connect(ctx, server) as client:
        changed = client.update_queue(queue, **given)
    if output_of(ctx, output) is Output.JSON:
        print_json(changed)
    said = ", ".join(show.queue_numbers(changed)) or "as many tasks may wait, run and start as do"
    say(f"Queue {changed.name}: {said}.")


@app.command("pause")
def pause(
    ctx: typer.Context, queue: QueueName, output: OutputOption = None, server: ServerOption = None
) -> None:
    """Start nothing new from a queue until it is resumed. Running tasks go on; survives restarts."""
    from taskflow_hub.cli.output import print_json

    with connect(ctx, server) as client:
        changed = client.pause(queue)
    if output_of(ctx, output) is Output.JSON:
        print_json(changed)
    say(f"Queue {changed.name} is paused. Resume it with: taskflow queue resume {changed.name}")


@app.command("resume")
def resume(
    ctx: typer.Context, queue: QueueName, output: OutputOption = None, server: ServerOption = None
) -> None:
    """Start tasks from a paused queue again."""
    from taskflow_hub.cli.output import print_json

    with connect(ctx, server) as client:
        changed = client.resume(queue)
    if output_of(ctx, output) is Output.JSON:
        print_json(changed)
    say(f"Queue {changed.name} is open.")
