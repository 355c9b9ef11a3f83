"""`taskflow db …`: the database's schema, and the way from SQLite to PostgreSQL."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from taskflow_hub.cli.commands import Commands
from taskflow_hub.cli.connection import output_of
from taskflow_hub.cli.exits import FAILED, MISSING, OK, UNAVAILABLE
from taskflow_hub.cli.options import Output, OutputOption
from taskflow_hub.cli.terminal import say

if TYPE_CHECKING:
    from taskflow_hub.bootstrap import Moved
    from taskflow_hub.store.transfer import Step, Watch

app = Commands(help="Check and migrate the database; move a hub to PostgreSQL.")

DatabaseUrl = Annotated[
    str | None,
    typer.Option(
        "--database",
        "--database-url",
        metavar="URL",
        help="Default: TASKFLOW_DATABASE_URL, else sqlite:///taskflow.db.",
    ),
]

CHECKED = {  # state: exit code, words
    "current": (OK, "The database is up to date."),
    "empty": (
        MISSING,
        "There is no database yet, or nothing in it. `taskflow up` makes it, or `taskflow db migrate`.",
    ),
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
    from taskflow_hub.redaction import without_secrets

    loaded = settings.load({"database.url": database_url}).settings
    state = str(bootstrap.schema_tools(loaded).check(loaded.database.url))
    code, words = CHECKED[state]
    if output_of(ctx, output) is Output.JSON:
        print_json({"database": without_secrets(loaded.database.url), "schema": state})
    else:
        print(state)
    say(words)
    raise typer.Exit(code)


@app.command("migrate")
def migrate(database_url: DatabaseUrl = None) -> None:
    """Bring the schema up to date; make the database if there is none. Safe to repeat, and while hubs run."""
    from taskflow_hub import bootstrap, settings
    from taskflow_hub.redaction import without_secrets

    loaded = settings.load({"database.url": database_url}).settings
    bootstrap.schema_tools(loaded).migrate(loaded.database.url)
    say(f"The database is up to date: {without_secrets(loaded.database.url)}")


@app.command("sql")
def sql(
    database_url: DatabaseUrl = None,
    start: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="VERSION", help="The schema version the database has; default: it is empty."
        ),
    ] = None,
) -> None:
    """Print the SQL that `migrate` would execute, without a connection: for the kind of database the URL names."""
    from taskflow_hub import bootstrap, settings

    loaded = settings.load({"database.url": database_url}).settings
    script = bootstrap.schema_tools(loaded).upgrade_sql(start)
    if script:
        print(script, end="")
    else:
        say(f"There is nothing to do: {start} is this program's schema.")


@app.command("copy")
def copy(
    ctx: typer.Context,
    source: Annotated[
        str, typer.Argument(metavar="SQLITE_URL", help="The database of a hub that is stopped.")
    ],
    target: Annotated[
        str, typer.Argument(metavar="POSTGRES_URL", help="A PostgreSQL database that no hub has used yet.")
    ],
    output: OutputOption = None,
) -> None:
    """Move a stopped hub from SQLite to PostgreSQL: all of it or nothing, read back and compared.

    The SQLite file stays as it is. Results above 64 KiB lie in a folder, which is not moved.
    """
    from taskflow_hub import bootstrap, settings

    loaded = settings.load().settings
    with _progress() as watch:
        moved = bootstrap.move_database(loaded, source, target, watch)
    _print_moved(moved, output_of(ctx, output))


def _print_moved(moved: "Moved", output: Output) -> None:
    if output is Output.JSON:
        from taskflow_hub.cli.output import print_json

        print_json(
            {
                "tables": moved.tables,
                "results": moved.results,
                "results_were_in": str(moved.results_were_in),
                "results_are_sought_in": str(moved.results_are_sought_in),
            }
        )
    else:
        from taskflow_hub.cli.table import Column, cell, print_table

        print_table(
            (Column("TABLE"), Column("ROWS"), Column("DIGEST", least=16)),
            ((cell(one.table), cell(one.rows), cell(one.digest[:32])) for one in moved.tables),
        )
    say("The hub has moved: every count and every digest is the same on both sides.")
    if moved.results and moved.results_were_in != moved.results_are_sought_in:
        say(
            f"Large results lie outside the database ({moved.results} of them), in {moved.results_were_in}. Move that folder "
            f"to {moved.results_are_sought_in}, or set TASKFLOW_ENGINE_RESULTS_DIR."
        )
    say("Start it with `taskflow up --database POSTGRES_URL`, and do not start the old one again.")


@contextmanager
def _progress() -> "Iterator[Watch]":
    """A bar on a terminal; elsewhere nothing."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    if not bar.console.is_terminal:
        yield lambda _: None
        return
    shown = bar.add_task("")

    def watch(step: "Step") -> None:
        bar.update(shown, description=f"{step.doing} {step.table}", completed=step.done, total=step.total)

    with bar:
        yield watch
