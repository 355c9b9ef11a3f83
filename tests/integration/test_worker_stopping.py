"""Running attempts are stopped: cancelled, out of time, or stale, in all three kinds; and what does not stop is shown."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest
from tests.integration.worker_handlers import registry, stubborn
from tests.integration.worker_house import House
from tests.support.grounds import Ends

from taskflow_hub.domain.messages import (
    Aborted,
    Failed,
    How,
    Progressed,
    Recall,
    Released,
    Stop,
    Succeeded,
    Why,
)
from taskflow_hub.worker.context import AttemptStopped

KINDS = ("async", "thread", "process")


async def running(house: House, type: str, payload: Any = None, **fields: Any) -> str:
    """An attempt of a handler that has said, by its first progress, that it runs."""
    task_id = await house.give(type, payload, **fields)
    await house.until(lambda: house.said(task_id, Progressed))
    return task_id


async def stop(house: House, task_id: str, why: Why) -> None:
    assert house.worker.id is not None
    await house.broker.tell(house.worker.id, Stop(task_id, 1, why))


@pytest.mark.parametrize("kind", KINDS)
async def test_a_cancelled_attempt_stops_and_is_reported_aborted(
    tmp_path: Path, ends: Ends, kind: str
) -> None:
    file = tmp_path / "cleanup"
    async with House(registry(), tmp_path, ends) as house:
        task_id = await running(house, f"sleep.{kind}", {"file": str(file)})
        await stop(house, task_id, Why.CANCELLED)
        ended = await house.ending(task_id)
        assert isinstance(ended, Aborted)
        assert ended.ran_s is not None
        assert (await house.beat()).stuck == ()
        assert await house.held() == ()
    assert file.exists() == (kind != "process")  # a child is killed, the others may clean up


@pytest.mark.parametrize("kind", KINDS)
async def test_the_heartbeats_answer_stops_as_well(tmp_path: Path, ends: Ends, kind: str) -> None:
    async with House(registry(), tmp_path, ends) as house:
        task_id = await running(house, f"sleep.{kind}")
        house.stop_list = [Stop(task_id, 1, Why.CANCELLED), Stop("unknown", 1, Why.STALE)]
        assert isinstance(await house.ending(task_id), Aborted)
        await house.beat()
        await house.beat()
        assert len(house.said(task_id, Aborted)) == 1


@pytest.mark.parametrize("kind", KINDS)
async def test_a_stale_attempt_stops_and_nothing_is_reported(tmp_path: Path, ends: Ends, kind: str) -> None:
    async with House(registry(), tmp_path, ends, slots=1) as house:
        task_id = await running(house, f"sleep.{kind}")
        await stop(house, task_id, Why.STALE)
        after = await house.run("answer.async", {"what": "none"})  # the slot is free again
        assert isinstance(after, Succeeded)
        assert task_id not in house.endings
        assert await house.held() == ()


@pytest.mark.parametrize("kind", KINDS)
async def test_an_attempt_that_runs_over_its_time_has_failed(tmp_path: Path, ends: Ends, kind: str) -> None:
    async with House(registry(), tmp_path, ends, slots=1) as house:
        ended = await house.run(f"sleep.{kind}", timeout=0.5)
        assert isinstance(ended, Failed)
        assert (ended.how, ended.error.type) == (How.TIMEOUT, "TimeoutError")
        assert ended.error.message == "ran longer than 0.5 s"
        assert ended.ran_s >= 0.5
        if kind != "process":
            assert ended.error.traceback is not None
            assert f"in sleep_{'async' if kind == 'async' else 'sync'}" in ended.error.traceback
            assert "taskflow_hub" not in ended.error.traceback
        assert isinstance(await house.run("answer.async", {"what": "none"}), Succeeded)


async def test_without_a_timeout_an_attempt_may_run_on(tmp_path: Path, ends: Ends) -> None:
    async with House(registry(), tmp_path, ends) as house:
        endless = await running(house, "sleep.async", timeout=None)
        for seconds in (0.02, 0.05, 0.1):
            assert (await house.run("sleep.async", timeout=seconds)).how is How.TIMEOUT
        assert endless not in house.endings


@pytest.mark.parametrize("why", list(Why))
async def test_what_has_not_started_is_stopped_without_a_start(tmp_path: Path, ends: Ends, why: Why) -> None:
    async with House(registry(), tmp_path, ends, slots=1) as house:
        await running(house, "sleep.async")
        waiting = await house.give("answer.async", {"what": "none"})
        await stop(house, waiting, why)
        if why is Why.CANCELLED:
            ended = await house.ending(waiting)
            assert isinstance(ended, Aborted)
            assert ended.ran_s is None
        else:
            await house.until(lambda: len(house.worker.listing()[0]) == 1)
            assert waiting not in house.endings


async def test_a_recall_hands_back_what_waits_of_that_queue(tmp_path: Path, ends: Ends) -> None:
    async with House(registry(), tmp_path, ends, slots=1) as house:
        first = await running(house, "sleep.async", queue="a")
        mine, other = await house.give("who", queue="a"), await house.give("who", queue="b")
        assert house.worker.id is not None
        await house.broker.tell(house.worker.id, Recall("a"))
        ended = await house.ending(mine)
        assert isinstance(ended, Released)
        assert ended.ran_s is None
        assert {held.id for held in await house.held()} == {first, other}


# --- what does not obey ---


async def test_a_thread_that_runs_on_keeps_its_slot_and_is_shown_as_stuck(tmp_path: Path, ends: Ends) -> None:
    let_go = threading.Event()

    def stuck() -> None:
        let_go.wait()  # one long call: nothing can be raised in it

    async with House(registry(stuck=stuck), tmp_path, ends, slots=1) as house:
        task_id = await house.give("stuck", timeout=0.05)
        ended = await house.ending(task_id)
        assert ended.how is How.TIMEOUT
        assert "let_go.wait()" in (ended.error.traceback or "")
        assert (await house.beat()).stuck == (task_id,)
        assert await house.held() == ()
        waiting = await house.give("answer.async", {"what": "none"})
        await house.taken(1)
        assert [held.started for held in await house.held()] == [False]
        let_go.set()
        assert isinstance(await house.ending(waiting), Succeeded)
        assert (await house.beat()).stuck == ()
        assert len(house.said(task_id, object)) == 1


async def test_an_async_handler_that_swallows_its_cancellation_says_nothing_more(
    tmp_path: Path, ends: Ends
) -> None:
    let_go = threading.Event()

    async def on() -> str:
        return await stubborn(let_go)

    async with House(registry(on=on), tmp_path, ends, slots=1) as house:
        task_id = await house.give("on", timeout=0.05)
        assert (await house.ending(task_id)).how is How.TIMEOUT
        assert (await house.beat()).stuck == (task_id,)
        let_go.set()
        assert isinstance(await house.run("answer.async", {"what": "none"}), Succeeded)
        assert [type(report) for report in house.said(task_id, object)] == [Failed]


@pytest.mark.parametrize("kind", ["async", "thread"])
async def test_work_that_was_done_when_the_cancel_came_counts(tmp_path: Path, ends: Ends, kind: str) -> None:
    done = asyncio.Event()

    async def shielded() -> str:
        try:
            done.set()
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            return "done all the same, True"
        return "never"

    async with House(registry(shielded=shielded), tmp_path, ends) as house:
        if kind == "async":
            task_id = await house.give("shielded")
            await done.wait()
        else:
            task_id = await running(house, "polite")
        await stop(house, task_id, Why.CANCELLED)
        ended = await house.ending(task_id)
        assert isinstance(ended, Succeeded)
        assert bytes(ended.result) == b'"done all the same, True"'


async def test_a_handler_that_turns_its_stop_into_an_error_was_stopped(tmp_path: Path, ends: Ends) -> None:
    ready = asyncio.Event()

    async def converts() -> None:
        try:
            ready.set()
            await asyncio.sleep(3600)
        except asyncio.CancelledError as error:
            raise RuntimeError("interrupted") from error

    async with House(registry(converts=converts), tmp_path, ends) as house:
        task_id = await house.give("converts")
        await ready.wait()
        await stop(house, task_id, Why.CANCELLED)
        assert isinstance(await house.ending(task_id), Aborted)


async def test_a_stop_that_comes_before_the_first_step_still_counts(tmp_path: Path) -> None:
    """Within one process, where both are surely taken in one turn."""
    ran: list[int] = []

    async def run() -> None:
        ran.append(1)

    async with House(registry(run=run), tmp_path) as house:
        task_id = await house.give("run")
        await stop(house, task_id, Why.CANCELLED)
        assert isinstance(await house.ending(task_id), Aborted)
    assert ran == []


async def test_a_child_that_is_still_starting_can_be_stopped(tmp_path: Path, ends: Ends) -> None:
    async with House(registry(), tmp_path, ends) as house:
        task_id = await house.give("hold_interpreter")
        await house.until(lambda: house.worker.listing()[0])
        await stop(house, task_id, Why.CANCELLED)
        assert isinstance(await house.ending(task_id), Aborted)
        assert isinstance(await house.run("who"), Succeeded)


async def test_a_handlers_own_attempt_stopped_is_a_failure(tmp_path: Path, ends: Ends) -> None:
    def raises() -> None:
        raise AttemptStopped

    async with House(registry(raises=raises), tmp_path, ends) as house:
        ended = await house.run("raises")
        assert (ended.how, ended.error.type) == (How.RAISED, "AttemptStopped")
