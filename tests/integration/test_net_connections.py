"""Which connections the guarded client keeps, how many, and what it does when one ends under it. Real servers on loopback."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
import pytest_asyncio
from tests.support.web_server import Request, Script, WebServer, answer

from taskflow_hub.net import AllowPrivate, GuardedClient, NetError, NetSettings, Unreachable
from taskflow_hub.net import pool as pools

OPEN = NetSettings(allow_private=AllowPrivate.parse("127.0.0.1,::1"))
KB = 1024


def client_with(**settings: Any) -> GuardedClient:
    return GuardedClient(OPEN.model_copy(update=settings))


@pytest_asyncio.fixture
async def server() -> AsyncIterator[WebServer]:
    async with WebServer() as running:
        running.pages["/"] = answer("ok")
        yield running


@pytest.fixture
def client() -> GuardedClient:
    return GuardedClient(OPEN)


class Crowd:
    """A page that holds its requests until told, and counts them."""

    def __init__(self) -> None:
        self.now = self.most = 0
        self.go, self.came = asyncio.Event(), asyncio.Event()

    async def page(self, request: Request, writer: asyncio.StreamWriter) -> None:
        self.now += 1
        self.most = max(self.most, self.now)
        self.came.set()
        await self.go.wait()
        self.now -= 1
        writer.write(answer("ok"))


# --- kept ------------------------------------------------------------------------------------------------------------


async def test_one_connection_carries_many_requests(server: WebServer, client: GuardedClient) -> None:
    for method in ("GET", "POST", "HEAD", "PUT"):
        server.pages["/"] = answer(b"" if method == "HEAD" else "ok", length=2)
        assert (await client.fetch(server.url(), method=method, content=b"", max_body=KB)).status == 200
    assert (len(server.requests), server.connections) == (4, 1)


async def test_redirects_and_bodies_read_to_the_last_byte_keep_it(
    server: WebServer, client: GuardedClient
) -> None:
    server.pages["/old"] = answer("moved", "302 Found", location="/")
    assert (await client.fetch(server.url("/old"), max_body=KB)).body == b"ok"
    assert (await client.fetch(server.url(), max_body=2)).body == b"ok"
    assert server.connections == 1


@pytest.mark.parametrize(
    "page",
    [
        answer("ok", connection="close"),
        b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok",
        answer("ok" + "more" * 100_000),
        answer("ok") + b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nwrong",
        answer("ok") + b"\r\n",
    ],
    ids=["close", "http10", "unread", "an-answer-nobody-asked-for", "a-byte-too-many"],
)
async def test_what_cannot_be_trusted_is_not_kept(
    server: WebServer, client: GuardedClient, page: bytes
) -> None:
    server.pages |= {"/odd": page, "/": answer("right")}
    assert (await client.fetch(server.url("/odd"), max_body=2)).body == b"ok"
    assert (await client.fetch(server.url(), max_body=KB)).body == b"right"
    assert server.connections == 2


async def test_what_the_server_says_while_nobody_asks_is_never_an_answer(
    server: WebServer, client: GuardedClient
) -> None:
    async def and_later(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(answer("ok"))
        await writer.drain()
        await asked.wait()
        writer.write(answer("poison"))
        await writer.drain()

    asked = asyncio.Event()
    server.pages |= {"/odd": and_later, "/": answer("right")}
    await client.fetch(server.url("/odd"), max_body=KB)
    asked.set()
    await server.left()  # the client has closed it
    assert (await client.fetch(server.url(), max_body=KB)).body == b"right"


async def test_an_unused_connection_is_closed_in_time(server: WebServer) -> None:
    client = client_with(keep_alive=0.05)
    await client.fetch(server.url(), max_body=KB)
    await server.left()
    await client.fetch(server.url(), max_body=KB)
    assert server.connections == 2


async def test_none_is_kept_where_the_setting_says_so(server: WebServer) -> None:
    client = client_with(keep_alive=0)
    for _ in range(2):
        await client.fetch(server.url(), max_body=KB)
    assert server.connections == 2
    assert server.requests[0].headers["connection"] == "close"


async def test_an_old_connection_is_let_go_though_it_is_busy(
    server: WebServer, client: GuardedClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pools, "OLDEST_S", 0.0)
    for _ in range(2):
        await client.fetch(server.url(), max_body=KB)
    assert server.connections == 2


@pytest.mark.parametrize("scheme", ["Negotiate", "NTLM", "negotiate"])
async def test_a_login_of_the_connection_is_not_left_to_the_next(
    server: WebServer, client: GuardedClient, scheme: str
) -> None:
    await client.fetch(server.url(), headers={"Authorization": f"{scheme} YII="}, max_body=KB)
    await client.fetch(server.url(), max_body=KB)
    assert server.connections == 2


async def test_every_client_has_connections_of_its_own(server: WebServer) -> None:
    for client in (GuardedClient(OPEN), client_with(allow_ports=(server.port,)), GuardedClient(OPEN)):
        await client.fetch(server.url(), max_body=KB)
    assert server.connections == 3


async def test_cookies_are_not_kept_with_the_connection(server: WebServer, client: GuardedClient) -> None:
    server.pages["/set"] = answer("ok", set_cookie="seen=1; Path=/")
    await client.fetch(server.url("/set"), max_body=KB)
    await client.fetch(server.url(), max_body=KB)
    assert server.connections == 1
    assert "cookie" not in server.requests[1].headers


async def test_a_closed_client_goes_on_with_new_connections(server: WebServer, client: GuardedClient) -> None:
    await client.fetch(server.url(), max_body=KB)
    await client.aclose()
    await server.left()
    await client.aclose()
    assert (await client.fetch(server.url(), max_body=KB)).body == b"ok"


async def test_what_is_in_use_when_a_client_is_closed_ends_with_its_request(
    server: WebServer, client: GuardedClient
) -> None:
    crowd = Crowd()
    server.pages["/"] = crowd.page
    fetching = asyncio.create_task(client.fetch(server.url(), max_body=KB))
    await crowd.came.wait()
    await client.aclose()
    crowd.go.set()
    assert (await fetching).body == b"ok"
    await asyncio.wait_for(server.left(), 2)  # sooner than it would be closed for want of use


def test_each_event_loop_has_its_own_and_they_end_with_it() -> None:
    client = GuardedClient(OPEN)

    async def fetch_twice() -> int:
        async with WebServer() as server:
            for _ in range(2):
                await client.fetch(server.url(), max_body=KB)
            return server.connections

    assert [asyncio.run(fetch_twice()) for _ in range(2)] == [1, 1]
    assert client._pools == {}


# --- how many --------------------------------------------------------------------------------------------------------


async def test_no_more_than_allowed_lead_to_one_origin(server: WebServer) -> None:
    crowd = Crowd()
    server.pages["/"] = crowd.page
    client = client_with(max_connections_per_origin=2)
    async with WebServer() as other, asyncio.TaskGroup() as group:
        fetches = [group.create_task(client.fetch(server.url(), max_body=KB)) for _ in range(7)]
        await crowd.came.wait()
        other.pages["/"] = answer("others need not wait")
        assert (await client.fetch(other.url(), max_body=KB)).status == 200
        crowd.go.set()
    assert all(fetch.result().status == 200 for fetch in fetches)
    assert (crowd.most, server.connections) == (2, 2)


async def test_no_more_than_allowed_are_open_and_the_longest_kept_makes_room(server: WebServer) -> None:
    client = client_with(max_connections=2)
    async with AsyncExitStack() as stack:
        others = [await stack.enter_async_context(WebServer()) for _ in range(2)]
        for each in (server, *others):
            await client.fetch(each.url(), max_body=KB)
        await server.left()
        for each in others:
            await client.fetch(each.url(), max_body=KB)
        assert [each.connections for each in others] == [1, 1]


async def test_who_waits_for_a_connection_waits_within_its_time(server: WebServer) -> None:
    crowd = Crowd()
    server.pages["/"] = crowd.page
    client = client_with(max_connections=1)
    first = asyncio.create_task(client.fetch(server.url(), max_body=KB))
    await crowd.came.wait()
    with pytest.raises(NetError, match=r"no complete answer within 0\.05 s"):
        await client.fetch(server.url(), max_body=KB, timeout=0.05)
    crowd.go.set()
    assert (await first).status == 200
    assert (await client.fetch(server.url(), max_body=KB)).status == 200
    assert len(server.requests) == 2


async def test_whatever_ends_a_fetch_its_place_is_free_again(server: WebServer) -> None:
    """Cancelled at any moment, refused, broken off or answered: the bounds hold, and nothing is lost of them."""
    dice = random.Random(7)

    async def any_end(request: Request, writer: asyncio.StreamWriter) -> None:
        most.append(len(server._talks))
        for _ in range(dice.randrange(3)):
            await asyncio.sleep(0)
        match dice.randrange(4):
            case 0:
                writer.transport.abort()
            case 1:
                writer.write(b"nonsense\r\n\r\n")
            case _:
                writer.write(answer("ok"))

    most: list[int] = []
    server.pages["/"] = any_end
    client = client_with(max_connections=3, max_connections_per_origin=3)

    async def one() -> None:
        fetching = asyncio.create_task(client.fetch(server.url(), max_body=KB))
        for _ in range(dice.randrange(40)):
            await asyncio.sleep(0)
        if dice.randrange(2):
            fetching.cancel()
        await asyncio.gather(fetching, return_exceptions=True)

    await asyncio.gather(*(one() for _ in range(300)))
    server.pages["/"] = answer("ok")
    await asyncio.gather(*(client.fetch(server.url(), max_body=KB) for _ in range(6)))
    ((pool, _),) = client._pools.values()
    assert (pool._in_use, len(pool._kept) <= 3) == (0, True)
    await client.aclose()
    assert pool._lanes == {}
    assert most


# --- a connection that ends under a request --------------------------------------------------------------------------


def once_then(what: Script) -> Script:
    """Answers the first request of each connection; to the second happens `what`."""
    known: set[asyncio.StreamWriter] = set()

    async def page(request: Request, writer: asyncio.StreamWriter) -> None:
        if writer in known:
            await what(request, writer)
        else:
            known.add(writer)
            writer.write(answer("ok"))

    return page


async def hang_up(request: Request, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def reset(request: Request, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def stammer(request: Request, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 2")
    writer.close()


@pytest.mark.parametrize("end", [hang_up, reset])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"method": "PUT", "content": b"x"},
        {"method": "DELETE"},
        {"method": "POST", "headers": {"Idempotency-Key": "k"}},
        {"method": "POST", "content": b"x", "idempotent": True},
    ],
    ids=["get", "put", "delete", "post-with-key", "post-that-says-so"],
)
async def test_what_may_be_repeated_is_sent_again_once(
    server: WebServer, client: GuardedClient, end: Script, options: dict[str, Any]
) -> None:
    server.pages["/"] = once_then(end)
    await client.fetch(server.url(), max_body=KB)
    assert (await client.fetch(server.url(), max_body=KB, **options)).body == b"ok"
    assert (len(server.requests), server.connections) == (3, 2)


@pytest.mark.parametrize("end", [hang_up, reset])
@pytest.mark.parametrize(
    "options", [{"method": "POST", "content": b"x"}, {"method": "PATCH"}, {"idempotent": False}]
)
async def test_what_may_not_be_repeated_is_not(
    server: WebServer, client: GuardedClient, end: Script, options: dict[str, Any]
) -> None:
    server.pages["/"] = once_then(end)
    await client.fetch(server.url(), max_body=KB)
    with pytest.raises(Unreachable, match="closed the connection without an answer") as caught:
        await client.fetch(server.url(), max_body=KB, **options)
    assert caught.value.retryable
    assert len(server.requests) == 2, "it may have been received, and was not sent again"


async def test_a_new_connection_that_ends_is_no_reason_to_repeat(
    server: WebServer, client: GuardedClient
) -> None:
    server.pages["/"] = hang_up
    with pytest.raises(Unreachable):
        await client.fetch(server.url(), max_body=KB)
    assert len(server.requests) == 1


async def test_an_answer_that_has_begun_is_no_reason_to_repeat(
    server: WebServer, client: GuardedClient
) -> None:
    server.pages["/"] = once_then(stammer)
    await client.fetch(server.url(), max_body=KB)
    with pytest.raises(NetError):
        await client.fetch(server.url(), max_body=KB)
    assert len(server.requests) == 2


async def test_a_connection_that_ended_while_it_was_kept_is_not_used(
    server: WebServer, client: GuardedClient
) -> None:
    async def and_leave(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(answer("ok"))
        await writer.drain()
        writer.close()

    server.pages["/"] = and_leave
    for n in range(1, 4):
        assert (await client.fetch(server.url(), method="POST", max_body=KB)).body == b"ok"
        await server.left()
        assert (len(server.requests), server.connections) == (n, n)
