"""The queue and its workers.

Everything here runs on one event loop, and a method without `await` is one step that nothing else comes between. That is why
`enqueue` needs no lock: once `close` has returned, no task gets in, and none that got in is missed by `drain`.
"""

import asyncio
import json
import logging
import time
from collections import deque
from dataclasses import dataclass
from typing import Final, Literal

from memory_queue.backoff import pause_s
from memory_queue.processing import ProcessingFailed, Processor, Sleep

REMEMBERED: Final = 10_000  # finished tasks whose state can still be asked for

_log: Final = logging.getLogger(__name__)


class Closed(Exception):
    """No task is taken any more."""


class Full(Exception):
    """As many tasks wait as may."""


@dataclass(slots=True, eq=False)
class Task:
    """One accepted task. Only the worker that has it changes it, so an id that comes twice is two tasks that share nothing."""

    id: str
    payload: bytes
    max_retries: int
    status: Literal["queued", "running", "done", "failed"] = "queued"
    attempts: int = 0


class JobQueue:
    """At most `size` tasks wait and `workers` run. Each that was accepted ends as `done` or `failed`.

    The buffer, the workers and what is remembered of the finished are bounded, so memory is, however many tasks come.
    """

    def __init__(
        self, processor: Processor, *, workers: int, size: int, sleep: Sleep = asyncio.sleep
    ) -> None:
        self._processor, self._workers, self._sleep = processor, workers, sleep
        self._waiting = asyncio.Queue[Task](size)
        self._pool = list[asyncio.Task[None]]()  # the loop itself holds tasks weakly: they must be kept
        self._newest = dict[str, Task]()  # by id; of several accepted with one id, the last
        self._finished = deque[Task]()  # in the order they ended
        self._counts = {"accepted": 0, "rejected": 0, "done": 0, "failed": 0}
        self.closed = False

    def start(self) -> None:
        """A second call does nothing."""
        if not self._pool:
            self._pool = [asyncio.create_task(self._work()) for _ in range(self._workers)]

    def enqueue(self, id: str, payload: bytes, max_retries: int) -> None:
        """Accept a task, or raise Closed or Full and change nothing but the count of the rejected."""
        if self.closed or self._waiting.full():
            self._counts["rejected"] += 1
            _log.warning("enqueue rejected: %s id=%s", "closed" if self.closed else "full", _shown(id))
            # Not kept in a variable here: it would keep this frame, and so the payloads of the refused, until the next gc.
            raise Closed if self.closed else Full
        # No await since the look: nobody closed or filled the queue in between. And a task that was refused did not come this
        # far, where it would hide one of the same id that lives.
        task = self._newest[id] = Task(id, payload, max_retries)
        self._waiting.put_nowait(task)
        self._counts["accepted"] += 1
        _log.info("enqueued id=%s max_retries=%d", _shown(id), max_retries)

    def close(self) -> None:
        """Accept nothing from now on. A second call does nothing."""
        self.closed = True

    async def drain(self) -> None:
        """Close, and return when every accepted task has ended. A second call waits for the same."""
        self.close()
        self.start()
        await self._waiting.join()
        for worker in self._pool:  # each of them waits for a task that cannot come
            worker.cancel()
        await asyncio.gather(*self._pool, return_exceptions=True)

    def find(self, id: str) -> Task | None:
        """The last accepted task of this id, if it lives or ended not long ago."""
        return self._newest.get(id)

    def stats(self) -> dict[str, int]:
        """accepted = queued + running + done + failed, at any moment."""
        queued = self._waiting.qsize()
        ended = self._counts["done"] + self._counts["failed"]
        return {"queued": queued, "running": self._counts["accepted"] - queued - ended, **self._counts}

    async def _work(self) -> None:
        """Take and run one task after the other, until cancelled. No task ends its worker, whatever a processor raises."""
        while True:
            task = await self._waiting.get()
            try:
                await self._run(task)
            finally:
                self._waiting.task_done()

    async def _run(self, task: Task) -> None:
        """All attempts of a task. Between them it stays `running` and holds its worker."""
        began = time.monotonic()
        task.status = "running"
        _log.info("start id=%s", _shown(task.id))
        succeeded = await self._attempt(task)
        while not succeeded and task.attempts <= task.max_retries:
            await self._sleep(pause_s(task.attempts))
            succeeded = await self._attempt(task)
        task.status = "done" if succeeded else "failed"
        self._counts[task.status] += 1
        self._remember(task)
        took_ms = (time.monotonic() - began) * 1000
        _log.info("%s id=%s attempts=%d dur=%.0fms", task.status, _shown(task.id), task.attempts, took_ms)

    async def _attempt(self, task: Task) -> bool:
        task.attempts += 1
        try:
            await self._processor.process(task.id, task.payload)
        except ProcessingFailed:
            return False
        except (Exception, asyncio.CancelledError):
            here = asyncio.current_task()
            if here and here.cancelling():  # the worker is to stop; else the processor cancelled itself
                raise
            _log.exception("attempt %d raised id=%s", task.attempts, _shown(task.id))
            return False
        return True

    def _remember(self, task: Task) -> None:
        task.payload = b""
        self._finished.append(task)
        if len(self._finished) > REMEMBERED:
            oldest = self._finished.popleft()
            if self._newest.get(oldest.id) is oldest:
                del self._newest[oldest.id]


def _shown(id: str) -> str:
    """An id as one word of a line of the log, whatever is in it: it cannot end the line and begin another."""
    return id if id.isprintable() and not set(id) & set(' "=') else json.dumps(id)
