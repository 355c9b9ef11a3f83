"""What a started service cannot be made to do: close between two lines, have a bug, serve as few connections as a test says."""

import asyncio

import pytest

from memory_queue import http1
from memory_queue.app import App
from memory_queue.http1 import Request, Response, Server
from memory_queue.jobqueue import JobQueue
from memory_queue.processing import RandomProcessor

REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


class Closing(JobQueue):
    """Closes when nobody thinks that it can."""

    def enqueue(self, id: str, payload: bytes, max_retries: int) -> None:
        self.close()
        super().enqueue(id, payload, max_retries)


async def test_a_queue_that_is_closed_after_all_is_said_to_be() -> None:
    queue = Closing(RandomProcessor(0), workers=1, size=1)
    answer = App(queue).handle(Request("POST", "/enqueue", b'{"id":"a"}', True))
    assert (answer.status, answer.body) == (503, b"queue closed\n")
    assert queue.find("a") is None


async def test_a_bug_is_a_500_that_says_nothing_and_a_traceback_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def handle(request: Request) -> Response:
        raise KeyError(request.path)

    server = Server(handle)
    reader, writer = await asyncio.open_connection("127.0.0.1", await server.open("127.0.0.1", 0))
    for _ in range(2):  # the connection is as good as before
        writer.write(REQUEST)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 500 Internal Server Error\r\n")
        assert await reader.readexactly(15) == b"internal error\n"
    assert "KeyError: '/'" in caplog.text
    writer.close()
    await server.close()


async def test_as_many_are_refused_as_are_served_and_beyond_that_hung_up_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(http1, "MAX_CONNECTIONS", 1)
    monkeypatch.setattr(http1, "LINGER_S", 60.0)
    server = Server(lambda request: Response(200, b""))
    port = await server.open("127.0.0.1", 0)
    opened = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
    opened[0][1].write(REQUEST)
    assert (await opened[0][0].readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
    assert (await opened[1][0].readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 503 ")
    opened.append(await asyncio.open_connection("127.0.0.1", port))
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await opened[2][0].readexactly(1)
    await server.close()
    for _, writer in opened:
        writer.close()
