"""uvicorn inside an event loop that somebody else runs. Signals are the caller's business."""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Iterator
from typing import Final

import uvicorn
from fastapi import FastAPI

from taskflow_hub.domain.errors import Misconfigured
from taskflow_hub.http.lifetime import Lifetime
from taskflow_hub.http.protocol import Protocol, limited
from taskflow_hub.http.rates import Rates
from taskflow_hub.http.settings import HttpSettings

SWEEP_S: Final = 1.0


def refuse_requests(app: FastAPI) -> None:
    """From now on new requests are answered 503 `shutting_down`, and long answers end. The first step of a shutdown that
    takes a while; leaving `serving` does it as well. Twice is harmless."""
    lifetime: Lifetime = app.state.api.lifetime
    lifetime.close()


@contextlib.asynccontextmanager
async def serving(app: FastAPI, settings: HttpSettings) -> AsyncIterator[str]:
    """Listens while entered, and gives the address: "http://127.0.0.1:8080". Raises Misconfigured when it cannot be had.

    Leaving ends long answers, lets other requests under way finish for at most `stop_grace`, and closes.
    """
    listener = _listen(settings)
    server = _Server(app, settings)
    running = asyncio.create_task(server.serve(sockets=[listener]), name="HttpServer")
    rates: Rates | None = app.state.rates
    try:
        if rates is not None:
            await rates.start()
        await server.listening.wait()
        host, port = listener.getsockname()[:2]
        yield f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    finally:
        refuse_requests(app)
        server.end()
        await asyncio.wait({running})
        if rates is not None:
            await rates.stop()
        running.result()


class _Server(uvicorn.Server):
    def __init__(self, app: FastAPI, settings: HttpSettings) -> None:
        self._protocol = limited(settings)
        super().__init__(
            uvicorn.Config(
                app,
                http=self._protocol,
                ws="none",
                loop="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                backlog=settings.backlog,
                timeout_keep_alive=settings.keep_alive,  # type: ignore[arg-type]  # it is given to call_later as it is
                timeout_graceful_shutdown=settings.stop_grace,  # type: ignore[arg-type]  # likewise, to wait_for
            )
        )
        self.listening, self._ending = asyncio.Event(), asyncio.Event()

    def end(self) -> None:
        self.should_exit = self._protocol.closing = True
        self._ending.set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    async def main_loop(self) -> None:
        """Look in once a second instead of ten times, and end at once when told to."""
        while not await self.on_tick(0):
            now = time.monotonic()
            for connection in tuple(self.server_state.connections):
                if isinstance(connection, Protocol):
                    connection.sweep(now)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SWEEP_S):
                    await self._ending.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """uvicorn lets go of what has not ended in time; here it has ended when this returns."""
        await super().shutdown(sockets)
        while self.server_state.connections:  # each leaves it in the loop's next turn
            for connection in tuple(self.server_state.connections):
                connection.transport.abort()
            await asyncio.sleep(0.005)
        if self.server_state.tasks:
            await asyncio.wait(self.server_state.tasks, timeout=1.0)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _listen(settings: HttpSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # asyncio lets an answer out at once only where the protocol is said; else each may wait 40 ms for the client's system.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((settings.host, settings.port))
    except OSError as error:
        listener.close()
        raise Misconfigured(
            f"http.port: cannot listen on {settings.host}:{settings.port}: {error.strerror}. "
            "Is a hub running there already? Another port can be set."
        ) from None
    listener.setblocking(False)
    return listener
