"""From submit to a final state, step by step."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio
from msgspec import Raw
from tests.integration.engine_house import ERROR, House, open_house
from tests.support.grounds import Ground

from taskflow_hub.domain.access import ANYBODY
from taskflow_hub.domain.clock import new_id
from taskflow_hub.domain.errors import Invalid, NotAllowed, NotFound
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.messages import (
    Aborted,
    Drain,
    How,
    Line,
    Logged,
    Progressed,
    Recall,
    Report,
    Retire,
    Retired,
    Stop,
    Submit,
    Submitted,
    Why,
)
from taskflow_hub.domain.model import DEFAULT_ACCOUNT, Reason, Task
from taskflow_hub.domain.retry import RetryKind, RetryPolicy
from taskflow_hub.domain.submission import Limit, OnConflict, Submission, Unique
from taskflow_hub.engine.hints import Topic
from taskflow_hub.engine.loops.dispatcher import Dispatcher
from taskflow_hub.store.values import BulkAction, TaskFilter

UNKNOWN = new_id()


@pytest_asyncio.fixture
async def house(ground: Ground, tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(ground, tmp_path) as opened:
        yield opened


# --- the straight way --------------------------------------------------------------------------------------------


async def test_a_task_goes_from_submit_through_lease_and_report_to_success(house: House) -> None:
    worker = await house.worker()
    task = await house.submit(payload=Raw(b'{"url":"https://example.org"}'))
    assert (task.status, task.attempt, task.worker) == (State.QUEUED, 0, None)

    await house.dispatch()
    (assignment,) = await worker.take()
    assert (assignment.id, assignment.attempt, bytes(assignment.payload)) == (
        task.id,
        1,
        b'{"url":"https://example.org"}',
    )
    running = await house.task(task)
    assert (running.status, running.worker, running.started_at) == (State.RUNNING, worker.id, None)

    house.clock.advance(2.0)
    await worker.report(worker.succeeded(assignment, {"title": "Example"}, ran_s=1.5))
    await house.collect()
    done = await house.task(task)
    assert (done.status, done.attempt, done.result) == (State.SUCCESS, 1, Raw(b'{"title":"Example"}'))
    assert done.finished_at == house.clock.now
    assert done.started_at == house.clock.now - timedelta(seconds=1.5)
    assert await worker.acknowledged(1)
    assert house.counted("tasks_submitted_total", queue="default", type="work") == 1
    assert house.counted("tasks_finished_total", status="success") == 1
    assert house.counted("leases_total") == 1


async def test_rev_rises_with_every_step(house: House) -> None:
    worker = await house.worker()
    task = await house.submit()
    revs = [task.rev]
    await house.dispatch()
    (assignment,) = await worker.take()
    revs.append((await house.task(task)).rev)
    await worker.report(worker.failed(assignment))
    await house.collect()
    revs.append((await house.task(task)).rev)
    assert revs == sorted(set(revs)), revs


async def test_a_heartbeat_says_when_a_long_run_started(house: House) -> None:
    worker = await house.worker()
    assignment = await house.started(worker)
    began = house.clock.now
    assert (await house.task(assignment)).started_at == began
    house.clock.advance(60)
    await worker.report(worker.succeeded(assignment, ran_s=60.0))
    await house.collect()
    assert (await house.task(assignment)).started_at == began


# --- order -------------------------------------------------------------------------------------------------------


async def test_higher_priority_goes_first_and_then_who_was_submitted_first(house: House) -> None:
    low = [(await house.submit(priority=1)).id for _ in range(2)]
    high = [(await house.submit(priority=9)).id for _ in range(2)]
    middle = (await house.submit()).id
    worker = await house.worker(slots=2, window=1)
    taken: list[str] = []
    while len(taken) < 5:
        await house.dispatch()
        assignments = await worker.take()
        taken += [one.id for one in assignments]
        await worker.report(*(worker.succeeded(one) for one in assignments))
        await house.collect()
    assert taken == [*high, middle, *low]


async def test_a_worker_gets_no_more_than_its_slots_and_window(house: House) -> None:
    await house.submit_many(20)
    worker = await house.worker(slots=3, window=2)
    await house.dispatch()
    first = await worker.take()
    assert len(first) == 5
    await house.dispatch()
    assert await worker.take() == []
    await worker.report(worker.succeeded(first[0]), worker.succeeded(first[1]))
    await house.collect()
    await house.dispatch()
    assert len(await worker.take()) == 2


async def test_a_worker_gets_only_its_types_and_queues(house: House) -> None:
    other_type = await house.submit("other")
    other_queue = await house.submit(queue="elsewhere")
    mine = await house.submit(queue="here")
    worker = await house.worker("work", queues=["here"])
    await house.dispatch()
    assert [one.id for one in await worker.take()] == [mine.id]
    assert (await house.task(other_type)).hold == "no_worker"
    assert (await house.task(other_queue)).hold == "no_worker"

    second = await house.worker("other", "work", queues=["elsewhere", "default"])
    await house.dispatch()
    assert {one.id for one in await second.take()} == {other_type.id, other_queue.id}


# --- what workers say of themselves -------------------------------------------------------------------------------


async def test_a_type_registered_a_moment_ago_gives_its_defaults(house: House) -> None:
    await house.submit("fresh")
    await house.worker("fresh", queue="home", max_retries=9)
    task = await house.submit("fresh")
    assert (task.max_retries, task.queue) == (9, "home")


async def test_a_task_submitted_before_its_type_moves_to_the_home_queue(house: House) -> None:
    early = await house.submit("fresh")
    assert early.queue == "default"
    worker = await house.worker("fresh", queue="home", queues=["home"])
    assert await worker.take() == []
    await house.dispatch()
    assert [one.id for one in await worker.take()] == [early.id]


async def test_a_worker_that_retires_is_gone_from_the_list(house: House) -> None:
    worker = await house.worker()
    assert await worker.side.call(Retire(worker=worker.id)) == Retired()
    assert await worker.side.call(Retire(worker=worker.id)) == Retired()
    assert await house.engine.queries.workers() == []


# --- failures ----------------------------------------------------------------------------------------------------


async def test_a_retry_waits_as_the_policy_and_chance_say_and_keeps_its_attempts(house: House) -> None:
    worker = await house.worker()
    policy = RetryPolicy(base=10.0, factor=2.0, max=300.0, jitter=True)
    task = await house.submit(max_retries=3, retry=policy)
    for retry_count, (chance, pause_s) in enumerate([(0.5, 5.0), (0.25, 5.0), (1 / 8, 5.0)]):
        house.chance = chance
        await house.dispatch()
        (assignment,) = await worker.take()
        assert assignment.retry_count == retry_count
        await worker.report(worker.failed(assignment))
        await house.collect()
        waiting = await house.task(task)
        assert waiting.status is State.SCHEDULED
        assert waiting.run_at == house.clock.now + timedelta(seconds=pause_s)

        house.clock.advance(pause_s - 0.1)
        assert await house.promote() == pytest.approx(0.1, abs=0.01), "the promoter knows when to come back"
        assert await house.status(task) is State.SCHEDULED
        house.clock.advance(0.1)
        await house.promote()
        assert await house.status(task) is State.QUEUED

    await house.dispatch()
    (assignment,) = await worker.take()
    await worker.report(worker.succeeded(assignment))
    await house.collect()
    done = await house.task(task)
    assert (done.status, done.retry_count, done.attempt) == (State.SUCCESS, 3, 4)
    assert await house.outcomes(task) == ["failed", "failed", "failed", "succeeded"]


async def test_the_last_failure_ends_the_task_with_its_error(house: House) -> None:
    worker = await house.worker()
    assignment = await house.started(worker, max_retries=0)
    await worker.report(worker.failed(assignment))
    await house.collect()
    failed = await house.task(assignment)
    assert (failed.status, failed.reason, failed.error) == (State.FAILED, Reason.HANDLER, ERROR)
    assert house.counted("tasks_finished_total", status="failed") == 1
    assert house.counted("attempts_total", outcome="failed") == 1


async def test_a_timeout_is_named_and_counted_as_one(house: House) -> None:
    worker = await house.worker()
    assignment = await house.started(worker, max_retries=0)
    await worker.report(worker.failed(assignment, How.TIMEOUT))
    await house.collect()
    assert (await house.task(assignment)).reason is Reason.TIMEOUT
    assert house.counted("attempts_total", outcome="timeout") == 1


async def test_a_handlers_fail_is_not_retried_and_its_retry_comes_when_it_says(house: House) -> None:
    worker = await house.worker()
    gives_up = await house.started(worker, max_retries=None)
    waits = await house.started(worker, retry=RetryPolicy(kind=RetryKind.FIXED, base=1.0))
    await worker.report(worker.failed(gives_up, How.FAIL), worker.failed(waits, How.RETRY, after=77.0))
    await house.collect()
    assert await house.status(gives_up) is State.FAILED
    assert (await house.task(waits)).run_at == house.clock.now + timedelta(seconds=77)


async def test_a_snooze_costs_nothing_and_a_release_keeps_the_place(house: House) -> None:
    worker = await house.worker(slots=1, window=0)
    first, second = await house.submit(), await house.submit()
    await house.dispatch()
    (assignment,) = await worker.take()
    await worker.report(worker.released(assignment))
    await house.collect()
    await house.dispatch()
    (again,) = await worker.take()
    assert (again.id, again.attempt) == (first.id, 2), "a release goes back to the front"
    await worker.report(worker.snoozed(again, 30.0))
    await house.collect()
    snoozed = await house.task(first)
    assert (snoozed.status, snoozed.retry_count, snoozed.crashes) == (State.SCHEDULED, 0, 0)
    await house.dispatch()
    assert [one.id for one in await worker.take()] == [second.id]


# --- time --------------------------------------------------------------------------------------------------------


async def test_a_delayed_task_is_queued_when_its_time_has_come(house: House) -> None:
    delayed, dated = (
        await house.submit(delay=5.0),
        await house.submit(run_at=house.clock.now + timedelta(seconds=7)),
    )
    assert (delayed.status, dated.status) == (State.SCHEDULED, State.SCHEDULED)
    house.clock.advance(5.0)
    await house.promote()
    assert [await house.status(delayed), await house.status(dated)] == [State.QUEUED, State.SCHEDULED]
    house.clock.advance(2.0)
    await house.promote()
    assert await house.status(dated) is State.QUEUED


async def test_the_promoter_never_sleeps_longer_than_another_process_may_need_it(house: House) -> None:
    await house.submit(delay=3600.0)
    pause_s = await house.promote()
    assert pause_s is not None
    assert pause_s <= 1.0


async def test_a_task_that_did_not_start_in_time_expires_and_a_running_one_never_does(house: House) -> None:
    soon = house.clock.now + timedelta(seconds=10)
    worker = await house.worker(slots=1, window=0)
    running = await house.started(worker, expires_at=soon)
    queued, scheduled = await house.submit(expires_at=soon), await house.submit(delay=60.0, expires_at=soon)
    house.clock.advance(11)
    await house.promote()
    for task in (queued, scheduled):
        expired = await house.task(task)
        assert (expired.status, expired.reason) == (State.FAILED, Reason.EXPIRED)
    assert await house.status(running) is State.RUNNING
    assert house.counted("tasks_finished_total", status="failed") == 2


async def test_an_expired_task_is_not_leased_even_before_the_promoter_comes(house: House) -> None:
    worker = await house.worker()
    await house.submit(expires_at=house.clock.now + timedelta(seconds=10))
    house.clock.advance(11)
    await house.dispatch()
    assert await worker.take() == []


# --- cancel, pause, drain ----------------------------------------------------------------------------------------


async def test_cancelling_what_waits_is_at_once_and_twice_changes_nothing(house: House) -> None:
    task = await house.submit()
    await house.cancel(task)
    cancelled = await house.task(task)
    assert cancelled.status is State.CANCELLED
    await house.cancel(task)
    assert await house.task(task) == cancelled


async def test_cancelling_what_runs_asks_the_worker_at_once_and_with_every_heartbeat(house: House) -> None:
    worker = await house.worker()
    assignment = await house.started(worker)
    await house.cancel(assignment)
    assert await worker.told() == [Stop(assignment.id, assignment.attempt, Why.CANCELLED)]
    for _ in range(2):
        answer = await worker.beat((assignment, True))
        assert answer.stop == (Stop(assignment.id, assignment.attempt, Why.CANCELLED),)
    assert await house.status(assignment) is State.RUNNING
    await worker.report(Aborted(**worker.about(assignment), ran_s=1.0))
    await house.collect()
    assert await house.status(assignment) is State.CANCELLED
    assert house.counted("tasks_finished_total", status="cancelled") == 1
    assert await house.outcomes(assignment) == ["aborted"]


async def test_every_cancel_of_what_waits_is_counted_once(house: House) -> None:
    """By whichever way it comes: of one task or many, a purge, a newer task with the same unique key, a bulk operation."""

    def counted() -> float:
        return house.counted("tasks_finished_total", status="cancelled")

    tasks = [await house.submit(delay=60.0) for _ in range(3)]
    ids = [task.id for task in tasks]
    await house.engine.tasks.cancel(DEFAULT_ACCOUNT, [ids[0], ids[1], ids[0]])
    assert counted() == 2
    await house.engine.tasks.cancel(DEFAULT_ACCOUNT, [*ids, UNKNOWN])
    assert counted() == 3, "two were cancelled before"

    unique = Unique(key="k", on_conflict=OnConflict.REPLACE)
    for _ in range(2):
        await house.submit(unique=unique, delay=60.0)
    assert counted() == 4

    await house.submit_many(2, queue="full")
    assert await house.engine.queues.purge(DEFAULT_ACCOUNT, "full") == 2
    assert counted() == 6

    await house.engine.bulk.begin(DEFAULT_ACCOUNT, BulkAction.CANCEL, TaskFilter())
    await house.run_bulks()
    assert counted() == 7

    running = await house.started(await house.worker())
    await house.cancel(running)
    assert counted() == 7, "it has only been asked"


@pytest.mark.parametrize("word", ["failed", "snoozed", "released"])
async def test_with_a_cancel_standing_what_would_run_again_is_cancelled(house: House, word: str) -> None:
    worker = await house.worker()
    assignment = await house.started(worker)
    await house.cancel(assignment)
    reports: dict[str, Report] = {
        "failed": worker.failed(assignment),
        "snoozed": worker.snoozed(assignment, 5.0),
        "released": worker.released(assignment),
    }
    await worker.report(reports[word])
    await house.collect()
    assert await house.status(assignment) is State.CANCELLED
    assert house.counted("tasks_finished_total", status="cancelled") == 1


async def test_a_success_faster_than_the_cancel_stands(house: House) -> None:
    worker = await house.worker()
    assignment = await house.started(worker)
    await house.cancel(assignment)
    await worker.report(worker.succeeded(assignment))
    await house.collect()
    assert await house.status(assignment) is State.SUCCESS


async def test_a_pause_stops_leasing_and_recalls_what_has_not_started(house: House) -> None:
    worker = await house.worker(slots=2, window=2)
    elsewhere = await house.worker(queues=["other"])
    await house.submit_many(4)
    await house.dispatch()
    taken = await worker.take()
    await worker.beat(*((one, place < 2) for place, one in enumerate(taken)))

    await house.engine.queues.pause("default")
    assert await worker.told() == [Recall("default")]
    assert await elsewhere.told() == [], "who does not serve the queue is left alone"
    await worker.report(*(worker.released(one) for one in taken[2:]))
    await house.collect()
    await house.dispatch()
    assert await worker.take() == []
    held = await house.task(taken[2])
    assert (held.status, held.hold) == (State.QUEUED, "paused")

    await house.engine.queues.resume("default")
    await house.dispatch()
    assert [one.id for one in await worker.take()] == [one.id for one in taken[2:]]


async def test_a_draining_worker_is_told_and_gets_nothing_new(house: House) -> None:
    worker = await house.worker()
    assignment = await house.started(worker)
    drained = await house.engine.workers.drain(worker.id)
    assert drained.state == "draining"
    assert await worker.told() == [Drain()]
    await house.submit()
    await house.dispatch()
    assert await worker.take() == []
    assert (await worker.beat((assignment, True))).draining
    await house.engine.workers.drain(worker.id)
    with pytest.raises(NotFound):
        await house.engine.workers.drain("nobody")


# --- what handlers say on the way --------------------------------------------------------------------------------


async def test_progress_and_log_lines_are_kept_also_late_ones(house: House) -> None:
    worker = await house.worker()
    assignment = await house.started(worker)
    line = Line(n=1, at=house.clock.now, level="info", message="late", fields={"k": 1})
    await worker.report(
        Progressed(**worker.about(assignment), fraction=0.1),
        Progressed(**worker.about(assignment), fraction=0.4, message="page 4 of 10"),
    )
    await house.collect()
    progress = (await house.task(assignment)).progress
    assert progress is not None
    assert (progress.fraction, progress.message) == (0.4, "page 4 of 10")
    await worker.report(
        worker.succeeded(assignment),
        Logged(**worker.about(assignment), lines=(line,)),
        Progressed(**worker.about(assignment), fraction=0.9),
    )
    await house.collect()
    assert await house.status(assignment) is State.SUCCESS, "the end wins"
    await worker.report(Logged(**worker.about(assignment), lines=(line,)))
    await house.collect()
    logs = await house.engine.queries.logs(DEFAULT_ACCOUNT, assignment.id, after=(0, 0), limit=10)
    assert [(one.n, one.message, one.fields) for one in logs] == [(1, "late", {"k": 1})], "kept once"


async def test_an_earlier_progress_that_is_sent_again_does_not_overwrite_a_later_one(house: House) -> None:
    """It was long in coming, an outage perhaps, so its worker sent it once more."""
    worker = await house.worker()
    assignment = await house.started(worker)
    early = Progressed(**worker.about(assignment), fraction=0.5)
    late = Progressed(**worker.about(assignment), fraction=1.0)
    for sent in ((early, late), (early,), (late, early)):
        await worker.report(*sent)
        await house.collect()
        progress = (await house.task(assignment)).progress
        assert progress is not None
        assert progress.fraction == 1.0


async def test_the_last_progress_stays_when_the_end_comes_with_it(house: House) -> None:
    worker = await house.worker()
    assignment = await house.started(worker)
    with house.faults.held("progress") as held:  # a slow store must not let the end overtake it
        await worker.report(
            Progressed(**worker.about(assignment), fraction=0.4),
            Progressed(**worker.about(assignment), fraction=1.0, message="done"),
            worker.succeeded(assignment),
        )
        collecting = asyncio.create_task(house.collect())
        await held.reached.wait()
    await collecting
    task = await house.task(assignment)
    assert task.progress is not None
    assert (task.status, task.progress.fraction, task.progress.message) == (State.SUCCESS, 1.0, "done")


async def test_a_handler_submits_a_child_once_however_often_it_asks(house: House) -> None:
    worker = await house.worker()
    assignment = await house.started(worker)
    request = Submit(
        worker=worker.id,
        id=assignment.id,
        attempt=1,
        call=1,
        task=Submission(type="child", payload=Raw(b"{}")),
    )
    first = await worker.side.call(request)
    again = await worker.side.call(request)
    assert isinstance(first, Submitted)
    assert again == first
    child = await house.task(first.id)
    assert (child.type, child.parent_id) == ("child", assignment.id)


# --- what operators do -------------------------------------------------------------------------------------------


async def test_a_redrive_runs_a_finished_task_again_with_new_counts(house: House) -> None:
    worker = await house.worker()
    assignment = await house.started(worker, max_retries=0)
    await worker.report(worker.failed(assignment))
    await house.collect()
    (redriven,) = await house.engine.tasks.redrive(DEFAULT_ACCOUNT, [assignment.id])
    assert isinstance(redriven, Task)
    assert (redriven.status, redriven.error, redriven.attempt) == (State.QUEUED, None, 1)
    await house.dispatch()
    (again,) = await worker.take()
    assert again.attempt == 2
    await worker.report(worker.succeeded(again))
    await house.collect()
    assert await house.outcomes(again) == ["failed", "succeeded"]


async def test_promote_update_and_delete_say_what_is_wrong(house: House) -> None:
    tasks = house.engine.tasks
    scheduled, queued = await house.submit(delay=60.0), await house.submit()
    assert (await tasks.promote(DEFAULT_ACCOUNT, scheduled.id)).status is State.QUEUED
    with pytest.raises(NotAllowed):
        await tasks.promote(DEFAULT_ACCOUNT, queued.id)
    with pytest.raises(NotFound):
        await tasks.promote(DEFAULT_ACCOUNT, UNKNOWN)
    assert (await tasks.update(DEFAULT_ACCOUNT, queued.id, priority=9)).priority == 9
    with pytest.raises(NotFound):
        await tasks.update("somebody-else", queued.id, priority=1)
    (unfinished, unknown) = await tasks.delete(DEFAULT_ACCOUNT, [queued.id, UNKNOWN])
    assert isinstance(unfinished, NotAllowed)
    assert isinstance(unknown, NotFound)
    await house.cancel(queued)
    assert await tasks.delete(DEFAULT_ACCOUNT, [queued.id]) == [None]
    with pytest.raises(NotFound):
        await house.task(queued)


async def test_a_submission_that_is_wrong_changes_nothing(house: House) -> None:
    with pytest.raises(Invalid) as caught:
        await house.engine.tasks.submit(
            [Submission(type="work"), Submission(type="work", payload=Raw(b"[1]"))],
            pointers=["/tasks/0", "/tasks/1"],
        )
    assert [error.pointer for error in caught.value.errors] == ["/tasks/1/payload"]
    assert await house.engine.queries.queues(ANYBODY) == []


async def test_what_one_caller_submits_is_one_commit_in_its_order(house: House) -> None:
    ids = await house.submit_many(50)
    assert ids == sorted(ids)
    worker = await house.worker(slots=100)
    await house.dispatch()
    assert [one.id for one in await worker.take()] == ids
    assert msgspec.json.encode((await house.task(ids[0])).payload) == b"{}"


# --- limits ------------------------------------------------------------------------------------------------------


async def test_a_rate_names_the_moment_of_the_next_start(house: House) -> None:
    worker = await house.worker()
    await house.submit_many(5, limits=(Limit("api", per_second=2),))
    assert await house.tick(Dispatcher) == pytest.approx(0.5)
    assert len(await worker.take()) == 2
    house.clock.advance(0.4)
    assert await house.tick(Dispatcher) == pytest.approx(0.1)
    house.clock.advance(0.1)
    assert await house.tick(Dispatcher) == pytest.approx(0.5)
    assert len(await worker.take()) == 1


async def test_a_rate_is_asked_for_neither_without_pause_nor_too_seldom(house: House) -> None:
    await house.worker(slots=50)
    await house.submit_many(3, limits=(Limit("slow", per_second=0.1),))
    assert await house.tick(Dispatcher) == 1.0
    await house.submit_many(1_001, limits=(Limit("fast", per_second=1_000),))
    assert await house.tick(Dispatcher) is None, "there is no room, so an end is waited for"
    await house.worker(slots=2_000)
    assert await house.tick(Dispatcher) == 0.01


async def test_an_end_under_a_limit_lets_the_next_one_start(house: House) -> None:
    worker = await house.worker()
    first, second = await house.submit_many(2, limits=(Limit("a", running=1),))
    await house.dispatch()
    (assignment,) = await worker.take()
    assert ((await house.task(first)).hold, (await house.task(second)).hold) == (None, "limit:a")
    woken: list[bool] = []
    house.engine.hints.on(Topic.WORK, lambda: woken.append(True))
    await worker.report(worker.succeeded(assignment))
    await house.collect()
    assert woken, "the dispatcher does not wait for its next look"
    await house.dispatch()
    assert [one.id for one in await worker.take()] == [second]
