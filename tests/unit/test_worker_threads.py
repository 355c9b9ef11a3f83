"""The threads that run `def` handlers: an exception sent to stop one attempt never strikes the next."""

import asyncio
import gc
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime

import pytest
from msgspec import Raw

from taskflow_hub.domain.messages import Assignment
from taskflow_hub.worker.executors import in_thread
from taskflow_hub.worker.executors.in_thread import HandlerThread, InThread
from taskflow_hub.worker.held import HeldAttempt, Stopping
from taskflow_hub.worker.outcome import Obeyed, Outcome, Returned
from taskflow_hub.worker.registry import Registry


class Pool:
    def __init__(self) -> None:
        self.ended: dict[HeldAttempt, asyncio.Future[Outcome]] = {}
        self.threads = InThread(lambda held, outcome: self.ended[held].set_result(outcome))

    def start(self, function: Callable[[], object]) -> HeldAttempt:
        assignment = Assignment(
            id="a",
            attempt=1,
            type="t",
            queue="q",
            priority=5,
            payload=Raw(b"{}"),
            timeout=None,
            retry_count=0,
            max_retries=0,
            created_at=datetime(2026, 1, 1, tzinfo=UTC),
        )
        held = HeldAttempt(assignment, Registry().add("t", function))
        self.ended[held] = asyncio.get_running_loop().create_future()
        self.threads.start(held)
        return held

    def stop(self, held: HeldAttempt) -> None:
        held.stopping = Stopping.CANCELLED
        self.threads.stop(held)

    def alive(self) -> int:
        return len(self.alive_ones())

    def alive_ones(self) -> list[HandlerThread]:
        """The threads this pool has; another test's may still be ending."""
        every = [thread for thread in threading.enumerate() if isinstance(thread, HandlerThread)]
        return [thread for thread in every if thread._finish == self.threads._finish]

    async def end(self, held: HeldAttempt) -> Outcome:
        async with asyncio.timeout(20):
            return await self.ended[held]


@pytest.fixture
async def pool() -> AsyncIterator[Pool]:
    pool = Pool()
    yield pool
    await pool.threads.close()


@pytest.fixture
def restless() -> Iterator[None]:
    """Let threads change over far more often than usual.

    Nothing is collected meanwhile: hypothesis has a callback there, in whichever thread, and loses what is raised in it.
    """
    usual = sys.getswitchinterval()
    sys.setswitchinterval(5e-5)
    gc.disable()
    yield
    gc.enable()
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("restless")
async def test_a_stop_strikes_only_the_attempt_it_is_meant_for(pool: Pool) -> None:
    def short() -> int:
        total = 0
        for number in range(300):
            total += number
        return total

    def bystander() -> int:
        return short()

    chance, seen = random.Random(1), Counter[type]()
    moments_s = 0.0003  # among which the stop's is drawn: so many that, on this machine, about half of them come too late
    for _ in range(3000):
        struck = pool.start(short)
        until = time.perf_counter() + chance.random() * moments_s
        while time.perf_counter() < until:
            pass
        pool.stop(struck)
        outcome = await pool.end(struck)
        seen[type(outcome)] += 1
        moments_s *= 1.02 if isinstance(outcome, Obeyed) else 0.98
        assert isinstance(outcome, Obeyed | Returned)
        assert isinstance(await pool.end(pool.start(bystander)), Returned)
    assert seen[Obeyed] > 100, seen
    assert seen[Returned] > 100, seen
    assert pool.alive() == 1


async def test_a_second_stop_changes_nothing(pool: Pool) -> None:
    at_work, cleaning, told_again = threading.Event(), threading.Event(), threading.Event()
    cleaned = threading.Event()
    caught: list[BaseException] = []

    def careful() -> None:
        try:
            at_work.set()
            while True:
                time.sleep(0.001)
        except BaseException as error:
            caught.append(error)
            cleaning.set()
            told_again.wait()
            for _ in range(1_000):  # steps at which an exception that was sent would be raised
                pass
            cleaned.set()
            raise

    held = pool.start(careful)
    await asyncio.to_thread(at_work.wait)
    pool.stop(held)
    await asyncio.to_thread(cleaning.wait)
    for _ in range(5):
        pool.stop(held)
    told_again.set()
    assert isinstance(await pool.end(held), Obeyed)
    assert cleaned.is_set()
    assert len(caught) == 1
    pool.stop(held)  # it has ended


async def test_a_stop_before_the_start_means_no_start(pool: Pool) -> None:
    ran: list[int] = []
    held = pool.start(lambda: ran.append(1))
    held.stopping = Stopping.CANCELLED
    outcome = await pool.end(held)
    assert (isinstance(outcome, Obeyed) and not ran) or (isinstance(outcome, Returned) and ran)


async def test_threads_are_as_many_as_run_at_once_and_idle_ones_end(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()
    many = [pool.start(go_on.wait) for _ in range(5)]
    assert pool.alive() == 5
    go_on.set()
    for held in many:
        await pool.end(held)
    for _ in range(20):
        await pool.end(pool.start(lambda: None))
    assert pool.alive() == 5
    idle = pool.alive_ones()
    monkeypatch.setattr(in_thread, "IDLE_S", 0.02)
    pool.threads._trim(0.02)
    for thread in idle:
        await asyncio.to_thread(thread.join, 20)
    assert not pool.alive()
    assert isinstance(await pool.end(pool.start(lambda: None)), Returned)


async def test_where_a_thread_stands_is_the_handlers_own_stack(pool: Pool) -> None:
    go_on, there = threading.Event(), threading.Event()

    def inner() -> None:
        there.set()
        go_on.wait()

    def outer() -> None:
        inner()

    held = pool.start(outer)
    await asyncio.to_thread(there.wait)
    where = pool.threads.where(held)
    go_on.set()
    await pool.end(held)
    assert where is not None
    assert where.index("in outer") < where.index("in inner") < where.index("go_on.wait()")
    assert "in_thread.py" not in where
