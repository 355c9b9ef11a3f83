"""How schedules fire: each tick once, whoever fires it, with every policy."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from msgspec import Raw
from msgspec.structs import replace

from taskflow_hub.domain.errors import Invalid, NoSecretKeys, Unavailable
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.model import DEFAULT_ACCOUNT
from taskflow_hub.domain.schedule import CatchUp, Overlap, Schedule
from taskflow_hub.store.base_schedules import Place, Upcoming
from taskflow_hub.store.values import NewTask
from taskflow_hub.testing.store_contract.kit import ContractBase, Kit, hold
from taskflow_hub.testing.store_contract.schedules import fire, history, made, now_of, task_of

SECOND = timedelta(seconds=1)


async def told(kit: Kit, schedule: Schedule) -> list[str]:
    """What became of its ticks, in short: ["fired", "skipped overlap", …]."""
    return [
        one.outcome if one.reason is None else f"{one.outcome} {one.reason}"
        for one in await history(kit, schedule)
    ]


async def run_of(kit: Kit, schedule: Schedule) -> Any:
    """The attempt of the one run that waits."""
    (attempt,) = await kit.lease(await kit.worker(schedule.type or ""))
    return attempt


class FiringContract(ContractBase):
    async def test_nothing_is_due_and_the_next_tick_is_known(self, kit: Kit) -> None:
        assert await kit.store.upcoming() == Upcoming(None, False, False)
        schedule = await made(kit)
        assert schedule.next_at is not None
        found = await kit.store.upcoming()
        assert found.in_s == pytest.approx((schedule.next_at - kit.clock()).total_seconds())
        assert not found.due
        assert (await fire(kit)).schedules == 0
        kit.clock.advance(10)
        assert (await kit.store.upcoming()).due

    async def test_a_tick_makes_a_task_and_a_record(self, kit: Kit) -> None:
        schedule = await made(kit, user_id="u1", account_id="a1")
        kit.clock.advance(10)
        found = await fire(kit)
        (task,) = found.tasks
        assert (task.status, task.schedule_id, task.user_id, task.run_at) == (
            "queued",
            schedule.id,
            "u1",
            None,
        )
        assert await kit.store.owners([task.id]) == {task.id: "a1"}
        assert found.ticks == {("fired", None): 1}
        (record,) = await history(kit, schedule)
        assert (record.planned_at, record.task_id, record.decided_at) == (
            schedule.next_at,
            task.id,
            kit.clock(),
        )
        after = await kit.store.schedule(None, schedule.id)
        assert after is not None
        assert (after.last_at, after.rev) == (schedule.next_at, 1)
        assert (await fire(kit)).tasks == ()

    async def test_jitter_puts_a_task_off(self, kit: Kit) -> None:
        schedule = await made(kit, jitter_s=600.0)
        kit.clock.advance(10)
        (task,) = (await fire(kit)).tasks
        assert schedule.next_at is not None
        assert task.status is State.SCHEDULED
        assert task.run_at is not None
        assert schedule.next_at < task.run_at < schedule.next_at + 600 * SECOND

    async def test_a_schedule_ends(self, kit: Kit) -> None:
        schedule = await made(kit, ends_at=kit.clock() + 25 * SECOND)
        kit.clock.advance(30)
        assert len((await fire(kit)).tasks) == 2
        assert (await now_of(kit, schedule)).next_at is None
        kit.clock.advance(300)
        assert (await kit.store.upcoming()).in_s is None

    @pytest.mark.parametrize(
        ("catch_up", "limit", "fired"),
        [(CatchUp.NONE, 9, 0), (CatchUp.LAST, 9, 1), (CatchUp.ALL, 100, 30), (CatchUp.ALL, 9, 9)],
    )
    async def test_a_downtime_of_five_minutes(
        self, kit: Kit, catch_up: CatchUp, limit: int, fired: int
    ) -> None:
        schedule = await made(kit, catch_up=catch_up, catch_up_limit=limit)
        kit.clock.advance(300)
        found = await fire(kit)
        assert len(found.tasks) == fired
        assert await told(kit, schedule) == ["missed downtime"] * (30 - fired) + ["fired"] * fired
        records = await history(kit, schedule)
        assert [one.task_id for one in records if one.task_id] == [task.id for task in found.tasks]
        kit.clock.advance(10)
        assert len((await fire(kit)).tasks) == 1

    async def test_a_run_counts_until_it_is_final(self, kit: Kit) -> None:
        """A waiting retry is no end."""
        schedule = await made(kit, overlap=Overlap.SKIP, type="slow")
        kit.clock.advance(10)
        await fire(kit)
        kit.clock.advance(10)
        await fire(kit)
        attempt = await run_of(kit, schedule)
        kit.clock.advance(10)
        await fire(kit)
        await kit.retry(attempt, delay_s=5)
        kit.clock.advance(10)
        await fire(kit)
        assert await told(kit, schedule) == ["fired"] + ["skipped overlap"] * 3
        await kit.store.promote_due(10)
        await kit.fail(await run_of(kit, schedule))
        kit.clock.advance(10)
        await fire(kit)
        assert (await told(kit, schedule))[-1] == "fired"

    async def test_one_tick_waits_for_the_run_to_end(self, kit: Kit) -> None:
        schedule = await made(kit, overlap=Overlap.QUEUE_ONE, type="slow")
        for _ in range(3):
            kit.clock.advance(10)
            await fire(kit)
        await kit.store.pause_schedule(None, (await made(kit)).id)
        assert ((await kit.store.upcoming()).waiting, (await kit.store.upcoming()).ready) == (True, False)
        assert await told(kit, schedule) == ["fired", "waiting", "skipped overlap"]
        await kit.retry(await run_of(kit, schedule), delay_s=2)
        kit.clock.advance(3)
        assert (await fire(kit)).tasks == ()
        await kit.store.promote_due(10)
        await kit.succeed(await run_of(kit, schedule))
        assert (await kit.store.upcoming()).ready
        found = await fire(kit)
        assert len(found.tasks) == 1
        assert not (await kit.store.upcoming()).waiting
        records = await history(kit, schedule)
        assert [one.outcome for one in records] == ["fired", "fired", "skipped"]
        assert records[1].task_id == found.tasks[0].id
        assert (await now_of(kit, schedule)).waiting_at is None

    async def test_every_tick_runs_where_overlap_is_allowed(self, kit: Kit) -> None:
        schedule = await made(kit, type="slow")
        for _ in range(3):
            kit.clock.advance(10)
            await fire(kit)
        assert await told(kit, schedule) == ["fired"] * 3

    async def test_another_schedules_run_counts_for_nothing(self, kit: Kit) -> None:
        first, second = await made(kit, overlap=Overlap.SKIP), await made(kit, overlap=Overlap.SKIP)
        await kit.store.trigger_schedule(None, first.id, task_of)
        kit.clock.advance(10)
        await fire(kit)
        assert (await told(kit, first))[-1] == "skipped overlap"
        assert await told(kit, second) == ["fired"]

    # --- refused

    async def test_a_full_queue_misses_ticks_and_says_why(self, kit: Kit) -> None:
        await kit.store.update_queue("default", max_size=2)
        schedules = [await made(kit) for _ in range(3)]
        kit.clock.advance(10)
        found = await fire(kit)
        assert len(found.tasks) == 2
        assert found.ticks == {("fired", None): 2, ("missed", "refused"): 1}
        records = [record for schedule in schedules for record in await history(kit, schedule)]
        (missed,) = [record for record in records if record.outcome == "missed"]
        assert missed.task_id is None
        assert "is full" in (missed.detail or "")

    async def test_a_quota_misses_ticks_and_counts_those_that_fire(self, kit: Kit) -> None:
        await kit.store.set_quota("a1", per_minute=2)
        schedule = await made(kit, account_id="a1", every_s=1.0)
        kit.clock.advance(3.5)
        found = await fire(kit)
        assert len(found.tasks) == 2
        assert (await told(kit, schedule))[:3] == ["fired", "fired", "missed refused"]
        use = await kit.store.quota("a1")
        assert use.used.in_minute == 2

    async def test_what_cannot_be_made_is_missed_alone(self, kit: Kit) -> None:
        good, bad = await made(kit), await made(kit, name="bad")

        def make(schedule: Schedule, *rest: Any) -> NewTask:
            if schedule.name == "bad":
                raise Invalid.field("/payload/n", "does not fit \0")
            return task_of(schedule, *rest)

        kit.clock.advance(20)
        found = await kit.store.fire_due(make, 10)
        assert len(found.tasks) == 2
        assert await told(kit, good) == ["fired"] * 2
        assert await told(kit, bad) == ["missed refused"] * 2
        assert "does not fit" in ((await history(kit, bad))[0].detail or "")

    async def test_what_cannot_be_stored_is_missed_alone(self, kit: Kit) -> None:
        good, bad = await made(kit), await made(kit, name="bad")

        def make(schedule: Schedule, *rest: Any) -> NewTask:
            task = task_of(schedule, *rest)
            if schedule.name != "bad":
                return task
            return replace(task, payload=Raw(b"{no json"))

        kit.clock.advance(10)
        assert len((await kit.store.fire_due(make, 10)).tasks) == 1
        assert await told(kit, good) == ["fired"]
        assert await told(kit, bad) == ["missed refused"]

    async def test_a_wait_that_is_refused_is_missed(self, kit: Kit) -> None:
        schedule = await made(kit, overlap=Overlap.QUEUE_ONE, type="slow")
        kit.clock.advance(20)
        await fire(kit)
        await kit.succeed(await run_of(kit, schedule))
        await kit.store.update_queue("default", max_size=1)
        await kit.submit()
        found = await fire(kit)
        assert found.ticks == {("missed", "refused"): 1}
        assert await told(kit, schedule) == ["fired", "missed refused"]
        assert (await now_of(kit, schedule)).waiting_at is None

    @pytest.mark.parametrize("error", [Unavailable("away"), NoSecretKeys("no key"), KeyError("a fault")])
    async def test_what_cannot_be_decided_here_is_left_and_the_others_go_on(
        self, kit: Kit, error: Exception
    ) -> None:
        """Also where only the second of its ticks cannot be made; and whoever can, decides it."""
        good, bad = await made(kit), await made(kit, name="bad")
        waits = await made(kit, name="waits", overlap=Overlap.QUEUE_ONE, type="slow")
        kit.clock.advance(20)
        await kit.store.fire_due(task_of, 10)
        await kit.succeed(await run_of(kit, waits))
        kit.clock.advance(20)
        asked: list[str] = []

        def make(schedule: Schedule, *rest: Any) -> NewTask:
            asked.append(schedule.name)
            if schedule.name == "waits" or asked.count("bad") == 2:
                raise error
            return task_of(schedule, *rest)

        before = [await now_of(kit, one) for one in (bad, waits)]
        found = await kit.store.fire_due(make, 10)
        assert found.left == {bad.id: error, waits.id: error}
        assert (len(found.tasks), found.schedules) == (2, 1)
        assert [await now_of(kit, one) for one in (bad, waits)] == before
        assert await told(kit, good) == ["fired"] * 4
        assert await told(kit, bad) == ["fired"] * 2
        assert await told(kit, waits) == ["fired", "waiting"]
        assert (await kit.store.upcoming()).due
        assert (await kit.store.upcoming()).ready
        passed_over = [bad.id, waits.id]
        rest = await kit.store.upcoming(passed_over)
        assert (rest.due, rest.ready) == (False, False)
        assert rest.in_s == pytest.approx(10, abs=1)
        assert (await kit.store.fire_due(task_of, 10, passed_over)).schedules == 0
        other = await kit.another_store()
        assert len((await other.fire_due(task_of, 10)).tasks) == 3
        assert await told(kit, bad) == ["fired"] * 4
        assert (await told(kit, waits))[:2] == ["fired", "fired"]

    @pytest.mark.parametrize(
        ("overlap", "expected"),
        [
            (Overlap.ALLOW, ["missed refused"] * 3),
            (Overlap.SKIP, ["missed refused"] * 3),
            (Overlap.QUEUE_ONE, ["missed refused", "waiting", "missed refused"]),
        ],
    )
    @pytest.mark.parametrize("by", ["the queue", "make"])
    async def test_a_run_that_was_refused_is_no_overlap(
        self, kit: Kit, overlap: Overlap, expected: list[str], by: str
    ) -> None:
        schedule = await made(kit, overlap=overlap)
        await kit.submit()
        await kit.store.update_queue("default", max_size=1 if by == "the queue" else 100)

        def make(schedule: Schedule, *rest: Any) -> NewTask:
            if by == "make":
                raise Invalid.field("/payload/n", "does not fit")
            return task_of(schedule, *rest)

        kit.clock.advance(30)
        assert (await kit.store.fire_due(make, 10)).tasks == ()
        assert await told(kit, schedule) == expected
        why = "is full" if by == "the queue" else "does not fit"
        assert all(
            why in (one.detail or "") for one in await history(kit, schedule) if one.outcome == "missed"
        )
        await kit.store.update_queue("default", max_size=100)
        if overlap is Overlap.QUEUE_ONE:  # no run is left for which it waits
            assert len((await fire(kit)).tasks) == 1
            assert (await told(kit, schedule))[1] == "fired"
        else:
            kit.clock.advance(10)
            await fire(kit)
            assert (await told(kit, schedule))[-1] == "fired"

    # --- many, and at once

    async def test_a_limit_takes_the_longest_due_first(self, kit: Kit) -> None:
        late = await made(kit, every_s=20.0)
        later = await made(kit, every_s=25.0)
        kit.clock.advance(30)
        first = await fire(kit, limit=1)
        assert [task.schedule_id for task in first.tasks] == [late.id]
        assert (await kit.store.upcoming()).due
        second = await fire(kit, limit=1)
        assert [task.schedule_id for task in second.tasks] == [later.id]
        assert not (await kit.store.upcoming()).due

    async def test_many_processes_decide_each_tick_once(self, kit: Kit) -> None:
        stores = [kit.store, *[await kit.another_store() for _ in range(3)]]
        schedules = [await made(kit, every_s=1.0, name=f"n{n}") for n in range(40)]
        for _ in range(5):
            kit.clock.advance(3)
            for _ in range(3):
                await asyncio.gather(*(store.fire_due(task_of, 15) for store in stores))
        while (await kit.store.upcoming()).due:
            await fire(kit)
        expected = [schedules[0].created_at.replace(microsecond=0) + n * SECOND for n in range(1, 16)]
        tasks: Counter[str | None] = Counter()
        for schedule in schedules:
            records = await history(kit, schedule)
            assert [one.planned_at for one in records] == expected
            assert {one.outcome for one in records} == {"fired"}
            tasks.update(one.task_id for one in records)
        assert len(tasks) == 40 * 15
        found = await kit.store.tasks([id for id in tasks if id])
        assert len(found) == 40 * 15

    async def test_firing_and_changing_at_once_tells_of_each_tick_once(self, kit: Kit) -> None:
        other = await kit.another_store()
        schedule = await made(kit, every_s=1.0)
        for _ in range(15):
            kit.clock.advance(2)
            await asyncio.gather(
                other.fire_due(task_of, 10),
                kit.store.pause_schedule(None, schedule.id),
                kit.store.fire_due(task_of, 10),
            )
            await asyncio.gather(kit.store.resume_schedule(None, schedule.id), other.fire_due(task_of, 10))
        await fire(kit)
        records = await history(kit, schedule)
        assert sum(one.ticks for one in records) == 30
        assert len({one.planned_at for one in records}) == 30

    # --- when they started

    async def test_starts_are_learned_once(self, kit: Kit) -> None:
        schedule = await made(kit, type="slow")
        kit.clock.advance(30)
        tasks = (await fire(kit)).tasks
        assert (await kit.store.learn_starts(None, 10)).started == ()
        (attempt, *_) = await kit.lease(await kit.worker("slow"))
        kit.clock.advance(5)
        await kit.succeed(attempt, ran_s=2.0)
        await kit.cancel(tasks[1].id)
        other = await kit.another_store()
        first, second = await asyncio.gather(kit.store.learn_starts(None, 10), other.learn_starts(None, 10))
        ((planned, began),) = first.started + second.started
        assert (planned, began) == (schedule.next_at, kit.clock() - 2 * SECOND)
        assert [one.started_at for one in await history(kit, schedule)] == [began, None, None]
        assert (await kit.store.learn_starts(None, 10)).started == ()

    async def test_starts_of_what_runs_are_learned(self, kit: Kit) -> None:
        schedule = await made(kit, type="slow")
        kit.clock.advance(10)
        await fire(kit)
        worker = await kit.worker("slow")
        (attempt,) = await kit.lease(worker)
        kit.clock.advance(1)
        await kit.store.heartbeat(worker, [hold(attempt)])
        assert len((await kit.store.learn_starts(None, 10)).started) == 1
        (record,) = await history(kit, schedule)
        assert record.started_at == kit.clock()

    async def test_a_look_goes_round(self, kit: Kit) -> None:
        """However many wait to start, none is forgotten."""
        for n in range(3):
            await made(kit, name=f"n{n}")
        kit.clock.advance(20)
        await fire(kit)
        after: Place | None = None
        seen = set()
        for _ in range(4):
            found = await kit.store.learn_starts(after, 2)
            after = found.after
            seen.add(after)
        assert len(seen) == 4
        assert None in seen

    async def test_a_restart_changes_nothing(self, kit: Kit) -> None:
        schedule = await made(kit, overlap=Overlap.QUEUE_ONE)
        kit.clock.advance(20)
        await fire(kit)
        other = await kit.another_store()
        assert (await other.fire_due(task_of, 10)).tasks == ()
        found = await other.schedule(DEFAULT_ACCOUNT, schedule.id)
        assert found is not None
        assert found.waiting_at == schedule.timing.next_after(schedule.next_at or kit.clock())
