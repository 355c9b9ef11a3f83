"""Who gets what: room, queues, types, pauses, tasks that run alone, and tasks nobody can run."""

from collections import Counter

import pytest

from taskflow_hub.domain.clock import new_id
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.model import DEFAULT_ACCOUNT
from taskflow_hub.testing.store_contract.kit import ContractBase, Kit, new_task


class LeasingContract(ContractBase):
    async def test_an_assignment_carries_the_task(self, kit: Kit) -> None:
        task = await kit.submit(
            priority=7, tags=("a",), traceparent="00-ab-cd-01", timeout=None, max_retries=None
        )
        worker = await kit.worker()
        leased = await kit.store.lease(None, 10)
        (lease,) = leased.leases
        got = lease.assignment
        assert lease.worker == worker
        assert not leased.more
        assert (got.id, got.attempt, got.type, got.queue, got.priority) == (task.id, 1, "t", "default", 7)
        assert (got.tags, got.traceparent, got.timeout, got.max_retries) == (
            ("a",),
            "00-ab-cd-01",
            None,
            None,
        )
        assert (bytes(got.payload), got.retry_count, got.created_at) == (b'{"n":1}', 0, task.created_at)
        running = await kit.get(task.id)
        assert (running.status, running.attempt, running.worker) == (State.RUNNING, 1, worker)
        assert running.started_at is None, "leased is not started"
        assert running.rev == task.rev + 1

    async def test_room_is_slots_and_window_less_what_runs(self, kit: Kit) -> None:
        await kit.submit_all([new_task() for _ in range(20)])
        await kit.worker(slots=4, window=2)
        first = await kit.lease()
        assert len(first) == 6
        assert await kit.lease() == []
        await kit.succeed(first[0])
        await kit.retry(first[1])
        assert len(await kit.lease()) == 2

    async def test_the_limit_is_for_all_together(self, kit: Kit) -> None:
        await kit.submit_all([new_task() for _ in range(20)])
        for _ in range(3):
            await kit.worker(slots=3)
        assert len(await kit.lease(limit=5)) == 5
        assert len(await kit.lease(limit=0)) == 0
        assert len(await kit.lease(limit=99)) == 4

    async def test_many_queues_that_nobody_serves_are_put_aside_together(self, kit: Kit) -> None:
        """Thousands of them, each for one task, cost what as many tasks of one queue cost."""
        await kit.worker()
        await kit.submit_all([new_task(type="nobody", queue=f"q{n}") for n in range(2_500)])
        task = await kit.submit()
        leases = [await kit.store.lease(None, 10)]
        while leases[-1].more:
            leases.append(await kit.store.lease(None, 10))
        assert [one.assignment.id for leased in leases for one in leased.leases] == [task.id]
        assert len(leases) <= 3
        assert {
            depth.hold for depth in await kit.store.depths(DEFAULT_ACCOUNT) if depth.type == "nobody"
        } == {"no_worker"}

    async def test_work_is_spread_over_workers(self, kit: Kit) -> None:
        await kit.submit_all([new_task() for _ in range(9)])
        workers = [await kit.worker(slots=8) for _ in range(3)]
        leased = await kit.store.lease(None, 100)
        assert Counter(lease.worker for lease in leased.leases) == dict.fromkeys(workers, 3)

    async def test_only_for_the_workers_named(self, kit: Kit) -> None:
        await kit.submit_all([new_task() for _ in range(9)])
        mine, _ = await kit.worker(slots=2), await kit.worker()
        leased = await kit.store.lease([mine, new_id()], 100)
        assert [lease.worker for lease in leased.leases] == [mine, mine]
        assert (await kit.store.lease([], 100)).leases == ()

    async def test_only_types_it_registered_and_queues_it_serves(self, kit: Kit) -> None:
        wanted = await kit.submit(type="t", queue="a")
        wrong = [
            await kit.submit(type="t", queue="b"),
            await kit.submit(type="u", queue="a"),
            await kit.submit(type="u", queue="b"),
        ]
        everything = await kit.worker("t", "u")
        worker = await kit.worker("t", queues=("a", "c"))
        assert await kit.leased_ids(worker) == [wanted.id]
        assert set(await kit.leased_ids(everything)) == {task.id for task in wrong}

    async def test_what_one_cannot_run_does_not_stand_in_the_way(self, kit: Kit) -> None:
        ahead = [new_task(type="other", priority=9) for _ in range(600)]
        mine = new_task()
        await kit.submit_all([*ahead, mine])
        await kit.worker("other", slots=1)
        worker = await kit.worker("t")
        assert await kit.leased_ids(worker, limit=5) == [mine.id]

    async def test_each_task_goes_to_one_that_can_run_it(self, kit: Kit) -> None:
        news = [new_task(type=type) for type in "tu" * 10]
        await kit.submit_all(news)
        t, both = await kit.worker("t", slots=4), await kit.worker("t", "u", slots=12)
        leased = (await kit.store.lease(None, 100)).leases
        assert len(leased) == 16
        by_worker = {
            worker: [lease.assignment for lease in leased if lease.worker == worker] for worker in (t, both)
        }
        assert {assignment.type for assignment in by_worker[t]} == {"t"}
        assert (len(by_worker[t]), len(by_worker[both])) == (4, 12)

    async def test_many_lanes(self, kit: Kit) -> None:
        """Hundreds of queues and types are served in one order, as if they were one."""
        news = [new_task(type=f"t{n % 41}", queue=f"q{n % 17}", priority=n % 2) for n in range(900)]
        tasks = await kit.submit_all(news)
        await kit.worker(*(f"t{n}" for n in range(41)), slots=5_000)
        expected = [task.id for task in sorted(tasks, key=lambda task: -task.priority)]
        assert await kit.leased_ids(limit=100) + await kit.leased_ids(limit=2_000) == expected

    # --- pauses ----------------------------------------------------------------------------------------------------------

    async def test_a_paused_queue_is_passed(self, kit: Kit) -> None:
        task, other = await kit.submit(queue="a"), await kit.submit(queue="b")
        await kit.worker()
        seen = await kit.everything(task.id)
        await kit.store.pause("a")
        assert await kit.leased_ids() == [other.id]
        assert await kit.everything(task.id) == seen, "a pause is written to the queue, not to its tasks"
        await kit.store.resume("a")
        assert await kit.leased_ids() == [task.id]

    async def test_a_queue_can_be_paused_before_it_is_used(self, kit: Kit) -> None:
        await kit.store.pause("later")
        await kit.submit(queue="later")
        await kit.worker()
        assert await kit.lease() == []

    # --- workers that get nothing ------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("state", ["draining", "dead", "unknown"])
    async def test_no_work_for_the_leaving(self, kit: Kit, state: str) -> None:
        await kit.submit()
        worker = new_id() if state == "unknown" else await kit.worker()
        if state == "draining":
            assert await kit.store.drain(worker) is not None
        elif state == "dead":
            assert await kit.store.bury(worker)
        assert await kit.lease() == []
        assert await kit.lease(worker) == []

    # --- alone -----------------------------------------------------------------------------------------------------------

    async def crashed_twice(self, kit: Kit, **fields: object) -> str:
        """A queued task with two crashes."""
        task = await kit.submit(**fields)
        for _ in range(2):
            worker = await kit.worker(task.type, slots=1)
            (attempt,) = await kit.lease(worker)
            assert attempt.id == task.id
            await kit.store.bury(worker)
            await kit.lose(attempt)
        assert (await kit.get(task.id)).crashes == 2
        return task.id

    async def test_after_two_crashes_a_task_gets_a_worker_for_itself(self, kit: Kit) -> None:
        worker = await kit.worker("u", "t", slots=5)
        busy = (await kit.submit_all([new_task(type="u")]))[0]
        (attempt,) = await kit.lease(worker)
        assert attempt.id == busy.id
        alone = await self.crashed_twice(kit)
        behind = await kit.submit()
        assert await kit.leased_ids(worker) == [], (
            "first in line waits for the worker to be empty, and so does the rest"
        )
        await kit.succeed(attempt)
        leased = await kit.lease(worker)
        assert [lease.id for lease in leased] == [alone], "nothing beside it"
        assert await kit.leased_ids(worker) == [], "and nothing until it ends"
        await kit.succeed(leased[0])
        assert await kit.leased_ids(worker) == [behind.id]

    async def test_one_task_alone_does_not_stop_the_other_workers(self, kit: Kit) -> None:
        one, two = await kit.worker("u", "t", slots=5), await kit.worker("u", "t", slots=5)
        await kit.submit_all([new_task(type="u") for _ in range(3)])
        first = await kit.store.lease(None, 100)
        loads = Counter(lease.worker for lease in first.leases)
        assert sorted(loads.values()) == [1, 2]
        alone = await self.crashed_twice(kit)
        others = await kit.submit_all([new_task() for _ in range(2)])
        lighter = min(loads, key=lambda worker: loads[worker])
        (first_of_the_rest,) = await kit.lease(one, two, limit=1)
        assert first_of_the_rest.id == others[0].id
        await kit.release(first_of_the_rest)
        second = await kit.store.lease([one, two], 100)
        assert {lease.assignment.id for lease in second.leases} == {task.id for task in others}
        assert {lease.worker for lease in second.leases} == {one, two} - {lighter}, (
            "one of them is being emptied"
        )
        for lease in first.leases:
            if lease.worker == lighter:
                await kit.succeed(lease.assignment)
        third = await kit.store.lease([one, two], 100)
        assert [(lease.worker, lease.assignment.id) for lease in third.leases] == [(lighter, alone)]

    async def test_what_stands_before_a_task_alone_goes_first(self, kit: Kit) -> None:
        alone = await self.crashed_twice(kit)
        urgent = await kit.submit(priority=9)
        worker = await kit.worker()
        assert await kit.leased_ids(worker) == [urgent.id], "then the worker is not empty any more"
        assert await kit.status(alone) is State.QUEUED

    async def test_many_tasks_alone_one_after_the_other(self, kit: Kit) -> None:
        ids = [await self.crashed_twice(kit, type=f"t{n}") for n in range(3)]
        worker = await kit.worker("t0", "t1", "t2", slots=5)
        done: list[str] = []
        while leased := await kit.lease(worker):
            assert len(leased) == 1
            done.append(leased[0].id)
            await kit.succeed(leased[0])
        assert done == ids

    async def test_many_places_are_filled_in_waves(self, kit: Kit) -> None:
        """So that no worker waits for the last of many: each lease takes a part, in order, and says that there is more."""
        worker = await kit.worker(slots=1_000, window=200)
        ids = [task.id for task in await kit.submit_all([new_task() for _ in range(1_500)])]
        leased = await kit.store.lease(None, 1_000)
        assert [lease.assignment.id for lease in leased.leases] == ids[: len(leased.leases)]
        assert (len(leased.leases), leased.more) == (600, True)
        assert [each.id for each in await kit.lease_all()] == ids[600:1_200], "and no place stays free"
        assert await kit.lease(worker) == []

    # --- no worker -------------------------------------------------------------------------------------------------------

    async def test_what_nobody_can_run_is_held(self, kit: Kit) -> None:
        unserved = await kit.submit(type="u")
        elsewhere = await kit.submit(queue="b")
        await kit.worker("t", queues=("a",))
        served = await kit.submit(queue="a")
        more = True
        got: list[str] = []
        while more:
            leased = await kit.store.lease(None, 10)
            got += [lease.assignment.id for lease in leased.leases]
            more = leased.more
        assert got == [served.id]
        for task in (unserved, elsewhere):
            held = await kit.get(task.id)
            assert (held.hold, held.status, held.rev) == ("no_worker", State.QUEUED, task.rev + 1)

    async def test_with_nobody_alive_nothing_is_held(self, kit: Kit) -> None:
        task = await kit.submit()
        await kit.store.bury(await kit.worker())
        assert await kit.lease() == []
        assert (await kit.get(task.id)).hold is None

    async def test_registering_clears_what_it_can_serve(self, kit: Kit) -> None:
        u, v, far = (
            await kit.submit(type="u"),
            await kit.submit(type="v"),
            await kit.submit(type="u", queue="far"),
        )
        await kit.worker("t")
        await kit.lease()
        assert {(await kit.get(task.id)).hold for task in (u, v, far)} == {"no_worker"}
        worker = await kit.worker("u", queues=("default",))
        assert [(await kit.get(task.id)).hold for task in (u, v, far)] == [None, "no_worker", "no_worker"]
        assert await kit.leased_ids(worker) == [u.id]
        await kit.worker("u")
        assert (await kit.get(far.id)).hold is None

    async def test_a_held_task_keeps_its_place(self, kit: Kit) -> None:
        first, second = await kit.submit(type="u"), await kit.submit(type="u")
        await kit.worker("t")
        await kit.lease()
        third = await kit.submit(type="u")
        await kit.worker("u")
        assert await kit.leased_ids() == [first.id, second.id, third.id]

    async def test_many_held(self, kit: Kit) -> None:
        """However many stand ahead, a few calls put them aside."""
        count = 3_000
        await kit.submit_all([new_task(type="u", priority=9) for _ in range(count)])
        served = await kit.submit()
        await kit.worker("t")
        leased = await kit.store.lease(None, 10)
        got = [lease.assignment.id for lease in leased.leases]
        calls = 1
        while leased.more:
            leased = await kit.store.lease(None, 10)
            got += [lease.assignment.id for lease in leased.leases]
            calls += 1
        assert got == [served.id]
        assert calls < 50
        depths = await kit.store.depths(DEFAULT_ACCOUNT)
        assert [depth.count for depth in depths if depth.hold == "no_worker"] == [count]

    @pytest.mark.parametrize("move", ["cancel", "expire", "update"])
    async def test_a_hold_does_not_outlive_its_reason(self, kit: Kit, move: str) -> None:
        task = await kit.submit(type="u", queue="a", expires_at=kit.clock.now.replace(minute=59))
        await kit.worker("u", queues=("b",))
        await kit.lease()
        assert (await kit.get(task.id)).hold == "no_worker"
        match move:
            case "cancel":
                await kit.cancel(task.id)
            case "expire":
                kit.clock.advance(3_600)
                await kit.store.expire_due(10)
            case _:
                await kit.store.update(DEFAULT_ACCOUNT, task.id, queue="b")
        assert (await kit.get(task.id)).hold is None
        if move == "update":
            assert await kit.leased_ids() == [task.id]
