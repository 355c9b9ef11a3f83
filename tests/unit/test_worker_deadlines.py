"""One timer for all deadlines: it fires in time, and for none that has passed away costs anything."""

import asyncio
import time

from taskflow_hub.worker.deadlines import Deadlines


class Running:
    """Deadlines of things that run; `due` ends those whose time has come."""

    def __init__(self) -> None:
        self.left: dict[str, float] = {}
        self.ended: list[str] = []
        self.asked = 0
        self.deadlines = Deadlines(self.due, time.monotonic)
        self.changed = asyncio.Event()

    def start(self, name: str, seconds: float) -> None:
        self.left[name] = time.monotonic() + seconds
        self.deadlines.watch(self.left[name])

    def due(self) -> float | None:
        self.asked += 1
        now = time.monotonic()
        for name in [name for name, at in self.left.items() if at <= now]:
            del self.left[name]
            self.ended.append(name)
        self.changed.set()
        return min(self.left.values(), default=None)

    async def until_ended(self, count: int) -> None:
        async with asyncio.timeout(10):
            while len(self.ended) < count:
                self.changed.clear()
                await self.changed.wait()


async def test_each_deadline_fires_in_its_turn() -> None:
    running = Running()
    for name, seconds in (("late", 0.15), ("soon", 0.01), ("never", 3600.0), ("middle", 0.06)):
        running.start(name, seconds)
    began = time.monotonic()
    await running.until_ended(3)
    assert running.ended == ["soon", "middle", "late"]
    assert time.monotonic() - began >= 0.14
    running.deadlines.close()


async def test_deadlines_of_what_has_ended_cost_one_look() -> None:
    running = Running()
    for number in range(1000):
        running.start(str(number), 0.02 + number / 1e6)
    running.left.clear()
    running.start("last", 0.04)
    await running.until_ended(1)
    assert running.asked <= 3
    running.deadlines.close()


async def test_what_is_due_together_is_looked_at_together() -> None:
    running = Running()
    for number in range(1000):
        running.start(str(number), 0.02 + number / 1e5)  # over 10 ms
    await running.until_ended(1000)
    assert running.asked < 50
    running.deadlines.close()


async def test_after_close_nothing_fires() -> None:
    running = Running()
    running.start("a", 0.0)
    running.deadlines.close()
    running.deadlines.watch(time.monotonic())
    await asyncio.sleep(0.03)  # nothing may come, so nothing can be waited for
    assert running.asked == 0
