"""Workers die, assignments get lost, words come late: each window in which a crash can fall, and what it costs."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from tests.integration.engine_house import House, open_house
from tests.support.grounds import Ground

from taskflow_hub.domain.errors import StoreUnavailable, Unavailable
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.messages import (
    CallFailed,
    Heartbeat,
    HeartbeatAnswer,
    Register,
    Registered,
    Stop,
    Submit,
    Why,
)
from taskflow_hub.domain.model import DEFAULT_ACCOUNT, OnLost, Reason
from taskflow_hub.domain.submission import Submission

DEAD_S = 30.0


@pytest_asyncio.fixture
async def house(ground: Ground, tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(ground, tmp_path) as opened:
        yield opened


# --- at registration ---


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"speaks": (2, 3)}, ["version 2, 3 of the wire format", "the server version 1"]),
        ({"speaks": ()}, ["version none"]),
        ({"self_stop_s": DEAD_S}, ["worker.self_stop_s is 30 s", "engine.dead_after is 30 s"]),
    ],
)
async def test_a_worker_that_cannot_work_here_is_refused_and_told_why(
    house: House, said: dict[str, Any], words: list[str]
) -> None:
    worker = Register(worker="w", name="w", host="h", pid=1, version="go/2.0", slots=1, window=1)
    answer = await house.engine.workers.answer(msgspec.structs.replace(worker, **said))
    assert isinstance(answer, CallFailed)
    assert answer.code == "misconfigured"
    assert all(one in answer.detail for one in words)
    assert list(await house.real.workers()) == []
    fit = msgspec.structs.replace(worker, speaks=(1, 2), self_stop_s=DEAD_S - 0.1)
    assert await house.engine.workers.answer(fit) == Registered()


# --- between lease and publish -----------------------------------------------------------------------------------


async def test_a_publish_known_to_have_failed_releases_at_once_and_keeps_the_place(house: House) -> None:
    worker = await house.worker()
    first, second = await house.submit(), await house.submit()
    with house.broken.raising(Unavailable("the broker is away"), "publish"):
        await house.dispatch()
    for task in (first, second):
        waiting = await house.task(task)
        assert (waiting.status, waiting.retry_count, waiting.crashes) == (State.QUEUED, 0, 0)
    await house.dispatch()
    assert [(one.id, one.attempt) for one in await worker.take()] == [(first.id, 2), (second.id, 2)]


async def test_a_process_that_dies_between_lease_and_publish_costs_nothing(house: House) -> None:
    worker = await house.worker()
    task = await house.submit()
    with house.broken.raising(RuntimeError("killed here"), "publish"), pytest.raises(RuntimeError):
        await house.dispatch()
    assert await house.status(task) is State.RUNNING
    await worker.beat()  # sooner than ten seconds after the lease: it may still be on its way
    house.clock.advance(10.5)
    await worker.beat()
    assert await house.status(task) is State.RUNNING, "one heartbeat may have crossed it"
    await worker.beat()
    waiting = await house.task(task)
    assert (waiting.status, waiting.retry_count, waiting.crashes) == (State.QUEUED, 0, 0)
    await house.dispatch()
    assert [(one.id, one.attempt) for one in await worker.take()] == [(task.id, 2)]
    assert await house.outcomes(task) == ["undelivered", None]


# --- between publish and take ------------------------------------------------------------------------------------


async def test_what_was_lost_in_transit_more_than_ten_times_is_undeliverable(house: House) -> None:
    worker = await house.worker()
    task = await house.submit()
    for loss in range(1, 12):
        await house.dispatch()
        await worker.take()  # and forgotten
        house.clock.advance(10.5)
        await worker.beat()
        await worker.beat()
        assert await house.status(task) is (State.QUEUED if loss <= 10 else State.FAILED), f"loss {loss}"
    failed = await house.task(task)
    assert (failed.reason, failed.crashes, failed.retry_count) == (Reason.UNDELIVERABLE, 0, 0)
    assert house.counted("attempts_total", outcome="undelivered") == 11
    assert house.counted("tasks_finished_total", status="failed") == 1


async def test_what_a_heartbeat_holds_is_not_lost_however_long_it_waits(house: House) -> None:
    worker = await house.worker()
    await house.submit()
    await house.dispatch()
    (assignment,) = await worker.take()
    for _ in range(5):
        house.clock.advance(10.5)
        await worker.beat((assignment, False))
    waiting = await house.task(assignment)
    assert (waiting.status, waiting.started_at) == (State.RUNNING, None)


# --- between take and the handler's end --------------------------------------------------------------------------


async def test_a_worker_silent_for_thirty_seconds_is_dead_and_its_task_runs_elsewhere(house: House) -> None:
    worker = await house.worker()
    assignment = await house.started(worker)
    await house.silence(DEAD_S - 0.1)
    assert await house.status(assignment) is State.RUNNING
    house.monotonic_s += 0.1
    await house.reap()
    lost = await house.task(assignment)
    assert (lost.status, lost.crashes, lost.retry_count) == (State.QUEUED, 1, 0)
    assert lost.error is not None
    assert worker.id in lost.error.message
    assert house.counted("workers_lost_total") == 1
    assert house.counted("attempts_total", outcome="lost") == 1

    second = await house.worker()
    await house.dispatch()
    assert [(one.id, one.attempt) for one in await second.take()] == [(assignment.id, 2)]


async def test_a_worker_that_beats_lives_whatever_the_stores_clock_does(house: House) -> None:
    worker = await house.worker()
    assignment = await house.started(worker)
    for step in (10_000.0, -20_000.0, 10_000.0):
        await worker.beat((assignment, True))
        house.clock.advance(step)
        await house.silence(DEAD_S - 1)
    assert await house.status(assignment) is State.RUNNING


async def test_time_that_passes_without_the_reaper_looking_is_not_silence(house: House) -> None:
    worker = await house.worker()
    assignment = await house.started(worker)
    await house.silence(3600.0, reads=2)
    assert await house.status(assignment) is State.RUNNING


@pytest.mark.parametrize("broken", ["store", "broker"])
async def test_an_outage_is_not_the_workers_silence(house: House, broken: str) -> None:
    worker = await house.worker()
    assignment = await house.started(worker)
    await house.silence(DEAD_S - 5)
    outage = (
        house.faults.raising(StoreUnavailable(), "workers")
        if broken == "store"
        else house.broken.raising(Unavailable(), "reachable")
    )
    with outage, pytest.raises(Unavailable):
        await house.reap()
    await house.silence(DEAD_S - 5)
    assert await house.status(assignment) is State.RUNNING, "everyone's patience starts anew"
    await house.silence(10.0)
    assert await house.status(assignment) is State.QUEUED


async def test_what_a_dead_worker_had_not_started_costs_nothing(house: House) -> None:
    worker = await house.worker(slots=1, window=1)
    await house.submit_many(2)
    await house.dispatch()
    ran, waited = await worker.take()
    await worker.beat((ran, True), (waited, False))
    await house.silence(DEAD_S)
    assert [(await house.task(one)).crashes for one in (ran, waited)] == [1, 0]


async def test_proof_of_death_needs_no_patience(house: House) -> None:
    worker = await house.worker()
    assignment = await house.started(worker)
    house.dead.add(worker.id)
    await house.reap()
    assert await house.status(assignment) is State.QUEUED
    assert await house.engine.queries.workers() == []


async def test_a_worker_that_retires_in_good_order_leaves_no_crash(house: House) -> None:
    worker = await house.worker(slots=1, window=1)
    await house.submit()
    await house.dispatch()
    (assignment,) = await worker.take()
    await worker.report(worker.released(assignment))
    await house.collect()
    await house.real.retire(worker.id)
    await house.reap()
    waiting = await house.task(assignment)
    assert (waiting.status, waiting.crashes) == (State.QUEUED, 0)
    assert house.counted("workers_lost_total") == 0


async def test_three_crashes_are_borne_the_fourth_is_poison_and_from_two_on_it_runs_alone(
    house: House,
) -> None:
    poison = await house.submit()
    workers = [await house.worker(slots=5)]
    for crash in range(1, 5):
        worker = workers[-1]
        neighbours = await house.submit_many(2)
        await house.dispatch()
        taken = await worker.take()
        assert taken[0].id == poison.id
        alone = len(taken) == 1
        assert alone is (crash > 2), f"crash {crash}: it ran with {len(taken) - 1} others"
        await worker.beat(*((one, True) for one in taken))
        house.dead.add(worker.id)
        await house.reap()
        for task_id in neighbours:
            await house.engine.tasks.cancel(DEFAULT_ACCOUNT, [task_id])
        workers.append(await house.worker(slots=5))
    ended = await house.task(poison)
    assert (ended.status, ended.reason, ended.crashes) == (State.FAILED, Reason.POISON, 4)
    assert ended.error is not None
    assert workers[3].id in ended.error.message
    assert house.counted("tasks_finished_total", status="failed") == 1


async def test_a_type_that_says_on_lost_fail_is_not_run_again(house: House) -> None:
    worker = await house.worker("money", on_lost=OnLost.FAIL)
    assignment = await house.started(worker, type="money")
    house.dead.add(worker.id)
    await house.reap()
    ended = await house.task(assignment)
    assert (ended.status, ended.reason) == (State.FAILED, Reason.LOST)


async def test_a_cancel_that_stands_when_the_worker_dies_is_obeyed(house: House) -> None:
    worker = await house.worker()
    assignment = await house.started(worker)
    await house.cancel(assignment)
    house.dead.add(worker.id)
    await house.reap()
    assert await house.status(assignment) is State.CANCELLED
    assert house.counted("tasks_finished_total", status="cancelled") == 1


async def test_a_worker_taken_for_dead_is_told_and_takes_its_crash_back(house: House) -> None:
    worker = await house.worker()
    assignment = await house.started(worker)
    await house.silence(DEAD_S)
    assert (await house.task(assignment)).crashes == 1
    answer = await worker.side.call(Heartbeat(worker=worker.id))
    assert answer == HeartbeatAnswer(known=False)
    await house.worker(previous=worker.id)
    assert (await house.task(assignment)).crashes == 0


# --- between the handler's end and its report --------------------------------------------------------------------


async def test_a_late_success_of_a_lost_attempt_is_refused_and_counted(house: House) -> None:
    dead = await house.worker()
    assignment = await house.started(dead)
    house.dead.add(dead.id)
    await house.reap()
    alive = await house.worker()
    await house.dispatch()
    (again,) = await alive.take()

    await dead.report(dead.succeeded(assignment, "late"))
    await house.collect()
    running = await house.task(assignment)
    assert (running.status, running.attempt, running.result) == (State.RUNNING, 2, None)
    assert house.counted("stale_reports_refused_total") == 1
    assert house.counted("tasks_finished_total", status="success") == 0

    await alive.report(alive.succeeded(again, "right"))
    await house.collect()
    done = await house.task(assignment)
    assert (done.status, bytes(done.result or b"")) == (State.SUCCESS, b'"right"')


@pytest.mark.parametrize("word", ["succeeded", "failed", "snoozed", "released"])
async def test_every_late_word_is_refused(house: House, word: str) -> None:
    dead = await house.worker()
    assignment = await house.started(dead)
    house.dead.add(dead.id)
    await house.reap()
    before = await house.task(assignment)
    match word:
        case "succeeded":
            await dead.report(dead.succeeded(assignment))
        case "failed":
            await dead.report(dead.failed(assignment))
        case "snoozed":
            await dead.report(dead.snoozed(assignment, 5.0))
        case _:
            await dead.report(dead.released(assignment))
    await house.collect()
    assert await house.task(assignment) == before
    assert house.counted("stale_reports_refused_total") == 1


async def test_a_worker_that_still_holds_a_lost_attempt_is_told_to_stop_it(house: House) -> None:
    worker = await house.worker()
    assignment = await house.started(worker)
    await worker.report(worker.released(assignment, ran_s=1.0))
    await house.collect()
    answer = await worker.beat((assignment, True))
    assert answer.stop == (Stop(assignment.id, assignment.attempt, Why.STALE),)


async def test_an_attempt_that_lost_its_lease_cannot_submit(house: House) -> None:
    worker = await house.worker()
    assignment = await house.started(worker)
    house.dead.add(worker.id)
    await house.reap()
    answer = await worker.side.call(
        Submit(worker=worker.id, id=assignment.id, attempt=1, call=1, task=Submission(type="child"))
    )
    assert isinstance(answer, CallFailed)
    assert answer.code == "lease_lost"


# --- between commit and acknowledgement --------------------------------------------------------------------------


async def test_a_report_that_comes_again_is_a_duplicate_and_changes_nothing(house: House) -> None:
    worker = await house.worker()
    assignment = await house.started(worker)
    report = worker.succeeded(assignment, 1)
    await worker.report(report)
    await house.collect()
    done = await house.task(assignment)
    await worker.report(report)
    await house.collect()
    assert await house.task(assignment) == done
    assert house.counted("duplicate_reports_total") == 1
    assert house.counted("stale_reports_refused_total") == 0
    assert house.counted("tasks_finished_total", status="success") == 1
    assert await worker.acknowledged(1)


async def test_a_report_twice_in_one_batch_is_applied_once(house: House) -> None:
    worker = await house.worker()
    assignment = await house.started(worker)
    report = worker.failed(assignment)
    await worker.report(report, report)
    await house.collect()
    assert (await house.task(assignment)).retry_count == 1
    assert house.counted("duplicate_reports_total") == 1


@pytest.mark.parametrize("max_retries", [1, 3])
async def test_a_failure_that_comes_again_is_a_duplicate_even_when_it_would_now_be_decided_otherwise(
    house: House, max_retries: int
) -> None:
    worker = await house.worker()
    assignment = await house.started(worker, max_retries=max_retries)
    report = worker.failed(assignment)
    await worker.report(report)
    await house.collect()
    before = await house.task(assignment)
    await worker.report(report)
    await house.collect()
    assert await house.task(assignment) == before
    assert house.counted("duplicate_reports_total") == 1


async def test_a_process_that_dies_between_commit_and_acknowledgement_stores_nothing_twice(
    ground: Ground, tmp_path: Path
) -> None:
    async with open_house(ground, tmp_path) as first:
        worker = await first.worker()
        assignment = await first.started(worker)
        report = worker.succeeded(assignment, "once")
        await worker.report(report)
        with (
            first.faults.raising(StoreUnavailable(), "succeed", late=True),  # stored, and the answer is lost
            pytest.raises(StoreUnavailable),
        ):
            await first.collect()
        assert worker.side.acknowledged == 0
        done = await first.task(assignment)
    async with open_house(ground, tmp_path, clock=first.clock) as second:
        again = await second.worker()
        await again.report(report)
        await second.collect()
        assert await second.task(assignment) == done


async def test_a_report_about_a_task_that_has_been_deleted_is_stale(house: House) -> None:
    worker = await house.worker()
    assignment = await house.started(worker)
    await worker.report(worker.succeeded(assignment))
    await house.collect()
    await house.engine.tasks.delete(DEFAULT_ACCOUNT, [assignment.id])
    await worker.report(worker.failed(assignment), worker.succeeded(assignment))
    await house.collect()
    assert house.counted("stale_reports_refused_total") == 2
    assert await worker.acknowledged(3)
