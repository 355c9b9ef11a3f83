"""Workflows: begun, cancelled, redriven and removed. What moves them is in ends.py."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

from taskflow_hub.domain.audit import By
from taskflow_hub.domain.errors import Gone, TaskflowError
from taskflow_hub.domain.workflow_view import Workflow, WorkflowState
from taskflow_hub.store import refusals
from taskflow_hub.store.asks import Cancelled, Ending
from taskflow_hub.store.audit import of_workflow_cancel, of_workflow_delete, of_workflow_redrive
from taskflow_hub.store.beginning import redriven, submitted
from taskflow_hub.store.halting import asked, halted
from taskflow_hub.store.keeping import WORKFLOWS_AT_ONCE
from taskflow_hub.store.plans import PLANS
from taskflow_hub.store.postgres.advance import Answering, lock_workflows
from taskflow_hub.store.postgres.audit import record
from taskflow_hub.store.postgres.part import Part
from taskflow_hub.store.postgres.statements import statement
from taskflow_hub.store.postgres.tasks import delete_finished
from taskflow_hub.store.postgres.transaction import Snapshot, Transaction
from taskflow_hub.store.postgres.workflow_reads import read_facts, read_workflow
from taskflow_hub.store.tree import Tree
from taskflow_hub.store.values import Idempotency, Late, News, NewWorkflow

NOW: Final = statement("only/now")
NEXT_DEADLINE: Final = statement("next_deadline")
LATE: Final = statement("workflows_late")
OLD: Final = statement("workflows_old")
TREE: Final = statement("workflow_tree")
TASK_IDS: Final = statement("workflow_task_ids")
DELETE: Final = (
    statement("delete_workflow_tasks"),
    statement("delete_workflow_nodes"),
    statement("delete_workflow_graphs"),
    statement("delete_workflows"),
)


class Workflows(Part):
    @property
    def workflow_decisions(self) -> int:
        return self._writer.decisions

    async def submit_workflow(
        self, new: NewWorkflow, *, idempotency: Idempotency | None = None, by: By | None = None
    ) -> tuple[Workflow, bool] | TaskflowError:
        return await self._writer.write(_submit, new, idempotency)

    async def cancel_workflow(
        self, account: str, workflow_id: str, *, by: By | None = None
    ) -> tuple[Workflow, list[tuple[str, int, str]]] | TaskflowError:
        return await self._writer.write(_cancel, account, workflow_id, by)

    async def redrive_workflow(
        self, account: str, workflow_id: str, *, by: By | None = None
    ) -> Workflow | TaskflowError:
        try:
            return await self._writer.write(_redrive, account, workflow_id, by)
        except Gone as error:  # and nothing was changed
            return error

    async def delete_workflow(
        self, account: str, workflow_id: str, *, by: By | None = None
    ) -> TaskflowError | None:
        return await self._writer.write(_delete, account, workflow_id, by)

    async def expire_workflows(self, limit: int) -> Late:
        next_in_s = await self._readers.read(_next_deadline)
        if next_in_s is None or next_in_s > 0:
            return Late((), next_in_s)
        late = await self._readers.read(_late, limit)
        ids: list[str] = []
        told: list[tuple[str, int, str]] = []
        for id, root in late:
            changed = await self._writer.write(_expire, id, root)
            if changed is not None:
                ids.append(id)
                told += asked(changed)
        next_in_s = 0.0 if len(late) >= limit else await self._readers.read(_next_deadline)
        return Late(tuple(ids), next_in_s, tuple(told))

    async def prune_workflows(self, retention_s: Mapping[WorkflowState, float], limit: int) -> Sequence[str]:
        forgotten: list[str] = []
        for state, keep_s in retention_s.items():
            while len(forgotten) < limit:
                some = await self._writer.write(
                    _prune, state, keep_s, min(WORKFLOWS_AT_ONCE, limit - len(forgotten))
                )
                forgotten += some
                if not some:
                    break
        return forgotten


async def _submit(
    tx: Transaction, new: NewWorkflow, key: Idempotency | None
) -> tuple[Workflow, bool] | TaskflowError:
    found = await Answering(tx).all_of(submitted(PLANS, new, key))
    if isinstance(found, TaskflowError):
        return found
    id, created = found
    workflow = await read_workflow(tx, new.account_id, id)
    return refusals.workflow_gone(id) if workflow is None else (workflow, created)


# --- by people -----------------------------------------------------------------------------------------------------------


async def _refusal(tx: Transaction, account: str, workflow_id: str, verb: str) -> TaskflowError | None:
    """After its row was locked."""
    facts = await read_facts(tx, account, workflow_id)
    status, root = (None, "") if facts is None else (facts.status, facts.root_id)
    return refusals.of_workflow(workflow_id, verb, status, root)


async def _seen(tx: Transaction, account: str, workflow_id: str) -> Workflow:
    workflow = await read_workflow(tx, account, workflow_id)
    assert workflow is not None, "its row is locked"
    return workflow


async def _cancel(
    tx: Transaction, account: str, workflow_id: str, by: By | None
) -> tuple[Workflow, list[tuple[str, int, str]]] | TaskflowError:
    roots = await lock_workflows(tx, [workflow_id])
    refusal = await _refusal(tx, account, workflow_id, "cancel")
    if refusal is not None:
        return refusal
    (root,) = roots.rows
    was_running, was_ending = root.is_running, root.ending
    changed = await Answering(tx).all_of(halted(Tree(PLANS, [root]), root, workflow_id, Ending.CANCEL))
    workflow = await _seen(tx, account, workflow_id)
    if was_running and was_ending is None:
        await record(tx, by, [of_workflow_cancel(account, workflow)])
    return workflow, asked(changed)


async def _redrive(
    tx: Transaction, account: str, workflow_id: str, by: By | None
) -> Workflow | TaskflowError:
    roots = await lock_workflows(tx, [workflow_id])
    refusal = await _refusal(tx, account, workflow_id, "redrive")
    if refusal is not None:
        return refusal
    (root,) = roots.rows
    was = root.status
    await Answering(tx).all_of(redriven(PLANS, root))
    workflow = await _seen(tx, account, workflow_id)
    await record(tx, by, [of_workflow_redrive(account, workflow, was)])
    return workflow


async def _delete(tx: Transaction, account: str, workflow_id: str, by: By | None) -> TaskflowError | None:
    await lock_workflows(tx, [workflow_id])
    refusal = await _refusal(tx, account, workflow_id, "delete")
    if refusal is not None:
        return refusal
    workflow = await _seen(tx, account, workflow_id)
    tree = [row["id"] for row in await tx.fetch(TREE, [workflow_id])]
    tasks = [row["id"] for row in await tx.fetch(TASK_IDS, tree)]
    await _forget(tx, tree)
    await delete_finished(tx, account, tasks)
    await record(tx, by, [of_workflow_delete(account, workflow)])
    return None


async def _forget(tx: Transaction, tree: Sequence[str]) -> None:
    for sql in DELETE:
        await tx.run(sql, tree)
    tx.note(News.TASKS)


# --- by time -------------------------------------------------------------------------------------------------------------


async def _next_deadline(snapshot: Snapshot) -> float | None:
    in_s: float | None = await snapshot.value(NEXT_DEADLINE, snapshot.now)
    return in_s


async def _late(snapshot: Snapshot, limit: int) -> list[tuple[str, str]]:
    return [(row["id"], row["root_id"]) for row in await snapshot.fetch(LATE, snapshot.now, limit, None)]


async def _expire(tx: Transaction, workflow_id: str, root_id: str) -> list[Cancelled] | None:
    """What has changed; None: it has not run out of time, after all."""
    roots = await lock_workflows(tx, [root_id])
    if not roots or not await tx.fetch(LATE, tx.now, 1, workflow_id):
        return None
    (root,) = roots.rows
    return await Answering(tx).all_of(halted(Tree(PLANS, [root]), root, workflow_id, Ending.DEADLINE))


async def _prune(tx: Transaction, state: WorkflowState, keep_s: float, limit: int) -> list[str]:
    now = await tx.value(NOW, tx.now)
    ids = [row["id"] for row in await tx.fetch(OLD, state.value, now - timedelta(seconds=keep_s), limit)]
    if ids:
        await _forget(tx, [row["id"] for row in await tx.fetch(TREE, ids)])
    return ids
