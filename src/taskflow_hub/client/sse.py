"""Server-Sent Events, read from bytes as they come: https://html.spec.whatwg.org/multipage/server-sent-events.html."""

from collections.abc import Iterator

from msgspec import Struct


class Event(Struct, frozen=True):
    event: str
    data: str
    id: str | None


class Parser:
    """Feed it chunks, cut anywhere; it gives the events they complete. Comments, which keep the connection warm, give none."""

    def __init__(self) -> None:
        self._rest = b""
        self._name, self._data, self._id = "message", list[str](), ""

    def feed(self, chunk: bytes) -> Iterator[Event]:
        text = self._rest + chunk
        held = b"\r" if text.endswith(b"\r") else b""  # its "\n" may come with the next chunk
        *lines, rest = (
            text[: len(text) - len(held)].replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        )
        self._rest = rest + held
        for line in lines:
            event = self._line(line.decode("utf-8", "replace"))
            if event is not None:
                yield event

    def _line(self, line: str) -> Event | None:
        if not line:
            event = Event(self._name, "\n".join(self._data), self._id or None) if self._data else None
            self._name, self._data = "message", []
            return event
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match name:
            case "event":
                self._name = value
            case "data":
                self._data.append(value)
            case "id":
                self._id = value
        return None
