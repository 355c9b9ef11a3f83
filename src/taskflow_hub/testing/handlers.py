"""For tests of your own handlers: a Context that keeps what it is told, and a hub that works inside the test."""

import base64
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from msgspec import Raw

from taskflow_hub.domain.clock import new_id, utc_now
from taskflow_hub.domain.messages import Assignment
from taskflow_hub.domain.model import DEFAULT_MAX_RETRIES, DEFAULT_PRIORITY, DEFAULT_QUEUE
from taskflow_hub.domain.submission import Submission
from taskflow_hub.hub import Hub
from taskflow_hub.worker.context import Context


class RecordedContext(Context):
    """A Context for calling a handler directly: `await welcome(user_id=42, ctx=RecordedContext())`.

    `logged` holds (level, message, fields) of each line, `fractions` every progress, `submitted` every task that
    `ctx.submit` was given; set `stop` for a handler that looks at `ctx.cancelled`.
    """

    __slots__ = ("_kept",)

    def __init__(
        self, *, task_id: str | None = None, attempt: int = 1, retry_count: int = 0, stop: bool = False
    ) -> None:
        self._kept = _Kept(stop)
        assignment = Assignment(
            id=task_id or new_id(),
            attempt=attempt,
            type="test",
            queue=DEFAULT_QUEUE,
            priority=DEFAULT_PRIORITY,
            payload=Raw(b"{}"),
            timeout=None,
            retry_count=retry_count,
            max_retries=DEFAULT_MAX_RETRIES,
            created_at=utc_now(),
        )
        super().__init__(assignment, self._kept)

    @property
    def logged(self) -> list[tuple[str, str, dict[str, Any]]]:
        return self._kept.logged

    @property
    def fractions(self) -> list[float]:
        return self._kept.fractions

    @property
    def submitted(self) -> list[Submission]:
        return self._kept.submitted


@asynccontextmanager
async def working(hub: Hub, *, slots: int = 4) -> AsyncIterator[Hub]:
    """The hub, with an engine and a worker in this event loop and a database that goes away in the end.

    What is submitted through it runs as in production: payloads are checked, secret fields encrypted with a key of the moment,
    handlers run on the loop, in threads and in child processes, failures are retried by their policy.
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
        try:
            async with at_work(settings, hub.registry, on_engine=hub.attach) as (_, _, worker):
                await worker.registered()
                yield hub
        finally:
            hub.attach(None)


class _Kept:
    """A sink that keeps everything."""

    def __init__(self, stop: bool) -> None:
        self.stopping = stop
        self.logged: list[tuple[str, str, dict[str, Any]]] = []
        self.fractions: list[float] = []
        self.submitted: list[Submission] = []

    def log(self, level: str, message: str, fields: dict[str, Any]) -> None:
        self.logged.append((level, message, fields))

    def progress(self, fraction: float, message: str) -> None:
        self.fractions.append(fraction)

    async def submit(self, task: Submission) -> str:
        return self.submit_sync(task)

    def submit_sync(self, task: Submission) -> str:
        self.submitted.append(task)
        return new_id()
