"""`taskflow queue …`: how full the queues are, and who may take from them."""

from typing import Annotated

import typer

from taskflow_hub.cli.commands import Commands
from taskflow_hub.cli.completing import complete_queue
from taskflow_hub.cli.connection import connect, output_of
from taskflow_hub.cli.options import Output, OutputOption, ServerOption
from taskflow_hub.cli.terminal import say

app = Commands(help="List, pause and resume queues.")

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
