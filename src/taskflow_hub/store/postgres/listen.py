"""What processes on one database tell each other: that work is ready, and that something changed.

NOTIFY only saves latency; whoever hears nothing finds out by polling. It is sent after the commit and on a connection of its
own turn, because a transaction that notifies takes a lock which all committing transactions of the database wait for: at once
when nothing was told for a moment, else gathered until then. It is not sent at all while nobody else has been heard of for a
while. (A task that is submitted in a caller's own transaction notifies at that commit: within.py.)
"""

import asyncio
import contextlib
import math
import os
import random
from collections.abc import Mapping
from typing import Any, Final, Protocol

import asyncpg
import msgspec
import structlog
from msgspec import Struct

from taskflow_hub.domain.errors import Misconfigured, ShuttingDown
from taskflow_hub.store.postgres.faults import Fault, explain, fault_of
from taskflow_hub.store.postgres.link import Link
from taskflow_hub.store.postgres.statements import statement
from taskflow_hub.store.postgres.transaction import Line
from taskflow_hub.store.postgres.url import parse_url
from taskflow_hub.store.values import News

NOTIFY: Final = statement("only/notify")

CHANNEL: Final = "taskflow_hub"
GATHER_S: Final = 0.01  # messages are at least so far apart; what is told meanwhile goes out together
APART_S: Final = 0.02  # and so are the answers of `changed`, unless there is work
GOODBYE_S: Final = 1.0  # for so long at most the last message holds up a stop
HELLO_S: Final = 30.0  # how often a process lets the others know that it is there
COMPANY_S: Final = 100.0  # for so long after it was last heard a process is believed to be there
FIRST_S: Final = 5.0  # and for so long after the start, if nobody has answered
LONGEST: Final = 7_000  # octets of one message; PostgreSQL takes 8 000

log = structlog.stdlib.get_logger("taskflow.store")


class Message(Struct, omit_defaults=True):
    """One notification. `ready`: (queue, type, priority, account, lowest seq); None with `changed`: look for yourself.

    `tasks_only`: of all there is only tasks have changed. `held`: limits hold back something more."""

    by: str
    ready: list[tuple[str, str, int, str, int]] | None = None
    changed: bool = False
    tasks_only: bool = False
    held: bool = False
    hello: bool = False  # an answer is wanted


_decode: Final = msgspec.json.Decoder(Message).decode


class Hearer(Protocol):
    """What is done with what was heard."""

    def lower(self, ready: Mapping[Line, int]) -> object: ...

    def limited(self) -> None: ...

    def missed(self) -> None:
        """Hints may have been missed."""
        ...


class Company:
    """Tells and hears. On the store's loop, but for `changed`."""

    def __init__(self, link: Link, heard: Hearer, *, listen_url: str | None) -> None:
        self._link, self._heard = link, heard
        self._me = f"{os.getpid()}.{random.getrandbits(32):08x}"
        self._dsn = parse_url(listen_url).dsn if listen_url else None if link.bare else link.target.dsn
        # So long it is believed not to be alone: since it began, or since one of the others was heard, if it can hear.
        self._until = link.loop.time() + (COMPANY_S if self._dsn is None else FIRST_S)
        self._ready: dict[Line, int] = {}
        self._say = asyncio.Event()
        self._pending = News.NOTHING  # to be told
        self._held = self._asks = False
        self._news = News.NOTHING  # that was heard
        self._told = asyncio.Event()  # there is some
        self._work = asyncio.Event()  # there is WORK
        self._answered_at = -math.inf
        self._stopping = False
        self._tasks: list[asyncio.Task[None]] = []  # the first of them announces

    def start(self) -> None:
        self._tasks = [self._link.loop.create_task(self._announce(), name="taskflow-store-announce")]
        if self._dsn is None:
            log.info(
                "other processes are noticed by polling: behind a pooler, database.listen_url is needed to hear them at once"
            )
        else:
            self._tasks.append(
                self._link.loop.create_task(self._listen(self._dsn), name="taskflow-store-listen")
            )

    async def stop(self) -> None:
        """What was told is sent first: a program that submits and ends at once shall be heard, too."""
        self._stopping = True
        self._told.set()
        self._say.set()
        if not self._tasks:
            return
        await asyncio.wait(self._tasks[:1], timeout=GOODBYE_S)
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)

    # --- for the store -------------------------------------------------------------------------------------------------

    def tell(self, news: News, ready: Mapping[Line, int], *, held: bool = False) -> None:
        """This has changed, and these lines may have ready tasks from these places on. `held`: limits hold back more."""
        if self._link.loop.time() > self._until:
            return
        for line, seq in ready.items():
            self._ready[line] = min(seq, self._ready.get(line, seq))
        self._pending |= news
        self._held |= held
        self._say.set()

    def wake(self, news: News = News.WORK) -> None:
        """Whoever waits in `changed` shall look."""
        self._news |= news
        self._told.set()
        if News.WORK in news:
            self._work.set()

    async def changed(self, wait_s: float) -> News:
        """See store/base.py. Without a connection that listens, anything may have changed whenever the time is over."""
        return await self._link.run(lambda: self._changed(wait_s))

    async def _changed(self, wait_s: float) -> News:
        answered = News.ANYTHING
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._told.wait()
                due = self._answered_at + APART_S
                if self._link.loop.time() < due:
                    async with asyncio.timeout_at(due):
                        await self._work.wait()
                        answered = News.WORK
        if self._stopping:
            raise ShuttingDown("the store is closed")
        news = News.ANYTHING if self._dsn is None else self._news & answered
        self._news &= ~answered
        self._work.clear()
        if not self._news:
            self._told.clear()
        if news and answered == News.ANYTHING:
            self._answered_at = self._link.loop.time()
        return news

    # --- telling -------------------------------------------------------------------------------------------------------

    async def _announce(self) -> None:
        self._hello()
        sent_at, hello_at = -math.inf, self._link.loop.time() + HELLO_S
        while True:
            try:
                async with asyncio.timeout_at(hello_at):
                    await self._say.wait()
                    await self._until_later(sent_at + GATHER_S)
            except TimeoutError:
                hello_at = self._link.loop.time() + HELLO_S
            self._say.clear()
            if self._pending or not self._stopping:
                sent_at = self._link.loop.time()
                await self._send()
            if self._stopping and not self._pending:
                return

    async def _until_later(self, at: float) -> None:
        """Until that time on the loop's clock, if it is still to come."""
        wait_s = at - self._link.loop.time()
        if wait_s > 0:
            await asyncio.sleep(wait_s)

    def _hello(self) -> None:
        self._asks = True
        self._say.set()

    async def _send(self) -> None:
        message = Message(
            self._me,
            ready=[(*line, seq) for line, seq in self._ready.items()],
            changed=bool(self._pending),
            tasks_only=self._pending == News.TASKS,
            held=self._held,
            hello=self._asks,
        )
        self._ready, self._pending, self._held, self._asks = {}, News.NOTHING, False, False
        text = msgspec.json.encode(message)
        if len(text) > LONGEST:
            message.ready = None
            text = msgspec.json.encode(message)
        try:
            async with self._link.connection() as connection:
                await connection.execute(NOTIFY, CHANNEL, text.decode())
        except Exception as error:  # a hint that got lost; those who poll find out
            if fault_of(error) is Fault.OURS:
                raise
            log.debug("not told", error=str(error))

    # --- hearing -------------------------------------------------------------------------------------------------------

    async def _listen(self, dsn: str) -> None:
        pause_s = 0.1
        while True:
            try:
                await self._listen_once(dsn)
                pause_s = 0.1
            except Misconfigured:
                raise
            except Exception as error:
                if fault_of(error) is Fault.OURS:
                    log.exception("listening failed")
                else:
                    log.info(
                        "listening again",
                        error=explain(error, self._link.target.shown).detail,
                        in_s=round(pause_s, 1),
                    )
            await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))
            pause_s = min(2 * pause_s, 5.0)

    async def _listen_once(self, dsn: str) -> None:
        """Until the connection is gone."""
        target = self._link.target
        connection = await asyncpg.connect(
            dsn,
            timeout=target.connect_timeout_s,
            command_timeout=10.0,
            statement_cache_size=0,
            server_settings={"application_name": "taskflow-hub listener"},
        )
        gone = asyncio.Event()
        try:
            connection.add_termination_listener(lambda _: gone.set())
            await connection.add_listener(CHANNEL, self._hear)
            self._heard.missed()  # whatever was said meanwhile was missed
            self.wake(News.ANYTHING)
            self._hello()
            while not gone.is_set():
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(HELLO_S):
                        await gone.wait()
                if not gone.is_set():
                    await connection.execute("SELECT 1")  # a peer that is gone without a word is noticed here
        finally:
            connection.terminate()

    def _hear(self, _connection: Any, _pid: int, _channel: str, payload: object) -> None:
        try:
            message = _decode(str(payload))
        except msgspec.DecodeError as error:  # another version, or somebody who plays with our channel
            log.debug("not understood", error=str(error))
            self._heard.missed()
            self.wake(News.ANYTHING)
            return
        if message.by == self._me:
            return
        self._until = self._link.loop.time() + COMPANY_S
        if message.hello:
            self._say.set()  # any message will do for an answer
        if message.ready:
            self._heard.lower(
                {
                    (queue, type, priority, account): seq
                    for queue, type, priority, account, seq in message.ready
                }
            )
        elif message.ready is None and message.changed:
            self._heard.missed()
        if message.held:
            self._heard.limited()
        if message.changed:
            news = News.TASKS if message.tasks_only else News.TASKS | News.OTHER
            self.wake(news | News.WORK if message.ready != [] or message.held else news)
