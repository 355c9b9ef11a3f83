"""Reports are numbered, sent in batches, and sent again until they are acknowledged."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from taskflow_hub.broker.local import LocalBroker
from taskflow_hub.domain.errors import Unavailable
from taskflow_hub.domain.messages import Report, Succeeded
from taskflow_hub.testing.faults import Faults
from taskflow_hub.worker import outbox as outbox_module
from taskflow_hub.worker.outbox import Outbox


class Clock:
    """A monotonic clock that a test moves. An outbox still waits real time for it, so resend_s is small as well."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class House:
    def __init__(self) -> None:
        self.broker, self.faults, self.clock = LocalBroker(), Faults(), Clock()
        self.side = self.faults.over(self.broker.worker_side())
        self.acknowledged: list[int] = []
        self.outbox = Outbox(
            self.side, "w1", resend_s=0.02, clock=self.clock, on_acknowledged=self.acknowledged.append
        )

    def add(self, count: int = 1) -> None:
        for _ in range(count):
            self.outbox.add(Succeeded(**self.outbox.stamp(("a", 1)), ran_s=0.0))

    async def collect(self, *, ack: bool = True) -> list[int]:
        batch = await self.broker.collect(10_000, 5.0)
        if ack:
            await batch.ack()
        return numbers(batch.reports)


def numbers(reports: Sequence[Report]) -> list[int]:
    return [report.n for report in reports]


@pytest.fixture
async def house() -> AsyncIterator[House]:
    house = House()
    await house.side.open("w1")
    sending = asyncio.create_task(house.outbox.run())
    yield house
    sending.cancel()
    await asyncio.wait({sending})
    await house.side.close()


async def test_reports_are_numbered_without_gaps(house: House) -> None:
    house.add(3)
    assert await house.collect() == [1, 2, 3]
    house.add(2)
    assert await house.collect() == [4, 5]


async def test_what_gathers_while_one_batch_is_sent_goes_with_the_next(house: House) -> None:
    with house.faults.held("report") as held:
        house.add(1)
        await held.reached.wait()
        house.add(50)
    found: list[int] = []
    while len(found) < 51:
        found += await house.collect()
    assert found == list(range(1, 52))
    assert house.faults.calls["report"] == 2


async def test_what_ends_in_the_next_turn_of_the_loop_goes_along(house: House) -> None:
    """A slot that comes free is filled at once; attempts that end at once would else go in small batches between large ones."""
    for _ in range(5):  # until the outbox waits for something to send
        await asyncio.sleep(0)
    house.add(10)
    asyncio.get_running_loop().call_soon(house.add, 5)
    assert await house.collect() == list(range(1, 16))
    assert house.faults.calls["report"] == 1


async def test_a_flood_goes_in_batches_of_bounded_size(house: House) -> None:
    house.add(outbox_module.BATCH + 1)
    found: list[int] = []
    while len(found) <= outbox_module.BATCH:
        found += await house.collect()
    assert found == list(range(1, outbox_module.BATCH + 2))
    assert house.faults.calls["report"] == 2


async def test_what_is_acknowledged_is_told_once_and_forgotten(house: House) -> None:
    house.add(3)
    await house.collect()
    assert house.outbox.acknowledged == 3
    assert house.outbox.settled
    assert house.outbox.settled
    assert house.acknowledged == [3]


async def test_nothing_is_sent_again_before_its_time(house: House) -> None:
    house.add(1)
    assert await house.collect(ack=False) == [1]
    for _ in range(5):  # the timer fires, and the clock says no
        await asyncio.sleep(0.02)
    house.add(1)
    assert await house.collect() == [2]
    assert not house.outbox.settled


async def test_what_is_not_acknowledged_is_sent_again_until_it_is(house: House) -> None:
    house.add(2)
    assert await house.collect(ack=False) == [1, 2]
    for _ in range(3):
        house.clock.now += 1.0
        assert await house.collect(ack=False) == [1, 2]
    house.clock.now += 1.0
    assert await house.collect() == [1, 2]
    assert house.outbox.settled


async def test_only_what_is_missing_is_sent_again(house: House) -> None:
    house.add(4)
    first, second = await house.broker.collect(2, 5.0), await house.broker.collect(2, 5.0)
    await first.ack()
    assert numbers(second.reports) == [3, 4]
    house.clock.now += 1.0
    assert await house.collect() == [3, 4]


async def test_batches_that_fall_due_apart_stay_in_order(house: House) -> None:
    """Numbers are acknowledged in one order, and batches fall due again in another."""
    house.add(2)
    assert await house.collect(ack=False) == [1, 2]
    house.clock.now += 0.015
    house.add(2)
    assert await house.collect(ack=False) == [3, 4]
    house.clock.now += 0.01
    first = await house.broker.collect(10, 5.0)  # its time has come; the other's has not
    assert numbers(first.reports) == [1, 2]
    await first.ack()
    for _ in range(3):
        house.clock.now += 1.0
        assert await house.collect(ack=False) == [3, 4]
    house.clock.now += 1.0
    assert await house.collect() == [3, 4]
    assert house.outbox.settled
    assert house.acknowledged == [2, 4]


async def test_what_is_acknowledged_while_it_is_sent_again_is_not_sent_twice(house: House) -> None:
    house.add(1)
    first = await house.broker.collect(10, 5.0)
    house.add(1)
    second = await house.broker.collect(10, 5.0)
    house.clock.now += 1.0
    with house.faults.held("report") as held:
        await held.reached.wait()
        await first.ack()
        await second.ack()
        assert house.outbox.settled
    calls = house.faults.calls["report"]
    house.clock.now += 1.0
    house.add(1)
    while 3 not in await house.collect():
        pass
    assert house.faults.calls["report"] == calls + 1
    assert house.outbox.settled


async def test_until_settled_waits_for_the_last_acknowledgement(house: House) -> None:
    await house.outbox.until_settled()  # nothing to wait for
    house.add(2)
    settling = asyncio.create_task(house.outbox.until_settled())
    first, second = await house.broker.collect(1, 5.0), await house.broker.collect(1, 5.0)
    await first.ack()
    await asyncio.sleep(0)
    assert not settling.done()
    await second.ack()
    async with asyncio.timeout(5):
        await settling
    assert house.acknowledged[-1] == 2


async def test_an_idle_outbox_sets_no_timer(house: House) -> None:
    house.add(1)
    await house.collect()
    house.clock.now += 1.0
    house.add(1)
    await house.collect()
    house.clock.now += 1.0
    for _ in range(5):
        await asyncio.sleep(0.02)
    assert house.acknowledged == [1, 2]
    assert house.faults.calls["report"] == 2


async def test_while_the_broker_is_away_reports_wait_in_order(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(outbox_module, "RETRY_S", (0.001, 0.002))
    for error in (Unavailable("away"), ValueError("a bug")):
        with house.faults.raising(error, "report") as fault:
            house.add(2)
            await fault.until(3)
            house.add(1)
        assert len(await house.collect()) == 3
    assert house.outbox.acknowledged == 6
    assert "reports wait for the broker" in caplog.text
