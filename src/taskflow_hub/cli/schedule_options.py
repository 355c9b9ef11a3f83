"""What `taskflow schedule create` and `update` both take: when, how, and what is started."""

from typing import Annotated, Any

import typer

from taskflow_hub.cli.completing import complete_queue
from taskflow_hub.cli.options import Given, count_or_none, limit, seconds, seconds_or_none

CronOption = Annotated[
    str | None,
    typer.Option("--cron", "-c", metavar="EXPRESSION", help="Such as '*/5 * * * *', or @daily."),
]
EveryOption = Annotated[
    str | None, typer.Option("--every", "-e", metavar="DURATION", help="Such as 90s, 5m or 1h30m.")
]
ZoneOption = Annotated[
    str | None,
    typer.Option("--tz", metavar="ZONE", help="The time zone of --cron, as Europe/Amsterdam; default UTC."),
]
OverlapOption = Annotated[
    str | None,
    typer.Option(
        "--overlap",
        metavar="allow|skip|queue_one",
        help="What a tick does while a run before it has not ended; default skip.",
    ),
]
CatchUpOption = Annotated[
    str | None,
    typer.Option(
        "--catch-up", metavar="none|last|all", help="What is made up for after a downtime; default none."
    ),
]
CatchUpLimitOption = Annotated[
    int | None,
    typer.Option("--catch-up-limit", metavar="N", help="Of `all`: how many ticks at most; default 100."),
]
JitterOption = Annotated[
    float | None,
    typer.Option("--jitter", metavar="DURATION", parser=seconds, help="Put each task off by up to this."),
]
NameOption = Annotated[
    str | None, typer.Option("--name", metavar="NAME", help="Unique in the account; default: made up.")
]
QueueOption = Annotated[
    str | None,
    typer.Option(
        "--queue", "-q", metavar="QUEUE", help="Default: the type's own.", autocompletion=complete_queue
    ),
]
PriorityOption = Annotated[
    int | None, typer.Option("--priority", "-p", metavar="0-9", help="Higher runs first; default 5.")
]
MaxRetriesOption = Annotated[
    Given | None,
    typer.Option(
        "--max-retries",
        metavar="N|none",
        parser=count_or_none,
        help="Retries after a failure; none: without end.",
    ),
]
TimeoutOption = Annotated[
    Given | None,
    typer.Option(
        "--timeout",
        metavar="DURATION|none",
        parser=seconds_or_none,
        help="How long an attempt may run; none: without limit.",
    ),
]
TagOption = Annotated[list[str] | None, typer.Option("--tag", metavar="TAG", help="May be repeated.")]
LimitsOption = Annotated[
    list[Any] | None,
    typer.Option(
        "--limit",
        metavar="KEY[,running=N][,per_second=N]",
        parser=limit,
        help="How many tasks with this key may run, or start per second; may be repeated.",
        show_default=False,
    ),
]
PayloadArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="PAYLOAD",
        help="A JSON object, - for standard input, @FILE, or pairs: key=text, key:=json.",
        show_default=False,
    ),
]


WorkflowOption = Annotated[
    str | None,
    typer.Option(
        "--workflow",
        "-w",
        metavar="WORKFLOW",
        help="Start this instead of a task: a file with a JSON object, - for standard input, or the object itself.",
    ),
]


def given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def refuse_for_task(ctx: typer.Context, of_task: dict[str, Any]) -> None:
    if of_task:
        names = ", ".join(of_task)
        raise typer.BadParameter(f"beside --workflow there is no task for: {names}", ctx=ctx)


def task_options(
    queue: str | None,
    priority: int | None,
    max_retries: Given | None,
    timeout: Given | None,
    tag: list[str] | None,
    limits: list[Any] | None,
) -> dict[str, Any]:
    found = given(queue=queue, priority=priority, tags=tag, limits=limits or None)
    found |= {} if max_retries is None else {"max_retries": max_retries.value}
    return found | ({} if timeout is None else {"timeout": timeout.value})
