"""reports → store: decide what each means, write in batches, acknowledge after the commit.

An outage costs nothing: the batch is kept and tried again until it is stored. What was stored the first time is answered
`duplicate` the second, so trying again is harmless.
"""

import asyncio
import random
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, Protocol, TypeVar

from taskflow_hub.broker.base import EngineSide, ReportBatch
from taskflow_hub.domain import jsontext, moves
from taskflow_hub.domain.decide import on_failure
from taskflow_hub.domain.errors import TaskflowError
from taskflow_hub.domain.lifecycle import State
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
from taskflow_hub.engine.batching import Raised, bisect
from taskflow_hub.engine.hints import Hints, Topic
from taskflow_hub.engine.loop import Loop
from taskflow_hub.engine.metrics import Metrics
from taskflow_hub.engine.results import INLINE_MAX, RESULT_MAX, FolderResults
from taskflow_hub.store.base import Reads, TaskStore

LIMIT: Final = 2000
WAIT_S: Final = 0.5  # how long a stop may have to wait for an idle collect
AGAIN_S: Final = 0.5  # pause after an outage before the same batch is tried again

M = TypeVar("M")


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
        chance: Callable[[], float] = random.random,
    ) -> None:
        super().__init__(interval_s=AGAIN_S)
        self._store, self._broker, self._results = store, broker, results
        self._hints, self._metrics, self._chance = hints, metrics, chance
        self._result_ttl_s = result_ttl_s
        self._unstored: ReportBatch | None = None  # collected, but the store could not take it

    async def tick(self) -> float | None:
        batch = self._unstored or await self._broker.collect(LIMIT, WAIT_S)
        if batch.reports:
            self._unstored = batch
            await self._store_all(batch.reports)
            await batch.ack()
        self._unstored = None
        return 0.0

    async def _store_all(self, reports: Sequence[Report]) -> None:
        """Everything of one batch goes to the store at once, so that it shares a commit; one call per verb."""
        of: dict[type, list[Any]] = defaultdict(list)
        for report in reports:
            of[type(report)].append(report)
        succeeds, rejected = await self._succeeds(of[Succeeded])
        retries, fails = await self._failures(of[Failed])
        snoozes = [
            moves.Snooze(id=r.id, attempt=r.attempt, ran_s=r.ran_s, delay_s=r.seconds, until=r.until)
            for r in of[Snoozed]
        ]
        releases = [moves.Release(id=r.id, attempt=r.attempt, ran_s=r.ran_s) for r in of[Released]]
        aborts = [moves.Abort(id=r.id, attempt=r.attempt, ran_s=r.ran_s) for r in of[Aborted]]
        store = self._store
        await asyncio.gather(
            self._observe(of[Progressed]),
            self._apply(store.succeed, succeeds, AttemptOutcome.SUCCEEDED, State.SUCCESS),
            self._apply(store.retry, retries, AttemptOutcome.FAILED, None),
            self._apply(store.fail, [*fails, *rejected], AttemptOutcome.FAILED, State.FAILED),
            self._apply(store.snooze, snoozes, AttemptOutcome.SNOOZED, None),
            self._apply(store.release, releases, AttemptOutcome.RELEASED, None),
            self._apply(store.abort, aborts, AttemptOutcome.ABORTED, State.CANCELLED),
        )
        if of[Logged]:
            await store.log(of[Logged])
        timed = Topic.DUE if retries or snoozes else Topic.WORK
        self._hints.changed([report.id for report in reports], Topic.WORK, timed)

    async def _observe(self, progressed: Sequence[Progressed]) -> None:
        if progressed:
            await self._store.progress(progressed)

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
        unstorable = [
            item for item, verdict in zip(items, verdicts, strict=True) if isinstance(verdict, Raised)
        ]
        if unstorable:
            await self._reject(unstorable, next(v.error for v in verdicts if isinstance(v, Raised)))
        applied = sum(verdict is Verdict.APPLIED for verdict in verdicts)
        aborted = sum(verdict is Verdict.ABORTED for verdict in verdicts)
        self._metrics.attempts(outcome, applied)
        self._metrics.attempts(AttemptOutcome.ABORTED, aborted)
        if final is not None:
            self._metrics.finished(final, applied)
        self._metrics.finished(State.CANCELLED, aborted)
        self._metrics.stale.inc(sum(verdict is Verdict.STALE for verdict in verdicts))
        self._metrics.duplicates.inc(sum(verdict is Verdict.DUPLICATE for verdict in verdicts))
        self._metrics.ran(item.ran_s for item in items if item.ran_s is not None)  # type: ignore[attr-defined]

    async def _reject(self, unstorable: Sequence[Any], error: Exception) -> None:
        """The store is there, yet will not have these: they fail, so that one bad report never stops the rest."""
        if isinstance(error, TaskflowError) and error.code.startswith("store_"):
            raise error  # an outage: keep the batch
        self.log.error(
            "reports could not be stored", tasks=[item.id for item in unstorable], error=repr(error)
        )
        await self._store.fail(
            [_rejected(item.id, item.attempt, item.ran_s, repr(error)) for item in unstorable]
        )

    async def _succeeds(self, reports: Sequence[Succeeded]) -> tuple[list[moves.Succeed], list[moves.Fail]]:
        succeeds, rejected = [], []
        for report in reports:
            wrong = _wrong_with(report)
            if wrong:
                rejected.append(_rejected(report.id, report.attempt, report.ran_s, wrong))
            elif len(report.result) <= INLINE_MAX:
                succeeds.append(
                    moves.Succeed(
                        id=report.id, attempt=report.attempt, ran_s=report.ran_s, result=report.result
                    )
                )
            else:
                ref = await self._results.write(
                    report.id, report.attempt, bytes(report.result), self._result_ttl_s
                )
                succeeds.append(
                    moves.Succeed(id=report.id, attempt=report.attempt, ran_s=report.ran_s, result_ref=ref)
                )
        return succeeds, rejected

    async def _failures(self, reports: Sequence[Failed]) -> tuple[list[moves.Retry], list[moves.Fail]]:
        """A failure is read, decided, and written fenced; a task that is gone or has moved on makes the write stale."""
        if not reports:
            return [], []
        tasks = await self._store.tasks([report.id for report in reports])
        decided = [
            on_failure(report, tasks[report.id], self._chance) for report in reports if report.id in tasks
        ]
        return (
            [move for move in decided if isinstance(move, moves.Retry)],
            [move for move in decided if isinstance(move, moves.Fail)],
        )


def _wrong_with(report: Succeeded) -> str | None:
    if len(report.result) > RESULT_MAX:
        return f"The result has {len(report.result)} bytes; at most {RESULT_MAX} are allowed."
    if report.result == NULL:
        return None
    try:
        jsontext.decode_any(bytes(report.result), "/result")
    except TaskflowError as error:
        return error.detail
    return None


def _rejected(task_id: str, attempt: int, ran_s: float | None, why: str) -> moves.Fail:
    error = TaskError("ResultRejected", f"The handler succeeded, but its result cannot be stored. {why}")
    return moves.Fail(id=task_id, attempt=attempt, ran_s=ran_s, reason=Reason.RESULT_REJECTED, error=error)
