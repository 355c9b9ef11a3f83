"""Which node of a graph comes after which: order, cycles, what references add, and who can never run. Pure, and fast: sets of
nodes are the bits of an integer.
"""

import heapq
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from taskflow_hub.domain.graph import Edge, On

Parents = Mapping[str, Sequence[Edge]]  # of each node, in the order in which they were written


class Cycle(Struct, frozen=True):
    nodes: tuple[str, ...]  # each before the next, the last before the first

    def __str__(self) -> str:
        return " → ".join([*self.nodes, self.nodes[0]])


class Never(Struct, frozen=True):
    """`node` cannot run: `ancestor` would have to succeed, as the parent `success` wants, and to fail, as `failure` does."""

    node: str
    ancestor: str
    success: str
    failure: str


def ordered(nodes: Sequence[str], before: Mapping[str, set[str]]) -> tuple[str, ...] | Cycle:
    """Parents before their children, and otherwise as they were written. `before`: what each waits for, all of it known."""
    place = {name: n for n, name in enumerate(nodes)}
    waits = {name: len(before[name]) for name in nodes}
    children: dict[str, list[str]] = {name: [] for name in nodes}
    for name in nodes:
        for parent in before[name]:
            children[parent].append(name)
    ready = [place[name] for name in nodes if not waits[name]]
    order: list[str] = []
    while ready:
        name = nodes[heapq.heappop(ready)]
        order.append(name)
        for child in children[name]:
            waits[child] -= 1
            if not waits[child]:
                heapq.heappush(ready, place[child])
    return tuple(order) if len(order) == len(nodes) else _cycle(nodes, before, set(order))


def _cycle(nodes: Sequence[str], before: Mapping[str, set[str]], fine: set[str]) -> Cycle:
    """Whatever is left has a parent that is left: so going back from one to the next ends where it has been."""
    place = {name: n for n, name in enumerate(nodes)}
    walked: dict[str, int] = {}
    here = next(name for name in nodes if name not in fine)
    while here not in walked:
        walked[here] = len(walked)
        here = min(before[here] - fine, key=place.__getitem__)
    around = [name for name, n in walked.items() if n >= walked[here]][::-1]
    first = around.index(min(around, key=place.__getitem__))
    return Cycle(tuple(around[first:] + around[:first]))


def joined(
    order: Sequence[str], edges: Parents, referred: Mapping[str, set[str]]
) -> dict[str, tuple[Edge, ...]]:
    """The edges, and for each node that is referred to and that it does not come after anyhow one on success.

    `order` as `ordered` made it of both. Of two that are referred to, the later one brings the earlier one along.
    """
    bit = {name: 1 << n for n, name in enumerate(order)}
    above: dict[str, int] = {}  # all ancestors
    result: dict[str, tuple[Edge, ...]] = {}
    for name in order:
        mine = _all([above[edge.parent] | bit[edge.parent] for edge in edges[name]])
        others = [one for one in referred[name] if not bit[one] & mine]
        brought = _all([above[one] for one in others])
        added = sorted([one for one in others if not bit[one] & brought], key=bit.__getitem__)
        above[name] = mine | brought | _all([bit[one] for one in others])
        result[name] = (*edges[name], *(Edge(one) for one in added))
    return result


def never(order: Sequence[str], edges: Parents) -> list[Never]:
    """The nodes whose edges ask for two ends of one ancestor, directly or through others; but not those that come after such.

    For a node to run, whatever it wants to succeed or fail has to have run, too; what it takes however it ended, has not.
    """
    bit = {name: 1 << n for n, name in enumerate(order)}
    succeed: dict[str, int] = {}  # what has to succeed for a node to run
    fail: dict[str, int] = {}
    found: list[Never] = []
    for name in order:
        wanted = [edge for edge in edges[name] if edge.on is not On.DONE]
        ups = {
            edge.parent: succeed[edge.parent] | (bit[edge.parent] if edge.on is On.SUCCESS else 0)
            for edge in wanted
        }
        downs = {
            edge.parent: fail[edge.parent] | (bit[edge.parent] if edge.on is On.FAILURE else 0)
            for edge in wanted
        }
        succeed[name], fail[name] = _all(ups.values()), _all(downs.values())
        both = succeed[name] & fail[name]
        if not both or any(succeed[edge.parent] & fail[edge.parent] for edge in wanted):
            continue
        ancestor = order[both.bit_length() - 1]
        found.append(
            Never(
                name,
                ancestor,
                next(one for one, bits in ups.items() if bits & bit[ancestor]),
                next(one for one, bits in downs.items() if bits & bit[ancestor]),
            )
        )
    return found


def _all(sets: Iterable[int]) -> int:
    result = 0
    for one in sets:
        result |= one
    return result
