"""What firing means for rows: decided in memory, the same for every database. A store only asks and writes, in this order:

lock the schedules → which have runs → Round(…) → keep `rows` → start `works(kept)` → `settle(outcomes)` → write `unsettled` and
`moved`.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from msgspec import Struct

from taskflow_hub.domain.errors import NoSecretKeys, TaskflowError, Unavailable
from taskflow_hub.domain.model import Task
from taskflow_hub.domain.schedule import (
    ByHand,
    Cause,
    Decision,
    Fire,
    FireOutcome,
    FireRecord,
    Overlap,
    Schedule,
    by_hand_at,
    decide,
)
from taskflow_hub.domain.submission import LATEST
from taskflow_hub.domain.ticks import MICROSECOND
from taskflow_hub.store.base_schedules import Backfilled, Fired, Make, Work
from taskflow_hub.store.keeping import FIRES_KEPT
from taskflow_hub.store.schedule_rows import (
    Kept,
    after_end,
    before_start,
    kept,
    not_yet,
    too_long_ago,
    too_many_ticks,
)
from taskflow_hub.store.values import Submitted

ENOUGH: Final = 2_000  # records in one transaction, but for those of its last schedule

A_MOMENT: Final = timedelta(seconds=1)  # within it there may be records of other triggers

Key = tuple[str, datetime]  # a fire's: schedule and planned moment
T = TypeVar("T")


class Begun(Struct, frozen=True):
    """A workflow that was started."""

    id: str


Outcomes = Sequence[Submitted | Begun | TaskflowError]


class Round:
    """What becomes of ticks up to now, of schedules whose rows are locked. `busy`: those with a run that has not ended.

    `left`: those that cannot be decided here, and why. Whatever is wrong with one, the others go on.
    """

    def __init__(
        self, schedules: Iterable[Schedule], now: datetime, busy: Collection[str], make: Make
    ) -> None:
        self._make = make
        self._decided: list[tuple[Schedule, Decision]] = []
        self._fires: dict[Key, tuple[Fire, str | None]] = {}  # with why the task was refused
        self._works: dict[Key, Work] = {}
        self._waits: set[Key] = set()  # those that have a record already
        self.left: dict[str, Exception] = {}
        for schedule in schedules:
            if len(self._fires) >= ENOUGH:
                break
            try:
                self._decide(schedule, now, busy=schedule.id in busy)
            except Exception as error:
                self.left[schedule.id] = error

    def _decide(self, schedule: Schedule, now: datetime, *, busy: bool) -> None:
        """All of it or, if anything is raised, nothing."""
        decision = decide(schedule, now, busy=busy)
        fires = list(decision.fires)
        if decision.ended_wait is not None:
            fires.insert(0, Fire(planned_at=decision.ended_wait, outcome=FireOutcome.FIRED))
        made: dict[Key, tuple[Fire, Work | None, str | None]] = {}
        for fire in fires:
            work, refused = self._work(schedule, fire)
            made[schedule.id, fire.planned_at] = fire, work, refused
        self._decided.append((schedule, decision))
        if decision.ended_wait is not None:
            self._waits.add((schedule.id, decision.ended_wait))
        for key, (fire, work, _) in made.items():
            self._fires[key] = fire, None
            if work is not None:
                self._works[key] = work
        for key, (_, _, refused) in made.items():
            if refused is not None:
                self._refuse(key, refused)

    def _work(self, schedule: Schedule, fire: Fire) -> tuple[Work | None, str | None]:
        """What the tick starts, or why that is refused."""
        if fire.outcome is not FireOutcome.FIRED:
            return None, None
        try:
            return self._make(schedule, fire.planned_at, None), None
        except (NoSecretKeys, Unavailable):
            raise
        except TaskflowError as error:
            return None, error.detail

    def _refuse(self, refused: Key, why: str) -> set[Key]:
        """Its tick is missed; and so are those that would have been skipped for its run: at this moment, they would not have
        been taken either. All of them."""
        keys = {refused}
        if self._fires[refused][0].outcome is FireOutcome.FIRED:
            keys |= {
                key
                for key, (fire, _) in self._fires.items()
                if key[0] == refused[0] and key[1] > refused[1] and fire.reason is Cause.OVERLAP
            }
        for key in keys:
            self._fires[key] = _refused(self._fires[key][0]), why
        return keys

    @property
    def rows(self) -> list[Kept]:
        """Records to insert. Of those that are there already nothing comes."""
        return [self._row(key) for key in self._fires if key not in self._waits]

    def works(self, kept: Collection[Key]) -> list[Work]:
        """What is started, in order, once it is known which records were inserted."""
        for key in [key for key in self._fires if key not in kept and key not in self._waits]:
            del self._fires[key]
            self._works.pop(key, None)
        return list(self._works.values())

    def settle(self, outcomes: Outcomes) -> None:
        """What became of `works`."""
        self.tasks: list[Task] = []
        self.workflows: list[str] = []
        self._unsettled = set(self._waits)
        self.hindered: dict[str, Exception] = {}  # schedules for whose tasks only the moment was bad
        for (key, _), outcome in zip(self._works.items(), outcomes, strict=True):
            if isinstance(outcome, Submitted):
                self.tasks += outcome.tasks
            elif isinstance(outcome, Begun):
                self.workflows.append(outcome.id)
            elif isinstance(outcome, Unavailable):
                self.hindered[key[0]] = outcome
            else:
                self._unsettled |= self._refuse(key, outcome.detail)

    @property
    def unsettled(self) -> list[Kept]:
        """Records that are to be changed after all."""
        return [self._row(key) for key in self._fires if key in self._unsettled]

    @property
    def moved(self) -> list[tuple[str, datetime | None, datetime | None, datetime | None]]:
        """(id, next_at, waiting_at, last_at) of each schedule."""
        last: dict[str, datetime] = {}
        for (schedule_id, planned_at), (fire, _) in self._fires.items():
            if fire.outcome is FireOutcome.FIRED:
                last[schedule_id] = max(planned_at, last.get(schedule_id, planned_at))
        return [
            (schedule.id, decision.next_at, decision.waiting_at, last.get(schedule.id))
            for schedule, decision in self._decided
        ]

    @property
    def ticks(self) -> Mapping[tuple[FireOutcome, Cause | None], int]:
        counted: Counter[tuple[FireOutcome, Cause | None]] = Counter()
        for fire, _ in self._fires.values():
            counted[fire.outcome, fire.reason] += fire.ticks
        return counted

    def answer(self) -> Fired:
        return Fired(
            tasks=tuple(self.tasks),
            workflows=tuple(self.workflows),
            ticks=self.ticks,
            schedules=len(self._decided),
            left=self.left,
        )

    def _row(self, key: Key) -> Kept:
        fire, refused = self._fires[key]
        started = self._works.get(key) if fire.outcome is FireOutcome.FIRED else None
        return kept(key[0], fire, detail=refused, started=started)


def asks_for_runs(schedule: Schedule) -> bool:
    """Does it matter whether a run of it has not ended?"""
    return schedule.overlap is not Overlap.ALLOW or schedule.waiting_at is not None


def begun(answer: tuple[str, bool] | TaskflowError) -> Begun | TaskflowError:
    """What became of a workflow, of what was decided in store/beginning.py."""
    return answer if isinstance(answer, TaskflowError) else Begun(answer[0])


def _refused(fire: Fire) -> Fire:
    return Fire(
        planned_at=fire.planned_at, outcome=FireOutcome.MISSED, reason=Cause.REFUSED, ticks=fire.ticks
    )


# --- by hand -------------------------------------------------------------------------------------------------------------


def triggered(
    schedule: Schedule, now: datetime, taken: Collection[datetime], make: Make
) -> tuple[Work, Kept]:
    """A run now, and its record. `taken`: moments that have one. Raises what `make` raises."""
    at = by_hand_at(schedule, now)
    while at in taken:
        at = by_hand_at(schedule, at + MICROSECOND)
    work = make(schedule, at, ByHand.TRIGGER)
    fire = Fire(planned_at=at, outcome=FireOutcome.FIRED)
    return work, kept(schedule.id, fire, by_hand=ByHand.TRIGGER, started=work)


def past_ticks(
    schedule: Schedule, first: datetime, end: datetime, now: datetime, most: int
) -> tuple[datetime, ...]:
    """Those in [first, end) that are decided, or came before anything was. Raises Invalid for more than `most`, for a time in
    which there are none, and for one of which nobody knows any more what has run."""
    known = now - FIRES_KEPT
    if first < known and schedule.created_at < known:
        raise too_long_ago(known)
    if first > now:
        raise not_yet()
    if schedule.starts_at is not None:
        if min(end, now) <= schedule.starts_at:
            raise before_start(schedule.starts_at)
        first = max(first, schedule.starts_at)
    if schedule.ends_at is not None and first >= schedule.ends_at:
        raise after_end(schedule.ends_at)
    end = min(end, now + MICROSECOND, schedule.next_at or LATEST, schedule.ends_at or LATEST)
    at, last, ticks = first - MICROSECOND, end - MICROSECOND, schedule.timing.ticks
    if at < last and ticks.count(at, last) > most:
        raise too_many_ticks(most)
    found = []
    while (tick := ticks.next_after(at)) is not None and tick <= last:
        found.append(tick)
        at = tick
    return tuple(found)


def settled_starts(
    looked: Iterable[tuple[str, T, str | None, Any, T | None]], ended: Mapping[str, T | None]
) -> list[tuple[str, T, T | None]]:
    """Of open fires (schedule, planned, task, is it unfinished, its start) those of which it is known by now when their task
    started, or that it never will. `ended`: the starts of tasks that are finished; one that is not there is gone."""
    found: list[tuple[str, T, T | None]] = []
    for schedule_id, planned, task_id, live, started in looked:
        if not live:
            found.append((schedule_id, planned, None if task_id is None else ended.get(task_id)))
        elif started is not None:
            found.append((schedule_id, planned, started))
    return found


class Backfill:
    """Ticks of the past, fired by hand. `records`: those in the time, and the one behind it."""

    def __init__(
        self, schedule: Schedule, ticks: Sequence[datetime], records: Iterable[FireRecord], make: Make
    ) -> None:
        self._schedule, self._make = schedule, make
        self._records = {record.planned_at: record for record in records}
        self._ticks = ticks
        self._errors: dict[datetime, str] = {}
        self._started: dict[datetime, Submitted | Begun] = {}
        self._works: dict[datetime, Work] = {}

    def _is_left(self, tick: datetime) -> bool:
        record = self._records.get(tick)
        return record is not None and record.outcome in {FireOutcome.FIRED, FireOutcome.WAITING}

    def works(self) -> list[Work]:
        for tick in self._ticks:
            if not self._is_left(tick):
                try:
                    self._works[tick] = self._make(self._schedule, tick, ByHand.BACKFILL)
                except TaskflowError as error:
                    self._errors[tick] = error.detail
        return list(self._works.values())

    def settle(self, outcomes: Outcomes) -> None:
        for tick, outcome in zip(self._works, outcomes, strict=True):
            if isinstance(outcome, TaskflowError):
                self._errors[tick] = outcome.detail
            else:
                self._started[tick] = outcome

    def told(self, first: datetime, end: datetime) -> dict[str, Any]:
        """For the audit."""
        return {"from": first, "to": end, "fired": len(self._started), "refused": len(self._errors)}

    def removed(self) -> list[datetime]:
        """Records that make way for those of `rows`."""
        told = self._told()
        return [
            *(at for at in self._records if at in self._started),
            *(at for at in told if at not in self._started),
        ]

    def rows(self) -> list[Kept]:
        """Records of what was fired, and what is left of those that tell of several ticks."""
        rows = [
            kept(
                self._schedule.id,
                Fire(planned_at=tick, outcome=FireOutcome.FIRED),
                by_hand=ByHand.BACKFILL,
                started=self._works[tick],
            )
            for tick in self._started
        ]
        for at, taken in self._told().items():
            record = self._records[at]
            left = record.ticks - len(taken)
            if left > 0:
                # It stands at the newest tick that it still tells of.
                newest = at if at not in self._started else self._newest_left(taken)
                fire = Fire(planned_at=newest, outcome=record.outcome, reason=record.reason, ticks=left)
                rows.append(kept(self._schedule.id, fire, detail=record.detail))
        return rows

    def _told(self) -> dict[datetime, list[datetime]]:
        """Which ticks that fired are told of by which record of several: the next one, if they have none of their own."""
        found: dict[datetime, list[datetime]] = {}
        own = sorted(at for at, record in self._records.items() if record.by_hand is not ByHand.TRIGGER)
        for tick in self._started:
            if tick <= self._schedule.created_at:
                continue  # there was nothing yet that could be told of
            at = next((at for at in own if at >= tick), None)
            if at is not None and self._records[at].ticks > 1:
                found.setdefault(at, []).append(tick)
        return found

    def _newest_left(self, taken: Sequence[datetime]) -> datetime:
        """Below the last tick that it told of: the newest that was not fired now."""
        timing, begin = self._schedule.timing, self._schedule.created_at
        at = max(taken)
        while at in taken:
            at = next(iter(timing.newest(begin, at - MICROSECOND, 1)), at - MICROSECOND)
        return at

    def answer(self, *, dry_run: bool) -> tuple[Backfilled, ...]:
        return tuple(self._about(tick, dry_run=dry_run) for tick in self._ticks)

    def _about(self, tick: datetime, *, dry_run: bool) -> Backfilled:
        if self._is_left(tick):
            return Backfilled(planned_at=tick, outcome="left")
        if tick in self._errors:
            return Backfilled(planned_at=tick, outcome="refused", detail=self._errors[tick])
        started = None if dry_run else self._started[tick]
        return Backfilled(
            planned_at=tick,
            outcome="fired",
            task=started.tasks[0] if isinstance(started, Submitted) else None,
            workflow_id=started.id if isinstance(started, Begun) else None,
        )
