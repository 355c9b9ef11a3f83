"""Puts a process together. The only file that picks a store and a broker."""

import asyncio
import importlib.metadata
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog

from taskflow_hub import lockfile
from taskflow_hub.broker.local import LocalBroker
from taskflow_hub.domain.errors import Misconfigured
from taskflow_hub.engine.engine import Engine
from taskflow_hub.engine.results import FolderResults
from taskflow_hub.net import check_url
from taskflow_hub.settings import Settings
from taskflow_hub.store.base import Store
from taskflow_hub.store.sqlite import SqliteStore, schema
from taskflow_hub.store.sqlite.url import parse_url
from taskflow_hub.worker.registry import Registry
from taskflow_hub.worker.worker import Worker

VERSION = importlib.metadata.version("taskflow-hub")
log = structlog.stdlib.get_logger("taskflow.process")


@dataclass(frozen=True)
class Process:
    """What `up` is made of, running."""

    engine: Engine
    worker: Worker
    url: str


async def open_store(settings: Settings) -> Store:
    """Connect, and bring the schema up to date. Raises Misconfigured, StoreUnavailable, SchemaMismatch."""
    return await SqliteStore.open(_sqlite_url(settings))


def schema_state(settings: Settings) -> schema.SchemaState:
    """Look, and change nothing. Raises Misconfigured, StoreUnavailable."""
    return schema.check(_sqlite_url(settings))


def migrate(settings: Settings) -> None:
    """Bring the schema up to date; make the database if there is none. Raises as `open_store`."""
    schema.migrate(_sqlite_url(settings))


def database_file(settings: Settings) -> Path | None:
    """The database's file, for messages; None for a database that is none. Raises Misconfigured."""
    return parse_url(_sqlite_url(settings)).path


def _results_dir(settings: Settings) -> Path:
    """Beside the database, so that whoever opens the one finds the other, and no two databases share one."""
    file = parse_url(_sqlite_url(settings)).path
    return settings.engine.results_dir or file.with_name(f"{file.name}.results")


def _sqlite_url(settings: Settings) -> str:
    scheme = settings.database.url.partition(":")[0]
    if scheme != "sqlite":
        raise Misconfigured(f"database.url: {scheme!r} is not a database we know; use sqlite:///taskflow.db")
    return settings.database.url


@asynccontextmanager
async def open_engine(settings: Settings) -> AsyncIterator[tuple[Engine, LocalBroker]]:
    """An engine whose loops do not run yet: enough to submit, look and wait."""
    if settings.broker.url != "local":
        raise Misconfigured(f"broker.url: {settings.broker.url!r} is not a broker we know; use local")
    store = await open_store(settings)
    try:
        broker = LocalBroker()
        locks = lockfile.lock_dir(settings.worker.lock_dir)
        engine = Engine(
            store,
            broker,
            settings=settings.engine,
            results=FolderResults(_results_dir(settings)),
            retention=settings.retention,
            version=VERSION,
            formats={"outbound-url": lambda url: check_url(url, settings.net)},
            provably_dead=lambda worker: lockfile.proves_death(locks, worker.id),
            on_buried=lambda worker: lockfile.remove(locks, worker.id),
        )
        yield engine, broker
    finally:
        await store.close()


def builtin_registry(settings: Settings) -> Registry:
    """A registry with the task types we ship."""
    from taskflow_hub import builtin

    registry = Registry()
    builtin.register(registry, net=settings.net, files=settings.files)
    return registry


@asynccontextmanager
async def working(
    settings: Settings, registry: Registry, *, on_engine: Callable[[Engine], None] = lambda _: None
) -> AsyncIterator[tuple[Engine, Worker]]:
    """Engine and worker, without an API.

    Undoing is the written order of a shutdown: the worker finishes or hands back what it has, the engine stores the last
    reports, the store closes.
    """
    async with AsyncExitStack() as undo:
        engine, broker = await undo.enter_async_context(open_engine(settings))
        on_engine(engine)
        undo.push_async_callback(engine.stop)
        await engine.start()
        worker = Worker(broker.worker_side(), registry, settings.worker)
        undo.push_async_callback(worker.stop)
        await worker.start()
        yield engine, worker


@asynccontextmanager
async def running(
    settings: Settings, registry: Registry, *, on_engine: Callable[[Engine], None] = lambda _: None
) -> AsyncIterator[Process]:
    """API, engine and worker in one process, from the first request to the last report.

    At the end the API is the first to go: it refuses what is new at once, and ends what is under way while the worker's
    grace runs, so that the two do not add up.
    """
    from taskflow_hub.http.app import create_app
    from taskflow_hub.http.server import refuse_requests, serving

    async with working(settings, registry, on_engine=on_engine) as (engine, worker):
        app = create_app(engine, settings.http)
        async with serving(app, settings.http) as url:
            yield Process(engine, worker, url)
            refuse_requests(app)
            leaving = asyncio.create_task(worker.stop(), name="taskflow.leave")
        await leaving


async def run_up(
    settings: Settings,
    registry: Registry,
    *,
    stopping: asyncio.Event,
    on_engine: Callable[[Engine], None] = lambda _: None,
    on_ready: Callable[[Process], Awaitable[None] | None] = lambda _: None,
) -> None:
    """Run until `stopping` is set, then shut down in order. Signals are the caller's business."""
    async with running(settings, registry, on_engine=on_engine) as process:
        told = on_ready(process)
        if told is not None:
            await told
        await stopping.wait()
        log.info("stopping", grace_s=settings.worker.grace)
