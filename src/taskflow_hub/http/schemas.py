"""Bodies of requests and answers that are not already nouns of the domain."""

from datetime import datetime
from typing import Annotated, Any

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from taskflow_hub.domain.errors import Invalid
from taskflow_hub.domain.fingerprint import PATTERN as FINGERPRINT_PATTERN
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.limits import BATCH_MAX, MAX_ERROR_TEXT
from taskflow_hub.domain.model import Attempt, LogLine, Task, TaskError, TaskType, Worker
from taskflow_hub.domain.shapes import ID_PATTERN
from taskflow_hub.domain.steps import Step
from taskflow_hub.domain.submission import (
    AtOnce,
    Moment,
    PerSecond,
    Priority,
    QueueName,
    Submission,
    Tag,
    TypeName,
    check_moment,
)
from taskflow_hub.engine.queries import QueueView
from taskflow_hub.store.values import Bulk, BulkAction, BulkStatus, Count, TaskFilter

# --- requests


class Batch(Struct, frozen=True, forbid_unknown_fields=True):
    """Tasks to be committed together: all of them or none."""

    tasks: Annotated[tuple[Submission, ...], Meta(min_length=1, max_length=BATCH_MAX)]


class TaskChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What to change of a task that has not started; what is left out stays."""

    priority: Priority | UnsetType = UNSET
    run_at: Moment | UnsetType = UNSET
    queue: QueueName | UnsetType = UNSET

    def given(self) -> dict[str, Any]:
        """Raises Invalid when nothing is given, or a time that could not be computed with."""
        given = {
            name: value for name in self.__struct_fields__ if (value := getattr(self, name)) is not UNSET
        }
        if not given:
            raise Invalid.field("", "names nothing to change: priority, run_at or queue")
        check_moment(given.get("run_at"), "/run_at")
        return given


class QueueChange(Struct, frozen=True, forbid_unknown_fields=True):
    """The numbers of a queue; what is left out stays, null lifts it."""

    max_size: Annotated[int, Meta(ge=0, le=1_000_000_000)] | UnsetType | None = UNSET
    running: AtOnce | UnsetType | None = UNSET
    per_second: PerSecond | UnsetType | None = UNSET

    def given(self) -> dict[str, Any]:
        """Raises Invalid when nothing is given."""
        given = {
            name: value for name in self.__struct_fields__ if (value := getattr(self, name)) is not UNSET
        }
        if not given:
            raise Invalid.field("", "names nothing to set: max_size, running or per_second")
        return given


class BulkFilter(Struct, frozen=True, forbid_unknown_fields=True):
    """All conditions hold together; {} matches every task. Times are half-open: after ≤ created_at < before."""

    status: tuple[State, ...] = ()
    type: TypeName | None = None
    queue: QueueName | None = None
    user: Annotated[str, Meta(pattern=ID_PATTERN)] | None = None
    tag: Tag | None = None
    fingerprint: Annotated[str, Meta(pattern=FINGERPRINT_PATTERN)] | None = None
    error: Annotated[str, Meta(min_length=1, max_length=MAX_ERROR_TEXT)] | None = None
    created_after: Moment | None = None
    created_before: Moment | None = None

    def where(self) -> TaskFilter:
        """Raises Invalid for a time that could not be computed with."""
        check_moment(self.created_after, "/filter/created_after")
        check_moment(self.created_before, "/filter/created_before")
        return TaskFilter(**{name: getattr(self, name) for name in self.__struct_fields__})


class BulkRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """What to do, to which tasks. `dry_run` only counts."""

    filter: BulkFilter
    action: BulkAction
    dry_run: bool = False


# --- answers


class TaskPage(Struct, frozen=True):
    items: tuple[Task, ...]
    next_cursor: str | None


class TaskCounts(Struct, frozen=True):
    items: dict[State, Count]


class Ids(Struct, frozen=True):
    ids: tuple[str, ...]


class Removed(Struct, frozen=True):
    id: str


class Attempts(Struct, frozen=True):
    items: list[Attempt]


class LogPage(Struct, frozen=True):
    items: list[LogLine]
    next_cursor: str | None


class StepList(Struct, frozen=True):
    items: tuple[Step, ...]
    next_cursor: str | None


class Outcome(Struct, frozen=True):
    """How a task ended. `result` is whole, however large."""

    status: State
    result: Raw | None
    error: TaskError | None


class Unfinished(Struct, frozen=True):
    status: State


class Queues(Struct, frozen=True):
    items: list[QueueView]


class Purged(Struct, frozen=True):
    cancelled: int


class Workers(Struct, frozen=True):
    items: list[Worker]


class TaskTypes(Struct, frozen=True):
    items: list[TaskType]


class BulkView(Struct, frozen=True, kw_only=True):
    """An operation over many tasks, under way or over."""

    id: str
    action: BulkAction
    filter: BulkFilter
    status: BulkStatus
    total: int
    done: int
    skipped: int
    created_at: datetime
    finished_at: datetime | None

    @classmethod
    def of(cls, bulk: Bulk) -> "BulkView":
        same = {name: getattr(bulk, name) for name in cls.__struct_fields__ if name != "filter"}
        conditions = {name: getattr(bulk.where, name) for name in BulkFilter.__struct_fields__}
        return cls(filter=BulkFilter(**conditions), **same)


class DryRun(Struct, frozen=True):
    action: BulkAction
    total: int
    dry_run: bool = True


class Alive(Struct, frozen=True):
    status: str = "ok"


class Readiness(Struct, frozen=True):
    status: str
    checks: dict[str, str]
    warnings: list[str] | UnsetType = UNSET

    def in_general(self) -> "Readiness":
        """For strangers: that something is wrong, and not what, which names databases, hosts and users."""
        checks = {name: "ok" if state == "ok" else "not ok" for name, state in self.checks.items()}
        return Readiness(self.status, checks)
