"""How schedules start workflows: as they start tasks, each tick once, and in the transaction that decides it."""

import asyncio
import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec import Raw
from msgspec.structs import replace

from taskflow_hub.domain.errors import QuotaExceeded
from taskflow_hub.domain.model import DEFAULT_ACCOUNT
from taskflow_hub.domain.schedule import ByHand, Origin, Overlap, Schedule
from taskflow_hub.domain.workflow_view import Workflow
from taskflow_hub.store.base_schedules import Fired
from taskflow_hub.store.values import NewTask, NewWorkflow, WorkflowFilter
from taskflow_hub.testing.store_contract.firing import told
from taskflow_hub.testing.store_contract.kit import ContractBase, Kit
from taskflow_hub.testing.store_contract.schedules import BY, entries, history, new_schedule, now_of, task_of
from taskflow_hub.testing.store_contract.workflow_kit import Flow, new_workflow, node, ref

SECOND = timedelta(seconds=1)


def workflow_of(schedule: Schedule, planned_at: datetime, by_hand: ByHand | None) -> NewWorkflow:
    """What a tick starts: first, then second, which is told of the tick."""
    nodes = {"first": node(), "second": node("first", payload={"at": ref("input.at")})}
    return new_workflow(
        nodes,
        name=schedule.name,
        account_id=schedule.account_id,
        user_id=schedule.user_id,
        schedule_id=schedule.id,
        input=Raw(f'{{"at":"{planned_at.isoformat()}"}}'.encode()),
    )


def either_of(schedule: Schedule, planned_at: datetime, by_hand: ByHand | None) -> NewTask | NewWorkflow:
    return (workflow_of if schedule.type is None else task_of)(schedule, planned_at, by_hand)


async def made(kit: Kit, **fields: Any) -> Schedule:
    given = {"type": None, "template": Raw(b'{"workflow":{"name":"w","nodes":{}}}'), **fields}
    return await kit.store.create_schedule(new_schedule(**given))


async def fire(kit: Kit, limit: int = 100) -> Fired:
    return await kit.store.fire_due(either_of, limit)


def flow_of(kit: Kit, workflow_id: str) -> Flow:
    class _Begun:
        id = workflow_id

    return Flow(kit, _Begun, ("t",))  # type: ignore[arg-type]


async def all_workflows(kit: Kit) -> list[Workflow]:
    page = await kit.store.workflows(None, WorkflowFilter(), limit=200)
    assert page.next_cursor is None
    return list(page.items)


class WorkflowFiringContract(ContractBase):
    async def test_a_tick_begins_a_workflow_and_makes_a_record(self, kit: Kit) -> None:
        schedule = await made(kit, user_id="u1")
        kit.clock.advance(10)
        found = await fire(kit)
        (id,) = found.workflows
        assert (found.tasks, found.ticks) == ((), {("fired", None): 1})
        (record,) = await history(kit, schedule)
        assert (record.planned_at, record.workflow_id, record.task_id) == (schedule.next_at, id, None)
        workflow = await flow_of(kit, id).get()
        assert (workflow.schedule_id, workflow.user_id, workflow.created_at) == (
            schedule.id,
            "u1",
            kit.clock(),
        )
        assert await flow_of(kit, id).states() == {"first": "queued", "second": "blocked"}
        after = await now_of(kit, schedule)
        assert (after.last_at, after.rev) == (schedule.next_at, 1)
        assert (await fire(kit)).workflows == ()

    async def test_its_nodes_know_the_tick(self, kit: Kit) -> None:
        schedule = await made(kit)
        kit.clock.advance(10)
        (id,) = (await fire(kit)).workflows
        flow = flow_of(kit, id)
        await flow.succeed("first")
        assert schedule.next_at is not None
        assert await flow.payload("second") == {"at": schedule.next_at.isoformat()}
        await flow.succeed("second")
        assert await flow.status() == "success"

    async def test_tasks_and_workflows_fire_together(self, kit: Kit) -> None:
        flows = [await made(kit, name=f"w{n}") for n in range(3)]
        tasks = [await made(kit, type="t", name=f"t{n}") for n in range(3)]
        kit.clock.advance(20)
        found = await fire(kit)
        assert (len(found.tasks), len(found.workflows)) == (6, 6)
        for schedule in flows:
            assert len({one.workflow_id for one in await history(kit, schedule) if not one.task_id}) == 2
        for schedule in tasks:
            assert len({one.task_id for one in await history(kit, schedule) if not one.workflow_id}) == 2

    # --- a run lasts until its root has ended

    async def test_a_workflow_counts_until_it_is_final(self, kit: Kit) -> None:
        """Between two nodes nothing of it runs, and a retry that waits is no end either."""
        schedule = await made(kit, overlap=Overlap.SKIP)
        kit.clock.advance(10)
        (id,) = (await fire(kit)).workflows
        flow = flow_of(kit, id)
        kit.clock.advance(10)
        await fire(kit)
        await flow.succeed("first")
        kit.clock.advance(10)
        await fire(kit)
        await kit.retry(await flow.attempt("second"), delay_s=5)
        kit.clock.advance(10)
        await fire(kit)
        assert await told(kit, schedule) == ["fired"] + ["skipped overlap"] * 3
        await kit.store.promote_due(10)
        flow = flow_of(kit, id)
        await flow.fail("second")
        assert await flow.status() == "failed"
        kit.clock.advance(10)
        assert len((await fire(kit)).workflows) == 1

    async def test_one_tick_waits_for_the_workflow_to_end(self, kit: Kit) -> None:
        schedule = await made(kit, overlap=Overlap.QUEUE_ONE)
        kit.clock.advance(10)
        (id,) = (await fire(kit)).workflows
        for _ in range(2):
            kit.clock.advance(10)
            assert (await fire(kit)).workflows == ()
        flow = flow_of(kit, id)
        await flow.succeed("first")
        assert not (await kit.store.upcoming()).ready
        assert (await fire(kit)).workflows == ()
        await flow.succeed("second")
        assert (await kit.store.upcoming()).ready
        (second,) = (await fire(kit)).workflows
        records = await history(kit, schedule)
        assert [one.outcome for one in records] == ["fired", "fired", "skipped"]
        assert records[1].workflow_id == second
        assert (await now_of(kit, schedule)).waiting_at is None

    async def test_a_workflow_that_is_redriven_counts_again(self, kit: Kit) -> None:
        schedule = await made(kit, overlap=Overlap.SKIP)
        kit.clock.advance(10)
        (id,) = (await fire(kit)).workflows
        await kit.store.cancel_workflow(DEFAULT_ACCOUNT, id)
        assert await flow_of(kit, id).status() == "cancelled"
        await kit.store.redrive_workflow(DEFAULT_ACCOUNT, id)
        kit.clock.advance(10)
        await fire(kit)
        assert (await told(kit, schedule))[-1] == "skipped overlap"

    async def test_every_tick_runs_where_overlap_is_allowed(self, kit: Kit) -> None:
        schedule = await made(kit, overlap=Overlap.ALLOW)
        for _ in range(3):
            kit.clock.advance(10)
            await fire(kit)
        assert await told(kit, schedule) == ["fired"] * 3
        assert len(await all_workflows(kit)) == 3

    # --- refused

    async def test_a_quota_misses_ticks_and_counts_those_that_fire(self, kit: Kit) -> None:
        await kit.store.set_quota("a1", per_minute=4)
        schedule = await made(kit, account_id="a1", every_s=1.0)
        kit.clock.advance(3.5)
        found = await fire(kit)
        assert len(found.workflows) == 2, "each has two tasks"
        assert (await told(kit, schedule))[:3] == ["fired", "fired", "missed refused"]
        assert len(await all_workflows(kit)) == 2
        assert (await kit.store.quota("a1")).used.in_minute == 4

    async def test_what_is_refused_leaves_nothing_and_says_why(self, kit: Kit) -> None:
        await kit.store.set_quota("a1", per_minute=1)
        schedule, other = await made(kit, account_id="a1"), await made(kit)
        kit.clock.advance(10)
        found = await fire(kit)
        assert (len(found.workflows), found.ticks) == (1, {("fired", None): 1, ("missed", "refused"): 1})
        (record,) = await history(kit, schedule)
        assert (record.workflow_id, record.task_id) == (None, None)
        assert "may submit 1 task a minute" in (record.detail or "")
        assert [one.schedule_id for one in await all_workflows(kit)] == [other.id]
        assert (await kit.store.quota("a1")).used.in_minute == 0

    async def test_what_cannot_be_stored_is_missed_alone(self, kit: Kit) -> None:
        good, bad, task = await made(kit), await made(kit, name="bad"), await made(kit, type="t")

        def make(schedule: Schedule, *rest: Any) -> NewTask | NewWorkflow:
            new = either_of(schedule, *rest)
            if schedule.name != "bad" or isinstance(new, NewTask):
                return new
            last = replace(new.tasks["second"], payload=Raw(b"{no json"))
            return replace(new, tasks={**new.tasks, "second": last})

        kit.clock.advance(10)
        found = await kit.store.fire_due(make, 10)
        assert (len(found.tasks), len(found.workflows)) == (1, 1)
        for schedule, said in ((good, "fired"), (task, "fired"), (bad, "missed refused")):
            assert await told(kit, schedule) == [said]
        assert len(await all_workflows(kit)) == 1

    async def test_a_wait_that_is_refused_is_missed(self, kit: Kit) -> None:
        schedule = await made(kit, account_id="a1", overlap=Overlap.QUEUE_ONE)
        kit.clock.advance(20)
        (id,) = (await fire(kit)).workflows
        await kit.store.set_quota("a1", per_day=1)
        await kit.store.cancel_workflow("a1", id)
        found = await fire(kit)
        assert found.ticks == {("missed", "refused"): 1}
        assert await told(kit, schedule) == ["fired", "missed refused"]
        found_now = await kit.store.schedule("a1", schedule.id)
        assert found_now is not None
        assert found_now.waiting_at is None

    async def test_what_breaks_between_the_writes_decides_nothing(self, kit: Kit) -> None:
        """Records are written, and a workflow with its tasks; then, in the same transaction, something fails."""
        schedules = [await made(kit, name="good"), await made(kit, name="broken")]
        broken = True

        def make(schedule: Schedule, *rest: Any) -> NewWorkflow:
            new = workflow_of(schedule, *rest)
            if schedule.name == "broken" and broken:
                return new_workflow({"a": node()}, result=object())
            return new

        kit.clock.advance(10)
        with pytest.raises(TypeError):
            await kit.store.fire_due(make, 10)
        for schedule in schedules:
            assert await history(kit, schedule) == []
            assert (await now_of(kit, schedule)).last_at is None
        assert await all_workflows(kit) == []
        assert await kit.lease(await kit.worker("t")) == []
        broken = False
        assert len((await kit.store.fire_due(make, 10)).workflows) == 2
        for schedule in schedules:
            assert await told(kit, schedule) == ["fired"]

    # --- many, and at once

    async def test_many_processes_begin_one_workflow_for_each_tick(self, kit: Kit) -> None:
        stores = [kit.store, *[await kit.another_store() for _ in range(3)]]
        schedules = [await made(kit, every_s=1.0, name=f"n{n}") for n in range(10)]
        for _ in range(3):
            kit.clock.advance(3)
            for _ in range(2):
                await asyncio.gather(*(store.fire_due(workflow_of, 4) for store in stores))
        while (await kit.store.upcoming()).due:
            await fire(kit)
        first = schedules[0].created_at.replace(microsecond=0)
        began = set()
        for schedule in schedules:
            records = await history(kit, schedule)
            assert [one.planned_at for one in records] == [first + n * SECOND for n in range(1, 10)]
            assert {one.outcome for one in records} == {"fired"}
            began |= {one.workflow_id for one in records}
        assert {one.id for one in await all_workflows(kit)} == began
        assert len(began) == 10 * 9

    # --- by hand

    async def test_a_trigger_begins_a_workflow(self, kit: Kit) -> None:
        schedule = await made(kit, overlap=Overlap.SKIP, paused_at=kit.clock())
        runs = [await kit.store.trigger_schedule(None, schedule.id, workflow_of, by=BY) for _ in range(2)]
        assert all(isinstance(run, Workflow) and run.nodes for run in runs)
        assert {run.schedule_id for run in runs} == {schedule.id}
        found = await history(kit, schedule)
        assert [(one.outcome, one.by_hand, one.workflow_id) for one in found] == [
            ("fired", "trigger", run.id) for run in runs
        ]
        assert [entry[3]["workflow"] for entry in await entries(kit, schedule)] == [run.id for run in runs]

    async def test_a_trigger_that_is_refused_changes_nothing(self, kit: Kit) -> None:
        await kit.store.set_quota(DEFAULT_ACCOUNT, per_minute=1)
        schedule = await made(kit)
        with pytest.raises(QuotaExceeded):
            await kit.store.trigger_schedule(None, schedule.id, workflow_of)
        assert (await history(kit, schedule), await all_workflows(kit)) == ([], [])

    async def test_a_backfill_begins_a_workflow_for_each_tick(self, kit: Kit) -> None:
        schedule = await made(kit)
        kit.clock.advance(100)
        await fire(kit)  # a downtime
        first, end = kit.clock() - 50 * SECOND, kit.clock() + SECOND
        dry = await kit.store.backfill_schedule(
            None, schedule.id, first, end, workflow_of, most=50, dry_run=True
        )
        assert {one.outcome for one in dry} == {"fired"}
        assert {one.workflow_id for one in dry} == {None}
        assert await all_workflows(kit) == []
        done = await kit.store.backfill_schedule(None, schedule.id, first, end, workflow_of, most=50, by=BY)
        began = [one.workflow_id for one in done]
        assert len(set(began)) == len(dry)
        assert {one.id for one in await all_workflows(kit)} == set(began)
        records = [one for one in await history(kit, schedule) if one.by_hand]
        assert [(one.planned_at, one.workflow_id) for one in records] == [
            (one.planned_at, one.workflow_id) for one in done
        ]
        again = await kit.store.backfill_schedule(None, schedule.id, first, end, workflow_of, most=50)
        assert {one.outcome for one in again} == {"left"}

    # --- afterwards

    async def test_a_workflow_has_started_when_it_began(self, kit: Kit) -> None:
        schedule = await made(kit)
        kit.clock.advance(12)
        await fire(kit)
        ((planned, began),) = (await kit.store.learn_starts(None, 10)).started
        assert (planned, began) == (schedule.next_at, kit.clock())
        assert (await kit.store.learn_starts(None, 10)).started == ()
        (record,) = await history(kit, schedule)
        assert record.started_at == began

    async def test_of_a_workflow_that_is_gone_no_start_is_learned(self, kit: Kit) -> None:
        schedule = await made(kit)
        kit.clock.advance(10)
        (id,) = (await fire(kit)).workflows
        await kit.store.cancel_workflow(DEFAULT_ACCOUNT, id)
        assert await kit.store.delete_workflow(DEFAULT_ACCOUNT, id) is None
        found = await kit.store.learn_starts(None, 10)
        assert (found.started, found.looked) == ((), 1)
        assert (await kit.store.learn_starts(None, 10)).looked == 0
        assert [one.workflow_id for one in await history(kit, schedule)] == [id]

    async def test_a_schedule_that_is_deleted_leaves_its_workflows(self, kit: Kit) -> None:
        schedule = await made(kit)
        kit.clock.advance(10)
        (id,) = (await fire(kit)).workflows
        await kit.store.delete_schedule(None, schedule.id)
        await kit.store.prune({}, 10)
        assert await history(kit, schedule) == []
        flow = flow_of(kit, id)
        await flow.succeed("first")
        await flow.succeed("second")
        assert (await flow.get()).schedule_id == schedule.id

    async def test_records_are_pruned_and_their_workflows_are_not(self, kit: Kit) -> None:
        schedule = await made(kit)
        kit.clock.advance(10)
        (id,) = (await fire(kit)).workflows
        await kit.store.pause_schedule(None, schedule.id)
        kit.clock.advance(31 * 86_400)
        await kit.store.prune({}, 10)
        assert await history(kit, schedule) == []
        assert await flow_of(kit, id).status() == "running"

    # --- by code

    async def test_a_workflow_that_code_declares_is_kept_by_who_handles_it(self, kit: Kit) -> None:
        """By whoever has all the handlers that whoever declared it had: not by one who has some of them."""

        def declared(name: str, handled: str, **fields: Any) -> Schedule:
            template = Raw(f'{{"workflow":{{"name":"w","nodes":{{}}}},"handled":{handled}}}'.encode())
            return new_schedule(name=name, type=None, origin=Origin.CODE, template=template, **fields)

        async def declare(types: list[str], *schedules: Schedule) -> tuple[tuple[str, ...], ...]:
            said = await kit.store.declare_schedules(DEFAULT_ACCOUNT, types, schedules)
            return said.made, said.changed, said.removed, said.taken

        both = declared("both", '["a","b"]')
        assert await declare(["a", "b"], both, declared("one", '["a"]')) == (("both", "one"), (), (), ())
        assert await declare(["a", "b"], both, declared("one", '["a"]')) == ((), (), (), ())
        assert await declare(["b"]) == ((), (), (), ())
        assert await declare(["c"], declared("one", '["c"]')) == ((), (), (), ("one",))
        assert await declare(["a"]) == ((), (), ("one",), ())
        assert await declare(["a", "b", "c"], declared("both", '["a","b"]', every_s=20.0)) == (
            (),
            ("both",),
            (),
            (),
        )
        assert await declare(["b"], declared("both", '["b"]')) == ((), ("both",), (), ()), "a moved elsewhere"
        assert await declare(["a"]) == ((), (), (), ())
        assert await declare(["b"]) == ((), (), ("both",), ())

    async def test_workflows_of_types_that_an_application_has_given_up_go(self, kit: Kit) -> None:
        """As long as workers serve all that it was handled by they are somebody's. Also one that cannot be read here."""

        async def declare(types: list[str], *names: str, served: Any = ()) -> Any:
            template = Raw(f'{{"of another version":1,"handled":{json.dumps(types)}}}'.encode())
            specs = [
                new_schedule(name=name, type=None, origin=Origin.CODE, template=template, application="shop")
                for name in names
            ]
            return await kit.store.declare_schedules(
                DEFAULT_ACCOUNT, types, specs, application="shop", served=served
            )

        await declare(["a", "b"], "gone", "moved")
        said = await declare(["c"], "moved", served=["a", "b", "c"])
        assert (said.made, said.changed, said.removed, said.taken) == ((), (), (), ("moved",))
        said = await declare(["a", "c"], "moved", served=["a", "c"])
        assert (said.made, said.changed, said.removed, said.taken) == ((), ("moved",), ("gone",), ())
