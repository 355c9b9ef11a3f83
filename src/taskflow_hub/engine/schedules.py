"""What people, programs and workers do with schedules: validate, decide, one store call, tell who waits."""

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Protocol

import structlog
from msgspec import Raw
from msgspec.structs import asdict, replace

from taskflow_hub.domain.access import Scope, Who
from taskflow_hub.domain.audit import By
from taskflow_hub.domain.clock import Clock, NewId
from taskflow_hub.domain.cron import Cron
from taskflow_hub.domain.errors import Conflict, DeclaredInCode, Invalid, NotFound
from taskflow_hub.domain.model import Task
from taskflow_hub.domain.schedule import FireOutcome, Origin, Schedule
from taskflow_hub.domain.schedule_spec import (
    ScheduleChange,
    ScheduleSpec,
    check,
    check_times,
)
from taskflow_hub.domain.schedule_template import Template, is_handled, started_by, template_of, text_of
from taskflow_hub.domain.schedule_tick import check_input
from taskflow_hub.domain.shapes import ID_PATTERN
from taskflow_hub.domain.submission import check_moment
from taskflow_hub.domain.ticks import Timing, period_s
from taskflow_hub.domain.wired import wired
from taskflow_hub.domain.workflow import WorkflowSubmission, types_in
from taskflow_hub.domain.workflow_view import Workflow
from taskflow_hub.engine.hints import Hints, Topic
from taskflow_hub.engine.metrics import Metrics
from taskflow_hub.engine.schedule_views import (
    BackfillView,
    FirePageView,
    PreviewView,
    SchedulePageView,
    ScheduleView,
    backfill_view,
    fire_view,
    preview,
    schedule_view,
)
from taskflow_hub.engine.schedule_works import ScheduleWorks
from taskflow_hub.store.base import WorkerStore
from taskflow_hub.store.base_schedules import ScheduleFilter, ScheduleStore
from taskflow_hub.store.values import Submitted

MAX_BACKFILL: Final = 1_000
KEPT_AT_ONCE: Final = 200  # schedules whose secrets are looked at in one read
_WORK: Final = frozenset({"task", "workflow"})  # what it starts: one replaces the other
LOOKS: Final = 5  # at a schedule that others change at the same time

log = structlog.stdlib.get_logger("taskflow.schedules")


class _Store(ScheduleStore, WorkerStore, Protocol): ...


class Schedules:
    """A schedule is found by its id or, in one's own account, by its name. A key that is for some queues only sees those whose
    tasks go there.
    """

    def __init__(
        self,
        store: _Store,
        works: ScheduleWorks,
        hints: Hints,
        metrics: Metrics,
        *,
        clock: Clock,
        new_id: NewId,
    ) -> None:
        self._store, self._works = store, works
        self._hints, self._metrics, self._clock, self._new_id = hints, metrics, clock, new_id
        self._kept_for: Mapping[str, tuple[str, ...]] | None = (
            None  # which fields `keep_secrets` has encrypted
        )

    # --- looking

    async def get(self, who: Who, ref: str) -> ScheduleView:
        """Raises NotFound."""
        return self._view(await self._found(who, ref))

    async def all(
        self, who: Who, where: ScheduleFilter, *, limit: int, cursor: str | None
    ) -> SchedulePageView:
        """Newest first. A page for a key with queues may have fewer than `limit`: only `next_cursor` tells the end."""
        page = await self._store.schedules(who.looks_into, where, limit=limit, cursor=cursor)
        await self._works.refresh()
        items = [self._view(one) for one in page.items if self._may_see(who, one)]
        return SchedulePageView(items, page.next_cursor)

    async def fires(
        self, who: Who, ref: str, *, outcome: FireOutcome | None, limit: int, cursor: str | None
    ) -> FirePageView:
        """Raises NotFound."""
        schedule = await self._found(who, ref)
        page = await self._store.fires(schedule.id, outcome=outcome, limit=limit, cursor=cursor)
        return FirePageView([fire_view(one) for one in page.items], page.next_cursor)

    async def preview(
        self,
        who: Who,
        ref: str,
        n: int,
        *,
        cron: str | None = None,
        every: str | None = None,
        tz: str | None = None,
    ) -> PreviewView:
        """The next `n` ticks from now on; with another expression, as if it were saved now. Raises NotFound, Invalid."""
        schedule, now = await self._found(who, ref), self._clock()
        timing = schedule.timing
        if cron is not None or every is not None or tz is not None:
            other = _other_times(schedule, cron, every, tz)
            try:
                check_times(other.cron, other.every, other.tz)
            except Invalid as error:
                raise error.below("/query") from None
            timing = timing_of(other, now)
        return preview(timing, now, n)

    # --- changing

    async def create(self, who: Who, spec: ScheduleSpec, *, by: By | None = None) -> ScheduleView:
        """Raises Invalid naming each field that is wrong, Forbidden, NameTaken, NoSecretKeys."""
        check(spec)
        await self._works.refresh()
        id = self._new_id()
        template = await self._works.template(started_by(spec), id, who.account_id, who.queues)
        now = self._clock()
        new = _schedule(
            replace(spec, name=spec.name or f"{spec.kind[:91]}-{id[-8:]}"),
            template,
            id=id,
            account_id=who.account_id,
            user_id=who.user_id,
            now=now,
        )
        _require_to_come(new.timing, now)
        made = await self._store.create_schedule(new, by=by)
        self._hints.tell(Topic.SCHEDULES)
        return self._view(made)

    async def update(
        self, who: Who, ref: str, change: ScheduleChange, *, by: By | None = None
    ) -> ScheduleView:
        """Raises NotFound, Invalid, Forbidden, NameTaken, NoSecretKeys; DeclaredInCode for one of code."""
        given = change.given()
        for _ in range(LOOKS):
            old = await self._found(who, ref)
            if given.keys() != {"paused"}:  # that is an operator's, whoever declares the schedule
                _require_ours(old, "changed")
            spec = _changed(old, given)
            check(spec)
            await self._works.refresh()
            template = old.template
            if not given.keys().isdisjoint(_WORK):
                who.require(Scope.SUBMIT)  # what it starts from now on is of the asker's making
                template = await self._works.template(
                    started_by(spec), old.id, old.account_id, who.queues, old
                )
            now = self._clock()
            new = _schedule(
                spec,
                template,
                id=old.id,
                account_id=old.account_id,
                user_id=old.user_id,
                now=now,
                created_at=old.created_at,
                application=old.application,
            )
            if new.timing != old.timing:
                _require_to_come(new.timing, now)
            made = await self._store.update_schedule(who.looks_into, replace(new, rev=old.rev), by=by)
            if made is not None:
                self._hints.tell(Topic.SCHEDULES)
                return self._view(made)
        raise Conflict("Others change this schedule at the same time; look at it, and try again.")

    async def delete(self, who: Who, ref: str, *, by: By | None = None) -> str:
        """Its id. Raises NotFound; DeclaredInCode for one of code that some worker serves, and so would bring back."""
        schedule = await self._found(who, ref)
        if schedule.origin is Origin.CODE and is_handled(schedule, await self._served()):
            _require_ours(schedule, "deleted")
        await self._store.delete_schedule(who.looks_into, schedule.id, by=by)
        self._hints.tell(Topic.SCHEDULES)
        return schedule.id

    async def pause(self, who: Who, ref: str, *, by: By | None = None) -> ScheduleView:
        """Twice changes nothing. Raises NotFound."""
        schedule = await self._found(who, ref)
        paused = await self._store.pause_schedule(who.looks_into, schedule.id, by=by)
        self._hints.tell(Topic.SCHEDULES)
        return self._view(paused)

    async def resume(self, who: Who, ref: str, *, by: By | None = None) -> ScheduleView:
        """Twice changes nothing. Raises NotFound."""
        schedule = await self._found(who, ref)
        resumed = await self._store.resume_schedule(who.looks_into, schedule.id, by=by)
        self._hints.tell(Topic.SCHEDULES)
        return self._view(resumed)

    # --- by hand

    async def trigger(self, who: Who, ref: str, *, by: By | None = None) -> Task | Workflow:
        """A run now. Raises NotFound, and what refuses a submit."""
        schedule = await self._found(who, ref)
        await self._works.refresh()
        run = await self._store.trigger_schedule(who.looks_into, schedule.id, self._works.work, by=by)
        if isinstance(run, Task):
            self.started([run], 0)
        else:
            self.started([], 1)
        return run

    async def backfill(
        self,
        who: Who,
        ref: str,
        first: datetime,
        end: datetime,
        *,
        dry_run: bool = False,
        by: By | None = None,
    ) -> BackfillView:
        """Raises NotFound; Invalid for more than MAX_BACKFILL ticks."""
        check_moment(first, "/from")
        check_moment(end, "/to")
        if end <= first:
            raise Invalid.field("/to", "must be later than `from`")
        schedule = await self._found(who, ref)
        await self._works.refresh()
        done = await self._store.backfill_schedule(
            who.looks_into,
            schedule.id,
            first,
            end,
            self._works.work,
            most=MAX_BACKFILL,
            dry_run=dry_run,
            by=by,
        )
        workflows = sum(one.workflow_id is not None for one in done)
        self.started([one.task for one in done if one.task is not None], workflows)
        return backfill_view(done, dry_run=dry_run)

    def started(self, tasks: Sequence[Task], workflows: int) -> None:
        """Tell of tasks, and of so many workflows, that schedules have made."""
        if tasks:
            self._metrics.submitted(Submitted(tuple(tasks), (True,) * len(tasks)))
            timed = (Topic.DUE,) if any(task.run_at for task in tasks) else ()
            self._hints.tell(Topic.TASKS, Topic.WORK, *timed)
        if workflows:
            self._metrics.workflows.inc(workflows)
            self._hints.tell(Topic.TASKS, Topic.WORK, Topic.DUE, Topic.WORKFLOWS)
        self._hints.tell(Topic.SCHEDULES)

    # --- by workers

    async def declare(
        self,
        account: str,
        types: Sequence[str],
        specs: Sequence[ScheduleSpec],
        *,
        application: str | None = None,
    ) -> None:
        """What a worker's code says of the schedules of its types; they have been checked (`check_declared_schedules`)."""
        now, served = self._clock(), await self._served()
        declared = [
            _schedule(
                spec,
                text_of(_declared(spec, types)),
                id=self._new_id(),
                account_id=account,
                user_id=None,
                now=now,
                origin=Origin.CODE,
                application=application,
            )
            for spec in specs
        ]
        said = await self._store.declare_schedules(
            account, types, declared, application=application, served=served
        )
        if said.made or said.changed or said.removed:
            log.info("schedules declared", made=said.made, changed=said.changed, removed=said.removed)
            self._hints.tell(Topic.SCHEDULES)
        for name in said.taken:
            log.warning(
                "a schedule that code declares has the name of another one, which was left alone", name=name
            )

    # --- by the clock

    async def keep_secrets(self) -> None:
        """Encrypt what a schedule holds that is secret by now, and was not when it was saved; and with the first key what was
        encrypted with another. Looks at them when the program has started, and when types have other secret fields."""
        if not self._works.has_keys:
            return
        await self._works.refresh()
        secrets = self._works.secrets()
        if secrets == self._kept_for:
            return
        done, cursor = True, None
        while True:
            page = await self._store.schedules(None, ScheduleFilter(), limit=KEPT_AT_ONCE, cursor=cursor)
            for schedule in page.items:
                if (template := self._works.kept_secret(schedule)) is not None:
                    kept = await self._store.update_schedule(None, replace(schedule, template=template))
                    done = (
                        done and kept is not None
                    )  # None: somebody has changed it, so it is looked at again
            if (cursor := page.next_cursor) is None:
                break
        self._kept_for = secrets if done else None

    # --- inside

    async def _served(self) -> set[str]:
        """The types that some worker serves now."""
        return {type for worker in await self._store.workers() for type in worker.types}

    def _view(self, schedule: Schedule) -> ScheduleView:
        return schedule_view(schedule, self._works.shown(schedule), self._works.hindrance(schedule))

    async def _found(self, who: Who, ref: str) -> Schedule:
        if re.fullmatch(ID_PATTERN, ref):
            found = await self._store.schedule(who.looks_into, ref)
        else:
            found = await self._store.schedule_named(who.account_id, ref)
        await self._works.refresh()
        if found is None or not self._may_see(who, found):
            raise NotFound(f"There is no schedule {ref}.")
        return found

    def _may_see(self, who: Who, schedule: Schedule) -> bool:
        if not who.queues:
            return True
        queues = self._works.queues(schedule)
        return queues is not None and queues <= set(who.queues)


def timing_of(spec: ScheduleSpec, created_at: datetime) -> Timing:
    """Of one that was checked."""
    return Timing(
        cron=None if spec.cron is None else spec.cron.strip(),
        every_s=None if spec.every is None else period_s(spec.every),
        tz=spec.tz,
        created_at=created_at,
        starts_at=None if spec.start_at is None else spec.start_at.astimezone(UTC),
        ends_at=None if spec.end_at is None else spec.end_at.astimezone(UTC),
    )


def _schedule(
    spec: ScheduleSpec,
    template: Raw,
    *,
    id: str,
    account_id: str,
    user_id: str | None,
    now: datetime,
    created_at: datetime | None = None,
    origin: Origin = Origin.API,
    application: str | None = None,
) -> Schedule:
    """As the store is given it; the times are the store's."""
    timing = timing_of(spec, created_at or now)
    return Schedule(
        id=id,
        account_id=account_id,
        user_id=user_id,
        name=spec.name or "",
        cron=timing.cron,
        every_s=timing.every_s,
        timezone=spec.tz,
        type=None if spec.task is None else spec.task.type,
        template=template,
        overlap=spec.overlap,
        catch_up=spec.catch_up,
        catch_up_limit=spec.catch_up_limit,
        jitter_s=spec.jitter,
        starts_at=timing.starts_at,
        ends_at=timing.ends_at,
        paused_at=now if spec.paused else None,
        origin=origin,
        application=application,
        rev=1,
        created_at=created_at or now,
        updated_at=now,
        next_at=None,
        waiting_at=None,
        last_at=None,
    )


def _declared(spec: ScheduleSpec, types: Collection[str]) -> Template:
    handled = () if spec.workflow is None else tuple(sorted(types_in(spec.workflow).intersection(types)))
    return replace(started_by(spec), handled=handled)


def spec_of(schedule: Schedule, other: Template | None = None) -> ScheduleSpec:
    """Starting another thing, whatever its own is. Raises Unavailable where its own cannot be read."""
    given = other or template_of(schedule)
    return ScheduleSpec(
        name=schedule.name,
        cron=schedule.cron,
        every=schedule.every_s,
        tz=schedule.timezone,
        task=given.task,
        workflow=given.workflow,
        overlap=schedule.overlap,
        catch_up=schedule.catch_up,
        catch_up_limit=schedule.catch_up_limit,
        jitter=schedule.jitter_s,
        start_at=schedule.starts_at,
        end_at=schedule.ends_at,
        paused=schedule.paused_at is not None,
    )


def _changed(old: Schedule, given: dict[str, Any]) -> ScheduleSpec:
    other = None if given.keys().isdisjoint(_WORK) else Template()  # the one replaces the other
    spec = asdict(spec_of(old, other))
    if ("cron" in given) != ("every" in given):
        spec["cron"] = spec["every"] = None  # and so do these
    return ScheduleSpec(**(spec | given))


def _other_times(schedule: Schedule, cron: str | None, every: str | None, tz: str | None) -> ScheduleSpec:
    spec = replace(spec_of(schedule), tz=tz or schedule.timezone)
    if cron is None and every is None:
        return spec
    return replace(spec, cron=cron, every=_number(every))


def _number(every: str | None) -> float | str | None:
    """In a query all is text."""
    try:
        return None if every is None else float(every)
    except ValueError:
        return every


def _require_to_come(timing: Timing, now: datetime) -> None:
    if timing.next_after(now) is None:
        raise Invalid.field("/end_at", "no tick comes before it any more")


def _require_ours(schedule: Schedule, done: str) -> None:
    if schedule.origin is Origin.CODE:
        raise DeclaredInCode(
            f"The schedule {schedule.name!r} is declared in code, {_beside(schedule)}, and would be put back by the next "
            f"worker that starts: it is {done} there. It can be paused here."
        )


def _beside(schedule: Schedule) -> str:
    return "beside its workflow" if schedule.type is None else f"beside the handler of {schedule.type}"


def check_declared_schedules(types: Sequence[str], specs: Sequence[ScheduleSpec]) -> None:
    """What a worker declares. Raises Invalid."""
    names: set[str] = set()
    for spec in specs:
        try:
            check(spec)
            if spec.name is None:
                raise Invalid.field("/name", "is required")
            if spec.name in names:
                raise Invalid.field("/name", "is declared twice")
            if spec.task is not None and spec.task.type not in types:
                raise Invalid.field("/task/type", f"{spec.task.type!r} is not a type of this worker")
            if spec.workflow is not None:
                _check_declared(spec.workflow, types)
        except Invalid as error:
            raise Invalid(f"schedule {spec.name}: {error.detail}", errors=error.errors) from None
        names.add(spec.name)


def _check_declared(workflow: WorkflowSubmission, types: Collection[str]) -> None:
    try:
        wired(workflow)
        check_input(workflow)
        if types_in(workflow).isdisjoint(types):
            raise Invalid.field("/nodes", "none of them is of a type of this worker")
    except Invalid as error:
        raise error.below("/workflow") from None


def cron_words(expression: str, tz: str) -> str:
    return Cron(expression, tz).words
