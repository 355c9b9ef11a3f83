"""`taskflow up`: the whole hub in one process, from the first request to an honest exit status."""

from typing import Annotated

import typer

from taskflow_hub.cli.commands import Commands
from taskflow_hub.cli.options import seconds


def add_to(app: Commands) -> None:
    app.command("up")(up)


def up(
    app: Annotated[
        str | None,
        typer.Option(
            "--app",
            metavar="MODULE:HUB",
            help="Serve the handlers of this Hub too; the working directory is on the import path.",
        ),
    ] = None,
    host: Annotated[
        str | None, typer.Option("--host", metavar="ADDRESS", help="Listen here; loopback only.")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option("--port", metavar="PORT", help="Listen here; 0 takes any free port; default 8080."),
    ] = None,
    database_url: Annotated[
        str | None,
        typer.Option(
            "--database",
            "--database-url",
            metavar="URL",
            help="sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE; default sqlite:///taskflow.db.",
        ),
    ] = None,
    slots: Annotated[
        int | None, typer.Option("--slots", metavar="N", help="How many attempts run at once; default 20.")
    ] = None,
    queues: Annotated[
        list[str] | None,
        typer.Option("--queue", metavar="QUEUE", help="Work on this queue only; may be repeated."),
    ] = None,
    grace: Annotated[
        float | None,
        typer.Option(
            "--grace",
            metavar="DURATION",
            parser=seconds,
            help="How long running attempts may take to finish at the end; default 30.",
        ),
    ] = None,
    log_level: Annotated[
        str | None, typer.Option("--log-level", metavar="LEVEL", help="debug, info, warning or error.")
    ] = None,
) -> None:
    """Start a hub: API, engine, worker and dashboard in one process.

    Flags beat the environment (TASKFLOW_…), which beats ./taskflow.toml. The first Ctrl-C or SIGTERM lets running attempts
    finish and hands back what does not; a second one cuts their time short, a third ends at once. The exit
    status is 0 after a clean end.
    """
    from taskflow_hub.cli.process import serve

    flags = {
        "http.host": host,
        "http.port": port,
        "database.url": database_url,
        "worker.slots": slots,
        "worker.queues": queues,
        "worker.grace": grace,
        "log.level": log_level,
    }
    raise typer.Exit(serve(flags, app))
