"""Reports on their way to the engine: numbered, sent in batches, sent again until acknowledged.

No timer gathers a batch: whatever came while the last one was being sent goes with the next.
"""

import asyncio
import contextlib
import logging
import math
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from taskflow_hub.broker.base import WorkerSide
from taskflow_hub.domain.clock import Monotonic
from taskflow_hub.domain.errors import Unavailable
from taskflow_hub.domain.messages import Report

BATCH: Final = 1_000
RETRY_S: Final = (0.1, 5.0)  # first and longest pause after a broker's failure

log = logging.getLogger("taskflow.worker")


class _Sent:
    """A batch, and when it was sent last."""

    __slots__ = ("at", "batch")

    def __init__(self, batch: list[Report], at: float) -> None:
        self.batch, self.at = batch, at


class Outbox:
    """One worker id's reports. `on_acknowledged(n)` is called when all up to n are known to be stored."""

    def __init__(
        self,
        broker: WorkerSide,
        worker: str,
        *,
        resend_s: float,
        clock: Monotonic,
        on_acknowledged: Callable[[int], None],
    ) -> None:
        self.worker = worker
        self.n = 0  # the number of the last report
        self._broker, self._resend_s, self._clock = broker, resend_s, clock
        self._on_acknowledged = on_acknowledged
        self._acknowledged = 0
        self._new: list[Report] = []
        self._sent: deque[_Sent] = deque()  # not acknowledged, in the order of their numbers
        self._again_at = math.inf  # when the first of them is due again, or a little sooner
        self._sleeper: asyncio.Future[None] | None = None

    def stamp(self, key: tuple[str, int]) -> dict[str, Any]:
        """The next number, and what else every report carries. Each stamp must be used, for numbers have no gaps."""
        self.n += 1
        return {"worker": self.worker, "n": self.n, "id": key[0], "attempt": key[1]}

    def add(self, report: Report) -> None:
        self._new.append(report)
        if self._sleeper is not None:
            self._wake()

    @property
    def acknowledged(self) -> int:
        """All reports up to this number are stored. Any thread."""
        return self._broker.acknowledged

    @property
    def settled(self) -> bool:
        """Everything is stored. Reads the broker's acknowledgement."""
        self._read_acknowledged()
        return self._acknowledged >= self.n

    async def until_settled(self) -> None:
        """Wait until everything is stored; `run` must go on meanwhile."""
        await self._broker.until_acknowledged(self.n)
        self._read_acknowledged()

    async def run(self) -> None:
        """Send, for ever."""
        pause_s = RETRY_S[0]
        while True:
            try:
                await self._send()
                pause_s = RETRY_S[0]
            except Exception as error:  # Unavailable, most of all; but no error may end the sending
                log.warning(
                    "%d reports wait for the broker: %s",
                    len(self._new),
                    error,
                    exc_info=not isinstance(error, Unavailable),
                )
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, RETRY_S[1])
            else:
                await self._sleep()
                # What has ended lets others start; those that end at once, one turn later, go along.
                await asyncio.sleep(0)

    async def _send(self) -> None:
        self._read_acknowledged()
        await self._send_again()
        while self._new:
            batch = self._new[:BATCH]
            await self._broker.report(batch)
            del self._new[: len(batch)]
            sent = _Sent(batch, self._clock())
            self._sent.append(sent)
            self._again_at = min(self._again_at, sent.at + self._resend_s)
            self._read_acknowledged()

    async def _send_again(self) -> None:
        if self._clock() < self._again_at:
            return
        overdue = self._clock() - self._resend_s
        for sent in tuple(self._sent):  # a copy, for `settled` may drop some meanwhile
            if sent.at <= overdue and (batch := [r for r in sent.batch if r.n > self._acknowledged]):
                await self._broker.report(batch)
                sent.at = self._clock()
        self._again_at = min((sent.at for sent in self._sent), default=math.inf) + self._resend_s

    def _read_acknowledged(self) -> None:
        acknowledged = self._broker.acknowledged
        while self._sent and self._sent[0].batch[-1].n <= acknowledged:
            self._sent.popleft()
        if acknowledged != self._acknowledged:
            self._acknowledged = acknowledged
            self._on_acknowledged(acknowledged)

    async def _sleep(self) -> None:
        """Until something is added, or the oldest batch sent is due again."""
        if self._new:
            return
        loop = asyncio.get_running_loop()
        self._sleeper = loop.create_future()
        timer = None
        if self._sent:
            timer = loop.call_later(max(0.0, self._again_at - self._clock()), self._wake)
        try:
            with contextlib.suppress(asyncio.InvalidStateError):
                await self._sleeper
        finally:
            self._sleeper = None
            if timer is not None:
                timer.cancel()

    def _wake(self) -> None:
        if self._sleeper is not None and not self._sleeper.done():
            self._sleeper.set_result(None)
