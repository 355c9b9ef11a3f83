"""The names that queries may use: those that the code's metrics have, so that one which is renamed is missed here."""

from collections.abc import Collection
from typing import Final

from docs.make_metrics import described, of_worker

PREFIX: Final = "taskflow_"
# Of prometheus_client's ProcessCollector, and of Prometheus itself.
OTHERS: Final = frozenset(
    {
        "process_cpu_seconds_total",
        "process_resident_memory_bytes",
        "process_open_fds",
        "process_max_fds",
        "up",
    }
)


class Names:
    """`names.queue_depth` is `taskflow_queue_depth`; AttributeError for what no process tells."""

    def __init__(self, known: Collection[str]) -> None:
        self.known: Final = frozenset(known)

    def __getattr__(self, name: str) -> str:
        for full in (PREFIX + name, name):
            if full in self.known:
                return full
        raise AttributeError(f"no metric is named {PREFIX}{name}")


def names_of_code() -> Names:
    return Names({one.name for one in (*described(), *of_worker())} | OTHERS)
