"""What is not known before a workflow runs: `fetch.result["items"][0].title` in Python, `{"$ref": …}` in the graph.

To a type checker such an expression is the value that it stands for: `fetch.result` has the type that the handler of `fetch`
returns, and so can be given where a parameter of that type is wanted. At run time it is a Reference, of which nothing can be
made but further references; whatever would need the value now raises TypeError.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Any, Final, NoReturn

import msgspec
from msgspec import Raw

from taskflow_hub.domain import jsontext
from taskflow_hub.domain.errors import Invalid
from taskflow_hub.domain.reference_text import Ref
from taskflow_hub.domain.references import LITERAL, REF, compiled

NameOf = Callable[["Referable"], str]


class Referable(ABC):
    """A node, as seen by those that refer to it."""

    @abstractmethod
    def label(self) -> str:
        """What it is called in errors."""


class Reference:
    """A value that is known when the workflow runs. Its parts are written as in Python: `["title"]`, `[0]`, `.title`."""

    __slots__ = ("_field", "_of", "_path")
    __iter__ = None  # else Python would ask for [0], [1] and so on, without end

    def __init__(self, of: Referable | str, field: str = "", path: tuple[str | int, ...] = ()) -> None:
        self._of, self._field, self._path = of, field, path

    def __getitem__(self, step: Any) -> "Reference":
        if type(step) not in {str, int} or (type(step) is int and step < 0):
            raise TypeError(
                f"{self!r}: [{step!r}] is neither a name nor the place of an item, counted from the first"
            )
        return Reference(self._of, self._field, (*self._path, step))

    def __getattr__(self, name: str) -> "Reference":
        if name.startswith("_"):
            raise AttributeError(f"{self!r}: write a name that begins with a line as [{name!r}]")
        if self._of == "workflow" and not self._field:
            return Reference(self._of, name)
        return Reference(self._of, self._field, (*self._path, name))

    def __repr__(self) -> str:
        return str(self._ref(lambda node: node.label()))

    def _ref(self, name_of: NameOf) -> Ref:
        return Ref(self._of if isinstance(self._of, str) else name_of(self._of), self._field, self._path)

    def _unknown(self, *_: object) -> NoReturn:
        raise TypeError(
            f"{self!r} is known only when the workflow runs: hand it to a node, and let its handler look at it"
        )

    __bool__ = __str__ = __format__ = __len__ = __contains__ = __eq__ = __ne__ = _unknown
    __lt__ = __le__ = __gt__ = __ge__ = __add__ = __radd__ = __call__ = _unknown
    __hash__ = None  # type: ignore[assignment]


# To a checker they may be anything: what they stand for is not known to it.
ITEM: Final[Any] = Reference("item")  # in `map`: the item of the list
INDEX: Final[Any] = Reference("index")  # in `map`: its place, counted from 0
INPUT: Final[Any] = Reference("input")  # what the workflow was given
WORKFLOW: Final[Any] = Reference("workflow")  # .id .name .status .failed

Tree = Any  # dicts and lists of Raw and Reference


def tree_of(value: Any, at: str = "") -> Tree:
    """A value in which references may stand, with all other parts as JSON; what would look like a reference is escaped.

    Raises Invalid for what JSON cannot carry, TypeError for a node.
    """
    if not has_references(value):
        return escaped(jsontext.encode(value, at))
    match value:
        case Reference():
            return value
        case dict():
            if REF in value or LITERAL in value:
                raise Invalid.field(
                    at, f"has both a member {REF} or {LITERAL} and references, which cannot be written"
                )
            return {name: tree_of(part, f"{at}/{name}") for name, part in value.items()}
        case _:
            return [tree_of(part, f"{at}/{n}") for n, part in enumerate(value)]


def has_references(value: Any) -> bool:
    match value:
        case Reference():
            return True
        case Referable():
            raise TypeError(
                f"{value.label()} is a node, no value: say {value.label()}.result, or whatever of it is meant"
            )
        case dict():
            return any(has_references(part) for part in value.values())
        case list() | tuple():
            return any(has_references(part) for part in value)
    return False


def escaped(text: Raw) -> Tree:
    """JSON text that is meant as it is."""
    try:
        found = compiled(text)
        as_it_is = found.is_constant and bytes(found.resolve(lambda *_: None)) == bytes(text)
    except Invalid:  # what looks like a reference, and is none
        as_it_is = False
    return text if as_it_is else {LITERAL: text}


def referred_in(tree: Tree) -> Iterator[Referable]:
    """The nodes that it refers to."""
    match tree:
        case Reference():
            if isinstance(tree._of, Referable):
                yield tree._of
        case dict():
            for part in tree.values():
                yield from referred_in(part)
        case list():
            for part in tree:
                yield from referred_in(part)


def written(tree: Tree, name_of: NameOf) -> Raw:
    """As JSON. `name_of` says how each node is called by now."""

    def hook(value: Any) -> Any:
        if isinstance(value, Reference):
            return {REF: str(value._ref(name_of))}
        raise TypeError(f"{value!r} is no JSON")

    return Raw(msgspec.json.encode(tree, enc_hook=hook))
