"""The guarded client against real servers on loopback."""

import asyncio
import gzip
import ssl
from collections.abc import AsyncIterator, Sequence
from ipaddress import ip_address
from pathlib import Path

import pytest
import pytest_asyncio
import trustme
from tests.support.web_server import Request, WebServer, answer

from taskflow_hub.net import (
    AllowPrivate,
    BadAnswer,
    GuardedClient,
    NetError,
    NetSettings,
    RefusedUrl,
    TimedOut,
    TooLarge,
    TooManyRedirects,
    Unreachable,
    check_url,
)
from taskflow_hub.net.address import Address
from taskflow_hub.net.resolve import Resolver

OPEN = NetSettings(allow_private=AllowPrivate.parse("127.0.0.1,::1"))
KB = 1024


def names(**addresses: str) -> Resolver:
    """A resolver that knows these names; an underscore stands for a dot."""

    async def resolve(host: str, port: int) -> Sequence[Address]:
        return [ip_address(each) for each in addresses.get(host.replace(".", "_"), "").split()]

    return resolve


def moved(to: str, status: str = "302 Found") -> bytes:
    return answer(b"", status, location=to)


@pytest_asyncio.fixture
async def server() -> AsyncIterator[WebServer]:
    async with WebServer() as running:
        yield running


@pytest.fixture
def client() -> GuardedClient:
    return GuardedClient(OPEN)


# --- what a request looks like ---------------------------------------------------------------------------------------


async def test_a_page_is_fetched(server: WebServer, client: GuardedClient) -> None:
    server.pages["/a"] = answer("hello", content_type="text/plain", X_Twice="1\r\nx-twice: 2")
    got = await client.fetch(server.url("/a?b=c#d"), max_body=KB)
    assert (got.status, got.phrase, got.body, got.truncated) == (200, "OK", b"hello", False)
    assert got.url == server.url("/a?b=c")
    assert got.headers["content-type"] == "text/plain"
    assert got.headers["x-twice"] == "1, 2"
    (request,) = server.requests
    assert request.target == "/a?b=c"
    assert request.headers["host"] == f"127.0.0.1:{server.port}"
    assert request.headers["accept-encoding"] == "gzip, deflate"
    assert request.headers["user-agent"].startswith("TaskFlowHub/")


async def test_what_is_given_is_sent(server: WebServer, client: GuardedClient) -> None:
    server.pages["/"] = answer(status="204 No Content")
    await client.fetch(
        server.url(),
        method="POST",
        headers={"X-Event": "paid", "User-Agent": "me"},
        content=b"{}",
        max_body=KB,
    )
    (request,) = server.requests
    assert (request.method, request.body) == ("POST", b"{}")
    assert (request.headers["x-event"], request.headers["user-agent"]) == ("paid", "me")


async def test_the_environment_does_not_steer_requests(
    server: WebServer, client: GuardedClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password secret\n")
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/")
    monkeypatch.setenv("NETRC", str(netrc))
    server.pages["/"] = answer("direct")
    assert (await client.fetch(server.url(), max_body=KB)).body == b"direct"
    assert "authorization" not in server.requests[0].headers


async def test_bad_headers_are_refused_before_anything_is_sent(
    server: WebServer, client: GuardedClient
) -> None:
    with pytest.raises(RefusedUrl, match="'Host' is set by the client"):
        await client.fetch(server.url(), headers={"Host": "elsewhere"}, max_body=KB)
    assert server.connections == 0


@pytest.mark.parametrize("method", ["", "GET /", "GET\r\nX: y", "CONNECT", "Ü"])
async def test_a_method_that_is_none_is_refused(
    server: WebServer, client: GuardedClient, method: str
) -> None:
    with pytest.raises(RefusedUrl, match="the method"):
        await client.fetch(server.url(), method=method, max_body=KB)
    assert server.connections == 0


async def test_what_is_asked_for_is_spelled_in_ascii(server: WebServer, client: GuardedClient) -> None:
    await client.fetch(server.url('/ü%20/?q="<ö>"&r=%zz'), max_body=KB)
    assert server.requests[0].target == "/%C3%BC%20/?q=%22%3C%C3%B6%3E%22&r=%zz"


# --- where it may go -------------------------------------------------------------------------------------------------


async def test_loopback_is_refused_by_default(server: WebServer) -> None:
    with pytest.raises(
        RefusedUrl, match=r"^127\.0\.0\.1 is a loopback address; TASKFLOW_NET_ALLOW_PRIVATE allows"
    ):
        await GuardedClient(NetSettings()).fetch(server.url(), max_body=KB)
    assert server.connections == 0


async def test_a_name_is_checked_by_where_it_leads(server: WebServer) -> None:
    url = server.url(host="intranet.test")
    assert check_url(url, NetSettings()) is None, "only DNS can tell"
    client = GuardedClient(NetSettings(), resolve=names(intranet_test="127.0.0.1"))
    with pytest.raises(RefusedUrl, match=r"^intranet.test: 127.0.0.1 is a loopback address"):
        await client.fetch(url, max_body=KB)
    assert server.connections == 0


@pytest.mark.parametrize(
    "mixed", ["1.1.1.1 127.0.0.1", "127.0.0.1 169.254.169.254", "2606:4700::1 ::ffff:10.0.0.1"]
)
async def test_one_bad_address_refuses_the_name(server: WebServer, mixed: str) -> None:
    client = GuardedClient(
        OPEN if mixed.startswith("127") else NetSettings(), resolve=names(mixed_test=mixed)
    )
    with pytest.raises(RefusedUrl, match=r"^mixed.test: "):
        await client.fetch(server.url(host="mixed.test"), max_body=KB)
    assert server.connections == 0


async def test_a_name_that_changes_its_mind_is_asked_once(server: WebServer) -> None:
    """DNS rebinding: harmless when asked, private when dialled. Here asking and dialling are one."""
    asked = 0

    async def rebinding(host: str, port: int) -> Sequence[Address]:
        nonlocal asked
        asked += 1
        return [ip_address("127.0.0.1" if asked == 1 else "127.0.0.2")]

    server.pages["/"] = answer("first address")
    client = GuardedClient(OPEN, resolve=rebinding)
    assert (await client.fetch(server.url(host="rebinding.test"), max_body=KB)).body == b"first address"
    assert asked == 1
    assert server.requests[0].headers["host"] == f"rebinding.test:{server.port}"
    again = await client.fetch(server.url(host="rebinding.test"), max_body=KB)
    assert (again.body, asked, server.connections) == (b"first address", 1, 1), "kept: the checked address"
    await client.aclose()
    with pytest.raises(RefusedUrl, match=r"127\.0\.0\.2 is a loopback"):
        await client.fetch(server.url(host="rebinding.test"), max_body=KB)
    assert server.connections == 1


async def test_the_next_address_is_tried_when_one_does_not_answer(server: WebServer) -> None:
    server.pages["/"] = answer("second address")
    settings = NetSettings(allow_private=AllowPrivate.parse("127.0.0.0/8"))
    client = GuardedClient(settings, resolve=names(two_test="127.0.0.3 127.0.0.1"))
    assert (await client.fetch(server.url(host="two.test"), max_body=KB)).body == b"second address"


@pytest.mark.parametrize("spelling", ["127.1", "2130706433", "0x7f.1", "127.0.0.1.", "[::ffff:127.0.0.1]"])
async def test_odd_spellings_lead_where_they_were_checked(server: WebServer, spelling: str) -> None:
    server.pages["/"] = answer("home")
    got = await GuardedClient(OPEN).fetch(server.url(host=spelling), max_body=KB)
    assert got.url == server.url()


async def test_a_port_that_is_not_listed_is_not_dialled(server: WebServer) -> None:
    listed = OPEN.model_copy(update={"allow_ports": (80, 443)})
    reason = f"port {server.port} is none of those that TASKFLOW_NET_ALLOW_PORTS lists \\(80, 443\\)"
    with pytest.raises(RefusedUrl, match=reason):
        await GuardedClient(listed).fetch(server.url(), max_body=KB)
    assert server.connections == 0
    server.pages |= {"/": moved("http://127.0.0.1:1/"), "/here": answer("here")}
    here = GuardedClient(OPEN.model_copy(update={"allow_ports": (server.port,)}))
    assert (await here.fetch(server.url("/here"), max_body=KB)).body == b"here"
    with pytest.raises(RefusedUrl, match="port 1 is none"):
        await here.fetch(server.url(), max_body=KB)


# --- redirects -------------------------------------------------------------------------------------------------------


async def test_redirects_are_followed_and_told(server: WebServer, client: GuardedClient) -> None:
    server.pages |= {"/old/a": moved("../new page"), "/new%20page": answer("here")}
    got = await client.fetch(server.url("/old/a"), max_body=KB)
    assert (got.body, got.url) == (b"here", server.url("/new%20page"))


@pytest.mark.parametrize(
    ("to", "reason"),
    [
        ("http://127.0.0.2/", "127.0.0.2 is a loopback address"),
        ("http://169.254.169.254/latest/", "link-local"),
        ("//169.254.169.254/latest/", "link-local"),
        ("http://[::ffff:10.0.0.1]/", "10.0.0.1 is a private address"),
        ("http://private.test/", "private.test: 192.168.0.1 is a private address"),
        ("file:///etc/passwd", "redirects to a URL that is refused: the scheme"),
        ("http://user:secret@127.0.0.1/", "redirects to a URL that is refused: credentials"),
        ("http://127.0.0.1:99999/", "redirects to a URL that is refused: the port"),
        ("/" + "a" * 3000, "at most 2048"),
    ],
)
async def test_every_hop_is_checked(server: WebServer, to: str, reason: str) -> None:
    server.pages["/"] = moved(to)
    with pytest.raises(RefusedUrl, match=reason):
        await GuardedClient(OPEN, resolve=names(private_test="192.168.0.1")).fetch(server.url(), max_body=KB)
    assert len(server.requests) == 1


@pytest.mark.parametrize("to", ["http://[::1", "http://ex ample:x/", "//", "http://%/", "\x7f", "http:///"])
async def test_an_unreadable_redirect_is_an_error_of_ours(
    server: WebServer, client: GuardedClient, to: str
) -> None:
    server.pages["/"] = moved(to)
    with pytest.raises(NetError):
        await client.fetch(server.url(), max_body=KB)


async def test_redirects_come_to_an_end(server: WebServer, client: GuardedClient) -> None:
    server.pages["/"] = moved("/")
    with pytest.raises(TooManyRedirects, match="more than 5 redirects"):
        await client.fetch(server.url(), max_body=KB)
    assert len(server.requests) == 6


async def test_a_redirect_that_is_wanted_is_not_followed(server: WebServer, client: GuardedClient) -> None:
    server.pages["/"] = moved("/there")
    got = await client.fetch(server.url(), max_body=KB, follow=lambda status: status != 302)
    assert (got.status, got.headers["location"]) == (302, "/there")


async def test_a_redirect_to_nowhere_is_an_answer(server: WebServer, client: GuardedClient) -> None:
    server.pages["/"] = answer("choose", "300 Multiple Choices")
    assert (await client.fetch(server.url(), max_body=KB)).status == 300
    server.pages["/"] = answer("lost", "302 Found")
    assert (await client.fetch(server.url(), max_body=KB)).body == b"lost"


async def test_secrets_do_not_follow_to_another_origin(server: WebServer, client: GuardedClient) -> None:
    secrets = {"Authorization": "Bearer x", "Cookie": "a=b", "X-Api-Key": "k"}
    async with WebServer() as other:
        other.pages["/"] = answer("other")
        server.pages |= {"/1": moved("/2"), "/2": moved(other.url())}
        await client.fetch(server.url("/1"), headers={**secrets, "Accept": "text/x"}, max_body=KB)
        first, second, elsewhere = *server.requests, *other.requests
    for request in (first, second):
        assert request.headers["authorization"] == "Bearer x"
        assert request.headers["cookie"] == "a=b"
        assert request.headers["x-api-key"] == "k"
    assert elsewhere.headers["accept"] == "text/x"
    assert not {"authorization", "cookie", "x-api-key"} & set(elsewhere.headers)


async def test_cookies_last_for_one_fetch(server: WebServer, client: GuardedClient) -> None:
    async def gate(request: Request, writer: asyncio.StreamWriter) -> None:
        passed = request.headers.get("cookie") == "seen=1"
        writer.write(answer("in") if passed else answer(b"", "302 Found", location="/", set_cookie="seen=1"))

    server.pages["/"] = gate
    assert (await client.fetch(server.url(), max_body=KB)).body == b"in"
    assert len(server.requests) == 2
    await client.fetch(server.url(), max_body=KB)
    assert "cookie" not in server.requests[2].headers


@pytest.mark.parametrize(
    ("status", "then"),
    [
        ("307 Temporary Redirect", ("POST", b"order")),
        ("308 Permanent Redirect", ("POST", b"order")),
        ("303 See Other", ("GET", b"")),
    ],
)
async def test_a_post_keeps_its_meaning(
    server: WebServer, client: GuardedClient, status: str, then: tuple[str, bytes]
) -> None:
    server.pages |= {"/": moved("/there", status), "/there": answer("done")}
    headers = {"Content-Type": "text/plain", "X-Event": "e"}
    await client.fetch(server.url(), method="POST", headers=headers, content=b"order", max_body=KB)
    last = server.requests[-1]
    assert (last.method, last.body) == then
    assert last.headers["x-event"] == "e"
    assert ("content-type" in last.headers) == (last.method == "POST")


@pytest.mark.parametrize("status", ["301 Moved Permanently", "302 Found"])
async def test_a_post_is_never_turned_into_a_get_that_loses_it(
    server: WebServer, client: GuardedClient, status: str
) -> None:
    server.pages |= {"/": moved("/there", status), "/there": answer("done")}
    got = await client.fetch(server.url(), method="POST", content=b"order", max_body=KB)
    assert got.status == int(status[:3])
    assert len(server.requests) == 1


# --- how much, and how long -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "truncated"), [(999, False), (1000, False), (1001, True), (5_000_000, True)]
)
async def test_no_more_than_wanted_is_read(
    server: WebServer, client: GuardedClient, size: int, truncated: bool
) -> None:
    server.pages["/"] = answer(b"x" * size)
    got = await client.fetch(server.url(), max_body=1000)
    assert (len(got.body), got.truncated) == (min(size, 1000), truncated)


async def test_a_gzip_bomb_stops_at_the_limit(server: WebServer, client: GuardedClient) -> None:
    bomb = gzip.compress(bytes(200_000_000), compresslevel=1)
    server.pages["/"] = answer(bomb, content_encoding="gzip")
    got = await client.fetch(server.url(), max_body=1000)
    assert (got.body, got.truncated) == (bytes(1000), True)


async def test_an_endless_body_is_left(server: WebServer, client: GuardedClient) -> None:
    async def endless(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"more" * 1000)
            await writer.drain()

    server.pages["/"] = endless
    assert (await client.fetch(server.url(), max_body=1000)).truncated


async def drip(request: Request, writer: asyncio.StreamWriter) -> None:
    """Never silent for long, and never done."""
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
    await drip_on(writer)


async def drip_on(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.001)


async def silence(request: Request, writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def test_a_slow_body_meets_the_total_limit(server: WebServer) -> None:
    server.pages["/"] = drip
    client = GuardedClient(OPEN.model_copy(update={"total_timeout": 0.2}))
    with pytest.raises(TimedOut, match=r"no complete answer within 0\.2 s"):
        await client.fetch(server.url("/?key=secret"), max_body=KB * KB)


async def test_slow_headers_meet_the_total_limit(server: WebServer) -> None:
    async def drip_headers(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nx-long: ")
        await drip_on(writer)

    server.pages["/"] = drip_headers
    client = GuardedClient(OPEN.model_copy(update={"total_timeout": 0.2}))
    with pytest.raises(TimedOut, match=r"no complete answer within 0\.2 s"):
        await client.fetch(server.url(), max_body=KB)


async def test_a_request_may_have_less_time_than_the_settings_give(
    server: WebServer, client: GuardedClient
) -> None:
    server.pages |= {"/": silence, "/quick": answer("in time")}
    with pytest.raises(TimedOut, match=r"no complete answer within 0\.1 s"):
        await client.fetch(server.url(), max_body=KB, timeout=0.1)
    assert (await client.fetch(server.url("/quick"), max_body=KB, timeout=50)).body == b"in time"


async def test_a_request_never_has_more_time_than_the_settings_give(server: WebServer) -> None:
    server.pages["/"] = silence
    client = GuardedClient(OPEN.model_copy(update={"total_timeout": 0.1}))
    with pytest.raises(TimedOut, match=r"no complete answer within 0\.1 s"):
        await client.fetch(server.url(), max_body=KB, timeout=1000)


@pytest.mark.parametrize("timeout", [0, -1, float("nan")])
async def test_no_time_at_all_is_a_mistake(client: GuardedClient, timeout: float) -> None:
    with pytest.raises(ValueError, match="timeout must be seconds above 0"):
        await client.fetch("http://127.0.0.1/", max_body=KB, timeout=timeout)


async def test_silence_meets_the_read_limit(server: WebServer) -> None:
    server.pages["/"] = silence
    client = GuardedClient(OPEN.model_copy(update={"read_timeout": 0.1}))
    with pytest.raises(TimedOut, match=r"^http://127\.0\.0\.1:\d+ did not answer in time"):
        await client.fetch(server.url(), max_body=KB)


async def test_a_slow_name_meets_the_total_limit() -> None:
    async def never(host: str, port: int) -> Sequence[Address]:
        await asyncio.Event().wait()
        return []

    client = GuardedClient(NetSettings(total_timeout=0.1), resolve=never)
    with pytest.raises(TimedOut, match=r"slow\.test"):
        await client.fetch("http://slow.test/", max_body=KB)


async def test_cancelling_leaves_nothing_open(server: WebServer, client: GuardedClient) -> None:
    asked = asyncio.Event()

    async def hold(request: Request, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await silence(request, writer)

    server.pages["/"] = hold
    fetching = asyncio.create_task(client.fetch(server.url(), max_body=KB))
    await asked.wait()
    fetching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await fetching


@pytest.mark.parametrize(("size", "error"), [(70, TooLarge), (300, BadAnswer)])
async def test_headers_are_bounded(
    server: WebServer, client: GuardedClient, size: int, error: type[NetError]
) -> None:
    server.pages["/"] = answer("x", x_long="y" * size * KB)
    with pytest.raises(error):
        await client.fetch(server.url(), max_body=KB)


# --- when it goes wrong ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "nonsense",
    [
        b"SSH-2.0-OpenSSH_9.9\r\n\r\n",
        b"HTTP/1.1 two hundred\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nbad header\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzzz\r\n",
    ],
)
async def test_what_is_not_http_is_told(server: WebServer, client: GuardedClient, nonsense: bytes) -> None:
    server.pages["/"] = nonsense
    with pytest.raises(BadAnswer, match="sent no valid HTTP answer") as caught:
        await client.fetch(server.url(), max_body=KB)
    assert caught.value.retryable


async def test_a_body_that_breaks_off_is_told(server: WebServer, client: GuardedClient) -> None:
    async def break_off(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(answer("half", length=8))
        writer.close()

    server.pages["/"] = break_off
    with pytest.raises(BadAnswer):
        await client.fetch(server.url(), max_body=KB)


async def test_a_closed_port_is_told_with_its_reason(client: GuardedClient) -> None:
    async with WebServer() as gone:
        url = gone.url("/?key=secret")
    with pytest.raises(Unreachable, match=r"^http://127\.0\.0\.1:\d+ cannot be reached: .*Connect") as caught:
        await client.fetch(url, max_body=KB)
    assert caught.value.retryable


async def test_a_name_without_an_address_is_told() -> None:
    with pytest.raises(Unreachable, match=r"^nowhere\.test has no address"):
        await GuardedClient(OPEN, resolve=names()).fetch("http://nowhere.test/", max_body=KB)


async def test_the_system_resolves_names(server: WebServer) -> None:
    server.pages["/"] = answer("home")
    assert (await GuardedClient(OPEN).fetch(server.url(host="localhost"), max_body=KB)).body == b"home"
    with pytest.raises(Unreachable, match="has no address"):
        await GuardedClient(OPEN).fetch("http://name.invalid/", max_body=KB)


# --- TLS -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def secure(authority: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


@pytest.fixture
def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


async def test_tls_is_spoken_with_the_name_over_the_checked_address(
    authority: trustme.CA, trusting: ssl.SSLContext
) -> None:
    asked: list[str | None] = []
    context = secure(authority, "shop.test")
    context.sni_callback = lambda connection, name, _: asked.append(name)
    client = GuardedClient(OPEN, resolve=names(shop_test="127.0.0.1"), ssl_context=trusting)
    async with WebServer(context=context) as server:
        server.pages["/"] = answer("secure")
        got = await client.fetch(server.url(host="shop.test"), max_body=KB)
    assert got.body == b"secure"
    assert asked == ["shop.test"]
    assert server.requests[0].headers["host"] == f"shop.test:{server.port}"


async def test_a_certificate_for_another_name_is_refused(
    authority: trustme.CA, trusting: ssl.SSLContext
) -> None:
    client = GuardedClient(OPEN, resolve=names(shop_test="127.0.0.1"), ssl_context=trusting)
    async with WebServer(context=secure(authority, "other.test")) as server:
        with pytest.raises(Unreachable, match=r"shop\.test.*certificate"):
            await client.fetch(server.url(host="shop.test"), max_body=KB)
        assert server.requests == []


async def test_what_was_said_in_private_is_not_repeated_aloud(
    authority: trustme.CA, trusting: ssl.SSLContext, server: WebServer
) -> None:
    client = GuardedClient(OPEN, ssl_context=trusting)
    async with WebServer(context=secure(authority, "127.0.0.1")) as private:
        private.pages["/"] = moved(server.url("/?token=1"))
        with pytest.raises(RefusedUrl, match="redirects from https to http"):
            await client.fetch(private.url(), max_body=KB)
    assert server.connections == 0
