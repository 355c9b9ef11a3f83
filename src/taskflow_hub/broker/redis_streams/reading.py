"""Waiting for what comes in a stream."""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import Any, Final, Generic, TypeVar

from taskflow_hub.broker.redis_streams.exchange import Command
from taskflow_hub.broker.redis_streams.keys import DATA, ms
from taskflow_hub.broker.redis_streams.link import Link, end

T = TypeVar("T")
Entry = tuple[bytes, bytes]  # id, data
Read = Callable[[int, float], Coroutine[Any, Any, Sequence[T]]]

NOTHING: Final = b""  # an entry without our field


class Reading(Generic[T]):
    """One read at a time. A wait that is cancelled leaves it running, and what it brings goes to the next wait.

    `read(limit, wait_s)` answers in order; it waits for the first at most `wait_s`. All but `next` on the link's loop.
    """

    def __init__(self, link: Link, read: Read[T]) -> None:
        self._link, self._read = link, read
        self._found: deque[T] = deque()
        self._under_way: asyncio.Task[Sequence[T]] | None = None

    async def next(self, limit: int, wait_s: float, ended: asyncio.Event | None = None) -> list[T]:
        """Up to `limit`; empty when nothing has come within `wait_s`, or `ended` is set. Raises what `read` raises.

        On any loop, one at a time. Taken out here and not on the link's loop: a result on its way from there is lost when
        whoever waits for it is cancelled.
        """
        await self._link.run(self._wait(limit, wait_s, ended))
        return [self._found.popleft() for _ in range(min(limit, len(self._found)))]

    async def _wait(self, limit: int, wait_s: float, ended: asyncio.Event | None) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + wait_s
        while limit > 0 and not self._found and not (ended is not None and ended.is_set()):
            left_s = max(until - loop.time(), 0.0)
            reading, fresh = self._under_way, False
            if reading is None:
                reading, fresh = (
                    self._link.begin(self._read(limit, min(left_s, self._link.timing.block)), "redis.read"),
                    True,
                )
                self._under_way = reading
            await _first_of(reading, ended, None if fresh else left_s)
            if reading is self._under_way and reading.done():
                self._under_way = None
                self._found.extend(reading.result())
            if until <= loop.time():
                break

    def put(self, items: Sequence[T]) -> None:
        self._found.extend(items)

    async def stop(self) -> None:
        """End the read that is under way; what it had brought is kept."""
        if (reading := self._under_way) is not None:
            self._under_way = None
            await end(reading)
            if not reading.cancelled() and reading.exception() is None:
                self._found.extend(reading.result())


async def _first_of(reading: "asyncio.Task[Any]", ended: asyncio.Event | None, wait_s: float | None) -> None:
    if ended is None:
        await asyncio.wait({reading}, timeout=wait_s)
        return
    ending = asyncio.create_task(ended.wait())
    try:
        await asyncio.wait({reading, ending}, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        ending.cancel()


def entries(raw: Sequence[Any] | None) -> Iterator[Entry]:
    """(id, data) of what XRANGE and its kin answer; Redis 6.2 says nil for what was deleted meanwhile."""
    for entry in raw or ():
        if entry is None or entry[1] is None:
            continue
        id, fields = entry
        yield id, fields[1] if fields[0] == DATA else NOTHING


async def read_stream(
    link: Link,
    stream: str,
    start: str,
    limit: int,
    wait_s: float,
    *,
    by: Sequence[str] = ("XREAD",),
    options: Sequence[str] = (),
    done: Sequence[bytes] = (),
) -> list[Entry]:
    """The entries after `start`; waits for the first of them at most `wait_s`. Those that are `done` are deleted before.

    Raises Unavailable.
    """
    block = () if wait_s <= 0 else ("BLOCK", ms(wait_s))  # BLOCK 0 would be for ever
    read = Command((*by, "COUNT", limit, *block, *options, "STREAMS", stream, start), stream)
    delete = [Command(("XDEL", stream, *done))] if done else []
    *_, raw = await link.ask(*delete, read)
    return [entry for _, found in raw or () for entry in entries(found)]
