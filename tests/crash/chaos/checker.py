"""Proves from the history of a run that the hub kept its promises, or says what it broke.

Everything here is pure. A rule looks at one task (`Case`) or at the whole history, and yields what is wrong in words that
name the task, so that somebody can look it up.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Final

from tests.crash.chaos.history import Book, BookedTask, Case, History
from tests.crash.chaos.lines import What, says_it
from tests.crash.chaos.plans import RETRY_S, SNOOZE_S

from taskflow_hub.domain.decide import MAX_CRASHES
from taskflow_hub.domain.lifecycle import FINAL, LIFECYCLE, UNSTARTED, Move, State
from taskflow_hub.domain.model import Attempt, Reason
from taskflow_hub.domain.model import AttemptOutcome as Outcome

CLOCK_S: Final = 0.05  # what the clocks of two looks at the same moment may differ by
DATES_S: Final = 5.0  # the same, for dates of the database and of this process
RERUN_S: Final = 45.0


class Rule(StrEnum):
    REFUSED = "a submit was refused that should be accepted"
    LOST = "accepted, and lost"
    TWICE = "two attempts were both accepted"
    STALE = "changed by an attempt that did not hold the lease"
    ORDER = "an earlier word of an attempt overwrote a later one"
    ILLEGAL = "a move that the lifecycle does not know"
    GROUNDLESS = "the books say what no handler did"
    UNPLANNED = "ended otherwise than it must"
    RETRIES = "a retry was counted that no handler asked for"
    CRASHES = "a crash was counted where no worker died"
    CANCEL = "a cancel was accepted, and not kept"
    EARLY = "ran before its time"
    TOGETHER = "two attempts ran at once, and nothing had been done to their processes"
    UNKNOWN = "ran, and nobody knows of it"
    DATES = "dates that cannot be"
    LATE = "was not run again in time after its worker was gone"
    PROCESS = "a process did not recover by itself"


@dataclass(frozen=True)
class Violation:
    rule: Rule
    task: str | None
    words: str

    def __str__(self) -> str:
        return f"{self.rule}: {f'task {self.task}: ' if self.task else ''}{self.words}"


def check(history: History) -> list[Violation]:
    """Every violation, worst kind first."""
    found = [Violation(rule, None, words) for rule, look in _OF_HISTORY.items() for words in look(history)]
    for case in history.cases:
        looks = _OF_TASK if case.book is not None and case.book.task.status in FINAL else {Rule.LOST: _lost}
        found += [
            Violation(rule, case.id, words) for rule, look in looks.items() for words in look(history, case)
        ]
    order = list(Rule)
    return sorted(found, key=lambda violation: order.index(violation.rule))


# --- of the history as a whole ----------------------------------------------------------------------------------------


def _refused(history: History) -> Iterator[str]:
    for submit in history.submits:
        if submit.id is None:
            yield f"{submit.plan.name} with key {submit.key}: {submit.refused or 'never answered'}"


def _unknown(history: History) -> Iterator[str]:
    """A submit whose answer was lost is repeated with its key, so whatever runs is what some answer named."""
    known = {case.id for case in history.cases}
    for id in dict.fromkeys(line.id for line in history.lines):
        if id not in known:
            yield f"task {id} ran, and no submit was ever answered with it"


# --- of one task ------------------------------------------------------------------------------------------------------


def _lost(_: History, case: Case) -> Iterator[str]:
    if case.book is None:
        yield f"{case.plan.name} was accepted, and the hub does not know it"
    elif case.book.task.status not in FINAL:
        yield f"{case.plan.name} was accepted, and is still {case.book.task.status}"


def _twice(_: History, case: Case) -> Iterator[str]:
    """Nothing follows an attempt that ended its task, and `ctx.submit` makes one task however often it is called."""
    attempts = _book(case).attempts
    for attempt, after in pairwise(attempts):
        if attempt.outcome in {Outcome.SUCCEEDED, Outcome.ABORTED}:
            yield f"attempt {attempt.attempt} {attempt.outcome}, and attempt {after.attempt} was {after.outcome} after it"
    children = {line.token for line in case.lines if line.what is What.SUBMITTED}
    if len(children) > 1:
        yield f"its one ctx.submit made {len(children)} tasks: {', '.join(sorted(children))}"


def _stale(_: History, case: Case) -> Iterator[str]:
    """Every end writes a token of its own, so what is stored says whose it is."""
    task, attempts = _book(case)
    if not attempts:
        return
    last = attempts[-1].attempt
    if task.status is State.SUCCESS and (by := says_it(_token(task), case.id)) != last:
        yield f"attempt {last} succeeded, with the result of attempt {by}"
    if task.progress is not None and (by := says_it(task.progress.message, case.id)) != last:
        yield f"attempt {last} was its last, and its progress is that of attempt {by}"
    for attempt in attempts:
        if attempt.outcome is Outcome.FAILED and attempt.error is not None:
            by = says_it(attempt.error.message, case.id)
            if by != attempt.attempt:
                yield f"attempt {attempt.attempt} failed, with the error of attempt {by}: {attempt.error.message}"


def _order(history: History, case: Case) -> Iterator[str]:
    """What an attempt says last is what stays: it says its token together with its success.

    Two servers may store these two in any order; then the end wins, and what was said with it may be late.
    """
    task = _book(case).task
    if not history.in_order:
        return
    if task.status is State.SUCCESS and task.progress is not None and task.progress.message != _token(task):
        yield f"it succeeded at {task.progress.fraction:.0%} ({task.progress.message})"


def _illegal(_: History, case: Case) -> Iterator[str]:
    """The attempts, each a lease and the move that ended it, must lead from a first state to the last."""
    task, attempts = _book(case)
    if [attempt.attempt for attempt in attempts] != list(range(1, task.attempt + 1)):
        yield f"attempt {task.attempt} was its last, and these are listed: {[each.attempt for each in attempts]}"
        return
    at = {State.SCHEDULED if case.plan.delay_s else State.QUEUED}
    for attempt in attempts:
        leased = _after(_after(at, {Move.PROMOTE}) | at, {Move.LEASE})
        moves = _MOVES.get(attempt.outcome, frozenset()) if attempt.outcome is not None else frozenset()
        at = _after(leased, moves)
        if not at:
            yield f"attempt {attempt.attempt} cannot have been {attempt.outcome or 'left open'} where it stands"
            return
    waiting = at & UNSTARTED
    at |= _after(waiting | _after(waiting, {Move.PROMOTE}), {Move.CANCEL, Move.EXPIRE})
    if task.status not in at:
        outcomes = ", ".join(str(attempt.outcome) for attempt in attempts) or "no attempt"
        yield f"it is {task.status}, which does not follow from: {outcomes}"


def _groundless(_: History, case: Case) -> Iterator[str]:
    task, attempts = _book(case)
    asked = any(cancel.status in {200, 202} for cancel in case.cancels)
    for attempt in attempts:
        run = case.runs.get(attempt.attempt)
        end = run.ended.what if run is not None and run.ended is not None else None
        wanted = _GROUNDS.get(attempt.outcome) if attempt.outcome is not None else None
        if wanted is not None and end not in wanted:
            yield f"attempt {attempt.attempt} {attempt.outcome}, and its handler {end or 'did not end'}"
        if attempt.outcome is Outcome.TIMEOUT and not _ran_its_time(case, attempt):
            yield f"attempt {attempt.attempt} timed out, and had not run {case.plan.options.get('timeout')} s"
        if attempt.outcome is Outcome.UNDELIVERED and run is not None:
            yield f"attempt {attempt.attempt} was never delivered, and its handler has started"
        if attempt.outcome is Outcome.ABORTED and not asked:
            yield f"attempt {attempt.attempt} was aborted, and nobody had asked"
    if task.status is State.SUCCESS and (not attempts or attempts[-1].outcome is not Outcome.SUCCEEDED):
        yield "it is success, and its last attempt did not succeed"
    if task.status is State.CANCELLED and not asked:
        yield "it is cancelled, and nobody had asked"
    if task.status is State.FAILED and task.reason in {Reason.HANDLER, Reason.TIMEOUT}:
        outcome = Outcome.FAILED if task.reason is Reason.HANDLER else Outcome.TIMEOUT
        if not attempts or attempts[-1].outcome is not outcome:
            yield f"it failed by {task.reason}, and its last attempt did not"


def _unplanned(_: History, case: Case) -> Iterator[str]:
    task = _book(case).task
    if (task.status, task.reason) not in case.plan.ends:
        why = f" ({task.reason})" if task.reason else ""
        yield f"{case.plan.name} ended {task.status}{why}: {task.error.message if task.error else 'no error'}"
    asked = {**case.plan.body, "type": case.plan.type}
    for name in ("type", "priority", "timeout", "max_retries"):
        if name in asked and getattr(task, name) != asked[name]:
            yield f"its {name} is {getattr(task, name)!r}, and was submitted as {asked[name]!r}"


def _retries(_: History, case: Case) -> Iterator[str]:
    """Whatever happens to processes and databases, only its own handler's failures count."""
    task, attempts = _book(case)
    counted = [a for a in attempts if a.outcome in {Outcome.FAILED, Outcome.TIMEOUT}]
    expected = case.plan.retries
    if task.retry_count != expected and task.status is not State.CANCELLED:
        yield f"{case.plan.name} counts {task.retry_count} retries, and must count {expected}"
    ended_by = 1 if task.status is State.FAILED and task.reason in {Reason.HANDLER, Reason.TIMEOUT} else 0
    if task.retry_count != len(counted) - ended_by:
        yield f"it counts {task.retry_count} retries, and {len(counted)} attempts failed or timed out"


def _crashes(history: History, case: Case) -> Iterator[str]:
    task, attempts = _book(case)
    lost = [attempt for attempt in attempts if attempt.outcome is Outcome.LOST]
    if task.crashes > MAX_CRASHES:
        yield f"{task.crashes} crashes"
    counted = [attempt for attempt in lost if _counts(history, history.pid_of(case, attempt))]
    if task.crashes > len(counted):
        yield f"{task.crashes} crashes, and {len(counted)} of its attempts may count as one"
    for attempt in lost:
        pid = history.pid_of(case, attempt)
        if pid is not None and pid not in history.struck:
            yield f"attempt {attempt.attempt} was lost, and nothing had been done to its process {pid}"
        if not history.strikes:
            yield f"attempt {attempt.attempt} was lost, and nothing had been done to any process"


def _counts(history: History, pid: int | None) -> bool:
    """A process that was only out of reach has not crashed: what was counted for it is taken back when it is heard again."""
    return pid is None or pid in history.killed


def _cancel(_: History, case: Case) -> Iterator[str]:
    task = _book(case).task
    for cancel in case.cancels:
        match cancel.status:
            case 200 if task.status is not State.CANCELLED:
                yield f"a cancel was answered 200, and it ended {task.status}"
            case 200 | 202 if cancel.attempt is not None and task.attempt > cancel.attempt:
                yield f"a cancel was accepted in attempt {cancel.attempt}, and attempt {task.attempt} was opened after it"
            case 409 if task.status is State.CANCELLED:
                yield "a cancel was refused, for it had ended; and it ended cancelled"
            case 200 | 202 | 409:
                pass
            case _:
                yield f"a cancel was answered {cancel.status} {cancel.words}"


def _early(_: History, case: Case) -> Iterator[str]:
    """By a clock that no step touches."""
    runs = case.runs
    if case.plan.delay_s and 1 in runs:
        waited_s = runs[1].started.at - case.submit.asked_at
        if waited_s < case.plan.delay_s - CLOCK_S:
            yield f"it ran {waited_s:.2f} s after it was submitted with a delay of {case.plan.delay_s:g} s"
    for attempt in _book(case).attempts:
        before, after = runs.get(attempt.attempt), runs.get(attempt.attempt + 1)
        if before is None or after is None or before.ended is None:
            continue
        pause_s = _PAUSES.get(attempt.outcome, 0.0) if attempt.outcome is not None else 0.0
        waited_s = after.started.at - before.ended.at
        if pause_s and waited_s < pause_s - CLOCK_S:
            yield f"attempt {attempt.attempt + 1} ran {waited_s:.2f} s after attempt {attempt.attempt} {attempt.outcome}"


def _together(history: History, case: Case) -> Iterator[str]:
    """Only where a process was struck may its attempt run beside the next one: nobody can know that it does."""
    starts = [line for line in case.lines if line.what is What.STARTED]
    for number in {line.attempt for line in starts}:
        twice = [line for line in starts if line.attempt == number]
        if len(twice) > 1:
            yield f"attempt {number} was started {len(twice)} times, by {[line.pid for line in twice]}"
    for before, after in pairwise(sorted(case.runs.values(), key=lambda run: run.started.attempt)):
        if history.excused(before):
            continue
        if before.ended is None or before.ended.at > after.started.at:
            numbers = f"attempts {before.started.attempt} and {after.started.attempt}"
            yield f"{numbers}, by processes {before.started.pid} and {after.started.pid}"


def _unknown_attempts(_: History, case: Case) -> Iterator[str]:
    listed = {attempt.attempt for attempt in _book(case).attempts}
    for number in sorted(set(case.runs) - listed):
        yield f"attempt {number} ran, and the books list {sorted(listed)}"


def _dates(history: History, case: Case) -> Iterator[str]:
    """Created, then each attempt's start and end, then the task's: in this order, and within the run."""
    task, attempts = _book(case)
    steps: list[tuple[str, datetime | None]] = [
        ("the run began", history.began),
        ("created", task.created_at),
    ]
    for attempt in attempts:
        steps.append((f"attempt {attempt.attempt} started", attempt.started_at))
        steps.append((f"attempt {attempt.attempt} ended", attempt.ended_at))
    steps += [("finished", task.finished_at), ("the run was over", history.over)]
    known = [(name, date) for name, date in steps if date is not None]
    for (name, date), (later, after) in pairwise(known):
        edge = history.began in {date, after} or history.over in {date, after}
        if after < date - timedelta(seconds=DATES_S if edge else CLOCK_S):
            yield f"{name} at {date}, and {later} at {after}"
    if case.plan.delay_s and attempts and attempts[0].started_at is not None:
        due = task.created_at + timedelta(seconds=case.plan.delay_s - CLOCK_S)
        if attempts[0].started_at < due:
            yield f"created at {task.created_at} with a delay of {case.plan.delay_s:g} s, started at {attempts[0].started_at}"


def _late(history: History, case: Case) -> Iterator[str]:
    """Only tasks of at least normal priority: those below wait for as long as there are others."""
    if case.plan.options.get("priority", 5) >= 5:
        for attempt, seconds in reruns(history, case):
            if seconds > RERUN_S:
                yield f"its worker was gone in attempt {attempt}, and the next one began {seconds:.1f} s later"


def reruns(history: History, case: Case) -> Iterator[tuple[int, float]]:
    """(attempt, seconds) for each attempt that was lost: from what was done to its process until the next one started."""
    for attempt in case.book.attempts if case.book is not None else ():
        after = case.runs.get(attempt.attempt + 1)
        if attempt.outcome is Outcome.LOST and after is not None:
            pid = history.pid_of(case, attempt)
            struck = [s.at for s in history.strikes if s.pid == pid and s.at <= after.started.at]
            if struck:
                yield attempt.attempt, after.started.at - max(struck)


def _book(case: Case) -> Book:
    assert case.book is not None
    return case.book


def _after(states: Iterable[State], moves: Collection[Move]) -> set[State]:
    return {LIFECYCLE[state][move] for state in states for move in moves if move in LIFECYCLE[state]}


def _token(task: BookedTask) -> str:
    return str(task.result.get("token")) if isinstance(task.result, dict) else "none"


def _ran_its_time(case: Case, attempt: Attempt) -> bool:
    """Since it could begin at all: of its time a busy machine may leave a handler little; or none, then the books count."""
    run, before = case.runs.get(attempt.attempt), case.runs.get(attempt.attempt - 1)
    timeout_s = float(case.plan.options.get("timeout", 0.0))
    if not timeout_s:
        return False
    if run is None:
        return (
            attempt.started_at is not None
            and attempt.ended_at is not None
            and (attempt.ended_at - attempt.started_at).total_seconds() >= timeout_s - CLOCK_S
        )
    if run.ended is None:
        return True
    could_begin_at = case.submit.asked_at
    if before is not None and before.ended is not None:  # a frozen one may end when the next has long begun
        could_begin_at = min(before.ended.at, run.started.at)
    return run.ended.at - could_begin_at >= timeout_s - CLOCK_S


# --- below ------------------------------------------------------------------------------------------------------------

_OF_HISTORY: Final[dict[Rule, Callable[[History], Iterator[str]]]] = {
    Rule.REFUSED: _refused,
    Rule.UNKNOWN: _unknown,
}
_OF_TASK: Final[dict[Rule, Callable[[History, Case], Iterator[str]]]] = {
    Rule.TWICE: _twice,
    Rule.STALE: _stale,
    Rule.ORDER: _order,
    Rule.ILLEGAL: _illegal,
    Rule.GROUNDLESS: _groundless,
    Rule.UNPLANNED: _unplanned,
    Rule.RETRIES: _retries,
    Rule.CRASHES: _crashes,
    Rule.CANCEL: _cancel,
    Rule.EARLY: _early,
    Rule.TOGETHER: _together,
    Rule.UNKNOWN: _unknown_attempts,
    Rule.DATES: _dates,
    Rule.LATE: _late,
}
# Which moves an attempt may have ended with. A lost one fails its task where it is poison.
_MOVES: Final = {
    Outcome.SUCCEEDED: frozenset({Move.SUCCEED}),
    Outcome.FAILED: frozenset({Move.RETRY, Move.FAIL}),
    Outcome.TIMEOUT: frozenset({Move.RETRY, Move.FAIL}),
    Outcome.SNOOZED: frozenset({Move.SNOOZE}),
    Outcome.RELEASED: frozenset({Move.RELEASE}),
    Outcome.LOST: frozenset({Move.LOSE, Move.FAIL}),
    Outcome.UNDELIVERED: frozenset({Move.LOSE, Move.FAIL}),
    Outcome.ABORTED: frozenset({Move.ABORT}),
}
# What its handler must have done.
_GROUNDS: Final = {
    Outcome.SUCCEEDED: {What.RETURNED},
    Outcome.FAILED: {What.RAISED, What.GAVE_UP},
    Outcome.SNOOZED: {What.SNOOZED},
}
_PAUSES: Final = {Outcome.FAILED: RETRY_S, Outcome.TIMEOUT: RETRY_S, Outcome.SNOOZED: SNOOZE_S}
