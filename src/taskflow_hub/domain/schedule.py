"""Schedules: what is started by the clock, and what becomes of each tick.

A tick is a planned moment. It ends as one record, its fire: `fired` (a task or workflow was made), `missed` or `skipped`; in
between it may be `waiting` for the run before it to end. What becomes of it is decided here, by a function of what is known;
whoever writes the fire first has decided it (docs/adr/0101).
"""

import hashlib
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Final

from msgspec import Raw, Struct
from msgspec.structs import replace

from taskflow_hub.domain.errors import Unavailable
from taskflow_hub.domain.ticks import KEPT, MICROSECOND, Due, Timing

LATE: Final = timedelta(
    minutes=1
)  # by so much the oldest tick due may be late before it counts as a downtime


class Overlap(StrEnum):
    """What a tick does while a run before it has not ended. A run ends when its task, or workflow, is final; a waiting retry is
    no end."""

    ALLOW = "allow"
    SKIP = "skip"
    QUEUE_ONE = "queue_one"  # one tick waits until the run has ended; the next ones are skipped


class CatchUp(StrEnum):
    """What is made up for after a downtime."""

    NONE = "none"
    LAST = "last"  # the latest tick
    ALL = "all"  # the latest ones, up to a limit, oldest first


class Origin(StrEnum):
    API = "api"
    CODE = "code"  # declared beside a handler, and kept in step with that


class FireOutcome(StrEnum):
    FIRED = "fired"
    MISSED = "missed"
    SKIPPED = "skipped"
    WAITING = "waiting"


class Cause(StrEnum):
    """Why a tick was missed or skipped."""

    DOWNTIME = "downtime"  # no engine looked for more than a minute, and `catch_up` does not ask for it
    OVERLAP = "overlap"  # a run before it had not ended
    PAUSED = "paused"
    REFUSED = (
        "refused"  # it could not be submitted: a quota, a full queue, a payload that does not fit any more
    )
    CHANGED = "changed"  # it had come, but not been looked at, when the schedule was given another time


class ByHand(StrEnum):
    """How somebody fired it."""

    TRIGGER = "trigger"
    BACKFILL = "backfill"


class Schedule(Struct, frozen=True, kw_only=True, dict=True):
    """The row, in the order of its columns. `template` is a `Template` (domain/schedule_template.py)."""

    id: str
    account_id: str
    user_id: str | None
    name: str
    cron: str | None
    every_s: float | None
    timezone: str
    type: str | None  # of the task; None: it starts a workflow
    template: Raw
    overlap: Overlap
    catch_up: CatchUp
    catch_up_limit: int
    jitter_s: float
    starts_at: datetime | None
    ends_at: datetime | None
    paused_at: datetime | None
    origin: Origin
    application: str | None = None  # of origin `code`: the program that declares it, as it calls itself
    rev: int  # rises with every change that somebody makes
    created_at: datetime
    updated_at: datetime
    next_at: datetime | None  # the one tick that is not decided yet; None: there is none any more
    waiting_at: datetime | None  # the tick that waits for the run before it to end
    last_at: datetime | None  # the latest tick that fired

    @cached_property
    def timing(self) -> Timing:
        return Timing(
            cron=self.cron,
            every_s=self.every_s,
            tz=self.timezone,
            created_at=self.created_at,
            starts_at=self.starts_at,
            ends_at=self.ends_at,
        )


class FireRecord(Struct, frozen=True, kw_only=True):
    """A line of a schedule's history. `ticks`: it tells of so many, up to this one."""

    planned_at: datetime
    outcome: FireOutcome
    reason: Cause | None = None
    detail: str | None = None
    ticks: int = 1
    by_hand: ByHand | None = None
    task_id: str | None = None
    workflow_id: str | None = None
    decided_at: datetime
    started_at: datetime | None = None  # when the first attempt of its task did; of a workflow: when it began


class Fire(Struct, frozen=True, kw_only=True):
    """What becomes of a tick; with `ticks`, of so many, up to this one."""

    planned_at: datetime
    outcome: FireOutcome
    reason: Cause | None = None
    ticks: int = 1


class Decision(Struct, frozen=True, kw_only=True):
    """`ended_wait`: the tick that waited fires now. `fires` are in order."""

    fires: tuple[Fire, ...]
    ended_wait: datetime | None
    next_at: datetime | None
    waiting_at: datetime | None


def decide(schedule: Schedule, now: datetime, *, busy: bool) -> Decision:
    """What becomes of every tick up to now. `busy`: a run of the schedule has not ended. Not for a paused one."""
    waiting, ended_wait = schedule.waiting_at, None
    if waiting is not None and not busy:
        waiting, ended_wait, busy = None, waiting, True
    if schedule.next_at is None or schedule.next_at > now:
        return Decision(fires=(), ended_wait=ended_wait, next_at=schedule.next_at, waiting_at=waiting)
    due = schedule.timing.due(schedule.next_at, now)
    wanted = due.newest
    fires: list[Fire] = []
    if now - schedule.next_at > LATE:
        most = {CatchUp.NONE: 0, CatchUp.LAST: 1, CatchUp.ALL: schedule.catch_up_limit}[schedule.catch_up]
        wanted = due.newest[-most:] if most else ()
        fires += told(due, FireOutcome.MISSED, Cause.DOWNTIME, but_last=len(wanted))
    for tick in wanted:
        if not busy or schedule.overlap is Overlap.ALLOW:
            fires.append(Fire(planned_at=tick, outcome=FireOutcome.FIRED))
            busy = True
        elif schedule.overlap is Overlap.QUEUE_ONE and waiting is None:
            fires.append(Fire(planned_at=tick, outcome=FireOutcome.WAITING))
            waiting = tick
        else:
            fires.append(Fire(planned_at=tick, outcome=FireOutcome.SKIPPED, reason=Cause.OVERLAP))
    return Decision(fires=tuple(fires), ended_wait=ended_wait, next_at=due.next_at, waiting_at=waiting)


def told(due: Due, outcome: FireOutcome, reason: Cause, *, but_last: int = 0) -> list[Fire]:
    """A record for each tick but the last few, oldest first; those before the newest KEPT share one."""
    own = due.newest[-KEPT:]
    fires = [Fire(planned_at=at, outcome=outcome, reason=reason) for at in own[: len(own) - but_last]]
    if (shared := due.total - len(own)) > 0:
        fires.insert(0, Fire(planned_at=due.newest[-KEPT - 1], outcome=outcome, reason=reason, ticks=shared))
    return fires


def undecided(schedule: Schedule, now: datetime) -> tuple[list[Fire], datetime | None]:
    """What is told of the ticks up to now that nobody decides any more, for a pause ends or the times change; and the next."""
    if schedule.next_at is None or schedule.next_at > now:
        return [], schedule.next_at
    due = schedule.timing.due(schedule.next_at, now)
    return told(due, *_why_undecided(schedule)), due.next_at


def _why_undecided(schedule: Schedule) -> tuple[FireOutcome, Cause]:
    if schedule.paused_at is None:
        return FireOutcome.MISSED, Cause.CHANGED
    return FireOutcome.SKIPPED, Cause.PAUSED


def delay_s(schedule_id: str, planned_at: datetime, jitter_s: float) -> float:
    """By how much a tick is put off: computed from its fire's key, so every process says the same; to the millisecond."""
    if not jitter_s:
        return 0.0
    key = f"{schedule_id}/{planned_at.isoformat()}".encode()
    part = int.from_bytes(hashlib.sha256(key).digest()[:8]) / 2**64
    return round(part * jitter_s, 3)


def redefined(old: Schedule, new: Schedule, now: datetime) -> tuple[Schedule, list[Fire]]:
    """A schedule as somebody has changed it, and what is told of ticks that its new times leave undecided."""
    fires: list[Fire] = []
    next_at = old.next_at
    if new.timing != old.timing:
        try:
            fires, _ = undecided(old, now)
        except (
            Unavailable
        ):  # its times cannot be read here: of the tick that had come it is known that there is one
            if old.next_at is not None and old.next_at <= now:
                fires = told(Due(1, (old.next_at,), None), *_why_undecided(old))
        next_at = new.timing.next_after(now)
    return replace(
        new,
        rev=old.rev + 1,
        updated_at=now,
        next_at=next_at,
        paused_at=old.paused_at,
        waiting_at=old.waiting_at,
        last_at=old.last_at,
    ), fires


def by_hand_at(schedule: Schedule, now: datetime) -> datetime:
    """The planned moment of what somebody fires now: one that is no tick."""
    at = now
    while schedule.timing.count(at - MICROSECOND, at):
        at += MICROSECOND
    return at
