"""What becomes of an attempt that did not simply succeed. Pure: facts in, a move out."""

from collections.abc import Callable, Sequence
from typing import Final

from taskflow_hub.domain import moves
from taskflow_hub.domain.limits import STEPS_MAX
from taskflow_hub.domain.messages import Failed, How, Snoozed
from taskflow_hub.domain.model import AttemptOutcome, OnLost, Reason, Task, TaskError
from taskflow_hub.domain.retry import MAX_DELAY_S, pause_s
from taskflow_hub.domain.submission import EARLIEST, LATEST, TEN_YEARS_S

MAX_CRASHES: Final = 3  # one more dead worker, and the task is poison
MAX_TRANSITS: Final = 10


def on_failure(report: Failed, task: Task, chance: Callable[[], float]) -> moves.Retry | moves.Fail:
    """Retry by policy while retries are left, unless the handler said Fail; its own `after` beats the policy."""
    timed_out = report.how is How.TIMEOUT
    outcome = AttemptOutcome.TIMEOUT if timed_out else AttemptOutcome.FAILED
    may_retry = report.how is not How.FAIL and (
        task.max_retries is None or task.retry_count < task.max_retries
    )
    if may_retry:
        delay_s = pause_s(task.retry, task.retry_count, chance) if report.after is None else report.after
        return moves.Retry(
            id=report.id,
            attempt=report.attempt,
            ran_s=report.ran_s,
            delay_s=_within(delay_s, MAX_DELAY_S),
            error=report.error,
            outcome=outcome,
        )
    return moves.Fail(
        id=report.id,
        attempt=report.attempt,
        ran_s=report.ran_s,
        reason=Reason.TIMEOUT if timed_out else Reason.HANDLER,
        error=report.error,
        outcome=outcome,
    )


def on_snooze(report: Snoozed) -> moves.Snooze:
    """Asleep for as long as the handler asked, within what a date can say; `until` beats `seconds`.

    Who waits for an event without end looks again after ten years.
    """
    seconds, until = report.seconds or (TEN_YEARS_S if report.events else 0.0), report.until
    return moves.Snooze(
        id=report.id,
        attempt=report.attempt,
        ran_s=report.ran_s,
        delay_s=_within(seconds, TEN_YEARS_S) if until is None else None,
        until=until and min(max(until, EARLIEST), LATEST),
        events=report.events[:STEPS_MAX],
    )


def on_worker_death(
    *,
    id: str,
    attempt: int,
    worker: str,
    crashes: int,
    waiting: bool,
    on_lost: OnLost,
    beside: Sequence[str] = (),
) -> moves.Lose | moves.Fail:
    """A running attempt whose worker died. `waiting`: the worker had said that it did not start it; then nothing counts.

    `beside` are the ids of the tasks the same worker had started, named in the error of a poisoned task.
    """
    if waiting:
        return moves.Lose(id=id, attempt=attempt, worker=worker, outcome=AttemptOutcome.LOST)
    if on_lost is OnLost.FAIL:
        message = f"Worker {worker} died while it ran this task, and its type says on_lost=fail: look before you redrive."
        return _fail_lost(id, attempt, Reason.LOST, "WorkerLost", message)
    if crashes + 1 > MAX_CRASHES:
        others = ", ".join(beside) or "no other task"
        message = f"{crashes + 1} workers died while they ran this task, the last of them {worker}, beside {others}."
        return _fail_lost(id, attempt, Reason.POISON, "Poison", message)
    error = TaskError("WorkerLost", f"Worker {worker} died.")
    return moves.Lose(
        id=id, attempt=attempt, worker=worker, outcome=AttemptOutcome.LOST, crashed=True, error=error
    )


def on_undelivered(id: str, attempt: int, worker: str, transits: int) -> moves.Lose | moves.Fail:
    """An assignment that never reached its worker: the same place again, until it has happened too often."""
    message = f"The assignment to worker {worker} was lost in transit."
    if transits + 1 > MAX_TRANSITS:
        error = TaskError("Undeliverable", f"{message} It was the {transits + 1}th loss.")
        return moves.Fail(
            id=id,
            attempt=attempt,
            ran_s=None,
            reason=Reason.UNDELIVERABLE,
            error=error,
            outcome=AttemptOutcome.UNDELIVERED,
        )
    error = TaskError("Undelivered", message)
    return moves.Lose(id=id, attempt=attempt, worker=worker, outcome=AttemptOutcome.UNDELIVERED, error=error)


def _fail_lost(id: str, attempt: int, reason: Reason, kind: str, message: str) -> moves.Fail:
    return moves.Fail(
        id=id,
        attempt=attempt,
        ran_s=None,
        reason=reason,
        error=TaskError(kind, message),
        outcome=AttemptOutcome.LOST,
        crashed=True,
    )


def _within(seconds: float, limit_s: float) -> float:
    """Between 0 and the limit, whatever a handler answered; NaN is 0, since no comparison with it holds."""
    return min(max(0.0, seconds), limit_s)
