"""Where secret fields are, and that nothing else of a payload changes when they are encrypted, decrypted and masked."""

import json
import string
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from taskflow_hub.domain.errors import Invalid
from taskflow_hub.domain.secret_fields import (
    MASK,
    as_stored,
    hidden,
    masked,
    opened,
    paths_in,
    refuse_reserved,
    sealed,
    secret_at,
)

MASKED = json.loads(MASK)
TOKEN = b"v1.0123abcd." + b"A" * 40


class Safe:
    """Instead of keys: what was put in, by its field."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def put(self, at: str, text: bytes) -> bytes:
        assert at not in self.kept
        self.kept[at] = text
        return TOKEN

    def take(self, at: str, token: bytes) -> bytes:
        assert token == TOKEN
        return self.kept.pop(at)


def seal(payload: bytes, *paths: str) -> tuple[bytes, dict[str, bytes]]:
    safe = Safe()
    return sealed(payload, paths, safe.put), safe.kept


def shown(payload: bytes) -> Any:
    return json.loads(bytes(masked(Raw(payload))))


# --- which fields


def test_a_field_is_replaced_and_the_rest_stays_as_it_was_written() -> None:
    payload = (
        '{"n": 1e400, "big": 123456789012345678901234567890, "é": "\\u00e9", "password": "x", "d": 1.00}'
    )
    found, kept = seal(payload.encode(), "/password")
    assert kept == {"/password": b'"x"'}
    before = msgspec.json.decode(payload.encode(), type=dict[str, Raw])
    after = msgspec.json.decode(found, type=dict[str, Raw])
    assert list(after) == list(before)
    assert {name: bytes(part) for name, part in after.items() if name != "password"} == {
        name: bytes(part) for name, part in before.items() if name != "password"
    }
    assert bytes(after["password"]) == b'{"$secret":"%b"}' % TOKEN


@pytest.mark.parametrize(
    ("payload", "paths", "places"),
    [
        ({"a": {"b": {"c": 1}}}, ["/a/b/c"], ["/a/b/c"]),
        ({"a": [{"b": 1, "c": 2}, {"c": 3}, {"b": 4}]}, ["/a/*/b"], ["/a/0/b", "/a/2/b"]),
        ({"a": {"x": 1, "y": 2}}, ["/a/*"], ["/a/x", "/a/y"]),
        ({"a": {"x": {"s": 1}, "y": {"s": 2, "t": 3}}}, ["/a/*/s", "/a/y/t"], ["/a/x/s", "/a/y/s", "/a/y/t"]),
        ({"a": [[1], [2, 3]]}, ["/a/*/*"], ["/a/0/0", "/a/1/0", "/a/1/1"]),
        ({"a": {"b": 1}}, ["/a", "/a/b"], ["/a"]),
        ({"x/y": {"~": 1}}, ["/x~1y/~0"], ["/x~1y/~0"]),
        ({"a": 1}, ["a"], ["/a"]),
        ({"a": None, "b": 1}, ["/a", "/c", "/b/d"], []),
        ({"a": "no object"}, ["/a/b"], []),
        ({}, ["/a"], []),
    ],
)
def test_paths(payload: Any, paths: list[str], places: list[str]) -> None:
    text = json.dumps(payload).encode()
    found, kept = seal(text, *paths)
    assert list(kept) == places
    if not places:
        assert json.loads(found) == payload


@pytest.mark.parametrize(
    "payload",
    [
        '{"password":"hunter22","password":null}',
        '{"password":"hunter22", "pass\\u0077ord" : null}',
        '{"password":"hunter22","password":"other"}',
        '{"login":{"password":"hunter22"},"login":{}}',
        '{"login":{"password":"hunter22","password":null}}',
        '{"login":{"password":"hunter22"},"login":7}',
        '{"list":[{"password":"hunter22"}],"list":[]}',
        '{"list":[{"password":"hunter22","password":null}]}',
    ],
)
def test_of_members_with_one_name_only_the_last_is_kept(payload: str) -> None:
    found, kept = seal(payload.encode(), "/password", "/login/password", "/list/*/password")
    assert b"hunter22" not in found
    expected = json.loads(payload)
    for place in kept:
        expected = _expected(expected, {place})
    assert shown(found) == expected


@pytest.mark.parametrize(
    ("steps", "place"),
    [
        (["password"], "/password"),
        (["password", "deeper", 3], "/password"),
        (["accounts", 0, "token"], "/accounts/0/token"),
        (["accounts", 0, "name"], None),
        (["accounts"], None),
        ([], None),
    ],
)
def test_what_lies_in_a_secret_is_told_by_the_secret(steps: list[str | int], place: str | None) -> None:
    assert secret_at(steps, ("/accounts/*/token", "/password")) == place


# --- nothing else changes

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
)
names = st.sampled_from(["a", "b", "$secret", "x/y", "ü", '{"$secret":"v1.0123abcd.AA"}'])
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=12,
)
payloads = st.dictionaries(names, values, max_size=4)
paths = st.lists(
    st.lists(st.sampled_from(["a", "b", "x~1y", "*", "0"]), min_size=1, max_size=3).map(
        lambda steps: "/" + "/".join(steps)
    ),
    max_size=3,
).map(tuple)
spacing = st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", "\t: ")])


@given(payloads, paths, spacing, st.booleans())
def test_sealed_and_opened_it_is_the_same(
    payload: dict[str, Any], paths: tuple[str, ...], spacing: tuple[str, str], escape: bool
) -> None:
    text = json.dumps(payload, separators=spacing, ensure_ascii=escape).encode()
    safe = Safe()
    found = sealed(text, paths, safe.put)
    assert shown(found) == _expected(payload, set(safe.kept)), "all but the secrets is as it was"
    kept = dict(safe.kept)
    again = opened(found, safe.take)
    assert json.loads(again) == payload
    assert not safe.kept, "each was opened, at its place"
    for place, value in kept.items():
        assert json.loads(value) == _at(payload, place)
        assert value != b"null"
        assert secret_at(_steps(place), paths) == place


def _steps(pointer: str) -> list[str]:
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def _at(value: Any, pointer: str) -> Any:
    for step in _steps(pointer):
        value = value[int(step)] if isinstance(value, list) else value[step]
    return value


def _expected(value: Any, places: set[str], at: str = "") -> Any:
    if at in places:
        return MASKED
    match value:
        case dict():
            return {
                name: _expected(part, places, f"{at}/{name.replace('~', '~0').replace('/', '~1')}")
                for name, part in value.items()
            }
        case list():
            return [_expected(part, places, f"{at}/{n}") for n, part in enumerate(value)]
    return value


@given(payloads, spacing)
def test_what_has_no_secrets_is_shown_as_it_is(payload: dict[str, Any], spacing: tuple[str, str]) -> None:
    text = Raw(json.dumps(payload, separators=spacing).encode())
    if b'"$secret":"v1.' not in bytes(text):
        assert masked(text) is text or bytes(masked(text)) == bytes(text)


@given(st.text(string.printable, max_size=30))
def test_a_text_that_looks_like_an_envelope_is_a_text(text: str) -> None:
    payload = json.dumps({"a": '{"$secret":"v1.0123abcd.AAAA"}' + text}, separators=(",", ":")).encode()
    assert bytes(masked(Raw(payload))) == payload
    assert opened(payload, lambda *_: b"null") == payload


# --- what cannot be submitted


@pytest.mark.parametrize(
    ("payload", "pointer"),
    [
        ({"a": {"$secret": True}}, "/payload/a"),
        ({"a": [1, {"$secret": "v1.0123abcd.AAAA"}]}, "/payload/a/1"),
        ({"$secret": None}, "/payload"),
        ({"a/b": {"c": {"$secret": {}}}}, "/payload/a~1b/c"),
    ],
)
def test_what_stands_for_a_secret_is_no_value(payload: Any, pointer: str) -> None:
    with pytest.raises(Invalid) as refused:
        refuse_reserved(json.dumps(payload).encode(), payload, "/payload")
    assert refused.value.errors[0].pointer == pointer


@pytest.mark.parametrize("payload", [{"a": "$secret"}, {"$secret": 1, "b": 2}, {"a": {"x$secret": 1}}])
def test_what_only_looks_like_it_is(payload: Any) -> None:
    refuse_reserved(json.dumps(payload).encode(), payload, "/payload")


# --- from a JSON Schema


@pytest.mark.parametrize(
    ("schema", "paths"),
    [
        ({"properties": {"a": {"writeOnly": True}, "b": {"writeOnly": False}}}, ("/a",)),
        (
            {"properties": {"a": {"anyOf": [{"type": "string", "writeOnly": True}, {"type": "null"}]}}},
            ("/a",),
        ),
        ({"properties": {"a": {"items": {"properties": {"b": {"writeOnly": True}}}}}}, ("/a/*/b",)),
        ({"properties": {"a": {"prefixItems": [{}, {"writeOnly": True}]}}}, ("/a/*",)),
        ({"properties": {"a": {"additionalProperties": {"writeOnly": True}}}}, ("/a/*",)),
        ({"properties": {"a": {"patternProperties": {"^x": {"writeOnly": True}}}}}, ("/a/*",)),
        (
            {
                "properties": {"a": {"$ref": "#/$defs/A"}},
                "$defs": {"A": {"properties": {"b~/": {"writeOnly": True}}}},
            },
            ("/a/b~0~1",),
        ),
        ({"properties": {"a": {"allOf": [{"oneOf": [{"writeOnly": True}]}]}, "b": True}}, ("/a",)),
        (
            {
                "properties": {"a": {"$ref": "#/$defs/A"}},
                "$defs": {"A": {"properties": {"a": {"$ref": "#/$defs/A"}}}},
            },
            (),
        ),
        ({}, ()),
    ],
)
def test_write_only_is_secret(schema: dict[str, Any], paths: tuple[str, ...]) -> None:
    assert paths_in(schema) == paths


def test_a_secret_in_what_contains_itself_has_no_path() -> None:
    tree = {"properties": {"next": {"$ref": "#/$defs/Tree"}, "key": {"writeOnly": True}}}
    with pytest.raises(ValueError, match="Tree contains itself and a secret"):
        paths_in({"properties": {"tree": {"$ref": "#/$defs/Tree"}}, "$defs": {"Tree": tree}})


SHOWN = {"a": {"pin": {"$secret": True}, "n": 1}, "items": [{"$secret": True}, 2]}
STORED = {"a": {"pin": "1234", "n": 1}, "items": ["5678", 2]}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (SHOWN, STORED),
        ({"a": {"n": 2, "pin": MASKED}, "new": 1}, {"a": {"n": 2, "pin": "1234"}, "new": 1}),
        ({"a": {"pin": "0", "n": True}}, {"a": {"pin": "0", "n": True}}),
        # nobody knows to which item it belongs, or whether it is meant for another field
        ({"items": [2, MASKED]}, {"items": [2, MASKED]}),
        ({"items": [MASKED]}, {"items": [MASKED]}),
        ({"b": MASKED, "a": MASKED}, {"b": MASKED, "a": MASKED}),
        ({"a": {"n": MASKED}}, {"a": {"n": MASKED}}),
        ({"a": {"pin": {"$secret": "v1.x"}}}, {"a": {"pin": {"$secret": "v1.x"}}}),
    ],
)
def test_what_is_given_back_as_it_was_shown_is_as_it_was(given: Any, expected: Any) -> None:
    texts = [json.dumps(one).encode() for one in (given, SHOWN, STORED)]
    assert json.loads(as_stored(*texts)) == expected


def test_what_is_not_encrypted_is_hidden_too() -> None:
    sealed_part = b'{"$secret":"v1.0123abcd.AAAA"}'
    payload = Raw(b'{"pin":1234,"other":%b,"both":%b,"none":null}' % (sealed_part, sealed_part))
    assert json.loads(bytes(hidden(payload, ("/pin", "/both", "/none")))) == {
        "pin": MASKED,
        "other": MASKED,
        "both": MASKED,
        "none": None,
    }
