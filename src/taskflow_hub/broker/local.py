"""The broker inside one process: what `taskflow up` uses.

Messages are handed over as they are, never serialised. Both faces may be used on any event loop of the process.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TypeVar
from weakref import WeakValueDictionary

from taskflow_hub.broker.acknowledged import Acknowledged
from taskflow_hub.broker.base import Answer, EngineSide, WorkerSide
from taskflow_hub.broker.bell import Bell
from taskflow_hub.domain.errors import Unavailable
from taskflow_hub.domain.messages import Assignment, Control, Inbound, Reply, Report, Request

log = logging.getLogger("taskflow.broker")

T = TypeVar("T")


class Box(deque[T]):
    """A queue that can be waited for. Putting is allowed from any thread."""

    def __init__(self) -> None:
        super().__init__()
        self._bell = Bell()
        self.closed = False

    def put(self, items: Iterable[T]) -> None:
        self.extend(items)
        self._bell.ring()

    async def take(self, limit: int, wait_s: float) -> list[T]:
        if not self and wait_s > 0 and not self.closed:
            await self._bell.wait(lambda: self or self.closed, wait_s)
        return [self.popleft() for _ in range(min(limit, len(self)))]

    def close(self) -> None:
        self.closed = True
        self._bell.ring()


class Inbox:
    """What one worker is sent, and how far its reports are stored."""

    def __init__(self) -> None:
        self.box: Box[Inbound] = Box()
        self.acknowledged = Acknowledged()
        self._lying: set[int] = set()  # reports on their way to the engine, not collected yet

    def new(self, reports: Sequence[Report]) -> list[Report]:
        """Those that do not lie there already: nothing gets lost here, so a second copy would only be more work."""
        found = [report for report in reports if report.n not in self._lying]
        self._lying.update(report.n for report in found)
        return found

    def collected(self, n: int) -> None:
        self._lying.discard(n)


class LocalBatch:
    def __init__(self, reports: Sequence[Report], inboxes: Mapping[str, Inbox]) -> None:
        self.reports = reports
        self._inboxes = inboxes

    async def ack(self, but: Collection[Report] = ()) -> None:
        unstored = {(report.worker, report.n) for report in but}
        for report in self.reports:
            if (report.worker, report.n) not in unstored and (
                inbox := self._inboxes.get(report.worker)
            ) is not None:
                inbox.acknowledged.stored(report.n, report.n)


class LocalBroker:
    """The engine's face; `worker_side()` gives a worker's. Nothing that is handed over as it is can be unreadable."""

    def __init__(self) -> None:
        self._inboxes: dict[str, Inbox] = {}
        self._reporting: WeakValueDictionary[str, Inbox] = (
            WeakValueDictionary()
        )  # the closed ones too, while in use
        self._reports: Box[Report] = Box()
        self._answer: Answer | None = None

    def engine_side(self, on_dead: Callable[[], None]) -> EngineSide:
        return self

    def worker_side(self) -> WorkerSide:
        """A face for one worker. Each worker of the process needs its own."""
        return LocalWorkerSide(self)

    def buckets(self) -> None:
        """None: nothing of this broker reaches another process."""

    async def reachable(self) -> Sequence[str] | None:
        return tuple(self._inboxes)

    async def publish(
        self, worker: str, assignments: Sequence[Assignment], *, leased_at: float | None = None
    ) -> None:
        inbox = self._inboxes.get(worker)
        if inbox is None:
            raise Unavailable(f"worker {worker} has no inbox in this process")
        inbox.box.put(assignments)

    async def collect(self, limit: int, wait_s: float) -> LocalBatch:
        reports = await self._reports.take(limit, wait_s)
        for report in reports:
            if (inbox := self._reporting.get(report.worker)) is not None:
                inbox.collected(report.n)
        return LocalBatch(reports, self._reporting)

    async def serve(self, answer: Answer) -> None:
        self._answer = answer

    async def tell(self, worker: str, message: Control) -> None:
        if (inbox := self._inboxes.get(worker)) is not None:
            inbox.box.put((message,))

    # --- for the worker's side ---

    def open(self, worker: str) -> Inbox:
        inbox = self._inboxes[worker] = self._reporting[worker] = Inbox()
        return inbox

    def close(self, worker: str) -> None:
        if (inbox := self._inboxes.pop(worker, None)) is not None:
            inbox.box.close()

    def put_reports(self, reports: Sequence[Report]) -> None:
        self._reports.put(reports)

    async def call(self, request: Request, timeout_s: float) -> Reply:
        if self._answer is None:
            raise Unavailable("no engine serves this process")
        try:
            async with asyncio.timeout(timeout_s):
                return await self._answer(request)
        except Exception as error:
            if not isinstance(error, (TimeoutError, Unavailable)):
                log.exception("a call could not be answered: %s", type(request).__name__)
            raise Unavailable(f"the engine did not answer {type(request).__name__}: {error}") from error


class LocalWorkerSide:
    def __init__(self, broker: LocalBroker) -> None:
        self._broker = broker
        self._worker: str | None = None
        self._inbox = Inbox()
        self._inbox.box.close()

    async def open(self, worker: str) -> None:
        await self.close()
        self._worker, self._inbox = worker, self._broker.open(worker)

    async def take(self, limit: int, wait_s: float) -> Sequence[Inbound]:
        return await self._inbox.box.take(limit, wait_s)

    async def report(self, reports: Sequence[Report]) -> None:
        self._broker.put_reports(self._inbox.new(reports))

    @property
    def acknowledged(self) -> int:
        return self._inbox.acknowledged.number

    async def until_acknowledged(self, n: int) -> None:
        await self._inbox.acknowledged.until(n)

    async def call(self, request: Request, timeout_s: float = 10.0) -> Reply:
        return await self._broker.call(request, timeout_s)

    async def close(self) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            self._broker.close(worker)
