"""Attempts run on the loop, in threads and in child processes, and end the same way in all three."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest
from tests.integration.worker_handlers import registry
from tests.integration.worker_house import House
from tests.support.grounds import Ends

from taskflow_hub.domain.messages import Failed, Held, How, Logged, Progressed, Snoozed, Submit, Succeeded

KINDS = ("async", "thread", "process")


@pytest.mark.parametrize("kind", KINDS)
async def test_every_outcome_is_reported(tmp_path: Path, ends: Ends, kind: str) -> None:
    async with House(registry(), tmp_path, ends) as house:
        ended = {
            what: await house.run(f"answer.{kind}", {"what": what})
            for what in ("value", "none", "retry", "snooze", "fail", "raise", "exit", "unsayable")
        }
        wrong = await house.run(f"answer.{kind}", {"wat": 1})
    assert isinstance(ended["value"], Succeeded)
    assert bytes(ended["value"].result) == b'{"a":[1,2]}'
    assert bytes(ended["none"].result) == b"null"
    assert isinstance(ended["snooze"], Snoozed)
    assert ended["snooze"].seconds == 60
    failures: dict[str, Failed] = {what: one for what, one in ended.items() if isinstance(one, Failed)}
    assert {what: (one.how, one.error.type) for what, one in failures.items()} == {
        "retry": (How.RETRY, "Retry"),
        "fail": (How.FAIL, "Fail"),
        "raise": (How.RAISED, "ValueError"),
        "exit": (How.RAISED, "SystemExit"),
        "unsayable": (How.FAIL, "ResultNotEncodable"),
    }
    assert failures["retry"].after == 7
    trace = failures["raise"].error.traceback
    assert trace is not None
    assert 'raise ValueError("as asked")' in trace
    assert "/worker/" not in trace
    assert (wrong.how, wrong.error.type) == (How.FAIL, "InvalidPayload")
    assert all(0 <= one.ran_s < 20 for one in ended.values())


@pytest.mark.parametrize("kind", KINDS)
async def test_a_handler_speaks_through_its_context(tmp_path: Path, ends: Ends, kind: str) -> None:
    async with House(registry(), tmp_path, ends) as house:
        task_id = await house.give(f"speak.{kind}", attempt=3)
        ended = await house.ending(task_id)
        (logged,) = house.said(task_id, Logged)
        (submit,) = house.asked(Submit)
    assert [(line.n, line.level, line.message, line.fields) for line in logged.lines] == [
        (1, "info", "hello", {"attempt": 3, "key": task_id})
    ]
    assert [(one.fraction, one.message) for one in house.said(task_id, Progressed)] in (
        [(0.25, "a quarter")],
        [],
    )
    assert bytes(ended.result) == f'"{task_id}-child-1"'.encode()
    assert (submit.id, submit.attempt, submit.call, submit.task.type) == (task_id, 3, 1, "other")


async def test_reports_of_an_attempt_come_before_its_end_and_numbers_have_no_gaps(
    tmp_path: Path, ends: Ends
) -> None:
    async with House(registry(), tmp_path, ends) as house:
        ids = [await house.give(f"speak.{kind}") for kind in KINDS for _ in range(5)]
        for task_id in ids:
            await house.ending(task_id)
            assert type(house.said(task_id, object)[-1]) is Succeeded
        (numbers,) = house.by_number().values()
        assert numbers == list(range(1, len(numbers) + 1))


async def test_no_more_than_the_slots_run_and_the_rest_waits_in_order(tmp_path: Path, ends: Ends) -> None:
    begun: list[int] = []
    may_end = [asyncio.Event() for _ in range(6)]

    async def step(number: int) -> int:
        begun.append(number)
        await may_end[number].wait()
        return number

    async with House(registry(step=step), tmp_path, ends, slots=2) as house:
        ids = [await house.give("step", {"number": number}) for number in range(6)]
        await house.taken(6)
        held = await house.held()
        assert begun == [0, 1]
        assert held == tuple(Held(task_id, 1, number < 2) for number, task_id in enumerate(ids))
        may_end[1].set()
        await house.ending(ids[1])
        await house.beat()
        assert begun == [0, 1, 2]
        for event in may_end:
            event.set()
        for task_id in ids:
            await house.ending(task_id)
        assert begun == [0, 1, 2, 3, 4, 5]
        assert await house.held() == ()


async def test_the_same_assignment_twice_runs_once(tmp_path: Path, ends: Ends) -> None:
    runs: list[int] = []
    go_on = asyncio.Event()

    async def once() -> None:
        runs.append(1)
        await go_on.wait()

    async with House(registry(once=once), tmp_path, ends) as house:
        await house.give("once", id="same")
        await house.give("once", id="same")
        await house.run("answer.async", {"what": "none"})  # what was given before has been taken
        go_on.set()
        await house.ending("same")
        await house.give("once", id="same", attempt=2)
        await house.until(lambda: len(house.said("same", Succeeded)) == 2)
    assert len(runs) == 2


async def test_a_type_without_a_handler_is_a_failure_that_may_be_tried_elsewhere(
    tmp_path: Path, ends: Ends
) -> None:
    async with House(registry(), tmp_path, ends) as house:
        ended = await house.run("unheard.of")
    assert (ended.how, ended.error.type) == (How.RAISED, "UnknownType")


async def test_an_ended_attempt_is_held_until_it_is_acknowledged_and_sent_again(
    tmp_path: Path, ends: Ends
) -> None:
    async with House(registry(), tmp_path, ends, resend_s=0.1) as house:
        house.acks = False
        task_id = await house.give("answer.async", {"what": "none"})
        await house.ending(task_id)
        assert await house.held() == (Held(task_id, 1, True),)
        await house.until(lambda: len(house.said(task_id, Succeeded)) >= 3)
        house.acks = True
        await house.until(lambda: house.worker.listing()[0] == ())
        assert await house.held() == ()
        assert {report.n for report in house.said(task_id, Succeeded)} == {1}


async def test_a_thread_is_used_again_and_forgets_context_variables(tmp_path: Path, ends: Ends) -> None:
    import contextvars

    variable: contextvars.ContextVar[int] = contextvars.ContextVar("variable", default=0)
    threads: set[int] = set()

    def mark() -> int:
        threads.add(threading.get_ident())
        seen = variable.get()
        variable.set(seen + 1)
        return seen

    async with House(registry(mark=mark), tmp_path, ends) as house:
        results = [bytes((await house.run("mark")).result) for _ in range(5)]
    assert results == [b"0"] * 5
    assert len(threads) == 1


async def test_many_attempts_of_all_kinds_at_once(tmp_path: Path, ends: Ends) -> None:
    async with House(registry(), tmp_path, ends, slots=8) as house:
        ids: list[str] = []
        for _ in range(20):
            ids += await house.give_many(10, "answer.async", {"what": "value"})
            ids += await house.give_many(10, "answer.thread", {"what": "value"})
            ids += await house.give_many(2, "answer.process", {"what": "value"})
            ids += await house.give_many(2, "answer.thread", {"what": "raise"})
        for task_id in ids:
            await house.ending(task_id)
        kinds: list[Any] = [type(house.endings[task_id]) for task_id in ids]
        assert kinds.count(Succeeded) == 440
        assert kinds.count(Failed) == 40
        assert len(house.reports) == 480


@pytest.mark.parametrize("kind", ["async", "thread", "process"])
async def test_the_last_progress_goes_before_the_end(tmp_path: Path, ends: Ends, kind: str) -> None:
    async with House(registry(), tmp_path, ends) as house:
        task_id = await house.give(f"hurry.{kind}")
        await house.ending(task_id)
        said = house.said(task_id, object)
        assert [type(report) for report in said] == [Progressed, Progressed, Succeeded]
        assert [(report.fraction, report.message) for report in said[:2]] == [(0.4, "begun"), (1.0, "done")]
