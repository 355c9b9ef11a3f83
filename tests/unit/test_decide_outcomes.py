"""What a handler may answer instead of a value."""

from datetime import UTC, datetime

import pytest

from taskflow_hub.domain.outcomes import Fail, Retry, Snooze

SOON = datetime(2030, 1, 1, tzinfo=UTC)


def test_a_snooze_is_given_seconds_or_a_moment() -> None:
    assert Snooze(seconds=5.0).until is None
    assert Snooze(until=SOON).seconds is None


@pytest.mark.parametrize("fields", [{}, {"seconds": 5.0, "until": SOON}])
def test_a_snooze_with_both_or_neither_is_a_mistake(fields: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="either seconds or until"):
        Snooze(**fields)  # type: ignore[arg-type]


def test_a_snooze_until_a_moment_needs_its_zone() -> None:
    with pytest.raises(ValueError, match="time zone"):
        Snooze(until=SOON.replace(tzinfo=None))


def test_a_retry_leaves_the_pause_to_the_policy_unless_told() -> None:
    assert Retry().after is None
    assert Retry(after=0.0).after == 0.0


def test_answers_are_values() -> None:
    assert Fail("no such card") == Fail("no such card")
    assert len({Retry(), Retry(), Snooze(seconds=1.0)}) == 2
