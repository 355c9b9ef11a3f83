"""A stretch of the past, cut into steps."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskflow_hub.domain.trends import STEPS_S, Range, Window, by_step, step_of

NOON = datetime(2030, 1, 1, 12, 34, 56, 789, tzinfo=UTC)
MOMENTS = st.datetimes(datetime(1971, 1, 1), datetime(9000, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 (in UTC)
LONG = {Range.HOUR: timedelta(hours=1), Range.DAY: timedelta(hours=24), Range.WEEK: timedelta(days=7)}


@given(MOMENTS, st.sampled_from(Range))
def test_a_window_ends_with_the_present_step(now: datetime, within: Range) -> None:
    window = Window.of(within, now)
    steps = window.steps()
    assert len(steps) == window.count
    assert steps[0] == window.start
    assert steps[-1] <= now < window.end == steps[-1] + timedelta(seconds=window.step_s)
    assert window.end - window.start == LONG[within]


@given(MOMENTS, st.sampled_from(STEPS_S))
def test_steps_begin_where_those_of_the_store_do(at: datetime, step_s: int) -> None:
    begins = step_of(at, step_s)
    assert timedelta() <= at - begins < timedelta(seconds=step_s)
    assert (begins - datetime(1970, 1, 1, tzinfo=UTC)) % timedelta(seconds=step_s) == timedelta()


@given(st.lists(st.integers(-10, 100)))
def test_everything_within_lies_in_one_step(minutes: list[int]) -> None:
    window = Window.of(Range.HOUR, NOON)
    found = [(window.start + timedelta(minutes=minute, seconds=minute % 60), minute) for minute in minutes]
    steps = by_step(window, found)
    assert list(steps) == window.steps(), "each has its list, if need be an empty one"
    for at, some in steps.items():
        assert some == [value for when, value in found if step_of(when, 60) == at]
    assert sum(map(len, steps.values())) == sum(0 <= minute < 60 for minute in minutes)


def test_each_length_is_a_multiple_of_the_one_before() -> None:
    """So that a minute lies in one step, however long that is."""
    assert [b % a for a, b in pairwise(STEPS_S)] == [0, 0]


@pytest.mark.parametrize("within", Range)
def test_a_point_stays_where_it_is_from_one_look_to_the_next(within: Range) -> None:
    first, second = Window.of(within, NOON), Window.of(within, NOON + timedelta(seconds=7199))
    assert len({*first.steps()} & {*second.steps()}) >= first.count - 7200 // first.step_s
