"""Workflows: begun, cancelled, redriven and removed. What moves them is in ends.py."""

from collections.abc import Mapping, Sequence
from typing import Final

from taskflow_hub.domain.audit import By
from taskflow_hub.domain.errors import Gone, TaskflowError
from taskflow_hub.domain.workflow_view import Workflow, WorkflowState
from taskflow_hub.store import refusals
from taskflow_hub.store.asks import Ending, WorkflowRow
from taskflow_hub.store.audit import of_workflow_cancel, of_workflow_delete, of_workflow_redrive
from taskflow_hub.store.beginning import redriven, submitted
from taskflow_hub.store.documents import to_json
from taskflow_hub.store.halting import asked, halted
from taskflow_hub.store.keeping import WORKFLOWS_AT_ONCE
from taskflow_hub.store.plans import PLANS
from taskflow_hub.store.sqlite.advance import ROWS, Answering
from taskflow_hub.store.sqlite.audit import record
from taskflow_hub.store.sqlite.part import Part
from taskflow_hub.store.sqlite.statements import statement
from taskflow_hub.store.sqlite.tasks import delete_finished
from taskflow_hub.store.sqlite.transaction import SECOND, Snapshot, Transaction, to_us
from taskflow_hub.store.sqlite.workflow_reads import read_facts, read_workflow
from taskflow_hub.store.tree import Tree
from taskflow_hub.store.values import Idempotency, Late, NewWorkflow

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
        """Ask a reader first: nearly always nothing is due, and then nothing need be written."""
        at = await self._readers.read(_next_deadline)
        now = to_us(self._clock())
        if at is None or at > now:
            return Late((), None if at is None else (at - now) / SECOND)
        return await self._writer.write(_expire, limit)

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


def _submit(
    tx: Transaction, new: NewWorkflow, key: Idempotency | None
) -> tuple[Workflow, bool] | TaskflowError:
    found = Answering(tx).all_of(submitted(PLANS, new, key))
    if isinstance(found, TaskflowError):
        return found
    id, created = found
    workflow = read_workflow(tx, new.account_id, id)
    return refusals.workflow_gone(id) if workflow is None else (workflow, created)


# --- by people -----------------------------------------------------------------------------------------------------------


def _refusal(tx: Transaction, account: str, workflow_id: str, verb: str) -> TaskflowError | None:
    facts = read_facts(tx, account, workflow_id)
    status, root = (None, "") if facts is None else (facts.status, facts.root_id)
    return refusals.of_workflow(workflow_id, verb, status, root)


def _row(tx: Transaction, workflow_id: str) -> WorkflowRow:
    (row,) = tx.document(list[WorkflowRow], ROWS, to_json([workflow_id]))
    return row


def _seen(tx: Transaction, account: str, workflow_id: str) -> Workflow:
    workflow = read_workflow(tx, account, workflow_id)
    assert workflow is not None, "it was there a moment ago, in this transaction"
    return workflow


def _cancel(
    tx: Transaction, account: str, workflow_id: str, by: By | None
) -> tuple[Workflow, list[tuple[str, int, str]]] | TaskflowError:
    refusal = _refusal(tx, account, workflow_id, "cancel")
    if refusal is not None:
        return refusal
    root = _row(tx, workflow_id)
    was_running, was_ending = root.is_running, root.ending
    changed = Answering(tx).all_of(halted(Tree(PLANS, [root]), root, workflow_id, Ending.CANCEL))
    workflow = _seen(tx, account, workflow_id)
    if was_running and was_ending is None:
        record(tx, by, [of_workflow_cancel(account, workflow)])
    return workflow, asked(changed)


def _redrive(tx: Transaction, account: str, workflow_id: str, by: By | None) -> Workflow | TaskflowError:
    refusal = _refusal(tx, account, workflow_id, "redrive")
    if refusal is not None:
        return refusal
    root = _row(tx, workflow_id)
    was = root.status
    Answering(tx).all_of(redriven(PLANS, root))
    workflow = _seen(tx, account, workflow_id)
    record(tx, by, [of_workflow_redrive(account, workflow, was)])
    return workflow


def _delete(tx: Transaction, account: str, workflow_id: str, by: By | None) -> TaskflowError | None:
    refusal = _refusal(tx, account, workflow_id, "delete")
    if refusal is not None:
        return refusal
    workflow = _seen(tx, account, workflow_id)
    tree = tx.document(list[str], TREE, to_json([workflow_id]))
    tasks = tx.document(list[str], TASK_IDS, to_json(tree))
    _forget(tx, tree)
    delete_finished(tx, tasks)
    record(tx, by, [of_workflow_delete(account, workflow)])
    return None


def _forget(tx: Transaction, tree: Sequence[str]) -> None:
    for sql in DELETE:
        tx.run(sql, to_json(tree))


# --- by time -------------------------------------------------------------------------------------------------------------


def _next_deadline(snapshot: Snapshot) -> int | None:
    at: int | None = snapshot.value(NEXT_DEADLINE)
    return at


def _expire(tx: Transaction, limit: int) -> Late:
    told: list[tuple[str, int, str]] = []
    late = tx.document(list[tuple[str, str]], LATE, tx.now, limit)
    for workflow_id, root_id in late:
        root = _row(tx, root_id)
        changed = Answering(tx).all_of(halted(Tree(PLANS, [root]), root, workflow_id, Ending.DEADLINE))
        told += asked(changed)
    ids = tuple([workflow_id for workflow_id, _ in late])
    at = _next_deadline(tx)
    next_in_s = None if at is None else max(0.0, (at - tx.now) / SECOND)
    return Late(ids, 0.0 if len(late) >= limit else next_in_s, tuple(told))


def _prune(tx: Transaction, state: WorkflowState, keep_s: float, limit: int) -> list[str]:
    ids = tx.document(list[str], OLD, state.value, tx.now - round(keep_s * SECOND), limit)
    if ids:
        _forget(tx, tx.document(list[str], TREE, to_json(ids)))
    return ids
