"""Connections that lead only where they may. Imports h11: import this file late.

The check sits at the last moment there is: between resolving a name and dialling one of its addresses. Whatever URL
parser, redirect or DNS trick led here, nothing is dialled that was not checked, and a name is resolved once per
connection, so what is checked is what is dialled.
"""

import asyncio
import ssl
from collections.abc import Sequence
from functools import cache

from taskflow_hub.net.address import Address
from taskflow_hub.net.connection import Connection
from taskflow_hub.net.errors import RefusedUrl, TimedOut, Unreachable
from taskflow_hub.net.resolve import Resolver
from taskflow_hub.net.settings import NetSettings
from taskflow_hub.net.url import Target


@cache
def default_ssl_context() -> ssl.SSLContext:
    """One for all: reading the certificate authorities takes tens of milliseconds. SSL_CERT_FILE is respected."""
    import httpx

    return httpx.create_ssl_context()


class Dialler:
    """Opens connections to names and addresses, after checking where they lead."""

    def __init__(
        self, settings: NetSettings, resolve: Resolver, ssl_context: ssl.SSLContext | None = None
    ) -> None:
        self._settings, self._resolve, self._ssl_context = settings, resolve, ssl_context

    async def dial(self, target: Target) -> Connection:
        """A new connection to the first of the target's addresses that answers. Raises RefusedUrl, Unreachable."""
        failure = Unreachable(f"{target.host} has no address")
        for address in await self._checked(target):
            try:
                async with asyncio.timeout(self._settings.connect_timeout):
                    return await self._connect(target, address)
            except TimeoutError:
                failure = TimedOut(
                    f"{target.place} did not answer in time ({self._settings.connect_timeout:g} s to connect)"
                )
            except OSError as error:  # TLS's own errors are among them
                failure = Unreachable(f"{target.place} cannot be reached: {error}")
                failure.__cause__ = error
        raise failure

    async def _connect(self, target: Target, address: Address) -> Connection:
        secure = target.scheme == "https"
        _, connection = await asyncio.get_running_loop().create_connection(
            lambda: Connection(target.place, self._settings.read_timeout),
            str(address),
            target.port,
            ssl=(self._ssl_context or default_ssl_context()) if secure else None,
            server_hostname=target.host if secure else None,
        )
        return connection

    async def _checked(self, target: Target) -> Sequence[Address]:
        """The addresses to try. One bad address refuses them all: a name that mixes them is up to something."""
        allow = self._settings.allow_private
        if refusal := self._settings.refusal_of_port(target.port):
            raise RefusedUrl(refusal)
        if target.literal is not None:
            if refusal := allow.refusal(target.literal):
                raise RefusedUrl(refusal)
            return [target.literal]
        addresses = await self._resolve(target.host, target.port)
        for address in addresses:
            if refusal := allow.refusal(address):
                raise RefusedUrl(f"{target.host}: {refusal}")
        return addresses
