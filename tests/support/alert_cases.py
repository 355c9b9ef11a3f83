"""For each alert what makes it fire, and what must not: series as promtool takes them, by names that are written out here.

So an alert whose metric is renamed is not fired any more by what used to fire it.
"""

from pathlib import Path
from typing import Any, Final

Series = dict[str, str]
MINUTES: Final = 40
LONGER: Final = {"TaskflowVersionsDiffer": 65}
LONGEST: Final = 70

API: Final = 'job="taskflow-api",instance="a"'
WORKER: Final = 'job="taskflow-worker",instance="w"'


def steady(value: float) -> str:
    return f"{value}x{LONGEST}"


def rising(by: float) -> str:
    return f"0+{by}x{LONGEST}"


def buckets(name: str, labels: str, slow: float) -> Series:
    """Of a histogram with bounds 0.1, 1 and 100: ten a minute are quick, so many more take up to 100."""
    return {
        f'{name}_bucket{{{labels},le="0.1"}}': rising(10),
        f'{name}_bucket{{{labels},le="1"}}': rising(10),
        f'{name}_bucket{{{labels},le="100"}}': rising(10 + slow),
        f'{name}_bucket{{{labels},le="+Inf"}}': rising(10 + slow),
    }


def jumps(series: str) -> Series:
    """A counter that has stood at 0, and rises a few minutes before it is looked at."""
    return {series: f"0x{MINUTES - 5} 10x5"}


def stands(series: str, at: float = 7) -> Series:
    return {series: steady(at)}


# What fires it, what does not.
CASES: Final[dict[str, tuple[Series, Series]]] = {
    "TaskflowNoServer": (
        stands(f"up{{{API}}}", 0),
        stands(f"up{{{API}}}", 1) | stands('up{job="taskflow-api",instance="b"}', 0),
    ),
    "TaskflowInstanceDown": (stands(f"up{{{WORKER}}}", 0), stands('up{job="other"}', 0)),
    "TaskflowDatabaseUnreachable": (
        stands(f"taskflow_store_reachable{{{API}}}", 0),
        stands(f"taskflow_store_reachable{{{API}}}", 1),
    ),
    "TaskflowVersionsDiffer": (
        stands(f'taskflow_build_info{{{API},version="1"}}', 1) | stands(f'taskflow_build_info{{{WORKER},version="2"}}', 1),
        stands(f'taskflow_build_info{{{API},version="1"}}', 1) | stands(f'taskflow_build_info{{{WORKER},version="1"}}', 1),
    ),
    "TaskflowQueueAge": (
        stands(f'taskflow_queue_oldest_age_seconds{{{API},queue="mail"}}', 901),
        {f'taskflow_queue_oldest_age_seconds{{{API},queue="mail"}}': f"1200x{MINUTES - 3} 3x3"},
    ),
    "TaskflowQueueUnserved": (
        stands(f'taskflow_queue_held{{{API},queue="mail",hold="no_worker"}}', 1),
        stands(f'taskflow_queue_held{{{API},queue="mail",hold="paused"}}', 9),
    ),
    "TaskflowQueueFull": (
        stands(f'taskflow_limit_saturation_ratio{{{API},queue="mail",limit="max_size"}}', 0.9),
        stands(f'taskflow_limit_saturation_ratio{{{API},queue="mail",limit="running"}}', 1),
    ),
    "TaskflowTasksFail": (
        {
            f'taskflow_tasks_failed_total{{{API},reason="handler"}}': rising(2),
            f'taskflow_tasks_finished_total{{{API},status="failed"}}': rising(2),
            f'taskflow_tasks_finished_total{{{API},status="success"}}': rising(10),
        },
        {
            f'taskflow_tasks_failed_total{{{API},reason="handler"}}': rising(1),
            f'taskflow_tasks_finished_total{{{API},status="failed"}}': rising(1),
            f'taskflow_tasks_finished_total{{{API},status="success"}}': rising(10),
        },
    ),
    "TaskflowPoison": (
        jumps(f'taskflow_tasks_failed_total{{{API},reason="poison"}}'),
        jumps(f'taskflow_tasks_failed_total{{{API},reason="handler"}}'),
    ),
    "TaskflowScheduleMissed": (
        jumps(f'taskflow_schedule_ticks_total{{{API},outcome="missed",reason="downtime"}}'),
        jumps(f'taskflow_schedule_ticks_total{{{API},outcome="skipped",reason="overlap"}}'),
    ),
    "TaskflowScheduleLate": (
        buckets("taskflow_schedule_lateness_seconds", API, 5),
        buckets("taskflow_schedule_lateness_seconds", API, 0),
    ),
    "TaskflowNoWorkers": (
        stands(f'taskflow_workers{{{API},state="alive"}}', 0) | stands(f'taskflow_workers{{{API},state="draining"}}', 1),
        stands(f'taskflow_workers{{{API},state="alive"}}', 1),
    ),
    "TaskflowWorkersLost": (
        jumps(f"taskflow_workers_lost_total{{{API}}}"),
        stands(f"taskflow_workers_lost_total{{{API}}}"),
    ),
    "TaskflowLeasesLost": (
        jumps(f'taskflow_leases_lost_total{{{API},outcome="lost"}}'),
        stands(f'taskflow_leases_lost_total{{{API},outcome="lost"}}'),
    ),
    "TaskflowStaleReports": (
        jumps(f"taskflow_stale_reports_refused_total{{{API}}}"),
        stands(f"taskflow_stale_reports_refused_total{{{API}}}"),
    ),
    "TaskflowSlotsBusy": (
        stands(f'taskflow_worker_slots{{{API},state="busy"}}', 20) | stands(f'taskflow_worker_slots{{{API},state="free"}}', 0),
        stands(f'taskflow_worker_slots{{{API},state="busy"}}', 19) | stands(f'taskflow_worker_slots{{{API},state="free"}}', 1),
    ),
    "TaskflowWorkerUnwell": (
        stands(f"taskflow_worker_healthy{{{WORKER}}}", 0),
        stands(f"taskflow_worker_healthy{{{WORKER}}}", 1),
    ),
    "TaskflowWorkerBlocked": (
        stands(f"taskflow_worker_loop_lag_seconds{{{WORKER}}}", 6),
        stands(f"taskflow_worker_loop_lag_seconds{{{WORKER}}}", 4),
    ),
    "TaskflowHttpErrors": (
        {
            f'taskflow_http_request_seconds_count{{{API},route="/tasks",method="POST",status="2xx"}}': rising(10),
            f'taskflow_http_request_seconds_count{{{API},route="/tasks",method="POST",status="5xx"}}': rising(1),
        },
        {
            f'taskflow_http_request_seconds_count{{{API},route="/tasks",method="POST",status="2xx"}}': rising(10),
            f'taskflow_http_request_seconds_count{{{API},route="/tasks",method="POST",status="4xx"}}': rising(10),
        },
    ),
    "TaskflowDatabaseSlow": (
        buckets("taskflow_db_transaction_seconds", f'{API},kind="write"', 5),
        buckets("taskflow_db_transaction_seconds", f'{API},kind="write"', 0),
    ),
    "TaskflowEventLoopLag": (
        buckets("taskflow_event_loop_lag_seconds", API, 5),
        buckets("taskflow_event_loop_lag_seconds", API, 0),
    ),
    "TaskflowLoopErrors": (
        jumps(f'taskflow_loop_errors_total{{{API},loop="reaper"}}'),
        stands(f'taskflow_loop_errors_total{{{API},loop="reaper"}}'),
    ),
    "TaskflowUnreadableMessages": (
        jumps(f"taskflow_broker_dead_entries_total{{{API}}}"),
        stands(f"taskflow_broker_dead_entries_total{{{API}}}"),
    ),
    "TaskflowOpenFiles": (
        stands(f"process_open_fds{{{API}}}", 900) | stands(f"process_max_fds{{{API}}}", 1024),
        stands(f"process_open_fds{{{API}}}", 100) | stands(f"process_max_fds{{{API}}}", 1024),
    ),
}  # fmt: skip


def rule_tests(rules: Path) -> dict[str, Any]:
    """A file for `promtool test rules`."""
    tests = [
        _test(name, kind, series, fires=kind == "fires")
        for name, cases in CASES.items()
        for kind, series in zip(("fires", "is quiet"), cases, strict=True)
    ]
    return {"rule_files": [str(rules)], "evaluation_interval": "1m", "tests": tests}


def _test(name: str, kind: str, series: Series, *, fires: bool) -> dict[str, Any]:
    count = f'count by (alertname) (ALERTS{{alertname="{name}", alertstate="firing"}})'
    return {
        "name": f"{name}: {kind}",
        "interval": "1m",
        "input_series": [{"series": one, "values": values} for one, values in series.items()],
        "promql_expr_test": [
            {
                "expr": count,
                "eval_time": f"{LONGER.get(name, MINUTES)}m",
                "exp_samples": [{"labels": f'{{alertname="{name}"}}', "value": 1}] if fires else [],
            }
        ],
    }
