"""How much room is left in queues that are bounded."""

from collections.abc import Mapping

from taskflow_hub.domain.lifecycle import State
from taskflow_hub.store import refusals
from taskflow_hub.store.births import Birth, queue_of
from taskflow_hub.store.values import Submit


class Rooms:
    """Of one batch of submits. The store counts a queue's waiting tasks once, when the first task asks for it.

    `waiting` may be copied and put back: a Submit takes all its room or none.
    """

    def __init__(self, bounds: Mapping[str, int], homes: Mapping[str, str]) -> None:
        self.bounds, self.homes = bounds, homes
        self.waiting: dict[str, int] = {}

    def uncounted(self, birth: Birth) -> bool:
        """Must the tasks that wait in its queue be counted (into `waiting`), before it takes its room?"""
        return self._is_bounded(birth) and birth.queue not in self.waiting

    def take(self, request: Submit, index: int, birth: Birth) -> None:
        """Room for one task of a request. Raises QueueFull, which names all that are left of it for the same queue."""
        if not self._is_bounded(birth):
            return
        queue = birth.queue
        self.waiting[queue] += 1
        if self.waiting[queue] > self.bounds[queue]:
            rest = enumerate(request.tasks[index:], index)
            places = [place for place, new in rest if queue_of(new, self.homes) == queue and not new.blocked]
            raise refusals.queue_full(queue, self.bounds[queue], places)

    def _is_bounded(self, birth: Birth) -> bool:
        return birth.queue in self.bounds and birth.status is not State.BLOCKED
