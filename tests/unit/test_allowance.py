"""What accounts with quotas may still submit."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskflow_hub.domain.errors import QuotaExceeded
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.store.allowance import Allowance, Counted, day_of, minute_of
from taskflow_hub.store.births import Birth
from taskflow_hub.store.values import Submit
from taskflow_hub.testing.store_contract.kit import new_task

NOW = datetime(2030, 1, 31, 23, 58, 30, 500_000, UTC)


def counted(**numbers: Any) -> Counted:
    return Counted(**{"account_id": "a", "per_minute": None, "per_day": None, "queued": None, **numbers})


def birth(request: Submit, index: int) -> Birth:
    new = request.tasks[index]
    status = State.BLOCKED if new.blocked else State.SCHEDULED if new.delay_s else State.QUEUED
    return Birth(new, "default", status, "{}", None, False)


def submit(allowance: Allowance, request: Submit) -> QuotaExceeded | None:
    """As a store does."""
    mark = allowance.mark()
    try:
        for index in range(len(request.tasks)):
            allowance.take(request, index, birth(request, index))
    except QuotaExceeded as error:
        allowance.undo(mark)
        return error
    return None


def many(count: int, **fields: Any) -> Submit:
    return Submit(tuple([new_task(**{"account_id": "a", **fields}) for _ in range(count)]))


def test_without_quotas_nothing_is_kept() -> None:
    allowance = Allowance((), NOW)
    assert not allowance
    assert submit(allowance, many(1_000)) is None
    assert allowance.spent() == []


def test_an_account_with_nothing_but_a_bound_on_what_waits_is_not_counted_by_the_clock() -> None:
    allowance = Allowance([counted(queued=5)], NOW)
    request = many(3)
    assert allowance.uncounted(birth(request, 0)) == 6
    allowance.waiting["a"] = 2
    assert allowance.uncounted(birth(request, 0)) is None
    assert submit(allowance, request) is None
    assert submit(allowance, many(1)) is not None
    assert submit(allowance, many(1, account_id="b")) is None
    assert allowance.spent() == []


def test_windows_are_those_of_the_clock_in_utc() -> None:
    early = datetime(2030, 2, 1, 1, 30, 59, tzinfo=timezone(timedelta(hours=2)))
    assert minute_of(early) == datetime(2030, 1, 31, 23, 30, tzinfo=UTC)
    assert day_of(early) == datetime(2030, 1, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    ("later_s", "left"),
    [(0.0, (7, 8)), (29.499, (7, 8)), (29.5, (0, 8)), (89.499, (0, 8)), (89.5, (0, 0)), (-30.6, (0, 8))],
)
def test_what_was_used_in_another_window_is_no_more(later_s: float, left: tuple[int, int]) -> None:
    one = counted(per_minute=9, minute=minute_of(NOW), in_minute=7, day=day_of(NOW), in_day=8)
    assert one.at(NOW + timedelta(seconds=later_s)) == left


def test_a_refusal_says_what_how_many_and_how_long() -> None:
    allowance = Allowance([counted(per_minute=3, minute=minute_of(NOW), in_minute=1)], NOW)
    assert submit(allowance, many(1)) is None
    error = submit(allowance, many(4))
    assert error is not None
    assert error.detail == "Account 'a' may submit 3 tasks a minute, and has submitted 2 in this one."
    assert [(one.pointer, one.detail) for one in error.errors] == [
        (f"/tasks/{place}", "is beyond the quota per_minute") for place in (1, 2, 3)
    ]
    assert error.retry_after_s == 29.5
    assert allowance.spent() == [("a", minute_of(NOW), 2, day_of(NOW), 1)]


def test_tasks_of_other_accounts_are_not_named() -> None:
    allowance = Allowance([counted(per_day=1)], NOW)
    mixed = Submit((*many(1).tasks, *many(1, account_id="b").tasks, *many(1).tasks))
    error = submit(allowance, mixed)
    assert error is not None
    assert [one.pointer for one in error.errors] == ["/tasks/2"]


def test_what_is_blocked_is_submitted_but_does_not_wait() -> None:
    allowance = Allowance([counted(per_minute=9, queued=1)], NOW)
    allowance.waiting["a"] = 0
    assert submit(allowance, many(3, blocked=True)) is None
    assert submit(allowance, many(1)) is None
    error = submit(allowance, Submit((*many(1).tasks, *many(1, blocked=True).tasks, *many(1).tasks)))
    assert error is not None
    assert [one.pointer for one in error.errors] == ["/tasks/0", "/tasks/2"]
    assert allowance.spent()[0][2] == 4


numbers = st.none() | st.integers(0, 12)


@given(
    per_minute=numbers,
    per_day=numbers,
    queued=numbers,
    in_minute=st.integers(0, 12),
    in_day=st.integers(0, 12),
    waiting=st.integers(0, 12),
    sizes=st.lists(st.tuples(st.integers(1, 6), st.booleans(), st.booleans()), max_size=8),
)
def test_never_more_and_never_less_than_what_is_left(
    per_minute: int | None,
    per_day: int | None,
    queued: int | None,
    in_minute: int,
    in_day: int,
    waiting: int,
    sizes: list[tuple[int, bool, bool]],
) -> None:
    """A Submit is let through if and only if all of it fits, whatever was refused before it."""
    one = counted(
        per_minute=per_minute,
        per_day=per_day,
        queued=queued,
        minute=minute_of(NOW),
        in_minute=in_minute,
        day=day_of(NOW),
        in_day=in_day,
    )
    allowance = Allowance([one], NOW)
    if queued is not None:
        allowance.waiting["a"] = min(waiting, queued + 1)  # as a store counts
    made = waits = 0
    for count, blocked, replaces in sizes:
        request = many(count, blocked=blocked)
        fits = (
            (per_minute is None or in_minute + made + count <= per_minute)
            and (per_day is None or in_day + made + count <= per_day)
            and (queued is None or blocked or waiting + waits + count - replaces <= queued)
        )
        # One that makes way leaves its room only to what takes it: an account that is beyond its quota stays there.
        mark = allowance.mark()
        leaves = replaces and not blocked and waiting + waits > 0
        if leaves:
            allowance.leave("a")
        elif replaces and not blocked:
            fits = fits and (queued is None or waiting + waits + count <= queued)
        error = None
        try:
            for index in range(count):
                allowance.take(request, index, birth(request, index))
        except QuotaExceeded as refused:
            error = refused
            allowance.undo(mark)
        assert (error is None) == fits
        if error is None:
            made += count
            waits += (0 if blocked else count) - leaves
    expected = [("a", minute_of(NOW), in_minute + made, day_of(NOW), in_day + made)]
    assert allowance.spent() == (expected if made and (per_minute is not None or per_day is not None) else [])
