"""The worker: takes assignments, starts their handlers, sends their reports, and leaves in good order."""

import asyncio
import contextlib
import importlib.metadata
import logging
import math
import os
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from taskflow_hub.broker.base import WorkerSide
from taskflow_hub.domain.clock import Monotonic, NewId, new_id
from taskflow_hub.domain.errors import Misconfigured, Unavailable
from taskflow_hub.domain.messages import (
    Assignment,
    Drain,
    HeartbeatAnswer,
    Held,
    Inbound,
    Recall,
    Register,
    Registered,
    Retire,
    Stop,
    Why,
)
from taskflow_hub.domain.model import TaskType
from taskflow_hub.domain.schedule_spec import ScheduleSpec
from taskflow_hub.lockfile import LockFile, lock_dir
from taskflow_hub.net.client import GuardedClient
from taskflow_hub.secrets.keyring import NO_KEYS, Keyring
from taskflow_hub.worker.attempts import PATIENCE_S, Attempts
from taskflow_hub.worker.executors.base import Ended, Executor
from taskflow_hub.worker.executors.in_child import InChild
from taskflow_hub.worker.executors.in_thread import InThread
from taskflow_hub.worker.executors.on_loop import OnLoop
from taskflow_hub.worker.handler import Kind
from taskflow_hub.worker.health import Health, bind
from taskflow_hub.worker.heartbeat import HeartbeatThread
from taskflow_hub.worker.held import Stopping
from taskflow_hub.worker.metrics import exposition
from taskflow_hub.worker.outbox import Outbox
from taskflow_hub.worker.refusal import refusal
from taskflow_hub.worker.registry import Registry
from taskflow_hub.worker.settings import WorkerSettings

TAKE_LIMIT: Final = 20_000  # everything: the engine never sends more than slots and window
TAKE_WAIT_S: Final = 60.0  # only a bound: an assignment wakes the take
RETRY_S: Final = (0.1, 5.0)  # first and longest pause while engine or broker do not answer
FAREWELL_S: Final = 3.0  # from the end of the grace: for obeying, for the last reports, and for retiring
RETIRE_S: Final = 1.0  # of that, kept for retiring
LEAVING_BEAT_S: Final = 1.0

WHY: Final = {Why.CANCELLED: Stopping.CANCELLED, Why.STALE: Stopping.STALE}

log = logging.getLogger("taskflow.worker")


class Worker:
    """One registered process with slots, on the event loop that `start` is awaited on.

    It registers under a new id, and again under another one whenever the engine holds it for dead. Broker and engine may
    be away at any time: it waits for them, and its attempts run on for up to `self_stop_s`.
    """

    def __init__(
        self,
        broker: WorkerSide,
        registry: Registry,
        settings: WorkerSettings | None = None,
        *,
        keyring: Keyring = NO_KEYS,
        http: GuardedClient | None = None,
        clock: Monotonic = time.monotonic,
        new_id: NewId = new_id,
        exit_process: Callable[[int], object] = os._exit,
    ) -> None:
        self._broker, self._registry, self._settings = broker, registry, settings or WorkerSettings()
        self._clock, self._new_id, self._exit_process = clock, new_id, exit_process
        self._keyring, self._http = keyring, http or GuardedClient()
        self.id: str | None = None  # the latest it registered under
        self.draining = False  # the engine gives it nothing new
        self._types: tuple[TaskType, ...] = ()
        self._schedules: tuple[ScheduleSpec, ...] = ()
        self._main: asyncio.Task[None] | None = None
        self._taking: asyncio.Task[None] | None = None
        self._leaving: asyncio.Task[None] | None = None
        self._grace_until = math.inf
        self._registered, self._refused = asyncio.Event(), asyncio.Event()
        self._lock: LockFile | None = None
        self._attempts: Attempts
        self._heartbeat: HeartbeatThread

    # --- life ---

    async def start(self) -> None:
        """Begin to register, and return at once. Twice is harmless.

        Raises Misconfigured for a handler that cannot be described, and for a health port that is taken.
        """
        if self._main is not None:
            return
        self._types = self._registry.types()
        self._schedules = self._registry.schedules()
        secret = [one.type for one in self._types if one.secret]
        if secret and not self._keyring:
            log.warning(
                "%s: fields are secret, and secrets.keys is not set: no such task can be submitted or run",
                ", ".join(secret),
            )
        settings = self._settings
        listener = None if settings.health_port is None else bind(settings.health_host, settings.health_port)
        self._registered.clear()
        self._refused.clear()
        self.draining, self._grace_until = False, math.inf
        self._attempts = Attempts(
            self._registry,
            self._executors,
            slots=self._settings.slots,
            call=self._broker.call,
            clock=self._clock,
            keyring=self._keyring,
            http=self._http,
        )
        self._heartbeat = HeartbeatThread(
            self,
            self._broker,
            self._settings,
            clock=self._clock,
            exit_process=self._exit_process,
            listener=listener,
        )
        if listener is not None:
            log.info("probes are answered on http://%s:%d", *listener.getsockname()[:2])
        self._heartbeat.start()
        self._main = asyncio.create_task(self._run(), name="taskflow.worker")

    async def registered(self) -> str:
        """Wait until the engine knows this worker; its id."""
        await self._registered.wait()
        assert self.id is not None
        return self.id

    async def stop(self, grace: float | None = None) -> None:
        """Leave in good order; attempts that run get `grace` seconds (None: the setting's) to finish.

        Returns when everything is closed. A second call waits for the same end, and cuts the grace short when its own is over
        sooner: 0 forces. Before `start`, and once stopped, it does nothing; afterwards the worker can be started again.
        """
        if self._main is None:
            return
        until = self._clock() + (self._settings.grace if grace is None else grace)
        self._grace_until = min(self._grace_until, until)
        if self._leaving is None:
            self._leaving = asyncio.create_task(self._leave(), name="taskflow.worker.leave")
        self._attempts.nudge()
        await asyncio.shield(self._leaving)

    async def _leave(self) -> None:
        """The order matters: each step leaves the next one fewer cases to think of.

        1. Stop taking: close the inbox, so that the engine sends nothing more, and hand back what has not started. Beats go
           on, and quicker, for they alone now bring word of cancels.
        2. Let what runs finish, for the grace.
        3. Ask the rest to stop.
        4. Hand back what did not finish, whether it obeyed or not.
        5. Wait until the engine has stored the reports.
        6. Retire, so that nobody waits for beats of this id.
        7. Close the rest: heartbeat, threads, children, lock file.

        Steps 3 to 6 take FAREWELL_S at most, so that a service manager's patience can be reckoned from the grace.
        """
        attempts, known = self._attempts, self._registered.is_set()
        attempts.starting = False
        await _end(self._taking if known else self._main)  # 1
        with contextlib.suppress(Unavailable):
            await self._broker.close()
            self._receive(await self._broker.take(TAKE_LIMIT, 0.0))
        attempts.release_waiting()
        self._heartbeat.hasten(LEAVING_BEAT_S)
        await self._until_finished(lambda: self._grace_until)  # 2
        attempts.stop_running(Stopping.RELEASED)  # 3
        asked_at = self._clock()
        await self._until_finished(lambda: asked_at + PATIENCE_S)
        attempts.give_up()  # 4
        if known:
            await self._flush(asked_at + FAREWELL_S - RETIRE_S)  # 5
        self._heartbeat.enlist(None)
        await _end(self._main)
        await self._retire(asked_at + FAREWELL_S)  # 6
        await self._heartbeat.stop()  # 7
        await attempts.close()
        if self._lock is not None:
            self._lock.release()
        self._lock = self._main = self._leaving = None

    async def _until_finished(self, until: Callable[[], float]) -> None:
        """Until no attempt runs unreported, or it is `until`, which a second `stop` may bring forward."""
        while self._attempts.unfinished and (left_s := until() - self._clock()) > 0:
            await self._attempts.changed(left_s)

    async def _flush(self, until: float) -> None:
        """Until the reports are stored, or nobody wants them any more, or it is `until`."""
        stored = asyncio.create_task(self._attempts.outbox.until_settled())
        refused = asyncio.create_task(self._refused.wait())
        left_s = until - self._clock()
        await asyncio.wait({stored, refused}, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
        if not refused.done() and (not stored.done() or stored.exception() is not None):
            log.warning("left without knowing whether the last reports are stored")
        for waiting in (stored, refused):
            await _end(waiting)

    async def _retire(self, until: float) -> None:
        if self.id is None or self._refused.is_set():
            return
        try:
            await self._broker.call(Retire(worker=self.id), timeout_s=until - self._clock())
        except Exception as error:  # Unavailable, most of all; it leaves all the same
            log.info("left without saying so: %s", error)

    # --- registration ---

    async def _run(self) -> None:
        previous: str | None = None
        while True:
            await self._enlist(previous)
            self._taking = asyncio.create_task(self._take())
            sending = asyncio.create_task(self._attempts.outbox.run())
            try:
                await self._refused.wait()
            finally:
                await _end(self._taking)
                await _end(sending)
            log.error("the engine holds worker %s for dead; its attempts are stopped", self.id)
            self._registered.clear()
            self._heartbeat.enlist(None)
            self._attempts.forsake()
            if self._leaving is not None:
                return
            previous = self.id
            self._refused.clear()

    async def _enlist(self, previous: str | None) -> None:
        """Register under a new id; tries until the engine agrees."""
        worker = self._new_id()
        self._attempts.outbox = Outbox(
            self._broker,
            worker,
            resend_s=self._settings.resend_s,
            clock=self._clock,
            on_acknowledged=self._attempts.acknowledged,
        )
        self._hold_lock(worker)
        pause_s, opened = RETRY_S[0], False
        while True:
            try:
                if not opened:
                    await self._broker.open(worker)
                    self.id, opened = worker, True
                reply = await self._broker.call(self._introduction(worker, previous))
                if isinstance(reply, Registered):
                    break
                error: Exception = refusal(reply)
            except Exception as broken:  # Unavailable, most of all; but no error may end the trying
                error = broken
            log.warning("not registered yet, trying again in %.1f s: %s", pause_s, error)
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, RETRY_S[1])
        self._attempts.starting = self._leaving is None
        self._heartbeat.enlist(worker)
        self._registered.set()
        log.info(
            "worker %s serves %d task types with %d slots", worker, len(self._types), self._settings.slots
        )

    def _introduction(self, worker: str, previous: str | None) -> Register:
        host, pid = socket.gethostname(), os.getpid()
        return Register(
            worker=worker,
            previous=previous,
            name=self._settings.name or f"{host}:{pid}",
            host=host,
            pid=pid,
            version=_version(),
            slots=self._settings.slots,
            window=self._settings.beyond_slots,
            queues=self._settings.queues,
            types=self._types,
            self_stop_s=self._settings.self_stop_s,
            schedules=self._schedules,
            application=self._registry.application,
        )

    def _hold_lock(self, worker: str) -> None:
        """The lock only makes a death known sooner, so a worker runs without one where there can be none."""
        former, self._lock = self._lock, None
        try:
            self._lock = LockFile.hold(lock_dir(self._settings.lock_dir), worker)
        except (Misconfigured, OSError) as error:
            log.warning("no lock file; should this process be killed, it takes 30 s to be noticed: %s", error)
        if former is not None:
            former.release()

    def _executors(self, ended: Ended) -> Mapping[Kind, Executor]:
        settings = self._settings
        return {
            Kind.ASYNC: OnLoop(ended),
            Kind.THREAD: InThread(ended),
            Kind.PROCESS: InChild(
                ended,
                max_tasks=settings.process_max_tasks,
                max_rss_mb=settings.process_max_rss_mb,
                idle_s=settings.process_idle_s,
            ),
        }

    # --- what comes in ---

    async def _take(self) -> None:
        pause_s = RETRY_S[0]
        while True:
            try:
                self._receive(await self._broker.take(TAKE_LIMIT, TAKE_WAIT_S))
                pause_s = RETRY_S[0]
            except Exception as error:  # Unavailable, most of all; but no error may end the taking
                log.warning("cannot take: %s", error, exc_info=not isinstance(error, Unavailable))
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, RETRY_S[1])

    def _receive(self, inbound: Sequence[Inbound]) -> None:
        accept = self._attempts.accept
        for message in inbound:
            match message:
                case Assignment():
                    accept(message)
                case Stop(id=task_id, attempt=attempt, why=why):
                    self._attempts.stop((task_id, attempt), WHY[why])
                case Recall(queue=queue):
                    self._attempts.release_waiting(queue)
                case Drain():
                    self.draining = True

    # --- what the heartbeat asks and says ---

    def listing(self) -> tuple[tuple[Held, ...], tuple[str, ...]]:
        return self._attempts.listing()

    def metrics(self, health: Health) -> bytes:
        return exposition(_version(), self._attempts.numbers(), health)

    def running_type(self, task: asyncio.Task[Any] | None) -> str | None:
        return self._attempts.type_of(task)

    def on_beat(self, worker: str, answer: HeartbeatAnswer) -> None:
        if worker != self.id:
            return
        if not answer.known:
            self._refused.set()
            return
        if answer.draining:
            self.draining = True
        for each in answer.stop:
            self._attempts.stop((each.id, each.attempt), WHY[each.why])
        if self._leaving is None and not self._attempts.starting:
            self._attempts.starting = True
            self._attempts.fill()

    def on_silence(self, worker: str) -> None:
        if worker != self.id:
            return
        log.error(
            "no heartbeat was accepted for %g s: attempts are stopped and handed back",
            self._settings.self_stop_s,
        )
        self._attempts.starting = False
        self._attempts.release_waiting()
        self._attempts.stop_running(Stopping.RELEASED)


async def _end(task: asyncio.Task[Any] | None) -> None:
    """Cancel a task and wait for its end."""
    if task is not None:
        task.cancel()
        await asyncio.wait({task})


def _version() -> str:
    try:
        return importlib.metadata.version("taskflow-hub")
    except importlib.metadata.PackageNotFoundError:
        return "unknown"
