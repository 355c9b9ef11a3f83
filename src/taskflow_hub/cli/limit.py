"""`taskflow limit …`: how many tasks that share a key may run at a time, or start per second."""

from typing import Annotated, Any

import typer

from taskflow_hub.cli.commands import Commands
from taskflow_hub.cli.connection import connect, output_of
from taskflow_hub.cli.options import Output, OutputOption, ServerOption, count_or_none, number_or_none
from taskflow_hub.cli.terminal import say

app = Commands(help="List and set limits by key.")


@app.command("list")
def list_limits(ctx: typer.Context, output: OutputOption = None, server: ServerOption = None) -> None:
    """List the account's limits, for an admin all: their numbers, what runs under each, and what it holds back."""
    from taskflow_hub.cli import show_limits
    from taskflow_hub.cli.output import print_json_list

    with connect(ctx, server) as client:
        found = client.limits()
        print_json_list(found) if output_of(ctx, output) is Output.JSON else show_limits.limits(found)


@app.command("set")
def set_limit(
    ctx: typer.Context,
    key: Annotated[str, typer.Argument(metavar="KEY", help="What is shared, such as host:example.com.")],
    running: Annotated[
        Any,
        typer.Option(
            "--running",
            metavar="N|none",
            parser=count_or_none,
            help="How many tasks may run at a time; none: any number; default: as it is.",
        ),
    ] = None,
    per_second: Annotated[
        Any,
        typer.Option(
            "--per-second",
            metavar="X|none",
            parser=number_or_none,
            help="How many tasks may start per second; none: any number; default: as it is.",
        ),
    ] = None,
    unpin: Annotated[
        bool,
        typer.Option(
            "--unpin", help="From now on what tasks state changes the numbers again.", show_default=False
        ),
    ] = False,
    output: OutputOption = None,
    server: ServerOption = None,
) -> None:
    """Set a limit's numbers, and pin them: what tasks state does not change them any more.

    What runs is not touched; what waits starts at once if it may now. A limit without numbers that is not pinned is
    forgotten.
    """
    from msgspec import UNSET

    from taskflow_hub.cli import show_limits
    from taskflow_hub.cli.output import print_json

    if running is None and per_second is None and not unpin:
        raise typer.BadParameter("name what to set: --running, --per-second or --unpin", ctx=ctx)
    with connect(ctx, server) as client:
        row = client.set_limit(
            key,
            running=UNSET if running is None else running.value,
            per_second=UNSET if per_second is None else per_second.value,
            pinned=not unpin,
        )
    if output_of(ctx, output) is Output.JSON:
        print_json(row)
    say(show_limits.described(row))
