"""Which worker settings are refused, and what follows from them."""

from typing import Any

import pytest
from pydantic import ValidationError

from taskflow_hub.worker.settings import WorkerSettings


@pytest.mark.parametrize(
    "wrong",
    [
        {"slots": 0},
        {"slots": 10_001},
        {"grace": -1},
        {"window": -1},
        {"window": 10_001},
        {"heartbeat_s": 0},
        {"self_stop_s": 10},
        {"heartbeat_s": 25},
        {"process_max_tasks": 0},
        {"queues": ("A",)},
        {"unknown": 1},
    ],
)
def test_a_wrong_setting_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        WorkerSettings(**wrong)


def test_every_setting_is_described() -> None:
    assert all(field.description for field in WorkerSettings.model_fields.values())


@pytest.mark.parametrize(("slots", "beyond"), [(1, 1), (9, 1), (20, 2), (10_000, 1000)])
def test_the_window_is_a_tenth_of_the_slots(slots: int, beyond: int) -> None:
    assert WorkerSettings(slots=slots).beyond_slots == beyond


@pytest.mark.parametrize("window", [0, 1, 100])
def test_the_window_can_be_set(window: int) -> None:
    assert WorkerSettings(slots=20, window=window).beyond_slots == window
