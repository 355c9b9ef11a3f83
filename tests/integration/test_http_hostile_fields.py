"""Hostile bodies to every route that takes one, and to those that take none: by the schemas of the OpenAPI document, on every
store, since what gets through is stored."""

import json
import logging
from collections.abc import Iterator
from typing import Any, Final

import pytest
import structlog.testing
from tests.integration.test_http_access_table import TABLE
from tests.support.hostile import UNKNOWN
from tests.support.site import ADMIN, Site, meant, site_on

MIB: Final = 1_048_576
ANY_JSON: Final = frozenset({"result", "input"})  # of a workflow: kept as it is written


@pytest.fixture(scope="module")
def site(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site_on(tmp_path_factory.mktemp("fields"), module_database_url) as opened:
        yield opened


@pytest.fixture(autouse=True)
def _nothing_is_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with structlog.testing.capture_logs() as lines:
        yield
    assert not [line for line in lines if line["log_level"] in {"error", "critical"}]
    said = [*caplog.get_records("call"), *caplog.get_records("setup")]
    assert not [record for record in said if record.levelno >= logging.ERROR]


NO_BODIES: Final = (
    b"", b" ", b"{", b"[]", b"null", b"1", b'"a"', b"\x00", b"\xff\xfe{}", b"\xef\xbb\xbf{}", b"a=b&c=d", b"<xml/>",
    b'{"a":NaN}', b'{"a":1,"a":2}',
    b'{"\\u0000":1}', b'{"\\ud800":1}', b'{"a":"\xff"}', b"[" * 100_000, b'{"a":' * 100_000, b'{"__proto__":{}}',
    b"x" * (MIB + 1),
)  # fmt: skip
FOR_A_FIELD: Final[tuple[Any, ...]] = (
    None, True, -1, 0, 1.5, 10**30, -(10**30), 1e308, "", " ", "\0", "a\0b", "\ud800", "a\r\nX-Injected: yes",
    "\u202e", "\U0001f600" * 50, "x" * 100_000,
    "'; DROP TABLE users; --", "../../etc/passwd", "{{7*7}}", "${jndi:ldap://x}", "%00", [], [None], ["x"] * 2_000,
    [[[[[]]]]], {}, {"a": {"b": 1}},
    ["a\0"], ["\ud800"], "admin", "default", UNKNOWN, "9999-12-31T23:59:59-23:59", "a@b", "\u00e9@\u00e9.example",
    "a" * 300 + "@example.org",
)  # fmt: skip


def fields_of(site: Site, method: str, path: str) -> list[str]:
    """The names that the body of a route has by its schema."""
    body = site.document["paths"].get(path, {}).get(method.lower(), {}).get("requestBody")
    if body is None:
        return []
    schema = body["content"]["application/json"]["schema"]
    while "$ref" in schema:
        schema = site.document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return list(schema.get("properties", ()))  # what may be any JSON has none


def routes_with_bodies(site: Site) -> Iterator[tuple[str, str, list[str]]]:
    for method, path in site.operations:
        if (method, path) in TABLE and (names := fields_of(site, method, path)):
            yield method, path, names


def address(n: int) -> bytes:
    """Who tries too often from one is soon sent away, and then nothing is looked at any more."""
    return f"X-Forwarded-For: 10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}\r\n".encode()


def test_a_body_that_is_none(site: Site) -> None:
    routes = list(routes_with_bodies(site))
    assert len(routes) > 10
    for method, path, _ in routes:
        for n, body in enumerate(NO_BODIES):
            answer = site.ask(ADMIN, method, meant(path), body=body, more=address(n))
            site.sound(answer, (method, path, body[:80]))
            assert answer.status >= 400, (method, path, body[:80], answer)


def test_a_body_where_none_belongs(site: Site) -> None:
    for method, path in site.operations:
        if (method, path) in TABLE and not fields_of(site, method, path):
            for body in (b"{}", b"\x00" * 1000, b"x" * (2 * MIB)):
                site.sound(site.ask(ADMIN, method, meant(path), body=body), (method, path, body[:20]))


def test_a_field_that_is_anything(site: Site) -> None:
    """The body is a good one, but for one field."""
    n = 1000
    for method, path, names in routes_with_bodies(site):
        good = TABLE[method, path].body or {}
        for name in [*names, "more"]:
            for value in FOR_A_FIELD:
                n += 1
                body = json.dumps({**good, name: value}).encode()
                answer = site.ask(ADMIN, method, meant(path), body=body, more=address(n))
                site.sound(answer, (method, path, name, str(value)[:80].encode("ascii", "replace")))
                no_text = value in ("\0", "a\0b", "\ud800")
                too_large = value in (1e308, -(10**30)) and name not in ANY_JSON
                if no_text or too_large:
                    assert answer.status >= 400, (method, path, name, value)
