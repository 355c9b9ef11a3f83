"""Durable steps as workers ask for them and people see them, over every broker and on every store."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec import Raw
from tests.integration.engine_house import HandWorker, House, open_house
from tests.support.grounds import Ground

from taskflow_hub.domain.clock import new_id
from taskflow_hub.domain.errors import Invalid, NotAllowed, NotFound, StoreUnavailable, TooLarge, Unavailable
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.limits import EVENT_PAYLOAD_MAX, STEP_RESULT_MAX
from taskflow_hub.domain.messages import (
    Asleep,
    Assignment,
    Awake,
    CallFailed,
    EventCame,
    EventMissed,
    KeepStep,
    LoadSteps,
    Reply,
    Sleep,
    Snoozed,
    StepKept,
    Steps,
    WaitEvent,
)
from taskflow_hub.domain.model import DEFAULT_ACCOUNT
from taskflow_hub.domain.steps import Event, StepState
from taskflow_hub.domain.why import CauseKind


@pytest.fixture
async def house(ground: Ground, tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(ground, tmp_path) as opened:
        yield opened


async def ask(worker: HandWorker, attempt: Assignment, kind: type, **fields: Any) -> Reply:
    return await worker.side.call(kind(worker=worker.id, id=attempt.id, attempt=attempt.attempt, **fields))


async def lie_down(house: House, worker: HandWorker, attempt: Assignment, answer: Asleep) -> None:
    events = () if answer.event is None else (answer.event,)
    await worker.report(Snoozed(**worker.about(attempt), ran_s=0.1, until=answer.until, events=events))
    await house.collect()


async def wake(house: House, worker: HandWorker) -> Assignment:
    await house.promote()
    await house.dispatch()
    (assignment,) = await worker.take()
    return assignment


async def send(house: House, of: Assignment, name: str, payload: bytes = b"") -> Event:
    return await house.engine.steps.send_event(DEFAULT_ACCOUNT, of.id, name, payload)


async def why(house: House, of: Assignment) -> tuple[CauseKind, str]:
    (cause,) = (await house.engine.queries.explain(DEFAULT_ACCOUNT, of.id)).causes
    return cause.kind, cause.text


async def test_a_whole_life(house: House) -> None:
    worker = await house.worker()
    attempt = await house.started(worker)
    assert (
        await ask(worker, attempt, KeepStep, name="größe 😀", result=Raw(b'{"n":9007199254740993}'))
        == StepKept()
    )
    kept = await ask(worker, attempt, KeepStep, name="größe 😀", result=Raw(b"2"))
    assert kept == StepKept(first=False, result=Raw(b'{"n":9007199254740993}'))

    house.clock.advance(1)
    ends = house.clock.now + timedelta(minutes=30)
    assert await ask(worker, attempt, Sleep, name="sleep", seconds=1_800) == Asleep(until=ends)
    await lie_down(house, worker, attempt, Asleep(until=ends))
    assert await house.status(attempt) is State.SCHEDULED
    assert await why(house, attempt) == (
        CauseKind.ASLEEP,
        f"Its handler sleeps until {ends:%Y-%m-%d %H:%M:%S} UTC.",
    )
    house.clock.advance(1_799)
    await house.promote()
    await house.dispatch()
    assert await worker.take() == [], "not a second sooner"
    house.clock.advance(1)

    second = await wake(house, worker)
    loaded = await ask(worker, second, LoadSteps)
    assert isinstance(loaded, Steps)
    assert [(step.name, bytes(step.result)) for step in loaded.items] == [
        ("größe 😀", b'{"n":9007199254740993}'),
        ("sleep", b"null"),
    ]
    assert await ask(worker, second, Sleep, name="sleep", seconds=1_800) == Awake()

    answer = await ask(worker, second, WaitEvent, name="approved", event="approved", timeout=60)
    assert isinstance(answer, Asleep)
    await lie_down(house, worker, second, answer)
    kind, words = await why(house, attempt)
    assert (kind, words.startswith("Its handler waits for the event approved, until ")) == (
        CauseKind.EVENT,
        True,
    )
    event = await send(house, attempt, "approved", b'{"by":"ada"}')
    assert (event.accepted, bytes(event.payload)) == (True, b'{"by":"ada"}')
    await house.dispatch()
    (third,) = await worker.take()
    came = await ask(worker, third, WaitEvent, name="approved", event="approved", timeout=60)
    assert came == EventCame(payload=Raw(b'{"by":"ada"}'))

    answer = await ask(worker, third, WaitEvent, name="never", event="never", timeout=60)
    assert isinstance(answer, Asleep)
    await lie_down(house, worker, third, answer)
    house.clock.advance(60)
    last = await wake(house, worker)
    assert await ask(worker, last, WaitEvent, name="never", event="never", timeout=60) == EventMissed()
    await worker.report(worker.succeeded(last))
    await house.collect()
    assert await house.outcomes(attempt) == ["snoozed", "snoozed", "snoozed", "succeeded"]
    page = await house.engine.steps.of_task(DEFAULT_ACCOUNT, attempt.id, after=0, limit=10)
    assert [(step.name, step.state, step.attempt) for step in page.items] == [
        ("größe 😀", StepState.DONE, 1),
        ("sleep", StepState.DONE, 1),
        ("approved", StepState.DONE, 2),
        ("never", StepState.TIMED_OUT, 3),
    ]


async def test_what_sleeps_holds_no_slot(house: House) -> None:
    worker = await house.worker(slots=1, window=0)
    sleeper = await house.started(worker)
    answer = await ask(worker, sleeper, Sleep, name="sleep", seconds=1_800)
    assert isinstance(answer, Asleep)
    other = await house.submit()
    await house.dispatch()
    assert await worker.take() == [], "its one slot is taken"
    await lie_down(house, worker, sleeper, answer)
    await house.dispatch()
    assert [one.id for one in await worker.take()] == [other.id]


async def test_without_end_it_is_woken_by_its_event_alone(house: House) -> None:
    worker = await house.worker()
    attempt = await house.started(worker)
    answer = await ask(worker, attempt, WaitEvent, name="approved", event="approved")
    assert answer == Asleep(event="approved")
    await lie_down(house, worker, attempt, Asleep(event="approved"))
    assert await why(house, attempt) == (
        CauseKind.EVENT,
        "Its handler waits for the event approved, without end.",
    )
    house.clock.advance(300 * 86_400)
    await house.promote()
    assert await house.status(attempt) is State.SCHEDULED
    await send(house, attempt, "approved")
    assert await house.status(attempt) is State.QUEUED


async def test_a_lost_attempt_is_refused(house: House) -> None:
    worker = await house.worker()
    attempt = await house.started(worker)
    await worker.report(worker.succeeded(attempt))
    await house.collect()
    for kind, fields in (
        (KeepStep, {"name": "a", "result": Raw(b"1")}),
        (LoadSteps, {}),
        (Sleep, {"name": "sleep", "seconds": 1.0}),
        (WaitEvent, {"name": "e", "event": "e"}),
    ):
        answer = await ask(worker, attempt, kind, **fields)
        assert isinstance(answer, CallFailed)
        assert answer.code == "lease_lost"


@pytest.mark.parametrize(
    ("kind", "fields", "code", "words"),
    [
        (KeepStep, {"name": "", "result": Raw(b"1")}, "invalid", "/name"),
        (KeepStep, {"name": "x" * 101, "result": Raw(b"1")}, "invalid", "/name"),
        (KeepStep, {"name": "a", "result": Raw(b'"\\u0000"')}, "invalid", "NUL"),
        (KeepStep, {"name": "a", "result": Raw(b"[" * 200 + b"]" * 200)}, "invalid", "nested"),
        (KeepStep, {"name": "a", "result": Raw(b'"%s"' % (b"x" * STEP_RESULT_MAX))}, "too_large", "262144"),
        (Sleep, {"name": "", "seconds": 1.0}, "invalid", "/name"),
        (Sleep, {"name": "a", "seconds": -1.0}, "invalid", "/seconds"),
        (Sleep, {"name": "a", "seconds": 1e12}, "invalid", "/seconds"),
        (WaitEvent, {"name": "a b", "event": "a b"}, "invalid", "/event"),
        (WaitEvent, {"name": "other", "event": "approved"}, "invalid", "/name"),
        (WaitEvent, {"name": "e", "event": "e", "timeout": -1.0}, "invalid", "/timeout"),
    ],
)
async def test_what_is_wrong_is_named_and_changes_nothing(
    tmp_path: Path, kind: type, fields: dict[str, Any], code: str, words: str
) -> None:
    """Whatever a worker of another make sends."""
    async with open_house(Ground(f"sqlite:///{tmp_path}/taskflow.db"), tmp_path) as house:
        worker = await house.worker()
        attempt = await house.started(worker)
        answer = await ask(worker, attempt, kind, **fields)
        assert isinstance(answer, CallFailed)
        assert answer.code == code
        assert words in answer.detail
        page = await house.engine.steps.of_task(DEFAULT_ACCOUNT, attempt.id, after=0, limit=10)
        assert page.items == ()


async def test_events_that_are_refused(house: House) -> None:
    worker = await house.worker()
    attempt = await house.started(worker)
    for name, payload, error in (
        ("a b", b"", Invalid),
        ("e", b"{", Invalid),
        ("e", b'"%s"' % (b"x" * EVENT_PAYLOAD_MAX), TooLarge),
        ("e", b'"\\u0000"', Invalid),
    ):
        with pytest.raises(error):
            await send(house, attempt, name, payload)
    with pytest.raises(NotFound):
        await house.engine.steps.send_event(DEFAULT_ACCOUNT, new_id(), "e", b"1")
    assert (await send(house, attempt, "e")).accepted, "nothing of it was kept"
    await worker.report(worker.succeeded(attempt))
    await house.collect()
    with pytest.raises(NotAllowed):
        await send(house, attempt, "other")
    with pytest.raises(NotFound):
        await house.engine.steps.of_task(DEFAULT_ACCOUNT, new_id(), after=0, limit=10)


@pytest.mark.parametrize("late", [False, True])
async def test_an_outage_refuses_nothing_for_good(house: House, late: bool) -> None:
    """A worker asks again, also where it was kept and only the answer was lost."""
    worker = await house.worker()
    attempt = await house.started(worker)
    with house.faults.raising(StoreUnavailable("away"), "keep_step", late=late), pytest.raises(Unavailable):
        await ask(worker, attempt, KeepStep, name="a", result=Raw(b"1"))
    answer = await ask(worker, attempt, KeepStep, name="a", result=Raw(b"1"))
    assert answer == (StepKept(first=False, result=Raw(b"1")) if late else StepKept())
