"""What is told of grants says as much as the grants themselves, whenever it is told."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskflow_hub.domain.buckets import Charge, charged

times = st.lists(st.floats(0, 100), max_size=30).map(sorted)


def granted(full_at: float, at: list[float], one_s: float) -> float:
    """When a bucket is full that each of these takes one from."""
    for moment in at:
        full_at = max(full_at, moment) + one_s
    return full_at


def charge(at: list[float], one_s: float, now: float) -> Charge:
    return Charge(len(at) * one_s, granted(-math.inf, at, one_s) - now)


@given(full_at=st.floats(-100, 200), at=times, one_s=st.floats(0.001, 50), later_s=st.floats(0, 100))
def test_grants_told_together_later_count_as_if_each_had_been_told_at_once(
    full_at: float, at: list[float], one_s: float, later_s: float
) -> None:
    now = 100.0 + later_s
    told = now + charged(full_at - now, charge(at, one_s, now))
    assert told == pytest.approx(granted(full_at, at, one_s), abs=1e-6)


@given(full_at=st.floats(-100, 200), at=times, cut=st.integers(0, 30), one_s=st.floats(0.001, 50))
def test_so_do_they_when_they_are_told_in_parts(
    full_at: float, at: list[float], cut: int, one_s: float
) -> None:
    now = 100.0
    full_in_s = full_at - now
    for part in (at[:cut], at[cut:]):
        full_in_s = charged(full_in_s, charge(part, one_s, now))
    assert now + full_in_s == pytest.approx(granted(full_at, at, one_s), abs=1e-6)
