"""What a handler's answer or exception means, and what is reported of it."""

import asyncio
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw
from pydantic.dataclasses import dataclass as pydantic_dataclass

from taskflow_hub.domain.errors import Invalid
from taskflow_hub.domain.messages import (
    Aborted,
    Assignment,
    Ending,
    Failed,
    How,
    Released,
    Snoozed,
    Succeeded,
)
from taskflow_hub.domain.model import TaskError
from taskflow_hub.domain.outcomes import Fail, Retry, Snooze
from taskflow_hub.worker.encoding import encode
from taskflow_hub.worker.held import HeldAttempt, Stopping
from taskflow_hub.worker.hidden import Hidden
from taskflow_hub.worker.outcome import (
    NOTHING,
    Obeyed,
    Outcome,
    Postponed,
    Raised,
    Returned,
    answered,
    raised,
)
from taskflow_hub.worker.registry import Registry
from taskflow_hub.worker.runner import ending, not_called, run_async, run_sync
from taskflow_hub.worker.text import MAX_MESSAGE, MAX_TRACEBACK, clean

WHEN = datetime(2026, 1, 1, tzinfo=UTC)


class Model(pydantic.BaseModel):
    path: Path
    n: int = pydantic.Field(serialization_alias="number")


@dataclass
class Plain:
    at: datetime
    id: UUID


@pydantic_dataclass
class Fancy:
    path: Path


class Unsayable:
    pass


class Broken(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


# --- results ---


@pytest.mark.parametrize(
    ("result", "text"),
    [
        (1, "1"),
        ("»", '"»"'),
        ([1, (2, {3})], "[1,[2,[3]]]"),
        ({"a": {"b": [True, None]}}, '{"a":{"b":[true,null]}}'),
        (Model(path=Path("/x"), n=1), '{"path":"/x","number":1}'),
        ({"m": [Model(path=Path("/x"), n=1)]}, '{"m":[{"path":"/x","number":1}]}'),
        (
            Plain(WHEN, UUID(int=0)),
            '{"at":"2026-01-01T00:00:00Z","id":"00000000-0000-0000-0000-000000000000"}',
        ),
        (Fancy(Path("/x")), '{"path":"/x"}'),
        (Path("/x"), '"/x"'),
        (Decimal("1.5"), '"1.5"'),
        (Raw(b'{"raw": 1}'), '{"raw": 1}'),
        (float("nan"), "null"),
    ],
)
def test_results_become_json(result: object, text: str) -> None:
    assert encode(result).decode() == text
    outcome = answered(result)
    assert isinstance(outcome, Returned)
    assert bytes(outcome.result).decode() == text


def test_no_result_is_null() -> None:
    assert answered(None) is NOTHING
    assert bytes(NOTHING.result) == b"null"


def nested() -> list[Any]:
    inner: list[Any] = []
    inner.append(inner)
    return inner


@pytest.mark.parametrize("result", [Unsayable(), {"a": [Unsayable()]}, "\ud800", nested(), {(1, 2): 3}])
def test_a_result_that_has_no_json_form_fails_for_good(result: object) -> None:
    outcome = answered(result)
    assert isinstance(outcome, Raised)
    assert outcome.how is How.FAIL
    assert outcome.error.type == "ResultNotEncodable"
    assert type(result).__name__ in outcome.error.message


# --- answers ---


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (Retry(5, "busy"), Raised(How.RETRY, TaskError("Retry", "busy"), 5)),
        (Retry(), Raised(How.RETRY, TaskError("Retry", "the handler asked to be tried again"), None)),
        (Snooze(60), Postponed(60, None)),
        (Snooze(until=WHEN), Postponed(None, WHEN)),
        (Fail("no such user"), Raised(How.FAIL, TaskError("Fail", "no such user"))),
    ],
)
def test_an_answer_says_what_to_do(answer: object, outcome: Outcome) -> None:
    assert answered(answer) == outcome


@pytest.mark.parametrize("bad", [-1, float("nan"), float("inf"), "soon", True])
@pytest.mark.parametrize("answer", [Retry, Snooze])
def test_an_answer_without_sense_is_a_failure(answer: Callable[[Any], object], bad: object) -> None:
    outcome = answered(answer(bad))
    assert isinstance(outcome, Raised)
    assert (outcome.how, outcome.error.type) == (How.RAISED, "InvalidAnswer")


# --- exceptions ---


def failing(depth: int = 1) -> None:
    if depth:
        failing(depth - 1)
    raise ValueError("bad\0 \ud800 value")


def caught(function: Callable[[], object]) -> TaskError:
    try:
        function()
    except BaseException as error:
        return raised(error).error
    raise AssertionError


def test_an_exception_is_told_with_its_traceback() -> None:
    error = caught(failing)
    assert (error.type, error.message) == ("ValueError", "bad\N{REPLACEMENT CHARACTER} ? value")
    assert error.traceback is not None
    assert error.traceback.startswith("Traceback (most recent call last):\n")
    assert error.traceback.count("in failing") == 2
    assert "failing(depth - 1)" in error.traceback


def test_a_cause_is_told_too() -> None:
    def outer() -> None:
        try:
            failing()
        except ValueError as error:
            raise KeyError("k") from error

    trace = caught(outer).traceback
    assert trace is not None
    assert "direct cause" in trace
    assert "in failing" in trace


def test_what_is_long_is_bounded() -> None:
    def wordy() -> None:
        raise ValueError("x" * 100_000 + "end")

    error = caught(wordy)
    assert len(error.message) == MAX_MESSAGE
    assert error.message.endswith("xend")
    assert "characters left out" in error.message
    assert error.traceback is not None
    assert len(error.traceback) == MAX_TRACEBACK
    assert error.traceback.startswith("Traceback")


def test_a_secret_across_the_cut_is_not_told_in_half() -> None:
    secret = "zqxwvkjpgfbmlhdcnrtsuoaiezqyxwvkgj"
    parts = [secret[at : at + 6] for at in range(len(secret) - 5)]
    for before in range(MAX_TRACEBACK // 4 - 1_000, MAX_TRACEBACK // 4, len(secret) // 2):
        try:
            raise ValueError("-" * before + secret + "-" * MAX_TRACEBACK)
        except ValueError as error:
            told = raised(error, Hidden([secret])).error
        assert told.traceback is not None
        assert len(told.traceback) == MAX_TRACEBACK
        assert not [part for part in parts if part in told.traceback + told.message]


def test_endless_recursion_is_told_shortly() -> None:
    def endless() -> None:
        endless()

    error = caught(endless)
    assert error.type == "RecursionError"
    assert error.traceback is not None
    assert len(error.traceback) <= MAX_TRACEBACK


def test_an_exception_that_cannot_speak_is_told_all_the_same() -> None:
    def broken() -> None:
        raise Broken

    error = caught(broken)
    assert error.type == "Broken"
    assert "RuntimeError" in error.message


@given(st.text(st.characters()), st.integers(40, 200))
def test_clean_text_can_be_stored_anywhere(text: str, limit: int) -> None:
    found = clean(text, limit)
    assert len(found) <= limit
    assert "\0" not in found
    found.encode()
    if len(text) <= limit and text.isprintable():
        assert found == text


# --- running ---


def held(function: Callable[..., Any], payload: bytes = b"{}", timeout: float | None = 30.0) -> HeldAttempt:
    handler = Registry().add("t", function)
    assignment = Assignment(
        id="a",
        attempt=2,
        type="t",
        queue="default",
        priority=5,
        payload=Raw(payload),
        timeout=timeout,
        retry_count=0,
        max_retries=3,
        created_at=WHEN,
    )
    return HeldAttempt(assignment, handler)


async def both(function: Callable[[], Any], stopping: Stopping | None = None) -> list[Outcome]:
    """The outcome of an async handler and of a plain one that do the same."""

    async def on_loop() -> Any:
        return function()

    pair = held(on_loop), held(function)
    for one in pair:
        one.stopping = stopping
    return [await run_async(pair[0]), run_sync(pair[1])]


async def test_a_handler_is_called_with_its_arguments() -> None:
    async def add(a: int, b: int = 2) -> int:
        return a + b

    assert await run_async(held(add, b'{"a": 1}')) == answered(3)

    def subtract(a: int, b: int = 2) -> int:
        return a - b

    assert run_sync(held(subtract, b'{"a": "1"}')) == answered(-1)


async def test_a_wrong_payload_is_a_failure_for_good() -> None:
    async def add(a: int) -> int:
        return a

    def subtract(a: int) -> int:
        return a

    for outcome in (await run_async(held(add, b'{"b": 1}')), run_sync(held(subtract, b'{"b": 1}'))):
        assert isinstance(outcome, Raised)
        assert (outcome.how, outcome.error.type) == (How.FAIL, "InvalidPayload")
        assert "/a: " in outcome.error.message
        assert "/b: " in outcome.error.message
        assert outcome.error.traceback is None


def test_a_validator_that_breaks_may_be_tried_again() -> None:
    def broken(value: object) -> int:
        raise KeyError(value)

    def add(a: int) -> int:
        return a

    add.__annotations__["a"] = Annotated[int, pydantic.BeforeValidator(broken)]
    outcome = run_sync(held(add, b'{"a": 1}'))
    assert isinstance(outcome, Raised)
    assert (outcome.how, outcome.error.type) == (How.RAISED, "KeyError")
    assert not_called(Invalid("x")).how is How.FAIL


async def test_an_invalid_that_the_handler_raised_is_not_its_payloads() -> None:
    def submits() -> None:
        raise Invalid.field("/queue", "no such queue")

    for outcome in await both(submits):
        assert isinstance(outcome, Raised)
        assert (outcome.how, outcome.error.type) == (How.RAISED, "Invalid")


async def test_a_handler_that_exits_fails() -> None:
    for outcome in await both(lambda: sys.exit(3)):
        assert isinstance(outcome, Raised)
        assert (outcome.how, outcome.error.type, outcome.error.message) == (How.RAISED, "SystemExit", "3")


async def test_a_handler_that_interrupts_fails() -> None:
    """A real Ctrl-C is a signal, and comes to the process by another way."""

    def interrupts() -> None:
        raise KeyboardInterrupt

    for outcome in await both(interrupts):
        assert isinstance(outcome, Raised)
        assert (outcome.how, outcome.error.type) == (How.RAISED, "KeyboardInterrupt")


async def test_our_own_frames_are_not_in_the_traceback() -> None:
    for outcome in await both(failing):
        assert isinstance(outcome, Raised)
        assert outcome.error.traceback is not None
        assert "taskflow_hub" not in outcome.error.traceback


async def test_a_cancelled_error_that_nobody_asked_for_is_a_failure() -> None:
    async def cancels() -> None:
        raise asyncio.CancelledError

    outcome = await run_async(held(cancels))
    assert isinstance(outcome, Raised)
    assert (outcome.how, outcome.error.type) == (How.RAISED, "CancelledError")
    asked = held(cancels)
    asked.stopping = Stopping.CANCELLED
    assert await run_async(asked) == Obeyed()


# --- reports ---

ERROR = TaskError("ValueError", "no")
RETURNED, RAISED = Returned(Raw(b"1")), Raised(How.RAISED, ERROR)
ASKED = Raised(How.RETRY, ERROR, 5.0)
STAMP: dict[str, Any] = {"worker": "w", "n": 7, "id": "a", "attempt": 2, "ran_s": 1.5}
TIMED_OUT = Failed(**STAMP, how=How.TIMEOUT, error=TaskError("TimeoutError", "ran longer than 30 s", "here"))


@pytest.mark.parametrize(
    ("stopping", "outcome", "report"),
    [
        (None, RETURNED, Succeeded(**STAMP, result=RETURNED.result)),
        (None, RAISED, Failed(**STAMP, how=How.RAISED, error=ERROR)),
        (None, ASKED, Failed(**STAMP, how=How.RETRY, error=ERROR, after=5.0)),
        (None, Postponed(60, None), Snoozed(**STAMP, seconds=60)),
        (None, Postponed(None, WHEN), Snoozed(**STAMP, until=WHEN)),
        # Asked to stop, it did; or it raised on the way out.
        (Stopping.CANCELLED, Obeyed(), Aborted(**STAMP)),
        (Stopping.CANCELLED, RAISED, Aborted(**STAMP)),
        (Stopping.RELEASED, Obeyed(), Released(**STAMP)),
        (Stopping.RELEASED, RAISED, Released(**STAMP)),
        # Asked to stop, but it was done, or knew better: its word counts.
        (Stopping.CANCELLED, RETURNED, Succeeded(**STAMP, result=RETURNED.result)),
        (Stopping.RELEASED, RETURNED, Succeeded(**STAMP, result=RETURNED.result)),
        (Stopping.RELEASED, ASKED, Failed(**STAMP, how=How.RETRY, error=ERROR, after=5.0)),
        (Stopping.RELEASED, Postponed(60, None), Snoozed(**STAMP, seconds=60)),
        # Out of time is out of time, and a lost lease leaves nothing to say.
        (Stopping.TIMEOUT, Obeyed(), TIMED_OUT),
        (Stopping.TIMEOUT, RETURNED, TIMED_OUT),
        (Stopping.TIMEOUT, RAISED, TIMED_OUT),
        (Stopping.STALE, Obeyed(), None),
        (Stopping.STALE, RETURNED, None),
        (Stopping.STALE, RAISED, None),
    ],
)
def test_how_it_ended_and_why_it_was_stopped_make_the_report(
    stopping: Stopping | None, outcome: Outcome, report: Ending | None
) -> None:
    one = held(failing)
    one.stopping, one.where = stopping, "here"
    assert ending(one, outcome, "w", 7, 1.5) == report
