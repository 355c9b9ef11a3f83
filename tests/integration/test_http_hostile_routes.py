"""Hostile requests to every route there is, as the OpenAPI document lists them, so that a new one is attacked as well: asked by
nobody and by an admin. No 5xx, no traceback, nothing in the log, and no spelling of a path lets anybody in."""

import json
import logging
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
import structlog.testing
from tests.integration.test_http_access_table import TABLE
from tests.support.hostile import UNKNOWN
from tests.support.site import ADMIN, NOBODY, Site, meant, site_on

from taskflow_hub.http.routes.page import PAGES


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """On one store: no attack here gets so far."""
    with site_on(tmp_path_factory.mktemp("routes")) as opened:
        yield opened


@pytest.fixture(autouse=True)
def _nothing_is_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with structlog.testing.capture_logs() as lines:
        yield
    assert not [line for line in lines if line["log_level"] in {"error", "critical"}]
    said = [*caplog.get_records("call"), *caplog.get_records("setup")]
    assert not [record for record in said if record.levelno >= logging.ERROR]


# --- paths

IN_A_PATH: Final = (
    "%00", "%0d%0aX-Injected:%20yes", "%0a", "%09", "%20", "%7f", "%ff", "%80", "%c0%ae%c0%ae", "%c0%af", "%e0%80%af",
    "%ed%a0%80", "%f0%9f%98%80", "%f4%90%80%80", "%ef%bc%8f", "%e2%80%ae", ".", "..", "...", "%2e", "%2e%2e",
    "%252e%252e",
    "%25%32%65", "..%2f..%2fusers", "..%5c..%5cusers", "%2f", "%2f%2f", "%5c", "%", "%%", "%g", "%zz", "%u0041",
    "%1", ";",
    ";x=1", "*", "~", "'", '"', "<script>", "{id}", "%7bid%7d", "|", "^", "`", "!", "$(id)", "null", "undefined",
    "NaN", "-1",
    "0", "1e9", "True", UNKNOWN + ".", UNKNOWN + "%00", UNKNOWN + ";a=b", UNKNOWN + "%20", UNKNOWN.upper(),
    "%" + "41" * 2000,
    "a" * 60_000, "%41" * 15_000, "../" * 500, "q.", "Q", "q%00", "con", "__proto__", "constructor", "q,q", "q&x=1",
    "q=1", "q+q",
)  # fmt: skip


@pytest.mark.parametrize("who", [NOBODY, ADMIN])
def test_what_stands_for_an_id_or_a_name(site: Site, who: str) -> None:
    routes = [(method, path) for method, path in site.operations if "{" in path]
    assert len(routes) > 15
    for method, path in routes:
        for value in IN_A_PATH:
            before, _, after = path.partition("{")
            answer = site.ask(who, method, f"{before}{value}{after.partition('}')[2]}")
            site.sound(answer, (method, path, value))
            if who == NOBODY and not TABLE[method, path].public:
                assert answer.status >= 400, (method, path, value)


SPELLINGS: Final = (
    "/ui/..{}", "/ui/%2e%2e{}", "/ui/..%2f..{}", "/ui/../..{}", "/ui/docs.js/..{}", "/ui/%2e%2e/%2e%2e{}",
    "/ui/;/..{}", "/ui{}",
    "/ui/{}", "/problems/..{}", "/problems/not_found/../..{}", "/problems{}", "/auth/login/..{}", "/auth/login{}",
    "/healthz/..{}",
    "/healthz{}", "/docs{}", "/openapi.json/..{}", "/.{}", "/{}", "//{}", "/./{}", "/%2e{}", "/%2f{}", "%2f{}",
    "/x/..{}", "/%00{}",
    "{}/", "{}//", "{}/.", "{}/..", "{}/../x", "{};", "{};x=1", "{}.", "{}..", "{}%00", "{}%20", "{}%09", "{}%2e",
    "{}%2f", "{}%3f", "{}%23",
    "{}%3b", "{}%0d%0aX-Injected:%20yes", "{}%0a", "{}%c0%af", "{}%c0%ae", "{}%ff", "{}.json", "{}.html", "{}~",
    "{}*", "{}\\", "{}%5c",
    "{}?", "{}??", "{}?%00", "{}?/ui/", "{}?x=%0d%0aX-Injected:%20yes", "{}?" + "a" * 50_000, "{}?" + "a&" * 20_000,
    "{}#", "{}#/ui/", "{}?#",
    "http://localhost{}", "http://evil.example{}", "HTTP://LOCALHOST{}", "http://localhost:99999{}",
    "http://user:pass@localhost{}",
    "http:{}", "https://localhost{}", "file://{}", "//localhost{}", "/http://localhost{}",
    "http://localhost/ui/..{}", "javascript:{}",
)  # fmt: skip
REWRITTEN: Final[dict[str, Callable[[str], str]]] = {
    "first letter encoded": lambda path: path[0] + f"%{ord(path[1]):02x}" + path[2:],
    "all encoded": lambda path: "/" + "".join(f"%{ord(char):02X}" for char in path[1:]),
    "encoded twice": lambda path: path[0] + f"%25{ord(path[1]):02x}" + path[2:],
    "slashes encoded": lambda path: "/" + path[1:].replace("/", "%2f"),
    "slashes encoded twice": lambda path: "/" + path[1:].replace("/", "%252f"),
    "slashes doubled": lambda path: path.replace("/", "//"),
    "slashes turned": lambda path: "/" + path[1:].replace("/", "\\"),
    "overlong slashes": lambda path: "/" + path[1:].replace("/", "%c0%af"),
    "upper case": str.upper,
    "title case": str.title,
    "dotted": lambda path: path.replace("/", "/./"),
    "up and down": lambda path: path.replace("/", "/x/../"),
    "full width": lambda path: (
        path[0] + "%ef%bd%" + f"{ord(path[1]) - 0x61 + 0x81:02x}" + path[2:]
        if "a" <= path[1:2] <= "z"
        else path + "%ef"
    ),
    "with parameters": lambda path: path.replace("/", ";a=b/")[4:] if path.count("/") > 1 else path + ";a=b",
    "without the first slash": lambda path: path[1:] or "x",
}


def is_a_page(method: str, target: str) -> bool:
    """Of the dashboard: the same file for everybody, with nothing in it of anybody's."""
    return method == "GET" and re.fullmatch(rf"/ui/({'|'.join(PAGES)})(/[^/?#]+)?", target) is not None


@pytest.mark.parametrize("who", [NOBODY, ADMIN])
def test_how_a_path_can_be_spelled(site: Site, who: str) -> None:
    """A route that asks for a credential asks for it however it is spelled, or is not found."""
    for method, path in site.operations:
        plain = meant(path)
        targets = [spelling.format(plain) for spelling in SPELLINGS]
        targets += [rewrite(plain) for rewrite in REWRITTEN.values() if len(plain) > 1]
        closed = site.ask(NOBODY, method, plain).status == 401
        assert closed is not (TABLE[method, path].public if (method, path) in TABLE else True)
        for target in targets:
            answer = site.ask(who, method, target, path=plain)
            site.sound(answer, (method, target[:200]))
            if who == NOBODY and closed and not is_a_page(method, target):
                assert answer.status >= 400, (method, target[:200], answer)


def test_a_target_that_is_no_path(site: Site) -> None:
    for method in ("OPTIONS", "GET", "POST"):
        for target in (
            "*",
            "?",
            "#",
            "x",
            "localhost:80",
            ":",
            "%",
            "/%",
            "http://",
            "http:///",
            "http://[::1",
            "\\",
            ".",
        ):
            answer = site.ask(ADMIN, method, target)
            site.sound(answer, (method, target))


# --- headers

INJECTED: Final = (b"a\rX-Injected: yes", b"a\x00b", b"\x00", b"a\r", b"\x7f", b"\x01")
ODD: Final = (
    b"", b" ", b"\t", b",", b";", b"=", b"*", b'"', b'"\\', b"'", b"-1", b"0", b"9" * 400, b"1e999", b"NaN",
    b"\xff\xfe", "\U0001f600".encode(),
    b"%0d%0aX-Injected: yes", b"\\r\\nX-Injected: yes", b"../../etc/passwd", b"<script>", b"a" * 30_000,
    b"," * 30_000, b"a=b;" * 5_000,
    b"::1", b"[::1]:1", b"127.0.0.1, ::ffff:1.2.3.4", b"fe80::1%eth0", b"unknown", b"_hidden", b"1.2.3.4:x", b"http",
    b"javascript",
)  # fmt: skip
NAMES: Final = (
    "Authorization", "Cookie", "X-CSRF-Token", "Idempotency-Key", "Prefer", "traceparent", "tracestate",
    "Last-Event-ID",
    "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port", "X-Real-IP", "Forwarded",
    "Origin", "Referer",
    "Sec-Fetch-Site", "Sec-Fetch-Mode", "Content-Type", "Content-Encoding", "Accept", "Accept-Encoding",
    "Accept-Language", "Range",
    "If-None-Match", "If-Modified-Since", "Expect", "TE", "Trailer", "Upgrade", "X-HTTP-Method-Override",
    "X-Method-Override",
    "X-Original-URL", "X-Rewrite-URL", "User-Agent", "Via", "Access-Control-Request-Method",
    "Access-Control-Request-Headers",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_header_that_says_anything(site: Site, name: str) -> None:
    """To the few routes that are asked most, as they may be asked; a credential of the test's own comes first."""
    for method, target, body in (
        ("GET", "/auth/me", None),
        ("POST", "/tasks", b'{"type": "t", "queue": "q"}'),
        ("GET", f"/tasks/{UNKNOWN}/events", None),
        ("POST", "/auth/login", b'{"email": "nobody@example.org", "password": "x", "cookie": true}'),
        ("GET", "/ui/", None),
    ):
        for value in ODD:
            line = f"{name}: ".encode() + value + b"\r\n"
            if (name, target) == ("X-Forwarded-For", "/auth/login") or target != "/auth/login":
                site.sound(
                    site.ask(ADMIN, method, target, more=line, body=body), (method, target, name, value[:80])
                )
            else:  # a new address each time, or one is soon sent away
                site.sound(
                    site.ask(ADMIN, method, target, more=line, body=b"{}"), (method, target, name, value[:80])
                )


def test_headers_of_every_route(site: Site) -> None:
    """All at once, with what each says by itself being harmless or odd."""
    sets = [
        b"".join(f"{name}: ".encode() + value + b"\r\n" for name in NAMES if name != "Authorization")
        for value in ODD
        if len(value) < 500
    ]
    for method, path in site.operations:
        for who in (NOBODY, ADMIN):
            for lines in sets:
                site.sound(site.ask(who, method, meant(path), more=lines), (method, path, lines[:200]))


@pytest.mark.parametrize("value", INJECTED, ids=repr)
def test_no_line_and_no_nul_gets_into_a_header(site: Site, value: bytes) -> None:
    for name in NAMES:
        answer = site.ask(
            ADMIN, "POST", "/tasks", more=f"{name}: ".encode() + value + b"\r\n", body=b'{"type": "t"}'
        )
        site.sound(answer, (name, value))
        if (
            value[:1] != b"\x7f" and value != b"\x01"
        ):  # a grammar forbids these, too; a parser may let them through
            assert answer.status == 400, (name, value, answer)


def test_a_line_that_goes_on_in_the_next(site: Site) -> None:
    """As RFC 9110 forbids: one proxy reads it as one header, another as two."""
    for name in ("Authorization", "Cookie", "X"):
        for blank in (b" ", b"\t"):
            answer = site.ask(
                ADMIN, "GET", "/auth/me", more=f"{name}: a\r\n".encode() + blank + b"X-Injected: yes\r\n"
            )
            site.sound(answer, (name, blank))


def test_nothing_that_is_sent_comes_back_as_a_header(site: Site) -> None:
    """A task's id is in `Location`; no name of a queue, a key or a type is."""
    line = "q\r\nX-Injected: yes"
    refused: dict[str, Any] = {"type": line, "queue": line, "limits": [{"key": line, "running": 1}]}
    for field, value in refused.items():
        answer = site.ask(ADMIN, "POST", "/tasks", body=json.dumps({"type": "t", field: value}).encode())
        site.sound(answer, field)
        assert answer.status == 422
    accepted: dict[str, Any] = {"unique": {"key": line}, "tags": [line], "payload": {"a": line}}
    for field, value in accepted.items():
        answer = site.ask(ADMIN, "POST", "/tasks", body=json.dumps({"type": "t", field: value}).encode())
        site.sound(answer, field)
        assert answer.status == 202
    key = {"name": line, "scopes": ["read"]}
    site.sound(site.ask(ADMIN, "POST", "/keys", body=json.dumps(key).encode()), "a key's name")


# --- cookies, and many of anything

COOKIES: Final = {
    "huge": b"Cookie: taskflow_session=" + b"x" * 60_000 + b"\r\n",
    "quoted": b'Cookie: taskflow_session="' + b"\\x" * 25_000 + b'"\r\n',
    "many in one": b"Cookie: " + b"; ".join(b"a%d=b" % n for n in range(6_000)) + b"\r\n",
    "many of ours": b"Cookie: " + b"; ".join([b"taskflow_session=x"] * 2_500) + b"\r\n",
    "many headers": b"Cookie: a=b\r\n" * 4_000,
    "separators": b"Cookie: " + b";" * 60_000 + b"\r\n",
    "equals": b"Cookie: " + b"=" * 60_000 + b"\r\n",
    "blanks": b"Cookie: taskflow_session" + b" " * 50_000 + b"=x\r\n",
    "not ASCII": b"Cookie: taskflow_session=\xff\xfe\xc0\xae\r\n",
    "nothing": b"Cookie:\r\n",
    "only a name": b"Cookie: taskflow_session\r\n",
    "headers without end": b"".join(b"X-%d: y\r\n" % n for n in range(4_000)),
    "one header again and again": b"X: y\r\n" * 6_000,
    "a long name": b"X" * 60_000 + b": y\r\n",
    "accepts": b"Accept: " + b"a/b;q=0.1," * 6_000 + b"\r\n",
    "forwarded": b"X-Forwarded-For: " + b"1.2.3.4, " * 6_000 + b"1.2.3.4\r\n",
}


@pytest.mark.parametrize("what", COOKIES)
def test_much_of_anything_is_refused_or_ignored(site: Site, what: str) -> None:
    """Within the bound of headers; beyond it test_http_hostile_requests.py has them."""
    for method, path in site.operations:
        answer = site.ask(NOBODY, method, meant(path), more=COOKIES[what])
        site.sound(answer, (method, path))
        if (method, path) in TABLE and not TABLE[method, path].public:
            assert answer.status in {401, 422}, (method, path, answer)


def test_methods_that_a_route_has_not(site: Site) -> None:
    for _, path in site.operations:
        for method in ("PUT", "PATCH", "DELETE", "TRACE", "OPTIONS", "HEAD", "PROPFIND", "CONNECT"):
            for who in (NOBODY, ADMIN):
                answer = site.ask(who, method, meant(path), path=path)
                site.sound(answer, (who, method, path))


def test_it_is_still_there(site: Site) -> None:
    assert site.ask(NOBODY, "GET", "/healthz").status == 200
    assert site.ask(ADMIN, "GET", "/auth/me").status == 200
