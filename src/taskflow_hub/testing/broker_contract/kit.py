"""What the parts of the suite share."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from typing import Any, Protocol

import msgspec
import pytest
from msgspec import Raw

from taskflow_hub.broker.base import EngineSide, WorkerSide
from taskflow_hub.domain.messages import (
    Assignment,
    Reply,
    Report,
    Request,
    Succeeded,
)

LONG_S = 20.0  # nothing here should ever wait so long
SHORT_S = 0.05  # for waits that must run out


class Transport(Protocol):
    def engine(self) -> EngineSide: ...

    def worker(self) -> WorkerSide: ...


OpenBroker = Callable[[], AbstractAsyncContextManager[Transport]]


class House:
    """One broker in use: the engine's face, and open workers' faces by id."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.engine = transport.engine()
        self.workers: dict[str, WorkerSide] = {}

    async def worker(self, name: str = "w1") -> WorkerSide:
        side = self.workers[name] = self.transport.worker()
        await side.open(name)
        return side

    async def collect_all(self, wanted: int) -> list[Report]:
        """Collect and acknowledge until so many reports have come."""
        found: list[Report] = []
        async with asyncio.timeout(LONG_S):
            while len(found) < wanted:
                batch = await self.engine.collect(wanted - len(found), 1.0)
                await batch.ack()
                found += batch.reports
        return found


def assignment(name: str, **fields: Any) -> Assignment:
    created_at = datetime(2026, 1, 1, tzinfo=UTC)
    given: dict[str, Any] = {
        "attempt": 1,
        "type": "demo.noop",
        "queue": "default",
        "priority": 5,
        "payload": Raw(b'{"text": "\xc2\xbb"}'),
        "timeout": 30.0,
        "retry_count": 0,
        "max_retries": None,
        "created_at": created_at,
    }
    return Assignment(id=name, **(given | fields))


def succeeded(n: int, worker: str = "w1") -> Succeeded:
    return Succeeded(worker=worker, n=n, id=f"task-{n}", attempt=1, ran_s=0.5, result=Raw(b'{"n": 1}'))


def same(left: Sequence[object], right: Sequence[object]) -> bool:
    """Equal on the wire."""
    return [msgspec.json.encode(one) for one in left] == [msgspec.json.encode(one) for one in right]


async def acknowledged(side: WorkerSide, n: int) -> None:
    """Wait until the worker's face says so."""
    async with asyncio.timeout(LONG_S):
        await side.until_acknowledged(n)
    assert side.acknowledged == n


def answering(reply: Reply) -> Callable[[Request], Any]:
    async def answer(_: Request) -> Reply:
        return reply

    return answer


async def take_all(side: WorkerSide) -> list[object]:
    return list(await side.take(10, LONG_S))


async def collect_some(side: EngineSide) -> list[Report]:
    return list((await side.collect(10, LONG_S)).reports)


async def cancelled_after(waiting: "asyncio.Task[list[Any]]", after_s: float) -> list[Any]:
    """What it has brought; nothing where the cancel came first."""
    await asyncio.wait({waiting}, timeout=after_s)
    waiting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        return await waiting
    return []


async def call_once(side: WorkerSide, request: Request) -> Reply:
    return await side.call(request)


class OpenHouse:
    """What every part of the suite stands on."""

    @pytest.fixture
    def open_broker(self) -> OpenBroker:
        raise NotImplementedError

    @pytest.fixture
    async def house(self, open_broker: OpenBroker) -> AsyncIterator[House]:
        async with open_broker() as transport:
            house = House(transport)
            yield house
            for side in house.workers.values():
                await side.close()
