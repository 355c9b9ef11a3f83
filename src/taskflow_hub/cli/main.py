"""The `taskflow` command: puts the groups together, and turns whatever happens into an exit status."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from typer._click.exceptions import NoArgsIsHelpError

from taskflow_hub.cli import (
    audit,
    config,
    db,
    doctor,
    key,
    limit,
    login,
    queue,
    quota,
    schedule,
    server,
    task,
    up,
    user,
    worker,
    workflow,
)
from taskflow_hub.cli.commands import Commands
from taskflow_hub.cli.exits import BROKEN_PIPE, INTERRUPTED
from taskflow_hub.cli.options import Globals, Output, OutputOption, ProfileOption, ServerOption
from taskflow_hub.cli.terminal import say

app = Commands(add_completion=True)
up.add_to(app)
server.add_to(app)
doctor.add_to(app)
login.add_to(app)
app.add_typer(task.app, name="task")
app.add_typer(workflow.app, name="workflow")
app.add_typer(queue.app, name="queue")
app.add_typer(limit.app, name="limit")
app.add_typer(quota.app, name="quota")
app.add_typer(schedule.app, name="schedule")
app.add_typer(worker.app, name="worker")
app.add_typer(key.app, name="key")
app.add_typer(user.app, name="user")
app.add_typer(audit.app, name="audit")
app.add_typer(db.app, name="db")
app.add_typer(config.app, name="config")


def _version(wanted: bool) -> None:
    if wanted:
        import importlib.metadata

        print(f"taskflow {importlib.metadata.version('taskflow-hub')}")
        raise typer.Exit


@app.callback()
def root(
    ctx: typer.Context,
    server_url: ServerOption = None,
    profile: ProfileOption = None,
    output: OutputOption = None,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show tracebacks of errors.", show_default=False)
    ] = False,
    version: Annotated[
        bool,
        typer.Option("--version", help="Show the version and exit.", callback=_version, is_eager=True),
    ] = False,
) -> None:
    """TaskFlow Hub: background work you can trust.

    Start a hub with `taskflow up`, then, in another terminal: `taskflow task submit demo.sleep seconds:=2 --wait`.
    """
    ctx.obj = Globals(server=server_url, profile=profile, output=output or Output.TABLE, debug=debug)


def run(args: Sequence[str]) -> int:
    """The command's exit status. Never raises for what a user can meet."""
    _prepare_streams()
    try:
        status = app(list(args), prog_name="taskflow", standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:
        return BROKEN_PIPE
    except typer.TyperException as error:
        return _usage(error)
    except typer.Abort:
        return INTERRUPTED
    except Exception as error:  # the one place where whatever was not foreseen ends
        from taskflow_hub.cli.errors import explain

        return explain(error, debug="--debug" in args)
    finally:
        _settle()
    return status if isinstance(status, int) else 0


def main() -> NoReturn:
    sys.exit(run(sys.argv[1:]))


def _prepare_streams() -> None:
    """A closed stream swallows what is printed; one that cannot write a character shows its escape."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 (open as long as we run)
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _settle() -> None:
    """What cannot be written now is not tried again, with a complaint, when the interpreter ends."""
    try:
        sys.stdout.flush()
    except OSError:
        devnull = os.open(os.devnull, os.O_WRONLY)
        os.dup2(devnull, sys.stdout.fileno())
        os.close(devnull)


def _usage(error: typer.TyperException) -> int:
    message = error.format_message()
    context = getattr(error, "ctx", None)
    if isinstance(error, NoArgsIsHelpError):
        say(message)
        return error.exit_code
    say(f"Error: {message}", style="31")
    if context is not None:
        say(f"{context.get_usage()}\nTry '{context.command_path} --help' for help.")
    return error.exit_code
