"""Every route of a hub with accounts, to be attacked byte by byte, and what every answer to an attack is like."""

import contextlib
import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from tests.support.hostile import UNKNOWN
from tests.support.http_api import Threaded, api_in_thread
from tests.support.people import ACCOUNTS, People

from taskflow_hub.domain.access import Role, Scope
from taskflow_hub.engine.accounts import passwords

ADMIN, NOBODY = "admin", "nobody"
MARK: Final = "x-injected"
VALUES: Final = {"id": UNKNOWN, "name": "q", "code": "not_found", "account": UNKNOWN, "node": "n"}
LOGINS_ONLY: Final = frozenset({"/auth/logout", "/auth/password"})  # a key gets no further than the door


@dataclass(frozen=True)
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes


@dataclass(frozen=True)
class Site:
    """A hub with accounts, behind a proxy that it trusts."""

    server: Threaded
    document: dict[str, Any]
    admin_key: str

    @property
    def operations(self) -> list[tuple[str, str]]:
        return [
            (method.upper(), path) for path, item in self.document["paths"].items() for method in item
        ] + [
            ("GET", "/"),
            ("GET", "/docs"),
            ("GET", "/openapi.json"),
            ("GET", "/ui"),
            ("GET", "/ui/"),
            ("GET", "/ui/page.js"),
        ]

    def credential(self, who: str, path: str) -> str:
        if who == NOBODY:
            return ""
        if path not in LOGINS_ONLY:
            return f"Authorization: Bearer {self.admin_key}\r\n"
        _, headers = self.server.run(People(self.server.hub).user(Role.ADMIN))  # each ends its own login
        return f"Authorization: {headers['Authorization']}\r\n"

    def ask(
        self,
        who: str,
        method: str,
        target: str,
        *,
        more: bytes = b"",
        body: bytes | None = None,
        path: str = "",
    ) -> Answer:
        """The answer to these very bytes. `path` is the route that is meant, where the target does not say."""
        head = f"{method} {target} HTTP/1.1\r\nHost: localhost\r\n{self.credential(who, path or target)}"
        length = b"" if body is None else b"Content-Length: %d\r\n" % len(body)
        request = head.encode("latin-1") + more + length + b"Connection: close\r\n\r\n" + (body or b"")
        return self.raw(request)

    def raw(self, request: bytes) -> Answer:
        with socket.create_connection(self.server.hub.address, timeout=20) as connection:
            with contextlib.suppress(ConnectionError):  # it may be refused before all has been sent
                connection.sendall(request)
            with connection.makefile("rb") as answer:
                status = int(answer.readline().split()[1])
                headers, length = [], -1
                while (line := answer.readline()) not in {b"\r\n", b""}:
                    name, colon, value = line.decode("latin-1").rstrip("\r\n").partition(": ")
                    assert colon, line
                    headers.append((name.lower(), value))
                    if headers[-1][0] == "content-length":
                        length = int(value)
                # Without a length it is a stream: that it began is enough.
                return Answer(status, headers, answer.read(length) if length > 0 else b"")

    def sound(self, answer: Answer, what: object) -> None:
        """Whatever was asked: it is answered in order, or refused in words."""
        assert answer.status < 500, (what, answer)
        assert b"Traceback" not in answer.body, (what, answer)
        assert MARK not in dict(answer.headers), (what, answer)
        if answer.status >= 400 and answer.body:
            assert dict(answer.headers)["content-type"] == "application/problem+json", (what, answer)
            assert json.loads(answer.body)["status"] == answer.status, (what, answer)


@contextlib.contextmanager
def site_on(folder: Path, database_url: str | None = None) -> Iterator[Site]:
    quick = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),))
    options: dict[str, Any] = {"auth": ACCOUNTS, "trusted_proxies": ("127.0.0.1",)}
    with pytest.MonkeyPatch.context() as patch, api_in_thread(folder, database_url, **options) as server:
        patch.setattr(passwords, "_hasher", quick)  # that it is slow has other tests
        passwords._nobodys.cache_clear()
        try:
            key = server.run(People(server.hub).key(Scope.ADMIN))["Authorization"].removeprefix("Bearer ")
            yield Site(server, server.run(server.hub.client.get("/openapi.json")).json(), key)
        finally:
            passwords._nobodys.cache_clear()


def meant(path: str) -> str:
    """With something in the place of its parameters that has their shape."""
    return path.format(**VALUES)
