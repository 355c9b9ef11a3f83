"""Random workflows, and what each of their tasks will do when it runs.

A spec says more than a workflow's JSON: the fates of its units. A unit is one task: a node's, or that of an item; it is
known by its place, the names and item numbers that lead to it from the root, which travels in its payload.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

Place = tuple[str | int, ...]

ENDS: Final = ("ok", "fail", "cancel")
DETOURS: Final = ("retry", "snooze", "release", "lose")
SECTION: Final = 3  # nodes of a sub-workflow at most
SIZES: Final = (
    (1, 2, 3, 4, 5, 6, 7),
    (1, 4, 8, 10, 10, 8, 6),
)  # of graphs, and how often: there are not many small ones
FINALLY: Final = "finally"


@dataclass(frozen=True)
class Fate:
    """What a unit's attempts do, one after the other."""

    detours: tuple[str, ...] = ()
    end: str = "ok"

    def step(self, number: int) -> str:
        return self.detours[number] if number < len(self.detours) else self.end


@dataclass(frozen=True)
class NodeSpec:
    """`kind`: task, each (a fan-out), sub (a workflow), subs (a fan-out of workflows), lost (a fan-out whose list is none).

    `fates` of its units: that of one is chosen by the item numbers on the way to it, so items differ. `items`: how many.
    `source`: the parent whose result has the list; None: it stands in the graph.
    """

    name: str
    kind: str = "task"
    after: tuple[tuple[str, str], ...] = ()
    fates: tuple[Fate, ...] = (Fate(),)
    items: int = 1
    source: str | None = None
    allow_failure: bool = False
    at_once: int | None = None
    graph: "GraphSpec | None" = None

    @property
    def fans_out(self) -> bool:
        return self.kind in {"each", "subs", "lost"}

    def fate(self, place: Place) -> Fate:
        return self.fates[sum(part for part in place if isinstance(part, int)) % len(self.fates)]


@dataclass(frozen=True)
class GraphSpec:
    nodes: tuple[NodeSpec, ...]
    last: NodeSpec | None = None
    at_once: int | None = None

    def node(self, name: str) -> NodeSpec:
        return next(node for node in self.all() if node.name == name)

    def all(self) -> tuple[NodeSpec, ...]:
        return self.nodes if self.last is None else (*self.nodes, self.last)

    def lists_of(self, name: str) -> dict[str, list[int]]:
        """What the result of a node must have, for the fan-outs that read their list there."""
        return {
            one.name: [*range(one.items)] for one in self.nodes if one.source == name and one.kind != "lost"
        }


@dataclass(frozen=True)
class WorkflowSpec:
    """`interrupt` after so many ends of its units: cancel, deadline; None: nothing does. `cut`: nodes whose tasks somebody
    cancels, all at once, before anything runs. `again`: redriven if it failed.
    """

    graph: GraphSpec
    interrupt: str | None = None
    interrupt_after: int = 0
    cut: frozenset[str] = frozenset()
    again: bool = False


# --- as a user writes it -----------------------------------------------------------------------------------------------


def request(spec: WorkflowSpec, name: str, type: str, *, deadline: float | None = None) -> dict[str, Any]:
    """The body of POST /workflows. Every task is of one type."""
    body = _graph(spec.graph, type, [name], top=True)
    return {"name": name, **body, **({} if deadline is None else {"deadline": deadline})}


def _graph(graph: GraphSpec, type: str, at: list[Any], *, top: bool) -> dict[str, Any]:
    here = at if top else [{"$ref": "input.at"}]
    body: dict[str, Any] = {"nodes": {node.name: _node(node, graph, type, here) for node in graph.nodes}}
    if graph.last is not None:
        body["finally"] = _node(graph.last, graph, type, here)
    if graph.at_once is not None:
        body["max_concurrency"] = graph.at_once
    return body


def _node(node: NodeSpec, graph: GraphSpec, type: str, here: list[Any]) -> dict[str, Any]:
    place = [*here, node.name, *([{"$ref": "index"}] if node.fans_out else [])]
    body: dict[str, Any] = {"payload": {"at": place, "parents": _told(node, graph)}}
    if node.graph is not None:
        body["workflow"] = {
            "name": node.name,
            **_graph(node.graph, type, [], top=False),
            "result": {"of": {"$ref": "input.at"}},
        }
    else:
        body["type"] = type
        body["max_retries"] = None
    if node.after:
        body["after"] = [{"node": parent, "on": on} for parent, on in node.after]
    if node.fans_out:
        body["for_each"] = _list(node)
    if node.allow_failure:
        body["allow_failure"] = True
    if node.at_once is not None:
        body["max_concurrency"] = node.at_once
    return body


def _list(node: NodeSpec) -> Any:
    if node.kind == "lost":
        return (
            {"$ref": f"{node.source}.result.at"}
            if node.source is None
            else {"$ref": f"{node.source}.result.nothing"}
        )
    return (
        [*range(node.items)] if node.source is None else {"$ref": f"{node.source}.result.lists.{node.name}"}
    )


def _told(node: NodeSpec, graph: GraphSpec) -> dict[str, Any]:
    """What a unit is told of the parents of its node: of `finally`, nothing but how the workflow stands."""
    if graph.last is node:
        return {"": {"status": {"$ref": "workflow.status"}}}
    told: dict[str, Any] = {}
    for parent, _ in node.after:
        many = graph.node(parent).fans_out
        told[parent] = {
            "status": {"$ref": f"{parent}.status"},
            "result": {"$ref": f"{parent}.results" if many else f"{parent}.result"},
        }
    return told


# --- at random ---------------------------------------------------------------------------------------------------------


def workflows(seed: int, count: int) -> list[WorkflowSpec]:
    """So many, of which no two have the same graph."""
    chance = random.Random(seed)
    found: dict[bytes, WorkflowSpec] = {}
    while len(found) < count:
        spec = workflow(chance)
        found.setdefault(graph_of(spec), spec)
    return list(found.values())


def graph_of(spec: WorkflowSpec) -> bytes:
    """What tells it from others: its graph alone, as a user writes it."""
    return msgspec.json.encode(request(spec, "", ""))


def workflow(chance: random.Random) -> WorkflowSpec:
    """Whatever is random in it comes from `chance`, which may be Hypothesis's."""
    graph = _random_graph(chance, 0)
    interrupt = chance.choice((None, None, None, None, "cancel", "deadline"))
    if interrupt is not None:
        return WorkflowSpec(graph, interrupt, chance.randint(0, 6))
    plain = [node.name for node in graph.all() if node.kind == "task"]
    cut = chance.sample(plain, chance.randint(1, len(plain))) if plain and chance.random() < 0.25 else []
    return WorkflowSpec(graph, cut=frozenset(cut), again=chance.random() < 0.5)


def _fate(chance: random.Random) -> Fate:
    detours = chance.sample(DETOURS, chance.choice((0, 0, 1, 2)))
    return Fate(tuple(detours), chance.choice(("ok", "ok", "ok", "fail", "fail", "cancel")))


@dataclass
class _Growing:
    """A graph while it is drawn. `needs`: how a node's ancestors must have ended if it is to run."""

    nodes: list[NodeSpec] = field(default_factory=list)
    needs: dict[str, dict[str, str]] = field(default_factory=dict)

    def join(
        self, parents: Sequence[str], wants: Sequence[str]
    ) -> tuple[tuple[tuple[str, str], ...], dict[str, str]]:
        """Edges from these parents, as wanted where that does not contradict what is needed already: then `done`."""
        needed: dict[str, str] = {}
        edges = []
        for parent, wanted in zip(parents, wants, strict=True):
            more = {} if wanted == "done" else {**self.needs[parent], parent: wanted}
            if self._contradicts(needed, more):
                edges.append((parent, "done"))
            else:
                needed |= more
                edges.append((parent, wanted))
        return tuple(edges), needed

    @staticmethod
    def _contradicts(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
        return any(one.get(name, end) != end for name, end in other.items())


def _random_graph(chance: random.Random, depth: int) -> GraphSpec:
    growing = _Growing()
    [nodes] = chance.choices(*SIZES) if depth == 0 else [chance.randint(1, SECTION)]
    for number in range(nodes):
        name = f"n{number}"
        known = [node.name for node in growing.nodes]
        parents = chance.sample(known, min(len(known), chance.randint(0, 3)))
        wants = [chance.choice(("success", "success", "failure", "done")) for _ in parents]
        after, needs = growing.join(parents, wants)
        growing.needs[name] = needs
        growing.nodes.append(_random_node(chance, name, after, growing, depth))
    last = NodeSpec(FINALLY, fates=(_fate(chance),)) if chance.random() < 0.25 else None
    at_once = chance.randint(1, 3) if chance.random() < 0.2 else None
    return GraphSpec(tuple(growing.nodes), last, at_once)


def _random_node(
    chance: random.Random, name: str, after: tuple[tuple[str, str], ...], growing: _Growing, depth: int
) -> NodeSpec:
    sources = [
        parent
        for parent, on in after
        if on == "success" and any(one.name == parent and one.kind == "task" for one in growing.nodes)
    ]
    kinds = ["task"] * 6 + ["each"] * 3 + ["lost"] * bool(sources) + (["sub", "subs"] if depth < 2 else [])
    kind = chance.choice(kinds)
    many = kind in {"each", "subs"}
    source: str | None = None
    if kind == "lost" or (many and sources and chance.random() < 0.5):
        source = chance.choice(sources)
    return NodeSpec(
        name,
        kind=kind,
        after=after,
        fates=tuple(_fate(chance) for _ in range(chance.randint(1, 3 if kind == "each" else 1))),
        items=chance.randint(0, 4 if kind == "each" else 2) if many else 1,
        source=source,
        allow_failure=chance.random() < 0.2,
        at_once=chance.randint(1, 2) if many and chance.random() < 0.5 else None,
        graph=_random_graph(chance, depth + 1) if kind in {"sub", "subs"} else None,
    )
