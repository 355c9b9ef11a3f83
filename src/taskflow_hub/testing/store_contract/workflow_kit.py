"""Short ways to make workflows, to run their tasks, and to look at them."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import UNSET, Raw

from taskflow_hub.domain import moves
from taskflow_hub.domain.clock import new_id
from taskflow_hub.domain.graph import FINALLY, Edge, Graph, Node, On, Template
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.messages import Assignment
from taskflow_hub.domain.model import DEFAULT_ACCOUNT, TaskError
from taskflow_hub.domain.references import compiled
from taskflow_hub.domain.retry import RetryPolicy
from taskflow_hub.domain.submission import Limit
from taskflow_hub.domain.workflow_view import NodeView, Workflow, WorkflowState
from taskflow_hub.store.values import Idempotency, ItemPage, NewWorkflow
from taskflow_hub.testing.store_contract.kit import Kit, new_task


def template(type: str = "t", **fields: Any) -> Template:
    given = {"queue": None, "priority": 5, "max_retries": 0, "retry": RetryPolicy(), "timeout": 60.0}
    return Template(type=type, **{**given, **fields})


def node(*after: str, payload: Any = None, type: str = "t", for_each: Any = None, **fields: Any) -> Node:
    """`after`: "a" is an edge on success, "a:failure" and "a:done" are the others. Plain values become JSON."""
    edges = {name: On(on or "success") for name, _, on in (one.partition(":") for one in after)}
    for value in (payload, for_each):
        for ref in compiled(raw(value)).refs if value is not None else ():
            if ref.is_to_node:
                edges.setdefault(ref.of, On.SUCCESS)
    if "graph" not in fields:
        fields["task"] = template(type, **fields.pop("task", {}))
    if payload is None and for_each is not None:
        payload = {}
    return Node(
        after=tuple([Edge(name, on) for name, on in edges.items()]),
        payload=UNSET if payload is None else raw(payload),
        for_each=UNSET if for_each is None else raw(for_each),
        **fields,
    )


def graph(nodes: Mapping[str, Node], last: Node | None = None, **fields: Any) -> Graph:
    return Graph(nodes=dict(nodes), last=last, **fields)


def raw(value: Any) -> Raw:
    return Raw(msgspec.json.encode(value))


def new_workflow(nodes: Mapping[str, Node], last: Node | None = None, **fields: Any) -> NewWorkflow:
    """With a task for each plain node."""
    account = fields.get("account_id", DEFAULT_ACCOUNT)
    made = graph(
        nodes,
        last,
        **{name: fields.pop(name) for name in ("max_concurrency", "deadline", "result") if name in fields},
    )
    all_nodes = {**made.nodes, **({} if last is None else {FINALLY: last})}
    tasks = {
        name: new_task(
            type=one.task.type,
            account_id=account,
            blocked=True,
            max_retries=one.task.max_retries,
            limits=one.task.limits,
            payload=one.payload
            if one.payload is not UNSET and compiled(one.payload).is_constant
            else Raw(b"{}"),
        )
        for name, one in all_nodes.items()
        if one.is_plain and one.task is not None
    }
    given = {"id": new_id(), "name": "w", "graph": made, "tasks": tasks, **fields}
    return NewWorkflow(**given)


def ref(text: str) -> dict[str, str]:
    return {"$ref": text}


class Flow:
    """One workflow of a kit's store. Its tasks are leased by a worker of its own kind, all types at once."""

    def __init__(self, kit: Kit, workflow: Workflow, types: tuple[str, ...]) -> None:
        self.kit, self.id, self._types = kit, workflow.id, types
        self._worker: str | None = None
        self._running: dict[str, Assignment] = {}

    # --- running -------------------------------------------------------------------------------------------------------

    async def lease(self) -> list[str]:
        """Lease whatever may run; the ids."""
        if self._worker is None:
            self._worker = await self.kit.worker(*self._types, slots=100_000)
        found: list[str] = []
        while True:
            leased = await self.kit.store.lease([self._worker], 10_000)
            new = {lease.assignment.id: lease.assignment for lease in leased.leases}
            self._running.update(new)
            found += new
            if not leased.more:
                return found

    async def attempt(self, name: str) -> Assignment:
        """The running attempt of a plain node; leased now, if it is not yet."""
        task_id = await self.task_id(name)
        if task_id not in self._running:
            await self.lease()
        assert task_id in self._running, f"{name} does not run: {await self.kit.get(task_id)}"
        return self._running[task_id]

    async def succeed(self, name: str, result: Any = None) -> None:
        attempt = await self.attempt(name)
        assert await self.kit.succeed(attempt, msgspec.json.encode(result)) is moves.Verdict.APPLIED
        del self._running[attempt.id]

    async def fail(self, name: str, error: TaskError | None = None) -> None:
        attempt = await self.attempt(name)
        assert await self.kit.fail(attempt) is moves.Verdict.APPLIED
        del self._running[attempt.id]

    def running(self) -> dict[str, Assignment]:
        return dict(self._running)

    def forget(self, task_id: str) -> None:
        del self._running[task_id]

    # --- looking -------------------------------------------------------------------------------------------------------

    async def get(self) -> Workflow:
        found = await self.kit.store.workflow(DEFAULT_ACCOUNT, self.id)
        assert found is not None, f"there is no workflow {self.id}"
        return found

    async def status(self) -> WorkflowState:
        return (await self.get()).status

    async def node(self, name: str) -> NodeView:
        nodes = (await self.get()).nodes
        assert nodes is not None
        return nodes[name]

    async def items(
        self, name: str, *, status: Sequence[State] = (), after: int = -1, limit: int = 100
    ) -> ItemPage:
        found = await self.kit.store.workflow_items(
            DEFAULT_ACCOUNT, self.id, name, status=status, after=after, limit=limit
        )
        assert isinstance(found, ItemPage), f"the items were refused: {found!r}"
        return found

    async def task_id(self, name: str) -> str:
        found = (await self.node(name)).task_id
        assert found is not None, f"{name} is no plain node"
        return found

    async def payload(self, name: str) -> Any:
        return msgspec.json.decode((await self.kit.get(await self.task_id(name))).payload)

    async def states(self) -> dict[str, str]:
        """The state of every node. That of a plain node must be its task's."""
        nodes = (await self.get()).nodes
        assert nodes is not None
        for name, view in nodes.items():
            if view.task_id is not None:
                assert (await self.kit.get(view.task_id)).status is view.status, name
        return {name: view.status.value for name, view in nodes.items()}


async def begin(kit: Kit, nodes: Mapping[str, Node], last: Node | None = None, **fields: Any) -> Flow:
    """Submit a workflow."""
    return await begin_new(kit, new_workflow(nodes, last, **fields))


async def begin_new(kit: Kit, new: NewWorkflow, key: Idempotency | None = None) -> Flow:
    outcome = await kit.store.submit_workflow(new, idempotency=key)
    assert isinstance(outcome, tuple), f"the workflow was refused: {outcome!r}"
    return Flow(kit, outcome[0], tuple(sorted(types_of(new.graph))))


def types_of(made: Graph) -> set[str]:
    nodes = [*made.nodes.values(), *([] if made.last is None else [made.last])]
    found = {one.task.type for one in nodes if one.task is not None}
    return found.union(*(types_of(one.graph) for one in nodes if one.graph is not None))


def limited(key: str, running: int) -> dict[str, tuple[Limit, ...]]:
    return {"limits": (Limit(key, running=running),)}


OVER = {State.SUCCESS, State.FAILED, State.CANCELLED, State.SKIPPED}
