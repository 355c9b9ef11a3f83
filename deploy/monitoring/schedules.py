"""Did the clock start what it should, and in time?"""

from deploy.monitoring.names import Names
from deploy.monitoring.panels import (
    CHOSEN,
    HALF,
    Dashboard,
    lines,
    number,
    of_hub,
    quantile,
    quantiles,
    rate,
    row,
)


def schedules(names: Names) -> Dashboard:
    board = of_hub(
        names,
        "taskflow-schedules",
        "TaskFlow Hub / Schedules",
        "Ticks of schedules: fired, missed, skipped, and how late.",
    )
    missed = f'{CHOSEN}, outcome="missed"'
    for panel in (
        number(
            "Fired in an hour",
            "Ticks that started a task or a workflow.",
            f'sum(increase({names.schedule_ticks_total}{{{CHOSEN}, outcome="fired"}}[1h]))',
        ),
        number(
            "Missed in an hour",
            "Ticks that should have started something and did not.",
            f"sum(increase({names.schedule_ticks_total}{{{missed}}}[1h]))",
            red=1,
        ),
        number(
            "Lateness, p95",
            "From the planned moment to the start of its task, of the last hour.",
            f"histogram_quantile(0.95, sum by (le) "
            f"(increase({names.schedule_lateness_seconds}_bucket{{{CHOSEN}}}[1h])))",
            "s",
            yellow=10,
            red=60,
        ),
    ):
        board.with_panel(panel)
    board.with_row(row("Ticks"))
    for plot in (
        lines(
            "Ticks",
            "A second, by what became of them.",
            [(rate(names.schedule_ticks_total, "outcome"), "{{outcome}}")],
            "ops",
            width=HALF,
            stacked=True,
        ),
        lines(
            "Missed, by reason",
            "In ten minutes: downtime, refused at submit, or the schedule was changed.",
            [
                (
                    f"sum by (reason) (increase({names.schedule_ticks_total}{{{missed}}}[10m]))",
                    "{{reason}}",
                )
            ],
            "short",
            width=HALF,
            stacked=True,
        ),
        lines(
            "Lateness",
            "From the planned moment of a tick to the start of its task.",
            quantiles(names.schedule_lateness_seconds),
            "s",
            width=HALF,
        ),
        lines(
            "The loop behind it",
            "How late the event loops are (p99), and ticks of the loop `cron` that raise, a second.",
            [
                (quantile(0.99, names.event_loop_lag_seconds), "event loop, p99"),
                (rate(names.loop_errors_total, where=f'{CHOSEN}, loop="cron"'), "errors"),
            ],
            "short",
            width=HALF,
        ),
    ):
        board.with_panel(plot)
    return board
