"""The engine with its loops running: hints make things fast, polling makes them sure, stopping leaves nothing behind."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from tests.integration.engine_house import LONG_S, HandWorker, House, open_house
from tests.support.grounds import Ground, apart, within_one_process

from taskflow_hub.domain.clock import new_id
from taskflow_hub.domain.errors import NotFound, StoreUnavailable, Unavailable
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.messages import Assignment, Inbound
from taskflow_hub.domain.model import DEFAULT_ACCOUNT, Task
from taskflow_hub.domain.submission import Submission
from taskflow_hub.engine.hints import Topic
from taskflow_hub.engine.loops.collector import Collector
from taskflow_hub.engine.loops.dispatcher import Dispatcher
from taskflow_hub.engine.loops.reaper import Reaper
from taskflow_hub.store.values import BulkAction, BulkStatus, TaskFilter
from taskflow_hub.testing.store_contract.kit import ManualClock


@pytest_asyncio.fixture
async def house(ground: Ground, tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(ground, tmp_path) as opened:
        await opened.engine.start()
        yield opened


async def take(worker: HandWorker) -> Assignment:
    """The next message, which is an assignment."""
    messages: list[Inbound] = []
    while not messages:
        messages += await worker.side.take(1, LONG_S)
    (assignment,) = messages
    assert isinstance(assignment, Assignment)
    return assignment


async def final(house: House, task: Task | Assignment) -> Task:
    done = await house.engine.tasks.wait(DEFAULT_ACCOUNT, task.id, LONG_S)
    assert done.finished_at is not None, f"still {done.status} after {LONG_S} s"
    return done


async def test_a_task_runs_through_without_anyone_pushing(house: House) -> None:
    worker = await house.worker()
    task = await house.submit()
    assignment = await take(worker)
    await worker.report(worker.succeeded(assignment, 42))
    assert (await final(house, task)).status is State.SUCCESS


async def test_a_hundred_callers_and_a_few_workers_finish_everything_in_full(house: House) -> None:
    workers = [await house.worker(slots=7, window=2) for _ in range(3)]

    async def work(worker: HandWorker) -> None:
        while True:
            for message in await worker.side.take(20, LONG_S):
                assert isinstance(message, Assignment)
                ends = (
                    worker.failed(message, after=0.0)
                    if message.retry_count < 1 and int(message.id[-1], 16) % 4 == 0
                    else worker.succeeded(message, message.attempt)
                )
                await worker.report(ends)

    working = [asyncio.create_task(work(worker)) for worker in workers]
    tasks = await asyncio.gather(*(house.submit() for _ in range(100)))
    done = await asyncio.gather(*(final(house, task) for task in tasks))
    for one in working:
        one.cancel()
    await asyncio.gather(*working, return_exceptions=True)
    assert {task.status for task in done} == {State.SUCCESS}
    assert all(task.attempt == task.retry_count + 1 for task in done)
    assert house.counted("stale_reports_refused_total") == 0


async def test_a_retry_comes_back_by_itself(house: House) -> None:
    worker = await house.worker()
    task = await house.submit()
    await worker.report(worker.failed(await take(worker), after=0.0))
    again = await take(worker)
    assert (again.id, again.attempt, again.retry_count) == (task.id, 2, 1)


async def test_a_delayed_task_comes_when_it_is_due(house: House) -> None:
    worker = await house.worker()
    task = await house.submit(delay=5.0)
    house.clock.advance(5.0)
    house.engine.hints.tell(Topic.DUE)  # the store's clock is not the loop's: nobody would wake it
    assert (await take(worker)).id == task.id


async def test_a_resumed_queue_is_served_at_once(house: House) -> None:
    worker = await house.worker()
    await house.engine.queues.pause("default")
    task = await house.submit()
    await house.engine.queues.resume("default")
    messages = list(await worker.inbox())
    while not any(isinstance(message, Assignment) for message in messages):
        messages += await worker.side.take(10, LONG_S)
    assert [message.id for message in messages if isinstance(message, Assignment)] == [task.id]


async def test_a_bulk_operation_runs_by_itself(house: House) -> None:
    await house.submit_many(20)
    bulk = await house.engine.bulk.begin(DEFAULT_ACCOUNT, BulkAction.CANCEL, TaskFilter())
    while bulk.status is BulkStatus.RUNNING:
        bulk = await house.engine.bulk.get(DEFAULT_ACCOUNT, bulk.id)
    assert bulk.done == 20


# --- waiting -----------------------------------------------------------------------------------------------------


async def test_a_waiter_is_woken_by_the_hint(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("taskflow_hub.engine.tasks.POLL_S", LONG_S)
    worker = await house.worker()
    task = await house.submit()
    waiting = asyncio.create_task(final(house, task))
    await worker.report(worker.succeeded(await take(worker)))
    assert (await waiting).status is State.SUCCESS


async def test_a_waiter_that_no_hint_reaches_finds_out_by_itself(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("taskflow_hub.engine.tasks.POLL_S", 0.001)
    task = await house.submit()
    with house.faults.held("task") as held:
        waiting = asyncio.create_task(final(house, task))
        await held.reached.wait()
    await house.real.cancel(DEFAULT_ACCOUNT, [task.id])  # past the engine: nobody is told
    assert (await waiting).status is State.CANCELLED


async def test_a_wait_that_runs_out_answers_the_task_as_it_is(house: House) -> None:
    task = await house.submit()
    for wait_s in (0.0, 0.01):
        assert (await house.engine.tasks.wait(DEFAULT_ACCOUNT, task.id, wait_s)).status is State.QUEUED


async def test_waiting_for_nothing_is_not_found_also_when_it_goes_meanwhile(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NotFound):
        await house.engine.tasks.wait(DEFAULT_ACCOUNT, new_id(), LONG_S)
    asleep = asyncio.Event()

    async def until_told(changed: asyncio.Event, _: float) -> None:
        asleep.set()
        await changed.wait()

    monkeypatch.setattr("taskflow_hub.engine.tasks._set_within", until_told)
    task = await house.submit(delay=60.0)
    waiting = asyncio.create_task(final(house, task))
    await asleep.wait()  # it has seen the task, and looks again only when it is told
    await house.real.cancel(DEFAULT_ACCOUNT, [task.id])
    await house.engine.tasks.delete(DEFAULT_ACCOUNT, [task.id])
    with pytest.raises(NotFound):
        await waiting


async def test_waiters_leave_nothing_behind(house: House) -> None:
    task = await house.submit()
    waits = [asyncio.create_task(final(house, task)) for _ in range(10)]
    await asyncio.sleep(0)
    waits[0].cancel()
    await house.cancel(task)
    await asyncio.gather(*waits, return_exceptions=True)
    assert house.engine.hints._watches == {}


async def test_whoever_listens_hears_of_every_step_of_a_task(house: House) -> None:
    worker = await house.worker()
    heard = asyncio.Event()
    leave = house.engine.hints.on(Topic.TASKS, heard.set)
    await house.submit()
    assert heard.is_set()
    heard.clear()
    assignment = await take(worker)
    await heard.wait()
    heard.clear()
    await worker.report(worker.succeeded(assignment))
    await heard.wait()
    leave()


# --- outages -----------------------------------------------------------------------------------------------------


async def test_after_an_outage_everything_goes_on_and_nothing_was_counted(house: House) -> None:
    worker = await house.worker()
    task = await house.submit()
    assignment = await take(worker)
    collector_failed = asyncio.Event()
    (collector,) = (loop for loop in house.engine.loops if isinstance(loop, Collector))
    collector.on_failure = collector_failed.set
    with house.faults.raising(StoreUnavailable("the database is away")):
        await worker.report(worker.succeeded(assignment, 1))
        await collector_failed.wait()
        with pytest.raises(Unavailable):
            await house.submit()
    done = await final(house, task)
    assert (done.status, done.attempt, done.retry_count, done.crashes) == (State.SUCCESS, 1, 0, 0)
    later = await house.submit()
    await worker.report(worker.succeeded(await take(worker)))
    assert (await final(house, later)).status is State.SUCCESS


async def test_ticks_that_raise_are_counted_by_loop(house: House) -> None:
    (reaper,) = (loop for loop in house.engine.loops if isinstance(loop, Reaper))
    failed = asyncio.Event()
    count = reaper.on_failure

    def fail() -> None:
        count()
        failed.set()

    reaper.on_failure = fail
    with house.faults.raising(StoreUnavailable(), "workers"):
        reaper.wake()
        await failed.wait()
    assert house.counted("loop_errors_total", loop="reaper") >= 1
    assert house.counted("loop_errors_total", loop="collector") == 0


# --- start and stop ----------------------------------------------------------------------------------------------


async def test_starting_and_stopping_twice_is_harmless(house: House) -> None:
    await house.engine.start()
    await house.engine.stop()
    await house.engine.stop()
    await house.engine.start()
    worker = await house.worker()
    task = await house.submit()
    await worker.report(worker.succeeded(await take(worker)))
    assert (await final(house, task)).status is State.SUCCESS


async def test_stopping_before_starting_is_harmless(ground: Ground, tmp_path: Path) -> None:
    async with open_house(ground, tmp_path) as house:
        await house.engine.stop()


async def test_what_was_reported_before_a_stop_is_stored(ground: Ground, tmp_path: Path) -> None:
    clock = ManualClock()
    async with open_house(ground, tmp_path, clock=clock) as first:
        await first.engine.start()
        worker = await first.worker(slots=50)
        ids = await first.submit_many(50)
        assignments = [await take(worker) for _ in ids]
        await worker.report(*(worker.succeeded(one) for one in assignments))
        await first.engine.stop()
        assert await worker.acknowledged(50)
    async with open_house(ground, tmp_path, clock=clock) as second:
        assert await second.engine.bulk.count(DEFAULT_ACCOUNT, TaskFilter(status=(State.SUCCESS,))) == 50


async def test_a_submit_under_way_is_finished_by_the_stop(house: House) -> None:
    with house.faults.held("submit") as held:
        submitting = asyncio.create_task(house.submit())
        await held.reached.wait()
        stopping = asyncio.create_task(house.engine.stop())
        await asyncio.sleep(0)
        held.released.set()
        await stopping
    assert await house.status(await submitting) is State.QUEUED


async def test_an_engine_used_from_two_event_loops_serves_both(house: House) -> None:
    worker = await house.worker()

    async def elsewhere() -> tuple[str, State]:
        submitted = await house.engine.tasks.submit([Submission(type="work")])
        task_id = submitted.tasks[0].id
        return task_id, (await house.engine.tasks.wait(DEFAULT_ACCOUNT, task_id, LONG_S)).status

    there = asyncio.create_task(asyncio.to_thread(lambda: asyncio.run(elsewhere())))
    here = await house.submit()
    for _ in range(2):
        await worker.report(worker.succeeded(await take(worker)))
    task_id, status = await there
    assert (status, (await final(house, here)).status) == (State.SUCCESS, State.SUCCESS)
    assert task_id != here.id


@within_one_process
async def test_two_engines_on_one_database_each_feed_their_own_workers(
    ground: Ground, tmp_path: Path
) -> None:
    clock = ManualClock()
    async with (
        open_house(ground, tmp_path, clock=clock) as first,
        open_house(ground, tmp_path, clock=clock) as second,
    ):
        theirs = await second.worker(slots=1, window=0)
        await first.submit_many(3)
        await first.tick(Dispatcher)
        assert await theirs.take() == []
        await second.tick(Dispatcher)
        assert len(await theirs.take()) == 1
        ours = await first.worker(slots=5)
        await first.tick(Dispatcher)
        assert len(await ours.take()) == 2


@apart
async def test_two_engines_on_one_broker_feed_every_worker(ground: Ground, tmp_path: Path) -> None:
    clock = ManualClock()
    async with (
        open_house(ground, tmp_path, clock=clock) as first,
        open_house(ground, tmp_path, clock=clock) as second,
    ):
        theirs = await second.worker(slots=1, window=0)
        ours = await first.worker(slots=5)
        await first.submit_many(8)
        await first.tick(Dispatcher)
        assert (len(await theirs.take()), len(await ours.take())) == (1, 6), "as many as they have room for"
        await second.tick(Dispatcher)
        assert (await theirs.take(), await ours.take()) == ([], []), "no engine fills it again"
