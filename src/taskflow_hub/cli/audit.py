"""`taskflow audit …`: who did what to what, from where."""

import itertools
from datetime import datetime
from typing import Annotated

import typer

from taskflow_hub.cli.commands import Commands
from taskflow_hub.cli.completing import complete_action, complete_entity
from taskflow_hub.cli.connection import connect, output_of
from taskflow_hub.cli.options import Output, OutputOption, ServerOption, moment
from taskflow_hub.cli.terminal import say

app = Commands(help="See who did what to what, from where.")


@app.command("list")
def list_audit(
    ctx: typer.Context,
    action: Annotated[
        list[str] | None,
        typer.Option(
            "--action",
            metavar="ACTION",
            help="queue.pause, key.revoke, login.fail …; may be repeated.",
            autocompletion=complete_action,
        ),
    ] = None,
    entity: Annotated[
        str | None,
        typer.Option(
            "--entity",
            metavar="ENTITY",
            help="Done to a user, key, task, queue, limit, quota, bulk, worker or schedule.",
            autocompletion=complete_entity,
        ),
    ] = None,
    entity_id: Annotated[
        str | None,
        typer.Option("--id", metavar="ID", help="To this one: its id, a queue's name, a limit's key."),
    ] = None,
    actor: Annotated[
        str | None,
        typer.Option(
            "--actor",
            metavar="ID|NAME",
            help="By this user or key: its id, or the e-mail address or name it had then.",
        ),
    ] = None,
    account: Annotated[
        str | None,
        typer.Option("--account", metavar="ACCOUNT", help="Done to what is this account's; for admins."),
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option("--since", metavar="TIME", parser=moment, help="Done then or later."),
    ] = None,
    until: Annotated[
        datetime | None, typer.Option("--until", metavar="TIME", parser=moment, help="Done earlier.")
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
    """List entries that meet every condition, newest first: for an admin all, for others those of their account.

    With -o json each has everything that is known: ids, the User-Agent, and what was changed before and after.
    """
    from taskflow_hub.cli import show_audit
    from taskflow_hub.cli.output import print_json_list

    with connect(ctx, server) as client:
        found = client.audit(
            account=account,
            entity=entity,
            entity_id=entity_id,
            action=action or None,
            actor=actor,
            since=since,
            until=until,
            limit=None if everything else limit + 1,
        )
        shown = found if everything else itertools.islice(found, limit)
        print_json_list(shown) if output_of(ctx, output) is Output.JSON else show_audit.entries(shown)
        if next(found, None) is not None:
            say(f"There are more than {limit}: --limit N or --all shows them.", style="2")
