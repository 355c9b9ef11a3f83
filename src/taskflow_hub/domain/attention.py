"""What an operator should look at now: decided from what is known of queues, workers, types, schedules and quotas.

An empty list means that all is well, so whatever is not sure to need somebody is left out: a queue that is paused and empty, a
limit that does what it is there for. What stops everything comes first.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Final

from msgspec import Struct

from taskflow_hub.domain.quota import QuotaUse

OLD_S: Final = 300.0  # so long may a task wait that could run
FAILING_FROM: Final = 5  # failures in the last hour, and more than half of what ended
SHOWN: Final = 10  # lines of one code; a sum stands for the rest
LOOKED_BACK: Final = timedelta(hours=1)  # for types that fail, and workers that were lost
MISSED_WITHIN: Final = timedelta(hours=24)  # also for tasks that killed their workers


class Severity(StrEnum):
    WARNING = "warning"
    CRITICAL = "critical"


class AttentionCode(StrEnum):
    NO_WORKERS = "no_workers"  # something waits, and no worker is alive
    NO_WORKER = "no_worker"  # tasks of a type wait that nobody alive serves
    QUEUE_PAUSED = "queue_paused"  # and tasks wait in it
    QUEUE_FULL = "queue_full"  # submits to it are refused
    QUOTA_FULL = "quota_full"  # submits of the account are refused
    OLDEST_WAITING = "oldest_waiting"  # a task waits for long that could run
    FAILING_TYPE = "failing_type"  # more than half of a type's tasks fail
    WORKER_LOST = "worker_lost"  # it was taken for dead
    POISON = "poison"  # tasks that killed their workers, one after the other
    SCHEDULE_MISSED = "schedule_missed"  # ticks that made no task


class Attention(Struct, frozen=True, kw_only=True):
    """One thing to look at. What it is about is named in the field for it; a sum of several names nothing."""

    code: AttentionCode
    severity: Severity
    text: str
    queue: str | None = None
    type: str | None = None
    schedule_id: str | None = None
    worker_id: str | None = None
    limit: str | None = None


class Waiting(Struct, frozen=True, kw_only=True):
    """A queue with what waits in it."""

    queue: str
    queued: int
    paused: bool = False
    full: bool = False  # as many wait as may, of all accounts
    max_size: int | None = None
    unserved: tuple[str, ...] = ()  # types of queued tasks that nobody alive serves
    oldest_ready_s: float | None = None  # for how long the oldest waits of those that nothing holds


class TypeEnds(Struct, frozen=True, kw_only=True):
    """How tasks of a type ended within a stretch of time."""

    type: str
    success: int = 0
    failed: int = 0
    cancelled: int = 0


class Missed(Struct, frozen=True):
    """A schedule with ticks that made no task; `name` None: it has none."""

    schedule_id: str
    name: str | None
    ticks: int


class Lost(Struct, frozen=True):
    """A worker that was taken for dead, and not seen again."""

    worker_id: str
    name: str
    host: str


class Seen(Struct, frozen=True, kw_only=True):
    """All that the decision is made from."""

    waiting: Sequence[Waiting] = ()
    workers_alive: int = 0
    types: Sequence[TypeEnds] = ()  # of the last hour
    quota: QuotaUse | None = None
    missed: Sequence[Missed] = ()
    lost: Sequence[Lost] = ()
    poisoned: int = 0


def attention(seen: Seen) -> tuple[Attention, ...]:
    """What stops everything first, then in the order of AttentionCode."""
    found = [
        *_no_workers(seen),
        *_paused(seen.waiting),
        *_full(seen.waiting),
        *_quota(seen.quota),
        *_old(seen.waiting),
        *_failing(seen.types),
        *_lost(seen.lost),
        *_poison(seen.poisoned),
        *_missed(seen.missed),
    ]
    return tuple(sorted(found, key=lambda one: one.severity is not Severity.CRITICAL))


def _no_workers(seen: Seen) -> Iterable[Attention]:
    """That nobody serves a type follows where nobody is alive at all, and is not said then."""
    waiting = sum(one.queued for one in seen.waiting)
    if not waiting:
        return []
    if not seen.workers_alive:
        text = f"No worker is alive, and {_tasks(waiting)}."
        return [Attention(code=AttentionCode.NO_WORKERS, severity=Severity.CRITICAL, text=text)]
    unserved = [(type, one.queue) for one in seen.waiting for type in one.unserved]
    lines = [
        Attention(
            code=AttentionCode.NO_WORKER,
            severity=Severity.CRITICAL,
            text=f"No worker serves {type} in the queue {queue}: its tasks wait for one.",
            queue=queue,
            type=type,
        )
        for type, queue in sorted(unserved)
    ]
    return _first(lines, "{} more types wait for a worker that serves them.")


def _paused(waiting: Sequence[Waiting]) -> Iterable[Attention]:
    lines = [
        Attention(
            code=AttentionCode.QUEUE_PAUSED,
            severity=Severity.WARNING,
            text=f"The queue {one.queue} is paused, and {_tasks(one.queued)} in it.",
            queue=one.queue,
        )
        for one in waiting
        if one.paused and one.queued
    ]
    return _first(lines, "{} more queues are paused, with tasks waiting.")


def _full(waiting: Sequence[Waiting]) -> Iterable[Attention]:
    lines = [
        Attention(
            code=AttentionCode.QUEUE_FULL,
            severity=Severity.WARNING,
            text=f"The queue {one.queue} is full: as many tasks wait as may ({one.max_size}), so more are refused.",
            queue=one.queue,
        )
        for one in waiting
        if one.full
    ]
    return _first(lines, "{} more queues are full.")


def _quota(quota: QuotaUse | None) -> Iterable[Attention]:
    if quota is None:
        return []
    used = quota.used
    numbers = (
        ("queued", quota.queued, used.queued, "as many of its tasks wait as may"),
        ("per_day", quota.per_day, used.in_day, "it has submitted as many tasks as it may on one day"),
        (
            "per_minute",
            quota.per_minute,
            used.in_minute,
            "it has submitted as many tasks as it may in one minute",
        ),
    )
    return [
        Attention(
            code=AttentionCode.QUOTA_FULL,
            severity=Severity.WARNING,
            text=f"The account {quota.account_id} has used up a quota: {words} ({most}), so more are refused.",
            limit=name,
        )
        for name, most, now, words in numbers
        if most is not None and now is not None and now >= most
    ]


def _old(waiting: Sequence[Waiting]) -> Iterable[Attention]:
    lines = [
        Attention(
            code=AttentionCode.OLDEST_WAITING,
            severity=Severity.WARNING,
            text=f"In the queue {one.queue} a task waits for {_long(one.oldest_ready_s)} that could run.",
            queue=one.queue,
        )
        for one in sorted(waiting, key=lambda one: -(one.oldest_ready_s or 0.0))
        if one.oldest_ready_s is not None and one.oldest_ready_s > OLD_S
    ]
    return _first(lines, "In {} more queues tasks wait for long.")


def _failing(types: Sequence[TypeEnds]) -> Iterable[Attention]:
    failing = [
        (one, ended)
        for one in types
        if (ended := one.success + one.failed) < 2 * one.failed and one.failed >= FAILING_FROM
    ]
    lines = [
        Attention(
            code=AttentionCode.FAILING_TYPE,
            severity=Severity.WARNING,
            text=f"{one.type} fails: {_number(one.failed)} of {_number(ended)} tasks in the last hour.",
            type=one.type,
        )
        for one, ended in sorted(failing, key=lambda found: (-found[0].failed, found[0].type))
    ]
    return _first(lines, "{} more types fail.")


def _lost(lost: Sequence[Lost]) -> Iterable[Attention]:
    lines = [
        Attention(
            code=AttentionCode.WORKER_LOST,
            severity=Severity.WARNING,
            text=f"The worker {one.name} on {one.host} was lost in the last hour.",
            worker_id=one.worker_id,
        )
        for one in lost
    ]
    return _first(lines, "{} more workers were lost in the last hour.")


def _poison(poisoned: int) -> Iterable[Attention]:
    if not poisoned:
        return []
    tasks = "1 task has" if poisoned == 1 else f"{_number(poisoned)} tasks have"
    text = f"{tasks} failed in the last 24 h because too many workers died while they ran."
    return [Attention(code=AttentionCode.POISON, severity=Severity.WARNING, text=text)]


def _missed(missed: Sequence[Missed]) -> Iterable[Attention]:
    lines = [
        Attention(
            code=AttentionCode.SCHEDULE_MISSED,
            severity=Severity.WARNING,
            text=f"The schedule {one.name or one.schedule_id} missed {_ticks(one.ticks)} in the last 24 h.",
            schedule_id=one.schedule_id,
        )
        for one in missed
    ]
    return _first(lines, "{} more schedules missed ticks in the last 24 h.")


def _first(lines: list[Attention], more: str) -> list[Attention]:
    """At most SHOWN lines; if there are more, the last one sums up the rest."""
    rest = len(lines) - SHOWN
    if rest <= 0:
        return lines
    summed = Attention(code=lines[0].code, severity=lines[0].severity, text=more.format(_number(rest)))
    return [*lines[:SHOWN], summed]


# --- words -----------------------------------------------------------------------------------------------------------


def _tasks(count: int) -> str:
    return "1 task waits" if count == 1 else f"{_number(count)} tasks wait"


def _ticks(count: int) -> str:
    return "1 tick" if count == 1 else f"{_number(count)} ticks"


def _number(number: int) -> str:
    return f"{number:,}".replace(",", " ")


def _long(seconds: float | None) -> str:
    """In the two largest units: 6 min, 2 h 5 min, 3 d 1 h."""
    minutes = int((seconds or 0.0) // 60)
    hours, days = minutes // 60, minutes // 1440
    if days:
        return f"{days} d {hours % 24} h"
    return f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"
