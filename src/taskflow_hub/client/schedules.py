"""What can be asked of schedules, and what the hub answers."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final, TypedDict, Unpack

from msgspec import Raw, Struct, field

from taskflow_hub.client.conversation import Conversation, aware, segment
from taskflow_hub.client.model import Task, Workflow
from taskflow_hub.client.plan import Emit, Flow, Plan
from taskflow_hub.client.tasks import Payload
from taskflow_hub.client.workflows import Definition, text_of
from taskflow_hub.domain.retry import RetryPolicy
from taskflow_hub.domain.schedule import ByHand, CatchUp, Cause, FireOutcome, Origin, Overlap
from taskflow_hub.domain.submission import Limit

PAGE: Final = 100


class Schedule(Struct, frozen=True, kw_only=True):
    """What is started by the clock."""

    id: str
    name: str
    cron: str | None = None  # this or `every`
    every: float | None = None  # seconds
    tz: str = "UTC"
    task: dict[str, Any] | None = None  # what each tick submits, without what is secret in it
    workflow: dict[str, Any] | None = None  # this or `task`
    overlap: Overlap = Overlap.SKIP
    catch_up: CatchUp = CatchUp.NONE
    catch_up_limit: int = 100
    jitter: float = 0.0
    start_at: datetime | None = None
    end_at: datetime | None = None
    paused: bool = False
    origin: Origin = Origin.API  # code: declared beside a handler, and kept in step with that
    rev: int = 1
    created_at: datetime
    updated_at: datetime
    next_at: datetime | None = None  # None while it is paused, and when no tick comes any more
    waiting_at: datetime | None = None  # the tick that waits for the run before it to end
    last_at: datetime | None = None  # the latest tick that fired
    hindrance: str | None = None  # why its ticks cannot be decided by the hub that was asked, and are left
    user_id: str | None = None


class Fire(Struct, frozen=True, kw_only=True):
    """What became of a tick; with `ticks`, of so many, up to this one."""

    planned_at: datetime
    decided_at: datetime
    outcome: FireOutcome
    reason: Cause | None = None
    detail: str | None = None
    ticks: int = 1
    by_hand: ByHand | None = None
    task_id: str | None = None
    workflow_id: str | None = None
    started_at: datetime | None = None
    lateness: float | None = None  # seconds from planned to started


class Tick(Struct, frozen=True, kw_only=True):
    """One to come, and as the clock of its zone shows it."""

    planned_at: datetime
    local: datetime


class Preview(Struct, frozen=True, kw_only=True):
    cron: str | None = None
    every: float | None = None
    tz: str = "UTC"
    words: str | None = None  # the expression in words
    items: list[Tick] = field(default_factory=list)


class BackfillTick(Struct, frozen=True, kw_only=True):
    planned_at: datetime
    outcome: str  # fired; left: it had fired before; refused: see `detail`
    task_id: str | None = None
    workflow_id: str | None = None
    detail: str | None = None


class Backfill(Struct, frozen=True, kw_only=True):
    dry_run: bool = False
    fired: int = 0
    left: int = 0
    refused: int = 0
    items: list[BackfillTick] = field(default_factory=list)


class _Policies(TypedDict, total=False):
    name: str
    cron: str
    every: float | str
    tz: str
    overlap: Overlap | str
    catch_up: CatchUp | str
    catch_up_limit: int
    jitter: float


class ScheduleOptions(_Policies, total=False):
    """When to run, and what to do about runs that are late or long: `cron` or `every` (seconds, or a text such as "5m"), `tz`,
    `overlap` ("skip", "allow", "queue_one"), `catch_up` ("none", "last", "all"), `jitter` in seconds.

    What follows `paused` belongs to the task of each run; left out it takes the type's default.
    """

    start_at: datetime
    end_at: datetime
    paused: bool
    queue: str
    priority: int
    max_retries: int | None
    timeout: float | None
    tags: Iterable[str]
    retry: RetryPolicy | Mapping[str, Any]
    limits: Iterable[Limit | Mapping[str, Any]]


class ScheduleChanges(_Policies, total=False):
    """What is left out stays; None lifts `start_at` and `end_at`. `task` is replaced whole: `{"type": …, "payload": {…}}`, and
    so is `workflow`; one replaces the other."""

    start_at: datetime | None
    end_at: datetime | None
    task: Mapping[str, Any]
    paused: bool
    workflow: Definition


_OF_TASK: Final = ("queue", "priority", "max_retries", "timeout", "tags", "retry", "limits")


class _Schedules(Struct, frozen=True):
    items: list[Schedule]
    next_cursor: str | None = None


class _Fires(Struct, frozen=True):
    items: list[Fire]
    next_cursor: str | None = None


class _Kind(Struct, frozen=True):
    type: str | None = None  # which only a task has


class _Removed(Struct, frozen=True):
    id: str


class SchedulePlans(Conversation):
    def create_schedule(
        self,
        type: str | None = None,
        payload: Payload = None,
        *,
        workflow: Definition | None = None,
        **options: Unpack[ScheduleOptions],
    ) -> Plan[Schedule]:
        """Submit a task of this type, or this workflow, at every tick of `cron`, or `every` so often.

        References in the payload, or in the workflow's `input`, may say for when a run is: `{"$ref": "input.planned_at"}`.
        Raises Invalid naming each field that is wrong, and of a workflow the node; NameTaken.
        """
        given: dict[str, Any] = dict(options)
        of_task = {name: _listed(name, given.pop(name)) for name in _OF_TASK if name in given}
        if type is not None:
            given["task"] = {"type": type, "payload": {} if payload is None else payload, **of_task}
        elif payload is not None or of_task:
            names = ", ".join([*(["payload"] if payload is not None else []), *of_task])
            raise TypeError(f"without a type there is no task for: {names}")
        if workflow is not None:
            given["workflow"] = text_of(workflow)
        # Its name is in the hub by the second time, if it has one; without it would be made twice.
        return self.ask(Schedule, "POST", "schedules", body=_timed(given), repeatable=False)

    def schedule(self, schedule: str) -> Plan[Schedule]:
        """By id or name. Raises NotFound."""
        return self.ask(Schedule, "GET", _path(schedule))

    def schedules(
        self, *, name: str | None = None, type: str | None = None, paused: bool | None = None
    ) -> Flow[Schedule]:
        """Iterate over those that meet every condition, newest first."""
        cursor: str | None = None
        params = {
            "name": name,
            "type": type,
            "paused": None if paused is None else str(paused).lower(),
            "limit": PAGE,
        }
        while True:
            page = yield from self.ask(_Schedules, "GET", "schedules", params={**params, "cursor": cursor})
            for item in page.items:
                yield Emit(item)
            cursor = page.next_cursor
            if cursor is None:
                return

    def update_schedule(self, schedule: str, **changes: Unpack[ScheduleChanges]) -> Plan[Schedule]:
        """Change what is given. With another time it goes on with the first tick after now.

        Raises NotFound, Invalid, NameTaken, DeclaredInCode.
        """
        given: dict[str, Any] = dict(changes)
        if "workflow" in changes:
            given["workflow"] = text_of(changes["workflow"])
        return self.ask(Schedule, "PATCH", _path(schedule), body=_timed(given))

    def delete_schedule(self, schedule: str) -> Plan[str]:
        """Remove it and its history; runs that it has started go on. Its id. Raises NotFound, DeclaredInCode."""
        return (yield from self.ask(_Removed, "DELETE", _path(schedule), repeatable=False)).id

    def pause_schedule(self, schedule: str) -> Plan[Schedule]:
        """Fire nothing until it is resumed; survives restarts."""
        return self.ask(Schedule, "POST", _path(schedule, "pause"))

    def resume_schedule(self, schedule: str) -> Plan[Schedule]:
        """Go on with the next tick; those of the pause are skipped."""
        return self.ask(Schedule, "POST", _path(schedule, "resume"))

    def trigger(self, schedule: str) -> Plan[Task | Workflow]:
        """Run it once, now: whatever else of it runs, and also while it is paused. The task, or the workflow."""
        made = yield from self.ask(Raw, "POST", _path(schedule, "trigger"), repeatable=False)
        body = bytes(made)
        is_task = self.decode(body, _Kind).type is not None
        return self.decode(body, Task) if is_task else self.decode(body, Workflow)

    def backfill(
        self, schedule: str, start: datetime, end: datetime, *, dry_run: bool = False
    ) -> Plan[Backfill]:
        """Fire ticks from `start` on and before `end` that were missed or skipped, or came before it was made; at most 1 000.

        A second time it leaves what has fired. Raises Invalid for more.
        """
        body = {"from": aware("start", start), "to": aware("end", end), "dry_run": dry_run}
        return self.ask(Backfill, "POST", _path(schedule, "backfill"), body=body)

    def preview_schedule(
        self,
        schedule: str,
        n: int = 10,
        *,
        cron: str | None = None,
        every: float | str | None = None,
        tz: str | None = None,
    ) -> Plan[Preview]:
        """The next `n` ticks; with another expression, period or zone those of that, which is not saved."""
        params = {"n": n, "cron": cron, "every": every, "tz": tz}
        return self.ask(Preview, "GET", _path(schedule, "preview"), params=params)

    def fires(self, schedule: str, *, outcome: FireOutcome | str | None = None) -> Flow[Fire]:
        """Iterate over its history, newest first."""
        cursor: str | None = None
        while True:
            params = {"outcome": outcome, "limit": PAGE, "cursor": cursor}
            page = yield from self.ask(_Fires, "GET", _path(schedule, "fires"), params=params)
            for item in page.items:
                yield Emit(item)
            cursor = page.next_cursor
            if cursor is None:
                return


def _path(schedule: str, verb: str = "") -> str:
    return f"schedules/{segment(schedule)}" + (f"/{verb}" if verb else "")


def _timed(given: dict[str, Any]) -> dict[str, Any]:
    for name in ("start_at", "end_at"):
        if given.get(name) is not None:
            aware(name, given[name])
    return given


def _listed(name: str, value: Any) -> Any:
    return list(value) if name in {"tags", "limits"} else value
