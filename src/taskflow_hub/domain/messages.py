"""What travels between engine and workers: the wire format, version 1.

Every message is one JSON document with `"v": 1` and, where there are several of a family, a `"kind"`. The JSON Schemas and
golden vectors in `protocol/` are made from these classes (`python -m taskflow_hub.testing.protocol`), and every worker
language must pass them. Unknown fields are ignored on reading, so a field may be added without a new version.

    engine → worker   Assignment, Control (Stop, Drain, Recall)        one inbox per worker, in order
    worker → engine   Report (Progressed, Logged, Succeeded, Failed, Snoozed, Released, Aborted)
    worker ⇄ engine   Request (Register, Heartbeat, Retire; of an attempt Submit, LoadSteps, KeepStep, Sleep, WaitEvent,
                      ReadInputs) and its Reply

Times of the hub are made by the store alone, so a report carries durations (`ran_s`), never dates; only log lines,
which are the worker's own words, carry the worker's clock.
"""

from enum import StrEnum
from typing import Any

from msgspec import Raw, Struct, field

from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.model import NULL, TaskError, TaskType
from taskflow_hub.domain.schedule_spec import ScheduleSpec
from taskflow_hub.domain.steps import StepKind
from taskflow_hub.domain.submission import Moment, Submission

VERSION = 1


class Assignment(Struct, frozen=True, kw_only=True, tag_field="kind", tag="assignment", gc=False):
    """One attempt, on its way to the worker that owns its lease. `(id, attempt)` is its identity and its fence."""

    v: int = VERSION
    id: str
    attempt: int
    type: str
    queue: str
    priority: int
    payload: Raw
    timeout: float | None  # seconds the attempt may run; None: no limit
    retry_count: int
    max_retries: int | None
    created_at: Moment
    tags: tuple[str, ...] = ()
    traceparent: str | None = None


# --- control: hints that make things fast; the heartbeat's answer carries the same for sure -------------------------


class Why(StrEnum):
    CANCELLED = "cancelled"  # end it and report Aborted
    STALE = "stale"  # the lease is lost: end it and report nothing


class Stop(Struct, frozen=True, tag_field="kind", tag="stop"):
    id: str
    attempt: int
    why: Why
    v: int = VERSION


class Drain(Struct, frozen=True, tag_field="kind", tag="drain"):
    """Take nothing new; finish what is there."""

    v: int = VERSION


class Recall(Struct, frozen=True, tag_field="kind", tag="recall"):
    """Hand back (Released) what has not started of this queue; it was paused."""

    queue: str
    v: int = VERSION


Control = Stop | Drain | Recall
Inbound = Assignment | Control


# --- reports -----------------------------------------------------------------------------------------------------


class ReportBase(Struct, frozen=True, kw_only=True, tag_field="kind", tag=str.lower, gc=False):
    """`n` numbers the reports of one worker from 1 without gaps; one acknowledged number means all up to it are stored."""

    v: int = VERSION
    worker: str
    n: int
    id: str
    attempt: int


class Progressed(ReportBase, frozen=True, kw_only=True):
    fraction: float
    message: str = ""


class Line(Struct, frozen=True, kw_only=True):
    n: int  # counts the lines of one attempt, from 1
    at: Moment
    level: str
    message: str
    fields: dict[str, Any] = field(default_factory=dict)


class Logged(ReportBase, frozen=True, kw_only=True):
    lines: tuple[Line, ...]


class Succeeded(ReportBase, frozen=True, kw_only=True):
    ran_s: float
    result: Raw = field(default_factory=lambda: NULL)


class How(StrEnum):
    RAISED = "raised"  # the handler raised: retry by policy
    TIMEOUT = "timeout"  # it ran over its time: retry by policy
    RETRY = "retry"  # the handler answered Retry: retry after `after` seconds, or by policy
    FAIL = "fail"  # the handler answered Fail, or can never succeed: no retry


class Failed(ReportBase, frozen=True, kw_only=True):
    ran_s: float
    how: How
    error: TaskError
    after: float | None = None


class Snoozed(ReportBase, frozen=True, kw_only=True):
    """At most one of `seconds` and `until` is set, and neither only if there are `events`: whichever of these comes first
    wakes the task. If one has come already, it sleeps for no time."""

    ran_s: float
    seconds: float | None = None
    until: Moment | None = None
    events: tuple[str, ...] = ()


class Released(ReportBase, frozen=True, kw_only=True):
    """Handed back unfinished; `ran_s` None: it never started."""

    ran_s: float | None = None


class Aborted(ReportBase, frozen=True, kw_only=True):
    """Ended because a cancel was requested."""

    ran_s: float | None = None


Report = Progressed | Logged | Succeeded | Failed | Snoozed | Released | Aborted
Ending = Succeeded | Failed | Snoozed | Released | Aborted


# --- calls -------------------------------------------------------------------------------------------------------


class Register(Struct, frozen=True, kw_only=True, tag_field="kind", tag="register"):
    """A worker introduces itself under a fresh id. Sent twice it is one registration.

    `previous` is the id it had before the engine took it for dead: crashes counted for that id are taken back. `version` is
    the program's, for people; `speaks` are the versions of this wire format, and this message itself is always of version 1.
    After `self_stop_s` without an accepted heartbeat it stops its attempts; the engine refuses one that would do so when its
    tasks run elsewhere by then.
    """

    v: int = VERSION
    worker: str
    previous: str | None = None
    name: str
    host: str
    pid: int
    version: str
    slots: int
    window: int
    queues: tuple[str, ...] = ()  # empty: every queue
    types: tuple[TaskType, ...] = ()
    speaks: tuple[int, ...] = (VERSION,)
    self_stop_s: float | None = None  # None: it does not say
    # Every schedule that its code declares for its types, by name: others that code has declared for these types are removed.
    schedules: tuple[ScheduleSpec, ...] | None = None  # None: it does not say
    # What the program calls itself, the same in each of its versions: so schedules go whose types it has renamed or given up.
    application: str | None = None


class Held(Struct, frozen=True, array_like=True):
    id: str
    attempt: int
    started: bool


class Heartbeat(Struct, frozen=True, kw_only=True, tag_field="kind", tag="heartbeat"):
    """`held` lists every attempt the worker has: waiting, running, and ended but not yet acknowledged."""

    v: int = VERSION
    worker: str
    held: tuple[Held, ...] = ()
    stuck: tuple[str, ...] = ()
    loop_lag_s: float = 0.0


class Retire(Struct, frozen=True, kw_only=True, tag_field="kind", tag="retire"):
    """The worker ends in good order and holds nothing any more."""

    v: int = VERSION
    worker: str


class Call(Struct, frozen=True, kw_only=True, tag_field="kind", tag="call"):
    """What an attempt asks while it runs, fenced by it: LeaseLost once it does not own its task any more."""

    v: int = VERSION
    worker: str
    id: str
    attempt: int


class Submit(Call, frozen=True, kw_only=True, tag="submit"):
    """`ctx.submit`: idempotent by (task id, call number) for as long as the task lives."""

    call: int
    task: Submission
    traceparent: str | None = None  # of the handler, where it is traced


class LoadSteps(Call, frozen=True, kw_only=True, tag="load_steps"):
    """What earlier attempts have kept, in the order in which they did. `after`: so many have been told of before."""

    after: int = 0


class KeepStep(Call, frozen=True, kw_only=True, tag="keep_step"):
    """`ctx.step`: the result of a step that has been done. The first one of a name wins, so asking twice changes nothing."""

    name: str
    result: Raw
    ran_s: float | None = None


class Sleep(Call, frozen=True, kw_only=True, tag="sleep"):
    """`ctx.sleep`: the end is fixed by the first call with a name; `seconds` of a later one do not matter."""

    name: str
    seconds: float


class WaitEvent(Call, frozen=True, kw_only=True, tag="wait_event"):
    """`ctx.wait_event`: the first call with a name begins the wait, for at most `timeout` seconds (None: without end).

    `name` is that of the event, or with a number behind it ("approved#2") where a handler waits for it again.
    """

    name: str
    event: str
    timeout: float | None = None


class ReadInputs(Call, frozen=True, kw_only=True, tag="read_inputs"):
    """`ctx.inputs`: what a parent of the workflow's node that this attempt works for ended with, items after `after`."""

    node: str
    after: int = -1


CallOfAttempt = Submit | LoadSteps | KeepStep | Sleep | WaitEvent | ReadInputs
Request = Register | Heartbeat | Retire | CallOfAttempt


class Registered(Struct, frozen=True, tag_field="kind", tag="registered"):
    v: int = VERSION


class HeartbeatAnswer(Struct, frozen=True, kw_only=True, tag_field="kind", tag="heartbeat_answer"):
    """`known` False: the engine holds this id for dead; stop every attempt and register anew."""

    v: int = VERSION
    known: bool
    draining: bool = False
    stop: tuple[Stop, ...] = ()


class Retired(Struct, frozen=True, tag_field="kind", tag="retired"):
    v: int = VERSION


class Submitted(Struct, frozen=True, tag_field="kind", tag="submitted"):
    id: str
    v: int = VERSION


class StoredStep(Struct, frozen=True, kw_only=True):
    """One thing that need not be done again: a step that was done, a sleep that is over, a wait that was decided."""

    kind: StepKind
    name: str
    result: Raw = field(default_factory=lambda: NULL)  # of a step; of an event its payload
    timed_out: bool = False  # an event that did not come in time


class Steps(Struct, frozen=True, kw_only=True, tag_field="kind", tag="steps"):
    """`next` None: these were the last; else ask again with it as `after`."""

    v: int = VERSION
    items: tuple[StoredStep, ...] = ()
    next: int | None = None


class StepKept(Struct, frozen=True, kw_only=True, tag_field="kind", tag="step_kept"):
    """`first` False: another result was kept before under this name, and that is the one that counts."""

    v: int = VERSION
    first: bool = True
    result: Raw = field(default_factory=lambda: NULL)  # where not the first


class Asleep(Struct, frozen=True, kw_only=True, tag_field="kind", tag="asleep"):
    """End this attempt with Snoozed, `until` then (None: without end), and for the event if there is one."""

    v: int = VERSION
    until: Moment | None = None
    event: str | None = None


class Awake(Struct, frozen=True, kw_only=True, tag_field="kind", tag="awake"):
    """The sleep is over."""

    v: int = VERSION


class EventCame(Struct, frozen=True, kw_only=True, tag_field="kind", tag="event_came"):
    v: int = VERSION
    payload: Raw


class EventMissed(Struct, frozen=True, kw_only=True, tag_field="kind", tag="event_missed"):
    """It did not come in time. That is decided for good, whatever comes later."""

    v: int = VERSION


class InputItem(Struct, frozen=True, kw_only=True):
    """What one item of a parent node ended with. `item` counts from 0; None: the node is no fan-out."""

    item: int | None = None
    status: State
    result: Raw = field(default_factory=lambda: NULL)
    error: TaskError | None = None


class Inputs(Struct, frozen=True, kw_only=True, tag_field="kind", tag="inputs"):
    """`more`: ask again, after the last of these."""

    v: int = VERSION
    items: tuple[InputItem, ...] = ()
    more: bool = False


class CallFailed(Struct, frozen=True, tag_field="kind", tag="call_failed"):
    """The engine refused: `code` and `detail` as in the error tree."""

    code: str
    detail: str
    v: int = VERSION


Reply = (
    Registered
    | HeartbeatAnswer
    | Retired
    | Submitted
    | Steps
    | StepKept
    | Asleep
    | Awake
    | EventCame
    | EventMissed
    | Inputs
    | CallFailed
)
