"""One verb for several ids."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from taskflow_hub.cli.connection import common, connect, output_of
from taskflow_hub.cli.options import Output
from taskflow_hub.cli.terminal import say

if TYPE_CHECKING:
    from taskflow_hub.client.sync_client import SyncClient

T = TypeVar("T")


def each(
    ctx: typer.Context,
    ids: list[str],
    server: str | None,
    output: Output | None,
    act: Callable[["SyncClient", str], T],
    words: Callable[[T], str],
) -> None:
    """Do it to each of them, whatever becomes of the others; the exit status is that of the first that went wrong."""
    from taskflow_hub.cli.errors import explain
    from taskflow_hub.cli.output import print_json, print_json_list
    from taskflow_hub.domain.errors import TaskflowError, Unavailable

    how, status = output_of(ctx, output), 0
    done: list[Any] = []
    with connect(ctx, server) as client:
        for id in ids:
            try:
                outcome = act(client, id)
            except Unavailable:
                raise  # the next would fare no better
            except TaskflowError as error:
                code = explain(error, debug=common(ctx).debug)
                status = status or code
            else:
                done.append(outcome)
                say(words(outcome))
    if how is Output.JSON:
        print_json(done[0]) if len(ids) == 1 and done else print_json_list(done)
    raise typer.Exit(status)
