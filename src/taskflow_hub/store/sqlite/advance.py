"""What decisions about workflows (store/advance.py) ask, answered by this database."""

from collections.abc import Sequence
from typing import Any, Final, TypeVar

from msgspec import Raw

from taskflow_hub.domain.errors import TaskflowError
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.model import Reason
from taskflow_hub.store import asks
from taskflow_hub.store.documents import decoder, to_json
from taskflow_hub.store.keys import Answer, require_same
from taskflow_hub.store.sqlite.part import move_over, revive
from taskflow_hub.store.sqlite.statements import statement
from taskflow_hub.store.sqlite.submit import (
    IDEMPOTENCY_FIND,
    IDEMPOTENCY_KEEP,
    LIMIT_ROWS,
    LIMIT_STATE,
    LimitRow,
    numbers_of,
    submit,
)
from taskflow_hub.store.sqlite.transaction import SECOND, Transaction
from taskflow_hub.store.stated import keys_named, keys_of
from taskflow_hub.store.values import Followed, Submit
from taskflow_hub.store.verdicts import REFERENCE_SIGNATURE
from taskflow_hub.store.workflow_rows import new_row, node_values, saved_row

ROWS: Final = statement("workflow_rows")
GRAPH: Final = statement("workflow_graph")
INPUT: Final = statement("workflow_input")
NODES: Final = statement("workflow_nodes")
BROKEN: Final = statement("workflow_broken")
WORK: Final = statement("workflow_work")
ANSWERS: Final = statement("workflow_answers")
SUBS: Final = statement("workflow_subs")
NODES_OF: Final = statement("workflow_nodes_of")
LIVE: Final = statement("workflow_live")
UNDONE: Final = statement("workflow_undone")
MISSING: Final = statement("workflow_missing")
UNDONE_SUBS: Final = statement("workflow_undone_subs")
STANDING: Final = statement("only/standing")
CANCEL_RUNNING: Final = statement("only/cancel_running")
CANCEL_UNSTARTED: Final = statement("cancel_unstarted")
ENDED_AS: Final = statement("only/ended_as")
RESET: Final = statement("reset")
REDRIVE: Final = statement("redrive")
CLONE: Final = statement("clone")
CLONE_PAYLOAD: Final = statement("only/clone_payload")
CLONE_TAGS: Final = statement("only/clone_tags")
SET_ASIDE: Final = statement("set_aside")
SET_ASIDE_WORKFLOWS: Final = statement("only/set_aside_workflows")
SAVE_WORKFLOWS: Final = statement("save_workflows")
SAVE_NODES: Final = statement("only/save_nodes")
ADD_WORKFLOWS: Final = statement("add_workflows")
ADD_GRAPHS: Final = statement("add_graphs")
ADD_NODES: Final = statement("add_nodes")
ADD_WORK: Final = statement("add_work")
DROP_LIMITS: Final = statement("drop_limits")
UNBLOCK: Final = statement("unblock")
RELEASE_PAYLOADS: Final = statement("only/release_payloads")
RELEASE_LIMITS: Final = statement("only/release_limits")
SKIP: Final = statement("skip")
REJECT: Final = statement("reject")

T = TypeVar("T")


class Answering:
    """One decision."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self._followed = Followed()  # told when it has come to its end: of what was undone, nothing followed
        tx.decided = True

    def all_of(self, asking: asks.Asking[T]) -> T:
        answer: Any = None
        while True:
            try:
                ask = asking.send(answer)
            except StopIteration as over:
                self._tx.followed.add(self._followed)
                decided: T = over.value
                return decided
            answer = self._answer(ask)

    def _answer(self, ask: asks.Ask) -> Any:
        tx = self._tx
        match ask:
            case asks.WorkOf(tasks):
                return tx.document(list[asks.Work], WORK, to_json(tasks))
            case asks.Workflows(ids):
                return tx.document(list[asks.WorkflowRow], ROWS, to_json(ids))
            case asks.GraphText(root):
                return tx.value(GRAPH, root)
            case asks.Nodes(places):
                return tx.document(list[asks.NodeRow], NODES, to_json(places))
            case asks.Broken(workflow):
                return tx.document(list[asks.NodeRow], BROKEN, workflow)
            case asks.Input(workflow):
                return Raw(tx.value(INPUT, workflow).encode())
            case asks.Answers():
                return tx.document(
                    list[asks.Answer], ANSWERS, ask.workflow.id, to_json(ask.nodes), ask.octets
                )
            case asks.Subs(root):
                return tx.document(list[asks.WorkflowRow], SUBS, root)
            case asks.NodesOf(workflows, states):
                return tx.document(list[asks.NodeRow], NODES_OF, to_json(workflows), to_json(states))
            case asks.Live(workflows):
                return tx.document(list[asks.Work], LIVE, to_json(workflows))
            case asks.Undone(workflow, node):
                return tx.document(list[asks.Work], UNDONE, workflow.id, node)
            case asks.Missing(root):
                return tx.document(list[asks.Place], MISSING, root)
            case asks.UndoneSubs(workflow, node):
                return tx.document(list[asks.WorkflowRow], UNDONE_SUBS, workflow, node)
            case asks.Cancel(_, tasks):
                return self._cancel(tasks)
            case asks.Reset(tasks):
                moving = self._ended_as(tasks, State.FAILED, State.CANCELLED, State.SKIPPED)
                revive(tx, moving, RESET)
                self._followed.again += len(moving)
                return set(moving)
            case asks.Redrive(tasks):
                moving = self._ended_as(tasks, State.FAILED, State.CANCELLED)
                revive(tx, moving, REDRIVE, tx.next_seq(len(moving)), tx.now)
                self._followed.again += len(moving)
                return set(moving)
            case asks.Clone(task, new):
                there = tx.connection.execute(CLONE.text, (task, new, tx.now)).fetchall()
                self._followed.made.update(there)
                tx.run(CLONE_PAYLOAD, task, new)
                tx.run(CLONE_TAGS, task, new)
                return bool(there)
            case asks.SetAside(place, name):
                tx.run(SET_ASIDE, *place, name)
                tx.run(SET_ASIDE_WORKFLOWS, *place, name)
            case asks.AddWork(work):
                tx.run_items(ADD_WORK, [(work.workflow_id, work.node, work.item, work.task_id)])
            case asks.StateLimits():
                self._state([ask.stating()])
            case asks.Release():
                return self._release(ask)
            case asks.Skip(tasks):
                self._followed.ended[State.SKIPPED, None] += tx.run(SKIP, tx.now, to_json(tasks))
                move_over(tx)
            case asks.Reject(tasks):
                rows = [(task, to_json(error)) for task, error in tasks]
                rejected = tx.run_items(REJECT, rows, tx.now, REFERENCE_SIGNATURE)
                self._followed.ended[State.FAILED, Reason.REFERENCE] += rejected
                move_over(tx, failed=True)
            case asks.MakeTasks():
                return self._make_tasks(ask)
            case asks.DropLimits(account, keys):
                tx.run(DROP_LIMITS, account, to_json(keys))
            case asks.Save():
                self._save(ask)
            case asks.Replay():
                return self._replay(ask)
            case asks.Keep():
                self._keep(ask)
        return None

    # --- tasks ---------------------------------------------------------------------------------------------------------

    def _release(self, ask: asks.Release) -> dict[str, TaskflowError]:
        tx, stating = self._tx, ask.stating()
        refused = self._state(stating)
        released = [one for one in ask.tasks if one.task not in refused]
        payloads = [
            (one.task, bytes(one.payload).decode(), len(one.payload))
            for one in released
            if one.payload is not None
        ]
        limits = [(request.tasks[0].id, to_json(keys_of(request.tasks[0]))) for request in stating]
        tx.run_items(RELEASE_PAYLOADS, payloads)
        tx.run_items(RELEASE_LIMITS, limits)
        if released:
            tx.run(UNBLOCK, tx.next_seq(len(released)), to_json([one.task for one in released]))
        return refused

    def _state(self, stating: Sequence[Submit]) -> dict[str, TaskflowError]:
        """The numbers of limits; the tasks that are refused."""
        tx, keys = self._tx, keys_named(stating)
        numbers = numbers_of(keys, tx.document(list[LimitRow], LIMIT_ROWS, to_json(keys)) if keys else [])
        refused: dict[str, TaskflowError] = {}
        for request in stating:
            try:
                numbers.state(request.tasks[0], 0)
            except TaskflowError as error:
                refused[request.tasks[0].id] = error
        tx.run_items(LIMIT_STATE, numbers.changes())
        return refused

    def _cancel(self, tasks: Sequence[str]) -> list[asks.Cancelled]:
        tx = self._tx
        standing = tx.document(list[tuple[str, State, int, str | None]], STANDING, to_json(tasks))
        these = to_json([id for id, *_ in standing])
        tx.connection.execute(CANCEL_RUNNING.text, (tx.now, these)).fetchall()
        self._followed.ended[State.CANCELLED, None] += tx.run(CANCEL_UNSTARTED, tx.now, these)
        move_over(tx)
        return [asks.Cancelled(*one) for one in standing]

    def _ended_as(self, tasks: Sequence[str], *states: State) -> list[str]:
        """Those that have ended so, in the order given."""
        found = set(self._tx.document(list[str], ENDED_AS, to_json(tasks), to_json(states)))
        return [task for task in tasks if task in found]

    def _make_tasks(self, ask: asks.MakeTasks) -> TaskflowError | None:
        (outcome,) = submit(self._tx, [Submit(tuple(ask.tasks))])
        if isinstance(outcome, TaskflowError):
            return outcome
        self._followed.made_of(outcome)
        self._tx.run_items(ADD_WORK, [(w.workflow_id, w.node, w.item, w.task_id) for w in ask.work])
        return None

    # --- rows ----------------------------------------------------------------------------------------------------------

    def _save(self, save: asks.Save) -> None:
        tx = self._tx
        tx.run_items(ADD_WORKFLOWS, [new_row(new) for new in save.new_workflows], tx.now)
        tx.run_items(
            ADD_GRAPHS, [(new.row.id, new.graph) for new in save.new_workflows if new.graph is not None]
        )
        tx.run_items(SAVE_WORKFLOWS, [saved_row(row) for row in save.touched], tx.now)
        tx.run_items(ADD_NODES, [node_values(node) for node in save.new_nodes], tx.now)
        tx.run_items(SAVE_NODES, [node_values(node) for node in save.nodes], tx.now)

    # --- an idempotency key --------------------------------------------------------------------------------------------

    def _replay(self, ask: asks.Replay) -> str | TaskflowError | None:
        key = ask.key
        found = self._tx.value(IDEMPOTENCY_FIND, key.account_id, key.route, key.key, self._tx.now)
        if found is None:
            return None
        fingerprint, answer = decoder(tuple[str, Answer]).decode(found)
        try:
            require_same(key, fingerprint)
        except TaskflowError as error:
            return error
        workflow: str = answer[0][0]
        return workflow

    def _keep(self, ask: asks.Keep) -> None:
        if ask.workflow is not None:
            key, answer = ask.key, to_json([(ask.workflow, True)])
            until = self._tx.now + round(key.ttl_s * SECOND)
            self._tx.run(IDEMPOTENCY_KEEP, key.account_id, key.route, key.key, key.fingerprint, answer, until)
