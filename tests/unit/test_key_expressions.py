"""Limit keys with fields of the payload in them: what is an expression, and which key it makes of a payload."""

import json
import re
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from taskflow_hub.domain.errors import Invalid
from taskflow_hub.domain.key_expressions import fields_of, key_of, parsed
from taskflow_hub.domain.submission import LIMIT_KEY_PATTERN


def raw(payload: Mapping[str, Any]) -> dict[str, Raw]:
    return {name: Raw(json.dumps(value).encode()) for name, value in payload.items()}


def refused(expression: str, payload: Mapping[str, Raw], **options: Any) -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as caught:
        key_of(expression, payload, "/tasks/3/payload", **options)
    return [(one.pointer.removeprefix("/tasks/3/payload/"), one.detail) for one in caught.value.errors]


@pytest.mark.parametrize(
    ("expression", "payload", "key"),
    [
        ("crm", {}, "crm"),
        ("customer:{customer_id}", {"customer_id": 42}, "customer:42"),
        ("customer:{customer_id}", {"customer_id": "c-42", "other": [1]}, "customer:c-42"),
        ("{region}/{region}:{fast}", {"region": "eu", "fast": True}, "eu/eu:true"),
        ("{a}", {"a": False}, "false"),
        ("{a}", {"a": -7}, "-7"),
        ("{a}", {"a": 10**30}, "1" + "0" * 30),
        ("n:{a}", {"a": ""}, "n:"),
        ("{{{a}}}", {"a": 1}, "{1}"),
        ("{{a}}", {"a": 1}, "{a}"),
        ("x}}", {}, "x}"),
        ("{a.b}{a!r}{0}", {"a.b": 1, "a!r": 2, "0": 3}, "123"),
        ("{a}", {"a": "{b}", "b": 1}, "{b}"),
    ],
)
def test_the_key_of_a_payload(expression: str, payload: dict[str, Any], key: str) -> None:
    assert key_of(expression, raw(payload), "") == key


def test_minus_nothing_is_nothing() -> None:
    """For a handler both are 0."""
    assert key_of("{a}", {"a": Raw(b"-0")}, "") == "0"


@pytest.mark.parametrize(
    "expression", ["{", "}", "{}", "a{", "a}", "{a", "{a{b}}", "{{a}", "{a}}", "}{", "{{}"]
)
def test_what_is_no_expression(expression: str) -> None:
    with pytest.raises(
        ValueError, match=r"stands alone: a field is \{name\}, and a brace itself is written twice"
    ):
        parsed(expression)


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        ({}, "is required; a limit of the type names it: c:{a}"),
        ({"a": None}, "must be a string, an integer or a boolean"),
        ({"a": 1.5}, "must be a string, an integer or a boolean"),
        ({"a": 1.0}, "must be a string, an integer or a boolean"),
        ({"a": []}, "must be a string, an integer or a boolean"),
        ({"a": {"b": 1}}, "must be a string, an integer or a boolean"),
        ({"a": "two words"}, "must be visible ASCII characters"),
        ({"a": "naïve"}, "must be visible ASCII characters"),
        ({"a": "line\n"}, "must be visible ASCII characters"),
        ({"a": "\ud800"}, "must be visible ASCII characters"),
        ({"a": "x" * 199}, "makes a key of more than 200 characters"),
        ({"a": 10**199}, "makes a key of more than 200 characters"),
    ],
)
def test_what_makes_no_key(payload: dict[str, Any], why: str) -> None:
    ((field, detail),) = refused("c:{a}", raw(payload))
    assert (field, detail[: len(why)]) == ("a", why)


def test_every_field_that_is_wrong_is_named() -> None:
    found = refused("{a}{b/c~d}{e}", raw({"b/c~d": 0.5, "e": 1}))
    assert [field for field, _ in found] == ["a", "b~1c~0d"]
    long = refused("{a}:{b}", raw({"a": "x" * 100, "b": "y" * 100}))
    assert [field for field, _ in long] == ["a", "b"]
    assert refused("{a}{b}", raw({"a": "", "b": ""}))[0][1].startswith("makes an empty key")


def test_what_stood_there_is_not_repeated() -> None:
    for value in ("open sesame", ["open sesame"], "opensesame" * 30):
        assert "sesame" not in str(refused("{a}", raw({"a": value})))


def test_a_secret_makes_no_key() -> None:
    assert refused("{a}{b}", raw({"a": "sesame", "b": 1}), secret={"a"}) == [
        ("a", "is secret, and keys are shown; a limit of the type names it: {a}{b}")
    ]


# --- whatever is given

NAMES = st.text(
    st.characters(codec="ascii", exclude_characters="{}", min_codepoint=0x21, max_codepoint=0x7E),
    min_size=1,
    max_size=3,
)
PIECES = st.one_of(NAMES, NAMES.map(lambda name: f"{{{name}}}"), st.sampled_from(["{{", "}}"]))
EXPRESSIONS = st.lists(PIECES, min_size=1, max_size=8).map("".join)
VISIBLE = st.text("ab{}~", min_size=1, max_size=20) | st.text(
    st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=200
)
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=210), st.text("ab{}", max_size=5)
)
VALUES = st.one_of(LEAVES, st.lists(LEAVES, max_size=2), st.dictionaries(st.text(), LEAVES, max_size=2))


@given(VISIBLE)
def test_any_key_is_an_expression_or_is_refused(text: str) -> None:
    try:
        parts = parsed(text)
    except ValueError:
        assert re.sub(r"\{\{|\}\}|\{[^{}]+\}|[^{}]", "", text)
    else:
        written = "".join(
            f"{{{part}}}" if is_field else part.replace("{", "{{").replace("}", "}}")
            for part, is_field in parts
        )
        assert written == text
        assert fields_of(text) == tuple(dict.fromkeys(part for part, is_field in parts if is_field))


@given(EXPRESSIONS, st.data())
def test_a_key_is_a_key_or_fields_are_named(expression: str, data: st.DataObject) -> None:
    fields = fields_of(expression)
    names = st.one_of(NAMES, st.sampled_from(fields)) if fields else NAMES
    payload = data.draw(st.dictionaries(names, VALUES, max_size=6))
    key, named = None, set[str]()
    try:
        key = key_of(expression, raw(payload), "/payload")
    except Invalid as error:
        named = {
            one.pointer.removeprefix("/payload/").replace("~1", "/").replace("~0", "~")
            for one in error.errors
        }
    if key is None:
        assert named
        assert named <= set(fields)
    else:
        assert re.match(LIMIT_KEY_PATTERN, key)
        assert set(fields) <= payload.keys()


@given(VISIBLE, st.binary(max_size=40))
def test_nothing_else_is_ever_raised(expression: str, value: bytes) -> None:
    """Even for text that is no JSON, which nobody passes."""
    try:
        key = key_of(expression, dict.fromkeys(("a", "b"), Raw(value)), "")
    except (ValueError, Invalid):
        return
    assert re.match(LIMIT_KEY_PATTERN, key)


@given(st.dictionaries(NAMES, st.one_of(st.booleans(), st.integers(), NAMES), min_size=1, max_size=4))
def test_values_are_written_as_json_writes_them(payload: dict[str, Any]) -> None:
    expression = "|".join(f"{{{name}}}" for name in payload)
    expected = "|".join(
        value if isinstance(value, str) else msgspec.json.encode(value).decode() for value in payload.values()
    )
    assert key_of(expression, raw(payload), "") == expected
