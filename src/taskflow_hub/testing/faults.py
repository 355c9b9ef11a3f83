"""Things going wrong on purpose: a proxy over a real store or broker, and one over a network.

faults = Faults()
store = faults.over(await SqliteStore.open(url))
with faults.raising(StoreUnavailable()):                        # an outage: every call fails
    ...
with faults.raising(ValueError("odd"), "succeed", when=is_odd):      # only some calls, only some arguments
    ...
with faults.raising(StoreUnavailable(), "submit", late=True):        # done, but the answer is lost
    ...
with faults.held("publish") as held:                            # a call hangs until released
    await held.reached.wait()

with TcpProxy("127.0.0.1", 6379) as network:                    # dial 127.0.0.1:{network.port} instead
    network.cut()                                               # nothing passes, and nobody is told
    network.heal()
"""

import asyncio
import contextlib
import inspect
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar, cast

T = TypeVar("T")
FaultT = TypeVar("FaultT", bound="Fault")
When = Callable[..., bool]
_ENDS: Final = frozenset({"close"})  # what must work whatever happens, or a test could not clean up


@dataclass(eq=False)
class Fault:
    """One thing that goes wrong while its `with` block lasts. `hits` counts the calls it met."""

    names: frozenset[str]
    when: When
    hits: int = 0
    _met: threading.Condition = field(default_factory=threading.Condition, repr=False)

    def meets(self, name: str, *args: Any, **kwargs: Any) -> bool:
        if name in _ENDS or (self.names and name not in self.names) or not self.when(*args, **kwargs):
            return False
        with self._met:
            self.hits += 1
            self._met.notify_all()
        return True

    async def until(self, hits: int, *, within_s: float = 20.0) -> None:
        """Wait until it has met so many calls, on whatever loops they were made. Raises TimeoutError."""
        if not await asyncio.to_thread(self._wait, hits, within_s):
            raise TimeoutError(f"met {self.hits} of {hits} calls within {within_s} s")

    def _wait(self, hits: int, within_s: float) -> bool:
        with self._met:
            return self._met.wait_for(lambda: self.hits >= hits, within_s)


@dataclass(eq=False)
class Raising(Fault):
    error: Exception = field(default_factory=Exception)
    late: bool = False


@dataclass(eq=False)
class Held(Fault):
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)


class Faults:
    """What goes wrong with the awaited calls of the objects it is put over: nothing, until told. `calls` counts them."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self._faults: list[Fault] = []

    def over(self, real: T) -> T:
        """The same object, as far as anyone can tell, with faults."""
        return cast(T, _Proxy(real, self))

    @contextlib.contextmanager
    def raising(
        self, error: Exception, *names: str, when: When = lambda *_, **__: True, late: bool = False
    ) -> Iterator[Raising]:
        """Calls of `names` (none: of every method) whose arguments `when` says yes to raise; `late`: after they were done."""
        with self._during(Raising(frozenset(names), when, error=error, late=late)) as fault:
            yield fault

    @contextlib.contextmanager
    def held(self, *names: str, when: When = lambda *_, **__: True) -> Iterator[Held]:
        """Calls of `names` wait before they begin, until `released` is set or the block ends. For one event loop."""
        with self._during(Held(frozenset(names), when)) as fault:
            try:
                yield fault
            finally:
                fault.released.set()

    async def call(self, name: str, real: Callable[..., Awaitable[Any]], *args: Any, **kwargs: Any) -> Any:
        self.calls[name] += 1
        met = [fault for fault in tuple(self._faults) if fault.meets(name, *args, **kwargs)]
        for fault in met:
            if isinstance(fault, Held):
                fault.reached.set()
                await fault.released.wait()
            elif isinstance(fault, Raising) and not fault.late:
                raise fault.error
        answer = await real(*args, **kwargs)
        for fault in met:
            if isinstance(fault, Raising):
                raise fault.error
        return answer

    @contextlib.contextmanager
    def _during(self, fault: FaultT) -> Iterator[FaultT]:
        self._faults.append(fault)
        try:
            yield fault
        finally:
            self._faults.remove(fault)


class _Proxy:
    def __init__(self, real: object, faults: Faults) -> None:
        self._real, self._faults = real, faults

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._real, name)
        if not inspect.iscoroutinefunction(found):
            return found

        def call(*args: Any, **kwargs: Any) -> Awaitable[Any]:
            return self._faults.call(name, found, *args, **kwargs)

        return call


class TcpProxy:
    """A network between whoever dials `port` on loopback and a server. It runs in a thread; every method is for any thread."""

    def __init__(self, host: str, port: int) -> None:
        self._server = (host, port)
        self.port = 0
        self.delay_s = 0.0  # before each piece that comes back
        self._stop_at: bytes | None = None
        self._stopped = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._main, name="TcpProxy", daemon=True)
        self._ready = threading.Event()
        self._passing: asyncio.Event
        self._going_on: asyncio.Event
        self._ways: set[asyncio.Task[None]] = set()

    def cut(self) -> None:
        """From now on nothing passes. Connections stay open and new ones open, as when a cable is pulled."""
        self._call(self._passing.clear)

    def heal(self, *, late: bool = False) -> None:
        """Pass again. What was open is closed: the two ends had long lost sight of each other.

        `late`: what was sent meanwhile gets there now, also from ends that have given up, as when TCP sends again what a pulled
        cable had kept.
        """
        if not late:
            self._call(self._hang_up)
        self._call(self._passing.set)

    def hang_up(self) -> None:
        """Close every connection; what was on its way does not get there."""
        self._call(self._hang_up)

    @contextlib.contextmanager
    def stopping_at(self, words: bytes) -> Iterator[threading.Event]:
        """A connection over which these words are sent to the server passes neither them nor anything after, until the block
        ends; the event says that there was one."""
        self._stopped.clear()
        self._call(self._going_on.clear)
        self._stop_at = words
        try:
            yield self._stopped
        finally:
            self._stop_at = None
            self._call(self._going_on.set)

    def __enter__(self) -> "TcpProxy":
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._call(self._hang_up)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _call(self, what: Callable[[], None]) -> None:
        done = threading.Event()

        def call() -> None:
            what()
            done.set()

        self._loop.call_soon_threadsafe(call)
        done.wait()

    # --- in the thread ---

    def _main(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._passing, self._going_on = asyncio.Event(), asyncio.Event()
        self._passing.set()
        listening = self._loop.run_until_complete(asyncio.start_server(self._connected, "127.0.0.1", 0))
        self.port = listening.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        listening.close()
        self._loop.run_until_complete(self._end())
        self._loop.close()

    async def _end(self) -> None:
        """Also of what is only just being accepted. A transport lets go of its socket one turn after it was aborted."""
        here = asyncio.current_task()
        while others := {task for task in asyncio.all_tasks() if task is not here}:
            for task in others:
                task.cancel()
            await asyncio.wait(others)
        await asyncio.sleep(0)

    def _hang_up(self) -> None:
        for way in self._ways:
            way.cancel()

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        way = asyncio.create_task(self._carry(reader, writer))
        self._ways.add(way)
        way.add_done_callback(self._ways.discard)
        way.add_done_callback(
            lambda _: writer.transport.abort()
        )  # also when it was cancelled before it began

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await self._passing.wait()
            answers, there = await asyncio.open_connection(*self._server)
            ways = {
                asyncio.create_task(self._pass(reader, there, there=True)),
                asyncio.create_task(self._pass(answers, writer, there=False)),
            }
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                there.transport.abort()
                for way in ways:
                    way.cancel()
                await asyncio.wait(ways)

    async def _pass(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, *, there: bool) -> None:
        tail = b""
        while piece := await source.read(65536):
            await self._passing.wait()
            if there and self._stop_at is not None:
                if self._stop_at in tail + piece:
                    self._stopped.set()
                    await self._going_on.wait()
                tail = piece[-len(self._stop_at) :]
            if not there and self.delay_s:
                await asyncio.sleep(self.delay_s)
            target.write(piece)
            await target.drain()
        await self._passing.wait()  # nor does anybody learn that the other end has gone
