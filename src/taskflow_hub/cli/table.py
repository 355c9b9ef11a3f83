"""Tables that fit: in a narrow terminal notes are cut and minor columns left out, but an id stays whole, to be copied.

Our own few lines, since a table library shares the lack of room out evenly, and takes longer to import than a request takes.
"""

import shutil
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from taskflow_hub.cli.terminal import clean, say, styled

GAP: Final = "  "


@dataclass(frozen=True)
class Column:
    """`least` characters are always shown (None: every one). With too little room the highest `minor` goes first; 0 never."""

    name: str
    least: int | None = None
    minor: int = 0


@dataclass(frozen=True)
class Cell:
    """Text that is safe to show, with an ANSI style such as "31"."""

    text: str
    style: str = ""


def cell(value: object, style: str = "") -> Cell:
    """Text from outside, made harmless; nothing is a dash."""
    text = "" if value is None else clean(value)
    return Cell(text, style) if text else Cell("–", "2")


def print_table(columns: Sequence[Column], rows: Iterable[Sequence[Cell]], *, empty: str = "") -> None:
    """As wide as it needs to be, and no wider than the terminal; a pipe has no width. `empty` is said of no rows."""
    lines = [[Cell(column.name, "1") for column in columns], *rows]
    widths = [max(width(line[index].text) for line in lines) for index in range(len(columns))]
    if sys.stdout.isatty():
        widths = fit(columns, widths, shutil.get_terminal_size().columns)
    for line in lines:
        shown = [(one, room) for one, room in zip(line, widths, strict=True) if room]
        print(GAP.join(_padded(one, room, last=one is shown[-1][0]) for one, room in shown))
    if len(lines) == 1 and empty:
        say(empty)


def print_fields(fields: Iterable[tuple[str, Cell]]) -> None:
    """Name and value; a value of several lines is indented."""
    named = list(fields)
    room = max(len(name) for name, _ in named)
    for name, value in named:
        first, *others = [styled(line, value.style, sys.stdout) for line in value.text.split("\n")]
        print(styled(f"{name:<{room}}", "1", sys.stdout) + GAP + first)
        for line in others:
            print(" " * room + GAP + line)


def fit(columns: Sequence[Column], widths: Sequence[int], room: int) -> list[int]:
    """The width of each column, 0 for one that is left out."""
    fitted = list(widths)
    for index in reversed(range(len(columns))):
        least = columns[index].least
        if least is not None:
            fitted[index] -= max(min(_total(fitted) - room, fitted[index] - least), 0)
    for index in sorted(range(len(columns)), key=lambda at: -columns[at].minor):
        if columns[index].minor and _total(fitted) > room:
            fitted[index] = 0
    return fitted if fitted == list(widths) else _widen(columns, fitted, widths, room)


def width(text: str) -> int:
    """Columns a terminal needs for it."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )


def _widen(columns: Sequence[Column], fitted: list[int], widths: Sequence[int], room: int) -> list[int]:
    """Room that a left-out column freed goes to those that were cut."""
    for index, column in enumerate(columns):
        if column.least is not None and fitted[index]:
            fitted[index] += max(min(room - _total(fitted), widths[index] - fitted[index]), 0)
    return fitted


def _total(widths: Sequence[int]) -> int:
    shown = [one for one in widths if one]
    return sum(shown) + len(GAP) * (len(shown) - 1)


def _padded(one: Cell, room: int, *, last: bool) -> str:
    text = one.text
    if width(text) > room:
        while text and width(text) > room - 1:
            text = text[:-1]
        text += "…"
    padding = "" if last else " " * (room - width(text))
    return styled(text, one.style, sys.stdout) + padding
