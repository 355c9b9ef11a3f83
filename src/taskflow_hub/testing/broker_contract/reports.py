"""Reports: collected in order, and acknowledged by one number per worker."""

import asyncio
import contextlib
from datetime import UTC, datetime
from itertools import count

from taskflow_hub.broker.base import WorkerSide
from taskflow_hub.domain.messages import (
    Failed,
    How,
    Line,
    Logged,
    Released,
    Report,
)
from taskflow_hub.domain.model import TaskError
from taskflow_hub.testing.broker_contract.kit import (
    LONG_S,
    SHORT_S,
    House,
    OpenHouse,
    acknowledged,
    assignment,
    cancelled_after,
    collect_some,
    same,
    succeeded,
)


class ReportsContract(OpenHouse):
    async def test_reports_are_collected_as_they_were_sent(self, house: House) -> None:
        worker = await house.worker()
        at = datetime(2026, 1, 1, 12, 30, 0, 250_000, tzinfo=UTC)
        sent: list[Report] = [
            Logged(
                worker="w1",
                n=1,
                id="a",
                attempt=2,
                lines=(Line(n=1, at=at, level="info", message="é", fields={"k": [1]}),),
            ),
            succeeded(2),
            Failed(
                worker="w1",
                n=3,
                id="b",
                attempt=1,
                ran_s=1.5,
                how=How.RETRY,
                error=TaskError("E", "m", "tb"),
                after=3.0,
            ),
            Released(worker="w1", n=4, id="c", attempt=1),
        ]
        await worker.report(sent[:1])
        await worker.report(sent[1:])
        found = await house.collect_all(4)
        assert same(found, sent)
        assert [type(one) for one in found] == [type(one) for one in sent]

    async def test_collect_gives_at_most_its_limit_and_then_the_next_ones(self, house: House) -> None:
        worker = await house.worker()
        await worker.report([succeeded(n) for n in range(1, 6)])
        first = await house.engine.collect(2, LONG_S)
        second = await house.engine.collect(10, LONG_S)
        assert [report.n for report in (*first.reports, *second.reports)] == [1, 2, 3, 4, 5]
        assert len(first.reports) == 2

    async def test_a_collect_that_waits_is_woken(self, house: House) -> None:
        worker = await house.worker()
        collecting = asyncio.create_task(collect_some(house.engine))
        await asyncio.sleep(0)
        await worker.report([succeeded(1)])
        async with asyncio.timeout(LONG_S):
            assert same(await collecting, [succeeded(1)])

    async def test_a_collect_answers_empty_when_nothing_comes(self, house: House) -> None:
        batch = await house.engine.collect(10, SHORT_S)
        assert list(batch.reports) == []
        await batch.ack()

    async def test_a_cancelled_collect_loses_nothing(self, house: House) -> None:
        worker = await house.worker()
        for _ in range(20):
            collecting = asyncio.create_task(collect_some(house.engine))
            await asyncio.sleep(0)
            collecting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await collecting
        await worker.report([succeeded(1)])
        assert same(await house.collect_all(1), [succeeded(1)])

    async def test_a_collect_cancelled_while_something_arrives_loses_nothing(self, house: House) -> None:
        worker, sent = await house.worker(), [succeeded(n) for n in range(1, 201)]
        found: list[Report] = []
        for report in sent:
            collecting = asyncio.create_task(collect_some(house.engine))
            reporting = asyncio.create_task(worker.report([report]))
            found += await cancelled_after(collecting, report.n * 10e-6)
            await reporting
        async with asyncio.timeout(LONG_S):
            while len(found) < len(sent):
                found += await collect_some(house.engine)
        assert same(found, sent)

    async def test_nothing_is_acknowledged_before_ack(self, house: House) -> None:
        worker = await house.worker()
        assert worker.acknowledged == 0
        await worker.report([succeeded(1), succeeded(2)])
        batch = await house.engine.collect(10, LONG_S)
        await worker.take(0, 0.0)
        assert worker.acknowledged == 0
        await batch.ack()
        await acknowledged(worker, 2)
        await batch.ack()  # a second time changes nothing
        await acknowledged(worker, 2)

    async def test_waiting_for_an_acknowledgement_ends_with_it(self, house: House) -> None:
        worker = await house.worker()
        await worker.until_acknowledged(0)
        await worker.report([succeeded(1), succeeded(2), succeeded(3)])
        waiting = [asyncio.create_task(worker.until_acknowledged(n)) for n in (1, 2, 3)]
        await (await house.engine.collect(2, LONG_S)).ack()
        async with asyncio.timeout(LONG_S):
            await asyncio.gather(*waiting[:2])
        assert not waiting[2].done()
        await worker.close()
        await (await house.engine.collect(2, LONG_S)).ack()
        async with asyncio.timeout(LONG_S):
            await waiting[2]

    async def test_acknowledged_means_all_up_to_it(self, house: House) -> None:
        """Batches may be stored in any order: one that is missing holds the number back."""
        worker = await house.worker()
        await worker.report([succeeded(n) for n in range(1, 7)])
        batches = [await house.engine.collect(2, LONG_S) for _ in range(3)]
        await batches[2].ack()
        await worker.take(0, 0.0)
        assert worker.acknowledged == 0
        await batches[0].ack()
        await acknowledged(worker, 2)
        await batches[1].ack()
        await acknowledged(worker, 6)

    async def test_what_is_sent_again_fills_the_gap(self, house: House) -> None:
        worker = await house.worker()
        await worker.report([succeeded(1), succeeded(2)])
        await house.engine.collect(1, LONG_S)  # and its engine dies
        await house.collect_all(1)
        await worker.take(0, 0.0)
        assert worker.acknowledged == 0
        await worker.report([succeeded(1)])
        assert same(await house.collect_all(1), [succeeded(1)])
        await acknowledged(worker, 2)

    async def test_what_comes_again_after_its_ack_changes_nothing(self, house: House) -> None:
        worker = await house.worker()
        for _ in range(2):
            await worker.report([succeeded(1), succeeded(2)])
            await house.collect_all(2)
            await acknowledged(worker, 2)

    async def test_each_worker_is_acknowledged_for_itself(self, house: House) -> None:
        one, two = await house.worker("w1"), await house.worker("w2")
        await one.report([succeeded(1, "w1"), succeeded(2, "w1")])
        await two.report([succeeded(1, "w2")])
        found = await house.collect_all(3)
        assert sorted((report.worker, report.n) for report in found) == [("w1", 1), ("w1", 2), ("w2", 1)]
        await acknowledged(one, 2)
        await acknowledged(two, 1)

    async def test_many_messages_pass_both_ways(self, house: House) -> None:
        names = ("w1", "w2", "w3")
        sides = [await house.worker(name) for name in names]

        async def work(name: str, side: WorkerSide) -> None:
            numbers, left = count(1), 500
            while left:
                inbound = await side.take(40, LONG_S)
                left -= len(inbound)
                await side.report([succeeded(next(numbers), name) for _ in inbound])

        working = [asyncio.create_task(work(name, side)) for name, side in zip(names, sides, strict=True)]
        for start in range(0, 500, 50):
            for name in names:
                await house.engine.publish(name, [assignment(str(start + i)) for i in range(50)])
            await asyncio.sleep(0)
        found = await house.collect_all(1500)
        await asyncio.gather(*working)
        for name, side in zip(names, sides, strict=True):
            assert [report.n for report in found if report.worker == name] == list(range(1, 501))
            await acknowledged(side, 500)
