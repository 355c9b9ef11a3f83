"""Who wants to know, in this process. Hints make things fast; polling makes them sure, so losing one costs only time."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum


class Topic(StrEnum):
    WORK = "work"  # something may be leased: a task was queued, a slot came free, a queue was resumed
    DUE = "due"  # something was given a time: run_at, expires_at
    TASKS = "tasks"  # some task changed
    QUEUES = "queues"
    WORKERS = "workers"
    TYPES = "types"
    BULK = "bulk"


class Hints:
    """Bound to the event loop it is first used on; `tell` and `changed` may be called from any thread."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._listeners: dict[Topic, list[Callable[[], None]]] = defaultdict(list)
        self._watches: dict[str, set[asyncio.Event]] = {}

    def bind(self) -> None:
        """Make the running loop the one on which listeners are called."""
        self._loop = asyncio.get_running_loop()

    def on(self, topic: Topic, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` at every hint on `topic`; the returned function ends that."""
        self._listeners[topic].append(listener)
        return lambda: self._listeners[topic].remove(listener)

    def tell(self, *topics: Topic) -> None:
        self._here(lambda: self._tell(topics))

    def changed(self, ids: Iterable[str], *topics: Topic) -> None:
        """These tasks changed: wake their watchers, and everyone who listens to TASKS or `topics`."""
        if self._watches:
            watched = tuple(ids)
            self._here(lambda: self._wake(watched))
        self.tell(Topic.TASKS, *topics)

    def outside(self) -> None:
        """Another process changed something, nobody knows what: wake everyone."""
        self._here(lambda: self._wake(tuple(self._watches)))
        self.tell(*Topic)

    @contextlib.contextmanager
    def watch(self, task_id: str) -> Iterator[asyncio.Event]:
        """An event that is set when the task may have changed; the watcher clears it before it looks."""
        event = asyncio.Event()
        self._watches.setdefault(task_id, set()).add(event)
        try:
            yield event
        finally:
            events = self._watches[task_id]
            events.discard(event)
            if not events:
                del self._watches[task_id]

    def _here(self, call: Callable[[], None]) -> None:
        try:
            running = asyncio.get_running_loop()
        except RuntimeError:
            running = None
        if self._loop is None or running is self._loop:
            call()
        else:
            with contextlib.suppress(RuntimeError):  # that loop has closed: nobody is left to tell
                self._loop.call_soon_threadsafe(call)

    def _tell(self, topics: Iterable[Topic]) -> None:
        for topic in topics:
            for listener in tuple(self._listeners[topic]):
                listener()

    def _wake(self, ids: Iterable[str]) -> None:
        for task_id in ids:
            for event in self._watches.get(task_id, ()):
                event.set()
