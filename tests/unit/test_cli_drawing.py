"""A drawing says what the graph says: its lines, followed by eye, lead from each node to exactly its children."""

import random
from collections.abc import Mapping, Sequence
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskflow_hub.cli.drawing import ARROW, Box, Row, draw, in_ascii
from taskflow_hub.cli.layers import layered
from taskflow_hub.cli.placing import LABELS, TooWide
from taskflow_hub.domain.graph import Edge, On

Parents = Mapping[str, Sequence[Edge]]

ARMS: Final = {
    "─": "lr",
    "└": "ur",
    "┘": "ul",
    "┌": "dr",
    "┐": "dl",
    "├": "udr",
    "┤": "udl",
    "┬": "dlr",
    "┴": "ulr",
    "┼": "udlr",
}
STEPS: Final = {"d": (1, 0), "l": (0, -1), "r": (0, 1)}
BACK: Final = {"d": "u", "l": "r", "r": "l"}


def texts(rows: Sequence[Row]) -> list[str]:
    return ["".join(text for text, _ in row) for row in rows]


def drawn(parents: Parents, room: int = 400) -> list[str]:
    boxes = {name: Box((((name, ""),),)) for name in parents}
    return texts(draw(parents, boxes, room))


class Eye:
    """Follows the lines of a drawing."""

    def __init__(self, lines: Sequence[str]) -> None:
        width = max(map(len, lines))
        self.lines = [line.ljust(width) for line in lines]
        self.boxes = [
            (row, line.index("┌", left), right)
            for row, line in enumerate(self.lines)
            for left, right in self._tops(line)
            if self._is_box(row, left, right)
        ]

    def edges(self) -> set[tuple[str, str, str]]:
        """Parent, child, and what stands at the child's end of the line."""
        return {(self._name(box), child, label) for box in self.boxes for child, label in self._children(box)}

    def _tops(self, line: str) -> list[tuple[int, int]]:
        found = []
        for left, char in enumerate(line):
            if char == "┌":
                right = left + 1
                while right < len(line) and line[right] in f"─{ARROW}":
                    right += 1
                if right < len(line) and line[right] == "┐":
                    found.append((left, right))
        return found

    def _is_box(self, row: int, left: int, right: int) -> bool:
        below = self.lines[row + 1] if row + 1 < len(self.lines) else ""
        return (
            below[left : left + 2] == "│ "
            and below[right - 1 : right + 1] == " │"
            and bool(below[left + 2 : right].strip())
        )

    def _name(self, box: tuple[int, int, int]) -> str:
        row, left, right = box
        return self.lines[row + 1][left + 1 : right].strip()

    def _children(self, box: tuple[int, int, int]) -> set[tuple[str, str]]:
        row, left, right = box
        bottom = next(at for at in range(row, len(self.lines)) if self.lines[at][left] == "└")
        ways = [(bottom, at, "d") for at in range(left, right) if self.lines[bottom][at] == "┬"]
        found: set[tuple[str, str]] = set()
        seen = set(ways)
        while ways:
            row, at, way = ways.pop()
            down, along = STEPS[way]
            row, at = row + down, at + along
            char = self.lines[row][at]
            if char == ARROW:
                [target] = [box for box in self.boxes if box[0] == row and box[1] < at < box[2]]
                found.add((self._name(target), self._label(row - 1, at)))
                continue
            passes = char not in ARMS or (char == "│")  # a line that crosses; a label across the line
            onward = [way] if passes else [arm for arm in ARMS[char] if arm not in {BACK[way], "u"}]
            if not passes:
                assert BACK[way] in ARMS[char], (row, at, char)
            assert char != " ", (row, at)
            new = [(row, at, arm) for arm in onward if (row, at, arm) not in seen]
            seen.update(new)
            ways += new
        return found

    def _label(self, row: int, at: int) -> str:
        left = right = at
        while self.lines[row][left - 1].isalpha():
            left -= 1
        while right + 1 < len(self.lines[row]) and self.lines[row][right + 1].isalpha():
            right += 1
        word = self.lines[row][left : right + 1]
        return word if word.isalpha() else ""


def edges(parents: Parents) -> set[tuple[str, str, str]]:
    return {(edge.parent, name, LABELS.get(edge.on, "")) for name, after in parents.items() for edge in after}


@st.composite
def graphs(draw: st.DrawFn) -> Parents:
    names = [f"n{number}" for number in range(draw(st.integers(1, 14)))]
    found: dict[str, list[Edge]] = {}
    for at, name in enumerate(names):
        chosen = draw(st.sets(st.sampled_from(names[:at]), max_size=4)) if at else set()
        found[name] = [Edge(parent, draw(st.sampled_from(On))) for parent in sorted(chosen)]
    return found


@settings(max_examples=200, deadline=None)
@given(graphs())
def test_what_is_drawn_is_the_graph(parents: Parents) -> None:
    try:
        lines = drawn(parents)
    except TooWide:
        return
    assert Eye(lines).edges() == edges(parents), "\n".join(lines)


def test_nearly_every_graph_can_be_drawn_if_there_is_room() -> None:
    """What is tied too tightly is a list."""
    chance = random.Random(7)
    lists = 0
    for _ in range(300):
        names = [f"n{number}" for number in range(chance.randint(1, 14))]
        parents = {
            name: [Edge(parent, chance.choice(list(On))) for parent in chance.sample(names[:at], min(at, 3))]
            for at, name in enumerate(names)
        }
        try:
            drawn(parents, 1000)
        except TooWide:
            lists += 1
    assert lists <= 3


@given(graphs(), st.integers(20, 120))
def test_no_drawing_is_wider_than_the_room(parents: Parents, room: int) -> None:
    try:
        lines = drawn(parents, room)
    except TooWide:
        return
    assert max(map(len, lines)) <= room


@given(graphs())
def test_every_node_stands_below_its_parents(parents: Parents) -> None:
    graph = layered(parents)
    depth = {
        element: at for at, layer in enumerate(graph.layers) for element in layer if isinstance(element, str)
    }
    assert set(depth) == set(parents)
    assert all(depth[edge.parent] < depth[name] for name, after in parents.items() for edge in after)


def test_a_fork_and_a_join_are_one_line_each() -> None:
    parents = {"a": [], **{name: [Edge("a")] for name in "bcd"}, "e": [Edge(name) for name in "bcd"]}
    assert "\n".join(drawn(parents)) == (
        "       ┌───┐\n"
        "       │ a │\n"
        "       └─┬─┘\n"
        "  ┌──────┼──────┐\n"
        "┌─▼─┐  ┌─▼─┐  ┌─▼─┐\n"
        "│ b │  │ c │  │ d │\n"
        "└─┬─┘  └─┬─┘  └─┬─┘\n"
        "  └──────┼──────┘\n"
        "       ┌─▼─┐\n"
        "       │ e │\n"
        "       └───┘"
    )


def test_lines_that_cross_do_not_join() -> None:
    parents = {
        "a": [],
        "b": [],
        "c": [Edge("a"), Edge("b")],
        "d": [Edge("a"), Edge("b", On.DONE)],
        "e": [Edge("a"), Edge("b", On.FAILURE)],
    }
    assert Eye(drawn(parents)).edges() == edges(parents)


def test_in_ascii_it_is_ascii() -> None:
    parents = {"a": [], "b": [Edge("a", On.FAILURE)]}
    boxes = {"a": Box((((("a"), ""),),)), "b": Box(((("b", ""),),), double=True)}
    assert texts(in_ascii(draw(parents, boxes, 80))) == [
        "   +---+",
        "   | a |",
        "   +-+-+",
        "  failure",
        "+====v====+",
        "| b       |",
        "+=========+",
    ]


def test_what_does_not_fit_is_not_drawn() -> None:
    with pytest.raises(TooWide):
        drawn({name: [] for name in ("one", "two", "three")}, 20)
