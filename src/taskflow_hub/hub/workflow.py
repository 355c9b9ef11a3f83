"""Workflows in Python: what reads like the graph, and is written as the JSON that `POST /workflows` takes.

    with Workflow("report") as flow:
        fetch = title.node(url="https://example.com")
        store = store_page.node(title=fetch.result["title"])
        store.on_failure(alarm.node())
    handle = await flow.submit(hub)

What can be wrong with a graph is found by the same code as over HTTP (domain/wired.py), and told by the same error, Invalid.
"""

import re
from collections.abc import Iterable, Mapping
from contextvars import Token
from typing import TYPE_CHECKING, Any, Final, Self, TypedDict, TypeVar, Unpack, overload

import msgspec

from taskflow_hub.domain import jsontext
from taskflow_hub.domain.errors import Invalid
from taskflow_hub.domain.graph import FINALLY
from taskflow_hub.domain.reference_text import OWN
from taskflow_hub.domain.retry import RetryPolicy
from taskflow_hub.domain.submission import Limit
from taskflow_hub.domain.wired import wired
from taskflow_hub.domain.workflow import WorkflowSubmission, read
from taskflow_hub.hub.expressions import ITEM, Referable, Tree, tree_of, written
from taskflow_hub.hub.nodes import CURRENT, AnyNode, FanOut, Home, Node

if TYPE_CHECKING:
    from taskflow_hub.hub.hub import Hub
    from taskflow_hub.hub.workflow_handle import WorkflowHandle

N = TypeVar("N", bound=AnyNode)


class NodeOptions(TypedDict, total=False):
    """How the tasks of a node are made; whatever is left out takes the task type's default. `timeout` is in seconds."""

    queue: str
    priority: int
    max_retries: int | None
    retry: RetryPolicy
    timeout: float | None
    tags: Iterable[str]
    limits: Iterable[Limit]


NOTHING: Final[Any] = object()


class Workflow:
    """A graph of tasks. Nodes that are made in its `with` block belong to it; others are added, or joined to one that does."""

    def __init__(
        self,
        name: str,
        *,
        max_concurrency: int | None = None,
        deadline: float | None = None,
        tags: Iterable[str] = (),
    ) -> None:
        """`max_concurrency`: so many of its tasks run at a time. `deadline`: seconds in which it has to have ended."""
        self.name = name
        self._max_concurrency, self._deadline = max_concurrency, deadline
        self._tags = [tags] if isinstance(tags, str) else list(tags)
        self._nodes: list[AnyNode] = []
        self._last: AnyNode | None = None
        self._result: Tree = NOTHING
        self._writing = False
        self._tokens: list[Token[Home | None]] = []

    def __repr__(self) -> str:
        return f"<workflow {self.name}>"

    def __enter__(self) -> Self:
        self._tokens.append(CURRENT.set(self))
        return self

    def __exit__(self, *_: object) -> None:
        CURRENT.reset(self._tokens.pop())

    # --- nodes

    @overload
    def add(self, node: N, /) -> N: ...
    @overload
    def add(self, name: str, node: N, /) -> N: ...
    def add(self, first: Any, second: Any = None, /) -> Any:
        """Make a node part of it, maybe with a name. Twice is harmless. Raises Invalid for a node of another workflow."""
        name, node = (None, first) if second is None else (first, second)
        if not isinstance(node, AnyNode):
            raise TypeError(
                f"{node!r} is no node: handler.node(…), handler.map(…) and workflow.node(…) make one"
            )
        if name is not None:
            node.named(name)
        self.adopt(node)
        return node

    def adopt(self, node: AnyNode) -> None:
        """With all that it was joined with before."""
        waiting = [node]
        while waiting:
            one = waiting.pop(0)
            if one.home is self:
                continue
            if one.home is not None:
                raise Invalid(
                    f"{one.label()} belongs to the workflow {one.home.name}, and cannot be part of {self.name}."
                )
            one.home = self
            self._nodes.append(one)
            waiting += one.near

    def finally_(self, node: N) -> N:
        """It runs when all others have ended, whatever became of them; also when the workflow is cancelled or out of time."""
        self.add(node)
        if self._last is not None and self._last is not node:
            raise Invalid(f"{self.name} has a node that comes last already: {self._last.label()}.")
        self._last = node
        return node

    def returns(self, result: Any) -> None:
        """What it answers with when it succeeds: a value with references to its nodes in it."""
        self._result = tree_of(result, "/result")

    def node(self, *given: Any, **members: Any) -> Node[Any]:
        """This workflow as a node of another. Its input is the one value given, or an object of these members."""
        payload = self._input(given, members, NOTHING)
        return Node(self.name, self._inside, payload=payload, options={})

    def map(self, items: Any, /, *given: Any, limit: int | None = None, **members: Any) -> FanOut[Any]:
        """As `node`, for each item of a list, which is the input if nothing else is given; `limit` at a time."""
        payload = self._input(given, members, ITEM)
        return FanOut(self.name, self._inside, items, limit=limit, payload=payload, options={})

    def _inside(self) -> Mapping[str, Any]:
        if self._tags:
            raise Invalid(
                f"{self.name} has tags, and is part of another workflow: only the outermost can have them."
            )
        return {"workflow": {"name": self.name, **self.body()}}

    def _input(self, given: tuple[Any, ...], members: Mapping[str, Any], default: Any) -> Tree:
        if len(given) > 1 or (given and members):
            raise TypeError(f"{self.name}: its input is one value, or an object of named members")
        value = given[0] if given else dict(members) or default
        return tree_of(None if value is NOTHING else value, f"/nodes/{self.name}/payload")

    # --- what it is

    def definition(self, input: Any = NOTHING) -> dict[str, Any]:
        """The graph as `POST /workflows` takes it, `input` with it. Nothing is checked."""
        found: dict[str, Any] = msgspec.json.decode(self._text(input))
        return found

    def submission(self, input: Any = NOTHING) -> WorkflowSubmission:
        """The graph, checked. Raises Invalid naming each node and field that is wrong."""
        wanted = read(self._text(input))
        wired(wanted)
        return wanted

    def _text(self, input: Any) -> bytes:
        given = {} if input is NOTHING else {"input": jsontext.encode(input, "/input")}
        tags = {"tags": self._tags} if self._tags else {}
        return msgspec.json.encode({"name": self.name, **self.body(), **tags, **given})

    def body(self) -> dict[str, Any]:
        """What msgspec writes as its JSON, but for what only the outermost has."""
        if self._writing:
            raise Invalid(f"{self.name} is a node of itself.")
        named, last, result = self._named(), self._last, self._result
        names: dict[Referable, str] = {node: name for name, node in named.items()}

        def name_of(node: Referable) -> str:
            if node not in names:
                raise Invalid(
                    f"{node.label()} is no node of {self.name}, so nothing in it can refer to it. If it is a node of a "
                    f"workflow around it, give it as input: {self.name}.node(…), and refer to INPUT."
                )
            return names[node]

        self._writing = True
        try:
            return {
                **_given("max_concurrency", self._max_concurrency),
                "nodes": {name: node.body(name_of) for name, node in named.items() if node is not last},
                **_given("finally", None if last is None else last.body(name_of)),
                **_given("deadline", self._deadline),
                **({} if result is NOTHING else {"result": written(result, name_of)}),
            }
        finally:
            self._writing = False

    def _named(self) -> dict[str, AnyNode]:
        """Names that were given first; the others have that of their handler, the second of a kind with a number."""
        named: dict[str, AnyNode] = {} if self._last is None else {FINALLY: self._last}
        for node in self._nodes:
            if node.name is None or node is self._last:
                continue
            if node.name in named:
                raise Invalid(f"Two nodes of {self.name} have the name {node.name}; name one otherwise.")
            named[node.name] = node
        taken = {*OWN, FINALLY, *named}
        for node in self._nodes:
            if node.name is not None or node is self._last:
                continue
            base = re.sub("[^a-z0-9_-]", "-", node.kind.lower())[:56] or "node"
            numbers = (base if n == 1 else f"{base}-{n}" for n in range(1, len(self._nodes) + len(taken) + 2))
            name = next(one for one in numbers if one not in taken)
            taken.add(name)
            named[name] = node
        order = {node: n for n, node in enumerate(self._nodes)}
        return dict(sorted(named.items(), key=lambda one: order[one[1]]))

    # --- submit

    async def submit(
        self, hub: "Hub", *, input: Any = NOTHING, idempotency_key: str | None = None
    ) -> "WorkflowHandle":
        """Commit it, and begin what waits for nothing. `input` is what INPUT refers to.

        `idempotency_key`: a repeat within 24 h answers with the first workflow. Raises Invalid, naming the nodes, QueueFull,
        QuotaExceeded, StoreUnavailable; then nothing was stored.
        """
        return await hub.submit_workflow(self.submission(input), idempotency_key=idempotency_key)


class TypeByName:
    """A task type by its name, for those whose handler is not at hand: built-in ones, and those of other programs."""

    def __init__(self, type: str, options: Mapping[str, Any]) -> None:
        self.type, self._options = type, options

    def __repr__(self) -> str:
        return f"<task type {self.type!r}>"

    def node(self, payload: Any = NOTHING, /, **members: Any) -> Node[Any]:
        """A node with this payload: a mapping (or a reference to one), or its members by name."""
        return Node(self._kind, self._work, payload=self._payload(payload, members), options=self._options)

    def map(
        self, items: Any, payload: Any = NOTHING, /, *, limit: int | None = None, **members: Any
    ) -> FanOut[Any]:
        """A node that is done for each item of a list, `limit` at a time. The item is the payload, if no other is given."""
        if payload is NOTHING and not members:
            payload = ITEM
        tree = self._payload(payload, members)
        return FanOut(self._kind, self._work, items, limit=limit, payload=tree, options=self._options)

    def options(self, **options: Unpack[NodeOptions]) -> "TypeByName":
        """The same type, with these options for every node made of it."""
        return TypeByName(self.type, {**self._options, **options})

    @property
    def _kind(self) -> str:
        return self.type.rpartition(".")[2] or self.type

    def _work(self) -> Mapping[str, Any]:
        return {"type": self.type}

    def _payload(self, payload: Any, members: Mapping[str, Any]) -> Tree:
        if payload is not NOTHING and members:
            raise TypeError(f"{self.type}: a payload, or its members by name, but not both")
        given = payload if payload is not NOTHING else dict(members)
        return tree_of(given, f"/nodes/{self._kind}/payload")


@overload
def task(type: str, /) -> TypeByName: ...
@overload
def task(type: str, payload: Any, /) -> Node[Any]: ...
def task(type: str, payload: Any = NOTHING, /) -> Any:
    """A task type by its name, `task("http.request")`; with a payload, a node of it: `task("http.request", {"url": …})`."""
    found = TypeByName(type, {})
    return found if payload is NOTHING else found.node(payload)


def _given(name: str, value: Any) -> dict[str, Any]:
    return {} if value is None else {name: value}
