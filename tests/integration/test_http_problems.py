"""Every error has a status, a code and an explanation."""

import pytest

from taskflow_hub.domain import errors
from taskflow_hub.domain.errors import FieldError, TaskflowError, all_errors
from taskflow_hub.http import problems

OURS = [error for error in all_errors() if error.__module__ == errors.__name__]
MAY_BE_500 = {errors.TaskflowError, errors.Misconfigured}


@pytest.mark.parametrize("error", OURS, ids=lambda error: error.__name__)
def test_every_error_is_mapped_and_explained(error: type[TaskflowError]) -> None:
    status = problems.status_of(error)
    assert (status == 500) == (error in MAY_BE_500), (
        f"{error.__name__} has no status of its own: add it to STATUS"
    )
    assert error.code in problems.ADVICE, f"{error.code} is not explained in ADVICE"
    assert problems.explain(error.code).status == status


def test_every_advice_belongs_to_a_code() -> None:
    assert set(problems.ADVICE) == {error.code for error in OURS} | {code for code, _, _ in problems.OF_HTTP}


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.Undecodable, 400),
        (errors.Invalid, 422),
        (errors.IdempotencyMismatch, 422),
        (errors.TooLarge, 413),
        (errors.NotFound, 404),
        (errors.TaskGone, 410),
        (errors.UniqueConflict, 409),
        (errors.QueueFull, 429),
        (errors.QuotaExceeded, 429),
        (errors.Refused, 403),
        (errors.LeaseLost, 409),
        (errors.StoreFull, 503),
        (errors.ShuttingDown, 503),
    ],
)
def test_statuses(error: type[TaskflowError], status: int) -> None:
    assert problems.status_of(error) == status


def test_a_problem_carries_all_that_rfc_9457_and_our_clients_want() -> None:
    problem = problems.from_error(
        errors.Invalid("two things", errors=[FieldError("/a", "x"), FieldError("/b", "y")])
    )
    assert problem == problems.Problem(
        type="/problems/invalid",
        title="The request has invalid fields.",
        status=422,
        detail="two things",
        code="invalid",
        errors=(FieldError("/a", "x"), FieldError("/b", "y")),
    )


def test_a_fault_of_the_hub_tells_nothing_of_its_insides() -> None:
    assert "secret" not in problems.from_error(errors.Misconfigured("secret path")).detail


@pytest.mark.parametrize(
    ("error", "headers"),
    [
        (errors.QueueFull(retry_after_s=2.1), {"Retry-After": "3"}),
        (errors.QueueFull(retry_after_s=0.2), {"Retry-After": "1"}),
        (errors.StoreUnavailable(), {"Retry-After": "2"}),
        (errors.ShuttingDown(), {"Retry-After": "2", "Connection": "close"}),
        (errors.NotFound(), {}),
    ],
)
def test_what_may_be_tried_again_says_when(error: TaskflowError, headers: dict[str, str]) -> None:
    assert problems.headers(problems.from_error(error), error.retry_after_s) == headers
