"""Heartbeats: what they list, what they bring, and what a worker does when nobody hears them."""

import asyncio
import logging
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from tests.integration.worker_handlers import registry
from tests.integration.worker_house import LONG_S, House, logged, soon
from tests.support.grounds import Ends

from taskflow_hub.domain.messages import Heartbeat, Progressed, Register, Released, Succeeded
from taskflow_hub.worker import heartbeat
from taskflow_hub.worker.watchdog import LAG_S

ROOT = Path(__file__).parents[2]


async def test_beats_go_on_while_a_handler_blocks_the_loop(tmp_path: Path, ends: Ends) -> None:
    """Of this worker, and of any other whose beats this process answers."""
    beats: list[int] = []

    async def block() -> None:
        before = len(house.asked(Heartbeat))
        while house.beats.acquire(blocking=False):
            pass  # those before do not count
        for _ in range(3):
            assert house.beats.acquire(timeout=LONG_S)
        beats.append(len(house.asked(Heartbeat)) - before)

    async with House(registry(block=block), tmp_path, ends) as house:
        await house.run("block")
        assert beats[0] >= 3
        lags = [beat.loop_lag_s for beat in house.asked(Heartbeat)]
        assert max(lags) > 0.03


async def test_a_worker_that_nobody_hears_stops_its_own_attempts(tmp_path: Path, ends: Ends) -> None:
    async with House(registry(), tmp_path, ends, self_stop_s=3.0, slots=3) as house:
        ids = [await house.give(f"sleep.{kind}") for kind in ("async", "thread", "process")]
        for task_id in ids:
            await house.until(lambda task_id=task_id: house.said(task_id, Progressed))  # type: ignore[misc]
        waiting = await house.give("answer.async", {"what": "none"})
        await house.taken(4)
        house.away = True
        for task_id in ids:
            ended = await house.ending(task_id)
            assert isinstance(ended, Released)
            assert ended.ran_s is not None
        assert (await house.ending(waiting)).ran_s is None
        # What comes before a beat is accepted again waits for that.
        later = await house.give("answer.async", {"what": "none"})
        await soon(lambda: house.worker.listing()[0])
        assert [held.started for held in house.worker.listing()[0]] == [False]
        house.away = False
        assert isinstance(await house.ending(later), Succeeded)
        assert len(house.asked(Register)) == 1


async def test_a_short_outage_stops_nothing(
    tmp_path: Path, ends: Ends, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with House(registry(), tmp_path, ends, self_stop_s=60) as house:
        task_id = await house.give("sleep.async")
        await house.until(lambda: house.said(task_id, Progressed))
        await house.beat()
        house.away = True
        await logged(caplog, "not accepted")
        house.away = False
        await house.beat()
        assert "accepted again" in caplog.text
        assert task_id not in house.endings


async def test_a_worker_held_for_dead_stops_everything_and_registers_anew(tmp_path: Path, ends: Ends) -> None:
    async with House(registry(), tmp_path, ends, slots=2) as house:
        house.acks = False
        ended = await house.give("answer.async", {"what": "none"})
        await house.ending(ended)
        running = [await house.give(f"sleep.{kind}") for kind in ("async", "thread")]
        for task_id in running:
            await house.until(lambda task_id=task_id: house.said(task_id, Progressed))  # type: ignore[misc]
        await house.give("answer.async", {"what": "none"})
        await house.taken(4)
        assert len(await house.held()) == 4
        locks = house.settings.lock_dir
        assert locks is not None
        assert [file.name for file in locks.iterdir()] == ["worker-1.lock"]

        house.known, house.acks = False, True
        await house.until(lambda: house.asked(Register)[-1].worker == "worker-2")
        house.known = True
        first, second = house.asked(Register)
        assert (first.previous, second.previous) == (None, "worker-1")
        assert first.types == second.types
        await house.until(lambda: house.asked(Heartbeat)[-1].worker == "worker-2")
        assert await house.held() == ()
        assert set(house.endings) == {ended}
        assert [file.name for file in locks.iterdir()] == ["worker-2.lock"]
        assert list(await house.broker.reachable() or ()) == ["worker-2"]

        # Its slots and its numbers are new.
        for _ in range(2):
            assert isinstance(await house.run("answer.thread", {"what": "none"}), Succeeded)
        assert house.by_number()["worker-2"] == [1, 2]


async def test_a_worker_is_told_that_it_drains(tmp_path: Path, ends: Ends) -> None:
    async with House(registry(), tmp_path, ends) as house:
        task_id = await house.give("sleep.async", timeout=0.3)
        house.draining = True
        await house.beat()
        await house.until(lambda: house.worker.draining)
        await house.ending(task_id)  # what it has, it finishes


async def test_beats_are_as_far_apart_as_set(tmp_path: Path, ends: Ends) -> None:
    async with House(registry(), tmp_path, ends, heartbeat_s=0.2) as house:
        began = time.monotonic()
        await house.until(lambda: len(house.asked(Heartbeat)) >= 4)
        assert time.monotonic() - began >= 0.6


async def test_a_loop_that_stands_still_is_reported_with_the_handlers_name(
    tmp_path: Path, ends: Ends, caplog: pytest.LogCaptureFixture
) -> None:
    warned = threading.Event()

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if "stands still" in record.getMessage():
                warned.set()

    listener = Listener()
    logging.getLogger("taskflow.worker").addHandler(listener)

    async def hog() -> None:
        warned.wait(LONG_S)  # blocks the loop, until the watchdog has complained

    began = time.monotonic()
    async with House(registry(**{"the.hog": hog}), tmp_path, ends) as house:
        await house.run("the.hog")
        await house.until(lambda: max(beat.loop_lag_s for beat in house.asked(Heartbeat)) >= LAG_S)
    logging.getLogger("taskflow.worker").removeHandler(listener)
    assert time.monotonic() - began < LONG_S
    assert "the.hog blocks it" in caplog.text
    assert "warned.wait(LONG_S)" in caplog.text
    assert "stood still for" in caplog.text
    assert house.exits == []


async def test_no_error_ends_the_beating(
    tmp_path: Path, ends: Ends, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A worker that fell silent while it runs would be held for dead."""
    monkeypatch.setattr(heartbeat, "TICK_S", 0.01)
    async with House(registry(), tmp_path, ends) as house:
        with monkeypatch.context() as broken:
            broken.setattr(house.worker, "listing", lambda: 1 / 0)
            await logged(caplog, "heartbeats are not accepted: division by zero")
        await house.beat()
        with monkeypatch.context() as broken:
            broken.setattr(house.worker._heartbeat, "_mind_the_silence", lambda: 1 / 0)
            await logged(caplog, "stumbled", times=2)
        await house.beat()
        assert isinstance(await house.run("answer.async", {"what": "none"}), Succeeded)
        monkeypatch.setattr(house.worker._heartbeat, "_mind_the_silence", lambda: 1 / 0)
        async with asyncio.timeout(LONG_S):
            await house.worker.stop()


async def test_a_stop_does_not_wait_for_a_beat_that_hangs(tmp_path: Path, ends: Ends) -> None:
    async with House(registry(), tmp_path, ends, heartbeat_s=20.0, self_stop_s=60.0) as house:
        house.hanging = True
        house.worker._heartbeat.hasten(0.01)
        await house.until(lambda: house.asked(Heartbeat))
        began = time.monotonic()
        await house.worker.stop(0.0)
        assert time.monotonic() - began < 10, "after which a beat is given up"


PROGRAM = """
import asyncio, logging, sys, time
from pathlib import Path
from tests.integration.worker_house import House
from tests.support.grounds import Ends
from taskflow_hub.worker.registry import Registry

logging.basicConfig()
registry = Registry()

@registry.task("blocks.for.ever")
async def blocks() -> None:
    time.sleep(3600)

async def main() -> None:
    house = House(registry, Path(sys.argv[1]), watchdog_s=1.5)
    import os
    house.worker._exit_process = os._exit
    async with house:
        await house.give("blocks.for.ever")
        await asyncio.sleep(3600)

asyncio.run(main())
"""


async def test_a_loop_that_stands_still_too_long_ends_the_process(tmp_path: Path) -> None:
    program = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert program.returncode == 70, program.stderr
    assert "blocks.for.ever blocks it; the process ends" in program.stderr
    assert "Current thread" in program.stderr  # every stack
    assert "in blocks" in program.stderr
