"""What somebody's change of a schedule means for its row and its fires: decided in memory, the same for every database."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from taskflow_hub.domain.audit import Act, Action
from taskflow_hub.domain.schedule import Cause, Fire, FireOutcome, Origin, Schedule, redefined, undecided
from taskflow_hub.domain.schedule_template import handled_by, is_handled
from taskflow_hub.store.base_schedules import Declared
from taskflow_hub.store.schedule_rows import Kept, kept, of_changed_schedule, of_schedule


class Change(Struct, frozen=True):
    """The row as it shall be, records to insert and to change, and what the audit is told."""

    schedule: Schedule
    told: Sequence[Kept] = ()
    settled: Sequence[Kept] = ()
    acts: Sequence[Act] = ()


def begun(new: Schedule, now: datetime) -> Schedule:
    """A new one, with the times that the store makes. `paused_at` that is not None becomes now."""
    made = replace(
        new,
        created_at=now,
        updated_at=now,
        paused_at=None if new.paused_at is None else now,
        next_at=None,
        waiting_at=None,
        last_at=None,
        rev=1,
    )
    return replace(made, next_at=made.timing.next_after(now))


def changed(old: Schedule, new: Schedule, now: datetime) -> Change | None:
    """None: in nothing. That `paused_at` is another than None, or None, pauses or resumes it."""
    acts = of_changed_schedule(old, new)
    change = None
    if acts or new.application != old.application:
        schedule, fires = redefined(old, replace(new, created_at=old.created_at, origin=old.origin), now)
        change = Change(schedule, _told(old, fires), acts=acts)
    if (new.paused_at is None) == (old.paused_at is None):
        return change
    so_far = change or Change(old)
    turned = paused(so_far.schedule, now) if new.paused_at else resumed(so_far.schedule, now)
    assert turned is not None
    return Change(
        replace(turned.schedule, rev=old.rev + 1),
        [*so_far.told, *turned.told],
        turned.settled,
        [*so_far.acts, *turned.acts],
    )


def paused(old: Schedule, now: datetime) -> Change | None:
    """None: it is."""
    if old.paused_at is not None:
        return None
    waited = []
    if old.waiting_at is not None:
        skipped = Fire(planned_at=old.waiting_at, outcome=FireOutcome.SKIPPED, reason=Cause.PAUSED)
        waited.append(kept(old.id, skipped))
    schedule = replace(old, paused_at=now, waiting_at=None, rev=old.rev + 1, updated_at=now)
    return Change(schedule, settled=waited, acts=[of_schedule(Action.SCHEDULE_PAUSE, old)])


def resumed(old: Schedule, now: datetime) -> Change | None:
    """None: it is not paused."""
    if old.paused_at is None:
        return None
    fires, next_at = undecided(old, now)
    schedule = replace(old, paused_at=None, next_at=next_at, rev=old.rev + 1, updated_at=now)
    return Change(schedule, _told(old, fires), acts=[of_schedule(Action.SCHEDULE_RESUME, old)])


class Declaring:
    """What code says of its schedules, against those that are there: of these types, of this application, or of these names.

    A workflow has several types. Who handles one that the last to declare it handled may change it; but that it is declared no
    more can only be said by who handles all of these, for others never did declare it.

    `served`: the types that some worker serves. What the same application has declared for a type that nobody serves any more
    is its own as well: the type was renamed, or has gone.
    """

    def __init__(
        self,
        there: Iterable[Schedule],
        types: Sequence[str],
        declared: Iterable[Schedule],
        now: datetime,
        *,
        application: str | None,
        served: Collection[str],
    ) -> None:
        def is_left_behind(old: Schedule) -> bool:
            return (
                application is not None
                and old.application == application
                and not handled_by(old) <= set(served)
            )

        def may_change(old: Schedule) -> bool:
            return old.origin is Origin.CODE and (
                not handled_by(old).isdisjoint(types) or is_left_behind(old)
            )

        def may_remove(old: Schedule) -> bool:
            return old.origin is Origin.CODE and (is_handled(old, types) or is_left_behind(old))

        self.made: list[Schedule] = []
        self.changes: list[Change] = []
        self.taken: list[str] = []
        left = {schedule.name: schedule for schedule in there}
        for new in declared:
            old = left.pop(new.name, None)
            if old is None:
                self.made.append(begun(new, now))
            elif not may_change(old):
                self.taken.append(new.name)
            elif (change := changed(old, replace(new, id=old.id, paused_at=old.paused_at), now)) is not None:
                self.changes.append(change)
        self.removed = [old for old in left.values() if may_remove(old)]

    def answer(self, made: Sequence[str]) -> Declared:
        """`made`: the names of those that were inserted; of the others somebody else was quicker."""
        return Declared(
            tuple(made),
            tuple([change.schedule.name for change in self.changes]),
            tuple([old.name for old in self.removed]),
            tuple(self.taken),
        )


def _told(schedule: Schedule, fires: Iterable[Fire]) -> list[Kept]:
    return [kept(schedule.id, fire) for fire in fires]
