"""`taskflow workflow …`: submit graphs of tasks, look at them, watch them, and change their fate."""

import itertools
import re
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

import typer

from taskflow_hub.cli.commands import Commands
from taskflow_hub.cli.completing import complete_status, complete_workflow_status
from taskflow_hub.cli.connection import connect, output_of
from taskflow_hub.cli.each import each
from taskflow_hub.cli.options import Output, OutputOption, ServerOption, moment, seconds
from taskflow_hub.cli.terminal import clean, say

if TYPE_CHECKING:
    from taskflow_hub.client.model import Workflow
    from taskflow_hub.client.sync_client import SyncClient

app = Commands(help="Submit workflows, look at them, draw them, cancel and redrive them.")

WorkflowId: TypeAlias = Annotated[str, typer.Argument(metavar="ID", help="The workflow's id.")]
WorkflowIds: TypeAlias = Annotated[list[str], typer.Argument(metavar="ID", help="The workflows' ids.")]
_ID: Final = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@app.command("submit")
def submit(
    ctx: typer.Context,
    definition: Annotated[
        str,
        typer.Argument(
            metavar="WORKFLOW", help="A file with a JSON object, - for standard input, or the object itself."
        ),
    ],
    wait: Annotated[
        bool, typer.Option("--wait", "-w", help="Wait for its end and print the result.")
    ] = False,
    wait_timeout: Annotated[
        float | None,
        typer.Option(
            "--wait-timeout",
            metavar="DURATION",
            parser=seconds,
            help="Wait no longer than this (90, 5m, 1h30m).",
        ),
    ] = None,
    idempotency_key: Annotated[
        str | None,
        typer.Option(
            "--idempotency-key", metavar="KEY", help="The same key again, within a day, submits nothing new."
        ),
    ] = None,
    output: OutputOption = None,
    server: ServerOption = None,
) -> None:
    """Submit a workflow. Prints its id; with --wait, its result.

    The exit status of --wait is 0 when it succeeded and 1 when it failed or was cancelled.
    """
    from taskflow_hub.cli import payload
    from taskflow_hub.cli.errors import of_document

    body = payload.document(definition)
    how = output_of(ctx, output)
    with connect(ctx, server) as client:
        with of_document():
            workflow = client.submit_workflow(body, idempotency_key=idempotency_key)
        if wait or wait_timeout is not None:
            from taskflow_hub.cli import following

            say(f"Workflow {workflow.id} submitted.")
            raise typer.Exit(following.finish(client, workflow.id, wait_timeout, as_json=how is Output.JSON))
    _submitted(workflow, how)


@app.command("get")
def get(ctx: typer.Context, id: WorkflowId, output: OutputOption = None, server: ServerOption = None) -> None:
    """Show everything about a workflow, and a line for each of its nodes."""
    from taskflow_hub.cli.output import print_json

    with connect(ctx, server) as client:
        workflow = client.workflow(id)
    if output_of(ctx, output) is Output.JSON:
        print_json(workflow)
        return
    from taskflow_hub.cli import graph_text, show_workflows

    show_workflows.workflow(workflow)
    print(f"\n{graph_text.listed(workflow)}")


@app.command("list")
def list_workflows(
    ctx: typer.Context,
    status: Annotated[
        list[str] | None,
        typer.Option(
            "--status",
            "-s",
            metavar="STATUS",
            help="running, success, failed, cancelled; may be repeated.",
            autocompletion=complete_workflow_status,
        ),
    ] = None,
    name: Annotated[str | None, typer.Option("--name", metavar="NAME", help="Of this name.")] = None,
    tag: Annotated[str | None, typer.Option("--tag", metavar="TAG", help="With this tag.")] = None,
    created_after: Annotated[
        datetime | None,
        typer.Option("--created-after", metavar="TIME", parser=moment, help="Submitted then or later."),
    ] = None,
    created_before: Annotated[
        datetime | None,
        typer.Option("--created-before", metavar="TIME", parser=moment, help="Submitted earlier."),
    ] = None,
    limit: Annotated[
        int,
        typer.Option(
            "--limit", "-n", metavar="N", min=1, help="How many at most; default 50.", show_default=False
        ),
    ] = 50,
    everything: Annotated[bool, typer.Option("--all", "-a", help="Every one, without a limit.")] = False,
    output: OutputOption = None,
    server: ServerOption = None,
) -> None:
    """List workflows that meet every condition, newest first."""
    from taskflow_hub.cli import show_workflows
    from taskflow_hub.cli.output import print_json_list

    with connect(ctx, server) as client:
        found = client.workflows(
            status=status or None,
            name=name,
            tag=tag,
            created_after=created_after,
            created_before=created_before,
            limit=None if everything else limit + 1,
        )
        shown = found if everything else itertools.islice(found, limit)
        if output_of(ctx, output) is Output.JSON:
            print_json_list(shown)
        else:
            show_workflows.workflows(shown)
        if next(found, None) is not None:
            say(f"There are more than {limit}: --limit N or --all shows them.", style="2")


@app.command("items")
def items(
    ctx: typer.Context,
    id: WorkflowId,
    node: Annotated[str, typer.Argument(metavar="NODE", help="One of its nodes that is a fan-out.")],
    status: Annotated[
        list[str] | None,
        typer.Option(
            "--status",
            "-s",
            metavar="STATUS",
            help="queued, running, failed …; may be repeated.",
            autocompletion=complete_status,
        ),
    ] = None,
    output: OutputOption = None,
    server: ServerOption = None,
) -> None:
    """List the items of a fan-out: what became of each, and which task or workflow it was."""
    from taskflow_hub.cli import show_workflows
    from taskflow_hub.cli.output import print_json_list

    with connect(ctx, server) as client:
        found = client.workflow_items(id, node, status=status or None)
        print_json_list(found) if output_of(ctx, output) is Output.JSON else show_workflows.items(found)


@app.command("graph")
def graph(
    ctx: typer.Context,
    what: Annotated[
        str,
        typer.Argument(
            metavar="ID|WORKFLOW",
            help="The workflow's id; or, before it is submitted, a file, - for standard input, or the JSON itself.",
        ),
    ],
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Draw it anew at every change, until it has ended.")
    ] = False,
    plain: Annotated[
        bool, typer.Option("--ascii", help="Draw with ASCII characters only.", show_default=False)
    ] = False,
    output: OutputOption = None,
    server: ServerOption = None,
) -> None:
    """Draw a workflow: its nodes, what comes after what, and how far it is.

    What is too wide for the terminal, or has more than 60 nodes, is shown as a list. With --follow, the exit status is 0 when
    it succeeded and 1 when it failed or was cancelled; where standard output is no terminal, each change is a line.
    """
    if not _ID.fullmatch(what):
        if follow:
            raise typer.BadParameter("only what was submitted can be followed: give its id", ctx=ctx)
        from taskflow_hub.cli import graph_text, payload
        from taskflow_hub.cli.errors import of_document
        from taskflow_hub.domain.wired import wired
        from taskflow_hub.domain.workflow import read

        with of_document():
            plan = wired(read(bytes(payload.document(what))))
        print(graph_text.planned(plan, plain=plain))
        return
    as_json = output_of(ctx, output) is Output.JSON
    with connect(ctx, server) as client:
        if follow:
            from taskflow_hub.cli import following

            raise typer.Exit(following.follow(client, what, plain=plain, as_json=as_json))
        workflow = client.workflow(what)
    if as_json:
        from taskflow_hub.cli.output import print_json

        print_json(workflow)
        return
    from taskflow_hub.cli import graph_text

    print(graph_text.drawn(workflow, plain=plain))


@app.command("cancel")
def cancel(
    ctx: typer.Context, ids: WorkflowIds, output: OutputOption = None, server: ServerOption = None
) -> None:
    """Cancel what waits in workflows, and ask what runs to end."""
    each(ctx, ids, server, output, lambda client, id: client.cancel_workflow(id), _cancelled)


@app.command("redrive")
def redrive(
    ctx: typer.Context, ids: WorkflowIds, output: OutputOption = None, server: ServerOption = None
) -> None:
    """Go on from where workflows failed or were cancelled; what succeeded is kept."""
    each(
        ctx,
        ids,
        server,
        output,
        lambda client, id: client.redrive_workflow(id),
        lambda workflow: f"Workflow {workflow.id}: {workflow.status} again.",
    )


@app.command("delete")
def delete(
    ctx: typer.Context, ids: WorkflowIds, output: OutputOption = None, server: ServerOption = None
) -> None:
    """Remove workflows that have ended, with all their tasks."""
    each(ctx, ids, server, output, _delete, lambda workflow: f"Workflow {workflow.id}: deleted.")


def _delete(client: "SyncClient", id: str) -> "Workflow":
    workflow = client.workflow(id)
    client.delete_workflow(id)
    return workflow


def _cancelled(workflow: "Workflow") -> str:
    said = workflow.status if workflow.done else "what runs has been asked to end"
    return f"Workflow {workflow.id}: {said}."


def _submitted(workflow: "Workflow", output: Output) -> None:
    """The id alone on stdout, so that `id=$(taskflow workflow submit …)` works."""
    if output is Output.JSON:
        from taskflow_hub.cli.output import print_json

        print_json(workflow)
        return
    print(clean(workflow.id))
    if sys.stdout.isatty():
        say(f"Watch it with: taskflow workflow graph --follow {workflow.id}", style="2")
