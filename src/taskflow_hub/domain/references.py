"""References: how a node of a workflow is given what others answered (docs/adr/0100).

A template is JSON text in which an object with the single member `$ref` stands for a value, and one with the single member
`$literal` for what it holds, untouched. A reference is a text:

    fetch.result.items[0].title     a node, what of it, and a path into that
    each.results                    of a fan-out: what its items answered, in order
    fetch.error.message             fetch.status
    item.url  index                 in a fan-out: the item of the list, and its place
    input.day                       what the workflow was given
    workflow.id                     .name .status .failed (the names of the nodes that failed)

`.0` is an index, too, where a list stands; a name with dots, brackets, quotes or spaces in it is written `["a.b"]`.

Everything is done on the text: what a reference stands for is pasted as it was written, and decoded no further than its path
leads. So numbers of any size stay what they are, and what is pasted is never looked at for references.
"""

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple, NoReturn

import msgspec
from msgspec import Raw

from taskflow_hub.domain import jsontext
from taskflow_hub.domain.errors import FieldError, Invalid
from taskflow_hub.domain.reference_text import PER_ITEM, PLACE, Ref, parsed

REF: Final = "$ref"
LITERAL: Final = "$literal"
MAX_RESOLVED: Final = 1_048_576  # bytes of a template with everything pasted: as much as a payload may have

_ESCAPED_DOLLAR: Final = b"\\u0024"
_SHOWN: Final = 8  # names of an object that has not the one that was looked for

_object: Final = msgspec.json.Decoder(dict[str, Raw]).decode
_array: Final = msgspec.json.Decoder(list[Raw]).decode
_text: Final = msgspec.json.Decoder(str).decode

Find = Callable[[str, str], Raw | None]


class Unresolvable(Exception):
    """A reference leads nowhere. `pointer` is its place in the template, `ref` as it was written; `why` says what was found."""

    def __init__(self, pointer: str, ref: str, why: str) -> None:
        super().__init__(f"{pointer or 'the template'}: {ref}: {why}")
        self.pointer, self.ref, self.why = pointer, ref, why


class Withheld(Exception):
    """Raised by `find` for a value that is there and cannot be pasted; says why."""


class Place(NamedTuple):
    pointer: str  # of the object with `$ref`
    ref: Ref
    depth: int = 0  # levels around it


class Compiled:
    """A template that has been read once, to be resolved many times."""

    __slots__ = ("_template", "parts", "places", "refs")

    def __init__(self, template: Raw, parts: tuple[bytes | Place, ...]) -> None:
        self._template, self.parts = template, parts
        self.places = tuple([part for part in parts if isinstance(part, Place)])
        self.refs = tuple(dict.fromkeys([place.ref for place in self.places]))  # each once

    @property
    def is_constant(self) -> bool:
        return not self.places

    def resolve(self, find: Find) -> Raw:
        """The template with what its references stand for.

        `find(of, field)` gives JSON text; None is a value that is missing: it, and whatever a path leads to in it, is null. It
        is asked once for each, and may raise Withheld. Raises Unresolvable, also for what would have more than MAX_RESOLVED
        bytes.
        """
        if self.is_constant:
            return self._template
        return Raw(b"".join(self._pasted(find, frozenset())))  # type: ignore[arg-type]

    def settled(self, find: Find) -> "Compiled":
        """The same for all items of a fan-out: only references to `item` and `index` are left. Raises Unresolvable."""
        if all(ref.of in PER_ITEM for ref in self.refs):
            return self
        return _compiled(self._template, self._pasted(find, PER_ITEM))

    def _pasted(self, find: Find, later: frozenset[str]) -> list[bytes | Place]:
        seen, size = _Seen(find), 0
        pasted: list[bytes | Place] = []
        for part in self.parts:
            if isinstance(part, Place) and part.ref.of not in later:
                part = seen.value(part)
            if isinstance(part, bytes):
                size += len(part)
                if size > MAX_RESOLVED:
                    _refuse_size(self.places)
            pasted.append(part)
        return pasted


def compiled(template: Raw, at: str = "") -> Compiled:
    """Read a template: JSON text that has been checked (domain/jsontext.py). `at` is its pointer in the request.

    Raises Invalid naming each `$ref` and `$literal` that is none.
    """
    text = bytes(template)
    if not _may_refer(text):
        return Compiled(template, (text,))
    jsontext.check_depth(text, at)
    reader = _Reader()
    parts = list(reader.parts(text, "", 0))
    if reader.errors:
        raise Invalid(errors=reader.errors).below(at)
    return _compiled(template, parts) if reader.found else Compiled(template, (text,))


# --- inside ----------------------------------------------------------------------------------------------------------


def _may_refer(text: bytes) -> bool:
    """Most templates do not; `$` could be written as an escape."""
    return b"$" in text or _ESCAPED_DOLLAR in text


class _Reader:
    """Reads one template; `found`: it has references or literals, or what was meant to be one."""

    def __init__(self) -> None:
        self.errors: list[FieldError] = []
        self.found = False

    def parts(self, text: bytes, at: str, depth: int) -> Iterator[bytes | Place]:
        """What the text is made of, in order. An object in which there is a `$` is written anew."""
        if not _may_refer(text):
            yield text
            return
        match text.lstrip()[:1]:
            case b"{":
                members = _object(text)
                if REF in members or LITERAL in members:
                    self.found = True
                    yield from self._special(members, at, depth)
                    return
                for n, (name, part) in enumerate(members.items()):
                    yield b"%b%b:" % (b"," if n else b"{", msgspec.json.encode(name))
                    yield from self.parts(bytes(part), f"{at}/{_escaped(name)}", depth + 1)
                yield b"}"
            case b"[":
                for n, part in enumerate(_array(text)):
                    yield b"," if n else b"["
                    yield from self.parts(bytes(part), f"{at}/{n}", depth + 1)
                yield b"]"
            case _:
                yield text

    def _special(self, members: dict[str, Raw], at: str, depth: int) -> Iterator[bytes | Place]:
        name = REF if REF in members else LITERAL
        if len(members) > 1:
            self._refuse(
                f"{at}/{name}",
                f'stands beside other members; if {name} is meant as it is written, wrap the object: {{"{LITERAL}": …}}',
            )
        elif name == LITERAL:
            yield bytes(members[name])
        else:
            try:
                ref = parsed(_text(members[name]))
            except msgspec.MsgspecError:
                self._refuse(f"{at}/{name}", 'must be a text, such as "fetch.result"')
            except ValueError as error:
                self._refuse(f"{at}/{name}", str(error))
            else:
                yield Place(at, ref, depth)

    def _refuse(self, pointer: str, detail: str) -> None:
        self.errors.append(FieldError(pointer, detail))


def _compiled(template: Raw, parts: list[bytes | Place]) -> Compiled:
    """With texts that stand side by side made one."""
    joined: list[bytes | Place] = []
    texts: list[bytes] = []
    for part in parts:
        if isinstance(part, bytes):
            texts.append(part)
            continue
        if texts:
            joined.append(b"".join(texts))
            texts = []
        joined.append(part)
    if texts:
        joined.append(b"".join(texts))
    constant = len(joined) == 1 and isinstance(joined[0], bytes)
    return Compiled(Raw(joined[0]) if constant else template, tuple(joined))  # type: ignore[arg-type]


class _Seen:
    """What one resolving has looked into: each object and list is read once, however many references lead into it."""

    __slots__ = ("_find", "_found", "_inside")

    def __init__(self, find: Find) -> None:
        self._find = find
        self._found: dict[tuple[str, str], Raw | None] = {}
        self._inside: dict[tuple[str, str, tuple[str | int, ...]], dict[str, Raw] | list[Raw] | None] = {}

    def value(self, place: Place) -> bytes:
        ref = place.ref
        key = (ref.of, ref.field)
        if key not in self._found:
            try:
                self._found[key] = self._find(*key)
            except Withheld as error:
                raise Unresolvable(place.pointer, str(ref), str(error)) from None
        value = self._found[key]
        if value is None:
            return b"null"
        for n, step in enumerate(ref.path):
            value = self._below(value, step, place, n)
        text = bytes(value)
        if place.depth:
            try:
                jsontext.check_depth(text, within=place.depth)
            except Invalid as error:
                raise Unresolvable(place.pointer, str(ref), error.errors[0].detail) from None
        return text

    def _below(self, value: Raw, step: str | int, place: Place, n: int) -> Raw:
        ref = place.ref
        key = (ref.of, ref.field, ref.path[:n])
        if key not in self._inside:
            self._inside[key] = _opened(value)
        inside = self._inside[key]
        found: Raw | None = None
        if isinstance(inside, dict) and isinstance(step, str):
            found = inside.get(step)
        elif isinstance(inside, list) and (isinstance(step, int) or PLACE.fullmatch(step)):
            found = inside[int(step)] if int(step) < len(inside) else None
        if found is None:
            here = Ref(ref.of, ref.field, ref.path[:n])
            raise Unresolvable(place.pointer, str(ref), f"{here} {_nowhere(bytes(value), inside, step)}")
        return found


def _opened(value: Raw) -> dict[str, Raw] | list[Raw] | None:
    text = bytes(value)
    try:
        match text.lstrip()[:1]:
            case b"{":
                return _object(text)
            case b"[":
                return _array(text)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        pass  # what a worker wrote has no parts that could be named
    return None


def _nowhere(text: bytes, inside: dict[str, Raw] | list[Raw] | None, step: str | int) -> str:
    match inside:
        case dict():
            names = ", ".join([name[:64] for name in list(inside)[:_SHOWN]]) or "no members"
            more = ", …" if len(inside) > _SHOWN else ""
            wanted = f"has no member {step!r}" if isinstance(step, str) else "is an object, not a list"
            return f"{wanted}; it has {names}{more}"
        case list() if isinstance(step, int) or PLACE.fullmatch(step):
            return f"has {len(inside)} items, no [{step}]"
        case list():
            return f"is a list, it has no member {step!r}"
    kinds = {b'"': "a text", b"t": "true", b"f": "false", b"n": "null"}
    return f"is {kinds.get(text.lstrip()[:1], 'a number')}, it has no parts"


def _refuse_size(places: tuple[Place, ...]) -> NoReturn:
    first = places[0]
    raise Unresolvable(
        first.pointer,
        ", ".join(dict.fromkeys([str(place.ref) for place in places[:_SHOWN]])),
        f"with it there would be more than {MAX_RESOLVED} bytes; let the handler read it with ctx.inputs",
    )


def _escaped(step: str) -> str:
    return step.replace("~", "~0").replace("/", "~1")
