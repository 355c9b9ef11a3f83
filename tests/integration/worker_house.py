"""A worker on a real broker, and an engine that says just what a test wants it to say.

Over Redis the worker is in the test's process, with handlers that the test looks into, and the server's end of the broker is in
another.
"""

import asyncio
import logging
import threading
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import Raw
from tests.support.grounds import Ends

from taskflow_hub.broker.local import LocalBroker
from taskflow_hub.domain.errors import Unavailable
from taskflow_hub.domain.messages import (
    Assignment,
    Ending,
    Heartbeat,
    HeartbeatAnswer,
    Held,
    Logged,
    Progressed,
    Register,
    Registered,
    Reply,
    Report,
    Request,
    Retire,
    Retired,
    Stop,
    Submit,
    Submitted,
)
from taskflow_hub.secrets.keyring import NO_KEYS, Keyring
from taskflow_hub.testing.faults import Faults
from taskflow_hub.worker.registry import Registry
from taskflow_hub.worker.settings import WorkerSettings
from taskflow_hub.worker.worker import Worker

LONG_S = 20.0


async def soon(true: Callable[[], object]) -> None:
    """Wait for what nobody tells us of."""
    async with asyncio.timeout(LONG_S):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.002)


async def logged(caplog: pytest.LogCaptureFixture, words: str, times: int = 1) -> None:
    """Wait until the log has these words."""
    told, loop = asyncio.Event(), asyncio.get_running_loop()

    class Tells(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            loop.call_soon_threadsafe(told.set)  # heartbeats have a thread of their own

    handler = Tells()
    logging.getLogger().addHandler(handler)  # after caplog's own, so what it tells of is in caplog
    try:
        async with asyncio.timeout(LONG_S):
            while caplog.text.count(words) < times:
                await told.wait()
                told.clear()
    finally:
        logging.getLogger().removeHandler(handler)


def no_steps(request: Request) -> Reply:
    raise AssertionError(f"nobody has said what is answered to {request}")


class House:
    """`async with House(…) as house` starts engine and worker; reports are collected, and acknowledged while `acks`.

    `ends` None: a broker within the process.
    """

    def __init__(
        self,
        registry: Registry,
        folder: Path,
        ends: Ends | None = None,
        *,
        keyring: Keyring = NO_KEYS,
        **settings: Any,
    ) -> None:
        if ends is None:
            broker = LocalBroker()
            ends = Ends(broker, broker)
        self.broker, self.faults = ends.server.engine_side(lambda: None), Faults()
        self.side = self.faults.over(ends.workers.worker_side())
        given: dict[str, Any] = {
            "slots": 4,
            "heartbeat_s": 0.05,
            "self_stop_s": 60.0,
            "lock_dir": folder / "locks",
            "grace": 0.0,
        }
        self.settings = WorkerSettings(**(given | settings))
        ids = count(1)
        self.exits: list[int] = []
        self.worker = Worker(
            self.side,
            registry,
            self.settings,
            new_id=lambda: f"worker-{next(ids)}",
            exit_process=self.exits.append,
            keyring=keyring,
        )
        self.acks, self.known = True, True
        self.away = self.hanging = self.draining = False
        self.stop_list: list[Stop] = []
        self.requests: list[Request] = []
        self.durable: Callable[[Request], Reply] = no_steps  # what it says of steps, sleeps and events
        self.beats = threading.Semaphore(0)  # one more with each heartbeat, for whoever blocks the loop
        self.reports: list[Report] = []
        self.endings: dict[str, Ending] = {}
        self._changed = asyncio.Event()
        self._ids = count(1)

    async def __aenter__(self) -> "House":
        await self.serve()
        await self.worker.start()
        await self.worker.registered()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.acks = self.known = True
        self.away = False
        await self.worker.stop(0.0)
        self._collecting.cancel()
        await asyncio.wait({self._collecting})

    async def serve(self) -> None:
        await self.broker.serve(self._answer)
        self._collecting = asyncio.create_task(self._collect())

    # --- what the engine does ---

    async def give(
        self, type: str, payload: Any = None, *, timeout: float | None = 30.0, **fields: Any
    ) -> str:
        """Publish one assignment to the worker; its task id."""
        (task_id,) = await self.give_many(1, type, payload, timeout=timeout, **fields)
        return task_id

    async def give_many(
        self, how_many: int, type: str, payload: Any = None, *, timeout: float | None = 30.0, **fields: Any
    ) -> list[str]:
        usual: dict[str, Any] = {
            "attempt": 1,
            "queue": "default",
            "priority": 5,
            "payload": Raw(msgspec.json.encode(payload or {})),
            "timeout": timeout,
            "retry_count": 0,
            "max_retries": 3,
            "created_at": datetime(2026, 1, 1, tzinfo=UTC),
        }
        given = [
            Assignment(type=type, **({"id": f"task-{next(self._ids)}"} | usual | fields))
            for _ in range(how_many)
        ]
        assert self.worker.id is not None
        await self.broker.publish(self.worker.id, given)
        return [one.id for one in given]

    async def run(self, type: str, payload: Any = None, **fields: Any) -> Any:
        """Give one assignment and wait for its ending report."""
        return await self.ending(await self.give(type, payload, **fields))

    async def ending(self, task_id: str) -> Any:
        await self.until(lambda: task_id in self.endings)
        return self.endings[task_id]

    async def until(self, true: Callable[[], object]) -> None:
        """Wait until something is so; looked at whenever the worker has said something."""
        async with asyncio.timeout(LONG_S):
            while not true():
                self._changed.clear()
                await self._changed.wait()

    # --- what the worker has said ---

    def said(self, task_id: str, kind: type[Any]) -> list[Any]:
        return [report for report in self.reports if report.id == task_id and isinstance(report, kind)]

    def asked(self, kind: type[Any]) -> list[Any]:
        return [request for request in self.requests if isinstance(request, kind)]

    async def taken(self, how_many: int) -> None:
        """Until it holds so many: what was published to it a moment ago may still be on its way."""
        await soon(lambda: len(self.worker.listing()[0]) == how_many)

    async def held(self) -> tuple[Held, ...]:
        """What the next heartbeat lists."""
        return (await self.beat()).held

    async def beat(self) -> Heartbeat:
        """The next heartbeat that begins from now on."""
        seen = len(self.asked(Heartbeat)) + 1  # one may be on its way, with what was before
        await self.until(lambda: len(self.asked(Heartbeat)) > seen)
        beat: Heartbeat = self.asked(Heartbeat)[-1]
        return beat

    def by_number(self) -> dict[str, list[int]]:
        numbers: dict[str, list[int]] = defaultdict(list)
        for report in self.reports:
            numbers[report.worker].append(report.n)
        return numbers

    async def _answer(self, request: Request) -> Reply:
        if self.away:
            raise Unavailable("the database is away")
        self.requests.append(request)
        if isinstance(request, Heartbeat):
            self.beats.release()
        self._loop.call_soon_threadsafe(self._changed.set)  # beats come on a loop of their own
        match request:
            case Register():
                return Registered()
            case Heartbeat():
                if self.hanging:
                    await asyncio.sleep(3600)
                return HeartbeatAnswer(known=self.known, draining=self.draining, stop=tuple(self.stop_list))
            case Retire():
                return Retired()
            case Submit():
                return Submitted(f"{request.id}-child-{request.call}")
            case _:
                return self.durable(request)

    async def _collect(self) -> None:
        while True:
            batch = await self.broker.collect(1000, LONG_S)
            self.reports += batch.reports
            for report in batch.reports:
                if not isinstance(report, Progressed | Logged):
                    self.endings[report.id] = report
            if self.acks:
                await batch.ack()
            self._changed.set()

    @property
    def _loop(self) -> asyncio.AbstractEventLoop:
        return self._collecting.get_loop()
