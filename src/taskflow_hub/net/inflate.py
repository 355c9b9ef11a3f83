"""Undoing a Content-Encoding without ever holding more than was asked for: a gzip bomb stops at the limit."""

import zlib
from typing import Final, Protocol

from taskflow_hub.net.errors import BadAnswer

ACCEPT_ENCODING: Final = "gzip, deflate"  # brotli and zstd are not bounded by their usual decoders

_GZIP: Final = 16 + zlib.MAX_WBITS
_ZLIB: Final = zlib.MAX_WBITS
_RAW: Final = -zlib.MAX_WBITS
_GZIP_MAGIC: Final = b"\x1f\x8b"


class Decoder(Protocol):
    def feed(self, data: bytes, room: int) -> bytes:
        """Decode `data` into at most `room` bytes (at least 1). Fewer than `room` means: all of `data` was used."""
        ...

    def finish(self) -> None:
        """The body has ended. Raises BadAnswer if that is too early."""
        ...


def decoder(coding: str) -> Decoder:
    """For a Content-Encoding header. Raises BadAnswer for a coding that was not asked for."""
    match coding.strip().lower():
        case "" | "identity":
            return Plain()
        case "gzip" | "x-gzip":
            return Inflate(_GZIP)
        case "deflate":
            return Inflate(_ZLIB)
        case other:
            raise BadAnswer(f"the answer has the content encoding {other[:40]!r}, which was not asked for")


class Plain:
    def feed(self, data: bytes, room: int) -> bytes:
        return data[:room]

    def finish(self) -> None:
        return


class Inflate:
    """gzip, zlib, or (`wbits` of zlib, but the stream says otherwise) bare deflate."""

    def __init__(self, wbits: int) -> None:
        self._wbits = wbits
        self._zlib = zlib.decompressobj(wbits)
        self._head = b""  # of the stream, until there is enough to tell its kind
        self._started = False

    def feed(self, data: bytes, room: int) -> bytes:
        out = bytearray()
        data = self._begin(data)
        while data and len(out) < room:
            if self._zlib.eof:
                if self._wbits != _GZIP or not _GZIP_MAGIC.startswith(data[:2]):
                    break  # what follows the end is not ours; browsers ignore it too
                self._zlib = zlib.decompressobj(self._wbits)  # a gzip file may have several members
            try:
                out += self._zlib.decompress(data, room - len(out))
            except zlib.error as error:
                raise BadAnswer(f"the answer's compressed body is damaged: {error}") from error
            data = self._zlib.unused_data if self._zlib.eof else self._zlib.unconsumed_tail
        return bytes(out)

    def _begin(self, data: bytes) -> bytes:
        if self._started:
            return data
        self._head += data
        if len(self._head) < 2:
            return b""
        self._started = True
        if self._wbits == _ZLIB and not _is_zlib(self._head):
            self._wbits, self._zlib = _RAW, zlib.decompressobj(_RAW)
        return self._head

    def finish(self) -> None:
        if (self._started or self._head) and not self._zlib.eof:
            raise BadAnswer("the answer's compressed body ends too early")


def _is_zlib(head: bytes) -> bool:
    """By RFC 1950's header check. "deflate" means zlib, but some servers send the bare stream."""
    return head[0] & 0x0F == 8 and (head[0] << 8 | head[1]) % 31 == 0
