"""What workers ask the engine, and what operators ask of workers."""

from collections.abc import Sequence
from typing import Protocol

import structlog
from msgspec.structs import replace

from taskflow_hub import tracing
from taskflow_hub.broker.base import EngineSide
from taskflow_hub.domain import moves
from taskflow_hub.domain.audit import By
from taskflow_hub.domain.decide import on_undelivered
from taskflow_hub.domain.errors import (
    Invalid,
    LeaseLost,
    Misconfigured,
    NoSecretKeys,
    NotFound,
    TaskflowError,
    Unavailable,
)
from taskflow_hub.domain.messages import (
    VERSION,
    CallFailed,
    Drain,
    Heartbeat,
    HeartbeatAnswer,
    KeepStep,
    LoadSteps,
    ReadInputs,
    Register,
    Registered,
    Reply,
    Request,
    Retire,
    Retired,
    Sleep,
    Submit,
    Submitted,
    WaitEvent,
)
from taskflow_hub.domain.model import DEFAULT_ACCOUNT, AttemptOutcome, Worker
from taskflow_hub.domain.submission import Submission
from taskflow_hub.domain.type_limits import check_declared
from taskflow_hub.engine.hints import Hints, Topic
from taskflow_hub.engine.inputs import NodeInputs
from taskflow_hub.engine.metrics import Metrics
from taskflow_hub.engine.schedules import Schedules, check_declared_schedules
from taskflow_hub.engine.steps import Steps
from taskflow_hub.engine.tasks import Tasks
from taskflow_hub.secrets.keyring import HOW_TO_SET, NO_KEYS, Keyring, SecretUnreadable
from taskflow_hub.store.base import AccessStore, Reads, TaskStore, WorkerStore
from taskflow_hub.store.values import Call, Transit

log = structlog.stdlib.get_logger("taskflow.workers")


class _Store(TaskStore, WorkerStore, Reads, AccessStore, Protocol): ...


class Workers:
    def __init__(
        self,
        store: _Store,
        broker: EngineSide,
        tasks: Tasks,
        steps: Steps,
        inputs: NodeInputs,
        schedules: Schedules,
        hints: Hints,
        metrics: Metrics,
        *,
        dead_after_s: float,
        keyring: Keyring = NO_KEYS,
    ) -> None:
        self._store, self._broker, self._tasks, self._keyring = store, broker, tasks, keyring
        self._steps, self._inputs = steps, inputs
        self._schedules = schedules
        self._hints, self._metrics, self._dead_after_s = hints, metrics, dead_after_s

    async def answer(self, request: Request) -> Reply:
        """Serve one call of a worker. What the hub refuses is answered as CallFailed; only Unavailable is raised."""
        match request:
            case Register():
                return await self._register(request)
            case Heartbeat():
                return await self._heartbeat(request)
            case Retire():
                await self._store.retire(request.worker)
                self._hints.tell(Topic.WORKERS, Topic.QUEUES)
                return Retired()
            case Submit():
                return await self._submit(request)
            case LoadSteps() | KeepStep() | Sleep() | WaitEvent():
                return await self._steps.answer(request)
            case ReadInputs():
                return await self._inputs.answer(request)

    async def drain(self, worker_id: str, *, by: By | None = None) -> Worker:
        """Give the worker nothing new. Raises NotFound for an unknown or dead one; twice is harmless."""
        worker = await self._store.drain(worker_id, by=by)
        if worker is None:
            raise NotFound(f"There is no live worker {worker_id}.")
        await self._broker.tell(worker_id, Drain())
        self._hints.tell(Topic.WORKERS)
        return worker

    async def _register(self, request: Register) -> Reply:
        if (why_not := self._unfit(request)) is not None:
            log.error(
                "worker refused", worker=request.worker, name=request.name, host=request.host, why=why_not
            )
            return CallFailed(Misconfigured.code, why_not)
        await self._store.register(request)
        log.info("worker registered", worker=request.worker, slots=request.slots, host=request.host)
        self._hints.tell(Topic.WORKERS, Topic.TYPES, Topic.WORK, Topic.QUEUES)
        if request.schedules is not None:
            await self._schedules.declare(
                DEFAULT_ACCOUNT, _types_of(request), request.schedules, application=request.application
            )
        return Registered()

    def _unfit(self, request: Register) -> str | None:
        """Why it must not work here: in words, for the worker's log and for ours."""
        if VERSION not in request.speaks:
            spoken = ", ".join(map(str, request.speaks)) or "none"
            return (
                f"the worker ({request.version}) speaks version {spoken} of the wire format and the server version {VERSION}; "
                "bring them to versions of the program that have one in common"
            )
        if request.self_stop_s is not None and request.self_stop_s >= self._dead_after_s:
            return (
                f"the worker's worker.self_stop_s is {request.self_stop_s:g} s and the server's engine.dead_after is "
                f"{self._dead_after_s:g} s; it must be larger, or two workers run one task"
            )
        try:
            for declared in request.types:
                check_declared(declared)
            check_declared_schedules(_types_of(request), request.schedules or ())
        except (Misconfigured, Invalid) as error:
            return error.detail
        return None

    async def _heartbeat(self, request: Heartbeat) -> HeartbeatAnswer:
        beat = await self._store.heartbeat(
            request.worker, request.held, stuck=request.stuck, loop_lag_s=request.loop_lag_s
        )
        if beat.undelivered:
            await self._lose(request.worker, beat.undelivered)
        return HeartbeatAnswer(known=beat.known, draining=beat.draining, stop=beat.stop)

    async def _lose(self, worker: str, undelivered: Sequence[Transit]) -> None:
        decided = [
            on_undelivered(transit.id, transit.attempt, worker, transit.transits) for transit in undelivered
        ]
        lost = await self._store.lose([move for move in decided if isinstance(move, moves.Lose)])
        fails = [move for move in decided if isinstance(move, moves.Fail)]
        failed = await self._store.fail(fails)
        self._metrics.lost(AttemptOutcome.UNDELIVERED, lost, failed, fails)
        log.warning(
            "assignments lost in transit", worker=worker, tasks=[transit.id for transit in undelivered]
        )
        self._hints.changed([transit.id for transit in undelivered], Topic.WORK)

    async def _submit(self, request: Submit) -> Reply:
        call = Call(moves.Fence(request.id, request.attempt), request.call)
        try:
            task = await self._opened(request)
            account, user = await self._owner_of(request.id)
            submitted = await self._tasks.submit(
                [task],
                account=account,
                user=user,
                call=call,
                traceparent=tracing.well_formed(request.traceparent),
            )
        except Unavailable:
            raise  # nobody's fault: the worker asks again
        except TaskflowError as error:
            return CallFailed(error.code, error.detail)
        return Submitted(submitted.tasks[0].id)

    async def _opened(self, request: Submit) -> Submission:
        """The task as it was submitted. Raises NoSecretKeys for one that should have come encrypted, or cannot be decrypted."""
        wanted = request.task
        try:
            payload = self._keyring.open_call(
                wanted.payload, parent=request.id, number=request.call, type=wanted.type
            )
        except SecretUnreadable as error:
            raise NoSecretKeys(f"What the task submitted cannot be read by the server: {error}.") from None
        if payload is not None:
            return replace(wanted, payload=payload)
        if self._keyring and await self._tasks.has_secrets(wanted.type):
            raise NoSecretKeys(
                f"Task type {wanted.type!r} has secret fields, and worker {request.worker}, which submits it, has no keys to "
                f"encrypt them on their way: {HOW_TO_SET}."
            )
        return wanted

    async def _owner_of(self, task_id: str) -> tuple[str, str | None]:
        """What a task submits belongs to whom the task belongs to. Raises LeaseLost for one that is gone."""
        accounts, tasks = await self._store.owners([task_id]), await self._store.tasks([task_id])
        if task_id not in accounts or task_id not in tasks:
            raise LeaseLost
        return accounts[task_id], tasks[task_id].user_id


def _types_of(request: Register) -> list[str]:
    return [declared.type for declared in request.types]
