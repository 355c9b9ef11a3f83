"""The far end of a broker, in a process of its own: in a test, too, servers and workers are apart.

One process serves a whole session, and opens a broker of its own for each test. Its stdin is a socket over which each asks the
other: many things at once; what is cancelled here has ended there before the cancellation goes on, what is raised there is
raised here. (What had been done by then is done, and its answer is lost: that a cancelled `take` loses nothing is tested within
one process.) It ends when that socket closes, and so with the session, however that ends.
"""

import asyncio
import itertools
import pickle
import socket
import subprocess
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final, cast

from anyio.from_thread import BlockingPortal, start_blocking_portal

from taskflow_hub.broker.base import Answer, EngineSide, ReportBatch, WorkerSide
from taskflow_hub.broker.redis_streams import RedisBroker, Timing
from taskflow_hub.domain.messages import Reply, Report, Request

ROOT: Final = Path(__file__).parents[2]
ENDS_WITHIN_S: Final = 20.0
LENGTH: Final = 8  # octets, before each message
ENGINE: Final = 0  # the number of the engine's side; workers' sides have others

GONE: Final = "the other process is gone"
ASK, CANCEL, DONE, RAISED, CANCELLED = "ask", "cancel", "done", "raised", "cancelled"


class Line:
    """A socket over which both ends ask; `do` is called with what the other one asks for. For one event loop."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, do: Callable[..., Awaitable[Any]]
    ) -> None:
        self._reader, self._writer, self._do = reader, writer, do
        self.numbers = itertools.count()
        self._asked: dict[int, asyncio.Future[Any]] = {}
        self._doing: dict[int, asyncio.Task[None]] = {}

    @staticmethod
    async def over(connection: socket.socket, do: Callable[..., Awaitable[Any]]) -> "Line":
        return Line(*await asyncio.open_connection(sock=connection), do)

    async def ask(self, number: int, *args: Any, **kwargs: Any) -> Any:
        """Have it done at the other end, under a number of its own (`next(line.numbers)`).

        Raises what it raises there, and EOFError when nobody is there any more.
        """
        if self._writer.is_closing():
            raise EOFError(GONE)
        self._say(ASK, number, (args, kwargs))
        self._asked[number] = answer = asyncio.get_running_loop().create_future()
        try:
            return await answer
        finally:
            del self._asked[number]

    async def cancel(self, number: int) -> None:
        """What was asked under that number; it raises CancelledError when it has ended there."""
        self._say(CANCEL, number, None)

    async def listen(self) -> None:
        """Until either end hangs up. What is being done for the other one is ended then."""
        try:
            while True:
                length = int.from_bytes(await self._reader.readexactly(LENGTH), "big")
                self._heard(*pickle.loads(await self._reader.readexactly(length)))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.hang_up()
            for answer in self._asked.values():
                if not answer.done():
                    answer.set_exception(EOFError(GONE))
            for task in self._doing.values():
                task.cancel()
            await asyncio.gather(*self._doing.values(), return_exceptions=True)

    def hang_up(self) -> None:
        self._writer.close()

    def _say(self, kind: str, number: int, content: Any) -> None:
        message = pickle.dumps((kind, number, content))
        if not self._writer.is_closing():
            self._writer.write(len(message).to_bytes(LENGTH, "big") + message)

    def _heard(self, kind: str, number: int, content: Any) -> None:
        if kind == ASK:
            self._doing[number] = task = asyncio.create_task(self._answer(number, *content))
            task.add_done_callback(lambda _: self._doing.pop(number))
        elif kind == CANCEL:
            if (doing := self._doing.get(number)) is not None:
                doing.cancel()
        elif (answer := self._asked.get(number)) is not None and not answer.done():
            if kind == DONE:
                answer.set_result(content)
            elif kind == RAISED:
                answer.set_exception(content)
            else:
                answer.cancel()

    async def _answer(self, number: int, args: Sequence[Any], kwargs: dict[str, Any]) -> None:
        try:
            self._say(DONE, number, await self._do(*args, **kwargs))
        except asyncio.CancelledError:
            self._say(CANCELLED, number, None)
            raise
        except Exception as error:
            try:
                self._say(RAISED, number, error)
            except Exception:  # it cannot be sent as it is
                self._say(RAISED, number, RuntimeError(repr(error)))


# --- here ------------------------------------------------------------------------------------------------------------


class FarProcess:
    """The process as seen from here, on any thread and any event loop: the line has a thread of its own."""

    def __init__(self, portal: BlockingPortal, line: Line, answers: dict[int, Answer], pid: int) -> None:
        self._portal, self._line, self._answers, self.pid = portal, line, answers, pid

    @staticmethod
    @contextmanager
    def start() -> Iterator["FarProcess"]:
        answers: dict[int, Answer] = {}
        here, there = socket.socketpair()
        with there:
            command = [sys.executable, "-W", "error", "-m", "tests.support.far_end"]
            process = subprocess.Popen(command, cwd=ROOT, stdin=there.fileno())
        try:
            with start_blocking_portal() as portal:
                line = portal.call(Line.over, here, lambda broker, request: answers[broker](request))
                listening = portal.start_task_soon(line.listen)
                yield FarProcess(portal, line, answers, process.pid)
                portal.call(line.hang_up)
                listening.result()
            assert process.wait(ENDS_WITHIN_S) == 0
        finally:
            process.kill()
            process.wait()

    @asynccontextmanager
    async def broker(self, url: str, timing: Timing) -> AsyncIterator["FarBroker"]:
        number = await self.ask("open", url, timing)
        try:
            yield FarBroker(self, number)
        finally:
            await self.ask("close", number)
            self._answers.pop(number, None)

    async def ask(self, *args: Any, **kwargs: Any) -> Any:
        number = next(self._line.numbers)
        asking = self._portal.start_task_soon(partial(self._line.ask, number, *args, **kwargs))
        answer = asyncio.wrap_future(asking)
        try:
            return await asyncio.shield(answer)
        except asyncio.CancelledError:
            self._portal.start_task_soon(self._line.cancel, number)
            await asyncio.wait([answer])
            raise

    def ask_at_once(self, *args: Any) -> Any:
        """The same where nothing can be awaited."""
        return self._portal.call(self._line.ask, next(self._line.numbers), *args)

    def answer_by(self, broker: int, answer: Answer) -> None:
        """From now on, and on the line's thread: so also while the test's own loop is busy."""
        self._answers[broker] = answer


class FarBroker:
    """Has as many sides as are asked for. That a message could not be read is told to nobody."""

    def __init__(self, process: FarProcess, number: int) -> None:
        self._process, self._number = process, number
        self._sides = itertools.count(ENGINE + 1)

    def engine_side(self, on_dead: Callable[[], None]) -> EngineSide:
        return cast(EngineSide, FarEngineSide(self._process, self._number, ENGINE))

    def worker_side(self) -> WorkerSide:
        return cast(WorkerSide, FarWorkerSide(self._process, self._number, next(self._sides)))

    def buckets(self) -> None:
        """None: a hub that a test makes has its limits of requests in the store."""


class FarSide:
    """Whatever it is asked for is done by the real one."""

    def __init__(self, process: FarProcess, broker: int, number: int) -> None:
        self._process, self._broker, self._number = process, broker, number

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        return partial(self._process.ask, "do", self._broker, self._number, name)


class FarWorkerSide(FarSide):
    @property
    def acknowledged(self) -> int:
        number: int = self._process.ask_at_once("acknowledged", self._broker, self._number)
        return number


class FarEngineSide(FarSide):
    async def serve(self, answer: Answer) -> None:
        self._process.answer_by(self._broker, answer)
        await self._process.ask("serve", self._broker)

    async def collect(self, limit: int, wait_s: float) -> ReportBatch:
        number, reports = await self._process.ask("collect", self._broker, limit, wait_s)
        return FarBatch(reports, partial(self._process.ask, "ack", self._broker, number))


class FarBatch:
    def __init__(
        self, reports: Sequence[Report], ack: Callable[[Collection[Report]], Awaitable[None]]
    ) -> None:
        self.reports, self._ack = reports, ack

    async def ack(self, but: Collection[Report] = ()) -> None:
        await self._ack(but)


# --- there -----------------------------------------------------------------------------------------------------------


class Brokers:
    """Those that are open in this process, by number. Each of its methods is something that can be asked for."""

    def __init__(self) -> None:
        self.line: Line
        self._numbers = itertools.count()
        self._open: dict[int, Opened] = {}

    async def asked(self, name: str, *args: Any, **kwargs: Any) -> Any:
        return await getattr(self, name)(*args, **kwargs)

    async def open(self, url: str, timing: Timing) -> int:
        number, closing = next(self._numbers), AsyncExitStack()
        self._open[number] = Opened(await closing.enter_async_context(RedisBroker.open(url, timing)), closing)
        return number

    async def close(self, broker: int) -> None:
        await self._open.pop(broker).closing.aclose()

    async def do(self, broker: int, side: int, name: str, *args: Any, **kwargs: Any) -> Any:
        return await getattr(self._open[broker].sides[side], name)(*args, **kwargs)

    async def acknowledged(self, broker: int, side: int) -> int:
        number: int = self._open[broker].sides[side].acknowledged
        return number

    async def serve(self, broker: int) -> None:
        home = asyncio.get_running_loop()

        async def answer(request: Request) -> Reply:  # awaited on any loop
            asking = asyncio.run_coroutine_threadsafe(
                self.line.ask(next(self.line.numbers), broker, request), home
            )
            reply: Reply = await asyncio.wrap_future(asking)
            return reply

        await self._open[broker].sides[ENGINE].serve(answer)

    async def collect(self, broker: int, limit: int, wait_s: float) -> tuple[int, Sequence[Report]]:
        opened = self._open[broker]
        batch = await opened.sides[ENGINE].collect(limit, wait_s)
        opened.batches.append(batch)
        return len(opened.batches) - 1, batch.reports

    async def ack(self, broker: int, batch: int, but: Collection[Report]) -> None:
        await self._open[broker].batches[batch].ack(but)


class Opened:
    def __init__(self, broker: RedisBroker, closing: AsyncExitStack) -> None:
        self.sides: defaultdict[int, Any] = defaultdict(broker.worker_side)
        self.sides[ENGINE] = broker.engine_side()
        self.batches: list[ReportBatch] = []
        self.closing = closing


async def main() -> None:
    brokers = Brokers()
    brokers.line = await Line.over(socket.socket(fileno=sys.stdin.fileno()), brokers.asked)
    await brokers.line.listen()


if __name__ == "__main__":
    asyncio.run(main())
