"""Workflows: what comes after what."""

import pytest

from taskflow_hub.domain.errors import Invalid, QuotaExceeded
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.model import DEFAULT_ACCOUNT
from taskflow_hub.domain.moves import Verdict
from taskflow_hub.domain.workflow_view import WorkflowState
from taskflow_hub.testing.store_contract.kit import ContractBase, Kit
from taskflow_hub.testing.store_contract.workflow_kit import begin, begin_new, new_workflow, node

SUCCESS, FAILED, CANCELLED, SKIPPED = "success", "failed", "cancelled", "skipped"
BLOCKED, QUEUED, RUNNING = "blocked", "queued", "running"


class WorkflowsContract(ContractBase):
    async def test_a_chain_goes_step_by_step(self, kit: Kit) -> None:
        flow = await begin(kit, {"a": node(), "b": node("a"), "c": node("b")})
        assert await flow.states() == {"a": QUEUED, "b": BLOCKED, "c": BLOCKED}
        await flow.succeed("a")
        assert await flow.states() == {"a": SUCCESS, "b": QUEUED, "c": BLOCKED}
        await flow.succeed("b")
        await flow.succeed("c", {"n": 3})
        assert await flow.states() == {"a": SUCCESS, "b": SUCCESS, "c": SUCCESS}
        ended = await flow.get()
        assert ended.status is WorkflowState.SUCCESS
        assert ended.finished_at == kit.clock.now
        assert ended.counts == {"success": 3}

    @pytest.mark.parametrize(
        ("on", "how", "then"),
        [
            ("success", SUCCESS, QUEUED),
            ("success", FAILED, SKIPPED),
            ("success", CANCELLED, SKIPPED),
            ("success", SKIPPED, SKIPPED),
            ("failure", SUCCESS, SKIPPED),
            ("failure", FAILED, QUEUED),
            ("failure", CANCELLED, SKIPPED),
            ("failure", SKIPPED, SKIPPED),
            ("done", SUCCESS, QUEUED),
            ("done", FAILED, QUEUED),
            ("done", CANCELLED, QUEUED),
            ("done", SKIPPED, QUEUED),
        ],
    )
    async def test_every_kind_of_edge(self, kit: Kit, on: str, how: str, then: str) -> None:
        flow = await begin(
            kit, {"first": node(), "a": node("first"), "b": node(f"a:{on}"), "c": node("a:done")}
        )
        if how == SKIPPED:
            await flow.fail("first")
        else:
            await flow.succeed("first")
        if how == SUCCESS:
            await flow.succeed("a")
        elif how == FAILED:
            await flow.fail("a")
        elif how == CANCELLED:
            await kit.cancel(await flow.task_id("a"))
        states = await flow.states()
        assert (states["a"], states["b"], states["c"]) == (how, then, QUEUED)

    async def test_a_join_waits_for_all_its_parents(self, kit: Kit) -> None:
        flow = await begin(kit, {"a": node(), "b": node("a"), "c": node("a"), "d": node("b", "c")})
        await flow.succeed("a")
        assert await flow.states() == {"a": SUCCESS, "b": QUEUED, "c": QUEUED, "d": BLOCKED}
        await flow.succeed("c")
        assert (await flow.node("d")).status is State.BLOCKED
        await flow.succeed("b")
        assert (await flow.node("d")).status is State.QUEUED

    async def test_a_join_is_skipped_only_when_all_its_parents_have_ended(self, kit: Kit) -> None:
        flow = await begin(kit, {"a": node(), "b": node(), "c": node("a", "b"), "d": node("c:done")})
        await flow.fail("a")
        assert await flow.states() == {"a": FAILED, "b": RUNNING, "c": BLOCKED, "d": BLOCKED}
        await flow.succeed("b")
        assert await flow.states() == {"a": FAILED, "b": SUCCESS, "c": SKIPPED, "d": QUEUED}
        await flow.succeed("d")
        assert await flow.status() is WorkflowState.FAILED

    async def test_skips_go_on_and_on(self, kit: Kit) -> None:
        names = [f"n{n}" for n in range(30)]
        nodes = {name: node(*names[max(0, n - 1) : n]) for n, name in enumerate(names)}
        flow = await begin(kit, nodes)
        await flow.fail("n0")
        assert await flow.states() == {"n0": FAILED} | dict.fromkeys(names[1:], SKIPPED)
        ended = await flow.get()
        assert ended.status is WorkflowState.FAILED
        assert ended.error is not None
        assert ended.error.message == "these nodes did not succeed: n0"

    async def test_an_alarm_is_no_repair(self, kit: Kit) -> None:
        flow = await begin(kit, {"a": node(), "alarm": node("a:failure")})
        await flow.fail("a")
        assert await flow.status() is WorkflowState.RUNNING
        await flow.succeed("alarm")
        assert await flow.status() is WorkflowState.FAILED

    async def test_a_failure_may_be_allowed(self, kit: Kit) -> None:
        flow = await begin(kit, {"a": node(allow_failure=True), "b": node("a:done"), "c": node("a")})
        await flow.fail("a")
        await flow.succeed("b")
        assert await flow.states() == {"a": FAILED, "b": SUCCESS, "c": SKIPPED}
        assert await flow.status() is WorkflowState.SUCCESS

    async def test_a_word_said_twice_moves_nothing_twice(self, kit: Kit) -> None:
        """A commit whose answer was lost is repeated."""
        flow = await begin(kit, {"a": node(), "b": node("a"), "c": node("a"), "d": node("b", "c")})
        first = await flow.attempt("a")
        await flow.succeed("a")
        assert await kit.succeed(first) is Verdict.DUPLICATE
        attempt = await flow.attempt("b")
        await flow.succeed("b")
        seen = await flow.get()
        assert await kit.succeed(attempt) is Verdict.DUPLICATE
        assert await kit.fail(attempt) is Verdict.STALE
        assert await flow.get() == seen
        assert (await flow.node("d")).status is State.BLOCKED

    async def test_the_same_call_again_answers_the_same(self, kit: Kit) -> None:
        new = new_workflow({"a": node(), "b": node("a")})
        flow = await begin_new(kit, new)
        await flow.succeed("a")
        seen = await flow.get()
        again = await kit.store.submit_workflow(new)
        assert again == (seen, True)

    async def test_another_account_does_not_see_it(self, kit: Kit) -> None:
        flow = await begin(kit, {"a": node()})
        assert await kit.store.workflow("other", flow.id) is None
        assert await kit.store.workflow(None, flow.id) == await flow.get()
        assert (await kit.get(await flow.task_id("a"))).workflow_id == flow.id

    async def test_a_quota_refuses_a_workflow_whole(self, kit: Kit) -> None:
        await kit.store.set_quota(DEFAULT_ACCOUNT, per_day=2)
        new = new_workflow({"a": node(), "b": node(), "c": node()})
        refused = await kit.store.submit_workflow(new)
        assert isinstance(refused, QuotaExceeded)
        assert [error.pointer for error in refused.errors] == ["/nodes/c"]
        assert await kit.store.workflow(DEFAULT_ACCOUNT, new.id) is None
        assert await kit.store.task(DEFAULT_ACCOUNT, new.tasks["a"].id) is None
        assert not isinstance(refused, Invalid)
