"""What Prometheus is told. Names and labels use the glossary's words; no ids in labels."""

from collections import Counter as Tally
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.model import AttemptOutcome
from taskflow_hub.domain.moves import Verdict
from taskflow_hub.domain.schedule import Cause, FireOutcome
from taskflow_hub.store.values import Submitted

MAX_NAMES: Final = 200
LATENCY_BUCKETS: Final = (
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
    30.0,
    60.0,
    300.0,
    3600.0,
)


class Names:
    """Callers choose the names of queues and types, so a label takes only the first MAX_NAMES of them; the rest is `other`."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def label(self, name: str) -> str:
        if name not in self._known:
            if len(self._known) >= MAX_NAMES:
                return "other"
            self._known.add(name)
        return name


class Metrics:
    """One process's numbers, in a registry of their own."""

    def __init__(self, version: str) -> None:
        self.registry = CollectorRegistry()
        self._queues, self._types = Names(), Names()
        self._submitted_to: dict[
            tuple[str, str], Counter
        ] = {}  # by labels, which the library takes long to look up
        self._submitted = Counter(
            "taskflow_tasks_submitted",
            "Tasks committed by a submit.",
            ["queue", "type"],
            registry=self.registry,
        )
        self.workflows = Counter(
            "taskflow_workflows_submitted", "Workflows committed by a submit.", registry=self.registry
        )
        self._finished = Counter(
            "taskflow_tasks_finished",
            "Tasks that became final, by status.",
            ["status"],
            registry=self.registry,
        )
        self._attempts = Counter(
            "taskflow_attempts", "Attempts ended, by how.", ["outcome"], registry=self.registry
        )
        self.leased = Counter("taskflow_leases", "Attempts opened.", registry=self.registry)
        self.stale = Counter(
            "taskflow_stale_reports_refused",
            "Reports of attempts that had lost their lease.",
            registry=self.registry,
        )
        self.duplicates = Counter(
            "taskflow_duplicate_reports", "Reports that came again.", registry=self.registry
        )
        self.workers_lost = Counter(
            "taskflow_workers_lost", "Workers taken for dead.", registry=self.registry
        )
        self.dead_entries = Counter(
            "taskflow_broker_dead_entries",
            "Messages that could not be read and were put aside.",
            registry=self.registry,
        )
        self.rate_limited = Counter(
            "taskflow_requests_rate_limited",
            "Requests refused because a key or an address asked too often.",
            ["limit"],
            registry=self.registry,
        )
        self.run_s = Histogram(
            "taskflow_run_seconds", "How long attempts ran.", buckets=LATENCY_BUCKETS, registry=self.registry
        )
        self._ticks = Counter(
            "taskflow_schedule_ticks",
            "Ticks of schedules that were decided, by outcome and reason.",
            ["outcome", "reason"],
            registry=self.registry,
        )
        self._lateness_s = Histogram(
            "taskflow_schedule_lateness_seconds",
            "From the planned moment of a tick to the start of its task.",
            buckets=LATENCY_BUCKETS,
            registry=self.registry,
        )
        self.loop_errors = Counter(
            "taskflow_loop_errors", "Ticks that raised.", ["loop"], registry=self.registry
        )
        Gauge("taskflow_build_info", "Always 1.", ["version"], registry=self.registry).labels(version).set(1)

    def submitted(self, outcome: Submitted) -> None:
        created = (task for task, new in zip(outcome.tasks, outcome.created, strict=True) if new)
        for (queue, type), count in Tally((task.queue, task.type) for task in created).items():
            labels = self._queues.label(queue), self._types.label(type)
            if labels not in self._submitted_to:
                self._submitted_to[labels] = self._submitted.labels(*labels)
            self._submitted_to[labels].inc(count)

    def finished(self, status: str, count: int) -> None:
        if count:
            self._finished.labels(status).inc(count)

    def attempts(self, outcome: str, count: int) -> None:
        if count:
            self._attempts.labels(outcome).inc(count)

    def lost(self, outcome: str, lost: Sequence[Verdict], failed: Sequence[Verdict]) -> int:
        """Count what came of attempts that `lose` and `fail` ended for a worker; returns how many were moved."""
        applied, aborted = lost.count(Verdict.APPLIED), lost.count(Verdict.ABORTED)
        ended = failed.count(Verdict.APPLIED)
        self.attempts(outcome, applied + ended)
        self.attempts(AttemptOutcome.ABORTED, aborted)
        self.finished(State.FAILED, ended)
        self.finished(State.CANCELLED, aborted)
        return applied + aborted + ended

    def ticks(self, counts: Mapping[tuple[FireOutcome, Cause | None], int]) -> None:
        for (outcome, reason), count in counts.items():
            self._ticks.labels(outcome, reason or "").inc(count)

    def lateness(self, seconds: Iterable[float]) -> None:
        for value in seconds:
            self._lateness_s.observe(value)

    def ran(self, seconds: Iterable[float]) -> None:
        for value in seconds:
            self.run_s.observe(value)
