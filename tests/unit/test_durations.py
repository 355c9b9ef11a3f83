"""How durations are written, and what is none."""

import math
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskflow_hub.domain.durations import UNITS, seconds_of
from taskflow_hub.domain.submission import TEN_YEARS_S


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("90s", 90),
        ("5m", 300),
        ("1h30m", 5_400),
        ("2d", 172_800),
        ("1d2h3m4s", 93_784),
        ("250ms", 0.25),
        ("1s500ms", 1.5),
        ("0.5h", 1_800),
        ("1800", 1_800),
        ("0", 0),
        (0, 0),
        (1_800, 1_800),
        (0.25, 0.25),
        (timedelta(hours=2), 7_200),
        (timedelta(), 0),
    ],
)
def test_every_way_to_write_one(written: str | float | timedelta, seconds: float) -> None:
    assert seconds_of(written) == seconds


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        " ",
        "soon",
        "5 m",
        "5M",
        "m5",
        "30m1h",
        "1h1h",
        "-5m",
        "1e3",
        "٣m",
        "5m\n",
        ".5s",
        -1,
        -0.001,
        math.nan,
        math.inf,
        10**400,
        "999999999999d",
        timedelta(seconds=-1),
        timedelta(days=5_000),
        True,
        None,
        [],
    ],
)
def test_what_is_none_is_refused_in_words(wrong: object) -> None:
    with pytest.raises(ValueError, match="duration"):
        seconds_of(wrong)  # type: ignore[arg-type]


@given(st.integers(0, 99), st.integers(0, 23), st.integers(0, 59), st.integers(0, 59))
def test_the_parts_add_up(days: int, hours: int, minutes: int, seconds: int) -> None:
    written = f"{days}d{hours}h{minutes}m{seconds}s"
    assert (
        seconds_of(written)
        == timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds).total_seconds()
    )


@given(st.text(max_size=20))
def test_no_text_does_anything_but_be_read_or_refused(text: str) -> None:
    try:
        seconds = seconds_of(text)
    except ValueError:
        return
    assert 0 <= seconds <= TEN_YEARS_S
    assert any(text.endswith(unit) for unit in UNITS) or text.replace(".", "").isdigit()
