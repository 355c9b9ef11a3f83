"""Puts a process together. The only file that picks a store and a broker.

What only some processes are made of is imported where it is needed: a worker on its own knows nothing of stores and engines.
"""

import asyncio
import contextlib
import getpass
import importlib.metadata
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

import structlog

from taskflow_hub import lockfile
from taskflow_hub.broker.base import EngineSide, WorkerSide
from taskflow_hub.domain.audit import By, by_operator
from taskflow_hub.domain.clock import utc_now
from taskflow_hub.domain.errors import Conflict, Misconfigured
from taskflow_hub.net.client import GuardedClient
from taskflow_hub.redaction import without_secrets
from taskflow_hub.secrets.keyring import Keyring
from taskflow_hub.settings import Settings, shown
from taskflow_hub.store.settings import DatabaseSettings
from taskflow_hub.worker.registry import Registry
from taskflow_hub.worker.worker import Worker

if TYPE_CHECKING:
    from taskflow_hub.domain.checkup.broker import RedisFacts
    from taskflow_hub.domain.checkup.database import PostgresFacts, SqliteFacts
    from taskflow_hub.engine.engine import Engine
    from taskflow_hub.engine.within import Place
    from taskflow_hub.http.rates import Buckets
    from taskflow_hub.store.base import Store
    from taskflow_hub.store.sqlite.transfer import Registered
    from taskflow_hub.store.transfer import Copied, Watch
    from taskflow_hub.store.versions import SchemaState

VERSION = importlib.metadata.version("taskflow-hub")
NOBODY_KNOWS: Final[Mapping[str, str]] = {}  # where settings come from
REGISTER_S: Final = 5.0  # how long the API waits for its own worker to be known
log = structlog.stdlib.get_logger("taskflow.process")


@dataclass(frozen=True)
class Process:
    """What runs in one. `up` has everything, `server` no worker, `worker run` nothing but a worker."""

    engine: "Engine | None" = None
    worker: Worker | None = None
    url: str | None = None


class Broker(Protocol):
    """What every transport gives a process."""

    def engine_side(self, on_dead: Callable[[], None]) -> EngineSide:
        """One per process. `on_dead` is called, in any thread, for each message that could not be read."""
        ...

    def worker_side(self) -> WorkerSide:
        """A face for one worker. Each worker of the process needs its own."""
        ...

    def buckets(self) -> "Buckets | None":
        """Token buckets that all servers share; None: there are none here, and the store's are to be used."""
        ...


@dataclass(frozen=True)
class Moved:
    """What was moved. Results that lie outside the database stay where they are, for the old and for the new hub."""

    tables: "list[Copied]"
    results: int
    results_were_in: Path
    results_are_sought_in: Path


class SchemaTools(Protocol):
    """What every store's `schema` module does. Raises Misconfigured, StoreUnavailable, SchemaMismatch."""

    def check(self, url: str) -> "SchemaState":
        """Look, and change nothing."""
        ...

    def migrate(self, url: str) -> None:
        """Bring the schema up to date; make what is missing."""
        ...

    def upgrade_sql(self, start: str | None) -> str:
        """The script that brings a database from that version (None: an empty one) to ours. Raises Invalid."""
        ...


async def open_store(settings: Settings) -> "Store":
    """Connect, and bring the schema up to date. Raises Misconfigured, StoreUnavailable, SchemaMismatch."""
    database = settings.database
    if not _is_postgres(settings):
        from taskflow_hub.store.sqlite import SqliteStore

        return await SqliteStore.open(database.url)
    from taskflow_hub.store.postgres import PostgresStore  # asyncpg: only for those who use it

    return await PostgresStore.open(database.url, listen_url=database.listen_url)


def schema_tools(settings: Settings) -> SchemaTools:
    """Those of the store that the URL names. Raises Misconfigured."""
    if not _is_postgres(settings):
        from taskflow_hub.store.sqlite import schema

        return schema
    from taskflow_hub.store.postgres import schema as postgres_schema

    return postgres_schema


def check_database(settings: Settings) -> None:
    """Whether the database is named as it must be; nothing is opened. Raises Misconfigured."""
    if not _is_postgres(settings):
        from taskflow_hub.store.sqlite.url import parse_url

        parse_url(settings.database.url)
        return
    from taskflow_hub.store.postgres.url import parse_url as parse_postgres_url

    parse_postgres_url(settings.database.url)
    if settings.database.listen_url is not None:
        try:
            parse_postgres_url(settings.database.listen_url)
        except Misconfigured as error:
            raise Misconfigured(f"database.listen_url: {error.detail}") from None


def database_file(settings: Settings) -> Path | None:
    """The database's file, for messages; None for a database that is none. Raises Misconfigured."""
    if _is_postgres(settings):
        return None
    from taskflow_hub.store.sqlite.url import parse_url

    return parse_url(settings.database.url).path


def results_dir(settings: Settings) -> Path:
    """Beside the database's file; for a database that is none, in the working directory. No two databases share one."""
    if settings.engine.results_dir is not None:
        return settings.engine.results_dir
    file = database_file(settings)
    if file is not None:
        return file.with_name(f"{file.name}.results")
    from taskflow_hub.store.postgres.url import parse_url as parse_postgres_url

    return Path(f"{parse_postgres_url(settings.database.url).database}.results")


def move_database(settings: Settings, source_url: str, target_url: str, watch: "Watch") -> Moved:
    """Copy a stopped hub from SQLite to PostgreSQL, and compare; the source stays as it is.

    Raises Conflict when a worker of it may be alive, or when the target is not empty; Misconfigured, SchemaMismatch,
    StoreUnavailable. Whatever it raises, the target holds no data of it.
    """
    source, target = (
        settings.model_copy(update={"database": DatabaseSettings(url=url)})
        for url in (source_url, target_url)
    )
    if _is_postgres(source) or not _is_postgres(target):
        raise Misconfigured(
            "A hub moves from sqlite:///FILE to postgresql://USER:PASSWORD@HOST:PORT/DATABASE."
        )
    from taskflow_hub.store.postgres.transfer import receive
    from taskflow_hub.store.sqlite.transfer import stopped_hub

    check_database(target)
    with stopped_hub(source_url) as hub:
        for worker in hub.workers():
            _require_dead(worker, settings)
        return Moved(
            receive(target_url, hub, watch), hub.results_outside(), results_dir(source), results_dir(target)
        )


def _require_dead(worker: "Registered", settings: Settings) -> None:
    locks = lockfile.lock_dir(settings.worker.lock_dir)
    silent_s = (utc_now() - worker.last_beat_at).total_seconds()
    if lockfile.proves_death(locks, worker.id):
        return
    if lockfile.proves_life(locks, worker.id) or silent_s < settings.engine.dead_after:
        raise Conflict(
            f"A hub still works on this database: worker {worker.name} on host {worker.host}, last heard of {silent_s:.0f} s "
            f"ago. Stop it first. (If it was killed, wait until {settings.engine.dead_after:g} s have passed.)"
        )


def database_look(settings: Settings) -> "Callable[[], SqliteFacts | PostgresFacts]":
    """Looks at the database for `taskflow doctor`, in any thread, and changes nothing. Raises Misconfigured.

    The look raises Misconfigured, StoreUnavailable.
    """
    if not _is_postgres(settings):
        from taskflow_hub.store.sqlite.examine import examine

        return partial(examine, settings.database.url)
    from taskflow_hub.store.postgres.examine import examine as examine_postgres

    return partial(examine_postgres, settings.database.url)


def broker_look(settings: Settings) -> "Callable[[], list[RedisFacts]] | None":
    """The same of each server that the broker consists of; None: it is local. Raises Misconfigured.

    The look raises Misconfigured, Unavailable.
    """
    if is_local(settings):
        return None
    from taskflow_hub.broker.redis_streams.examine import examine

    return partial(examine, settings.broker.url, without_secrets(settings.broker.url))


def _is_postgres(settings: Settings) -> bool:
    scheme = settings.database.url.partition(":")[0]
    if scheme not in {"sqlite", "postgresql", "postgres"}:
        raise Misconfigured(
            f"database.url: {scheme!r} is not a database we know; use sqlite:///taskflow.db "
            "or postgresql://user:password@host:5432/database"
        )
    return scheme != "sqlite"


def operator() -> By:
    """Who runs this process, for the audit: whoever has the database in hand is asked for no login."""
    try:
        user = getpass.getuser()
    except (ImportError, KeyError, OSError):  # a container may have no name for its user
        user = "somebody"
    return by_operator(f"{user}@{socket.gethostname()}")


async def place_on(connection: object) -> "Place":
    """The hub's tables on a connection of the caller's. Raises TypeError when it is none that we can use."""
    from taskflow_hub.store.callers import recognise

    caller = await recognise(connection)
    if caller.dialect == "sqlite":
        from taskflow_hub.store.sqlite.within import Within as SqliteWithin

        return SqliteWithin(caller)
    from taskflow_hub.store.postgres.within import Within as PostgresWithin

    return PostgresWithin(caller)


def is_local(settings: Settings) -> bool:
    """Whether engine and worker must share a process. Raises Misconfigured for a broker that we do not know."""
    url = settings.broker.url
    if url == "local":
        return True
    scheme = url.partition(":")[0]
    if scheme not in {"redis", "rediss", "unix"}:
        raise Misconfigured(
            f"broker.url: {scheme!r} is not a broker we know; use local, or redis://host:6379/0"
        )
    return False


def require_shared_broker(settings: Settings, role: str) -> None:
    """Raises Misconfigured when the broker is local, which reaches no other process."""
    if is_local(settings):
        raise Misconfigured(
            f"broker.url: `taskflow {role}` is one half of a hub, and needs a broker to reach the other; set "
            "TASKFLOW_BROKER_URL=redis://host:6379/0, or use `taskflow up`, which is both"
        )


@asynccontextmanager
async def open_broker(settings: Settings) -> AsyncIterator[Broker]:
    """The transport that is set. One that cannot be reached yet is waited for. Raises Misconfigured."""
    if is_local(settings):
        from taskflow_hub.broker.local import LocalBroker

        yield LocalBroker()
        return
    from taskflow_hub.broker.redis_streams import RedisBroker  # redis-py: only for those who use it

    async with RedisBroker.open(settings.broker.url) as broker:
        yield broker


@asynccontextmanager
async def open_engine(settings: Settings) -> "AsyncIterator[tuple[Engine, Broker]]":
    """An engine whose loops do not run yet: enough to submit, look and wait."""
    from taskflow_hub import builtin
    from taskflow_hub.engine.engine import Engine
    from taskflow_hub.engine.results import FolderResults

    check_database(settings)

    def count_dead() -> None:
        engine.metrics.dead_entries.inc()

    async with open_broker(settings) as broker:
        store = await open_store(settings)
        try:
            locks = lockfile.lock_dir(settings.worker.lock_dir)
            engine = Engine(
                store,
                broker.engine_side(count_dead),
                settings=settings.engine,
                results=FolderResults(results_dir(settings)),
                retention=settings.retention,
                auth=settings.auth,
                quotas=settings.quotas,
                version=VERSION,
                formats=builtin.formats(settings.net),
                provably_dead=lambda worker: lockfile.proves_death(locks, worker.id),
                on_buried=lambda worker: lockfile.remove(locks, worker.id),
                keyring=Keyring.of(settings.secrets.keys),
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


def make_worker(broker: Broker, registry: Registry, settings: Settings) -> Worker:
    """A worker that has not started."""
    keyring = Keyring.of(settings.secrets.keys)
    client = GuardedClient(settings.net)
    return Worker(broker.worker_side(), registry, settings.worker, keyring=keyring, http=client)


@asynccontextmanager
async def governing(
    settings: Settings, *, on_engine: "Callable[[Engine], None]" = lambda _: None
) -> "AsyncIterator[tuple[Engine, Broker]]":
    """An engine at work."""
    async with open_engine(settings) as (engine, broker):
        on_engine(engine)
        try:
            await engine.start()
            yield engine, broker
        finally:
            await engine.stop()


@asynccontextmanager
async def working(
    settings: Settings, registry: Registry, *, on_engine: "Callable[[Engine], None]" = lambda _: None
) -> "AsyncIterator[tuple[Engine, Broker, Worker]]":
    """Engine and worker, without an API.

    Undoing is the written order of a shutdown: the worker finishes or hands back what it has, the engine stores the last
    reports, the store closes.
    """
    async with governing(settings, on_engine=on_engine) as (engine, broker):
        worker = make_worker(broker, registry, settings)
        try:
            await worker.start()
            yield engine, broker, worker
        finally:
            await worker.stop()


@asynccontextmanager
async def running(
    settings: Settings,
    registry: Registry,
    *,
    on_engine: "Callable[[Engine], None]" = lambda _: None,
    origins: Mapping[str, str] = NOBODY_KNOWS,
) -> AsyncIterator[Process]:
    """API, engine and worker in one process, from the first request to the last report. `origins`: of the settings.

    The API opens when the worker's task types are known, so that the very first submit finds their defaults and schemas.

    At the end the API is the first to go: it refuses what is new at once, and ends what is under way while the worker's grace
    runs, so that the two do not add up.
    """
    from taskflow_hub.http.app import create_app
    from taskflow_hub.http.server import refuse_requests, serving

    async with working(settings, registry, on_engine=on_engine) as (engine, broker, worker):
        with contextlib.suppress(TimeoutError):  # where nothing can be written, the API is there to say so
            async with asyncio.timeout(REGISTER_S):
                await worker.registered()
        app = create_app(engine, settings.http, buckets=broker.buckets(), shown=shown(settings, origins))
        async with serving(app, settings.http) as url:
            yield Process(engine, worker, url)
            refuse_requests(app)
            leaving = asyncio.create_task(worker.stop(), name="taskflow.leave")
        await leaving


@asynccontextmanager
async def running_server(
    settings: Settings, *, origins: Mapping[str, str] = NOBODY_KNOWS
) -> AsyncIterator[Process]:
    """API and engine; workers are elsewhere. Raises Misconfigured."""
    from taskflow_hub.http.app import create_app
    from taskflow_hub.http.server import serving

    require_shared_broker(settings, "server")
    async with (
        governing(settings) as (engine, broker),
        serving(
            create_app(engine, settings.http, buckets=broker.buckets(), shown=shown(settings, origins)),
            settings.http,
        ) as url,
    ):
        yield Process(engine=engine, url=url)


@asynccontextmanager
async def running_worker(settings: Settings, registry: Registry) -> AsyncIterator[Process]:
    """A worker; the engine is elsewhere, and the database is not known here. Raises Misconfigured."""
    require_shared_broker(settings, "worker run")
    async with open_broker(settings) as broker:
        worker = make_worker(broker, registry, settings)
        try:
            await worker.start()
            yield Process(worker=worker)
        finally:
            await worker.stop()


async def run(
    running: AbstractAsyncContextManager[Process],
    *,
    stopping: asyncio.Event,
    on_start: Callable[[Process], None] = lambda _: None,
    on_ready: Callable[[Process], None] = lambda _: None,
) -> None:
    """Run until `stopping` is set, then shut down in order. Signals are the caller's business.

    A worker alone is ready once a server knows it; it may have to wait for one.
    """
    async with running as process:
        on_start(process)
        if process.engine is None and process.worker is not None:
            await _until_registered(process.worker, stopping)
        if not stopping.is_set():
            on_ready(process)
        await stopping.wait()
        log.info("stopping")


async def _until_registered(worker: Worker, stopping: asyncio.Event) -> None:
    waits = {asyncio.create_task(worker.registered()), asyncio.create_task(stopping.wait())}
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
    await asyncio.wait(waits)
