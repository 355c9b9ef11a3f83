"""Schedules and their fires, as they are stored: the same columns on every database."""

import uuid
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from msgspec import Raw

from taskflow_hub.domain.audit import Act, Action
from taskflow_hub.domain.errors import Conflict, Invalid, NameTaken, NotFound
from taskflow_hub.domain.schedule import (
    ByHand,
    CatchUp,
    Cause,
    Fire,
    FireOutcome,
    FireRecord,
    Origin,
    Overlap,
    Schedule,
)
from taskflow_hub.domain.submission import LATEST
from taskflow_hub.store.base_schedules import Work
from taskflow_hub.store.cursor import make_cursor, read_cursor
from taskflow_hub.store.keeping import FIRES_KEPT
from taskflow_hub.store.values import NewTask, NewWorkflow

FIELDS: Final = Schedule.__struct_fields__
MAX_DETAIL: Final = 500
_TIMES: Final = frozenset(
    {"starts_at", "ends_at", "paused_at", "created_at", "updated_at", "next_at", "waiting_at", "last_at"}
)
_CHANGEABLE: Final = (
    *(
        "name",
        "cron",
        "every_s",
        "timezone",
        "type",
        "template",
        "overlap",
        "catch_up",
        "catch_up_limit",
        "jitter_s",
    ),
    *("starts_at", "ends_at", "paused_at", "rev", "updated_at", "next_at", "waiting_at", "application"),
)
_TOLD: Final = {
    "name": "name",
    "cron": "cron",
    "every_s": "every",
    "timezone": "tz",
    "type": "type",
    "overlap": "overlap",
    "catch_up": "catch_up",
    "catch_up_limit": "catch_up_limit",
    "jitter_s": "jitter",
    "starts_at": "start_at",
    "ends_at": "end_at",
}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
At = Callable[[Any], datetime]


def schedule_of(row: Sequence[Any], at: At) -> Schedule:
    """From the columns of parts/schedule.sql."""
    given = dict(zip(FIELDS, row, strict=True))
    for name in _TIMES:
        if given[name] is not None:
            given[name] = at(given[name])
    given["template"] = Raw(given["template"].encode())
    given["overlap"] = Overlap(given["overlap"])
    given["catch_up"] = CatchUp(given["catch_up"])
    given["origin"] = Origin(given["origin"])
    return Schedule(**given)


def all_of(schedule: Schedule) -> list[Any]:
    """The values of create_schedule.sql, with times as they are."""
    return _values(schedule, FIELDS)


def changed_of(schedule: Schedule) -> list[Any]:
    """The values of update_schedule.sql."""
    return _values(schedule, ("id", *_CHANGEABLE))


def _values(schedule: Schedule, names: Iterable[str]) -> list[Any]:
    values = [getattr(schedule, name) for name in names]
    return [bytes(value).decode() if isinstance(value, Raw) else value for value in values]


def record_of(row: Sequence[Any], at: At) -> FireRecord:
    """From the columns of parts/fire.sql."""
    planned_at, outcome, reason, detail, ticks, by_hand, task_id, workflow_id, decided_at, started_at = row
    return FireRecord(
        planned_at=at(planned_at),
        outcome=FireOutcome(outcome),
        reason=None if reason is None else Cause(reason),
        detail=detail,
        ticks=ticks,
        by_hand=None if by_hand is None else ByHand(by_hand),
        task_id=task_id,
        workflow_id=workflow_id,
        decided_at=at(decided_at),
        started_at=None if started_at is None else at(started_at),
    )


# A fire as keep_fires.sql and settle_fires.sql take it.
Kept = tuple[str, datetime, FireOutcome, Cause | None, str | None, int, ByHand | None, str | None, str | None]


def kept(
    schedule_id: str,
    fire: Fire,
    *,
    detail: str | None = None,
    by_hand: ByHand | None = None,
    started: Work | None = None,
) -> Kept:
    return (
        schedule_id,
        fire.planned_at,
        fire.outcome,
        fire.reason,
        None if detail is None else detail.replace("\0", "\ufffd")[:MAX_DETAIL],
        fire.ticks,
        by_hand,
        started.id if isinstance(started, NewTask) else None,
        started.id if isinstance(started, NewWorkflow) else None,
    )


# --- cursors of a history, made as those of lists are: the last moment ---------------------------------------------------


def fire_cursor(last: FireRecord) -> str:
    return make_cursor(str(uuid.UUID(int=(last.planned_at - _EPOCH) // _MICROSECOND)))


def read_fire_cursor(cursor: str) -> datetime:
    """The last moment of the page before; one that no calendar has is the last of all. Raises Invalid for what is no cursor."""
    at = uuid.UUID(read_cursor(cursor)).int
    return _EPOCH + min(at, (LATEST - _EPOCH) // _MICROSECOND) * _MICROSECOND


# --- why not ------------------------------------------------------------------------------------------------------------


def no_schedule(schedule_id: str) -> NotFound:
    return NotFound(f"There is no schedule {schedule_id}.")


def name_taken(name: str) -> Conflict:
    return NameTaken(f"The account has a schedule {name!r} already.")


def too_many_ticks(most: int) -> Invalid:
    return Invalid.field("/to", f"more than {most} ticks lie in this time; ask for less at a time")


def not_yet() -> Invalid:
    return Invalid.field(
        "/from", "lies in the future: ticks to come are the clock's; trigger it to run it now"
    )


def too_long_ago(known: datetime) -> Invalid:
    return Invalid.field(
        "/from",
        f"history is kept for {FIRES_KEPT.days} days, and of what is older nobody knows whether it has run: begin after "
        f"{known:%Y-%m-%dT%H:%M:%SZ}, or make a new schedule for what lies before",
    )


def before_start(starts_at: datetime) -> Invalid:
    return Invalid.field(
        "/to", f"no tick has come by then: there are none before start_at ({starts_at.isoformat()})"
    )


def after_end(ends_at: datetime) -> Invalid:
    return Invalid.field(
        "/from", f"no tick comes from then on: there are none from end_at ({ends_at.isoformat()}) on"
    )


# --- the audit ----------------------------------------------------------------------------------------------------------


def of_schedule(action: Action, schedule: Schedule, **meta: Any) -> Act:
    return Act(
        action=action,
        entity_id=schedule.id,
        account_id=schedule.account_id,
        meta={"name": schedule.name, **meta},
    )


def of_trigger(schedule: Schedule, started: Work) -> Act:
    kind = "task" if isinstance(started, NewTask) else "workflow"
    return of_schedule(Action.SCHEDULE_TRIGGER, schedule, **{kind: started.id})


def of_new_schedule(schedule: Schedule) -> Act:
    """Without the payload: what it is for is told by its type."""
    return Act(
        action=Action.SCHEDULE_CREATE,
        entity_id=schedule.id,
        account_id=schedule.account_id,
        after={**_shown(schedule), "paused": schedule.paused_at is not None},
    )


def of_changed_schedule(was: Schedule, now: Schedule) -> list[Act]:
    before, after = _shown(was), _shown(now)
    names = [name for name in before if before[name] != after[name]]
    work_changed = was.template != now.template
    if not names and not work_changed:
        return []
    kind = "workflow" if now.type is None else "task"
    act = of_schedule(Action.SCHEDULE_UPDATE, now, **({f"{kind}_changed": True} if work_changed else {}))
    changed = {
        "before": {name: before[name] for name in names},
        "after": {name: after[name] for name in names},
    }
    return [
        Act(action=act.action, entity_id=act.entity_id, account_id=act.account_id, meta=act.meta, **changed)
    ]


def _shown(schedule: Schedule) -> dict[str, Any]:
    return {shown: getattr(schedule, name) for name, shown in _TOLD.items()}
