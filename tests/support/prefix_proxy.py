"""A proxy that serves a hub below a prefix, and tells it nothing of that."""

import asyncio
import contextlib
from collections.abc import Iterator

from tests.support.http_api import Threaded


@contextlib.contextmanager
def below(server: Threaded, prefix: str) -> Iterator[str]:
    """Where the hub is found behind it. One request a connection; streams pass as they come."""
    talks: set[asyncio.Task[None]] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        here = asyncio.current_task()
        assert here is not None
        talks.add(here)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            async with contextlib.AsyncExitStack() as closing:
                closing.push_async_callback(_hang_up, writer)
                first, *headers = (await reader.readuntil(b"\r\n\r\n")).rstrip().split(b"\r\n")
                kept = [line for line in headers if not line.lower().startswith(b"connection:")]
                there, back = await asyncio.open_connection(*server.hub.address)
                closing.push_async_callback(_hang_up, back)
                asked = [
                    first.replace(b" " + prefix.encode(), b" ", 1),
                    *kept,
                    b"Connection: close",
                    b"",
                    b"",
                ]
                back.write(b"\r\n".join(asked))
                sending = asyncio.create_task(_pass_on(reader, back))
                closing.callback(sending.cancel)
                await _pass_on(there, writer)
        talks.discard(here)

    async def start() -> asyncio.Server:
        return await asyncio.start_server(talk, "127.0.0.1", 0)

    async def stop(listening: asyncio.Server) -> None:
        listening.close()
        for one in talks:
            one.cancel()
        await asyncio.gather(*talks, return_exceptions=True)

    listening = server.run(start())
    try:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}{prefix}"
    finally:
        server.run(stop(listening))


async def _hang_up(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
