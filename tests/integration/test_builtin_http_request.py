"""`http.request` against real servers on loopback."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
import pytest_asyncio
from pydantic import JsonValue
from tests.support.web_server import Request, WebServer, answer

from taskflow_hub.builtin.http_request import MAX_BODY, Method, http_request
from taskflow_hub.domain.outcomes import Fail, Retry
from taskflow_hub.net import AllowPrivate, GuardedClient, NetSettings
from taskflow_hub.testing.handlers import RecordedContext

CLIENT = GuardedClient(NetSettings(allow_private=AllowPrivate.parse("127.0.0.1")))


@pytest_asyncio.fixture
async def server() -> AsyncIterator[WebServer]:
    async with WebServer() as running:
        running.pages["/"] = answer("ok", content_type="text/plain")
        yield running


async def ask(server: WebServer, **payload: Any) -> Any:
    ctx = RecordedContext(task_id="task-1", http=CLIENT)
    return await http_request(server.url(payload.pop("path", "/")), ctx, **payload)


async def test_the_answer_is_kept(server: WebServer) -> None:
    server.pages["/"] = answer("привет", "201 Created", content_type="text/plain", X_Id="7")
    assert await ask(server) == {
        "status": 201,
        "headers": {"content-length": "12", "content-type": "text/plain", "x-id": "7"},
        "body": "привет",
        "truncated": False,
    }
    assert server.requests[0].method == "GET"


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_every_method(server: WebServer, method: Method) -> None:
    if method == "HEAD":
        server.pages["/"] = answer(length=2)
    got = await ask(server, method=method)
    assert got["body"] == ("" if method == "HEAD" else "ok")
    (request,) = server.requests
    assert request.method == method
    assert request.headers.get("idempotency-key") == ("task-1" if method in {"POST", "PATCH"} else None)


@pytest.mark.parametrize(
    ("payload", "body", "content_type"),
    [
        ({"body": "žluť"}, "žluť".encode(), "text/plain; charset=utf-8"),
        ({"body": ""}, b"", "text/plain; charset=utf-8"),
        (
            {"json": {"ž": [1, None, 2**70]}},
            '{"ž": [1, null, 1180591620717411303424]}'.encode(),
            "application/json",
        ),
        ({"json": False}, b"false", "application/json"),
        ({"body": "<a/>", "headers": {"Content-Type": "text/xml"}}, b"<a/>", "text/xml"),
        ({}, b"", None),
    ],
)
async def test_bodies(
    server: WebServer, payload: Mapping[str, JsonValue], body: bytes, content_type: str | None
) -> None:
    await ask(server, method="POST", **payload)
    (request,) = server.requests
    assert request.body == body
    assert request.headers.get("content-type") == content_type


async def test_given_headers_win(server: WebServer) -> None:
    await ask(server, method="POST", headers={"IDEMPOTENCY-KEY": "mine", "Authorization": "Bearer x"})
    (request,) = server.requests
    assert request.headers["idempotency-key"] == "mine"
    assert request.headers["authorization"] == "Bearer x"


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ({"body": "a", "json": 1}, "not both"),
        ({"headers": {"Host": "x"}}, "'Host' is set by the client"),
        ({"headers": {"Content-Length": "0"}}, "set by the client"),
        ({"headers": {"X": "a\r\nY: b"}}, "visible ASCII"),
    ],
)
async def test_nonsense_is_refused(server: WebServer, payload: dict[str, Any], reason: str) -> None:
    outcome = await ask(server, method="POST", **payload)
    assert isinstance(outcome, Fail)
    assert reason in outcome.reason
    assert server.connections == 0


@pytest.mark.parametrize(
    ("status", "expect", "welcome"),
    [
        ("200 OK", "2xx", True),
        ("204 No Content", "200,204", True),
        ("204 No Content", "200", False),
        ("404 Not Found", "200,404", True),
        ("404 Not Found", "4xx", True),
        ("404 Not Found", "any", True),
        ("500 Internal Server Error", "any", True),
        ("500 Internal Server Error", "5xx", True),
        ("302 Found", "2xx", False),
        ("302 Found", "302", True),
    ],
)
async def test_expectations(server: WebServer, status: str, expect: str, welcome: bool) -> None:
    server.pages["/"] = answer(b"", status)
    outcome = await ask(server, expect=expect)
    if welcome:
        assert outcome["status"] == int(status[:3])
    else:
        assert outcome == Fail(f"{server.url()[:-1]} answered {status}")


async def test_a_redirect_is_followed_unless_it_is_expected(server: WebServer) -> None:
    server.pages |= {"/go": answer(b"", "302 Found", location="/")}
    for expect, status in (("2xx", 200), ("any", 200), ("2xx,3xx", 302), ("302", 302)):
        assert (await ask(server, path="/go", expect=expect))["status"] == status


async def test_what_may_pass_is_tried_again(server: WebServer) -> None:
    server.pages["/"] = answer(b"busy", "503 Service Unavailable")
    assert await ask(server) == Retry(reason=f"{server.url()[:-1]} answered 503 Service Unavailable")
    server.pages["/"] = answer(b"busy", "503 Service Unavailable", retry_after="999999")
    assert await ask(server) == Retry(3600.0, f"{server.url()[:-1]} answered 503 Service Unavailable")


@pytest.mark.parametrize(("size", "truncated"), [(MAX_BODY, False), (MAX_BODY + 1, True), (1_000_000, True)])
async def test_the_first_20_kb_are_kept(server: WebServer, size: int, truncated: bool) -> None:
    server.pages["/"] = answer(b"x" * size)
    got = await ask(server)
    assert (len(got["body"]), got["truncated"]) == (MAX_BODY, truncated)


async def test_text_is_not_cut_within_a_character(server: WebServer) -> None:
    server.pages["/"] = answer("x" + "ж" * MAX_BODY, content_type="text/plain")
    got = await ask(server)
    assert got["body"] == "x" + "ж" * ((MAX_BODY - 1) // 2)
    assert got["truncated"]


async def test_bytes_become_some_text(server: WebServer) -> None:
    server.pages["/"] = answer(b"\x89PNG\0\xff")
    assert (await ask(server))["body"] == "\ufffdPNG\ufffd\ufffd"


async def test_the_charset_is_respected(server: WebServer) -> None:
    server.pages["/"] = answer("привет".encode("cp1251"), content_type="text/plain; charset=windows-1251")
    assert (await ask(server))["body"] == "привет"


async def test_a_broken_connection_is_tried_again(server: WebServer) -> None:
    async def hang_up(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    server.pages["/"] = hang_up
    outcome = await ask(server, method="POST")
    assert isinstance(outcome, Retry)
    assert outcome.after is None, "the policy says when"
    assert "closed the connection without an answer" in outcome.reason


async def test_a_refused_url_is_a_failure(server: WebServer) -> None:
    outcome = await http_request("http://10.0.0.1/", RecordedContext(http=CLIENT))
    assert isinstance(outcome, Fail)
    assert "private address" in outcome.reason
