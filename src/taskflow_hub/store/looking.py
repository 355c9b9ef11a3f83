"""A limit as one who asks is shown it: decided by the very gate a lease goes by, so the two cannot differ."""

from collections.abc import Sequence
from datetime import datetime

from taskflow_hub.domain.why import LimitState
from taskflow_hub.store.gates import Gate, Numbers


def limit_state(
    key: str, numbers: Numbers, tasks: Sequence[str], at: datetime, *, standing: bool
) -> LimitState:
    """`tasks` are the first of those that run."""
    gate = Gate()
    by = ("a", (key,))
    gate.learn((by[0], key), numbers)
    return LimitState(
        key=key,
        at_most=numbers.running,
        running=numbers.run,
        tasks=tuple(tasks),
        per_second=numbers.per_second,
        hold=gate.hold(by),
        next_in_s=gate.next_in_s(),
        at=at,
        standing=standing,
    )
