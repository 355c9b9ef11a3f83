"""Workflows on PostgreSQL: who locks what, and who waits for whom."""

import asyncio
from typing import Any

import asyncpg
import pytest
from msgspec import Raw
from tests.support.postgres import waits_for_a_lock

from taskflow_hub.domain import moves
from taskflow_hub.domain.clock import new_id
from taskflow_hub.domain.errors import Invalid
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.messages import Assignment
from taskflow_hub.domain.model import DEFAULT_ACCOUNT
from taskflow_hub.domain.moves import Verdict
from taskflow_hub.domain.workflow_view import WorkflowState
from taskflow_hub.store.postgres import moves as verbs
from taskflow_hub.store.postgres.statements import SQL_NAMES, statement
from taskflow_hub.store.postgres.submit import submit_here
from taskflow_hub.store.postgres.transaction import Transaction
from taskflow_hub.store.values import Submit, Submitted
from taskflow_hub.testing.store_contract.kit import Kit, new_task
from taskflow_hub.testing.store_contract.workflow_kit import begin, node, ref

ROUNDS, EACH = 12, 20


def succeed(attempt: Assignment) -> moves.Succeed:
    return moves.Succeed(id=attempt.id, attempt=attempt.attempt, ran_s=0.1, result=Raw(b"1"))


async def deadlocks(sql: asyncpg.Connection) -> int:
    found: int = await sql.fetchval(
        "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    )
    return found


async def test_processes_that_end_the_same_workflows_never_wait_in_a_circle(
    kit: Kit, sql: asyncpg.Connection
) -> None:
    """Two end both parents of many joins at once, in opposite orders; each join is counted once all the same."""
    other = await kit.another_store()
    before = await deadlocks(sql)
    worker = await kit.worker(slots=10_000)
    for _ in range(ROUNDS):
        flows = [
            await begin(
                kit, {"a": node(), "b": node(), "c": node("a", "b"), "d": node("a:failure", "b:done")}
            )
            for _ in range(EACH)
        ]
        attempts = {attempt.id: attempt for attempt in await kit.lease(worker)}
        ones = [succeed(attempts[await flow.task_id("a")]) for flow in flows]
        twos = [succeed(attempts[await flow.task_id("b")]) for flow in reversed(flows)]
        for verdicts in await asyncio.gather(kit.store.succeed(ones), other.succeed(twos)):
            assert verdicts == [Verdict.APPLIED] * EACH
        for flow in flows:
            assert await flow.states() == {"a": "success", "b": "success", "c": "queued", "d": "skipped"}
        done = [succeed(attempt) for attempt in await kit.lease(worker)]
        assert await other.succeed(done) == [Verdict.APPLIED] * EACH
        for flow in flows:
            assert await flow.status() is WorkflowState.SUCCESS
    assert await deadlocks(sql) == before


async def test_the_one_statement_passes_over_tasks_of_workflows(kit: Kit, sql: asyncpg.Connection) -> None:
    flow = await begin(kit, {"a": node(), "b": node("a")})
    attempt = await flow.attempt("a")
    alone = await kit.submit()
    (other,) = await kit.lease()
    assert other.id == alone.id
    items = [succeed(attempt), succeed(other)]
    assert await verbs.succeed(Transaction(sql, None), items, whole=False) == [None, Verdict.APPLIED]
    assert await flow.states() == {"a": "running", "b": "blocked"}


async def test_who_ends_other_tasks_does_not_wait_for_workflows(
    kit: Kit, sql: asyncpg.Connection, watcher: asyncpg.Connection
) -> None:
    """Somebody holds a workflow's row: only those wait who end tasks of it."""
    flow = await begin(kit, {"a": node(), "b": node("a")})
    attempt = await flow.attempt("a")
    alone = await kit.submit()
    (other,) = await kit.lease()
    async with sql.transaction():
        await sql.execute("SELECT FROM workflows WHERE id = $1 FOR UPDATE", flow.id)
        waiting = asyncio.ensure_future(kit.store.succeed([succeed(attempt)]))
        await waits_for_a_lock(watcher)
        assert await kit.store.succeed([succeed(other)]) == [Verdict.APPLIED]
        assert await kit.status(alone.id) is State.SUCCESS
        assert not waiting.done()
    assert await waiting == [Verdict.APPLIED]
    assert await flow.states() == {"a": "success", "b": "queued"}


async def test_what_another_process_leased_is_known_by_the_row_alone(kit: Kit) -> None:
    """The hint in memory saves a try, and is not needed."""
    flow = await begin(kit, {"a": node(), "b": node("a"), "c": node("b")})
    other = await kit.another_store()
    (lease,) = (await other.lease([await kit.worker()], 1)).leases
    assert await kit.store.succeed([succeed(lease.assignment)]) == [Verdict.APPLIED]
    assert await kit.store.succeed([succeed(lease.assignment)]) == [Verdict.DUPLICATE]
    assert await flow.states() == {"a": "success", "b": "queued", "c": "blocked"}


# --- ends that are foreseen ----------------------------------------------------------------------------------------------

ROOT_FIRST = "SELECT FROM workflows WHERE id = $1 FOR UPDATE"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The statements of all writes from here on."""
    found: list[str] = []
    names = {statement(name): name for name in SQL_NAMES}
    fetch = Transaction.fetch

    async def noted(self: Transaction, sql: str, *values: Any) -> list[asyncpg.Record]:
        found.append(names[sql])
        return await fetch(self, sql, *values)

    monkeypatch.setattr(Transaction, "fetch", noted)
    return found


async def test_an_end_whose_consequences_are_known_takes_one_statement(kit: Kit, asked: list[str]) -> None:
    flow = await begin(kit, {f"n{n}": node(*([f"n{n - 1}"] if n else [])) for n in range(4)})
    for n in range(4):
        attempt = await flow.attempt(f"n{n}")
        asked.clear()
        assert await kit.store.succeed([succeed(attempt)]) == [Verdict.APPLIED]
        assert asked == ["only/succeed_foreseen"]
    assert await flow.status() is WorkflowState.SUCCESS


async def test_items_of_a_fan_out_are_counted_by_one_statement_until_the_join(
    kit: Kit, asked: list[str]
) -> None:
    flow = await begin(kit, {"l": node(), "each": node("l", for_each=ref("l.result")), "join": node("each")})
    await flow.succeed("l", [*range(30)])
    await flow.lease()
    attempts = list(flow.running().values())
    for some in (attempts[:10], attempts[10:29], attempts[29:]):
        assert (await flow.states())["join"] == "blocked"
        asked.clear()
        assert await kit.store.succeed([succeed(one) for one in some]) == [Verdict.APPLIED] * len(some)
        assert asked == ["only/succeed_foreseen"]
    assert await flow.states() == {"l": "success", "each": "success", "join": "queued"}


async def test_what_has_just_been_answered_is_pasted_without_being_read(kit: Kit, asked: list[str]) -> None:
    flow = await begin(
        kit,
        {
            "a": node(),
            "b": node(payload={"title": ref("a.result.title"), "how": ref("a.status")}),
            "c": node("b", payload={"first": ref("a.result")}),
        },
    )
    await flow.attempt("a")
    asked.clear()
    await flow.succeed("a", {"title": "ä"})
    assert asked == ["only/succeed_foreseen"]
    assert await flow.payload("b") == {"title": "ä", "how": "success"}
    await flow.attempt("b")
    asked.clear()
    await flow.succeed("b", None)
    assert "workflow_answers" in asked  # `a` has ended before
    assert "workflow_nodes" not in asked
    assert await flow.payload("c") == {"first": {"title": "ä"}}


async def test_a_reference_that_leads_nowhere_fails_the_node_of_a_foreseen_end(kit: Kit) -> None:
    flow = await begin(kit, {"a": node(), "b": node(payload={"title": ref("a.result.title")})})
    await flow.succeed("a", {"no": "title"})
    assert await flow.states() == {"a": "success", "b": "failed"}


async def test_what_another_process_has_done_meanwhile_is_found_out(kit: Kit, asked: list[str]) -> None:
    """Both parents of a join end, in two processes: what the first remembers of it is true no longer."""
    other = await kit.another_store()
    flow = await begin(kit, {"a": node(), "b": node(), "c": node("a", "b"), "d": node("c")})
    a, b = await flow.attempt("a"), await flow.attempt("b")
    assert await other.succeed([succeed(b)]) == [Verdict.APPLIED]
    asked.clear()
    assert await kit.store.succeed([succeed(a)]) == [Verdict.APPLIED]
    assert asked[0] == "only/succeed_foreseen"  # in vain
    assert "save_workflows" in asked
    assert await flow.states() == {"a": "success", "b": "success", "c": "queued", "d": "blocked"}
    assert (await flow.get()).rev == 3


async def test_of_a_foreseen_batch_with_a_misfit_the_others_end_all_the_same(
    kit: Kit, asked: list[str]
) -> None:
    flow = await begin(kit, {"a": node(), "b": node(), "c": node("a"), "d": node("b")})
    a, b = await flow.attempt("a"), await flow.attempt("b")
    late = moves.Succeed(id=b.id, attempt=b.attempt + 1, ran_s=0.1, result=Raw(b"1"))
    asked.clear()
    assert await kit.store.succeed([succeed(a), late]) == [Verdict.APPLIED, Verdict.STALE]
    assert asked[0] == "only/succeed_foreseen"
    assert await flow.states() == {"a": "success", "b": "running", "c": "queued", "d": "blocked"}
    assert await kit.store.succeed([succeed(b), succeed(a)]) == [Verdict.APPLIED, Verdict.DUPLICATE]
    assert await flow.states() == {"a": "success", "b": "success", "c": "queued", "d": "queued"}


async def test_an_end_that_waited_for_a_cancel_is_not_what_was_foreseen(
    kit: Kit, sql: asyncpg.Connection, watcher: asyncpg.Connection, asked: list[str]
) -> None:
    flow = await begin(kit, {"a": node(), "b": node("a")})
    attempt = await flow.attempt("a")
    other = await kit.another_store()
    asked.clear()
    async with sql.transaction():
        await sql.execute(ROOT_FIRST, flow.id)
        cancelling = asyncio.ensure_future(other.cancel_workflow(DEFAULT_ACCOUNT, flow.id))
        await waits_for_a_lock(watcher)
        ending = asyncio.ensure_future(kit.store.succeed([succeed(attempt)]))
        await waits_for_a_lock(watcher, 2)
    assert isinstance(await cancelling, tuple)
    assert await ending == [Verdict.APPLIED]
    assert "only/succeed_foreseen" in asked
    assert await flow.states() == {"a": "success", "b": "cancelled"}
    assert await flow.status() is WorkflowState.CANCELLED


async def test_a_foreseen_end_locks_the_root_before_its_task(
    kit: Kit, sql: asyncpg.Connection, watcher: asyncpg.Connection
) -> None:
    """So it never waits in a circle with those who hold the root, and want a task."""
    flow = await begin(kit, {"a": node(), "b": node("a")})
    attempt = await flow.attempt("a")
    async with sql.transaction():
        await sql.execute(ROOT_FIRST, flow.id)
        ending = asyncio.ensure_future(kit.store.succeed([succeed(attempt)]))
        await waits_for_a_lock(watcher)
        await sql.execute("SELECT FROM tasks WHERE id = $1 FOR UPDATE NOWAIT", attempt.id)
    assert await ending == [Verdict.APPLIED]
    assert await flow.states() == {"a": "success", "b": "queued"}


async def test_a_foreseen_result_that_cannot_be_stored_fails_alone(kit: Kit) -> None:
    flow = await begin(kit, {"a": node(), "b": node(), "c": node("a", "b")})
    a, b = await flow.attempt("a"), await flow.attempt("b")
    bad = moves.Succeed(id=a.id, attempt=a.attempt, ran_s=0.1, result=Raw(b'"\xff"'))
    ends = [kit.store.succeed([bad]), kit.store.succeed([succeed(b)])]
    refused, verdicts = await asyncio.gather(*ends, return_exceptions=True)
    assert isinstance(refused, Invalid)
    assert verdicts == [Verdict.APPLIED]
    assert await flow.states() == {"a": "running", "b": "success", "c": "blocked"}


async def test_a_cancel_waits_for_an_end_and_finds_what_it_released(
    kit: Kit, sql: asyncpg.Connection, watcher: asyncpg.Connection
) -> None:
    flow = await begin(kit, {"a": node(), "b": node("a")})
    attempt = await flow.attempt("a")
    other = await kit.another_store()
    async with sql.transaction():
        await sql.execute("SELECT FROM tasks WHERE id = $1 FOR UPDATE", attempt.id)
        ending = asyncio.ensure_future(kit.store.succeed([succeed(attempt)]))
        await waits_for_a_lock(watcher)
        cancelling = asyncio.ensure_future(other.cancel_workflow(DEFAULT_ACCOUNT, flow.id))
        await waits_for_a_lock(watcher, 2)
    assert await ending == [Verdict.APPLIED]
    assert isinstance(await cancelling, tuple)
    assert await flow.states() == {"a": "success", "b": "cancelled"}


async def test_submits_within_one_transaction_leave_no_savepoints(kit: Kit, sql: asyncpg.Connection) -> None:
    """Each would be nested in those before it, to the end of a batch with many fan-outs."""
    good = [new_task(id=new_id()) for _ in range(20)]
    bad = new_task(type="no\x00type")
    tx = Transaction(sql, None)
    async with sql.transaction():
        for task in good:
            (outcome,) = await submit_here(tx, [Submit((task,))])
            assert isinstance(outcome, Submitted)
        refused, stored = await submit_here(tx, [Submit((bad,)), Submit((beside := new_task(),))])
        assert isinstance(refused, Invalid)
        assert isinstance(stored, Submitted)
        for name in ("here", "one"):
            with pytest.raises(asyncpg.InvalidSavepointSpecificationError):
                async with sql.transaction():
                    await sql.execute(f"RELEASE {name}")
    ids = [task.id for task in (*good, beside)]
    assert (await kit.store.tasks(ids)).keys() == set(ids)
