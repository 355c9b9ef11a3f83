"""The limits of a submission are where they are said to be, on both sides."""

from datetime import UTC, datetime, timedelta
from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskflow_hub.domain.errors import Invalid
from taskflow_hub.domain.jsontext import decode
from taskflow_hub.domain.submission import (
    EARLIEST,
    LATEST,
    MAX_TIMEOUT_S,
    TEN_YEARS_S,
    Submission,
    Unique,
    check_limits,
    check_moment,
    check_times,
)

DECODER = msgspec.json.Decoder(Submission)
SCHEMA = msgspec.json.schema(Submission)


def read(**fields: Any) -> Submission:
    return decode(DECODER, msgspec.json.encode({"type": "a"} | fields))


def refused(**fields: Any) -> str:
    with pytest.raises(Invalid) as caught:
        read(**fields)
    return caught.value.errors[0].pointer


ALLOWED = [
    ("type", "a"),
    ("type", "a" * 100),
    ("type", "web.title_2-x"),
    ("queue", "q" * 64),
    ("queue", None),
    ("priority", 0),
    ("priority", 9),
    ("delay", 0),
    ("delay", TEN_YEARS_S),
    ("max_retries", 0),
    ("max_retries", 100),
    ("max_retries", None),
    ("timeout", 0.001),
    ("timeout", MAX_TIMEOUT_S),
    ("timeout", None),
    ("tags", []),
    ("tags", ["x" * 64] * 20),
    ("tags", ["я" * 64]),
    ("unique", {"key": "k" * 255}),
    ("unique", {"key": "k", "window": TEN_YEARS_S, "on_conflict": "replace"}),
    ("unique", None),
    ("limits", []),
    ("limits", [{"key": "a", "running": 1, "per_second": 0.2}]),
    ("limits", [{"key": "a", "running": None, "per_second": 1e-6}]),
    ("limits", [{"key": "~" * 200, "running": 1_000_000, "per_second": 100_000.0}]),
    (
        "limits",
        [{"key": key, "running": None, "per_second": None} for key in ("a", "A", "a:b/c?d,e", "%C3%A9", "!")],
    ),
    ("retry", {"kind": "fixed", "base": 0, "factor": 1, "max": 0, "jitter": False}),
]
FORBIDDEN = [
    ("type", ""),
    ("type", "a" * 101),
    ("type", "Web"),
    ("type", "web title"),
    ("type", "web.title\n"),
    ("type", "\nweb.title"),
    ("type", "wéb"),
    ("queue", ""),
    ("queue", "q" * 65),
    ("queue", "a.b"),
    ("queue", "cpu\n"),
    ("priority", -1),
    ("priority", 10),
    ("delay", -0.001),
    ("delay", TEN_YEARS_S + 1),
    ("max_retries", -1),
    ("max_retries", 101),
    ("max_retries", 1.5),
    ("timeout", 0),
    ("timeout", -1),
    ("timeout", MAX_TIMEOUT_S + 1),
    ("limits", [{"key": str(n), "running": 1} for n in range(6)]),
    ("limits", {}),
    ("limits", None),
]


@pytest.mark.parametrize(("field", "value"), ALLOWED)
def test_what_lies_within_a_limit_is_taken(field: str, value: object) -> None:
    taken = msgspec.json.decode(msgspec.json.encode(read(**{field: value})))[field]
    assert taken == (taken | value if isinstance(value, dict) else value)


@pytest.mark.parametrize(("field", "value"), FORBIDDEN)
def test_what_lies_beyond_a_limit_is_refused_by_name(field: str, value: object) -> None:
    assert refused(**{field: value}) == f"/{field}"


def test_limits_inside_of_fields_are_named_as_deep_as_they_lie() -> None:
    assert refused(tags=["x"] * 21) == "/tags"
    assert refused(tags=["ok", ""]) == "/tags/1"
    assert refused(tags=["x" * 65]) == "/tags/0"
    assert refused(unique={"key": "k" * 256}) == "/unique/key"
    assert refused(unique={"key": "k", "window": -1}) == "/unique/window"
    assert refused(unique={"key": "k", "on_conflict": "wait"}) == "/unique/on_conflict"
    assert refused(retry={"factor": 0}) == "/retry/factor"
    for key in ("", "a b", "a\n", "\n", "é", "\x7f", "a\0", "a\t", "x" * 201, 1):
        assert refused(limits=[{"key": "a"}, {"key": key, "running": 1}]) == "/limits/1/key"
    for running in (0, -1, 1_000_001, 1.5, "3", True):
        assert refused(limits=[{"key": "a", "running": running}]) == "/limits/0/running"
    for per_second in (0, -1, 0.99e-6, 1e-15, 1e-320, 100_000.1, "3", True):
        assert refused(limits=[{"key": "a", "per_second": per_second}]) == "/limits/0/per_second"
    assert refused(limits=[{"running": 1}]) == "/limits/0/key"
    assert refused(limits=[{"key": "a", "burst": 1}]) == "/limits/0/burst"
    assert refused(limits=["a"]) == "/limits/0"


@pytest.mark.parametrize(("field", "value"), ALLOWED)
def test_the_json_schema_takes_what_is_allowed(field: str, value: object) -> None:
    jsonschema.validate({"type": "a"} | {field: value}, SCHEMA)


@pytest.mark.parametrize(("field", "value"), FORBIDDEN)
def test_the_json_schema_refuses_what_is_forbidden(field: str, value: object) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"type": "a"} | {field: value}, SCHEMA)


def test_the_json_schema_says_that_a_payload_is_an_object() -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"type": "a", "payload": [1]}, SCHEMA)


def test_what_is_left_out_is_not_decided_yet() -> None:
    submission = read()
    assert submission.max_retries is msgspec.UNSET
    assert submission.retry is msgspec.UNSET
    assert submission.timeout is msgspec.UNSET
    assert bytes(submission.payload) == b"{}"
    assert submission.priority == 5


def test_two_submissions_do_not_share_what_they_leave_out() -> None:
    assert read() == read()
    assert read(payload={"a": 1}) != read()


def test_a_payload_is_kept_to_the_letter() -> None:
    text = b'{ "n": 1e2, "big": 12345678901234567890123, "dup": 1, "dup": 2 }'
    assert bytes(decode(DECODER, b'{"type":"a","payload":' + text + b"}").payload) == text


def test_a_limit_is_named_once() -> None:
    check_limits(read(limits=[{"key": "a"}, {"key": "A"}]).limits)
    with pytest.raises(Invalid, match="'a' stands twice") as caught:
        check_limits(read(limits=[{"key": "a"}, {"key": "b"}, {"key": "a", "running": 1}]).limits, "/tasks/4")
    assert caught.value.errors[0].pointer == "/tasks/4/limits/2/key"


# --- times -------------------------------------------------------------------------------------------------------


def test_run_at_and_delay_exclude_each_other() -> None:
    with pytest.raises(Invalid) as caught:
        check_times(read(run_at="2030-01-01T00:00:00Z", delay=1), "/tasks/2")
    assert caught.value.errors[0].pointer == "/tasks/2/delay"


@pytest.mark.parametrize("field", ["run_at", "expires_at"])
@pytest.mark.parametrize(
    "moment", ["0001-01-01T00:00:00+12:00", "1969-12-31T23:59:59Z", "9999-12-31T23:59:59-12:00"]
)
def test_a_moment_that_could_not_be_computed_with_is_refused(field: str, moment: str) -> None:
    with pytest.raises(Invalid) as caught:
        check_times(read(**{field: moment}))
    assert caught.value.errors[0].pointer == f"/{field}"


def test_ordinary_moments_pass_whatever_their_zone() -> None:
    check_times(read(run_at="2030-06-01T12:00:00+05:30", expires_at="1970-01-01T05:30:00+05:30"))
    check_times(read(delay=3, expires_at="2031-01-01T00:00:00Z"))


@given(st.datetimes(timezones=st.timezones()))
def test_every_moment_that_passes_can_be_shown_in_every_zone(moment: datetime) -> None:
    try:
        check_moment(moment, "/run_at")
    except Invalid:
        return
    assert EARLIEST <= moment.astimezone(UTC) <= LATEST
    assert moment.astimezone(UTC) - timedelta(days=1) < moment < moment.astimezone(UTC) + timedelta(days=1)


def test_no_moment_is_no_problem() -> None:
    check_moment(None, "/run_at")


def test_a_unique_key_holds_while_the_task_is_unfinished_unless_told_otherwise() -> None:
    unique = read(unique={"key": "k"}).unique
    assert unique == Unique(key="k", window=0.0)
