"""docs/img/house-*.svg, drawn from the import contracts in pyproject.toml: `python -m docs.make_architecture`.

Rooms stand in the layers of the contract that says which way imports run; what a room is for is the first sentence of its own
docstring. So a room that is added, or moved, changes the picture, and a test compares.
"""

import ast
import re
import tomllib
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

from msgspec import Struct

ROOT: Final = Path(__file__).parents[1]
CODE: Final = ROOT / "src" / "taskflow_hub"
PICTURES: Final = ROOT / "docs" / "img"

WIDTH, MARGIN, GAP = 960, 24, 12
ROOM_HEIGHT, LAYER_GAP, TITLE = 62, 34, 54
MOST_IN_A_ROW: Final = 4
FONT: Final = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif"


class Colours(Struct, frozen=True):
    ground: str
    room: str
    line: str
    text: str
    quiet: str
    arrow: str


SCHEMES: Final = {
    "light": Colours("#ffffff", "#eef2ff", "#a5b4fc", "#1e1b4b", "#475569", "#6366f1"),
    "dark": Colours("#0d1117", "#1b2238", "#4c5aa8", "#e0e7ff", "#a3adc2", "#8b97f5"),
}


def layers() -> list[list[str]]:
    """Rooms from the top down; only whole rooms, and the parts of `store` and `broker` that stand in a layer of their own."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    (house,) = [one for one in contracts if one["id"] == "house"]
    named = [re.findall(r"\(([\w.]+)\)", layer) for layer in house["layers"]]
    there = [[room for room in layer if _place(room) is not None and not _is_helper(room)] for layer in named]
    return [layer for layer in there if layer]


def _is_helper(room: str) -> bool:
    """What only serves the stores is part of them, to whoever looks at the house."""
    return room.startswith("store.") and room not in {"store.base", "store.sqlite", "store.postgres"}


def _place(room: str) -> Path | None:
    path = CODE.joinpath(*room.split("."))
    if (path / "__init__.py").exists():
        return path / "__init__.py"
    return path.with_suffix(".py") if path.with_suffix(".py").exists() else None


def purpose(room: str) -> str:
    """The first sentence of its docstring."""
    place = _place(room)
    assert place is not None
    said = ast.get_docstring(ast.parse(place.read_text(encoding="utf-8"))) or ""
    return (
        re.split(r"(?<=[.:;])\s|\n\n", re.sub(r"\s*\n(?!\n)\s*", " ", said), maxsplit=1)[0]
        .rstrip(".:;")
        .replace("`", "")
    )


def rows() -> list[list[list[str]]]:
    """Each layer's rooms, in rows that are not too full."""
    return [
        [layer[at : at + MOST_IN_A_ROW] for at in range(0, len(layer), MOST_IN_A_ROW)] for layer in layers()
    ]


def draw(scheme: str) -> str:
    colours = SCHEMES[scheme]
    parts: list[str] = []
    y = float(TITLE)
    for index, layer in enumerate(rows()):
        if index:
            parts.append(_arrow(y - LAYER_GAP + 5, y - 6, colours))
        for row in layer:
            room_width = (WIDTH - 2 * MARGIN - GAP * (len(row) - 1)) / len(row)
            for column, room in enumerate(row):
                parts.append(_room(room, MARGIN + column * (room_width + GAP), y, room_width, colours))
            y += ROOM_HEIGHT + GAP
        y += LAYER_GAP - GAP
    height = y - LAYER_GAP + MARGIN
    title = (
        f'<text x="{MARGIN}" y="34" fill="{colours.quiet}" font-size="15">Imports run downwards only</text>'
    )
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}" width="{WIDTH}" height="{height:g}" '
        f'font-family="{FONT}" role="img" aria-label="The rooms of TaskFlow Hub in layers">'
    )
    ground = f'<rect width="{WIDTH}" height="{height:g}" rx="10" fill="{colours.ground}"/>'
    return "\n".join([head, ground, title, *parts, "</svg>"]) + "\n"


def _room(room: str, x: float, y: float, width: float, colours: Colours) -> str:
    lines = _wrapped(purpose(room), int((width - 20) / 6.1))
    words = "".join(
        f'<text x="{x + 10:g}" y="{y + 38 + 14 * at:g}" fill="{colours.quiet}" font-size="11.5">{escape(line)}</text>'
        for at, line in enumerate(lines)
    )
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{ROOM_HEIGHT}" rx="7" fill="{colours.room}" '
        f'stroke="{colours.line}"/>'
        f'<text x="{x + 10:g}" y="{y + 20:g}" fill="{colours.text}" font-size="14" font-weight="600">'
        f"{escape(room)}</text>{words}"
    )


def _wrapped(text: str, most: int) -> list[str]:
    """Two lines; what does not fit is cut at a word."""
    lines = [""]
    for word in text.split():
        if len(lines[-1]) + len(word) + 1 > most:
            if len(lines) == 2:
                return [lines[0], f"{lines[1].rstrip(' ,;:')} …"]
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def _arrow(top: float, bottom: float, colours: Colours) -> str:
    x = WIDTH / 2
    return (
        f'<path d="M{x:g} {top:g}V{bottom:g}M{x - 5:g} {bottom - 6:g}L{x:g} {bottom:g}L{x + 5:g} {bottom - 6:g}" '
        f'fill="none" stroke="{colours.arrow}" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"/>'
    )


if __name__ == "__main__":
    for one in SCHEMES:
        (PICTURES / f"house-{one}.svg").write_text(draw(one), encoding="utf-8")
