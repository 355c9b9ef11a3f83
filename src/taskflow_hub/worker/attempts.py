"""Everything a worker holds: attempts that wait for a slot, run, or have ended but are not yet acknowledged.

Used on the worker's loop only, but for `listing` and `type_of`.
"""

import asyncio
import contextlib
import logging
from collections import Counter, deque
from collections.abc import Callable, Mapping
from typing import Any, Final

from taskflow_hub import tracing
from taskflow_hub.domain.clock import Monotonic
from taskflow_hub.domain.messages import Aborted, Assignment, Ending, Failed, Held, How, Released, Succeeded
from taskflow_hub.domain.model import AttemptOutcome, TaskError
from taskflow_hub.net.client import GuardedClient
from taskflow_hub.secrets.keyring import NO_KEYS, Keyring
from taskflow_hub.worker.deadlines import Deadlines
from taskflow_hub.worker.executors.base import Ended, Executor
from taskflow_hub.worker.handler import Kind
from taskflow_hub.worker.held import HeldAttempt, Stopping
from taskflow_hub.worker.metrics import Numbers, outcome_of
from taskflow_hub.worker.outbox import Outbox
from taskflow_hub.worker.outcome import Obeyed, Outcome, Returned, raised
from taskflow_hub.worker.registry import Registry
from taskflow_hub.worker.runner import ending
from taskflow_hub.worker.sink import AttemptSink, Call

PATIENCE_S: Final = 1.0  # from asking an attempt to stop until it is reported without waiting for its code

log = logging.getLogger("taskflow.worker")


class Attempts:
    def __init__(
        self,
        registry: Registry,
        executors: Callable[[Ended], Mapping[Kind, Executor]],
        *,
        slots: int,
        call: Call,
        clock: Monotonic,
        patience_s: float = PATIENCE_S,
        keyring: Keyring = NO_KEYS,
        http: GuardedClient | None = None,
    ) -> None:
        self._registry, self._call, self._clock, self._patience_s = registry, call, clock, patience_s
        self._keyring, self._http = keyring, http
        self._executors = executors(self._ended)
        self._loop = asyncio.get_running_loop()
        self._deadlines = Deadlines(self._stop_overdue, clock)
        self._free = slots
        self._held: dict[tuple[str, int], HeldAttempt] = {}
        self._waiting: dict[tuple[str, int], HeldAttempt] = {}
        self._running: dict[
            tuple[str, int], HeldAttempt
        ] = {}  # each has a slot, also when its end is already reported
        self._unacknowledged: deque[HeldAttempt] = deque()  # ended, in the order of their reports
        self._changed = asyncio.Event()
        self.outbox: Outbox
        self._ended_as: Counter[AttemptOutcome] = Counter()
        self.starting = True  # False: what arrives waits

    # --- arriving ---

    def accept(self, assignment: Assignment) -> None:
        key = (assignment.id, assignment.attempt)
        if key in self._held:  # an attempt is published once; should it come again, it is the same one
            return
        handler = self._registry.get(assignment.type)
        if handler is None:
            self._refuse(assignment)
            return
        held = self._held[key] = HeldAttempt(assignment, handler, self._keyring, self._http)
        if (tracer := tracing.tracer) is not None:
            held.trace = tracer.received(assignment)
        if self._free and self.starting and not self._waiting:
            self._start(held)
        else:
            self._waiting[key] = held

    def fill(self) -> None:
        """Start what waits, as far as there are slots."""
        while self._waiting and self._free > 0 and self.starting:
            key = next(iter(self._waiting))
            self._start(self._waiting.pop(key))

    # --- asking to stop ---

    def stop(self, key: tuple[str, int], why: Stopping) -> None:
        """Ask one attempt to stop. Unknown, or ended: nothing happens."""
        if (held := self._held.get(key)) is not None:
            self._stop(held, why)

    def stop_running(self, why: Stopping) -> None:
        for held in tuple(self._running.values()):
            self._stop(held, why)

    def release_waiting(self, queue: str | None = None) -> None:
        """Hand back what has not started (of one queue, or all)."""
        for held in tuple(self._waiting.values()):
            if queue is None or held.assignment.queue == queue:
                self._stop(held, Stopping.RELEASED)

    def forsake(self) -> None:
        """The engine holds this worker for dead: stop everything and report nothing."""
        self.stop_running(Stopping.STALE)
        for held in tuple(self._waiting.values()):
            self._stop(held, Stopping.STALE)
        self._held.clear()
        self._unacknowledged.clear()

    def give_up(self) -> None:
        """Report what was asked to stop and has not obeyed yet."""
        for held in tuple(self._running.values()):
            self._stop_waiting_for(held)

    # --- reading ---

    @property
    def unfinished(self) -> int:
        """How many run and are not yet reported."""
        return sum(not held.ended for held in self._running.values())

    async def changed(self, wait_s: float) -> None:
        """Until an attempt ends, at most `wait_s`."""
        self._changed.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._changed.wait()

    def nudge(self) -> None:
        """Cut a wait in `changed` short."""
        self._changed.set()

    def listing(self) -> tuple[tuple[Held, ...], tuple[str, ...]]:
        """What a heartbeat says: the attempts held, and the tasks whose code runs on after their end. Any thread."""
        acknowledged = self.outbox.acknowledged
        held = tuple(
            Held(*each.key, each.started_at is not None)
            for each in _copy(self._held)
            if not each.ended or each.ended_n > acknowledged
        )
        stuck = tuple(each.key[0] for each in _copy(self._running) if each.ended)
        return held, stuck

    def numbers(self) -> Numbers:
        """Any thread."""
        running = len(self._running)
        return Numbers(
            slots=running + self._free,
            running=running,
            waiting=len(self._waiting),
            unacknowledged=len(self._unacknowledged),
            ended=dict(self._ended_as),
        )

    def type_of(self, task: asyncio.Task[Any] | None) -> str | None:
        """Whose handler this task runs; None: no handler's. Any thread."""
        return next(
            (each.assignment.type for each in _copy(self._running) if task and each.job is task), None
        )

    def acknowledged(self, n: int) -> None:
        """All reports up to n are stored: what ended with them is no longer held."""
        while self._unacknowledged and self._unacknowledged[0].ended_n <= n:
            self._held.pop(self._unacknowledged.popleft().key, None)

    async def close(self) -> None:
        self._deadlines.close()
        for executor in self._executors.values():
            await executor.close()

    # --- inside ---

    def _start(self, held: HeldAttempt) -> None:
        self._free -= 1
        self._running[held.key] = held
        held.worker = self.outbox.worker
        now = held.started_at = self._clock()
        if (timeout := held.assignment.timeout) is not None:
            held.deadline = now + timeout
            self._deadlines.watch(held.deadline)
        if held.handler.context_name is not None:
            held.sink = AttemptSink(held, self.outbox, self._call, self._clock)
        if held.trace is not None:
            held.trace.started()
        try:
            self._executors[held.handler.kind].start(held)
        except Exception as error:  # the system gives no more threads, say
            log.exception("%s cannot be started", held.assignment.type)
            self._loop.call_soon(self._ended, held, raised(error, held.secrets))

    def _ended(self, held: HeldAttempt, outcome: Outcome) -> None:
        """The handler's code has ended, and its slot is free."""
        del self._running[held.key]
        self._free += 1
        if not held.ended:
            self._report_end(held, outcome)
        held.sink = None  # they know each other, which would keep both from going at once
        if self._waiting:
            self.fill()
        self._changed.set()

    def _report_end(self, held: HeldAttempt, outcome: Outcome) -> None:
        held.ended = True
        outbox = self.outbox
        if held.sink is not None:
            held.sink.flush(ending=True)
        ran_s = self._clock() - held.started_at if held.started_at is not None else 0.0
        n = outbox.n + 1
        if type(outcome) is Returned and held.stopping is None:  # by far the most frequent
            report: Ending | None = Succeeded(
                worker=outbox.worker,
                n=n,
                id=held.key[0],
                attempt=held.key[1],
                ran_s=ran_s,
                result=outcome.result,
            )
        else:
            report = ending(held, outcome, outbox.worker, n, ran_s)
        self._send_end(held, report)

    def _send_end(self, held: HeldAttempt, report: Ending | None) -> None:
        held.ended = True
        if held.trace is not None:
            held.trace.ended(report)
        if report is None:
            self._held.pop(held.key, None)
            return
        held.ended_n = self.outbox.n = report.n
        self._ended_as[outcome_of(report)] += 1
        self._unacknowledged.append(held)
        self.outbox.add(report)

    def _stop(self, held: HeldAttempt, why: Stopping) -> None:
        if held.ended or (held.stopping is not None and why is not Stopping.STALE):
            return
        asked_before, held.stopping = held.stopping is not None, why
        if self._waiting.pop(held.key, None) is not None:
            self._end_waiting(held, why)
        elif not asked_before:
            executor = self._executors[held.handler.kind]
            if why is Stopping.TIMEOUT:
                held.where = executor.where(held)
            if held.sink is not None:
                held.sink.stop()
            executor.stop(held)
            self._loop.call_later(self._patience_s, self._stop_waiting_for, held)

    def _end_waiting(self, held: HeldAttempt, why: Stopping) -> None:
        stamp = (self.outbox.worker, self.outbox.n + 1, *held.key)
        match why:
            case Stopping.CANCELLED:
                report: Ending | None = Aborted(worker=stamp[0], n=stamp[1], id=stamp[2], attempt=stamp[3])
            case Stopping.RELEASED:
                report = Released(worker=stamp[0], n=stamp[1], id=stamp[2], attempt=stamp[3])
            case _:
                report = None
        self._send_end(held, report)

    def _stop_waiting_for(self, held: HeldAttempt) -> None:
        if held.ended or held.stopping is None:
            return
        log.warning(
            "%s does not stop when asked (%s); it keeps its slot", held.assignment.type, held.stopping
        )
        self._report_end(held, Obeyed())
        self._changed.set()

    def _stop_overdue(self) -> float | None:
        now, earliest = self._clock(), None
        for held in tuple(self._running.values()):
            if held.deadline is None or held.stopping is not None:
                continue
            if held.deadline <= now:
                self._stop(held, Stopping.TIMEOUT)
            elif earliest is None or held.deadline < earliest:
                earliest = held.deadline
        return earliest

    def _refuse(self, assignment: Assignment) -> None:
        error = TaskError("UnknownType", f"this worker has no handler for {assignment.type!r}")
        stamp = self.outbox.stamp((assignment.id, assignment.attempt))
        self.outbox.add(Failed(**stamp, ran_s=0.0, how=How.RAISED, error=error))


def _copy(table: dict[tuple[str, int], HeldAttempt]) -> list[HeldAttempt]:
    """The values, while another thread may change the table."""
    while True:
        try:
            return list(table.values())
        except RuntimeError:  # it changed just then
            continue
