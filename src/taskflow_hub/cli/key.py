"""`taskflow key …`: what programs present to a hub."""

from typing import Annotated, Any

import typer

from taskflow_hub.cli.commands import Commands
from taskflow_hub.cli.completing import complete_key, complete_queue, complete_scope
from taskflow_hub.cli.connection import connect, output_of
from taskflow_hub.cli.options import Output, OutputOption, ServerOption, scope, seconds
from taskflow_hub.cli.terminal import clean, say

app = Commands(help="Make, list and revoke API keys.")


@app.command("create")
def create(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is for; shown in lists.")],
    scopes: Annotated[
        list[Any],
        typer.Option(
            "--scope",
            metavar="SCOPE",
            parser=scope,
            help="What it may do: submit, read, manage, work or admin; may be repeated.",
            autocompletion=complete_scope,
        ),
    ],
    queues: Annotated[
        list[str] | None,
        typer.Option(
            "--queue",
            "-q",
            metavar="QUEUE",
            help="For this queue only; may be repeated; default: every one.",
            autocompletion=complete_queue,
        ),
    ] = None,
    expires: Annotated[
        float | None,
        typer.Option(
            "--expires",
            metavar="DURATION",
            parser=seconds,
            help="How long it is good (30d); default: for ever.",
        ),
    ] = None,
    output: OutputOption = None,
    server: ServerOption = None,
) -> None:
    """Make an API key. Prints its secret, this once: a program presents it as TASKFLOW_KEY."""
    from taskflow_hub.cli import show_access
    from taskflow_hub.cli.output import print_json

    with connect(ctx, server) as client:
        made = client.create_key(name, scopes, queues=queues or (), expires_in=expires)
    if output_of(ctx, output) is Output.JSON:
        print_json(made)
    else:
        print(clean(made.secret))
    say(f"This is the key {show_access.described(made.key)}. It will not be shown again.")


@app.command("list")
def list_keys(ctx: typer.Context, output: OutputOption = None, server: ServerOption = None) -> None:
    """List the account's API keys, for an admin all; newest first, without their secrets."""
    from taskflow_hub.cli import show_access
    from taskflow_hub.cli.output import print_json_list

    with connect(ctx, server) as client:
        found = client.keys()
    print_json_list(found) if output_of(ctx, output) is Output.JSON else show_access.keys(found)


@app.command("revoke")
def revoke(
    ctx: typer.Context,
    id: Annotated[
        str, typer.Argument(metavar="ID", help="The key's id, not its secret.", autocompletion=complete_key)
    ],
    output: OutputOption = None,
    server: ServerOption = None,
) -> None:
    """Let an API key open nothing any more. Twice is harmless."""
    from taskflow_hub.cli.output import print_json

    with connect(ctx, server) as client:
        revoked = client.revoke_key(id)
    if output_of(ctx, output) is Output.JSON:
        print_json(revoked)
    say(f"The key {revoked.name} ({revoked.id}) is revoked.")
