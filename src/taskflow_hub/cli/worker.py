"""`taskflow worker …`: who does the work."""

from typing import Annotated

import typer

from taskflow_hub.cli.commands import Commands
from taskflow_hub.cli.completing import complete_worker
from taskflow_hub.cli.connection import connect, output_of
from taskflow_hub.cli.options import (
    AppOption,
    BrokerOption,
    GraceOption,
    LogLevelOption,
    Output,
    OutputOption,
    ServerOption,
    SlotsOption,
)
from taskflow_hub.cli.terminal import say

app = Commands(help="Run, probe, list and drain workers.")


@app.command("run")
def run(
    app: AppOption = None,
    queues: Annotated[
        str | None,
        typer.Option("--queues", metavar="QUEUE[,QUEUE]…", help="Work on these queues only; default: all."),
    ] = None,
    slots: SlotsOption = None,
    broker_url: BrokerOption = None,
    grace: GraceOption = None,
    health_port: Annotated[
        int | None,
        typer.Option("--health-port", metavar="PORT", help="Tell probes here how it is; default: nowhere."),
    ] = None,
    log_level: LogLevelOption = None,
) -> None:
    """Start a worker: it takes tasks from servers, over the broker, and runs their handlers.

    It needs TASKFLOW_BROKER_URL and no database. Server and broker may be away, at the start and later: it waits for them. The
    first Ctrl-C or SIGTERM lets running attempts finish and hands back what does not; a second one ends at once. The exit
    status is 0 after a clean end.
    """
    from taskflow_hub.cli.process import Role, serve

    flags = {
        "worker.queues": None if queues is None else [name.strip() for name in queues.split(",")],
        "worker.slots": slots,
        "broker.url": broker_url,
        "worker.grace": grace,
        "worker.health_port": health_port,
        "log.level": log_level,
    }
    raise typer.Exit(serve(Role.WORKER, flags, app))


@app.command("healthcheck")
def healthcheck(
    port: Annotated[
        int | None,
        typer.Option("--port", metavar="PORT", help="Where the worker answers; default: worker.health_port."),
    ] = None,
) -> None:
    """Ask a worker on this machine how it is; for probes of containers.

    The exit status is 0 when the hub hears it and its event loop turns, 1 when not, 5 when it does not answer.
    """
    from taskflow_hub.cli.probe import probe

    raise typer.Exit(probe(port))


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
