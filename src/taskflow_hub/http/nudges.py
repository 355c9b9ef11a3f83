"""Hints, thinned out for people: at most five times a second, however much happens and however many listen."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from typing import Final

from taskflow_hub.engine.hints import Hints, Topic

PAUSE_S: Final = 0.2
PUBLIC: Final = (
    Topic.TASKS,
    Topic.QUEUES,
    Topic.WORKERS,
    Topic.TYPES,
    Topic.BULK,
    Topic.WORKFLOWS,
    Topic.SCHEDULES,
)


class Nudge:
    """One listener's share: the topics that changed since it last asked."""

    def __init__(self) -> None:
        self._topics: set[Topic] = set()
        self._news = asyncio.Event()

    def add(self, topics: set[Topic]) -> None:
        self._topics |= topics
        self._news.set()

    async def next(self, wait_s: float) -> list[Topic]:
        """Waits for the first; empty after `wait_s` seconds without any."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._news.wait()
        self._news.clear()
        topics, self._topics = sorted(self._topics), set()
        return topics


class Nudges:
    """Listens to the hints only while somebody listens to it."""

    topics: Final = sorted(PUBLIC)

    def __init__(self, hints: Hints) -> None:
        self._hints = hints
        self._nudges: set[Nudge] = set()
        self._ends: list[Callable[[], None]] = []
        self._changed: set[Topic] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._count = 0

    def mark(self) -> str:
        """An event's id. It only has to be there, so that a browser says on its return that it was here."""
        self._count += 1
        return str(self._count)

    @contextlib.contextmanager
    def listen(self) -> Iterator[Nudge]:
        nudge = Nudge()
        if not self._nudges:
            self._ends = [self._hints.on(topic, lambda topic=topic: self._note(topic)) for topic in PUBLIC]  # type: ignore[misc]
        self._nudges.add(nudge)
        try:
            yield nudge
        finally:
            self._nudges.discard(nudge)
            if not self._nudges:
                for end in self._ends:
                    end()

    def _note(self, topic: Topic) -> None:
        """The first change is passed on soon; those that follow within PAUSE_S go together."""
        self._changed.add(topic)
        if self._timer is None:
            self._pass_on()
            self._timer = asyncio.get_running_loop().call_later(PAUSE_S, self._paused)

    def _paused(self) -> None:
        self._timer = None
        if self._changed:
            self._pass_on()
            self._timer = asyncio.get_running_loop().call_later(PAUSE_S, self._paused)

    def _pass_on(self) -> None:
        changed, self._changed = self._changed, set()
        for nudge in self._nudges:
            nudge.add(changed)
