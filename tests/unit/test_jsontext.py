"""JSON from outside: what is wrong with it is said by pointer, and nothing else is ever raised."""

import json
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from taskflow_hub.domain.errors import Invalid, TaskflowError, Undecodable
from taskflow_hub.domain.jsontext import MAX_DEPTH, check_text, decode, decode_any, encode
from taskflow_hub.domain.retry import RetryPolicy
from taskflow_hub.domain.submission import Submission


class Batch(msgspec.Struct, forbid_unknown_fields=True):
    tasks: list[Submission]


ONE = msgspec.json.Decoder(Submission)
MANY = msgspec.json.Decoder(Batch)


def refused(body: bytes) -> TaskflowError:
    with pytest.raises(TaskflowError) as caught:
        decode_submission(body)
    return caught.value


def decode_submission(body: bytes) -> Submission:
    """What a submit does with its body: the shape first, then the payload, whose shape is the handler's business."""
    submission = decode(ONE, body)
    decode_any(bytes(submission.payload), "/payload")
    return submission


def pointers(error: TaskflowError) -> list[str]:
    return [field.pointer for field in error.errors]


# --- wrong fields ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "pointer", "says"),
    [
        ('{"type": 5}', "/type", "expected `str`, got `int`"),
        ('{"type": null}', "/type", "expected `str`, got `null`"),
        ('{"type": "Web Title"}', "/type", "1 to 100 characters of a-z"),
        ('{"type": "a", "queue": "A"}', "/queue", "1 to 64 characters of a-z"),
        ('{"type": "a", "priority": "high"}', "/priority", "expected `int`, got `str`"),
        ('{"type": "a", "priority": 10}', "/priority", "<= 9"),
        ('{"type": "a", "priority": 5.5}', "/priority", "got `float`"),
        ('{"type": "a", "priority": true}', "/priority", "got `bool`"),
        ('{"type": "a", "priority": 1e400}', "/priority", "out of range"),
        ('{"type": "a", "priority": ' + "9" * 5000 + "}", "/priority", "out of range"),
        ('{"type": "a", "delay": -1}', "/delay", ">= 0"),
        ('{"type": "a", "delay": 1e999}', "/delay", "out of range"),
        ('{"type": "a", "run_at": "tomorrow"}', "/run_at", "RFC3339"),
        ('{"type": "a", "run_at": "2030-01-01T00:00:00"}', "/run_at", "timezone"),
        ('{"type": "a", "tags": ["ok", 7]}', "/tags/1", "expected `str`, got `int`"),
        ('{"type": "a", "tags": "x"}', "/tags", "expected `array`"),
        ('{"type": "a", "retry": {"base": -1}}', "/retry/base", ">= 0"),
        ('{"type": "a", "unique": {"key": ""}}', "/unique/key", "length >= 1"),
        ('{"type": "a", "unique": {}}', "/unique/key", "is required"),
        ('{"type": "a", "unique": {"key": "k", "on": 1}}', "/unique/on", "is not a known field"),
        ('{"type": "a", "retry": {"kind": "soon"}}', "/retry/kind", "must be one of exponential, fixed"),
        ('{"type": "a", "unique": {"key": "k", "on_conflict": 1}}', "/unique/on_conflict", "expected `str`"),
        ("{}", "/type", "is required"),
        ('{"type": "a", "max_retry": 1}', "/max_retry", "is not a known field"),
        ('{"type": "a", "a/b~c": 1}', "/a~1b~0c", "is not a known field"),
        ('{"type": "a", "": 1}', "/", "is not a known field"),
        ("[]", "", "expected `object`, got `array`"),
        ("7", "", "expected `object`, got `int`"),
        ("null", "", "expected `object`, got `null`"),
    ],
)
def test_a_wrong_field_is_named_by_its_pointer(body: str, pointer: str, says: str) -> None:
    error = refused(body.encode())
    assert type(error) is Invalid
    assert pointers(error) == [pointer]
    assert says.lower() in error.errors[0].detail.lower()


def test_in_a_batch_the_pointer_counts_the_items() -> None:
    with pytest.raises(Invalid) as caught:
        decode(MANY, b'{"tasks": [{"type": "a"}, {"type": "b", "unique": {"key": 1}}]}')
    assert pointers(caught.value) == ["/tasks/1/unique/key"]


def test_in_a_batch_too_the_words_of_an_enum_are_said() -> None:
    with pytest.raises(Invalid, match="/tasks/0/unique/on_conflict: must be one of return, reject, replace"):
        decode(MANY, b'{"tasks": [{"type": "a", "unique": {"key": "k", "on_conflict": "x"}}]}')


@pytest.mark.parametrize("number", ["1e999", "-1e999", "9" * 5000])
def test_a_number_that_no_machine_can_hold_is_found_in_a_payload(number: str) -> None:
    fits = "9" * 4000
    with pytest.raises(Invalid, match="out of range") as caught:
        decode_any(f'{{"fits": {fits}, "deep": [1, {{"x": {number}}}]}}'.encode(), "/payload")
    assert pointers(caught.value) == ["/payload/deep/1/x"]


def test_big_numbers_that_do_fit_are_kept_exactly() -> None:
    assert decode_any(b'{"n": 123456789012345678901234567890}') == {"n": 123456789012345678901234567890}


def test_of_two_members_with_one_name_the_last_counts() -> None:
    assert decode(ONE, b'{"type": "a", "type": "b"}').type == "b"


# --- not JSON ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b'{"type": "a"',
        b'{"type": "a",}',
        b'{"type": "a"} {}',
        b"{'type': 'a'}",
        b'{type: "a"}',
        b'{"type": "a\n"}',
        b'{"type": "a\x00"}',
        b'\xef\xbb\xbf{"type": "a"}',
        '{"type": "a"}'.encode("utf-16"),
        b"a=b&c=d",
        b"\xff\xfe\x00",
        b'{"type": "a", "delay": 01}',
        b'{"type": "a", "delay": 1.}',
        b'{"type": "a", "tags": ["\\x41"]}',
    ],
)
def test_what_is_not_json_is_undecodable(body: bytes) -> None:
    error = refused(body)
    assert type(error) is Undecodable
    assert error.detail.startswith("The body is not valid JSON")


@pytest.mark.parametrize("body", [b"", b" \n"])
def test_a_body_that_is_empty_is_told_so(body: bytes) -> None:
    error = refused(body)
    assert type(error) is Undecodable
    assert error.detail == "The body is empty."


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_nan_and_infinity_are_found_and_named(number: str) -> None:
    for body, pointer in [
        (f'{{"type": "a", "delay": {number}}}', "/delay"),
        (f'{{"type": "a", "payload": {{"x": [1, {number}]}}}}', "/payload/x/1"),
    ]:
        error = refused(body.encode())
        assert type(error) is Undecodable
        assert pointers(error) == [pointer]


# --- text that would harm later ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (rb'{"type": "a", "payload": {"x": "a\u0000b"}}', "/payload/x"),
        (rb'{"type": "a", "payload": {"x": [[], {"y": ["\u0000"]}]}}', "/payload/x/1/y/0"),
        (rb'{"type": "a", "tags": ["ok", "\u0000"]}', "/tags/1"),
        (rb'{"type": "a", "payload": {"in": {"k\u0000": 1}}}', "/payload/in"),
        (rb'{"type": "a", "\u0000": 1}', ""),
        (rb'{"type": "a", "payload": {"a/b": {"~": "\u0000"}}}', "/payload/a~1b/~0"),
        (rb'{"type": "a", "payload": {"x": "\u0000", "x": "harmless"}}', "/payload/x"),
        (rb'{"type": "a", "payload": {"x": "\u0000", "y": "\u0000"}}', "/payload/x"),
        (rb'{"type": "a", "payload": {"x": "\\\u0000"}}', "/payload/x"),
        (rb'"\u0000"', ""),
    ],
)
def test_a_nul_character_is_refused_in_values_and_in_names(body: bytes, pointer: str) -> None:
    error = refused(body)
    assert type(error) is Invalid
    assert pointers(error) == [pointer]
    assert "NUL" in error.detail


@pytest.mark.parametrize("text", [rb"\\u0000", rb"\\\\u0000", rb"\\\\\\u0000"])
def test_a_backslash_followed_by_u0000_is_harmless_text(text: bytes) -> None:
    body = b'{"type": "a", "payload": {"regex": "' + text + b'"}}'
    assert bytes(decode_submission(body).payload) == b'{"regex": "' + text + b'"}'


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (rb'{"type": "a", "payload": {"x": "\ud800"}}', "/payload/x"),
        (rb'{"type": "a", "payload": {"x": "\udc00"}}', "/payload/x"),
        (rb'{"type": "a", "payload": {"x": "\udc00\ud800"}}', "/payload/x"),
        (rb'{"type": "a", "payload": {"x": ["ok", "\ud800\u0041"]}}', "/payload/x/1"),
        (rb'{"type": "a", "payload": {"x": "\ud800", "x": 1}}', "/payload/x"),
        (rb'{"type": "a", "tags": ["\udfff"]}', "/tags/0"),
    ],
)
def test_text_that_is_not_unicode_is_refused_and_named(body: bytes, pointer: str) -> None:
    error = refused(body)
    assert type(error) is Invalid
    assert pointers(error) == [pointer]
    assert "not valid Unicode" in error.detail


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b'{"type": "a", "payload": {"x": "\xff"}}', "/payload/x"),
        (b'{"type": "a", "payload": {"x": "\xc0\x80"}}', "/payload/x"),
        (b'{"type": "a", "payload": {"x": "\xed\xa0\x80"}}', "/payload/x"),
        (b'{"type": "a", "tags": ["\xe2\x82"]}', "/tags/0"),
        (b'{"type": "a", "payload": {"\xff": 1}}', "/payload"),
        (b'{"\xff": 1, "type": "a"}', ""),
        (b'{"type": "a", "priority": 99, "tags": ["\xff"]}', "/tags/0"),
        (rb'{"type": "a", "payload": {"x": "\u0000", "y": "' + b'\xff"}}', "/payload/y"),
        (rb'{"type": "a", "payload": {"x": "\ud800", "y": "' + b'\xff"}}', "/payload/x"),
        (b'{"type": "a\xff', ""),
        (b'\xff{"type": "a"}', ""),
    ],
)
def test_bytes_that_are_not_utf_8_are_undecodable_whatever_else_is_wrong(body: bytes, pointer: str) -> None:
    error = refused(body)
    assert type(error) is Undecodable
    assert pointers(error) == [pointer]
    assert "not UTF-8" in error.detail


def test_a_surrogate_pair_is_one_character() -> None:
    assert decode_any(rb'"\ud83d\ude00"') == "😀"


# --- depth -------------------------------------------------------------------------------------------------------


def nested(depth: int, opening: str = "[", closing: str = "]", inside: str = "") -> bytes:
    return (opening * depth + inside + closing * depth).encode()


def test_a_hundred_levels_are_allowed() -> None:
    decode_any(nested(MAX_DEPTH))
    decode_any(nested(MAX_DEPTH, '{"a":', "}", "1"))


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 1000, 100_000])
def test_deeper_nesting_is_refused_before_anything_can_overflow(depth: int) -> None:
    for body in (nested(depth), nested(depth, '{"a":', "}", "1"), b"[" * depth, b'{"a":' * depth):
        with pytest.raises(Invalid, match="deeper than 100 levels") as caught:
            decode_any(body, "/payload")
        assert pointers(caught.value) == ["/payload"]


def test_brackets_in_text_are_not_nesting() -> None:
    text = "[{" * 5000 + '"\\' * 50
    assert decode_any(json.dumps({"x": text}).encode()) == {"x": text}


def test_many_neighbours_are_not_nesting() -> None:
    assert len(decode_any(b"[" + b",".join([b"[]"] * 10_000) + b"]")) == 10_000


# --- whatever comes ----------------------------------------------------------------------------------------------

FRAGMENTS = rb"""{ } [ ] " \ , : - 0 \u0000 \ud800 NaN 1e999 null "type" "payload" "a" """.split()
fragments = st.sampled_from([*FRAGMENTS, b" ", b"\x00", b"\xff", b"\xef\xbb\xbf", b"[" * 101])
jsonish = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)


def decodes_or_explains(body: bytes) -> None:
    explained: list[TaskflowError] = []
    for read in (lambda: decode(ONE, body), lambda: decode_any(body, "/payload"), lambda: check_text(body)):
        try:
            read()
        except TaskflowError as error:
            explained.append(error)
    for one in explained:
        assert one.detail
        assert one.errors
        assert all(not at.pointer or at.pointer.startswith("/") for at in one.errors), one.errors


@given(st.binary(max_size=200) | st.lists(fragments, max_size=40).map(b"".join))
@example(b'{"type":"a","payload":' + b"9" * 5000 + b"}")
@example(b'"' + b"\\" * 1001)
def test_bytes_of_any_kind_raise_nothing_but_our_errors(body: bytes) -> None:
    decodes_or_explains(body)


@given(jsonish, st.sampled_from(["type", "payload", "tags", "retry", "run_at", "delay", "unique", "other"]))
def test_values_of_any_shape_raise_nothing_but_our_errors(value: object, field: str) -> None:
    text = json.dumps({"type": "a", field: value}, ensure_ascii=False)
    decodes_or_explains(text.encode("utf-8", "surrogatepass"))


@settings(max_examples=30)
@given(st.data())
def test_a_damaged_submission_raises_nothing_but_our_errors(data: st.DataObject) -> None:
    body = bytearray(rb'{"type":"web.title","payload":{"url":"\u00e9","n":[1.5e3,null]},"tags":["x"]}')
    for _ in range(data.draw(st.integers(1, 3))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    decodes_or_explains(bytes(body))


@given(jsonish.filter(lambda value: "\\u0000" not in json.dumps(value)))
def test_what_strict_json_can_say_is_read_as_it_is(value: object) -> None:
    try:
        text = msgspec.json.encode(value)
    except (UnicodeEncodeError, OverflowError):
        return  # a lone surrogate, which JSON cannot say in UTF-8
    assert decode_any(text) == json.loads(text)


# --- what a program gives ----------------------------------------------------------------------------------------


@given(jsonish)
def test_whatever_a_program_gives_is_written_as_it_is_or_refused(value: object) -> None:
    try:
        text = bytes(encode(value, "/payload"))
    except Invalid:
        with pytest.raises((ValueError, UnicodeEncodeError)):
            json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    else:
        assert json.loads(text) == value


def test_values_of_our_own_are_written_by_their_fields() -> None:
    moment = datetime(2030, 1, 1, tzinfo=UTC)
    assert bytes(encode({"retry": RetryPolicy(base=2.0), "at": moment})) == (
        b'{"retry":{"kind":"exponential","base":2.0,"factor":2.0,"max":300.0,"jitter":true},'
        b'"at":"2030-01-01T00:00:00Z"}'
    )


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), object(), {"x": {1, object()}}, "\ud800", {(1,): 2}]
)
def test_what_json_cannot_carry_is_refused_by_pointer(value: object) -> None:
    with pytest.raises(Invalid, match="cannot be written as JSON") as caught:
        encode({"x": value}, "/payload")
    assert pointers(caught.value) == ["/payload"]


def test_a_value_that_contains_itself_is_refused() -> None:
    endless: list[object] = []
    endless.append(endless)
    with pytest.raises(Invalid):
        encode(endless)
