"""The heartbeat, in a thread and on an event loop of its own, so that a busy worker still beats.

Probes are answered here too (health.py). Three periods run here, in seconds of the monotonic clock:
- every `heartbeat_s` a beat says what the worker holds, and brings back what to stop;
- `self_stop_s` after the last accepted beat the worker stops its own attempts, for somebody else may soon have them;
- when the worker's loop has not turned for `watchdog_s` the process ends (watchdog.py).
"""

import asyncio
import contextlib
import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from typing import Any, Final, Protocol

from taskflow_hub.broker.base import WorkerSide
from taskflow_hub.domain.clock import Monotonic
from taskflow_hub.domain.errors import TaskflowError
from taskflow_hub.domain.messages import Heartbeat, HeartbeatAnswer, Held
from taskflow_hub.worker.health import Health, judge, serving
from taskflow_hub.worker.refusal import refusal
from taskflow_hub.worker.settings import WorkerSettings
from taskflow_hub.worker.watchdog import TICK_S, Watchdog

RETRY_S: Final = 1.0  # the pause after a beat that was not accepted

log = logging.getLogger("taskflow.worker")


class Beating(Protocol):
    """What the heartbeat needs of its worker."""

    def listing(self) -> tuple[tuple[Held, ...], tuple[str, ...]]:
        """What it holds, and what is stuck. Called in the heartbeat's thread."""
        ...

    def metrics(self, health: Health) -> bytes:
        """What Prometheus is told. Called in the heartbeat's thread."""
        ...

    def running_type(self, task: asyncio.Task[Any] | None) -> str | None:
        """Whose handler this task runs. Called in the heartbeat's thread."""
        ...

    def on_beat(self, worker: str, answer: HeartbeatAnswer) -> None:
        """A beat of this id was answered. On the worker's loop."""
        ...

    def on_silence(self, worker: str) -> None:
        """No beat of this id was accepted for `self_stop_s`. On the worker's loop, once until one is accepted."""
        ...


class HeartbeatThread:
    def __init__(
        self,
        worker: Beating,
        broker: WorkerSide,
        settings: WorkerSettings,
        *,
        clock: Monotonic,
        exit_process: Callable[[int], object] = os._exit,
        listener: socket.socket | None = None,
    ) -> None:
        self._listener = listener
        self._worker, self._broker, self._settings, self._clock = worker, broker, settings, clock
        self._their_loop = asyncio.get_running_loop()
        self._watchdog = Watchdog(
            settings.watchdog_s, clock=clock, running_type=worker.running_type, exit_process=exit_process
        )
        self._heartbeat_s = settings.heartbeat_s
        self._call_s = min(10.0, settings.heartbeat_s / 2)
        self._id: str | None = None
        self._accepted_at = self._next_at = clock()
        self._silent = False  # the worker has been told that nobody hears it
        self._refused = False  # the last beat was not accepted
        self._stopping = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stirred: asyncio.Event
        self._ended: asyncio.Future[None] = self._their_loop.create_future()
        self._thread = threading.Thread(target=self._main, name="taskflow-heartbeat", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def enlist(self, worker: str | None) -> None:
        """Beat for this id from now on: registering it counts as its first accepted beat. None: be silent."""
        self._id = worker
        self._accepted_at = self._clock()
        self._next_at = self._accepted_at + self._heartbeat_s
        self._silent = False
        self._stir()

    def hasten(self, heartbeat_s: float) -> None:
        """From now on beat at least this often."""
        self._heartbeat_s = min(self._heartbeat_s, heartbeat_s)
        self._next_at = min(self._next_at, self._clock() + self._heartbeat_s)
        self._stir()

    async def stop(self) -> None:
        """Only after start; twice is harmless."""
        self._stopping = True
        self._stir()
        await asyncio.shield(self._ended)
        self._thread.join()
        if self._listener is not None:
            self._listener.close()

    def health(self) -> Health:
        """Any thread."""
        return judge(
            self._id,
            self._clock() - self._accepted_at,
            self._watchdog.stood_s,
            unheard_s=self._settings.self_stop_s,
            stuck_s=self._settings.self_stop_s,
        )

    def _stir(self) -> None:
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # it has ended already
                self._loop.call_soon_threadsafe(self._stirred.set)

    # --- in the thread ---

    def _main(self) -> None:
        """A worker that falls silent while it runs would be buried alive, so whatever goes wrong here, it goes on."""
        while not self._stopping:
            try:
                asyncio.run(self._run())
            except Exception:
                log.exception("the heartbeat has stumbled, and begins anew")
                time.sleep(TICK_S)
        self._tell(_settle, self._ended)

    async def _run(self) -> None:
        self._stirred = asyncio.Event()  # it belongs to one loop
        self._loop = asyncio.get_running_loop()
        async with serving(self._listener, self.health, lambda: self._worker.metrics(self.health())):
            await self._beat_on()

    async def _beat_on(self) -> None:
        beating: asyncio.Task[None] | None = None
        while not self._stopping:
            self._stirred.clear()
            self._watchdog.look()
            self._mind_the_silence()
            worker = self._id
            if worker is not None and self._clock() >= self._next_at and (beating is None or beating.done()):
                beating = asyncio.create_task(self._beat(worker))
            await self._pause(beating)
        if beating is not None:
            beating.cancel()
            await asyncio.wait({beating})

    async def _pause(self, beating: asyncio.Task[None] | None) -> None:
        """Until the next beat is due, at most TICK_S, for the watchdog must look."""
        wait_s = TICK_S
        if self._id is not None and (beating is None or beating.done()):
            wait_s = min(TICK_S, max(0.0, self._next_at - self._clock()))
        if not self._stopping:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._stirred.wait()

    def _mind_the_silence(self) -> None:
        worker = self._id
        if worker is None or self._silent or self._clock() - self._accepted_at < self._settings.self_stop_s:
            return
        self._silent = True
        self._tell(self._worker.on_silence, worker)

    async def _beat(self, worker: str) -> None:
        accepted = await self._beat_once(worker)
        if self._id == worker:
            pause_s = self._heartbeat_s if accepted else min(RETRY_S, self._heartbeat_s)
            self._next_at = self._clock() + pause_s
        self._stirred.set()

    async def _beat_once(self, worker: str) -> bool:
        try:
            held, stuck = self._worker.listing()
            asked_at = self._clock()
            beat = Heartbeat(worker=worker, held=held, stuck=stuck, loop_lag_s=self._watchdog.take_lag())
            answer = await self._broker.call(beat, timeout_s=self._call_s)
        except Exception as error:  # Unavailable, most of all; but no error may end the beating
            return self._unheard(error)
        if not isinstance(answer, HeartbeatAnswer):
            return self._unheard(refusal(answer))
        if self._refused:
            log.info("heartbeats are accepted again")
            self._refused = False
        if self._id == worker:
            self._accepted_at, self._silent = asked_at, False
            self._tell(self._worker.on_beat, worker, answer)
        return True

    def _unheard(self, error: Exception) -> bool:
        if not self._refused:  # said once for each outage
            log.warning(
                "heartbeats are not accepted: %s", error, exc_info=not isinstance(error, TaskflowError)
            )
            self._refused = True
        return False

    def _tell(self, what: Callable[..., object], *args: object) -> None:
        with contextlib.suppress(RuntimeError):  # the worker's loop is closed
            self._their_loop.call_soon_threadsafe(what, *args)


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
