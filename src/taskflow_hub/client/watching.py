"""Watching something until it ends: what must survive a restart of the hub in the middle."""

import math
from collections.abc import Callable
from typing import Final, Generic, Protocol, TypeVar

from msgspec import Struct

from taskflow_hub.client.conversation import Conversation
from taskflow_hub.client.plan import (
    Broken,
    Close,
    Emit,
    Flow,
    Open,
    Plan,
    Read,
    Request,
    Response,
    Send,
    Sleep,
)
from taskflow_hub.client.problems import error_of
from taskflow_hub.client.sse import Parser
from taskflow_hub.domain.errors import RateLimited, Unavailable

SILENCE_S: Final = 40.0  # a stream that says nothing for so long, not even a comment, is taken for dead
SLACK_S: Final = 0.25  # how late a deadline may be noticed
POLL_S: Final = 1.0  # between two looks where no stream can be had
PATIENCE_S: Final = 60.0  # how long a hub may stay away from somebody who already waits


class Ending(Protocol):
    @property
    def done(self) -> bool: ...


T = TypeVar("T", bound=Ending)


class Watched(Struct, Generic[T], frozen=True):
    """What is watched: where it is, with its events below; whether what is seen is newer than what was; and what a stream is
    told that the reader has seen."""

    path: str
    kind: type[T]
    is_news: Callable[[T, T | None], bool]
    seen: Callable[[T], str | None]


class WatchPlans(Conversation):
    def deadline(self, timeout: float | None) -> float:
        return math.inf if timeout is None else self.manner.monotonic() + timeout

    def watch(self, watched: Watched[T], deadline: float) -> Flow[T]:
        """Emit it at every change until its end or the deadline.

        Look once, then listen to the stream of its changes; when that ends, breaks, or cannot be had, look again. Each look is
        the whole truth, so nothing that happens to a stream can hide a change, only delay it by the pause in between.
        """
        last: T | None = None
        failures = 0
        good_at: float | None = None
        while True:
            try:
                found = yield from self._look(watched, deadline)
            except (Unavailable, RateLimited) as error:
                now = self.manner.monotonic()
                tired = failures >= self.manner.retries if good_at is None else now - good_at > PATIENCE_S
                if tired or now >= deadline:
                    raise
                failures += 1
                asked_s = error.retry_after_s if isinstance(error, RateLimited) else None
                yield Sleep(min(self.pause_s(failures, asked_s), max(deadline - now, 0.0)))
                continue
            good_at, failures = self.manner.monotonic(), 0
            if watched.is_news(found, last):
                last = found
                yield Emit(found)
            if found.done or good_at >= deadline:
                return
            pause_s = POLL_S
            try:
                silence_s = min(SILENCE_S, deadline - good_at)
                response: Response | None = yield Open(_stream(watched, last or found, silence_s))
                listening = response is not None and response.status < 400
                parser = Parser()
                while listening and (chunk := (yield Read())):
                    pause_s = self.pause_s(0)
                    for event in parser.feed(chunk):
                        found = self.decode(event.data.encode(), watched.kind)
                        if watched.is_news(found, last):
                            last = found
                            yield Emit(found)
                        if found.done:
                            return
                    good_at = self.manner.monotonic()
                    # The timeout of a stream is fixed when it is opened: near the deadline it needs a shorter one.
                    listening = deadline - good_at > silence_s - SLACK_S
                yield Close()
            except Broken:
                pass  # the hub went away: look again
            yield Sleep(max(min(pause_s, deadline - self.manner.monotonic()), 0.0))

    def _look(self, watched: Watched[T], deadline: float) -> Plan[T]:
        """One try, since whoever calls tries again."""
        patience_s = max(min(self.manner.read_timeout_s, deadline - self.manner.monotonic()), 1.0)
        request = Request(method="GET", path=watched.path, read_timeout_s=patience_s)
        try:
            response: Response = yield Send(request)
        except Broken as broken:
            raise self.unreachable(broken) from None
        if response.status >= 400:
            raise error_of(response, self.server)
        return self.decode(response.body, watched.kind)


def _stream(watched: Watched[T], last: T, silence_s: float) -> Request:
    seen = watched.seen(last)
    headers = {"accept": "text/event-stream"} | ({} if seen is None else {"last-event-id": seen})
    return Request(method="GET", path=f"{watched.path}/events", headers=headers, read_timeout_s=silence_s)
