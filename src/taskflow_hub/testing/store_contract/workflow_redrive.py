"""Workflows that run again: from what did not succeed, with what did kept."""

from typing import Any

import msgspec
import pytest

from taskflow_hub.domain.audit import Action, Actor, By
from taskflow_hub.domain.errors import Gone, NotAllowed, NotFound
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.model import DEFAULT_ACCOUNT, AttemptOutcome, Task
from taskflow_hub.domain.workflow_view import Item, Workflow, WorkflowState
from taskflow_hub.store.values import AuditFilter, Followed, TaskFilter, tell_nobody
from taskflow_hub.testing.store_contract.kit import DAY_S, ContractBase, Kit
from taskflow_hub.testing.store_contract.workflow_ends import cancel
from taskflow_hub.testing.store_contract.workflow_fans import finish_items, over_list
from taskflow_hub.testing.store_contract.workflow_kit import Flow, begin, graph, node, ref

SUCCESS, FAILED, CANCELLED, SKIPPED = "success", "failed", "cancelled", "skipped"
BLOCKED, QUEUED, RUNNING = "blocked", "queued", "running"
ANN = By(kind=Actor.USER, id="ann", name="ann@example.com", account=DEFAULT_ACCOUNT)


async def redrive(flow: Flow, by: By | None = None) -> Workflow:
    outcome = await flow.kit.store.redrive_workflow(DEFAULT_ACCOUNT, flow.id, by=by)
    assert isinstance(outcome, Workflow), f"the redrive was refused: {outcome!r}"
    assert outcome == await flow.get()
    return outcome


class WorkflowRedriveContract(ContractBase):
    async def test_it_goes_on_from_what_failed(self, kit: Kit) -> None:
        nodes = {"a": node(), "b": node("a"), "c": node("b"), "d": node("c")}
        flow = await begin(kit, nodes)
        await flow.succeed("a", 1)
        await flow.fail("b")
        assert await flow.states() == {"a": SUCCESS, "b": FAILED, "c": SKIPPED, "d": SKIPPED}
        kept = await kit.get(await flow.task_id("a"))
        again = await redrive(flow)
        assert (again.status, again.finished_at, again.error) == (WorkflowState.RUNNING, None, None)
        assert await flow.states() == {"a": SUCCESS, "b": QUEUED, "c": BLOCKED, "d": BLOCKED}
        task = await kit.get(await flow.task_id("b"))
        assert (task.attempt, task.retry_count, task.error, task.finished_at) == (1, 0, None, None)
        assert await kit.outcomes(task.id) == [(1, AttemptOutcome.FAILED)]
        for name in "bcd":
            await flow.succeed(name)
        assert await flow.status() is WorkflowState.SUCCESS
        assert await kit.get(kept.id) == kept

    async def test_whoever_counts_is_told_what_became_of_tasks(self, kit: Kit) -> None:
        """Of what a caller is not answered: tasks that were made, ended, and begun again."""
        told = Followed()
        kit.store.measure(tell_nobody, told.add)
        flow = await begin(
            kit, {"a": node(), "b": node("a"), "c": node("b"), "d": node("a:done", for_each=[1, 2])}
        )
        assert (told.made.total(), told.again, told.ended.total()) == (3, 0, 0)
        await flow.fail("a")
        assert told.made.total() == 5, "with the items of d"
        assert told.ended == {(State.SKIPPED, None): 2}, "the report itself is its sender's to count"
        for id in await flow.lease():
            await kit.succeed(flow.running()[id])
        await redrive(flow)
        assert (told.made.total(), told.again, told.ended.total()) == (5, 3, 2)
        await cancel(flow)
        await cancel(flow)
        assert told.ended == {(State.SKIPPED, None): 2, (State.CANCELLED, None): 3}
        task = await kit.submit()
        for _ in range(2):
            await kit.store.cancel(DEFAULT_ACCOUNT, [task.id])
        assert told.ended[State.CANCELLED, None] == 4, "once, however often it is cancelled"
        assert (told.made.total(), told.again) == (5, 3)

    async def test_twice_in_a_row(self, kit: Kit) -> None:
        flow = await begin(kit, {"a": node(), "b": node("a"), "c": node("b:done")})
        for _ in range(3):
            await flow.fail("a")
            if (await flow.node("c")).status is not State.SUCCESS:
                await flow.succeed("c")
            assert await flow.states() == {"a": FAILED, "b": SKIPPED, "c": SUCCESS}
            assert await flow.status() is WorkflowState.FAILED
            await redrive(flow)
            assert await flow.states() == {"a": QUEUED, "b": BLOCKED, "c": SUCCESS}
        await flow.succeed("a")
        await flow.succeed("b")
        assert await flow.status() is WorkflowState.SUCCESS

    async def test_what_was_skipped_for_other_reasons_stays_so(self, kit: Kit) -> None:
        nodes = {"a": node(), "alarm": node("a:failure"), "after": node("alarm"), "b": node("a")}
        flow = await begin(kit, nodes)
        await flow.succeed("a")
        await flow.fail("b")
        await redrive(flow)
        assert await flow.states() == {"a": SUCCESS, "alarm": SKIPPED, "after": SKIPPED, "b": QUEUED}

    async def test_an_alarm_that_rang_has_rung(self, kit: Kit) -> None:
        flow = await begin(kit, {"a": node(), "alarm": node("a:failure"), "b": node("a")})
        await flow.fail("a")
        await flow.succeed("alarm")
        await redrive(flow)
        assert await flow.states() == {"a": QUEUED, "alarm": SUCCESS, "b": BLOCKED}
        await flow.succeed("a")
        await flow.succeed("b")
        assert await flow.states() == {"a": SUCCESS, "alarm": SUCCESS, "b": SUCCESS}
        assert await flow.status() is WorkflowState.SUCCESS

    async def test_an_alarm_that_failed_waits_again(self, kit: Kit) -> None:
        flow = await begin(kit, {"a": node(), "alarm": node("a:failure"), "b": node("a")})
        await flow.fail("a")
        await flow.fail("alarm")
        await redrive(flow)
        assert await flow.states() == {"a": QUEUED, "alarm": BLOCKED, "b": BLOCKED}
        await flow.succeed("a")
        assert await flow.states() == {"a": SUCCESS, "alarm": SKIPPED, "b": QUEUED}

    async def test_a_workflow_that_was_cancelled(self, kit: Kit) -> None:
        flow = await begin(kit, {"a": node(), "b": node("a"), "c": node("b"), "d": node("a:failure")})
        await flow.succeed("a")
        await cancel(flow)
        assert await flow.states() == {"a": SUCCESS, "b": CANCELLED, "c": CANCELLED, "d": SKIPPED}
        again = await redrive(flow)
        assert again.cancel_requested_at is None
        assert await flow.states() == {"a": SUCCESS, "b": QUEUED, "c": BLOCKED, "d": SKIPPED}
        await flow.succeed("b")
        await flow.succeed("c")
        assert await flow.status() is WorkflowState.SUCCESS

    async def test_cancelled_before_an_edge_was_missed(self, kit: Kit) -> None:
        """What was cancelled while it waited for several may have to be skipped after all."""
        flow = await begin(kit, {"a": node(), "b": node(), "c": node("a:failure", "b"), "d": node("c:done")})
        await flow.succeed("a")
        await flow.attempt("b")
        await cancel(flow)
        await flow.succeed("b")
        assert await flow.states() == {"a": SUCCESS, "b": SUCCESS, "c": CANCELLED, "d": CANCELLED}
        await redrive(flow)
        assert await flow.states() == {"a": SUCCESS, "b": SUCCESS, "c": SKIPPED, "d": QUEUED}

    async def test_payloads_are_looked_up_again(self, kit: Kit) -> None:
        flow = await begin(kit, {"a": node(), "b": node("a:done", payload={"a": ref("a.result")})})
        await flow.fail("a")
        assert await flow.payload("b") == {"a": None}
        await flow.fail("b")
        await redrive(flow)
        await flow.succeed("a", "now")
        assert await flow.payload("b") == {"a": "now"}

    async def test_what_was_rejected_is_tried_again(self, kit: Kit) -> None:
        flow = await begin(kit, {"a": node(), "b": node(payload={"x": ref("a.result.x")})})
        await flow.succeed("a", {"y": 1})
        assert await flow.states() == {"a": SUCCESS, "b": FAILED}
        await redrive(flow)
        assert await flow.states() == {"a": SUCCESS, "b": FAILED}, "nothing has changed, so it fails again"
        assert await flow.status() is WorkflowState.FAILED

    # --- fan-outs and sub-workflows ------------------------------------------------------------------------------------

    async def test_only_the_items_that_failed(self, kit: Kit) -> None:
        flow = await begin(kit, over_list())
        await flow.succeed("list", ["a", "b", "c", "d"])
        await finish_items(flow, {0: "A", 2: "C"}, failing=(1, 3))
        assert await flow.states() == {"list": SUCCESS, "each": FAILED, "sum": SKIPPED}
        await redrive(flow)
        each = await flow.node("each")
        assert (each.status, each.items) == (State.RUNNING, Item(total=4, queued=2, success=2))
        await finish_items(flow, {1: "B"}, failing=(3,))
        assert (await flow.node("each")).items == Item(total=4, success=3, failed=1)
        await redrive(flow)
        await finish_items(flow, {3: "D"})
        assert await flow.payload("sum") == {"all": ["A", "B", "C", "D"]}

    async def test_a_fan_out_that_never_began(self, kit: Kit) -> None:
        flow = await begin(kit, over_list())
        await kit.store.set_quota(DEFAULT_ACCOUNT, queued=1)
        await flow.succeed("list", [1, 2])
        assert (await flow.node("each")).status is State.FAILED
        await kit.store.set_quota(DEFAULT_ACCOUNT, queued=None)
        await redrive(flow)
        each = await flow.node("each")
        assert (each.status, each.items, each.error) == (State.RUNNING, Item(total=2, queued=2), None)

    async def test_a_fan_out_that_was_cancelled_half_way(self, kit: Kit) -> None:
        flow = await begin(kit, over_list(), max_concurrency=9)
        await flow.succeed("list", [1, 2, 3])
        await finish_items(flow, {1: "B"})
        await cancel(flow)
        for attempt in flow.running().values():
            await kit.abort(attempt)
            flow.forget(attempt.id)
        assert await flow.states() == {"list": SUCCESS, "each": CANCELLED, "sum": CANCELLED}
        await redrive(flow)
        (limit,) = await kit.store.limits(DEFAULT_ACCOUNT, limit=9)
        assert limit.running == 9, "its limits are there again"
        await finish_items(flow, {0: "A", 2: "C"})
        assert await flow.payload("sum") == {"all": ["A", "B", "C"]}

    async def test_a_sub_workflow_goes_on_too(self, kit: Kit) -> None:
        inner = graph({"x": node(type="x"), "y": node("x", type="y")})
        flow = await begin(kit, {"sub": node(graph=inner, payload={}), "b": node("sub")})
        sub = (await flow.node("sub")).workflow_id
        assert sub is not None
        below = Flow(kit, await _get(kit, sub), ("x", "y"))
        await below.succeed("x")
        await below.fail("y")
        assert await flow.states() == {"sub": FAILED, "b": SKIPPED}
        await redrive(flow)
        assert (await flow.node("sub")).workflow_id == sub
        assert await below.states() == {"x": SUCCESS, "y": QUEUED}
        await below.succeed("y")
        assert await flow.states() == {"sub": SUCCESS, "b": QUEUED}

    async def test_only_the_workflows_that_failed(self, kit: Kit) -> None:
        inner = graph({"x": node(type="x", payload={"given": ref("input")})}, node(type="f"))
        nodes = {"each": node(graph=inner, for_each=[0, 1, 2], payload=ref("item"))}
        flow = await begin(kit, nodes)
        await _inner(flow, failing=(1,))
        await _inner(flow)  # finally
        assert (await flow.node("each")).items == Item(total=3, success=2, failed=1)
        await redrive(flow)
        assert (await flow.node("each")).items == Item(total=3, running=1, success=2)
        assert len(await flow.lease()) == 1
        await _inner(flow)
        await _inner(flow)
        assert (await flow.node("each")).items == Item(total=3, success=3)
        assert await flow.status() is WorkflowState.SUCCESS

    async def test_a_fan_out_that_has_to_wait_again_goes_on_all_the_same(self, kit: Kit) -> None:
        nodes = {
            "bad": node(type="bad"),
            "each": node("bad:done", type="each", for_each=[0, 1, 2], payload={"at": ref("index")}),
        }
        flow = await begin(kit, nodes)
        await flow.fail("bad")
        await finish_items(flow, {0: "A"}, failing=(1, 2))
        await redrive(flow)
        each = await flow.node("each")
        assert (each.status, each.items) == (State.BLOCKED, Item(total=3, success=1, failed=2))
        await flow.succeed("bad")
        assert (await flow.node("each")).items == Item(total=3, queued=2, success=1)
        await finish_items(flow, {1: "B", 2: "C"})
        assert await flow.status() is WorkflowState.SUCCESS

    async def test_a_sub_workflow_that_has_to_wait_again_is_the_same_one(self, kit: Kit) -> None:
        inner = graph({"x": node(type="x"), "y": node(type="y")})
        flow = await begin(kit, {"bad": node(type="bad"), "sub": node("bad:done", graph=inner, payload={})})
        await flow.fail("bad")
        sub = (await flow.node("sub")).workflow_id
        assert sub is not None
        below = Flow(kit, await _get(kit, sub), ("x", "y"))
        await below.succeed("x")
        await below.fail("y")
        await redrive(flow)
        assert await below.states() == {"x": SUCCESS, "y": FAILED}
        await flow.succeed("bad")
        assert (await flow.node("sub")).workflow_id == sub
        assert await below.states() == {"x": SUCCESS, "y": QUEUED}
        await below.succeed("y")
        assert await flow.status() is WorkflowState.SUCCESS

    async def test_what_is_skipped_the_second_time_may_go_on_the_third(self, kit: Kit) -> None:
        each = node("bad:failure", type="each", for_each=[0, 1], payload={"at": ref("index")})
        nodes = {
            "bad": node(type="bad"),
            "last": node("bad", "each:done", payload={"all": ref("each.results")}),
        }
        flow = await begin(kit, {"bad": nodes["bad"], "each": each, "last": nodes["last"]})
        await flow.fail("bad")
        await finish_items(flow, {0: "A"}, failing=(1,))
        await redrive(flow)
        await flow.succeed("bad")
        assert await flow.states() == {"bad": SUCCESS, "each": SKIPPED, "last": QUEUED}
        assert await flow.payload("last") == {"all": None}
        await flow.fail("last")
        await redrive(flow)
        assert await flow.states() == {"bad": SUCCESS, "each": SKIPPED, "last": QUEUED}

    # --- finally -------------------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("fails", [False, True])
    async def test_finally_comes_last_again(self, kit: Kit, fails: bool) -> None:
        flow = await begin(kit, {"a": node()}, node(payload={"how": ref("workflow.status")}))
        await flow.fail("a")
        first = await flow.task_id("finally")
        await (flow.fail if fails else flow.succeed)("finally")
        await redrive(flow)
        assert await flow.states() == {"a": QUEUED, "finally": BLOCKED}
        second = await flow.task_id("finally")
        assert (first == second) is fails, "what has succeeded cannot run again: another task does"
        await flow.succeed("a")
        assert await flow.payload("finally") == {"how": SUCCESS}
        await flow.succeed("finally")
        assert await flow.status() is WorkflowState.SUCCESS
        assert await kit.status(first) is State.SUCCESS

    async def test_a_finally_alone_runs_again(self, kit: Kit) -> None:
        flow = await begin(kit, {"a": node()}, node())
        await flow.succeed("a")
        await flow.fail("finally")
        await redrive(flow)
        assert await flow.states() == {"a": SUCCESS, "finally": QUEUED}
        await flow.succeed("finally")
        assert await flow.status() is WorkflowState.SUCCESS

    @pytest.mark.parametrize("kind", ["fan-out", "sub-workflow", "workflows"])
    async def test_a_finally_of_many_parts_begins_anew(self, kit: Kit, kind: str) -> None:
        inner = {"graph": graph({"x": node(type="f")}), "payload": {}}
        last: dict[str, Any] = {
            "fan-out": {"type": "f", "for_each": [1, 2]},
            "sub-workflow": inner,
            "workflows": {"for_each": [1, 2], **inner},
        }
        flow = await begin(kit, {"a": node(type="a")}, node(**last[kind]))
        parts = 1 if kind == "sub-workflow" else 2
        await flow.fail("a")
        assert len(await flow.lease()) == parts
        await _inner(flow)
        assert await flow.status() is WorkflowState.FAILED
        await redrive(flow)
        assert await flow.states() == {"a": QUEUED, "finally": BLOCKED}
        await flow.succeed("a")
        assert len(await flow.lease()) == parts
        await _inner(flow)
        assert await flow.status() is WorkflowState.SUCCESS
        assert await kit.store.delete_workflow(DEFAULT_ACCOUNT, flow.id) is None
        for state in State:
            assert await kit.store.count(DEFAULT_ACCOUNT, _in(state)) == 0, "the first ones, too"

    async def test_when_all_nodes_had_succeeded(self, kit: Kit) -> None:
        """Cancelled too late: nothing is left to do."""
        flow = await begin(kit, {"a": node()})
        await flow.attempt("a")
        await cancel(flow)
        await flow.succeed("a")
        assert await flow.status() is WorkflowState.CANCELLED
        assert (await redrive(flow)).status is WorkflowState.SUCCESS

    # --- time, who, and history ----------------------------------------------------------------------------------------

    async def test_it_has_as_much_time_again(self, kit: Kit) -> None:
        flow = await begin(kit, {"a": node()}, deadline=60.0)
        kit.clock.advance(61)
        await kit.store.expire_workflows(10)
        assert await flow.status() is WorkflowState.FAILED
        kit.clock.advance(600)
        again = await redrive(flow)
        assert again.deadline_at is not None
        assert (again.deadline_at - kit.clock.now).total_seconds() == 60.0
        assert (await kit.store.expire_workflows(10)).ids == ()
        await flow.succeed("a")
        assert await flow.status() is WorkflowState.SUCCESS

    async def test_who_may_be_redriven(self, kit: Kit) -> None:
        flow = await begin(kit, {"a": node(graph=graph({"x": node()}), payload={})})
        again = kit.store.redrive_workflow
        assert isinstance(await again(DEFAULT_ACCOUNT, flow.id), NotAllowed)
        assert isinstance(await again("other", flow.id), NotFound)
        sub = (await flow.node("a")).workflow_id
        assert sub is not None
        assert isinstance(await again(DEFAULT_ACCOUNT, sub), NotAllowed)
        (id,) = await flow.lease()
        await kit.succeed(flow.running()[id])
        refused = await again(DEFAULT_ACCOUNT, flow.id)
        assert isinstance(refused, NotAllowed)
        assert refused.detail.endswith("only failed and cancelled workflows can be redriven.")

    async def test_a_redrive_is_told_to_the_audit(self, kit: Kit) -> None:
        flow = await begin(kit, {"a": node()})
        await flow.fail("a")
        await redrive(flow, ANN)
        (entry,) = (await kit.store.audit(AuditFilter(entity_id=flow.id), limit=10)).items
        assert entry.action == Action.WORKFLOW_REDRIVE
        assert (entry.before, entry.after) == ({"status": "failed"}, {"status": "running"})

    async def test_a_task_of_a_workflow_cannot_be_redriven_or_deleted_alone(self, kit: Kit) -> None:
        flow = await begin(kit, {"a": node()})
        await flow.fail("a")
        task_id = await flow.task_id("a")
        for verb in ("redrive", "delete"):
            (refused,) = await getattr(kit.store, verb)(DEFAULT_ACCOUNT, [task_id])
            assert isinstance(refused, NotAllowed)
            assert f"taskflow workflow {verb} {flow.id}" in refused.detail
        assert await flow.states() == {"a": FAILED}

    async def test_a_task_whose_workflow_is_forgotten_is_free(self, kit: Kit) -> None:
        flow = await begin(kit, {"a": node()})
        await flow.fail("a")
        task_id = await flow.task_id("a")
        kit.clock.advance(DAY_S)
        assert await kit.store.prune_workflows({WorkflowState.FAILED: DAY_S / 2}, 10) == [flow.id]
        (task,) = await kit.store.redrive(DEFAULT_ACCOUNT, [task_id])
        assert isinstance(task, Task)
        attempt = await kit.run_again(task_id)
        await kit.succeed(attempt)
        assert await kit.status(task_id) is State.SUCCESS

    async def test_when_history_has_not_kept_what_failed(self, kit: Kit) -> None:
        flow = await begin(kit, {"a": node(), "b": node("a")})
        await flow.fail("a")
        await _forget(kit, State.FAILED, State.SKIPPED, State.SUCCESS, State.CANCELLED)
        refused = await kit.store.redrive_workflow(DEFAULT_ACCOUNT, flow.id)
        assert isinstance(refused, Gone)
        assert await flow.status() is WorkflowState.FAILED

    @pytest.mark.parametrize("kind", ["fan-out", "sub-workflow", "finally"])
    async def test_when_history_has_not_kept_what_would_run_again_later(self, kit: Kit, kind: str) -> None:
        """It waits for a node that is kept; so it is found before anything runs again."""
        inner = graph({"x": node("y:done"), "y": node()}, node())
        nodes = {
            "bad": node(type="bad"),
            "each": node("bad:done", for_each=[0, 1])
            if kind == "fan-out"
            else node("bad:done", graph=inner, payload={}),
        }
        flow = await begin(kit, nodes)
        await flow.fail("bad")
        sub = None if kind == "fan-out" else await _below(flow, "each")
        if kind == "finally" and sub is not None:
            await sub.fail("y")
            await sub.fail("x")
            await sub.kit.cancel(await sub.task_id("finally"))
        elif sub is not None:
            await sub.kit.cancel(await sub.task_id("x"))
            await sub.fail("y")
            await sub.fail("finally")
        else:
            for id in await flow.lease():
                await kit.store.cancel(DEFAULT_ACCOUNT, [id])
                await kit.abort(flow.running()[id])
        assert await flow.status() is WorkflowState.FAILED
        await _forget(kit, State.CANCELLED)
        seen = await flow.get()
        refused = await kit.store.redrive_workflow(DEFAULT_ACCOUNT, flow.id)
        assert isinstance(refused, Gone)
        lost = {"fan-out": "each", "sub-workflow": "x", "finally": "finally"}[kind]
        assert refused.detail == (
            f"Node '{lost}' cannot run again: retention has removed a task of it. A workflow can be redriven as long "
            "as its tasks are kept (the settings retention.*)."
        )
        assert await flow.get() == seen
        assert await kit.lease() == []

    async def test_a_finally_that_history_has_not_kept(self, kit: Kit) -> None:
        flow = await begin(kit, {"a": node()}, node())
        await flow.fail("a")
        await flow.succeed("finally")
        await _forget(kit, State.SUCCESS)
        assert isinstance(await kit.store.redrive_workflow(DEFAULT_ACCOUNT, flow.id), Gone)

    async def test_what_stays_as_it_is_need_not_be_kept(self, kit: Kit) -> None:
        inner = graph({"ok": node(), "bad": node("ok", allow_failure=True), "no": node("ok:failure")})
        nodes = {
            "a": node(type="a"),
            "b": node("a", type="a"),
            "alarm": node("a:failure", type="a"),
            "each": node(type="each", for_each=[0, 1], payload={"at": ref("index")}),
            "sub": node(graph=inner, payload={}),
        }
        flow = await begin(kit, nodes)
        sub = await _below(flow, "sub")
        await sub.succeed("ok")
        await sub.kit.cancel(await sub.task_id("bad"))
        await flow.succeed("a")
        await flow.fail("b")
        await finish_items(flow, {0: "A"}, failing=(1,))
        await _forget(kit, State.SUCCESS, State.SKIPPED, State.CANCELLED)
        await redrive(flow)
        assert (await flow.node("each")).items == Item(total=2, queued=1, success=1)
        await flow.succeed("b")
        await finish_items(flow, {1: "B"})
        assert await flow.status() is WorkflowState.SUCCESS

    async def test_when_history_has_not_kept_what_is_referred_to(self, kit: Kit) -> None:
        flow = await begin(kit, {"a": node(), "b": node(payload={"x": ref("a.result")})})
        await flow.succeed("a", 1)
        await flow.fail("b")
        await _forget(kit, State.SUCCESS)
        await redrive(flow)
        view = await flow.node("b")
        assert view.status is State.FAILED
        assert view.error is not None
        assert view.error.message.endswith("a.result: has been removed by retention")


async def _inner(flow: Flow, failing: tuple[int, ...] = ()) -> None:
    """End whatever runs, or may."""
    await flow.lease()
    for id, attempt in flow.running().items():
        given = msgspec.json.decode(attempt.payload).get("given")
        await (flow.kit.fail(attempt) if given in failing else flow.kit.succeed(attempt))
        flow.forget(id)


async def _below(flow: Flow, name: str) -> Flow:
    id = (await flow.node(name)).workflow_id
    assert id is not None
    return Flow(flow.kit, await _get(flow.kit, id), ("t",))


async def _get(kit: Kit, id: str) -> Workflow:
    found = await kit.store.workflow(DEFAULT_ACCOUNT, id)
    assert found is not None
    return found


async def _forget(kit: Kit, *states: State) -> None:
    """What has ended so, so far."""
    kit.clock.advance(10 * DAY_S)
    for _ in range(5):  # on PostgreSQL a day is taken away first, and cleared after that
        await kit.store.prune(dict.fromkeys(states, DAY_S), 100)


def _in(state: State) -> TaskFilter:
    return TaskFilter(status=(state,))
