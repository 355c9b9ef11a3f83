"""Handlers that go on where they were, in a whole hub: on the event loop, in threads and in child processes."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.integration import step_handlers
from tests.integration.step_handlers import TRACE

from taskflow_hub import Hub, NotAllowed, RetryPolicy, State, TaskHandle, Workflow, task
from taskflow_hub.domain.model import DEFAULT_ACCOUNT
from taskflow_hub.domain.steps import StepState
from taskflow_hub.testing.handlers import working

KINDS = ("async", "thread", "process")
SOON = RetryPolicy(base=0.01, jitter=False)


@pytest.fixture
def traced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    file = tmp_path / "trace"
    file.touch()
    monkeypatch.setenv(TRACE, str(file))
    return lambda: file.read_text().split()


@pytest.fixture
async def hub(traced: object) -> AsyncIterator[Hub]:
    async with working(step_handlers.hub, slots=1) as hub:
        yield hub


async def submit(hub: Hub, type: str, **payload: Any) -> TaskHandle[Any]:
    return await hub.submit(type, payload, options={"retry": SOON})


async def until(handle: TaskHandle[Any], true: Callable[[], Awaitable[bool]]) -> None:
    """Each change of the task is a reason to look again."""
    engine = handle._hub._attached  # type: ignore[attr-defined]
    async with asyncio.timeout(20):
        with engine.hints.watch(handle.id) as changed:
            changed.clear()
            while not await true():
                await changed.wait()
                changed.clear()


async def asleep(handle: TaskHandle[Any], state: StepState) -> None:
    """Until it sleeps, or waits, and its attempt has ended."""
    engine = handle._hub._attached  # type: ignore[attr-defined]

    async def true() -> bool:
        page = await engine.steps.of_task(DEFAULT_ACCOUNT, handle.id, after=0, limit=100)
        there = any(step.state is state for step in page.items)
        return there and await handle.status() is State.SCHEDULED

    await until(handle, true)


@pytest.mark.parametrize("kind", KINDS)
async def test_it_goes_on_where_it_was(hub: Hub, traced: Callable[[], list[str]], kind: str) -> None:
    handle = await submit(hub, f"order.{kind}")
    await asleep(handle, StepState.WAITING)
    event = await handle.send_event("approved", {"by": "ada"})
    assert (event.payload, event.accepted) == ({"by": "ada"}, True)
    again = await hub.send_event(handle.id, "approved", 7)
    assert (again.payload, again.accepted) == ({"by": "ada"}, False)
    assert await handle.result(timeout=20) == ["one", "two", {"by": "ada"}, "never", 4]
    assert traced() == ["one", "two"]
    with pytest.raises(NotAllowed):
        await handle.send_event("other")


@pytest.mark.parametrize("kind", KINDS)
async def test_what_raises_is_tried_again_and_what_was_done_is_not(
    hub: Hub, traced: Callable[[], list[str]], kind: str
) -> None:
    handle = await submit(hub, f"order.{kind}", fails=2)
    await handle.send_event("approved", [1])  # comes early
    assert await handle.result(timeout=20) == ["one", "two", [1], "never", 5]
    assert traced() == ["one", "broken", "broken", "two"]
    assert (await handle.task()).retry_count == 2, "sleeping costs no retry"


@pytest.mark.parametrize("kind", KINDS)
async def test_who_catches_it_and_returns_is_suspended_all_the_same(
    hub: Hub, traced: Callable[[], list[str]], kind: str
) -> None:
    handle = await submit(hub, f"catches.{kind}")
    assert await handle.result(timeout=20) == "in time, attempt 2"
    assert traced() == [], "nothing is begun once it is suspended"
    logs = await handle._hub._attached.queries.logs(  # type: ignore[attr-defined]
        DEFAULT_ACCOUNT, handle.id, after=(0, 0), limit=10
    )
    assert [(line.attempt, line.level) for line in logs] == [(1, "warning")]
    assert "AttemptSuspended" in logs[0].message


@pytest.mark.parametrize("kind", KINDS)
async def test_who_catches_it_and_raises_has_failed(hub: Hub, kind: str) -> None:
    handle = await submit(hub, f"fails.{kind}")
    assert await handle.result(timeout=20) >= 2
    task = await handle.task()
    assert task.retry_count >= 1
    attempts = await handle._hub._attached.queries.attempts(DEFAULT_ACCOUNT, handle.id)  # type: ignore[attr-defined]
    assert attempts[0].error is not None
    assert (attempts[0].outcome, attempts[0].error.type) == ("failed", "LookupError")
    assert "AttemptSuspended" in (attempts[0].error.traceback or "")


async def test_several_at_once(hub: Hub, traced: Callable[[], list[str]]) -> None:
    handle = await submit(hub, "group.async")
    await asleep(handle, StepState.WAITING)
    await handle.send_event("approved", "yes")
    assert await handle.result(timeout=20) == ["yes", "beside"]
    assert traced() == ["beside"]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_sleep_of_thirty_minutes_holds_nothing(traced: object, kind: str) -> None:
    """A worker has no connection to the database, so there is none to hold."""
    before = set(threading.enumerate())
    async with working(step_handlers.hub, slots=1) as hub:
        handles = [await submit(hub, f"sleeper.{kind}") for _ in range(3)]
        for handle in handles:
            await asleep(handle, StepState.ASLEEP)
        engine = hub._attached
        assert engine is not None
        [worker] = await engine.store.workers()
        assert (worker.slots, worker.running) == (1, 0)
        assert await (await hub.submit("other")).result(timeout=20) > 0, "its one slot is free"
        names = [thread.name for thread in set(threading.enumerate()) - before]
        assert names.count("taskflow-handler") <= 1, "the one that ran last waits for more; three sleep"
        assert names.count("taskflow-step") == 0
        for handle in handles:
            assert await handle.cancel() is State.CANCELLED


@pytest.mark.parametrize("kind", ["thread", "process"])
async def test_a_node_reads_its_inputs_page_by_page_and_has_steps(hub: Hub, kind: str) -> None:
    """More items, and more bytes, than one page has."""
    items = 450
    with Workflow("inputs") as flow:
        numbers = list(range(items))
        fan = step_handlers.each.options(max_retries=0).map(numbers, size=5_000).named("each").allow_failure()
        total = task(f"total.{kind}", {})
        fan.on_done(total)
        flow.returns(total.result)
    handle = await flow.submit(hub)
    added = sum(n for n in numbers if n % 100 != 99)
    assert await handle.result(timeout=120) == [added, [99, 199, 299, 399], 2]
