"""The client. h11 is imported with the first request, so that a hub that makes none does not carry it."""

import asyncio
import re
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from functools import cache
from http.client import responses as standard_phrases
from importlib.metadata import version
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin

from taskflow_hub.net.cookies import Cookies
from taskflow_hub.net.errors import RefusedUrl, TimedOut, TooLarge, TooManyRedirects
from taskflow_hub.net.headers import harmless, header_problem
from taskflow_hub.net.inflate import ACCEPT_ENCODING, decoder
from taskflow_hub.net.resolve import Resolver, system_resolve
from taskflow_hub.net.settings import NetSettings
from taskflow_hub.net.traced import traced
from taskflow_hub.net.url import Target, read_url

if TYPE_CHECKING:
    from taskflow_hub.net.connection import RawHeaders
    from taskflow_hub.net.pool import Pool

MAX_HEADERS: Final = 64 * 1024  # bytes of an answer's headers
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_SAFE: Final = frozenset({"GET", "HEAD"})
_IDEMPOTENT: Final = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"})  # RFC 9110, 9.2.2
_WITH_LENGTH: Final = frozenset({"POST", "PUT", "PATCH"})  # a length is expected, even of nothing
_METHOD: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,40}")
_OF_THE_CONNECTION: Final = ("negotiate", "ntlm")  # they log in a connection, and all that follows on it


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the server at the end of all redirects answered."""

    status: int
    phrase: str  # "Not Found"; empty where HTTP knows none
    url: str  # of this answer, after redirects
    host: str
    place: str  # its scheme and host, for messages
    headers: Mapping[str, str]  # names in lower case, repeated ones joined by ", "
    body: bytes  # decompressed
    truncated: bool  # there was more body than was asked for

    @property
    def summary(self) -> str:
        """For messages: "https://example.com answered 404 Not Found"."""
        return f"{self.place} answered {self.status} {self.phrase}".rstrip()


@dataclass(frozen=True, slots=True)
class _Hop:
    target: Target
    method: str
    headers: Mapping[str, str]
    content: bytes | None
    repeatable: bool  # to receive it twice is as good as once


class GuardedClient:
    """Makes requests to URLs that users give.

    Only http and https; every address is checked as it is dialled and every redirect as it is followed; times and sizes
    are bounded; proxies and .netrc of the environment are ignored; cookies last for one fetch.

    Connections are kept for a while for further requests to their origin (`NetSettings` says how many and how long; the
    `pool` module, for whom). A kept one leads to the address that was checked when it was dialled, and lives for a minute at
    most; no other answer of DNS is remembered. A request that finds its kept connection closed under it is sent again, once
    and on a new connection, if that is harmless (`idempotent`), and else fails with an error that is retryable.

    Safe to share between tasks and event loops, each of which has its own connections; these end with their loop.
    """

    def __init__(
        self,
        settings: NetSettings | None = None,
        *,
        resolve: Resolver = system_resolve,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        """Without settings: the defaults, which reach nothing but the public Internet."""
        self._settings, self._resolve, self._ssl_context = settings or NetSettings(), resolve, ssl_context
        self._pools: dict[asyncio.AbstractEventLoop, tuple[Pool, AsyncGenerator[None, None]]] = {}

    @traced
    async def fetch(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        max_body: int,
        timeout: float | None = None,
        follow: Callable[[int], bool] = lambda status: True,
        idempotent: bool | None = None,
    ) -> Answer:
        """Make one request and read at most `max_body` bytes of the answer's body, whatever its status.

        `timeout` is in seconds, for everything from the wait for a connection to the last byte; it can only shorten the
        settings' `total_timeout`.

        Redirects are followed while `follow(status)` says so and the request keeps its meaning: a POST is repeated on 307
        and 308, becomes a GET on 303, and ends at a 301 or 302 (browsers would turn it into a GET, and what was posted
        would be lost). To another origin only harmless headers go along, and never from https to http.

        `idempotent` says whether the request may be sent again when a kept connection ends before the first byte of an
        answer, so that it may have been received; None: if its method is, or it has an Idempotency-Key.

        Raises NetError: RefusedUrl before anything is sent to a place that is not allowed.
        """
        given = {name: value.strip() for name, value in (headers or {}).items()}
        if idempotent is None:
            idempotent = method in _IDEMPOTENT or any(name.lower() == "idempotency-key" for name in given)
        hop = _Hop(read_url(url), method, given, content, idempotent)
        if problem := _problem(method, given):
            raise RefusedUrl(problem)
        if timeout is not None and not timeout > 0:
            raise ValueError(f"timeout must be seconds above 0, not {timeout!r}")
        patience_s = min(timeout or self._settings.total_timeout, self._settings.total_timeout)
        try:
            async with asyncio.timeout(patience_s):
                return await self._follow(hop, max_body, follow)
        except TimeoutError:
            raise TimedOut(f"{hop.target.place}: no complete answer within {patience_s:g} s") from None

    async def aclose(self) -> None:
        """Close the connections that are kept in this event loop. The client stays usable."""
        if entry := self._pools.pop(asyncio.get_running_loop(), None):
            await entry[1].aclose()

    async def _follow(self, hop: _Hop, max_body: int, follow: Callable[[int], bool]) -> Answer:
        pool, cookies = await self._pool(), Cookies()
        for _ in range(self._settings.max_redirects + 1):
            outcome = await self._step(pool, hop, cookies, max_body, follow)
            if isinstance(outcome, Answer):
                return outcome
            hop = outcome
        raise TooManyRedirects(f"{hop.target.place}: more than {self._settings.max_redirects} redirects")

    async def _step(
        self, pool: "Pool", hop: _Hop, cookies: Cookies, max_body: int, follow: Callable[[int], bool]
    ) -> "Answer | _Hop":
        """One request, and its answer or the request that it asks for."""
        from taskflow_hub.net.connection import Dropped

        wire = self._headers(hop, cookies)
        fresh = False
        while True:
            async with pool.connection(hop.target, fresh=fresh) as (connection, used):
                try:
                    head = await connection.ask(hop.method, hop.target.path, wire, hop.content or b"")
                except Dropped:
                    # The server may have closed it while the request was under way, as is its right, or have received
                    # the request and died: nobody can tell.
                    if not (used and hop.repeatable):
                        raise
                    fresh = True
                    continue
                said = _decoded(head.headers.raw_items())
                if follow(head.status_code) and (onward := _onward(hop, head.status_code, said)):
                    cookies.learn(hop.target, [value for name, value in said if name == "set-cookie"])
                    return onward
                return await _read(hop.target, head.status_code, said, connection.body(), max_body)

    def _headers(self, hop: _Hop, cookies: Cookies) -> "RawHeaders":
        wire = {
            "host": hop.target.netloc,
            "accept": "*/*",
            "accept-encoding": ACCEPT_ENCODING,
            "user-agent": _user_agent(),
        }
        if hop.content or hop.method in _WITH_LENGTH:
            wire["content-length"] = str(len(hop.content or b""))
        if (cookie := cookies.header(hop.target)) is not None:
            wire["cookie"] = cookie
        wire |= {name.lower(): value for name, value in hop.headers.items()}  # its user's own win
        # What one user logged in to must not be open to the next who comes along the same connection.
        if self._settings.keep_alive == 0 or wire.get("authorization", "").lower().startswith(
            _OF_THE_CONNECTION
        ):
            wire["connection"] = "close"
        return [(name.encode("ascii"), value.encode("ascii")) for name, value in wire.items()]

    async def _pool(self) -> "Pool":
        loop = asyncio.get_running_loop()
        if entry := self._pools.get(loop):
            return entry[0]
        from taskflow_hub.net.dial import Dialler
        from taskflow_hub.net.pool import Pool, closing_with_loop

        pool = Pool(Dialler(self._settings, self._resolve, self._ssl_context), self._settings)
        ending = closing_with_loop(pool, lambda: self._pools.pop(loop, None))
        self._pools[loop] = pool, ending
        await anext(ending)
        return pool


@cache
def _user_agent() -> str:
    return f"TaskFlowHub/{version('taskflow-hub')}"


def _problem(method: str, headers: Mapping[str, str]) -> str | None:
    if not _METHOD.fullmatch(method) or method == "CONNECT":
        return f"the method {method[:40]!r} cannot be used"
    return header_problem(headers)


def _decoded(headers: "RawHeaders") -> list[tuple[str, str]]:
    """With names in lower case. Values are ASCII by the book, and UTF-8 or anything by custom."""
    return [(name.decode("ascii").lower(), _text(value)) for name, value in headers]


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _joined(headers: list[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in headers:
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


def _onward(hop: _Hop, status: int, said: list[tuple[str, str]]) -> _Hop | None:
    """The next request, if this answer asks for one that may be made."""
    location = next((value.strip() for name, value in said if name == "location"), "")
    if status not in _REDIRECTS or not location or (status in {301, 302} and hop.method not in _SAFE):
        return None
    try:
        target = read_url(urljoin(hop.target.url, location.replace(" ", "%20")))
    except ValueError as refused:  # RefusedUrl, or what urljoin cannot read
        raise RefusedUrl(f"{hop.target.place} redirects to a URL that is refused: {refused}") from None
    if hop.target.scheme == "https" and target.scheme == "http":
        raise RefusedUrl(f"{hop.target.place} redirects from https to http, to {target.place}")
    headers = hop.headers if _same_party(hop.target, target) else harmless(hop.headers)
    if status == 303 and hop.method != "HEAD":
        headers = {name: value for name, value in headers.items() if name.lower() != "content-type"}
        return _Hop(target, "GET", headers, None, repeatable=True)
    return _Hop(target, hop.method, headers, hop.content, hop.repeatable)


def _same_party(old: Target, new: Target) -> bool:
    """The same origin, or the same host a step safer: from http to https, each on its own port."""
    upgrade = (old.scheme, old.port, new.scheme, new.port) == ("http", 80, "https", 443)
    return old.origin == new.origin or (upgrade and old.host == new.host)


async def _read(
    target: Target, status: int, said: list[tuple[str, str]], chunks: AsyncIterator[bytes], max_body: int
) -> Answer:
    size = sum(len(name) + len(value) for name, value in said)
    if size > MAX_HEADERS:
        raise TooLarge(f"{target.place} sent {size} bytes of headers; at most {MAX_HEADERS} are read")
    headers = _joined(said)
    body = await _body(headers.get("content-encoding", ""), chunks, max_body + 1)
    return Answer(
        status=status,
        phrase=standard_phrases.get(status, ""),  # not the server's: that may be anything
        url=target.url,
        host=target.host,
        place=target.place,
        headers=headers,
        body=body[:max_body],
        truncated=len(body) > max_body,
    )


async def _body(content_encoding: str, chunks: AsyncIterator[bytes], limit: int) -> bytes:
    """At most `limit` bytes; the rest is neither received nor decompressed."""
    coding = decoder(content_encoding)
    body = bytearray()
    async for chunk in chunks:
        body += coding.feed(chunk, limit - len(body))
        if len(body) >= limit:
            return bytes(body)
    coding.finish()
    return bytes(body)
