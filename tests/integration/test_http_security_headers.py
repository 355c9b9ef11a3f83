"""What every answer carries to protect who reads it, however the answer came to be."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import httpx
import pytest_asyncio
from tests.support.http_api import Running, api
from tests.support.people import ACCOUNTS, People

from taskflow_hub.domain.access import Role
from taskflow_hub.domain.clock import new_id

ALWAYS: Final = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
BY_TLS: Final = {"X-Forwarded-Proto": "https"}


@pytest_asyncio.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Running]:
    async with api(tmp_path, loops=False, auth=ACCOUNTS, trusted_proxies=("127.0.0.1",)) as running:
        yield running


def guarded(answer: httpx.Response) -> None:
    for name, value in ALWAYS.items():
        assert answer.headers.get_list(name) == [value], (answer.url, name)
    (policy,) = answer.headers.get_list("content-security-policy")
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers.get_list("cache-control") in (["no-store"], ["no-cache"])
    assert "server" not in answer.headers


async def test_every_answer_is_guarded(hub: Running) -> None:
    _, login = await People(hub).user(Role.ADMIN)
    task = (await hub.client.post("/tasks", json={"type": "a"}, headers=login)).json()["id"]
    for status, method, path in (
        (202, "POST", "/tasks"),
        (200, "GET", "/tasks"),
        (200, "GET", f"/tasks/{task}"),
        (200, "HEAD", f"/tasks/{task}"),
        (202, "GET", f"/tasks/{task}/result"),
        (404, "GET", f"/tasks/{new_id()}"),
        (404, "GET", "/nowhere"),
        (405, "PUT", "/tasks"),
        (422, "GET", "/tasks?x=1"),
        (204, "OPTIONS", "/tasks"),
        (200, "GET", "/metrics"),
        (200, "GET", "/healthz"),
        (200, "GET", "/openapi.json"),
        (200, "GET", "/problems/not_found"),
        (200, "GET", "/ui/"),
        (200, "GET", "/ui/docs.js"),
        (200, "GET", "/docs"),
        (307, "GET", "/"),
    ):
        answer = await hub.client.request(method, path, headers=login, content=b'{"type": "a"}')
        assert answer.status_code == status, (path, answer.text)
        guarded(answer)
        own = path.startswith("/ui/") or path == "/docs"
        assert answer.headers["cache-control"] == ("no-cache" if own else "no-store"), path
        assert "strict-transport-security" not in answer.headers
    guarded(await hub.client.get("/tasks"))
    guarded(await hub.client.get("/tasks", headers={"Host": "evil.example"}))
    same = await hub.client.get("/ui/", headers=login)
    guarded(await hub.client.get("/ui/", headers={"If-None-Match": same.headers["etag"]}))
    async with hub.client.stream("GET", f"/tasks/{task}/events", headers=login) as stream:
        guarded(stream)


async def test_so_is_what_the_server_says_by_itself(hub: Running) -> None:
    for request, status in (
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\n\r\n", b"400"),
        (b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n", b"414"),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000 + b"\r\n\r\n", b"431"),
        (b"FOO /tasks HTTP/1.1\r\nHost: localhost\r\n\r\n", b"501"),
    ):
        answer = await hub.raw(request)
        assert answer.startswith(b"HTTP/1.1 " + status)
        head = answer.partition(b"\r\n\r\n")[0].decode().lower().split("\r\n")
        for name, value in (ALWAYS | {"cache-control": "no-store"}).items():
            assert f"{name}: {value}" in head


async def test_tls_is_kept_to_where_a_trusted_proxy_speaks_it(hub: Running, tmp_path: Path) -> None:
    for path in ("/ui/", "/tasks", "/nowhere", "/healthz"):
        answer = await hub.client.get(path, headers=BY_TLS)
        assert answer.headers.get_list("strict-transport-security") == ["max-age=31536000"]
        answer = await hub.client.get(path, headers={"X-Forwarded-Proto": "http"})
        assert "strict-transport-security" not in answer.headers
    for name, settings in (
        ("nobody", {}),
        ("another", {"trusted_proxies": ("10.0.0.1",)}),
        ("unwanted", {"trusted_proxies": ("127.0.0.1",), "hsts": 0}),
    ):
        folder = tmp_path / name
        folder.mkdir()
        async with api(folder, loops=False, **settings) as other:
            answer = await other.client.get("/ui/", headers=BY_TLS)
            assert "strict-transport-security" not in answer.headers
