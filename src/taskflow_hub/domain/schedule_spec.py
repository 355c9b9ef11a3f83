"""A schedule as somebody asks for it: the one shape that HTTP, CLI, Python and a worker's registration share.

Its task is a submission without what belongs to one run alone: `run_at`, `delay`, `expires_at` and `unique`. Its workflow is as
`POST /workflows` takes it, but its `input` is a template: references in it stand for what is known of the tick, and left out it
is all of that (domain/schedule_tick.py).
"""

import re
from collections.abc import Iterator
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType, field
from msgspec.structs import asdict

from taskflow_hub.domain import workflow
from taskflow_hub.domain.cron import MAX_EXPRESSION, cron
from taskflow_hub.domain.errors import FieldError, Invalid
from taskflow_hub.domain.retry import RetryPolicy
from taskflow_hub.domain.schedule import CatchUp, Overlap
from taskflow_hub.domain.shapes import ID_PATTERN, SCHEDULE_PATTERN
from taskflow_hub.domain.submission import (
    MAX_LIMITS,
    MAX_TAGS,
    NO_PARAMETERS,
    Limit,
    MaxRetries,
    Moment,
    Payload,
    Priority,
    QueueName,
    Submission,
    Tag,
    Timeout,
    TypeName,
    check_moment,
)
from taskflow_hub.domain.ticks import MIN_EVERY_S, period_s
from taskflow_hub.domain.workflow import WorkflowSubmission
from taskflow_hub.domain.zone import MAX_NAME, zone

MAX_JITTER_S: Final = 86_400.0
MAX_CATCH_UP: Final = 1_000

Name = Annotated[str, Meta(pattern=SCHEDULE_PATTERN, description="Unique in the account.")]
CronText = Annotated[
    str,
    Meta(
        max_length=MAX_EXPRESSION,
        extra_json_schema={"minLength": 1},  # what is too short or too small is told in words (`check`)
        description="Five fields (minute hour day-of-month month day-of-week), six with the seconds first, or @daily.",
    ),
]
EverySeconds = Annotated[
    float,
    Meta(
        extra_json_schema={"minimum": MIN_EVERY_S}, description="Seconds, or a text such as 90s, 5m or 1h30m."
    ),
]
EveryText = Annotated[str, Meta(max_length=40, extra_json_schema={"minLength": 1})]
ZoneName = Annotated[
    str,
    Meta(max_length=MAX_NAME, extra_json_schema={"minLength": 1}, description="An IANA time zone."),
]
Jitter = Annotated[
    float, Meta(ge=0, le=MAX_JITTER_S, description="Each run is put off by up to so many seconds.")
]
CatchUpLimit = Annotated[int, Meta(ge=1, le=MAX_CATCH_UP)]


class TaskTemplate(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The task of every run: a submission, without what belongs to one run alone."""

    type: TypeName
    payload: Payload = field(default_factory=lambda: NO_PARAMETERS)
    queue: QueueName | None = None  # None: the type's home queue
    priority: Priority = 5
    max_retries: MaxRetries | UnsetType | None = UNSET  # None: retry without end
    retry: RetryPolicy | UnsetType = UNSET
    timeout: Timeout | UnsetType | None = UNSET  # seconds an attempt may run; None: no limit
    tags: Annotated[tuple[Tag, ...], Meta(max_length=MAX_TAGS)] = ()
    limits: Annotated[tuple[Limit, ...], Meta(max_length=MAX_LIMITS)] = ()

    def submission(self) -> Submission:
        return Submission(**asdict(self))


class ScheduleSpec(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What to start, when, and what to do about runs that are late or long."""

    name: Name | None = None  # None: made from that of the type, or of the workflow, and a short id
    cron: CronText | None = None  # this or `every`
    every: EverySeconds | EveryText | None = None
    tz: ZoneName = "UTC"
    task: TaskTemplate | None = None  # this or `workflow`
    workflow: WorkflowSubmission | None = None
    overlap: Overlap = Overlap.SKIP
    catch_up: CatchUp = CatchUp.NONE
    catch_up_limit: CatchUpLimit = 100
    jitter: Jitter = 0.0
    start_at: Moment | None = None
    end_at: Moment | None = None
    paused: bool = False

    @property
    def kind(self) -> str:
        """What it starts, by name: a task type, or a workflow."""
        if self.workflow is not None:
            return self.workflow.name
        return "" if self.task is None else self.task.type


class ScheduleChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is left out stays; null lifts `start_at` and `end_at`. `cron` replaces `every`, `task` replaces `workflow`, and the
    other way round."""

    name: Name | UnsetType = UNSET
    cron: CronText | UnsetType = UNSET
    every: EverySeconds | EveryText | UnsetType = UNSET
    tz: ZoneName | UnsetType = UNSET
    task: TaskTemplate | UnsetType = UNSET
    workflow: WorkflowSubmission | UnsetType = UNSET
    overlap: Overlap | UnsetType = UNSET
    catch_up: CatchUp | UnsetType = UNSET
    catch_up_limit: CatchUpLimit | UnsetType = UNSET
    jitter: Jitter | UnsetType = UNSET
    start_at: Moment | UnsetType | None = UNSET
    end_at: Moment | UnsetType | None = UNSET
    paused: bool | UnsetType = UNSET

    def given(self) -> dict[str, Any]:
        """Raises Invalid when nothing is given."""
        given = {name: value for name, value in asdict(self).items() if value is not UNSET}
        if not given:
            raise Invalid.field("", f"names nothing to change: {', '.join(self.__struct_fields__)}")
        return given


class _Workflow(Struct):
    workflow: Raw | UnsetType = UNSET


_workflow: Final = msgspec.json.Decoder(_Workflow)


def check_nodes(body: bytes) -> None:
    """Of a request body that was refused: raises Invalid if that was for a node of its workflow, and says which."""
    try:
        given = _workflow.decode(body).workflow
    except (msgspec.DecodeError, RecursionError):
        return  # it is not for that
    if given is not UNSET and bytes(given) != b"null":
        workflow.read(bytes(given), "/workflow")


def check(spec: ScheduleSpec) -> None:
    """What the field types cannot say, but for what is started. Raises Invalid naming every field that is wrong."""
    check_moment(spec.start_at, "/start_at")
    check_moment(spec.end_at, "/end_at")
    errors = [*_about_times(spec.cron, spec.every, spec.tz), *_about_work(spec)]
    if spec.name is not None and re.fullmatch(ID_PATTERN, spec.name):
        errors.append(FieldError("/name", "must not look like an id"))
    if spec.start_at and spec.end_at and spec.end_at <= spec.start_at:
        errors.append(FieldError("/end_at", "must be later than start_at"))
    _refuse(errors)


def check_times(cron_text: str | None, every: float | str | None, tz: str) -> None:
    """When it comes. Raises Invalid."""
    _refuse(list(_about_times(cron_text, every, tz)))


def _refuse(errors: list[FieldError]) -> None:
    if errors:
        raise Invalid("; ".join(f"{one.pointer}: {one.detail}" for one in errors), errors=errors)


def _about_times(cron_text: str | None, every: float | str | None, tz: str) -> Iterator[FieldError]:
    if (cron_text is None) == (every is None):
        yield FieldError("/cron", "give either `cron` or `every`")
    tz_known = True
    try:
        zone(tz)
    except ValueError as error:
        tz_known = False
        yield FieldError("/tz", str(error))
    if cron_text is not None:
        try:
            cron(cron_text, tz if tz_known else "UTC")
        except ValueError as error:
            yield FieldError("/cron", str(error))
    if every is not None:
        try:
            period_s(every)
        except ValueError as error:
            yield FieldError("/every", str(error))


def _about_work(spec: ScheduleSpec) -> Iterator[FieldError]:
    if spec.task is None and spec.workflow is None:
        yield FieldError("/task", "is required, or `workflow`: what to start")
    elif spec.task is not None and spec.workflow is not None:
        yield FieldError("/workflow", "stands beside `task`; give either `task` or `workflow`")
    elif spec.workflow is not None and spec.jitter:
        yield FieldError("/jitter", "is for tasks: a workflow begins at its tick")
