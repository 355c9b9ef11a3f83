"""Lines of the service's log: whom they are about, what they must not tell, and that none looks like two."""

import json
import logging
from contextvars import Context
from io import StringIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskflow_hub.about import ABOUT, About, trace_id
from taskflow_hub.logs import _formatter
from taskflow_hub.redaction import HIDDEN

TRACE = "0af7651916cd43dd8448eb211c80319c"
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner) | st.tuples(inner),
    max_leaves=8,
)


def written(
    words: str,
    *args: Any,
    about: About | None = None,
    pretty: bool = False,
    error: Exception | None = None,
    **extra: Any,
) -> str:
    """What a line of a library becomes; `about` is whose work goes on."""
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_formatter(pretty=pretty, colours=False))
    record = logging.LogRecord("lib", logging.WARNING, __file__, 1, words, args, None)
    record.exc_info = (type(error), error, error.__traceback__) if error else None
    record.__dict__.update(extra)

    def speak() -> None:
        ABOUT.set((lambda: about) if about else None)
        handler.handle(record)

    Context().run(speak)
    return stream.getvalue()


def line(words: str, *args: Any, **others: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(written(words, *args, **others))
    return found


@given(st.text(), VALUES, st.text())
def test_whatever_is_said_is_one_line_of_json(words: str, value: Any, name: str) -> None:
    text = written("%s", words, value={name: value})
    assert text.count("\n") == 1
    assert text.isascii()
    json.loads(text, parse_constant=lambda constant: pytest.fail(f"{constant} is no JSON"))


@given(st.text(), st.text())
def test_whatever_is_said_a_terminal_is_told_nothing_by_it(words: str, value: str) -> None:
    text = written("%s", words, pretty=True, value=value)
    assert text.endswith("\n")
    assert text[:-1].isprintable() or not any(ord(one) < 32 or 127 <= ord(one) < 160 for one in text[:-1])


def test_a_traceback_forges_no_line_for_people() -> None:
    error = ValueError("no\n2026-12-01T00:00:00Z [error] forged \x1b[2J")
    first, *others = written("it broke", pretty=True, error=error).splitlines()
    assert "it broke" in first
    assert all(other.startswith("    ") for other in others)
    assert "\x1b" not in "".join(others)


def test_ids_come_from_the_work_and_what_the_line_says_itself_comes_first() -> None:
    about = About({"task_id": "t", "attempt": 2, "account": None})
    found = line("x", about=about, attempt=1)
    assert (found["task_id"], found["attempt"], "account" in found) == ("t", 1, False)


def test_what_an_attempt_must_not_tell_is_taken_out_everywhere() -> None:
    about = About({}, lambda text: text.replace("hunter2", "•"))
    try:
        raise ValueError("hunter2")
    except ValueError as error:
        text = written("%s", "hunter2", about=about, error=error, deep=[{"hunter2": ("hunter2",)}])
    assert "hunter2" not in text


@pytest.mark.parametrize(
    "told",
    [
        "postgresql://ada:s3cr3tword@db/x",
        "Authorization: Bearer s3cr3tword",
        "{'authorization': 'Basic s3cr3tword'}",
        "Cookie: taskflow_session=s3cr3tword; a=b",
        "password=s3cr3tword",
        "{'api_key': 's3cr3tword'}",
        '{"token": "s3cr3tword and more"}',
        "a key tfk_s3cr3twords3cr3twords3cr3tword",
        "GET /x?access_token=s3cr3tword",
    ],
)
def test_secrets_are_known_by_how_they_are_written(told: str) -> None:
    try:
        raise ValueError(told)
    except ValueError as error:
        text = written("%s", told, error=error, extra_field=told, nested={"a": [told]})
    assert "s3cr3tword" not in text
    assert text.count(HIDDEN) >= 4


@pytest.mark.parametrize(
    "name", ["password", "Authorization", "cookie", "api_key", "csrf_token", "secret", "client_secret"]
)
def test_secrets_are_known_by_their_names(name: str) -> None:
    named: dict[str, Any] = {name: "s3cr3t"}
    text = written("x", **named, nested={"a": [{name: {"deep": "s3cr3t"}}]})
    assert "s3cr3t" not in text


def test_a_value_that_contains_itself_or_cannot_be_shown_costs_no_line() -> None:
    class Bad:
        def __repr__(self) -> str:
            raise RuntimeError("no")

    endless: list[Any] = []
    endless.append(endless)
    found = line("x", endless=endless, bad=Bad())
    assert found["bad"] == "<Bad, whose repr raised RuntimeError>"
    assert "…" in str(found["endless"])


def test_a_trace_id_is_the_second_field() -> None:
    assert trace_id(f"00-{TRACE}-b7ad6b7169203331-01") == TRACE
    assert [trace_id(bad) for bad in (None, "", "00-1-2-01", "x")] == [None] * 4
