"""What takes long to read is not read for everybody who asks."""

import asyncio
from collections.abc import Iterator

from taskflow_hub.engine.sparing import SLOW_S, TIMES, Sparing


class Slow:
    """Something that takes so long to read, and says how often it was."""

    def __init__(self, took_s: float) -> None:
        self.took_s, self.now, self.reads = took_s, 0.0, 0
        self.sparing = Sparing(self._read, monotonic=lambda: self.now)

    async def _read(self) -> int:
        self.now += self.took_s
        self.reads += 1
        return self.reads


async def test_what_is_quick_is_read_anew_for_everybody() -> None:
    quick = Slow(SLOW_S * 0.99)
    assert [await quick.sparing.get() for _ in range(3)] == [1, 2, 3]


async def test_what_is_slow_is_good_for_a_while() -> None:
    slow = Slow(1.0)
    assert [await slow.sparing.get() for _ in range(3)] == [1, 1, 1]
    slow.now += TIMES - 0.01
    assert await slow.sparing.get() == 1
    slow.now += 0.02
    assert await slow.sparing.get() == 2


async def test_a_crowd_reads_once() -> None:
    slow = Slow(1.0)
    assert await asyncio.gather(*(slow.sparing.get() for _ in range(10))) == [1] * 10
    assert slow.reads == 1


async def test_what_failed_is_not_remembered() -> None:
    answers: Iterator[int | OSError] = iter([OSError("away"), 7])

    async def read() -> int:
        answer = next(answers)
        if isinstance(answer, OSError):
            raise answer
        return answer

    sparing = Sparing(read)
    first, second = await asyncio.gather(sparing.get(), sparing.get(), return_exceptions=True)
    assert isinstance(first, OSError)
    assert second == 7
