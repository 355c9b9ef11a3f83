"""Calls: answered, or Unavailable."""

import asyncio
import threading

import pytest
from msgspec import Raw

from taskflow_hub.domain.errors import Unavailable
from taskflow_hub.domain.messages import (
    CallFailed,
    Heartbeat,
    HeartbeatAnswer,
    Held,
    Register,
    Registered,
    Reply,
    Request,
    Retire,
    Retired,
    Stop,
    Submit,
    Submitted,
    Why,
)
from taskflow_hub.domain.model import TaskType
from taskflow_hub.domain.submission import Submission
from taskflow_hub.testing.broker_contract.kit import (
    LONG_S,
    SHORT_S,
    House,
    OpenHouse,
    answering,
    call_once,
    same,
)


class CallsContract(OpenHouse):
    @pytest.mark.parametrize(
        ("request_", "reply"),
        [
            (
                Register(
                    worker="w1",
                    previous="w0",
                    name="n",
                    host="h",
                    pid=1,
                    version="1",
                    slots=2,
                    window=1,
                    queues=("a",),
                    types=(TaskType(type="t", payload_schema={"type": "object"}),),
                ),
                Registered(),
            ),
            (
                Heartbeat(worker="w1", held=(Held("a", 1, True),), stuck=("b",), loop_lag_s=0.25),
                HeartbeatAnswer(known=True, draining=True, stop=(Stop("a", 1, Why.STALE),)),
            ),
            (
                Submit(
                    worker="w1", id="a", attempt=1, call=2, task=Submission(type="t", payload=Raw(b'{"a":1}'))
                ),
                Submitted("b"),
            ),
            (
                Submit(worker="w1", id="a", attempt=1, call=2, task=Submission(type="t")),
                CallFailed("gone", "why"),
            ),
            (Retire(worker="w1"), Retired()),
        ],
        ids=["register", "heartbeat", "submit", "refused", "retire"],
    )
    async def test_a_call_is_answered(self, house: House, request_: Request, reply: Reply) -> None:
        seen: list[Request] = []

        async def answer(request: Request) -> Reply:
            seen.append(request)
            return reply

        await house.engine.serve(answer)
        worker = await house.worker()
        assert same([await worker.call(request_)], [reply])
        assert same(seen, [request_])
        assert type(seen[0]) is type(request_)

    async def test_calls_at_once_get_each_its_own_answer(self, house: House) -> None:
        async def answer(request: Request) -> Reply:
            assert isinstance(request, Submit)
            await asyncio.sleep(0.001 * (20 - request.call))
            return Submitted(str(request.call))

        await house.engine.serve(answer)
        sides = [await house.worker("w1"), await house.worker("w2")]
        asked = [Submit(worker="w1", id="a", attempt=1, call=n, task=Submission(type="t")) for n in range(20)]
        replies = await asyncio.gather(*(sides[one.call % 2].call(one) for one in asked))
        assert replies == [Submitted(str(n)) for n in range(20)]

    async def test_a_call_that_nobody_serves_is_unavailable(self, house: House) -> None:
        worker = await house.worker()
        with pytest.raises(Unavailable):
            await worker.call(Retire(worker="w1"), timeout_s=SHORT_S)

    async def test_a_call_that_takes_too_long_is_unavailable(self, house: House) -> None:
        never = asyncio.Event()

        async def answer(_: Request) -> Reply:
            await never.wait()
            raise AssertionError

        await house.engine.serve(answer)
        worker = await house.worker()
        async with asyncio.timeout(LONG_S):
            with pytest.raises(Unavailable):
                await worker.call(Retire(worker="w1"), timeout_s=SHORT_S)
        never.set()

    @pytest.mark.parametrize(
        "error", [Unavailable("the database is away"), ValueError("a bug"), TimeoutError("inside")]
    )
    async def test_an_answer_that_raises_is_unavailable_for_the_caller(
        self, house: House, error: Exception
    ) -> None:
        async def answer(_: Request) -> Reply:
            raise error

        await house.engine.serve(answer)
        worker = await house.worker()
        with pytest.raises(Unavailable):
            await worker.call(Retire(worker="w1"), timeout_s=SHORT_S)
        await house.engine.serve(answering(Retired()))
        assert await worker.call(Retire(worker="w1")) == Retired()

    async def test_a_call_can_be_made_before_opening_and_after_closing(self, house: House) -> None:
        await house.engine.serve(answering(Retired()))
        worker = house.transport.worker()
        assert await worker.call(Retire(worker="w1")) == Retired()
        await worker.open("w1")
        await worker.close()
        assert await worker.call(Retire(worker="w1")) == Retired()

    async def test_a_call_can_be_made_on_the_loop_of_another_thread(self, house: House) -> None:
        """The heartbeat's way: its thread asks while the worker's own loop is busy."""
        await house.engine.serve(answering(HeartbeatAnswer(known=True)))
        worker = await house.worker()
        replies: list[Reply] = []

        def beat() -> None:
            replies.append(asyncio.run(call_once(worker, Heartbeat(worker="w1"))))

        thread = threading.Thread(target=beat)
        thread.start()
        await asyncio.to_thread(thread.join, LONG_S)
        assert replies == [HeartbeatAnswer(known=True)]
