"""Where does work pile up, and why?"""

from deploy.monitoring.names import Names
from deploy.monitoring.panels import CHOSEN, HALF, Dashboard, lines, most, number, of_hub, rate, row


def queues(names: Names) -> Dashboard:
    chosen = f'{CHOSEN}, queue=~"$queue"'
    of_type = f'{chosen}, type=~"$type"'
    board = of_hub(
        names,
        "taskflow-queues",
        "TaskFlow Hub / Queues",
        "Depth, age, holds and limits of queues.",
        queue=True,
        type=True,
    )
    for status in ("queued", "running", "scheduled"):
        where = f'{chosen}, status="{status}"'
        board.with_panel(
            number(
                status.capitalize(),
                f"Tasks that are {status}.",
                f"sum({most(names.queue_depth, 'queue', where=where)})",
            )
        )
    for panel in (
        number(
            "Held",
            "Queued tasks that may not start now.",
            f"sum({most(names.queue_held, 'queue', 'hold', where=chosen)})",
        ),
        number(
            "Oldest queued",
            "Since its submit.",
            f"max({names.queue_oldest_age_seconds}{{{chosen}}})",
            "s",
            yellow=300,
            red=1800,
        ),
        number(
            "Counted",
            "So old are depths and ages: beyond 10 000 tasks they are not counted for every scrape.",
            f"time() - max({names.queue_counted_timestamp_seconds}{{{CHOSEN}}})",
            "s",
            yellow=60,
            red=300,
        ),
    ):
        board.with_panel(panel)
    board.with_row(row("Depth"))
    for plot in (
        lines(
            "Queued, by queue",
            "Tasks that could run, or are held.",
            [(most(names.queue_depth, "queue", where=f'{chosen}, status="queued"'), "{{queue}}")],
            "short",
            width=HALF,
            stacked=True,
        ),
        lines(
            "Oldest queued, by queue",
            "Since its submit.",
            [(most(names.queue_oldest_age_seconds, "queue", where=chosen), "{{queue}}")],
            "s",
            width=HALF,
        ),
        lines(
            "Unfinished",
            "By status.",
            [(f"sum by (status) ({most(names.queue_depth, 'queue', 'status', where=chosen)})", "{{status}}")],
            "short",
            width=HALF,
            stacked=True,
        ),
        lines(
            "Held, by queue",
            "Queued tasks that may not start, by what holds them.",
            [(most(names.queue_held, "queue", "hold", where=chosen), "{{queue}}: {{hold}}")],
            "short",
            width=HALF,
            stacked=True,
        ),
    ):
        board.with_panel(plot)
    board.with_row(row("Flow"))
    for plot in (
        lines(
            "Submitted",
            "A second, by queue.",
            [(rate(names.tasks_submitted_total, "queue", where=of_type), "{{queue}}")],
            "ops",
            stacked=True,
        ),
        lines(
            "Submitted, by type",
            "A second: the ten with the most.",
            [(f"topk(10, {rate(names.tasks_submitted_total, 'type', where=of_type)})", "{{type}}")],
            "ops",
            stacked=True,
        ),
        lines(
            "Limits",
            "How full: size and running of a queue, and the fullest key of each kind.",
            [
                (
                    most(names.limit_saturation_ratio, "queue", "limit", where=f'{CHOSEN}, queue=~"$queue|"'),
                    "{{queue}} {{limit}}",
                )
            ],
            "percentunit",
        ),
    ):
        board.with_panel(plot)
    return board
