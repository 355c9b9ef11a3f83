"""For a broker that can lose everything: afterwards all goes on, with nobody's help.

That nothing is lost with it is the engine's and the worker's work: heartbeats miss what was lost in transit, and what is not
acknowledged is sent again. The broker's part is to carry it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import pytest

from taskflow_hub.broker.base import WorkerSide
from taskflow_hub.domain.errors import Unavailable
from taskflow_hub.domain.messages import Drain, Inbound, Retire, Retired
from taskflow_hub.testing.broker_contract.kit import (
    LONG_S,
    House,
    OpenHouse,
    acknowledged,
    answering,
    assignment,
    same,
    succeeded,
)

T = TypeVar("T")
Lose = Callable[[], Awaitable[None]]


class LossesContract(OpenHouse):
    @pytest.fixture
    def lose(self) -> Lose:
        """Make the broker forget everything."""
        raise NotImplementedError

    async def test_a_worker_is_reachable_again(self, house: House, lose: Lose) -> None:
        worker = await house.worker()
        await lose()
        taking = asyncio.create_task(take_some(worker))
        await reached(house, "w1")
        await house.engine.publish("w1", [assignment("a")])
        assert same(await taking, [assignment("a")])

    async def test_a_take_that_waited_meanwhile_is_woken(self, house: House, lose: Lose) -> None:
        worker = await house.worker()
        taking = asyncio.create_task(take_some(worker))
        await asyncio.sleep(0)
        await lose()
        await reached(house, "w1")
        await house.engine.tell("w1", Drain())
        async with asyncio.timeout(LONG_S):
            assert list(await taking) == [Drain()]

    async def test_what_lay_in_an_inbox_is_gone_and_what_comes_after_is_not(
        self, house: House, lose: Lose
    ) -> None:
        worker = await house.worker()
        await house.engine.publish("w1", [assignment("lost")])
        await lose()
        taking = asyncio.create_task(take_some(worker))
        await reached(house, "w1")
        await house.engine.publish("w1", [assignment("next")])
        assert same(await taking, [assignment("next")])

    async def test_reports_that_were_lost_are_stored_once_they_are_sent_again(
        self, house: House, lose: Lose
    ) -> None:
        worker = await house.worker()
        await worker.report([succeeded(1), succeeded(2)])
        await house.collect_all(2)
        await acknowledged(worker, 2)
        await worker.report([succeeded(3), succeeded(4)])
        await lose()
        for _ in range(2):
            await worker.report([succeeded(3), succeeded(4)])
        assert same(await house.collect_all(2), [succeeded(3), succeeded(4)])
        await acknowledged(worker, 4)

    async def test_a_batch_that_was_collected_before_is_acknowledged(self, house: House, lose: Lose) -> None:
        worker = await house.worker()
        await worker.report([succeeded(1)])
        batch = await house.engine.collect(10, LONG_S)
        await lose()
        await batch.ack()
        await acknowledged(worker, 1)

    async def test_calls_are_answered_again(self, house: House, lose: Lose) -> None:
        await house.engine.serve(answering(Retired()))
        worker = await house.worker()
        assert await worker.call(Retire(worker="w1")) == Retired()
        await lose()
        assert await patiently(lambda: worker.call(Retire(worker="w1"), timeout_s=1.0)) == Retired()


async def patiently(ask: Callable[[], Awaitable[T]]) -> T:
    """What a loss may cost: an Unavailable or two, after which one asks again."""
    async with asyncio.timeout(LONG_S):
        while True:
            try:
                return await ask()
            except Unavailable:
                await asyncio.sleep(0.01)


async def take_some(worker: WorkerSide) -> Sequence[Inbound]:
    return await patiently(lambda: worker.take(10, LONG_S))


async def reached(house: House, worker: str) -> None:
    """Until the engine can publish to it again: the worker's face sees to that, and nobody is told when."""

    async def look() -> None:
        reachable = await house.engine.reachable()
        if reachable is not None and worker not in reachable:
            raise Unavailable

    await patiently(look)
