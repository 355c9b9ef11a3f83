"""uvicorn's HTTP/1.1 protocol, with what it leaves open closed: bounds of time and size, and problem+json where it answers
by itself.

httptools sets no bounds, and uvicorn's only timer is the one between two requests. Here a client that sends its headers or its
body too slowly is cut off, and so is one that connects and says nothing. The server looks over its connections once a second
(`sweep`), so a request costs no timer of its own. What stays uvicorn's: a client that reads its answer slowly holds it in
memory, up to the size of the answer.
"""

import asyncio
import re
import sys
import time
from typing import Any, Final

from httptools import HttpParserInvalidMethodError
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from taskflow_hub.domain.errors import ShuttingDown, Unavailable
from taskflow_hub.http import problems
from taskflow_hub.http.answers import GUARDS
from taskflow_hub.http.envelope import Headers
from taskflow_hub.http.problems import Problem
from taskflow_hub.http.settings import HttpSettings
from taskflow_hub.http.unread import CALL, REFUSE

# How long a client may go on sending what nobody reads any more, so that it reads its answer before the connection is reset.
LINGER_S: Final = 1.0
HALF_CLOSED_S: Final = 1.0  # how long an answer may take that a client awaits after it has closed its side
# A method is any token (RFC 9110, 5.6.2); the parser has a list, and calls what is not on it no HTTP.
_REQUEST_LINE: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+ [^ \r\n]+ HTTP/1\.[01]\r?\n")
RAW_FACTOR: Final = 4  # how much larger than the largest body a request may be on the wire (chunks, headers)


class _TooMuch(Exception):
    """Ends the parsing of a header section that is over the limit."""


class Protocol(HttpToolsProtocol):
    limits: HttpSettings
    closing = False  # of the class, which each server has for itself: who comes now is too late

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._since: float | None = None  # when the request that is being read began; None between requests
        self._half_closed_at: float | None = None
        self._begun, self._in_headers = False, True
        self._header_size = self._size = 0  # of the request that is being read
        self._refusal: Problem | None = (
            None  # why the parser is about to fail, where it is not the client's grammar
        )
        self._data = b""  # what the parser is looking at
        self._deaf = False  # the answer is the last thing on this connection, and what still comes is dropped

    # --- the connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.client = _as_v4(self.client)
        self._patient: Any = _Patient(transport, self)
        self._since = time.monotonic()
        if self.closing:
            self._refuse(problems.from_error(ShuttingDown()))
        elif len(self.connections) > self.limits.max_connections:
            most = self.limits.max_connections
            self._refuse(
                problems.from_error(Unavailable(f"{most} connections are open, and no more are served."))
            )

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        if self._since is None:
            self._since = time.monotonic()
        self._size += len(data)
        self._data = data
        super().data_received(data)
        self._data = b""
        if self._in_headers and self._size > self.limits.max_header:
            self._refuse(problems.from_http(problems.HEADERS_TOO_LARGE))
        elif self._size > self.limits.max_batch_body * RAW_FACTOR:
            self.transport.close()

    def eof_received(self) -> bool | None:  # type: ignore[override]
        """The client sends no more. If it waits for an answer that can still come, it gets it."""
        if self._begun:
            self._refuse(
                problems.from_http(problems.BAD_REQUEST, "The request ended before it was complete.")
            )
            return True
        if self._under_way() and not self.cycle.response_started:
            self._half_closed_at, self.cycle.keep_alive = time.monotonic(), False
            return True
        return None

    def sweep(self, now: float) -> None:
        """Called every second or so: cut off who takes too long."""
        if self._half_closed_at is not None and now - self._half_closed_at > HALF_CLOSED_S:
            self.transport.close()
        if self._since is None or self._deaf or self.pipeline:
            return
        limit_s = self.limits.header_timeout if self._in_headers else self.limits.body_timeout
        if now - self._since > limit_s:
            if self._begun:
                self._refuse(problems.from_http(problems.REQUEST_TIMEOUT))
            else:
                self.transport.close()

    # --- the parser's findings

    def on_message_begin(self) -> None:
        self._begun, self._in_headers, self._header_size = True, True, 0
        self._since = self._since or time.monotonic()
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        self._measure(len(url), problems.URI_TOO_LONG)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._measure(len(name) + len(value) + 4, problems.HEADERS_TOO_LARGE)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_headers = False
        self.scope["extensions"] = {REFUSE: {CALL: self._refuse_unread}}
        super().on_headers_complete()
        self.cycle.transport = self._patient

    def on_message_complete(self) -> None:
        self._begun, self._since, self._size = False, None, 0
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """The parser has failed, and its error is being handled."""
        unknown = isinstance(sys.exception(), HttpParserInvalidMethodError) and _REQUEST_LINE.match(
            self._data
        )
        kind = problems.NOT_IMPLEMENTED if unknown else problems.BAD_REQUEST
        self._refuse(self._refusal or problems.from_http(kind))

    def _measure(self, size: int, kind: tuple[str, int, str]) -> None:
        self._header_size += size
        if self._header_size > self.limits.max_header:
            self._refusal = problems.from_http(kind)
            raise _TooMuch

    # --- refusing

    def _refuse_unread(self, problem: Problem, headers: Headers) -> bool:
        """The app does not want the rest of the body that is being received. False: it has all come."""
        if self._begun:
            self._refuse(problem, headers)
        return self._deaf

    def _under_way(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete

    def _refuse(self, problem: Problem, more: Headers | None = None) -> None:
        """Stop listening, answer, and close. Where an earlier, whole request awaits its answer, that is given, and ours is
        not: it would be taken for the other."""
        if self._deaf:  # the parser may have been first
            return
        self._deaf, self._begun = True, False
        if self._under_way() and (self.pipeline or self.cycle.response_started or not self.cycle.more_body):
            self.cycle.keep_alive = False
            return
        if self._under_way():
            self.cycle.disconnected = True  # whatever the app still says is not sent
            self.cycle.message_event.set()
        body = problems.encode(problem)
        headers = [
            *self.server_state.default_headers,
            (b"content-type", problems.MEDIA_TYPE.encode()),
            (b"content-length", b"%d" % len(body)),
            (b"connection", b"close"),
            *GUARDS,
            *(more or ()),
            *((name.lower().encode(), value.encode()) for name, value in problems.headers(problem).items()),
        ]
        lines = b"".join(b"%b: %b\r\n" % header for header in headers)
        self.transport.write(STATUS_LINE[problem.status] + lines + b"\r\n" + body)
        self._linger()

    # --- closing

    def answered(self) -> None:
        """It was the last answer on this connection."""
        if self._begun:
            self._deaf, self._begun = True, False
            self.pipeline.clear()
            self._linger()
        else:
            self.transport.close()

    def _linger(self) -> None:
        """Close when the client has had time to read what it was told. Until then drop what it sends: what is left unread would
        reset the connection, and take the answer along."""
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(LINGER_S, self.transport.close)


class _Patient:
    """The transport for what answers requests, and closes it after the last answer, whether the body was read or not."""

    __slots__ = ("close", "is_closing", "write")

    def __init__(self, transport: asyncio.Transport, protocol: Protocol) -> None:
        self.write, self.is_closing = transport.write, transport.is_closing
        self.close = protocol.answered


def _as_v4(client: tuple[str, int] | None) -> tuple[str, int] | None:
    """Where both kinds are listened for, IPv4 comes as `::ffff:192.0.2.1`; proxies and limits are named without."""
    if client is None or not client[0].startswith("::ffff:"):
        return client
    return client[0].removeprefix("::ffff:"), client[1]


def limited(settings: HttpSettings) -> type[Protocol]:
    """uvicorn makes the protocols itself, from a class."""
    return type("LimitedProtocol", (Protocol,), {"limits": settings})
