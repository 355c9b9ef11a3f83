"""Where a path leads in what a JSON Schema describes: what is said to be impossible really is."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskflow_hub.domain.schema_paths import DeadEnd, in_words, types_at

PAGE = {
    "$ref": "#/$defs/Page",
    "$defs": {
        "Page": {
            "type": "object",
            "properties": {
                "title": {"anyOf": [{"type": "string"}, {"type": "null"}]},
                "links": {"type": "array", "items": {"$ref": "#/$defs/Link"}},
                "pair": {
                    "type": "array",
                    "prefixItems": [{"type": "integer"}],
                    "items": False,
                    "maxItems": 1,
                },
                "next": {"$ref": "#/$defs/Page"},
                "open": {"type": "object", "additionalProperties": {"type": "boolean"}},
                "any": {},
                "size": {"type": ["integer", "null"]},
            },
            "additionalProperties": False,
        },
        "Link": {"type": "object", "properties": {"url": {"type": "string"}}, "additionalProperties": False},
    },
}


@pytest.mark.parametrize(
    ("path", "types"),
    [
        ([], {"object"}),
        (["title"], {"string", "null"}),
        (["links"], {"array"}),
        (["links", 7], {"object"}),
        (["links", "7", "url"], {"string"}),
        (["pair", 0], {"integer"}),
        (["next", "next", "links", 0, "url"], {"string"}),
        (["open", "whatever"], {"boolean"}),
        (["any"], None),
        (["any", "x", 3], None),
        (["size"], {"integer", "null"}),
    ],
)
def test_where_a_path_leads(path: list[str | int], types: set[str] | None) -> None:
    assert types_at(PAGE, path) == types


@pytest.mark.parametrize(
    ("path", "at", "why"),
    [
        (["titel"], 0, "has no member 'titel'; it has title, links, pair, next, open, any, size"),
        ([0], 0, "is an object, it has no 0"),
        (["title", "x"], 1, "is null or a text, it has no 'x'"),
        (["links", "x"], 1, "is a list, it has no 'x'"),
        (["links", 0, "href"], 2, "has no member 'href'; it has url"),
        (["pair", 1], 1, "is a list, it has no 1"),
        (["open", "a", "b"], 2, "is true or false, it has no 'b'"),
        (["size", 0], 1, "is a number or null, it has no 0"),
    ],
)
def test_what_cannot_be_there(path: list[str | int], at: int, why: str) -> None:
    with pytest.raises(DeadEnd) as caught:
        types_at(PAGE, path)
    assert (caught.value.at, str(caught.value)) == (at, why)


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"$ref": "https://example.com/schema"},
        {"$ref": "#/nowhere"},
        {"$ref": "#"},
        {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}},
        {"allOf": [{"type": "object"}], "type": "object", "additionalProperties": False},
        {"type": "object", "patternProperties": {"^x": {}}, "additionalProperties": False},
        {"properties": {"a": {}}, "additionalProperties": False},
        {"type": "object", "properties": [1], "additionalProperties": False},
        {"type": 7},
        {"anyOf": 3},
        {"anyOf": [{"type": "string"}, True]},
    ],
)
def test_what_is_not_understood_may_have_anything(schema: dict[str, Any]) -> None:
    assert types_at(schema, ["x", 0]) is None


def test_types_in_words() -> None:
    assert in_words(frozenset({"integer", "number", "null"})) == "a number or null"


# --- soundness: no value that fits a schema has something where nothing is said to be

_LEAVES: dict[str, st.SearchStrategy[Any]] = {
    "string": st.text(max_size=2),
    "integer": st.integers(0, 5),
    "boolean": st.booleans(),
    "null": st.none(),
}
_NAMES = st.sampled_from(["a", "b", "0", "1"])
_KIND_OF = {str: "string", int: "integer", bool: "boolean", type(None): "null", list: "array", dict: "object"}


@st.composite
def _fitting(draw: st.DrawFn, depth: int = 3) -> tuple[dict[str, Any], Any]:
    """A schema, and a value that fits it."""
    kind = draw(st.sampled_from([*_LEAVES, *(["object", "array", "anyOf", "any"] if depth else [])]))
    if kind in _LEAVES:
        return {"type": kind}, draw(_LEAVES[kind])
    if kind == "any":
        return {}, draw(_fitting(depth - 1))[1]
    if kind == "anyOf":
        (one, value), (other, _) = draw(_fitting(depth - 1)), draw(_fitting(depth - 1))
        return {"anyOf": draw(st.permutations([one, other]))}, value
    if kind == "array":
        first, value = draw(_fitting(depth - 1))
        rest, item = draw(_fitting(depth - 1))
        values = [value, *([item] if draw(st.booleans()) else [])]
        return {"type": "array", "prefixItems": [first], "items": rest}, values
    members = {name: draw(_fitting(depth - 1)) for name in draw(st.sets(_NAMES, max_size=3))}
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {name: one for name, (one, _) in members.items()},
    }
    if draw(st.booleans()):
        schema["additionalProperties"] = False
    return schema, {name: value for name, (_, value) in members.items() if draw(st.booleans())}


def _places(value: Any) -> list[tuple[list[str | int], Any]]:
    found: list[tuple[list[str | int], Any]] = [([], value)]
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, part in parts:
        found += [([step, *path], inner) for path, inner in _places(part)]
    return found


@given(_fitting())
def test_whatever_a_fitting_value_has_is_not_called_impossible(fitting: tuple[dict[str, Any], Any]) -> None:
    schema, value = fitting
    for path, found in _places(value):
        types = types_at(schema, path)
        assert types is None or _KIND_OF[type(found)] in types
