"""Batches grow under load, and a bad item fails alone."""

import asyncio
import threading
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskflow_hub.domain.errors import StoreUnavailable, Unavailable
from taskflow_hub.engine.batching import Batcher, Raised, bisect, refused


class Operation:
    """Doubles numbers; refuses those in `bad`; can be held up, and says which batches it was given."""

    def __init__(self, *, bad: Sequence[int] = (), held: bool = False) -> None:
        self.bad, self.batches = frozenset(bad), list[list[int]]()
        self.outage: Exception | None = None
        self.gate = asyncio.Event()
        if not held:
            self.gate.set()

    async def __call__(self, items: Sequence[int]) -> Sequence[int]:
        self.batches.append(list(items))
        await self.gate.wait()
        if self.outage is not None:
            raise self.outage
        if self.bad & set(items):
            raise ValueError(f"cannot do {sorted(self.bad & set(items))}")
        return [2 * item for item in items]


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_alone_an_item_goes_at_once() -> None:
    operation = Operation()
    assert await Batcher(operation, limit=10).add(4) == 8
    assert operation.batches == [[4]]


async def test_what_gathers_while_one_batch_is_in_flight_is_the_next() -> None:
    operation = Operation(held=True)
    batcher = Batcher(operation, limit=100)
    adds = [asyncio.create_task(batcher.add(0))]
    await turns()
    adds += [asyncio.create_task(batcher.add(item)) for item in range(1, 6)]
    await turns()
    assert operation.batches == [[0]], "one call at a time"
    operation.gate.set()
    assert await asyncio.gather(*adds) == [0, 2, 4, 6, 8, 10]
    assert operation.batches == [[0], [1, 2, 3, 4, 5]]


async def test_no_batch_is_larger_than_the_limit_and_the_order_is_kept() -> None:
    operation = Operation()
    batcher = Batcher(operation, limit=3)
    assert await asyncio.gather(*(batcher.add(item) for item in range(8))) == [0, 2, 4, 6, 8, 10, 12, 14]
    assert operation.batches == [[0, 1, 2], [3, 4, 5], [6, 7]]


async def test_a_bad_item_fails_alone() -> None:
    batcher = Batcher(Operation(bad=[3]), limit=100)
    outcomes = await asyncio.gather(*(batcher.add(item) for item in range(8)), return_exceptions=True)
    assert isinstance(outcomes[3], ValueError)
    assert [*outcomes[:3], *outcomes[4:]] == [0, 2, 4, 8, 10, 12, 14]


async def test_an_outage_fails_all_at_once_and_is_not_searched_for_a_culprit() -> None:
    operation = Operation()
    operation.outage = StoreUnavailable()
    batcher = Batcher(operation, limit=100)
    outcomes = await asyncio.gather(*(batcher.add(item) for item in range(8)), return_exceptions=True)
    assert outcomes == [operation.outage] * 8
    assert len(operation.batches) == 1, f"asked again during an outage: {operation.batches}"


async def test_after_an_outage_it_goes_on() -> None:
    operation = Operation()
    batcher = Batcher(operation, limit=100)
    operation.outage = StoreUnavailable()
    with pytest.raises(StoreUnavailable):
        await batcher.add(1)
    operation.outage = None
    assert await batcher.add(1) == 2


async def test_a_caller_that_is_cancelled_loses_neither_its_item_nor_its_neighbours() -> None:
    operation = Operation(held=True)
    batcher = Batcher(operation, limit=100)
    first = asyncio.create_task(batcher.add(0))
    await turns()
    waiting = [asyncio.create_task(batcher.add(item)) for item in (1, 2, 3)]
    await turns()
    first.cancel()
    waiting[1].cancel()
    await turns()
    operation.gate.set()
    outcomes = await asyncio.gather(first, *waiting, return_exceptions=True)
    assert [isinstance(outcome, asyncio.CancelledError) for outcome in outcomes] == [True, False, True, False]
    assert (outcomes[1], outcomes[3]) == (2, 6)
    assert operation.batches == [[0], [1, 2, 3]], "what was added is done, whoever still waits"


async def test_a_cancelled_caller_of_a_bad_item_does_no_harm_either() -> None:
    operation = Operation(bad=[1], held=True)
    batcher = Batcher(operation, limit=100)
    bad, good = asyncio.create_task(batcher.add(1)), asyncio.create_task(batcher.add(2))
    await turns()
    bad.cancel()
    operation.gate.set()
    assert await good == 4


async def test_close_waits_for_everything_that_was_added() -> None:
    operation = Operation(held=True)
    batcher = Batcher(operation, limit=1)
    adds = [asyncio.create_task(batcher.add(item)) for item in range(3)]
    await turns()
    closing = asyncio.create_task(batcher.close())
    await turns()
    assert not closing.done()
    operation.gate.set()
    await closing
    assert operation.batches == [[0], [1], [2]]
    assert await asyncio.gather(*adds) == [0, 2, 4]


async def test_closing_when_nothing_is_under_way_returns_at_once() -> None:
    await Batcher(Operation(), limit=1).close()


async def test_a_caller_on_another_event_loop_goes_by_itself() -> None:
    async def double(items: Sequence[int]) -> Sequence[int]:
        threads.add(threading.current_thread())
        return [2 * item for item in items]

    threads = set[threading.Thread]()
    batcher = Batcher(double, limit=10)
    assert await batcher.add(1) == 2
    assert await asyncio.to_thread(lambda: asyncio.run(batcher.add(2))) == 4
    assert len(threads) == 2, "each on its own loop"


# --- bisect ------------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 30), min_size=1, max_size=40), st.sets(st.integers(0, 30), max_size=5))
def test_bisecting_finds_exactly_the_bad_ones(items: list[int], bad: set[int]) -> None:
    async def run() -> Sequence[int | Raised]:
        return await bisect(Operation(bad=sorted(bad)), items)

    outcomes = asyncio.run(run())
    assert [isinstance(outcome, Raised) for outcome in outcomes] == [item in bad for item in items]
    done = [outcome for outcome in outcomes if not isinstance(outcome, Raised)]
    assert done == [2 * item for item in items if item not in bad]


async def test_an_outage_in_the_middle_of_bisecting_condemns_nobody() -> None:
    """The first half holds a bad item; before the second half is asked, the store goes away."""

    async def operation(items: Sequence[int]) -> Sequence[int]:
        if 7 in items and len(items) < 8:
            raise StoreUnavailable
        if 2 in items:
            raise ValueError("cannot do 2")
        return items

    outcomes = await bisect(operation, list(range(8)))
    errors = [type(outcome.error) if isinstance(outcome, Raised) else None for outcome in outcomes]
    assert errors == [None, None, ValueError, None, *[StoreUnavailable] * 4]
    with pytest.raises(Unavailable):
        refused(list(range(8)), outcomes)


def test_what_was_refused_for_its_own_sake_is_told_apart() -> None:
    error = ValueError()
    assert refused(["a", "b", "c"], [1, Raised(error), None]) == [("b", error)]
    assert refused([], []) == []
