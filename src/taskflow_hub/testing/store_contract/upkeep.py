"""Retention, pings, closing."""

import asyncio
import re

import pytest

from taskflow_hub.domain import moves
from taskflow_hub.domain.clock import new_id
from taskflow_hub.domain.errors import ShuttingDown
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.messages import Line, Logged
from taskflow_hub.domain.model import DEFAULT_ACCOUNT, ResultRef
from taskflow_hub.domain.submission import OnConflict, Unique
from taskflow_hub.store.values import (
    Access,
    BulkAction,
    Idempotency,
    Submit,
    Submitted,
    TaskFilter,
    tell_nobody,
)
from taskflow_hub.testing.store_contract.kit import DAY_S, ContractBase, Kit, new_task


class UpkeepContract(ContractBase):
    async def test_retention_by_outcome(self, kit: Kit) -> None:
        old = {state: (await kit.in_state(state))[0] for state in State}
        kit.clock.advance(3 * DAY_S)
        new = {state: (await kit.in_state(state))[0] for state in State}
        keep = {State.SUCCESS: 1.5 * DAY_S, State.CANCELLED: 3 * DAY_S + 1, State.SKIPPED: 1.0}
        pruned = await kit.store.prune(keep, 100)
        assert (pruned.tasks, pruned.with_result_ref) == (2, ())
        left = await kit.store.tasks([*old.values(), *new.values()])
        assert {state for state in State if old[state] not in left} == {State.SUCCESS, State.SKIPPED}
        assert set(new.values()) <= set(left)
        assert old[State.FAILED] in left, "absent: kept"

    async def test_transactions_are_measured(self, kit: Kit) -> None:
        """In whatever thread."""
        told: list[tuple[Access, float]] = []
        kit.store.measure(lambda access, seconds: told.append((access, seconds)), tell_nobody)
        await kit.store.pause("mail")
        assert {access for access, _ in told} >= {Access.WRITE}
        told.clear()
        await kit.store.queues()
        assert (Access.READ in {access for access, _ in told}) and all(0 <= took < 60 for _, took in told)

    async def test_retention_never_too_early_and_at_most_a_day_late(self, kit: Kit) -> None:
        id, _ = await kit.in_state(State.SUCCESS)
        keep = {State.SUCCESS: 5 * DAY_S}
        kit.clock.advance(5 * DAY_S)
        assert (await kit.store.prune(keep, 10)).tasks == 0
        assert set(await kit.store.tasks([id])) == {id}
        kit.clock.advance(DAY_S)
        assert (await kit.store.prune(keep, 10)).tasks == 1
        assert await kit.store.tasks([id]) == {}

    async def test_retention_oldest_first_and_limited(self, kit: Kit) -> None:
        ids = []
        for _ in range(5):
            ids.append((await kit.in_state(State.SUCCESS))[0])
            kit.clock.advance(DAY_S)
        kit.clock.advance(DAY_S)
        for expected in (2, 2, 1, 0):
            pruned = await kit.store.prune({State.SUCCESS: 1.0}, 2)
            assert (pruned.tasks, pruned.more) == (expected, expected == 2)
            ids = ids[expected:]
            assert set(await kit.store.tasks(ids)) == set(ids)

    async def test_many_processes_prune_at_once(self, kit: Kit) -> None:
        stores = [kit.store, await kit.another_store(), await kit.another_store()]
        ids = [(await kit.in_state(State.SUCCESS, tags=("x",)))[0] for _ in range(5)]
        kit.clock.advance(2 * DAY_S)
        keep = {State.SUCCESS: 1.0, State.FAILED: 1.0, State.CANCELLED: 1.0, State.SKIPPED: 1.0}
        first = await asyncio.gather(*(store.prune(keep, 10) for store in stores))
        rest = await kit.store.prune(keep, 10)  # somebody may have been in somebody's way
        assert sum(pruned.tasks for pruned in [*first, rest]) == len(ids), "each is told of once"
        assert await kit.store.tasks(ids) == {}
        assert await kit.store.count(DEFAULT_ACCOUNT, TaskFilter(tag="x")) == 0
        done, _ = await kit.in_state(State.SUCCESS)
        assert set(await kit.store.tasks([done])) == {done}, "and work goes on"

    async def test_attempts_logs_and_tags_go_with_their_task(self, kit: Kit) -> None:
        attempt = await kit.run(tags=("x",))
        await kit.release(attempt)
        again = await kit.run_again(attempt.id)
        line = Line(n=1, at=kit.clock.now, level="info", message="m")
        await kit.store.log([Logged(worker="w", n=1, id=attempt.id, attempt=2, lines=(line,))])
        await kit.succeed(again)
        kit.clock.advance(2 * DAY_S)
        assert (await kit.store.prune({State.SUCCESS: 1.0}, 10)).tasks == 1
        assert await kit.everything(attempt.id) == (None, None, None)
        assert await kit.store.count(DEFAULT_ACCOUNT, TaskFilter(tag="x")) == 0

    async def test_results_outside_the_store_are_named(self, kit: Kit) -> None:
        attempt = await kit.run()
        ref = ResultRef(storage="folder", ref="a", preview="", size=1, ttl=None)
        await kit.store.succeed([moves.Succeed(id=attempt.id, attempt=1, ran_s=1.0, result_ref=ref)])
        inside, _ = await kit.in_state(State.SUCCESS, type="inside")
        assert await kit.store.result_refs([attempt.id, inside, new_id()]) == [ref]
        assert await kit.store.result_refs([]) == []
        await kit.store.delete(DEFAULT_ACCOUNT, [inside])
        kit.clock.advance(2 * DAY_S)
        assert (await kit.store.prune({State.SUCCESS: 1.0}, 10)).with_result_ref == (attempt.id,)

    async def test_a_pruned_task_leaves_its_key_behind(self, kit: Kit) -> None:
        """The key says that the task was there; only its own time removes it."""
        request = Submit((new_task(),), Idempotency(DEFAULT_ACCOUNT, "/tasks", "k", "f", ttl_s=3 * DAY_S))
        await kit.submit_request(request)
        await kit.cancel(request.tasks[0].id)
        kit.clock.advance(2 * DAY_S)
        assert (await kit.store.prune({State.CANCELLED: 1.0}, 10)).tasks == 1
        again = Submit((new_task(),), request.idempotency)
        assert not isinstance(await kit.submit_request(again), Submitted)
        kit.clock.advance(DAY_S)
        await kit.store.prune({}, 10)
        assert isinstance(await kit.submit_request(again), Submitted)

    async def test_a_held_unique_key_is_not_pruned(self, kit: Kit) -> None:
        unique = Unique("k", 1.0, OnConflict.RETURN)
        holder = await kit.submit(unique=unique)
        kit.clock.advance(100 * DAY_S)
        await kit.store.prune({}, 10)
        assert (await kit.submit(unique=unique)).id == holder.id
        await kit.cancel(holder.id)
        await kit.store.prune({}, 10)
        assert (await kit.submit(unique=unique)).id != holder.id

    async def test_what_else_runs_out_goes_in_limited_steps(self, kit: Kit) -> None:
        """Whatever has gathered, no step keeps others waiting for long."""
        ids = [new_id() for _ in range(5)]
        for n, id in enumerate(ids):
            key = Idempotency(DEFAULT_ACCOUNT, "/tasks", f"k{n}", "f", ttl_s=50.0)
            task = new_task(unique=Unique(f"k{n}", 1.0, OnConflict.RETURN))
            await kit.submit_request(Submit((task,), key))
            await kit.cancel(task.id)
            await kit.store.create_bulk(id, DEFAULT_ACCOUNT, BulkAction.CANCEL, TaskFilter(), 1)
            await kit.store.abort_bulk(DEFAULT_ACCOUNT, id)
            await kit.store.bury(await kit.worker())
        kit.clock.advance(8 * DAY_S)
        left: list[tuple[int, int]] = []
        for _ in range(3):
            assert (await kit.store.prune({}, 2)).more == (len(left) < 2)
            bulks = [await kit.store.bulk(DEFAULT_ACCOUNT, id) for id in ids]
            left.append((len(await kit.store.workers(dead=True)), 5 - bulks.count(None)))
        assert left == [(3, 3), (1, 1), (0, 0)]

    async def test_what_else_runs_out(self, kit: Kit) -> None:
        attempt = await kit.run()
        owner = (await kit.get(attempt.id)).worker or ""
        idle = await kit.worker()
        for worker in (owner, idle):
            await kit.store.bury(worker)
        done, aborted, running = new_id(), new_id(), new_id()
        for bulk in (done, aborted, running):
            await kit.store.create_bulk(bulk, DEFAULT_ACCOUNT, BulkAction.CANCEL, TaskFilter(), 1)
        await kit.store.advance_bulk(done, expected=None, cursor=None, done=1, skipped=0)
        await kit.store.abort_bulk(DEFAULT_ACCOUNT, aborted)
        finished = await kit.run()
        await kit.succeed(finished)
        since = kit.clock.now.replace(second=0, microsecond=0)

        kit.clock.advance(DAY_S - 1)
        await kit.store.prune({}, 10)
        assert len(await kit.store.workers(dead=True)) == 3
        kit.clock.advance(2)
        await kit.store.prune({}, 10)
        dead = {worker.id for worker in await kit.store.workers(dead=True)}
        assert idle not in dead
        assert owner in dead, "it still owns something"

        kit.clock.advance(7 * DAY_S)
        await kit.store.prune({}, 10)
        kept = [await kit.store.bulk(DEFAULT_ACCOUNT, bulk) for bulk in (done, aborted, running)]
        assert [bulk is not None for bulk in kept] == [False, False, True]
        assert len(await kit.store.rates(DEFAULT_ACCOUNT, since)) == 1
        kit.clock.advance(31 * DAY_S)
        await kit.store.prune({}, 10)
        assert await kit.store.rates(DEFAULT_ACCOUNT, since) == []

    async def test_nothing_to_warn_of(self, kit: Kit) -> None:
        assert await kit.store.warnings() == []

    async def test_closing(self, kit: Kit) -> None:
        await kit.store.ping()
        described = await kit.store.describe()
        assert described.kind in {"sqlite", "postgresql"}
        assert re.match(r"\d+\.\d", described.version)
        assert re.fullmatch(r"\d{4}", described.schema_version)
        store = await kit.another_store()
        await store.close()
        await store.close()
        for call in (
            store.submit([Submit((new_task(),))]),
            store.ping(),
            store.describe(),
            store.changed(60.0),
            store.queues(),
        ):
            with pytest.raises(ShuttingDown):
                await call
        await kit.store.ping()
