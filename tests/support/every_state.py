"""A hub that has seen everything: tasks in every state, with whatever can be on them, and all that is kept beside tasks."""

from datetime import timedelta
from typing import Any

from msgspec import Raw, Struct

from taskflow_hub.domain import moves
from taskflow_hub.domain.clock import new_id
from taskflow_hub.domain.latency import Histogram
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.messages import KeepStep, Line, Logged, Progressed, Sleep, WaitEvent
from taskflow_hub.domain.model import DEFAULT_ACCOUNT, ResultRef, TaskType
from taskflow_hub.domain.moves import Fence
from taskflow_hub.domain.schedule import CatchUp, Origin, Overlap
from taskflow_hub.domain.submission import Limit, OnConflict, Unique
from taskflow_hub.domain.trends import STEPS_S, step_of
from taskflow_hub.domain.workflow_view import Workflow
from taskflow_hub.store.base import Store
from taskflow_hub.store.base_trends import Durations
from taskflow_hub.store.values import (
    BulkAction,
    Call,
    Idempotency,
    ItemPage,
    Submit,
    Submitted,
    TaskFilter,
    WorkflowFilter,
)
from taskflow_hub.testing.store_contract.kit import DAY_S, START, Kit, comparable, hold, new_task
from taskflow_hub.testing.store_contract.schedules import fire, history, made, task_of
from taskflow_hub.testing.store_contract.workflow_firing import workflow_of
from taskflow_hub.testing.store_contract.workflow_kit import begin, graph, node, ref

KEY = Idempotency(account_id=DEFAULT_ACCOUNT, route="POST /tasks", key="order-1", fingerprint="f" * 64)
UNIQUE = Unique(key="only one", window=3_600.0, on_conflict=OnConflict.REJECT)


class Seen(Struct, frozen=True):
    """What there is, by name: {"running": id, …}; and the order in which workers of type "t" will get what is queued."""

    ids: dict[str, str]
    line: list[str]


async def live_through_everything(kit: Kit) -> Seen:
    """With nothing but the store's own verbs."""
    ids: dict[str, str] = {}
    kit.clock.advance(-40 * DAY_S)
    old, _ = await kit.in_state(State.FAILED, type="old", tags=("old",), id=new_id_at(kit))
    ids["old"] = old
    kit.clock.advance(40 * DAY_S)
    for state in State:
        ids[state], _ = await kit.in_state(state, **rich_fields())
    await _by_the_clock(kit, ids)
    await _in_workflows(kit, ids)
    await _running(kit, ids)
    await _ended(kit, ids)
    await _limited(kit, ids)
    await _again(kit, ids)
    await _beside(kit, ids)
    line = [
        task.id
        for task in await kit.submit_all(
            [new_task(type="line", queue="line", priority=priority) for priority in (5, 9, 0, 5)]
        )
    ]
    return Seen(ids, [line[1], line[0], line[3], line[2]])


def rich_fields() -> dict[str, Any]:
    """Everything that a task can be given."""
    return {
        "type": f"rich.{new_id()}",
        "queue": "rich",
        "user_id": "Žofie 'quote\" \\ %s $1 🦊",
        "priority": 7,
        "payload": Raw('{"text":"ünïcödé \\"quoted\\" \\\\ \\t \\u2028","n":[1.5,null,true]}'.encode()),
        "tags": ("a", "b,c", '"d"', "{e}"),
        "expires_at": START + timedelta(days=900),
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "parent_id": new_id(),
        "workflow_id": new_id(),  # of one that is forgotten
        "schedule_id": "s1",
        "max_retries": None,
        "timeout": None,
    }


def new_id_at(kit: Kit) -> str:
    """An id as it would have been made at the kit's own time."""
    made_ms = int(kit.clock().timestamp() * 1000)
    digits = f"{made_ms:012x}"
    return f"{digits[:8]}-{digits[8:]}-7{new_id()[15:]}"


async def everything(store: Store, ids: list[str]) -> dict[str, tuple[Any, ...]]:
    """All that can be seen of these tasks."""
    tasks = await store.tasks(ids)
    return {
        id: (
            comparable(tasks[id]),
            await store.attempts(DEFAULT_ACCOUNT, id),
            await store.logs(DEFAULT_ACCOUNT, id, limit=1_000),
        )
        for id in ids
    }


async def in_steps(store: Store, ids: list[str]) -> dict[str, tuple[Any, ...]]:
    """Where the handlers of these tasks are."""
    return {id: (await store.steps(DEFAULT_ACCOUNT, id, limit=1_000), await store.sleeping(id)) for id in ids}


async def _running(kit: Kit, ids: dict[str, str]) -> None:
    started = await kit.run(type="running.started")
    owner = (await kit.get(started.id)).worker
    assert owner is not None
    await kit.store.heartbeat(owner, [hold(started)], stuck=(started.id,), loop_lag_s=0.25)
    said = Progressed(
        worker=owner, n=1, id=started.id, attempt=started.attempt, fraction=0.5, message="half of it"
    )
    await kit.store.progress([said])
    lines = (
        Line(n=1, at=kit.clock(), level="info", message="one\ntwo", fields={"x": 1}),
        Line(n=2, at=kit.clock() - timedelta(days=400), level="warning", message="a clock that is off"),
        Line(n=3, at=kit.clock() + timedelta(days=400), level="warning", message="another one"),
    )
    await kit.store.log([Logged(worker=owner, n=2, id=started.id, attempt=started.attempt, lines=lines)])
    ids["started"] = started.id

    asked = await kit.run(type="running.asked")
    await kit.cancel(asked.id)
    ids["asked to end"] = asked.id

    child = new_task(type="child", parent_id=started.id)
    await kit.submit_request(Submit((child,), call=Call(Fence(started.id, started.attempt), 1)))
    ids["child"] = child.id


async def _ended(kit: Kit, ids: dict[str, str]) -> None:
    large = await kit.run(type="ended.large")
    ref = ResultRef(
        storage="folder", ref=f"{large.id[-2:]}/{large.id}.1.json", preview='"x', size=70_000, ttl=60.0
    )
    succeed = moves.Succeed(id=large.id, attempt=large.attempt, ran_s=0.25, result_ref=ref)
    await kit.store.succeed([succeed])
    ids["large result"] = large.id

    crashed = await kit.run(type="ended.crashed")
    for _ in range(2):
        await kit.lose(crashed)
        crashed = await kit.run_again(crashed.id)
    await kit.succeed(crashed, '{"ü":1e3}'.encode())
    ids["crashed twice"] = crashed.id


async def _limited(kit: Kit, ids: dict[str, str]) -> None:
    one = Limit("host:a", running=1, per_second=0.5)
    done = await kit.run(type="limited.done", limits=(one, Limit("b", running=3)))
    await kit.succeed(done)
    ids["limited done"] = done.id
    kit.clock.advance(2)
    running = await kit.run(type="limited", limits=(one,))
    waiting = await kit.submit(type="limited", limits=(Limit("host:a"), Limit("b")))
    owner = (await kit.get(running.id)).worker
    assert owner is not None
    assert await kit.lease(owner) == []
    assert (await kit.get(waiting.id)).hold == "limit:host:a"
    ids["limited"], ids["limited waits"] = running.id, waiting.id


async def _again(kit: Kit, ids: dict[str, str]) -> None:
    retried = await kit.run(type="again.retried")
    await kit.retry(retried)
    ids["retried"] = retried.id

    snoozed = await kit.run(type="again.snoozed")
    await kit.snooze(snoozed, delay_s=400 * DAY_S)
    ids["snoozed"] = snoozed.id

    await _in_steps(kit, ids)

    released = await kit.run(type="again.released")
    await kit.release(released, ran_s=None)
    ids["released"] = released.id

    redriven, _ = await kit.in_state(State.FAILED, type="again.redriven")
    await kit.redrive(redriven)
    ids["redriven"] = redriven

    ids["unrouted"] = (await kit.submit(type="nobody.knows.it")).id
    await kit.worker("somebody.else")
    await kit.lease()
    assert (await kit.get(ids["unrouted"])).hold == "no_worker"


async def _in_steps(kit: Kit, ids: dict[str, str]) -> None:
    """One that sleeps for an event, and has kept whatever can be kept; and one that was redriven with what it has kept."""
    stepping = await kit.run(type="steps.stepping")
    mine: dict[str, Any] = {"worker": "w", "id": stepping.id, "attempt": stepping.attempt}
    result = Raw('{"ü":[1.5,null,"\\u2028"],"n":123456789012345678901234567890}'.encode())
    await kit.store.keep_step([KeepStep(**mine, name="größe 🦊", result=result, ran_s=0.25)])
    await kit.store.sleep(
        [Sleep(**mine, name="sleep", seconds=0.0), Sleep(**mine, name="sleep#2", seconds=9.5)]
    )
    await kit.store.send_event(DEFAULT_ACCOUNT, stepping.id, "came", Raw('"ja 🦊"'.encode()))
    waits = [
        WaitEvent(**mine, name=name, event=name, timeout=t) for name, t in (("came", 5.0), ("missed", 0.0))
    ]
    await kit.store.wait_event(waits)
    await kit.store.wait_event([WaitEvent(**mine, name="approved", event="approved")])
    until = kit.clock() + timedelta(days=300)
    snooze = moves.Snooze(
        id=stepping.id, attempt=stepping.attempt, ran_s=0.1, until=until, events=("approved", "came.not")
    )
    await kit.store.snooze([snooze])
    ids["stepping"] = stepping.id

    kept, number = await kit.in_state(State.FAILED, type="steps.kept")
    await kit.redrive(kept)
    again = await kit.run_again(kept)
    item = KeepStep(worker="w", id=kept, attempt=again.attempt, name="kept", result=Raw(b"1"))
    await kit.store.keep_step([item])
    await kit.succeed(again)
    assert again.attempt > number
    ids["kept"] = kept


async def _beside(kit: Kit, ids: dict[str, str]) -> None:
    """What is kept beside the tasks."""
    store = kit.store
    await store.pause("paused")
    await store.update_queue("bounded", max_size=7, running=5, per_second=0.5)
    await store.set_quota(DEFAULT_ACCOUNT, per_minute=1_000, queued=1_000, running=1_000, weight=2.0)
    await kit.worker(
        TaskType(type="declared", queue="home", description="What it says of itself."), slots=3, window=2
    )
    await store.retire(await kit.worker("retired"))
    await store.drain(await kit.worker("draining", queues=("a", "b")))
    await store.bury(await kit.worker("lost"))
    await store.sample()
    waited, ran = Histogram.of([0.0, 1.5, 90.0]), Histogram.of([0.25], times=3)
    await store.add_durations("one", [Durations("ann", "größe", step_of(kit.clock(), 60), waited, ran)])
    keyed = new_task(type="keyed")
    assert isinstance(await kit.submit_request(Submit((keyed,), idempotency=KEY)), Submitted)
    ids["keyed"] = keyed.id
    unique = new_task(type="unique", unique=UNIQUE)
    assert isinstance(await kit.submit_request(Submit((unique,))), Submitted)
    ids["unique"] = unique.id
    where = TaskFilter(status=(State.FAILED,), created_before=kit.clock())
    await store.create_bulk(bulk_running(), DEFAULT_ACCOUNT, BulkAction.REDRIVE, where, 3)
    bulk = new_id()
    await store.create_bulk(bulk, DEFAULT_ACCOUNT, BulkAction.DELETE, TaskFilter(tag="x"), 2)
    await store.advance_bulk(bulk, expected=None, cursor=None, done=1, skipped=1)


async def _by_the_clock(kit: Kit, ids: dict[str, str]) -> None:
    """Schedules with a history of every kind: fired and started, waiting, skipped, missed."""
    fields: dict[str, Any] = {"type": "by the clock", "template": Raw('{"task":{"type":"ü"}}'.encode())}
    slow = await made(kit, name="slow", overlap=Overlap.QUEUE_ONE, **fields)
    await made(
        kit,
        name="all-of-it",
        user_id="u",
        cron="0 9 * * MON",
        timezone="Europe/Amsterdam",
        overlap=Overlap.SKIP,
        catch_up=CatchUp.ALL,
        jitter_s=1.5,
        starts_at=kit.clock() + timedelta(days=1),
        ends_at=kit.clock() + timedelta(days=900),
        paused_at=kit.clock(),
        origin=Origin.CODE,
        application="reports",
        **fields,
    )
    await kit.store.trigger_schedule(None, slow.id, task_of)
    kit.clock.advance(120)
    await fire(kit)
    kit.clock.advance(25)
    await fire(kit)
    await kit.succeed((await kit.lease(await kit.worker("by the clock")))[0])
    await kit.store.learn_starts(None, 100)
    ids["triggered"] = (await history(kit, slow))[0].task_id or ""
    template = Raw('{"workflow":{"name":"ü","nodes":{}},"handled":["t"]}'.encode())
    flow = await made(kit, name="flow", type=None, template=template, origin=Origin.CODE, every_s=3_600.0)
    await kit.store.trigger_schedule(None, flow.id, workflow_of)
    await kit.store.learn_starts(None, 100)


async def _in_workflows(kit: Kit, ids: dict[str, str]) -> None:
    """One that has failed and was redriven, with parts that ended in every way; and one that is asked to end."""
    inner = graph({"x": node(type="flow.x", payload={"n": ref("input")})}, deadline=3_600.0)
    nodes = {
        "a": node(type="flow.a"),
        "rejected": node(type="flow.r", payload={"n": ref("a.result.nope")}),
        "skipped": node("a:failure", type="flow.s"),
        "none": node(for_each=ref("a.result.n"), type="flow.n"),
        "each": node(for_each=ref("a.result.list"), graph=inner, payload=ref("item"), max_concurrency=2),
        "last": node("each:done", type="flow.l"),
    }
    given = {
        "name": "ünïcödé",
        "user_id": "ann",
        "tags": ("a", "b,c"),
        "input": Raw('{"ü":null}'.encode()),
        "max_concurrency": 3,
        "deadline": 86_400.0,
        "schedule_id": new_id(),
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    }
    flow = await begin(kit, nodes, node(type="flow.f"), **given)
    await flow.succeed("a", {"list": ["ü", 2], "n": 3})
    for id in await flow.lease():
        attempt = flow.running()[id]
        await (kit.fail(attempt) if b"2" in bytes(attempt.payload) else kit.succeed(attempt, b'{"x":1e3}'))
        flow.forget(id)
    await flow.fail("last")
    await flow.succeed("finally")
    outcome = await kit.store.redrive_workflow(DEFAULT_ACCOUNT, flow.id)
    assert isinstance(outcome, Workflow), outcome
    ids["again in a workflow"] = await flow.task_id("finally")

    ended = await begin(kit, {"a": node(type="flow.e")}, result=Raw(b'{"a":{"$ref":"a.result"}}'))
    await ended.succeed("a", "ö")
    asked = await begin(kit, {"a": node(type="flow.q"), "b": node("a", type="flow.q")})
    ids["asked with its workflow"] = (await asked.attempt("a")).id
    await kit.store.cancel_workflow(DEFAULT_ACCOUNT, asked.id)


async def workflows(store: Store) -> list[Any]:
    """All that can be seen of them."""
    listed = await store.workflows(None, WorkflowFilter(), limit=100)
    views: list[Any] = [listed]
    for one in listed.items:
        view = await store.workflow(None, one.id)
        assert view is not None
        assert view.nodes is not None
        views.append(view)
        for name in [name for name, seen in view.nodes.items() if seen.items is not None]:
            page = await store.workflow_items(None, one.id, name, limit=100)
            assert isinstance(page, ItemPage)
            views.append(page)
            views += [
                await store.workflow(None, item.workflow_id)
                for item in page.items
                if item.workflow_id is not None
            ]
    return views


async def trends(store: Store) -> list[Any]:
    """All that can be seen of what was."""
    long_ago = START - timedelta(days=1)
    return [
        [
            *[await verb(None, queues, long_ago, step_s) for verb in (store.samples, store.latencies)],
            await store.lost_workers(long_ago, 100),
        ]
        for queues in ((), ("line", "rich", "größe"))
        for step_s in STEPS_S
    ]


def bulk_running() -> str:
    """The id of the bulk operation that is under way."""
    return "01a20000-0000-7000-8000-000000000001"
