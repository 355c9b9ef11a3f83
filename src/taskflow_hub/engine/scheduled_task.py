"""The task that a schedule starts."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from taskflow_hub.domain.schedule import ByHand, Schedule, delay_s
from taskflow_hub.domain.schedule_spec import TaskTemplate
from taskflow_hub.domain.schedule_template import Template
from taskflow_hub.domain.schedule_tick import example, tick_of, with_tick
from taskflow_hub.engine.graphs import bound
from taskflow_hub.engine.task_types import TaskTypes
from taskflow_hub.store.values import NewTask


class ScheduledTask:
    """See `Scheduled`."""

    def __init__(self, given: TaskTemplate, types: TaskTypes) -> None:
        self._given, self._types = given, types

    @property
    def weight(self) -> int:
        return len(self._given.payload)

    @property
    def queues(self) -> set[str]:
        return {self._types.queue_of(self._given)}

    @property
    def encrypting(self) -> Sequence[str]:
        return (self._given.type,)

    def checked(self, account: str, queues: tuple[str, ...]) -> Template:
        task = bound(self._given, "/task", self._types, queues)
        tried = with_tick(task.payload, example, "/task/payload")
        wanted = replace(task.submission(), payload=tried)
        self._types.complete(wanted, account=account, user=None, traceparent=None, parent_id=None, at="/task")
        return Template(task=task)

    def work(self, schedule: Schedule, planned_at: datetime, by_hand: ByHand | None) -> NewTask:
        """What the clock fires is put off by its jitter; what somebody fires is not."""
        payload = with_tick(self._given.payload, tick_of(schedule, planned_at), "/payload")
        new = self._types.complete(
            replace(self._given.submission(), payload=payload),
            account=schedule.account_id,
            user=schedule.user_id,
            traceparent=None,
            parent_id=None,
            at="",
        )
        new = replace(new, schedule_id=schedule.id)
        late_s = 0.0 if by_hand else delay_s(schedule.id, planned_at, schedule.jitter_s)
        return replace(new, run_at=planned_at + timedelta(seconds=late_s)) if late_s else new
