"""Where everything in a drawn graph stands: boxes and lines from left to right, then the lines between two layers.

Columns are whole numbers. Every box has an odd width, so its middle is a column.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from taskflow_hub.cli.layers import Element, Layered, Net, Wire
from taskflow_hub.domain.graph import On

GAP: Final = 2  # columns between two boxes, or lines
ROUNDS: Final = 6
PORT: Final = 2  # columns for a line that ends in a box
LABELS: Final[Mapping[On, str]] = {On.FAILURE: "failure", On.DONE: "done"}


class TooWide(Exception):
    """It cannot be drawn in so many columns."""


@dataclass
class Way:
    """A net's way through the rows between two layers: down from `above`, along in row `track`, down to `below`.

    `track` None: straight down.
    """

    net: Net
    above: dict[Element, int] = field(default_factory=dict)  # the column in which it leaves each source
    below: dict[Element, int] = field(default_factory=dict)  # and comes to each target
    track: int | None = None

    @property
    def columns(self) -> list[int]:
        return [*self.above.values(), *self.below.values()]


@dataclass(frozen=True)
class Placed:
    boxes: dict[str, tuple[int, int]]  # first and last column
    wires: list[list[tuple[int, On]]]  # by layer: in which columns lines pass through it
    ways: list[list[Way]]  # by layer: those below it


def port_width(on: On) -> int:
    """A label is written across its line."""
    return len(LABELS[on]) + 2 if on in LABELS else PORT


def place(graph: Layered, widths: Mapping[str, int], room: int) -> Placed:
    """`widths` of the boxes, as their text needs; they are made wider here if their lines need it. Raises TooWide."""
    sizes = [
        {element: _size(element, widths, graph, at) for element in layer}
        for at, layer in enumerate(graph.layers)
    ]
    for layer in sizes:
        if sum(layer.values()) + GAP * (len(layer) - 1) > room:
            raise TooWide
    centres = _centres(graph, sizes, room)
    ways = [_ways(nets, centres[at], centres[at + 1], sizes[at + 1]) for at, nets in enumerate(graph.nets)]
    boxes: dict[str, tuple[int, int]] = {}
    wires: list[list[tuple[int, On]]] = []
    for layer, middles in zip(sizes, centres, strict=True):
        wires.append([(middles[element], element.on) for element in layer if isinstance(element, Wire)])
        for element, size in layer.items():
            if isinstance(element, str):
                boxes[element] = (middles[element] - size // 2, middles[element] + size // 2)
    return Placed(boxes, wires, ways)


def _size(element: Element, widths: Mapping[str, int], graph: Layered, at: int) -> int:
    if isinstance(element, Wire):
        return 1
    above = [net for net in graph.nets[at - 1] if element in net.targets] if at else []
    below = [net for net in graph.nets[at] if element in net.sources] if at < len(graph.nets) else []
    ports = max(sum(port_width(net.on) for net in above), PORT * len(below))
    return max(widths[element], ports + 2) | 1


# --- from left to right ------------------------------------------------------------------------------------------------


def _centres(graph: Layered, sizes: Sequence[Mapping[Element, int]], room: int) -> list[dict[Element, int]]:
    """Each as near as possible to the middle of its neighbours, in the order it has."""
    bounds = [_bounds(layer, room) for layer in sizes]
    centres = [{element: float(low) for element, (low, _) in layer.items()} for layer in bounds]
    for turn in range(ROUNDS):
        down = turn % 2 == 0
        for at in range(len(sizes)) if down else reversed(range(len(sizes))):
            wanted = _wanted(graph, centres, at, both=turn >= ROUNDS - 2, down=down)
            centres[at] = _settled(wanted, sizes[at], bounds[at])
    return [{element: int(centre) for element, centre in layer.items()} for layer in _flush(centres, sizes)]


def _bounds(layer: Mapping[Element, int], room: int) -> dict[Element, tuple[int, int]]:
    """The leftmost and rightmost that each one's middle can be, with all others in their order beside it."""
    lows, at = [], 0
    for size in layer.values():
        lows.append(at + size // 2)
        at += size + GAP
    spare = room - (at - GAP)
    return {element: (low, low + spare) for element, low in zip(layer, lows, strict=True)}


def _wanted(
    graph: Layered, centres: Sequence[Mapping[Element, float]], at: int, *, both: bool, down: bool
) -> dict[Element, float]:
    found: dict[Element, list[float]] = {element: [] for element in centres[at]}
    if at and (down or both):
        for net in graph.nets[at - 1]:
            for element in net.targets:
                found[element] += [centres[at - 1][other] for other in net.sources]
    if at < len(graph.nets) and (both or not down):
        for net in graph.nets[at]:
            for element in net.sources:
                found[element] += [centres[at + 1][other] for other in net.targets]
    return {
        element: sum(others) / len(others) if others else centres[at][element]
        for element, others in found.items()
    }


def _settled(
    wanted: Mapping[Element, float], sizes: Mapping[Element, int], bounds: Mapping[Element, tuple[int, int]]
) -> dict[Element, float]:
    """The centres nearest to those wanted, by the sum of squares, that keep order and distance: neighbours that would be too
    near move together (pool adjacent violators)."""
    offsets, at = [], 0.0
    previous = 0
    for size in sizes.values():
        at += (previous // 2 + GAP + size // 2 + 1) if previous else 0
        offsets.append(at)
        previous = size
    pools: list[tuple[float, int]] = []  # sum of what they want, and how many they are
    for want, offset in zip(wanted.values(), offsets, strict=True):
        pools.append((want - offset, 1))
        while len(pools) > 1 and pools[-2][0] / pools[-2][1] > pools[-1][0] / pools[-1][1]:
            (total, count), (other, more) = pools.pop(), pools.pop()
            pools.append((total + other, count + more))
    settled = [float(round(total / count)) for total, count in pools for _ in range(count)]
    return {
        element: min(max(base + offset, bounds[element][0]), bounds[element][1])
        for element, base, offset in zip(wanted, settled, offsets, strict=True)
    }


def _flush(
    centres: Sequence[Mapping[Element, float]], sizes: Sequence[Mapping[Element, int]]
) -> list[dict[Element, float]]:
    """Moved to the left edge, all together."""
    margin = min(
        centre - sizes[at][element] // 2
        for at, layer in enumerate(centres)
        for element, centre in layer.items()
    )
    return [{element: centre - margin for element, centre in layer.items()} for layer in centres]


# --- between two layers ------------------------------------------------------------------------------------------------


def _ways(
    nets: Sequence[Net],
    upper: Mapping[Element, int],
    lower: Mapping[Element, int],
    lower_sizes: Mapping[Element, int],
) -> list[Way]:
    ways = [Way(net) for net in nets]
    for element, centre in upper.items():
        mine = [way for way in ways if element in way.net.sources]
        mine.sort(key=lambda way: _mean(lower[target] for target in way.net.targets))
        for way, column in zip(mine, _ports([PORT] * len(mine), centre), strict=True):
            way.above[element] = column
    for element, centre in lower.items():
        mine = [way for way in ways if element in way.net.targets]
        mine.sort(key=lambda way: _mean(way.above.values()))
        for way, column in zip(mine, _ports([port_width(way.net.on) for way in mine], centre), strict=True):
            way.below[element] = column
    _untangle(ways, lower, lower_sizes)
    _lay(ways)
    return ways


def _ports(widths: Sequence[int], centre: int) -> list[int]:
    """A column for each, side by side and together in the middle."""
    if len(widths) == 1:
        return [centre]
    at = centre - sum(widths) // 2
    columns = []
    for width in widths:
        columns.append(at + width // 2)
        at += width
    return columns


def _must_be_above(ways: Sequence[Way]) -> dict[int, set[int]]:
    """Which ways have to turn in an earlier row: where one leaves and another arrives in the same column, they would meet."""
    found: dict[int, set[int]] = {index: set() for index in range(len(ways))}
    for first, one in enumerate(ways):
        for second, other in enumerate(ways):
            if first != second and set(one.above.values()) & set(other.below.values()):
                found[second].add(first)
    return found


def _untangle(ways: Sequence[Way], lower: Mapping[Element, int], sizes: Mapping[Element, int]) -> None:
    """Where two ways would each have to turn before the other, or one has to pass another that goes straight down, an end is
    moved aside. Raises TooWide when there is no room for that."""
    for _ in range(sum(len(way.columns) for way in ways) + 1):
        tangled = _tangled(ways)
        if tangled is None:
            return
        way, element = tangled
        taken = {column for other in ways for column in other.columns}
        column = way.below[element]
        reach = range(lower[element] - sizes[element] // 2 + 1, lower[element] + sizes[element] // 2)
        free = [
            at for at in (column - 1, column + 1, column - 2, column + 2) if at in reach and at not in taken
        ]
        if not free:
            raise TooWide
        way.below[element] = free[0]
    raise TooWide


def _tangled(ways: Sequence[Way]) -> tuple[Way, Element] | None:
    """An end that is in the way, in a box, where it can be moved."""
    above = _must_be_above(ways)
    for index in _in_circles(above):
        for element, column in ways[index].below.items():
            others = [
                way for other, way in enumerate(ways) if other != index and column in way.above.values()
            ]
            if others and not isinstance(element, Wire):
                return ways[index], element
    return None


def _in_circles(above: Mapping[int, set[int]]) -> list[int]:
    left = dict(above)
    while ready := [index for index, before in left.items() if not before & left.keys()]:
        for index in ready:
            del left[index]
    return list(left)


def _lay(ways: Sequence[Way]) -> None:
    """Give each way that does not go straight down a row. Raises TooWide."""
    before = _must_be_above(ways)
    rows: dict[int, int] = {}
    left = {index for index, way in enumerate(ways) if len(set(way.columns)) > 1}
    done = set(range(len(ways))) - left
    while left:
        ready = [index for index in left if before[index] <= done]
        if not ready:
            raise TooWide
        best = min(ready, key=lambda index: (_crossed(ways, index, left), min(ways[index].columns)))
        row = max((rows[index] + 1 for index in before[best] if index in rows), default=0)
        while any(rows[other] >= row and _meet(ways[best], ways[other]) for other in rows):
            row += 1
        rows[best] = ways[best].track = row
        left.discard(best)
        done.add(best)


def _crossed(ways: Sequence[Way], index: int, left: Iterable[int]) -> int:
    """How many lines this one would cross if it turned in a row above all that are left, less those it would if below."""
    one = ways[index]
    low, high = min(one.columns), max(one.columns)
    count = 0
    for other in left:
        if other != index:
            count += sum(low < column < high for column in ways[other].above.values())
            count -= sum(low < column < high for column in ways[other].below.values())
            theirs = ways[other].columns
            count += sum(min(theirs) < column < max(theirs) for column in one.below.values())
            count -= sum(min(theirs) < column < max(theirs) for column in one.above.values())
    return count


def _meet(one: Way, other: Way) -> bool:
    """Would they touch in the same row?"""
    return min(one.columns) <= max(other.columns) + 1 and min(other.columns) <= max(one.columns) + 1


def _mean(values: Iterable[int]) -> float:
    found = list(values)
    return sum(found) / len(found)
