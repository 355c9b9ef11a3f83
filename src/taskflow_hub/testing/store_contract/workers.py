"""Workers: registering, heartbeats, leaving, and what the dead leave behind."""

import pytest

from taskflow_hub.domain import moves
from taskflow_hub.domain.clock import new_id
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.messages import Held, Stop, Why
from taskflow_hub.domain.model import AttemptOutcome, OnLost, Reason, TaskType, WorkerState
from taskflow_hub.domain.moves import Verdict
from taskflow_hub.domain.retry import RetryPolicy
from taskflow_hub.domain.submission import Limit
from taskflow_hub.store.values import Taken, Transit
from taskflow_hub.testing.store_contract.kit import OOPS, ContractBase, Kit, hold, new_task


class WorkersContract(ContractBase):
    async def owner(self, kit: Kit, id: str) -> str:
        return (await kit.get(id)).worker or ""

    # --- registering -----------------------------------------------------------------------------------------------------

    async def test_a_worker_is_listed_with_what_it_said(self, kit: Kit) -> None:
        id = await kit.worker("b", "a", slots=7, window=2, queues=("q",))
        (worker,) = await kit.store.workers()
        assert (worker.id, worker.name, worker.host, worker.pid, worker.version) == (id, "w", "h", 1, "1")
        assert (worker.state, worker.slots, worker.window, worker.running) == (WorkerState.ALIVE, 7, 2, 0)
        assert (worker.queues, sorted(worker.types), worker.beats) == (("q",), ["a", "b"], 0)
        assert worker.registered_at == worker.last_beat_at == kit.clock.now

    async def test_registering_twice_is_one_registration(self, kit: Kit) -> None:
        id = await kit.worker(slots=7)
        kit.clock.advance(5)
        await kit.store.heartbeat(id, [])
        before = await kit.store.workers()
        await kit.worker("t", "later", slots=9, id=id)
        assert await kit.store.workers() == before
        assert [type.type for type in await kit.store.task_types()] == ["t"]

    async def test_the_dead_stay_dead(self, kit: Kit) -> None:
        id = await kit.worker()
        await kit.store.bury(id)
        await kit.worker(id=id)
        assert await kit.store.workers() == []
        assert not (await kit.store.heartbeat(id, [])).known

    async def test_task_types(self, kit: Kit) -> None:
        b = TaskType(
            type="b", queue="cpu", description="B", retry=RetryPolicy(base=9.0), payload_schema={"x": 1}
        )
        await kit.worker(b)
        await kit.worker("a")
        assert await kit.store.task_types() == [TaskType(type="a"), b]
        changed = TaskType(type="b", on_lost=OnLost.FAIL)
        await kit.worker(changed)
        assert await kit.store.task_types() == [TaskType(type="a"), changed], (
            "the last to register has the say"
        )
        for worker in await kit.store.workers():
            await kit.store.bury(worker.id)
        assert len(await kit.store.task_types()) == 2, "types outlive their workers"

    async def test_the_limits_of_task_types(self, kit: Kit) -> None:
        limits = (Limit("customer:{customer_id}", running=1), Limit("{{crm}}", per_second=0.5))
        await kit.worker(TaskType(type="a", limits=limits), TaskType(type="b"))
        assert await kit.store.task_types() == [TaskType(type="a", limits=limits), TaskType(type="b")]
        await kit.worker("a")
        assert await kit.store.task_types() == [TaskType(type="a"), TaskType(type="b")], "and none again"

    async def test_workers_are_listed_oldest_first_with_what_they_run(self, kit: Kit) -> None:
        ids = []
        for _ in range(3):
            ids.append(await kit.worker(slots=2))
            kit.clock.advance(1)
        await kit.submit_all([new_task() for _ in range(5)])
        await kit.lease()
        await kit.store.bury(ids[1])
        assert [worker.id for worker in await kit.store.workers()] == [ids[0], ids[2]]
        everyone = await kit.store.workers(dead=True)
        assert [worker.id for worker in everyone] == ids
        assert sum(worker.running for worker in everyone) == 5

    # --- heartbeats ------------------------------------------------------------------------------------------------------

    async def test_a_beat_is_counted(self, kit: Kit) -> None:
        id = await kit.worker()
        kit.clock.advance(5)
        beat = await kit.store.heartbeat(id, [], stuck=("x",), loop_lag_s=0.25)
        assert (beat.known, beat.draining, beat.stop, beat.undelivered) == (True, False, (), ())
        (worker,) = await kit.store.workers()
        assert (worker.beats, worker.last_beat_at, worker.stuck, worker.loop_lag_s) == (
            1,
            kit.clock.now,
            ("x",),
            0.25,
        )
        await kit.store.heartbeat(id, [])
        (worker,) = await kit.store.workers()
        assert (worker.beats, worker.stuck, worker.loop_lag_s) == (2, (), 0.0)

    @pytest.mark.parametrize("state", ["dead", "unknown"])
    async def test_a_beat_of_the_dead_writes_nothing(self, kit: Kit, state: str) -> None:
        attempt = await kit.run()
        id = await self.owner(kit, attempt.id) if state == "dead" else new_id()
        await kit.store.bury(id)
        workers, seen = await kit.store.workers(dead=True), await kit.everything(attempt.id)
        beat = await kit.store.heartbeat(id, [hold(attempt)])
        assert not beat.known
        assert await kit.store.workers(dead=True) == workers
        assert await kit.everything(attempt.id) == seen

    async def test_started_at_is_written_the_first_time(self, kit: Kit) -> None:
        attempt = await kit.run()
        worker = await self.owner(kit, attempt.id)
        leased = await kit.get(attempt.id)
        kit.clock.advance(1)
        await kit.store.heartbeat(worker, [hold(attempt, started=False)])
        waiting = await kit.get(attempt.id)
        assert (waiting.started_at, waiting.rev) == (None, leased.rev)
        kit.clock.advance(1)
        started_at = kit.clock.now
        await kit.store.heartbeat(worker, [hold(attempt)])
        started = await kit.get(attempt.id)
        assert (started.started_at, started.rev) == (started_at, leased.rev + 1)
        kit.clock.advance(10)
        await kit.store.heartbeat(worker, [hold(attempt)])
        assert (await kit.get(attempt.id)).rev == started.rev, "nothing new, no new revision"
        await kit.succeed(attempt, ran_s=3.0)
        assert (await kit.get(attempt.id)).started_at == started_at, "what a beat has written stands"

    async def test_stop_tells_what_is_lost_and_what_is_cancelled(self, kit: Kit) -> None:
        worker = await kit.worker(slots=9)
        tasks = await kit.submit_all([new_task() for _ in range(4)])
        attempts = {attempt.id: attempt for attempt in await kit.lease()}
        fine, cancelled, done, lost = (attempts[task.id] for task in tasks)
        await kit.cancel(cancelled.id)
        await kit.succeed(done)
        await kit.lose(lost, worker)
        held = [hold(attempt) for attempt in (fine, cancelled, done, lost)] + [Held(new_id(), 1, True)]
        beat = await kit.store.heartbeat(worker, held)
        assert beat.known
        assert set(beat.stop) == {
            Stop(cancelled.id, 1, Why.CANCELLED),
            Stop(done.id, 1, Why.STALE),
            Stop(lost.id, 1, Why.STALE),
            Stop(held[4].id, 1, Why.STALE),
        }

    async def test_stop_is_told_to_the_old_owner(self, kit: Kit) -> None:
        first = await kit.run()
        old = await self.owner(kit, first.id)
        await kit.lose(first)
        await kit.store.drain(old)
        second = await kit.run_again(first.id)
        assert (await kit.store.heartbeat(old, [hold(first)])).stop == (Stop(first.id, 1, Why.STALE),)
        new = await self.owner(kit, first.id)
        assert (await kit.store.heartbeat(new, [hold(second)])).stop == ()

    # --- lost in transit ---------------------------------------------------------------------------------------------------

    async def test_undelivered_after_two_late_beats_without_it(self, kit: Kit) -> None:
        attempt = await kit.run()
        worker = await self.owner(kit, attempt.id)
        for seconds in (5, 5):
            kit.clock.advance(seconds)
            assert (await kit.store.heartbeat(worker, [])).undelivered == (), "made within 10 s of the lease"
        kit.clock.advance(1)
        assert (await kit.store.heartbeat(worker, [])).undelivered == (), "the first"
        kit.clock.advance(10)
        beat = await kit.store.heartbeat(worker, [])
        assert beat.undelivered == (Transit(attempt.id, 1, 0),)
        assert (await kit.store.heartbeat(worker, [])).undelivered == beat.undelivered, (
            "until somebody loses it"
        )

    async def test_a_beat_that_holds_it_starts_the_count_anew(self, kit: Kit) -> None:
        attempt = await kit.run()
        worker = await self.owner(kit, attempt.id)
        kit.clock.advance(11)
        held_lists: list[list[Held]] = [[], [hold(attempt, started=False)], [], [hold(attempt)], []]
        for held in held_lists:
            kit.clock.advance(10)
            assert (await kit.store.heartbeat(worker, held)).undelivered == ()
        assert len((await kit.store.heartbeat(worker, [])).undelivered) == 1

    async def test_transits_are_counted(self, kit: Kit) -> None:
        attempt = await kit.run()
        for transits in range(3):
            worker = await self.owner(kit, attempt.id)
            kit.clock.advance(11)
            assert (await kit.store.heartbeat(worker, [])).undelivered == (), "each attempt is counted anew"
            (transit,) = (await kit.store.heartbeat(worker, [])).undelivered
            assert transit == Transit(attempt.id, attempt.attempt, transits)
            lost = moves.Lose(
                id=transit.id,
                attempt=transit.attempt,
                worker=worker,
                outcome=AttemptOutcome.UNDELIVERED,
                crashed=False,
            )
            assert await kit.store.lose([lost]) == [Verdict.APPLIED]
            await kit.store.drain(worker)
            attempt = await kit.run_again(attempt.id)
        assert (await kit.get(attempt.id)).crashes == 0

    # --- leaving ---------------------------------------------------------------------------------------------------------

    async def test_drain(self, kit: Kit) -> None:
        attempt = await kit.run()
        id = await self.owner(kit, attempt.id)
        drained = await kit.store.drain(id)
        assert drained is not None
        assert (drained.state, drained.running) == (WorkerState.DRAINING, 1)
        assert await kit.store.drain(id) == drained, "twice changes nothing"
        assert (await kit.store.heartbeat(id, [hold(attempt)])).draining
        assert await kit.store.orphans(10) == []
        assert await kit.succeed(attempt) is Verdict.APPLIED
        await kit.store.bury(id)
        assert await kit.store.drain(id) is None
        assert await kit.store.drain(new_id()) is None

    async def test_bury_is_said_once(self, kit: Kit) -> None:
        id = await kit.worker()
        assert [await kit.store.bury(id), await kit.store.bury(id), await kit.store.bury(new_id())] == [
            True,
            False,
            False,
        ]
        await kit.store.retire(id)

    async def test_orphans_are_what_the_dead_and_the_retired_own(self, kit: Kit) -> None:
        alive, dead, retired = [await kit.run() for _ in range(3)]
        owners = [await self.owner(kit, attempt.id) for attempt in (alive, dead, retired)]
        await kit.store.heartbeat(owners[0], [hold(alive)])
        await kit.store.heartbeat(owners[1], [hold(dead)])
        await kit.store.heartbeat(owners[2], [hold(retired, started=False)])
        await kit.store.bury(owners[1])
        await kit.store.retire(owners[2])
        orphans = {orphan.id: orphan for orphan in await kit.store.orphans(10)}
        assert set(orphans) == {dead.id, retired.id}
        assert orphans[dead.id].taken is Taken.STARTED
        assert orphans[retired.id].taken is Taken.WAITING
        assert (orphans[dead.id].worker, orphans[dead.id].attempt) == (owners[1], 1)
        assert await kit.succeed(dead) is Verdict.APPLIED, "it is still the owner's until it is lost"
        assert [orphan.id for orphan in await kit.store.orphans(10)] == [retired.id]

    async def test_orphans_say_what_the_reaper_must_know(self, kit: Kit) -> None:
        type = TaskType(type="pay", on_lost=OnLost.FAIL)
        worker = await kit.worker(type, slots=3)
        tasks = await kit.submit_all([new_task(type="pay") for _ in range(3)])
        await kit.lease()
        await kit.store.bury(worker)
        orphans = await kit.store.orphans(2)
        assert len(orphans) == 2, "limited"
        assert {orphan.id for orphan in orphans} < {task.id for task in tasks}
        assert {(orphan.on_lost, orphan.taken, orphan.crashes) for orphan in orphans} == {
            (OnLost.FAIL, Taken.UNKNOWN, 0)
        }

    async def test_orphans_of_one_worker_stand_together(self, kit: Kit) -> None:
        workers = [await kit.worker(slots=5) for _ in range(3)]
        await kit.submit_all([new_task() for _ in range(15)])
        await kit.lease()
        for worker in workers:
            await kit.store.bury(worker)
        owners = [orphan.worker for orphan in await kit.store.orphans(100)]
        runs = [owner for place, owner in enumerate(owners) if place == 0 or owners[place - 1] != owner]
        assert len(runs) == 3

    # --- back from the dead ------------------------------------------------------------------------------------------------

    async def test_crashes_are_taken_back_when_the_same_process_returns(self, kit: Kit) -> None:
        unfinished, finished, uncounted = [await kit.run(type="t") for _ in range(3)]
        owners = {
            attempt.id: await self.owner(kit, attempt.id) for attempt in (unfinished, finished, uncounted)
        }
        for attempt in (unfinished, finished):
            await kit.store.bury(owners[attempt.id])
            await kit.lose(attempt)
        await kit.store.bury(owners[uncounted.id])
        await kit.lose(uncounted, crashed=False)
        await kit.cancel(finished.id)
        task, *done = await kit.everything(finished.id)
        for attempt in (unfinished, finished, uncounted):
            await kit.worker("other", previous=owners[attempt.id])
        assert (await kit.get(unfinished.id)).crashes == 0
        assert (await kit.get(uncounted.id)).crashes == 0
        assert await kit.everything(finished.id) == (task | {"crashes": 0}, *done), (
            "and nothing else, no revision"
        )
        rev = (await kit.get(unfinished.id)).rev
        await kit.worker("other", previous=owners[unfinished.id])
        assert (await kit.get(unfinished.id)).rev == rev, "taken back once"

    @pytest.mark.parametrize("buried", [True, False])
    async def test_a_process_that_returns_before_its_tasks_are_lost(self, kit: Kit, buried: bool) -> None:
        """Between the reaper's burying and its losing, or before both: what it decided by then must not count."""
        attempt = await kit.run()
        worker = await self.owner(kit, attempt.id)
        await kit.store.heartbeat(worker, [hold(attempt)])
        if buried:
            await kit.store.bury(worker)
        await kit.worker("other", previous=worker)
        (orphan,) = await kit.store.orphans(10)
        assert orphan.taken is Taken.STARTED, "it had started; only its owner did not crash"
        poison = moves.Fail(
            id=attempt.id, attempt=1, ran_s=None, reason=Reason.POISON, error=OOPS, crashed=True
        )
        assert await kit.store.fail([poison]) == [Verdict.STALE]
        assert await kit.lose(attempt, worker) is Verdict.APPLIED
        assert (await kit.get(attempt.id)).crashes == 0
        await kit.worker("other", previous=worker)
        assert (await kit.get(attempt.id)).crashes == 0, "what was not counted is not taken back"
        again = await kit.run_again(attempt.id)
        await kit.lose(again)
        assert (await kit.get(attempt.id)).crashes == 1, "the next attempt counts as any"

    async def test_only_what_was_counted_for_that_worker(self, kit: Kit) -> None:
        attempt = await kit.run()
        first = await self.owner(kit, attempt.id)
        await kit.lose(attempt)
        second = await kit.run_again(attempt.id)
        await kit.lose(second)
        assert (await kit.get(attempt.id)).crashes == 2
        await kit.worker("other", previous=first)
        assert (await kit.get(attempt.id)).crashes == 1

    async def test_the_previous_self_is_dead(self, kit: Kit) -> None:
        attempt = await kit.run()
        old = await self.owner(kit, attempt.id)
        await kit.worker("other", previous=old)
        assert not (await kit.store.heartbeat(old, [])).known
        assert [orphan.id for orphan in await kit.store.orphans(10)] == [attempt.id]
        assert await kit.status(attempt.id) is State.RUNNING
