"""Inboxes: in order, waited for, and closed."""

import asyncio
import contextlib

import pytest
from msgspec import Raw

from taskflow_hub.domain.errors import Unavailable
from taskflow_hub.domain.messages import (
    Assignment,
    Drain,
    Recall,
    Stop,
    Why,
)
from taskflow_hub.testing.broker_contract.kit import (
    LONG_S,
    SHORT_S,
    House,
    OpenHouse,
    acknowledged,
    assignment,
    cancelled_after,
    same,
    succeeded,
    take_all,
)


class InboxesContract(OpenHouse):
    async def test_an_inbox_keeps_the_order_of_everything_sent_to_it(self, house: House) -> None:
        worker = await house.worker()
        sent: list[object] = [
            assignment("a"),
            assignment("b", tags=("x", "y"), timeout=None, max_retries=3, traceparent="00-1-2-01"),
            Stop("a", 1, Why.CANCELLED),
            Recall("default"),
            assignment("c", attempt=7, payload=Raw(b"{}")),
            Drain(),
        ]
        await house.engine.publish("w1", [sent[0], sent[1]])  # type: ignore[list-item]
        await house.engine.tell("w1", sent[2])  # type: ignore[arg-type]
        await house.engine.tell("w1", sent[3])  # type: ignore[arg-type]
        await house.engine.publish("w1", [sent[4]])  # type: ignore[list-item]
        await house.engine.tell("w1", sent[5])  # type: ignore[arg-type]
        taken: list[object] = []
        while len(taken) < len(sent):
            taken += await worker.take(100, LONG_S)
        assert same(taken, sent)
        assert [type(one) for one in taken] == [type(one) for one in sent]

    async def test_take_gives_at_most_its_limit_and_keeps_the_rest(self, house: House) -> None:
        worker = await house.worker()
        await house.engine.publish("w1", [assignment(str(i)) for i in range(5)])
        taken = [await worker.take(2, LONG_S) for _ in range(3)]
        assert [[one.id for one in part if isinstance(one, Assignment)] for part in taken] == [
            ["0", "1"],
            ["2", "3"],
            ["4"],
        ]

    async def test_a_take_that_waits_is_woken(self, house: House) -> None:
        worker = await house.worker()
        taking = asyncio.create_task(take_all(worker))
        await asyncio.sleep(0)
        await house.engine.publish("w1", [assignment("a")])
        async with asyncio.timeout(LONG_S):
            assert [type(one) for one in await taking] == [Assignment]
        taking = asyncio.create_task(take_all(worker))
        await asyncio.sleep(0)
        await house.engine.tell("w1", Drain())
        async with asyncio.timeout(LONG_S):
            assert await taking == [Drain()]

    async def test_a_take_answers_empty_when_nothing_comes(self, house: House) -> None:
        worker = await house.worker()
        assert list(await worker.take(10, SHORT_S)) == []
        assert list(await worker.take(10, 0.0)) == []

    async def test_a_cancelled_take_loses_nothing(self, house: House) -> None:
        worker = await house.worker()
        for _ in range(20):
            taking = asyncio.create_task(take_all(worker))
            await asyncio.sleep(0)
            taking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await taking
        await house.engine.publish("w1", [assignment("a")])
        assert len(await worker.take(10, LONG_S)) == 1

    async def test_a_take_cancelled_while_something_arrives_loses_nothing(self, house: House) -> None:
        worker, sent, taken = await house.worker(), 200, []
        for i in range(sent):
            taking = asyncio.create_task(take_all(worker))
            publishing = asyncio.create_task(house.engine.publish("w1", [assignment(str(i))]))
            taken += await cancelled_after(taking, i * 10e-6)
            await publishing
        async with asyncio.timeout(LONG_S):
            while len(taken) < sent:
                taken += await take_all(worker)
        assert same(taken, [assignment(str(i)) for i in range(sent)])

    async def test_each_worker_has_its_own_inbox(self, house: House) -> None:
        one, two = await house.worker("w1"), await house.worker("w2")
        await house.engine.publish("w2", [assignment("b")])
        await house.engine.publish("w1", [assignment("a")])
        assert same(await one.take(10, LONG_S), [assignment("a")])
        assert same(await two.take(10, LONG_S), [assignment("b")])

    async def test_telling_a_worker_that_is_not_there_is_harmless(self, house: House) -> None:
        await house.engine.tell("nobody", Drain())

    async def test_publishing_to_nobody_is_refused_where_that_can_be_known(self, house: House) -> None:
        reachable = await house.engine.reachable()
        if reachable is not None:
            assert "nobody" not in reachable
            with pytest.raises(Unavailable):
                await house.engine.publish("nobody", [assignment("a")])

    async def test_open_workers_are_reachable(self, house: House) -> None:
        worker = await house.worker()
        assert "w1" in (await house.engine.reachable() or ["w1"])
        await worker.close()
        assert "w1" not in (await house.engine.reachable() or [])

    async def test_closing_wakes_a_take_and_ends_the_inbox(self, house: House) -> None:
        worker = await house.worker()
        taking = asyncio.create_task(take_all(worker))
        await asyncio.sleep(0)
        await worker.close()
        async with asyncio.timeout(LONG_S):
            assert list(await taking) == []
        await worker.close()
        with contextlib.suppress(Unavailable):
            await house.engine.publish("w1", [assignment("late")])
        await house.engine.tell("w1", Drain())
        assert list(await worker.take(10, 0.0)) == []

    async def test_closing_before_opening_is_harmless(self, house: House) -> None:
        await house.transport.worker().close()

    async def test_after_closing_reports_go_on_and_are_acknowledged(self, house: House) -> None:
        worker = await house.worker()
        await worker.close()
        await worker.report([succeeded(1)])
        assert same(await house.collect_all(1), [succeeded(1)])
        await acknowledged(worker, 1)

    async def test_a_face_opens_anew_under_another_id(self, house: House) -> None:
        worker = await house.worker("w1")
        await worker.report([succeeded(1)])
        await house.collect_all(1)
        await acknowledged(worker, 1)
        await house.engine.publish("w1", [assignment("old")])
        for name in ("w2", "w3"):
            await worker.open(name)
            assert worker.acknowledged == 0
            await house.engine.publish(name, [assignment("new")])
            assert same(await worker.take(10, LONG_S), [assignment("new")])
            await worker.report([succeeded(1, name)])
            assert same(await house.collect_all(1), [succeeded(1, name)])
            await acknowledged(worker, 1)
