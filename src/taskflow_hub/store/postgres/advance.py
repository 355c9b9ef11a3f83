"""What decisions about workflows (store/advance.py) ask, answered by this database."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from copy import copy
from typing import Any, Final, TypeVar

import asyncpg
from msgspec import Raw, Struct

from taskflow_hub.domain.errors import TaskflowError
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.model import Reason
from taskflow_hub.domain.workflow_view import WorkflowState
from taskflow_hub.store import asks
from taskflow_hub.store.advance import Advance
from taskflow_hub.store.cursor import earliest_finish
from taskflow_hub.store.documents import decoder, to_json
from taskflow_hub.store.keys import Answer
from taskflow_hub.store.plans import PLANS
from taskflow_hub.store.postgres.idempotency import IdempotencyKeys
from taskflow_hub.store.postgres.known import KnownTrees, Lessons
from taskflow_hub.store.postgres.rows import error_of, raw
from taskflow_hub.store.postgres.shard import shard
from taskflow_hub.store.postgres.stated import StatedLimits
from taskflow_hub.store.postgres.statements import statement
from taskflow_hub.store.postgres.submit import submit_here
from taskflow_hub.store.postgres.transaction import Transaction, columns
from taskflow_hub.store.stated import keys_of
from taskflow_hub.store.tree import Tree
from taskflow_hub.store.values import Followed, News, Submit
from taskflow_hub.store.verdicts import REFERENCE_SIGNATURE
from taskflow_hub.store.workflow_rows import new_row, node_values, saved_row

ROOTS_LOCK: Final = statement("only/roots_lock")
ROOTS_LOCK_BY_ID: Final = statement("only/workflows_lock")
ROWS: Final = statement("workflow_rows")
GRAPH: Final = statement("workflow_graph")
NOW: Final = statement("only/now")
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
CANCEL: Final = statement("only/cancel")
RESET: Final = statement("reset")
REDRIVE: Final = statement("redrive")
CLONE: Final = statement("clone")
SET_ASIDE: Final = statement("set_aside")
SAVE_WORKFLOWS: Final = statement("save_workflows")
ADD_WORKFLOWS: Final = statement("add_workflows")
ADD_GRAPHS: Final = statement("add_graphs")
ADD_NODES: Final = statement("add_nodes")
ADD_WORK: Final = statement("add_work")
DROP_LIMITS: Final = statement("drop_limits")
UNBLOCK: Final = statement("unblock")
SKIP: Final = statement("skip")
REJECT: Final = statement("reject")

_NOTHING_KNOWN: Final[Mapping[str, Mapping[str, asks.NodeRow]]] = {}

T = TypeVar("T")


class Roots(Struct, frozen=True):
    """Workflows whose rows are locked: nobody else changes anything in their trees before our commit.

    `work`: whose work the tasks are for which they were locked, and `revs` what number each root has; None, (): not known.
    """

    rows: list[asks.WorkflowRow]
    work: list[asks.Work] | None = None
    revs: Sequence[int] = ()

    def __bool__(self) -> bool:
        return bool(self.rows)

    @property
    def ids(self) -> list[str]:
        return [row.id for row in self.rows]


async def lock_roots(tx: Transaction, tasks: Collection[str]) -> Roots:
    """Those that these tasks are part of."""
    found = await tx.fetch(ROOTS_LOCK, list(tasks))
    work = [
        asks.Work(workflow_id, node, int(item), task_id)
        for row in found
        for workflow_id, node, item, task_id in row["work"] or ()
    ]
    return Roots([workflow_row(tuple(row)[:-2]) for row in found], work, [row["rev"] for row in found])


async def lock_workflows(tx: Transaction, ids: Collection[str]) -> Roots:
    """Those with these ids that there are, and are roots."""
    rows = await tx.fetch(ROOTS_LOCK_BY_ID, list(ids)) if ids else []
    return Roots([row for row in map(workflow_row, rows) if row.parent_id is None])


async def advance(
    tx: Transaction, roots: Roots, how: Mapping[str, State], trees: KnownTrees | None = None
) -> None:
    """These tasks have ended: do what follows for their workflows, whose roots are locked."""
    if roots and how:
        revs = dict(zip(roots.ids, roots.revs, strict=False))
        lessons = Lessons([(row, revs[row.id]) for row in roots.rows if row.id in revs], list(how))
        known = {id: tree.nodes for id, rev in revs.items() if trees and (tree := trees.get(id, rev))}
        await Answering(tx, lessons, known).all_of(Advance(Tree(PLANS, roots.rows)).ended(how, roots.work))


class Answering:
    """One decision."""

    def __init__(
        self,
        tx: Transaction,
        lessons: Lessons | None = None,
        known: Mapping[str, Mapping[str, asks.NodeRow]] = _NOTHING_KNOWN,
    ) -> None:
        """`known`: of workflows, the nodes that need not be read."""
        self._tx = tx
        self._followed = Followed()  # told when it has come to its end: of what was undone, nothing followed
        tx.decided = True
        self._lessons, self._known = lessons or Lessons(), known
        self._keys: IdempotencyKeys | None = None
        self._releasing: list[asks.Released] = []

    async def all_of(self, asking: asks.Asking[T]) -> T:
        answer: Any = None
        while True:
            try:
                ask = asking.send(answer)
            except StopIteration as over:
                assert not self._releasing, "whatever is released changes a node, which is saved after that"
                self._tx.lessons += self._lessons.learned()
                self._tx.followed.add(self._followed)
                decided: T = over.value
                return decided
            answer = await self._answer(ask)

    async def _answer(self, ask: asks.Ask) -> Any:
        tx = self._tx
        match ask:
            case asks.WorkOf(tasks):
                return [asks.Work(*row) for row in await tx.fetch(WORK, tasks)]
            case asks.Workflows(ids):
                return [workflow_row(row) for row in await tx.fetch(ROWS, ids)]
            case asks.GraphText(root):
                return await tx.value(GRAPH, root)
            case asks.Nodes(places):
                return await self._nodes(places)
            case asks.Broken(workflow):
                return [node_row(row) for row in await tx.fetch(BROKEN, workflow)]
            case asks.Input(workflow):
                return raw(await tx.value(INPUT, workflow))
            case asks.Answers():
                since = earliest_finish([ask.workflow.root_id])
                rows = await tx.fetch(ANSWERS, tx.now, ask.workflow.id, ask.nodes, ask.octets, since)
                return [_answer_of(row) for row in rows]
            case asks.Subs(root):
                return [workflow_row(row) for row in await tx.fetch(SUBS, root)]
            case asks.NodesOf(workflows, states):
                return [node_row(row) for row in await tx.fetch(NODES_OF, workflows, states)]
            case asks.Live(workflows):
                return [asks.Work(*row) for row in await tx.fetch(LIVE, workflows)]
            case asks.Undone(workflow, node):
                since = earliest_finish([workflow.root_id])
                return [asks.Work(*row) for row in await tx.fetch(UNDONE, workflow.id, node, since)]
            case asks.Missing(root):
                return [tuple(row) for row in await tx.fetch(MISSING, root, earliest_finish([root]))]
            case asks.UndoneSubs(workflow, node):
                return [workflow_row(row) for row in await tx.fetch(UNDONE_SUBS, workflow, node)]
            case asks.Cancel(root, tasks):
                rows = await tx.fetch(CANCEL, tx.now, shard(long=True), tasks, [root]) if tasks else []
                ended = sum(row["status"] != State.RUNNING for row in rows)
                self._followed.ended[State.CANCELLED, None] += ended
                return [
                    asks.Cancelled(row["id"], State(row["status"]), row["attempt"], row["worker"])
                    for row in rows
                ]
            case asks.Reset(tasks):
                rows = await tx.fetch(RESET, tasks, earliest_finish(tasks), shard(long=True))
                self._followed.again += len(rows)
                return {row["id"] for row in rows}
            case asks.Redrive(tasks):
                return await self._redrive(tasks)
            case asks.Clone(task, new):
                rows = await tx.fetch(CLONE, task, new, earliest_finish([task]), tx.now)
                self._followed.made.update(tuple(row) for row in rows)
                return bool(rows)
            case asks.SetAside(place, name):
                await tx.run(SET_ASIDE, *place, name)
            case asks.AddWork(work):
                await tx.run(ADD_WORK, *columns([(work.workflow_id, work.node, work.item, work.task_id)]))
            case asks.StateLimits():
                await self._state([ask.stating()])
            case asks.Release():
                return await self._release(ask)
            case asks.Skip(tasks):
                self._followed.ended[State.SKIPPED, None] += len(await tx.fetch(SKIP, tx.now, tasks))
            case asks.Reject(tasks):
                ids, errors = columns([(task, to_json(error)) for task, error in tasks])
                rows = await tx.fetch(REJECT, tx.now, shard(long=True), ids, errors, REFERENCE_SIGNATURE)
                self._followed.ended[State.FAILED, Reason.REFERENCE] += len(rows)
            case asks.MakeTasks():
                return await self._make_tasks(ask)
            case asks.DropLimits(account, keys):
                await tx.run(DROP_LIMITS, account, keys)
            case asks.Save():
                await self._save(ask)
            case asks.Replay():
                return await self._replay(ask)
            case asks.Keep():
                await self._keep(ask)
        return None

    # --- tasks ---------------------------------------------------------------------------------------------------------

    async def _release(self, ask: asks.Release) -> dict[str, TaskflowError]:
        tx, stating = self._tx, ask.stating()
        refused = await self._state(stating)
        limits = {request.tasks[0].id: to_json(keys_of(request.tasks[0])) for request in stating}
        if limits:
            rows = [
                (one.task, _text(one.payload), limits.get(one.task))
                for one in ask.tasks
                if one.task not in refused
            ]
            found = await tx.fetch(UNBLOCK, *columns(rows)) if rows else []
            tx.note_ready(tuple(row)[1:] for row in found)
        else:
            self._releasing += ask.tasks  # with what is saved next: nothing is asked of them until then
        return refused

    async def _state(self, stating: Sequence[Submit]) -> dict[str, TaskflowError]:
        """The numbers of limits; the tasks that are refused."""
        stated = StatedLimits(stating)
        refused: dict[str, TaskflowError] = {}
        await stated.claim(self._tx)
        for request in stating:
            try:
                stated.numbers.state(request.tasks[0], 0)
            except TaskflowError as error:
                refused[request.tasks[0].id] = error
        await stated.settle(self._tx)
        return refused

    async def _redrive(self, tasks: Sequence[str]) -> set[str]:
        if not tasks:
            return set()
        rows = await self._tx.fetch(REDRIVE, self._tx.now, tasks, earliest_finish(tasks), shard(long=True))
        self._tx.note_ready(tuple(row)[:5] for row in rows)
        self._followed.again += len(rows)
        return {row["id"] for row in rows}

    async def _make_tasks(self, ask: asks.MakeTasks) -> TaskflowError | None:
        (outcome,) = await submit_here(self._tx, [Submit(tuple(ask.tasks))])
        if isinstance(outcome, TaskflowError):
            return outcome
        self._followed.made_of(outcome)
        await self._tx.run(ADD_WORK, *columns([(w.workflow_id, w.node, w.item, w.task_id) for w in ask.work]))
        self._lessons.made(ask.work)
        return None

    # --- rows ----------------------------------------------------------------------------------------------------------

    async def _nodes(self, places: Sequence[asks.Place]) -> list[asks.NodeRow]:
        known = [node for id, name in places if (node := self._known.get(id, {}).get(name)) is not None]
        found = [copy(node) for node in known]
        if len(found) < len(places):
            unknown = set(places).difference([node.place for node in found])
            found += [node_row(row) for row in await self._tx.fetch(NODES, *columns(unknown))]
        self._lessons.saw(found)
        return found

    async def _save(self, save: asks.Save) -> None:
        tx = self._tx
        tx.note(News.TASKS)
        self._lessons.saved(save)
        if save.new_workflows:
            await tx.run(ADD_WORKFLOWS, tx.now, *columns([new_row(new) for new in save.new_workflows]))
            graphs = [(new.row.id, new.graph) for new in save.new_workflows if new.graph is not None]
            if graphs:
                await tx.run(ADD_GRAPHS, *columns(graphs))
        if save.new_nodes:
            await tx.run(ADD_NODES, tx.now, *columns([node_values(node) for node in save.new_nodes]))
        if save.touched or self._releasing:
            releasing, self._releasing = self._releasing, []
            rows = await tx.fetch(SAVE_WORKFLOWS, tx.now, *saved_values(save, releasing))
            tx.note_ready(tuple(row) for row in rows)

    # --- an idempotency key --------------------------------------------------------------------------------------------

    async def _replay(self, ask: asks.Replay) -> str | TaskflowError | None:
        now = await self._tx.value(NOW, self._tx.now)
        self._keys = IdempotencyKeys([Submit((), ask.key)], now)
        await self._keys.claim(self._tx)
        try:
            before: Answer | None = self._keys.answered(ask.key)
        except TaskflowError as error:
            return error
        return None if before is None else before[0][0]

    async def _keep(self, ask: asks.Keep) -> None:
        assert self._keys is not None
        if ask.workflow is not None:
            self._keys.keep(ask.key, [(ask.workflow, True)])
        await self._keys.settle(self._tx)


# --- rows ----------------------------------------------------------------------------------------------------------------


def workflow_row(row: Iterable[Any]) -> asks.WorkflowRow:
    values = list(row)
    values[8] = tuple(values[8])
    values[9] = WorkflowState(values[9])
    values[10] = decoder(tuple[str, ...]).decode(values[10])
    values[13] = None if values[13] is None else asks.Ending(values[13])
    return asks.WorkflowRow(*values)


def node_row(row: asyncpg.Record) -> asks.NodeRow:
    values = list(row)
    values[2], values[10] = State(values[2]), error_of(values[10])
    return asks.NodeRow(*values)


def _answer_of(row: asyncpg.Record) -> asks.Answer:
    node, item, status, result, withheld, error = row
    found = None if result is None else (raw(result),)
    return asks.Answer(node, item, State(status), found, withheld, error_of(error))


def saved_values(save: asks.Save, releasing: Sequence[asks.Released]) -> list[list[Any]]:
    """The columns that parts/saved.sql is given: of what has changed, and of the tasks that are released with it."""
    return [
        *_columns(map(saved_row, save.touched), 8),
        *_columns(map(node_values, save.nodes), 11),
        *_columns([(one.task, _text(one.payload)) for one in releasing], 2),
    ]


def _columns(rows: Iterable[Sequence[Any]], count: int) -> list[list[Any]]:
    """So many, also if there is no row."""
    given = list(rows)
    return columns(given) if given else [[] for _ in range(count)]


def _text(payload: Raw | None) -> str | None:
    return None if payload is None else bytes(payload).decode()
