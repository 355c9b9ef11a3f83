"""Is it well? The four golden signals, of the whole hub."""

from deploy.monitoring.names import Names
from deploy.monitoring.panels import (
    CHOSEN,
    Dashboard,
    lines,
    most,
    number,
    of_hub,
    quantile,
    quantiles,
    rate,
    row,
)


def overview(names: Names) -> Dashboard:
    board = of_hub(
        names,
        "taskflow-overview",
        "TaskFlow Hub / Overview",
        "Traffic, errors, latency and saturation of a hub.",
        type=True,
    )
    _now(board, names)
    _traffic(board, names)
    _errors(board, names)
    _latency(board, names)
    _saturation(board, names)
    return board


def _now(board: Dashboard, names: Names) -> None:
    failed = rate(names.tasks_failed_total)
    finished = rate(names.tasks_finished_total)
    for panel in (
        number(
            "Instances up",
            "Processes that answered Prometheus' last scrape.",
            f'sum({names.up}{{job=~"$job", instance=~"$instance"}})',
            red=1,
            low_is_bad=True,
        ),
        number(
            "Workers alive",
            "That take work; draining ones are not among them.",
            most(names.workers, where=f'{CHOSEN}, state="alive"'),
            red=1,
            low_is_bad=True,
        ),
        number(
            "Unfinished tasks",
            "Queued, scheduled, blocked and running.",
            f"sum({most(names.queue_depth, 'queue', 'status')})",
        ),
        number(
            "Oldest queued",
            "Since its submit; those count that are held or paused, too.",
            f"max({names.queue_oldest_age_seconds}{{{CHOSEN}}})",
            "s",
            yellow=300,
            red=1800,
        ),
        number(
            "Tasks that fail",
            "Of those that became final.",
            f"{failed} / ({finished} > 0)",
            "percentunit",
            yellow=0.05,
            red=0.2,
        ),
        number(
            "Database",
            "1 when every process could ask it.",
            f"min({names.store_reachable}{{{CHOSEN}}})",
            red=1,
            low_is_bad=True,
        ),
    ):
        board.with_panel(panel)


def _traffic(board: Dashboard, names: Names) -> None:
    board.with_row(row("Traffic"))
    of_type = f'{CHOSEN}, type=~"$type"'
    for panel in (
        lines(
            "Submitted",
            "Tasks a second, by type: the ten with the most.",
            [(f"topk(10, {rate(names.tasks_submitted_total, 'type', where=of_type)})", "{{type}}")],
            "ops",
            stacked=True,
        ),
        lines(
            "Finished",
            "Tasks that became final a second, by status.",
            [(rate(names.tasks_finished_total, "status"), "{{status}}")],
            "ops",
            stacked=True,
        ),
        lines(
            "HTTP requests",
            "A second, by the class of their status.",
            [(rate(f"{names.http_request_seconds}_count", "status"), "{{status}}")],
            "reqps",
            stacked=True,
        ),
        lines(
            "Attempts",
            "Begun, and ended by how, a second.",
            [
                (rate(names.leases_total), "begun"),
                (rate(names.attempts_total, "outcome"), "{{outcome}}"),
            ],
            "ops",
        ),
        lines(
            "Database transactions",
            "A second, by kind.",
            [(rate(f"{names.db_transaction_seconds}_count", "kind"), "{{kind}}")],
            "ops",
        ),
        lines(
            "Workflows submitted",
            "A second.",
            [(rate(names.workflows_submitted_total), "workflows")],
            "ops",
        ),
    ):
        board.with_panel(panel)


def _errors(board: Dashboard, names: Names) -> None:
    board.with_row(row("Errors"))
    requests = rate(f"{names.http_request_seconds}_count")
    well = rate(f"{names.http_request_seconds}_count", where=f'{CHOSEN}, status!="5xx"')
    for panel in (
        lines(
            "Failed, by reason",
            "Tasks a second.",
            [(rate(names.tasks_failed_total, "reason"), "{{reason}}")],
            "ops",
            stacked=True,
        ),
        lines(
            "Retries",
            "Attempts a second that failed and whose task is tried again.",
            [(rate(names.retries_total), "retries")],
            "ops",
        ),
        lines(
            "HTTP answers that are the hub's fault",
            "5xx, of all answers.",
            [(f"1 - {well} / ({requests} > 0)", "5xx")],
            "percentunit",
            most=1,
        ),
        lines(
            "Lost and late",
            "A second: leases taken from workers, and reports that came after that and were refused.",
            [
                (rate(names.leases_lost_total, "outcome"), "lease {{outcome}}"),
                (rate(names.stale_reports_refused_total), "stale report"),
                (rate(names.workers_lost_total), "worker lost"),
            ],
            "ops",
        ),
        lines(
            "Loops that raise",
            "Ticks of the engine's loops a second: each is in the log.",
            [(rate(names.loop_errors_total, "loop"), "{{loop}}")],
            "ops",
        ),
        lines(
            "Refused and put aside",
            "A second: requests beyond their rate, reports that came twice, messages that could not be read.",
            [
                (rate(names.requests_rate_limited_total, "limit"), "rate of {{limit}}"),
                (rate(names.duplicate_reports_total), "duplicate report"),
                (rate(names.broker_dead_entries_total), "unreadable message"),
            ],
            "ops",
        ),
    ):
        board.with_panel(panel)


def _latency(board: Dashboard, names: Names) -> None:
    board.with_row(row("Latency"))
    writes = f'{CHOSEN}, kind="write"'
    for panel in (
        lines(
            "Wait",
            "From being queued to the start of the last attempt.",
            quantiles(names.wait_seconds),
            "s",
        ),
        lines("Run", "Of attempts.", quantiles(names.run_seconds), "s"),
        lines(
            "HTTP",
            "To the start of the answer; one that waits on purpose is as long as it waits.",
            quantiles(names.http_request_seconds),
            "s",
        ),
        lines(
            "HTTP by route, p95",
            "The ten slowest.",
            [
                (
                    f"topk(10, {quantile(0.95, names.http_request_seconds, 'route', 'method')})",
                    "{{method}} {{route}}",
                )
            ],
            "s",
        ),
        lines(
            "Database writes",
            "With the wait for the lock or a connection.",
            quantiles(names.db_transaction_seconds, where=writes),
            "s",
        ),
        lines(
            "Database by kind, p95",
            "With the wait for a connection.",
            [(quantile(0.95, names.db_transaction_seconds, "kind"), "{{kind}}")],
            "s",
        ),
    ):
        board.with_panel(panel)


def _saturation(board: Dashboard, names: Names) -> None:
    board.with_row(row("Saturation"))
    slots = most(names.worker_slots, "state")
    files = f"{names.process_open_fds}{{{CHOSEN}}} / {names.process_max_fds}{{{CHOSEN}}}"
    for panel in (
        lines(
            "Slots",
            "Of workers that are alive.",
            [(slots, "{{state}}")],
            "short",
            stacked=True,
        ),
        lines(
            "Limits",
            "How full: a queue's size and running, and the fullest key of each kind. The ten fullest.",
            [
                (
                    f"topk(10, {most(names.limit_saturation_ratio, 'queue', 'limit')})",
                    "{{queue}} {{limit}}",
                )
            ],
            "percentunit",
        ),
        lines(
            "Requests in flight",
            "Streams included.",
            [(f"sum by (instance) ({names.http_requests_in_flight}{{{CHOSEN}}})", "{{instance}}")],
            "short",
        ),
        lines(
            "Event loop, p99",
            "How late it is: something blocks it, or the machine is too small.",
            [(quantile(0.99, names.event_loop_lag_seconds, "instance"), "{{instance}}")],
            "s",
        ),
        lines(
            "CPU",
            "Cores.",
            [(rate(names.process_cpu_seconds_total, "job", "instance"), "{{job}} {{instance}}")],
            "short",
        ),
        lines(
            "Memory",
            "Resident.",
            [(f"{names.process_resident_memory_bytes}{{{CHOSEN}}}", "{{job}} {{instance}}")],
            "bytes",
        ),
        lines(
            "Open files",
            "Of those that the process may have.",
            [(files, "{{job}} {{instance}}")],
            "percentunit",
            most=1,
        ),
    ):
        board.with_panel(panel)
