"""Workflows: how they end, and what a cancel, a deadline and `finally` have to do with it."""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
import pytest
from msgspec import Raw

from taskflow_hub.domain import moves
from taskflow_hub.domain.audit import Action, Actor, By
from taskflow_hub.domain.errors import NotAllowed, NotFound
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.model import DEFAULT_ACCOUNT, AttemptOutcome, Reason
from taskflow_hub.domain.moves import Verdict
from taskflow_hub.domain.workflow_view import Item, WorkflowState
from taskflow_hub.store.values import AuditFilter, NewTask
from taskflow_hub.testing.store_contract.kit import OOPS, ContractBase, Kit
from taskflow_hub.testing.store_contract.workflow_kit import (
    Flow,
    begin,
    begin_new,
    graph,
    new_workflow,
    node,
    ref,
)

SUCCESS, FAILED, CANCELLED, SKIPPED = "success", "failed", "cancelled", "skipped"
BLOCKED, QUEUED, RUNNING, SCHEDULED = "blocked", "queued", "running", "scheduled"
ANN = By(kind=Actor.USER, id="ann", name="ann@example.com", account=DEFAULT_ACCOUNT)


async def cancel(flow: Flow, by: By | None = None) -> list[tuple[str, int, str]]:
    outcome = await flow.kit.store.cancel_workflow(DEFAULT_ACCOUNT, flow.id, by=by)
    assert isinstance(outcome, tuple), f"the cancel was refused: {outcome!r}"
    assert outcome[0] == await flow.get()
    return outcome[1]


async def abort(flow: Flow, name: str) -> None:
    attempt = await flow.attempt(name)
    assert await flow.kit.abort(attempt) is Verdict.APPLIED
    flow.forget(attempt.id)


class WorkflowEndsContract(ContractBase):
    # --- finally -------------------------------------------------------------------------------------------------------

    async def test_finally_comes_last(self, kit: Kit) -> None:
        payload = {"how": ref("workflow.status"), "a": ref("a.result"), "failed": ref("workflow.failed")}
        flow = await begin(kit, {"a": node(), "b": node()}, node(type="f", payload=payload))
        await flow.succeed("a", 1)
        assert (await flow.node("finally")).status is State.BLOCKED
        await flow.succeed("b")
        assert await flow.payload("finally") == {"how": SUCCESS, "a": 1, "failed": []}
        assert await flow.status() is WorkflowState.RUNNING
        await flow.succeed("finally")
        assert await flow.status() is WorkflowState.SUCCESS

    async def test_finally_comes_also_after_a_failure(self, kit: Kit) -> None:
        payload = {"how": ref("workflow.status"), "failed": ref("workflow.failed"), "b": ref("b.status")}
        flow = await begin(kit, {"a": node(), "b": node("a")}, node(type="f", payload=payload))
        await flow.fail("a")
        assert await flow.payload("finally") == {"how": FAILED, "failed": ["a"], "b": SKIPPED}
        await flow.succeed("finally")
        assert await flow.status() is WorkflowState.FAILED

    @pytest.mark.parametrize(
        ("allowed", "status"), [(False, WorkflowState.FAILED), (True, WorkflowState.SUCCESS)]
    )
    async def test_a_finally_that_fails_fails_the_workflow(
        self, kit: Kit, allowed: bool, status: WorkflowState
    ) -> None:
        flow = await begin(kit, {"a": node()}, node(allow_failure=allowed))
        await flow.succeed("a")
        await flow.fail("finally")
        assert await flow.status() is status

    async def test_a_finally_may_fan_out(self, kit: Kit) -> None:
        last = node(type="f", for_each=ref("a.result"), payload={"at": ref("index")})
        flow = await begin(kit, {"a": node()}, last)
        await flow.succeed("a", [1, 2])
        assert (await flow.node("finally")).items == Item(total=2, queued=2)
        for id in await flow.lease():
            await kit.succeed(flow.running()[id])
        assert await flow.status() is WorkflowState.SUCCESS

    async def test_a_finally_that_was_cancelled_before_its_time(self, kit: Kit) -> None:
        flow = await begin(kit, {"a": node()}, node(allow_failure=True))
        await kit.cancel(await flow.task_id("finally"))
        assert await flow.status() is WorkflowState.RUNNING
        await flow.succeed("a")
        assert await flow.states() == {"a": SUCCESS, "finally": CANCELLED}
        assert await flow.status() is WorkflowState.SUCCESS

    # --- the result ----------------------------------------------------------------------------------------------------

    async def test_it_answers_with_its_result(self, kit: Kit) -> None:
        new = new_workflow({"a": node()}, result=_raw('{"a":{"$ref":"a.result.n"}}'))
        flow = await begin_new(kit, new)
        await flow.succeed("a", {"n": 7})
        ended = await flow.get()
        assert ended.result == _raw('{"a":7}')

    async def test_a_result_that_leads_nowhere_fails_the_workflow(self, kit: Kit) -> None:
        new = new_workflow({"a": node()}, result=_raw('{"$ref":"a.result.n"}'))
        flow = await begin_new(kit, new)
        await flow.succeed("a", {"m": 7})
        ended = await flow.get()
        assert (ended.status, ended.result) == (WorkflowState.FAILED, None)
        assert ended.error is not None
        assert "a.result has no member 'n'" in ended.error.message

    # --- cancel --------------------------------------------------------------------------------------------------------

    async def test_a_cancel_ends_what_waits_and_asks_what_runs(self, kit: Kit) -> None:
        nodes = {
            "runs": node(type="runs"),
            "again": node(type="again"),
            "waits": node(type="waits"),
            "blocked": node("runs"),
            "fan": node("runs", for_each=[1, 2]),
            "sub": node("runs", graph=graph({"x": node()}), payload={}),
            "after": node("blocked:done"),
        }
        flow = await begin(kit, nodes, node(type="f", payload={"how": ref("workflow.status")}))
        attempt = await flow.attempt("runs")
        await kit.retry(await flow.attempt("again"))
        await kit.release(await flow.attempt("waits"))
        (asked,) = await cancel(flow)
        assert asked == (attempt.id, 1, (await kit.get(attempt.id)).worker)
        assert await flow.states() == {
            "runs": RUNNING,
            **dict.fromkeys(["again", "waits", "blocked", "fan", "sub", "after"], CANCELLED),
            "finally": BLOCKED,
        }
        view = await flow.get()
        assert (view.status, view.cancel_requested_at) == (WorkflowState.RUNNING, kit.clock.now)
        await abort(flow, "runs")
        assert await flow.payload("finally") == {"how": CANCELLED}
        await flow.succeed("finally")
        ended = await flow.get()
        assert (ended.status, ended.error) == (WorkflowState.CANCELLED, None)

    async def test_a_cancel_when_nothing_has_started(self, kit: Kit) -> None:
        flow = await begin(kit, {"a": node(), "b": node("a")})
        assert await cancel(flow) == []
        assert await flow.states() == {"a": CANCELLED, "b": CANCELLED}
        ended = await flow.get()
        assert (ended.status, ended.finished_at) == (WorkflowState.CANCELLED, kit.clock.now)

    async def test_a_second_cancel_changes_nothing(self, kit: Kit) -> None:
        flow = await begin(kit, {"a": node(), "b": node("a")}, node())
        await flow.attempt("a")
        await cancel(flow)
        seen = await flow.get()
        assert await cancel(flow) == []
        assert await flow.get() == seen
        await flow.succeed("a")
        await flow.succeed("finally")
        seen = await flow.get()
        assert seen.status is WorkflowState.CANCELLED, "what runs may succeed all the same"
        assert await cancel(flow) == []
        assert await flow.get() == seen

    async def test_a_cancel_reaches_every_item_and_every_workflow_within(self, kit: Kit) -> None:
        inner = graph({"x": node(type="x"), "y": node("x")}, node(type="clean"))
        nodes = {
            "list": node(),
            "each": node(graph=inner, for_each=ref("list.result"), payload={}),
            "tasks": node(type="i", for_each=ref("list.result"), payload={"at": ref("index")}),
        }
        flow = await begin(kit, nodes)
        await flow.succeed("list", [1, 2, 3])
        await flow.lease()
        running = dict(list(flow.running().items())[:2])
        for id, attempt in flow.running().items():
            if id not in running:
                await kit.release(attempt)
        asked = await cancel(flow)
        assert {id for id, *_ in asked} == set(running)
        for attempt in running.values():
            await kit.abort(attempt)
        assert (await flow.node("tasks")).items == Item(total=3, cancelled=3)
        cleaning = [id for id in await flow.lease() if id not in running]
        assert len(cleaning) == 3, "the `finally` of each"
        for id in cleaning:
            await kit.succeed(flow.running()[id])
        assert (await flow.node("each")).items == Item(total=3, cancelled=3)
        assert await flow.status() is WorkflowState.CANCELLED

    async def test_a_finally_that_runs_is_left_alone(self, kit: Kit) -> None:
        flow = await begin(kit, {"a": node()}, node())
        await flow.succeed("a")
        await flow.attempt("finally")
        assert await cancel(flow) == []
        await flow.succeed("finally")
        assert await flow.status() is WorkflowState.CANCELLED

    async def test_who_may_cancel(self, kit: Kit) -> None:
        flow = await begin(kit, {"sub": node(graph=graph({"x": node()}), payload={})})
        assert isinstance(await kit.store.cancel_workflow("other", flow.id), NotFound)
        sub = (await flow.node("sub")).workflow_id
        assert sub is not None
        refused = await kit.store.cancel_workflow(DEFAULT_ACCOUNT, sub)
        assert isinstance(refused, NotAllowed)
        assert flow.id in refused.detail

    async def test_a_cancel_is_told_to_the_audit_once(self, kit: Kit) -> None:
        flow = await begin(kit, {"a": node()}, node())
        await cancel(flow, ANN)
        await cancel(flow, ANN)
        page = await kit.store.audit(AuditFilter(entity_id=flow.id), limit=10)
        (entry,) = page.items
        assert (entry.action, entry.entity, entry.actor, entry.account_id) == (
            Action.WORKFLOW_CANCEL,
            "workflow",
            "ann",
            DEFAULT_ACCOUNT,
        )
        assert (entry.before, entry.after) == ({"status": "running"}, {"cancel_requested": True})

    # --- a deadline ----------------------------------------------------------------------------------------------------

    async def test_a_deadline_ends_it_as_failed(self, kit: Kit) -> None:
        flow = await begin(kit, {"a": node(), "b": node("a")}, node(), deadline=60.0)
        attempt = await flow.attempt("a")
        assert (await kit.store.expire_workflows(10)).next_in_s == pytest.approx(60.0)
        kit.clock.advance(60)
        late = await kit.store.expire_workflows(10)
        assert (late.ids, late.next_in_s) == ((flow.id,), None)
        assert [one[:2] for one in late.asked] == [(attempt.id, 1)]
        assert late.asked[0][2] == (await kit.get(attempt.id)).worker
        assert await flow.states() == {"a": RUNNING, "b": CANCELLED, "finally": BLOCKED}
        assert (await kit.get(await flow.task_id("a"))).cancel_requested_at == kit.clock.now
        assert (await kit.store.expire_workflows(10)).ids == ()
        await abort(flow, "a")
        await flow.succeed("finally")
        ended = await flow.get()
        assert (ended.status, ended.cancel_requested_at) == (WorkflowState.FAILED, None)
        assert ended.error is not None
        assert ended.error.type == "DeadlineExceeded"

    async def test_who_is_in_time_does_not_expire(self, kit: Kit) -> None:
        flow = await begin(kit, {"a": node()}, deadline=60.0)
        await flow.succeed("a")
        kit.clock.advance(100)
        assert (await kit.store.expire_workflows(10)).ids == ()
        assert await flow.status() is WorkflowState.SUCCESS

    async def test_a_workflow_within_has_its_own_deadline(self, kit: Kit) -> None:
        inner = graph({"x": node()}, deadline=10.0)
        flow = await begin(
            kit, {"sub": node(graph=inner, payload={}), "b": node("sub:failure")}, deadline=60.0
        )
        sub = (await flow.node("sub")).workflow_id
        kit.clock.advance(10)
        due = await kit.store.expire_workflows(10)
        assert due.ids == (sub,)
        assert due.next_in_s == pytest.approx(50.0)
        assert await flow.states() == {"sub": FAILED, "b": QUEUED}

    # --- whatever ends a task ------------------------------------------------------------------------------------------

    @pytest.mark.parametrize(
        "how",
        [
            "poison",
            "expired",
            "purge",
            "cancel",
            "cancel blocked",
            "lose",
            "release",
            "retry",
            "snooze",
            "abort",
        ],
    )
    async def test_whoever_ends_a_task_moves_the_workflow(self, kit: Kit, how: str) -> None:
        new = new_workflow(
            {"first": node(type="first"), "a": node("first", type="a"), "b": node("a:done", type="b")}
        )
        if how == "expired":
            new.tasks["a"] = _expiring(new.tasks["a"], kit)
        flow = await begin_new(kit, new)
        if how != "cancel blocked":
            await flow.succeed("first")
        task_id = await flow.task_id("a")
        ends: dict[str, Callable[[], Awaitable[object]]] = {
            "poison": lambda: _poison(flow),
            "expired": lambda: kit.store.expire_due(10),
            "purge": lambda: kit.store.purge(DEFAULT_ACCOUNT, "default", 10),
            "cancel": lambda: kit.cancel(task_id),
            "cancel blocked": lambda: kit.cancel(task_id),
        }
        if how == "expired":
            kit.clock.advance(5_000)
        if how in ends:
            await ends[how]()
        else:
            attempt = await flow.attempt("a")
            await kit.cancel(task_id)
            assert (await flow.node("a")).status is State.RUNNING
            if how == "abort":
                assert await kit.abort(attempt) is Verdict.APPLIED
            else:
                assert await getattr(kit, how)(attempt) is Verdict.ABORTED
        ended = (await flow.node("a")).status
        assert ended is (State.FAILED if how in {"poison", "expired"} else State.CANCELLED)
        if how == "purge":
            assert await flow.status() is WorkflowState.FAILED, "it has taken b, too"
        assert (await flow.node("b")).status is (State.CANCELLED if how == "purge" else State.QUEUED)

    async def test_what_ends_nothing_moves_nothing(self, kit: Kit) -> None:
        flow = await begin(kit, {"a": node(), "b": node("a:done")})
        seen = await flow.get()
        attempt = await flow.attempt("a")
        assert await kit.release(attempt) is Verdict.APPLIED
        (again,) = await kit.lease()
        assert await kit.snooze(again, 0.0) is Verdict.APPLIED
        await kit.store.promote_due(10)
        (again,) = await kit.lease()
        assert await kit.retry(again) is Verdict.APPLIED
        kit.clock.advance(60)
        await kit.store.promote_due(10)
        (again,) = await kit.lease()
        assert await kit.lose(again) is Verdict.APPLIED
        assert (await flow.get()).rev == seen.rev
        assert await flow.states() == {"a": QUEUED, "b": BLOCKED}

    async def test_late_words_are_refused_here_too(self, kit: Kit) -> None:
        flow = await begin(kit, {"a": node(), "b": node("a")})
        first = await flow.attempt("a")
        await kit.lose(first)
        (second,) = await kit.lease()
        assert await kit.succeed(first) is Verdict.STALE
        assert await kit.abort(second) is Verdict.STALE, "nobody has asked for it"
        assert (await flow.node("b")).status is State.BLOCKED
        assert await kit.succeed(second) is Verdict.APPLIED
        assert (await flow.node("b")).status is State.QUEUED

    async def test_one_batch_with_tasks_of_workflows_and_others(self, kit: Kit) -> None:
        flows = [await begin(kit, {"a": node(), "b": node("a")}) for _ in range(3)]
        alone = [await kit.submit() for _ in range(3)]
        attempts = {attempt.id: attempt for attempt in await kit.lease(await kit.worker("t"))}
        ids = [
            id for flow, task in zip(flows, alone, strict=True) for id in (await flow.task_id("a"), task.id)
        ]
        items = [
            moves.Succeed(id=id, attempt=attempt, ran_s=1.0, result=_raw("1"))
            for id in ids
            for attempt in (attempts[id].attempt, 7, attempts[id].attempt)
        ]
        applied, stale, duplicate = Verdict.APPLIED, Verdict.STALE, Verdict.DUPLICATE
        assert await kit.store.succeed(items) == [applied, stale, duplicate] * 6
        for flow in flows:
            assert await flow.states() == {"a": SUCCESS, "b": QUEUED}

    # --- several processes ---------------------------------------------------------------------------------------------

    async def test_a_join_is_counted_once_by_two_stores(self, kit: Kit) -> None:
        """Both parents end at once, on two handles of one database; many times."""
        other = await kit.another_store()
        flows = [
            await begin(kit, {"a": node(), "b": node(), "c": node("a", "b"), "d": node("a:done", "b:done")})
            for _ in range(20)
        ]
        attempts = {attempt.id: attempt for attempt in await kit.lease(await kit.worker("t"))}
        for flow in flows:
            one, two = attempts[await flow.task_id("a")], attempts[await flow.task_id("b")]
            (first,), (second,) = await asyncio.gather(
                kit.store.succeed([moves.Succeed(id=one.id, attempt=1, ran_s=1.0, result=_raw("1"))]),
                other.succeed([moves.Succeed(id=two.id, attempt=1, ran_s=1.0, result=_raw("2"))]),
            )
            assert (first, second) == (Verdict.APPLIED, Verdict.APPLIED)
            assert await flow.states() == {"a": SUCCESS, "b": SUCCESS, "c": QUEUED, "d": QUEUED}

    @pytest.mark.parametrize("by", ["cancel", "purge"])
    async def test_a_parent_and_its_child_are_cancelled_at_once(self, kit: Kit, by: str) -> None:
        """The child is cancelled, and released by the same end: it ends once, and each who waits for it counts it once."""
        nodes = {
            "a": node(),
            "b": node("a"),
            "on_done": node("a:done"),
            "join": node("b:done", "x"),
            "after": node("b:done", "on_done:done"),
            "x": node(),
            "z": node(),
            "first": node("z:done"),  # whose name comes before that of its parent
        }
        new = new_workflow(nodes, node(payload={"failed": ref("workflow.failed")}))
        gone = ["a", "b", "on_done", "z", "first"]
        for name in gone:
            new.tasks[name] = msgspec.structs.replace(new.tasks[name], queue="gone")
        flow = await begin_new(kit, new)
        ids = {new.tasks[name].id for name in gone}
        if by == "cancel":
            await kit.store.cancel(DEFAULT_ACCOUNT, list(ids))
        else:
            assert set(await kit.store.purge(DEFAULT_ACCOUNT, "gone", 100)) == ids
        left = {"x": QUEUED, "after": QUEUED, "join": BLOCKED, "finally": BLOCKED}
        assert await flow.states() == dict.fromkeys(gone, CANCELLED) | left
        await flow.succeed("after")
        assert (await flow.node("join")).status is State.BLOCKED
        await flow.succeed("x")
        await flow.succeed("join")
        await flow.succeed("finally")
        ended = await flow.get()
        assert ended.status is WorkflowState.FAILED
        assert ended.counts == {"cancelled": 5, "success": 4}
        assert ended.error is not None
        assert ended.error.message == "these nodes did not succeed: a, b, on_done, z, first"

    async def test_finally_is_cancelled_together_with_the_last_node(self, kit: Kit) -> None:
        for name in ("a", "z"):  # one name comes before that of finally, one after it
            flow = await begin(kit, {name: node()}, node())
            ids = [await flow.task_id(name), await flow.task_id("finally")]
            await kit.store.cancel(DEFAULT_ACCOUNT, ids)
            assert await flow.states() == {name: CANCELLED, "finally": CANCELLED}
            assert await flow.status() is WorkflowState.FAILED

    async def test_ends_and_a_cancel_at_once(self, kit: Kit) -> None:
        """Whatever comes first, the workflow ends, and nothing runs that was cancelled."""
        other = await kit.another_store()
        for _ in range(10):
            flow = await begin(kit, {"a": node(), "b": node("a"), "c": node("b:done")})
            attempt = await flow.attempt("a")
            succeed = moves.Succeed(id=attempt.id, attempt=1, ran_s=1.0, result=_raw("1"))
            (verdict,), outcome = await asyncio.gather(
                kit.store.succeed([succeed]), other.cancel_workflow(DEFAULT_ACCOUNT, flow.id)
            )
            assert verdict is Verdict.APPLIED
            assert isinstance(outcome, tuple)
            assert await flow.states() == {"a": SUCCESS, "b": CANCELLED, "c": CANCELLED}
            assert await flow.status() is WorkflowState.CANCELLED


async def _poison(flow: Flow) -> None:
    attempt = await flow.attempt("a")
    item = moves.Fail(
        id=attempt.id,
        attempt=attempt.attempt,
        ran_s=None,
        reason=Reason.POISON,
        error=OOPS,
        outcome=AttemptOutcome.LOST,
        crashed=True,
    )
    assert await flow.kit.store.fail([item]) == [Verdict.APPLIED]


def _expiring(task: NewTask, kit: Kit) -> NewTask:
    return msgspec.structs.replace(task, expires_at=kit.clock.now.replace(hour=4))


def _raw(text: str) -> Raw:
    return Raw(text.encode())
