"""However large or strange a text is: what is asked of it is asked in C, and the slow look is taken on real suspicion only."""

import gc
import json
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from taskflow_hub.domain import jsontext
from taskflow_hub.domain.errors import Invalid
from taskflow_hub.domain.jsontext import (
    LONG,
    LOOKED_AT,
    MAX_DEPTH,
    canonical,
    check_depth,
    decode_any,
    duplicate,
)


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of the texts that were looked at slowly."""
    seen: list[int] = []
    slowly = jsontext._read_loosely

    def noting(body: bytes) -> Any:
        seen.append(len(body))
        return slowly(body)

    monkeypatch.setattr(jsontext, "_read_loosely", noting)
    return seen


@pytest.mark.parametrize(
    "text",
    [
        b"[" + b",".join([b"[]"] * 100_000) + b"]",
        b"[" + b",".join([b'{"a":[]}'] * 50_000) + b"]",
        b"[" + b",".join([rb'"\\u0000"'] * 50_000) + b"]",
        json.dumps({f"{n}:": "a:b" for n in range(50_000)}).encode(),
        b"[" + b",".join([rb'{"\u003a":"\u003A\\u003a:"}'] * 50_000) + b"]",
        json.dumps({"x": "[{" * 50_000 + '"\\' * 50}).encode(),
        b"{" + b",".join([b'"a" : { "b" : 0.10 }'] * 1) + b"}",
    ],
    ids=lambda text: repr(text[:20]),
)
def test_harmless_text_is_never_looked_at_slowly(text: bytes, looks: list[int]) -> None:
    assert decode_any(text) == json.loads(text)
    assert duplicate(text) is None
    assert looks == []


def test_one_slow_look_finds_what_is_wrong(looks: list[int]) -> None:
    with pytest.raises(Invalid, match="NUL"):
        decode_any(rb'{"x": ["\u0000"]}')
    assert len(looks) == 1
    assert duplicate(b'{"x": [{"k": 1, "k": 1}]}') == "/x/0/k"
    assert len(looks) == 2


def test_a_text_longer_than_any_payload_is_refused_without_a_slow_look(looks: list[int]) -> None:
    for text, says in (
        (rb'["\u0000"' + b" " * LOOKED_AT + b"]", "NUL"),
        (b"[NaN" + b" " * LOOKED_AT + b"]", "not valid JSON"),
    ):
        with pytest.raises(Invalid, match=says) as caught:
            decode_any(text, "/payload")
        assert [error.pointer for error in caught.value.errors] == ["/payload"]
    assert looks == []


def test_the_collector_rests_while_a_long_text_is_decoded_and_only_then() -> None:
    during: list[bool] = []

    class Decoder:
        type = object

        def decode(self, body: bytes) -> None:
            during.append(gc.isenabled())
            if body.endswith(b"!"):
                raise msgspec.DecodeError("no")

    jsontext.outline(Decoder(), b" " * LONG)  # type: ignore[arg-type]
    jsontext.outline(Decoder(), b" " * (LONG + 1))  # type: ignore[arg-type]
    with pytest.raises(Invalid):
        jsontext.outline(Decoder(), b" " * LONG + b"!")  # type: ignore[arg-type]
    assert during == [True, False, False]
    assert gc.isenabled()


def test_a_collector_that_somebody_turned_off_stays_off() -> None:
    gc.disable()
    try:
        decode_any(b"[" + b" " * LONG + b"]")
        assert not gc.isenabled()
    finally:
        gc.enable()


# --- depth


def depth_of(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth_of, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth_of, value), default=0)
    return 0


@given(
    st.recursive(
        st.none() | st.text(alphabet='[]{}"\\:a\x01é'),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text('[]{}"\\:', max_size=4), inner, max_size=3)
        ),
        max_leaves=30,
    )
)
def test_depth_is_counted_as_it_is(value: object) -> None:
    assert jsontext._depth(json.dumps(value).encode()) == depth_of(value)


@pytest.mark.parametrize(
    ("opening", "closing"), [("[", "]"), ('{"a":', "}"), ('["]\\\\\\"]",', "]"), ('[{"[":0},', "]")]
)
def test_a_hundred_levels_among_many_brackets(opening: str, closing: str) -> None:
    wide = "[" + "[]," * 1000 + "{}]"
    check_depth((opening * (MAX_DEPTH - 2) + wide + closing * (MAX_DEPTH - 2)).encode())
    with pytest.raises(Invalid, match="deeper than 100"):
        check_depth((opening * (MAX_DEPTH - 1) + wide + closing * (MAX_DEPTH - 1)).encode())


@pytest.mark.parametrize("levels", [1_000, 100_000])
def test_any_depth_is_safe_whoever_reads_first(levels: int) -> None:
    for text in (b"[" * levels + b"]" * levels, b'{"a":' * levels + b"1" + b"}" * levels):
        assert duplicate(text) is None
        assert canonical(text) == text
        with pytest.raises(Invalid, match="deeper than 100"):
            jsontext.outline(msgspec.json.Decoder(Any), text)


# --- duplicates


def twice(text: str) -> bool:
    found = False

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal found
        found = found or len(dict(pairs)) != len(pairs)
        return dict(pairs)

    json.loads(text, object_pairs_hook=members)
    return found


names = st.sampled_from(
    ['"a"', '"b"', '":"', r'"\u003a"', r'"\u0061"', r'"a\u003A:"', r'"\\u003a"', '"c"', '"d"']
)
values = st.recursive(
    names | st.sampled_from(["1", "1.50", "null", "123456789012345678901234567890"]),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda many: "[" + ",".join(many) + "]")
        | st.lists(st.tuples(names, inner), max_size=3).map(
            lambda many: "{" + ",".join(map(" : ".join, many)) + "}"
        )
    ),
    max_leaves=12,
)


@given(values)
@example(r'{"a":"\u003a","a":"x"}')
@example(r'{"a":":","a":"\u003a\u003a"}')
def test_duplicates_are_found_and_nothing_else(text: str) -> None:
    assert (duplicate(text.encode()) is not None) == twice(text)


def test_canonical_text_is_the_same_for_what_means_the_same() -> None:
    assert canonical(b'{ "b": [1.0, "\\u0061"], "a": {} }') == canonical(b'{"a":{},"b":[1.0,"a"]}')
    assert canonical(b"[1]") != canonical(b"[2]")
