"""Graphs, ready to be asked: who comes after whom, and what a template refers to. A graph never changes, so it is read once."""

from collections import OrderedDict, defaultdict
from collections.abc import Sequence
from functools import cached_property
from threading import Lock
from typing import Final

from msgspec import UNSET

from taskflow_hub.domain.graph import FINALLY, Graph, Node, On
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.references import Compiled, compiled
from taskflow_hub.domain.submission import Limit
from taskflow_hub.store.documents import decoder

OCTETS_KEPT: Final = 32 << 20  # of graphs' texts


def satisfied(on: On, how: State) -> bool:
    """Does an edge get the end that it wants?"""
    return on is On.DONE or (on, how) in {(On.SUCCESS, State.SUCCESS), (On.FAILURE, State.FAILED)}


class Plan:
    """A graph, and those of the sub-workflows in it."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._templates: dict[tuple[str, bool], Compiled | None] = {}
        self._inner: dict[str, Plan] = {}

    @cached_property
    def children(self) -> dict[str, list[tuple[str, On]]]:
        """Who comes after each node, and which end of it they want."""
        found: dict[str, list[tuple[str, On]]] = defaultdict(list)
        for name, node in self.graph.nodes.items():
            for edge in node.after:
                found[edge.parent].append((name, edge.on))
        return dict(found)

    @cached_property
    def size(self) -> int:
        """Nodes of it, and of all sub-workflows in it."""
        return sum(1 if node.graph is None else 1 + self.inner(name).size for name, node in self.nodes)

    @cached_property
    def nodes(self) -> list[tuple[str, Node]]:
        """Its own, `finally` last."""
        last = [] if self.graph.last is None else [(FINALLY, self.graph.last)]
        return [*self.graph.nodes.items(), *last]

    @cached_property
    def octets(self) -> int:
        """Of the payloads that its tasks have from the beginning."""
        found = [self.payload(name) for name, node in self.nodes if node.is_plain]
        constant = [one for one in found if one is not None and one.is_constant]
        return sum(len(part) for one in constant for part in one.parts if isinstance(part, bytes))

    def has(self, name: str) -> bool:
        return name in self.graph.nodes or (name == FINALLY and self.graph.last is not None)

    def node(self, name: str) -> Node:
        return self.graph.node(name)

    def fans_out(self, name: str) -> bool:
        return self.node(name).for_each is not UNSET

    def payload(self, name: str) -> Compiled | None:
        """None: its task has its payload from the beginning."""
        return self._template(name, of_list=False)

    def for_each(self, name: str) -> Compiled:
        found = self._template(name, of_list=True)
        assert found is not None
        return found

    def _template(self, name: str, *, of_list: bool) -> Compiled | None:
        key = (name, of_list)
        if key not in self._templates:
            node = self.node(name)
            text = node.for_each if of_list else node.payload
            self._templates[key] = None if text is UNSET else compiled(text)
        return self._templates[key]

    def ancestors(self, name: str) -> frozenset[str]:
        """The nodes that a node comes after, directly or not."""
        if name == FINALLY:
            return frozenset(self.graph.nodes)
        found: set[str] = set()
        left = [name]
        while left:
            new = {edge.parent for edge in self.node(left.pop()).after} - found
            found |= new
            left += new
        return frozenset(found)

    @cached_property
    def queues(self) -> frozenset[str]:
        """To which its nodes say that they go, those of sub-workflows too; "" of one that does not say."""
        found: set[str] = set()
        for name, node in self.nodes:
            if node.task is not None:
                found.add(node.task.queue or "")
            else:
                found |= self.inner(name).queues
        return frozenset(found)

    @cached_property
    def result(self) -> Compiled | None:
        return None if self.graph.result is UNSET else compiled(self.graph.result)

    def inner(self, name: str) -> "Plan":
        """Of the sub-workflow that is the work of a node."""
        found = self._inner.get(name)
        if found is None:
            graph = self.node(name).graph
            assert graph is not None
            found = self._inner[name] = Plan(graph)
        return found

    def below(self, path: Sequence[str]) -> "Plan":
        plan = self
        for name in path:
            plan = plan.inner(name)
        return plan

    def own_limits(self, workflow_id: str) -> list[Limit]:
        """What a workflow with this graph limits by itself: all its tasks, and those of each fan-out."""
        return [
            *limit_of(workflow_key(workflow_id), self.graph.max_concurrency),
            *(
                limit
                for name, node in self.nodes
                for limit in limit_of(node_key(workflow_id, name), node.max_concurrency)
            ),
        ]


def workflow_key(workflow_id: str) -> str:
    return f"workflow:{workflow_id}"


def node_key(workflow_id: str, node: str) -> str:
    return f"workflow:{workflow_id}/{node}"


def limit_of(key: str, running: int | None) -> list[Limit]:
    return [] if running is None else [Limit(key, running=running)]


class Plans:
    """Those that were used last, by root. May be used from any thread."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[Plan, int]] = OrderedDict()
        self._octets = 0
        self._lock = Lock()

    def get(self, root: str) -> Plan | None:
        with self._lock:
            found = self._kept.get(root)
            if found is None:
                return None
            self._kept.move_to_end(root)
            return found[0]

    def keep(self, root: str, text: str) -> Plan:
        plan = Plan(decoder(Graph).decode(text))
        with self._lock:
            if root not in self._kept:
                self._octets += len(text)
            self._kept[root] = (plan, len(text))
            while self._octets > OCTETS_KEPT and len(self._kept) > 1:
                _, (_, octets) = self._kept.popitem(last=False)
                self._octets -= octets
        return plan


PLANS: Final = Plans()  # of this process: ids of workflows are unique, whatever database they are in
