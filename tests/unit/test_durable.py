"""Steps, sleeps and waits in a handler: names, results, what is given back, and when an attempt is suspended."""

import asyncio
import functools
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import pytest
from msgspec import Raw
from pydantic import BaseModel, Field

from taskflow_hub.domain.clock import new_id, utc_now
from taskflow_hub.domain.errors import LeaseLost, TooLarge
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.limits import STEP_NAME_MAX, STEP_RESULT_MAX
from taskflow_hub.domain.messages import (
    Asleep,
    Assignment,
    Awake,
    CallOfAttempt,
    EventCame,
    EventMissed,
    How,
    InputItem,
    Inputs,
    KeepStep,
    LoadSteps,
    ReadInputs,
    Reply,
    Sleep,
    StepKept,
    Steps,
    StoredStep,
    Submit,
    WaitEvent,
)
from taskflow_hub.domain.model import TaskError
from taskflow_hub.domain.steps import StepKind
from taskflow_hub.worker.context import Context
from taskflow_hub.worker.durable import NodeInput
from taskflow_hub.worker.outcome import Postponed, Raised, Returned
from taskflow_hub.worker.suspending import AttemptSuspended, EventTimeout, caught, suspended

UNTIL = datetime(2030, 1, 2, tzinfo=UTC)


class Answers:
    """A sink whose answers the test gives: `sleeping` names are not over, `events` have come, what is kept stays."""

    stopping = False

    def __init__(self, *kept: StoredStep, page: int = 100) -> None:
        self.rests: list[Asleep] = []
        self.calls: list[CallOfAttempt] = []
        self.lines: list[tuple[str, str]] = []
        self.kept, self.page = list(kept), page
        self.sleeping: dict[str, datetime | None] = {}
        self.events: dict[str, object] = {}
        self.held_back = asyncio.Event()  # answers wait for it
        self.held_back.set()
        self.blocks = True

    def log(self, level: str, message: str, fields: dict[str, Any]) -> None:
        self.lines.append((level, message))

    def progress(self, fraction: float, message: str) -> None: ...

    def may_block(self) -> None:
        if not self.blocks:
            raise RuntimeError("await it")

    async def ask(self, call: CallOfAttempt) -> Reply:
        await asyncio.sleep(0)
        await self.held_back.wait()
        return self.ask_sync(call)

    def ask_sync(self, call: CallOfAttempt) -> Reply:
        self.calls.append(call)
        match call:
            case KeepStep(name=name, result=result):
                if any(step.name == name and step.kind is StepKind.STEP for step in self.kept):
                    raise AssertionError(f"{name} was kept before and is not run again")
                self.kept.append(StoredStep(kind=StepKind.STEP, name=name, result=result))
                return StepKept()
            case LoadSteps(after=after):
                page = tuple(self.kept[after : after + self.page])
                end = after + len(page)
                return Steps(items=page, next=end if end < len(self.kept) else None)
            case Sleep(name=name):
                return Asleep(until=self.sleeping[name]) if name in self.sleeping else Awake()
            case WaitEvent(name=name, event=event):
                if event in self.events:
                    return EventCame(payload=Raw(msgspec.json.encode(self.events[event])))
                if name in self.sleeping:
                    return Asleep(until=self.sleeping[name], event=event)
                return EventMissed()
            case ReadInputs(after=after):
                items = [InputItem(item=n, status=State.SUCCESS, result=Raw(b"%d" % n)) for n in range(5)]
                return Inputs(items=tuple(items[after + 1 : after + 3]), more=after < 2)
            case Submit():
                raise AssertionError("no test submits here")

    def asked(self, kind: type) -> list[str]:
        return [getattr(call, "name") for call in self.calls if isinstance(call, kind)]  # noqa: B009


def context(sink: Answers, attempt: int = 1) -> Context:
    return Context(
        Assignment(
            id=new_id(),
            attempt=attempt,
            type="t",
            queue="q",
            priority=5,
            payload=Raw(b"{}"),
            timeout=None,
            retry_count=0,
            max_retries=3,
            created_at=utc_now(),
        ),
        sink,
    )


def step(name: str, result: bytes) -> StoredStep:
    return StoredStep(kind=StepKind.STEP, name=name, result=Raw(result))


@pytest.fixture
async def sink() -> Answers:
    return Answers()


async def double(number: int) -> int:
    return number * 2


def shout(word: str, *, times: int = 1) -> str:
    return word.upper() * times


# --- steps: names and calls


async def test_a_first_attempt_asks_once_for_each_step(sink: Answers) -> None:
    ctx = context(sink)
    assert await ctx.step("double", double, 4) == 8
    assert await ctx.step("shout", shout, "a", times=3) == "AAA"
    assert [type(call) for call in sink.calls] == [KeepStep, KeepStep]
    assert [call.result for call in sink.calls if isinstance(call, KeepStep)] == [Raw(b"8"), Raw(b'"AAA"')]


async def test_a_later_attempt_loads_once_and_runs_what_is_left() -> None:
    sink = Answers(step("double", b"8"), step("shout", b'"kept"'))
    ctx = context(sink, attempt=2)
    assert await ctx.step("double", double, 5) == 8
    assert await ctx.step("shout", shout, "a") == "kept"
    assert await ctx.step("new", shout, "a") == "A"
    assert [type(call) for call in sink.calls] == [LoadSteps, KeepStep]


async def test_pages_are_loaded_as_they_are_needed() -> None:
    sink = Answers(*(step(f"s{n}", b"%d" % n) for n in range(10)), page=3)
    ctx = context(sink, attempt=2)
    for n in range(3):
        assert await ctx.step(f"s{n}", double, 0) == n
    assert len(sink.calls) == 1
    assert await ctx.step("s9", double, 0) == 9
    assert len(sink.calls) == 4
    assert await ctx.step("s4", double, 0) == 4, "what was passed over is still there"


async def test_of_many_who_look_at_once_one_loads() -> None:
    sink = Answers(*(step(f"s{n}", b"%d" % n) for n in range(10)), page=5)
    ctx = context(sink, attempt=2)
    assert await asyncio.gather(*(ctx.step(f"s{n}", double, 0) for n in range(10))) == list(range(10))
    assert len(sink.calls) == 2


async def test_names_are_numbered_in_the_order_of_calls(sink: Answers) -> None:
    ctx = context(sink)
    later, sooner = ctx.step("charge", double, 1), ctx.step("charge", double, 2)
    assert (await sooner, await later) == (4, 2)
    assert sink.asked(KeepStep) == ["charge#2", "charge"], "the order of calls, whoever is awaited first"
    sink.sleeping.clear()
    await ctx.sleep(1)
    await ctx.sleep(1)
    await ctx.sleep(1, name="charge")
    assert sink.asked(Sleep) == ["sleep", "sleep#2", "charge"], "each kind has names of its own"


async def test_concurrent_steps(sink: Answers) -> None:
    ctx = context(sink)
    assert await asyncio.gather(*(ctx.step("n", double, n) for n in range(5))) == [0, 2, 4, 6, 8]
    assert {name: step.result for step in sink.kept for name in [step.name]} == {
        "n": Raw(b"0"),
        **{f"n#{n + 1}": Raw(b"%d" % (2 * n)) for n in range(1, 5)},
    }


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "1 to 100"),
        ("x" * (STEP_NAME_MAX + 1), "1 to 100"),
        ("a\0", "cannot be stored"),
        ("a\ud800", "cannot be stored"),
        ("charge#2", "ends like the number"),
        (7, "not a text"),
    ],
)
async def test_what_is_no_name_is_refused_before_anything_runs(sink: Answers, name: Any, why: str) -> None:
    ctx = context(sink)
    with pytest.raises(ValueError, match=why):
        await ctx.step(name, double, 1)
    with pytest.raises(ValueError, match=why):
        ctx.step_sync(name, shout, "a")
    with pytest.raises(ValueError, match=why):
        await ctx.sleep(1, name=name)
    assert sink.calls == []


@pytest.mark.parametrize("name", ["", "no spaces", "a/b", "ü", "x" * 101, "a#2", "a\n"])
async def test_an_events_name_is_stricter(sink: Answers, name: str) -> None:
    with pytest.raises(ValueError, match="is not an event's name"):
        await context(sink).wait_event(name)


async def test_every_other_name_will_do(sink: Answers) -> None:
    ctx = context(sink)
    for name in ("größe 😀", "x" * STEP_NAME_MAX, "issue #", "a#b", "#", "step/1"):
        assert await ctx.step(name, double, 1) == 2
    assert await ctx.step("inputs", functools.partial(double, 3)) == 6


# --- steps: what runs


async def test_a_plain_function_runs_beside_the_loop(sink: Answers) -> None:
    here = threading.get_ident()

    def where() -> bool:
        return threading.get_ident() == here

    assert await context(sink).step("where", where) is False


async def test_a_function_that_gives_a_coroutine_is_awaited(sink: Answers) -> None:
    assert await context(sink).step("later", lambda: double(4)) == 8


async def test_callables_of_every_kind(sink: Answers) -> None:
    class Doubler:
        async def __call__(self, number: int) -> int:
            return number * 2

        def plain(self, number: int) -> int:
            return number * 2

    ctx = context(sink)
    doubler = Doubler()
    assert await ctx.step("a", doubler, 1) == 2
    assert await ctx.step("b", doubler.plain, 2) == 4
    assert await ctx.step("c", functools.partial(shout, times=2), "x") == "XX"
    assert await ctx.step("d", int, "7") == 7


async def test_what_raises_is_not_kept_and_goes_on(sink: Answers) -> None:
    async def fails() -> None:
        raise LookupError("no")

    def stops() -> None:
        raise StopIteration

    ctx = context(sink)
    with pytest.raises(LookupError, match="no"):
        await ctx.step("fails", fails)
    with pytest.raises(RuntimeError, match="StopIteration"):
        await ctx.step("stops", stops)
    with pytest.raises(LookupError):
        ctx.step_sync("fails", lambda: dict[str, int]()["x"])
    assert sink.calls == []


async def test_a_step_knows_its_key(sink: Answers) -> None:
    ctx = context(sink)

    async def key() -> str:
        await asyncio.sleep(0)
        return ctx.step_key

    def key_aside() -> str:
        return ctx.step_key

    task = ctx.idempotency_key
    keys = await asyncio.gather(ctx.step("a", key), ctx.step("a", key), ctx.step("b", key_aside))
    assert list(keys) == [f"{task}:a", f"{task}:a#2", f"{task}:b"]
    assert ctx.step_sync("c", key_aside) == f"{task}:c"
    with pytest.raises(RuntimeError, match="while it runs"):
        _ = ctx.step_key


async def test_inside_a_step_there_are_no_others(sink: Answers) -> None:
    ctx = context(sink)

    async def nested(call: Callable[[], Awaitable[object]]) -> None:
        await call()

    for call in (lambda: ctx.step("b", double, 1), lambda: ctx.sleep(1), lambda: ctx.wait_event("e")):
        with pytest.raises(RuntimeError, match="inside the step 'outer"):
            await ctx.step("outer", nested, call)
    with pytest.raises(RuntimeError, match="inside the step 'outer"):
        ctx.step_sync("outer", lambda: ctx.step_sync("b", shout, "a"))
    assert sink.calls == []


async def test_an_async_function_is_no_step_of_a_def_handler(sink: Answers) -> None:
    with pytest.raises(TypeError, match="plain functions"):
        _ = context(sink).step_sync("a", double, 1)
    with pytest.raises(TypeError, match="plain functions"):
        _ = context(sink).step_sync("a", lambda: double(1))
    assert sink.calls == []


async def test_the_loop_is_not_blocked(sink: Answers) -> None:
    sink.blocks = False
    ran: list[str] = []
    for call in (
        lambda: context(sink).step_sync("a", ran.append, "ran"),
        lambda: context(sink).sleep_sync(1),
        lambda: context(sink).wait_event_sync("e"),
    ):
        with pytest.raises(RuntimeError, match="await"):
            call()
    assert ran == []


# --- steps: results


class Point(NamedTuple):
    x: int
    y: int


@dataclass
class Order:
    id: UUID
    when: datetime
    lines: tuple[int, ...]


class Model(BaseModel):
    """With an alias, under which it is written."""

    name: str = Field(alias="theName")
    path: Path


def a_point() -> Point:
    return Point(1, 2)


def an_order() -> Order:
    return Order(UUID(int=7), UNTIL, (1, 2))


def a_model() -> Model:
    return Model(theName="n", path=Path("/tmp/x"))


def models() -> list[Model]:
    return [a_model()]


def a_path() -> Path:
    return Path("/tmp/x")


def a_set() -> set[int]:
    return {3}


def unannotated(value):  # type: ignore[no-untyped-def]
    return value


def nowhere() -> "NoSuchName":  # type: ignore[name-defined]  # noqa: F821
    return (1, 2)


@pytest.mark.parametrize("make", [a_point, an_order, a_model, models, a_path, a_set])
async def test_a_replay_gives_what_the_first_run_gave(make: Callable[[], Any]) -> None:
    sink = Answers()
    first = await context(sink).step("make", make)
    replay = await context(sink, attempt=2).step("make", make)
    assert (first, type(first)) == (make(), type(make()))
    assert (replay, type(replay)) == (first, type(first))
    assert context(sink, attempt=2).step_sync("make", make) == first


@pytest.mark.parametrize(
    ("value", "given"),
    [((1, 2), [1, 2]), ({1: "a"}, {"1": "a"}), (UNTIL, "2030-01-02T00:00:00Z"), (float("nan"), None)],
)
async def test_without_an_annotation_it_is_plain_json_the_first_time_too(value: Any, given: Any) -> None:
    sink = Answers()
    assert await context(sink).step("a", unannotated, value) == given
    assert await context(sink, attempt=2).step("a", unannotated, None) == given


async def test_an_annotation_that_nobody_can_read_is_none(sink: Answers) -> None:
    assert await context(sink).step("a", nowhere) == [1, 2]


async def test_what_does_not_fit_its_annotation_is_not_kept(sink: Answers) -> None:
    def liar() -> int:
        return "no number"  # type: ignore[return-value]

    with pytest.raises(TypeError, match=r"step 'liar': its result does not fit the annotation <class 'int'>"):
        await context(sink).step("liar", liar)
    assert sink.calls == []


async def test_what_has_no_json_form_is_not_kept(sink: Answers) -> None:
    with pytest.raises(TypeError, match="step 'a': its result, a object, has no JSON form"):
        await context(sink).step("a", unannotated, object())
    assert sink.calls == []


async def test_a_result_of_256_kib_and_no_more(sink: Answers) -> None:
    ctx = context(sink)
    most = "x" * (STEP_RESULT_MAX - 2)
    assert await ctx.step("most", unannotated, most) == most
    with pytest.raises(TooLarge, match=f"at most {STEP_RESULT_MAX} are kept"):
        await ctx.step("more", unannotated, most + "x")
    assert sink.asked(KeepStep) == ["most"]


async def test_what_was_kept_before_is_what_counts(sink: Answers) -> None:
    """The first call was committed, its answer was lost, and the worker asked again: or another was faster."""
    sink.ask_sync = lambda call: StepKept(first=False, result=Raw(b"41"))  # type: ignore[method-assign]
    ctx = context(sink)
    assert await ctx.step("a", double, 1) == 41
    assert ctx.step_sync("a", len, "a") == 41


async def test_a_lost_lease_is_said(sink: Answers) -> None:
    async def lost(call: CallOfAttempt) -> Reply:
        raise LeaseLost

    sink.ask = lost  # type: ignore[method-assign]
    with pytest.raises(LeaseLost):
        await context(sink).step("a", double, 1)


# --- sleeps and waits


async def test_a_sleep_that_is_over_goes_on(sink: Answers) -> None:
    await context(sink).sleep("30m")
    context(sink).sleep_sync(timedelta(minutes=30))
    assert [call.seconds for call in sink.calls if isinstance(call, Sleep)] == [1_800, 1_800]
    sink.kept.append(StoredStep(kind=StepKind.SLEEP, name="sleep"))
    sink.calls.clear()
    await context(sink, attempt=2).sleep("30m")
    assert [type(call) for call in sink.calls] == [LoadSteps], "what is over need not be asked again"


@pytest.mark.parametrize("wrong", ["soon", -1, None, True])
async def test_what_is_no_duration_is_refused(sink: Answers, wrong: Any) -> None:
    with pytest.raises(ValueError, match="duration"):
        await context(sink).sleep(wrong)
    with pytest.raises(ValueError, match="duration"):
        context(sink).wait_event_sync("e", timeout=wrong or "x")
    assert sink.calls == []


async def test_a_sleep_suspends_the_attempt(sink: Answers) -> None:
    sink.sleeping["sleep"] = UNTIL
    ctx = context(sink)
    with pytest.raises(AttemptSuspended):
        await ctx.sleep("30m")
    assert sink.rests == [Asleep(until=UNTIL)]
    for call in (lambda: ctx.step("a", double, 1), lambda: ctx.sleep(0), lambda: ctx.wait_event("e")):
        with pytest.raises(AttemptSuspended):
            await call()
    with pytest.raises(AttemptSuspended):
        ctx.step_sync("a", shout, "a")
    assert len(sink.calls) == 1, "nothing is begun any more"


async def test_a_payload_comes_as_json_values(sink: Answers) -> None:
    sink.events["approved"] = {"by": "ada"}
    ctx = context(sink)
    assert await ctx.wait_event("approved", timeout="2d") == {"by": "ada"}
    assert ctx.wait_event_sync("approved") == {"by": "ada"}
    first, second = sink.calls
    assert isinstance(first, WaitEvent)
    assert isinstance(second, WaitEvent)
    assert (first.name, first.event, first.timeout) == ("approved", "approved", 172_800)
    assert (second.name, second.event, second.timeout) == ("approved#2", "approved", None)


async def test_an_event_that_did_not_come_is_a_timeout_error(sink: Answers) -> None:
    with pytest.raises(EventTimeout, match="'approved' did not come in time") as caught_error:
        await context(sink).wait_event("approved", timeout=1)
    assert isinstance(caught_error.value, TimeoutError)
    sink.kept.append(StoredStep(kind=StepKind.EVENT, name="approved", timed_out=True))
    sink.events["approved"] = 1
    ctx = context(sink, attempt=2)
    with pytest.raises(EventTimeout):
        await ctx.wait_event("approved", timeout=1)


# --- several at once


async def test_it_is_suspended_when_all_that_runs_beside_is_kept(sink: Answers) -> None:
    sink.sleeping["sleep"] = UNTIL
    ctx = context(sink)
    goes_on, done = asyncio.Event(), []

    async def long() -> str:
        await goes_on.wait()
        done.append("long")
        return "long"

    async def chain() -> None:
        await ctx.step("long", long)
        await ctx.step("next", double, 1)

    async def handler() -> None:
        await asyncio.gather(ctx.sleep("1h"), chain())

    attempt = asyncio.ensure_future(handler())
    for _ in range(10):
        await asyncio.sleep(0)
    assert not attempt.done(), "the step that runs is not cut off"
    goes_on.set()
    with pytest.raises(AttemptSuspended):
        await attempt
    assert sink.asked(KeepStep) == ["long", "next"]
    assert (done, sink.rests) == (["long"], [Asleep(until=UNTIL)])


async def test_several_sleep_together_until_the_first_wakes(sink: Answers) -> None:
    sink.sleeping |= {"sleep": UNTIL + timedelta(days=1), "yes": UNTIL, "no": None}
    ctx = context(sink)
    with pytest.raises(AttemptSuspended) as error:
        await asyncio.gather(ctx.sleep("2d"), ctx.wait_event("yes", timeout="1d"), ctx.wait_event("no"))
    assert suspended(sink.rests, error.value) == Postponed(None, UNTIL, ("yes", "no"))


async def test_a_task_group_too(sink: Answers) -> None:
    sink.sleeping |= {"sleep": UNTIL, "yes": None}
    ctx = context(sink)
    with pytest.raises(BaseExceptionGroup) as error:
        async with asyncio.TaskGroup() as group:
            group.create_task(ctx.sleep("1h"))
            group.create_task(ctx.wait_event("yes"))
            group.create_task(ctx.step("a", double, 1))
    assert suspended(sink.rests, error.value) == Postponed(None, UNTIL, ("yes",))
    assert sink.asked(KeepStep) == ["a"]


async def test_what_comes_first_wins_and_the_rest_is_given_up(sink: Answers) -> None:
    sink.sleeping["sleep"] = UNTIL
    ctx = context(sink)
    goes_on = asyncio.Event()

    async def fetched() -> int:
        await goes_on.wait()
        return 7

    fetch, late = asyncio.ensure_future(ctx.step("fetch", fetched)), asyncio.ensure_future(ctx.sleep("1h"))
    asyncio.get_running_loop().call_later(0.01, goes_on.set)
    done, pending = await asyncio.wait({fetch, late}, return_when=asyncio.FIRST_COMPLETED)
    assert (done, pending) == ({fetch}, {late})
    late.cancel()
    await asyncio.wait({late})
    assert (await fetch, sink.rests) == (7, [])


async def test_a_sleep_that_is_given_up_suspends_nothing(sink: Answers) -> None:
    sink.sleeping["sleep"] = UNTIL
    ctx = context(sink)
    goes_on = asyncio.Event()
    running = asyncio.ensure_future(ctx.step("a", goes_on.wait))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await ctx.sleep("1h")
    assert sink.rests == []
    goes_on.set()
    assert await running is True
    assert await ctx.step("b", double, 1) == 2


async def test_threads_of_one_handler_sleep_together(sink: Answers) -> None:
    sink.sleeping |= {"a": UNTIL, "b": None}
    ctx = context(sink)
    outcomes = await asyncio.gather(
        asyncio.to_thread(ctx.sleep_sync, 1, name="a"),
        asyncio.to_thread(ctx.wait_event_sync, "b"),
        return_exceptions=True,
    )
    assert {type(outcome) for outcome in outcomes} == {AttemptSuspended}
    assert 1 <= len(sink.rests) <= 2, "the second finds that it is suspended, or sleeps, too"


# --- how an attempt ends


def test_what_an_exception_means() -> None:
    rests = [Asleep(until=UNTIL)]
    snooze = Postponed(None, UNTIL)
    assert suspended(rests, AttemptSuspended()) == snooze
    assert suspended(rests, BaseExceptionGroup("g", [AttemptSuspended(), AttemptSuspended()])) == snooze
    assert suspended(rests, BaseExceptionGroup("g", [AttemptSuspended(), ValueError()])) is None
    assert suspended(rests, ValueError()) is None
    assert suspended([], AttemptSuspended()) is None, "nobody slept"


def test_a_handler_that_caught_it_is_suspended_all_the_same() -> None:
    sink = Answers()
    sink.rests = [Asleep(event="approved")]
    assert caught(sink, Returned(Raw(b"1"))) == Postponed(None, None, ("approved",))
    [(level, words)] = sink.lines
    assert level == "warning"
    assert "caught AttemptSuspended" in words
    raised = Raised(How.RAISED, TaskError("ValueError", "no"))
    assert caught(sink, raised) is None, "what it raised is told as always"
    sink.rests = []
    assert caught(sink, Returned(Raw(b"1"))) is None


# --- inputs


async def test_inputs_come_page_by_page(sink: Answers) -> None:
    wanted = [NodeInput(n, State.SUCCESS, n, None) for n in range(5)]
    ctx = context(sink)
    read: AsyncIterator[NodeInput] = ctx.inputs("each")
    assert [each async for each in read] == wanted
    assert [call.after for call in sink.calls if isinstance(call, ReadInputs)] == [-1, 1, 3]
    assert list(ctx.inputs_sync("each")) == wanted
