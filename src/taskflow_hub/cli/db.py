"""`taskflow db …`: the database's schema."""

from typing import Annotated

import typer

from taskflow_hub.cli.commands import Commands
from taskflow_hub.cli.connection import output_of
from taskflow_hub.cli.exits import FAILED, MISSING, OK, UNAVAILABLE
from taskflow_hub.cli.options import Output, OutputOption
from taskflow_hub.cli.terminal import say

app = Commands(help="Check and migrate the database.")

DatabaseUrl = Annotated[
    str | None,
    typer.Option(
        "--database-url", metavar="URL", help="Default: TASKFLOW_DATABASE_URL, else sqlite:///taskflow.db."
    ),
]

CHECKED = {  # state: exit code, words
    "current": (OK, "The database is up to date."),
    "empty": (MISSING, "There is no database yet. `taskflow up` makes it, or `taskflow db migrate`."),
    "older": (
        FAILED,
        "The database is older than this program. Bring it up to date with: taskflow db migrate",
    ),
    "newer": (UNAVAILABLE, "The database is newer than this program. Update TaskFlow Hub."),
}


@app.command("check")
def check(ctx: typer.Context, database_url: DatabaseUrl = None, output: OutputOption = None) -> None:
    """Look at the schema, and change nothing.

    The exit status is 0 when it is current, 1 when it is older, 3 when there is no database, 5 when it is newer.
    """
    from taskflow_hub import bootstrap, settings
    from taskflow_hub.cli.output import print_json
    from taskflow_hub.cli.redaction import without_secrets

    loaded = settings.load({"database.url": database_url}).settings
    state = str(bootstrap.schema_state(loaded))
    code, words = CHECKED[state]
    if output_of(ctx, output) is Output.JSON:
        print_json({"database": without_secrets(loaded.database.url), "schema": state})
    else:
        print(state)
    say(words)
    raise typer.Exit(code)


@app.command("migrate")
def migrate(database_url: DatabaseUrl = None) -> None:
    """Bring the schema up to date; make the database if there is none. Safe to repeat."""
    from taskflow_hub import bootstrap, settings
    from taskflow_hub.cli.redaction import without_secrets

    loaded = settings.load({"database.url": database_url}).settings
    bootstrap.migrate(loaded)
    say(f"The database is up to date: {without_secrets(loaded.database.url)}")
