"""Schedules as people see them: the JSON of HTTP and CLI."""

from collections.abc import Sequence
from datetime import datetime
from itertools import islice

from msgspec import Struct

from taskflow_hub.domain.cron import cron
from taskflow_hub.domain.schedule import (
    ByHand,
    CatchUp,
    Cause,
    FireOutcome,
    FireRecord,
    Origin,
    Overlap,
    Schedule,
)
from taskflow_hub.domain.schedule_spec import TaskTemplate
from taskflow_hub.domain.schedule_template import Template
from taskflow_hub.domain.submission import LATEST
from taskflow_hub.domain.ticks import Timing
from taskflow_hub.domain.workflow import WorkflowSubmission
from taskflow_hub.domain.zone import zone
from taskflow_hub.store.base_schedules import Backfilled


class ScheduleView(Struct, frozen=True, kw_only=True):
    """What is started by the clock, and when."""

    id: str
    name: str
    cron: str | None  # this or `every`
    every: float | None  # seconds
    tz: str
    task: TaskTemplate | None  # secret fields are not shown
    workflow: WorkflowSubmission | None
    overlap: Overlap
    catch_up: CatchUp
    catch_up_limit: int
    jitter: float
    start_at: datetime | None
    end_at: datetime | None
    paused: bool
    origin: Origin  # code: declared beside a handler, and kept in step with that
    rev: int  # rises with every change that somebody makes; not when it fires
    created_at: datetime
    updated_at: datetime
    next_at: datetime | None  # the next tick; null while it is paused, and when none comes any more
    waiting_at: datetime | None  # the tick that waits for the run before it to end
    last_at: datetime | None  # the latest tick that fired
    hindrance: str | None  # why its ticks cannot be decided here, and are left; null: they can
    user_id: str | None


class SchedulePageView(Struct, frozen=True):
    """Newest first."""

    items: list[ScheduleView]
    next_cursor: str | None


class FireView(Struct, frozen=True, kw_only=True):
    """What became of a tick; with `ticks`, of so many, up to this one."""

    planned_at: datetime
    decided_at: datetime
    outcome: FireOutcome
    reason: Cause | None
    detail: str | None
    ticks: int
    by_hand: ByHand | None
    task_id: str | None
    workflow_id: str | None
    started_at: datetime | None  # when the first attempt of its task did; of a workflow: when it began
    lateness: float | None  # seconds from planned to started


class FirePageView(Struct, frozen=True):
    """Newest first."""

    items: list[FireView]
    next_cursor: str | None


class TickView(Struct, frozen=True):
    planned_at: datetime
    local: datetime  # the same moment, as the clock of the zone shows it


class PreviewView(Struct, frozen=True, kw_only=True):
    """The next ticks; fewer than were asked for, if it ends before."""

    cron: str | None
    every: float | None
    tz: str
    words: str | None  # the expression in words
    items: list[TickView]


class BackfillTick(Struct, frozen=True, kw_only=True):
    """`left`: it had fired before. `refused`: the task or workflow could not be submitted, and `detail` says why."""

    planned_at: datetime
    outcome: str
    task_id: str | None
    workflow_id: str | None
    detail: str | None


class BackfillView(Struct, frozen=True, kw_only=True):
    dry_run: bool
    fired: int
    left: int
    refused: int
    items: list[BackfillTick]


def schedule_view(schedule: Schedule, shown: Template, hindrance: str | None) -> ScheduleView:
    """`shown`: what it starts, without what is secret in it."""
    return ScheduleView(
        id=schedule.id,
        name=schedule.name,
        cron=schedule.cron,
        every=schedule.every_s,
        tz=schedule.timezone,
        task=shown.task,
        workflow=shown.workflow,
        overlap=schedule.overlap,
        catch_up=schedule.catch_up,
        catch_up_limit=schedule.catch_up_limit,
        jitter=schedule.jitter_s,
        start_at=schedule.starts_at,
        end_at=schedule.ends_at,
        paused=schedule.paused_at is not None,
        origin=schedule.origin,
        rev=schedule.rev,
        created_at=schedule.created_at,
        updated_at=schedule.updated_at,
        next_at=schedule.next_at if schedule.paused_at is None else None,
        waiting_at=schedule.waiting_at,
        last_at=schedule.last_at,
        hindrance=hindrance,
        user_id=schedule.user_id,
    )


def fire_view(record: FireRecord) -> FireView:
    late = None if record.started_at is None else (record.started_at - record.planned_at).total_seconds()
    return FireView(
        planned_at=record.planned_at,
        decided_at=record.decided_at,
        outcome=record.outcome,
        reason=record.reason,
        detail=record.detail,
        ticks=record.ticks,
        by_hand=record.by_hand,
        task_id=record.task_id,
        workflow_id=record.workflow_id,
        started_at=record.started_at,
        lateness=late,
    )


def preview(timing: Timing, now: datetime, n: int) -> PreviewView:
    here = zone(timing.tz)
    return PreviewView(
        cron=timing.cron,
        every=timing.every_s,
        tz=timing.tz,
        words=None if timing.cron is None else cron(timing.cron, timing.tz).words,
        items=[TickView(at, here.local(at)) for at in islice(timing.within(now, LATEST), n)],
    )


def backfill_view(done: Sequence[Backfilled], *, dry_run: bool) -> BackfillView:
    items = [
        BackfillTick(
            planned_at=one.planned_at,
            outcome=one.outcome,
            task_id=None if one.task is None else one.task.id,
            workflow_id=one.workflow_id,
            detail=one.detail,
        )
        for one in done
    ]
    counts = {
        outcome: sum(one.outcome == outcome for one in items) for outcome in ("fired", "left", "refused")
    }
    return BackfillView(dry_run=dry_run, items=items, **counts)
