"""From where one may ask. The API listens where any page that its user visits could reach it, and without accounts
(identify.py) it asks for nothing more.

Three rules keep such a page out. A name of its own that it makes point at loopback does not help it: `Host` must be a loopback
name or address, one that the operator listed, or the very address that was dialled, for an address is nobody's to point
elsewhere. A request it makes to our address carries its `Origin`, or a `Sec-Fetch-Site` that says so. And no answer to it
carries a CORS header, so what it may send unasked (an image's GET) it cannot read.

The exception are origins that the operator listed (cors.py).
"""

import functools
import ipaddress
from collections.abc import Callable
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from taskflow_hub.domain.errors import Refused, ShuttingDown
from taskflow_hub.http import cors, problems
from taskflow_hub.http.answers import Plain, ProblemAnswer
from taskflow_hub.http.lifetime import Lifetime

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
ALWAYS_SERVED: Final = frozenset({"/healthz", "/readyz"})  # they tell that it is closing
_FOREIGN: Final = frozenset(
    {b"cross-site", b"same-site"}
)  # another port is another program: same-site is foreign too
_WANTED: Final = frozenset({b"host", b"origin", b"sec-fetch-site", b"sec-fetch-mode", b"sec-fetch-dest"})


class Gate:
    def __init__(
        self,
        app: ASGIApp,
        *,
        allowed_hosts: tuple[str, ...],
        lifetime: Lifetime,
        origins: tuple[str, ...] = (),
    ) -> None:
        self._app, self._lifetime = app, lifetime
        self._is_ours = _host_check(allowed_hosts)
        self._origins = frozenset(origin.encode() for origin in origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        said = [(name, value) for name, value in scope["headers"] if name in _WANTED]
        if sum(name == b"host" for name, _ in said) != 1:
            problem = problems.from_http(problems.BAD_REQUEST, "A request names exactly one Host.")
            await ProblemAnswer(problem)(scope, receive, send)
            return
        self._check(scope, dict(said))
        if cors.admitted(scope) is not None and cors.is_preflight(scope):
            await Plain(b"", 204, cors.PREFLIGHT)(scope, receive, send)
            return
        if self._lifetime.closing and scope["path"] not in ALWAYS_SERVED:
            raise ShuttingDown
        await self._app(scope, receive, send)

    def _check(self, scope: Scope, said: dict[bytes, bytes]) -> None:
        host, origin = said[b"host"].lower(), said.get(b"origin")
        if not (self._is_ours(host) or _is_dialled(host, scope.get("server"))):
            raise Refused(
                f"Host {host.decode('latin-1')!r} is neither a loopback address nor listed in http.allowed_hosts."
            )
        if origin in self._origins and origin.partition(b"://")[2] != host:
            cors.admit(scope, origin)
            return
        if origin is not None and origin.lower().partition(b"://")[2] != host:
            raise Refused(f"Pages of {origin.decode('latin-1')!r} may not use this API.")
        if said.get(b"sec-fetch-site") in _FOREIGN and not (scope["method"] in SAFE and _is_visit(said)):
            raise Refused("Pages of other sites may not use this API.")


def _is_visit(said: dict[bytes, bytes]) -> bool:
    """A link that was followed: the browser shows the answer and gives it to nobody."""
    return said.get(b"sec-fetch-mode") == b"navigate" and said.get(b"sec-fetch-dest") == b"document"


def _host_check(allowed_hosts: tuple[str, ...]) -> Callable[[bytes], bool]:
    names = frozenset({"localhost", *allowed_hosts})

    @functools.lru_cache(maxsize=256)
    def is_ours(host: bytes) -> bool:
        name = _without_port(host)
        return name is not None and (name in names or _is_loopback(name))

    return is_ours


def _without_port(host: bytes) -> str | None:
    """None where what follows the last colon is no port."""
    name, _, port = host.decode("latin-1").rpartition(":")
    if not name or host.endswith(b"]"):  # no port was given
        return host.decode("latin-1")
    return name if port.isascii() and port.isdigit() else None


@functools.lru_cache(maxsize=256)
def _is_dialled(host: bytes, server: tuple[str, int | None] | None) -> bool:
    """The address that the connection came in by, as Prometheus and the probes of containers write it."""
    name = _without_port(host)
    try:
        here = ipaddress.ip_address(server[0] if server else "")
        mapped = (
            here.ipv4_mapped if isinstance(here, ipaddress.IPv6Address) else None
        )  # IPv4 on a socket of both
        asked = f"[{here}]" if mapped is None and here.version == 6 else str(mapped or here)
    except ValueError:  # a Unix socket
        return False
    return name == asked


def _is_loopback(name: str) -> bool:
    try:
        if name.startswith("["):
            return name.endswith("]") and ipaddress.IPv6Address(name[1:-1]).is_loopback
        return ipaddress.IPv4Address(name).is_loopback
    except ValueError:
        return False
