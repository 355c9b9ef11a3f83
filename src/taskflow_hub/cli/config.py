"""`taskflow config …`: which settings hold, and whether they can."""

from typing import Any

import typer

from taskflow_hub.cli.commands import Commands
from taskflow_hub.cli.connection import output_of
from taskflow_hub.cli.options import Output, OutputOption
from taskflow_hub.cli.terminal import say

app = Commands(help="Show and check settings.")

ORIGIN_STYLES = {"default": "2", "file": "36", "environment": "33", "flag": "35"}


@app.command("show")
def show(ctx: typer.Context, output: OutputOption = None) -> None:
    """Print every setting, its value and where that came from. Secrets are hidden."""
    from taskflow_hub import settings
    from taskflow_hub.cli.output import print_json
    from taskflow_hub.cli.table import Column, cell, print_table
    from taskflow_hub.redaction import shown

    loaded = settings.load()
    rows = [
        (name, shown(name, settings.value_of(loaded.settings, name)), loaded.origins[name])
        for name in settings.names()
    ]
    if output_of(ctx, output) is Output.JSON:
        print_json({name: {"value": value, "from": origin} for name, value, origin in rows})
        return
    print_table(
        (Column("SETTING"), Column("VALUE", least=12), Column("FROM"), Column("ENVIRONMENT", minor=1)),
        (
            (
                cell(name),
                cell(_written(value)),
                cell(origin, ORIGIN_STYLES.get(origin, "")),
                cell(settings.variable(name), "2"),
            )
            for name, value, origin in rows
        ),
    )


@app.command("check")
def check() -> None:
    """Check the settings, and start nothing. The exit status is 0 when a hub could start with them, else 2."""
    from taskflow_hub import bootstrap, settings

    loaded = settings.load().settings
    bootstrap.check_database(loaded)
    bootstrap.is_local(loaded)
    file = settings.FILE if settings.FILE.exists() else None
    say(
        f"The settings are good ({f'{file} and the environment' if file else 'defaults and the environment'})."
    )


def _written(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case list() | tuple():
            return ", ".join(map(str, value))
        case _:
            return str(value)
