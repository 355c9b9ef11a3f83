"""The engine's face: publishes, collects, answers."""

import asyncio
import contextlib
import logging
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final, TypeVar

import msgspec

from taskflow_hub.broker.base import Answer
from taskflow_hub.broker.redis_streams import keys
from taskflow_hub.broker.redis_streams.dead import DeadLetters, released
from taskflow_hub.broker.redis_streams.envelopes import Answered, CallEntry, ReplyEntry, Stored, Unanswered
from taskflow_hub.broker.redis_streams.exchange import Command, call
from taskflow_hub.broker.redis_streams.link import AWAY, Link, RefusedByRedis
from taskflow_hub.broker.redis_streams.reading import Entry, Reading, entries, read_stream
from taskflow_hub.broker.redis_streams.scripts import CLEAN, PUSH, REACHABLE, READ_CALLS, READ_ON, SETTLE
from taskflow_hub.domain.clock import new_id
from taskflow_hub.domain.errors import Unavailable
from taskflow_hub.domain.messages import VERSION, Assignment, Control, Heartbeat, Reply, Report

CALLS_AT_ONCE: Final = 200
DEAD_AT_ONCE: Final = 100
REPORTS_AT_ONCE: Final = 16  # of any size, before it is looked how large they are
COLLECT_BYTES: Final = 16 << 20  # after so many nothing is added to what is collected at once
HINT_S: Final = 1.0  # so long a hint is tried

T = TypeVar("T")

log = logging.getLogger("taskflow.broker")

_reports: Final[msgspec.json.Decoder[Report]] = msgspec.json.Decoder(Report)
_calls: Final = msgspec.json.Decoder(CallEntry)


class RedisBatch:
    """Collected, and pending in Redis under this server's name until it is acknowledged."""

    def __init__(self, side: "RedisEngineSide", ids: Sequence[bytes], reports: Sequence[Report]) -> None:
        self.reports = reports
        self._side, self._ids = side, ids

    async def ack(self, but: Collection[Report] = ()) -> None:
        unstored = {(report.worker, report.n) for report in but}
        of: dict[str, list[int]] = defaultdict(list)
        for report in self.reports:
            if report.n > 0 and not (unstored and (report.worker, report.n) in unstored):
                of[report.worker].append(report.n)
        if self._ids:
            await self._side.settle(self._ids, of)


class RedisEngineSide:
    def __init__(self, link: Link, on_dead: Callable[[], None] = lambda: None) -> None:
        self._link = link
        self._dead, self._on_dead = DeadLetters(link), on_dead
        self._name = new_id()  # this server's, in the group
        self._collecting: Reading[tuple[bytes, Report]] = Reading(link, self._read_reports)
        self._claim_at = 0.0
        self._redis_ahead_ms = 0.0  # of this process's monotonic clock
        self._answer: Answer | None = None
        self._home: asyncio.AbstractEventLoop

    async def reachable(self) -> Sequence[str] | None:
        now_ms, found = await self._link.run(
            self._link.script(REACHABLE, keys.WORKERS, keys.ms(self._link.timing.seen))
        )
        # Read after the answer: if this process stood still meanwhile, it takes Redis' time for earlier than it is.
        self._redis_ahead_ms = now_ms - time.monotonic() * 1000
        return [worker.decode() for worker in found]

    async def publish(
        self, worker: str, assignments: Sequence[Assignment], *, leased_at: float | None = None
    ) -> None:
        """One script: all of them get there or none. Redis looks at its own clock whether they are too late.

        Where Redis went away before it answered, nobody knows which; then it is left to the heartbeats to miss them.
        """
        documents = [msgspec.json.encode(assignment) for assignment in assignments]
        not_after_ms = 0 if leased_at is None else self._fresh_until_ms(leased_at)
        await self._link.run(self._publish(worker, documents, not_after_ms))

    async def tell(self, worker: str, message: Control) -> None:
        try:
            async with asyncio.timeout(HINT_S):
                await self._link.run(self._push_inbox(worker, [msgspec.json.encode(message)]))
        except (Unavailable, TimeoutError) as error:
            log.info("worker %s was not told %s: %s", worker, type(message).__name__, error)

    async def collect(self, limit: int, wait_s: float) -> RedisBatch:
        found = await self._collecting.next(limit, wait_s)
        return RedisBatch(self, [id for id, _ in found], [report for _, report in found])

    async def settle(self, ids: Sequence[bytes], stored: Mapping[str, Sequence[int]]) -> None:
        """These entries are done with; tell the workers which of their reports are stored. Raises Unavailable."""
        settled = call(SETTLE, keys.RESULTS, keys.SERVERS, *ids)
        told = [
            self._replying(
                worker, [Stored(worker=worker, first=first, last=last) for first, last in spans(n)]
            )
            for worker, n in stored.items()
        ]
        await self._link.run(self._link.ask(settled, *told))

    async def serve(self, answer: Answer) -> None:
        """`answer` is awaited on the loop that this is awaited on; for a heartbeat on the link's own.

        A beat that waited for a busy loop, of this process with a handler in it, might be another worker's.
        """
        first = self._answer is None
        self._answer, self._home = answer, asyncio.get_running_loop()
        if first:
            await self._link.run(self._begin_to_answer())

    # --- on the link's loop: inboxes ---

    async def _publish(self, worker: str, documents: Sequence[bytes], not_after_ms: int) -> None:
        try:
            await self._push_inbox(worker, documents, not_after_ms)
        except Unavailable as error:
            log.warning(
                "%d assignments for worker %s may be lost on the way: %s", len(documents), worker, error
            )

    def _fresh_until_ms(self, leased_at: float) -> int:
        """By Redis' clock."""
        return round(self._redis_ahead_ms + (leased_at + self._link.timing.fresh) * 1000)

    async def _push_inbox(self, worker: str, documents: Sequence[bytes], not_after_ms: int = 0) -> None:
        inbox = keys.inbox(worker)
        pushed = await self._link.script(PUSH, inbox, keys.INBOX_MAX, 0, 1, not_after_ms, *documents)
        if pushed == -1:
            raise RefusedByRedis(f"worker {worker} has no inbox")
        if pushed == -2:
            raise RefusedByRedis("the lease is too old by now")

    # --- reports ---

    async def _read_reports(self, limit: int, wait_s: float) -> list[tuple[bytes, Report]]:
        """A report may be large, so how many are read is not bounded by `limit` alone."""
        now = asyncio.get_running_loop().time()
        found: list[Entry] = []
        if now >= self._claim_at:
            await self._count_dead()
            found = await self._claim(min(limit, REPORTS_AT_ONCE))
            if not found:
                self._claim_at = now + self._link.timing.claim_every
        if not found:
            found = await self._read_group(keys.RESULTS, min(limit, REPORTS_AT_ONCE), wait_s)
            if len(found) == REPORTS_AT_ONCE:
                with contextlib.suppress(*AWAY):  # what has come is not given up for it
                    found += await self._read_on(limit - len(found), COLLECT_BYTES - _size(found))
        reports = []
        for id, data in found:
            report: Report | None
            try:
                report = _reports.decode(data)
                if report.v != VERSION:
                    raise ValueError(f"version {report.v} is not spoken here")
            except (msgspec.DecodeError, ValueError) as error:
                report = await self._handed_back(id, data, error)
            if report is not None:
                reports.append((id, report))
        return reports

    async def _handed_back(self, id: bytes, data: bytes, error: Exception) -> Report | None:
        """What takes the place of a report that cannot be read."""
        await self._dead.put(keys.RESULTS, data, error)
        if (handed_back := released(data)) is not None:
            return handed_back
        with contextlib.suppress(*AWAY):  # then it is claimed, and met, again
            await self._link.script(SETTLE, keys.RESULTS, keys.SERVERS, id)
        return None

    async def _read_on(self, limit: int, size: int) -> list[Entry]:
        words = (keys.SERVERS, self._name, limit, size, REPORTS_AT_ONCE)
        return list(entries(await self._link.script(READ_ON, keys.RESULTS, *words)))

    async def _count_dead(self) -> None:
        """Whoever has put them there: a worker need not be asked for any. Each is counted by one server."""
        while found := await self._read_group(keys.DEAD, DEAD_AT_ONCE, 0.0, ("NOACK",)):
            for _ in found:
                self._on_dead()

    async def _claim(self, limit: int) -> list[Entry]:
        """What another server has collected and, for too long, not stored; servers that are gone leave the group."""
        for stream in (keys.RESULTS, keys.CALLS, keys.DEAD):
            await self._in_group(stream, partial(self._clean, stream))
        after_ms = keys.ms(self._link.timing.claim_after)
        words = ("XAUTOCLAIM", keys.RESULTS, keys.SERVERS, self._name, after_ms, "0-0", "COUNT", limit)
        found = list(entries((await self._link.command(*words, key=keys.RESULTS))[1]))
        if found:
            log.warning("%d reports are taken over from a server that did not store them", len(found))
        return found

    async def _clean(self, stream: str) -> None:
        await self._link.script(CLEAN, stream, keys.SERVERS, keys.ms(self._link.timing.gone))

    def _replying(self, name: str, told: Sequence[ReplyEntry]) -> Command:
        kept_ms = keys.ms(self._link.timing.kept)
        documents = [msgspec.json.encode(one) for one in told]
        return call(PUSH, keys.replies(name), keys.REPLIES_MAX, kept_ms, 0, 0, *documents)

    # --- calls ---

    async def _begin_to_answer(self) -> None:
        self._link.begin(self._link.repeat(self._answer_some, "answering workers"), "redis.calls")

    async def _answer_some(self) -> None:
        found = await self._read_group(keys.CALLS, CALLS_AT_ONCE, self._link.timing.block, ("NOACK",))
        if not found:
            return
        now_ms = await self._link.script(READ_CALLS, keys.CALLS, *(id for id, _ in found))
        for id, data in found:
            try:
                asked = _calls.decode(data)
                if asked.v != VERSION:
                    raise ValueError(f"version {asked.v} is not spoken here")
            except (msgspec.DecodeError, ValueError) as error:
                await self._dead.put(keys.CALLS, data, error)
                continue
            left_ms = asked.timeout_ms - (now_ms - int(id.partition(b"-")[0]))
            if left_ms > 0:
                self._link.begin(self._answer_one(asked, left_ms / 1000), "redis.answer")

    async def _answer_one(self, asked: CallEntry, within_s: float) -> None:
        """After `within_s` nobody waits for it any more, and a heartbeat that old would not be true."""
        assert self._answer is not None
        reply: ReplyEntry
        try:
            answering: Any = _awaited(self._answer(asked.request))
            if not isinstance(asked.request, Heartbeat):
                answering = asyncio.wrap_future(asyncio.run_coroutine_threadsafe(answering, self._home))
            async with asyncio.timeout(within_s):
                reply = Answered(call=asked.call, reply=await answering)
        except Exception as error:
            if not isinstance(error, Unavailable | TimeoutError):
                log.exception("a call could not be answered: %s", type(asked.request).__name__)
            reply = Unanswered(call=asked.call, detail=str(error))
        try:
            await self._link.ask(self._replying(asked.reply_to, [reply]))
        except AWAY as error:
            log.info("an answer did not get back: %s", error)

    # --- the group ---

    async def _read_group(
        self, stream: str, limit: int, wait_s: float, options: Sequence[str] = ()
    ) -> list[Entry]:
        by = ("XREADGROUP", "GROUP", keys.SERVERS, self._name)
        return await self._in_group(
            stream,
            lambda: read_stream(self._link, stream, ">", limit, wait_s, by=by, options=options),
        )

    async def _in_group(self, stream: str, work: Callable[[], Awaitable[T]]) -> T:
        """Do it; where the group is missing (the first time, or Redis has lost everything) make it, and do it again."""
        try:
            return await work()
        except RefusedByRedis as error:
            if "NOGROUP" not in str(error) and "no such key" not in str(error):
                raise
        with contextlib.suppress(RefusedByRedis):  # another server was faster
            await self._link.command("XGROUP", "CREATE", stream, keys.SERVERS, "0", "MKSTREAM", key=stream)
        return await work()


def spans(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    """(first, last) of each run of numbers without a gap."""
    first = last = None
    for n in sorted(numbers):
        if first is None or last is None:
            first = last = n
        elif n <= last + 1:
            last = n
        else:
            yield first, last
            first = last = n
    if first is not None and last is not None:
        yield first, last


async def _awaited(answer: Awaitable[Reply]) -> Reply:
    return await answer


def _size(found: Iterable[Entry]) -> int:
    return sum(len(data) for _, data in found)
