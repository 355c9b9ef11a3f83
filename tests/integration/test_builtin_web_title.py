"""`web.title` against real servers on loopback."""

import gzip
import zlib
from collections.abc import AsyncIterator
from typing import Never

import pytest
import pytest_asyncio
from tests.support.web_server import WebServer, answer

from taskflow_hub.builtin.web_title import MAX_BODY, web_title
from taskflow_hub.domain.outcomes import Fail, Retry
from taskflow_hub.net import AllowPrivate, GuardedClient, NetSettings, Unreachable
from taskflow_hub.testing.handlers import RecordedContext

CLIENT = GuardedClient(NetSettings(allow_private=AllowPrivate.parse("127.0.0.1")))
HTML = "text/html; charset=utf-8"


@pytest_asyncio.fixture
async def server() -> AsyncIterator[WebServer]:
    async with WebServer() as running:
        yield running


async def title(server: WebServer, page: bytes) -> object:
    server.pages["/"] = page
    return await web_title(server.url(), RecordedContext(http=CLIENT))


async def test_the_page_everyone_tries_first(server: WebServer) -> None:
    body = '<TITLE lang="ru">А &amp; Б</TITLE>'.encode()
    assert await title(server, answer(body, content_type="text/html")) == {
        "title": "А & Б",
        "length": len(body),
        "status": 200,
        "final_url": server.url(),
    }


@pytest.mark.parametrize(
    ("content_type", "body", "expected"),
    [
        ("text/html; charset=windows-1251", "<title>Привет, мир</title>".encode("cp1251"), "Привет, мир"),
        ("text/html", '<meta charset="koi8-r"><title>Привет, мир</title>'.encode("koi8-r"), "Привет, мир"),
        ("text/html", "<title>Привет, мир</title>".encode("cp1251"), "Привет, мир"),
        ("text/html; charset=utf-8", "<title>Привет, мир</title>".encode("cp1251"), "Привет, мир"),
        ("text/html; charset=latin-1", "<title>Привет, мир</title>".encode(), "Привет, мир"),
        ("application/xhtml+xml", b"<html><head><title>x</title></head></html>", "x"),
        ("TEXT/HTML", b"<title>shouting</title>", "shouting"),
        ("text/html", b"<p>nothing here", None),
        ("text/html", b"", None),
        ("image/svg+xml", b"<svg><title>drawing</title></svg>", None),
        ("application/pdf", b"%PDF <title>x</title>", None),
        ("application/json", b'{"a": "<title>x</title>"}', None),
    ],
)
async def test_what_is_found(server: WebServer, content_type: str, body: bytes, expected: str | None) -> None:
    found = await title(server, answer(body, content_type=content_type))
    assert found == {"title": expected, "length": len(body), "status": 200, "final_url": server.url()}


async def test_without_a_content_type_it_is_taken_for_html(server: WebServer) -> None:
    found = await title(server, answer(b"<title>bare</title>"))
    assert isinstance(found, dict)
    assert found["title"] == "bare"


@pytest.mark.parametrize(("coding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
async def test_compressed_pages(server: WebServer, coding: str, pack: object) -> None:
    body = b"<title>packed</title>" + b" " * 1000
    packed = gzip.compress(body) if coding == "gzip" else zlib.compress(body)
    found = await title(server, answer(packed, content_type=HTML, content_encoding=coding))
    assert isinstance(found, dict)
    assert (found["title"], found["length"]) == ("packed", len(body))


async def test_of_a_huge_page_the_beginning_counts(server: WebServer) -> None:
    ctx = RecordedContext(http=CLIENT)
    early = b"<title>early</title>" + b"x" * MAX_BODY
    server.pages |= {
        "/early": answer(early, content_type=HTML),
        "/late": answer(b"x" * MAX_BODY + b"<title>late</title>", content_type=HTML),
        "/bomb": answer(
            gzip.compress(early + bytes(100_000_000), 1), content_type=HTML, content_encoding="gzip"
        ),
    }
    for path, expected in (("/early", "early"), ("/late", None), ("/bomb", "early")):
        found = await web_title(server.url(path), ctx)
        assert isinstance(found, dict)
        assert (found["title"], found["length"]) == (expected, MAX_BODY)
    assert [level for level, _, _ in ctx.logged] == ["warning"] * 3


async def test_redirects_are_followed(server: WebServer) -> None:
    server.pages["/new"] = answer(b"<title>new</title>", content_type=HTML)
    found = await title(server, answer(b"", "301 Moved Permanently", location="/new"))
    assert isinstance(found, dict)
    assert (found["title"], found["final_url"]) == ("new", server.url("/new"))


@pytest.mark.parametrize(
    "status", ["404 Not Found", "403 Forbidden", "410 Gone", "304 Not Modified", "300 Multiple Choices"]
)
async def test_a_client_error_is_a_failure_that_says_so(server: WebServer, status: str) -> None:
    page = answer(b"" if status.startswith("304") else b"<title>Not here</title>", status, content_type=HTML)
    assert await title(server, page) == Fail(f"{server.url()[:-1]} answered {status}")


@pytest.mark.parametrize(
    "status",
    [
        "500 Internal Server Error",
        "502 Bad Gateway",
        "429 Too Many Requests",
        "408 Request Timeout",
        "425 Too Early",
    ],
)
async def test_what_may_pass_is_tried_again(server: WebServer, status: str) -> None:
    assert await title(server, answer(b"", status)) == Retry(reason=f"{server.url()[:-1]} answered {status}")
    assert await title(server, answer(b"", status, retry_after="7")) == Retry(
        after=7.0, reason=f"{server.url()[:-1]} answered {status}"
    )


async def test_a_status_nobody_knows_has_no_phrase(server: WebServer) -> None:
    assert await title(server, answer(b"", "499 <b>whatever</b>")) == Fail(
        f"{server.url()[:-1]} answered 499"
    )


async def test_a_refused_address_is_a_failure() -> None:
    outcome = await web_title("http://169.254.169.254/", RecordedContext(http=CLIENT))
    assert isinstance(outcome, Fail)
    assert "link-local" in outcome.reason


async def test_a_server_that_is_down_may_come_back() -> None:
    async with WebServer() as gone:
        url = gone.url()
    outcome = await web_title(url, RecordedContext(http=CLIENT))
    assert isinstance(outcome, Retry)
    assert outcome.after is None, "the policy says when"
    assert outcome.reason.startswith(f"{url[:-1]} cannot be reached: ")


async def test_a_name_without_an_address_is_told_in_one_sentence() -> None:
    """Not raised: a traceback through the client would be stored with the task."""

    async def resolve(host: str, port: int) -> Never:
        raise Unreachable(f"{host} has no address: Name or service not known")

    outcome = await web_title(
        "http://nowhere.test/", RecordedContext(http=GuardedClient(NetSettings(), resolve=resolve))
    )
    assert outcome == Retry(reason="nowhere.test has no address: Name or service not known")
