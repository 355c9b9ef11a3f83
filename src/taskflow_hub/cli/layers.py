"""A graph in layers, ready to be drawn: each node below all its parents, with as few lines crossing as a few looks can see to.

Layers by the longest path, order by barycentres: what Sugiyama, Tagawa and Toda found in 1981. Lines that come from nodes with
the same children are one line from there on, so a fork, a join, and all-to-all are each drawn as one.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from taskflow_hub.domain.graph import Edge, On

SWEEPS: Final = 8


@dataclass(frozen=True)
class Wire:
    """A line on its way through a layer in which none of its targets is."""

    on: On
    targets: frozenset[str]
    number: int  # two nets may have the same targets left


Element: TypeAlias = str | Wire


@dataclass(frozen=True)
class Net:
    """A line between two neighbouring layers: from each of `sources` to each of `targets`."""

    on: On
    sources: tuple[Element, ...]
    targets: tuple[Element, ...]


@dataclass(frozen=True)
class Layered:
    layers: list[list[Element]]  # from top to bottom, each from left to right
    nets: list[list[Net]]  # nets[n] are those between layers n and n + 1


def layered(parents: Mapping[str, Sequence[Edge]]) -> Layered:
    """`parents` of every node, each named before its children."""
    depth = _depths(parents)
    layers: list[list[Element]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for name in parents:
        layers[depth[name]].append(name)
    nets = [_nets(layers, at, _children(parents), depth) for at in range(len(layers) - 1)]
    return _ordered(Layered(layers, nets))


def _depths(parents: Mapping[str, Sequence[Edge]]) -> dict[str, int]:
    """A node with children only stands right above the first of them."""
    depth: dict[str, int] = {}
    first_child: dict[str, int] = {}
    for name, edges in parents.items():
        depth[name] = max((depth[edge.parent] + 1 for edge in edges), default=0)
        for edge in edges:
            first_child[edge.parent] = min(first_child.get(edge.parent, depth[name]), depth[name])
    for name, edges in parents.items():
        if not edges and name in first_child:
            depth[name] = first_child[name] - 1
    return depth


def _children(parents: Mapping[str, Sequence[Edge]]) -> dict[tuple[str, On], set[str]]:
    children: dict[tuple[str, On], set[str]] = defaultdict(set)
    for name, edges in parents.items():
        for edge in edges:
            children[edge.parent, edge.on].add(name)
    return children


def _nets(
    layers: list[list[Element]],
    at: int,
    children: Mapping[tuple[str, On], set[str]],
    depth: Mapping[str, int],
) -> list[Net]:
    """The lines below a layer; puts those that go on into the layer below."""
    sources: dict[tuple[On, frozenset[str]], list[Element]] = defaultdict(list)
    for element in layers[at]:
        if isinstance(element, Wire):
            sources[element.on, element.targets].append(element)
        else:
            for on in On:
                if (element, on) in children:
                    sources[on, frozenset(children[element, on])].append(element)
    nets = []
    for number, ((on, wanted), above) in enumerate(sources.items()):
        here = tuple(element for element in layers[at + 1] if element in wanted)
        beyond = frozenset(name for name in wanted if depth[name] > at + 1)
        wire = (Wire(on, beyond, number),) if beyond else ()
        layers[at + 1] += wire
        nets.append(Net(on, tuple(above), (*here, *wire)))
    return nets


# --- order -------------------------------------------------------------------------------------------------------------


def _ordered(graph: Layered) -> Layered:
    """The best order that sweeping down and up comes by."""
    layers = [list(layer) for layer in graph.layers]
    best, fewest = layers, _crossings(layers, graph.nets)
    for sweep in range(SWEEPS):
        if not fewest:
            break
        layers = [list(layer) for layer in layers]
        down = sweep % 2 == 0
        for at in range(1, len(layers)) if down else reversed(range(len(layers) - 1)):
            _sort(layers, at, graph.nets[at - 1 if down else at], down=down)
        crossings = _crossings(layers, graph.nets)
        if crossings < fewest:
            best, fewest = layers, crossings
    return Layered(best, graph.nets)


def _sort(layers: list[list[Element]], at: int, nets: Sequence[Net], *, down: bool) -> None:
    """Each element to where its neighbours in the layer above (or below) are, on average."""
    places = {element: place for place, element in enumerate(layers[at - 1 if down else at + 1])}
    weights: dict[Element, list[int]] = defaultdict(list)
    for net in nets:
        near, far = (net.targets, net.sources) if down else (net.sources, net.targets)
        for element in near:
            weights[element] += [places[other] for other in far]
    stays = {element: place for place, element in enumerate(layers[at])}
    layers[at].sort(
        key=lambda one: sum(weights[one]) / len(weights[one]) if weights[one] else float(stays[one])
    )


def _crossings(layers: Sequence[Sequence[Element]], nets: Sequence[Sequence[Net]]) -> int:
    """How many pairs of edges cross, each net taken as the edges it stands for."""
    count = 0
    for at, between in enumerate(nets):
        upper = {element: place for place, element in enumerate(layers[at])}
        lower = {element: place for place, element in enumerate(layers[at + 1])}
        edges = sorted(
            (upper[source], lower[target], number)
            for number, net in enumerate(between)
            for source in net.sources
            for target in net.targets
        )
        for index, (a, b, net_of_a) in enumerate(edges):
            count += sum(a < c and b > d and net_of_a != net_of_c for c, d, net_of_c in edges[index + 1 :])
    return count
