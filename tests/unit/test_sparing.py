"""What takes long to read is not read for everybody who asks, and hardly anybody waits for it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime

import pytest

from taskflow_hub.domain.errors import Unavailable
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.limits import COUNTED
from taskflow_hub.engine.depths import depths_of
from taskflow_hub.engine.loops.renewals import Renewals
from taskflow_hub.engine.sparing import KEPT, SLOW_S, TIMES, Sparing
from taskflow_hub.store.values import Depth

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)


class Slow:
    """Something that takes so long to read, and answers how often it was."""

    def __init__(self, took_s: float, *, worth_keeping: Callable[[int], bool] = lambda _: True) -> None:
        self.took_s, self.now, self.reads = took_s, 0.0, 0
        self.asked: list[Callable[[], Awaitable[None]]] = []
        self.sparing = Sparing(
            self._read, self.asked.append, worth_keeping=worth_keeping, monotonic=lambda: self.now
        )

    async def _read(self, _: str) -> int:
        self.now += self.took_s
        self.reads += 1
        return self.reads

    async def get(self, key: str = "a") -> int:
        return await self.sparing.get(key)


async def test_what_is_quick_is_read_anew_for_everybody() -> None:
    quick = Slow(SLOW_S * 0.99)
    assert [await quick.get() for _ in range(3)] == [1, 2, 3]


async def test_what_is_not_worth_it_is_read_anew_for_everybody() -> None:
    slow = Slow(1.0, worth_keeping=lambda reads: reads >= 3)
    assert [await slow.get() for _ in range(5)] == [1, 2, 3, 3, 3]


async def test_what_is_slow_is_good_for_a_while() -> None:
    slow = Slow(1.0)
    assert [await slow.get() for _ in range(3)] == [1, 1, 1]
    slow.now += TIMES - 0.01
    assert await slow.get() == 1
    assert slow.asked == []


async def test_then_it_is_read_anew_beside_those_who_ask() -> None:
    slow = Slow(1.0)
    await slow.get()
    slow.now += TIMES
    assert [await slow.get() for _ in range(3)] == [1, 1, 1]
    (renew,) = slow.asked
    await renew()
    assert [await slow.get() for _ in range(3)] == [2, 2, 2]
    assert len(slow.asked) == 1


async def test_what_nobody_has_asked_for_in_long_is_waited_for() -> None:
    slow = Slow(1.0)
    await slow.get()
    slow.now += 2 * TIMES
    assert await slow.get() == 2
    assert slow.asked == []


async def test_a_crowd_reads_once() -> None:
    slow = Slow(1.0)
    assert await asyncio.gather(*(slow.get() for _ in range(10))) == [1] * 10
    assert slow.reads == 1


async def test_each_key_has_its_own() -> None:
    slow = Slow(1.0)
    assert [await slow.get(key) for key in "abab"] == [1, 2, 1, 2]


async def test_keys_are_bounded() -> None:
    slow = Slow(SLOW_S)
    for number in range(KEPT + 1):
        await slow.get(str(number))
    assert len(slow.sparing._entries) == 1


async def test_what_failed_is_not_remembered() -> None:
    answers: Iterator[int | OSError] = iter([OSError("away"), 7])

    async def read(_: str) -> int:
        answer = next(answers)
        if isinstance(answer, OSError):
            raise answer
        return answer

    sparing = Sparing(read, lambda _: None)
    first, second = await asyncio.gather(sparing.get("a"), sparing.get("a"), return_exceptions=True)
    assert isinstance(first, OSError)
    assert second == 7


async def test_a_renewal_that_fails_is_asked_for_again() -> None:
    slow = Slow(1.0)
    await slow.get()
    slow.now += TIMES
    await slow.get()
    read, slow.sparing._read = slow.sparing._read, _away
    with pytest.raises(Unavailable):
        await slow.asked.pop()()
    slow.sparing._read = read
    assert await slow.get() == 1
    await slow.asked.pop()()
    assert await slow.get() == 2


async def _away(_: str) -> int:
    raise Unavailable("The database is away.")


async def test_renewals_are_done_one_after_the_other_and_a_failure_stops_none() -> None:
    renewals, done, all_done = Renewals(), list[str](), asyncio.Event()

    async def first() -> None:
        done.append("first")
        raise Unavailable("The database is away.")

    async def second() -> None:
        done.append("second")
        all_done.set()

    renewals.interval_s = 0.0  # after a failure
    await renewals.start()
    try:
        renewals.soon(first)
        renewals.soon(second)
        async with asyncio.timeout(10):
            await all_done.wait()
    finally:
        await renewals.stop()
    assert done == ["first", "second"]


@pytest.mark.parametrize(("many", "reads"), [(COUNTED, 2), (COUNTED + 1, 1)])
async def test_depths_are_those_of_now_up_to_so_many(many: int, reads: int) -> None:
    store, seconds = _Store(many), iter(range(100))
    depths = depths_of(store, lambda: NOON, lambda _: None)  # type: ignore[arg-type]
    depths._monotonic = lambda: float(next(seconds))  # each look at the clock takes a second
    assert [(await depths.get(None)).depths[0].count for _ in range(2)] == [many, many]
    assert store.reads == reads


class _Store:
    def __init__(self, many: int) -> None:
        self.many, self.reads = many, 0

    async def depths(self, _: str | None) -> list[Depth]:
        self.reads += 1
        return [Depth(queue="q", type="t", status=State.QUEUED, hold=None, count=self.many, oldest=NOON)]
