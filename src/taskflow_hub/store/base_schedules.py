"""What a store does with schedules. The words of store/base.py hold here, too.

A tick is decided once: whoever fires schedules, or changes one, has locked its row, and a fire's record is written in the
transaction that makes its task. What becomes of ticks is decided by domain/schedule.py.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from taskflow_hub.domain.audit import By
from taskflow_hub.domain.model import Task
from taskflow_hub.domain.schedule import ByHand, Cause, FireOutcome, FireRecord, Schedule
from taskflow_hub.domain.workflow_view import Workflow
from taskflow_hub.store.values import NewTask, NewWorkflow

Work = NewTask | NewWorkflow  # what a tick starts

# Makes what a tick starts, complete, with a new id. Raises a TaskflowError why it cannot be; NoSecretKeys and Unavailable say
# that it cannot be here, and may be elsewhere. Called within a transaction, which may be tried again: it must do nothing else,
# and not wait.
Make = Callable[[Schedule, datetime, ByHand | None], Work]


class ScheduleFilter(Struct, frozen=True, kw_only=True):
    """All conditions hold together; None is no condition."""

    name: str | None = None
    type: str | None = None
    paused: bool | None = None


class SchedulePage(Struct, frozen=True):
    items: tuple[Schedule, ...]
    next_cursor: str | None  # opaque; None: this was the last page


class FirePage(Struct, frozen=True):
    items: tuple[FireRecord, ...]
    next_cursor: str | None


class Upcoming(Struct, frozen=True):
    """In how many seconds the next tick comes (None: there is none), whether a tick waits for a run to end, and whether such a
    run has ended."""

    in_s: float | None
    waiting: bool
    ready: bool

    @property
    def due(self) -> bool:
        return self.ready or (self.in_s is not None and self.in_s <= 0)


class Fired(Struct, frozen=True, kw_only=True):
    """What `fire_due` did: the tasks that it made, and workflows (their ids), and how many ticks had which outcome.

    `schedules`: how many it decided; `left`: which it could not, and why. They are as they were.
    """

    tasks: tuple[Task, ...] = ()
    workflows: tuple[str, ...] = ()
    ticks: Mapping[tuple[FireOutcome, Cause | None], int] = {}
    schedules: int = 0
    left: Mapping[str, Exception] = {}


class Backfilled(Struct, frozen=True, kw_only=True):
    """What became of one tick: a task or a workflow was made, it was left as it had fired, or that was refused (`detail` says
    why)."""

    planned_at: datetime
    outcome: str  # fired, left, refused
    task: Task | None = None
    workflow_id: str | None = None
    detail: str | None = None


class Place(Struct, frozen=True):
    """Where a look at open fires has come to."""

    schedule_id: str
    planned_at: datetime


class Starts(Struct, frozen=True):
    """(planned, started) of runs whose start was learned now, of so many that were looked at; from where to go on (None: that
    was all for now)."""

    started: tuple[tuple[datetime, datetime], ...]
    looked: int
    after: Place | None


class Declared(Struct, frozen=True):
    """Names of the schedules that were made, changed and removed; `taken`: others have that name, and were left alone."""

    made: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    taken: tuple[str, ...] = ()


class ScheduleStore(Protocol):
    # --- by people: NotFound for what is unknown in this account (None: in any)

    async def create_schedule(self, new: Schedule, *, by: By | None = None) -> Schedule:
        """Insert it; its times (`created_at`, `updated_at`, `next_at`, and `paused_at` unless None) are made here.

        Raises NameTaken.
        """
        ...

    async def schedule(self, account: str | None, schedule_id: str) -> Schedule | None: ...

    async def schedule_named(self, account: str, name: str) -> Schedule | None: ...

    async def schedules(
        self, account: str | None, where: ScheduleFilter, *, limit: int, cursor: str | None = None
    ) -> SchedulePage:
        """Newest first (by id). Invalid for a cursor we did not make."""
        ...

    async def update_schedule(
        self, account: str | None, changed: Schedule, *, by: By | None = None
    ) -> Schedule | None:
        """Replace what people may change: name, times, template, policies, and whether it is paused (`paused_at` is None or
        not). `rev` rises by one, if that is anything new.

        None, and nothing is changed: it has another `rev` by now than `changed`, so look again. With other times the ticks up
        to now that nobody has decided are recorded (`missed`, reason `changed`; of a paused one `skipped`), and it goes on with
        the first tick after now. Raises NotFound, NameTaken.
        """
        ...

    async def pause_schedule(
        self, account: str | None, schedule_id: str, *, by: By | None = None
    ) -> Schedule:
        """No tick is decided until it is resumed; one that waits is `skipped`, reason `paused`. Twice changes nothing."""
        ...

    async def resume_schedule(
        self, account: str | None, schedule_id: str, *, by: By | None = None
    ) -> Schedule:
        """Record the ticks up to now as `skipped`, reason `paused`, and go on with the next. Twice changes nothing."""
        ...

    async def delete_schedule(self, account: str | None, schedule_id: str, *, by: By | None = None) -> None:
        """Its runs go on; its history is pruned."""
        ...

    async def trigger_schedule(
        self, account: str | None, schedule_id: str, make: Make, *, by: By | None = None
    ) -> Task | Workflow:
        """A run now, whatever else runs, and also of one that is paused; recorded as fired by hand.

        Raises what refuses a submit; then nothing is recorded.
        """
        ...

    async def backfill_schedule(
        self,
        account: str | None,
        schedule_id: str,
        first: datetime,
        end: datetime,
        make: Make,
        *,
        most: int,
        dry_run: bool = False,
        by: By | None = None,
    ) -> tuple[Backfilled, ...]:
        """Fire every tick in [first, end) that has been decided otherwise, or came before the schedule was there; in order.

        Raises Invalid for more than `most`; for a time that ends before `starts_at` or begins after `ends_at`; and for one that
        begins before history is kept, of a schedule that is older: its records are pruned, so it is not known what has run.
        None that is not decided yet is among them: it is left to the clock. Policies do not apply. With `dry_run` nothing is
        done, and `task` and `workflow_id` are None.
        """
        ...

    async def fires(
        self, schedule_id: str, *, outcome: FireOutcome | None = None, limit: int, cursor: str | None = None
    ) -> FirePage:
        """The history, newest first. Invalid for a cursor we did not make."""
        ...

    # --- by workers

    async def declare_schedules(
        self,
        account: str,
        types: Sequence[str],
        declared: Sequence[Schedule],
        *,
        application: str | None = None,
        served: Collection[str] = (),
    ) -> Declared:
        """What an application's code says of the schedules of its types. New ones are made, changed ones changed; those of
        origin `code` that it does not name any more are removed, also those of the same application for a type that is not
        among `served` any more, the types that some worker serves. A pause is kept, and the same again changes nothing.

        A name that belongs to a schedule of other origin, or of another's type, is left alone.
        """
        ...

    # --- by the clock

    async def upcoming(self, passed_over: Collection[str] = ()) -> Upcoming:
        """Whether there is anything for `fire_due`; cheap."""
        ...

    async def fire_due(self, make: Make, limit: int, passed_over: Collection[str] = ()) -> Fired:
        """Decide every tick up to now of at most `limit` schedules, those that are due longest first, and fire ticks whose wait
        has ended; what they start and records in one transaction.

        Any number of processes may call it: what another has in hand is passed over, and so are the ids in `passed_over`. What
        is refused makes its tick `missed`, reason `refused`. A schedule that cannot be decided here or at this moment is left
        as it is, and the others go on: no tick is lost by it.
        """
        ...

    async def learn_starts(self, after: Place | None, limit: int) -> Starts:
        """Write down when the tasks of at most `limit` fires started, of those of which it is not known, behind a place.

        A workflow has started when it began.
        """
        ...
