"""The part of a Context with which a handler goes on where it was: steps, sleeps, waits, and inputs (docs/adr/0102).

Each comes twice: to be awaited, and with `_sync` for `def` handlers, in threads and child processes.
"""

import inspect
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NoReturn, ParamSpec, TypeVar, overload

import msgspec
from msgspec import Raw, Struct

from taskflow_hub.domain.durations import Duration, seconds_of
from taskflow_hub.domain.errors import TaskflowError
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.messages import (
    Asleep,
    Assignment,
    Awake,
    EventCame,
    EventMissed,
    Inputs,
    KeepStep,
    LoadSteps,
    ReadInputs,
    Reply,
    Sleep,
    StepKept,
    Steps,
    StoredStep,
    WaitEvent,
)
from taskflow_hub.domain.model import TaskError
from taskflow_hub.domain.steps import StepKind, wrong_event, wrong_name
from taskflow_hub.worker.kept import Kept
from taskflow_hub.worker.step_results import read, written
from taskflow_hub.worker.suspending import AttemptSuspended, EventTimeout

if TYPE_CHECKING:
    import asyncio

    from taskflow_hub.worker.context import Sink

P = ParamSpec("P")
T = TypeVar("T")
R = TypeVar("R")

TURNS: Final = (
    5  # of the event loop, until a result has come from a task through a wait or a gather to the handler
)

_step: Final[ContextVar[str | None]] = ContextVar("taskflow_step", default=None)  # the one that runs here


class NodeInput(Struct, frozen=True):
    """What one item of a parent node ended with. `item` counts from 0; None: the node is no fan-out."""

    item: int | None
    status: State
    result: Any
    error: TaskError | None


class Durable:
    __slots__ = ("_active", "_kept", "_loading", "_quiet", "_resting", "_sink", "task")

    def __init__(self, task: Assignment, sink: "Sink") -> None:
        self.task, self._sink = task, sink
        self._kept = Kept(task.attempt)
        self._loading: asyncio.Lock | None = None
        # A handler may run several coroutines at once: how many of them are inside a step, and what the others sleep for.
        self._active = 0
        self._resting: list[Asleep] = []
        self._quiet: asyncio.Event | None = None

    # --- steps ---

    @property
    def step_key(self) -> str:
        """Inside a step: the same for every run of this step of this task, and for nothing else: the task's idempotency key and
        the step's name, TASK:NAME. Give it to whatever must not act twice.
        """
        name = _step.get()
        if name is None:
            raise RuntimeError("ctx.step_key is for the function that a step calls, while it runs")
        return f"{self.task.id}:{name}"

    @overload
    def step(
        self, name: str, fn: Callable[P, Awaitable[T]], /, *args: P.args, **kwargs: P.kwargs
    ) -> Coroutine[Any, Any, T]: ...

    @overload
    def step(
        self, name: str, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> Coroutine[Any, Any, T]: ...

    def step(
        self, name: str, fn: Callable[..., Any], /, *args: Any, **kwargs: Any
    ) -> Coroutine[Any, Any, Any]:
        """`await ctx.step("charge", charge, order)`: call `charge(order)` and keep its result under this name; a later attempt
        of the task is given what was kept, and calls nothing.

        A plain function runs in a thread. The result must have a JSON form of at most 256 KiB, and is given back as the
        function's return annotation says, the first time too. What raises is not kept. A name that comes again is
        numbered in the order of calls ("charge#2"). Raises LeaseLost when this attempt no longer owns its task.
        """
        return self._step(self._number(StepKind.STEP, name), fn, partial(fn, *args, **kwargs))

    def step_sync(self, name: str, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """`step` for `def` handlers; `fn` is a plain function."""
        key = self._number(StepKind.STEP, name)
        self._may_go_on(blocking=True)
        if inspect.iscoroutinefunction(fn):
            raise TypeError(
                f"step {key!r}: a `def` handler's steps are plain functions, and this is an async one"
            )
        found = self._find_sync(StepKind.STEP, key)
        if found is None:
            began = time.monotonic()
            with _inside(key):
                value = fn(*args, **kwargs)
            text, result = _result(key, fn, value)
            reply = self._sink.ask_sync(self._keep(key, text, began))
            if (kept := _expect(reply, StepKept)).first:
                return result  # type: ignore[no-any-return]
            found = StoredStep(kind=StepKind.STEP, name=key, result=kept.result)
        return read(key, fn, found.result)  # type: ignore[no-any-return]

    async def _step(self, key: str, fn: Callable[..., Any], call: Callable[[], Any]) -> Any:
        self._may_go_on()
        with self._at_work():
            found = await self._find(StepKind.STEP, key)
            if found is None:
                began = time.monotonic()
                with _inside(key):
                    value = await _called(fn, call)
                text, result = _result(key, fn, value)
                reply = await self._sink.ask(self._keep(key, text, began))
                if (kept := _expect(reply, StepKept)).first:
                    return result
                found = StoredStep(kind=StepKind.STEP, name=key, result=kept.result)
            return read(key, fn, found.result)

    def _keep(self, key: str, text: Raw, began: float) -> KeepStep:
        return self._call(KeepStep, name=key, result=text, ran_s=time.monotonic() - began)

    # --- sleeps ---

    def sleep(self, duration: Duration, /, *, name: str = "sleep") -> Coroutine[Any, Any, None]:
        """`await ctx.sleep("30m")`: end this attempt, and go on from here in another one when the time has come.

        Meanwhile nothing is held: no slot, no thread, no connection. The end is fixed once, so a crash does not lengthen it.
        `duration` is a text ("90s", "1h30m", "2d"), a number of seconds or a timedelta.
        """
        return self._sleep(self._number(StepKind.SLEEP, name), seconds_of(duration))

    def sleep_sync(self, duration: Duration, /, *, name: str = "sleep") -> None:
        """`sleep` for `def` handlers."""
        key, seconds = self._number(StepKind.SLEEP, name), seconds_of(duration)
        self._may_go_on(blocking=True)
        if self._find_sync(StepKind.SLEEP, key) is None:
            reply = self._sink.ask_sync(self._call(Sleep, name=key, seconds=seconds))
            if isinstance(reply, Asleep):
                self._suspend_sync(reply)
            _expect(reply, Awake)

    async def _sleep(self, key: str, seconds: float) -> None:
        self._may_go_on()
        with self._at_work():
            if await self._find(StepKind.SLEEP, key) is not None:
                return
            reply = await self._sink.ask(self._call(Sleep, name=key, seconds=seconds))
        if isinstance(reply, Asleep):
            await self._suspend(reply)
        _expect(reply, Awake)

    # --- waits ---

    def wait_event(self, name: str, /, *, timeout: Duration | None = None) -> Coroutine[Any, Any, Any]:
        """`await ctx.wait_event("approved", timeout="2d")`: the payload of the first event of this name that the task is sent
        (`POST /tasks/{id}/events/{name}`), as JSON values.

        Until it comes the task sleeps, as in `sleep`; one that came before is there at once. Raises EventTimeout when it
        has not come in time, in every later attempt, too, whatever comes then. `timeout` None: waits without end.
        """
        return self._wait(self._number(StepKind.EVENT, name), name, _timeout(timeout))

    def wait_event_sync(self, name: str, /, *, timeout: Duration | None = None) -> Any:
        """`wait_event` for `def` handlers."""
        key, lasts_s = self._number(StepKind.EVENT, name), _timeout(timeout)
        self._may_go_on(blocking=True)
        found = self._find_sync(StepKind.EVENT, key)
        if found is not None:
            return _payload(name, found)
        reply = self._sink.ask_sync(self._call(WaitEvent, name=key, event=name, timeout=lasts_s))
        if isinstance(reply, Asleep):
            self._suspend_sync(reply)
        return _payload(name, _came(key, reply))

    async def _wait(self, key: str, name: str, lasts_s: float | None) -> Any:
        self._may_go_on()
        with self._at_work():
            found = await self._find(StepKind.EVENT, key)
            if found is not None:
                return _payload(name, found)
            reply = await self._sink.ask(self._call(WaitEvent, name=key, event=name, timeout=lasts_s))
        if isinstance(reply, Asleep):
            await self._suspend(reply)
        return _payload(name, _came(key, reply))

    # --- inputs ---

    async def inputs(self, node: str, /) -> AsyncIterator[NodeInput]:
        """`async for each in ctx.inputs("each")`: what a parent node of this task's node in its workflow ended with, item by
        item and in order; a node that is no fan-out has one. Results of any size come, some at a time.

        Raises NotFound for a node that this one does not come after; LeaseLost.
        """
        after: int | None = -1
        while after is not None:
            page = _expect(await self._sink.ask(self._call(ReadInputs, node=node, after=after)), Inputs)
            for each in _inputs(page):
                yield each
            after = _last(page)

    def inputs_sync(self, node: str, /) -> Iterator[NodeInput]:
        """`inputs` for `def` handlers."""
        after: int | None = -1
        while after is not None:
            page = _expect(self._sink.ask_sync(self._call(ReadInputs, node=node, after=after)), Inputs)
            yield from _inputs(page)
            after = _last(page)

    # --- inside ---

    def _number(self, kind: StepKind, name: str) -> str:
        """The name it is kept under. Raises ValueError for what can be none."""
        wrong = wrong_event(name) if kind is StepKind.EVENT else wrong_name(name)
        if wrong is not None:
            raise ValueError(f"{str(name)[:120]!r} {wrong}")
        return self._kept.number(kind, name)

    def _may_go_on(self, *, blocking: bool = False) -> None:
        if blocking:
            self._sink.may_block()
        if (within := _step.get()) is not None:
            raise RuntimeError(
                f"inside the step {within!r} there are no steps, sleeps or waits: a step is run again from its beginning. "
                "Call them from the handler itself"
            )
        if self._sink.rests:
            raise AttemptSuspended

    def _call(self, kind: Callable[..., R], **fields: Any) -> R:
        """The sink adds whose it is."""
        return kind(worker="", id=self.task.id, attempt=self.task.attempt, **fields)

    async def _find(self, kind: StepKind, key: str) -> StoredStep | None:
        import asyncio  # late: a child process may never need it

        if self._loading is None:
            self._loading = asyncio.Lock()
        while (found := self._kept.take(kind, key)) is None and (after := self._kept.after) is not None:
            async with self._loading:
                if self._kept.after == after:  # of many who look at once, one asks
                    reply = await self._sink.ask(self._call(LoadSteps, after=after))
                    self._kept.add(after, _expect(reply, Steps))
        return found

    def _find_sync(self, kind: StepKind, key: str) -> StoredStep | None:
        while (found := self._kept.take(kind, key)) is None and (after := self._kept.after) is not None:
            reply = self._sink.ask_sync(self._call(LoadSteps, after=after))
            self._kept.add(after, _expect(reply, Steps))
        return found

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        self._active += 1
        try:
            yield
        finally:
            self._active -= 1
            if not self._active and self._quiet is not None:
                self._quiet.set()

    async def _suspend(self, rest: Asleep) -> NoReturn:
        """End the attempt, as soon as no other coroutine of the handler is inside a step: one that is cut off is done again.

        Several coroutines may sleep at once. The task sleeps for all of that, and wakes when the first of it is over. A sleep
        that the handler gives up before the attempt ends does not count; so a result that has just been made gets a few turns
        of the event loop to reach the code that waits for it, and may then cancel the sleep.
        """
        import asyncio

        if self._quiet is None:
            self._quiet = asyncio.Event()
        self._resting.append(rest)
        try:
            turns = TURNS
            while turns and not self._sink.rests:
                if self._active:
                    self._quiet.clear()
                    await self._quiet.wait()
                    turns = TURNS
                else:
                    await asyncio.sleep(0)
                    turns -= 1
            self._sink.rests.extend(self._resting)
        finally:
            self._resting = [other for other in self._resting if other is not rest]
        raise AttemptSuspended

    def _suspend_sync(self, rest: Asleep) -> NoReturn:
        self._sink.rests.append(rest)
        raise AttemptSuspended


@contextmanager
def _inside(step: str) -> Iterator[None]:
    token = _step.set(step)
    try:
        yield
    finally:
        _step.reset(token)


async def _called(fn: Callable[..., Any], call: Callable[[], Any]) -> Any:
    if inspect.iscoroutinefunction(fn):
        return await call()
    from taskflow_hub.worker.aside import aside

    value = await aside(call)
    return await value if inspect.isawaitable(value) else value


def _result(key: str, fn: Callable[..., Any], value: object) -> tuple[Raw, Any]:
    """What is kept, and what the handler gets. Nothing is kept that could not be read again."""
    if inspect.isawaitable(value):
        if inspect.iscoroutine(value):
            value.close()
        raise TypeError(
            f"step {key!r}: a `def` handler's steps are plain functions, and this one gave an awaitable"
        )
    text = written(key, value)
    return text, read(key, fn, text)


def _timeout(timeout: Duration | None) -> float | None:
    return None if timeout is None else seconds_of(timeout)


def _came(key: str, reply: Reply) -> StoredStep:
    if isinstance(reply, EventMissed):
        return StoredStep(kind=StepKind.EVENT, name=key, timed_out=True)
    return StoredStep(kind=StepKind.EVENT, name=key, result=_expect(reply, EventCame).payload)


def _payload(name: str, step: StoredStep) -> Any:
    if step.timed_out:
        raise EventTimeout(name)
    return msgspec.json.decode(step.result)


def _inputs(page: Inputs) -> Iterator[NodeInput]:
    for each in page.items:
        yield NodeInput(each.item, each.status, msgspec.json.decode(each.result), each.error)


def _last(page: Inputs) -> int | None:
    """After which item the next page begins; None: there is none."""
    return page.items[-1].item if page.more and page.items else None


def _expect(reply: Reply, kind: type[R]) -> R:
    if isinstance(reply, kind):
        return reply
    raise TaskflowError(f"the engine answered with {type(reply).__name__}")
