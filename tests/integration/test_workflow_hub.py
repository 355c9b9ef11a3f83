"""Workflows as a program sees them: handlers of a hub's own, a worker that runs them, and a handle."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from taskflow_hub import (
    INPUT,
    ITEM,
    Context,
    Hub,
    Invalid,
    NotAllowed,
    NotFound,
    Secret,
    Workflow,
    WorkflowCancelled,
    WorkflowFailed,
    task,
)
from taskflow_hub.domain.clock import new_id
from taskflow_hub.domain.workflow_view import NodeView, WorkflowState
from taskflow_hub.testing.handlers import working

LONG_S = 60.0  # longer than any of these tests may take
LARGE = 100_000  # more than lies in the store

hub = Hub()
opened = asyncio.Event()
mended = asyncio.Event()


@hub.task("page", max_retries=0)
async def page(n: int, size: int = LARGE) -> str:
    if n < 0:
        raise ValueError("there is no such page")
    return str(n) * size


@hub.task("lengths")
async def lengths(ctx: Context, of: str) -> list[int]:
    return [len(one.result) if one.result else -1 async for one in ctx.inputs(of)]


@hub.task("lengths.thread")
def lengths_in_a_thread(ctx: Context, of: str) -> list[int]:
    return [len(one.result) if one.result else -1 for one in ctx.inputs_sync(of)]


@hub.task("send")
async def send(to: str, password: Secret[str]) -> str:
    return f"{to}: {len(password)}"


@hub.task("hang", max_retries=0)
async def hang() -> None:
    opened.set()
    await asyncio.Event().wait()


@hub.task("mend", max_retries=0)
async def mend() -> str:
    if not mended.is_set():
        raise RuntimeError("not yet")
    return "mended"


@pytest.fixture(autouse=True)
async def at_work() -> AsyncIterator[None]:
    opened.clear()
    mended.clear()
    async with working(hub):
        yield


async def nodes(flow_id: str) -> dict[str, NodeView]:
    return dict((await hub.workflow(flow_id).workflow()).nodes or {})


@pytest.mark.parametrize("reader", ["lengths", "lengths.thread"])
async def test_what_is_too_large_to_be_pasted_is_read_one_by_one(reader: str) -> None:
    with Workflow("large") as flow:
        each = page.map([1, 2, -3, 4]).named("each").allow_failure()
        found = task(reader, {"of": "each"})
        each.on_done(found)
        flow.returns(found.result)
    handle = await flow.submit(hub)
    assert await handle.result(timeout=LONG_S) == [LARGE, LARGE, -1, LARGE]


async def test_pasting_it_fails_and_says_what_to_do() -> None:
    with Workflow("large") as flow:
        task("page", {"n": page.node(n=1).result})
    handle = await flow.submit(hub)
    with pytest.raises(WorkflowFailed, match="these nodes did not succeed: page-2"):
        await handle.result(timeout=LONG_S)
    error = (await nodes(handle.id))["page-2"].error
    assert error is not None
    assert 'let the handler read it with ctx.inputs("page")' in error.message


async def test_a_handler_reads_only_what_it_comes_after() -> None:
    with Workflow("stranger") as flow:
        page.node(n=1)
        lengths.options(max_retries=0).node(of="page")
    handle = await flow.submit(hub)
    with pytest.raises(WorkflowFailed):
        await handle.result(timeout=LONG_S)
    error = (await nodes(handle.id))["lengths"].error
    assert error is not None
    assert error.type == "NotFound"


async def test_a_secret_reaches_its_handler_beside_references() -> None:
    with Workflow("secret") as flow:
        name = page.node(n=7, size=3)
        flow.returns(send.node(to=name.result, password="hunter2").result)
    handle = await flow.submit(hub)
    assert await handle.result(timeout=LONG_S) == "777: 7"
    sent = (await nodes(handle.id))["send"]
    assert sent.task_id is not None
    assert b"hunter2" not in bytes((await hub.handle(sent.task_id).task()).payload)
    with Workflow("leak") as leak:
        send.map(["a"], password=ITEM)
    with pytest.raises(Invalid, match=r"/nodes/send/payload/password/\$ref: /password is secret in send"):
        await leak.submit(hub)


async def test_a_handle_waits_cancels_and_tells_how_it_ended() -> None:
    with Workflow("stuck") as flow:
        hang.node() >> page.node(n=1)
    handle = await hub.submit(flow)
    await asyncio.wait_for(opened.wait(), LONG_S)
    with pytest.raises(TimeoutError, match="is still running after 0"):
        await handle.result(timeout=0)
    with pytest.raises(NotAllowed):
        await handle.redrive()
    assert await handle.cancel() is WorkflowState.RUNNING
    with pytest.raises(WorkflowCancelled) as caught:
        await handle.result(timeout=LONG_S)
    assert caught.value.workflow.id == handle.id
    assert await handle.cancel() is WorkflowState.CANCELLED
    assert repr(handle) == f"WorkflowHandle({handle.id!r})"


async def test_a_handle_redrives_what_failed() -> None:
    with Workflow("mended") as flow:
        flow.returns(mend.node().result)
    handle = await flow.submit(hub)
    with pytest.raises(WorkflowFailed, match=r"\(mended\) ended failed: NodeFailed"):
        await handle.result(timeout=LONG_S)
    with pytest.raises(NotAllowed, match="has already ended: failed"):
        await handle.cancel()
    mended.set()
    assert await handle.redrive() is WorkflowState.RUNNING
    assert await hub.workflow(handle.id).result(timeout=LONG_S) == "mended"


async def test_a_key_answers_with_the_first_workflow() -> None:
    with Workflow("once") as flow:
        flow.returns(page.node(n=INPUT, size=1).result)
    first = await flow.submit(hub, input=1, idempotency_key="k")
    again = await flow.submit(hub, input=1, idempotency_key="k")
    assert first.id == again.id
    with pytest.raises(Invalid, match="Idempotency"):
        await flow.submit(hub, input=2, idempotency_key="k")
    with pytest.raises(Invalid, match="/idempotency_key"):
        await flow.submit(hub, input=2, idempotency_key="ä")
    assert await first.result(timeout=LONG_S) == "1"


async def test_what_is_not_there_cannot_be_found() -> None:
    with pytest.raises(NotFound):
        await hub.workflow(new_id()).status()
    with pytest.raises(Invalid, match="/workflow_id"):
        hub.workflow("nonsense")
