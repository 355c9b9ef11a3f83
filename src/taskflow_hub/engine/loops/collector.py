"""reports → store: decide what each means, write in batches, acknowledge after the commit.

An outage costs nothing: the batch is kept and tried again until it is stored. What was stored the first time is answered
`duplicate` the second, so trying again is harmless.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, Protocol, TypeVar

from msgspec import Raw

from taskflow_hub.broker.base import EngineSide, ReportBatch
from taskflow_hub.domain import jsontext, moves
from taskflow_hub.domain.decide import on_failure, on_snooze
from taskflow_hub.domain.errors import Invalid, TooLarge, Unavailable
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.limits import RESULT_MAX
from taskflow_hub.domain.messages import (
    Aborted,
    Failed,
    Logged,
    Progressed,
    Released,
    Report,
    Snoozed,
    Succeeded,
)
from taskflow_hub.domain.model import NULL, AttemptOutcome, Reason, TaskError
from taskflow_hub.domain.moves import Verdict
from taskflow_hub.engine.batching import Raised, bisect, refused
from taskflow_hub.engine.hints import Hints, Topic
from taskflow_hub.engine.loop import Loop
from taskflow_hub.engine.metrics import Metrics
from taskflow_hub.engine.results import INLINE_MAX, FolderResults
from taskflow_hub.store.base import Reads, TaskStore

LIMIT: Final = 2000
WAIT_S: Final = 0.5  # how long a stop may have to wait for an idle collect
AGAIN_S: Final = 0.5  # pause after an outage before the same batch is tried again

Ended = moves.Succeed | moves.Retry | moves.Fail | moves.Snooze | moves.Release | moves.Abort
M = TypeVar("M", moves.Succeed, moves.Retry, moves.Fail, moves.Snooze, moves.Release, moves.Abort)
R = TypeVar("R", Progressed, Logged)


class _Store(TaskStore, Reads, Protocol): ...


class Collector(Loop):
    def __init__(
        self,
        store: _Store,
        broker: EngineSide,
        results: FolderResults,
        hints: Hints,
        metrics: Metrics,
        *,
        result_ttl_s: float | None,
        chance: Callable[[], float],
        on_ended: Callable[[Sequence[str]], None],
    ) -> None:
        super().__init__(interval_s=AGAIN_S)
        self._store, self._broker, self._results = store, broker, results
        self._hints, self._metrics, self._chance = hints, metrics, chance
        self._on_ended = on_ended
        self._result_ttl_s = result_ttl_s
        self._unstored: ReportBatch | None = None  # collected, but the store could not take it

    async def tick(self) -> float | None:
        batch = self._unstored or await self._broker.collect(LIMIT, WAIT_S)
        if batch.reports:
            self._unstored = batch
            await batch.ack(but=await self._store_all(batch.reports))
        self._unstored = None
        return 0.0

    async def _store_all(self, reports: Sequence[Report]) -> Sequence[Report]:
        """All ends of one batch go to the store at once, so that they share a commit; one call per verb.

        Returns the reports that are not stored because their large result could not be written: they are not acknowledged,
        so their worker sends them again, and nobody else waits for them.
        """
        of: dict[type, list[Any]] = defaultdict(list)
        for report in reports:
            of[type(report)].append(report)
        succeeds, rejected, unwritten = await self._succeeds(of[Succeeded])
        retries, fails = await self._failures(of[Failed])
        snoozes = [on_snooze(report) for report in of[Snoozed]]
        releases = [moves.Release(id=r.id, attempt=r.attempt, ran_s=r.ran_s) for r in of[Released]]
        aborts = [moves.Abort(id=r.id, attempt=r.attempt, ran_s=r.ran_s) for r in of[Aborted]]
        store = self._store
        # First what was said: progress is refused once its attempt has ended, and who sees the end looks for the lines.
        await _all(self._note(store.progress, of[Progressed]), self._note(store.log, of[Logged]))
        await _all(
            self._apply(store.succeed, succeeds, AttemptOutcome.SUCCEEDED, State.SUCCESS),
            self._apply(store.retry, retries, AttemptOutcome.FAILED, None),
            self._apply(store.fail, [*fails, *rejected], AttemptOutcome.FAILED, State.FAILED),
            self._apply(store.snooze, snoozes, AttemptOutcome.SNOOZED, None),
            self._apply(store.release, releases, AttemptOutcome.RELEASED, None),
            self._apply(store.abort, aborts, AttemptOutcome.ABORTED, State.CANCELLED),
        )
        timed = (Topic.DUE,) if retries or snoozes else ()
        self._hints.changed([report.id for report in reports], Topic.WORK, *timed)
        return unwritten

    async def _note(self, verb: Callable[[Sequence[R]], Awaitable[object]], reports: Sequence[R]) -> None:
        """Progress and log lines: what the store will not have is dropped, and said."""
        if not reports:
            return

        async def write(some: Sequence[R]) -> Sequence[None]:
            await verb(some)
            return [None] * len(some)

        for report, error in refused(reports, await bisect(write, reports)):
            self.log.error("report dropped", task=report.id, attempt=report.attempt, error=repr(error))

    async def _apply(
        self,
        verb: Callable[[Sequence[M]], Awaitable[list[Verdict]]],
        items: list[M],
        outcome: AttemptOutcome,
        final: State | None,
    ) -> None:
        if not items:
            return
        verdicts = await bisect(verb, items)
        self._count(items, verdicts, outcome, final)
        if unstorable := refused(items, verdicts):
            await self._reject(unstorable)

    async def _reject(self, unstorable: Sequence[tuple[Ended, Exception]]) -> None:
        """The store is there, yet will not have these: they fail, so that one bad report never stops the rest."""
        fails = [_rejected(item.id, item.attempt, None, repr(error)) for item, error in unstorable]
        verdicts = await bisect(self._store.fail, fails)
        self._count(fails, verdicts, AttemptOutcome.FAILED, State.FAILED)
        for item, error in unstorable:
            self.log.error("report rejected", task=item.id, attempt=item.attempt, error=repr(error))
        for item, error in refused(fails, verdicts):  # not even that: heartbeats will miss the attempt
            self.log.error("report dropped", task=item.id, attempt=item.attempt, error=repr(error))

    def _count(
        self,
        items: Sequence[Ended],
        verdicts: Sequence[Verdict | Raised],
        outcome: AttemptOutcome,
        final: State | None,
    ) -> None:
        applied = [item for item, verdict in zip(items, verdicts, strict=True) if verdict is Verdict.APPLIED]
        aborted = verdicts.count(Verdict.ABORTED)
        for how, count in Counter(getattr(item, "outcome", outcome) for item in applied).items():
            self._metrics.attempts(how, count)
        self._metrics.attempts(AttemptOutcome.ABORTED, aborted)
        if final is not None:
            self._metrics.finished(final, len(applied))
            self._on_ended([item.id for item in applied])
        self._metrics.failed(item.reason for item in applied if isinstance(item, moves.Fail))
        self._metrics.retries.inc(sum(isinstance(item, moves.Retry) for item in applied))
        self._metrics.finished(State.CANCELLED, aborted)
        self._metrics.stale.inc(verdicts.count(Verdict.STALE))
        self._metrics.duplicates.inc(verdicts.count(Verdict.DUPLICATE))
        self._metrics.ran(item.ran_s for item in applied if item.ran_s is not None)

    async def _succeeds(
        self, reports: Sequence[Succeeded]
    ) -> tuple[list[moves.Succeed], list[moves.Fail], list[Succeeded]]:
        """What is to be stored, what must not be, and what could not be written."""
        succeeds: list[moves.Succeed] = []
        rejected: list[moves.Fail] = []
        large = [report for report in reports if len(report.result) > INLINE_MAX]
        outcomes = dict(zip(map(id, large), await asyncio.gather(*map(self._keep, large)), strict=True))
        unwritten = []
        for report in reports:
            match outcomes.get(id(report)) or _inline(report):
                case moves.Succeed() as succeed:
                    succeeds.append(succeed)
                case Invalid() as error:
                    rejected.append(_rejected(report.id, report.attempt, report.ran_s, error.detail))
                case Unavailable() as error:
                    self.log.warning("large result not written", task=report.id, why=error.detail)
                    unwritten.append(report)
        return succeeds, rejected, unwritten

    async def _keep(self, report: Succeeded) -> moves.Succeed | Invalid | Unavailable:
        """Check and write a large result, off the event loop."""
        try:
            result = await asyncio.to_thread(_checked, report.result)
            ref = await self._results.write(report.id, report.attempt, result, self._result_ttl_s)
        except (Invalid, Unavailable) as error:
            return error
        return moves.Succeed(id=report.id, attempt=report.attempt, ran_s=report.ran_s, result_ref=ref)

    async def _failures(self, reports: Sequence[Failed]) -> tuple[list[moves.Retry], list[moves.Fail]]:
        """A failure is read, decided, and written fenced; a task that is gone or has moved on makes the write stale."""
        if not reports:
            return [], []
        tasks = await self._store.tasks([report.id for report in reports])
        decided = [
            on_failure(report, tasks[report.id], self._chance) for report in reports if report.id in tasks
        ]
        self._metrics.stale.inc(len(reports) - len(decided))
        return (
            [move for move in decided if isinstance(move, moves.Retry)],
            [move for move in decided if isinstance(move, moves.Fail)],
        )


async def _all(*writes: Awaitable[None]) -> None:
    """Wait for every one, then raise what the first raised: nothing is left running behind a failed tick."""
    for outcome in await asyncio.gather(*writes, return_exceptions=True):
        if isinstance(outcome, BaseException):
            raise outcome


def _inline(report: Succeeded) -> moves.Succeed | Invalid:
    try:
        _checked(report.result)
    except Invalid as error:
        return error
    return moves.Succeed(id=report.id, attempt=report.attempt, ran_s=report.ran_s, result=report.result)


def _checked(result: Raw) -> bytes:
    """The JSON text. Raises Invalid."""
    if len(result) > RESULT_MAX:
        raise TooLarge(f"The result has {len(result)} bytes; at most {RESULT_MAX} are allowed.")
    text = bytes(result)
    if result != NULL:
        jsontext.decode_any(text, "/result")
    return text


def _rejected(task_id: str, attempt: int, ran_s: float | None, why: str) -> moves.Fail:
    error = TaskError("ResultRejected", f"What the handler ended with cannot be stored. {why}")
    return moves.Fail(id=task_id, attempt=attempt, ran_s=ran_s, reason=Reason.RESULT_REJECTED, error=error)
