"""How many workers are suggested."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskflow_hub.domain.scaling import suggested_workers


@pytest.mark.parametrize(
    ("queued", "held", "running", "slots", "wanted"),
    [
        (0, {}, 0, [], 0),
        (1, {}, 0, [], 1),
        (20, {}, 0, [], 1),
        (21, {}, 0, [], 2),
        (50, {}, 50, [50, 50], 2),
        (51, {}, 50, [50, 50], 3),
        (10, {}, 0, [1, 10, 100], 1),
        (40, {"paused": 40}, 0, [10], 0),
        (40, {"limit:host": 30, "rate:host": 5}, 5, [10], 1),
        (40, {"no_worker": 40}, 0, [], 2),
    ],
)
def test_each_task_that_could_run_has_a_slot(
    queued: int, held: dict[str, int], running: int, slots: list[int], wanted: int
) -> None:
    assert suggested_workers(queued, held, running, slots) == wanted


@given(st.integers(0, 10**6), st.integers(0, 10**4), st.integers(1, 500))
def test_one_worker_less_would_be_too_few(queued: int, running: int, size: int) -> None:
    workers = suggested_workers(queued, {}, running, [size])
    assert workers * size >= queued + running > (workers - 1) * size or workers == 0 == queued + running
