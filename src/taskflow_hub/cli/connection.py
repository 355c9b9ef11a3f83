"""The hub that a command talks to."""

import sys
from typing import TYPE_CHECKING

import typer

from taskflow_hub.cli.options import Globals, Output

if TYPE_CHECKING:
    from taskflow_hub.client.sync_client import SyncClient

RETRIES = 2  # a person waits: give up within a second when nobody listens


def connect(ctx: typer.Context, server: str | None, *, hurried: bool = False) -> "SyncClient":
    """A client for `--server`, given after or before the noun, or as TASKFLOW_SERVER says. `hurried`: now or never."""
    # httpx brings a command line of its own, whose imports (rich, pygments, click) double the time until the first request.
    absent = "httpx" not in sys.modules and "httpx._main" not in sys.modules
    if absent:
        sys.modules["httpx._main"] = None  # type: ignore[assignment]
    try:
        from taskflow_hub.client.sync_client import SyncClient
    finally:
        if absent:
            del sys.modules["httpx._main"]
    where = server or common(ctx).server
    return SyncClient(where, timeout=1.0, retries=0) if hurried else SyncClient(where, retries=RETRIES)


def common(ctx: typer.Context) -> Globals:
    found = ctx.find_object(Globals)
    return found if found is not None else Globals()


def output_of(ctx: typer.Context, output: Output | None) -> Output:
    return output or common(ctx).output
