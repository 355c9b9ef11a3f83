"""What somebody should be told of, and for how long it must last. Each has a section in docs/how-to/monitor.md, its runbook."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

from deploy.monitoring.names import Names

RUNBOOKS: Final = "docs/how-to/monitor.md"
API, WORKER = 'job="taskflow-api"', 'job="taskflow-worker"'  # the jobs of prometheus/prometheus.yml
OURS: Final = 'job=~"taskflow-.*"'


@dataclass(frozen=True)
class Alert:
    name: str
    value: str  # what is watched: an expression that has a value while all is well
    when: str  # what is wrong about it: the rest of the expression; `{}` stands for `value`
    lasts: str
    severity: Literal["critical", "warning", "info"]
    summary: str
    description: str

    @property
    def expression(self) -> str:
        return self.when.replace("{}", self.value)

    def rule(self, runbooks: str) -> dict[str, Any]:
        return {
            "alert": self.name,
            "expr": self.expression,
            "for": self.lasts,
            "labels": {"severity": self.severity},
            "annotations": {
                "summary": self.summary,
                "description": self.description,
                "runbook_url": f"{runbooks}#{self.name.lower()}",
            },
        }


def alerts(names: Names) -> list[Alert]:
    return [*_processes(names), *_tasks(names), *_schedules(names), *_workers(names), *_inside(names)]


def rules(names: Names, runbooks: str = RUNBOOKS) -> dict[str, Any]:
    """A file of rules, as Prometheus reads it."""
    return {"groups": [{"name": "taskflow", "rules": [one.rule(runbooks) for one in alerts(names)]}]}


def _processes(names: Names) -> Iterator[Alert]:
    yield Alert(
        "TaskflowNoServer",
        f"{names.up}{{{API}}} == 1",
        "absent({})",
        "1m",
        "critical",
        "No server of TaskFlow Hub answers Prometheus",
        "For a minute no server could be scraped: nobody can submit tasks, and no schedule fires.",
    )
    yield Alert(
        "TaskflowInstanceDown",
        f"{names.up}{{{OURS}}}",
        "{} == 0",
        "2m",
        "warning",
        "{{ $labels.instance }} ({{ $labels.job }}) does not answer Prometheus",
        "It is down, or cannot be reached, or refuses Prometheus' key.",
    )
    yield Alert(
        "TaskflowDatabaseUnreachable",
        f"min by (job, instance) ({names.store_reachable})",
        "{} == 0",
        "1m",
        "critical",
        "{{ $labels.instance }} cannot reach the database",
        "Submits are refused with 503 and nothing new starts. No task is lost and no retry is spent.",
    )
    yield Alert(
        "TaskflowVersionsDiffer",
        f"count(count by (version) ({names.build_info}))",
        "{} > 1",
        "1h",
        "info",
        "{{ $value }} versions of TaskFlow Hub have run beside each other for an hour",
        "A rolling upgrade has stopped half-way.",
    )


def _tasks(names: Names) -> Iterator[Alert]:
    yield Alert(
        "TaskflowQueueAge",
        f"max by (queue) ({names.queue_oldest_age_seconds})",
        "{} > 900",
        "5m",
        "warning",
        "Queue {{ $labels.queue }}: a task has waited for {{ $value | humanizeDuration }}",
        "Its oldest queued task is more than 15 minutes old: too few slots, a limit, a pause, or nobody who serves it.",
    )
    yield Alert(
        "TaskflowQueueUnserved",
        f'max by (queue) ({names.queue_held}{{hold="no_worker"}})',
        "{} > 0",
        "10m",
        "warning",
        "Queue {{ $labels.queue }}: tasks wait that no worker can run",
        "No live worker serves this queue, or none knows the tasks' type.",
    )
    yield Alert(
        "TaskflowQueueFull",
        f'max by (queue) ({names.limit_saturation_ratio}{{limit="max_size"}})',
        "{} >= 0.9",
        "5m",
        "warning",
        "Queue {{ $labels.queue }} is {{ $value | humanizePercentage }} full",
        "At 100 % submits to it are refused with 429.",
    )
    yield Alert(
        "TaskflowTasksFail",
        f"sum(rate({names.tasks_failed_total}[10m])) / sum(rate({names.tasks_finished_total}[10m]))",
        "{} > 0.1",
        "10m",
        "warning",
        "{{ $value | humanizePercentage }} of the tasks fail",
        "Of the tasks that became final in ten minutes more than a tenth failed for good, retries and all.",
    )
    yield Alert(
        "TaskflowPoison",
        f'sum(increase({names.tasks_failed_total}{{reason=~"poison|lost|undeliverable"}}[15m]))',
        "{} > 0",
        "0s",
        "warning",
        "Tasks failed because their workers died",
        "A task has killed more than three workers, or was lost with a worker and may not be tried again.",
    )


def _schedules(names: Names) -> Iterator[Alert]:
    yield Alert(
        "TaskflowScheduleMissed",
        f'sum by (reason) (increase({names.schedule_ticks_total}{{outcome="missed"}}[15m]))',
        "{} > 0",
        "0s",
        "warning",
        "Schedules missed ticks: {{ $labels.reason }}",
        "In fifteen minutes about {{ $value | humanize }} ticks should have started something, and did not.",
    )
    yield Alert(
        "TaskflowScheduleLate",
        f"histogram_quantile(0.95, sum by (le) (rate({names.schedule_lateness_seconds}_bucket[15m])))",
        "{} > 60",
        "10m",
        "warning",
        "Scheduled work starts {{ $value | humanizeDuration }} late",
        "One tick in twenty starts its task more than a minute after its planned moment.",
    )


def _workers(names: Names) -> Iterator[Alert]:
    yield Alert(
        "TaskflowNoWorkers",
        f'max({names.workers}{{state="alive"}})',
        "{} == 0",
        "2m",
        "critical",
        "No worker is alive",
        "Tasks are accepted, and none starts.",
    )
    yield Alert(
        "TaskflowWorkersLost",
        f"sum(increase({names.workers_lost_total}[15m]))",
        "{} > 0",
        "0s",
        "warning",
        "A worker was taken for dead",
        "About {{ $value | humanize }} workers in fifteen minutes. Their tasks were given to others.",
    )
    yield Alert(
        "TaskflowLeasesLost",
        f"sum by (outcome) (increase({names.leases_lost_total}[15m]))",
        "{} > 5",
        "0s",
        "warning",
        "Attempts are taken from workers ({{ $labels.outcome }})",
        "About {{ $value | humanize }} in fifteen minutes: workers die, or what is sent to them does not arrive.",
    )
    yield Alert(
        "TaskflowStaleReports",
        f"sum(increase({names.stale_reports_refused_total}[15m]))",
        "{} > 5",
        "0s",
        "warning",
        "Workers report attempts that are no longer theirs",
        "About {{ $value | humanize }} reports in fifteen minutes were refused: workers live that were taken for dead.",
    )
    yield Alert(
        "TaskflowSlotsBusy",
        f'max({names.worker_slots}{{state="busy"}}) / sum(max by (state) ({names.worker_slots}))',
        "{} > 0.95",
        "30m",
        "info",
        "{{ $value | humanizePercentage }} of all slots are busy",
        "For half an hour hardly a slot was free: what comes now has to wait.",
    )
    yield Alert(
        "TaskflowWorkerUnwell",
        f"min by (job, instance) ({names.worker_healthy})",
        "{} == 0",
        "2m",
        "warning",
        "Worker {{ $labels.instance }} is not well",
        "No server has heard it for too long, or its event loop stands still.",
    )
    yield Alert(
        "TaskflowWorkerBlocked",
        f"max by (job, instance) ({names.worker_loop_lag_seconds})",
        "{} > 5",
        "1m",
        "warning",
        "A handler blocks the event loop of worker {{ $labels.instance }}",
        "For {{ $value | humanizeDuration }} by now. Its other async handlers stand still too.",
    )


def _inside(names: Names) -> Iterator[Alert]:
    requests = f"{names.http_request_seconds}_count"
    yield Alert(
        "TaskflowHttpErrors",
        f'1 - sum(rate({requests}{{status!="5xx"}}[5m])) / sum(rate({requests}[5m]))',
        "{} > 0.05",
        "5m",
        "warning",
        "{{ $value | humanizePercentage }} of the HTTP answers are 5xx",
        "The hub could not do what it was asked for.",
    )
    yield Alert(
        "TaskflowDatabaseSlow",
        f"histogram_quantile(0.95, sum by (le, kind) (rate({names.db_transaction_seconds}_bucket[5m])))",
        "{} > 1",
        "10m",
        "warning",
        "Transactions ({{ $labels.kind }}) take {{ $value | humanizeDuration }}",
        "One in twenty takes longer than a second, the wait for a connection or a lock included.",
    )
    yield Alert(
        "TaskflowEventLoopLag",
        f"histogram_quantile(0.95, sum by (job, instance, le) (rate({names.event_loop_lag_seconds}_bucket[5m])))",
        "{} > 0.5",
        "5m",
        "warning",
        "The event loop of {{ $labels.instance }} is late by {{ $value | humanizeDuration }}",
        "Something blocks it, or the machine has too little CPU. Requests and loops wait.",
    )
    yield Alert(
        "TaskflowLoopErrors",
        f"sum by (loop) (increase({names.loop_errors_total}[15m]))",
        "{} > 3",
        "0s",
        "warning",
        "The engine's loop {{ $labels.loop }} raises errors",
        "About {{ $value | humanize }} times in fifteen minutes. Each is in the log of its process.",
    )
    yield Alert(
        "TaskflowUnreadableMessages",
        f"sum(increase({names.broker_dead_entries_total}[1h]))",
        "{} > 0",
        "0s",
        "warning",
        "Messages could not be read and were put aside",
        "Two versions that do not know each other, or somebody else writes to this Redis.",
    )
    yield Alert(
        "TaskflowOpenFiles",
        f"{names.process_open_fds}{{{OURS}}} / {names.process_max_fds}{{{OURS}}}",
        "{} > 0.8",
        "10m",
        "warning",
        "{{ $labels.instance }} has opened {{ $value | humanizePercentage }} of the files it may",
        "With none left it can neither accept connections nor open its database.",
    )
