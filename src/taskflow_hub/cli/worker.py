"""`taskflow worker …`: who does the work."""

from typing import Annotated

import typer

from taskflow_hub.cli.commands import Commands
from taskflow_hub.cli.completing import complete_worker
from taskflow_hub.cli.connection import connect, output_of
from taskflow_hub.cli.options import Output, OutputOption, ServerOption
from taskflow_hub.cli.terminal import say

app = Commands(help="List and drain workers.")


@app.command("list")
def list_workers(ctx: typer.Context, output: OutputOption = None, server: ServerOption = None) -> None:
    """List the workers that are alive or draining."""
    from taskflow_hub.cli import show
    from taskflow_hub.cli.output import print_json_list

    with connect(ctx, server) as client:
        found = client.workers()
    print_json_list(found) if output_of(ctx, output) is Output.JSON else show.workers(found)


@app.command("drain")
def drain(
    ctx: typer.Context,
    worker: Annotated[
        str, typer.Argument(metavar="ID", help="The worker's id.", autocompletion=complete_worker)
    ],
    output: OutputOption = None,
    server: ServerOption = None,
) -> None:
    """Give a worker nothing new; it finishes what it runs. Its process stays."""
    from taskflow_hub.cli.output import print_json

    with connect(ctx, server) as client:
        changed = client.drain(worker)
    if output_of(ctx, output) is Output.JSON:
        print_json(changed)
    say(f"Worker {changed.id} is {changed.state}; it runs {changed.running} tasks and is given nothing new.")
