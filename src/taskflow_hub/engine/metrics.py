"""What Prometheus is told. Names and labels use the glossary's words; no ids in labels.

Counters are of this process, and begin anew with it. What all processes would say alike, how full queues are and who works, is
not counted here but looked up when Prometheus asks (scrape.py).
"""

from collections import Counter as Tally
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal

from msgspec import Struct
from prometheus_client import CollectorRegistry, Counter, Gauge

from taskflow_hub.domain import moves
from taskflow_hub.domain.lifecycle import FINAL, State
from taskflow_hub.domain.model import AttemptOutcome, Reason
from taskflow_hub.domain.moves import Verdict
from taskflow_hub.domain.schedule import Cause, FireOutcome
from taskflow_hub.engine.histogram import BUCKETS_S, SHORT_S, Histogram
from taskflow_hub.store.values import Followed, Submitted

MAX_NAMES: Final = 200
OTHER: Final = "other"
MISSED_BY: Final = (Cause.DOWNTIME, Cause.REFUSED, Cause.CHANGED)


class Names:
    """Callers choose the names of queues and types, so a label takes only the first MAX_NAMES of them; the rest is `other`."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def label(self, name: str) -> str:
        if name not in self._known:
            if len(self._known) >= MAX_NAMES:
                return OTHER
            self._known.add(name)
        return name


class Described(Struct, frozen=True):
    """A metric as the documentation tells of it; `name` as it is exposed, without the suffixes of a histogram's series."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    labels: tuple[str, ...]
    about: str
    looked_up: bool = False  # for each scrape, and of the whole hub


class Metrics:
    """One process's numbers, in a registry of their own."""

    def __init__(self, version: str) -> None:
        self.registry = CollectorRegistry()
        self.described: list[Described] = []
        self.queue_names, self._types, self.limit_kinds = Names(), Names(), Names()
        self._submitted_to: dict[
            tuple[str, str], Counter
        ] = {}  # by labels, which the library takes long to look up

        self._submitted = self._counter(
            "taskflow_tasks_submitted",
            "Tasks committed by a submit, by a schedule or by a workflow.",
            "queue",
            "type",
        )
        self.workflows = self._counter(
            "taskflow_workflows_submitted", "Workflows committed by a submit or by a schedule."
        )
        self._finished = self._counter(
            "taskflow_tasks_finished",
            "Tasks that became final, by status: ended by a report, by time, by a cancel or by their workflow.",
            "status",
            known=((status,) for status in FINAL),
        )
        self._failed = self._counter(
            "taskflow_tasks_failed",
            "Those of them that are failed, by reason.",
            "reason",
            known=((reason,) for reason in Reason),
        )
        self.redriven = self._counter(
            "taskflow_tasks_redriven",
            "Final tasks that run, or wait, again: redriven, or their workflow was.",
        )
        self._attempts = self._counter(
            "taskflow_attempts",
            "Attempts ended, by how.",
            "outcome",
            known=((outcome,) for outcome in AttemptOutcome),
        )
        self.leased = self._counter("taskflow_leases", "Attempts opened.")
        self._leases_lost = self._counter(
            "taskflow_leases_lost",
            "Attempts taken from a worker: it was dead (lost), or had never got them (undelivered).",
            "outcome",
            known=((AttemptOutcome.LOST,), (AttemptOutcome.UNDELIVERED,)),
        )
        self.retries = self._counter(
            "taskflow_retries", "Attempts that failed and whose task is tried again by its policy."
        )
        self.stale = self._counter(
            "taskflow_stale_reports_refused", "Reports of attempts that had lost their lease."
        )
        self.duplicates = self._counter("taskflow_duplicate_reports", "Reports that came again.")
        self.workers_lost = self._counter("taskflow_workers_lost", "Workers taken for dead.")
        self._wait_s = self._histogram(
            "taskflow_wait_seconds",
            "How long tasks waited for their last attempt: looked up after their end, of a sample where they are many.",
        )
        self._run_s = self._histogram("taskflow_run_seconds", "How long attempts ran.")
        self._ticks = self._counter(
            "taskflow_schedule_ticks",
            "Ticks of schedules that were decided, by outcome and reason.",
            "outcome",
            "reason",
            known=((FireOutcome.FIRED, ""), *((FireOutcome.MISSED, cause) for cause in MISSED_BY)),
        )
        self._lateness_s = self._histogram(
            "taskflow_schedule_lateness_seconds",
            "From the planned moment of a tick to the start of its task.",
        )
        self.dead_entries = self._counter(
            "taskflow_broker_dead_entries", "Messages that could not be read and were put aside."
        )
        self.http = self._histogram(
            "taskflow_http_request_seconds",
            "From a request to the start of its answer; status is its class, or none where nobody was left to answer.",
            "route",
            "method",
            "status",
            bounds=SHORT_S,
        )
        self.http_in_flight = self._gauge(
            "taskflow_http_requests_in_flight", "Requests not yet answered to the end, streams included."
        )
        self.rate_limited = self._counter(
            "taskflow_requests_rate_limited",
            "Requests refused because a key or an address asked too often.",
            "limit",
            known=(("address",), ("key",)),
        )
        self._transaction_s = self._histogram(
            "taskflow_db_transaction_seconds",
            "Transactions of the database, from taking the connection to the commit; those that failed, too.",
            "kind",
            bounds=SHORT_S,
        )
        self._loop_lag_s = self._histogram(
            "taskflow_event_loop_lag_seconds",
            "How late the event loop was when it was to wake after a second.",
            bounds=SHORT_S,
        )
        self.loop_errors = self._counter("taskflow_loop_errors", "Ticks that raised.", "loop")
        self._gauge("taskflow_build_info", "Always 1.", "version").labels(version).set(1)

    def _counter(self, name: str, about: str, *labels: str, known: Iterable[tuple[str, ...]] = ()) -> Counter:
        """`known`: labels that are told from the start, at 0. Of a series that begins at 1, `increase` sees nothing."""
        self.described.append(Described(f"{name}_total", "counter", labels, about))
        counter = Counter(name, about, labels, registry=self.registry)
        for values in known:
            counter.labels(*values)
        return counter

    def _gauge(self, name: str, about: str, *labels: str) -> Gauge:
        self.described.append(Described(name, "gauge", labels, about))
        return Gauge(name, about, labels, registry=self.registry)

    def _histogram(
        self, name: str, about: str, *labels: str, bounds: Sequence[float] = BUCKETS_S
    ) -> Histogram:
        self.described.append(Described(name, "histogram", labels, about))
        return Histogram(name, about, labels, bounds=bounds, registry=self.registry)

    def submitted(self, outcome: Submitted) -> None:
        created = (task for task, new in zip(outcome.tasks, outcome.created, strict=True) if new)
        self._made(Tally((task.queue, task.type) for task in created))

    def followed(self, what: Followed) -> None:
        """What transactions made of tasks without saying so in their answers; called in threads of the store."""
        self._made(what.made)
        self.redriven.inc(what.again)
        for (status, reason), count in what.ended.items():
            self.finished(status, count)
            if reason is not None:
                self._failed.labels(reason).inc(count)

    def _made(self, counts: Mapping[tuple[str, str], int]) -> None:
        for (queue, type), count in counts.items():
            labels = self.queue_names.label(queue), self._types.label(type)
            if labels not in self._submitted_to:
                self._submitted_to[labels] = self._submitted.labels(*labels)
            self._submitted_to[labels].inc(count)

    def finished(self, status: str, count: int) -> None:
        if count:
            self._finished.labels(status).inc(count)

    def failed(self, reasons: Iterable[Reason]) -> None:
        """Tasks that `finished` was told of."""
        for reason, count in Tally(reasons).items():
            self._failed.labels(reason).inc(count)

    def attempts(self, outcome: str, count: int) -> None:
        if count:
            self._attempts.labels(outcome).inc(count)

    def lost(
        self,
        outcome: str,
        lost: Sequence[Verdict],
        failed: Sequence[Verdict],
        fails: Sequence[moves.Fail],
    ) -> int:
        """Count what came of attempts that `lose` and `fail` ended for a worker; returns how many were moved.

        `fails` are what `failed` answers."""
        applied, aborted = lost.count(Verdict.APPLIED), lost.count(Verdict.ABORTED)
        ended = [one.reason for one, verdict in zip(fails, failed, strict=True) if verdict is Verdict.APPLIED]
        moved = applied + aborted + len(ended)
        self.attempts(outcome, applied + len(ended))
        self.attempts(AttemptOutcome.ABORTED, aborted)
        self.finished(State.FAILED, len(ended))
        self.failed(ended)
        self.finished(State.CANCELLED, aborted)
        if moved:
            self._leases_lost.labels(outcome).inc(moved)
        return moved

    def ticks(self, counts: Mapping[tuple[FireOutcome, Cause | None], int]) -> None:
        for (outcome, reason), count in counts.items():
            self._ticks.labels(outcome, reason or "").inc(count)

    def lateness(self, seconds: Iterable[float]) -> None:
        self._lateness_s.observe(seconds)

    def ran(self, seconds: Iterable[float]) -> None:
        self._run_s.observe(seconds)

    def waited(self, seconds: Iterable[float], times: int) -> None:
        """Each stands for so many tasks."""
        self._wait_s.observe(seconds, times=times)

    def transaction(self, kind: str, seconds: float) -> None:
        self._transaction_s.observe((seconds,), (kind,))

    def loop_lag(self, seconds: float) -> None:
        self._loop_lag_s.observe((seconds,))
