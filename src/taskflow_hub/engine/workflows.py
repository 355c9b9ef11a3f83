"""What people and programs do with workflows: validate, decide, one store call, tell who waits."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Final

from taskflow_hub import tracing
from taskflow_hub.broker.base import EngineSide
from taskflow_hub.domain.access import ANYBODY, Who
from taskflow_hub.domain.audit import By
from taskflow_hub.domain.errors import NotFound, or_raise
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.messages import Stop, Why
from taskflow_hub.domain.workflow import WorkflowSubmission, types_in
from taskflow_hub.domain.workflow_view import Workflow, WorkflowState
from taskflow_hub.engine.graphs import Graphs, weight
from taskflow_hub.engine.hints import Hints, Topic
from taskflow_hub.engine.idempotency import blinded
from taskflow_hub.engine.metrics import Metrics
from taskflow_hub.engine.payloads import beside
from taskflow_hub.engine.task_types import NOTHING_KNOWN, Known, TaskTypes
from taskflow_hub.secrets.keyring import NO_KEYS, Keyring
from taskflow_hub.store.base_workflows import WorkflowStore
from taskflow_hub.store.values import (
    Idempotency,
    ItemPage,
    NewWorkflow,
    WorkflowFilter,
    WorkflowOwner,
    WorkflowPage,
)

POLL_S: Final = 1.0  # how late a waiter may be when no hint reaches it
PAUSE_S: Final = 0.05  # between two looks at a workflow that is waited for, whatever is heard
LOOKING_SHARE: Final = (
    9.0  # so much longer than a look is the pause after it: no waiter costs a tenth of a core
)


class Workflows:
    def __init__(
        self,
        store: WorkflowStore,
        broker: EngineSide,
        types: TaskTypes,
        hints: Hints,
        metrics: Metrics,
        new_id: Callable[[], str],
        keyring: Keyring = NO_KEYS,
    ) -> None:
        self._store, self._broker, self._types = store, broker, types
        self._graphs, self._keyring = Graphs(types, new_id), keyring
        self._hints, self._metrics = hints, metrics

    async def submit(
        self,
        wanted: WorkflowSubmission,
        *,
        who: Who = ANYBODY,
        idempotency: Idempotency | None = None,
        traceparent: str | None = None,
        known: Known = NOTHING_KNOWN,
        by: By | None = None,
    ) -> tuple[Workflow, bool]:
        """Commit a workflow, and begin what waits for nothing. The second value: made now, not replayed by `idempotency`.

        `known` is what the caller knows of types by itself. Raises Invalid naming the nodes, IdempotencyMismatch, TaskGone,
        QuotaExceeded, QueueFull, NoSecretKeys, Forbidden (a node's queue).
        """
        if (tracer := tracing.tracer) is None:
            return await self._submit(wanted, who, idempotency, traceparent, known, by)
        with tracer.submitting_workflow(traceparent) as span:
            workflow, created = await self._submit(wanted, who, idempotency, span.traceparents[0], known, by)
            span.made_workflow(workflow.id)
        return workflow, created

    async def _submit(
        self,
        wanted: WorkflowSubmission,
        who: Who,
        idempotency: Idempotency | None,
        traceparent: str | None,
        known: Known,
        by: By | None,
    ) -> tuple[Workflow, bool]:
        await self._types.refresh()
        new = await beside(weight(wanted), lambda: self._made(wanted, who, traceparent, known))
        if idempotency is not None and any(self._types.secret_of(type, known) for type in types_in(wanted)):
            idempotency = blinded(idempotency, self._keyring)
        outcome = await self._store.submit_workflow(new, idempotency=idempotency, by=by)
        workflow, created = or_raise(outcome)
        if created:
            self._metrics.workflows.inc()
            self._hints.tell(Topic.TASKS, Topic.WORK, Topic.DUE, Topic.WORKFLOWS)
        return workflow, created

    def _made(
        self, wanted: WorkflowSubmission, who: Who, traceparent: str | None, known: Known
    ) -> NewWorkflow:
        return self._graphs.new(
            wanted,
            account=who.account_id,
            user=who.user_id,
            queues=who.queues,
            traceparent=traceparent,
            known=known,
        )

    async def get(self, account: str | None, workflow_id: str) -> Workflow:
        """With its nodes. `account` None: any. Raises NotFound."""
        workflow = await self._store.workflow(account, workflow_id)
        if workflow is None:
            raise NotFound(f"There is no workflow {workflow_id}.")
        return workflow

    async def owner(self, workflow_id: str) -> WorkflowOwner | None:
        return await self._store.workflow_owner(workflow_id)

    async def all(
        self, account: str | None, where: WorkflowFilter, *, limit: int, cursor: str | None = None
    ) -> WorkflowPage:
        """Those that are no sub-workflows, newest first, without their nodes."""
        return await self._store.workflows(account, where, limit=limit, cursor=cursor)

    async def items(
        self,
        account: str | None,
        workflow_id: str,
        node: str,
        *,
        status: Sequence[State] = (),
        after: int = -1,
        limit: int,
    ) -> ItemPage:
        """What became of the items of a fan-out, in order, those after `after`. Raises NotFound."""
        return or_raise(
            await self._store.workflow_items(
                account, workflow_id, node, status=status, after=after, limit=limit
            )
        )

    async def wait(self, account: str | None, workflow_id: str, wait_s: float) -> Workflow:
        """The workflow, once it has ended or `wait_s` seconds have passed. Raises NotFound, also when it is pruned meanwhile.

        It ends with one of its tasks, and hints do not say whose task it was: so it looks again when any has changed.
        """
        deadline = time.monotonic() + wait_s
        with self._hints.listen(Topic.TASKS, Topic.WORKFLOWS) as heard:
            while True:
                heard.clear()
                began = time.monotonic()
                workflow = await self.get(account, workflow_id)
                now = time.monotonic()
                left_s = deadline - now
                if workflow.status is not WorkflowState.RUNNING or left_s <= 0:
                    return workflow
                await asyncio.sleep(min(left_s, max(PAUSE_S, LOOKING_SHARE * (now - began))))
                await _set_within(heard, min(max(deadline - time.monotonic(), 0.0), POLL_S))

    async def cancel(self, account: str, workflow_id: str, *, by: By | None = None) -> Workflow:
        """As the store's `cancel_workflow`; the workers of running tasks are told at once. Raises NotFound, NotAllowed."""
        workflow, asked = or_raise(await self._store.cancel_workflow(account, workflow_id, by=by))
        self._changed()
        for task_id, attempt, worker in asked:
            await self._broker.tell(worker, Stop(task_id, attempt, Why.CANCELLED))
        return workflow

    async def redrive(self, account: str, workflow_id: str, *, by: By | None = None) -> Workflow:
        """As the store's `redrive_workflow`. Raises NotFound, NotAllowed."""
        workflow = or_raise(await self._store.redrive_workflow(account, workflow_id, by=by))
        self._changed()
        return workflow

    async def delete(self, account: str, workflow_id: str, *, by: By | None = None) -> None:
        """Raises NotFound, NotAllowed. Results that lie outside the store are swept later."""
        error = await self._store.delete_workflow(account, workflow_id, by=by)
        if error is not None:
            raise error
        self._changed()

    def _changed(self) -> None:
        self._hints.outside(Topic.TASKS, Topic.WORK, Topic.WORKFLOWS)


async def _set_within(event: asyncio.Event, wait_s: float) -> None:
    try:
        async with asyncio.timeout(wait_s):
            await event.wait()
    except TimeoutError:
        pass  # time to look again
