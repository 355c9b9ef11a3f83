"""Boxes and lines of a graph as rows of text, with box characters or, where a terminal cannot show those, in ASCII.

Where lines of different nets cross, the one that goes down is drawn through: `─│─` is a crossing, `─┼─` a junction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from taskflow_hub.cli.layers import layered
from taskflow_hub.cli.placing import LABELS, Placed, Way, place
from taskflow_hub.domain.graph import Edge, On

Span: TypeAlias = tuple[str, str]  # a text, and its ANSI style
Row: TypeAlias = list[Span]

LINE_STYLES: Final[Mapping[On, str]] = {On.SUCCESS: "90", On.FAILURE: "31", On.DONE: "33"}
_UP, _DOWN, _LEFT, _RIGHT = 1, 2, 4, 8
_LINES: Final[Mapping[int, str]] = {
    _UP: "│",
    _DOWN: "│",
    _LEFT: "─",
    _RIGHT: "─",
    _UP | _DOWN: "│",
    _LEFT | _RIGHT: "─",
    _UP | _RIGHT: "└",
    _UP | _LEFT: "┘",
    _DOWN | _RIGHT: "┌",
    _DOWN | _LEFT: "┐",
    _UP | _DOWN | _RIGHT: "├",
    _UP | _DOWN | _LEFT: "┤",
    _DOWN | _LEFT | _RIGHT: "┬",
    _UP | _LEFT | _RIGHT: "┴",
    _UP | _DOWN | _LEFT | _RIGHT: "┼",
}
_ASCII: Final = str.maketrans(
    {"│": "|", "─": "-", "║": "|", "═": "=", "▼": "v", **dict.fromkeys("└┘┌┐├┤┬┴┼╔╗╚╝╤", "+")}
)
ARROW: Final = "▼"


@dataclass(frozen=True)
class Box:
    """What stands in it. `double`: its frame has two lines."""

    lines: tuple[tuple[Span, ...], ...]
    style: str = ""
    double: bool = False

    @property
    def width(self) -> int:
        return max(sum(len(text) for text, _ in line) for line in self.lines) + 4


class _Canvas:
    """Rows of characters, each with a style; it grows downwards."""

    def __init__(self) -> None:
        self._rows: list[dict[int, Span]] = []

    @property
    def height(self) -> int:
        return len(self._rows)

    def grow(self, rows: int) -> None:
        self._rows += [{} for _ in range(rows)]

    def put(self, row: int, column: int, text: str, style: str = "") -> None:
        for at, char in enumerate(text, column):
            self._rows[row][at] = (char, style)

    def rows(self) -> list[Row]:
        return [self._row(row) for row in self._rows]

    def _row(self, cells: Mapping[int, Span]) -> Row:
        found: Row = []
        for at in range(max(cells, default=-1) + 1):
            char, style = cells.get(at, (" ", ""))
            if found and (found[-1][1] == style or char == " "):
                found[-1] = (found[-1][0] + char, found[-1][1])
            else:
                found.append((char, style))
        return found


def draw(parents: Mapping[str, Sequence[Edge]], boxes: Mapping[str, Box], room: int) -> list[Row]:
    """`parents` of every node, each named before its children. Raises TooWide."""
    graph = layered(parents)
    placed = place(graph, {name: box.width for name, box in boxes.items()}, room)
    canvas = _Canvas()
    for at, layer in enumerate(graph.layers):
        _draw_layer(canvas, [name for name in layer if isinstance(name, str)], boxes, placed, at)
        if at < len(placed.ways):
            _draw_ways(canvas, placed.ways[at])
    return canvas.rows()


def in_ascii(rows: Sequence[Row]) -> list[Row]:
    return [[(text.translate(_ASCII), style) for text, style in row] for row in rows]


def _draw_layer(
    canvas: _Canvas, names: Sequence[str], boxes: Mapping[str, Box], placed: Placed, at: int
) -> None:
    """Boxes, and what comes to them and leaves them; all the lines that pass through and go on below."""
    top = canvas.height
    canvas.grow(max((len(boxes[name].lines) for name in names), default=-1) + 2)
    for column, on in placed.wires[at]:
        for row in range(top, canvas.height):
            canvas.put(row, column, "│", LINE_STYLES[on])
    for name in names:
        left, right = placed.boxes[name]
        box, bottom = boxes[name], top + len(boxes[name].lines) + 1
        _frame(canvas, box, top, left, right)
        for way in placed.ways[at - 1] if at else ():
            if name in way.below:
                canvas.put(top, way.below[name], ARROW, LINE_STYLES[way.net.on])
        for way in placed.ways[at] if at < len(placed.ways) else ():
            if name in way.above:
                canvas.put(bottom, way.above[name], "╤" if box.double else "┬", box.style)
                for row in range(bottom + 1, canvas.height):
                    canvas.put(row, way.above[name], "│", LINE_STYLES[way.net.on])


def _frame(canvas: _Canvas, box: Box, top: int, left: int, right: int) -> None:
    across, down, corners = ("═", "║", "╔╗╚╝") if box.double else ("─", "│", "┌┐└┘")
    line = across * (right - left - 1)
    canvas.put(top, left, corners[0] + line + corners[1], box.style)
    for row, spans in enumerate(box.lines, top + 1):
        canvas.put(row, left, down, box.style)
        canvas.put(row, right, down, box.style)
        at = left + 2
        for text, style in spans:
            canvas.put(row, at, text, style)
            at += len(text)
    canvas.put(top + len(box.lines) + 1, left, corners[2] + line + corners[3], box.style)


def _draw_ways(canvas: _Canvas, ways: Sequence[Way]) -> None:
    labelled = any(way.net.on in LABELS and _boxes_below(way) for way in ways)
    turns = max((way.track + 1 for way in ways if way.track is not None), default=0)
    top = canvas.height
    canvas.grow(max(turns + labelled, 1))
    for row in range(top, canvas.height):
        # What goes along first, so that what goes down is drawn over it.
        for way in sorted(ways, key=lambda way: way.track != row - top):
            _draw_row(canvas, row, row - top, way)
    for way in ways:
        for column in _boxes_below(way) if way.net.on in LABELS else ():
            label = LABELS[way.net.on]
            canvas.put(canvas.height - 1, column - len(label) // 2, label, LINE_STYLES[way.net.on])


def _draw_row(canvas: _Canvas, row: int, at: int, way: Way) -> None:
    style = LINE_STYLES[way.net.on]
    above, below = set(way.above.values()), set(way.below.values())
    if way.track is None or at < way.track:
        down = above
    elif at > way.track:
        down = below
    else:
        low, high = min(way.columns), max(way.columns)
        for column in range(low, high + 1):
            arms = (_UP if column in above else 0) | (_DOWN if column in below else 0)
            arms |= (_LEFT if column > low else 0) | (_RIGHT if column < high else 0)
            canvas.put(row, column, _LINES[arms], style)
        return
    for column in down:
        canvas.put(row, column, "│", style)


def _boxes_below(way: Way) -> list[int]:
    return [column for element, column in way.below.items() if isinstance(element, str)]
