"""HTTP/1.1 for a server that anybody may talk to, on asyncio's streams.

What can be read in two ways is refused and its connection closed: a proxy in front might have read it the other way.
"""

import asyncio
import logging
import re
from asyncio import IncompleteReadError, LimitOverrunError, Semaphore, StreamReader, StreamWriter
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus
from typing import Final

MAX_HEAD: Final = 16 * 1024  # bytes; a chunk's line and a trailer are held to it, too
MAX_FIELDS: Final = 100
MAX_BODY: Final = 1 << 20
MAX_CONNECTIONS: Final = 256
MAX_LARGE: Final = (
    16  # bodies beyond MAX_HEAD, or in chunks, that are read at the same time: others wait their turn
)
PATIENCE_S: Final = 15.0  # for a request to come and its answer to be taken, from the end of the one before
LINGER_S: Final = 2.0

_TOKEN: Final = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_REQUEST: Final = re.compile(rb"(" + _TOKEN + rb") (?:(?i:http)://[^/ ]+)?(/[!-~]*) HTTP/([0-9])\.([0-9])")
_FIELD: Final = re.compile(rb"(" + _TOKEN + rb"):([\t\x20-\x7e\x80-\xff]*)")
_CHUNK: Final = re.compile(rb"([0-9A-Fa-f]{1,16})(?:;[\t\x20-\x7e\x80-\xff]*)?\r\n")

Fields = dict[bytes, list[bytes]]  # by lower-case name

_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str  # as it came, without the query: '/tasks/a%20b'
    body: bytes | None  # None: longer than MAX_BODY, and not read to its end
    stay: bool  # the connection may serve another


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    body: bytes
    content_type: str = "text/plain; charset=utf-8"
    fields: tuple[str, ...] = ()  # 'Allow: POST'

    def encoded(self, *, stay: bool, with_body: bool) -> bytes:
        head = (
            f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}",
            f"Date: {formatdate(usegmt=True)}",
            f"Content-Type: {self.content_type}",
            f"Content-Length: {len(self.body)}",
            "X-Content-Type-Options: nosniff",
            *(() if stay else ("Connection: close",)),
            *self.fields,
        )
        return "\r\n".join((*head, "\r\n")).encode("ascii") + (self.body if with_body else b"")


class Malformed(Exception):
    """The request cannot be understood, nor what comes after it."""

    def __init__(self, text: str, status: int = 400) -> None:
        self.response = Response(status, f"{text}\n".encode())


async def read_request(reader: StreamReader, writer: StreamWriter, large: Semaphore) -> Request | None:
    """The next request, or None when the client has sent its last. Raises Malformed."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except LimitOverrunError:
        raise Malformed("header too large", 431) from None
    except IncompleteReadError:
        return None
    first, *lines = head[:-4].removeprefix(b"\r\n").split(b"\r\n")
    request = _REQUEST.fullmatch(first)
    if not request:
        raise Malformed("bad request line")
    if request[3] != b"1":
        raise Malformed("HTTP version not supported", 505)
    modern = request[4] != b"0"
    fields = _fields(lines)
    if len(fields.get(b"host", ())) != 1 and modern:
        raise Malformed("exactly one Host is required")
    try:
        body = await _read_body(reader, writer, fields, modern, large)
    except (IncompleteReadError, LimitOverrunError):
        raise Malformed("bad body") from None
    stay = modern and body is not None and b"close" not in _words(fields.get(b"connection", []))
    return Request(request[1].decode(), request[2].partition(b"?")[0].decode(), body, stay)


def _fields(lines: list[bytes]) -> Fields:
    """Neither folded lines nor space before a colon pass: neither is part of a token."""
    if len(lines) > MAX_FIELDS:
        raise Malformed("too many header fields", 431)
    fields: Fields = {}
    for line in lines:
        field = _FIELD.fullmatch(line)
        if not field:
            raise Malformed("bad header field")
        fields.setdefault(field[1].lower(), []).append(field[2].strip(b" \t"))
    return fields


def _words(values: list[bytes]) -> list[bytes]:
    return [word.strip(b" \t").lower() for value in values for word in value.split(b",")]


async def _read_body(
    reader: StreamReader, writer: StreamWriter, fields: Fields, modern: bool, large: Semaphore
) -> bytes | None:
    codings, lengths = fields.get(b"transfer-encoding"), fields.get(b"content-length", [b"0"])
    if codings and (not modern or b"content-length" in fields):
        raise Malformed("Transfer-Encoding beside Content-Length, or in HTTP/1.0")
    if codings and _words(codings) != [b"chunked"]:
        raise Malformed("only chunked is understood", 501)
    if len(lengths) != 1 or not lengths[0].isdigit() or len(lengths[0]) > 19:  # of bytes: 0 to 9 alone
        raise Malformed("bad Content-Length")
    if (length := int(lengths[0])) > MAX_BODY:
        return None
    expected = fields.get(b"expect") if modern else None
    if expected and _words(expected) != [b"100-continue"]:
        raise Malformed("expectation failed", 417)
    if expected and (codings or length):
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    if not codings and length <= MAX_HEAD:
        return await reader.readexactly(length)
    async with large:  # whose turn it is not has no more than two MAX_HEAD in the reader
        return await _read_chunks(reader) if codings else await reader.readexactly(length)


async def _chunk_size(reader: StreamReader) -> int:
    chunk = _CHUNK.fullmatch(await reader.readuntil(b"\r\n"))
    if not chunk:
        raise Malformed("bad chunk")
    return int(chunk[1], 16)


async def _read_chunks(reader: StreamReader) -> bytes | None:
    body = bytearray()
    while size := await _chunk_size(reader):
        if len(body) + size > MAX_BODY:
            return None
        body += await reader.readexactly(size)
        if await reader.readexactly(2) != b"\r\n":
            raise Malformed("bad chunk")
    for _ in range(MAX_FIELDS):  # a trailer says nothing to us
        if await reader.readuntil(b"\r\n") == b"\r\n":
            return bytes(body)
    raise Malformed("too many trailers", 431)


class Server:
    """Serves at most MAX_CONNECTIONS at a time; who is too slow, in sending or in taking, is cut off after `patience_s`.

    `handle` answers a request. It does not await, so an answer is one step on the event loop.
    """

    def __init__(self, handle: Callable[[Request], Response], *, patience_s: float = PATIENCE_S) -> None:
        self._handle = handle
        self._patience_s = patience_s
        self._connections = set[asyncio.Task[None]]()
        self._large = Semaphore(MAX_LARGE)

    async def open(self, host: str, port: int) -> int:
        """Listen; the port. Raises OSError."""
        self._server = await asyncio.start_server(self._serve, host, port, limit=MAX_HEAD, backlog=256)
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Stop listening and hang up on everybody. What was answered is with the kernel already."""
        self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        here = asyncio.current_task()
        assert here
        writer.transport.set_write_buffer_limits(high=0)  # drain() returns when all is with the kernel
        try:
            self._connections.add(here)
            if len(self._connections) > 2 * MAX_CONNECTIONS:
                return  # as many are being refused as are served: this one not even that
            stay = len(self._connections) <= MAX_CONNECTIONS
            if not stay:
                refusal = Response(503, b"too many connections\n", fields=("Retry-After: 1",))
                writer.write(refusal.encoded(stay=False, with_body=True))
            while stay:
                async with asyncio.timeout(self._patience_s):
                    stay = await self._exchange(reader, writer)
            writer.write_eof()
            async with asyncio.timeout(LINGER_S):  # closing with something unread would take our answer back
                while await reader.read(MAX_HEAD):
                    pass
        except (OSError, TimeoutError):
            pass  # gone, or too slow: nobody is left to be told
        finally:
            self._connections.discard(here)
            writer.transport.abort()  # nothing of ours is unsent

    async def _exchange(self, reader: StreamReader, writer: StreamWriter) -> bool:
        """One request and its answer; whether another may follow."""
        try:
            request = await read_request(reader, writer, self._large)
        except Malformed as error:
            response, stay, with_body = error.response, False, True
        else:
            if request is None:
                return False
            response, stay, with_body = self._answer(request), request.stay, request.method != "HEAD"
        writer.write(response.encoded(stay=stay, with_body=with_body))
        await writer.drain()
        return stay

    def _answer(self, request: Request) -> Response:
        try:
            return self._handle(request)
        except Exception:
            _log.exception("internal error")
            return Response(500, b"internal error\n")
