"""W1 more than once in one run, at first as it is and then where something makes it harder: what counts is the ratio."""

from typing import ClassVar

from bench.trial import Trial
from bench.workloads.base import Figure, Workload
from bench.workloads.draining import COSTS, drained


class Beside(Workload):
    long = True
    figures: ClassVar[tuple[Figure, ...]] = (
        Figure("rate", "tasks/s", "tasks/s"),
        Figure("ratio", "of its W1", "×", digits=2, spread=True),
        Figure("plain_rate", "its W1", "tasks/s"),
        Figure("tasks", "tasks", ""),
        *COSTS,
    )


def filled_and_drained(trial: Trial, tasks: int) -> dict[str, float]:
    """W1 with so many, on what is there by now. Raises RuntimeError if one of them has run twice."""
    trial.call("prefill", "noop", tasks)
    found = drained(trial.again(tasks))
    if found["started"] != tasks:
        raise RuntimeError(f"{found['started']:,.0f} attempts at {tasks:,} tasks")
    return found


def compared(hard: dict[str, float], plain: dict[str, float]) -> dict[str, float]:
    return hard | {"ratio": hard["rate"] / plain["rate"], "plain_rate": plain["rate"]}
