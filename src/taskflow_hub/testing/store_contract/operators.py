"""What people do: promote, change, delete, queues, bulk operations."""

from datetime import timedelta

import pytest

from taskflow_hub.domain.clock import new_id
from taskflow_hub.domain.errors import NotAllowed, NotFound, TaskflowError
from taskflow_hub.domain.lifecycle import FINAL, UNSTARTED, State
from taskflow_hub.domain.messages import Line, Logged
from taskflow_hub.domain.model import DEFAULT_ACCOUNT, Queue, Task
from taskflow_hub.store.values import BulkAction, BulkStatus, TaskFilter
from taskflow_hub.testing.store_contract.kit import DAY_S, ContractBase, Kit, comparable, new_task


class OperatorsContract(ContractBase):
    # --- one task --------------------------------------------------------------------------------------------------------

    async def test_promote_runs_it_now(self, kit: Kit) -> None:
        task = await kit.submit(delay_s=DAY_S)
        promoted = await kit.store.promote(DEFAULT_ACCOUNT, task.id)
        assert isinstance(promoted, Task)
        assert (promoted.status, promoted.rev) == (State.QUEUED, task.rev + 1)
        assert comparable(await kit.get(task.id)) == comparable(promoted)

    async def test_another_account_is_told_nothing(self, kit: Kit) -> None:
        task, done = await kit.submit(delay_s=DAY_S), await kit.run()
        await kit.fail(done)
        before = [await kit.everything(task.id), await kit.everything(done.id)]
        assert isinstance(await kit.store.promote("other", task.id), NotFound)
        assert isinstance(await kit.store.update("other", task.id, priority=1), NotFound)
        assert isinstance((await kit.store.redrive("other", [done.id]))[0], NotFound)
        assert isinstance((await kit.store.delete("other", [done.id]))[0], NotFound)
        assert await kit.store.task("other", task.id) is None
        assert await kit.store.attempts("other", done.id) is None
        for id in (task.id, done.id):
            assert await kit.store.logs("other", id, limit=1) is None
            assert await kit.store.logs(DEFAULT_ACCOUNT, id, limit=1) == []
        assert [await kit.everything(task.id), await kit.everything(done.id)] == before

    @pytest.mark.parametrize("state", State)
    async def test_update_only_what_has_not_started(self, kit: Kit, state: State) -> None:
        id, _ = await kit.in_state(state)
        seen = await kit.everything(id)
        outcome = await kit.store.update(DEFAULT_ACCOUNT, id, priority=9, queue="q")
        if state in UNSTARTED:
            assert isinstance(outcome, Task)
            assert (outcome.priority, outcome.queue, outcome.status) == (9, "q", state)
            assert outcome.rev == seen[0]["rev"] + 1
        else:
            assert isinstance(outcome, NotAllowed)
            assert await kit.everything(id) == seen

    @pytest.mark.parametrize("state", sorted(UNSTARTED))
    async def test_run_at_only_while_scheduled(self, kit: Kit, state: State) -> None:
        id, _ = await kit.in_state(state)
        run_at = kit.clock.now + timedelta(seconds=5)
        outcome = await kit.store.update(DEFAULT_ACCOUNT, id, run_at=run_at, priority=1)
        if state is State.SCHEDULED:
            assert isinstance(outcome, Task)
            assert (outcome.run_at, outcome.priority) == (run_at, 1)
            kit.clock.advance(5)
            assert (await kit.store.promote_due(10)).ids == (id,)
        else:
            assert isinstance(outcome, NotAllowed)
            assert (await kit.get(id)).priority == 5, "all of it or nothing"

    async def test_update_of_nothing_changes_nothing(self, kit: Kit) -> None:
        task = await kit.submit()
        same = await kit.store.update(DEFAULT_ACCOUNT, task.id)
        assert isinstance(same, Task)
        assert comparable(same) == comparable(task)
        assert isinstance(await kit.store.update(DEFAULT_ACCOUNT, new_id(), priority=1), NotFound)

    async def test_a_named_queue_is_not_changed_by_registration(self, kit: Kit) -> None:
        task = await kit.submit(type="u")
        await kit.store.update(DEFAULT_ACCOUNT, task.id, queue="named")
        await kit.worker("u")
        assert (await kit.get(task.id)).queue == "named"

    @pytest.mark.parametrize("state", State)
    async def test_delete_only_what_has_finished(self, kit: Kit, state: State) -> None:
        id, _ = await kit.in_state(state, tags=("x",))
        await kit.store.log([Logged(worker="w", n=1, id=id, attempt=1, lines=(_line(kit),))])
        seen = await kit.everything(id)
        (outcome,) = await kit.store.delete(DEFAULT_ACCOUNT, [id])
        if state in FINAL:
            assert outcome is None
            assert await kit.everything(id) == (None, None, None)
            assert await kit.store.revs([id]) == {}
            assert await kit.store.count(DEFAULT_ACCOUNT, TaskFilter(tag="x")) == 0
        else:
            assert isinstance(outcome, NotAllowed)
            assert await kit.everything(id) == seen

    async def test_each_gets_its_own_answer(self, kit: Kit) -> None:
        done, _ = await kit.in_state(State.FAILED)
        queued = await kit.submit()
        ids = [queued.id, done, new_id(), done]
        outcomes = await kit.store.redrive(DEFAULT_ACCOUNT, ids)
        assert [_kind(outcome) for outcome in outcomes] == ["NotAllowed", "Task", "NotFound", "NotAllowed"]
        await kit.cancel(done)
        deleted = await kit.store.delete(DEFAULT_ACCOUNT, ids)
        assert [_kind(outcome) for outcome in deleted] == ["NotAllowed", "None", "NotFound", "NotFound"]

    # --- queues ----------------------------------------------------------------------------------------------------------

    async def test_queues_with_a_policy_or_an_unfinished_task(self, kit: Kit) -> None:
        await kit.submit(queue="used")
        await kit.in_state(State.SUCCESS, queue="over")
        assert await kit.store.pause("paused") == Queue(name="paused", paused=True)
        assert await kit.store.update_queue("bound", max_size=5) == Queue(name="bound", max_size=5)
        await kit.store.pause("forgotten")
        assert await kit.store.resume("forgotten") == Queue(name="forgotten")
        assert await kit.store.resume("never") == Queue(name="never")
        assert await kit.store.queues() == [
            Queue(name="bound", max_size=5),
            Queue(name="paused", paused=True),
            Queue(name="used"),
        ]

    async def test_settings_of_a_queue_do_not_touch_each_other(self, kit: Kit) -> None:
        await kit.store.update_queue("q", max_size=5)
        assert await kit.store.pause("q") == Queue(name="q", paused=True, max_size=5)
        assert await kit.store.pause("q") == Queue(name="q", paused=True, max_size=5)
        assert await kit.store.update_queue("q", max_size=None) == Queue(name="q", paused=True)
        assert await kit.store.resume("q") == Queue(name="q")

    async def test_purge_oldest_first_and_only_what_has_not_started(self, kit: Kit) -> None:
        await kit.worker()
        running = await kit.submit(queue="q", priority=9)
        await kit.lease()
        tasks = [
            await kit.submit(queue="q"),
            await kit.submit(queue="q", delay_s=9.0, priority=9),
            await kit.submit(queue="q", blocked=True),
            await kit.submit(queue="q"),
        ]
        kept = [await kit.submit(queue="other"), await kit.submit(queue="q", account_id="another")]
        purged: list[str] = []
        while ids := await kit.store.purge(DEFAULT_ACCOUNT, "q", 3):
            assert len(ids) <= 3
            purged += ids
        assert purged == [task.id for task in tasks]
        assert {await kit.status(id) for id in purged} == {State.CANCELLED}
        assert await kit.status(running.id) is State.RUNNING
        statuses = {task.status for task in (await kit.store.tasks([task.id for task in kept])).values()}
        assert statuses == {State.QUEUED}

    async def test_depths(self, kit: Kit) -> None:
        await kit.in_state(State.SUCCESS, queue="q")
        first = kit.clock.now
        await kit.submit(queue="q")
        kit.clock.advance(5)
        await kit.submit_all([new_task(queue="q"), new_task(queue="q", type="u")])
        await kit.submit(queue="q", delay_s=1.0)
        await kit.submit(queue="q", account_id="another")
        depths = await kit.store.depths(DEFAULT_ACCOUNT)
        assert {(d.queue, d.type, d.status, d.hold, d.count, d.oldest) for d in depths} == {
            ("q", "t", State.QUEUED, None, 2, first),
            ("q", "u", State.QUEUED, None, 1, kit.clock.now),
            ("q", "t", State.SCHEDULED, None, 1, kit.clock.now),
        }

    async def test_rates(self, kit: Kit) -> None:
        since = kit.clock.now.replace(second=0, microsecond=0)
        for state in (State.SUCCESS, State.SUCCESS, State.FAILED, State.CANCELLED):
            await kit.in_state(state, type="t", queue="q")
        await kit.in_state(State.SUCCESS, type="t", account_id="another")
        kit.clock.advance(60)
        await kit.in_state(State.SUCCESS, type="t", queue="q")
        await kit.cancel((await kit.submit(type="u")).id)
        expiring = await kit.submit(type="v", expires_at=kit.clock.now + timedelta(seconds=1))
        kit.clock.advance(1)
        assert (await kit.store.expire_due(10)).ids == (expiring.id,)
        later = since + timedelta(minutes=1)
        rates = await kit.store.rates(DEFAULT_ACCOUNT, since)
        assert [rate.minute for rate in rates] == sorted(rate.minute for rate in rates), "oldest first"
        assert {(r.minute, r.queue, r.type, r.status, r.count) for r in rates} == {
            (since, "q", "t", State.SUCCESS, 2),
            (since, "q", "t", State.FAILED, 1),
            (since, "q", "t", State.CANCELLED, 1),
            (later, "q", "t", State.SUCCESS, 1),
            (later, "default", "u", State.CANCELLED, 1),
            (later, "default", "v", State.FAILED, 1),
        }
        recent = await kit.store.rates(DEFAULT_ACCOUNT, later)
        assert {rate.minute for rate in recent} == {later}

    # --- bulk ------------------------------------------------------------------------------------------------------------

    async def test_a_bulk_operation_from_start_to_end(self, kit: Kit) -> None:
        where = TaskFilter(status=(State.FAILED,), type="t", created_before=kit.clock.now)
        id = new_id()
        made = await kit.store.create_bulk(id, DEFAULT_ACCOUNT, BulkAction.REDRIVE, where, 10)
        assert (made.status, made.total, made.done, made.skipped, made.cursor) == (
            BulkStatus.RUNNING,
            10,
            0,
            0,
            None,
        )
        assert (made.where, made.action, made.created_at) == (where, BulkAction.REDRIVE, kit.clock.now)
        assert await kit.store.bulk(DEFAULT_ACCOUNT, id) == made
        assert await kit.store.bulk("another", id) is None
        assert await kit.store.running_bulks() == [made]
        assert await kit.store.create_bulk(id, DEFAULT_ACCOUNT, BulkAction.REDRIVE, where, 10) == made

        step = kit.store.advance_bulk
        assert await step(id, expected=None, cursor="c1", done=3, skipped=1)
        assert not await step(id, expected=None, cursor="c1", done=3, skipped=1), "another process was here"
        assert not await step(new_id(), expected=None, cursor="c1", done=3, skipped=1)
        kit.clock.advance(1)
        assert await step(id, expected="c1", cursor=None, done=5, skipped=1)
        done = await kit.store.bulk(DEFAULT_ACCOUNT, id)
        assert done is not None
        assert (done.status, done.done, done.skipped, done.finished_at) == (
            BulkStatus.DONE,
            8,
            2,
            kit.clock.now,
        )
        assert not await step(id, expected=None, cursor="c9", done=1, skipped=0), "what is done is done"
        assert await kit.store.abort_bulk(DEFAULT_ACCOUNT, id) == done
        assert await kit.store.running_bulks() == []

    async def test_aborting_a_bulk_operation(self, kit: Kit) -> None:
        ids = [new_id(), new_id()]
        for id in ids:
            await kit.store.create_bulk(id, DEFAULT_ACCOUNT, BulkAction.CANCEL, TaskFilter(), 5)
            kit.clock.advance(1)
        assert [bulk.id for bulk in await kit.store.running_bulks()] == ids, "oldest first"
        await kit.store.advance_bulk(ids[0], expected=None, cursor="c", done=2, skipped=0)
        assert await kit.store.abort_bulk("another", ids[0]) is None
        aborted = await kit.store.abort_bulk(DEFAULT_ACCOUNT, ids[0])
        assert aborted is not None
        assert (aborted.status, aborted.done) == (BulkStatus.ABORTED, 2)
        assert [bulk.id for bulk in await kit.store.running_bulks()] == [ids[1]]
        assert await kit.store.abort_bulk(DEFAULT_ACCOUNT, new_id()) is None

    @pytest.mark.parametrize("cursor", ["d", None], ids=["in the middle", "the last chunk"])
    @pytest.mark.parametrize("expected", [None, "c"], ids=["the first chunk", "a later one"])
    async def test_an_aborted_bulk_operation_counts_the_chunk_in_flight_once(
        self, kit: Kit, expected: str | None, cursor: str | None
    ) -> None:
        id, step = new_id(), kit.store.advance_bulk
        await kit.store.create_bulk(id, DEFAULT_ACCOUNT, BulkAction.CANCEL, TaskFilter(), 9)
        if expected is not None:
            assert await step(id, expected=None, cursor=expected, done=2, skipped=1)
        aborted = await kit.store.abort_bulk(DEFAULT_ACCOUNT, id)
        assert aborted is not None
        kit.clock.advance(1)
        assert not await step(id, expected="elsewhere", cursor="e", done=1, skipped=1), (
            "not the chunk in flight"
        )
        for _ in range(2):  # the second time it is another process's, that did the same chunk
            assert not await step(id, expected=expected, cursor=cursor, done=3, skipped=4)
        counted = await kit.store.bulk(DEFAULT_ACCOUNT, id)
        assert counted is not None
        assert (counted.status, counted.finished_at) == (BulkStatus.ABORTED, aborted.finished_at)
        assert (counted.done, counted.skipped) == (aborted.done + 3, aborted.skipped + 4)
        assert await kit.store.running_bulks() == []


def _line(kit: Kit) -> Line:
    return Line(n=1, at=kit.clock.now, level="info", message="m")


def _kind(outcome: Task | TaskflowError | None) -> str:
    return "None" if outcome is None else type(outcome).__name__
