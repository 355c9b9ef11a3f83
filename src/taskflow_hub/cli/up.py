"""`taskflow up`: the whole hub in one process, from the first request to an honest exit status."""

from typing import Annotated

import typer

from taskflow_hub.cli.commands import Commands
from taskflow_hub.cli.options import (
    AppOption,
    BrokerOption,
    DatabaseOption,
    GraceOption,
    HostOption,
    LogLevelOption,
    PortOption,
    SlotsOption,
)


def add_to(app: Commands) -> None:
    app.command("up")(up)


def up(
    app: AppOption = None,
    host: HostOption = None,
    port: PortOption = None,
    database_url: DatabaseOption = None,
    broker_url: BrokerOption = None,
    slots: SlotsOption = None,
    queues: Annotated[
        list[str] | None,
        typer.Option("--queue", metavar="QUEUE", help="Work on this queue only; may be repeated."),
    ] = None,
    grace: GraceOption = None,
    log_level: LogLevelOption = None,
) -> None:
    """Start a hub: API, engine, worker and dashboard in one process.

    Flags beat the environment (TASKFLOW_…), which beats ./taskflow.toml. The first Ctrl-C or SIGTERM lets running attempts
    finish and hands back what does not; a second one cuts their time short, a third ends at once. The exit
    status is 0 after a clean end.
    """
    from taskflow_hub.cli.process import Role, serve

    flags = {
        "http.host": host,
        "http.port": port,
        "database.url": database_url,
        "broker.url": broker_url,
        "worker.slots": slots,
        "worker.queues": queues,
        "worker.grace": grace,
        "log.level": log_level,
    }
    raise typer.Exit(serve(Role.UP, flags, app))
