"""The broker's contract, on the local one, and what only it promises."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from taskflow_hub.broker.base import EngineSide, WorkerSide
from taskflow_hub.broker.local import LocalBroker
from taskflow_hub.domain.messages import Reply, Request, Retire, Retired
from taskflow_hub.testing.broker_contract import (
    LONG_S,
    BrokerContract,
    OpenBroker,
    Transport,
    assignment,
    succeeded,
)


class LocalTransport:
    def __init__(self) -> None:
        self.broker = LocalBroker()

    def engine(self) -> EngineSide:
        return self.broker

    def worker(self) -> WorkerSide:
        return self.broker.worker_side()


@asynccontextmanager
async def local() -> AsyncIterator[Transport]:
    yield LocalTransport()


class TestLocalBroker(BrokerContract):
    @pytest.fixture
    def open_broker(self) -> OpenBroker:
        return local


async def test_messages_are_handed_over_as_they_are() -> None:
    broker = LocalBroker()
    side = broker.worker_side()
    await side.open("w1")
    sent = assignment("a")
    await broker.publish("w1", [sent])
    (taken,) = await side.take(10, 0.0)
    assert taken is sent
    report = succeeded(1)
    await side.report([report])
    assert (await broker.collect(10, 0.0)).reports[0] is report
    await side.close()


async def test_what_lies_there_uncollected_is_not_laid_there_twice() -> None:
    """A collector that is stuck for an hour does not find each report 360 times."""
    broker = LocalBroker()
    side = broker.worker_side()
    await side.open("w1")
    for _ in range(3):
        await side.report([succeeded(1), succeeded(2)])
    await side.report([succeeded(2), succeeded(3)])
    first = await broker.collect(2, 0.0)
    assert [report.n for report in first.reports] == [1, 2]
    for _ in range(2):  # collected, and perhaps lost with its engine: it comes again, once
        await side.report([succeeded(1), succeeded(2), succeeded(3)])
    again = await broker.collect(10, 0.0)
    assert [report.n for report in again.reports] == [3, 1, 2]
    await again.ack()
    assert side.acknowledged == 3
    await side.close()


async def test_a_worker_may_live_on_the_loop_of_another_thread() -> None:
    """Both faces wait on their own loop and are woken from the other's, each time."""
    broker, rounds = LocalBroker(), 200
    opened = threading.Event()

    async def work() -> None:
        side = broker.worker_side()
        await side.open("w1")
        opened.set()
        for n in range(1, rounds + 1):
            assert len(await side.take(10, LONG_S)) == 1
            await side.report([succeeded(n)])
        await side.close()

    thread = threading.Thread(target=lambda: asyncio.run(work()))
    thread.start()
    await asyncio.to_thread(opened.wait, LONG_S)
    for n in range(1, rounds + 1):
        await broker.publish("w1", [assignment(str(n))])
        batch = await broker.collect(10, LONG_S)
        assert [report.n for report in batch.reports] == [n]
    await asyncio.to_thread(thread.join, LONG_S)
    assert not thread.is_alive()


async def test_two_collects_at_once_share_the_reports() -> None:
    broker = LocalBroker()
    side = broker.worker_side()
    await side.open("w1")
    collects = [asyncio.create_task(_collect(broker)) for _ in range(2)]
    await asyncio.sleep(0)
    await side.report([succeeded(1)])
    await side.report([succeeded(2)])
    async with asyncio.timeout(LONG_S):
        await asyncio.wait(collects, return_when=asyncio.FIRST_COMPLETED)
    await side.report([succeeded(3)])
    found = [*await collects[0], *await collects[1], *(await broker.collect(10, 0.0)).reports]
    assert sorted(n for n in (getattr(one, "n", None) for one in found) if n) == [1, 2, 3]
    await side.close()


async def test_a_call_is_answered_on_the_callers_own_loop() -> None:
    broker = LocalBroker()
    loops: list[asyncio.AbstractEventLoop] = []

    async def answer(_: Request) -> Reply:
        loops.append(asyncio.get_running_loop())
        return Retired()

    await broker.serve(answer)
    side = broker.worker_side()
    await side.call(Retire(worker="w1"))
    await asyncio.to_thread(lambda: asyncio.run(_retire(side)))
    assert loops[0] is asyncio.get_running_loop()
    assert loops[1] is not loops[0]


async def _collect(broker: LocalBroker) -> list[object]:
    return list((await broker.collect(1, LONG_S)).reports)


async def _retire(side: WorkerSide) -> None:
    await side.call(Retire(worker="w1"))
