"""What is known of a run from outside: what was asked and answered, what handlers did, what was done to processes, and what
the hub's books say at the end.

Times are seconds of CLOCK_MONOTONIC, but for those inside a `Book`, which are the hub's own.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Any, NamedTuple

import msgspec
from tests.crash.chaos.lines import Line, What
from tests.crash.chaos.plans import CHILD, Plan

from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.model import Attempt, Progress, Reason, TaskError


@dataclass(frozen=True)
class Submit:
    """One POST /tasks, repeated with its Idempotency-Key until it was answered. `id` None: it was not accepted.

    `refused` is the answer, other than "later", that ended the trying; `tries` counts all calls.
    """

    plan: Plan
    key: str
    asked_at: float
    answered_at: float
    tries: int = 1
    id: str | None = None
    refused: str | None = None


@dataclass(frozen=True)
class Cancel:
    """One POST /tasks/{id}/cancel, repeated until it was answered. `attempt` is the task's in that answer."""

    id: str
    answered_at: float
    status: int  # 200: cancelled; 202: asked; 409: had ended; anything else is wrong
    attempt: int | None = None
    words: str = ""


class Stroke(StrEnum):
    KILLED = "killed"
    STOPPED = "stopped"
    CUT_OFF = "cut off"


@dataclass(frozen=True)
class Strike:
    """What was done to a process, and from when until when nobody could know what becomes of its attempts."""

    pid: int
    stroke: Stroke
    at: float
    until: float = math.inf

    def meets(self, run: "Run") -> bool:
        ended_at = run.ended.at if run.ended is not None else math.inf
        return self.pid == run.started.pid and run.started.at <= self.until and ended_at >= self.at


class BookedTask(msgspec.Struct, frozen=True, kw_only=True):
    """Of `GET /tasks/{id}`, what is looked at."""

    id: str
    type: str
    priority: int
    status: State
    reason: Reason | None = None
    attempt: int = 0
    retry_count: int = 0
    max_retries: int | None = None
    crashes: int = 0
    timeout: float | None = None
    created_at: datetime
    finished_at: datetime | None = None
    progress: Progress | None = None
    result: Any = None
    error: TaskError | None = None


class Book(NamedTuple):
    """A task by the hub's books: `GET /tasks/{id}` and `/attempts`."""

    task: BookedTask
    attempts: Sequence[Attempt]


@dataclass(frozen=True)
class Run:
    """One attempt, as its handler saw it."""

    started: Line
    ended: Line | None


@dataclass(frozen=True, kw_only=True)
class History:
    """`began` and `over`: the run lies between these dates. `in_order`: what a worker says is stored as it was said."""

    submits: Sequence[Submit]
    lines: Sequence[Line]
    cancels: Sequence[Cancel]
    strikes: Sequence[Strike]
    books: Mapping[str, Book]
    began: datetime
    over: datetime
    in_order: bool = True

    @cached_property
    def cases(self) -> tuple["Case", ...]:
        """Every accepted task, those that handlers submitted included."""
        lines, cancels = defaultdict[str, list[Line]](list), defaultdict[str, list[Cancel]](list)
        for line in self.lines:
            lines[line.id].append(line)
        for cancel in self.cancels:
            cancels[cancel.id].append(cancel)
        accepted = [submit for submit in self.submits if submit.id is not None]
        known = {submit.id for submit in accepted}
        for line in self.lines:
            if line.what is What.SUBMITTED and line.token not in known:
                known.add(line.token)
                accepted.append(Submit(CHILD, "", line.at, line.at, id=line.token))
        return tuple(
            Case(
                submit.id,
                submit,
                self.books.get(submit.id),
                tuple(lines[submit.id]),
                tuple(cancels[submit.id]),
            )
            for submit in accepted
            if submit.id is not None
        )

    @cached_property
    def struck(self) -> Set[int]:
        return {strike.pid for strike in self.strikes}

    @cached_property
    def killed(self) -> Set[int]:
        return {strike.pid for strike in self.strikes if strike.stroke is Stroke.KILLED}

    def excused(self, run: "Run") -> bool:
        """Whether something had been done to the process that ran it. A cut network is no excuse: a worker that nobody hears
        stops its attempts before anybody else gets them."""
        return any(strike.meets(run) for strike in self.strikes if strike.stroke is not Stroke.CUT_OFF)

    @cached_property
    def _pids(self) -> Mapping[str, int]:
        """Whose worker id is whose: the books name workers, the lines name processes."""
        found: dict[str, int] = {}
        for case in self.cases:
            for attempt in case.book.attempts if case.book else ():
                run = case.runs.get(attempt.attempt)
                if attempt.worker is not None and run is not None:
                    found.setdefault(attempt.worker, run.started.pid)
        return found

    def pid_of(self, case: "Case", attempt: Attempt) -> int | None:
        """The process it was leased for, also where its handler never started."""
        run = case.runs.get(attempt.attempt)
        return run.started.pid if run is not None else self._pids.get(attempt.worker or "")


@dataclass(frozen=True)
class Case:
    """All that is known of one accepted task."""

    id: str
    submit: Submit
    book: Book | None
    lines: tuple[Line, ...]
    cancels: tuple[Cancel, ...]

    @property
    def plan(self) -> Plan:
        return self.submit.plan

    @cached_property
    def runs(self) -> Mapping[int, Run]:
        """By attempt; of what is written twice, the first."""
        starts: dict[int, Line] = {}
        ends: dict[int, Line] = {}
        for line in self.lines:
            if line.what is What.STARTED:
                starts.setdefault(line.attempt, line)
            elif line.what is not What.SUBMITTED:
                ends.setdefault(line.attempt, line)
        return {attempt: Run(line, ends.get(attempt)) for attempt, line in starts.items()}

    @cached_property
    def effects(self) -> int:
        """How often its work was done to the end."""
        return sum(line.what is What.RETURNED for line in self.lines)

    @cached_property
    def over_at(self) -> float | None:
        """When the code of the attempt that ended the task was done."""
        if self.book is None or not self.book.attempts:
            return None
        run = self.runs.get(self.book.attempts[-1].attempt)
        return run.ended.at if run is not None and run.ended is not None else None
