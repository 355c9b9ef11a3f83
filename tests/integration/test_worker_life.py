"""A worker's life: it registers, and leaves in the written order."""

import asyncio
import os
import selectors
import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from tests.integration.worker_handlers import registry, stubborn
from tests.integration.worker_house import LONG_S, House, logged
from tests.support.grounds import Ends

from taskflow_hub.domain.errors import Misconfigured, Unavailable
from taskflow_hub.domain.messages import (
    Aborted,
    CallFailed,
    Heartbeat,
    Progressed,
    Register,
    Registered,
    Released,
    Reply,
    Request,
    Retire,
    Stop,
    Succeeded,
    Why,
)
from taskflow_hub.worker import worker as worker_module
from taskflow_hub.worker.attempts import PATIENCE_S
from taskflow_hub.worker.context import Context
from taskflow_hub.worker.executors import supervised
from taskflow_hub.worker.registry import Registry
from taskflow_hub.worker.watchdog import TICK_S

# --- registration ---


async def test_a_worker_introduces_itself(tmp_path: Path, ends: Ends) -> None:
    async with House(registry(), tmp_path, ends, slots=30, queues=("mail", "cpu")) as house:
        (register,) = house.asked(Register)
        assert house.worker.id == register.worker == "worker-1"
        assert (register.slots, register.window, register.queues) == (30, 3, ("mail", "cpu"))
        assert (register.host, register.pid) == (socket.gethostname(), os.getpid())
        assert register.name == f"{socket.gethostname()}:{os.getpid()}"
        assert register.version
        types = {declared.type: declared for declared in register.types}
        assert set(types) == {handler.type for handler in registry()}
        assert types["chatter"].payload_schema["required"] == ["lines"]
        assert house.requests[0] is register  # nothing is said before it


async def test_it_tries_until_the_engine_agrees(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(worker_module, "RETRY_S", (0.001, 0.01))
    house, tries = House(registry(), tmp_path, name="mine"), 0

    async def answer(request: Request) -> Reply:
        nonlocal tries
        tries += 1
        assert isinstance(request, Register)
        assert (request.worker, request.name) == ("worker-1", "mine")
        match tries:
            case 1:
                raise Unavailable("the database is away")
            case 2:
                return CallFailed("schema_mismatch", "migrate first")
            case 3:
                raise ValueError("a bug")
        return Registered()

    await house.worker.start()
    await house.worker.start()  # twice is harmless
    await logged(
        caplog, "not registered yet"
    )  # nobody serves, which is known at once only within one process
    await house.broker.serve(answer)
    async with asyncio.timeout(20):
        assert await house.worker.registered() == "worker-1"
    assert tries == 4
    assert "migrate first" in caplog.text
    await house.serve()
    await house.__aexit__()


async def test_it_opens_when_the_broker_is_there(
    tmp_path: Path, ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "RETRY_S", (0.001, 0.01))
    house = House(registry(), tmp_path, ends)
    with house.faults.raising(Unavailable(), "open") as fault:
        await house.serve()
        await house.worker.start()
        await fault.until(3)
    async with asyncio.timeout(20):
        await house.worker.registered()
    assert isinstance(await house.run("answer.async", {"what": "none"}), Succeeded)
    await house.__aexit__()


async def test_taking_outlasts_an_outage_of_the_broker(
    tmp_path: Path, ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "RETRY_S", (0.001, 0.01))
    async with House(registry(), tmp_path, ends) as house:
        for error in (Unavailable("away"), ValueError("a bug")):
            with house.faults.raising(error, "take") as fault:
                await house.give("answer.async", {"what": "none"})  # ends the take that waits
                await fault.until(3)
            assert isinstance(await house.run("answer.async", {"what": "none"}), Succeeded)


async def test_a_handler_that_cannot_be_described_is_said_at_the_start(tmp_path: Path) -> None:
    wrong = Registry()

    def odd(a: "Nowhere") -> None: ...  # type: ignore[name-defined]  # noqa: F821

    wrong.add("odd", odd)
    house = House(wrong, tmp_path)
    with pytest.raises(Misconfigured, match="odd"):
        await house.worker.start()
    await house.worker.stop()


async def test_without_a_lock_file_it_works_all_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "locks").write_text("a file, not a folder")
    async with House(registry(), tmp_path) as house:
        assert isinstance(await house.run("answer.async", {"what": "none"}), Succeeded)
    assert "no lock file" in caplog.text


# --- leaving ---


async def test_leaving_keeps_its_order(tmp_path: Path) -> None:
    """1 stop taking, 2 let finish, 3 ask to stop, 4 hand back, 5 wait for acks, 6 retire, 7 close."""
    let_go = threading.Event()

    def gated(ctx: Context) -> None:
        ctx.progress(0.0, "waiting")
        assert let_go.wait(LONG_S)

    house = House(registry(gated=gated), tmp_path, slots=3)
    async with house:
        finishing = await house.give("answer.async", {"what": "none"}, id="warm-up")
        await house.ending(finishing)
        obeys = await house.give("sleep.async", {"file": str(tmp_path / "cleanup")})
        child = await house.give("sleep.process")
        quick = await house.give("gated")
        for task_id in (obeys, child, quick):
            await house.until(lambda task_id=task_id: house.said(task_id, Progressed))  # type: ignore[misc]
        waiting = await house.give("answer.async", {"what": "none"})

        stopping = asyncio.create_task(house.worker.stop(3.0))
        assert (await house.ending(waiting)).ran_s is None  # 1
        assert isinstance(house.endings[waiting], Released)
        assert await house.broker.reachable() == ()
        with pytest.raises(Unavailable):
            await house.give("answer.async", {"what": "none"})
        assert not (tmp_path / "cleanup").exists()
        let_go.set()
        assert isinstance(await house.ending(quick), Succeeded)  # 2
        assert obeys not in house.endings
        house.acks = False
        for task_id in (obeys, child):  # 3, 4
            ended = await house.ending(task_id)
            assert isinstance(ended, Released)
            assert ended.ran_s is not None
            assert ended.ran_s >= 2.0
        assert (tmp_path / "cleanup").exists()
        await house.beat()  # beats go on
        assert not stopping.done()  # 5
        assert not house.asked(Retire)
        house.acks = True
        for report in list(house.reports):  # acknowledged late, but for good
            house.side._real._inbox.acknowledged.stored(report.n, report.n)  # type: ignore[attr-defined]
        await stopping
        assert type(house.requests[-1]) is Retire  # 6
        assert house.requests[-1].worker == "worker-1"
        assert list((tmp_path / "locks").iterdir()) == []  # 7
        assert {thread.name for thread in threading.enumerate()} & {"taskflow-heartbeat"} == set()


async def test_what_finishes_within_the_grace_has_succeeded(tmp_path: Path, ends: Ends) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def work() -> str:
        begun.set()
        await go_on.wait()
        return "done"

    async with House(registry(work=work), tmp_path, ends, grace=3600.0) as house:
        task_id = await house.give("work")
        await begun.wait()
        stopping = asyncio.create_task(house.worker.stop())
        await house.beat()
        assert not stopping.done()
        go_on.set()
        async with asyncio.timeout(LONG_S):
            await stopping
        assert isinstance(house.endings[task_id], Succeeded)


async def test_what_lies_in_the_inbox_is_handed_back(tmp_path: Path, ends: Ends) -> None:
    async with House(registry(), tmp_path, ends, slots=1) as house:
        await house.beat()
        ids = await house.give_many(3, "sleep.async")
        await house.worker.stop()  # while the take has its turn
        endings = [house.endings[task_id] for task_id in ids]
        assert all(isinstance(ending, Released) for ending in endings)
        assert [ending.ran_s for ending in endings].count(None) >= 2


async def test_a_cancel_is_heard_during_the_grace(tmp_path: Path, ends: Ends) -> None:
    async with House(
        registry(), tmp_path, ends, heartbeat_s=600.0, self_stop_s=3600.0, grace=3600.0
    ) as house:
        task_id = await house.give("sleep.async")
        await house.until(lambda: house.said(task_id, Progressed))
        stopping = asyncio.create_task(house.worker.stop())
        house.stop_list = [Stop(task_id, 1, Why.CANCELLED)]
        async with asyncio.timeout(LONG_S):  # beats come quicker now
            await stopping
        assert isinstance(house.endings[task_id], Aborted)


async def test_a_second_stop_cuts_the_grace_short(tmp_path: Path, ends: Ends) -> None:
    async with House(registry(), tmp_path, ends) as house:
        task_id = await house.give("sleep.async")
        await house.until(lambda: house.said(task_id, Progressed))
        first = asyncio.create_task(house.worker.stop(3600.0))
        await house.beat()
        later = asyncio.create_task(house.worker.stop(7200.0))  # a longer grace changes nothing
        async with asyncio.timeout(LONG_S):
            await house.worker.stop(0.0)
            await asyncio.gather(first, later)
        assert isinstance(house.endings[task_id], Released)
        assert len(house.asked(Retire)) == 1


async def test_what_does_not_stop_does_not_keep_a_worker_from_leaving(tmp_path: Path, ends: Ends) -> None:
    let_go, stuck = threading.Event(), threading.Event()

    async def on() -> str:
        return await stubborn(let_go)

    def blocked() -> None:
        stuck.set()
        let_go.wait()

    async with House(registry(on=on, blocked=blocked), tmp_path, ends) as house:
        ids = [await house.give("on"), await house.give("blocked")]
        await asyncio.to_thread(stuck.wait)
        await house.beat()
        async with asyncio.timeout(LONG_S):
            await house.worker.stop(0.0)
        assert all(isinstance(house.endings[task_id], Released) for task_id in ids)
        let_go.set()
        still = [task for task in asyncio.all_tasks() if task.get_name() == "on"]
        assert still, "it runs on, whatever it was told"
        await asyncio.wait(still, timeout=20)
        assert all(task.done() for task in still)


async def test_reports_that_nobody_stores_do_not_keep_it_for_ever(
    tmp_path: Path, ends: Ends, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(worker_module, "FAREWELL_S", 0.2)
    monkeypatch.setattr(worker_module, "RETIRE_S", 0.1)
    async with House(registry(), tmp_path, ends) as house:
        house.acks = False
        await house.run("answer.async", {"what": "none"})
        await house.worker.stop()
        assert "without knowing" in caplog.text


async def test_an_engine_that_is_away_does_not_keep_it_for_ever(
    tmp_path: Path, ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "FAREWELL_S", 0.2)
    monkeypatch.setattr(worker_module, "RETIRE_S", 0.1)
    async with House(registry(), tmp_path, ends) as house:
        await house.run("answer.async", {"what": "none"})
        house.away = True
        async with asyncio.timeout(LONG_S):
            await house.worker.stop()


async def test_a_report_that_hangs_does_not_keep_it_for_ever(
    tmp_path: Path, ends: Ends, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Grace and five seconds are all that it takes, whatever hangs."""
    assert worker_module.FAREWELL_S + supervised.END_S <= 5
    assert PATIENCE_S + worker_module.RETIRE_S < worker_module.FAREWELL_S
    monkeypatch.setattr(worker_module, "FAREWELL_S", 0.3)
    monkeypatch.setattr(worker_module, "RETIRE_S", 0.1)
    async with House(registry(), tmp_path, ends) as house:
        with house.faults.held("report") as held:
            await house.give("answer.async", {"what": "none"})
            await held.reached.wait()
            async with asyncio.timeout(LONG_S):
                await house.worker.stop()
        assert "without knowing" in caplog.text
        assert len(house.asked(Retire)) == 1


async def test_held_for_dead_while_it_leaves_it_just_goes(tmp_path: Path, ends: Ends) -> None:
    async with House(registry(), tmp_path, ends) as house:
        task_id = await house.give("sleep.async")
        await house.until(lambda: house.said(task_id, Progressed))
        stopping = asyncio.create_task(house.worker.stop(3600.0))
        house.known = False
        async with asyncio.timeout(20):
            await stopping
        assert task_id not in house.endings
        assert len(house.asked(Register)) == 1
        assert not house.asked(Retire)


# --- in any order, any number of times ---


async def test_stop_before_start_and_twice_is_harmless(tmp_path: Path, ends: Ends) -> None:
    house = House(registry(), tmp_path, ends)
    await house.worker.stop()
    async with house:
        await house.worker.stop()
        await house.worker.stop()
        assert len(house.asked(Retire)) == 1


@pytest.mark.parametrize("call", ["open", "call"])
async def test_stop_while_it_registers_ends_it(tmp_path: Path, ends: Ends, call: str) -> None:
    house = House(registry(), tmp_path, ends)
    with house.faults.held(call, when=lambda *asked, **_: not isinstance(asked[0], Retire)) as held:
        await house.worker.start()
        await held.reached.wait()
        async with asyncio.timeout(LONG_S):
            await house.worker.stop(3600.0)
    assert not await house.broker.reachable()
    assert list((tmp_path / "locks").iterdir()) == []


async def test_stop_while_the_engine_thinks_ends_it_and_takes_the_registration_back(
    tmp_path: Path, ends: Ends
) -> None:
    house, asked, seen = House(registry(), tmp_path, ends), asyncio.Event(), list[Any]()

    async def answer(request: Request) -> Reply:
        seen.append(type(request))
        if isinstance(request, Register):
            asked.set()
            await asyncio.sleep(3600)
        return Registered()

    await house.broker.serve(answer)
    await house.worker.start()
    await asked.wait()
    await house.worker.stop()
    assert seen == [Register, Retire]


async def test_a_stopped_worker_starts_again_under_a_new_id(tmp_path: Path, ends: Ends) -> None:
    async with House(registry(), tmp_path, ends) as house:
        for number in (1, 2, 3):
            assert await house.worker.registered() == f"worker-{number}"
            for kind in ("async", "thread", "process"):
                assert isinstance(await house.run(f"answer.{kind}", {"what": "none"}), Succeeded)
            await house.worker.stop()
            await house.worker.start()
        await house.worker.registered()
        assert [register.previous for register in house.asked(Register)] == [None] * 4
        assert house.by_number() == {f"worker-{number}": [1, 2, 3] for number in (1, 2, 3)}


async def test_start_and_stop_in_a_hurry(tmp_path: Path, ends: Ends) -> None:
    """Ten at once, over and over, as a supervisor in panic would: no error, nothing left running."""
    house = House(registry(), tmp_path, ends)
    async with house:
        for _ in range(10):
            await asyncio.gather(
                *(house.worker.stop(0.0) for _ in range(5)), *(house.worker.start() for _ in range(5))
            )
        await house.worker.stop()
        assert not await house.broker.reachable()
        assert not [thread for thread in threading.enumerate() if thread.name == "taskflow-heartbeat"]


def test_an_idle_worker_costs_next_to_nothing(tmp_path: Path) -> None:
    """Beats are its clock: between two of them its loop turns for the beat and for the watchdog, and for nothing else."""

    class Selector(selectors.DefaultSelector):
        turns = 0

        def select(self, timeout: float | None = None) -> Any:
            self.turns += 1
            return super().select(timeout)

    async def idle() -> float:
        async with House(registry(), tmp_path, heartbeat_s=0.1) as house:
            await house.run("answer.async", {"what": "none"})
            await house.beat()
            began, before, selector.turns = time.monotonic(), len(house.asked(Heartbeat)), 0
            await house.until(lambda: len(house.asked(Heartbeat)) >= before + 20)
            beats = len(house.asked(Heartbeat)) - before
            return selector.turns - 4 * beats - 2 * (time.monotonic() - began) / TICK_S

    selector = Selector()
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selector)) as runner:
        # A machine under load adds a turn here and there; anything that polls, even ten times a second, adds more than that.
        assert runner.run(idle()) <= 9
