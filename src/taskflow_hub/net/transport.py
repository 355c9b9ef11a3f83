"""Connections that lead only where they may. Imports httpx and httpcore: import this file late.

The check sits at the last moment there is: between resolving a name and dialling one of its addresses. Whatever URL
parser, redirect or DNS trick led here, nothing is dialled that was not checked, and a name is resolved once per
connection, so what is checked is what is dialled.
"""

import ssl
from collections.abc import AsyncIterator, Iterable, Sequence
from functools import cache
from ipaddress import ip_address
from typing import cast

import httpcore
import httpx

from taskflow_hub.net.address import Address
from taskflow_hub.net.allow import AllowPrivate
from taskflow_hub.net.errors import RefusedUrl, Unreachable
from taskflow_hub.net.resolve import Resolver

SocketOption = tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]


@cache
def default_ssl_context() -> ssl.SSLContext:
    """One for all: reading the certificate authorities takes tens of milliseconds. SSL_CERT_FILE is respected."""
    return httpx.create_ssl_context()


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Dials names and addresses for httpcore, after checking where they lead."""

    def __init__(self, allow: AllowPrivate, resolve: Resolver) -> None:
        self._allow, self._resolve = allow, resolve
        self._dialler = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[SocketOption] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        failure: Exception = Unreachable(f"{host} has no address")
        for address in await self._checked(host, port):
            try:
                return await self._dialler.connect_tcp(
                    str(address), port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    async def _checked(self, host: str, port: int) -> Sequence[Address]:
        """The addresses to try. One bad address refuses them all: a name that mixes them is up to something."""
        try:
            addresses: Sequence[Address] = [ip_address(host)]
        except ValueError:
            addresses = await self._resolve(host, port)
        for address in addresses:
            if refusal := self._allow.refusal(address):
                raise RefusedUrl(
                    refusal if len(addresses) == 1 and str(address) == host else f"{host}: {refusal}"
                )
        return addresses

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[SocketOption] | None = None
    ) -> httpcore.AsyncNetworkStream:
        raise RefusedUrl("local sockets are never dialled")


class GuardedTransport(httpx.AsyncBaseTransport):
    """An httpx transport over guarded connections. Raises httpcore's errors as they are, and NetError.

    HTTP/1.1 only: one exchange per connection is easy to bound, and HTTP/2 gains nothing when requests are few.
    """

    def __init__(self, backend: GuardedBackend, context: ssl.SSLContext) -> None:
        self._pool = httpcore.AsyncConnectionPool(ssl_context=context, network_backend=backend)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await self._pool.handle_async_request(
            httpcore.Request(
                request.method,
                httpcore.URL(
                    scheme=request.url.raw_scheme,
                    host=request.url.raw_host,
                    port=request.url.port,
                    target=request.url.raw_path,
                ),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        return httpx.Response(
            answer.status,
            headers=answer.headers,
            stream=_Body(answer),
            extensions=answer.extensions,
        )

    async def aclose(self) -> None:
        await self._pool.aclose()


class _Body(httpx.AsyncByteStream):
    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in cast("AsyncIterator[bytes]", self._answer.stream):
            yield chunk

    async def aclose(self) -> None:
        await self._answer.aclose()
