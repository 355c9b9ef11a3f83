"""Who wants to know, in this process. Hints make things fast; polling makes them sure, so losing one costs only time."""

import asyncio
import contextlib
import threading
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
    WORKFLOWS = "workflows"
    SCHEDULES = "schedules"


Watch = tuple[asyncio.AbstractEventLoop, asyncio.Event]


class Hints:
    """Listeners are called on the loop that `bind` names; all else may be used from any thread, on any loop.

    `workflows` rises when this process has moved workflows. A task that ends does that by the way, and who tells of the task
    does not know: so it is looked at here.
    """

    def __init__(self, workflows: Callable[[], int] = lambda: 0) -> None:
        self._workflows, self._seen = workflows, 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._listeners: dict[Topic, list[Callable[[], None]]] = defaultdict(list)
        self._watches: dict[str, set[Watch]] = {}
        self._lock = threading.Lock()  # guards _watches

    def bind(self) -> None:
        """Make the running loop the one on which listeners are called."""
        self._loop = asyncio.get_running_loop()

    def on(self, topic: Topic, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` at every hint on `topic`; the returned function ends that."""
        self._listeners[topic].append(listener)
        return lambda: self._listeners[topic].remove(listener)

    def tell(self, *topics: Topic) -> None:
        if Topic.TASKS in topics and (moved := self._workflows()) != self._seen:
            self._seen = moved
            topics = (*topics, Topic.WORKFLOWS)
        _call_on(self._loop, lambda: self._tell(topics))

    def changed(self, ids: Iterable[str], *topics: Topic) -> None:
        """These tasks changed: wake their watchers, and everyone who listens to TASKS or `topics`."""
        if self._watches:
            watched = tuple(ids)
            _call_on(self._loop, lambda: self._wake(watched))
        self.tell(Topic.TASKS, *topics)

    def outside(self, *topics: Topic) -> None:
        """Another process changed something, nobody knows which task: wake all watchers, and who listens to `topics`."""
        if self._watches:
            _call_on(self._loop, lambda: self._wake(tuple(self._watches)))
        self.tell(*topics)

    @contextlib.contextmanager
    def watch(self, task_id: str) -> Iterator[asyncio.Event]:
        """An event that is set when the task may have changed; the watcher clears it before it looks."""
        watch = (asyncio.get_running_loop(), asyncio.Event())
        with self._lock:
            self._watches.setdefault(task_id, set()).add(watch)
        try:
            yield watch[1]
        finally:
            with self._lock:
                watches = self._watches[task_id]
                watches.discard(watch)
                if not watches:
                    del self._watches[task_id]

    @contextlib.contextmanager
    def listen(self, *topics: Topic) -> Iterator[asyncio.Event]:
        """An event that is set at every hint on one of these; the listener clears it before it looks."""
        loop, heard = asyncio.get_running_loop(), asyncio.Event()
        ends = [self.on(topic, lambda: _call_on(loop, heard.set)) for topic in topics]
        try:
            yield heard
        finally:
            for end in ends:
                end()

    def _tell(self, topics: Iterable[Topic]) -> None:
        for topic in topics:
            for listener in tuple(self._listeners[topic]):
                listener()

    def _wake(self, ids: Iterable[str]) -> None:
        with self._lock:
            watches = [watch for task_id in ids for watch in self._watches.get(task_id, ())]
        for loop, event in watches:
            _call_on(loop, event.set)


def _call_on(loop: asyncio.AbstractEventLoop | None, call: Callable[[], None]) -> None:
    """Here, if `loop` is the one that runs here or none is named; else there, and soon."""
    try:
        running = asyncio.get_running_loop()
    except RuntimeError:
        running = None
    if loop is None or loop is running:
        call()
    else:
        with contextlib.suppress(RuntimeError):  # that loop has closed: nobody is left to tell
            loop.call_soon_threadsafe(call)
