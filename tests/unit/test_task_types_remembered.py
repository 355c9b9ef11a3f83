"""What is remembered of the store: never older than promised, never read by a crowd."""

import asyncio

import pytest

from taskflow_hub.domain.errors import StoreUnavailable
from taskflow_hub.engine.remembered import Remembered


class Source:
    """Counts up with every read; each read can be held up."""

    def __init__(self) -> None:
        self.value = self.reads = 0
        self.now = 100.0
        self.gate = asyncio.Event()
        self.gate.set()
        self.error: Exception | None = None
        self.remembered = Remembered(self.read, fresh_s=1.0, monotonic=lambda: self.now)

    async def read(self) -> int:
        self.reads += 1
        value = self.value
        await self.gate.wait()
        if self.error:
            raise self.error
        return value

    async def get(self) -> int:
        return await self.remembered.get()


async def turn() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


async def test_within_its_time_nothing_is_read_twice() -> None:
    source = Source()
    assert await source.get() == 0
    source.value, source.now = 1, 100.99
    assert await source.get() == 0
    assert source.reads == 1


async def test_after_its_time_it_is_read_anew() -> None:
    source = Source()
    await source.get()
    source.value, source.now = 1, 101.0
    assert await source.get() == 1


async def test_what_is_forgotten_is_read_anew() -> None:
    source = Source()
    await source.get()
    source.value = 1
    source.remembered.forget()
    source.now += 0.001
    assert await source.get() == 1
    assert await source.get() == 1
    assert source.reads == 2


async def test_a_read_that_began_before_the_forgetting_does_not_count() -> None:
    source = Source()
    source.gate.clear()
    early = asyncio.create_task(source.get())
    await turn()
    source.value = 1
    source.now += 0.001
    source.remembered.forget()
    source.gate.set()
    assert await early == 0, "it asked before"
    source.now += 0.001
    assert await source.get() == 1


async def test_nobody_is_given_nothing_while_the_first_read_is_under_way() -> None:
    source = Source()
    source.value = 7
    source.gate.clear()
    asked = [asyncio.create_task(source.get()) for _ in range(5)]
    await turn()
    source.gate.set()
    assert await asyncio.gather(*asked) == [7] * 5


async def test_when_it_grows_old_one_reads_and_the_crowd_takes_what_is_there() -> None:
    source = Source()
    await source.get()
    source.value, source.now = 1, 105.0
    source.gate.clear()
    reader = asyncio.create_task(source.get())
    await turn()
    assert [await source.get() for _ in range(10)] == [0] * 10
    source.gate.set()
    assert await reader == 1
    assert source.reads == 2


async def test_an_older_read_never_replaces_a_newer_one() -> None:
    source = Source()
    source.gate.clear()
    slow = asyncio.create_task(source.get())
    await turn()
    slow_gate, source.gate = source.gate, asyncio.Event()
    source.gate.set()
    source.value, source.now = 1, 100.5
    assert await source.get() == 1
    slow_gate.set()
    assert await slow == 1
    assert await source.get() == 1


async def test_a_read_that_fails_says_so_and_the_next_tries_again() -> None:
    source = Source()
    await source.get()
    source.now, source.error = 105.0, StoreUnavailable()
    with pytest.raises(StoreUnavailable):
        await source.get()
    source.value, source.error = 2, None
    assert await source.get() == 2
