"""The client. httpx is imported with the first request, so that a hub that makes none does not carry it."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from http.client import responses as standard_phrases
from importlib.metadata import version
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin

from taskflow_hub.net.errors import (
    BadAnswer,
    RefusedUrl,
    TimedOut,
    TooLarge,
    TooManyRedirects,
    Unreachable,
)
from taskflow_hub.net.headers import harmless, header_problem
from taskflow_hub.net.inflate import ACCEPT_ENCODING, decoder
from taskflow_hub.net.resolve import Resolver, system_resolve
from taskflow_hub.net.settings import NetSettings
from taskflow_hub.net.traced import traced
from taskflow_hub.net.url import Target, read_url

if TYPE_CHECKING:
    import httpx

MAX_HEADERS: Final = 64 * 1024  # bytes of an answer's headers
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_SAFE: Final = frozenset({"GET", "HEAD"})


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


class GuardedClient:
    """Makes requests to URLs that users give.

    Only http and https; every address is checked as it is dialled and every redirect as it is followed; times and sizes
    are bounded; proxies and .netrc of the environment are ignored. No connection outlives its `fetch`, so there is
    nothing to close, and no answer of DNS is remembered. Safe to share between tasks and event loops.
    """

    def __init__(
        self,
        settings: NetSettings,
        *,
        resolve: Resolver = system_resolve,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._settings, self._resolve, self._ssl_context = settings, resolve, ssl_context

    @traced
    async def fetch(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        max_body: int,
        follow: Callable[[int], bool] = lambda status: True,
    ) -> Answer:
        """Make one request and read at most `max_body` bytes of the answer's body, whatever its status.

        Redirects are followed while `follow(status)` says so and the request keeps its meaning: a POST is repeated on 307
        and 308, becomes a GET on 303, and ends at a 301 or 302 (browsers would turn it into a GET, and what was posted
        would be lost). To another origin only harmless headers go along, and never from https to http.

        Raises NetError: RefusedUrl before anything is sent to a place that is not allowed.
        """
        hop = _Hop(read_url(url), method, headers or {}, content)
        if problem := header_problem(hop.headers):
            raise RefusedUrl(problem)
        try:
            async with asyncio.timeout(self._settings.total_timeout):
                return await self._follow(hop, max_body, follow)
        except TimeoutError:
            raise TimedOut(
                f"{hop.target.place}: no complete answer within {self._settings.total_timeout:g} s"
            ) from None

    async def _follow(self, hop: _Hop, max_body: int, follow: Callable[[int], bool]) -> Answer:
        async with self._session() as session:
            for _ in range(self._settings.max_redirects + 1):
                async with _exchange(session, hop) as response:
                    onward = _onward(hop, response) if follow(response.status_code) else None
                    if onward is None:
                        return await _read(hop.target, response, max_body)
                hop = onward
        raise TooManyRedirects(f"{hop.target.place}: more than {self._settings.max_redirects} redirects")

    @asynccontextmanager
    async def _session(self) -> "AsyncIterator[httpx.AsyncClient]":
        """Cookies live as long as one fetch: some sites set one and redirect until they see it."""
        import httpx

        from taskflow_hub.net.transport import GuardedBackend, GuardedTransport, default_ssl_context

        backend = GuardedBackend(self._settings.allow_private, self._resolve)
        transport = GuardedTransport(backend, self._ssl_context or default_ssl_context())
        timeout = httpx.Timeout(self._settings.read_timeout, connect=self._settings.connect_timeout)
        ours = {"user-agent": _user_agent(), "accept-encoding": ACCEPT_ENCODING}
        async with httpx.AsyncClient(
            transport=transport, timeout=timeout, headers=ours, trust_env=False
        ) as session:
            yield session


@cache
def _user_agent() -> str:
    return f"TaskFlowHub/{version('taskflow-hub')}"


@asynccontextmanager
async def _exchange(session: "httpx.AsyncClient", hop: _Hop) -> "AsyncIterator[httpx.Response]":
    """Send one request; the body is read inside. Turns the libraries' errors into ours."""
    import httpcore
    import httpx

    place = hop.target.place
    try:
        request = session.build_request(
            hop.method, hop.target.url, headers=dict(hop.headers), content=hop.content
        )
        response = await session.send(request, stream=True)
        try:
            yield response
        finally:
            await response.aclose()
    except httpcore.TimeoutException as error:
        raise TimedOut(f"{place} did not answer in time ({type(error).__name__})") from error
    except httpcore.NetworkError as error:
        raise Unreachable(f"{place} cannot be reached: {_root(error)}") from error
    except (httpcore.ProtocolError, httpx.HTTPError, httpx.InvalidURL) as error:
        # httpx's own errors speak of a Location header, which it reads even when nobody wants it.
        raise BadAnswer(f"{place} sent no valid HTTP answer: {error}") from error


def _root(error: BaseException) -> BaseException:
    """What the operating system said: "Connection refused" helps, "All connection attempts failed" does not."""
    while cause := error.__cause__ or error.__context__:
        error = cause
    return error


def _onward(hop: _Hop, response: "httpx.Response") -> _Hop | None:
    """The next request, if this answer asks for one that may be made."""
    status, location = response.status_code, response.headers.get("location", "").strip()
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
        return _Hop(target, "GET", headers, None)
    return _Hop(target, hop.method, headers, hop.content)


def _same_party(old: Target, new: Target) -> bool:
    """The same origin, or the same host a step safer: from http to https, each on its own port."""
    upgrade = (old.scheme, old.port, new.scheme, new.port) == ("http", 80, "https", 443)
    return old.origin == new.origin or (upgrade and old.host == new.host)


async def _read(target: Target, response: "httpx.Response", max_body: int) -> Answer:
    size = sum(len(name) + len(value) for name, value in response.headers.raw)
    if size > MAX_HEADERS:
        raise TooLarge(f"{target.place} sent {size} bytes of headers; at most {MAX_HEADERS} are read")
    body = await _body(response, max_body + 1)
    return Answer(
        status=response.status_code,
        phrase=standard_phrases.get(response.status_code, ""),  # not the server's: that may be anything
        url=target.url,
        host=target.host,
        place=target.place,
        headers=dict(response.headers),
        body=body[:max_body],
        truncated=len(body) > max_body,
    )


async def _body(response: "httpx.Response", limit: int) -> bytes:
    """At most `limit` bytes; the rest is neither received nor decompressed."""
    coding = decoder(response.headers.get("content-encoding", ""))
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += coding.feed(chunk, limit - len(body))
        if len(body) >= limit:
            return bytes(body)
    coding.finish()
    return bytes(body)
