"""For tests of your own handlers: a Context that keeps what it is told, and a hub that works inside the test."""

import base64
import os
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec
from msgspec import Raw

from taskflow_hub.domain.clock import new_id, utc_now
from taskflow_hub.domain.errors import NotFound
from taskflow_hub.domain.messages import (
    Asleep,
    Assignment,
    Awake,
    CallOfAttempt,
    EventCame,
    EventMissed,
    KeepStep,
    LoadSteps,
    ReadInputs,
    Reply,
    Sleep,
    StepKept,
    Steps,
    StoredStep,
    Submit,
    Submitted,
    WaitEvent,
)
from taskflow_hub.domain.model import DEFAULT_MAX_RETRIES, DEFAULT_PRIORITY, DEFAULT_QUEUE
from taskflow_hub.domain.steps import StepKind
from taskflow_hub.domain.submission import Submission
from taskflow_hub.hub import Hub
from taskflow_hub.net import GuardedClient, NetSettings
from taskflow_hub.worker.context import Context


class RecordedContext(Context):
    """A Context for calling a handler directly: `await welcome(user_id=42, ctx=RecordedContext())`.

    `logged` holds (level, message, fields) of each line, `fractions` every progress, `submitted` every task that
    `ctx.submit` was given; set `stop` for a handler that looks at `ctx.cancelled`.

    `steps` holds what each step returned, by name; those given have been done by an attempt before. A sleep is over at once,
    and `slept` has its seconds. `events` are those the task has been sent: a wait for any other ends in EventTimeout.
    `http` is what `ctx.http` is; without it, a client that reaches only the public Internet.
    """

    __slots__ = ("_told",)

    def __init__(
        self,
        *,
        task_id: str | None = None,
        attempt: int | None = None,
        retry_count: int = 0,
        stop: bool = False,
        events: Mapping[str, Any] = MappingProxyType({}),
        steps: Mapping[str, Any] = MappingProxyType({}),
        http: GuardedClient | None = None,
    ) -> None:
        self._told = _Told(stop, events, steps)
        assignment = Assignment(
            id=task_id or new_id(),
            attempt=attempt or (2 if steps else 1),
            type="test",
            queue=DEFAULT_QUEUE,
            priority=DEFAULT_PRIORITY,
            payload=Raw(b"{}"),
            timeout=None,
            retry_count=retry_count,
            max_retries=DEFAULT_MAX_RETRIES,
            created_at=utc_now(),
        )
        super().__init__(assignment, self._told, http or GuardedClient())

    @property
    def logged(self) -> list[tuple[str, str, dict[str, Any]]]:
        return self._told.logged

    @property
    def fractions(self) -> list[float]:
        return self._told.fractions

    @property
    def submitted(self) -> list[Submission]:
        return self._told.submitted

    @property
    def steps(self) -> dict[str, Any]:
        return self._told.steps

    @property
    def slept(self) -> list[float]:
        return self._told.slept


@asynccontextmanager
async def working(hub: Hub, *, slots: int = 4, net: NetSettings | None = None) -> AsyncIterator[Hub]:
    """The hub, with an engine and a worker in this event loop and a database that goes away in the end.

    What is submitted through it runs as in production: payloads are checked, secret fields encrypted with a key of the moment,
    handlers run on the loop, in threads and in child processes, failures are retried by their policy. `net` says what
    `ctx.http` may reach: without it, nothing but the public Internet.
    """
    from taskflow_hub.bootstrap import working as at_work
    from taskflow_hub.settings import load

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        given = {
            "database.url": f"sqlite:///{folder}/taskflow.db",
            "engine.results_dir": folder / "results",
            "worker.lock_dir": folder / "locks",
            "worker.slots": slots,
            "worker.grace": 0,
            "secrets.keys": (base64.b64encode(os.urandom(32)).decode(),),
        }
        settings = load(given, environ={}, file=folder / "taskflow.toml").settings
        if net is not None:
            settings = settings.model_copy(update={"net": net})
        try:
            async with at_work(settings, hub.registry, on_engine=hub.attach) as (_, _, worker):
                await worker.registered()
                yield hub
        finally:
            hub.attach(None)


class _Told:
    """A sink that keeps everything, and an engine for one attempt: what is slept for is over, what is waited for is there or
    never comes.
    """

    def __init__(self, stop: bool, events: Mapping[str, Any], steps: Mapping[str, Any]) -> None:
        self.stopping = stop
        self.rests: list[Asleep] = []
        self.logged: list[tuple[str, str, dict[str, Any]]] = []
        self.fractions: list[float] = []
        self.submitted: list[Submission] = []
        self.slept: list[float] = []
        self.events = dict(events)
        self.steps = dict(steps)

    def log(self, level: str, message: str, fields: dict[str, Any]) -> None:
        self.logged.append((level, message, fields))

    def progress(self, fraction: float, message: str) -> None:
        self.fractions.append(fraction)

    def may_block(self) -> None:
        """A test may."""

    async def ask(self, call: CallOfAttempt) -> Reply:
        return self.ask_sync(call)

    def ask_sync(self, call: CallOfAttempt) -> Reply:
        match call:
            case Submit(task=task):
                self.submitted.append(task)
                return Submitted(new_id())
            case LoadSteps():
                return Steps(
                    items=tuple(
                        StoredStep(kind=StepKind.STEP, name=name, result=Raw(msgspec.json.encode(result)))
                        for name, result in self.steps.items()
                    )
                )
            case KeepStep(name=name, result=result):
                self.steps[name] = msgspec.json.decode(result)
                return StepKept()
            case Sleep(seconds=seconds):
                self.slept.append(seconds)
                return Awake()
            case WaitEvent(event=event):
                if event in self.events:
                    return EventCame(payload=Raw(msgspec.json.encode(self.events[event])))
                return EventMissed()
            case ReadInputs(node=node):
                raise NotFound(f"There is no node {node}: a test's task belongs to no workflow.")
