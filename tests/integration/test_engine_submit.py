"""Submits through the engine: full queues, unique and idempotency keys, callers who leave, processes that only submit."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from msgspec import Raw
from tests.integration.engine_house import House, open_house
from tests.support.grounds import Ground, within_one_process

from taskflow_hub.domain.errors import IdempotencyMismatch, Invalid, QueueFull, TaskGone, UniqueConflict
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.model import DEFAULT_ACCOUNT
from taskflow_hub.domain.submission import OnConflict, Submission, Unique
from taskflow_hub.engine.idempotency import fingerprint
from taskflow_hub.store.values import TaskFilter
from taskflow_hub.testing.store_contract.kit import ManualClock

pytestmark = within_one_process  # what is submitted reaches the store, and no worker
WORK = Submission(type="work", payload=Raw(b"{}"))


@pytest_asyncio.fixture
async def house(ground: Ground, tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(ground, tmp_path) as opened:
        yield opened


async def stored(house: House) -> int:
    return await house.engine.bulk.count(DEFAULT_ACCOUNT, TaskFilter())


async def test_a_full_queue_refuses_and_names_the_first_task_that_did_not_fit(house: House) -> None:
    await house.engine.queues.update("default", max_size=3)
    await house.submit()
    wanted = [WORK, WORK, Submission(type="work", queue="other"), WORK]
    with pytest.raises(QueueFull) as caught:
        await house.engine.tasks.submit(wanted, pointers=[f"/tasks/{n}" for n in range(4)])
    assert [error.pointer for error in caught.value.errors] == ["/tasks/3/queue"]
    assert await stored(house) == 1, "all or nothing"
    await house.engine.queues.update("default", max_size=None)
    await house.engine.tasks.submit(wanted, pointers=[""] * 4)


async def test_a_single_submit_to_a_full_queue_points_at_the_queue(house: House) -> None:
    await house.engine.queues.update("default", max_size=0)
    with pytest.raises(QueueFull) as caught:
        await house.submit()
    assert [error.pointer for error in caught.value.errors] == ["/queue"]


async def test_a_finish_makes_room(house: House) -> None:
    await house.engine.queues.update("default", max_size=1)
    task = await house.submit()
    with pytest.raises(QueueFull):
        await house.submit()
    await house.cancel(task)
    await house.submit()


async def test_one_full_queue_does_not_fail_the_callers_that_share_its_commit(house: House) -> None:
    await house.engine.queues.update("small", max_size=1)
    outcomes = await asyncio.gather(
        *(house.submit(queue="small" if place % 2 else "large") for place in range(10)),
        return_exceptions=True,
    )
    assert sum(isinstance(outcome, QueueFull) for outcome in outcomes) == 4
    assert await stored(house) == 6
    assert house.counted("tasks_submitted_total", queue="small", type="work") == 1
    assert house.counted("tasks_submitted_total", queue="large", type="work") == 5


async def test_a_unique_key_answers_with_its_holder_rejects_or_replaces(house: House) -> None:
    def unique(on_conflict: OnConflict) -> Unique:
        return Unique(key="k", on_conflict=on_conflict)

    holder = await house.submit(unique=unique(OnConflict.RETURN))
    assert (await house.submit(unique=unique(OnConflict.RETURN))).id == holder.id
    with pytest.raises(UniqueConflict):
        await house.submit(unique=unique(OnConflict.REJECT))
    replacement = await house.submit(unique=unique(OnConflict.REPLACE))
    assert await house.status(holder) is State.CANCELLED
    worker = await house.worker()
    await house.dispatch()
    assert [one.id for one in await worker.take()] == [replacement.id]
    with pytest.raises(UniqueConflict):
        await house.submit(unique=unique(OnConflict.REPLACE))
    assert house.counted("tasks_submitted_total", queue="default", type="work") == 2, "only what was created"


async def test_the_same_request_again_is_answered_and_not_stored_again(house: House) -> None:
    tasks = house.engine.tasks
    key = fingerprint("/tasks", "k", {"a": 1, "b": [2]})
    first = await tasks.submit([WORK], idempotency=key)
    again = await tasks.submit([WORK], idempotency=fingerprint("/tasks", "k", {"b": [2], "a": 1}))
    assert (first.replayed, again.replayed) == (False, True)
    assert again.tasks[0].id == first.tasks[0].id
    with pytest.raises(IdempotencyMismatch):
        await tasks.submit([WORK], idempotency=fingerprint("/tasks", "k", {"a": 2}))
    other_route = await tasks.submit([WORK], idempotency=fingerprint("/tasks/batch", "k", {"a": 2}))
    assert not other_route.replayed
    assert await stored(house) == 2


async def test_a_key_that_outlived_its_task_never_runs_it_a_second_time(house: House) -> None:
    key = fingerprint("/tasks", "k", {})
    submitted = await house.engine.tasks.submit([WORK], idempotency=key)
    await house.cancel(submitted.tasks[0])
    await house.engine.tasks.delete(DEFAULT_ACCOUNT, [submitted.tasks[0].id])
    with pytest.raises(TaskGone):
        await house.engine.tasks.submit([WORK], idempotency=key)


async def test_many_callers_with_one_key_make_one_task(house: House) -> None:
    key = fingerprint("/tasks", "k", {})
    outcomes = await asyncio.gather(*(house.engine.tasks.submit([WORK], idempotency=key) for _ in range(20)))
    assert len({outcome.tasks[0].id for outcome in outcomes}) == 1
    assert sum(not outcome.replayed for outcome in outcomes) == 1


async def test_a_caller_that_leaves_takes_neither_its_task_nor_its_neighbours_back(house: House) -> None:
    await house.submit()  # now the types are known, and callers reach the store without a pause
    with house.faults.held("submit") as held:
        callers = [asyncio.create_task(house.submit()) for _ in range(5)]
        await held.reached.wait()
        callers[2].cancel()
    outcomes = await asyncio.gather(*callers, return_exceptions=True)
    assert [isinstance(outcome, BaseException) for outcome in outcomes] == [False, False, True, False, False]
    await house.engine.tasks.close()
    assert await stored(house) == 6, "what was asked is done, whoever still waits"


async def test_a_wrong_submission_is_refused_before_it_reaches_the_store(house: House) -> None:
    before = house.faults.calls["submit"]
    for wrong in (
        Submission(type="work", payload=Raw(b"[]")),
        Submission(type="work", payload=Raw(b'"\\u0000"')),
    ):
        with pytest.raises(Invalid):
            await house.engine.tasks.submit([wrong])
    assert house.faults.calls["submit"] == before


async def test_a_process_that_only_submits_hears_of_what_others_finish(
    ground: Ground, tmp_path: Path
) -> None:
    clock = ManualClock()
    async with (
        open_house(ground, tmp_path, clock=clock) as server,
        open_house(ground, tmp_path, clock=clock) as script,
    ):
        await script.engine.listen()
        worker = await server.worker()
        task = await script.submit()
        await server.dispatch()
        (assignment,) = await worker.take()
        waiting = asyncio.create_task(script.engine.tasks.wait(DEFAULT_ACCOUNT, task.id, 60.0))
        await worker.report(worker.succeeded(assignment, "done"))
        await server.collect()
        assert bytes((await waiting).result or b"") == b'"done"'


async def test_whoever_waits_for_a_replaced_task_hears_of_it_at_once(house: House) -> None:
    wanted = Submission(type="work", delay=60, unique=Unique("k", 0.0, OnConflict.REPLACE))
    (first,) = (await house.engine.tasks.submit([wanted])).tasks
    with house.engine.hints.watch(first.id) as changed:
        assert (await house.engine.tasks.submit([wanted])).replaced == (first.id,)
        async with asyncio.timeout(20):
            await changed.wait()
