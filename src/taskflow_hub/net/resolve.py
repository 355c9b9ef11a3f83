"""From a name to addresses."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address

from taskflow_hub.net.address import Address
from taskflow_hub.net.errors import Unreachable

# (host, port) → the addresses to try, in order. Raises Unreachable when there are none.
Resolver = Callable[[str, int], Awaitable[Sequence[Address]]]

# Names that take long to resolve must not hold up the threads everyone else shares. Idle, it has no thread.
_lookups = ThreadPoolExecutor(max_workers=16, thread_name_prefix="taskflow-dns")


async def system_resolve(host: str, port: int) -> Sequence[Address]:
    """Ask the operating system: hosts file, DNS, whatever it is told to use."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.run_in_executor(_lookups, _getaddrinfo, host, port)
    except socket.gaierror as error:
        raise Unreachable(f"{host} has no address: {error.strerror}") from error
    return [ip_address(address) for address in dict.fromkeys(found)]


def _getaddrinfo(host: str, port: int) -> list[str]:
    return [str(sockaddr[0]) for *_, sockaddr in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
