"""Schedules and the engine: downtimes, handlers that are slower than their period, and how soon what waits is started."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
import pytest
import pytest_asyncio
from msgspec import Raw
from structlog.testing import capture_logs
from tests.integration.engine_house import HandWorker, House, open_house
from tests.support.grounds import Ground, within_one_process
from tests.support.http_api import api

from taskflow_hub.domain.access import ANYBODY
from taskflow_hub.domain.cron import cron
from taskflow_hub.domain.errors import StoreUnavailable, TaskflowError, Unavailable
from taskflow_hub.domain.messages import Assignment
from taskflow_hub.domain.model import DEFAULT_ACCOUNT
from taskflow_hub.domain.schedule import CatchUp, Overlap
from taskflow_hub.domain.schedule_spec import ScheduleChange, ScheduleSpec, TaskTemplate
from taskflow_hub.domain.workflow import read
from taskflow_hub.domain.zone import zone
from taskflow_hub.engine.hints import Topic
from taskflow_hub.engine.loops.cron import LEFT_S, POLL_S, Cron
from taskflow_hub.engine.schedule_views import FireView
from taskflow_hub.store.base_schedules import Fired, ScheduleFilter
from taskflow_hub.store.values import TaskFilter, WorkflowFilter
from taskflow_hub.testing.store_contract.kit import ManualClock
from taskflow_hub.worker.registry import Registry

pytestmark = within_one_process


@pytest_asyncio.fixture
async def house(ground: Ground, tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(ground, tmp_path) as house:
        yield house


async def create(house: House, **fields: Any) -> str:
    given = {"name": "n", "every": 10, "task": TaskTemplate(type="work"), **fields}
    return (await house.engine.schedules.create(ANYBODY, ScheduleSpec(**given))).name


async def fire(house: House) -> None:
    """What the loop does now."""
    while await house.tick(Cron) == 0.0:
        pass


async def history(house: House, name: str = "n") -> list[FireView]:
    """Oldest first."""
    page = await house.engine.schedules.fires(ANYBODY, name, outcome=None, limit=1000, cursor=None)
    return page.items[::-1]


async def told(house: House) -> list[str]:
    return [
        one.outcome if one.reason is None else f"{one.outcome} {one.reason}" for one in await history(house)
    ]


async def the_run(house: House, worker: HandWorker) -> Assignment:
    await house.dispatch()
    (assignment,) = await worker.take()
    return assignment


# --- downtimes


MISSED, FIRED, OVERLAP = ["missed downtime"], ["fired"], ["skipped overlap"]


@pytest.mark.parametrize("overlap", Overlap)
@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"catch_up": CatchUp.NONE}, dict.fromkeys(Overlap, MISSED * 30)),
        ({"catch_up": CatchUp.LAST}, dict.fromkeys(Overlap, MISSED * 29 + FIRED)),
        (
            {"catch_up": CatchUp.ALL},
            {
                Overlap.ALLOW: FIRED * 30,
                Overlap.SKIP: FIRED + OVERLAP * 29,
                Overlap.QUEUE_ONE: [*FIRED, "waiting", *OVERLAP * 28],
            },
        ),
        (
            {"catch_up": CatchUp.ALL, "catch_up_limit": 12},
            {
                Overlap.ALLOW: MISSED * 18 + FIRED * 12,
                Overlap.SKIP: MISSED * 18 + FIRED + OVERLAP * 11,
                Overlap.QUEUE_ONE: [*MISSED * 18, *FIRED, "waiting", *OVERLAP * 10],
            },
        ),
    ],
    ids=["none", "last", "all", "all, at most 12"],
)
async def test_five_minutes_of_downtime(
    ground: Ground,
    tmp_path: Path,
    fields: dict[str, Any],
    expected: dict[Overlap, list[str]],
    overlap: Overlap,
) -> None:
    """As docs/how-to/schedules.md has it: which tick became what, and that each that fired is a task of its own."""
    clock = ManualClock()
    async with open_house(ground, tmp_path, clock=clock) as house:
        await create(house, overlap=overlap, **fields)
    begin = clock().replace(microsecond=0)
    clock.advance(300)
    async with open_house(ground, tmp_path, clock=clock) as house:
        await fire(house)
        found = await history(house)
        assert [one.planned_at for one in found] == [begin + timedelta(seconds=10 * n) for n in range(1, 31)]
        assert await told(house) == expected[overlap]
        page = await house.real.entries(DEFAULT_ACCOUNT, TaskFilter(), limit=100)
        oldest_first = [one.id for one in page.items][::-1]
        assert [one.task_id for one in found if one.task_id] == oldest_first


async def test_an_outage_of_the_store_is_a_downtime_like_any_other(house: House) -> None:
    await create(house, overlap=Overlap.ALLOW)
    house.clock.advance(10)
    await fire(house)
    with house.faults.raising(StoreUnavailable("away")):
        for _ in range(3):
            house.clock.advance(100)
            with pytest.raises(StoreUnavailable):
                await house.tick(Cron)
    await fire(house)
    assert Counter(await told(house)) == {"fired": 1, "missed downtime": 30}


async def test_a_lost_answer_decides_nothing_twice(house: House) -> None:
    await create(house, overlap=Overlap.ALLOW)
    house.clock.advance(20)
    with (
        house.faults.raising(StoreUnavailable("away"), "fire_due", late=True),
        pytest.raises(StoreUnavailable),
    ):
        await house.tick(Cron)
    await fire(house)
    assert await told(house) == ["fired"] * 2
    assert await house.real.count(DEFAULT_ACCOUNT, TaskFilter()) == 2


async def test_a_lost_answer_begins_no_workflow_twice(house: House) -> None:
    flow = read(b'{"name":"w","nodes":{"a":{"type":"work"},"b":{"type":"work","after":["a"]}}}')
    await create(house, task=None, workflow=flow, overlap=Overlap.ALLOW)
    house.clock.advance(20)
    with (
        house.faults.raising(StoreUnavailable("away"), "fire_due", late=True),
        pytest.raises(StoreUnavailable),
    ):
        await house.tick(Cron)
    await fire(house)
    found = await history(house)
    assert [one.outcome for one in found] == ["fired"] * 2
    page = await house.real.workflows(DEFAULT_ACCOUNT, WorkflowFilter(), limit=10)
    assert {one.id for one in page.items} == {one.workflow_id for one in found}
    assert await house.real.count(DEFAULT_ACCOUNT, TaskFilter()) == 4


async def test_a_workflow_that_is_slower_than_its_period(house: House) -> None:
    """Its two nodes take 15 s each, and every 10 s a tick comes: one waits for the end of the second."""
    flow = read(b'{"name":"w","nodes":{"a":{"type":"work"},"b":{"type":"work","after":["a"]}}}')
    await create(house, task=None, workflow=flow, overlap=Overlap.QUEUE_ONE)
    worker = await house.worker("work", slots=1, window=0)
    house.clock.advance(10)
    await fire(house)
    for _ in range(2):
        run = await the_run(house, worker)
        house.clock.advance(15)
        await fire(house)
        await worker.report(worker.succeeded(run))
        await house.collect()
    assert await told(house) == ["fired", "waiting", "skipped overlap", "skipped overlap"]
    await fire(house)
    assert await told(house) == ["fired", "fired", "skipped overlap", "skipped overlap"]
    assert len({one.workflow_id for one in await history(house)}) == 3, "two, and none"


# --- a handler slower than its period: 35 s, every 10 s, with a retry that waits in the middle


@pytest.mark.parametrize(
    ("overlap", "expected"),
    [
        (Overlap.ALLOW, ["fired"] * 5),
        (Overlap.SKIP, ["fired"] + ["skipped overlap"] * 3 + ["fired"]),
        (Overlap.QUEUE_ONE, ["fired", "fired", "skipped overlap", "skipped overlap", "waiting"]),
    ],
)
async def test_a_slow_handler(house: House, overlap: Overlap, expected: list[str]) -> None:
    await create(house, overlap=overlap)
    worker = await house.worker("work", slots=1, window=0)
    house.clock.advance(10)
    await fire(house)
    run = await the_run(house, worker)
    house.clock.advance(10)
    await fire(house)
    await worker.report(worker.failed(run, after=8.0))  # it waits for its retry at the next tick
    await house.collect()
    house.clock.advance(10)
    await fire(house)
    await house.promote()
    if overlap is Overlap.ALLOW:
        for _ in range(2):
            house.clock.advance(10)
            await fire(house)
        assert await told(house) == expected
        assert len({one.task_id for one in await history(house)}) == 5
        return
    assert (await history(house))[0].task_id == run.id
    again = await the_run(house, worker)
    assert again.id == run.id
    house.clock.advance(10)
    await fire(house)
    house.clock.advance(5)
    await worker.report(worker.succeeded(again))
    await house.collect()
    await fire(house)
    house.clock.advance(5)
    await fire(house)
    assert await told(house) == expected


async def test_what_waits_starts_as_soon_as_the_run_has_ended(
    ground: Ground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a hint, and not by the next look of the loop: there is none."""
    monkeypatch.setattr("taskflow_hub.engine.loops.cron.POLL_S", 3600.0)
    handlers = Registry()
    began, go = asyncio.Semaphore(0), asyncio.Semaphore(0)

    @handlers.task("slow")
    async def slow() -> None:
        began.release()
        await go.acquire()

    async with api(tmp_path, ground.database_url, handlers=handlers) as hub, asyncio.timeout(30):
        changed = asyncio.Event()
        hub.engine.hints.on(Topic.SCHEDULES, changed.set)
        spec = ScheduleSpec(name="n", every=1, task=TaskTemplate(type="slow"), overlap=Overlap.QUEUE_ONE)
        await hub.engine.schedules.create(ANYBODY, spec)
        await began.acquire()
        while True:
            changed.clear()
            if (await hub.engine.schedules.get(ANYBODY, "n")).waiting_at is not None:
                break
            await changed.wait()
        await hub.engine.schedules.update(
            ANYBODY, "n", ScheduleChange(every="1h")
        )  # from now on nothing comes
        go.release()
        await began.acquire()
        go.release()


# --- what cannot be decided here


@pytest.fixture
def forget_zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """This machine has no such zone any more."""
    known = ZoneInfo

    def forget(name: str) -> None:
        def find(wanted: str) -> ZoneInfo:
            if wanted == name:
                raise ZoneInfoNotFoundError(wanted)
            return known(wanted)

        monkeypatch.setattr("taskflow_hub.domain.zone.ZoneInfo", find)
        zone.cache_clear()
        cron.cache_clear()

    yield forget
    monkeypatch.undo()
    zone.cache_clear()
    cron.cache_clear()


async def forget_template(house: House, name: str, template: str = "task") -> None:
    """Another version wrote it."""
    row = await house.real.schedule_named(DEFAULT_ACCOUNT, name)
    assert row is not None
    new = msgspec.structs.replace(row, template=Raw(TEMPLATES[template]))
    assert await house.real.update_schedule(None, new) is not None


TEMPLATES = {
    "task": b'{"task":{"type":"work","wings":2}}',
    "workflow": b'{"workflow":{"name":"w","nodes":{"a":{"type":"work","wings":2}}}}',
    "neither": b'{"wings":2}',
}


@pytest.mark.parametrize("what", ["zone", *TEMPLATES])
async def test_a_schedule_that_cannot_be_read_is_left_and_the_others_go_on(
    house: House, forget_zone: Callable[[str], None], what: str
) -> None:
    """It is shown with the reason, comes in lists, and is mended by a change of what is wrong."""
    await create(house, name="good", overlap=Overlap.ALLOW)
    await create(
        house, name="bad", every=None, cron="*/10 * * * * *", tz="Asia/Kolkata", overlap=Overlap.ALLOW
    )
    if what == "zone":
        forget_zone("Asia/Kolkata")
        why, change = "'Asia/Kolkata' is no time zone", ScheduleChange(tz="Asia/Colombo")
    else:
        await forget_template(house, "bad", what)
        why = "it is neither a task nor a workflow" if what == "neither" else "unknown field `wings`"
        change = ScheduleChange(task=TaskTemplate(type="work"))
    house.clock.advance(20)
    await fire(house)
    assert [one.outcome for one in await history(house, "good")] == ["fired"] * 2
    assert await history(house, "bad") == []
    page = await house.engine.schedules.all(ANYBODY, ScheduleFilter(), limit=10, cursor=None)
    shown = {one.name: one.hindrance for one in page.items}
    assert shown["good"] is None
    assert why in (shown["bad"] or "")
    for asked in (
        house.engine.schedules.trigger(ANYBODY, "bad"),
        house.engine.schedules.update(ANYBODY, "bad", ScheduleChange(jitter=1.0)),
    ):
        with pytest.raises(TaskflowError, match=re.escape(why)):
            await asked
    mended = await house.engine.schedules.update(ANYBODY, "bad", change)
    assert mended.hindrance is None
    house.monotonic_s += LEFT_S[1]
    house.clock.advance(10)
    await fire(house)
    told = [(one.outcome, one.reason) for one in await history(house, "bad")]
    lost = [("missed", "changed")] if what == "zone" else [("fired", None)] * 2
    assert told == [*lost, ("fired", None)]


async def test_a_paused_schedule_of_an_unknown_zone_is_mended_too(
    house: House, forget_zone: Callable[[str], None]
) -> None:
    await create(house, every=None, cron="*/10 * * * * *", tz="Asia/Kolkata", paused=True)
    forget_zone("Asia/Kolkata")
    house.clock.advance(20)
    with pytest.raises(Unavailable, match="'Asia/Kolkata' is no time zone"):
        await house.engine.schedules.resume(ANYBODY, "n")
    await house.engine.schedules.update(ANYBODY, "n", ScheduleChange(tz="UTC"))
    await house.engine.schedules.resume(ANYBODY, "n")
    assert await told(house) == ["skipped paused"]
    house.clock.advance(10)
    await fire(house)
    assert await told(house) == ["skipped paused", "fired"]


async def test_what_is_left_is_looked_at_ever_more_seldom_and_said_once(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await create(house, overlap=Overlap.ALLOW)
    await forget_template(house, "n")
    house.clock.advance(20)
    looks = []
    monkeypatch.setattr(house.engine.schedules, "started", lambda *_: None)
    with capture_logs() as logs:
        for _ in range(600):
            before = house.faults.calls["fire_due"]
            pause_s = await house.tick(Cron)
            if house.faults.calls["fire_due"] > before:
                looks.append(house.monotonic_s)
            assert pause_s is not None
            house.monotonic_s += pause_s
    pauses = [after - before for before, after in pairwise(looks)]
    assert pauses == sorted(pauses)
    assert LEFT_S[1] <= pauses[-1] <= LEFT_S[1] + POLL_S
    assert len([log for log in logs if log["event"].startswith("a schedule cannot be decided")]) == 1


async def test_while_others_decide_what_is_due_the_loop_asks_ever_more_seldom(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await create(house)
    house.clock.advance(10)

    async def all_locked(*_: Any) -> Fired:
        return Fired()

    monkeypatch.setattr(type(house.real), "fire_due", all_locked)
    pauses = [await house.tick(Cron) for _ in range(6)]
    assert pauses == [0.1, 0.2, 0.4, 0.8, POLL_S, POLL_S]
    monkeypatch.undo()
    await fire(house)
    assert await told(house) == ["fired"]


# --- the loop


async def test_the_loop_sleeps_until_the_next_tick_and_looks_every_second(house: House) -> None:
    assert await house.tick(Cron) == POLL_S
    await create(house)
    assert await house.tick(Cron) == POLL_S
    house.clock.advance(9)  # periods are counted from the whole second
    pause_s = await house.tick(Cron)
    assert pause_s is not None
    assert 0 < pause_s <= 0.5
    house.clock.advance(pause_s)
    assert await house.tick(Cron) == 0.0
    assert house.counted("schedule_ticks_total", outcome="fired", reason="") == 1
    assert house.counted("tasks_submitted_total", queue="default", type="work") == 1


async def test_ticks_are_counted_by_outcome_and_reason_and_starts_observed(house: House) -> None:
    await create(house, overlap=Overlap.SKIP)
    worker = await house.worker("work")
    for _ in range(3):
        house.clock.advance(10)
        await fire(house)
    assert house.counted("schedule_ticks_total", outcome="skipped", reason="overlap") == 2
    run = await the_run(house, worker)
    house.clock.advance(7)
    await worker.report(worker.succeeded(run, ran_s=2.0))
    await house.collect()
    house.monotonic_s += 2
    await house.tick(Cron)
    assert house.counted("schedule_lateness_seconds_count") == 1
    (first, *_) = await history(house)
    assert first.lateness is not None
    assert house.counted("schedule_lateness_seconds_sum") == pytest.approx(first.lateness)
    assert first.lateness == pytest.approx(25, abs=1.1)  # 20 s of ticks and 7 of work, which took 2
