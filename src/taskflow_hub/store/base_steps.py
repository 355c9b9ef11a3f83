"""What a store does for handlers that go on where they were (docs/adr/0102). The words of store/base.py hold here, too.

Steps, sleeps and waits are rows under their task, each kind with names of its own. They are only ever added by an attempt
that owns its task, and go when the task goes; what ends an attempt leaves them, and so does a redrive. At most STEPS_MAX a
task.

A task sleeps for an event while it is `scheduled` because a snooze said so (`TaskStore.snooze`, `events`), until it is
promoted. The delivery of an event and such a snooze both lock the task's row before they look, so whichever commits first,
the other sees it: an event never comes between a handler's look and its sleep without waking the task.
"""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Raw

from taskflow_hub.domain.audit import By
from taskflow_hub.domain.errors import TaskflowError
from taskflow_hub.domain.messages import (
    Asleep,
    Awake,
    EventCame,
    EventMissed,
    KeepStep,
    LoadSteps,
    Sleep,
    StepKept,
    Steps,
    WaitEvent,
)
from taskflow_hub.domain.steps import Event, Sleeping
from taskflow_hub.store.values import StepPage


class StepStore(Protocol):
    """What is checked before: names, sizes, times, and that results and payloads are JSON."""

    async def load_steps(self, asked: LoadSteps) -> Steps | TaskflowError:
        """What is settled by now, in the order in which it was kept: steps, sleeps that are over, waits that were decided.

        As many as have READ_AHEAD bytes together, at least one. LeaseLost.
        """
        ...

    async def keep_step(self, items: Sequence[KeepStep]) -> list[StepKept | TaskflowError]:
        """Keep results; of each name the first one that is committed stays, and is answered to all others.

        LeaseLost; TooLarge when the task has as many as it may.
        """
        ...

    async def sleep(self, items: Sequence[Sleep]) -> list[Asleep | Awake | TaskflowError]:
        """Begin a sleep, which ends `seconds` from now; or find one again, with its end as it was. Errors as `keep_step`."""
        ...

    async def wait_event(
        self, items: Sequence[WaitEvent]
    ) -> list[Asleep | EventCame | EventMissed | TaskflowError]:
        """Begin a wait, which ends `timeout` from now; or find one again. If its event has come in time, or its end, that is
        decided here, for good. Errors as `keep_step`.
        """
        ...

    async def send_event(
        self, account: str, task_id: str, name: str, payload: Raw, *, by: By | None = None
    ) -> tuple[Event, bool] | TaskflowError:
        """Keep the first event of this name, and promote the task if it sleeps for it (the second value).

        A later one changes nothing, and is answered with the first. NotFound; NotAllowed for a task that has ended, or was sent
        EVENTS_MAX.
        """
        ...

    async def steps(self, account: str, task_id: str, *, after: int = 0, limit: int) -> StepPage | None:
        """For people: everything that was kept, in order, after so many. None: unknown task.

        A page ends before its `limit` when results have PAGE_OCTETS together.
        """
        ...

    async def sleeping(self, task_id: str) -> Sleeping | None:
        """What a scheduled task's handler sleeps for. None: it is not scheduled, or for another reason."""
        ...
