"""The store goes away, the disk fills, a report is odd: nothing is lost, nothing counted, nobody else suffers."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from msgspec import Raw
from tests.integration.engine_house import House, open_house
from tests.support.grounds import Ground, apart, within_one_process

from taskflow_hub.domain.access import ANYBODY
from taskflow_hub.domain.errors import Gone, StoreFull, StoreUnavailable, Unavailable
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.limits import RESULT_MAX
from taskflow_hub.domain.messages import Line, Logged, Progressed, Submit, Succeeded
from taskflow_hub.domain.model import DEFAULT_ACCOUNT, Reason
from taskflow_hub.domain.submission import Submission
from taskflow_hub.engine.loops.collector import Collector
from taskflow_hub.engine.results import INLINE_MAX


@pytest_asyncio.fixture
async def house(ground: Ground, tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(ground, tmp_path) as opened:
        yield opened


def names(task_id: str) -> Any:
    """For a fault: calls that have an item of this task."""
    return lambda items: any(item.id == task_id for item in items)


async def big(house: House, task_id: str) -> bytes:
    ref = (await house.task(task_id)).result_ref
    assert ref is not None
    return b"".join([chunk async for chunk in await house.engine.results.read(ref)])


# --- outages -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [StoreUnavailable(), StoreFull()], ids=["away", "full"])
async def test_an_outage_while_collecting_costs_no_report_and_no_retry(
    house: House, error: Exception
) -> None:
    worker = await house.worker()
    tasks = [await house.started(worker) for _ in range(4)]
    await worker.report(
        worker.succeeded(tasks[0], 1),
        worker.failed(tasks[1]),
        worker.snoozed(tasks[2], 60.0),
        worker.released(tasks[3], 1.0),
    )
    with house.faults.raising(error):
        for _ in range(3):
            with pytest.raises(Unavailable):
                await house.collect()
    assert worker.side.acknowledged == 0, "never before the commit"
    assert [await house.status(task) for task in tasks] == [State.RUNNING] * 4
    await house.collect()
    assert [await house.status(task) for task in tasks] == [
        State.SUCCESS,
        State.SCHEDULED,
        State.SCHEDULED,
        State.QUEUED,
    ]
    assert [(await house.task(task)).retry_count for task in tasks] == [0, 1, 0, 0]
    assert await worker.acknowledged(4)
    assert house.counted("stale_reports_refused_total") == 0


@pytest.mark.parametrize("verb", ["succeed", "retry", "snooze", "release", "progress", "log", "tasks"])
async def test_an_outage_in_the_middle_of_a_batch_is_made_good_by_the_next_try(
    house: House, verb: str
) -> None:
    worker = await house.worker()
    tasks = [await house.started(worker) for _ in range(4)]
    line = Line(n=1, at=house.clock.now, level="info", message="hello")
    await worker.report(
        Progressed(**worker.about(tasks[0]), fraction=0.5),
        Logged(**worker.about(tasks[0]), lines=(line,)),
        worker.succeeded(tasks[0], 1),
        worker.failed(tasks[1]),
        worker.snoozed(tasks[2], 60.0),
        worker.released(tasks[3], 1.0),
    )
    with house.faults.raising(StoreUnavailable(), verb), pytest.raises(StoreUnavailable):
        await house.collect()
    await house.collect()
    found = [await house.task(task) for task in tasks]
    assert [task.status for task in found] == [
        State.SUCCESS,
        State.SCHEDULED,
        State.SCHEDULED,
        State.QUEUED,
    ]
    assert [task.retry_count for task in found] == [0, 1, 0, 0], "what was stored the first time counts once"
    logs = await house.engine.queries.logs(DEFAULT_ACCOUNT, tasks[0].id, after=(0, 0), limit=10)
    assert len(logs) == 1
    assert house.counted("tasks_finished_total", status="success") == 1
    assert house.counted("stale_reports_refused_total") == 0


async def test_a_failed_tick_leaves_nothing_running_behind(house: House) -> None:
    """One verb fails at once while another is still on its way: the tick waits for it before it gives up."""
    worker = await house.worker()
    done, failed = await house.started(worker), await house.started(worker)
    await worker.report(worker.succeeded(done), worker.failed(failed))
    with house.faults.held("succeed") as held, house.faults.raising(StoreUnavailable(), "retry"):
        tick = asyncio.create_task(house.tick(Collector))
        await held.reached.wait()
        for _ in range(10):
            await asyncio.sleep(0)
        assert not tick.done()
        held.released.set()
        with pytest.raises(StoreUnavailable):
            await tick
    assert await house.status(done) is State.SUCCESS
    await house.collect()
    assert await house.status(failed) is State.SCHEDULED


async def test_a_submit_during_an_outage_says_so_and_stores_nothing(house: House) -> None:
    await house.submit()
    with house.faults.raising(StoreUnavailable(), "submit"), pytest.raises(StoreUnavailable):
        await house.submit()
    (queue,) = await house.engine.queries.queues(ANYBODY)
    assert queue.depth["queued"] == 1


async def test_a_submit_whose_answer_was_lost_is_not_stored_twice_under_its_call_number(house: House) -> None:
    """The handler's `ctx.submit` during an outage: nobody's fault, so the worker asks again."""
    worker = await house.worker()
    assignment = await house.started(worker)
    request = Submit(
        worker=worker.id,
        id=assignment.id,
        attempt=1,
        call=1,
        task=Submission(type="child", payload=Raw(b"{}")),
    )
    with (
        house.faults.raising(StoreUnavailable(), "submit", late=True),
        pytest.raises(Unavailable),
    ):
        await worker.side.call(request)
    await worker.side.call(request)
    children = [view for view in await house.engine.queries.queues(ANYBODY) if view.unserved_types]
    assert [view.depth["queued"] for view in children] == [1]


# --- reports that cannot be stored -------------------------------------------------------------------------------


async def test_one_report_that_cannot_be_stored_fails_alone(house: House) -> None:
    worker = await house.worker()
    tasks = [await house.started(worker) for _ in range(7)]
    odd = tasks[3]
    await worker.report(*(worker.succeeded(task) for task in tasks))
    with house.faults.raising(ValueError("odd"), "succeed", when=names(odd.id)):
        await house.collect()
    rejected = await house.task(odd)
    assert (rejected.status, rejected.reason) == (State.FAILED, Reason.RESULT_REJECTED)
    assert rejected.error is not None
    assert "odd" in rejected.error.message
    others = [await house.status(task) for task in tasks if task is not odd]
    assert others == [State.SUCCESS] * 6
    assert await worker.acknowledged(7)
    assert house.counted("tasks_finished_total", status="success") == 6
    assert house.counted("tasks_finished_total", status="failed") == 1


async def test_an_outage_while_the_odd_one_is_searched_condemns_nobody(house: House) -> None:
    worker = await house.worker()
    tasks = [await house.started(worker) for _ in range(8)]
    await worker.report(*(worker.succeeded(task) for task in tasks))

    def half(items: Sequence[Any]) -> bool:
        return tasks[7].id in {item.id for item in items} and len(items) < 8

    with (
        house.faults.raising(StoreUnavailable(), "succeed", when=half),
        house.faults.raising(ValueError("odd"), "succeed", when=names(tasks[2].id)),
        pytest.raises(StoreUnavailable),
    ):
        await house.collect()
    with house.faults.raising(ValueError("odd"), "succeed", when=names(tasks[2].id)):
        await house.collect()
    states = [await house.status(task) for task in tasks]
    assert states == [*[State.SUCCESS] * 2, State.FAILED, *[State.SUCCESS] * 5], states


async def test_progress_and_log_lines_that_cannot_be_stored_are_dropped_and_stop_nobody(house: House) -> None:
    worker = await house.worker()
    odd, fine = await house.started(worker), await house.started(worker)
    line = Line(n=1, at=house.clock.now, level="info", message="hello")
    await worker.report(
        *(Progressed(**worker.about(task), fraction=0.5) for task in (odd, fine)),
        *(Logged(**worker.about(task), lines=(line,)) for task in (odd, fine)),
    )
    with house.faults.raising(ValueError("odd"), "progress", "log", when=names(odd.id)):
        await house.collect()
    assert (await house.task(odd)).progress is None
    assert (await house.task(fine)).progress is not None
    assert len(await house.engine.queries.logs(DEFAULT_ACCOUNT, fine.id, after=(0, 0), limit=9)) == 1
    assert await worker.acknowledged(4)
    assert await house.status(odd) is State.RUNNING


async def test_a_report_that_cannot_even_be_rejected_is_dropped_and_its_attempt_found_by_heartbeats(
    house: House,
) -> None:
    worker = await house.worker()
    odd, fine = await house.started(worker), await house.started(worker)
    await worker.report(worker.succeeded(odd), worker.succeeded(fine))
    with house.faults.raising(ValueError("odd"), "succeed", "fail", when=names(odd.id)):
        await house.collect()
    assert [await house.status(odd), await house.status(fine)] == [State.RUNNING, State.SUCCESS]
    assert await worker.acknowledged(2)
    house.clock.advance(11)
    await worker.beat()
    await worker.beat()
    assert await house.status(odd) is State.QUEUED


@pytest.mark.parametrize(
    "result",
    [b'"\\u0000"', b"[" * 101 + b"]" * 101, b'"' + b"x" * RESULT_MAX + b'"'],
    ids=["nul", "deep", "large"],
)
async def test_a_result_that_must_not_be_stored_is_rejected_by_name(house: House, result: bytes) -> None:
    worker = await house.worker()
    odd, fine = await house.started(worker), await house.started(worker)
    await worker.report(
        Succeeded(**worker.about(odd), ran_s=1.0, result=Raw(result)), worker.succeeded(fine, "fine")
    )
    await house.collect()
    rejected = await house.task(odd)
    assert (rejected.status, rejected.reason) == (State.FAILED, Reason.RESULT_REJECTED)
    assert rejected.error is not None
    assert len(rejected.error.message) < 500
    assert await house.status(fine) is State.SUCCESS


NO_JSON = pytest.mark.parametrize(
    "result", [b"{", b'"\\ud800"', b"NaN", b""], ids=["half", "surrogate", "nan", "empty"]
)


@within_one_process
@NO_JSON
async def test_a_result_that_is_no_json_is_rejected_by_name(house: House, result: bytes) -> None:
    await test_a_result_that_must_not_be_stored_is_rejected_by_name(house, result)


@apart
@NO_JSON
async def test_a_result_that_is_no_json_makes_its_report_unreadable_and_heartbeats_miss_the_attempt(
    house: House, result: bytes
) -> None:
    """A report is one JSON document: with this in it there is no knowing what it is about."""
    worker = await house.worker()
    odd, fine = await house.started(worker), await house.started(worker)
    await worker.report(
        Succeeded(**worker.about(odd), ran_s=1.0, result=Raw(result)), worker.succeeded(fine, "fine")
    )
    await house.collect()
    assert [await house.status(odd), await house.status(fine)] == [State.RUNNING, State.SUCCESS]
    house.clock.advance(11)
    await worker.beat()
    await worker.beat()
    assert await house.status(odd) is State.QUEUED


async def test_numbers_beyond_every_bound_do_not_stop_the_collector(house: House, ground: Ground) -> None:
    worker = await house.worker()
    odd, fine = await house.started(worker), await house.started(worker)
    huge = Succeeded(worker=worker.id, n=10**30, id=odd.id, attempt=10**30, ran_s=1e300)
    endless = Succeeded(**worker.about(odd), ran_s=float("inf"))
    await worker.report(huge, endless, worker.succeeded(fine))
    await house.collect()
    assert await house.status(fine) is State.SUCCESS
    # JSON has no infinity: such a report cannot be read, and its attempt is handed back.
    assert await house.status(odd) is (State.SUCCESS if ground.broker_url == "local" else State.QUEUED)
    assert (await house.engine.queries.attempts(DEFAULT_ACCOUNT, odd.id))[0].started_at is not None


# --- results beside the store ------------------------------------------------------------------------------------


async def test_a_result_up_to_64_kib_lives_in_the_store_and_a_larger_one_in_the_folder(house: House) -> None:
    worker = await house.worker()
    small, large = await house.started(worker), await house.started(worker)
    fits = "x" * (INLINE_MAX - 2)
    await worker.report(worker.succeeded(small, fits), worker.succeeded(large, fits + "y"))
    await house.collect()
    inline = await house.task(small)
    assert inline.result_ref is None
    assert inline.result is not None
    assert len(inline.result) == INLINE_MAX
    beside = await house.task(large)
    assert (beside.status, beside.result) == (State.SUCCESS, None)
    assert beside.result_ref is not None
    assert (beside.result_ref.size, beside.result_ref.ttl) == (INLINE_MAX + 1, 7 * 86_400.0)
    assert msgspec.json.decode(await big(house, large.id)) == fits + "y"


async def test_a_folder_that_cannot_be_written_keeps_a_large_result_waiting_and_nobody_else(
    house: House,
) -> None:
    worker = await house.worker()
    large, small = await house.started(worker), await house.started(worker)
    unwritten = worker.succeeded(large, "x" * INLINE_MAX)
    await worker.report(unwritten, worker.succeeded(small, "y"))
    house.engine.results.folder.write_text("in the way")

    await house.collect()

    assert await house.status(small) is State.SUCCESS
    assert await house.status(large) is State.RUNNING
    assert worker.side.acknowledged < unwritten.n, "the worker keeps it, and sends it again"
    house.engine.results.folder.unlink()
    await worker.report(unwritten)
    await house.collect()
    assert await house.status(large) is State.SUCCESS
    assert (await house.task(large)).retry_count == 0
    assert await worker.acknowledged(2)


async def test_an_id_that_would_leave_the_folder_is_refused_and_stops_nobody(house: House) -> None:
    worker = await house.worker()
    fine = await house.started(worker)
    forged = Succeeded(
        **{**worker.about(fine), "id": "../../escaped"},
        ran_s=1.0,
        result=Raw(b'"' + b"x" * INLINE_MAX + b'"'),
    )
    await worker.report(forged, worker.succeeded(fine))
    await house.collect()
    assert await house.status(fine) is State.SUCCESS
    assert not house.engine.results.folder.exists()
    assert await worker.acknowledged(2)


async def test_a_late_large_result_is_refused_and_the_right_one_kept(house: House) -> None:
    dead = await house.worker()
    assignment = await house.started(dead)
    house.dead.add(dead.id)
    await house.reap()
    alive = await house.worker()
    await house.dispatch()
    (again,) = await alive.take()
    await alive.report(alive.succeeded(again, "right" * INLINE_MAX))
    await house.collect()
    await dead.report(dead.succeeded(assignment, "late" * INLINE_MAX))
    await house.collect()
    assert msgspec.json.decode(await big(house, assignment.id)) == "right" * INLINE_MAX


async def test_the_result_of_a_deleted_task_is_gone_after_the_sweep(house: House) -> None:
    worker = await house.worker()
    large = await house.started(worker)
    await worker.report(worker.succeeded(large, "x" * INLINE_MAX))
    await house.collect()
    ref = (await house.task(large)).result_ref
    assert ref is not None
    await house.engine.tasks.delete(DEFAULT_ACCOUNT, [large.id])
    await house.engine.results.remove(frozenset({large.id}))
    with pytest.raises(Gone):
        await house.engine.results.read(ref)
