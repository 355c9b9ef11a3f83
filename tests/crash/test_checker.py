"""The checker is believed when it says nothing, so each of its rules is shown a history that breaks it."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
import pytest
from tests.crash.chaos.checker import Rule, check, reruns
from tests.crash.chaos.history import Book, BookedTask, Cancel, History, Strike, Stroke, Submit
from tests.crash.chaos.lines import Line, What
from tests.crash.chaos.plans import KINDS, Plan

from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.model import Attempt, Progress, Reason, TaskError
from taskflow_hub.domain.model import AttemptOutcome as Outcome

DAWN = datetime(2026, 1, 1, tzinfo=UTC)
ONE, TWO = 101, 102  # processes


class Task:
    """Tells the life of one task as it should be, a second for each step, unless told otherwise."""

    def __init__(self, name: str = "async", *, id: str = "t1", accepted: bool = True) -> None:
        self.plan: Plan = KINDS[name]
        self.id, self.accepted = id, accepted
        self.now = self.plan.delay_s
        self.lines: list[Line] = []
        self.attempts: list[Attempt] = []
        self.cancels: list[Cancel] = []
        self.strikes: list[Strike] = []
        self.book: BookedTask | None = None
        self.token = ""

    def run(
        self, outcome: Outcome | None, end: What | None = None, *, pid: int = ONE, started: bool = True
    ) -> "Task":
        """An attempt: what its handler wrote, and how the hub has it in its books."""
        number = len(self.attempts) + 1
        self.token = f"{self.id}/{number}/x"
        began, self.now = self.now + 1.0, self.now + 2.0
        if started:
            self.write(What.STARTED, number, began, pid)
        if end is not None:
            self.write(end, number, self.now, pid, self.token)
        error = TaskError("Broken", self.token) if outcome is Outcome.FAILED else None
        ended_at = None if outcome is None else date(self.now)
        self.attempts.append(
            Attempt(
                attempt=number,
                outcome=outcome,
                started_at=date(began) if started else None,
                ended_at=ended_at,
                worker=f"w{pid}",
                error=error,
            )
        )
        return self

    def write(self, what: What, attempt: int, at: float, pid: int = ONE, token: str = "") -> "Task":
        line = Line(
            at=at,
            wall_at=at,
            pid=pid,
            what=what,
            id=self.id,
            attempt=attempt,
            type=self.plan.type,
            token=token,
        )
        self.lines.append(line)
        return self

    def cancel(self, status: int) -> "Task":
        attempt = len(self.attempts) if status in {200, 202} else None
        self.cancels.append(Cancel(self.id, self.now, status, attempt))
        return self

    def struck(self, stroke: Stroke, at: float, pid: int = ONE, until: float = float("inf")) -> "Task":
        self.strikes.append(Strike(pid, stroke, at, until))
        return self

    def ends(self, status: State, reason: Reason | None = None, **changes: Any) -> "Task":
        failures = [a for a in self.attempts if a.outcome in {Outcome.FAILED, Outcome.TIMEOUT}]
        known: dict[str, Any] = {
            "id": self.id,
            "type": self.plan.type,
            "priority": self.plan.options.get("priority", 5),
            "timeout": self.plan.options.get("timeout", 3600.0),
            "max_retries": self.plan.options.get("max_retries", 3),
            "status": status,
            "reason": reason,
            "attempt": len(self.attempts),
            "retry_count": len(failures) - (reason in {Reason.HANDLER, Reason.TIMEOUT}),
            "crashes": sum(strike.stroke is Stroke.KILLED for strike in self.strikes),
            "created_at": date(0),
            "finished_at": date(self.now),
            "progress": Progress(1.0, self.token, date(self.now)) if status is State.SUCCESS else None,
            "result": {"token": self.token} if status is State.SUCCESS else None,
        }
        self.book = BookedTask(**(known | changes))
        return self

    def change(self, **changes: Any) -> "Task":
        assert self.book is not None
        self.book = msgspec.structs.replace(self.book, **changes)
        return self

    def change_attempt(self, number: int, **changes: Any) -> "Task":
        self.attempts[number - 1] = msgspec.structs.replace(self.attempts[number - 1], **changes)
        return self

    def history(self, *others: "Task") -> History:
        told = (self, *others)
        return History(
            submits=[
                Submit(task.plan, "key", 0.0, 0.1, id=task.id, refused=None) for task in told if task.accepted
            ],
            lines=[line for task in told for line in task.lines],
            cancels=[cancel for task in told for cancel in task.cancels],
            strikes=[strike for task in told for strike in task.strikes],
            books={task.id: Book(task.book, task.attempts) for task in told if task.book is not None},
            began=date(0),
            over=date(10_000),
        )


def date(seconds: float) -> datetime:
    return DAWN + timedelta(seconds=seconds)


def success() -> Task:
    return Task().run(Outcome.SUCCEEDED, What.RETURNED).ends(State.SUCCESS)


def crash() -> Task:
    """Its first worker is killed in the middle."""
    return (
        Task()
        .run(Outcome.LOST)
        .struck(Stroke.KILLED, 1.5)
        .run(Outcome.SUCCEEDED, What.RETURNED, pid=TWO)
        .ends(State.SUCCESS)
    )


def frozen() -> Task:
    """Its first worker is stopped, and comes to an end long after the second."""
    return (
        Task()
        .run(Outcome.LOST)
        .struck(Stroke.STOPPED, 1.5, until=60.0)
        .run(Outcome.SUCCEEDED, What.RETURNED, pid=TWO)
        .write(What.RETURNED, 1, 50.0, ONE, "t1/1/x")
        .ends(State.SUCCESS, result={"token": "t1/2/x"})
    )


def retry() -> Task:
    return (
        Task("retry")
        .run(Outcome.FAILED, What.RAISED)
        .run(Outcome.SUCCEEDED, What.RETURNED)
        .ends(State.SUCCESS)
    )


def failure() -> Task:
    return (
        Task("fail")
        .run(Outcome.FAILED, What.RAISED)
        .run(Outcome.FAILED, What.RAISED)
        .ends(State.FAILED, Reason.HANDLER)
    )


def timeout() -> Task:
    return Task("thread timeout").run(Outcome.TIMEOUT, What.STOPPED).ends(State.FAILED, Reason.TIMEOUT)


def timeout_after_a_frozen_one() -> Task:
    """The first attempt comes to an end while, or after, the second runs out of time."""
    return (
        Task("thread timeout")
        .run(Outcome.LOST)
        .struck(Stroke.STOPPED, 1.5, until=60.0)
        .run(Outcome.TIMEOUT, What.STOPPED, pid=TWO)
        .write(What.STOPPED, 1, 50.0, ONE)
        .ends(State.FAILED, Reason.TIMEOUT)
    )


def timeout_before_its_handler_began() -> Task:
    """On a machine so busy that the time of its attempt was over first."""
    task = Task("thread timeout").run(Outcome.TIMEOUT, What.STOPPED).ends(State.FAILED, Reason.TIMEOUT)
    task.lines.clear()
    return task


def cancelled() -> Task:
    return Task("cancel").run(Outcome.ABORTED, What.STOPPED).cancel(202).ends(State.CANCELLED)


def too_late_to_cancel() -> Task:
    return Task("cancel").run(Outcome.SUCCEEDED, What.RETURNED).cancel(409).ends(State.SUCCESS)


def cancelled_early() -> Task:
    return Task("early cancel").cancel(200).ends(State.CANCELLED)


def delayed() -> Task:
    return Task("delay").run(Outcome.SUCCEEDED, What.RETURNED).ends(State.SUCCESS)


def snoozed() -> Task:
    return (
        Task("snooze")
        .run(Outcome.SNOOZED, What.SNOOZED)
        .run(Outcome.SUCCEEDED, What.RETURNED)
        .ends(State.SUCCESS)
    )


def handed_back() -> Task:
    """Twice: once before it started, once after."""
    return (
        Task()
        .run(Outcome.RELEASED, started=False)
        .run(Outcome.RELEASED, What.STOPPED)
        .run(Outcome.UNDELIVERED, started=False)
        .run(Outcome.SUCCEEDED, What.RETURNED)
        .ends(State.SUCCESS)
    )


def parent(children: int = 1) -> list[Task]:
    told = Task("parent")
    for number in range(children):
        told.write(What.SUBMITTED, 1, 1.2, token=f"c{number}")
    family = [told.run(Outcome.SUCCEEDED, What.RETURNED).ends(State.SUCCESS)]
    for number in range(children):
        child = Task(id=f"c{number}", accepted=False).run(Outcome.SUCCEEDED, What.RETURNED)
        family.append(child.ends(State.SUCCESS, type="chaos.child"))
    return family


GOOD = (
    success,
    crash,
    frozen,
    retry,
    failure,
    timeout,
    timeout_after_a_frozen_one,
    timeout_before_its_handler_began,
    cancelled,
    too_late_to_cancel,
    cancelled_early,
    delayed,
    snoozed,
    handed_back,
)


@pytest.mark.parametrize("tell", GOOD, ids=lambda tell: tell.__name__)
def test_nothing_is_said_of_what_is_right(tell: Callable[[], Task]) -> None:
    assert check(tell().history()) == []


def test_a_child_is_a_task_like_any_other() -> None:
    told, child = parent()
    history = told.history(child)
    assert check(history) == []
    assert {case.id for case in history.cases} == {"t1", "c0"}
    child.book = None
    assert rules(told.history(child)) == {Rule.LOST}


def test_how_often_work_was_done_and_how_soon_again() -> None:
    (case,) = frozen().history().cases
    assert case.effects == 2
    history = crash().history()
    assert list(reruns(history, history.cases[0])) == [(1, 1.5)]


# --- what is wrong: the rule, and a history that breaks it --------------------------------------------------


def broken() -> Iterator[tuple[Rule, str, History]]:
    yield Rule.REFUSED, "answered 500", refused("500 Internal Server Error")
    yield Rule.REFUSED, "never answered", refused(None)

    gone = success()
    gone.book = None
    yield Rule.LOST, "the hub does not know it", gone.history()
    yield Rule.LOST, "has not ended", success().change(status=State.QUEUED).history()

    again = (
        Task().run(Outcome.SUCCEEDED, What.RETURNED).run(Outcome.SUCCEEDED, What.RETURNED).ends(State.SUCCESS)
    )
    yield Rule.TWICE, "two attempts succeeded", again.history()
    after = Task("cancel").run(Outcome.ABORTED, What.STOPPED).cancel(202)
    yield (
        Rule.TWICE,
        "ran on after it was aborted",
        after.run(Outcome.SUCCEEDED, What.RETURNED).ends(State.SUCCESS).history(),
    )
    family = parent(children=2)
    yield Rule.TWICE, "one ctx.submit, two tasks", family[0].history(*family[1:])

    yield (
        Rule.STALE,
        "the result of a lost attempt",
        frozen().change(result={"token": "t1/1/x"}, progress=None).history(),
    )
    late = Progress(1.0, "t1/1/x", DAWN)
    yield Rule.STALE, "the progress of a lost attempt", frozen().change(progress=late).history()
    yield (
        Rule.STALE,
        "the error of another attempt",
        failure().change_attempt(2, error=TaskError("Broken", "t1/1/x")).history(),
    )
    half = Progress(0.5, "t1/1/half", DAWN)
    yield Rule.ORDER, "an old progress after the last", success().change(progress=half).history()

    yield Rule.ILLEGAL, "an attempt is missing", retry().change(attempt=3).history()
    yield Rule.ILLEGAL, "still open", success().change_attempt(1, outcome=None, ended_at=None).history()
    yield Rule.ILLEGAL, "failed and yet success", odd_end().history()

    silent = Task().run(Outcome.SUCCEEDED).ends(State.SUCCESS)
    yield Rule.GROUNDLESS, "succeeded, and no handler returned", silent.history()
    raised = Task().run(Outcome.SUCCEEDED, What.RAISED).ends(State.SUCCESS)
    yield Rule.GROUNDLESS, "succeeded, and its handler raised", raised.history()
    fine = Task("give up").run(Outcome.FAILED, What.RETURNED).ends(State.FAILED, Reason.HANDLER)
    yield Rule.GROUNDLESS, "failed, and its handler returned", fine.history()
    hasty = timeout()
    hasty.lines = [
        msgspec.structs.replace(line, at=at) for line, at in zip(hasty.lines, (0.1, 0.2), strict=True)
    ]
    yield Rule.GROUNDLESS, "timed out before its time", hasty.history()
    unseen = timeout_before_its_handler_began()
    unseen.change_attempt(1, started_at=unseen.attempts[0].ended_at)
    yield Rule.GROUNDLESS, "timed out at once, and no handler began", unseen.history()
    lost = Task().run(Outcome.UNDELIVERED).run(Outcome.SUCCEEDED, What.RETURNED).ends(State.SUCCESS)
    lost.lines.insert(1, msgspec.structs.replace(lost.lines[0], what=What.STOPPED, at=1.5))
    yield Rule.GROUNDLESS, "never delivered, and started", lost.history()
    nobody = Task("cancel").run(Outcome.ABORTED, What.STOPPED).ends(State.CANCELLED)
    yield Rule.GROUNDLESS, "aborted, and nobody asked", nobody.history()
    yield Rule.GROUNDLESS, "cancelled, and nobody asked", Task("early cancel").ends(State.CANCELLED).history()
    wrong = Task("thread timeout").run(Outcome.TIMEOUT, What.STOPPED).ends(State.FAILED, Reason.HANDLER)
    yield Rule.GROUNDLESS, "another reason than its attempt's", replace_plan(wrong, "give up").history()

    poison = success().ends(State.FAILED, Reason.EXPIRED)
    poison.attempts.clear()
    poison.lines.clear()
    yield Rule.UNPLANNED, "expired, and was not to", poison.change(attempt=0).history()
    yield (
        Rule.UNPLANNED,
        "another priority than submitted",
        Task("first").run(Outcome.SUCCEEDED, What.RETURNED).ends(State.SUCCESS, priority=5).history(),
    )

    outage = Task().run(Outcome.FAILED, What.RAISED).run(Outcome.SUCCEEDED, What.RETURNED).ends(State.SUCCESS)
    yield Rule.RETRIES, "a retry of a handler that does not fail", outage.history()
    yield Rule.RETRIES, "a retry without an attempt", success().change(retry_count=1).history()

    safe = Task().run(Outcome.LOST, What.STOPPED).run(Outcome.SUCCEEDED, What.RETURNED).ends(State.SUCCESS)
    yield Rule.CRASHES, "lost, and nothing had happened", safe.history()
    other = Task().run(Outcome.LOST, What.STOPPED).struck(Stroke.KILLED, 1.5, TWO)
    yield (
        Rule.CRASHES,
        "another process was killed",
        other.run(Outcome.SUCCEEDED, What.RETURNED).ends(State.SUCCESS).history(),
    )
    yield Rule.CRASHES, "more crashes than losses", success().change(crashes=1).history()
    heard = Task().run(Outcome.LOST, What.STOPPED).struck(Stroke.CUT_OFF, 1.5, until=60.0)
    yield (
        Rule.CRASHES,
        "its worker was only cut off",
        heard.run(Outcome.SUCCEEDED, What.RETURNED, pid=TWO).ends(State.SUCCESS, crashes=1).history(),
    )
    beside = Task().run(Outcome.LOST).struck(Stroke.CUT_OFF, 1.5, until=60.0)
    yield (
        Rule.TOGETHER,
        "an attempt ran on with its network cut",
        beside.run(Outcome.SUCCEEDED, What.RETURNED, pid=TWO).ends(State.SUCCESS).history(),
    )
    many = Task()
    for pid in range(4):
        many.struck(Stroke.KILLED, many.now + 1.5, 200 + pid).run(Outcome.LOST, pid=200 + pid)
    yield (
        Rule.CRASHES,
        "four crashes",
        many.run(Outcome.SUCCEEDED, What.RETURNED).ends(State.SUCCESS).history(),
    )

    kept = Task("cancel").run(Outcome.SUCCEEDED, What.RETURNED).cancel(200).ends(State.SUCCESS)
    yield Rule.CANCEL, "answered 200, ended otherwise", kept.history()
    on = Task("cancel").run(Outcome.RELEASED, What.STOPPED).cancel(202).run(Outcome.SUCCEEDED, What.RETURNED)
    yield Rule.CANCEL, "an attempt after the cancel", on.ends(State.SUCCESS).history()
    both = cancelled().cancel(409)
    yield Rule.CANCEL, "refused, and cancelled", both.history()
    yield Rule.CANCEL, "answered 404", success().cancel(404).history()

    eager = delayed()
    eager.lines = [msgspec.structs.replace(line, at=line.at - 1.5) for line in eager.lines]
    yield Rule.EARLY, "before its delay was over", eager.history()
    hurried = retry()
    hurried.lines[2:] = [msgspec.structs.replace(line, at=line.at - 0.9) for line in hurried.lines[2:]]
    yield Rule.EARLY, "before the pause between retries was over", hurried.history()

    beside = handed_back()
    beside.lines[1] = msgspec.structs.replace(beside.lines[1], at=8.0)
    yield Rule.TOGETHER, "its process was well, and its attempt ran on", beside.history()
    yield Rule.TOGETHER, "an attempt started twice", success().write(What.STARTED, 1, 1.1, TWO).history()
    before = crash()
    before.strikes = [Strike(ONE, Stroke.KILLED, 30.0)]
    before.lines.insert(1, msgspec.structs.replace(before.lines[0], what=What.STOPPED, at=9.0))
    yield Rule.TOGETHER, "its process was killed only later", before.history()

    stranger = Task(id="t2", accepted=False).run(Outcome.SUCCEEDED, What.RETURNED)
    yield Rule.UNKNOWN, "a task that nobody was told of", success().history(stranger)
    extra = success().write(What.STARTED, 2, 5.0).write(What.STOPPED, 2, 5.5)
    yield Rule.UNKNOWN, "an attempt that the books do not have", extra.history()

    yield Rule.DATES, "ended before it started", success().change_attempt(1, started_at=date(3000)).history()
    yield Rule.DATES, "created an hour before the run", success().change(created_at=date(-3600)).history()
    ahead = {"finished_at": date(13_600)}
    yield Rule.DATES, "finished an hour after it", success().change(**ahead).history()
    books_early = delayed().change_attempt(1, started_at=date(0.5))
    yield Rule.DATES, "started before it was due", books_early.history()

    slow = crash()
    slow.strikes = [Strike(ONE, Stroke.KILLED, -43.0)]
    yield Rule.LATE, "46 s after its worker was killed", slow.history()


def refused(words: str | None) -> History:
    history = success().history()
    unanswered = Submit(KINDS["async"], "key", 0.0, 90.0, tries=20, refused=words)
    return replace(history, submits=[*history.submits, unanswered])


def odd_end() -> Task:
    """All is as with a cancelled task, but for its last state."""
    told = Task("cancel").run(Outcome.ABORTED, What.STOPPED).cancel(202).ends(State.CANCELLED)
    return told.change(status=State.FAILED, reason=Reason.EXPIRED)


def replace_plan(task: Task, name: str) -> Task:
    task.plan = replace(KINDS[name], type=task.plan.type, options=task.plan.options)
    return task


def rules(history: History) -> set[Rule]:
    return {violation.rule for violation in check(history)}


BROKEN = list(broken())


# Some cannot be broken alone.
WITH: Final = {
    Rule.TWICE: {Rule.ILLEGAL, Rule.CANCEL},
    Rule.STALE: {Rule.ORDER},
    Rule.ILLEGAL: {Rule.GROUNDLESS, Rule.UNPLANNED},
}


@pytest.mark.parametrize(("rule", "history"), [(r, h) for r, _, h in BROKEN], ids=[w for _, w, _ in BROKEN])
def test_what_is_wrong_is_said(rule: Rule, history: History) -> None:
    found = rules(history)
    assert rule in found
    assert found - {rule} <= WITH.get(rule, set()), check(history)


def test_where_several_servers_store_what_a_worker_says_the_end_wins_over_what_comes_late() -> None:
    history = success().change(progress=Progress(0.5, "t1/1/half", DAWN)).history()
    assert rules(history) == {Rule.ORDER}
    assert rules(replace(history, in_order=False)) == set()


def test_every_rule_is_broken_once() -> None:
    """But for the one about processes, which is not found in histories."""
    assert {rule for rule, _, _ in BROKEN} == set(Rule) - {Rule.PROCESS}


def test_it_says_so_in_words() -> None:
    (violation,) = check(success().change(status=State.QUEUED).history())
    assert str(violation) == "accepted, and lost: task t1: async was accepted, and is still queued"
