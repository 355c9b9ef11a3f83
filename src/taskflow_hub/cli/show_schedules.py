"""How schedules look to people."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Final

from msgspec import json

from taskflow_hub.cli.output import pretty
from taskflow_hub.cli.show import BLUE, GREEN, GREY, RED, YELLOW, ago, span
from taskflow_hub.cli.table import Cell, Column, cell, print_fields, print_table
from taskflow_hub.cli.terminal import clean, clean_text, say

if TYPE_CHECKING:
    from taskflow_hub.client.schedules import Backfill, Fire, Preview, Schedule

OUTCOME_STYLES: Final = {"fired": GREEN, "missed": RED, "skipped": YELLOW, "waiting": BLUE}
BACKFILL_STYLES: Final = {"fired": GREEN, "left": GREY, "refused": RED}


def schedules(items: Iterable["Schedule"]) -> None:
    print_table(
        (
            Column("NAME"),
            Column("TYPE", least=12, minor=1),
            Column("WHEN"),
            Column("ZONE", least=6, minor=3),
            Column("STATE"),
            Column("NEXT"),
            Column("LAST", minor=2),
            Column("OVERLAP", minor=4),
            Column("ORIGIN", minor=5),
        ),
        (
            (
                cell(one.name),
                cell(starts(one)),
                cell(when(one)),
                cell(one.tz if one.cron else None),
                _state(one),
                cell(None if one.next_at is None else ago(one.next_at)),
                cell(None if one.last_at is None else ago(one.last_at)),
                cell(one.overlap),
                cell(one.origin),
            )
            for one in items
        ),
        empty="There is no schedule yet. Make one: taskflow schedule create TYPE --cron '*/5 * * * *'",
    )


def schedule(one: "Schedule") -> None:
    """Everything about one schedule that is set; of a workflow, how it is drawn."""
    print_fields((name, value) for name, value in _fields(one) if value is not None)
    if one.workflow is not None:
        from taskflow_hub.cli import graph_text
        from taskflow_hub.domain.wired import wired
        from taskflow_hub.domain.workflow import read

        print(f"\n{graph_text.planned(wired(read(json.encode(one.workflow))))}")


def starts(one: "Schedule") -> str | None:
    """A task type, or a workflow by its name."""
    return f"workflow {one.workflow.get('name')}" if one.workflow else (one.task or {}).get("type")


def when(one: "Schedule | Preview") -> str:
    return one.cron if one.cron is not None else f"every {span(one.every or 0)}"


def described(one: "Schedule") -> str:
    """In a sentence."""
    if one.paused:
        return f"Schedule {clean(one.name)} is paused."
    if one.next_at is None:
        return f"Schedule {clean(one.name)} is over: no tick comes any more."
    return f"Schedule {clean(one.name)} comes next at {_local(one.next_at, one.tz)}, {ago(one.next_at)}."


def fires(items: Iterable["Fire"]) -> None:
    print_table(
        (
            Column("PLANNED"),
            Column("OUTCOME"),
            Column("WHY", least=8),
            Column("TICKS", minor=2),
            Column("LATE", minor=1),
            Column("RUN", minor=3),
        ),
        (
            (
                cell(_moment(one.planned_at)),
                cell(one.outcome, OUTCOME_STYLES.get(one.outcome, "")),
                cell(_why(one)),
                cell(one.ticks),
                cell(None if one.lateness is None else span(one.lateness)),
                cell(one.task_id or one.workflow_id),
            )
            for one in items
        ),
        empty="None of its ticks has come yet.",
    )


def backfilled(done: "Backfill") -> None:
    print_table(
        (Column("PLANNED"), Column("OUTCOME"), Column("RUN", minor=1), Column("WHY", least=8)),
        (
            (
                cell(_moment(one.planned_at)),
                cell(one.outcome, BACKFILL_STYLES.get(one.outcome, "")),
                cell(one.task_id or one.workflow_id),
                cell(one.detail),
            )
            for one in done.items
        ),
        empty="No tick lies in this time.",
    )
    would = "would be fired" if done.dry_run else "fired"
    say(f"{done.fired} {would}, {done.left} had fired before, {done.refused} refused.")


# --- ticks to come


def preview_of(cron: str | None, every: str | None, tz: str, count: int) -> "Preview":
    """Without a hub. Raises Invalid."""
    from taskflow_hub.client.schedules import Preview, Tick
    from taskflow_hub.domain.cron import cron as read
    from taskflow_hub.domain.schedule_spec import check_times
    from taskflow_hub.domain.submission import LATEST
    from taskflow_hub.domain.ticks import Timing, period_s
    from taskflow_hub.domain.zone import zone

    check_times(cron, every, tz)
    now = datetime.now(UTC)
    every_s = None if every is None else period_s(every)
    timing = Timing(cron=None if cron is None else cron.strip(), every_s=every_s, tz=tz, created_at=now)
    ticks = islice(timing.within(now, LATEST), count)
    return Preview(
        cron=timing.cron,
        every=every_s,
        tz=tz,
        words=None if timing.cron is None else read(timing.cron, tz).words,
        items=[Tick(planned_at=at, local=zone(tz).local(at)) for at in ticks],
    )


def preview(found: "Preview") -> None:
    """In UTC and in its zone, if that is another one."""
    both = found.tz != "UTC"
    columns = [Column("UTC"), *([Column(found.tz)] if both else []), Column("IN", minor=1)]
    print_table(
        columns,
        (
            (
                cell(_moment(one.planned_at)),
                *([cell(_moment(one.local, offset=True))] if both else []),
                cell(ago(one.planned_at)),
            )
            for one in found.items
        ),
        empty="No tick comes any more.",
    )
    if found.words:
        say(f"{clean(found.words)}.", style="2")


# --- parts


def _fields(one: "Schedule") -> Iterator[tuple[str, Cell | None]]:
    task = dict(one.task or {})
    yield "name", cell(one.name)
    yield "id", cell(one.id)
    yield "state", _state(one)
    yield "hindrance", _if(one.hindrance)
    yield "when", cell(f"{when(one)} ({one.tz})" if one.cron else when(one))
    yield "next", _if(None if one.next_at is None else f"{_local(one.next_at, one.tz)} ({ago(one.next_at)})")
    yield "waiting", _if(None if one.waiting_at is None else f"the tick of {_moment(one.waiting_at)} UTC")
    yield "last", _if(None if one.last_at is None else f"{_moment(one.last_at)} UTC ({ago(one.last_at)})")
    yield "from", _if(None if one.start_at is None else f"{_moment(one.start_at)} UTC")
    yield "until", _if(None if one.end_at is None else f"{_moment(one.end_at)} UTC")
    yield "overlap", cell(one.overlap)
    limit = f" (the latest {one.catch_up_limit})" if one.catch_up == "all" else ""
    yield "catch-up", cell(f"{one.catch_up}{limit}")
    yield "jitter", _if(f"up to {span(one.jitter)}" if one.jitter else None)
    beside = "workflow" if one.workflow else "handler"
    yield "origin", cell(f"code: declared beside its {beside}" if one.origin == "code" else "api")
    if one.workflow is not None:
        yield "workflow", _if(one.workflow.get("name"))
        yield "input", Cell(pretty(one.workflow["input"])) if "input" in one.workflow else None
        return
    yield "type", _if(task.pop("type", None))
    yield "payload", Cell(pretty(task.pop("payload", {})))
    for name, value in task.items():
        yield name, Cell(clean_text(value if isinstance(value, str) else pretty(value)))


def _if(value: object) -> Cell | None:
    return None if value is None else cell(value)


def _state(one: "Schedule") -> Cell:
    if one.paused:
        return cell("paused", YELLOW)
    if one.hindrance:
        return cell("hindered", RED)
    return cell("over", GREY) if one.next_at is None else cell("active", GREEN)


def _why(fire: "Fire") -> str:
    said = [fire.by_hand and f"by {fire.by_hand}", fire.reason, fire.detail]
    return ": ".join(str(part) for part in said if part)


def _moment(at: datetime, *, offset: bool = False) -> str:
    """To the second, unless there is more to say."""
    fraction = at.strftime(".%f").rstrip("0") if at.microsecond else ""
    return f"{at:%Y-%m-%d %H:%M:%S}{fraction}" + (f" {at:%z}" if offset else "")


def _local(at: datetime, tz: str) -> str:
    from taskflow_hub.domain.zone import zone

    try:
        return f"{_moment(zone(tz).local(at), offset=True)}"
    except ValueError:  # a hub may know zones that this machine does not
        return f"{_moment(at)} UTC"
