"""The server around the app: bounds of time and number, and how it ends. What lies below it makes no difference."""

import asyncio
import socket
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import ValidationError
from tests.support.http_api import Running, api, eventually

from taskflow_hub.domain.errors import Misconfigured
from taskflow_hub.http.protocol import Protocol
from taskflow_hub.http.server import refuse_requests, serving
from taskflow_hub.http.settings import HttpSettings
from taskflow_hub.worker.registry import Registry


async def test_it_gives_its_address_and_frees_the_port(tmp_path: Path) -> None:
    async with api(tmp_path, loops=False) as hub:
        port = hub.address[1]
        settings = HttpSettings(port=port)
        with pytest.raises(Misconfigured, match=f"cannot listen on 127.0.0.1:{port}"):
            async with serving(hub.app, settings):
                pass
        assert (await hub.client.get("/healthz")).status_code == 200
    async with api(tmp_path, loops=False) as hub:
        assert hub.url.startswith("http://127.0.0.1:")


async def test_ipv6_loopback(tmp_path: Path) -> None:
    async with api(tmp_path, loops=False, host="::1") as hub:
        assert hub.url.startswith("http://[::1]:")
        assert (await hub.client.get("/healthz")).status_code == 200


# --- the end


async def test_while_it_ends_new_requests_are_503_and_health_is_told(tmp_path: Path) -> None:
    async with api(tmp_path, loops=False) as hub:
        await hub.submit("a")
        for _ in range(2):
            refuse_requests(hub.app)
        for method, path in (
            ("POST", "/tasks"),
            ("GET", "/tasks"),
            ("GET", "/ui/"),
            ("GET", "/events"),
            ("GET", "/nowhere"),
        ):
            answer = await hub.client.request(method, path)
            assert (answer.status_code, answer.json()["code"]) == (503, "shutting_down")
            assert int(answer.headers["retry-after"]) >= 1
            assert answer.headers["connection"] == "close"
        assert (await hub.client.get("/healthz")).status_code == 200
        ready = await hub.client.get("/readyz")
        assert (ready.status_code, ready.json()["checks"]["api"]) == (503, "shutting down")


async def test_streams_and_waits_end_promptly(tmp_path: Path) -> None:
    never, registry = asyncio.Event(), Registry()

    async def hold() -> None:
        await never.wait()

    registry.add("hold", hold)
    async with api(tmp_path, handlers=registry) as hub:
        task = await hub.submit("hold")
        waiting = asyncio.create_task(
            hub.client.post("/tasks", json={"type": "hold"}, headers={"Prefer": "wait=60"})
        )

        async def follow(path: str) -> bytes:
            async with hub.client.stream("GET", path) as answer:
                return b"".join([chunk async for chunk in answer.aiter_raw()])

        streams = [asyncio.create_task(follow(path)) for path in ("/events", f"/tasks/{task['id']}/events")]
        await eventually(lambda: len(hub.app.state.api.lifetime._long) == 3)
        refuse_requests(hub.app)
        async with asyncio.timeout(30):  # not after sixty seconds
            ended = await asyncio.gather(*streams)
            answer = await waiting
        assert all(text.startswith(b"retry:") for text in ended)
        assert (answer.status_code, answer.json()["type"]) == (202, "hold")


async def test_requests_under_way_finish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entered, leave = asyncio.Event(), asyncio.Event()
    async with httpx.AsyncClient(timeout=20) as client:
        async with api(tmp_path, loops=False, stop_grace=20) as hub:
            workers = hub.engine.store.workers

            async def slow(*args: object, **kwargs: object) -> object:
                entered.set()
                await leave.wait()
                return await workers()

            monkeypatch.setattr(hub.engine.store, "workers", slow)
            asked = asyncio.create_task(client.get(hub.url + "/workers"))
            await entered.wait()
            asyncio.get_running_loop().call_later(0.2, leave.set)
        assert (await asked).status_code == 200


async def test_what_does_not_finish_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entered = asyncio.Event()
    async with httpx.AsyncClient(timeout=20) as client:
        async with api(tmp_path, loops=False, stop_grace=0.2) as hub:

            async def stuck(*args: object, **kwargs: object) -> object:
                entered.set()
                await asyncio.Event().wait()
                return None

            monkeypatch.setattr(hub.engine.store, "workers", stuck)
            asked = asyncio.create_task(client.get(hub.url + "/workers"))
            await entered.wait()
        await asyncio.wait({asked})
        assert asked.exception() is not None or asked.result().status_code >= 500


async def test_who_comes_while_it_ends_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that was accepted at the last moment neither holds the end up nor is forgotten."""
    async with api(tmp_path, loops=False, stop_grace=60) as hub:
        late: list[Any] = []
        shutdown = Protocol.shutdown

        def meanwhile(self: Protocol) -> None:
            shutdown(self)
            ours, theirs = socket.socketpair()
            late.append(theirs)
            making = asyncio.get_running_loop().connect_accepted_socket(
                lambda: type(self)(self.config, self.server_state, {}), ours
            )
            late.append(asyncio.ensure_future(making))

        monkeypatch.setattr(Protocol, "shutdown", meanwhile)
        await hub.client.get("/healthz")
        began = time.monotonic()
    assert time.monotonic() - began < 30
    theirs, making = late
    await making
    with theirs:
        assert theirs.recv(65_536).startswith(b"HTTP/1.1 503")


# --- bounds


async def cut_off(hub: Running, first: bytes, then: bytes = b"") -> bytes:
    """Send something, perhaps a little more every moment; what comes back until the server closes."""
    reader, writer = await asyncio.open_connection(*hub.address)
    writer.write(first)
    reading = asyncio.create_task(reader.read())
    async with asyncio.timeout(20):
        while not reading.done():
            if then:
                writer.write(then)
            await asyncio.wait({reading}, timeout=0.1)
    writer.close()
    return await reading


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n", b"X: y\r\n"),
        (b"GET /heal", b""),
        (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ", b"y"),
        (b"POST /tasks HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n", b" "),
        (b"POST /tasks HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{", b""),
        (b"POST /tasks HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    ],
    ids=["headers", "line", "value", "body", "stalled body", "chunks"],
)
async def test_a_slow_loris_is_cut_off_with_408(tmp_path: Path, first: bytes, then: bytes) -> None:
    async with api(tmp_path, loops=False, header_timeout=0.5, body_timeout=0.5) as hub:
        answer = await cut_off(hub, first, then)
        assert answer.startswith(b"HTTP/1.1 408")
        assert b"application/problem+json" in answer
        assert b'"code":"request_timeout"' in answer
        assert await hub.count() == 0


@pytest.mark.parametrize("first", [b"", b"\r\n"])
async def test_who_connects_and_says_nothing_is_let_go(tmp_path: Path, first: bytes) -> None:
    async with api(tmp_path, loops=False, header_timeout=0.5) as hub:
        assert await cut_off(hub, first) == b""


async def test_a_body_that_comes_slowly_after_its_refusal_is_cut_off(tmp_path: Path) -> None:
    async with api(tmp_path, loops=False, body_timeout=0.5) as hub:
        answer = await cut_off(
            hub, b"PUT /tasks HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n", b"x"
        )
        assert answer.count(b"HTTP/1.1") == 1 or answer.startswith(b"HTTP/1.1 405")


HUGE = b"POST /tasks HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50000000\r\n\r\n"


@pytest.mark.parametrize("sent", [0, 100_000, 50_000_000], ids=["nothing", "the beginning", "all"])
async def test_a_body_that_is_too_large_ends_the_connection_with_its_answer(
    tmp_path: Path, sent: int
) -> None:
    """At once, whether the client waits for the answer first or sends without looking; and it can read the answer."""
    async with api(tmp_path, loops=False) as hub:
        reader, writer = await asyncio.open_connection(*hub.address)
        writer.write(HUGE + b"x" * sent)
        async with asyncio.timeout(hub.app.state.api.settings.body_timeout / 2):
            await writer.drain()
            answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 413")
        assert b"\r\nconnection: close\r\n" in answer
        assert b'"code":"too_large"' in answer
        writer.close()
        await writer.wait_closed()


async def test_an_idle_connection_is_kept_and_then_let_go(tmp_path: Path) -> None:
    async with api(tmp_path, loops=False, keep_alive=0.5, header_timeout=0.1) as hub:
        answer = await cut_off(hub, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 200")
        assert answer.count(b"HTTP/1.1") == 1


async def test_connections_are_bounded(tmp_path: Path) -> None:
    async with api(tmp_path, loops=False, max_connections=2) as hub:
        kept = [await asyncio.open_connection(*hub.address) for _ in range(2)]
        answer = await hub.raw(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 503")
        assert b'"code":"unavailable"' in answer
        for _, writer in kept:
            writer.close()
            await writer.wait_closed()
        assert (await hub.raw(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")).startswith(
            b"HTTP/1.1 200"
        )


async def test_who_closes_its_side_after_asking_is_still_answered(tmp_path: Path) -> None:
    async with api(tmp_path, loops=False) as hub:
        answer = await hub.raw(b"GET /tasks HTTP/1.1\r\nHost: localhost\r\n\r\n", end=True)
        assert answer.startswith(b"HTTP/1.1 200")


async def test_a_body_announced_with_expect_is_asked_for(tmp_path: Path) -> None:
    async with api(tmp_path, loops=False) as hub:
        reader, writer = await asyncio.open_connection(*hub.address)
        head = (
            b"POST /tasks HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n"
        )
        writer.write(head % 13)
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b'{"type": "a"}')
        assert (await reader.readline()) == b"HTTP/1.1 202 Accepted\r\n"
        writer.close()
        await writer.wait_closed()

        reader, writer = await asyncio.open_connection(*hub.address)
        writer.write(head % 2_000_000)
        assert (await reader.readline()).startswith(b"HTTP/1.1 413")
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize("length", ["Content-Length: 2097152", "Transfer-Encoding: chunked"])
async def test_a_body_that_nobody_reads_does_not_cut_off_the_answer(tmp_path: Path, length: str) -> None:
    """Closed while a part of it is on its way, the connection would be reset, and what the client has not read yet be lost."""
    body = b"x" * 2_097_152 if "Length" in length else b"200000\r\n%b\r\n0\r\n\r\n" % (b"x" * 0x200000)
    head = f"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{length}\r\n\r\n"

    def ask(address: tuple[str, int]) -> bytes:
        with socket.socket() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.settimeout(20)
            connection.connect(address)
            connection.sendall(head.encode() + body)
            found = b""
            while some := connection.recv(65_536):
                found += some
            return found

    async with api(tmp_path, loops=False) as hub:
        whole = (await hub.client.get("/openapi.json", headers={"Accept-Encoding": "identity"})).content
        for answer in await asyncio.gather(*[asyncio.to_thread(ask, hub.address) for _ in range(5)]):
            assert answer.startswith(b"HTTP/1.1 200")
            assert answer.endswith(whole), "all of it has come"


async def test_a_request_behind_one_that_ended_the_connection_is_not_done(tmp_path: Path) -> None:
    async with api(tmp_path, loops=False) as hub:
        late = b'POST /tasks HTTP/1.1\r\nHost: localhost\r\nContent-Length: 13\r\n\r\n{"type": "a"}'
        head = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 9\r\n\r\n"
        reader, writer = await asyncio.open_connection(*hub.address)
        writer.write(head)
        assert (await reader.readline()) == b"HTTP/1.1 200 OK\r\n"
        writer.write(b"x" * 9 + late)
        assert b"HTTP/1.1" not in await reader.read()
        writer.close()
        await writer.wait_closed()
        assert (await hub.client.get("/tasks")).json()["items"] == []


def test_a_host_is_an_address() -> None:
    for host in ("example.org", "", "127.0.0.1.example.org"):
        with pytest.raises(ValidationError, match="is not an address"):
            HttpSettings(host=host)
    for host in ("127.0.0.1", "127.1.2.3", "::1", "localhost"):
        assert HttpSettings(host=host).is_loopback
    for host in ("0.0.0.0", "::", "192.168.1.1"):
        assert not HttpSettings(host=host).is_loopback
