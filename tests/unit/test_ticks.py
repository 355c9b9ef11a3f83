"""Periods, beginnings, ends, and how many ticks lie in a time."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.schedules import moments

from taskflow_hub.domain.ticks import KEPT, Timing, period_s

T0 = datetime(2026, 11, 30, 10, 0, 0, 250_000, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def timing(**given: object) -> Timing:
    return Timing(**({"cron": None, "every_s": None, "tz": "UTC", "created_at": T0} | given))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        (1, 1),
        (90, 90),
        (1.5, 1.5),
        ("90s", 90),
        ("5m", 300),
        ("1h30m", 5400),
        ("1d", 86_400),
        ("1.5h", 5400),
        ("5", 5),
        ("2d3h4m5s", 183_845),
    ],
)
def test_periods_in_words(said: float | str, seconds: float) -> None:
    assert period_s(said) == seconds


@pytest.mark.parametrize(
    "said",
    [0, 0.9, -5, float("inf"), float("nan"), "", "m", "5 m", "30m1h", "0s", "900ms", "9999999d", "5x"],
)
def test_no_periods(said: float | str) -> None:
    with pytest.raises(ValueError, match="must be 1 second to 366 days"):
        period_s(said)


def test_a_period_is_counted_from_the_second_of_creation_and_begins_after_it() -> None:
    every = timing(every_s=60.0)
    assert every.next_after(T0) == datetime(2026, 11, 30, 10, 1, tzinfo=UTC)
    assert every.next_after(T0 - timedelta(days=1)) == datetime(2026, 11, 30, 10, 1, tzinfo=UTC)


def test_a_period_with_a_beginning_begins_there() -> None:
    begin = datetime(2026, 12, 24, 18, 0, 0, 1, tzinfo=UTC)
    every = timing(every_s=60.0, starts_at=begin)
    assert every.next_after(T0) == begin
    assert every.next_after(begin) == begin + timedelta(minutes=1)


def test_an_expression_has_its_first_tick_at_its_beginning_and_its_last_before_its_end() -> None:
    day = datetime(2026, 12, 1, tzinfo=UTC)
    daily = timing(cron="0 0 * * *", starts_at=day, ends_at=day + timedelta(days=2))
    assert list(daily.within(T0, day + timedelta(days=9))) == [day, day + timedelta(days=1)]
    assert daily.count(T0, day + timedelta(days=9)) == 2
    assert daily.next_after(day + timedelta(days=1)) is None


SAYINGS = st.sampled_from(
    [
        {"cron": "* * * * * *"},
        {"cron": "*/7 3-5 * * *"},
        {"cron": "0 9 * * *"},
        {"every_s": 1.0},
        {"every_s": 12.5},
    ]
)


@given(
    said=SAYINGS,
    tz=st.sampled_from(["UTC", "Europe/Amsterdam", "Australia/Lord_Howe"]),
    after=moments("2026-03-28", "2026-03-30"),
    span=st.timedeltas(timedelta(0), timedelta(hours=6)),
    most=st.integers(1, KEPT + 1),
    starts=st.none() | moments("2026-03-27", "2026-03-30"),
)
@settings(max_examples=100, deadline=None)
def test_the_newest_are_the_last_of_all(
    said: dict[str, object], tz: str, after: datetime, span: timedelta, most: int, starts: datetime | None
) -> None:
    here = timing(**said, tz=tz, starts_at=starts, created_at=datetime(2026, 1, 1, tzinfo=UTC))
    everything = list(here.within(after, after + span))
    assert here.count(after, after + span) == len(everything)
    assert here.newest(after, after + span, most) == tuple(everything[-most:])
    if everything:
        due = here.due(everything[0], after + span)
        assert (due.total, due.newest) == (len(everything), tuple(everything[-KEPT - 1 :]))


@pytest.mark.parametrize("said", [{"cron": "* * * * * *"}, {"every_s": 1.0}])
def test_years_of_seconds_are_counted_at_once(said: dict[str, object]) -> None:
    here = timing(**said, tz="Europe/Amsterdam")
    due = here.due(T0.replace(microsecond=0) + SECOND, T0 + timedelta(days=3660))
    assert due.total == 3660 * 86_400
    assert due.newest[-1] == (T0 + timedelta(days=3660)).replace(microsecond=0)
    assert len(due.newest) == KEPT + 1


def test_it_ends_with_the_calendar() -> None:
    far = datetime(9998, 12, 31, 23, 59, 30, tzinfo=UTC)
    assert timing(every_s=60.0).next_after(far) is None
    assert timing(cron="* * * * *").next_after(far) is None
