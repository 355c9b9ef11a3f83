"""The demo task types."""

import asyncio

import pytest

from taskflow_hub.builtin.demo import DemoFailure, demo_fail, demo_noop, demo_sleep
from taskflow_hub.testing.handlers import RecordedContext


async def test_noop_does_nothing() -> None:
    await demo_noop()


@pytest.mark.parametrize("seconds", [0, 0.001, 0.25])
async def test_sleep_shows_its_progress(seconds: float) -> None:
    ctx = RecordedContext()
    await demo_sleep(seconds, ctx)
    assert ctx.fractions == sorted(ctx.fractions)
    assert ctx.fractions[-1] == 1.0
    assert len(ctx.fractions) <= 101


async def test_sleep_can_be_cancelled() -> None:
    sleeping = asyncio.create_task(demo_sleep(86_400, RecordedContext()))
    await asyncio.sleep(0)
    sleeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sleeping


@pytest.mark.parametrize(
    ("times", "retry_count", "fails"),
    [(2, 0, True), (2, 1, True), (2, 2, False), (0, 0, False), (None, 99, True)],
)
async def test_fail_fails_as_often_as_asked(times: int | None, retry_count: int, fails: bool) -> None:
    ctx = RecordedContext(retry_count=retry_count, attempt=retry_count + 5)
    if fails:
        with pytest.raises(DemoFailure, match=r"^failed as asked$"):
            await demo_fail(ctx, times=times)
    else:
        await demo_fail(ctx, times=times)


async def test_fail_says_what_it_is_told() -> None:
    with pytest.raises(DemoFailure, match=r"^out of paper$"):
        await demo_fail(RecordedContext(), message="out of paper")
