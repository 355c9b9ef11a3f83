"""`taskflow quota …`: what accounts may have, and what they use."""

from typing import Annotated, Any

import typer

from taskflow_hub.cli.commands import Commands
from taskflow_hub.cli.connection import connect, output_of
from taskflow_hub.cli.options import Output, OutputOption, ServerOption, count_or_none, number_or_none
from taskflow_hub.cli.terminal import say

app = Commands(help="Show and set what accounts may have.")


def _number(name: str, meaning: str, *, parser: Any = count_or_none, metavar: str = "N|none") -> Any:
    return typer.Option(name, metavar=metavar, parser=parser, help=f"{meaning}; default: as it is.")


@app.command("show")
def show(
    ctx: typer.Context,
    account: Annotated[
        str | None,
        typer.Argument(
            metavar="ACCOUNT",
            help="The account's id, or `default`; for admins. Left out: your own.",
            show_default=False,
        ),
    ] = None,
    output: OutputOption = None,
    server: ServerOption = None,
) -> None:
    """Show what an account may have, and how much of it it uses now."""
    from taskflow_hub.cli import show_quotas
    from taskflow_hub.cli.output import print_json

    with connect(ctx, server) as client:
        found = client.quota(account)
    print_json(found) if output_of(ctx, output) is Output.JSON else show_quotas.quota(found)


@app.command("list")
def list_quotas(ctx: typer.Context, output: OutputOption = None, server: ServerOption = None) -> None:
    """List the accounts to which a quota was given; for admins."""
    from taskflow_hub.cli import show_quotas
    from taskflow_hub.cli.output import print_json_list

    with connect(ctx, server) as client:
        found = client.quotas()
        print_json_list(found) if output_of(ctx, output) is Output.JSON else show_quotas.quotas(found)


@app.command("set")
def set_quota(
    ctx: typer.Context,
    account: Annotated[str, typer.Argument(metavar="ACCOUNT", help="The account's id, or `default`.")],
    per_minute: Annotated[
        Any, _number("--per-minute", "How many tasks it may submit in a minute; none: any number")
    ] = None,
    per_day: Annotated[
        Any, _number("--per-day", "How many tasks it may submit in a day (UTC); none: any number")
    ] = None,
    queued: Annotated[Any, _number("--queued", "How many of its tasks may wait; none: any number")] = None,
    running: Annotated[
        Any, _number("--running", "How many of its tasks may run at a time; none: any number")
    ] = None,
    weight: Annotated[
        Any,
        _number(
            "--weight",
            "Its share of the starts beside other accounts, 0.01 to 100; none: 1",
            parser=number_or_none,
            metavar="X|none",
        ),
    ] = None,
    output: OutputOption = None,
    server: ServerOption = None,
) -> None:
    """Say what an account may have; for admins. What waits and runs is not touched."""
    from taskflow_hub.cli import show_quotas
    from taskflow_hub.cli.output import print_json

    numbers = {
        "per_minute": per_minute,
        "per_day": per_day,
        "queued": queued,
        "running": running,
        "weight": weight,
    }
    given = {name: number.value for name, number in numbers.items() if number is not None}
    if not given:
        raise typer.BadParameter(
            "name what to set: --per-minute, --per-day, --queued, --running or --weight", ctx=ctx
        )
    with connect(ctx, server) as client:
        quota = client.set_quota(account, **given)
    if output_of(ctx, output) is Output.JSON:
        print_json(quota)
    say(show_quotas.described(quota))
