"""What can be asked of workflows."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final, Protocol, TypeAlias

from msgspec import Raw, Struct

from taskflow_hub.client.conversation import Param, segment
from taskflow_hub.client.model import Item, Workflow
from taskflow_hub.client.plan import Emit, Flow, Plan, last
from taskflow_hub.client.tasks import PREFER_MAX_S, idempotency_header, several
from taskflow_hub.client.watching import Watched, WatchPlans
from taskflow_hub.domain import jsontext
from taskflow_hub.domain.ended import workflow_without_result
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.workflow_view import WorkflowState

PAGE: Final = 100
ITEM_PAGE: Final = 1000


class Defined(Protocol):
    """What writes a workflow by itself: a `Workflow` that was put together in Python."""

    def definition(self) -> Mapping[str, Any]: ...


Definition: TypeAlias = Mapping[str, Any] | Raw | Defined  # Raw: JSON text, sent as it is


class _Page(Struct, frozen=True):
    items: tuple[Workflow, ...]
    next_cursor: str | None = None


class _Items(Struct, frozen=True):
    items: tuple[Item, ...]
    next_cursor: str | None = None


class WorkflowPlans(WatchPlans):
    def submit_workflow(
        self, workflow: Definition, *, wait: bool | float = False, idempotency_key: str | None = None
    ) -> Plan[Workflow]:
        """Commit a workflow with its tasks, and start what waits for nothing. `workflow`: a dict as the HTTP API takes it, or a
        `Workflow` that was put together in Python; one that is given an input: `flow.definition(input=…)`.

        `wait`: return it only when it has ended (True), or after so many seconds as it is then. Carries an Idempotency-Key,
        made for this call unless given. Raises Invalid naming the node (`/nodes/store/after`), QueueFull, QuotaExceeded,
        Unavailable.
        """
        started = self.manner.monotonic()
        wait_s = (PREFER_MAX_S if wait else 0.0) if isinstance(wait, bool) else float(wait)
        held_s = min(int(wait_s), PREFER_MAX_S)
        headers = {"idempotency-key": idempotency_header(idempotency_key, self.manner)}
        body = text_of(workflow)
        made = yield from self.ask(
            Workflow,
            "POST",
            "workflows",
            headers=headers | ({"prefer": f"wait={held_s}"} if held_s > 0 else {}),
            body=body,
            held_s=held_s,
        )
        if made.done or not wait:
            return made
        left_s = None if wait is True else max(wait_s - (self.manner.monotonic() - started), 0.0)
        return (yield from last(self.workflow_events(made.id, left_s))) or made

    def workflow(self, id: str) -> Plan[Workflow]:
        """The workflow with its nodes, as they are now. Raises NotFound."""
        return self.ask(Workflow, "GET", _path(id))

    def workflows(
        self,
        *,
        status: WorkflowState | str | Iterable[WorkflowState | str] | None = None,
        name: str | None = None,
        user: str | None = None,
        tag: str | None = None,
        created_after: datetime | None = None,
        created_before: datetime | None = None,
        limit: int | None = None,
    ) -> Flow[Workflow]:
        """Iterate over the workflows that meet every condition, newest first, without their nodes.

        `limit` bounds how many in all (None: every one).
        """
        conditions: dict[str, Param] = {
            "status": several(status),
            "name": name,
            "user": user,
            "tag": tag,
            "created_after": created_after,
            "created_before": created_before,
        }
        cursor: str | None = None
        left = limit
        while left is None or left > 0:
            size = PAGE if left is None else min(left, PAGE)
            page = yield from self.ask(
                _Page, "GET", "workflows", params={**conditions, "limit": size, "cursor": cursor}
            )
            for workflow in page.items[:left]:
                yield Emit(workflow)
            left = None if left is None else left - len(page.items)
            cursor = page.next_cursor
            if cursor is None:
                return

    def workflow_items(
        self, id: str, node: str, *, status: State | str | Iterable[State | str] | None = None
    ) -> Flow[Item]:
        """Iterate over the items of a fan-out, in order. Raises NotFound, also for a node that is no fan-out."""
        cursor: str | None = None
        while True:
            params = {"status": several(status), "limit": ITEM_PAGE, "cursor": cursor}
            page = yield from self.ask(
                _Items, "GET", f"{_path(id)}/nodes/{segment(node)}/items", params=params
            )
            for item in page.items:
                yield Emit(item)
            cursor = page.next_cursor
            if cursor is None:
                return

    def workflow_events(self, id: str, timeout: float | None = None) -> Flow[Workflow]:
        """Iterate over the workflow as it is now and after each change, up to its end, or for `timeout` seconds.

        Lives through a restart of the hub; changes that follow each other closely come as one.
        Raises NotFound, also when it is removed meanwhile; Unavailable when the hub stays away for a minute.
        """
        watched = Watched(_path(id), Workflow, lambda workflow, before: workflow != before, lambda _: None)
        return self.watch(watched, self.deadline(timeout))

    def wait_workflow(self, id: str, timeout: float | None = None) -> Plan[Workflow]:
        """The workflow, once it has ended, however that was. Raises TimeoutError after `timeout` seconds, NotFound."""
        workflow = yield from last(self.workflow_events(id, timeout))
        if workflow is None or not workflow.done:
            raise TimeoutError(f"Workflow {id} has not ended after {timeout:g} s.")
        return workflow

    def workflow_result(self, id: str, timeout: float | None = None) -> Plan[Any]:
        """Wait for the end, and return what the workflow answers. Raises WorkflowFailed or WorkflowCancelled, TimeoutError."""
        workflow = yield from self.wait_workflow(id, timeout)
        if not workflow.succeeded:
            raise workflow_without_result(workflow)
        return workflow.result

    def cancel_workflow(self, id: str) -> Plan[Workflow]:
        """Cancel what waits and ask what runs to end; the workflow that comes back says whether it has (`done`).

        Cancelling twice, or what has ended, is harmless. Raises NotAllowed for a sub-workflow, NotFound.
        """
        return self.ask(Workflow, "POST", f"{_path(id)}/cancel")

    def redrive_workflow(self, id: str) -> Plan[Workflow]:
        """Go on from where it failed or was cancelled, keeping what succeeded. Raises NotAllowed in other states, NotFound."""
        return self.ask(Workflow, "POST", f"{_path(id)}/redrive", repeatable=False)

    def delete_workflow(self, id: str) -> Plan[None]:
        """Remove a workflow that has ended, with all its tasks. Raises NotAllowed while it runs, NotFound."""
        yield from self.ask(Any, "DELETE", _path(id), repeatable=False)


def text_of(workflow: Definition) -> Raw:
    """As the hub takes it."""
    if isinstance(workflow, Raw):
        return workflow
    return jsontext.encode(workflow if isinstance(workflow, Mapping) else workflow.definition())


def _path(id: str) -> str:
    return f"workflows/{segment(id)}"
