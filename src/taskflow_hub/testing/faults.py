"""Things going wrong on purpose: a proxy over a real store or broker.

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
