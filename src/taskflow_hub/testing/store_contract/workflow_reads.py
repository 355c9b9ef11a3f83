"""Workflows as they are read, listed, kept and removed; and what their handlers read of others."""

from itertools import chain

import msgspec
import pytest
from msgspec import Raw

from taskflow_hub.domain import moves
from taskflow_hub.domain.audit import Action, Actor, By
from taskflow_hub.domain.clock import new_id
from taskflow_hub.domain.errors import (
    IdempotencyMismatch,
    Invalid,
    LeaseLost,
    NotAllowed,
    NotFound,
    TaskGone,
)
from taskflow_hub.domain.graph import Edge, On
from taskflow_hub.domain.lifecycle import FINAL, State
from taskflow_hub.domain.model import DEFAULT_ACCOUNT, ResultRef
from taskflow_hub.domain.moves import Fence
from taskflow_hub.domain.workflow_view import Input, Parent, Workflow, WorkflowState
from taskflow_hub.store.values import (
    AuditFilter,
    Idempotency,
    InputPage,
    ItemPage,
    TaskFilter,
    WorkflowFilter,
    WorkflowOwner,
)
from taskflow_hub.testing.store_contract.kit import DAY_S, OOPS, ContractBase, Kit
from taskflow_hub.testing.store_contract.workflow_fans import finish_items, over_list
from taskflow_hub.testing.store_contract.workflow_kit import (
    begin,
    begin_new,
    graph,
    new_workflow,
    node,
    ref,
)

ANN = By(kind=Actor.USER, id="ann", name="ann@example.com", account=DEFAULT_ACCOUNT)
ALL = WorkflowFilter()
RETENTION = dict.fromkeys(FINAL, DAY_S)


def key(text: str = "k", fingerprint: str = "f") -> Idempotency:
    return Idempotency(DEFAULT_ACCOUNT, "POST /workflows", text, fingerprint)


async def page(kit: Kit, where: WorkflowFilter = ALL, account: str | None = DEFAULT_ACCOUNT) -> list[str]:
    found = await kit.store.workflows(account, where, limit=100)
    assert found.next_cursor is None
    return [workflow.id for workflow in found.items]


async def inputs(
    kit: Kit, child: Fence, node: str, *, after: int = -1, limit: int = 100
) -> list[tuple[int | None, str, bytes | None]]:
    found = await kit.store.inputs(child, node, after=after, limit=limit)
    assert isinstance(found, InputPage), f"the inputs were refused: {found!r}"
    return [_shown(one) for one in found.items]


def _shown(one: Input) -> tuple[int | None, str, bytes | None]:
    return one.item, one.status.value, None if one.result is None else bytes(one.result)


class WorkflowReadsContract(ContractBase):
    # --- one -----------------------------------------------------------------------------------------------------------

    async def test_a_workflow_as_it_is(self, kit: Kit) -> None:
        nodes = {"a": node(type="x"), "b": node("a", "a:done"), "c": node("b:failure", for_each=[1])}
        new = new_workflow(
            nodes, name="report", tags=("x", "y"), user_id="ann", max_concurrency=5, deadline=60.0
        )
        flow = await begin_new(kit, new)
        began = kit.clock.now
        seen = await flow.get()
        assert msgspec.structs.replace(seen, nodes=None) == Workflow(
            id=new.id,
            name="report",
            status=WorkflowState.RUNNING,
            rev=1,
            user_id="ann",
            tags=("x", "y"),
            created_at=began,
            deadline_at=began.fromtimestamp(began.timestamp() + 60, began.tzinfo),
            max_concurrency=5,
            counts={"blocked": 2, "running": 1},
        )
        assert seen.nodes is not None
        assert list(seen.nodes) == ["a", "b", "c"]
        a, c = seen.nodes["a"], seen.nodes["c"]
        assert (a.type, a.after, a.status, a.task_id) == ("x", (), State.QUEUED, new.tasks["a"].id)
        assert (c.after, c.status, c.task_id) == ((Edge("b", On.FAILURE),), State.BLOCKED, None)
        kit.clock.advance(1)
        await flow.succeed("a", {"n": 1})
        seen = await flow.get()
        assert seen.rev == 2
        assert seen.nodes is not None
        a = seen.nodes["a"]
        assert (a.status, a.result, a.finished_at) == (State.SUCCESS, Raw(b'{"n":1}'), kit.clock.now)
        assert a.started_at is not None
        await flow.fail("b")
        b = await flow.node("b")
        assert (b.status, b.error) == (State.FAILED, OOPS)

    async def test_rev_rises_with_every_change_and_only_then(self, kit: Kit) -> None:
        flow = await begin(kit, {"a": node(), "b": node("a"), "c": node("a", for_each=[1, 2])})
        revs = [(await flow.get()).rev]
        attempt = await flow.attempt("a")
        await kit.retry(attempt)
        flow.forget(attempt.id)
        assert (await flow.get()).rev == revs[0], "a task's own comings and goings are its own"
        kit.clock.advance(60)
        await kit.store.promote_due(5)
        await flow.succeed("a")
        revs.append((await flow.get()).rev)
        for id in await flow.lease():
            await kit.succeed(flow.running()[id])
            revs.append((await flow.get()).rev)
        assert len(revs) == 5
        assert revs == sorted(set(revs))

    async def test_that_workflows_moved_is_told_of_every_end(self, kit: Kit) -> None:
        flow = await begin(kit, {"a": node(), "b": node("a"), "c": node("b", for_each=[1]), "d": node("c")})
        told = [kit.store.workflow_decisions]
        for _ in range(4):
            (id,) = await flow.lease()
            await kit.succeed(flow.running()[id])
            told.append(kit.store.workflow_decisions)
        assert await flow.status() is WorkflowState.SUCCESS
        assert told == sorted(set(told))

    async def test_results_are_shown_as_far_as_a_page_may_weigh(self, kit: Kit) -> None:
        flow = await begin(kit, {f"n{n:03}": node() for n in range(150)})
        items = [
            moves.Succeed(id=attempt.id, attempt=1, ran_s=1.0, result=Raw(b'"%b"' % (b"x" * 60_000)))
            for attempt in await kit.lease(await kit.worker("t", slots=500))
        ]
        await kit.store.succeed(items)
        nodes = (await flow.get()).nodes
        assert nodes is not None
        shown = [view.result is not None for view in nodes.values()]
        assert shown == sorted(shown, reverse=True)
        assert 130 <= sum(shown) < 150
        assert [view.result_withheld for view in nodes.values()] == [not each for each in shown]

    async def test_results_outside_the_store_are_marked(self, kit: Kit) -> None:
        flow = await begin(kit, {"a": node(), "b": node(), "each": node(for_each=[1, 2])})
        outside = ResultRef(storage="folder", ref="r", preview="[1", size=99_999, ttl=None)
        ids = [await flow.task_id("a"), (await flow.items("each")).items[1].task_id or ""]
        await flow.lease()
        done = [moves.Succeed(id=id, attempt=1, ran_s=1.0, result_ref=outside) for id in ids]
        await kit.store.succeed(done)
        await flow.succeed("b")
        a, b = await flow.node("a"), await flow.node("b")
        assert (a.result, a.result_withheld) == (None, True)
        assert (b.result, b.result_withheld) == (Raw(b"null"), False)
        assert [one.result_withheld for one in (await flow.items("each")).items] == [False, True]

    async def test_a_workflow_within_knows_where_it_belongs(self, kit: Kit) -> None:
        inner = graph({"x": node()})
        flow = await begin(
            kit, {"sub": node(graph=inner, payload={}), "each": node(graph=inner, for_each=[1, 2])}
        )
        sub = (await flow.node("sub")).workflow_id
        assert sub is not None
        seen = await kit.store.workflow(DEFAULT_ACCOUNT, sub)
        assert seen is not None
        assert seen.parent == Parent(flow.id, "sub")
        items = (await flow.items("each")).items
        assert [(item.item, item.task_id, item.status) for item in items] == [
            (0, None, State.RUNNING),
            (1, None, State.RUNNING),
        ]
        assert items[1].workflow_id is not None
        seen = await kit.store.workflow(DEFAULT_ACCOUNT, items[1].workflow_id)
        assert seen is not None
        assert seen.parent == Parent(flow.id, "each", 1)
        assert await page(kit) == [flow.id], "lists have roots alone"

    async def test_whose_it_is(self, kit: Kit) -> None:
        inner = graph({"x": node(task={"queue": "in"})})
        nodes = {"a": node(task={"queue": "q"}), "b": node(), "sub": node(graph=inner, payload={})}
        flow = await begin(kit, nodes, account_id="them")
        assert await kit.store.workflow_owner(flow.id) == WorkflowOwner("them", ("", "in", "q"))
        assert await kit.store.workflow_owner(new_id()) is None

    # --- items ---------------------------------------------------------------------------------------------------------

    async def test_the_items_of_a_fan_out(self, kit: Kit) -> None:
        flow = await begin(kit, over_list())
        assert await flow.items("each") == ItemPage((), more=False)
        await flow.succeed("list", list(range(6)))
        await finish_items(flow, {0: "A", 2: "C"}, failing=(1,))
        found = (await flow.items("each")).items
        assert [(one.item, one.status.value) for one in found] == [
            (0, "success"),
            (1, "failed"),
            (2, "success"),
            (3, "running"),
            (4, "running"),
            (5, "running"),
        ]
        assert (found[0].result, found[1].error) == (Raw(b'"A"'), OOPS)
        assert found[0].started_at is not None
        assert found[0].finished_at == kit.clock.now
        some = await flow.items("each", status=[State.SUCCESS], after=0)
        assert ([one.item for one in some.items], some.more) == ([2], False)
        some = await flow.items("each", after=2, limit=2)
        assert ([one.item for one in some.items], some.more) == ([3, 4], True)
        some = await flow.items("each", after=3, limit=2)
        assert ([one.item for one in some.items], some.more) == ([4, 5], False)
        read = kit.store.workflow_items
        refused = await read(DEFAULT_ACCOUNT, flow.id, "list", limit=10)
        assert isinstance(refused, NotFound)
        assert refused.detail == f"Node 'list' of workflow {flow.id} is no fan-out, so it has no items."
        assert isinstance(await read(DEFAULT_ACCOUNT, flow.id, "nope", limit=10), NotFound)
        assert isinstance(await read("other", flow.id, "each", limit=10), NotFound)

    async def test_a_page_of_items_ends_before_it_is_too_heavy_and_the_next_goes_on(self, kit: Kit) -> None:
        flow = await begin(kit, over_list())
        await flow.succeed("list", list(range(300)))
        await finish_items(flow, dict.fromkeys(range(300), "x" * 60_000), failing=(7, 290))
        for states in ((), (State.SUCCESS,)):
            pages = [await flow.items("each", status=states, limit=1_000)]
            while pages[-1].more:
                after = pages[-1].items[-1].item
                pages.append(await flow.items("each", status=states, after=after, limit=1_000))
            read = [one.item for one in chain.from_iterable(page.items for page in pages)]
            assert read == [n for n in range(300) if not states or n not in (7, 290)]
            assert len(pages) == 3

    # --- inputs --------------------------------------------------------------------------------------------------------

    async def test_a_handler_reads_what_came_before_it(self, kit: Kit) -> None:
        flow = await begin(kit, over_list() | {"aside": node()})
        await flow.succeed("list", list(range(5)))
        await finish_items(flow, {0: "A", 2: None, 3: "D"}, failing=(1,))
        await finish_items(flow, {4: "E"})
        assert (await flow.node("sum")).status is State.SKIPPED
        flow = await begin(kit, over_list() | {"sum": node("each:done", type="sum")})
        await flow.succeed("list", list(range(5)))
        await finish_items(flow, {0: "A", 2: None, 3: "D", 4: "E"}, failing=(1,))
        attempt = await flow.attempt("sum")
        child = Fence(attempt.id, attempt.attempt)
        everything = [
            (0, "success", b'"A"'),
            (1, "failed", None),
            (2, "success", b"null"),
            (3, "success", b'"D"'),
            (4, "success", b'"E"'),
        ]
        assert await inputs(kit, child, "each") == everything
        assert await inputs(kit, child, "list") == [(None, "success", b"[0,1,2,3,4]")], "also not directly"
        first = await kit.store.inputs(child, "each", limit=2)
        assert isinstance(first, InputPage)
        assert (first.more, len(first.items)) == (True, 2)
        rest = await kit.store.inputs(child, "each", after=1, limit=3)
        assert isinstance(rest, InputPage)
        assert (rest.more, [_shown(one) for one in rest.items]) == (False, everything[2:])
        assert await inputs(kit, child, "list", after=0) == []

    async def test_a_page_of_inputs_ends_before_it_is_too_heavy(self, kit: Kit) -> None:
        flow = await begin(kit, over_list() | {"sum": node("each", type="sum")})
        await flow.succeed("list", list(range(300)))
        await finish_items(flow, dict.fromkeys(range(300), "x" * 60_000))
        attempt = await flow.attempt("sum")
        child = Fence(attempt.id, attempt.attempt)
        read: list[int | None] = []
        pages = 0
        after = -1
        while True:
            found = await kit.store.inputs(child, "each", after=after, limit=1_000)
            assert isinstance(found, InputPage)
            read += [one.item for one in found.items]
            pages += 1
            if not found.more:
                break
            after = read[-1] or 0
        assert read == list(range(300))
        assert pages == 3

    async def test_inputs_that_lie_outside_the_store(self, kit: Kit) -> None:
        flow = await begin(kit, {"a": node(), "b": node("a")})
        attempt = await flow.attempt("a")
        outside = ResultRef(storage="folder", ref="r", preview="[1", size=99_999, ttl=None)
        done = moves.Succeed(id=attempt.id, attempt=1, ran_s=1.0, result_ref=outside)
        await kit.store.succeed([done])
        child = await flow.attempt("b")
        found = await kit.store.inputs(Fence(child.id, 1), "a", limit=10)
        assert isinstance(found, InputPage)
        assert found.refs == {0: outside}

    async def test_inputs_of_a_workflow_within(self, kit: Kit) -> None:
        inner = graph({"x": node(type="x")}, result=Raw(b'{"$ref":"x.result"}'))
        flow = await begin(kit, {"sub": node(graph=inner, payload={}), "b": node("sub")})
        (id,) = await flow.lease()
        await kit.succeed(flow.running()[id], b'"inner"')
        child = await flow.attempt("b")
        assert await inputs(kit, Fence(child.id, 1), "sub") == [(None, "success", b'"inner"')]

    async def test_who_may_read_inputs(self, kit: Kit) -> None:
        flow = await begin(kit, {"a": node(), "b": node("a"), "c": node()})
        await flow.succeed("a")
        child = await flow.attempt("b")
        refused = await kit.store.inputs(Fence(child.id, 1), "c", limit=10)
        assert isinstance(refused, NotFound)
        assert refused.detail == "Node 'b' does not come after a node 'c', so it has no inputs from it."
        assert isinstance(await kit.store.inputs(Fence(child.id, 2), "a", limit=10), LeaseLost)
        await flow.succeed("b")
        assert isinstance(await kit.store.inputs(Fence(child.id, 1), "a", limit=10), LeaseLost)
        alone = await kit.run()
        assert isinstance(await kit.store.inputs(Fence(alone.id, 1), "a", limit=10), NotFound)

    async def test_finally_may_read_all(self, kit: Kit) -> None:
        flow = await begin(kit, {"a": node(), "b": node("a")}, node())
        await flow.fail("a")
        child = await flow.attempt("finally")
        assert await inputs(kit, Fence(child.id, 1), "b") == [(None, "skipped", None)]

    # --- lists ---------------------------------------------------------------------------------------------------------

    async def test_lists_are_newest_first_and_go_on(self, kit: Kit) -> None:
        flows = [await begin(kit, {"a": node(), "b": node("a")}) for _ in range(5)]
        ids = [flow.id for flow in reversed(flows)]
        first = await kit.store.workflows(DEFAULT_ACCOUNT, ALL, limit=2)
        assert [one.id for one in first.items] == ids[:2]
        assert first.items[0].nodes is None
        assert first.items[0].counts == {"blocked": 1, "running": 1}
        second = await kit.store.workflows(DEFAULT_ACCOUNT, ALL, limit=3, cursor=first.next_cursor)
        assert ([one.id for one in second.items], second.next_cursor) == (ids[2:], None)
        with pytest.raises(Invalid):
            await kit.store.workflows(DEFAULT_ACCOUNT, ALL, limit=2, cursor="nonsense")

    async def test_lists_by_every_condition(self, kit: Kit) -> None:
        one = await begin(kit, {"a": node()}, name="one", tags=("x", "y"), user_id="ann")
        two = await begin(kit, {"a": node()}, name="two", tags=("y",), user_id="bob")
        other = await begin(kit, {"a": node()}, account_id="other")
        kit.clock.advance(100)
        late = await begin(kit, {"a": node()}, name="two")
        await kit.cancel(await two.task_id("a"))
        now = kit.clock.now
        earlier = now.fromtimestamp(now.timestamp() - 50, now.tzinfo)
        assert await page(kit) == [late.id, two.id, one.id]
        assert await page(kit, account=None) == [late.id, other.id, two.id, one.id]
        assert await page(kit, WorkflowFilter(name="two")) == [late.id, two.id]
        assert await page(kit, WorkflowFilter(tag="y")) == [two.id, one.id]
        assert await page(kit, WorkflowFilter(user="ann")) == [one.id]
        assert await page(kit, WorkflowFilter(created_after=earlier)) == [late.id]
        assert await page(kit, WorkflowFilter(created_before=earlier)) == [two.id, one.id]
        assert await page(kit, WorkflowFilter(status=(WorkflowState.FAILED,))) == [two.id]
        both = (WorkflowState.RUNNING, WorkflowState.FAILED)
        assert await page(kit, WorkflowFilter(status=both, name="two")) == [late.id, two.id]

    # --- idempotency ---------------------------------------------------------------------------------------------------

    async def test_a_repeat_with_the_same_key_is_the_same_workflow(self, kit: Kit) -> None:
        flow = await begin_new(kit, new_workflow({"a": node()}), key())
        await flow.succeed("a")
        again = await kit.store.submit_workflow(new_workflow({"a": node()}), idempotency=key())
        assert again == (await flow.get(), False)
        assert await page(kit) == [flow.id]
        refused = await kit.store.submit_workflow(
            new_workflow({"a": node()}), idempotency=key(fingerprint="g")
        )
        assert isinstance(refused, IdempotencyMismatch)
        more = await kit.store.submit_workflow(new_workflow({"a": node()}), idempotency=key("other"))
        assert isinstance(more, tuple)
        assert more[1]

    async def test_a_key_whose_workflow_is_forgotten(self, kit: Kit) -> None:
        flow = await begin_new(kit, new_workflow({"a": node()}), key())
        await flow.succeed("a")
        assert await kit.store.delete_workflow(DEFAULT_ACCOUNT, flow.id) is None
        refused = await kit.store.submit_workflow(new_workflow({"a": node()}), idempotency=key())
        assert isinstance(refused, TaskGone)
        assert refused.detail.startswith(f"Workflow {flow.id} was made by this request before")

    async def test_a_key_is_free_after_a_refusal(self, kit: Kit) -> None:
        await kit.store.set_quota(DEFAULT_ACCOUNT, per_day=0)
        refused = await kit.store.submit_workflow(new_workflow({"a": node()}), idempotency=key())
        assert not isinstance(refused, tuple)
        await kit.store.set_quota(DEFAULT_ACCOUNT, per_day=None)
        made = await kit.store.submit_workflow(new_workflow({"b": node()}), idempotency=key(fingerprint="g"))
        assert isinstance(made, tuple)

    # --- removal -------------------------------------------------------------------------------------------------------

    async def test_a_workflow_is_removed_with_everything_of_it(self, kit: Kit) -> None:
        inner = graph({"x": node(type="x")})
        nodes = {"list": node(), "each": node(graph=inner, for_each=ref("list.result"), payload={})}
        flow = await begin(kit, nodes)
        refused = await kit.store.delete_workflow(DEFAULT_ACCOUNT, flow.id)
        assert isinstance(refused, NotAllowed)
        await flow.succeed("list", [1, 2])
        for id in await flow.lease():
            await kit.succeed(flow.running()[id])
        assert isinstance(await kit.store.delete_workflow("other", flow.id), NotFound)
        other = await kit.submit()
        assert await kit.store.delete_workflow(DEFAULT_ACCOUNT, flow.id, by=ANN) is None
        assert await kit.store.workflow(DEFAULT_ACCOUNT, flow.id) is None
        assert await page(kit) == []
        found = await kit.store.search(DEFAULT_ACCOUNT, TaskFilter(), limit=10)
        assert [task.id for task in found.items] == [other.id]
        assert isinstance(await kit.store.delete_workflow(DEFAULT_ACCOUNT, flow.id), NotFound)
        (entry,) = (await kit.store.audit(AuditFilter(entity_id=flow.id), limit=10)).items
        assert (entry.action, entry.before, entry.meta) == (
            Action.WORKFLOW_DELETE,
            {"status": "success"},
            {"name": "w"},
        )

    async def test_old_workflows_are_forgotten_by_outcome(self, kit: Kit) -> None:
        good, bad, runs = [
            await begin(kit, {name: node(type=f"t{n}") for name in ("a", "b")}) for n in range(3)
        ]
        for flow in (good, bad):
            await flow.succeed("a")
        await good.succeed("b")
        await bad.fail("b")
        kit.clock.advance(2 * DAY_S)
        young = await begin(kit, {"a": node()})
        await kit.cancel(await young.task_id("a"))
        keep = {WorkflowState.SUCCESS: DAY_S, WorkflowState.FAILED: 3 * DAY_S}
        assert await kit.store.prune_workflows(keep, 10) == [good.id]
        assert await kit.store.prune_workflows(keep, 10) == []
        assert await page(kit) == [young.id, runs.id, bad.id]
        kit.clock.advance(2 * DAY_S)
        assert set(await kit.store.prune_workflows(keep, 10)) == {bad.id}

    async def test_no_more_are_forgotten_than_asked(self, kit: Kit) -> None:
        for _ in range(5):
            await (await begin(kit, {"a": node(type="a")})).succeed("a")
        kit.clock.advance(DAY_S)
        keep = {WorkflowState.SUCCESS: 1.0}
        counts = [len(await kit.store.prune_workflows(keep, 2)) for _ in range(4)]
        assert counts == [2, 2, 1, 0]

    async def test_history_keeps_what_an_unfinished_workflow_may_ask_for(self, kit: Kit) -> None:
        inner = graph({"x": node(type="x"), "y": node("x", type="x")})
        nodes = {"a": node(), "b": node(payload={"x": ref("a.result")}), "sub": node(graph=inner, payload={})}
        flow = await begin(kit, nodes)
        alone = await kit.run()
        await kit.succeed(alone)
        await flow.succeed("a", "kept")
        (x,) = [id for id, attempt in flow.running().items() if attempt.type == "x"]
        await kit.succeed(flow.running()[x])
        flow.forget(x)
        kit.clock.advance(10 * DAY_S)
        for _ in range(5):
            await kit.store.prune(RETENTION, 100)
        assert await kit.status(await flow.task_id("a")) is State.SUCCESS
        assert await kit.status(x) is State.SUCCESS
        await flow.lease()
        for attempt in flow.running().values():
            await kit.succeed(attempt)
        assert await flow.status() is WorkflowState.SUCCESS
        for _ in range(5):
            await kit.store.prune(RETENTION, 100)
        assert await kit.store.task(DEFAULT_ACCOUNT, x) is None, "it has ended, so they may go"
