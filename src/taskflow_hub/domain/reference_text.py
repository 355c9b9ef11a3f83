"""How a reference is written: `fetch.result.items[0].title`. What it stands for is the business of domain/references.py."""

import re
from typing import Final

import msgspec
from msgspec import Struct

ITEM: Final = "item"
INDEX: Final = "index"
INPUT: Final = "input"
WORKFLOW: Final = "workflow"
PER_ITEM: Final = frozenset({ITEM, INDEX})
OWN: Final = frozenset({ITEM, INDEX, INPUT, WORKFLOW})  # what is no node's name
OF_NODE: Final = ("result", "results", "error", "status")
OF_WORKFLOW: Final = ("id", "name", "status", "failed")
OF_ERROR: Final = ("type", "message", "traceback")
MAX_REFERENCE: Final = 1_000  # characters

_NAME: Final = re.compile(r"[a-z0-9_-]{1,64}(?![a-z0-9_-])")
_STEP: Final = re.compile(
    r'\.(?P<name>[^.\[\]"\s]+)|\[(?P<index>0|[1-9][0-9]{0,8})\]|\[(?P<quoted>"(?:[^"\\]|\\.)*")\]'
)
_PLAIN: Final = re.compile(r'[^.\[\]"\s]+')
PLACE: Final = re.compile(r"0|[1-9][0-9]{0,8}")  # of an item in a list
_text: Final = msgspec.json.Decoder(str).decode


class Ref(Struct, frozen=True):
    """`of` is a node's name, or item, index, input, workflow; `field` what of a node or of the workflow, else "".

    A step of `path` that is an int is an item of a list; a str is a member of an object, or, if it is written like an index,
    an item of a list.
    """

    of: str
    field: str = ""
    path: tuple[str | int, ...] = ()

    @property
    def is_to_node(self) -> bool:
        return self.of not in OWN

    def __str__(self) -> str:
        return "".join((self.of, f".{self.field}" if self.field else "", *map(_written, self.path)))


def parsed(text: str) -> Ref:
    """Raises ValueError, which says what is wrong with it."""
    if len(text) > MAX_REFERENCE:
        raise ValueError(f"is a reference of more than {MAX_REFERENCE} characters")
    begin = _NAME.match(text)
    if begin is None:
        raise ValueError(
            "is no reference: it begins with the name of a node, or with item, index, input or workflow"
        )
    steps, at = [], begin.end()
    while at < len(text):
        step = _STEP.match(text, at)
        if step is None:
            raise ValueError(
                f'is no reference: at character {at + 1} there is neither .name, [0] nor ["name"]'
            )
        steps.append(_step(step))
        at = step.end()
    return _checked(begin[0], tuple(steps))


# --- inside ----------------------------------------------------------------------------------------------------------


def _checked(of: str, steps: tuple[str | int, ...]) -> Ref:
    match of:
        case "item" | "input":
            return Ref(of, "", steps)
        case "index":
            if steps:
                raise ValueError("is no reference: index is a number, it has no parts")
            return Ref(of)
    known = OF_WORKFLOW if of == WORKFLOW else OF_NODE
    field = steps[0] if steps else None
    if field not in known:
        ways = ", ".join(f"{of}.{one}" for one in known)
        raise ValueError(f"is no reference: say what of {of} is meant, by one of {ways}")
    ref = Ref(of, str(field), steps[1:])
    if ref.path and ref.field in {"status", "id", "name"}:
        raise ValueError(f"is no reference: {of}.{field} is a text, it has no parts")
    if ref.path and ref.field == "failed" and (len(ref.path) > 1 or not PLACE.fullmatch(str(ref.path[0]))):
        raise ValueError(f"is no reference: {of}.failed is a list of names, of which one is {of}.failed[0]")
    if ref.path and ref.field == "error" and (len(ref.path) > 1 or ref.path[0] not in OF_ERROR):
        raise ValueError(f"is no reference: an error has {', '.join(OF_ERROR)}, each a text")
    return ref


def _step(found: re.Match[str]) -> str | int:
    if found["index"] is not None:
        return int(found["index"])
    if found["name"] is not None:
        return found["name"]
    try:
        return _text(found["quoted"].encode())
    except (msgspec.DecodeError, UnicodeEncodeError):
        raise ValueError(f"is no reference: {found['quoted']} is no JSON string") from None


def _written(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    return f".{step}" if _PLAIN.fullmatch(step) else f"[{msgspec.json.encode(step).decode()}]"
