"""What operators ask of queues, workers and many tasks at once."""

from collections.abc import Mapping
from typing import Any

from msgspec import UNSET, Struct, UnsetType

from taskflow_hub.client.conversation import Conversation, segment
from taskflow_hub.client.model import Bulk, BulkAction, Queue
from taskflow_hub.client.plan import Plan
from taskflow_hub.domain.model import TaskType, Worker


class _Queues(Struct, frozen=True):
    items: list[Queue]


class _Workers(Struct, frozen=True):
    items: list[Worker]


class _TaskTypes(Struct, frozen=True):
    items: list[TaskType]


class _Purged(Struct, frozen=True):
    cancelled: int


class OperatorPlans(Conversation):
    def queues(self) -> Plan[list[Queue]]:
        """Every queue that has a policy or an unfinished task, by name."""
        return (yield from self.ask(_Queues, "GET", "queues")).items

    def pause(self, queue: str) -> Plan[Queue]:
        """Start nothing new from this queue until it is resumed; survives restarts. Running tasks go on."""
        return self.ask(Queue, "POST", f"queues/{segment(queue)}/pause")

    def resume(self, queue: str) -> Plan[Queue]:
        return self.ask(Queue, "POST", f"queues/{segment(queue)}/resume")

    def update_queue(
        self,
        queue: str,
        *,
        max_size: int | UnsetType | None = UNSET,
        running: int | UnsetType | None = UNSET,
        per_second: float | UnsetType | None = UNSET,
    ) -> Plan[Queue]:
        """Say how many tasks may wait in it (beyond that a submit raises QueueFull), how many may run at a time, and how many
        may start per second (None: any number; not given: as it is). Raises Invalid when nothing is given.
        """
        numbers: dict[str, Any] = {"max_size": max_size, "running": running, "per_second": per_second}
        given = {name: number for name, number in numbers.items() if number is not UNSET}
        return self.ask(Queue, "PATCH", f"queues/{segment(queue)}", body=given)

    def purge(self, queue: str) -> Plan[int]:
        """Cancel every task of this queue that has not started. Returns how many."""
        path = f"queues/{segment(queue)}/purge"
        return (yield from self.ask(_Purged, "POST", path, repeatable=False)).cancelled

    def workers(self) -> Plan[list[Worker]]:
        """Who is alive or draining, oldest first."""
        return (yield from self.ask(_Workers, "GET", "workers")).items

    def drain(self, worker: str) -> Plan[Worker]:
        """Give a worker nothing new; it finishes what it has. Twice is harmless. Raises NotFound."""
        return self.ask(Worker, "POST", f"workers/{segment(worker)}/drain")

    def task_types(self) -> Plan[list[TaskType]]:
        """Every type a worker has ever registered, with its defaults and the JSON Schemas of payload and result."""
        return (yield from self.ask(_TaskTypes, "GET", "task-types")).items

    def bulk(
        self, action: BulkAction | str, filter: Mapping[str, Any] | None = None, *, dry_run: bool = False
    ) -> Plan[Bulk]:
        """Begin to cancel, redrive or delete every task that `filter` matches now (as in `list`; empty: all of them).

        It goes on in the hub: `bulk_status(id)` tells how far. With `dry_run` nothing happens but the count (`total`).
        """
        body = {"action": str(action), "filter": filter or {}, "dry_run": dry_run}
        return self.ask(Bulk, "POST", "bulk", body=body, repeatable=False)

    def bulk_status(self, id: str) -> Plan[Bulk]:
        """How far a bulk operation has come. Raises NotFound."""
        return self.ask(Bulk, "GET", f"bulk/{segment(id)}")

    def bulk_abort(self, id: str) -> Plan[Bulk]:
        """Stop it; what is done stays done. Raises NotFound."""
        return self.ask(Bulk, "POST", f"bulk/{segment(id)}/abort")
