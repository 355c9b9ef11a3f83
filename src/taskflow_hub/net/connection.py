"""One HTTP/1.1 connection. Imports h11: import this file late.

h11 knows the protocol, asyncio the socket; what is added is when to read on, when to give up, and whether the connection may
carry another request.
"""

import asyncio
import select
from collections.abc import AsyncIterator, Callable
from typing import Final, cast

import h11

from taskflow_hub.net.errors import BadAnswer, TimedOut, Unreachable

_INBOX: Final = 64 * 1024  # bytes received and not yet wanted, beyond which the server has to wait
_LONGEST_HEAD: Final = 100 * 1024  # bytes of headers before h11 gives up

RawHeaders = list[tuple[bytes, bytes]]


class Dropped(Unreachable):
    """The connection ended before the first byte of an answer: whether the request was received is not known."""


class Connection(asyncio.Protocol):
    """Made by `loop.create_connection`; one request at a time, each answer read or the connection aborted."""

    def __init__(self, place: str, silence_s: float) -> None:
        self.place = place  # for messages
        self.born = asyncio.get_running_loop().time()
        self.on_end: Callable[[Connection], object] | None = None  # called when it ends while it is kept
        self._silence_s = silence_s
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=_LONGEST_HEAD)
        self._inbox = bytearray()
        self._paused = self._ended = False
        self._heard = False  # anything, since the last request
        self._failure: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._transport: asyncio.Transport

    # --- what asyncio tells ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._inbox += data
        if len(self._inbox) > _INBOX and not self._paused:
            self._paused = True
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> None:
        self._ended = True
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended, self._failure = True, exc
        self._wake()

    def _wake(self) -> None:
        if self.on_end is not None:  # kept, and it ended or said what nobody had asked for: of no more use
            self.on_end(self)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # --- one exchange ---

    async def ask(self, method: str, target: str, headers: RawHeaders, content: bytes) -> h11.Response:
        """Send a request and wait for the head of its answer. Raises Dropped, TimedOut, Unreachable, BadAnswer."""
        try:
            parts = [
                self._http.send(h11.Request(method=method, target=target, headers=headers)),
                self._http.send(h11.Data(data=content)) if content else b"",
                self._http.send(h11.EndOfMessage()),
            ]
        except h11.LocalProtocolError as error:
            raise BadAnswer(f"{self.place} cannot be asked so: {error}") from error
        # An answer may come before all is sent, and then nobody takes the rest: so nothing waits for the sending.
        self._transport.write(b"".join(part for part in parts if part))
        while not isinstance(event := await self._event(), h11.Response):
            pass  # 100, 103 and their like announce the answer
        return event

    async def body(self) -> AsyncIterator[bytes]:
        while isinstance(event := await self._event(), h11.Data):
            yield bytes(event.data)

    def finish(self) -> bool:
        """Whether it may carry another request: all was sent, the answer has come to its end, and nothing after it.

        What has been received of a body that nobody wants is passed over, but not waited for.
        """
        try:
            self._feed()
            while isinstance(self._http.next_event(), h11.Data):
                pass
            if (self._http.our_state, self._http.their_state) != (h11.DONE, h11.DONE):
                return False
            if self.spent or self._http.trailing_data[0] or self._transport.get_write_buffer_size():
                return False
            self._http.start_next_cycle()
            self._heard = False
        except h11.ProtocolError:
            return False
        return True

    @property
    def spent(self) -> bool:
        """It has ended, or the server has said something unasked: what comes next is no answer to trust."""
        return self._ended or bool(self._inbox) or self._transport.is_closing()

    @property
    def silent(self) -> bool:
        """Whether it is as it was left: neither ended nor anything said, not even what the event loop has yet to read."""
        if self.spent:
            return False
        waiting = select.poll()
        waiting.register(self._transport.get_extra_info("socket").fileno(), select.POLLIN)
        return not waiting.poll(0)

    def abort(self) -> None:
        """Close it now. Twice is harmless."""
        self.on_end = None
        self._transport.abort()

    # --- inside ---

    async def _event(self) -> object:
        try:
            while (event := self._http.next_event()) is h11.NEED_DATA:
                await self._receive()
        except h11.ProtocolError as error:
            raise BadAnswer(f"{self.place} sent no valid HTTP answer: {error}") from error
        return event

    async def _receive(self) -> None:
        if not self._inbox and not self._ended:
            await self._wait()
        if not self._inbox and not self._heard:
            raise self._dropped()
        if not self._inbox and self._failure is not None:
            raise self._broken()
        self._feed()

    def _feed(self) -> None:
        """Hand h11 what has come in. An end is told by no data, once all that came before it is used."""
        if self._inbox:
            self._heard = True
            self._http.receive_data(bytes(self._inbox))
            self._inbox.clear()
        elif self._ended:
            self._http.receive_data(b"")
        if self._paused:
            self._paused = False
            self._transport.resume_reading()

    async def _wait(self) -> None:
        """For anything to happen. Silence is measured from the last byte in either direction."""
        loop = asyncio.get_running_loop()
        while True:
            unsent = self._transport.get_write_buffer_size()
            self._waiter = loop.create_future()
            try:
                async with asyncio.timeout(self._silence_s):
                    return await self._waiter
            except TimeoutError:
                if self._transport.get_write_buffer_size() >= unsent:
                    raise TimedOut(f"{self.place} did not answer in time ({self._silence_s:g} s)") from None
            finally:
                self._waiter = None

    def _dropped(self) -> Dropped:
        dropped = Dropped(f"{self.place} closed the connection without an answer")
        dropped.__cause__ = self._failure
        return dropped

    def _broken(self) -> Unreachable:
        broken = Unreachable(f"{self.place}: the connection broke: {self._failure}")
        broken.__cause__ = self._failure
        return broken
