"""What becomes of an attempt that did not simply succeed."""

import math
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw
from msgspec.structs import replace

from taskflow_hub.domain import moves
from taskflow_hub.domain.decide import (
    MAX_CRASHES,
    MAX_TRANSITS,
    on_failure,
    on_snooze,
    on_undelivered,
    on_worker_death,
)
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.limits import ALONE_FROM
from taskflow_hub.domain.messages import Failed, How, Snoozed
from taskflow_hub.domain.model import AttemptOutcome, OnLost, Reason, Task, TaskError
from taskflow_hub.domain.retry import MAX_DELAY_S, RetryPolicy
from taskflow_hub.domain.submission import EARLIEST, LATEST, TEN_YEARS_S

ERROR = TaskError("ValueError", "no such page", "Traceback …")
TASK = Task(
    id="t",
    type="web.title",
    queue="default",
    priority=5,
    status=State.RUNNING,
    rev=3,
    payload=Raw(b"{}"),
    attempt=4,
    retry_count=0,
    max_retries=3,
    retry=RetryPolicy(base=10.0, factor=2.0, max=300.0, jitter=True),
    created_at=datetime(2030, 1, 1, tzinfo=UTC),
)
FAILED = Failed(worker="w", n=1, id="t", attempt=4, ran_s=1.5, how=How.RAISED, error=ERROR)
SNOOZED = Snoozed(worker="w", n=1, id="t", attempt=4, ran_s=1.5)


def half() -> float:
    return 0.5


def never() -> float:
    raise AssertionError("the policy was asked although the handler had said when")


# --- a failure ---------------------------------------------------------------------------------------------------


def test_a_failure_is_retried_after_the_pause_of_the_policy() -> None:
    assert on_failure(FAILED, replace(TASK, retry_count=2), half) == moves.Retry(
        id="t", attempt=4, ran_s=1.5, delay_s=20.0, error=ERROR, outcome=AttemptOutcome.FAILED
    )


def test_the_last_failure_ends_the_task() -> None:
    assert on_failure(FAILED, replace(TASK, retry_count=3), never) == moves.Fail(
        id="t", attempt=4, ran_s=1.5, reason=Reason.HANDLER, error=ERROR, outcome=AttemptOutcome.FAILED
    )


def test_without_retries_the_first_failure_ends_the_task() -> None:
    assert isinstance(on_failure(FAILED, replace(TASK, max_retries=0), never), moves.Fail)


def test_with_max_retries_none_there_is_always_another() -> None:
    endless = replace(TASK, max_retries=None, retry_count=10**9)
    assert isinstance(on_failure(FAILED, endless, half), moves.Retry)


@pytest.mark.parametrize("max_retries", [100, None])
def test_a_handler_that_says_fail_is_never_retried(max_retries: int | None) -> None:
    report = replace(FAILED, how=How.FAIL, after=1.0)
    decided = on_failure(report, replace(TASK, max_retries=max_retries), never)
    assert isinstance(decided, moves.Fail)
    assert decided.reason is Reason.HANDLER


def test_a_timeout_is_retried_like_any_failure_and_keeps_its_name() -> None:
    report = replace(FAILED, how=How.TIMEOUT)
    retried = on_failure(report, TASK, half)
    assert isinstance(retried, moves.Retry)
    assert retried.outcome is AttemptOutcome.TIMEOUT
    ended = on_failure(report, replace(TASK, retry_count=3), half)
    assert isinstance(ended, moves.Fail)
    assert (ended.reason, ended.outcome) == (Reason.TIMEOUT, AttemptOutcome.TIMEOUT)


def test_the_handlers_own_after_beats_the_policy() -> None:
    decided = on_failure(replace(FAILED, how=How.RETRY, after=77.0), TASK, never)
    assert isinstance(decided, moves.Retry)
    assert decided.delay_s == 77.0


def test_an_after_of_zero_means_at_once() -> None:
    decided = on_failure(replace(FAILED, how=How.RETRY, after=0.0), TASK, never)
    assert isinstance(decided, moves.Retry)
    assert decided.delay_s == 0.0


def test_a_retry_that_the_handler_asks_for_counts_like_any_other() -> None:
    report = replace(FAILED, how=How.RETRY, after=1.0)
    assert isinstance(on_failure(report, replace(TASK, retry_count=3), never), moves.Fail)


@given(st.floats())
def test_whatever_a_handler_asks_for_the_pause_is_finite_and_at_most_thirty_days(after: float) -> None:
    decided = on_failure(replace(FAILED, after=after), TASK, never)
    assert isinstance(decided, moves.Retry)
    assert math.isfinite(decided.delay_s)
    assert 0 <= decided.delay_s <= MAX_DELAY_S


# --- a snooze ----------------------------------------------------------------------------------------------------


def test_a_snooze_takes_the_seconds_as_they_are() -> None:
    assert on_snooze(replace(SNOOZED, seconds=90.0)) == moves.Snooze(
        id="t", attempt=4, ran_s=1.5, delay_s=90.0
    )


def test_a_snooze_until_a_moment_takes_the_moment() -> None:
    moment = datetime(2031, 5, 1, tzinfo=UTC)
    assert on_snooze(replace(SNOOZED, until=moment)) == moves.Snooze(
        id="t", attempt=4, ran_s=1.5, until=moment
    )


def test_a_snooze_that_says_both_or_nothing_still_sets_exactly_one() -> None:
    both = on_snooze(replace(SNOOZED, seconds=5.0, until=EARLIEST))
    assert (both.delay_s, both.until) == (None, EARLIEST)
    nothing = on_snooze(SNOOZED)
    assert (nothing.delay_s, nothing.until) == (0.0, None)


@given(st.floats())
def test_a_snooze_is_never_longer_than_ten_years(seconds: float) -> None:
    delay_s = on_snooze(replace(SNOOZED, seconds=seconds)).delay_s
    assert delay_s is not None
    assert 0 <= delay_s <= TEN_YEARS_S


@given(st.datetimes(), st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes))))
def test_a_snooze_never_names_a_moment_that_utc_cannot_show(moment: datetime, zone: timezone) -> None:
    until = on_snooze(replace(SNOOZED, until=moment.replace(tzinfo=zone))).until
    assert until is not None
    assert EARLIEST <= until.astimezone(UTC) <= LATEST


# --- a dead worker -----------------------------------------------------------------------------------------------


def death(
    crashes: int = 0, *, waiting: bool = False, on_lost: OnLost = OnLost.RETRY
) -> moves.Lose | moves.Fail:
    return on_worker_death(
        id="t",
        attempt=4,
        worker="w9",
        crashes=crashes,
        waiting=waiting,
        on_lost=on_lost,
        beside=["other-1", "other-2"],
    )


@pytest.mark.parametrize("crashes", range(MAX_CRASHES))
def test_up_to_three_dead_workers_the_task_goes_back_and_counts_a_crash(crashes: int) -> None:
    decided = death(crashes)
    assert isinstance(decided, moves.Lose)
    assert decided.crashed
    assert (decided.worker, decided.outcome) == ("w9", AttemptOutcome.LOST)
    assert decided.error is not None
    assert "w9" in decided.error.message


def test_more_than_three_dead_workers_make_poison_that_names_the_worker_and_its_neighbours() -> None:
    decided = death(MAX_CRASHES)
    assert isinstance(decided, moves.Fail)
    assert (decided.reason, decided.outcome, decided.crashed) == (Reason.POISON, AttemptOutcome.LOST, True)
    for named in ("4 workers", "w9", "other-1", "other-2"):
        assert named in decided.error.message


def test_poison_without_neighbours_says_so() -> None:
    decided = on_worker_death(id="t", attempt=4, worker="w", crashes=3, waiting=False, on_lost=OnLost.RETRY)
    assert isinstance(decided, moves.Fail)
    assert "beside no other task" in decided.error.message


def test_a_task_is_leased_alone_before_it_becomes_poison() -> None:
    assert ALONE_FROM < MAX_CRASHES


def test_a_type_that_says_on_lost_fail_ends_at_the_first_dead_worker() -> None:
    decided = death(0, on_lost=OnLost.FAIL)
    assert isinstance(decided, moves.Fail)
    assert (decided.reason, decided.crashed) == (Reason.LOST, True)
    assert "on_lost=fail" in decided.error.message


@pytest.mark.parametrize("on_lost", OnLost)
@pytest.mark.parametrize("crashes", [0, 3, 100])
def test_an_attempt_that_was_only_waiting_costs_nothing(crashes: int, on_lost: OnLost) -> None:
    decided = death(crashes, waiting=True, on_lost=on_lost)
    assert isinstance(decided, moves.Lose)
    assert not decided.crashed


# --- lost on the way ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("transits", range(MAX_TRANSITS))
def test_up_to_ten_losses_in_transit_cost_nothing(transits: int) -> None:
    decided = on_undelivered("t", 4, "w9", transits)
    assert isinstance(decided, moves.Lose)
    assert (decided.outcome, decided.crashed) == (AttemptOutcome.UNDELIVERED, False)


def test_more_than_ten_losses_in_transit_make_it_undeliverable() -> None:
    decided = on_undelivered("t", 4, "w9", MAX_TRANSITS)
    assert isinstance(decided, moves.Fail)
    assert (decided.reason, decided.crashed) == (Reason.UNDELIVERABLE, False)
    assert "w9" in decided.error.message
    assert "11th" in decided.error.message
