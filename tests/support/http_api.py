"""The API on a real port, around a real engine and store, in the test's own event loop."""

import asyncio
import concurrent.futures
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx
from fastapi import FastAPI
from tests.support.far_end import FarProcess
from tests.support.grounds import open_ends
from tests.support.stores import open_store

from taskflow_hub.engine.engine import Engine
from taskflow_hub.engine.results import FolderResults
from taskflow_hub.engine.settings import AuthSettings, EngineSettings, RetentionSettings
from taskflow_hub.http import openapi
from taskflow_hub.http.app import create_app
from taskflow_hub.http.server import serving
from taskflow_hub.http.settings import HttpSettings
from taskflow_hub.net import check_url
from taskflow_hub.net.settings import NetSettings
from taskflow_hub.redaction import SettingsSection
from taskflow_hub.secrets.keyring import NO_KEYS, Keyring
from taskflow_hub.worker.registry import Registry
from taskflow_hub.worker.settings import WorkerSettings
from taskflow_hub.worker.worker import Worker

T = TypeVar("T")

make_document, made_documents = openapi.document, dict[str, openapi.Schema]()


def document(app: FastAPI) -> openapi.Schema:
    """All apps of a version have the same. To make it takes longer than most tests of HTTP do, so a process makes it once."""
    if app.version not in made_documents:
        made_documents[app.version] = make_document(app)
    return made_documents[app.version]


openapi.document = document


@dataclass(frozen=True)
class Running:
    app: FastAPI
    engine: Engine
    url: str
    client: httpx.AsyncClient

    @property
    def address(self) -> tuple[str, int]:
        parts = urlsplit(self.url)
        assert parts.hostname
        assert parts.port
        return parts.hostname, parts.port

    async def submit(self, type: str = "demo.noop", payload: Any = None, **fields: Any) -> dict[str, Any]:
        answer = await self.client.post("/tasks", json={"type": type, "payload": payload or {}, **fields})
        assert answer.status_code in {200, 202}, answer.text
        task: dict[str, Any] = answer.json()
        return task

    async def count(self) -> int:
        """How many tasks are stored."""
        return sum([1 async for _ in self._ids()])

    async def _ids(self) -> AsyncIterator[str]:
        cursor: str | None = None
        while True:
            page = (
                await self.client.get(
                    "/tasks", params={"limit": 1000, **({"cursor": cursor} if cursor else {})}
                )
            ).json()
            for task in page["items"]:
                yield task["id"]
            cursor = page["next_cursor"]
            if cursor is None:
                return

    async def raw(self, request: bytes, *, end: bool = False) -> bytes:
        """Send bytes as they are, and read until the server closes or has answered once."""
        reader, writer = await asyncio.open_connection(*self.address)
        try:
            writer.write(request)
            if end:
                writer.write_eof()
            async with asyncio.timeout(20):
                return await _one_answer(reader)
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


async def eventually(true: Callable[[], bool], within_s: float = 10.0) -> None:
    """Wait for what gives no sign when it comes to be: that something is gone."""
    async with asyncio.timeout(within_s):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def _one_answer(reader: asyncio.StreamReader) -> bytes:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        return error.partial
    lengths = [
        line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")
    ]
    return head + (await reader.readexactly(int(lengths[0])) if lengths else await reader.read())


@contextlib.asynccontextmanager
async def api(
    folder: Path,
    database_url: str | None = None,
    broker_url: str = "local",
    process: FarProcess | None = None,
    *,
    loops: bool = True,
    handlers: Registry | None = None,
    auth: AuthSettings | None = None,
    keyring: Keyring = NO_KEYS,
    shown: Sequence[SettingsSection] = (),
    **settings: Any,
) -> AsyncIterator[Running]:
    """`database_url` None: what is tested has nothing to do with the store, and a file in the folder will do.

    `loops` False: tasks are stored and stay where they are. `handlers`: a worker runs them, in this event loop too; over Redis
    it speaks from another process. `auth`: with accounts. `keyring`: for secret fields. `shown`: what GET /settings tells.
    """
    net = NetSettings()
    http = HttpSettings(**{"port": 0, **settings})
    async with contextlib.AsyncExitStack() as undo:
        ends = await undo.enter_async_context(open_ends(broker_url, process, far="workers"))
        store = await open_store(database_url or f"sqlite:///{folder}/taskflow.db")
        undo.push_async_callback(store.close)
        engine = Engine(
            store,
            ends.server.engine_side(lambda: None),
            settings=EngineSettings(),
            results=FolderResults(folder / "results"),
            retention=RetentionSettings(),
            auth=auth or AuthSettings(),
            version="1.2.3",
            formats={"outbound-url": lambda url: check_url(url, net)},
            provably_dead=lambda _: False,
            keyring=keyring,
        )
        undo.push_async_callback(engine.stop)
        if loops:
            await engine.start()
        if handlers is not None:
            side = ends.workers.worker_side()
            worker = Worker(
                side, handlers, WorkerSettings(grace=0, lock_dir=folder / "locks"), keyring=keyring
            )
            undo.push_async_callback(worker.stop)
            await worker.start()
            await worker.registered()
        app = create_app(engine, http, shown=shown)
        url = await undo.enter_async_context(serving(app, http))
        client = await undo.enter_async_context(httpx.AsyncClient(base_url=url, timeout=30))
        yield Running(app, engine, url, client)


class Threaded:
    """The same in a thread of its own, for tests that are not async: sockets, a browser, schemathesis."""

    def __init__(self, hub: Running, loop: asyncio.AbstractEventLoop) -> None:
        self.hub, self.url, self._loop = hub, hub.url, loop

    def run(self, made: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine where the hub runs."""
        return asyncio.run_coroutine_threadsafe(made, self._loop).result(60)

    def raw(self, request: bytes, *, end: bool = False) -> bytes:
        return self.run(self.hub.raw(request, end=end))

    def count(self) -> int:
        return self.run(self.hub.count())


@contextlib.contextmanager
def api_in_thread(folder: Path, database_url: str | None = None, **options: Any) -> Iterator[Threaded]:
    ready: concurrent.futures.Future[Threaded] = concurrent.futures.Future()
    stopping: concurrent.futures.Future[None] = concurrent.futures.Future()

    async def live() -> None:
        async with api(folder, database_url, **options) as hub:
            ready.set_result(Threaded(hub, asyncio.get_running_loop()))
            await asyncio.wrap_future(stopping)

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        ended = pool.submit(asyncio.run, live())
        ended.add_done_callback(
            lambda _: None if ready.done() else ready.set_exception(RuntimeError("no hub"))
        )
        try:
            yield ready.result()
        finally:
            stopping.set_result(None)
            ended.result()
