"""The running hub: from settings to signals to an exit status."""

import asyncio
import gc
import os
import signal
import sys
import traceback
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

import structlog

from taskflow_hub import bootstrap, logs, settings
from taskflow_hub.cli.loading import load_hub
from taskflow_hub.cli.terminal import clean, say, styled
from taskflow_hub.redaction import without_secrets
from taskflow_hub.tracing import export

if TYPE_CHECKING:
    from taskflow_hub.bootstrap import Process
    from taskflow_hub.hub import Hub
    from taskflow_hub.settings import Loaded, Settings
    from taskflow_hub.worker.registry import Registry

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
SHOWN_TYPES: Final = 8
ACCOUNTS: Final = "accounts: log in or present a key"
NO_ACCOUNTS: Final = "open, without accounts: this machine only"
# How long a thread computes while another one wants the interpreter. Python's own 5 ms are as long as a lease of hundreds of
# tasks, and the store's thread wants it at every answer of the database (docs/adr/0071-waves.md).
SWITCH_S: Final = 0.0005
# So many objects are made before the collector looks for cycles; with Python's own 700 it looks after every few tasks
# (docs/adr/0072-garbage.md).
GARBAGE: Final = 10_000

log = structlog.stdlib.get_logger("taskflow.process")


class Role(StrEnum):
    UP = "up"
    SERVER = "server"
    WORKER = "worker"


def serve(role: Role, flags: Mapping[str, Any], app: str | None = None) -> int:
    """Run a process of the hub until it is told to end; answers the exit status.

    Raises Misconfigured before anything has started, StoreUnavailable, SchemaMismatch.
    """
    hub = load_hub(app) if app else None
    if role is Role.UP and hub is not None and flags.get("database.url") is None:
        flags = {**flags, "database.url": hub.database_url}  # the one its own submits go to
    loaded = settings.load(flags)
    registry = bootstrap.builtin_registry(loaded.settings)
    if hub is not None:
        registry.include(hub.registry)
    logs.configure(loaded.settings.log)
    sys.setswitchinterval(SWITCH_S)
    gc.set_threshold(GARBAGE)
    spans = export.start(f"taskflow-{role}", bootstrap.VERSION, os.environ)
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            return _through(runner.get_loop(), _Run(role, loaded, registry, hub).until_told())
    finally:
        export.stop(spans)


def _through(loop: asyncio.AbstractEventLoop, run: Coroutine[Any, Any, int]) -> int:
    """`run` to its end. An asyncio task or a callback that a handler left to the loop may call sys.exit, which leaves the loop:
    that ends no hub, as it ends none in the handler itself."""
    running = loop.create_task(run)
    while True:
        try:
            return loop.run_until_complete(running)
        except SystemExit as error:
            if running.done():
                raise
            last = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{last.filename}:{last.lineno} in {last.name}"
            log.error("what a handler left running called sys.exit: the hub goes on", where=where)


class _Run:
    """One run. The first signal asks for a good end, the second cuts its grace short, a third does not wait at all."""

    def __init__(self, role: Role, loaded: "Loaded", registry: "Registry", hub: "Hub | None") -> None:
        self._role, self._settings, self._origins = role, loaded.settings, loaded.origins
        self._registry, self._hub = registry, hub
        self._stopping = asyncio.Event()
        self._signals: list[signal.Signals] = []
        self._process: Process | None = None
        self._forcing: asyncio.Task[None] | None = None

    async def until_told(self) -> int:
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.add_signal_handler(number, self._on_signal, number)
        try:
            await bootstrap.run(
                self._running(), stopping=self._stopping, on_start=self._on_start, on_ready=self._on_ready
            )
        finally:
            if self._forcing is not None:
                await asyncio.wait({self._forcing})
            for number in SIGNALS:
                loop.remove_signal_handler(number)
        forced = len(self._signals) > 1
        return 128 + self._signals[-1] if forced else 0

    def _running(self) -> "AbstractAsyncContextManager[Process]":
        match self._role:
            case Role.UP:
                on_engine = self._hub.attach if self._hub else lambda _: None
                return bootstrap.running(
                    self._settings, self._registry, on_engine=on_engine, origins=self._origins
                )
            case Role.SERVER:
                return bootstrap.running_server(self._settings, origins=self._origins)
            case Role.WORKER:
                return bootstrap.running_worker(self._settings, self._registry)

    def _on_start(self, process: "Process") -> None:
        self._process = process

    def _on_ready(self, process: "Process") -> None:
        gc.collect()
        gc.freeze()  # what there is now stays: a full collection need not walk it again and again
        own = {handler.task_type.type for handler in self._hub.registry} if self._hub else set()
        every = {handler.task_type.type for handler in self._registry}
        greet(process, self._settings, [*sorted(own), *sorted(every - own)])

    def _on_signal(self, number: signal.Signals) -> None:
        self._signals.append(number)
        match len(self._signals):
            case 1:
                if sys.stderr.isatty():
                    say(f"\n{self._farewell()}")
                self._stopping.set()
            case 2 if self._process is not None and self._process.worker is not None:
                log.warning("forced to end: what still runs is handed back")
                self._forcing = asyncio.create_task(self._process.worker.stop(0), name="taskflow.force")
            case _:
                log.warning("ended without order: the next start takes over what ran")
                os._exit(128 + number)

    def _farewell(self) -> str:
        if self._role is Role.SERVER:
            return "Stopping. Ctrl-C again to cut it short."
        return f"Stopping: what runs has {self._settings.worker.grace:g} s to finish. Ctrl-C again to cut it short."


def greet(process: "Process", loaded: "Settings", types: Sequence[str]) -> None:
    """Where it is and what it does: a banner in a terminal, one line in a log."""
    about: dict[str, Any] = {}
    rows: list[tuple[str, str]] = []
    if process.engine is not None:
        file = bootstrap.database_file(loaded)
        database = str(file.resolve()) if file else without_secrets(loaded.database.url)
        access = ACCOUNTS if loaded.auth.secret else NO_ACCOUNTS
        about |= {"url": process.url, "database": database, "access": access}
        rows += [
            ("API", f"{process.url} (try it at /docs)"),
            ("dashboard", f"{process.url}/ui/"),
            ("database", database),
            ("access", access),
        ]
    if not bootstrap.is_local(loaded):
        broker = without_secrets(loaded.broker.url)
        about["broker"] = broker
        rows.append(("broker", broker))
    if process.worker is not None:
        more = f" and {len(types) - SHOWN_TYPES} more" if len(types) > SHOWN_TYPES else ""
        about |= {"slots": loaded.worker.slots, "types": types}
        rows += [
            ("worker", f"{loaded.worker.slots} slots"),
            ("task types", ", ".join(types[:SHOWN_TYPES]) + more),
        ]
    if not sys.stderr.isatty():
        log.info("ready", **about)
        return
    title = styled("TaskFlow Hub is ready.", "1;32", sys.stderr)
    lines = [f"  {styled(f'{name:<10}', '1', sys.stderr)}  {clean(value)}" for name, value in rows]
    print("", title, *lines, "  Ctrl-C to stop", "", sep="\n", file=sys.stderr, flush=True)


def _loop_factory() -> Any:
    try:
        import uvloop
    except ImportError:  # not on every platform
        return None
    return uvloop.new_event_loop
