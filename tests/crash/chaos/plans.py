"""What the workload asks for, and what must come of it, whatever happens meanwhile."""

import random
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.model import Reason

RETRY_S: Final = 0.3  # the pause before each retry of a task
SNOOZE_S: Final = 0.3
WAIT_S: Final = (
    3.0  # of a task that is to be cancelled while it runs; by another process that takes until a heartbeat
)

End = tuple[State, Reason | None]
SUCCESS: Final[End] = (State.SUCCESS, None)
CANCELLED: Final[End] = (State.CANCELLED, None)
FAILED: Final[End] = (State.FAILED, Reason.HANDLER)
TIMED_OUT: Final[End] = (State.FAILED, Reason.TIMEOUT)


class When(StrEnum):
    """When it is cancelled."""

    WAITING = "waiting"  # as soon as it is accepted
    RUNNING = "running"  # as soon as its handler has started


@dataclass(frozen=True, eq=False)
class Plan:
    """`retries` is how often its handler fails, or runs out of time, and is tried again; nothing else may count as a retry."""

    name: str
    type: str
    payload: Mapping[str, Any]
    options: Mapping[str, Any] = field(default_factory=dict)
    ends: Collection[End] = (SUCCESS,)
    retries: int = 0
    cancel: When | None = None

    @property
    def body(self) -> dict[str, Any]:
        return {"type": self.type, "payload": dict(self.payload), **self.options}

    @property
    def delay_s(self) -> float:
        return float(self.options.get("delay", 0.0))


LONG: Final = Plan("held", "chaos.async", {"seconds": 8.0})
CHILD: Final = Plan("child", "chaos.child", {})
MAY_CANCEL: Final = (CANCELLED, SUCCESS)  # it may be done before it hears of it

# How many of each are in a pack: the mix stays the same from one window to the next, only the order is by chance.
_PACK: Final = (
    (40, Plan("async", "chaos.async", {"seconds": 0.3})),
    (16, Plan("thread", "chaos.thread", {"seconds": 0.3})),
    (4, Plan("first", "chaos.async", {"seconds": 0.3}, {"priority": 9})),
    (4, Plan("last", "chaos.async", {"seconds": 0.3}, {"priority": 0})),
    (1, Plan("long", "chaos.async", {"seconds": 1.5})),
    (1, Plan("long thread", "chaos.thread", {"seconds": 1.0})),
    (6, Plan("retry", "chaos.async", {"seconds": 0.1, "fails": 1}, {"max_retries": 2}, retries=1)),
    (2, Plan("thread retry", "chaos.thread", {"seconds": 0.1, "fails": 2}, {"max_retries": 2}, retries=2)),
    (
        4,
        Plan("fail", "chaos.thread", {"seconds": 0.1, "fails": 99}, {"max_retries": 1}, (FAILED,), retries=1),
    ),
    (2, Plan("give up", "chaos.async", {"seconds": 0.1, "gives_up": True}, ends=(FAILED,))),
    (2, Plan("snooze", "chaos.async", {"seconds": 0.1, "snooze": SNOOZE_S})),
    (4, Plan("delay", "chaos.async", {"seconds": 0.2}, {"delay": 1.0})),
    (
        2,
        Plan(
            "timeout", "chaos.async", {"seconds": 60.0}, {"timeout": 0.4, "max_retries": 1}, (TIMED_OUT,), 1
        ),
    ),
    (
        2,
        Plan(
            "thread timeout",
            "chaos.thread",
            {"seconds": 60.0},
            {"timeout": 0.4, "max_retries": 0},
            (TIMED_OUT,),
        ),
    ),
    (1, Plan("cancel", "chaos.wait_async", {"seconds": WAIT_S}, ends=MAY_CANCEL, cancel=When.RUNNING)),
    (
        1,
        Plan("thread cancel", "chaos.wait_thread", {"seconds": WAIT_S}, ends=MAY_CANCEL, cancel=When.RUNNING),
    ),
    (
        2,
        Plan(
            "early cancel",
            "chaos.async",
            {"seconds": 0.1},
            {"delay": 600.0},
            (CANCELLED,),
            cancel=When.WAITING,
        ),
    ),
    (2, Plan("parent", "chaos.parent", {"seconds": 0.2})),
    (1, Plan("cpu", "chaos.cpu", {"rounds": 50_000})),
)
KINDS: Final = {plan.name: plan for _, plan in _PACK}
# Types whose tasks are to be cancelled once they run.
WAITERS: Final = frozenset(plan.type for plan in KINDS.values() if plan.cancel is When.RUNNING)


def endless(seed: int) -> Iterator[Plan]:
    chance = random.Random(seed)
    pack = [plan for count, plan in _PACK for _ in range(count)]
    while True:
        yield from chance.sample(pack, len(pack))
