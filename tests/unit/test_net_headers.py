"""Headers that users may send, and Retry-After."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskflow_hub.net.headers import harmless, header_problem, retry_after_s

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("Host", "evil", "set by the client"),
        ("content-length", "5", "set by the client"),
        ("Transfer-Encoding", "chunked", "set by the client"),
        ("Connection", "close", "set by the client"),
        ("Proxy-Authorization", "x", "set by the client"),
        ("Upgrade", "h2c", "set by the client"),
        ("Expect", "100-continue", "set by the client"),
        ("X-A", "b\r\nX-C: d", "visible ASCII"),
        ("X-A", "b\nc", "visible ASCII"),
        ("X-A", "b\0c", "visible ASCII"),
        ("X-A", "ü", "visible ASCII"),
        ("X A", "b", "not valid"),
        ("X-A\n", "b", "not valid"),
        ("X:A", "b", "not valid"),
        ("", "b", "not valid"),
    ],
)
def test_refused(name: str, value: str, problem: str) -> None:
    assert problem in (header_problem({"Accept": "*/*", name: value}) or "nothing")


def test_the_usual_ones_are_fine() -> None:
    assert (
        header_problem({"Authorization": "Bearer x", "X-Event": "a b\tc", "Cookie": "a=b", "X-Empty": ""})
        is None
    )


def test_secrets_stay_with_their_origin_whatever_they_are_called() -> None:
    given = {"Authorization": "x", "Cookie": "x", "X-Api-Key": "x", "Accept": "a", "Content-Type": "b"}
    assert harmless(given) == {"Accept": "a", "Content-Type": "b"}


@pytest.mark.parametrize(
    ("value", "pause_s"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("0", 1.0),
        ("17", 17.0),
        (" 17 ", 17.0),
        ("99999999999", 3600.0),
        ("9" * 400, None),
        ("Thu, 01 Jan 2026 12:01:30 GMT", 90.0),
        ("Thu, 01 Jan 2026 12:01:30 -0000", 90.0),
        ("Thu, 01 Jan 2026 11:00:00 GMT", 1.0),
        ("Fri, 02 Jan 2026 12:00:00 GMT", 3600.0),
    ],
)
def test_retry_after(value: str | None, pause_s: float | None) -> None:
    assert retry_after_s(value, NOW) == pause_s


@given(st.text(max_size=64))
def test_retry_after_survives_anything(value: str) -> None:
    pause_s = retry_after_s(value, NOW)
    assert pause_s is None or 1.0 <= pause_s <= 3600.0
