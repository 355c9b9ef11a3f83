"""The hub that a command talks to."""

from typing import TYPE_CHECKING

import typer

from taskflow_hub.cli.options import Globals, Output

if TYPE_CHECKING:
    from taskflow_hub.cli.credentials import Place
    from taskflow_hub.client.sync_client import SyncClient


def connect(
    ctx: typer.Context, server: str | None, *, profile: str | None = None, hurried: bool = False
) -> "SyncClient":
    """A client for the hub that is named, which presents what is kept for it. `hurried`: now or never."""
    from taskflow_hub.cli.clients import client
    from taskflow_hub.cli.presenting import key_for

    place = place_of(ctx, server, profile)
    # A renewal that is given up halfway ends the login, so who is in a hurry does not begin one.
    return client(place.server, key_for(place, renewing=not hurried), hurried=hurried)


def place_of(ctx: typer.Context, server: str | None, profile: str | None = None) -> "Place":
    """What was said after the noun, else before it, else in the environment. Raises Misconfigured."""
    from taskflow_hub.cli import place

    return place.find(server or common(ctx).server, profile or common(ctx).profile)


def common(ctx: typer.Context) -> Globals:
    found = ctx.find_object(Globals)
    return found if found is not None else Globals()


def output_of(ctx: typer.Context, output: Output | None) -> Output:
    return output or common(ctx).output
