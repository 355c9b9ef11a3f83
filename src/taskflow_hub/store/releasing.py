"""How nodes begin: references are looked up, tasks made or released, sub-workflows begun.

What goes wrong with a node fails that node: a reference that leads nowhere, a list that is none, a fan-out for which the
account has no quota left or the queue no room.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import UNSET, Raw, Struct

from taskflow_hub.domain.errors import Gone, Invalid, TaskflowError
from taskflow_hub.domain.graph import MAX_ITEMS, Template
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.model import TaskError
from taskflow_hub.domain.references import Compiled, Unresolvable
from taskflow_hub.domain.submission import NO_PARAMETERS, Limit
from taskflow_hub.domain.type_limits import merged
from taskflow_hub.domain.workflow_view import WorkflowState
from taskflow_hub.store.asks import (
    NO_ITEM,
    Asking,
    MakeTasks,
    NodeRow,
    Place,
    Reject,
    Release,
    Released,
    Work,
    WorkflowRow,
)
from taskflow_hub.store.finding import Finder
from taskflow_hub.store.plans import Plan, limit_of, workflow_key
from taskflow_hub.store.rewinding import Resumed, resumed
from taskflow_hub.store.tree import Tree
from taskflow_hub.store.values import NewTask

FAN_OUT_OCTETS: Final = 64 << 20  # of the payloads of one fan-out
# Of all that one decision begins below one root: fan-outs, and those in the sub-workflows that they begin.
MADE_TASKS: Final = 50_000
MADE_OCTETS: Final = 128 << 20  # of payloads, also of plain nodes

_items: Final = msgspec.json.Decoder(list[Raw]).decode


class Begun(Struct, frozen=True):
    """`over`: those that ended at once. `ready`: of sub-workflows, those that wait for nobody; `idle`: sub-workflows in which
    nothing is left to do."""

    over: dict[Place, State]
    ready: list[NodeRow]
    idle: list[WorkflowRow]


class _Failed(Exception):
    """A node cannot begin."""

    def __init__(self, type: str, message: str) -> None:
        super().__init__(message)
        self.error = TaskError(type=type, message=message)


class _Standing(Struct, frozen=True):
    """A node that begins, and where it stands."""

    node: NodeRow
    workflow: WorkflowRow
    plan: Plan
    payload: Compiled | None
    for_each: Compiled | None


def begin(tree: Tree, nodes: Sequence[NodeRow]) -> Asking[Begun]:
    """Begin nodes for which nothing has to be waited any more."""
    standing: list[_Standing] = []
    for node in nodes:
        workflow = tree.workflows[node.workflow_id]
        plan = yield from tree.plan(workflow)
        fans_out = plan.node(node.node).for_each is not UNSET
        for_each = plan.for_each(node.node) if fans_out else None
        standing.append(_Standing(node, workflow, plan, plan.payload(node.node), for_each))
    finder = Finder(tree)
    yield from finder.learn(
        (one.workflow, template)
        for one in standing
        for template in (one.payload, one.for_each)
        if template is not None
    )
    over: dict[Place, State] = {}
    ready: list[NodeRow] = []
    idle: list[WorkflowRow] = []
    plain = [one for one in standing if one.plan.node(one.node.node).is_plain]
    yield from _release(tree, finder, plain, over)
    for one in standing:
        if one.node.is_over or one.node.status is State.RUNNING:
            continue
        try:
            if one.node.total is None:
                ready += yield from _fan_out(tree, finder, one)
            else:
                again = yield from _resumed(tree, one)
                ready += again.ready
                idle += again.idle
                over |= again.over
        except _Failed as failed:
            one.node.error = failed.error
            over[one.node.place] = State.FAILED
        else:
            if one.node.left_items == 0:
                over[one.node.place] = State.SUCCESS
        tree.changed(one.node)
    return Begun(over, ready, idle)


def _resumed(tree: Tree, one: _Standing) -> Asking[Resumed]:
    """What did not succeed of a node that had begun before runs again. Raises _Failed, and nothing is changed."""
    try:
        return (yield from resumed(tree, one.node, one.workflow))
    except Gone as gone:
        raise _Failed(type(gone).__name__, gone.detail) from None


# --- plain nodes: their task is there ------------------------------------------------------------------------------------


def _release(
    tree: Tree, finder: Finder, plain: Sequence[_Standing], over: dict[Place, State]
) -> Asking[None]:
    released: list[tuple[Released, _Standing]] = []
    rejected: list[tuple[str, TaskError]] = []
    for one in plain:
        node, task_id = one.node, one.node.task_id
        assert task_id is not None
        try:
            released.append(((yield from _released(tree, finder, one, task_id)), one))
        except _Failed as failed:
            rejected.append((task_id, failed.error))
            over[node.place] = State.FAILED
        node.status, node.left_items, node.begun = State.RUNNING, 1, True
        tree.changed(node)
    by_task = {one.node.task_id: one.node for one in plain}
    for account in dict.fromkeys([one.workflow.account_id for one in plain]):
        of_it = [task for task, one in released if one.workflow.account_id == account]
        refused: dict[str, TaskflowError] = yield Release(account, of_it)
        for task_id, error in refused.items():
            rejected.append((task_id, TaskError(type=type(error).__name__, message=error.detail)))
            over[by_task[task_id].place] = State.FAILED
    if rejected:
        yield Reject(rejected)


def _released(tree: Tree, finder: Finder, one: _Standing, task_id: str) -> Asking[Released]:
    if one.payload is None or one.payload.is_constant:
        return Released(task_id)
    task = one.plan.node(one.node.node).task
    assert task is not None
    try:
        payload = _payload(one.payload.resolve(finder.find(one.workflow)))
        limits = _limits(task, payload) if task.stated else None
    except (Unresolvable, Invalid) as error:
        raise _unresolvable("payload", error) from None
    _count(tree, one.workflow, 0, len(payload))
    if limits is not None:
        limits += yield from tree.limits_on(one.workflow, one.node.node)
    return Released(task_id, payload, limits)


# --- fan-outs and sub-workflows: their work is made now ------------------------------------------------------------------


def _fan_out(tree: Tree, finder: Finder, one: _Standing) -> Asking[list[NodeRow]]:
    """Make the work of a node; the nodes of sub-workflows that are ready now. Raises _Failed, and nothing is made."""
    node, what = one.node, one.plan.node(one.node.node)
    items = _list(finder, one)
    if what.graph is not None and len(items) * one.plan.inner(node.node).size > MAX_ITEMS:
        raise _Failed(
            "TooMany", f"its {len(items)} workflows would have more than {MAX_ITEMS} nodes together"
        )
    payloads = _payloads(finder, one, items)
    ready = yield from (
        _make_tasks(tree, one, what.task, payloads)
        if what.task is not None
        else _make_workflows(tree, one, payloads)
    )
    node.status, node.left_items, node.begun = State.RUNNING, len(items), True
    node.total = len(items)
    return ready


def _count(tree: Tree, workflow: WorkflowRow, tasks: int, octets: int) -> None:
    """So much is about to be written. Raises _Failed when that is too much for one transaction."""
    made = tree.made[workflow.root_id]
    if made.tasks + tasks > MADE_TASKS:
        raise _Failed(
            "TooMany",
            f"with it more than {MADE_TASKS} tasks of its workflow would be made at once; let some come after others",
        )
    if made.octets + octets > MADE_OCTETS:
        raise _Failed(
            "TooLarge",
            f"with it more than {MADE_OCTETS} bytes of payloads of its workflow would be written at once; "
            "let some come after others, or let the handler read what is large with ctx.inputs",
        )
    made.tasks += tasks
    made.octets += octets


def _list(finder: Finder, one: _Standing) -> Sequence[Raw | None]:
    if one.for_each is None:
        return [None]
    try:
        found = one.for_each.resolve(finder.find(one.workflow))
        items = _items(found)
    except Unresolvable as error:
        raise _unresolvable("for_each", error) from None
    except msgspec.MsgspecError:
        raise _Failed("Unresolvable", "for_each: what it refers to is no list") from None
    if len(items) > MAX_ITEMS:
        raise _Failed(
            "TooMany", f"for_each: the list has {len(items)} items, at most {MAX_ITEMS} are allowed"
        )
    return items


def _payloads(finder: Finder, one: _Standing, items: Sequence[Raw | None]) -> list[Raw]:
    """What each item's task, or workflow, is given."""
    if one.payload is None:
        return [NO_PARAMETERS] * len(items)
    task = one.plan.node(one.node.node).task
    payloads: list[Raw] = []
    octets = 0
    try:
        settled = one.payload.settled(finder.find(one.workflow))
        for index, item in enumerate(items):
            payload = settled.resolve(finder.find(one.workflow, item, index))
            payloads.append(payload if task is None else _payload(payload))
            octets += len(payload)
            if octets > FAN_OUT_OCTETS:
                raise _Failed("TooLarge", f"the payloads of its items have more than {FAN_OUT_OCTETS} bytes")
    except (Unresolvable, Invalid) as error:
        raise _unresolvable("payload", error) from None
    return payloads


def _make_tasks(tree: Tree, one: _Standing, task: Template, payloads: Sequence[Raw]) -> Asking[list[NodeRow]]:
    node, workflow = one.node, one.workflow
    _count(tree, workflow, len(payloads), sum(map(len, payloads)))
    around = yield from tree.limits_on(workflow, node.node)
    try:
        tasks = [
            _task(tree, workflow, task, payload, _limits(task, payload) + around) for payload in payloads
        ]
    except Invalid as error:
        raise _unresolvable("payload", error) from None
    yield from _made(tasks, [Work(workflow.id, node.node, item, made.id) for item, made in enumerate(tasks)])
    return []


def _make_workflows(tree: Tree, one: _Standing, inputs: Sequence[Raw]) -> Asking[list[NodeRow]]:
    workflow, name = one.workflow, one.node.node
    inner = one.plan.inner(name)
    _count(
        tree,
        workflow,
        len(inputs) * len(inner.nodes),
        sum(map(len, inputs)) + len(inputs) * inner.octets,
    )
    around = yield from tree.limits_on(workflow, name)
    rows = [
        WorkflowRow(
            tree.new_id(),
            workflow.root_id,
            workflow.id,
            name,
            None if one.for_each is None else item,
            workflow.account_id,
            workflow.user_id,
            inner.graph.name or name,
            workflow.tags,
            WorkflowState.RUNNING,
            (*workflow.path, name),
            workflow.traceparent,
            None,
            None,
            len(inner.graph.nodes),
            0,
            deadline_s=inner.graph.deadline,
            max_concurrency=inner.graph.max_concurrency,
        )
        for item in range(len(inputs))
    ]
    tasks: list[NewTask] = []
    work: list[Work] = []
    try:
        for row in rows:
            limits = (*limit_of(workflow_key(row.id), inner.graph.max_concurrency), *around)
            for plain, task in plain_nodes(inner):
                payload = _constant(inner.payload(plain))
                own = task.limits if payload is None else _limits(task, payload)
                made = _task(tree, row, task, payload or NO_PARAMETERS, own + limits, blocked=True)
                tasks.append(made)
                work.append(Work(row.id, plain, NO_ITEM, made.id))
    except Invalid as error:
        raise _unresolvable("workflow", error) from None
    yield from _made(tasks, work)
    ready = [node for row, given in zip(rows, inputs, strict=True) for node in tree.add(row, inner, given)]
    for done in work:
        tree.nodes[done.workflow_id, done.node].task_id = done.task_id
    return ready


def plain_nodes(plan: Plan) -> list[tuple[str, Template]]:
    """Those whose tasks are there from the beginning."""
    return [(name, node.task) for name, node in plan.nodes if node.is_plain and node.task is not None]


def _made(tasks: Sequence[NewTask], work: Sequence[Work]) -> Asking[None]:
    if not tasks:
        return
    refusal: TaskflowError | None = yield MakeTasks(tasks, work)
    if refusal is not None:
        raise _Failed(type(refusal).__name__, refusal.detail)


# --- one task ------------------------------------------------------------------------------------------------------------


def _task(
    tree: Tree,
    workflow: WorkflowRow,
    task: Template,
    payload: Raw,
    limits: tuple[Limit, ...],
    *,
    blocked: bool = False,
) -> NewTask:
    return NewTask(
        id=tree.new_id(),
        account_id=workflow.account_id,
        user_id=workflow.user_id,
        type=task.type,
        queue=task.queue,
        priority=task.priority,
        payload=payload,
        blocked=blocked,
        max_retries=task.max_retries,
        retry=task.retry,
        timeout=task.timeout,
        tags=task.tags,
        limits=limits,
        workflow_id=workflow.root_id,
        traceparent=workflow.traceparent,
    )


def _limits(task: Template, payload: Raw) -> tuple[Limit, ...]:
    """Raises Invalid."""
    return merged(task.stated, task.limits, payload, type=task.type, secret=task.secret, at="")


def _payload(payload: Raw) -> Raw:
    """Raises Invalid for what is none."""
    if bytes(payload).lstrip()[:1] != b"{":
        raise Invalid.field("", "must be a JSON object")
    return payload


def _constant(template: Compiled | None) -> Raw | None:
    """A payload that is known before anything has run; None: it has references in it."""
    if template is None:
        return NO_PARAMETERS
    return template.resolve(_nothing) if template.is_constant else None


def _nothing(of: str, field: str) -> Raw | None:
    raise AssertionError((of, field))


def _unresolvable(field: str, error: Exception) -> _Failed:
    return _Failed("Unresolvable", f"{field}: {error}")
