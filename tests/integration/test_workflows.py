"""Workflows through the engine: made in Python, moved by real loops and a worker whose every word the test says."""

import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tests.integration.engine_house import HandWorker, House, open_house
from tests.support.grounds import Ground, within_one_process

from taskflow_hub import INDEX, INPUT, ITEM, WORKFLOW, Workflow, task
from taskflow_hub.domain.access import ANYBODY
from taskflow_hub.domain.errors import IdempotencyMismatch, Invalid, NotAllowed, NotFound, QuotaExceeded
from taskflow_hub.domain.messages import Aborted, Assignment, Stop, Why
from taskflow_hub.domain.model import DEFAULT_ACCOUNT
from taskflow_hub.domain.workflow_view import Workflow as View
from taskflow_hub.domain.workflow_view import WorkflowState
from taskflow_hub.engine.idempotency import fingerprint
from taskflow_hub.store.values import TaskFilter, WorkflowFilter

pytestmark = within_one_process  # what workflows add is between the engine and the store

Script = Mapping[str, Callable[[Any], Any]]  # by type: from the payload to the result
TYPES = ("fetch", "keep", "alarm", "list", "sum", "tidy")
fetch, keep, alarm, list_type, total, tidy = (task(type).options(max_retries=0) for type in TYPES)


class Down(Exception):
    """What a handler raises."""


@pytest_asyncio.fixture
async def house(ground: Ground, tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(ground, tmp_path) as opened:
        yield opened


class Stage:
    """A worker that answers by a script; `told` is what its handlers were given, in order."""

    def __init__(self, house: House, worker: HandWorker) -> None:
        self.house, self.worker = house, worker
        self.told: list[tuple[str, Any]] = []

    async def submit(self, flow: Workflow, input: Any = None, **options: Any) -> View:
        workflow, _ = await self.house.engine.workflows.submit(flow.submission(input), **options)
        return workflow

    async def given(self) -> list[Assignment]:
        await self.house.dispatch()
        return await self.worker.take()

    async def answer(self, assignments: list[Assignment], script: Script) -> None:
        for one in assignments:
            payload = json.loads(bytes(one.payload))
            self.told.append((one.type, payload))
            try:
                result = script.get(one.type, lambda payload: payload)(payload)
            except Down:
                await self.worker.report(self.worker.failed(one))
            else:
                await self.worker.report(self.worker.succeeded(one, result))
        await self.house.collect()

    async def play(self, script: Script) -> None:
        """Until there is nothing more to do."""
        while assignments := await self.given():
            await self.answer(assignments, script)

    async def view(self, workflow: View) -> View:
        return await self.house.engine.workflows.get(DEFAULT_ACCOUNT, workflow.id)

    async def ends(self, workflow: View) -> dict[str, str]:
        return {name: str(node.status) for name, node in ((await self.view(workflow)).nodes or {}).items()}


@pytest_asyncio.fixture
async def stage(house: House) -> Stage:
    return Stage(house, await house.worker(*TYPES, slots=100))


def fails(payload: Any) -> Any:
    raise Down


def result_of(view: View) -> Any:
    return None if view.result is None else json.loads(bytes(view.result))


def pipeline() -> Workflow:
    with Workflow("pipeline") as flow:
        page = fetch.node(url=INPUT["url"])
        kept = keep.node(title=page.result["title"])
        page.on_failure(alarm.node(why=page.error.message))
        flow.returns({"kept": kept.result, "by": WORKFLOW.name})
    return flow


# --- from submit to result


async def test_what_one_answers_another_is_given(stage: Stage) -> None:
    workflow = await stage.submit(pipeline(), {"url": "https://example.com"})
    assert await stage.ends(workflow) == {"fetch": "queued", "keep": "blocked", "alarm": "blocked"}
    await stage.play({"fetch": lambda payload: {"title": payload["url"].upper()}, "keep": lambda payload: 17})
    assert stage.told == [
        ("fetch", {"url": "https://example.com"}),
        ("keep", {"title": "HTTPS://EXAMPLE.COM"}),
    ]
    view = await stage.view(workflow)
    assert view.status is WorkflowState.SUCCESS
    assert result_of(view) == {"kept": 17, "by": "pipeline"}
    assert await stage.ends(workflow) == {"fetch": "success", "keep": "success", "alarm": "skipped"}
    assert stage.house.counted("workflows_submitted_total") == 1


async def test_a_branch_that_is_not_taken_is_skipped(stage: Stage) -> None:
    workflow = await stage.submit(pipeline(), {"url": "x"})
    await stage.play({"fetch": fails})
    assert stage.told[1] == ("alarm", {"why": "no such page"})
    view = await stage.view(workflow)
    assert (view.status, view.result) == (WorkflowState.FAILED, None)
    assert await stage.ends(workflow) == {"fetch": "failed", "keep": "skipped", "alarm": "success"}


async def test_waiting_ends_with_the_workflow(stage: Stage) -> None:
    workflow = await stage.submit(pipeline(), {"url": "x"})
    waited = await stage.house.engine.workflows.wait(DEFAULT_ACCOUNT, workflow.id, 0.0)
    assert waited.status is WorkflowState.RUNNING
    await stage.play({"fetch": lambda _: {"title": "t"}})
    waited = await stage.house.engine.workflows.wait(DEFAULT_ACCOUNT, workflow.id, 60.0)
    assert waited.status is WorkflowState.SUCCESS
    with pytest.raises(NotFound):
        await stage.house.engine.workflows.wait("another", workflow.id, 60.0)


async def test_a_reference_that_leads_nowhere_fails_the_node_that_asks(stage: Stage) -> None:
    workflow = await stage.submit(pipeline(), {"url": "x"})
    await stage.play({"fetch": lambda _: {"titel": "t"}})
    node = ((await stage.view(workflow)).nodes or {})["keep"]
    assert node.status == "failed"
    assert node.error is not None
    assert "fetch.result has no member 'title'; it has titel" in node.error.message
    assert node.task_id is not None
    assert (await stage.house.task(node.task_id)).reason == "reference"
    assert [type for type, _ in stage.told] == ["fetch"]


# --- refusals


async def stored(house: House) -> int:
    return await house.engine.bulk.count(DEFAULT_ACCOUNT, TaskFilter())


async def test_what_is_refused_changes_nothing(house: House) -> None:
    schema = {"type": "object", "properties": {"y": {}}, "additionalProperties": False}
    await house.worker("strict", payload_schema=schema)
    with Workflow("wrong") as flow:
        fetch.node()
        task("strict", {"x": 1})
    with pytest.raises(Invalid) as caught:
        await house.engine.workflows.submit(flow.submission())
    assert [one.pointer for one in caught.value.errors] == ["/nodes/strict/payload/x"]
    await house.engine.quotas.set(DEFAULT_ACCOUNT, per_day=1)
    with Workflow("full") as flow:
        [fetch.node() for _ in range(2)]
    with pytest.raises(QuotaExceeded) as refused:
        await house.engine.workflows.submit(flow.submission())
    assert [one.pointer for one in refused.value.errors] == ["/nodes/fetch-2"]
    assert await stored(house) == 0
    assert house.counted("workflows_submitted_total") == 0


async def test_a_key_is_answered_with_the_first_workflow(stage: Stage) -> None:
    def key(url: str) -> Any:
        return fingerprint("POST /workflows", "k", {"url": url})

    first, created = await stage.house.engine.workflows.submit(
        pipeline().submission({"url": "x"}), idempotency=key("x")
    )
    again, repeated = await stage.house.engine.workflows.submit(
        pipeline().submission({"url": "x"}), idempotency=key("x")
    )
    assert (again.id, created, repeated) == (first.id, True, False)
    with pytest.raises(IdempotencyMismatch):
        await stage.house.engine.workflows.submit(pipeline().submission({"url": "y"}), idempotency=key("y"))
    assert await stored(stage.house) == 3


# --- fan-out


def fan_out(**options: Any) -> Workflow:
    with Workflow("pages", **options) as flow:
        urls = list_type.node()
        each = fetch.map(urls.result, limit=2, url=ITEM, n=INDEX)
        flow.returns(total.node(all=each.results).result)
    return flow


async def test_items_run_so_many_at_a_time_and_are_joined_in_order(stage: Stage) -> None:
    workflow = await stage.submit(fan_out())
    await stage.answer(await stage.given(), {"list": lambda _: ["a", "b", "c", "d", "e"]})
    seen: list[int] = []
    while assignments := await stage.given():
        seen.append(len(assignments))
        await stage.answer(assignments[::-1], {"fetch": lambda it: [it["url"], it["n"]]})
    assert max(seen) == 2
    assert sum(seen) == 6
    assert result_of(await stage.view(workflow)) == {
        "all": [["a", 0], ["b", 1], ["c", 2], ["d", 3], ["e", 4]]
    }


async def test_a_list_may_be_empty(stage: Stage) -> None:
    workflow = await stage.submit(fan_out())
    await stage.play({"list": lambda _: []})
    assert result_of(await stage.view(workflow)) == {"all": []}


async def test_a_list_that_is_none_fails_the_node(stage: Stage) -> None:
    workflow = await stage.submit(fan_out())
    await stage.play({"list": lambda _: {"urls": []}})
    assert await stage.ends(workflow) == {"list": "success", "fetch": "failed", "sum": "skipped"}
    assert (await stage.view(workflow)).status is WorkflowState.FAILED


async def test_all_items_run_though_one_fails(stage: Stage) -> None:
    def some(payload: Any) -> Any:
        return fails(payload) if payload["url"] == "b" else payload["url"]

    with Workflow("pages") as flow:
        each = fetch.map(INPUT, url=ITEM).allow_failure()
        each.on_done(total.node(all=each.results, how=each.status))
    workflow = await stage.submit(flow, ["a", "b", "c"])
    await stage.play({"fetch": some})
    assert Counter(type for type, _ in stage.told) == {"fetch": 3, "sum": 1}
    assert stage.told[-1] == ("sum", {"all": ["a", None, "c"], "how": "failed"})
    assert (await stage.view(workflow)).status is WorkflowState.SUCCESS


async def test_a_workflow_runs_so_many_at_a_time(stage: Stage) -> None:
    with Workflow("narrow", max_concurrency=2) as flow:
        [fetch.node(n=n) for n in range(5)]
    workflow = await stage.submit(flow)
    assert len(await stage.given()) == 2
    limits = await stage.house.engine.limits.all(ANYBODY, after=("", ""), limit=10)
    assert [(one.key, one.running) for one in limits] == [(f"workflow:{workflow.id}", 2)]


# --- the end of it all


async def test_finally_comes_last_and_knows_how_it_went(stage: Stage) -> None:
    flow = pipeline()
    flow.finally_(tidy.node(status=WORKFLOW.status, failed=WORKFLOW.failed))
    workflow = await stage.submit(flow, {"url": "x"})
    await stage.play({"fetch": fails})
    assert stage.told[-1] == ("tidy", {"status": "failed", "failed": ["fetch"]})
    assert (await stage.view(workflow)).status is WorkflowState.FAILED


async def test_its_own_failure_fails_the_workflow(stage: Stage) -> None:
    with Workflow("last") as flow:
        fetch.node()
        flow.finally_(tidy.node(status=WORKFLOW.status))
    workflow = await stage.submit(flow)
    await stage.play({"tidy": fails})
    assert stage.told[-1] == ("tidy", {"status": "success"})
    assert (await stage.view(workflow)).status is WorkflowState.FAILED


# --- workflows in workflows


async def test_a_workflow_is_the_work_of_a_node(stage: Stage) -> None:
    with Workflow("inner", max_concurrency=1) as inner:
        page = fetch.node(url=INPUT["url"])
        inner.returns({"of": page.result, "in": WORKFLOW.name})
    with Workflow("outer") as outer:
        once = inner.node(url="once")
        each = inner.map(INPUT, url=ITEM)
        outer.returns([once.result, each.results])
    workflow = await stage.submit(outer, ["a", "b"])
    await stage.play({"fetch": lambda payload: payload["url"]})
    assert result_of(await stage.view(workflow)) == [
        {"of": "once", "in": "inner"},
        [{"of": "a", "in": "inner"}, {"of": "b", "in": "inner"}],
    ]


async def test_items_that_are_workflows_run_so_many_at_a_time(stage: Stage) -> None:
    with Workflow("inner") as inner:
        first = fetch.node(of=INPUT)
        inner.returns(keep.node(of=first.result).result)
    with Workflow("outer") as outer:
        outer.returns(inner.map(["a", "b", "c", "d", "e"], limit=2).results)
    workflow = await stage.submit(outer)
    seen: list[int] = []
    while assignments := await stage.given():
        seen.append(len(assignments))
        await stage.answer(assignments, {type: lambda payload: payload["of"] for type in ("fetch", "keep")})
    assert max(seen) == 2
    assert sum(seen) == 10
    assert result_of(await stage.view(workflow)) == ["a", "b", "c", "d", "e"]


async def test_its_failure_is_that_of_its_node(stage: Stage) -> None:
    with Workflow("inner") as inner:
        fetch.node()
    with Workflow("outer") as outer:
        inner.node().on_failure(alarm.node())
    workflow = await stage.submit(outer)
    await stage.play({"fetch": fails})
    assert await stage.ends(workflow) == {"inner": "failed", "alarm": "success"}


# --- what people do


def endless() -> Workflow:
    with Workflow("endless", deadline=600) as flow:
        page = fetch.node(url=INPUT)
        page >> keep.node(title=page.result) >> total.node()
        flow.finally_(tidy.node(status=WORKFLOW.status))
    return flow


async def test_a_cancel_ends_what_waits_and_asks_what_runs(stage: Stage) -> None:
    workflows = stage.house.engine.workflows
    workflow = await stage.submit(endless(), "x")
    [running] = await stage.given()
    cancelled = await workflows.cancel(DEFAULT_ACCOUNT, workflow.id)
    assert cancelled.status is WorkflowState.RUNNING
    assert cancelled.cancel_requested_at is not None
    [stop] = await stage.worker.told()
    assert isinstance(stop, Stop)
    assert (stop.id, stop.attempt) == (running.id, running.attempt)
    assert await stage.ends(workflow) == {
        "fetch": "running",
        "keep": "cancelled",
        "sum": "cancelled",
        "finally": "blocked",
    }
    await stage.worker.report(Aborted(**stage.worker.about(running)))
    await stage.house.collect()
    await stage.play({})
    assert stage.told == [("tidy", {"status": "cancelled"})]
    view = await stage.view(workflow)
    assert (view.status, str((view.nodes or {})["fetch"].status)) == (WorkflowState.CANCELLED, "cancelled")
    again = await workflows.cancel(DEFAULT_ACCOUNT, workflow.id)
    assert again.rev == view.rev, "twice changes nothing"
    with pytest.raises(NotFound):
        await workflows.cancel("another", workflow.id)


async def test_a_deadline_ends_it_as_failed(stage: Stage) -> None:
    workflow = await stage.submit(endless(), "x")
    [running] = await stage.given()
    assert await stage.house.promote() == 1.0
    assert (await stage.view(workflow)).status is WorkflowState.RUNNING
    stage.house.clock.advance(601)
    await stage.house.promote()
    assert await stage.worker.told() == [Stop(running.id, running.attempt, Why.CANCELLED)]
    answer = await stage.worker.beat((running, True))
    assert [stop.id for stop in answer.stop] == [running.id]
    await stage.worker.report(Aborted(**stage.worker.about(running)))
    await stage.house.collect()
    await stage.play({})
    assert stage.told == [("tidy", {"status": "failed"})]
    view = await stage.view(workflow)
    assert view.status is WorkflowState.FAILED
    assert view.error is not None
    assert view.error.type == "DeadlineExceeded"


async def test_a_redrive_goes_on_from_what_failed(stage: Stage) -> None:
    workflows = stage.house.engine.workflows
    with Workflow("resumed") as flow:
        page = fetch.node(url="x")
        kept = keep.node(title=page.result)
        kept >> total.node()
        kept.on_failure(alarm.node())
    workflow = await stage.submit(flow)
    with pytest.raises(NotAllowed):
        await workflows.redrive(DEFAULT_ACCOUNT, workflow.id)
    await stage.play({"fetch": lambda _: "page", "keep": fails})
    assert [type for type, _ in stage.told] == ["fetch", "keep", "alarm"]
    assert (await workflows.redrive(DEFAULT_ACCOUNT, workflow.id)).status is WorkflowState.RUNNING
    await stage.play({})
    assert [type for type, _ in stage.told[3:]] == ["keep", "sum"], "what succeeded is kept, an alarm too"
    assert (await stage.view(workflow)).status is WorkflowState.SUCCESS


async def test_only_the_items_that_failed_run_again(stage: Stage) -> None:
    with Workflow("items") as flow:
        each = fetch.map(INPUT, url=ITEM)
        flow.returns(total.node(all=each.results).result)
    workflow = await stage.submit(flow, ["a", "b", "c"])
    await stage.play({"fetch": lambda it: fails(it) if it["url"] == "b" else it["url"]})
    await stage.house.engine.workflows.redrive(DEFAULT_ACCOUNT, workflow.id)
    stage.told.clear()
    await stage.play({"fetch": lambda it: it["url"]})
    assert stage.told == [("fetch", {"url": "b"}), ("sum", {"all": ["a", "b", "c"]})]
    page = await stage.house.engine.workflows.items(DEFAULT_ACCOUNT, workflow.id, "fetch", limit=10)
    assert [(one.item, str(one.status)) for one in page.items] == [
        (0, "success"),
        (1, "success"),
        (2, "success"),
    ]


async def test_what_has_ended_can_be_removed_with_all_its_tasks(stage: Stage) -> None:
    workflows = stage.house.engine.workflows
    workflow = await stage.submit(pipeline(), {"url": "x"})
    with pytest.raises(NotAllowed):
        await workflows.delete(DEFAULT_ACCOUNT, workflow.id)
    await stage.play({"fetch": lambda _: {"title": "t"}})
    page = await workflows.all(DEFAULT_ACCOUNT, WorkflowFilter(name="pipeline"), limit=10)
    assert [one.id for one in page.items] == [workflow.id]
    await workflows.delete(DEFAULT_ACCOUNT, workflow.id)
    with pytest.raises(NotFound):
        await workflows.get(DEFAULT_ACCOUNT, workflow.id)
    assert await stored(stage.house) == 0


async def test_a_workflow_is_forgotten_with_its_tasks(stage: Stage) -> None:
    workflow = await stage.submit(pipeline(), {"url": "x"})
    await stage.play({"fetch": lambda _: {"title": "t"}})
    stage.house.clock.advance(6 * 86_400)
    await stage.house.prune()
    await stage.view(workflow)
    stage.house.clock.advance(2 * 86_400)
    await stage.house.prune()
    with pytest.raises(NotFound):
        await stage.view(workflow)
