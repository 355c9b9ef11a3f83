import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_queue.backoff import BASE_S, JITTER_S, MAX_S, pause_s

CHANCES = st.floats(min_value=0, max_value=1, exclude_max=True)


@given(failed=st.integers(-(10**30), 10**30), chance=CHANCES)
def test_a_pause_is_never_below_zero_nor_beyond_the_longest_with_its_jitter(
    failed: int, chance: float
) -> None:
    assert 0 <= pause_s(failed, lambda: chance) <= MAX_S + JITTER_S / 2


@given(failed=st.integers(1, 200), chance=CHANCES)
def test_a_pause_is_the_formulas(failed: int, chance: float) -> None:
    middle = min(0.05 * 2 ** (failed - 1), 5.0)
    assert pause_s(failed, lambda: chance) == pytest.approx(middle + (chance - 0.5) * 0.05)


@pytest.mark.parametrize(
    ("failed", "expected"),
    [(1, 0.05), (2, 0.1), (3, 0.2), (7, 3.2), (8, 5.0), (11, 5.0), (0, 0.05), (-1, 0.05)],
)
def test_without_jitter(failed: int, expected: float) -> None:
    assert pause_s(failed, lambda: 0.5) == pytest.approx(expected)


@given(failed=st.integers(1, 50))
def test_pauses_grow_until_they_are_longest(failed: int) -> None:
    before, after = pause_s(failed, lambda: 0.5), pause_s(failed + 1, lambda: 0.5)
    assert after == MAX_S or after == pytest.approx(2 * before)


def test_chance_differs() -> None:
    pauses = [pause_s(1) for _ in range(1000)]
    assert all(BASE_S - JITTER_S / 2 <= pause < BASE_S + JITTER_S / 2 for pause in pauses)
    assert len(set(pauses)) > 900
