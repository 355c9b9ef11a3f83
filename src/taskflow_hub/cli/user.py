"""`taskflow user …`: who may log in to a hub, and what they may do there."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from taskflow_hub.cli.commands import Commands
from taskflow_hub.cli.completing import complete_role, complete_user
from taskflow_hub.cli.connection import connect, output_of
from taskflow_hub.cli.db import DatabaseUrl
from taskflow_hub.cli.options import Output, OutputOption, ServerOption, role
from taskflow_hub.cli.terminal import clean, say

if TYPE_CHECKING:
    from taskflow_hub.client.sync_client import SyncClient

app = Commands(help="List and add users, and say what they may do.")


@app.command("list")
def list_users(ctx: typer.Context, output: OutputOption = None, server: ServerOption = None) -> None:
    """List the account's users, for an admin all; oldest first."""
    from taskflow_hub.cli import show_access
    from taskflow_hub.cli.output import print_json_list

    with connect(ctx, server) as client:
        found = client.users()
    print_json_list(found) if output_of(ctx, output) is Output.JSON else show_access.users(found)


@app.command("add")
def add(
    ctx: typer.Context,
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="The user's e-mail address.")],
    as_role: Annotated[
        Any,
        typer.Option(
            "--role",
            metavar="user|viewer|admin",
            parser=role,
            help="What the user may do; default user.",
            show_default=False,
            autocompletion=complete_role,
        ),
    ] = "user",
    account: Annotated[
        str | None,
        typer.Option("--account", metavar="ACCOUNT", help="Whose tasks they see; default: your own account."),
    ] = None,
    output: OutputOption = None,
    server: ServerOption = None,
) -> None:
    """Add a user. Asks for their password, or reads it from standard input; prints their id."""
    from taskflow_hub.cli import asking
    from taskflow_hub.cli.output import print_json

    with connect(ctx, server) as client:
        added = client.add_user(
            email, asking.ask_new_password(f"Password for {email}"), role=as_role, account=account
        )
    print_json(added) if output_of(ctx, output) is Output.JSON else print(clean(added.id))
    say(f"{added.email} can log in now, as {added.role} of the account {added.account_id}.")


@app.command("set-role")
def set_role(
    ctx: typer.Context,
    user: Annotated[
        str,
        typer.Argument(
            metavar="ID|EMAIL", help="The user's id or e-mail address.", autocompletion=complete_user
        ),
    ],
    new_role: Annotated[
        Any,
        typer.Argument(
            metavar="ROLE", parser=role, help="user, viewer or admin.", autocompletion=complete_role
        ),
    ],
    output: OutputOption = None,
    server: ServerOption = None,
) -> None:
    """Change what a user may do. It holds for their keys, too."""
    from taskflow_hub.cli.output import print_json

    with connect(ctx, server) as client:
        changed = client.set_role(_id_of(client, user), new_role)
    if output_of(ctx, output) is Output.JSON:
        print_json(changed)
    say(f"{changed.email} is {changed.role} now.")


@app.command("reset-password")
def reset_password(
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="The user's e-mail address.")],
    database_url: DatabaseUrl = None,
) -> None:
    """Give a user a new password in the database itself, for the admin who forgot theirs. All their logins end.

    It asks no hub and needs no login: whoever can write the database may. A hub may be running meanwhile, and notices within
    two seconds. The exit status is that of `taskflow db check` when the database is not up to date.
    """
    from taskflow_hub.cli.reset import reset

    raise typer.Exit(reset(email, database_url))


def _id_of(client: "SyncClient", user: str) -> str:
    """Raises NotFound for an address that nobody has."""
    if "@" not in user:
        return user
    from taskflow_hub.domain.access import address_key
    from taskflow_hub.domain.errors import NotFound

    for one in client.users():
        if address_key(one.email) == address_key(user):
            return one.id
    raise NotFound(f"There is no user {user}.")
