"""Workflows whose tasks somebody has removed behind the store's back, and bounds of what begins at once, made small."""

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from msgspec import Raw

from taskflow_hub.domain import moves
from taskflow_hub.domain.clock import Clock
from taskflow_hub.domain.graph import Node
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.model import DEFAULT_ACCOUNT, TaskError
from taskflow_hub.domain.moves import Verdict
from taskflow_hub.domain.workflow_view import NodeView, Workflow, WorkflowState
from taskflow_hub.store.base import Store
from taskflow_hub.store.sqlite import SqliteStore
from taskflow_hub.store.values import ItemPage
from taskflow_hub.testing.store_contract.kit import Kit, ManualClock
from taskflow_hub.testing.store_contract.workflow_kit import Flow, begin, graph, node, ref


@pytest_asyncio.fixture
async def kit(database_path: Path) -> AsyncIterator[Kit]:
    async def open_store(clock: Clock) -> Store:
        return await SqliteStore.open(f"sqlite:///{database_path}", clock=clock)

    clock = ManualClock()
    kit = Kit(await open_store(clock), clock, open_store)
    yield kit
    await kit.close()


async def below(flow: Flow, name: str = "each") -> Flow:
    id = (await flow.node(name)).workflow_id
    assert id is not None
    found = await flow.kit.store.workflow(DEFAULT_ACCOUNT, id)
    assert found is not None
    return Flow(flow.kit, found, ("t",))


def remove(database_path: Path, task_id: str) -> None:
    connection = sqlite3.connect(database_path)
    with connection:
        assert connection.execute("DELETE FROM finished_tasks WHERE id = ?", [task_id]).rowcount == 1
    connection.close()


def failed_for_good(view: NodeView) -> None:
    assert view.status is State.FAILED
    assert view.error is not None
    assert view.error.type == "Gone"
    assert "cannot run again" in view.error.message


async def begun(kit: Kit, each: Node) -> Flow:
    nodes = {"bad": node(type="bad"), "each": each, "after": node("each:done", type="bad")}
    flow = await begin(kit, nodes)
    await flow.fail("bad")
    return flow


async def redriven(flow: Flow) -> None:
    await flow.fail("after")
    again = await flow.kit.store.redrive_workflow(DEFAULT_ACCOUNT, flow.id)
    assert isinstance(again, Workflow)


async def ends_failed(flow: Flow) -> None:
    await flow.succeed("after")
    assert await flow.states() == {"bad": "success", "each": "failed", "after": "success"}
    assert await flow.status() is WorkflowState.FAILED


async def test_an_item_that_cannot_run_again_fails_its_node(kit: Kit, database_path: Path) -> None:
    """And not the call that would begin it: else that finish could never be written."""
    flow = await begun(kit, node("bad:done", for_each=[0, 1]))
    items = await flow.lease()
    for id in items:
        await kit.fail(flow.running()[id])
        flow.forget(id)
    await redriven(flow)
    remove(database_path, items[0])
    await flow.succeed("bad")
    failed_for_good(await flow.node("each"))
    await ends_failed(flow)


@pytest.mark.parametrize(("lost", "left"), [("x", ["y", "finally"]), ("finally", ["x", "y"])])
async def test_a_node_below_that_cannot_run_again_fails(
    kit: Kit, database_path: Path, lost: str, left: list[str]
) -> None:
    inner = graph({"x": node(), "y": node("x:done")}, node())
    flow = await begun(kit, node("bad:done", graph=inner, payload={}))
    sub = await below(flow)
    for name in ("x", "y", "finally"):
        await sub.fail(name)
    await redriven(flow)
    remove(database_path, await sub.task_id(lost))
    await flow.succeed("bad")
    for name in left:
        await sub.succeed(name)
    failed_for_good(await sub.node(lost))
    await ends_failed(flow)


# --- how much begins at once ---------------------------------------------------------------------------------------------


async def succeed_all(kit: Kit) -> None:
    """Whatever may run, in one transaction."""
    items = [
        moves.Succeed(id=attempt.id, attempt=attempt.attempt, ran_s=1.0, result=Raw(b"1"))
        for attempt in await kit.lease(await kit.worker("t"))
    ]
    assert await kit.store.succeed(items) == [Verdict.APPLIED] * len(items)


async def test_so_many_tasks_are_made_at_once(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one workflow: what others begin in the same transaction is not held against it."""
    monkeypatch.setattr("taskflow_hub.store.releasing.MADE_TASKS", 5)
    nodes = {"a": node(), "b": node("a", for_each=[1, 2, 3]), "c": node("a", for_each=[1, 2, 3])}
    flows = [await begin(kit, nodes) for _ in range(3)]
    await succeed_all(kit)
    for flow in flows:
        assert await flow.states() == {"a": "success", "b": "running", "c": "failed"}
        failed = await flow.node("c")
        assert failed.error == TaskError(
            "TooMany",
            "with it more than 5 tasks of its workflow would be made at once; let some come after others",
        )
    monkeypatch.setattr("taskflow_hub.store.releasing.MADE_TASKS", 6)
    more = await begin(kit, {**nodes, "a": node(type="a")})
    await more.succeed("a")
    assert await more.states() == {"a": "success", "b": "running", "c": "running"}


async def test_what_begins_within_a_fan_out_counts_too(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("taskflow_hub.store.releasing.MADE_TASKS", 15)
    inner = graph({"x": node(for_each=[1, 2, 3, 4])}, node())
    flow = await begin(kit, {"each": node(graph=inner, for_each=[1, 2, 3], payload={})})
    page = await kit.store.workflow_items(DEFAULT_ACCOUNT, flow.id, "each", limit=10)
    assert isinstance(page, ItemPage)
    states = []
    for item in page.items:
        assert item.workflow_id is not None
        sub = await kit.store.workflow(DEFAULT_ACCOUNT, item.workflow_id)
        assert sub is not None
        assert sub.nodes is not None
        states.append(sub.nodes["x"].status)
    assert states == [State.RUNNING, State.RUNNING, State.FAILED], "two nodes for each item, and four tasks"


@pytest.mark.parametrize("kind", ["items", "constants", "references"])
async def test_so_many_octets_are_written_at_once(
    kit: Kit, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr("taskflow_hub.store.releasing.MADE_OCTETS", 1_000)
    text = "x" * 300
    within = {"x": node(payload={"text": text})}
    many = {
        "items": node("a", for_each=[1, 2, 3, 4], payload={"text": text}),
        "constants": node("a", graph=graph(within), for_each=[1, 2, 3, 4], payload={}),
        "references": node(
            "a",
            graph=graph({f"x{n}": node(payload={"a": ref("input")}) for n in range(4)}),
            payload=ref("a.result"),
        ),
    }
    flow = await begin(kit, {"a": node(), "b": many[kind]})
    await flow.succeed("a", text)
    if kind == "references":
        sub = await below(flow, "b")
        assert await sub.states() == {"x0": "queued", "x1": "queued", "x2": "failed", "x3": "failed"}
        failed = await sub.node("x2")
    else:
        failed = await flow.node("b")
        assert failed.status is State.FAILED
    assert failed.error is not None
    assert failed.error.type == "TooLarge"
    assert failed.error.message.startswith(
        "with it more than 1000 bytes of payloads of its workflow would be written at once; "
    )
