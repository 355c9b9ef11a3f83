"""Who goes first: priority, then the order of submission; what keeps its place and what queues anew."""

import random
from datetime import timedelta
from typing import Any

import pytest

from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.model import DEFAULT_ACCOUNT, Reason
from taskflow_hub.domain.submission import Unique
from taskflow_hub.store.values import Idempotency, Submit
from taskflow_hub.testing.store_contract.kit import ContractBase, Kit, new_task


class OrderContract(ContractBase):
    async def test_priority_first_then_order_of_submission(self, kit: Kit) -> None:
        priorities = [random.Random(7).randrange(10) for _ in range(60)]
        tasks = await kit.submit_all([new_task(priority=priority) for priority in priorities])
        expected = [task.id for task in sorted(tasks, key=lambda task: -task.priority)]
        await kit.worker()
        assert await kit.leased_ids() == expected

    async def test_the_same_in_small_steps(self, kit: Kit) -> None:
        tasks = await kit.submit_all([new_task(priority=n % 3) for n in range(20)])
        expected = [task.id for task in sorted(tasks, key=lambda task: -task.priority)]
        await kit.worker()
        assert [id for _ in range(10) for id in await kit.leased_ids(limit=2)] == expected

    async def test_a_submit_answered_before_another_began_goes_first(self, kit: Kit) -> None:
        """Whatever their ids say: ids are made by many, and clocks differ."""
        news = sorted((new_task() for _ in range(20)), key=lambda new: new.id, reverse=True)
        for new in news:
            await kit.submit_all([new])
        await kit.worker()
        assert await kit.leased_ids() == [new.id for new in news]

    async def test_the_order_inside_one_call(self, kit: Kit) -> None:
        """Whether they ask for something special or not."""
        news = [new_task(tags=("x",) if n % 2 else ()) for n in range(9)]
        news[3] = new_task(unique=Unique("k"))
        key = Idempotency(DEFAULT_ACCOUNT, "/tasks", "k", "f")
        await kit.store.submit(
            [
                Submit(tuple(news[:3])),
                Submit(tuple(news[3:4])),
                Submit(tuple(news[4:7]), key),
                Submit(tuple(news[7:])),
            ]
        )
        await kit.worker()
        assert await kit.leased_ids() == [new.id for new in news]

    async def test_the_same_order_across_the_queues_of_a_worker(self, kit: Kit) -> None:
        """No queue can starve another of equal priority."""
        chance = random.Random(3)
        news = [
            new_task(queue=chance.choice("abc"), type=chance.choice("tu"), priority=chance.randrange(3))
            for _ in range(90)
        ]
        tasks = await kit.submit_all(news)
        await kit.worker("t", "u")
        expected = [task.id for task in sorted(tasks, key=lambda task: -task.priority)]
        got: list[str] = []
        while ids := await kit.leased_ids(limit=7):
            got += ids
        assert got == expected

    @pytest.mark.parametrize("how", ["release", "unstarted", "lose", "crash"])
    async def test_what_is_handed_back_keeps_its_place(self, kit: Kit, how: str) -> None:
        first, second, third = [await kit.submit() for _ in range(3)]
        worker = await kit.worker(slots=1)
        (attempt,) = await kit.lease()
        assert attempt.id == first.id
        match how:
            case "release":
                await kit.release(attempt)
            case "unstarted":
                await kit.release(attempt, ran_s=None)
            case _:
                await kit.lose(attempt, crashed=how == "crash")
        await kit.store.bury(worker)
        await kit.worker()
        assert await kit.leased_ids() == [first.id, second.id, third.id]

    @pytest.mark.parametrize("how", ["retry", "snooze", "promote", "unblock", "redrive"])
    async def test_what_queues_anew_stands_at_the_end(self, kit: Kit, how: str) -> None:
        if how in {"retry", "snooze"}:
            first = await kit.submit()
            (attempt,) = await kit.lease(await kit.worker(slots=1))
            await (kit.retry(attempt, 1.0) if how == "retry" else kit.snooze(attempt, 1.0))
        else:
            first = await kit.submit(delay_s=50.0 if how == "promote" else None, blocked=how == "unblock")
        others = [await kit.submit() for _ in range(2)]
        match how:
            case "retry" | "snooze":
                kit.clock.advance(1.0)
                assert (await kit.store.promote_due(10)).ids == (first.id,)
            case "promote":
                await kit.store.promote(DEFAULT_ACCOUNT, first.id)
            case "unblock":
                assert await kit.store.unblock([first.id]) == [True]
            case _:
                await kit.cancel(first.id)
                await kit.redrive(first.id)
        await kit.worker()
        assert await kit.leased_ids() == [others[0].id, others[1].id, first.id]

    async def test_what_falls_due_together_goes_in_order_of_its_time(self, kit: Kit) -> None:
        tasks = [await kit.submit(delay_s=delay) for delay in (30.0, 10.0, 20.0, 40.0)]
        kit.clock.advance(30)
        due = await kit.store.promote_due(2)
        assert due.ids == (tasks[1].id, tasks[2].id)
        assert due.next_in_s == 0, "the limit was reached: call again"
        due = await kit.store.promote_due(2)
        assert due.ids == (tasks[0].id,)
        assert due.next_in_s == 10
        await kit.worker()
        assert await kit.leased_ids() == [tasks[1].id, tasks[2].id, tasks[0].id]
        kit.clock.advance(10)
        assert (await kit.store.promote_due(2)).next_in_s is None, "nothing waits any more"

    async def test_a_change_of_priority_keeps_the_place_in_the_line(self, kit: Kit) -> None:
        first, second, third = [await kit.submit() for _ in range(3)]
        await kit.store.update(DEFAULT_ACCOUNT, third.id, priority=9)
        await kit.store.update(DEFAULT_ACCOUNT, first.id, priority=4)
        await kit.store.update(DEFAULT_ACCOUNT, first.id, priority=5)
        await kit.worker()
        assert await kit.leased_ids() == [third.id, first.id, second.id]

    # --- expiry ----------------------------------------------------------------------------------------------------------

    async def test_expire_due(self, kit: Kit) -> None:
        def within(seconds: float) -> dict[str, Any]:
            return {"expires_at": kit.clock.now + timedelta(seconds=seconds)}

        running = await kit.run(**within(1))
        late, early = await kit.submit(**within(2)), await kit.submit(**within(1))
        scheduled = await kit.submit(delay_s=99.0, **within(3))
        blocked = await kit.submit(blocked=True, **within(4))
        never = await kit.submit()
        due = await kit.store.expire_due(10)
        assert (due.ids, due.next_in_s) == ((), 1)
        kit.clock.advance(3)
        assert (await kit.store.expire_due(2)).ids == (early.id, late.id), "earliest first"
        assert (await kit.store.expire_due(2)).ids == (scheduled.id,)
        assert (await kit.store.expire_due(2)).next_in_s == 1
        kit.clock.advance(1)
        assert (await kit.store.expire_due(2)).ids == (blocked.id,)
        for id in (early.id, scheduled.id, blocked.id):
            task = await kit.get(id)
            assert (task.status, task.reason) == (State.FAILED, Reason.EXPIRED)
            assert task.finished_at is not None
        assert await kit.status(running.id) is State.RUNNING
        assert await kit.status(never.id) is State.QUEUED
        assert (await kit.store.expire_due(10)).next_in_s is None

    async def test_lease_refuses_what_has_expired(self, kit: Kit) -> None:
        expired = await kit.submit(expires_at=kit.clock.now + timedelta(seconds=1), priority=9)
        fresh = await kit.submit()
        kit.clock.advance(1)
        await kit.worker()
        assert await kit.leased_ids() == [fresh.id], "though the promoter has not been by yet"
        assert await kit.status(expired.id) is State.QUEUED
