"""What Prometheus is told. Names and labels use the glossary's words; no ids in labels."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from taskflow_hub.store.base import Submitted

LATENCY_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0)


class Metrics:
    """One process's numbers, in a registry of their own."""

    def __init__(self, version: str) -> None:
        self.registry = CollectorRegistry()
        self._submitted = Counter(
            "taskflow_tasks_submitted",
            "Tasks committed by a submit.",
            ["queue", "type"],
            registry=self.registry,
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
        self.run_s = Histogram(
            "taskflow_run_seconds", "How long attempts ran.", buckets=LATENCY_BUCKETS, registry=self.registry
        )
        self.loop_errors = Counter(
            "taskflow_loop_errors", "Ticks that raised.", ["loop"], registry=self.registry
        )
        Gauge("taskflow_build_info", "Always 1.", ["version"], registry=self.registry).labels(version).set(1)

    def submitted(self, outcome: Submitted) -> None:
        for task, created in zip(outcome.tasks, outcome.created, strict=True):
            if created:
                self._submitted.labels(task.queue, task.type).inc()

    def finished(self, status: str, count: int) -> None:
        if count:
            self._finished.labels(status).inc(count)

    def attempts(self, outcome: str, count: int) -> None:
        if count:
            self._attempts.labels(outcome).inc(count)

    def ran(self, seconds: Iterable[float]) -> None:
        for value in seconds:
            self.run_s.observe(value)
