"""What should become of a workflow: the rules of docs/adr/0100, as plainly as they can be said, with nothing of the hub's code.

Nothing here knows of time. Which node runs and how it ends follows from the graph and the fates alone, whatever the order in
which things happen; that is why it can be compared.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from tests.fuzz.specs import FINALLY, GraphSpec, NodeSpec, Place

OF_END: Final = {"ok": "success", "fail": "failed", "cancel": "cancelled"}
WANTED: Final = {
    "success": ("success",),
    "failure": ("failed",),
    "done": ("success", "failed", "cancelled", "skipped"),
}


@dataclass
class Expected:
    """One graph, as it should end. `units`: of every task that should run, how it ends; `inner` the sub-workflows, by place.

    `rerun`: after a redrive, the units that had run before and run once more; they all succeed then.
    """

    status: str
    nodes: dict[str, str]
    units: dict[Place, str] = field(default_factory=dict)
    inner: dict[Place, "Expected"] = field(default_factory=dict)
    rerun: set[Place] = field(default_factory=set)

    def take(self, place: Place, inner: "Expected") -> str:
        """What belongs to a sub-workflow belongs to the whole, too. How that ends."""
        self.inner[place] = inner
        self.units |= inner.units
        self.inner |= inner.inner
        self.rerun |= inner.rerun
        return inner.status


def expected(graph: GraphSpec, place: Place, cut: Collection[str] = ()) -> Expected:
    """`cut`: nodes whose tasks were cancelled before anything ran; but what needs no task had ended by then."""
    found = Expected("", {})
    at_once: set[str] = set()
    for node in graph.nodes:
        fires = all(found.nodes[parent] in WANTED[on] for parent, on in node.after)
        first = all(parent in at_once for parent, _ in node.after)
        units = len(found.units)
        if node.name in cut and (fires or not first):
            found.nodes[node.name] = "cancelled"
            continue
        found.nodes[node.name] = _ended(node, place, found) if fires else "skipped"
        if first and len(found.units) == units:
            at_once.add(node.name)
    broken = [
        node.name
        for node in graph.nodes
        if found.nodes[node.name] in {"failed", "cancelled"} and not node.allow_failure
    ]
    found.status = "failed" if broken else "success"
    if graph.last is not None:
        found.nodes[FINALLY] = "cancelled" if FINALLY in cut else _ended(graph.last, place, found)
        if found.nodes[FINALLY] != "success":
            found.status = "failed"
    return found


def _ended(node: NodeSpec, place: Place, found: Expected) -> str:
    """How a node ends that runs; writes down its units."""
    if node.kind == "lost":
        return "failed"
    ends = []
    for one in _places(node, place):
        if node.graph is None:
            end = OF_END[node.fate(one).end]
            found.units[one] = end
        else:
            end = found.take(one, expected(node.graph, one))
        ends.append(end)
    return _of_all(ends)


def _of_all(ends: list[str]) -> str:
    if "failed" in ends:
        return "failed"
    return "cancelled" if "cancelled" in ends else "success"


def _places(node: NodeSpec, place: Place) -> list[Place]:
    """Of a node's work: its items, or itself."""
    here = (*place, node.name)
    return [(*here, item) for item in range(node.items)] if node.fans_out else [here]


# --- once more -----------------------------------------------------------------------------------------------------------


def redriven(graph: GraphSpec, place: Place, first: Expected) -> Expected:
    """What becomes of a graph that had ended as `first`, and not well.

    What succeeded stays, what did not runs again (and succeeds then), and what was skipped waits again if a node that it comes
    after does. `finally` comes last once more.
    """
    found = Expected("", {})
    again: set[str] = set()
    for node in graph.nodes:
        was = first.nodes[node.name]
        if was == "success" or (was == "skipped" and not any(parent in again for parent, _ in node.after)):
            found.nodes[node.name] = was
            _keep(node, place, first, found)
            continue
        again.add(node.name)
        if not all(found.nodes[parent] in WANTED[on] for parent, on in node.after):
            found.nodes[node.name] = "skipped"
        elif was == "skipped":
            found.nodes[node.name] = _ended(node, place, found)
        else:
            found.nodes[node.name] = _again(node, place, first, found)
    broken = any(
        found.nodes[one.name] in {"failed", "cancelled"} and not one.allow_failure for one in graph.nodes
    )
    found.status = "failed" if broken else "success"
    if graph.last is not None:
        unit = (*place, FINALLY)
        found.nodes[FINALLY] = found.units[unit] = "success"
        found.rerun.add(unit)
    return found


def _again(node: NodeSpec, place: Place, first: Expected, found: Expected) -> str:
    """How a node ends that had begun before: its units, or sub-workflows, that did not succeed have another life."""
    if node.kind == "lost":
        return "failed"
    ends = []
    for one in _places(node, place):
        if node.graph is not None:
            inner = first.inner[one]
            well = inner.status == "success"
            ends.append(found.take(one, _as_it_was(inner) if well else redriven(node.graph, one, inner)))
        else:
            if first.units.get(one) != "success":  # one that was cancelled before it ran is none of them yet
                found.rerun.add(one)
            found.units[one] = "success"
            ends.append("success")
    return _of_all(ends)


def _keep(node: NodeSpec, place: Place, first: Expected, found: Expected) -> None:
    if found.nodes[node.name] == "skipped":
        return
    for one in _places(node, place):
        if node.graph is not None:
            found.take(one, _as_it_was(first.inner[one]))
        else:
            found.units[one] = first.units[one]


def _as_it_was(inner: Expected) -> Expected:
    return Expected(inner.status, inner.nodes, inner.units, inner.inner)


# --- what may not run yet ----------------------------------------------------------------------------------------------


def early(
    graph: GraphSpec, name: str, place: Place, found: Expected, ended: Mapping[Place, str]
) -> str | None:
    """The parent that has not ended, though a unit of the node runs already; None: it is not early."""
    node = graph.node(name)
    before = [one.name for one in graph.nodes] if node is graph.last else [parent for parent, _ in node.after]
    return next((one for one in before if not has_ended(graph, one, place, found, ended)), None)


def has_ended(graph: GraphSpec, name: str, place: Place, found: Expected, ended: Mapping[Place, str]) -> bool:
    """Has everything ended that is the work of this node? A skipped one has when its parents have."""
    node = graph.node(name)
    if found.nodes[name] == "skipped" or node.kind == "lost":
        return all(has_ended(graph, parent, place, found, ended) for parent, _ in node.after)
    prefix = (*place, name)
    return all(unit in ended for unit in found.units if unit[: len(prefix)] == prefix)
