"""What a handler says through its Context: log lines, progress and submits, from the loop and from threads."""

import asyncio
import functools
import math
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pydantic
import pytest
from msgspec import Raw

from taskflow_hub.broker.local import LocalBroker
from taskflow_hub.domain.errors import Invalid, LeaseLost, QueueFull, TaskflowError, Unavailable
from taskflow_hub.domain.limits import LINES_MAX
from taskflow_hub.domain.messages import (
    Assignment,
    CallFailed,
    Line,
    Logged,
    Progressed,
    Reply,
    Request,
    Retired,
    Submit,
    Submitted,
)
from taskflow_hub.domain.retry import RetryPolicy
from taskflow_hub.domain.submission import Limit
from taskflow_hub.worker import sink as sink_module
from taskflow_hub.worker.context import MAX_FIELDS, AttemptStopped, Context
from taskflow_hub.worker.held import HeldAttempt, Stopping
from taskflow_hub.worker.outbox import Outbox
from taskflow_hub.worker.registry import Registry
from taskflow_hub.worker.sink import AttemptSink
from taskflow_hub.worker.text import MAX_MESSAGE


def handler() -> None: ...


class House:
    """A context in use, and the engine's side of it."""

    def __init__(self) -> None:
        self.broker, self.now = LocalBroker(), 100.0
        self.side = self.broker.worker_side()
        self.asked: list[Submit] = []
        self.replies: list[Reply | Exception] = []
        self.replied = asyncio.Event()
        self.outbox = Outbox(self.side, "w1", resend_s=60.0, clock=self.clock, on_acknowledged=lambda _: None)
        assignment = Assignment(
            id="a",
            attempt=2,
            type="t",
            queue="default",
            priority=5,
            payload=Raw(b"{}"),
            timeout=None,
            retry_count=1,
            max_retries=3,
            created_at=datetime(2026, 1, 1, tzinfo=UTC),
        )
        self.held = HeldAttempt(assignment, Registry().add("t", handler))
        self.sink = AttemptSink(self.held, self.outbox, self.side.call, self.clock)
        self.context = Context(assignment, self.sink)

    def clock(self) -> float:
        return self.now

    async def answer(self, request: Request) -> Reply:
        assert isinstance(request, Submit)
        self.asked.append(request)
        reply = self.replies.pop(0) if self.replies else Submitted(f"child-{request.call}")
        self.replied.set()
        if isinstance(reply, Exception):
            raise reply
        return reply

    async def reports(self, count: int) -> list[Any]:
        found: list[Any] = []
        async with asyncio.timeout(10):
            while len(found) < count:
                found += (await self.broker.collect(100, 5.0)).reports
        return found

    async def nothing_more(self) -> bool:
        return not (await self.broker.collect(100, 0.02)).reports


@pytest.fixture
async def house() -> AsyncIterator[House]:
    house = House()
    await house.side.open("w1")
    await house.broker.serve(house.answer)
    sending = asyncio.create_task(house.outbox.run())
    yield house
    sending.cancel()
    await asyncio.wait({sending})
    await house.side.close()


async def in_thread(work: Callable[[], Any]) -> Any:
    """A new thread for each, and its outcome."""
    outcome: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    loop = asyncio.get_running_loop()

    def run() -> None:
        try:
            answer = work()
        except BaseException as error:
            loop.call_soon_threadsafe(outcome.set_exception, error)
        else:
            loop.call_soon_threadsafe(outcome.set_result, answer)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        async with asyncio.timeout(10):
            return await outcome
    finally:
        await asyncio.to_thread(thread.join)


# --- what it knows ---


async def test_a_context_knows_its_attempt(house: House) -> None:
    assert (house.context.attempt, house.context.idempotency_key) == (2, "a")
    assert house.context.task.retry_count == 1
    assert not house.context.cancelled
    house.held.stopping = Stopping.CANCELLED
    assert house.context.cancelled


# --- log lines ---


async def test_lines_of_one_turn_go_in_one_report(house: House) -> None:
    log = house.context.log
    log.debug("one")
    log.info("two", message="is a field", n=2)
    log.warning("three")
    log.error("four")
    (report,) = await house.reports(1)
    assert isinstance(report, Logged)
    assert [(line.n, line.level, line.message) for line in report.lines] == [
        (1, "debug", "one"),
        (2, "info", "two"),
        (3, "warning", "three"),
        (4, "error", "four"),
    ]
    assert report.lines[1].fields == {"message": "is a field", "n": 2}
    assert (report.n, report.worker, report.id, report.attempt) == (1, "w1", "a", 2)
    log.info("five")
    (report,) = await house.reports(1)
    assert [line.n for line in report.lines] == [5]


async def test_lines_come_from_threads_in_order(house: House) -> None:
    def work() -> None:
        for number in range(300):
            house.context.log.info(str(number))

    await in_thread(work)
    house.sink.flush()
    lines: list[Line] = []
    while len(lines) < 300:
        lines += [line for report in await house.reports(1) for line in report.lines]
    assert [line.message for line in lines] == [str(number) for number in range(300)]
    assert [line.n for line in lines] == list(range(1, 301))


async def test_an_attempt_keeps_so_many_lines_and_says_so(house: House) -> None:
    for number in range(LINES_MAX + 500):
        house.context.log.info(str(number))
    (report,) = await house.reports(1)
    assert len(report.lines) == LINES_MAX
    assert report.lines[-2].message == str(LINES_MAX - 2)
    assert "dropped" in report.lines[-1].message
    assert report.lines[-1].level == "warning"
    house.context.log.info("more")
    assert await house.nothing_more()


@pytest.mark.parametrize(
    ("fields", "kept"),
    [
        ({"at": datetime(2026, 1, 1, tzinfo=UTC)}, {"at": "2026-01-01T00:00:00Z"}),
        ({"e": ValueError("x")}, {"e": "x"}),
        ({"nul": "a\0b"}, {"nul": "a\0b"}),
        ({"set": {1}}, {"set": [1]}),
        ({"nan": float("nan")}, {"nan": None}),
        ({"big": "x" * (MAX_FIELDS + 1)}, {"dropped": f"{MAX_FIELDS + 11} bytes of fields"}),
    ],
)
async def test_fields_become_json(house: House, fields: dict[str, Any], kept: dict[str, Any]) -> None:
    house.context.log.info("x", **fields)
    (report,) = await house.reports(1)
    assert report.lines[0].fields == kept


async def test_no_line_can_hurt_the_handler(house: House) -> None:
    class Mean:
        def __str__(self) -> str:
            raise RuntimeError("no")

    long = "x" * 10_000 + "\0\ud800"
    house.context.log.info(long, a="\ud800", b=Mean())
    (report,) = await house.reports(1)
    assert len(report.lines[0].message) == MAX_MESSAGE
    assert "dropped" in report.lines[0].fields


async def test_a_logged_object_may_change_afterwards(house: House) -> None:
    rows = [1]
    house.context.log.info("x", rows=rows)
    rows.append(2)
    (report,) = await house.reports(1)
    assert report.lines[0].fields == {"rows": [1]}


# --- progress ---


async def test_the_first_progress_goes_at_once_and_then_one_a_second(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sink_module, "PROGRESS_S", 0.05)
    house.context.progress(0.1, "begun")
    (report,) = await house.reports(1)
    assert (report.fraction, report.message) == (0.1, "begun")
    for percent in range(20, 100):
        house.context.progress(percent / 100)
    await asyncio.sleep(0)
    house.now += 0.05
    (report,) = await house.reports(1)  # the last one wins, and is not lost
    assert (report.fraction, report.message) == (0.99, "")
    assert await house.nothing_more()


async def test_progress_of_a_turn_is_the_last(house: House) -> None:
    for percent in range(100):
        house.context.progress(percent / 100, "x")
    (report,) = await house.reports(1)
    assert isinstance(report, Progressed)
    assert report.fraction == 0.99


@pytest.mark.parametrize(
    ("given", "kept"), [(-1, 0.0), (1.0000001, 1.0), (40, 1.0), (True, 1.0), (float("inf"), 1.0), (0, 0.0)]
)
async def test_progress_beyond_its_bounds_is_the_bound(house: House, given: float, kept: float) -> None:
    house.context.progress(given)
    (report,) = await house.reports(1)
    assert report.fraction == kept
    assert type(report.fraction) is float


async def test_progress_must_be_a_number(house: House) -> None:
    with pytest.raises(ValueError, match="0 to 1"):
        house.context.progress(float("nan"))
    with pytest.raises(TypeError):
        house.context.progress("half")  # type: ignore[arg-type]


async def test_the_end_takes_the_last_words_along(house: House) -> None:
    house.context.progress(0.1)
    await house.reports(1)
    house.context.log.info("last words")
    house.context.progress(0.9)  # too soon after the one before, but there will be no later
    house.sink.flush(ending=True)
    logged, progressed = await house.reports(2)
    assert isinstance(logged, Logged)
    assert isinstance(progressed, Progressed)
    assert progressed.fraction == 0.9
    assert await house.nothing_more()


async def test_late_lines_are_kept_and_late_progress_is_not(house: House) -> None:
    house.held.ended = True
    house.context.progress(0.9)
    house.context.log.info("from a thread that ran on")
    (report,) = await house.reports(1)
    assert isinstance(report, Logged)
    assert await house.nothing_more()


async def test_nothing_is_said_when_the_lease_is_lost(house: House) -> None:
    house.held.stopping = Stopping.STALE
    house.context.log.info("x")
    house.context.progress(0.5)
    assert await house.nothing_more()


# --- submits ---


class Task:
    type = "email.send"


async def test_submits_are_numbered_and_answered_with_the_new_id(house: House) -> None:
    when = datetime(2026, 1, 1, tzinfo=UTC)
    assert await house.context.submit("t", {"a": when}) == "child-1"
    assert await house.context.submit(Task(), queue="q", priority=9, delay=5, tags=["x"]) == "child-2"
    assert (
        await house.context.submit(
            "t", max_retries=None, timeout=None, retry=RetryPolicy(base=2), limits=[Limit("a", running=1)]
        )
        == "child-3"
    )
    first, second, third = house.asked
    assert (first.worker, first.id, first.attempt, first.call) == ("w1", "a", 2, 1)
    assert bytes(first.task.payload) == b'{"a":"2026-01-01T00:00:00Z"}'
    assert (second.call, second.task.type, second.task.queue, second.task.priority) == (
        2,
        "email.send",
        "q",
        9,
    )
    assert (second.task.delay, second.task.tags, bytes(second.task.payload)) == (5.0, ("x",), b"{}")
    assert (third.task.max_retries, third.task.timeout) == (None, None)
    assert second.task.max_retries is not None
    assert third.task.retry == RetryPolicy(base=2)
    assert third.task.limits == (Limit("a", running=1),)


@pytest.mark.parametrize(
    ("options", "pointer"),
    [
        ({"priority": 10}, "/priority"),
        ({"queue": "A"}, "/queue"),
        ({"tags": ("",)}, "/tags/0"),
        ({"delay": -1}, "/delay"),
        ({"limits": [Limit("a b", running=1)]}, "/limits/0/key"),
    ],
)
async def test_a_wrong_submit_is_refused_by_name(house: House, options: dict[str, Any], pointer: str) -> None:
    with pytest.raises(Invalid) as caught:
        await house.context.submit("t", **options)
    assert caught.value.errors[0].pointer == pointer
    assert not house.asked


@dataclass
class Point:
    x: float
    y: float | None


class Reading(pydantic.BaseModel):
    value: float = pydantic.Field(serialization_alias="v")


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        (Reading(value=0.5), '{"v":0.5}'),
        ({"at": Path("/x"), "of": [Reading(value=1)]}, '{"at":"/x","of":[{"v":1.0}]}'),
        (Point(1, None), '{"x":1,"y":null}'),
        ({UUID(int=0): "é"}, '{"00000000-0000-0000-0000-000000000000":"é"}'),
        ({"text": Raw(b'{"raw": 1}')}, '{"text":{"raw":1}}'),
        (Raw(b'{"raw": 1}'), '{"raw":1}'),
    ],
)
async def test_a_payload_may_be_whatever_has_named_fields(house: House, payload: object, text: str) -> None:
    await house.context.submit("t", payload)
    assert bytes(house.asked[0].task.payload).decode() == text


@pytest.mark.parametrize(
    "payload", [{"x": [math.nan]}, Reading(value=math.inf), Point(-math.inf, 0), {"x": "\ud800"}]
)
async def test_a_payload_that_json_cannot_carry_is_refused(house: House, payload: object) -> None:
    with pytest.raises(Invalid) as caught:
        await house.context.submit("t", payload)
    assert caught.value.errors[0].pointer == "/payload"
    assert not house.asked


@pytest.mark.parametrize("payload", [[1], 1, "x", object(), {"a": object()}])
async def test_a_payload_is_an_object(house: House, payload: object) -> None:
    with pytest.raises(TypeError, match="payload"):
        await house.context.submit("t", payload)


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (CallFailed("lease_lost", "gone"), LeaseLost),
        (CallFailed("queue_full", "full"), QueueFull),
        (CallFailed("from_the_future", "?"), TaskflowError),
        (Retired(), TaskflowError),
    ],
)
async def test_a_refused_submit_raises_the_hubs_own_error(
    house: House, reply: Reply, error: type[Exception]
) -> None:
    house.replies.append(reply)
    with pytest.raises(error):
        await house.context.submit("t")


async def test_a_submit_outlasts_an_outage(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sink_module, "RETRY_S", (0.001, 0.002))
    house.replies += [Unavailable("away"), CallFailed("store_unavailable", "away"), ValueError("a bug")]
    assert await house.context.submit("t") == "child-1"
    assert [asked.call for asked in house.asked] == [1, 1, 1, 1]
    assert "waits" in caplog.text


async def test_threads_submit_too(house: House) -> None:
    assert await in_thread(lambda: house.context.submit_sync("t", {"a": 1})) == "child-1"
    assert await in_thread(lambda: asyncio.run(house.context.submit("t"))) == "child-2"
    house.replies.append(CallFailed("queue_full", "full"))
    with pytest.raises(QueueFull):
        await in_thread(lambda: house.context.submit_sync("t"))


async def test_the_loop_must_not_be_blocked_by_a_submit(house: House) -> None:
    with pytest.raises(RuntimeError, match="await"):
        house.context.submit_sync("t")


@pytest.mark.parametrize("when", ["before", "meanwhile"])
async def test_a_thread_that_waits_for_a_submit_can_be_stopped(house: House, when: str) -> None:
    house.replies += [Unavailable("away")] * 1000
    if when == "before":
        house.held.stopping = Stopping.RELEASED
    waiting = asyncio.create_task(in_thread(functools.partial(house.context.submit_sync, "t")))
    if when == "meanwhile":
        await house.replied.wait()
        house.held.stopping = Stopping.RELEASED
        house.sink.stop()
    with pytest.raises(AttemptStopped):
        await waiting
