"""Ten minutes of a simulated clock: three engines on one store, stopped and started at random points, and 500 schedules.

They are of every second and of every minute, and some of these start workflows. Each tick ends as one task or workflow, or as
one record that says why not.
"""

import asyncio
import contextlib
import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.support.schedule_books import check_books
from tests.support.stores import open_store

from taskflow_hub.broker.local import LocalBroker
from taskflow_hub.domain.access import ANYBODY
from taskflow_hub.domain.schedule import CatchUp, Overlap
from taskflow_hub.domain.schedule_spec import ScheduleSpec, TaskTemplate
from taskflow_hub.domain.workflow import read
from taskflow_hub.engine.engine import Engine
from taskflow_hub.engine.loops.cron import Cron
from taskflow_hub.engine.results import FolderResults
from taskflow_hub.engine.settings import EngineSettings, RetentionSettings
from taskflow_hub.store.base import Store
from taskflow_hub.testing.store_contract.kit import ManualClock

SCHEDULES, ENGINES, MINUTES = 500, 3, 10


class OneEngine:
    """An engine with a store of its own, as in a process of its own. Only its clock's loop is driven, by hand."""

    def __init__(self, url: str, clock: ManualClock, folder: Path) -> None:
        self._url, self._clock, self._folder = url, clock, folder
        self._store: Store | None = None
        self._cron: Cron | None = None

    @property
    def up(self) -> bool:
        return self._store is not None

    async def start(self) -> Engine:
        self._store = await open_store(self._url, self._clock)
        engine = Engine(
            self._store,
            LocalBroker().engine_side(lambda: None),
            settings=EngineSettings(),
            results=FolderResults(self._folder / "results"),
            retention=RetentionSettings(),
            version="test",
            formats={},
            provably_dead=lambda _: False,
            clock=self._clock,
        )
        (self._cron,) = [loop for loop in engine.loops if isinstance(loop, Cron)]
        return engine

    async def stop(self) -> None:
        if self._store is not None:
            store, self._store = self._store, None
            await store.close()

    async def tick(self) -> None:
        """Until nothing is due any more."""
        assert self._cron is not None
        assert self._store is not None
        while (await self._store.upcoming()).due:
            await self._cron.tick()

    async def stop_amid(self, turns: int) -> None:
        """Cut off in the middle of its work: the answer to what it asked of the store is lost, or is never asked for."""
        working = asyncio.create_task(self.tick())
        for _ in range(turns):
            await asyncio.sleep(0)
        working.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await working
        await self.stop()


def spec(n: int) -> ScheduleSpec:
    """A third of them of every second; every policy; a tenth starts workflows."""
    flow = n % 3 != 0 and n % 7 < 1
    return ScheduleSpec(
        name=f"n{n}",
        cron="* * * * *" if n % 3 else "* * * * * *",
        tz=("UTC", "Europe/Amsterdam", "Asia/Kolkata")[n % 7 % 3],
        task=None if flow else TaskTemplate(type="t"),
        workflow=read(b'{"name":"w","nodes":{"a":{"type":"t"},"b":{"type":"t","after":["a"]}}}')
        if flow
        else None,
        overlap=(Overlap.ALLOW, Overlap.ALLOW, Overlap.SKIP, Overlap.QUEUE_ONE)[n // 2 % 4],
        catch_up=tuple(CatchUp)[n % 5 % 3],
        catch_up_limit=1 + n % 50,
        jitter=5.0 if n % 7 == 1 else 0.0,
    )


@pytest.mark.timeout(300)
async def test_every_tick_is_one_task_or_one_record(database_url: str, tmp_path: Path) -> None:
    clock = ManualClock()
    engines = [OneEngine(database_url, clock, tmp_path) for _ in range(ENGINES)]
    async with contextlib.AsyncExitStack() as undo:
        for one in engines:
            undo.push_async_callback(one.stop)
        assert await live(engines, clock, random.Random(7)) > 10
    outcomes = await asyncio.to_thread(check_books, database_url)
    assert set(outcomes) == {"fired", "missed", "skipped", "waiting"}
    assert sum(outcomes.values()) > SCHEDULES / 3 * MINUTES * 60


async def live(engines: Sequence[OneEngine], clock: ManualClock, chance: random.Random) -> int:
    """Ten minutes. How often an engine was cut off."""
    first = await engines[0].start()
    begin = clock()
    for n in range(SCHEDULES):
        await first.schedules.create(ANYBODY, spec(n))
    for one in engines[1:]:
        await one.start()
    silences = iter((120, 330))  # seconds in, from when on everything is down for more than a minute
    silence, stops = next(silences), 0
    back_at: dict[OneEngine, float] = {}
    while (passed := (clock() - begin).total_seconds()) < MINUTES * 60:
        clock.advance(chance.uniform(0.3, 1.7))
        if passed >= silence:
            silence = next(silences, MINUTES * 60)
            for one in [one for one in engines if one.up]:
                await one.stop_amid(chance.randrange(30))
                back_at[one] = passed + chance.uniform(65, 100)
            stops += ENGINES
        for one in engines:
            if one.up and chance.random() < 0.02:
                await one.stop_amid(chance.randrange(30))
                back_at[one] = passed + chance.uniform(1, 20)
                stops += 1
            elif not one.up and passed >= back_at[one]:
                await one.start()
        await asyncio.gather(*(one.tick() for one in engines if one.up))
    return stops
