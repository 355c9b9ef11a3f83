"""`taskflow server`: API and engine, while the handlers run in `taskflow worker run` elsewhere."""

import typer

from taskflow_hub.cli.commands import Commands
from taskflow_hub.cli.options import BrokerOption, DatabaseOption, HostOption, LogLevelOption, PortOption


def add_to(app: Commands) -> None:
    app.command("server")(server)


def server(
    host: HostOption = None,
    port: PortOption = None,
    database_url: DatabaseOption = None,
    broker_url: BrokerOption = None,
    log_level: LogLevelOption = None,
) -> None:
    """Start a server: API, engine and dashboard, with workers in other processes.

    Needs a broker that reaches them (TASKFLOW_BROKER_URL). Any number of servers may share one PostgreSQL. Flags beat the
    environment, which beats ./taskflow.toml. SIGTERM or Ctrl-C ends it in good order, with exit status 0; tasks that run go on
    running.
    """
    from taskflow_hub.cli.process import Role, serve

    flags = {
        "http.host": host,
        "http.port": port,
        "database.url": database_url,
        "broker.url": broker_url,
        "log.level": log_level,
    }
    raise typer.Exit(serve(Role.SERVER, flags))
