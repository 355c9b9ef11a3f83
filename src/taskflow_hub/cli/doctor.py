"""`taskflow doctor`: looks at all that a hub is made of, and says what to do."""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from taskflow_hub.cli.connection import common, output_of
from taskflow_hub.cli.exits import FAILED, OK
from taskflow_hub.cli.options import BrokerOption, Output, OutputOption, ServerOption, seconds
from taskflow_hub.cli.terminal import say

if TYPE_CHECKING:
    from taskflow_hub.cli.commands import Commands
    from taskflow_hub.domain.checkup.finding import Finding
    from taskflow_hub.settings import Loaded

LIMIT_S: Final = 10.0


def add_to(app: "Commands") -> None:
    app.command("doctor")(doctor)


def doctor(
    ctx: typer.Context,
    database_url: Annotated[
        str | None,
        typer.Option(
            "--database",
            "--database-url",
            metavar="URL",
            help="Default: TASKFLOW_DATABASE_URL, else sqlite:///taskflow.db.",
        ),
    ] = None,
    broker_url: BrokerOption = None,
    server: ServerOption = None,
    limit: Annotated[
        float | None,
        typer.Option(
            "--timeout", metavar="DURATION", parser=seconds, help="How long each look may take; default 10."
        ),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Warnings count, too.", show_default=False)
    ] = False,
    output: OutputOption = None,
) -> None:
    """Look at settings, files, database, broker, clocks and the versions of processes; say what is wrong, and what to do.

    It goes by the settings of this folder and this environment, as `taskflow up` would, so run it where the hub runs and as the
    user it runs as. It changes nothing, and needs no hub: one that runs is asked, too. Where only a server is named (--server,
    TASKFLOW_SERVER or a profile), the database and the broker are its own affair, and it is asked how they are.

    The exit status is 0 when nothing is wrong, even if there are warnings (with --strict: 1), and 1 when something is.
    """
    from taskflow_hub.cli import show_doctor
    from taskflow_hub.cli.output import print_json
    from taskflow_hub.domain.checkup.finding import Level, count

    found = list(
        _findings(ctx, {"database.url": database_url, "broker.url": broker_url}, server, limit or LIMIT_S)
    )
    wrong, warnings = count(found, Level.WRONG), count(found, Level.WARNING)
    if output_of(ctx, output) is Output.JSON:
        print_json({"status": "wrong" if wrong else "warning" if warnings else "ok", "findings": found})
    else:
        show_doctor.findings(found)
    say(show_doctor.summary(wrong, warnings))
    raise typer.Exit(FAILED if wrong or (strict and warnings) else OK)


def _findings(
    ctx: typer.Context, flags: dict[str, Any], server: str | None, limit_s: float
) -> "Iterator[Finding]":
    from msgspec.structs import replace

    from taskflow_hub.cli import loadable
    from taskflow_hub.cli.diagnosis import diagnose
    from taskflow_hub.redaction import without_secrets

    loaded, found = loadable.load({name: url for name, url in flags.items() if url}, os.environ)
    found += diagnose(loaded, os.environ, _where(ctx, server, loaded), limit_s, any_wrong=bool(found))
    for one in found:
        advice = None if one.advice is None else without_secrets(one.advice)
        yield replace(one, text=without_secrets(one.text), advice=advice)


def _where(ctx: typer.Context, server: str | None, loaded: "Loaded") -> Any:
    """Which server to ask, with what, and whether it was named; or why that cannot be told."""
    from taskflow_hub.cli.connection import place_of
    from taskflow_hub.cli.diagnosis import Where
    from taskflow_hub.cli.place import PROFILE_VARIABLE
    from taskflow_hub.cli.presenting import key_for
    from taskflow_hub.domain.errors import TaskflowError

    said = server or common(ctx).server or common(ctx).profile
    named = bool(said or os.environ.get("TASKFLOW_SERVER") or os.environ.get(PROFILE_VARIABLE))
    try:
        place = place_of(ctx, server if named else f"http://127.0.0.1:{loaded.settings.http.port or 8080}")
        return Where(place.server, key_for(place, renewing=False), named)
    except TaskflowError as error:
        return Where("", "", named, error.detail)
