"""What has been kept long enough goes, and operations over many tasks survive a restart."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
import structlog
from tests.integration.engine_house import House, open_house
from tests.support.grounds import Ground, within_one_process

from taskflow_hub.domain.clock import new_id
from taskflow_hub.domain.errors import NotFound, StoreUnavailable
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.messages import Assignment
from taskflow_hub.domain.model import DEFAULT_ACCOUNT
from taskflow_hub.engine.loops.bulk import CHUNK, BulkRunner
from taskflow_hub.engine.loops.pruner import Pruner
from taskflow_hub.engine.results import INLINE_MAX
from taskflow_hub.engine.settings import RetentionSettings
from taskflow_hub.store.values import Bulk, BulkAction, BulkStatus, TaskFilter
from taskflow_hub.testing.store_contract.kit import ManualClock

pytestmark = within_one_process  # what is kept and what goes is between engine and store
DAY_S = 86_400.0


@pytest_asyncio.fixture
async def house(ground: Ground, tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(ground, tmp_path) as opened:
        yield opened


async def one_of_each(house: House) -> dict[State, str]:
    """A succeeded, a failed and a cancelled task, finished now."""
    worker = await house.worker()
    succeeds, fails = await house.started(worker), await house.started(worker, max_retries=0)
    await worker.report(worker.succeeded(succeeds), worker.failed(fails))
    await house.collect()
    cancelled = await house.submit()
    await house.cancel(cancelled)
    return {State.SUCCESS: succeeds.id, State.FAILED: fails.id, State.CANCELLED: cancelled.id}


async def left(house: House, tasks: dict[State, str]) -> set[State]:
    return {
        state for state, task_id in tasks.items() if await house.engine.store.task(DEFAULT_ACCOUNT, task_id)
    }


# --- pruning -----------------------------------------------------------------------------------------------------


async def test_each_outcome_is_kept_as_long_as_its_own_retention_says(ground: Ground, tmp_path: Path) -> None:
    """And at most a day longer: a store may keep its history by days."""
    retention = RetentionSettings(success=10 * DAY_S, failed=30 * DAY_S, cancelled=20 * DAY_S)
    async with open_house(ground, tmp_path, retention=retention) as house:
        tasks = await one_of_each(house)
        kept = []
        for _ in range(4):
            await house.prune()
            kept.append(await left(house, tasks))
            house.clock.advance(11 * DAY_S)
        assert kept == [set(tasks), {State.FAILED, State.CANCELLED}, {State.FAILED}, set()]


async def test_a_retention_of_zero_keeps_for_ever(ground: Ground, tmp_path: Path) -> None:
    retention = RetentionSettings(success=0, failed=0, cancelled=5)
    async with open_house(ground, tmp_path, retention=retention) as house:
        tasks = await one_of_each(house)
        house.clock.advance(100 * 366 * 86_400)
        await house.prune()
        assert await left(house, tasks) == {State.SUCCESS, State.FAILED}


async def test_the_default_keeps_failures_longer_than_successes(house: House) -> None:
    tasks = await one_of_each(house)
    house.clock.advance(timedelta(days=8).total_seconds())
    await house.prune()
    assert await left(house, tasks) == {State.FAILED}
    house.clock.advance(timedelta(days=23).total_seconds())
    await house.prune()
    assert await left(house, tasks) == set()


async def test_unfinished_tasks_are_never_pruned(house: House) -> None:
    worker = await house.worker()
    running, waiting = await house.started(worker), await house.submit(delay=10.0)
    house.clock.advance(10 * 366 * 86_400)
    await house.prune()
    assert await house.status(running) is State.RUNNING
    assert await house.status(waiting) is State.SCHEDULED


async def test_many_are_pruned_in_chunks_and_the_next_chunk_comes_soon(house: House) -> None:
    ids = await house.submit_many(CHUNK + 100)
    await house.engine.tasks.cancel(DEFAULT_ACCOUNT, ids)
    house.clock.advance(timedelta(days=8).total_seconds())
    pauses = [await house.tick(Pruner) for _ in range(2)]
    assert pauses[0] is not None
    assert pauses[0] < 1
    assert pauses[1] is None
    assert await house.engine.bulk.count(DEFAULT_ACCOUNT, TaskFilter()) == 0


async def test_a_large_result_goes_with_its_task(house: House) -> None:
    worker = await house.worker()
    large = await house.started(worker)
    await worker.report(worker.succeeded(large, "x" * INLINE_MAX))
    await house.collect()
    folder = house.engine.results.folder
    assert len(list(folder.glob("*/*.json"))) == 1
    house.clock.advance(timedelta(days=8).total_seconds())
    await house.prune()
    assert list(folder.glob("*/*.json")) == []


async def test_files_nobody_names_are_swept_and_named_ones_kept(house: House) -> None:
    worker = await house.worker()
    named, refused = await house.started(worker), await house.started(worker, max_retries=0)
    await worker.report(worker.succeeded(named, "x" * INLINE_MAX), worker.failed(refused))
    await house.collect()
    results = house.engine.results
    for task_id in (refused.id, "0192f0c1-7a3b-7c55-9d2e-5f6a7b8c9d0e"):
        await results.write(task_id, 1, b"nobody names this", None)
    for path in results.folder.glob("*/*.json"):
        long_ago = time.time() - 7200
        os.utime(path, (long_ago, long_ago))
    await house.prune()
    assert [path.name for path in results.folder.glob("*/*.json")] == [f"{named.id}.1.json"]


async def test_the_sweep_leaves_a_file_that_is_about_to_be_named(house: House) -> None:
    worker = await house.worker()
    task = await house.started(worker)
    results = house.engine.results
    stale = await results.write(task.id, 1, b"of an attempt that was lost", None)
    os.utime(results.folder / stale.ref, (0, 0))
    fresh = await results.write(task.id, 2, b"written and not yet committed", None)

    await house.prune()

    assert [path.name for path in results.folder.glob("*/*.json")] == [Path(fresh.ref).name]


async def test_deleting_a_task_deletes_its_large_result(house: House) -> None:
    worker = await house.worker()
    task = await house.started(worker)
    await worker.report(worker.succeeded(task, "x" * INLINE_MAX))
    await house.collect()
    assert list(house.engine.results.folder.glob("*/*.json"))
    assert await house.engine.tasks.delete(DEFAULT_ACCOUNT, [task.id]) == [None]
    assert not list(house.engine.results.folder.glob("*/*.json"))


async def test_what_hinders_the_database_is_said_at_most_once_a_minute(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hindered() -> list[str]:
        return ["Somebody holds back vacuum."]

    (pruner,) = (loop for loop in house.engine.loops if isinstance(loop, Pruner))
    monkeypatch.setattr(house.engine.store, "warnings", hindered)
    said = []
    for seconds in (0.0, 0.05, 59.9, 60.0, 61.0):
        monkeypatch.setattr(pruner, "_monotonic", lambda seconds=seconds: seconds)
        with structlog.testing.capture_logs() as logged:
            await house.prune()
        said.append([line["why"] for line in logged if line["log_level"] == "warning"])
    once = ["Somebody holds back vacuum."]
    assert said == [once, [], [], once, []]


# --- bulk operations ---------------------------------------------------------------------------------------------


async def begin(house: House, action: BulkAction, **where: object) -> Bulk:
    return await house.engine.bulk.begin(DEFAULT_ACCOUNT, action, TaskFilter(**where))  # type: ignore[arg-type]


async def got(house: House, bulk: Bulk) -> Bulk:
    return await house.engine.bulk.get(DEFAULT_ACCOUNT, bulk.id)


async def running_beside_a_waiting_one(house: House) -> Assignment:
    worker = await house.worker(slots=1, window=0)
    running = await house.started(worker, tags=("x",))
    await house.submit(tags=("x",))
    return running


async def test_a_bulk_cancel_cancels_what_waits_and_asks_what_runs(house: House) -> None:
    running = await running_beside_a_waiting_one(house)
    await house.submit(tags=("y",))
    bulk = await begin(house, BulkAction.CANCEL, tag="x")
    assert (bulk.total, bulk.status) == (2, BulkStatus.RUNNING)
    await house.run_bulks()
    done = await got(house, bulk)
    assert (done.status, done.done, done.skipped) == (BulkStatus.DONE, 2, 0)
    assert (await house.task(running)).cancel_requested_at is not None
    assert await house.engine.bulk.count(DEFAULT_ACCOUNT, TaskFilter(status=(State.QUEUED,))) == 1


async def test_what_was_cancelled_before_is_skipped(house: House) -> None:
    await running_beside_a_waiting_one(house)
    first = await begin(house, BulkAction.CANCEL, tag="x")
    await house.run_bulks()
    again = await begin(house, BulkAction.CANCEL, tag="x")
    await house.run_bulks()
    assert ((await got(house, first)).done, (await got(house, again)).done) == (2, 0)
    assert (await got(house, again)).skipped == 2


async def test_a_bulk_redrive_and_a_bulk_delete_count_what_they_changed(house: House) -> None:
    ids = await house.submit_many(5)
    await house.engine.tasks.cancel(DEFAULT_ACCOUNT, ids[:3])
    redrive = await begin(house, BulkAction.REDRIVE)
    await house.run_bulks()
    assert ((await got(house, redrive)).done, (await got(house, redrive)).skipped) == (3, 2)
    await house.engine.tasks.cancel(DEFAULT_ACCOUNT, ids)
    delete = await begin(house, BulkAction.DELETE, status=(State.CANCELLED,))
    await house.run_bulks()
    assert (await got(house, delete)).done == 5
    assert await house.engine.bulk.count(DEFAULT_ACCOUNT, TaskFilter()) == 0


async def test_what_comes_to_match_while_it_runs_is_done_and_counted(house: House) -> None:
    ids = await house.submit_many(5)
    await house.engine.tasks.cancel(DEFAULT_ACCOUNT, ids[:2])
    redrive = await begin(house, BulkAction.REDRIVE, status=(State.CANCELLED,))
    assert redrive.total == 2
    await house.engine.tasks.cancel(DEFAULT_ACCOUNT, ids[2:])
    assert (await got(house, redrive)).total == 2
    await house.run_bulks()
    over = await got(house, redrive)
    assert (over.total, over.done, over.skipped) == (5, 5, 0)


async def test_what_was_submitted_after_it_began_is_left_alone(house: House) -> None:
    await house.submit()
    house.clock.advance(1)
    bulk = await begin(house, BulkAction.CANCEL)
    house.clock.advance(1)
    later = await house.submit()
    await house.run_bulks()
    assert (await got(house, bulk)).done == 1
    assert await house.status(later) is State.QUEUED


async def test_a_bulk_operation_goes_on_where_it_was_after_a_restart(ground: Ground, tmp_path: Path) -> None:
    count, clock = 2 * CHUNK + 10, ManualClock()
    async with open_house(ground, tmp_path, clock=clock) as first:
        await first.submit_many(count)
        bulk = await begin(first, BulkAction.CANCEL)
        await first.tick(BulkRunner)
        assert (await got(first, bulk)).done == CHUNK
    async with open_house(ground, tmp_path, clock=clock) as second:
        await second.run_bulks()
        done = await got(second, bulk)
        assert (done.status, done.total, done.done, done.skipped) == (BulkStatus.DONE, count, count, 0)
        assert await second.engine.bulk.count(DEFAULT_ACCOUNT, TaskFilter(status=(State.CANCELLED,))) == count


async def test_a_crash_between_a_chunk_and_its_record_does_the_chunk_again_and_harms_nothing(
    ground: Ground, tmp_path: Path
) -> None:
    clock = ManualClock()
    async with open_house(ground, tmp_path, clock=clock) as first:
        await first.submit_many(10)
        bulk = await begin(first, BulkAction.CANCEL)
        with first.faults.raising(StoreUnavailable(), "advance_bulk"), pytest.raises(StoreUnavailable):
            await first.tick(BulkRunner)
    async with open_house(ground, tmp_path, clock=clock) as second:
        await second.run_bulks()
        done = await got(second, bulk)
        assert (done.status, done.done, done.skipped) == (BulkStatus.DONE, 0, 10)


async def test_two_processes_carry_one_operation_on_and_count_nothing_twice(
    ground: Ground, tmp_path: Path
) -> None:
    clock = ManualClock()
    async with (
        open_house(ground, tmp_path, clock=clock) as first,
        open_house(ground, tmp_path, clock=clock) as second,
    ):
        await first.submit_many(CHUNK + 50)
        bulk = await begin(first, BulkAction.CANCEL)
        while (await got(first, bulk)).status is BulkStatus.RUNNING:
            await first.tick(BulkRunner)
            await second.tick(BulkRunner)
        done = await got(second, bulk)
        assert done.done + done.skipped == CHUNK + 50


async def test_an_aborted_operation_stops_and_what_is_done_stays_done(house: House) -> None:
    await house.submit_many(CHUNK + 10)
    bulk = await begin(house, BulkAction.CANCEL)
    await house.tick(BulkRunner)
    aborted = await house.engine.bulk.abort(DEFAULT_ACCOUNT, bulk.id)
    assert aborted.status is BulkStatus.ABORTED
    await house.run_bulks()
    assert (await got(house, bulk)).done == CHUNK
    assert await house.engine.bulk.count(DEFAULT_ACCOUNT, TaskFilter(status=(State.QUEUED,))) == 10
    assert (await house.engine.bulk.abort(DEFAULT_ACCOUNT, bulk.id)).status is BulkStatus.ABORTED


async def test_what_a_chunk_did_while_it_was_aborted_is_counted(house: House) -> None:
    await house.submit_many(CHUNK + 10)
    bulk = await begin(house, BulkAction.CANCEL)
    with house.faults.held("advance_bulk") as recording:
        async with asyncio.TaskGroup() as chunk:
            chunk.create_task(house.tick(BulkRunner))
            await recording.reached.wait()
            house.clock.advance(1)
            aborted = await house.engine.bulk.abort(DEFAULT_ACCOUNT, bulk.id)
            assert (aborted.status, aborted.done) == (BulkStatus.ABORTED, 0)
            house.clock.advance(1)
            recording.released.set()
    await house.run_bulks()
    ended = await got(house, bulk)
    cancelled = await house.engine.bulk.count(DEFAULT_ACCOUNT, TaskFilter(status=(State.CANCELLED,)))
    assert (ended.done, ended.skipped, cancelled) == (CHUNK, 0, CHUNK)
    assert (ended.status, ended.finished_at) == (BulkStatus.ABORTED, aborted.finished_at)


async def test_an_unknown_operation_is_not_found(house: House) -> None:
    for ask in (house.engine.bulk.get, house.engine.bulk.abort):
        with pytest.raises(NotFound):
            await ask(DEFAULT_ACCOUNT, new_id())


# --- queues ------------------------------------------------------------------------------------------------------


async def test_a_purge_cancels_what_waits_and_leaves_what_runs(house: House) -> None:
    worker = await house.worker(slots=1, window=0)
    running = await house.started(worker)
    await house.submit_many(20)
    await house.submit(queue="other")
    assert await house.engine.queues.purge(DEFAULT_ACCOUNT, "default") == 20
    assert await house.engine.queues.purge(DEFAULT_ACCOUNT, "default") == 0
    assert await house.status(running) is State.RUNNING
    assert await house.engine.bulk.count(DEFAULT_ACCOUNT, TaskFilter(status=(State.QUEUED,))) == 1


async def test_a_pause_survives_a_restart(ground: Ground, tmp_path: Path) -> None:
    clock = ManualClock()
    async with open_house(ground, tmp_path, clock=clock) as first:
        await first.engine.queues.pause("default")
        task = await first.submit()
    async with open_house(ground, tmp_path, clock=clock) as second:
        worker = await second.worker()
        await second.dispatch()
        assert await worker.take() == []
        assert (await second.task(task)).hold == "paused"
