"""A worker's face: takes, reports, asks."""

import asyncio
import contextlib
import itertools
from collections.abc import Callable, Iterator, Sequence
from itertools import takewhile
from typing import Final

import msgspec

from taskflow_hub.broker.acknowledged import Acknowledged
from taskflow_hub.broker.redis_streams import keys
from taskflow_hub.broker.redis_streams.dead import DeadLetters, released
from taskflow_hub.broker.redis_streams.envelopes import Answered, CallEntry, ReplyEntry, Stored, Unanswered
from taskflow_hub.broker.redis_streams.link import AWAY, Link, end
from taskflow_hub.broker.redis_streams.reading import Entry, Reading, entries, read_stream
from taskflow_hub.broker.redis_streams.scripts import CLOSE_INBOX, KEEP_INBOX, PUSH, REPORT, SEEN
from taskflow_hub.domain.clock import new_id
from taskflow_hub.domain.errors import Unavailable
from taskflow_hub.domain.messages import VERSION, Inbound, Reply, Report, Request

REPLIES_AT_ONCE: Final = 1_000
REPORT_BYTES: Final = 8 << 20  # sent by one script, but for a larger report

_inbound: Final[msgspec.json.Decoder[Inbound]] = msgspec.json.Decoder(Inbound)
_replies: Final[msgspec.json.Decoder[ReplyEntry]] = msgspec.json.Decoder(ReplyEntry)


class _Opened:
    """One worker id: its inbox, and what has become of its reports."""

    def __init__(self, link: Link, dead: DeadLetters, worker: str) -> None:
        self._link, self._dead = link, dead
        self.worker = worker
        self.acknowledged = Acknowledged()
        self.taking: Reading[Inbound] = Reading(link, self._read)
        self.closed = asyncio.Event()
        self._taken: list[bytes] = []  # read, and not yet deleted in Redis
        self._lying: dict[int, bytes] = {}  # of each report that is not acknowledged where it was laid
        self._seen_at = 0.0

    async def keep(self) -> None:
        """Make what Redis may have lost, and be seen."""
        await self._link.script(KEEP_INBOX, keys.inbox(self.worker), keys.ms(self._link.timing.kept))
        await self._link.script(SEEN, keys.WORKERS, self.worker)
        self._seen_at = asyncio.get_running_loop().time()

    async def close(self) -> None:
        """What lay in the inbox can still be taken. Raises Unavailable; then it goes by itself."""
        if self.closed.is_set():
            return
        self.closed.set()
        await self.taking.stop()
        await self._link.command("ZREM", keys.WORKERS, self.worker)
        left = await self._link.script(CLOSE_INBOX, keys.inbox(self.worker))
        taken = set(self._taken)
        self.taking.put(await self._understood([entry for entry in entries(left) if entry[0] not in taken]))

    async def report(self, reports: Sequence[tuple[int, bytes]]) -> None:
        for n in list(takewhile(lambda n: n <= self.acknowledged.number, self._lying)):
            del self._lying[n]
        for some in _portions(reports):
            words = [word for n, document in some for word in (self._lying.get(n, b""), document)]
            ids = await self._link.script(REPORT, keys.RESULTS, keys.RESULTS_MAX, keys.SERVERS, *words)
            self._lying.update((n, id) for (n, _), id in zip(some, ids, strict=True) if n > 0)

    async def _read(self, limit: int, wait_s: float) -> list[Inbound]:
        """What has been read is deleted by the next read, so that no answer that gets lost takes assignments with it."""
        inbox = keys.inbox(self.worker)
        if asyncio.get_running_loop().time() - self._seen_at >= self._link.timing.seen_every:
            await self.keep()
        found = await read_stream(self._link, inbox, "0", limit, wait_s, done=self._taken)
        self._taken = [id for id, _ in found]
        return await self._understood(found)

    async def _understood(self, found: Sequence[Entry]) -> list[Inbound]:
        inbound = []
        for _, data in found:
            try:
                message = _inbound.decode(data)
                if message.v != VERSION:
                    raise ValueError(f"version {message.v} is not spoken here")
                inbound.append(message)
            except (msgspec.DecodeError, ValueError) as error:
                await self._dead.put(keys.inbox(self.worker), data, error)
                await self._hand_back(data)
        return inbound

    async def _hand_back(self, data: bytes) -> None:
        """The attempt of an unreadable assignment. Where that fails, heartbeats will miss it."""
        if (handed_back := released(data, self.worker)) is not None:
            with contextlib.suppress(*AWAY):
                await self.report([(0, msgspec.json.encode(handed_back))])


class RedisWorkerSide:
    def __init__(self, link: Link) -> None:
        self._link = link
        self._dead = DeadLetters(link)
        self._opened: _Opened | None = None
        self._numbers = itertools.count(1)
        self._asked: dict[int, asyncio.Future[Reply]] = {}
        self._address = new_id()  # where replies come; once it is open, the worker's id
        self._hearing: asyncio.Task[None] | None = None
        self._opening: asyncio.Task[None] | None = None

    async def open(self, worker: str) -> None:
        await self._link.run(self._open(worker))

    async def take(self, limit: int, wait_s: float) -> Sequence[Inbound]:
        if (opened := self._opened) is None:
            return []
        return await opened.taking.next(limit, wait_s, opened.closed)

    async def report(self, reports: Sequence[Report]) -> None:
        if (opened := self._opened) is not None:
            documents = [(report.n, msgspec.json.encode(report)) for report in reports]
            await self._link.run(opened.report(documents))

    @property
    def acknowledged(self) -> int:
        return 0 if self._opened is None else self._opened.acknowledged.number

    async def until_acknowledged(self, n: int) -> None:
        if self._opened is not None:
            await self._opened.acknowledged.until(n)

    async def call(self, request: Request, timeout_s: float = 10.0) -> Reply:
        try:
            async with asyncio.timeout(timeout_s):
                return await self._link.run(self._call(request, timeout_s))
        except TimeoutError:
            raise Unavailable(
                f"no engine has answered {type(request).__name__} within {timeout_s:g} s"
            ) from None

    async def close(self) -> None:
        await self._link.run(self._close())

    # --- on the link's loop ---

    async def _open(self, worker: str) -> None:
        """Goes on when its caller gives up: what is on its way to Redis would else get there after what `close` removes."""
        self._opening = self._link.begin(self._replace(self._opening, worker), "redis.open")
        await asyncio.shield(self._opening)

    async def _replace(self, before: "asyncio.Task[None] | None", worker: str) -> None:
        if before is not None:
            await asyncio.wait({before})
        former, self._opened = self._opened, None
        if former is not None:
            await former.close()
        self._opened = opened = _Opened(
            self._link, self._dead, worker
        )  # known, for where it fails `close` removes its inbox
        await opened.keep()
        await self._hear(worker)

    async def _close(self) -> None:
        if self._opening is not None:
            await asyncio.wait({self._opening})
        if self._opened is not None:
            await self._opened.close()

    async def _call(self, request: Request, timeout_s: float) -> Reply:
        if self._hearing is None:
            await self._hear(self._address)
        loop, number = asyncio.get_running_loop(), next(self._numbers)
        answer: asyncio.Future[Reply] = loop.create_future()
        entry = CallEntry(call=number, reply_to=self._address, timeout_ms=keys.ms(timeout_s), request=request)
        self._asked[number] = answer
        giving_up = loop.call_later(timeout_s, _give_up, answer)
        try:
            await self._link.script(PUSH, keys.CALLS, keys.CALLS_MAX, 0, 0, 0, msgspec.json.encode(entry))
            return await answer
        finally:
            giving_up.cancel()
            del self._asked[number]

    async def _hear(self, address: str) -> None:
        """From now on hear what comes to this address. Calls that wait for an answer at the former one are asked again."""
        if self._hearing is not None:
            await end(self._hearing)
            for answer in self._asked.values():
                if not answer.done():
                    answer.set_exception(Unavailable("the worker has a new id"))
        self._address = address
        replies = _Replies(self._link, self._dead, keys.replies(address), self._heard)
        self._hearing = self._link.begin(self._link.repeat(replies.turn, "hearing replies"), "redis.replies")

    def _heard(self, entry: ReplyEntry) -> None:
        match entry:
            case Stored(worker=worker, first=first, last=last):
                if self._opened is not None and self._opened.worker == worker:
                    self._opened.acknowledged.stored(first, last)
            case Answered() | Unanswered():
                answer = self._asked.get(entry.call)
                if answer is None or answer.done():
                    return  # its caller has given up
                if isinstance(entry, Answered):
                    answer.set_result(entry.reply)
                else:
                    answer.set_exception(Unavailable(f"the engine could not answer: {entry.detail}"))


class _Replies:
    """The stream of one address, read from its beginning; what has been read is deleted by the next read."""

    def __init__(
        self, link: Link, dead: DeadLetters, stream: str, heard: Callable[[ReplyEntry], None]
    ) -> None:
        self._link, self._dead, self._stream, self._heard = link, dead, stream, heard
        self._read: list[bytes] = []

    async def turn(self) -> None:
        block = self._link.timing.block
        found = await read_stream(self._link, self._stream, "0", REPLIES_AT_ONCE, block, done=self._read)
        self._read = [id for id, _ in found]
        for _, data in found:
            try:
                self._heard(_replies.decode(data))
            except (msgspec.DecodeError, ValueError) as error:
                await self._dead.put(self._stream, data, error)


def _give_up(answer: asyncio.Future[Reply]) -> None:
    """Not by cancelling: to whoever calls that would be a link that closes."""
    if not answer.done():
        answer.set_exception(TimeoutError())
        answer.exception()  # looked at, also where the push has not ended yet and nobody will


def _portions(reports: Sequence[tuple[int, bytes]]) -> Iterator[list[tuple[int, bytes]]]:
    """In order, each small enough for one script."""
    portion: list[tuple[int, bytes]] = []
    size = 0
    for n, document in reports:
        if portion and size + len(document) > REPORT_BYTES:
            yield portion
            portion, size = [], 0
        portion.append((n, document))
        size += len(document)
    if portion:
        yield portion
