"""Secret fields of payloads: where they are, what stands in their place, and how they are shown.

A task type says which fields are secret, each by a path: `/password`, `/login/password`, `/accounts/*/token`, where `*` is any
item of an array or any member of an object. What a payload has there is replaced, before it is stored, by an envelope

    {"$secret":"v1.KEY.TEXT"}

which the worker opens, and which is shown as `{"$secret":true}`. A null stays a null. Everything here is done on the JSON text,
so that all other fields stay as they were written: numbers of any size, escapes, order. What is inside an envelope is the
business of `secrets/keyring.py`.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from copy import deepcopy
from dataclasses import fields, is_dataclass
from functools import lru_cache
from typing import Any, Final

import msgspec
from msgspec import Raw

from taskflow_hub.domain.errors import FieldError, Invalid

MEMBER: Final = "$secret"
MASK: Final = b'{"$secret":true}'
BEGINNING: Final = b'{"$secret":"'
_ANY_TEXT: Final = b"v1.00000000.-"  # stands where nobody will open it
ANY: Final = "*"
# Whoever writes an envelope writes it just so. A string of a payload cannot contain one: its quotes would be escaped.
_ENVELOPE: Final = re.compile(rb'\{"\$secret":"(v1\.[0-9a-f]{8}\.[A-Za-z0-9_-]+)"\}')
_NAME: Final = MEMBER.encode()
_DOLLAR: Final = ord("$")  # for one byte is found in a tenth of the time, and most payloads have none

_object: Final = msgspec.json.Decoder(dict[str, Raw]).decode
_array: Final = msgspec.json.Decoder(list[Raw]).decode
_text: Final = msgspec.json.encode

Change = Callable[[str, bytes], bytes]  # the field's pointer, and what stands there


class Tree:
    """Paths, as they branch. `whole`: all that stands here is secret."""

    __slots__ = ("below", "whole")

    def __init__(self) -> None:
        self.below: dict[str, Tree] = {}
        self.whole = False


@lru_cache(maxsize=1_024)
def tree_of(paths: tuple[str, ...]) -> Tree:
    root = Tree()
    for path in paths:
        at = root
        for step in path.removeprefix("/").split("/"):
            at = at.below.setdefault(_unescaped(step), Tree())
        at.whole = True
    return root


def sealed(payload: bytes, paths: tuple[str, ...], seal: Change) -> bytes:
    """The payload with an envelope for each secret field that is there and not null; `seal` makes its text.

    An object that may have secrets is written anew, whatever is found in it: of members that have one name only the last
    counts, and those before it must not stay in the text.
    """
    return _sealed(payload, (tree_of(paths),), "", seal)


def opened(payload: bytes, unseal: Change, at: str = "") -> bytes:
    """The payload, or what stands `at` a pointer of it, with what its envelopes hold; `unseal` is given their text."""
    return _opened(payload, at, unseal)


def enveloped(text: bytes) -> bytes:
    return b'%b%b"}' % (BEGINNING, text)


def is_envelope(text: bytes) -> bool:
    return _ENVELOPE.fullmatch(text) is not None


def has_sealed(payload: bytes) -> bool:
    return _DOLLAR in payload and BEGINNING in payload


def has_mask(payload: bytes) -> bool:
    """May there be one? Cheap."""
    return _DOLLAR in payload and _NAME in payload


def masked(payload: Raw) -> Raw:
    """As it is shown to people."""
    text = bytes(payload)
    return Raw(_ENVELOPE.sub(MASK, text)) if has_sealed(text) else payload


def hidden(payload: Raw, paths: tuple[str, ...]) -> Raw:
    """As it is shown to people, with what stands at these paths masked, too, that is not encrypted."""
    return masked(Raw(sealed(bytes(payload), paths, lambda _at, _text: _ANY_TEXT)) if paths else payload)


def as_stored(given: bytes, shown: bytes, stored: bytes) -> bytes:
    """A payload that somebody has read (as `shown`), changed and given back: what has masks in it and is as it was shown, is as
    it is stored (which is opened).

    A mask anywhere else stays one, and is refused: in an array that was changed, nobody knows to which item it belongs.
    """
    if not has_mask(given):
        return given
    if _same(given, shown):
        return stored
    if not given.lstrip().startswith(b"{") or not shown.startswith(b"{") or not stored.startswith(b"{"):
        return given
    seen, there = _object(shown), _object(stored)

    def part(name: str, text: bytes, _at: str) -> bytes:
        return (
            as_stored(text, bytes(seen[name]), bytes(there[name])) if name in seen and name in there else text
        )

    return _rebuilt(given, "", part)


def refuse_reserved(payload: bytes, value: Any, at: str) -> None:
    """An object whose only member is `$secret` stands for a secret, and cannot be submitted. `value` is the payload, decoded.

    So a payload that was read, masked, and is submitted again is refused, and so is an envelope from elsewhere. Raises Invalid.
    """
    if not has_mask(payload):
        return
    found = [FieldError(at + pointer, "stands for a secret, which is not shown: give the value itself")
             for pointer in _reserved(value, "")]  # fmt: skip
    if found:
        raise Invalid(f"{found[0].pointer}: {found[0].detail}", errors=found)


def secret_at(steps: Sequence[str | int], paths: tuple[str, ...]) -> str | None:
    """The pointer of the secret field that a place in a payload is, or lies in; None: it is not secret."""
    here: tuple[Tree, ...] = (tree_of(paths),)
    for depth, step in enumerate(steps, 1):
        here = _below(here, str(step))
        if any(one.whole for one in here):
            return "".join(f"/{_escaped(str(one))}" for one in steps[:depth])
    return None


def leads_to_secret(steps: Sequence[str | int], paths: tuple[str, ...]) -> str | None:
    """The pointer of a secret field that a place in a payload is, lies in, or has in it; None: there can be none."""
    here: tuple[Tree, ...] = (tree_of(paths),) if paths else ()
    for depth, step in enumerate(steps, 1):
        here = _below(here, str(step))
        if any(one.whole for one in here):
            return "".join(f"/{_escaped(str(one))}" for one in steps[:depth])
    at = "".join(f"/{_escaped(str(one))}" for one in steps)
    return at + _first_below(here[0]) if here else None


def first_secret(value: Any, paths: tuple[str, ...]) -> str | None:
    """The path of a secret field that a payload has, and that is not null."""
    return next((path for path in paths if any(one is not None for one in values_at(value, (path,)))), None)


def paths_in(schema: Mapping[str, Any]) -> tuple[str, ...]:
    """The secret fields that a JSON Schema marks with `writeOnly`. Raises ValueError where they have no end of paths."""
    return tuple(sorted(set(_marked(schema, schema, "", ()))))


def values_at(value: Any, paths: tuple[str, ...]) -> Iterator[Any]:
    """What stands at the paths in values of Python: objects by their attributes, else as in a payload."""
    yield from _values(value, tree_of(paths))


def attributes(value: Any) -> dict[str, Any] | None:
    """What a model or a dataclass holds; None for anything else."""
    if isinstance(value, type):
        return None
    if is_dataclass(value):
        return {one.name: getattr(value, one.name) for one in fields(value)}
    if hasattr(type(value), "__pydantic_validator__"):
        return {**vars(value), **(getattr(value, "__pydantic_extra__", None) or {})}
    return None


def without_examples(schema: dict[str, Any]) -> dict[str, Any]:
    """A JSON Schema without defaults and examples that tell a secret: of what is secret, of all in it, and of what it is in.

    That a default is null is no secret, as a null is none.
    """
    if b'"writeOnly":true' not in _text(schema):
        return schema
    root = deepcopy(schema)
    for node in _nodes(root, root, set()):
        within = _nodes(node, root, set())
        secret = [one for one in within if one.get("writeOnly") is True]
        if secret:
            _forget(node)
        for one in secret:
            for part in _nodes(one, root, set()):
                _forget(part)
    return root


# --- inside ----------------------------------------------------------------------------------------------------------


def _sealed(text: bytes, here: tuple[Tree, ...], at: str, seal: Change) -> bytes:
    if any(one.whole for one in here):
        return text if text == b"null" else enveloped(seal(at, text))
    return _rebuilt(
        text,
        at,
        lambda step, part, place: (
            _sealed(part, found, place, seal) if (found := _below(here, step)) else part
        ),
    )


def _opened(text: bytes, at: str, unseal: Change) -> bytes:
    if BEGINNING not in text:
        return text
    envelope = _ENVELOPE.fullmatch(text)
    if envelope is not None:
        return unseal(at, envelope[1])
    return _rebuilt(text, at, lambda _, part, place: _opened(part, place, unseal))


def _first_below(tree: Tree) -> str:
    if tree.whole:
        return ""
    step, below = next(iter(tree.below.items()))
    return f"/{_escaped(step)}{_first_below(below)}"


def _rebuilt(text: bytes, at: str, change: Callable[[str, bytes, str], bytes]) -> bytes:
    """An object or array with its parts changed, which are given as (name or index, text, pointer). Else the text as it is.

    Also one of which no part is changed is written anew: its text may have members that stand before others of their name.
    """
    match text.lstrip()[:1]:
        case b"{":
            members = [
                b"%b:%b" % (_text(name), change(name, bytes(part), f"{at}/{_escaped(name)}"))
                for name, part in _object(text).items()
            ]
            return b"{%b}" % b",".join(members)
        case b"[":
            items = [change(str(n), bytes(item), f"{at}/{n}") for n, item in enumerate(_array(text))]
            return b"[%b]" % b",".join(items)
    return text


def _same(one: bytes, other: bytes) -> bool:
    return _text(msgspec.json.decode(one), order="sorted") == _text(
        msgspec.json.decode(other), order="sorted"
    )


def _below(here: tuple[Tree, ...], step: str) -> tuple[Tree, ...]:
    return tuple([one.below[name] for one in here for name in {step, ANY} if name in one.below])


def _reserved(value: Any, at: str) -> Iterator[str]:
    match value:
        case dict() if value.keys() == {MEMBER}:
            yield at
        case dict():
            for name, part in value.items():
                yield from _reserved(part, f"{at}/{_escaped(name)}")
        case list():
            for n, part in enumerate(value):
                yield from _reserved(part, f"{at}/{n}")


def _marked(node: Any, root: Mapping[str, Any], at: str, within: tuple[str, ...]) -> Iterator[str]:
    if not isinstance(node, Mapping):
        return
    if node.get("writeOnly") is True and at:
        yield at
        return
    reference = node.get("$ref")
    if isinstance(reference, str) and reference.startswith("#/"):
        target = referred(reference, root)
        if reference not in within:
            yield from _marked(target, root, at, (*within, reference))
        elif b'"writeOnly":true' in _text(target):
            raise ValueError(
                f"{reference.rpartition('/')[2]} contains itself and a secret: where that ends cannot be said"
            )
    for word in ("anyOf", "oneOf", "allOf"):
        for branch in node.get(word, ()):
            yield from _marked(branch, root, at, within)
    for name, part in node.get("properties", {}).items():
        yield from _marked(part, root, f"{at}/{_escaped(name)}", within)
    for part in (node.get("items"), node.get("additionalProperties"), *node.get("prefixItems", ())):
        yield from _marked(part, root, f"{at}/{ANY}", within)
    for part in node.get("patternProperties", {}).values():
        yield from _marked(part, root, f"{at}/{ANY}", within)


def _nodes(node: Any, root: Mapping[str, Any], seen: set[int]) -> Iterator[dict[str, Any]]:
    """The schema `node` and all that it is made of, each once."""
    if not isinstance(node, dict) or id(node) in seen:
        return
    seen.add(id(node))
    yield node
    for part in _parts(node, root):
        yield from _nodes(part, root, seen)


def _parts(node: Mapping[str, Any], root: Mapping[str, Any]) -> Iterator[Any]:
    reference = node.get("$ref")
    if isinstance(reference, str) and reference.startswith("#/"):
        yield referred(reference, root)
    for word in ("anyOf", "oneOf", "allOf", "prefixItems"):
        yield from node.get(word, ())
    for word in ("properties", "patternProperties", "$defs"):
        yield from node.get(word, {}).values()
    yield from (node.get("items"), node.get("additionalProperties"))


def referred(reference: str, root: Mapping[str, Any]) -> Any:
    """What a schema's "#/$defs/…" stands for; {} where it leads nowhere."""
    target: Any = root
    for step in reference.removeprefix("#/").split("/"):
        target = target.get(_unescaped(step), {})
    return target


def _forget(node: dict[str, Any]) -> None:
    for word in ("examples", "example"):
        node.pop(word, None)
    if node.get("default") is not None:
        del node["default"]


def _values(value: Any, tree: Tree) -> Iterator[Any]:
    if tree.whole:
        yield value
        return
    if isinstance(value, Mapping):
        parts: Mapping[Any, Any] = value
    elif isinstance(value, list | tuple | Set):
        parts = dict(enumerate(value))
    else:
        parts = attributes(value) or {}
        # pydantic's RootModel: in a payload it is what it holds
        if parts.keys() == {"root"} and "root" not in tree.below:
            yield from _values(parts["root"], tree)
            return
    for step, below in tree.below.items():
        for part in parts.values() if step == ANY else [parts[step]] if step in parts else []:
            yield from _values(part, below)


def _escaped(step: str) -> str:
    return step.replace("~", "~0").replace("/", "~1")


def _unescaped(step: str) -> str:
    return step.replace("~1", "/").replace("~0", "~")
