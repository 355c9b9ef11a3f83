"""Where a path leads in the values that a JSON Schema describes: as far as can be said for sure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from taskflow_hub.domain.secret_fields import referred

# What a schema has that says more than is understood here: then anything may be there.
_BEYOND: Final = frozenset(
    {"allOf", "if", "not", "patternProperties", "unevaluatedProperties", "$dynamicRef"}
)
_SHOWN: Final = 8
_WORDS: Final = {
    "string": "a text",
    "integer": "a number",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
    "array": "a list",
    "object": "an object",
}


class DeadEnd(Exception):
    """Nothing can be there. `at` is how many steps of the path lead somewhere; says what is there instead."""

    def __init__(self, at: int, why: str) -> None:
        super().__init__(why)
        self.at = at


def types_at(schema: Mapping[str, Any], path: Sequence[str | int]) -> frozenset[str] | None:
    """The types (JSON Schema's words) that a value can have there; None: any, or it is not known. Raises DeadEnd."""
    try:
        return _types_at(schema, path)
    except (AttributeError, TypeError, ValueError):  # a worker declared something that is no schema
        return None


def _types_at(schema: Mapping[str, Any], path: Sequence[str | int]) -> frozenset[str] | None:
    here = _forms(schema, schema, frozenset())
    for n, step in enumerate(path):
        if here is None:
            return None
        parts = [_part(form, step) for form in here]
        found = [part for part in parts if part is not None]
        if not found:
            raise DeadEnd(n, _instead(here, step))
        here = _merged([_forms(part, schema, frozenset()) for part in found])
    if here is None:
        return None
    types = [_types(form) for form in here]
    return frozenset().union(*types) if all(types) else None


def in_words(types: frozenset[str]) -> str:
    return " or ".join(dict.fromkeys([_WORDS.get(one, one) for one in sorted(types)]))


Forms = list[Mapping[str, Any]] | None


def _forms(node: Any, root: Mapping[str, Any], within: frozenset[str]) -> Forms:
    """The alternatives of which one has to hold; None: anything may."""
    if not isinstance(node, Mapping) or not node or _BEYOND & node.keys():
        return None
    reference = node.get("$ref")
    if reference is not None:
        if not isinstance(reference, str) or not reference.startswith("#/") or reference in within:
            return None
        return _forms(referred(reference, root), root, within | {reference})
    for word in ("anyOf", "oneOf"):
        if word in node:
            return _merged([_forms(one, root, within) for one in node[word]])
    return [node]


def _merged(alternatives: list[Forms]) -> Forms:
    if any(one is None for one in alternatives):
        return None
    return [form for one in alternatives for form in one or ()]


def _types(form: Mapping[str, Any]) -> frozenset[str]:
    """None of them: it does not say."""
    said = form.get("type", ())
    return frozenset([said] if isinstance(said, str) else said)


def _part(form: Mapping[str, Any], step: str | int) -> Any:
    """The schema of a part; {} where anything may be, None where nothing can."""
    types = _types(form)
    if not types:
        return {}
    is_place = isinstance(step, int) or step.isdecimal()
    found = []
    if "array" in types and is_place:
        found.append(_item(form, int(step)))
    if "object" in types and isinstance(step, str):
        found.append(form.get("properties", {}).get(step, form.get("additionalProperties", {})))
    possible = [one for one in found if one is not False and one is not None]
    if not possible:
        return None
    return possible[0] if len(possible) == 1 else {}


def _item(form: Mapping[str, Any], place: int) -> Any:
    first: Sequence[Any] = form.get("prefixItems", ())
    if place < len(first):
        return first[place]
    most = form.get("maxItems")
    return None if isinstance(most, int) and place >= most else form.get("items", {})


def _instead(forms: Sequence[Mapping[str, Any]], step: str | int) -> str:
    names = list(dict.fromkeys(_names(forms)))
    if names and isinstance(step, str):
        more = ", …" if len(names) > _SHOWN else ""
        return f"has no member {step!r}; it has {', '.join(names[:_SHOWN])}{more}"
    types = frozenset().union(*[_types(form) for form in forms])
    return f"is {in_words(types)}, it has no {step!r}" if types else f"has no {step!r}"


def _names(forms: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for form in forms:
        yield from form.get("properties", {})
