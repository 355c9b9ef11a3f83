"""Who works, with what, and who is in trouble?"""

from deploy.monitoring.names import Names
from deploy.monitoring.panels import (
    CHOSEN,
    HALF,
    Dashboard,
    lines,
    most,
    number,
    of_hub,
    quantiles,
    rate,
    row,
)


def workers(names: Names) -> Dashboard:
    board = of_hub(
        names,
        "taskflow-workers",
        "TaskFlow Hub / Workers",
        "Workers as the servers see them, and each worker that runs alone by itself.",
    )
    busy, free = (most(names.worker_slots, where=f'{CHOSEN}, state="{state}"') for state in ("busy", "free"))
    for panel in (
        number(
            "Alive",
            "Workers that take work.",
            most(names.workers, where=f'{CHOSEN}, state="alive"'),
            red=1,
            low_is_bad=True,
        ),
        number(
            "Draining",
            "Workers that finish what they have.",
            most(names.workers, where=f'{CHOSEN}, state="draining"'),
        ),
        number("Slots busy", "Of all.", f"{busy} / ({busy} + {free})", "percentunit", yellow=0.8, red=0.95),
        number(
            "Lost in an hour",
            "Workers taken for dead.",
            f"sum(increase({names.workers_lost_total}{{{CHOSEN}}}[1h]))",
            yellow=1,
        ),
        number(
            "Unhealthy",
            "Workers alone whose probe says that they are not well.",
            f"count({names.worker_healthy}{{{CHOSEN}}}) - sum({names.worker_healthy}{{{CHOSEN}}})",
            red=1,
        ),
        number(
            "Versions",
            "That run at once; more than one during an upgrade.",
            f"count(count by (version) ({names.build_info}{{{CHOSEN}}}))",
            yellow=2,
        ),
    ):
        board.with_panel(panel)
    board.with_row(row("All workers, as the servers see them"))
    for plot in (
        lines(
            "Workers",
            "By state.",
            [(most(names.workers, "state"), "{{state}}")],
            "short",
        ),
        lines(
            "Slots", "By state.", [(most(names.worker_slots, "state"), "{{state}}")], "short", stacked=True
        ),
        lines(
            "Attempts",
            "Ended a second, by how.",
            [(rate(names.attempts_total, "outcome"), "{{outcome}}")],
            "ops",
            stacked=True,
        ),
        lines("Run", "How long attempts run.", quantiles(names.run_seconds), "s"),
        lines(
            "Leases lost",
            "A second: the worker was dead (lost), or had never got them (undelivered).",
            [(rate(names.leases_lost_total, "outcome"), "{{outcome}}")],
            "ops",
        ),
        lines(
            "Late and twice",
            "A second: reports of attempts that had lost their lease, and reports that came again.",
            [
                (rate(names.stale_reports_refused_total), "stale"),
                (rate(names.duplicate_reports_total), "duplicate"),
            ],
            "ops",
        ),
    ):
        board.with_panel(plot)
    board.with_row(row("Each worker that runs alone"))
    busy_here = f'{names.worker_process_slots}{{{CHOSEN}, state="busy"}}'
    slots_here = f"{names.worker_process_slots}{{{CHOSEN}}}"
    for plot in (
        lines(
            "Slots in use",
            "Of its own.",
            [
                (
                    f"{busy_here} / ignoring (state) sum without (state) ({slots_here})",
                    "{{instance}}",
                )
            ],
            "percentunit",
            most=1,
        ),
        lines(
            "Held",
            "Attempts that it has: running, waiting for a slot, ended and not acknowledged yet.",
            [(f"sum by (state) ({names.worker_held}{{{CHOSEN}}})", "{{state}}")],
            "short",
            stacked=True,
        ),
        lines(
            "Attempts ended",
            "A second, by worker.",
            [(rate(names.worker_attempts_total, "instance", "outcome"), "{{instance}} {{outcome}}")],
            "ops",
        ),
        lines(
            "Heartbeat",
            "Since the last one that a server accepted.",
            [(f"{names.worker_beat_age_seconds}{{{CHOSEN}}}", "{{instance}}")],
            "s",
        ),
        lines(
            "Event loop",
            "For how long it stands still by now: an async handler blocks it.",
            [(f"{names.worker_loop_lag_seconds}{{{CHOSEN}}}", "{{instance}}")],
            "s",
        ),
        lines(
            "Health",
            "1: well.",
            [(f"{names.worker_healthy}{{{CHOSEN}}}", "{{instance}}")],
            "short",
            most=1,
        ),
        lines(
            "CPU",
            "Cores of the worker's own process; handlers with `cpu=True` run in others.",
            [(rate(names.process_cpu_seconds_total, "job", "instance"), "{{job}} {{instance}}")],
            "short",
            width=HALF,
        ),
        lines(
            "Memory",
            "Resident, of the process itself.",
            [(f"{names.process_resident_memory_bytes}{{{CHOSEN}}}", "{{job}} {{instance}}")],
            "bytes",
            width=HALF,
        ),
    ):
        board.with_panel(plot)
    return board
