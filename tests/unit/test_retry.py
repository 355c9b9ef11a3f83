"""Pauses between attempts: within bounds, growing as told, evenly drawn."""

import math
from itertools import pairwise

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from taskflow_hub.domain.retry import MAX_DELAY_S, RetryKind, RetryPolicy, pause_s

policies = st.builds(
    RetryPolicy,
    kind=st.sampled_from(RetryKind),
    base=st.floats(0, MAX_DELAY_S),
    factor=st.floats(1, 100),
    max=st.floats(0, MAX_DELAY_S),
    jitter=st.booleans(),
)
counts = st.one_of(st.integers(0, 100), st.integers(0, 10**18))
chances = st.floats(0, 1, exclude_max=True)


def never() -> float:
    raise AssertionError("without jitter nothing is left to chance")


def without_jitter(policy: RetryPolicy) -> RetryPolicy:
    return msgspec.structs.replace(policy, jitter=False)


@given(policies, counts, chances)
@example(RetryPolicy(factor=100.0), 10**18, 0.5)
def test_a_pause_is_never_negative_and_never_beyond_the_cap(
    policy: RetryPolicy, count: int, chance: float
) -> None:
    pause = pause_s(policy, count, lambda: chance)
    assert math.isfinite(pause)
    assert 0 <= pause <= policy.max


@given(policies, st.integers(0, 2000))
def test_without_jitter_pauses_never_shrink(policy: RetryPolicy, count: int) -> None:
    steady = without_jitter(policy)
    assert pause_s(steady, count, never) <= pause_s(steady, count + 1, never)


@given(policies, counts, chances)
def test_full_jitter_draws_evenly_between_nothing_and_the_steady_pause(
    policy: RetryPolicy, count: int, chance: float
) -> None:
    ceiling = pause_s(without_jitter(policy), count, never)
    drawn = pause_s(msgspec.structs.replace(policy, jitter=True), count, lambda: chance)
    assert drawn == ceiling * chance


@given(policies.filter(lambda policy: policy.kind is RetryKind.FIXED), counts)
def test_a_fixed_pause_does_not_depend_on_the_count(policy: RetryPolicy, count: int) -> None:
    assert pause_s(without_jitter(policy), count, never) == min(policy.base, policy.max)


def test_an_exponential_pause_doubles_until_the_cap() -> None:
    policy = RetryPolicy(base=1.0, factor=2.0, max=20.0, jitter=False)
    pauses = [pause_s(policy, count, never) for count in range(7)]
    assert pauses == [1.0, 2.0, 4.0, 8.0, 16.0, 20.0, 20.0]


def test_a_factor_of_one_keeps_the_base() -> None:
    policy = RetryPolicy(base=7.0, factor=1.0, jitter=False)
    assert {pause_s(policy, count, never) for count in (0, 1, 50, 10**9)} == {7.0}


@pytest.mark.parametrize("count", [0, 10, 1024, 100_000])
def test_a_base_of_zero_means_at_once_however_often(count: int) -> None:
    assert pause_s(RetryPolicy(base=0.0, jitter=False), count, never) == 0.0


def test_pauses_grow_through_the_point_where_floats_end() -> None:
    policy = RetryPolicy(base=1e-9, factor=2.0, max=MAX_DELAY_S, jitter=False)
    pauses = [pause_s(policy, count, never) for count in range(0, 3000, 50)]
    assert all(earlier <= later for earlier, later in pairwise(pauses)), pauses
    assert pauses[-1] == MAX_DELAY_S


def test_the_default_is_what_the_documentation_says() -> None:
    assert msgspec.to_builtins(RetryPolicy()) == {
        "kind": "exponential",
        "base": 1.0,
        "factor": 2.0,
        "max": 300.0,
        "jitter": True,
    }


@pytest.mark.parametrize(
    ("policy", "at"),
    [
        ('{"kind": "linear"}', "$.kind"),
        ('{"base": -1}', "$.base"),
        ('{"base": 2592001}', "$.base"),
        ('{"factor": 0.5}', "$.factor"),
        ('{"factor": 101}', "$.factor"),
        ('{"max": -0.1}', "$.max"),
        ('{"max": 1e300}', "$.max"),
        ('{"jitter": 1}', "$.jitter"),
        ('{"maximum": 1}', "maximum"),
    ],
)
def test_a_policy_out_of_bounds_is_refused(policy: str, at: str) -> None:
    with pytest.raises(msgspec.ValidationError) as refused:
        msgspec.json.decode(policy, type=RetryPolicy)
    assert at in str(refused.value)
