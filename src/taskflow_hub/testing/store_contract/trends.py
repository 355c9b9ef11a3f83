"""What the charts are drawn from: outcomes, samples, durations, and what went wrong lately."""

import asyncio
from datetime import datetime, timedelta

import pytest

from taskflow_hub.domain import moves
from taskflow_hub.domain.attention import Lost, Missed
from taskflow_hub.domain.clock import new_id
from taskflow_hub.domain.latency import Histogram
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.model import DEFAULT_ACCOUNT, Reason
from taskflow_hub.domain.trends import STEPS_S, step_of
from taskflow_hub.store.base_trends import Durations, Ended, Latencies, Sample, Took
from taskflow_hub.testing.store_contract.kit import DAY_S, OOPS, ContractBase, Kit
from taskflow_hub.testing.store_contract.schedules import fire, made

LONG_AGO = timedelta(days=60)
ONE_S = Histogram.of([1.0])


def since(kit: Kit) -> datetime:
    return kit.clock() - LONG_AGO


async def ended(kit: Kit, state: State = State.SUCCESS, account: str = DEFAULT_ACCOUNT, **fields: str) -> str:
    id, _ = await kit.in_state(state, account_id=account, **fields)
    return id


class TrendsContract(ContractBase):
    # --- what ended ------------------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("step_s", STEPS_S)
    async def test_outcomes_are_summed_up_by_step(self, kit: Kit, step_s: int) -> None:
        first = step_of(kit.clock(), step_s)
        await ended(kit, type="a", queue="p")
        await ended(kit, type="a", queue="q")
        await ended(kit, State.FAILED, type="a")
        await ended(kit, State.CANCELLED, type="b")
        await kit.in_state(State.SKIPPED)
        await kit.in_state(State.QUEUED)
        kit.clock.advance(step_s)
        await ended(kit, type="a")
        assert await kit.store.outcomes(None, (), since(kit), step_s) == [
            Ended(first, "a", State.FAILED, 1),
            Ended(first, "a", State.SUCCESS, 2),
            Ended(first, "b", State.CANCELLED, 1),
            Ended(first + timedelta(seconds=step_s), "a", State.SUCCESS, 1),
        ]

    async def test_outcomes_of_whom_and_where(self, kit: Kit) -> None:
        for account, queue in (("ann", "p"), ("ann", "q"), ("ben", "q")):
            await ended(kit, account=account, queue=queue, type="t")
        found = {
            (account, queues): [
                one.count for one in await kit.store.outcomes(account, queues, since(kit), 60)
            ]
            for account in (None, "ann", "ben", "eve")
            for queues in ((), ("q",), ("p", "q"), ("r",))
        }
        assert found == {
            (None, ()): [3],
            (None, ("q",)): [2],
            (None, ("p", "q")): [3],
            (None, ("r",)): [],
            ("ann", ()): [2],
            ("ann", ("q",)): [1],
            ("ann", ("p", "q")): [2],
            ("ann", ("r",)): [],
            ("ben", ()): [1],
            ("ben", ("q",)): [1],
            ("ben", ("p", "q")): [1],
            ("ben", ("r",)): [],
            ("eve", ()): [],
            ("eve", ("q",)): [],
            ("eve", ("p", "q")): [],
            ("eve", ("r",)): [],
        }
        later = kit.clock() + timedelta(minutes=1)
        assert await kit.store.outcomes(None, (), later, 60) == []

    async def test_since_when_something_could_run(self, kit: Kit) -> None:
        """From when it was due: a task that was submitted long before its time has not waited for long."""
        await kit.submit(queue="old")
        began = kit.clock()
        await kit.submit(queue="planned", delay_s=900.0)
        await kit.submit(queue="held", type="nobody")
        kit.clock.advance(1_000.0)
        await kit.store.promote_due(10)
        await kit.submit(queue="old", account_id="ann")
        due, now = began + timedelta(seconds=900), kit.clock()
        await kit.worker()
        await kit.worker(queues=("none",))
        assert await kit.store.ready_since(None, ["old", "planned", "none"], 100) == {
            "old": began,
            "planned": due,
        }
        assert await kit.store.ready_since("ann", ["old", "planned"], 100) == {"old": now}

    # --- samples ---------------------------------------------------------------------------------------------------------

    async def test_a_sample_is_of_everybody_and_of_each(self, kit: Kit) -> None:
        assert await kit.store.samples(None, (), since(kit), 60) == []
        for account, queue in (("ann", "p"), ("ann", "q"), ("ben", "q")):
            await kit.submit(account_id=account, queue=queue)
            kit.clock.advance(10.0)
        await kit.run(account_id="ben", queue="q")
        await kit.submit(account_id="ann", queue="q", delay_s=60.0)
        in_s = await kit.store.sample()
        now = kit.clock()
        assert timedelta(seconds=in_s) == step_of(now, 60) + timedelta(minutes=1) - now
        found = {
            (account, queues): await kit.store.samples(account, queues, since(kit), 60)
            for account in (None, "ann", "ben", "eve")
            for queues in ((), ("q",), ("p", "q"))
        }
        at = step_of(now, 60)
        assert found == {
            (None, ()): [Sample(at, 3, 1, 30.0)],
            (None, ("q",)): [Sample(at, 2, 1, 20.0)],
            (None, ("p", "q")): [Sample(at, 3, 1, 30.0)],
            ("ann", ()): [Sample(at, 2, 0, 30.0)],
            ("ann", ("q",)): [Sample(at, 1, 0, 20.0)],
            ("ann", ("p", "q")): [Sample(at, 2, 0, 30.0)],
            ("ben", ()): [Sample(at, 1, 1, 10.0)],
            ("ben", ("q",)): [Sample(at, 1, 1, 10.0)],
            ("ben", ("p", "q")): [Sample(at, 1, 1, 10.0)],
            ("eve", ()): [Sample(at, 0, 0, None)],
            ("eve", ("q",)): [Sample(at, 0, 0, None)],
            ("eve", ("p", "q")): [Sample(at, 0, 0, None)],
        }

    async def test_a_minute_has_one_sample_whoever_takes_it(self, kit: Kit) -> None:
        other = await kit.another_store()
        await kit.submit()
        await kit.store.sample()
        await kit.submit()
        await asyncio.gather(kit.store.sample(), other.sample())
        (only,) = await kit.store.samples(None, (), since(kit), 60)
        assert (only.queued, only.running) == (1, 0), "as the first has found it"
        kit.clock.advance(60.0)
        await asyncio.gather(kit.store.sample(), other.sample())
        _, second = await kit.store.samples(None, (), since(kit), 60)
        assert (second.queued, second.at) == (2, step_of(kit.clock(), 60))

    async def test_a_long_step_has_the_largest_sample(self, kit: Kit) -> None:
        for step_s in STEPS_S[1:]:
            kit.clock.advance((step_of(kit.clock(), step_s) - kit.clock()).total_seconds() + step_s)
        begins = kit.clock()
        waiting = await kit.submit(queue="q")
        await kit.submit(queue="q")
        await kit.store.sample()
        kit.clock.advance(60.0)
        await kit.cancel(waiting.id)
        await kit.store.sample()
        for step_s in STEPS_S[1:]:
            for queues in ((), ("q",)):
                assert await kit.store.samples(DEFAULT_ACCOUNT, queues, begins, step_s) == [
                    Sample(begins, 2, 0, 60.0)
                ]
        shown = await kit.store.samples(DEFAULT_ACCOUNT, (), begins, 60)
        assert [sample.queued for sample in shown] == [2, 1]

    async def test_a_hub_that_is_empty_has_samples_too(self, kit: Kit) -> None:
        await kit.store.sample()
        kit.clock.advance(120.0)
        await kit.store.sample()
        shown = await kit.store.samples(DEFAULT_ACCOUNT, ("q",), since(kit), 60)
        assert shown == [
            Sample(at, 0, 0, None)
            for at in (step_of(kit.clock(), 60) - timedelta(minutes=2), step_of(kit.clock(), 60))
        ]

    # --- durations -------------------------------------------------------------------------------------------------------

    async def test_how_long_it_waited_and_ran(self, kit: Kit) -> None:
        kit.clock.advance((step_of(kit.clock(), 60) - kit.clock()).total_seconds() + 60)
        task = await kit.submit(queue="q", account_id="ann")
        kit.clock.advance(5.0)
        worker = await kit.worker()
        (attempt,) = await kit.lease(worker)
        kit.clock.advance(2.0)
        assert await kit.store.took([task.id]) == [], "it has not ended"
        await kit.succeed(attempt, ran_s=1.5)
        cancelled = await kit.submit()
        await kit.cancel(cancelled.id)
        assert await kit.store.took([task.id, cancelled.id, new_id()]) == [
            Took("ann", "q", kit.clock(), 5.5, 1.5)
        ]
        assert await kit.store.took([]) == []

    async def test_a_wait_begins_when_the_task_is_due(self, kit: Kit) -> None:
        task = await kit.submit(delay_s=100.0, queue="q")
        kit.clock.advance(104.0)
        await kit.store.promote_due(10)
        worker = await kit.worker()
        (attempt,) = await kit.lease(worker)
        await kit.retry(attempt, delay_s=10.0)
        kit.clock.advance(13.0)
        await kit.store.promote_due(10)
        (again,) = await kit.lease(worker)
        kit.clock.advance(1.0)
        await kit.fail(again, ran_s=1.0)
        (took,) = await kit.store.took([task.id])
        assert (took.waited_s, took.ran_s) == (3.0, 1.0), "of its last attempt"

    async def test_of_what_came_back_it_is_not_known_how_long_it_waited(self, kit: Kit) -> None:
        released = await kit.run()
        await kit.release(released, ran_s=None)
        kit.clock.advance(50.0)
        await kit.succeed(await kit.run_again(released.id), ran_s=0.0)
        redriven = await ended(kit, State.FAILED)
        await kit.redrive(redriven)
        kit.clock.advance(50.0)
        await kit.succeed(await kit.run_again(redriven), ran_s=0.0)
        took = await kit.store.took([released.id, redriven])
        assert [one.waited_s for one in took] == [None, None]

    async def test_durations_add_up_over_processes(self, kit: Kit) -> None:
        at = step_of(kit.clock(), 7200)
        for process, account, queue, waited, minute in (
            ("one", "ann", "p", 1.0, 0),
            ("one", "ann", "p", 4.0, 0),
            ("one", "ann", "q", 9.0, 1),
            ("two", "ann", "p", 1.0, 1),
            ("two", "ben", "p", 20.0, 1),
        ):
            when = at + timedelta(minutes=minute)
            one = Durations(account, queue, when, Histogram.of([waited]), ONE_S)
            await kit.store.add_durations(process, [one])
        await kit.store.add_durations("one", [])

        async def latencies(account: str | None, *queues: str, step_s: int = 7200) -> list[Latencies]:
            return await kit.store.latencies(account, queues, at, step_s)

        def step(*waited: float, minute: int = 0) -> Latencies:
            when = at + timedelta(minutes=minute)
            return Latencies(when, Histogram.of(waited), Histogram.of([1.0] * len(waited)))

        assert await latencies(None) == [step(1.0, 4.0, 9.0, 1.0, 20.0)]
        assert await latencies("ann") == [step(1.0, 4.0, 9.0, 1.0)]
        assert await latencies("ann", "p") == [step(1.0, 4.0, 1.0)]
        assert await latencies("ann", "p", "q") == [step(1.0, 4.0, 9.0, 1.0)]
        assert await latencies(None, "p") == [step(1.0, 4.0, 1.0, 20.0)]
        assert await latencies("eve") == await latencies("ben", "q") == []
        assert await latencies("ann", step_s=60) == [step(1.0, 4.0), step(9.0, 1.0, minute=1)]
        assert await latencies("ann", step_s=900) == [step(1.0, 4.0, 9.0, 1.0)]
        assert await kit.store.latencies(None, (), at + timedelta(hours=2), 7200) == []

    async def test_what_is_old_is_pruned_by_the_length_of_its_steps(self, kit: Kit) -> None:
        await kit.submit(queue="q")
        await kit.store.sample()
        await kit.store.add_durations("one", [Durations("ann", "q", step_of(kit.clock(), 60), ONE_S, ONE_S)])
        begins = since(kit)

        async def kept() -> list[tuple[int, int]]:
            return [
                (
                    len(await kit.store.samples(None, (), begins, step_s)),
                    len(await kit.store.latencies(None, (), begins, step_s)),
                )
                for step_s in STEPS_S
            ]

        assert await kept() == [(1, 1)] * 3
        for days, expected in ((0.9, [1, 1, 1]), (1, [0, 1, 1]), (6, [0, 0, 1]), (24, [0, 0, 0])):
            kit.clock.advance(days * DAY_S)
            while (await kit.store.prune({}, 3)).more:
                pass
            assert await kept() == [(count, count) for count in expected]

    # --- what went wrong -------------------------------------------------------------------------------------------------

    async def test_workers_that_were_lost(self, kit: Kit) -> None:
        left, lost, back = [await kit.worker() for _ in range(3)]
        before = kit.clock()
        await kit.store.retire(left)
        await kit.store.bury(lost)
        kit.clock.advance(10.0)
        await kit.store.bury(back)
        assert await kit.store.lost_workers(before, 10) == [Lost(back, "w", "h"), Lost(lost, "w", "h")]
        assert await kit.store.lost_workers(before, 1) == [Lost(back, "w", "h")]
        await kit.worker(previous=back)
        assert await kit.store.lost_workers(before, 10) == [Lost(lost, "w", "h")], "the other was found again"
        assert await kit.store.lost_workers(kit.clock(), 10) == []

    async def test_ticks_that_were_missed(self, kit: Kit) -> None:
        before = kit.clock()
        often = await made(kit, every_s=10.0, type="t")
        rarely = await made(kit, every_s=600.0, account_id="ann")
        await made(kit, every_s=100_000.0)
        kit.clock.advance(1_000.0)  # with no engine there
        await fire(kit)
        missed = await kit.store.missed_ticks(None, before, 10)
        assert [(one.schedule_id, one.name) for one in missed] == [
            (often.id, often.name),
            (rarely.id, rarely.name),
        ]
        assert missed[0].ticks > missed[1].ticks > 0
        assert await kit.store.missed_ticks("ann", before, 10) == [missed[1]]
        assert await kit.store.missed_ticks(None, before, 1) == [missed[0]]
        assert await kit.store.missed_ticks("eve", before, 10) == []
        assert await kit.store.missed_ticks(None, kit.clock() + timedelta(seconds=1), 10) == []
        await kit.store.delete_schedule(None, often.id)
        assert await kit.store.missed_ticks(None, before, 10) == [
            Missed(rarely.id, rarely.name, missed[1].ticks)
        ]

    async def test_tasks_that_killed_their_workers(self, kit: Kit) -> None:
        before = kit.clock()
        for account, queue, reason in (
            ("ann", "p", Reason.POISON),
            ("ann", "q", Reason.POISON),
            ("ben", "q", Reason.POISON),
            ("ben", "q", Reason.HANDLER),
        ):
            attempt = await kit.run(account_id=account, queue=queue)
            item = moves.Fail(id=attempt.id, attempt=attempt.attempt, ran_s=1.0, reason=reason, error=OOPS)
            await kit.store.fail([item])
        asked = [
            (None, ()),
            (None, ("q",)),
            ("ann", ()),
            ("ann", ("q",)),
            ("ann", ("p", "q")),
            ("ben", ("p",)),
        ]
        found = [await kit.store.poisoned(account, queues, before) for account, queues in asked]
        assert found == [3, 2, 2, 1, 2, 0]
        assert await kit.store.poisoned(None, (), kit.clock() + timedelta(seconds=1)) == 0
