"""A workflow's graph as a terminal shows it: drawn, where that fits; else as a list that says what each node comes after."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from taskflow_hub.cli.drawing import Box, Row, Span, draw, in_ascii
from taskflow_hub.cli.placing import LABELS, TooWide
from taskflow_hub.cli.show import STATUS_STYLES, seconds_since, span
from taskflow_hub.cli.terminal import clean
from taskflow_hub.domain.graph import FINALLY, Edge
from taskflow_hub.domain.lifecycle import FINAL, State
from taskflow_hub.domain.wired import Wired

if TYPE_CHECKING:
    from taskflow_hub.client.model import Node, Workflow
    from taskflow_hub.domain.workflow_view import Item

MAX_DRAWN: Final = 60  # nodes; more are a list
MAX_TYPE: Final = 28  # characters of a type in a box
MAX_ERRORS: Final = 10
INDENT: Final = 8  # layers; what is deeper stands no further to the right
SIGNS: Final[Mapping[State, str]] = {
    State.SUCCESS: "✓",
    State.FAILED: "✗",
    State.RUNNING: "▶",
    State.QUEUED: "○",
    State.SCHEDULED: "◷",
    State.BLOCKED: "·",
    State.CANCELLED: "⊘",
    State.SKIPPED: "–",
}
ASCII_SIGNS: Final[Mapping[State, str]] = {
    State.SUCCESS: "*",
    State.FAILED: "!",
    State.RUNNING: ">",
    State.QUEUED: "o",
    State.SCHEDULED: "@",
    State.BLOCKED: ".",
    State.CANCELLED: "/",
    State.SKIPPED: "-",
}
_IN_ASCII: Final = str.maketrans({"×": "x", "←": "<", "…": "~", "╌": "-", "–": "-"})
_ITEM_WORDS: Final = {"success": "ok"}
DIM: Final = "90"
ALPHABET: Final = "".join(SIGNS.values()) + "┌┐└┘─│├┤┬┴┼╔╗╚╝═║╤▼×←…╌"


@dataclass(frozen=True)
class Drawn:
    """A node, in the words it is shown with."""

    name: str
    after: tuple[Edge, ...]
    kind: str  # its type; or that it is a workflow of its own
    status: State | None = None  # None: it is only a plan
    took: str = ""
    times: str = ""  # of a fan-out: "×10 000"
    items: str = ""  # and what became of them: "9 998 ok, 2 failed"
    nested: bool = False

    @property
    def under_way(self) -> bool:
        return self.status is not None and self.status is not State.BLOCKED and self.status not in FINAL

    @property
    def style(self) -> str:
        return STATUS_STYLES[self.status] if self.status else ""


def of_workflow(workflow: "Workflow", now: datetime) -> list[Drawn]:
    return [
        Drawn(
            name=clean(name),
            after=node.after,
            kind=clean(node.type) if node.type else "workflow",
            status=node.status,
            took=_took(node, now),
            times=_times(node.items),
            items=items_in_words(node.items),
            nested=node.type is None,
        )
        for name, node in (workflow.nodes or {}).items()
    ]


def of_plan(plan: Wired) -> list[Drawn]:
    """Of a workflow that has not been submitted."""
    nodes = plan.nodes | ({FINALLY: plan.last} if plan.last else {})
    return [
        Drawn(
            name=name,
            after=node.after,
            kind=node.given.type or "workflow",
            times="×?" if node.for_each is not None else "",
            nested=node.inner is not None,
        )
        for name, node in nodes.items()
    ]


def rows(nodes: Sequence[Drawn], width: int, *, plain: bool = False) -> list[Row]:
    """As a drawing that is no wider than `width`, with or without the types; else as a list."""
    signs = ASCII_SIGNS if plain else SIGNS
    found = _drawing(nodes, width, signs) or _listing(nodes, width, signs)
    told = _counts(nodes, signs, width)
    found += [[], *told] if told else []
    return _to_ascii(found) if plain else found


def listing(nodes: Sequence[Drawn], width: int, *, plain: bool = False) -> list[Row]:
    """A row for each node."""
    found = _listing(nodes, width, ASCII_SIGNS if plain else SIGNS)
    return _to_ascii(found) if plain else found


def counts(nodes: Sequence[Drawn], width: int, *, plain: bool = False) -> list[Row]:
    """How many there are in each state; it explains the signs, too."""
    return _counts(nodes, ASCII_SIGNS if plain else SIGNS, width)


def failures(workflow: "Workflow") -> Iterator[str]:
    """Why nodes failed, a line each."""
    failed = [(name, node.error) for name, node in (workflow.nodes or {}).items() if node.error is not None]
    for name, error in failed[:MAX_ERRORS]:
        yield f"{clean(name)}: {clean(error.type)}: {clean(error.message)}"
    if len(failed) > MAX_ERRORS:
        yield f"… and {len(failed) - MAX_ERRORS} more"


def count(number: int) -> str:
    """`10 000`"""
    return f"{number:,}".replace(",", " ")


# --- as a drawing ------------------------------------------------------------------------------------------------------


def _drawing(nodes: Sequence[Drawn], width: int, signs: Mapping[State, str]) -> list[Row]:
    """Nothing when it cannot be drawn."""
    if len(nodes) > MAX_DRAWN:
        return []
    main = [node for node in nodes if node.name != FINALLY]
    last = [node for node in nodes if node.name == FINALLY]
    for kinds in (True, False):
        boxes = {node.name: _box(node, signs, kinds=kinds) for node in nodes}
        try:
            drawn = draw({node.name: node.after for node in main}, boxes, width)
            for node in last:
                drawn += [[("╌╌ when all have ended ╌╌", DIM)], *draw({node.name: ()}, boxes, width)]
        except TooWide:
            continue
        return drawn
    return []


def _box(node: Drawn, signs: Mapping[State, str], *, kinds: bool) -> Box:
    title = " ".join(filter(None, (signs[node.status] if node.status else "", node.name, node.times)))
    lines: list[tuple[Span, ...]] = [((title, node.style), (f"  {node.took}" if node.took else "", DIM))]
    if kinds:
        lines.append(((_cut(node.kind, MAX_TYPE), DIM),))
    if node.items:
        lines.append(((node.items, ""),))
    return Box(tuple(lines), style=node.style or DIM, double=node.nested)


# --- as a list ---------------------------------------------------------------------------------------------------------


def _listing(nodes: Sequence[Drawn], width: int, signs: Mapping[State, str]) -> list[Row]:
    """A column for each kind of thing; of too little room the types go first, then what a node comes after is cut."""
    depths: dict[str, int] = {}
    for node in nodes:
        depths[node.name] = max((depths.get(edge.parent, 0) + 1 for edge in node.after), default=0)
    firsts = [_first(node, min(depths[node.name], INDENT), signs) for node in nodes]
    kinds = [node.kind for node in nodes]
    tooks = [node.took for node in nodes]
    if _widest(firsts) + _widest(kinds) + _widest(tooks) + 6 + 12 > width:
        kinds = [""] * len(nodes)
    room = width - sum(size + 2 for size in (_widest(kinds), _widest(tooks)) if size)
    found: list[Row] = []
    for node, first, kind, took in zip(nodes, firsts, kinds, tooks, strict=True):
        row: Row = [(_cut(first, room).ljust(min(_widest(firsts), room)), node.style)]
        row += [(f"  {kind:<{_widest(kinds)}}", DIM)] if _widest(kinds) else []
        row += [(f"  {took:>{_widest(tooks)}}", "")] if _widest(tooks) else []
        left = width - sum(len(text) for text, _ in row) - 2
        after = _after(node)
        row += [(f"  {_cut(after, left)}", DIM)] if after and left > 2 else []
        found.append(_stripped(row))
    return found


def _first(node: Drawn, depth: int, signs: Mapping[State, str]) -> str:
    sign = signs[node.status] if node.status else ""
    items = f"({node.items})" if node.items else ""
    return "  " * depth + " ".join(filter(None, (sign, node.name, node.times, items)))


def _after(node: Drawn) -> str:
    if node.name == FINALLY:
        return "← all"
    parents = [edge.parent + (f" ({LABELS[edge.on]})" if edge.on in LABELS else "") for edge in node.after]
    return f"← {', '.join(parents)}" if parents else ""


# --- words -------------------------------------------------------------------------------------------------------------


def _counts(nodes: Sequence[Drawn], signs: Mapping[State, str], width: int) -> list[Row]:
    states = [node.status for node in nodes if node.status is not None]
    found: list[Row] = []
    used = width
    for state in State:
        if number := states.count(state):
            words = f"{signs[state]} {number} {state}"
            if used + len(words) + 3 > width:
                found.append([])
                used = 0
            found[-1].append((f"{'   ' if used else ''}{words}", STATUS_STYLES[state]))
            used += len(words) + 3
    return found


def _took(node: "Node", now: datetime) -> str:
    if node.started_at is None or (node.finished_at is None and node.status in FINAL):
        return ""
    return span(seconds_since(node.started_at, node.finished_at or now))


def _times(items: "Item | None") -> str:
    if items is None:
        return ""
    return "×?" if items.total is None else f"×{count(items.total)}"


def items_in_words(items: "Item | None") -> str:
    """`9 998 ok, 2 failed`"""
    if items is None:
        return ""
    numbers = {
        name: getattr(items, name)
        for name in ("success", "failed", "cancelled", "running", "queued", "scheduled")
    }
    return ", ".join(
        f"{count(number)} {_ITEM_WORDS.get(name, name)}" for name, number in numbers.items() if number
    )


def _stripped(row: Row) -> Row:
    *first, (text, style) = row
    text = text.rstrip()
    return [*first, (text, style)] if text or not first else _stripped(first)


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else f"{text[: max(room - 1, 0)]}…"


def _widest(texts: Sequence[str]) -> int:
    return max(map(len, texts), default=0)


def _to_ascii(found: Sequence[Row]) -> list[Row]:
    return [[(text.translate(_IN_ASCII), style) for text, style in row] for row in in_ascii(found)]
