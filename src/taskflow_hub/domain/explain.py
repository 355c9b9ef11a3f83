"""Why a task is not running: from the task, who is there, its limits and its place in line to causes in plain words.

What the hub itself goes by is said first: the `hold` that people are shown (holds.py), which for limits is the one that a lease
wrote. That a queue or an account is full is written on no task, for its whole line waits, and then it is said first. What else
would keep the task now follows.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from msgspec.structs import replace

from taskflow_hub.domain.audit import Actor, AuditEntry
from taskflow_hub.domain.graph import FINALLY
from taskflow_hub.domain.holds import NO_WORKER, Serving, limit_full, rate_spent, serves
from taskflow_hub.domain.lifecycle import FINAL, State
from taskflow_hub.domain.limits import AHEAD_COUNTED, ALONE_FROM
from taskflow_hub.domain.model import Reason, Task
from taskflow_hub.domain.steps import Sleeping
from taskflow_hub.domain.why import Awaited, Cause, CauseKind, LimitState, Missing, Why
from taskflow_hub.domain.workflow_view import Workflow

PARENTS_TOLD: Final = 5
_ENDED: Final[Mapping[State, str]] = {
    State.SUCCESS: "It has run, and succeeded.",
    State.CANCELLED: "It was cancelled.",
    State.SKIPPED: "It was skipped: its branch of the workflow was not taken.",
}
_FAILED: Final[Mapping[Reason | None, str]] = {
    None: "It failed.",
    Reason.EXPIRED: "It failed: the time by which it had to start passed before an attempt could.",
    Reason.TIMEOUT: "It failed: its last attempt ran longer than it may.",
    Reason.POISON: "It failed: too many workers died while they ran it.",
    Reason.UNDELIVERABLE: "It failed: too often it was lost on the way to a worker.",
    Reason.REFERENCE: "It failed: what its payload refers to, in its workflow, is not there or too large.",
    Reason.RESULT_REJECTED: "It failed: its handler succeeded, but the result could not be stored.",
    Reason.LOST: "It failed: its worker died, and its type is not to be run again then.",
    Reason.HANDLER: "It failed: its handler raised an error, and there is no retry left or none was wanted.",
}


def explain(
    task: Task,
    serving: Serving,
    *,
    ahead: int = 0,
    limits: Sequence[LimitState] = (),
    paused: AuditEntry | None = None,
    sleeping: Sleeping | None = None,
    workflow: Workflow | None = None,
    now: datetime,
) -> Why:
    """`task` as the store has it. If it is queued: how many come before it (see AHEAD_COUNTED), its limits, and the entry of
    its queue's pause. If it is scheduled: what its handler sleeps for. If it is blocked: its workflow, with nodes."""
    match task.status:
        case State.QUEUED:
            causes = tuple(_waiting(task, serving, ahead, limits, paused))
        case State.SCHEDULED:
            causes = (_run_at(task, now) if sleeping is None else _asleep(task, sleeping, now),)
        case State.BLOCKED:
            causes = (_parents(task, workflow),)
        case State.RUNNING:
            causes = (_running(task),)
        case _:
            causes = (_ended(task),)
    hold = serving.hold(task.status, task.queue, task.type, task.hold)
    said = causes[:2] if _has_passed(task.hold, causes[0], limits) else causes[:1]
    summary = " ".join(cause.text for cause in said)
    return Why(id=task.id, status=task.status, hold=hold, summary=summary, causes=causes)


def _has_passed(hold: str | None, first: Cause, limits: Sequence[LimitState]) -> bool:
    """Is the limit that the hold names not shut any more? Then what keeps the task now is said with it."""
    if hold is None or first.kind not in {CauseKind.LIMIT, CauseKind.RATE}:
        return False
    return all(limit.hold != hold for limit in limits)


def _parents(task: Task, workflow: Workflow | None) -> Cause:
    nodes = (workflow.nodes if workflow else None) or {}
    own = next((node for node in nodes.values() if node.task_id == task.id), None)
    ahead = [name for name in nodes if name != FINALLY] if own is nodes.get(FINALLY) else []
    names = [edge.parent for edge in own.after] if own and own.after else ahead
    awaited = tuple(Awaited(name, nodes[name].status) for name in names if nodes[name].status not in FINAL)
    told = [f"{one.node} ({one.status})" for one in awaited[:PARENTS_TOLD]]
    more = len(awaited) - len(told)
    told += [f"{more} more"] if more > 0 else []
    *first, last = told or ["its parents"]
    before = f"{', '.join(first)} and " if first else ""
    text = f"It waits for {before}{last} to end."
    return Cause(kind=CauseKind.PARENTS, text=text, nodes=awaited, workflow_id=task.workflow_id)


def _waiting(
    task: Task, serving: Serving, ahead: int, limits: Sequence[LimitState], paused: AuditEntry | None
) -> list[Cause]:
    nowhere: list[Cause] = []
    if task.queue in serving.paused:
        nowhere.append(_paused(task.queue, paused))
    if not serving.served(task.queue, task.type) or task.hold == NO_WORKER:
        nowhere.append(_no_worker(task, serving))
    standing = [_shut(limit) for limit in limits if limit.standing and limit.hold]
    limited = _limited(task, [limit for limit in limits if not limit.standing])
    if nowhere:
        return nowhere + standing + limited
    shut = any(limit.hold is not None for limit in limits)
    if task.hold is None:
        return [*standing, _turn(task, serving, ahead, shut=shut), *limited]
    limited += standing
    return limited if shut else [*limited, _turn(task, serving, ahead, shut=False)]


def _paused(queue: str, entry: AuditEntry | None) -> Cause:
    by = None if entry is None else _actor(entry)
    since = None if entry is None else entry.ts
    told = "" if by is None or since is None else f", by {by} since {_moment(since)}"
    return Cause(
        kind=CauseKind.PAUSED,
        text=f"Its queue {queue} is paused{told}.",
        help=f"Resume the queue: taskflow queue resume {queue}",
        queue=queue,
        paused_by=by,
        since=since,
    )


def _actor(entry: AuditEntry) -> str:
    """Only admins pause; of which account one is, and who, not everybody is told."""
    match entry.actor_kind:
        case Actor.KEY if entry.actor_name is not None:
            return f"the key {entry.actor_name}"
        case Actor.ANYBODY:
            return "somebody" if entry.address is None else f"somebody at {entry.address}"
        case Actor.OPERATOR:
            return "an operator" if entry.actor_name is None else f"the operator {entry.actor_name}"
        case _:
            return entry.actor_name or "an admin"


# --- workers ---------------------------------------------------------------------------------------------------------


def _no_worker(task: Task, serving: Serving) -> Cause:
    missing = _missing(task, serving)
    text, advice = _words(task, missing)
    return Cause(
        kind=CauseKind.NO_WORKER, text=text, help=advice, queue=task.queue, type=task.type, missing=missing
    )


def _missing(task: Task, serving: Serving) -> Missing | None:
    if serving.served(task.queue, task.type):
        return None
    there = serving.workers + serving.draining
    if not there:
        return Missing.WORKER
    if not any(task.type in worker.types for worker in there):
        return Missing.TYPE
    if not any(serves(worker, task.queue, task.type) for worker in there):
        return Missing.QUEUE
    return Missing.DRAINING


def _words(task: Task, missing: Missing | None) -> tuple[str, str | None]:
    match missing:
        case Missing.WORKER:
            return "No worker is alive.", "Start one: taskflow worker run, or taskflow up."
        case Missing.TYPE:
            text = f"No live worker serves the type {task.type}."
            return text, f"Start a worker with a handler for {task.type}."
        case Missing.QUEUE:
            text = f"No live worker that serves the type {task.type} serves the queue {task.queue}."
            return text, f"Start one that does (--queue {task.queue}), or change the task's queue."
        case Missing.DRAINING:
            return "Every worker that serves it is draining, and takes nothing new.", "Start another one."
        case None:
            text = "No worker served it when the hub last looked; now one does, and it is brought back."
            return text, None


# --- limits ----------------------------------------------------------------------------------------------------------


def _limited(task: Task, limits: Sequence[LimitState]) -> list[Cause]:
    """The limit that its hold names, then those that are shut now."""
    named = [
        (task.hold, limit) for limit in limits if task.hold in {limit_full(limit.key), rate_spent(limit.key)}
    ]
    shut = [(limit.hold, limit) for limit in limits if limit.hold not in {None, task.hold}]
    return [_limit(one) if hold == limit_full(one.key) else _rate(one) for hold, one in [*named, *shut]]


def _shut(limit: LimitState) -> Cause:
    """One of the queue or of the account."""
    noun, _, name = limit.key.partition(":")
    if limit.hold == limit_full(limit.key):
        cause, option = _limit(limit), "--running N"
        does = f"runs as many tasks as it may ({_many(limit)})"
    else:
        cause, option = _rate(limit), "--per-second N"
        does = f"has started as many tasks as it may; the next start is possible in {cause.next_start_in or 0:.1f} s"
    if noun == "queue":
        whose, advice = f"Its queue {name}", f"taskflow queue limit {name} {option}"
    else:
        whose, advice = "Its account", f"taskflow quota set {name} {option}"
    return replace(cause, text=f"{whose} {does}.", help=f"An admin may let it do more: {advice}")


def _many(limit: LimitState) -> str:
    return f"{_number(limit.running)} of {_number(limit.at_most)} running"


def _limit(limit: LimitState) -> Cause:
    many = _many(limit)
    if limit.hold == limit_full(limit.key):
        text = f"The limit {limit.key} is full ({many})."
    else:
        text = f"The limit {limit.key} was full when the hub last looked, and is not any more ({many})."
    return Cause(
        kind=CauseKind.LIMIT,
        text=text,
        key=limit.key,
        at_most=limit.at_most,
        running=limit.running,
        tasks=limit.tasks,
    )


def _rate(limit: LimitState) -> Cause:
    spent = limit.hold == rate_spent(limit.key)
    next_in_s = (limit.next_in_s or 0.0) if spent else None
    if next_in_s is not None:
        text = f"The rate of {limit.key} is used up; the next start is possible in {next_in_s:.1f} s."
    else:
        text = f"The rate of {limit.key} was used up when the hub last looked, and is not any more."
    return Cause(
        kind=CauseKind.RATE,
        text=text,
        key=limit.key,
        per_second=limit.per_second,
        next_start_at=None if next_in_s is None else limit.at + timedelta(seconds=next_in_s),
        next_start_in=next_in_s,
    )


# --- its place in line -----------------------------------------------------------------------------------------------


def _turn(task: Task, serving: Serving, ahead: int, *, shut: bool) -> Cause:
    """`shut`: a limit would hold it back."""
    workers = [worker for worker in serving.workers if serves(worker, task.queue, task.type)]
    slots = sum(worker.slots for worker in workers)
    busy = sum(min(worker.running, worker.slots) for worker in workers)
    slots_busy = f"({_number(busy)} of {_number(slots)} slots busy)"
    if ahead > AHEAD_COUNTED:
        text = f"More than {_number(AHEAD_COUNTED)} tasks of its queue come before it {slots_busy}."
    elif ahead > 0:
        tasks = "1 task of its queue comes" if ahead == 1 else f"{_number(ahead)} tasks of its queue come"
        text = f"{tasks} before it {slots_busy}."
    elif task.crashes >= ALONE_FROM:
        text = f"It is first in line. Workers died with it, so it waits for an empty one {slots_busy}."
    elif all(worker.running >= worker.slots + worker.window for worker in workers):
        text = f"It is first in line, and waits for a slot {slots_busy}."
    else:
        text = "It is first in line." if shut else "Its turn is next."
    counted = ahead <= AHEAD_COUNTED
    return Cause(
        kind=CauseKind.TURN,
        text=text,
        queue=task.queue,
        ahead=ahead if counted else None,
        more_than=None if counted else AHEAD_COUNTED,
        slots=slots,
        busy=busy,
    )


# --- what does not wait in line --------------------------------------------------------------------------------------


def _run_at(task: Task, now: datetime) -> Cause:
    if task.run_at is None or task.run_at <= now:
        text = "Its time has come: it will be queued in a moment."
    elif task.attempt > 0:
        text = f"It waits for its next attempt, at {_moment(task.run_at)}."
    else:
        text = f"It waits for its time, {_moment(task.run_at)}."
    advice = f"Run it now: POST /tasks/{task.id}/promote"
    return Cause(kind=CauseKind.RUN_AT, text=text, help=advice, run_at=task.run_at)


def _asleep(task: Task, sleeping: Sleeping, now: datetime) -> Cause:
    if task.run_at is not None and task.run_at <= now:
        return _run_at(task, now)
    *others, last = sleeping.events or ("",)
    until = "without end" if sleeping.until is None else f"until {_moment(sleeping.until)}"
    if not last:
        return Cause(kind=CauseKind.ASLEEP, text=f"Its handler sleeps {until}.", run_at=sleeping.until)
    which = f"one of the events {', '.join(others)} and {last}" if others else f"the event {last}"
    return Cause(
        kind=CauseKind.EVENT,
        text=f"Its handler waits for {which}, {until}.",
        help=f"Send it: taskflow task event {task.id} {sleeping.events[0]}",
        run_at=sleeping.until,
        events=sleeping.events,
    )


def _running(task: Task) -> Cause:
    if task.started_at is None:
        does = "has it, and has not said yet that it began"
    else:
        does = f"has been running it since {_moment(task.started_at)}"
    asked = "" if task.cancel_requested_at is None else "; it was asked to end it"
    return Cause(
        kind=CauseKind.RUNNING,
        text=f"The worker {task.worker} {does}{asked}.",
        worker=task.worker,
        since=task.started_at,
        cancel_requested_at=task.cancel_requested_at,
    )


def _ended(task: Task) -> Cause:
    advice = None
    if task.status in {State.FAILED, State.CANCELLED}:
        alone = task.workflow_id is None
        what = f"task redrive {task.id}" if alone else f"workflow redrive {task.workflow_id}"
        advice = f"Run it again: taskflow {what}"
    return Cause(
        kind=CauseKind.ENDED,
        text=_FAILED[task.reason] if task.status is State.FAILED else _ENDED[task.status],
        help=advice,
        reason=task.reason,
    )


# --- words -----------------------------------------------------------------------------------------------------------


def _number(number: int | None) -> str:
    return "any number" if number is None else f"{number:,}".replace(",", " ")


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
