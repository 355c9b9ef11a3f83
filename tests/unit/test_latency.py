"""How long things took, counted in buckets: what is read from them is as near the truth as they say."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskflow_hub.domain.latency import ERROR, LEAST_S, Histogram

SECONDS = st.floats(min_value=0.0, max_value=1e8)
SHARES = st.sampled_from([0.01, 0.5, 0.9, 0.95, 0.99, 1.0])


def nearest_rank(values: list[float], share: float) -> float:
    return sorted(values)[math.ceil(share * len(values)) - 1]


@given(st.lists(SECONDS, min_size=1, max_size=200), SHARES)
def test_a_percentile_is_within_the_error(values: list[float], share: float) -> None:
    found, true = Histogram.of(values).percentile(share), nearest_rank(values, share)
    assert found is not None
    assert abs(found - true) <= max(ERROR * true * (1 + 1e-9), LEAST_S / 2)


def test_the_error_is_what_the_documentation_says() -> None:
    assert round(ERROR, 3) == 0.091


@given(st.lists(st.lists(SECONDS, max_size=30), max_size=5))
def test_what_is_merged_is_as_if_counted_together(several: list[list[float]]) -> None:
    together = Histogram.of([value for some in several for value in some])
    assert Histogram.merged(map(Histogram.of, several)) == together


@given(st.lists(SECONDS, min_size=1, max_size=30), st.integers(1, 1_000), SHARES)
def test_to_stand_for_many_changes_no_percentile(values: list[float], times: int, share: float) -> None:
    assert Histogram.of(values, times=times).percentile(share) == Histogram.of(values).percentile(share)


def test_each_counts_for_as_many_as_it_stands_for() -> None:
    few, many = Histogram.of([1.0] * 10), Histogram.of([100.0], times=30)
    median = Histogram.merged([few, many]).percentile(0.5)
    assert median == pytest.approx(100.0, rel=ERROR)


def test_there_is_no_percentile_of_nothing() -> None:
    assert Histogram().percentile(0.5) is None
    assert Histogram.merged([]).percentile(0.95) is None


def test_it_stays_small() -> None:
    """From a millisecond to ten years, whatever is counted."""
    seconds = [LEAST_S * 1.001**n for n in range(26_500)]
    assert max(seconds) > 10 * 365 * 86_400
    assert len(Histogram.of(seconds).counts) < 150
