"""The one base of all background loops, driven hard."""

import asyncio
import random
from collections.abc import Awaitable, Callable

import pytest

from taskflow_hub.domain.errors import StoreFull, StoreUnavailable
from taskflow_hub.engine.loop import Loop

LONG_S = 3600.0  # nothing here waits for it: whoever would is woken, or the test times out
Tick = Callable[[], Awaitable[float | None]]


class Scripted(Loop):
    """Each tick does what `script` says; counts ticks, and how many ran at one time."""

    def __init__(
        self, script: Tick | None = None, *, interval_s: float = LONG_S, grace_s: float = 10.0
    ) -> None:
        super().__init__(interval_s=interval_s, grace_s=grace_s)
        self.script = script
        self.ticks = self.inside = self.most_inside = 0
        self.ticked = asyncio.Event()

    async def tick(self) -> float | None:
        self.ticks += 1
        self.inside += 1
        self.most_inside = max(self.most_inside, self.inside)
        self.ticked.set()
        try:
            return await self.script() if self.script else None
        finally:
            self.inside -= 1

    async def reach(self, ticks: int) -> None:
        """Wait until so many ticks have begun."""
        while self.ticks < ticks:
            self.ticked.clear()
            await self.ticked.wait()


def runs_of(name: str) -> int:
    return sum(task.get_name() == name and not task.done() for task in asyncio.all_tasks())


async def test_the_first_tick_comes_at_once_and_the_next_after_the_pause_it_returned() -> None:
    pauses = iter([0.0, 0.0, None])

    async def script() -> float | None:
        return next(pauses)

    loop = Scripted(script)
    await loop.start()
    await loop.reach(3)
    await asyncio.sleep(0)
    assert loop.ticks == 3, "None means the interval, which is an hour here"
    await loop.stop()


async def test_a_wake_cuts_the_pause() -> None:
    loop = Scripted()
    await loop.start()
    await loop.reach(1)
    for ticks in range(2, 7):
        loop.wake()
        await loop.reach(ticks)
    assert loop.ticks == 6
    await loop.stop()


async def test_many_wakes_before_a_tick_are_one() -> None:
    loop = Scripted()
    await loop.start()
    await loop.reach(1)
    for _ in range(100):
        loop.wake()
    await loop.reach(2)
    for _ in range(10):
        await asyncio.sleep(0)
    assert loop.ticks == 2
    await loop.stop()


async def test_a_wake_during_a_tick_is_not_lost() -> None:
    go_on = asyncio.Event()

    async def script() -> None:
        await go_on.wait()

    loop = Scripted(script)
    await loop.start()
    await loop.reach(1)
    loop.wake()
    go_on.set()
    await loop.reach(2)
    assert loop.ticks == 2
    await loop.stop()


async def test_a_wake_before_the_start_does_no_harm() -> None:
    loop = Scripted()
    loop.wake()
    await loop.start()
    await loop.reach(1)
    await loop.stop()
    assert loop.ticks == 1


async def test_a_tick_that_raises_is_counted_and_tried_again() -> None:
    failures = 0

    def count() -> None:
        nonlocal failures
        failures += 1

    async def script() -> float:
        if loop.ticks < 4:
            raise RuntimeError("not yet")
        return LONG_S

    loop = Scripted(script, interval_s=0.0)
    loop.on_failure = count
    await loop.start()
    await loop.reach(4)
    await loop.stop()
    assert (loop.ticks, failures) == (4, 3)


async def test_an_outage_is_known_until_a_tick_succeeds() -> None:
    seen: list[str | None] = []
    ends = iter([StoreFull("The disk is full."), StoreUnavailable("The disk is gone."), ValueError(), None])

    async def script() -> None:
        seen.append(loop.waits_for)
        if (error := next(ends)) is not None:
            raise error

    loop = Scripted(script, interval_s=0)
    await loop.start()
    await loop.reach(4)
    await loop.stop()
    assert seen == [None, "The disk is full.", "The disk is gone.", "The disk is gone."]
    assert loop.waits_for is None


async def test_a_rare_tick_that_met_an_outage_comes_again_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    async def script() -> None:
        if loop.ticks == 1:
            raise StoreUnavailable("The database is gone.")

    monkeypatch.setattr("taskflow_hub.engine.loop.AGAIN_S", 0.0)
    loop = Scripted(script, interval_s=LONG_S)
    await loop.start()
    await loop.reach(2)
    await loop.stop()
    assert loop.waits_for is None


async def test_something_cancelled_that_a_tick_awaited_does_not_end_the_loop() -> None:
    async def script() -> float:
        if loop.ticks == 1:
            gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            gone.cancel()
            await gone
        return LONG_S

    loop = Scripted(script, interval_s=0.0)
    await loop.start()
    await loop.reach(2)
    assert loop.ticks == 2, "the loop died of somebody else's cancellation"
    await loop.stop()


async def test_starting_twice_makes_one_run() -> None:
    loop = Scripted()
    await asyncio.gather(loop.start(), loop.start())
    await loop.start()
    assert runs_of("Scripted") == 1
    await loop.stop()
    assert runs_of("Scripted") == 0


async def test_stopping_before_starting_and_stopping_twice_are_harmless() -> None:
    loop = Scripted()
    await loop.stop()
    await loop.start()
    await loop.reach(1)
    await asyncio.gather(loop.stop(), loop.stop())
    await loop.stop()
    assert runs_of("Scripted") == 0


async def test_a_stop_lets_the_tick_in_flight_finish() -> None:
    go_on, finished = asyncio.Event(), False

    async def script() -> None:
        nonlocal finished
        await go_on.wait()
        finished = True

    loop = Scripted(script)
    await loop.start()
    await loop.reach(1)
    stopping = asyncio.create_task(loop.stop())
    await asyncio.sleep(0)
    go_on.set()
    await stopping
    assert finished
    assert loop.ticks == 1, "a stopping loop begins nothing new"


async def test_a_second_stop_waits_too() -> None:
    go_on = asyncio.Event()

    async def script() -> None:
        await go_on.wait()

    loop = Scripted(script)
    await loop.start()
    await loop.reach(1)
    stops = [asyncio.create_task(loop.stop()) for _ in range(2)]
    for _ in range(5):
        await asyncio.sleep(0)
    assert not any(stop.done() for stop in stops), "stopped, it said, while its tick still ran"
    go_on.set()
    await asyncio.gather(*stops)
    assert loop.inside == 0


async def test_a_tick_that_hangs_is_cancelled_after_the_grace() -> None:
    cancelled = False

    async def script() -> None:
        nonlocal cancelled
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled = True
            raise

    loop = Scripted(script, grace_s=0.01)
    await loop.start()
    await loop.reach(1)
    await loop.stop()
    assert cancelled
    assert runs_of("Scripted") == 0


async def test_whoever_cancels_a_stop_is_obeyed() -> None:
    go_on = asyncio.Event()

    async def script() -> None:
        await go_on.wait()

    loop = Scripted(script)
    await loop.start()
    await loop.reach(1)
    stopping = asyncio.create_task(loop.stop())
    await asyncio.sleep(0)
    stopping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stopping
    go_on.set()
    await loop.stop()
    assert runs_of("Scripted") == 0


async def test_a_restart_waits_for_the_old_run_and_never_revives_it() -> None:
    go_on = asyncio.Event()

    async def script() -> float:
        if loop.ticks == 1:
            await go_on.wait()
        return LONG_S

    loop = Scripted(script)
    await loop.start()
    await loop.reach(1)
    stopping = asyncio.create_task(loop.stop())
    await asyncio.sleep(0)
    await loop.start()  # overtakes the stop, whose tick still runs
    for _ in range(5):
        await asyncio.sleep(0)
    assert loop.ticks == 1, "two ticks at one time"
    go_on.set()
    await stopping
    await loop.reach(2)
    assert (loop.ticks, loop.most_inside, runs_of("Scripted")) == (2, 1, 1)
    await loop.stop()


async def test_a_loop_that_never_pauses_still_lets_others_run() -> None:
    async def script() -> float:
        loop.wake()
        await asyncio.sleep(0)
        return 0.0

    loop = Scripted(script)
    await loop.start()
    for _ in range(100):
        await asyncio.sleep(0)
    await loop.stop()
    assert loop.ticks > 10


@pytest.mark.parametrize("seed", range(20))
async def test_stress_many_hands_start_stop_and_wake_one_loop_in_any_order(seed: int) -> None:
    chance = random.Random(seed)

    async def script() -> float | None:
        for _ in range(chance.randrange(4)):
            await asyncio.sleep(0)
        if chance.random() < 0.2:
            raise RuntimeError("some ticks fail")
        return chance.choice([0.0, 0.0005, None])

    loop = Scripted(script, interval_s=0.0)

    async def hand() -> None:
        for _ in range(30):
            match chance.randrange(4):
                case 0:
                    await loop.start()
                case 1:
                    await loop.stop()
                case 2:
                    loop.wake()
                case _:
                    for _ in range(chance.randrange(5)):
                        await asyncio.sleep(0)

    await asyncio.gather(*(hand() for _ in range(8)))
    assert loop.most_inside <= 1, "two runs ticked at one time"

    await loop.start()
    await loop.reach(loop.ticks + 1)
    await loop.stop()
    ticks = loop.ticks
    for _ in range(20):
        await asyncio.sleep(0)
    assert loop.ticks == ticks, "an old run was revived"
    assert runs_of("Scripted") == 0
